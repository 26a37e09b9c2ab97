"""Two-bone IK of limbs, and orientations of touching hands."""

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
from .body import turned

_STRAIGHT = 0.998
_STEADYING = 0.04
"""Metres. A hinge closer than this to the limb's line does not define the bend plane; the body's own is blended in."""


def limb_bent(
    upper: np.ndarray,
    lower: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    target: np.ndarray,
    hint: np.ndarray,
    pole: np.ndarray | None = None,
    pole_share: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Orientations of a two-bone limb with its end at a target.

    The limb swings as a whole, turns about the line to the target where a pole asks for it, then its hinge opens or
    closes in its own plane.

    Args:
        upper, lower: (T, 4) orientations in the world.
        first, second: (3,) the two bones at rest.
        target: (T, 3) from the limb's upper joint to where its end belongs.
        hint: (3,) where at rest the hinge stands out when it bends.
        pole: (T, 3) direction in which the hinge ought to stand out.
        pole_share: (T,) how far it ought to, 0 to 1.
    """
    a, b = turned(upper, first), turned(lower, second)
    long, short = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    reach = np.linalg.norm(target, axis=-1)
    distance = np.clip(reach, abs(long - short) + 0.05, _STRAIGHT * (long + short))
    axis = normalized(target)
    whole = shortest_arc(a + b, target)
    seen = _across(turned(whole, a), axis)
    own = normalized(_across(turned(quaternion_multiply(whole, upper), hint), axis))
    unclear = np.maximum(_STEADYING - np.linalg.norm(seen, axis=-1, keepdims=True), 0.0) / _STEADYING
    out = normalized(normalized(seen) * (1 - unclear) + own * unclear)
    if pole is not None and pole_share is not None:
        wanted = normalized(_across(pole, axis))
        angle = np.arctan2((np.cross(out, wanted) * axis).sum(-1), (out * wanted).sum(-1))
        turn = quaternion_from_axis_angle(axis * (angle * pole_share)[:, None])
        whole, out = quaternion_multiply(turn, whole), turned(turn, out)
    along = (long**2 - short**2 + distance**2) / (2 * distance)
    across = np.sqrt(np.maximum(long**2 - along**2, 0.0))
    hinge = along[:, None] * axis + across[:, None] * out
    a, b = turned(whole, a), turned(whole, b)
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


def limited(quaternions: np.ndarray, most: float) -> np.ndarray:
    """Rotations (..., 4) with a soft limit of ``most`` radians on their angle."""
    vector = axis_angle_from_quaternion(quaternions)
    angle = np.linalg.norm(vector, axis=-1, keepdims=True)
    return quaternion_from_axis_angle(vector * (most * np.tanh(angle / most) / np.maximum(angle, 1e-9)))
