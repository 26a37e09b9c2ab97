"""Bodies as capsules, to measure distances between skins and the depth of interpenetration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..motion.rotations import normalized, rotate
from ..motion.skeleton import SMPL

WRIST_TO_PALM = 0.08
"""Metres from the wrist, along the forearm, to the middle of the palm."""
WRIST_TO_PALM_IN_FOREARMS = 0.35
"""The same in lengths of the forearm, as the reranker's features have it: its weights are trained on that."""
_HEAD_TO_CROWN = 0.12
"""Metres from the head joint to the middle of the skull's top."""
L_PALM, R_PALM, CROWN = len(SMPL), len(SMPL) + 1, len(SMPL) + 2
"""Indices of the points that ``body_points`` adds to the joints."""
PALM_RADIUS = 0.025
"""Metres: half a hand's thickness."""


@dataclass(frozen=True)
class Capsule:
    """A part of the body: all points closer than ``radius`` metres to the segment between two points."""

    start: int
    stop: int
    radius: float
    part: str


def _capsules() -> tuple[Capsule, ...]:
    joint = SMPL.index
    middle = [
        Capsule(joint("L_Hip"), joint("R_Hip"), 0.11, "trunk"),
        Capsule(joint("Pelvis"), joint("Spine2"), 0.12, "trunk"),
        Capsule(joint("Spine2"), joint("Spine3"), 0.12, "trunk"),
        Capsule(joint("Spine3"), joint("Neck"), 0.10, "trunk"),
        Capsule(joint("Neck"), joint("Head"), 0.06, "head"),
        Capsule(joint("Head"), CROWN, 0.09, "head"),
    ]
    sides = [
        capsule
        for side, palm in (("L_", L_PALM), ("R_", R_PALM))
        for capsule in (
            Capsule(joint(side + "Collar"), joint(side + "Shoulder"), 0.07, "trunk"),
            Capsule(joint(side + "Shoulder"), joint(side + "Elbow"), 0.05, "arm"),
            Capsule(joint(side + "Elbow"), joint(side + "Wrist"), 0.04, "arm"),
            Capsule(joint(side + "Wrist"), palm, PALM_RADIUS, "hand"),
            Capsule(joint(side + "Hip"), joint(side + "Knee"), 0.075, "leg"),
            Capsule(joint(side + "Knee"), joint(side + "Ankle"), 0.05, "leg"),
            Capsule(joint(side + "Ankle"), joint(side + "Foot"), 0.045, "leg"),
        )
    ]
    return (*middle, *sides)


CAPSULES = _capsules()
"""Capsules of a slim adult; generated people have bones, but no shape."""


def body_points(
    joints: np.ndarray, rotations: np.ndarray, offsets: np.ndarray, sizes: np.ndarray | float = 1.0
) -> np.ndarray:
    """Joints (P, T, 22, 3) followed by both palms and the crown, (P, T, 25, 3).

    Args:
        joints: positions, metres.
        rotations: (P, T, 22, 3, 3) in the world.
        offsets: (P, 22, 3) rest offsets; at rest a hand continues its forearm.
        sizes: (P,) factor of the size of hands and head relative to an adult's.
    """
    size = np.broadcast_to(np.asarray(sizes, np.float64), len(joints))[:, None, None]
    added = []
    for wrist in (SMPL.index("L_Wrist"), SMPL.index("R_Wrist")):
        along = normalized(offsets[:, None, wrist]) * WRIST_TO_PALM * size
        added.append(joints[:, :, wrist] + rotate(rotations[:, :, wrist], along))
    head = SMPL.index("Head")
    added.append(joints[:, :, head] + rotations[:, :, head, :, 1] * _HEAD_TO_CROWN * size)
    return np.concatenate((joints, np.stack(added, axis=2)), axis=2)


def nearest_on_segments(points: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Position (...) of the point of each segment that is nearest to a point: 0 at the start, 1 at the stop."""
    along = stops - starts
    share = ((points - starts) * along).sum(-1) / np.maximum((along * along).sum(-1), 1e-9)
    return np.clip(share, 0.0, 1.0)


def nearest_between_segments(
    first_start: np.ndarray, first_stop: np.ndarray, second_start: np.ndarray, second_stop: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions (...) along two segments of their closest pair of points (Ericson 2005, 5.1.9)."""
    first, second, between = first_stop - first_start, second_stop - second_start, first_start - second_start
    a, e = np.maximum((first * first).sum(-1), 1e-9), np.maximum((second * second).sum(-1), 1e-9)
    b, c, f = (first * second).sum(-1), (first * between).sum(-1), (second * between).sum(-1)
    crossing = a * e - b * b
    s = np.where(crossing > 1e-9, np.clip((b * f - c * e) / np.maximum(crossing, 1e-9), 0, 1), 0.0)
    t = np.clip((b * s + f) / e, 0.0, 1.0)
    return np.clip((b * t - c) / a, 0.0, 1.0), t


def penetrations(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth of each part of the first person in each part of the second.

    Args:
        points: (2, T, 25, 3) of ``body_points``.

    Returns:
        Depths (T, C, C), metres, negative for a gap, and unit vectors (T, C, C, 3) that lead the first person's part
        out of the second's.
    """
    starts, stops = [c.start for c in CAPSULES], [c.stop for c in CAPSULES]
    radii = np.array([c.radius for c in CAPSULES])
    a0, a1 = points[0][:, starts, None], points[0][:, stops, None]
    b0, b1 = points[1][:, None, starts], points[1][:, None, stops]
    s, t = nearest_between_segments(a0, a1, b0, b1)
    apart = a0 + s[..., None] * (a1 - a0) - b0 - t[..., None] * (b1 - b0)
    return radii[:, None] + radii - np.linalg.norm(apart, axis=-1), normalized(apart)
