"""Fingers of two hands that hold each other: they close until they touch the other hand."""

from __future__ import annotations

from itertools import product

import numpy as np

from ..kinematics.filters import hann_smoothed
from .hand_capsules import Capsules, HandPlace, deepest_finger, depths, finger_capsules, hand_capsules, palm_capsules
from .hand_pose import THUMB
from .shapes import SHAPES
from .states import CLASP, FLAT

_TOUCH = 0.001
"""Metres within which a finger touches."""
_SMOOTH = 2
"""Frames on each side over which the closing fingers are smoothed."""
_REACH = np.array((0.3, 0.6, 1.0))
"""How much it counts that each of a finger's bones is away from the other hand, the fingertip most."""
_INSIDE = 30.0
"""How much more it counts that a bone is inside."""
_USUAL, _NEIGHBOUR, _CHANGE = 4e-5, 8e-5, 2e-4
"""Metres that a degree costs by which a finger differs from its usual shape, from the finger beside it, and from the
frame before."""
_LONG = [0, 1, 3, 2]
"""The fingers without the thumb, from the index finger to the pinky."""


def _finger_poses() -> np.ndarray:
    """(N, 4) angles of a finger that are tried: the last joint bends with the one before."""
    bends = product(np.linspace(-16.0, 80.0, 13), np.linspace(6.0, 90.0, 11))
    return np.array([(first, second, 0.6 * second, 0.0) for first, second in bends])


def _thumb_poses() -> np.ndarray:
    """(N, 4) angles of a thumb that are tried."""
    angles = (
        np.linspace(-24.0, 60.0, 9),
        np.linspace(-24.0, 24.0, 7),
        (0.0, 15.0, 30.0, 45.0),
        (0.0, 20.0, 40.0, 60.0),
    )
    return np.array(list(product(*angles)))


_FINGER_POSES, _THUMB_POSES = _finger_poses(), _thumb_poses()


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
        beside = None
        for finger in fingers:
            angles[own] = _closed(hands[own], angles[own], finger, obstacles, beside)
            beside = finger
        # Smoothed before the next fingers close against them.
        angles[own] = hann_smoothed(angles[own].T, _SMOOTH).T
        placed[own] += fingers
    return angles[0], angles[1]


def _closed(hand: HandPlace, angles: np.ndarray, finger: int, obstacles: Capsules, beside: int | None) -> np.ndarray:
    """Angles (T, 20) with one finger where it is nearest to obstacles and outside them, steadily over the frames.

    Args:
        hand, angles, finger: what closes.
        obstacles: of the other hand.
        beside: the finger beside it, which is closed already.
    """
    columns = slice(4 * finger, 4 * finger + 4)
    poses = _THUMB_POSES if finger == THUMB else _FINGER_POSES
    usual = SHAPES[CLASP][columns]
    if finger != THUMB:
        poses = poses + usual * (0.0, 0.0, 0.0, 1.0)
    tried = np.repeat(angles[None], len(poses), axis=0)
    tried[:, :, columns] = poses[:, None]
    inside = depths(finger_capsules(hand, tried, [finger]), obstacles).max(-1)  # (N, T, 3)
    cost = np.maximum(-inside - _TOUCH, 0.0) @ _REACH + _INSIDE * np.maximum(inside, 0.0).max(-1)
    cost += _USUAL * np.abs(poses - usual).mean(-1)[:, None]
    if beside is not None:
        cost += _NEIGHBOUR * np.abs(poses[:, None] - angles[:, 4 * beside : 4 * beside + 4])[..., :3].mean(-1)
    change = _CHANGE * np.abs(poses[:, None] - poses).mean(-1)
    result = angles.copy()
    result[:, columns] = poses[_cheapest_path(cost, change)]
    return result


def _cheapest_path(cost: np.ndarray, change: np.ndarray) -> np.ndarray:
    """(T,) which of N poses to take in each frame, for their costs (N, T) and those of changes between them (N, N)."""
    total, came_from = cost[:, 0], []
    for column in cost.T[1:]:
        ways = total[:, None] + change
        came_from.append(ways.argmin(0))
        total = ways.min(0) + column
    path = [int(total.argmin())]
    for previous in reversed(came_from):
        path.append(int(previous[path[-1]]))
    return np.array(path[::-1])
