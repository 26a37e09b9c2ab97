"""Fingers around a handle, which may be as thin as a sword's or as thick as a bottle."""

from __future__ import annotations

from itertools import product

import numpy as np

from .hand_capsules import Capsules, HandPlace, depths, finger_capsules, palm_capsules
from .hand_pose import FINGERS, THUMB
from .shapes import SHAPES
from .states import HANDLE

HANDLE_RADIUS = 0.0145
"""Metres, of the handle that the state ``handle`` holds."""
_PALM_SURFACE = 0.0195
"""Metres from the plane of the wrist and the knuckles to the nearest side of a handle."""
_ALONG, _THUMBWARD = 0.088, 0.004
"""Metres from the wrist to the middle of a handle, along the fingers and towards the thumb."""
_REACH = 0.1
"""Metres of the handle on each side of its middle that fingers can touch."""
_DEEPEST = 0.001
"""Metres by which a finger presses into the handle at most."""
_TOUCH = 0.001
"""Metres within which a finger touches."""
_LEAST, _MOST = np.array((-5.0, 0.0, 0.0)), np.array((85.0, 100.0, 60.0))
"""Flexion of a finger's joints, degrees."""
_THUMB_LEAST, _THUMB_MOST = np.array((-30.0, -30.0, 0.0, 0.0)), np.array((60.0, 26.0, 45.0, 45.0))
"""Opposition, adduction and flexions of the thumb, degrees."""
_COUNTS, _THUMB_COUNTS = (16, 16, 9), (10, 9, 7, 7)
"""Tried values of each angle."""
_ROUNDS = 3
"""Searches, each over a finer grid around the best pose of the one before."""


def handle_middle(radius: float) -> np.ndarray:
    """(3,) from the left wrist to the middle of a handle with a radius, metres, in the axes of the T-pose."""
    return np.array((_ALONG, -_PALM_SURFACE - radius, _THUMBWARD))


def fingers_around(radius: float, middle: np.ndarray | None = None, direction: np.ndarray | None = None) -> np.ndarray:
    """The angles of a hand's fingers that touch a round handle and do not enter it.

    Each finger takes, of poses on a grid, the one whose three bones are nearest to the handle. A handle that is thicker
    than the hand can reach around is touched as far as fingers go.

    Args:
        radius: of the handle, metres for a hand of the mannequin's size.
        middle: (3,) of the handle from the left wrist, metres, in the T-pose's axes; ``handle_middle`` if left out.
        direction: (3,) along the handle; towards the thumb if left out.

    Returns:
        (20,) degrees.
    """
    middle = handle_middle(radius) if middle is None else middle
    way = np.array((0.0, 0.0, 1.0)) if direction is None else direction / np.linalg.norm(direction)
    rod = Capsules((middle - _REACH * way)[None, None], (middle + _REACH * way)[None, None], np.array([radius]))
    hand = HandPlace(np.zeros((1, 3)), np.eye(3)[None], 0, 1.0)
    angles = SHAPES[HANDLE].copy()
    for finger in range(len(FINGERS)):
        others = palm_capsules(hand)
        if finger == THUMB:
            others = others.joined(finger_capsules(hand, angles[None], range(THUMB)))
        angles = _nearest(hand, angles, finger, rod, others)
    return angles


def _nearest(hand: HandPlace, angles: np.ndarray, finger: int, rod: Capsules, others: Capsules) -> np.ndarray:
    """Angles (20,) with one finger where it is nearest to a rod, outside it and of other parts of the hand."""
    thumb = finger == THUMB
    least, most = (_THUMB_LEAST, _THUMB_MOST) if thumb else (_LEAST, _MOST)
    counts = _THUMB_COUNTS if thumb else _COUNTS
    columns = slice(4 * finger, 4 * finger + len(least))
    usual, low, high = SHAPES[HANDLE][columns], least, most
    for _ in range(_ROUNDS):
        grid = [np.linspace(*ends) for ends in zip(low, high, counts, strict=True)]
        tried = np.tile(angles, (int(np.prod(counts)), 1))
        tried[:, columns] = np.array(list(product(*grid)))
        capsules = finger_capsules(hand, tried[:, None], [finger])
        inside = depths(capsules, rod)[:, 0, :, 0]  # (N, 3)
        # The first bone begins in the palm.
        crossing = depths(capsules, others)[:, 0, 1:].max((-1, -2))
        cost = np.maximum(-inside - _TOUCH, 0.0) @ (0.3, 0.6, 1.0)
        cost += 30.0 * np.maximum(inside - _DEEPEST, 0.0).max(-1) + 30.0 * np.maximum(crossing - _DEEPEST, 0.0)
        cost += 2e-5 * np.abs(tried[:, columns] - usual).mean(-1)
        best = tried[cost.argmin(), columns]
        step = (high - low) / (np.array(counts) - 1)
        low, high = np.maximum(best - step, least), np.minimum(best + step, most)
    result = angles.copy()
    result[columns] = best
    return result
