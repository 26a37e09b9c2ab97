"""A captured motion as a posed skeleton."""

from __future__ import annotations

import numpy as np

from ..core import Motion, PosedSkeleton, rotations


def posed_of(motion: Motion) -> PosedSkeleton:
    """A captured motion as a posed skeleton, with its mean bone lengths."""
    if motion.rotations is None or motion.root_orientation is None:
        raise ValueError("a captured motion knows its rotations")
    local = np.concatenate((motion.root_orientation[:, None], motion.rotations), axis=1)
    world = local.copy()
    offsets = np.zeros((len(motion.skeleton), 3))
    for joint in range(1, len(motion.skeleton)):
        parent = motion.skeleton.parents[joint]
        world[:, joint] = world[:, parent] @ local[:, joint]
        away = motion.joints[:, joint] - motion.joints[:, parent]
        offsets[joint] = np.einsum("tji,tj->ti", world[:, parent], away).mean(axis=0)
    turns = rotations.continuous_signs(rotations.quaternion_from_matrix(local))
    return PosedSkeleton(offsets, turns, motion.joints[:, 0], motion.fps, motion.skeleton)
