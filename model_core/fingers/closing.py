"""Fingers of two hands that hold each other: they close until they touch the other hand."""

from __future__ import annotations

import numpy as np

from ..kinematics.filters import hann_smoothed
from .hand_capsules import Capsules, HandPlace, deepest_finger, depths, finger_capsules, hand_capsules, palm_capsules
from .hand_pose import THUMB
from .shapes import SHAPES
from .states import CLASP, FLAT

_STEPS = 14
"""Closures that are tried from open to closed."""
_TOUCH = 0.0005
"""Metres of depth at which a finger touches."""
_SMOOTH = 2
"""Frames on each side over which the closing fingers are smoothed."""
_OPEN = np.array(((-22.0, 2.0, 0.0), (84.0, 40.0, 24.0)))
"""Flexion of a finger's joints from open to closed, degrees, while its first joint closes."""
_CURL = np.array((0.0, 52.0, 34.0))
"""How much further its other joints close then."""
_THUMB_OPEN = np.array(((-6.0, -22.0, -4.0, 0.0), (58.0, 16.0, 22.0, 26.0)))
"""Opposition, adduction and flexions of the thumb from open to closed."""
_THUMB_CURL = np.array((0.0, 0.0, 22.0, 34.0))
_LONG = [0, 1, 3, 2]
"""The fingers without the thumb, from the index finger to the pinky."""
_LOOSE = 0.5
"""Closure of a finger that touches nothing."""


def _open_for_clasp() -> np.ndarray:
    angles = SHAPES[FLAT].reshape(-1, 4).copy()
    angles[_LONG, :3] = (-10.0, 2.0, 0.0)
    angles[THUMB] = (-30.0, 10.0, -6.0, 0.0)
    return angles.ravel()


OPEN_FOR_CLASP = _open_for_clasp()
"""(20,) angles of a hand that is about to hold another: fingers straight, the thumb behind the palm."""


def closed_fingers(first: HandPlace, second: HandPlace) -> tuple[np.ndarray, np.ndarray]:
    """The angles of the fingers of two hands that hold each other, (T, 20) each, degrees.

    The fingers close one after the other, each against the other hand's palm and the fingers that are closed already:
    those of one hand, those of the other, and then the thumbs. Which hand comes first is decided by the result.
    """
    tries = []
    for leading in (0, 1):
        angles = _closed_in_turn((first, second), leading)
        deepest = deepest_finger(hand_capsules(first, angles[0]), hand_capsules(second, angles[1]))
        tries.append((float(deepest.mean()), leading, angles))
    return min(tries)[2]


def _closed_in_turn(hands: tuple[HandPlace, HandPlace], leading: int) -> tuple[np.ndarray, np.ndarray]:
    """``closed_fingers`` with the fingers of one hand first."""
    angles = [np.tile(SHAPES[CLASP], (len(hand.wrist), 1)) for hand in hands]
    palms = [palm_capsules(hand) for hand in hands]
    placed: list[list[int]] = [[], []]
    for own, fingers in ((leading, _LONG), (1 - leading, _LONG), (leading, [THUMB]), (1 - leading, [THUMB])):
        other = 1 - own
        obstacles = palms[other]
        if placed[other]:
            obstacles = obstacles.joined(finger_capsules(hands[other], angles[other], placed[other]))
        for finger in fingers:
            angles[own] = _closed(hands[own], angles[own], finger, obstacles)
        # Smoothed before the next fingers close against them.
        angles[own] = hann_smoothed(angles[own].T, _SMOOTH).T
        placed[own] += fingers
    return angles[0], angles[1]


def _closed(hand: HandPlace, angles: np.ndarray, finger: int, obstacles: Capsules) -> np.ndarray:
    """Angles (T, 20) with one finger closed until it touches obstacles: its first joint, then the others."""
    span, curl = (_THUMB_OPEN, _THUMB_CURL) if finger == THUMB else (_OPEN, _CURL)
    columns = slice(4 * finger, 4 * finger + len(span[0]))
    result, frames = angles.copy(), np.arange(len(angles))
    share = np.linspace(0.0, 1.0, _STEPS)
    for start, stop, loose in ((span[0], span[1], _LOOSE), (None, curl, 0.3)):
        base = result[:, columns] if start is None else np.broadcast_to(start, (len(angles), len(start)))
        way = stop if start is None else stop - start
        tried = np.repeat(result[None], _STEPS, axis=0)
        tried[:, :, columns] = base + share[:, None, None] * way
        depth = depths(finger_capsules(hand, tried, [finger]), obstacles).max((-1, -2))  # (steps, T)
        number = _touching(depth, round(loose * (_STEPS - 1)))
        result = tried[number, frames]
    return result


def _touching(depth: np.ndarray, loose: int) -> np.ndarray:
    """(T,) the step of depths (N, T) at which a finger that closes from the first step on touches."""
    inside = depth > _TOUCH
    number = np.where(inside.any(0), np.maximum(inside.argmax(0) - 1, 0), loose)
    # A finger that is inside at first goes to where it is least deep, and otherwise stays open.
    start_inside = inside[0]
    free = ~inside
    outside = np.where(free.any(0), free.argmax(0), depth.argmin(0))
    return np.where(start_inside, outside, number)
