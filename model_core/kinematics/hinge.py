"""Limbs whose middle joint is a hinge, as inverse kinematics with a pole target moves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..motion.rotations import normalized

_STRAIGHT = 0.02
"""Fraction of the upper bone's length below which the middle joint's distance from the line through the ends no longer
tells in which plane the limb bends."""


@dataclass(frozen=True)
class LimbRest:
    """A limb at rest, in any unit.

    Attributes:
        upper: (3,) from the first joint to the middle one.
        lower: (3,) from the middle joint to the end.
        side: (3,) unit vector across the line from the first joint to the end, to which the middle joint bends.
    """

    upper: np.ndarray
    lower: np.ndarray
    side: np.ndarray


@dataclass(frozen=True)
class HingedLimb:
    """A limb over time whose middle joint only turns about one axis of its rest pose.

    Attributes:
        upper: (T, 3, 3) rotation of the upper bone from rest.
        lower: (T, 3, 3) rotation of the lower bone from rest.
        middle: (T, 3) from the first joint to the middle one.
        side: (T, 3) unit vectors across the line from the first joint to the end, to which the middle joint bends.
    """

    upper: np.ndarray
    lower: np.ndarray
    middle: np.ndarray
    side: np.ndarray


def limb_at_rest(first: np.ndarray, middle: np.ndarray, end: np.ndarray, pole: np.ndarray) -> LimbRest:
    """A limb from the places (3,) of its joints at rest; if it is straight, it bends to the pole target's."""
    along = normalized(end - first)
    side = middle - first
    across = side - (side @ along) * along
    if np.linalg.norm(across) < 1e-3 * np.linalg.norm(side):
        across = pole - first
        across = across - (across @ along) * along
    return LimbRest(middle - first, end - middle, normalized(across))


def hinged(upper: np.ndarray, lower: np.ndarray, rest: LimbRest) -> HingedLimb:
    """The limb with the same ends that bends only about the axis about which it is bent at rest.

    Its middle joint stays where it is, unless the limb is nearly straight: then its plane is that of the upper bone's
    own rotation, so that it neither flips nor bends backward. Upper and lower bone get another roll.

    Args:
        upper: (T, 3, 3) rotation of the upper bone from rest.
        lower: (T, 3, 3) rotation of the lower bone from rest.
        rest: the limb at rest.
    """
    first = upper @ rest.upper
    ends = first + lower @ rest.lower
    length = np.linalg.norm(ends, axis=-1, keepdims=True)
    along = ends / np.maximum(length, 1e-9)
    own = first - (first * along).sum(-1, keepdims=True) * along
    expected = upper @ rest.side
    expected = normalized(expected - (expected * along).sum(-1, keepdims=True) * along)
    height = np.linalg.norm(own, axis=-1, keepdims=True)
    straight = _STRAIGHT * float(np.linalg.norm(rest.upper))
    side = normalized(own / straight + np.exp(-((height / straight) ** 2)) * expected)
    middle = (first * along).sum(-1, keepdims=True) * along + height * side
    normal = np.cross(along, side)
    at_rest = np.cross(normalized(rest.upper + rest.lower), rest.side)
    return HingedLimb(
        _turn(rest.upper, at_rest, middle, normal),
        _turn(rest.lower, at_rest, ends - middle, normal),
        middle,
        side,
    )


def _turn(bone: np.ndarray, normal: np.ndarray, posed: np.ndarray, posed_normal: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations that take a bone (3,) and a normal across it to those of each frame (T, 3)."""
    return np.asarray(_frame(posed, posed_normal) @ np.swapaxes(_frame(bone, normal), -1, -2))


def _frame(bone: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """(..., 3, 3) axes along a bone, along a normal, and across both."""
    along = normalized(bone)
    flat = normalized(normal - (normal * along).sum(-1, keepdims=True) * along)
    return np.stack((along, flat, np.cross(along, flat)), axis=-1)
