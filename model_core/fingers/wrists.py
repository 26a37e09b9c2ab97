"""Turns hands at their wrists: how far they bend, and how the forearm turns with them."""

from __future__ import annotations

import numpy as np

from ..kinematics.limbs import ARMS
from ..motion.rotations import (
    axis_angle_from_quaternion,
    matrix_from_axis_angle,
    quaternion_from_matrix,
    rotate,
    shortest_arc,
    transposed,
)
from .hand_capsules import HandPlace

_LARGEST_BEND = 0.95
"""Radians between a forearm and a hand at most."""
_FOREARM_SHARE = 0.5
"""Share of a hand's turn about the forearm that the forearm itself makes."""


def hand_of(joints: np.ndarray, rotations: np.ndarray, side: int, size: float) -> HandPlace:
    """The place of a hand from joints (T, 22, 3) and rotations (T, 22, 3, 3) in the world."""
    wrist = ARMS[side].end
    return HandPlace(joints[:, wrist], rotations[:, wrist], side, size)


def bent_at_most(hand: np.ndarray, rotations: np.ndarray, side: int) -> np.ndarray:
    """Orientations (T, 3, 3) of hands that bend no further than a wrist can, for rotations (T, 22, 3, 3) of a body."""
    forearm, out = rotations[:, ARMS[side].hinge], np.broadcast_to(_along(side), (len(hand), 3))
    turn = axis_angle_from_quaternion(shortest_arc(rotate(hand, out), rotate(forearm, out)))
    angle = np.linalg.norm(turn, axis=-1, keepdims=True)
    share = np.maximum(1.0 - _LARGEST_BEND / np.maximum(angle, 1e-9), 0.0)
    return np.asarray(matrix_from_axis_angle(share * turn) @ hand)


def with_turned_hand(rotations: np.ndarray, hand: np.ndarray, side: int) -> np.ndarray:
    """Rotations (T, 22, 3, 3) in the world with another orientation (T, 3, 3) of a hand.

    A part of its turn about the forearm is made by the forearm, as between its two bones.
    """
    arm, result = ARMS[side], rotations.copy()
    forearm = rotations[:, arm.hinge]
    before, after = (twist_about(transposed(forearm) @ turn, side) for turn in (rotations[:, arm.end], hand))
    change = _FOREARM_SHARE * (np.mod(after - before + np.pi, 2 * np.pi) - np.pi)
    result[:, arm.hinge] = forearm @ matrix_from_axis_angle(change[:, None] * _along(side))
    result[:, arm.end] = hand
    return result


def twist_about(local: np.ndarray, side: int) -> np.ndarray:
    """(T,) radians by which a hand with rotations (T, 3, 3) against its forearm is turned about it."""
    quaternion = quaternion_from_matrix(local)
    return np.asarray(2 * np.arctan2(quaternion[..., 1:] @ _along(side), quaternion[..., 0]))


def _along(side: int) -> np.ndarray:
    return np.array((1.0 - 2 * side, 0.0, 0.0))
