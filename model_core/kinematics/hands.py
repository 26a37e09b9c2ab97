"""Moves hands: with the arm first, and with the trunk where the arm does not reach."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..motion.rotations import cross, matrix_from_axis_angle
from ..motion.skeleton import SMPL
from .limbs import ARMS, easy_reach, two_bone_ik
from .pose import PoseBatch

WRISTS = tuple(arm.end for arm in ARMS)
_TRUNK_SHARE = 0.1
"""Fraction of a hand's move that the trunk always follows."""
_LARGEST_LEAN = 0.2
"""Largest lean of the trunk for a hand, radians."""
SPINE = tuple(SMPL.index(name) for name in ("Spine1", "Spine2", "Spine3"))


def _subtree(joint: int) -> list[int]:
    """A joint and all its descendants."""
    result = [joint]
    for child in SMPL.children[joint]:
        result += _subtree(child)
    return result


CHEST_SUBTREE = _subtree(SPINE[-1])
"""The chest and all joints above it."""


def move_hands(pose: PoseBatch, moves: np.ndarray) -> PoseBatch:
    """Displace wrists; hands keep their orientation in the world, and hands without a move stay.

    Args:
        pose: P people.
        moves: (P, T, 2, 3) metres, left and right wrist.
    """
    if not np.abs(moves).max(initial=0) > 1e-5:
        return pose
    joints, rotations = pose.world()
    return pose.with_world_rotations(rotations_with_moved_hands(joints, rotations, moves, pose.offsets, pose.joints))


def rotations_with_moved_hands(
    joints: np.ndarray,
    rotations: np.ndarray,
    moves: np.ndarray,
    offsets: np.ndarray,
    positions_of: Callable[[np.ndarray], np.ndarray],
    largest_lean: float | np.ndarray = _LARGEST_LEAN,
) -> np.ndarray:
    """World rotations (P, T, 22, 3, 3) of bodies whose wrists are displaced.

    Args:
        joints: (P, T, 22, 3) positions.
        rotations: (P, T, 22, 3, 3) in the world.
        moves: (P, T, 2, 3) metres, left and right wrist.
        offsets: (P, 22, 3) rest offsets; only the arms' are used.
        positions_of: maps world rotations (P, T, 22, 3, 3) to positions (P, T, 22, 3).
        largest_lean: largest lean of the trunk for a hand, radians; one, or (P, T, 1).
    """
    targets = joints[:, :, WRISTS] + moves
    rotations = rotations.copy()
    hands = rotations[:, :, WRISTS].copy()
    lean = _lean(offsets, joints, moves, targets, largest_lean)
    turn = matrix_from_axis_angle(lean[..., None, :] * np.array([[1 / 3], [2 / 3], [1]]))
    for number, joint in enumerate(SPINE[:2]):
        rotations[:, :, joint] = turn[:, :, number] @ rotations[:, :, joint]
    rotations[:, :, CHEST_SUBTREE] = turn[:, :, 2:] @ rotations[:, :, CHEST_SUBTREE]
    joints = positions_of(rotations)
    for side, arm in enumerate(ARMS):
        upper, lower = two_bone_ik(arm, offsets, joints, rotations, targets[:, :, side])
        # An arm that need not move keeps exactly its rotations.
        still = np.linalg.norm(targets[:, :, side] - joints[:, :, arm.end], axis=-1)[..., None, None] < 1e-6
        rotations[:, :, arm.upper] = np.where(still, rotations[:, :, arm.upper], upper)
        rotations[:, :, arm.hinge] = np.where(still, rotations[:, :, arm.hinge], lower)
        rotations[:, :, arm.end] = hands[:, :, side]
    return rotations


def _lean(
    offsets: np.ndarray, joints: np.ndarray, moves: np.ndarray, targets: np.ndarray, largest: float | np.ndarray
) -> np.ndarray:
    """(P, T, 3) axis times angle of the chest's rotation that moves both shoulders towards their hands' targets."""
    total = np.zeros_like(joints[:, :, 0])
    for side, arm in enumerate(ARMS):
        to_target = targets[:, :, side] - joints[:, :, arm.upper]
        distance = np.linalg.norm(to_target, axis=-1)
        now = np.linalg.norm(joints[:, :, arm.end] - joints[:, :, arm.upper], axis=-1)
        short = np.maximum(distance - easy_reach(arm, offsets, now), 0) * (distance > now)
        short = np.minimum(short, np.linalg.norm(moves[:, :, side], axis=-1))
        shoulder_move = _TRUNK_SHARE * moves[:, :, side] + (short / np.maximum(distance, 1e-6))[..., None] * to_target
        # Each spine joint takes a third: together they rotate the shoulder about their middle.
        lever = joints[:, :, arm.upper] - joints[:, :, SPINE].mean(2)
        total += cross(lever, shoulder_move) / np.maximum((lever * lever).sum(-1), 1e-4)[..., None]
    angle = np.linalg.norm(total, axis=-1, keepdims=True)
    # A smooth limit.
    largest = np.maximum(largest, 1e-9)
    return total * (largest * np.tanh(angle / largest) / np.maximum(angle, 1e-9))
