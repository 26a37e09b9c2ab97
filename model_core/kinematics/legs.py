"""Legs of two people that rest against each other keep their distance: corrected feet give way to each other.

Legs that only pass are left alone. Dancers' legs pass within a hand's breadth all the time, and a foot that had to keep
its distance from every passing one could not be held to the floor.
"""

from __future__ import annotations

import numpy as np

from ..motion.rotations import normalized
from .contacts import TOES, speeds
from .filters import blurred, covered
from .limbs import LEGS

_TOUCH = 0.12
"""Metres between joints of two people that touch."""
_PASSING = 0.3
"""m/s of joints against each other from which they pass and do not touch."""
_PLAY = 0.004
"""Metres by which their distance may change before feet give way."""
_ALLOWED_CHANGE = 0.008
"""Metres by which corrections may change it in the end."""
_FIRM = 0.1
"""How far a foot that stands gives way, against 1 for one that travels."""

LEG_PARTS = [joint for side, leg in enumerate(LEGS) for joint in (leg.hinge, leg.end, TOES[side])]
"""Knee, ankle and toe, left then right."""


def _distances(joints: np.ndarray) -> np.ndarray:
    """(T, 6, 6) metres between the knees, ankles and toes of two people (2, T, 22, 3)."""
    return np.linalg.norm(joints[0][:, LEG_PARTS, None] - joints[1][:, None, LEG_PARTS], axis=-1)


def legs_touch(joints: np.ndarray, fps: float) -> np.ndarray:
    """(T, 6, 6) whether knees, ankles and toes of two people (2, T, 22, 3) touch those of the other."""
    between = joints[0][:, LEG_PARTS, None] - joints[1][:, None, LEG_PARTS]
    speed = speeds(between[None], fps)[0]
    slow = np.moveaxis(blurred(np.moveaxis(speed, 0, -1), round(0.13 * fps)), -1, 0) < _PASSING
    return (np.linalg.norm(between, axis=-1) < _TOUCH) & slow


def giving_way(
    before: np.ndarray, after: np.ndarray, touching: np.ndarray, stands: np.ndarray, held: int | None
) -> np.ndarray:
    """(2, T, 2, 3) metres by which feet have to move for legs that touch the partner's to keep their distance.

    Only the way towards or from the partner counts, so a foot that stands may still stand beside his; and of two feet
    it is mostly the one that travels that moves.

    Args:
        before: (2, T, 22, 3) joints before the correction.
        after: (2, T, 22, 3) joints after it.
        touching: (T, 6, 6) of ``legs_touch``.
        stands: (2, T, 2) from 0 to 1: the foot stands.
        held: index of a person whose feet stay.
    """
    excess = _distances(after) - _distances(before)
    excess = np.sign(excess) * np.maximum(np.abs(excess) - _PLAY, 0) * touching
    line = normalized(after[0][:, LEG_PARTS, None] - after[1][:, None, LEG_PARTS])
    loose = np.repeat(1 - (1 - _FIRM) * stands, 3, axis=-1)
    if held is not None:
        loose[held] = 0
    both = np.maximum(loose[0][:, :, None] + loose[1][:, None], 1e-6)
    first = -(loose[0][:, :, None] / both * excess)[..., None] * line
    second = (loose[1][:, None] / both * excess)[..., None] * line
    count = (np.abs(excess) > 0).astype(np.float64)
    moves = np.stack((_by_foot(first, count), _by_foot(np.swapaxes(second, 1, 2), np.swapaxes(count, 1, 2))))
    # A standing foot stays on the floor.
    moves[..., 1] *= 1 - stands
    return np.moveaxis(blurred(np.moveaxis(moves, 1, -1), 2), -1, 1)


def _by_foot(moves: np.ndarray, count: np.ndarray) -> np.ndarray:
    """(T, 2, 3) what pairs of parts (T, 6, 6, 3) ask of each foot on average; a knee goes half as far as its foot."""
    frames = len(moves)
    total = moves.reshape(frames, 2, 3, 6, 3).sum(axis=(2, 3))
    number = count.reshape(frames, 2, 3, 6).sum(axis=(2, 3))
    return np.asarray(total / np.maximum(number, 1)[..., None])


def share_that_keeps_touch(before: np.ndarray, after: np.ndarray, touching: np.ndarray) -> np.ndarray:
    """(2, T, 2) share of each foot's correction at which legs that touch the partner's keep their distance.

    Args:
        before: (2, T, 22, 3) joints.
        after: (2, T, 22, 3) joints with all corrections.
        touching: (T, 6, 6) of ``legs_touch``.
    """
    change = np.abs(_distances(after) - _distances(before)) * touching
    # Three joints a leg: the worst of each pair of legs.
    change = change.reshape(len(change), 2, 3, 2, 3).max(axis=(2, 4))
    change = np.stack((change.max(2), change.max(1)))
    less = 1 - np.minimum(_ALLOWED_CHANGE / np.maximum(change, 1e-9), 1.0)
    return np.asarray(1 - np.swapaxes(covered(np.swapaxes(less, 1, 2), 3), 1, 2))
