"""The motions that a message carries: a leader, or two people to change."""

from __future__ import annotations

import numpy as np

from ..errors import UserError
from ..motion import SKELETONS, SMPL, Interaction, Motion
from .protocol import Message


def leader_motion(message: Message) -> Motion:
    """The given person."""
    joints = message.arrays.get("leader_joints")
    if joints is None or not joints.size:
        raise UserError("The leader has no motion; choose an armature with an animation.")
    rotations, root = message.arrays.get("leader_rotations"), message.arrays.get("leader_root")
    try:
        return _motion(joints, rotations, root)
    except ValueError as error:
        raise UserError(f"The leader's motion cannot be read ({error}); choose another armature.") from error


def source_interaction(message: Message) -> Interaction:
    """The interaction that is edited or extended."""
    arrays = [message.arrays.get(f"source_{name}") for name in ("joints", "rotations", "root")]
    joints, rotations, root = arrays
    if joints is None or not joints.size:
        raise UserError("There is no motion to change; choose two animated characters.")
    if any(array is not None and len(array) != 2 for array in arrays):
        raise UserError("The motion to change is not of two people; choose two animated characters.")
    try:
        first, second = (
            _motion(joints[p], None if rotations is None else rotations[p], None if root is None else root[p])
            for p in (0, 1)
        )
    except ValueError as error:
        raise UserError(f"The motion to change cannot be read ({error}); choose other armatures.") from error
    return Interaction((first, second))


def _motion(joints: np.ndarray, rotations: np.ndarray | None, root: np.ndarray | None) -> Motion:
    """One person of a message; the number of joints names the skeleton."""
    sizes = {len(skeleton): skeleton for skeleton in SKELETONS.values()}
    return Motion(
        joints.astype(np.float64),
        None if rotations is None else rotations.astype(np.float64),
        None if root is None else root.astype(np.float64),
        skeleton=sizes.get(joints.shape[1] if joints.ndim > 1 else 0, SMPL),
    )
