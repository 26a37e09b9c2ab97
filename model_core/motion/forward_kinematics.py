"""Forward kinematics: joint positions from local rotations, for numpy arrays and torch tensors."""

from __future__ import annotations

from .rotations import Array, array_library
from .skeleton import Skeleton


def global_rotations(local: Array, skeleton: Skeleton) -> Array:
    """Convert local rotation matrices (..., J, 3, 3), the root's first, to world rotations (..., J, 3, 3)."""
    result = [local[..., 0, :, :]]
    for joint in range(1, len(skeleton)):
        result.append(result[skeleton.parents[joint]] @ local[..., joint, :, :])
    return array_library(local).stack(result, -3)


def forward_kinematics(local: Array, translation: Array, offsets: Array, skeleton: Skeleton) -> Array:
    """Positions of all joints in the world.

    Args:
        local: (..., J, 3, 3) local rotations, the root's orientation first.
        translation: (..., 3) position of the root joint, metres.
        offsets: (J, 3) or (..., J, 3) joint positions in the parent's frame at rest, metres; the root's is unused.
        skeleton: the tree.

    Returns:
        (..., J, 3) joint positions, metres.
    """
    rotations = global_rotations(local, skeleton)
    result = [translation]
    for joint in range(1, len(skeleton)):
        parent = skeleton.parents[joint]
        result.append(result[parent] + (rotations[..., parent, :, :] @ offsets[..., joint, :, None])[..., 0])
    return array_library(local).stack(result, -2)
