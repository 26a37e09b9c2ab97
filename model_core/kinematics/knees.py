"""Touching knees of two people keep their distance: legs swivel about the line from hip to ankle."""

from __future__ import annotations

import numpy as np

from ..motion.rotations import cross, normalized
from .filters import hann_smoothed, smoothstep
from .fitting import rotation_about
from .limbs import LEGS
from .pose import PoseBatch

_TOUCH = (0.12, 0.16)
"""Metres: closer knees than the first distance touch; beyond the second distance they are independent."""
_TOLERANCE = 0.005
"""Metres by which the distance may change."""
_LARGEST_SWIVEL = 0.5
"""Radians."""
_ITERATIONS = 5


def keep_knee_distances(before: np.ndarray, pose: PoseBatch, held: int | None) -> PoseBatch:
    """Restore the distance that touching knees had before the corrections; feet and hips stay.

    Args:
        before: (2, T, 22, 3) joints before all corrections.
        pose: two people after the corrections.
        held: index of a person whose legs must not move; None for neither.
    """
    hinges = [leg.hinge for leg in LEGS]
    target = np.linalg.norm(before[0][:, hinges, None] - before[1][:, None, hinges], axis=-1)
    weight = 1 - smoothstep((target - _TOUCH[0]) / (_TOUCH[1] - _TOUCH[0]))
    if not weight.any():
        return pose
    joints, rotations = pose.world()
    hips, knees = joints[:, :, [leg.upper for leg in LEGS]], joints[:, :, hinges]
    axis = normalized(joints[:, :, [leg.end for leg in LEGS]] - hips)
    arm = knees - hips
    along = (arm * axis).sum(-1, keepdims=True) * axis
    arm = arm - along
    side = cross(axis, arm)
    movable = np.ones((2, 1, 1))
    if held is not None:
        movable[held] = 0
    angle = np.zeros(knees.shape[:3])
    for _ in range(_ITERATIONS):
        cosine, sine = np.cos(angle)[..., None], np.sin(angle)[..., None]
        positions, tangents = (
            hips + along + cosine * arm + sine * side,
            movable[..., None] * (cosine * side - sine * arm),
        )
        gap = positions[0][:, :, None] - positions[1][:, None]
        distance = np.linalg.norm(gap, axis=-1)
        error = distance - target
        error = weight * np.sign(error) * np.maximum(np.abs(error) - _TOLERANCE, 0)
        line = normalized(gap)
        first, second = (line * tangents[0][:, :, None]).sum(-1), -(line * tangents[1][:, None]).sum(-1)
        # The smallest swivel of both that removes the error; a knee on the line from hip to ankle does not swivel.
        step = -error / (first**2 + second**2 + 0.02**2)
        angle[0] += (step * first).sum(2)
        angle[1] += (step * second).sum(1)
        angle = np.clip(angle, -_LARGEST_SWIVEL, _LARGEST_SWIVEL)
    angle = np.moveaxis(hann_smoothed(np.moveaxis(angle, 1, -1), 2), -1, 1)
    for number, leg in enumerate(LEGS):
        swivel = rotation_about(axis[:, :, number], angle[:, :, number])
        for joint in (leg.upper, leg.hinge):
            rotations[:, :, joint] = swivel @ rotations[:, :, joint]
    return pose.with_world_rotations(rotations)
