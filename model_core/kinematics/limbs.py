"""Two-bone inverse kinematics by the law of cosines: legs reach the floor, arms reach a partner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..motion.rotations import cross, normalized, rotate
from ..motion.skeleton import SMPL
from .fitting import swing

_ALMOST_STRAIGHT = 0.998
"""Largest distance between a limb's ends as a fraction of its length: a hinge that never opens fully never flips."""
_UNRESISTED = 0.5
"""Fraction of the distance from its current extension to straight that a limb extends without resistance."""
_UNCERTAIN_BEND = 0.03
"""Metres. If a hinge stands out by less, its bend direction is uncertain, and the limb's default is mixed in."""


@dataclass(frozen=True)
class Limb:
    """Indices of a limb's joints, and the direction at rest in which its hinge moves when it bends."""

    upper: int
    hinge: int
    end: int
    bend: tuple[float, float, float]


def _limb(upper: str, hinge: str, end: str, bend: tuple[float, float, float]) -> Limb:
    return Limb(SMPL.index(upper), SMPL.index(hinge), SMPL.index(end), bend)


LEGS = tuple(_limb(f"{side}_Hip", f"{side}_Knee", f"{side}_Ankle", (0.0, 0.0, 1.0)) for side in "LR")
ARMS = tuple(_limb(f"{side}_Shoulder", f"{side}_Elbow", f"{side}_Wrist", (0.0, -0.42, -0.91)) for side in "LR")


def easy_reach(limb: Limb, offsets: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Distance between a limb's ends (P, T) up to which it follows a target without resistance.

    Args:
        limb: the limb.
        offsets: (P, J, 3) rest offsets.
        current: (P, T) current distance.
    """
    return current + _UNRESISTED * _room(limb, offsets, current)


def softened_distance(limb: Limb, offsets: np.ndarray, target: np.ndarray, current: np.ndarray) -> np.ndarray:
    """The distance (P, T) between a limb's ends for a target and a current distance.

    The first half of the remaining extension is not resisted; then the limb slows down, so that its hinge never snaps
    open. A limb that keeps its extension, however large, is not changed.
    """
    room = _room(limb, offsets, current)
    unresisted = _UNRESISTED * room
    slowing = np.maximum((1 - _UNRESISTED) * room, 1e-6)
    beyond = np.maximum(target - current - unresisted, 0.0)
    return np.minimum(target, current + unresisted) + slowing * (1 - np.exp(-beyond / slowing)) * (beyond > 0)


def _room(limb: Limb, offsets: np.ndarray, current: np.ndarray) -> np.ndarray:
    most = _ALMOST_STRAIGHT * np.linalg.norm(offsets[:, (limb.hinge, limb.end)], axis=-1).sum(-1)
    return np.maximum(most[:, None] - current, 0.0)


def two_bone_ik(
    limb: Limb,
    offsets: np.ndarray,
    joints: np.ndarray,
    rotations: np.ndarray,
    target: np.ndarray,
    distance: np.ndarray | None = None,
    one_way: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Rotations in the world of upper and lower limb for the limb's end to reach a target.

    The limb first swings as a whole towards the target, then its hinge opens or closes in its current plane. Both
    are the smallest possible rotations, so that twists stay.

    Args:
        limb: the limb.
        offsets: (P, J, 3) rest offsets.
        joints: (P, T, J, 3) positions; the limb's upper joint may differ from its forward kinematics.
        rotations: (P, T, J, 3, 3) in the world.
        target: (P, T, 3) of the limb's end; the limb points at a target out of reach.
        distance: (P, T) metres between the limb's ends; None uses ``softened_distance``.
        one_way: whether a hinge that bends against the limb's ``bend`` is mirrored to bend with it.

    Returns:
        Two (P, T, 3, 3).
    """
    upper, lower = rotations[:, :, limb.upper], rotations[:, :, limb.hinge]
    first = rotate(upper, offsets[:, None, limb.hinge])
    second = rotate(lower, offsets[:, None, limb.end])
    to_target = target - joints[:, :, limb.upper]
    lengths = np.linalg.norm(offsets[:, (limb.hinge, limb.end)], axis=-1)
    long, short = lengths[:, None, 0], lengths[:, None, 1]
    if distance is None:
        current, target_distance = np.linalg.norm(first + second, axis=-1), np.linalg.norm(to_target, axis=-1)
        distance = softened_distance(limb, offsets, target_distance, current)
    distance = np.maximum(distance, np.abs(long - short) * 1.001 + 1e-4)

    axis = normalized(to_target)
    whole = swing(first + second, to_target)
    # The direction in which the hinge stands out from the line between the ends, stabilised by the limb's default.
    bend_direction = _off_axis(rotate(whole, first), axis)
    default = normalized(_off_axis(rotate(whole @ upper, np.array(limb.bend)), axis))
    if one_way:
        forward = normalized(cross(axis, rotate(whole @ upper, hinge_axis(limb, offsets)[:, None])))
        bend_direction = bend_direction - 2 * np.minimum((bend_direction * forward).sum(-1, keepdims=True), 0) * forward
    unclear = np.maximum(_UNCERTAIN_BEND - np.linalg.norm(bend_direction, axis=-1, keepdims=True), 0)
    out = normalized(bend_direction + unclear * default)
    along = (long**2 - short**2 + distance**2) / (2 * distance)
    across = np.sqrt(np.maximum(long**2 - along**2, 0.0))
    hinge = along[..., None] * axis + across[..., None] * out
    upper_turn = swing(rotate(whole, first), hinge) @ whole
    lower_turn = swing(rotate(whole, second), distance[..., None] * axis - hinge) @ whole
    return upper_turn @ upper, lower_turn @ lower


def hinge_axis(limb: Limb, offsets: np.ndarray) -> np.ndarray:
    """(P, 3) the axes about which hinges bend (right hand), at rest, of people with rest offsets (P, J, 3)."""
    rest = offsets[:, limb.hinge]
    return np.asarray(normalized(cross(np.broadcast_to(np.array(limb.bend), rest.shape), rest)))


def _off_axis(vectors: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) without their part along unit vectors ``axis``."""
    return vectors - (vectors * axis).sum(-1, keepdims=True) * axis
