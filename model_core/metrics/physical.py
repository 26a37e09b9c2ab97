"""Physical plausibility: sliding and floating feet, interpenetration, jerk, and rotation pops.

Skate, floating, interpenetration and jerk are the metrics of papers on two-person motion; contact distances and
rotation steps are what an animator notices first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..kinematics.legs import LEG_PARTS, legs_touch
from ..kinematics.limbs import LEGS
from ..motion.posed import PosedSkeleton
from ..motion.rotations import angle_between, matrix_from_quaternion, normalized
from ..motion.skeleton import SMPL

FOOT_JOINTS = tuple(SMPL.index(name) for name in ("L_Ankle", "L_Foot", "R_Ankle", "R_Foot"))
_LEGS = np.array(LEG_PARTS)
LOW = 0.05
"""Metres above the floor below which an ankle or toe joint should stand still."""
TOUCH = 0.12
"""Metres between joints of two people below which their bodies touch."""


@dataclass(frozen=True)
class PhysicalMetrics:
    """Metrics of one clip of one or two people; less is better, but captured motion is not at zero either.

    Attributes:
        skate: mean horizontal travel of low foot joints, mm per frame.
        floating: mean height of each person's lowest joint above the floor, mm.
        interpenetration: mean amount by which the nearest joints of the two are closer than 12 cm, mm; 0 for one.
        jerk: mean size of the third derivative of joint positions, m/s^3.
    """

    skate: float
    floating: float
    interpenetration: float
    jerk: float


def physical_metrics(joints: np.ndarray, fps: float, floor: float = 0.0) -> PhysicalMetrics:
    """All metrics of a clip.

    Args:
        joints: (P, T, 22, 3) positions of one or two people in one world, metres, Y up.
        fps: frames per second.
        floor: height of the floor, metres.
    """
    return PhysicalMetrics(skate(joints, floor), floating(joints, floor), interpenetration(joints), jerk(joints, fps))


def skate(joints: np.ndarray, floor: float = 0.0) -> float:
    """Mean horizontal travel, mm per frame, of ankles and toes that are below 5 cm in both frames; 0 if none is."""
    feet = joints[:, :, FOOT_JOINTS]
    low = feet[..., 1] < floor + LOW
    low = low[:, 1:] & low[:, :-1]
    if not low.any():
        return 0.0
    travel = np.linalg.norm(np.diff(feet[..., [0, 2]], axis=1), axis=-1)
    return 1000 * float(travel[low].mean())


def floating(joints: np.ndarray, floor: float = 0.0) -> float:
    """Mean height of each person's lowest joint above the floor, mm; negative below the floor."""
    return 1000 * float(joints[..., 1].min(axis=-1).mean() - floor)


def joint_distances(joints: np.ndarray) -> np.ndarray:
    """Distances (T, 22, 22), metres, from each joint of the first to each of the second of (2, T, 22, 3)."""
    return np.linalg.norm(joints[0][:, :, None] - joints[1][:, None], axis=-1)


def interpenetration(joints: np.ndarray) -> float:
    """Mean over frames of the amount by which the nearest joints of two people are closer than 12 cm, mm; 0 for one."""
    if len(joints) < 2:
        return 0.0
    nearest = joint_distances(joints).min(axis=(1, 2))
    return 1000 * float(np.maximum(TOUCH - nearest, 0).mean())


def jerk(joints: np.ndarray, fps: float) -> float:
    """Mean length of the third difference of joint positions times fps^3, m/s^3; 0 for clips under four frames."""
    if joints.shape[1] < 4:
        return 0.0
    return float(np.linalg.norm(np.diff(joints, n=3, axis=1), axis=-1).mean()) * fps**3


def touching_joints(joints: np.ndarray, fps: float) -> np.ndarray:
    """(T, 22, 22) whether joints of two people touch: closer than 12 cm, without legs that only pass each other.

    Args:
        joints: (2, T, 22, 3) positions.
        fps: frames per second.
    """
    touching = joint_distances(joints) < TOUCH
    touching[:, _LEGS[:, None], _LEGS] &= legs_touch(joints, fps)
    return touching


def contact_distance_changes(before: np.ndarray, after: np.ndarray, touching: np.ndarray | None = None) -> np.ndarray:
    """(N,) mm by which the distance changed, for every pair of joints of two people that touched ``before``.

    Args:
        before: (2, T, 22, 3) positions.
        after: (2, T, 22, 3) positions of the same clip after clean-up.
        touching: (T, 22, 22) true for pairs that count; None for all that are closer than 12 cm in ``before``.
    """
    near = joint_distances(before)
    return 1000 * np.abs(joint_distances(after) - near)[near < TOUCH if touching is None else touching]


def knee_angles(joints: np.ndarray) -> np.ndarray:
    """(P, T, 2) degrees between thigh and shin, left and right, of joints (P, T, 22, 3); a straight leg has 180."""
    thigh = joints[:, :, [leg.upper for leg in LEGS]] - joints[:, :, [leg.hinge for leg in LEGS]]
    shin = joints[:, :, [leg.end for leg in LEGS]] - joints[:, :, [leg.hinge for leg in LEGS]]
    cosine = (normalized(thigh) * normalized(shin)).sum(-1)
    return np.asarray(np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0))))


def rotation_steps(skeleton: PosedSkeleton) -> np.ndarray:
    """(T - 1, J) degrees by which each joint's local rotation (the root's in the world) changes from frame to frame."""
    matrices = matrix_from_quaternion(skeleton.rotations)
    return np.rad2deg(angle_between(matrices[:-1], matrices[1:]))


def foot_rotation_steps(skeleton: PosedSkeleton) -> np.ndarray:
    """(T - 1, 4) degrees per frame of ankles and toes, in the order of ``FOOT_JOINTS``: pops of corrected feet."""
    return rotation_steps(skeleton)[:, FOOT_JOINTS]
