"""Keeps the distance of legs of two people that rest against each other: corrected feet yield to each other.

Legs that only pass are ignored. Dancers' legs pass within 10 cm all the time, and a foot that kept its distance from
every passing leg could not be locked to the floor.
"""

from __future__ import annotations

import numpy as np

from ..motion.rotations import normalized
from .contacts import TOES, speeds
from .filters import hann_smoothed, upper_envelope
from .limbs import LEGS

_TOUCH = 0.12
"""Metres between joints of two people that touch."""
_PASSING = 0.3
"""m/s of joints relative to each other, above which they pass and do not touch."""
_TOLERANCE = 0.004
"""Metres by which their distance may change before feet yield."""
ALLOWED_CHANGE = 0.008
"""Metres by which the final corrections may change the distance."""
_STANDING_MOBILITY = 0.1
"""Mobility of a standing foot, relative to 1 for a foot that travels."""

LEG_PARTS = [joint for side, leg in enumerate(LEGS) for joint in (leg.hinge, leg.end, TOES[side])]
"""Knee, ankle and toe, left then right."""


def _distances(joints: np.ndarray) -> np.ndarray:
    """(T, 6, 6) metres between the knees, ankles and toes of two people (2, T, 22, 3)."""
    return np.linalg.norm(joints[0][:, LEG_PARTS, None] - joints[1][:, None, LEG_PARTS], axis=-1)


def legs_touch(joints: np.ndarray, fps: float) -> np.ndarray:
    """(T, 6, 6) whether knees, ankles and toes of two people (2, T, 22, 3) touch those of the other."""
    between = joints[0][:, LEG_PARTS, None] - joints[1][:, None, LEG_PARTS]
    speed = speeds(between[None], fps)[0]
    slow = np.moveaxis(hann_smoothed(np.moveaxis(speed, 0, -1), round(0.13 * fps)), -1, 0) < _PASSING
    return (np.linalg.norm(between, axis=-1) < _TOUCH) & slow


def yielding_moves(
    before: np.ndarray, after: np.ndarray, touching: np.ndarray, stands: np.ndarray, held: int | None
) -> np.ndarray:
    """(2, T, 2, 3) metres by which feet move so that touching legs keep their distance.

    Only the distance to the partner counts, so a standing foot can still stand next to the partner's foot. Of two feet,
    mostly the one that travels moves.

    Args:
        before: (2, T, 22, 3) joints before the correction.
        after: (2, T, 22, 3) joints after it.
        touching: (T, 6, 6) from ``legs_touch``.
        stands: (2, T, 2) from 0 to 1: the foot stands.
        held: index of a person whose feet stay.
    """
    excess = _distances(after) - _distances(before)
    excess = np.sign(excess) * np.maximum(np.abs(excess) - _TOLERANCE, 0) * touching
    line = normalized(after[0][:, LEG_PARTS, None] - after[1][:, None, LEG_PARTS])
    mobility = np.repeat(1 - (1 - _STANDING_MOBILITY) * stands, 3, axis=-1)
    if held is not None:
        mobility[held] = 0
    both = np.maximum(mobility[0][:, :, None] + mobility[1][:, None], 1e-6)
    first = -(mobility[0][:, :, None] / both * excess)[..., None] * line
    second = (mobility[1][:, None] / both * excess)[..., None] * line
    count = (np.abs(excess) > 0).astype(np.float64)
    moves = np.stack((_by_foot(first, count), _by_foot(np.swapaxes(second, 1, 2), np.swapaxes(count, 1, 2))))
    # A standing foot stays on the floor.
    moves[..., 1] *= 1 - stands
    return np.moveaxis(hann_smoothed(np.moveaxis(moves, 1, -1), 2), -1, 1)


def _by_foot(moves: np.ndarray, count: np.ndarray) -> np.ndarray:
    """(T, 2, 3) mean move of each foot that the pairs of joints (T, 6, 6, 3) ask for."""
    frames = len(moves)
    total = moves.reshape(frames, 2, 3, 6, 3).sum(axis=(2, 3))
    number = count.reshape(frames, 2, 3, 6).sum(axis=(2, 3))
    return np.asarray(total / np.maximum(number, 1)[..., None])


def touch_preserving_share(before: np.ndarray, after: np.ndarray, touching: np.ndarray) -> np.ndarray:
    """(2, T, 2) fraction of each foot's correction that keeps the distance of touching legs.

    Args:
        before: (2, T, 22, 3) joints.
        after: (2, T, 22, 3) joints with all corrections.
        touching: (T, 6, 6) from ``legs_touch``.
    """
    change = np.abs(_distances(after) - _distances(before)) * touching
    # Each leg has three joints: take the worst of each pair of legs.
    change = change.reshape(len(change), 2, 3, 2, 3).max(axis=(2, 4))
    change = np.stack((change.max(2), change.max(1)))
    less = 1 - np.minimum(ALLOWED_CHANGE / np.maximum(change, 1e-9), 1.0)
    return np.asarray(1 - np.swapaxes(upper_envelope(np.swapaxes(less, 1, 2), 3), 1, 2))


def touch_change(before: np.ndarray, after: np.ndarray, touching: np.ndarray) -> float:
    """Metres by which the distance of touching legs changes at most.

    Args:
        before: (2, T, 22, 3) joints.
        after: (2, T, 22, 3) joints after corrections.
        touching: (T, 6, 6) from ``legs_touch``.
    """
    return float((np.abs(_distances(after) - _distances(before)) * touching).max())
