"""Motion between SMPL's T-pose and any other rest pose: how a rig's bones turn for a motion, and the way back.

Each SMPL joint is a landmark fixed to a bone of the rig. In the rest pose the landmark's frame is SMPL's T-pose, its
bones turned by the smallest amount into the rig's: so arms of A-pose and T-pose rigs point where the motion's do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..motion.capture import laid_over
from ..motion.forward_kinematics import global_rotations
from ..motion.joint_names import Humanoid
from ..motion.landmarks import Landmarks, landmarks_of, rest_reference
from ..motion.posed import PosedSkeleton
from ..motion.rest import SMPL_REST_OFFSETS
from ..motion.rotations import matrix_from_quaternion, normalized, rotate, shortest_arc, transposed
from ..motion.skeleton import SMPL
from ..motion.types import Motion

_DIRECTIONS = normalized(SMPL_REST_OFFSETS)
_SPINE = tuple(SMPL.index(name) for name in ("Spine1", "Spine2", "Spine3"))
_HIGHEST_SOLE = 0.1
"""Share of the hips' height that a lowest joint may lie over a rig's floor; what is more is no sole."""


@dataclass(frozen=True)
class RigRest:
    """A rig's rest pose, measured with SMPL's joints. Metres; any axes, but the same for all of it.

    Attributes:
        rotations: (N, 3, 3) the bones' orientations at rest.
        landmarks: SMPL's joints fixed to the bones.
        body: (3, 3) turns SMPL's T-pose into the rig's.
        drives: SMPL joint to the bone that takes over its rotation, for all joints that have one.
        hip_height: of the pelvis over the lowest joint.
        sole: how far the lowest joint lies over the rest pose's floor.
    """

    rotations: np.ndarray
    landmarks: Landmarks
    body: np.ndarray
    drives: dict[int, int]
    hip_height: float
    sole: float


def fit_rest(
    humanoid: Humanoid, rotations: np.ndarray, positions: np.ndarray, ends: np.ndarray, floor: np.ndarray
) -> RigRest:
    """Measure a rest pose.

    Args:
        humanoid: which bones are a person's.
        rotations: (N, 3, 3) the bones' orientations at rest.
        positions: (N, 3) where the bones begin.
        ends: (N, 3) where they end, in their own frames.
        floor: (3,) a point of the floor that the rest pose stands on.
    """
    reference = rest_reference(humanoid, rotations, positions)
    landmarks = landmarks_of(humanoid, reference, ends)
    points = positions[landmarks.owners] + rotate(rotations[landmarks.owners], landmarks.places)
    heights = points @ reference.body[:, 1]
    hip_height = float(heights[0] - heights.min())
    sole = float(heights.min() - floor @ reference.body[:, 1])
    usable = 0.0 < sole < _HIGHEST_SOLE * hip_height
    drives = {SMPL.index(name): bone for name, bone in humanoid.joints.items()}
    for bone in humanoid.spine:
        # A bone that stands for several of the spine's joints turns as the highest: the arms hang from it.
        owned = [joint for joint in _SPINE if landmarks.owners[joint] == bone]
        if owned and bone not in drives.values():
            drives[owned[-1]] = bone
    return RigRest(rotations, landmarks, reference.body, drives, hip_height, sole if usable else 0.0)


def person_hip_height(offsets: np.ndarray) -> float:
    """Height of a person's root over the lowest joint in the T-pose, from the offsets (J, 3)."""
    heights = np.zeros(len(SMPL))
    for joint in range(1, len(SMPL)):
        heights[joint] = heights[SMPL.parents[joint]] + offsets[joint, 1]
    return float(-heights.min())


def bone_turns(posed: PosedSkeleton, rest: RigRest) -> dict[int, np.ndarray]:
    """How far each driven bone is turned from its rest, in the world: bone index to rotations (T, 3, 3).

    A bone's orientation in the world is its turn times its orientation at rest.
    """
    turned = global_rotations(matrix_from_quaternion(posed.rotations[:, : len(SMPL)]), SMPL)
    result = {}
    for joint, bone in rest.drives.items():
        below = SMPL.children[joint]
        swing = np.eye(3)
        if len(below) == 1 and np.linalg.norm(posed.offsets[below[0]]) > 1e-6:
            # People's bones may lie a little differently in the T-pose than SMPL's.
            swing = matrix_from_quaternion(shortest_arc(_DIRECTIONS[below[0]], posed.offsets[below[0]]))
        own = rest.rotations[bone] @ rest.landmarks.turns[joint]
        if rest.landmarks.owners[joint] != bone:
            # The joint was placed elsewhere than the bone begins (collars are), so no direction can be compared.
            own, swing = rest.body, np.eye(3)
        result[bone] = turned[:, joint] @ swing @ transposed(own)
    return result


def motion_of_bones(rest: RigRest, rotations: np.ndarray, positions: np.ndarray) -> Motion:
    """The motion of a rig on SMPL's joints, at 30 frames a second.

    Args:
        rest: of the rig, in metres as the positions are.
        rotations: (T, N, 3, 3) the bones' orientations in the world, Y up.
        positions: (T, N, 3) where they begin, metres.
    """
    owners = rest.landmarks.owners
    points = positions[:, owners] + rotate(rotations[:, owners], rest.landmarks.places)
    return laid_over(points, rotations[:, owners] @ rest.landmarks.turns)
