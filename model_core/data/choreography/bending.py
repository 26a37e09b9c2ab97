"""Two-bone inverse kinematics of limbs, and orientations of touching hands."""

from __future__ import annotations

import numpy as np

from ...motion.rotations import (
    axis_angle_from_quaternion,
    normalized,
    quaternion_conjugate,
    quaternion_from_axis_angle,
    quaternion_from_matrix,
    quaternion_multiply,
    shortest_arc,
)
from .body import rotate_vectors

_STRAIGHT = 0.998
_UNCERTAIN_BEND = 0.04
"""Metres. A hinge closer than this to the limb's line does not define the bend plane; the body's own is blended in."""


def two_bone_ik(
    upper: np.ndarray,
    lower: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    target: np.ndarray,
    hint: np.ndarray,
    pole: np.ndarray | None = None,
    pole_share: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Orientations of a two-bone limb whose end is at a target.

    The limb swings as a whole, turns about the line to the target as far as the pole requires, then its hinge opens or
    closes in its own plane.

    Args:
        upper, lower: (T, 4) orientations in the world.
        first, second: (3,) the two bones at rest.
        target: (T, 3) from the limb's upper joint to the target of its end.
        hint: (3,) direction at rest in which the hinge moves when it bends.
        pole: (T, 3) preferred direction of the hinge.
        pole_share: (T,) weight of the pole, 0 to 1.
    """
    a, b = rotate_vectors(upper, first), rotate_vectors(lower, second)
    long, short = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    reach = np.linalg.norm(target, axis=-1)
    distance = np.clip(reach, abs(long - short) + 0.05, _STRAIGHT * (long + short))
    axis = normalized(target)
    whole = shortest_arc(a + b, target)
    bend_direction = _across(rotate_vectors(whole, a), axis)
    default = normalized(_across(rotate_vectors(quaternion_multiply(whole, upper), hint), axis))
    unclear = (
        np.maximum(_UNCERTAIN_BEND - np.linalg.norm(bend_direction, axis=-1, keepdims=True), 0.0) / _UNCERTAIN_BEND
    )
    out = normalized(normalized(bend_direction) * (1 - unclear) + default * unclear)
    if pole is not None and pole_share is not None:
        target_direction = normalized(_across(pole, axis))
        angle = np.arctan2((np.cross(out, target_direction) * axis).sum(-1), (out * target_direction).sum(-1))
        turn = quaternion_from_axis_angle(axis * (angle * pole_share)[:, None])
        whole, out = quaternion_multiply(turn, whole), rotate_vectors(turn, out)
    along = (long**2 - short**2 + distance**2) / (2 * distance)
    across = np.sqrt(np.maximum(long**2 - along**2, 0.0))
    hinge = along[:, None] * axis + across[:, None] * out
    a, b = rotate_vectors(whole, a), rotate_vectors(whole, b)
    upper_turn = quaternion_multiply(shortest_arc(a, hinge), whole)
    lower_turn = quaternion_multiply(shortest_arc(b, distance[:, None] * axis - hinge), whole)
    return quaternion_multiply(upper_turn, upper), quaternion_multiply(lower_turn, lower)


def _across(vectors: np.ndarray, axis: np.ndarray) -> np.ndarray:
    return vectors - (vectors * axis).sum(-1, keepdims=True) * axis


def hand_orientation(side: int, fingers: np.ndarray, palm: np.ndarray) -> np.ndarray:
    """Orientations (T, 4) of a hand (0 left, 1 right) by the world directions of its fingers and palm, (T, 3) each."""
    x = normalized(fingers) * (1.0 if side == 0 else -1.0)
    y = normalized(_across(-palm, normalized(fingers)))
    return quaternion_from_matrix(np.stack((x, y, np.cross(x, y)), -1))


def twist_about(quaternions: np.ndarray, axis: int) -> np.ndarray:
    """The part (..., 4) of rotations (..., 4) that turns about a coordinate axis."""
    twist = np.zeros_like(quaternions)
    twist[..., 0], twist[..., 1 + axis] = quaternions[..., 0], quaternions[..., 1 + axis]
    length = np.linalg.norm(twist, axis=-1, keepdims=True)
    safe = np.where(length > 1e-6, twist / np.maximum(length, 1e-6), np.eye(4)[0])
    return np.where(safe[..., :1] < 0, -safe, safe)


def shared_twist(elbow: np.ndarray, hand: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """A forearm that takes over a fraction of the hand's twist, and the wrist's local rotation.

    Args:
        elbow: (T, 4) orientation of the forearm in the world.
        hand: (T, 4) orientation of the hand in the world.
        share: 0 to 1.

    Returns:
        The forearm's orientation and the wrist's local rotation, (T, 4) each.
    """
    local = quaternion_multiply(quaternion_conjugate(elbow), hand)
    twist = axis_angle_from_quaternion(twist_about(local, 0)) * share
    elbow = quaternion_multiply(elbow, quaternion_from_axis_angle(twist))
    return elbow, quaternion_multiply(quaternion_conjugate(elbow), hand)


def soft_limited(quaternions: np.ndarray, limit: float) -> np.ndarray:
    """Rotations (..., 4) with a soft limit of ``limit`` radians on their angle."""
    vector = axis_angle_from_quaternion(quaternions)
    angle = np.linalg.norm(vector, axis=-1, keepdims=True)
    return quaternion_from_axis_angle(vector * (limit * np.tanh(angle / limit) / np.maximum(angle, 1e-9)))
