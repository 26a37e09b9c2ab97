"""Bodies that do not stand on their feet alone: a plank on hands and toes, and a leap over something."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...motion.rotations import quaternion_multiply
from .body import TOE_HEIGHT, BodyShape, J, axis_quaternion, floor_direction, rotate_vectors, yaw_quaternion
from .curves import min_jerk, ramp
from .tracks import Track, vertical

_UPPER, _LOWER = 0.4, 0.11
"""Angles in radians between the floor and a body in a plank: on stretched arms, and near the floor."""
_ON_TOES = 1.15
"""Radians by which the feet of a body in a plank are raised from the floor."""
_EDGE = 0.16
"""Seconds in which feet leave the floor and come back to it."""


@dataclass(frozen=True)
class Leap:
    """A stretch of time in the air.

    Attributes:
        start, stop: seconds.
        height: metres by which the pelvis rises.
        spread: metres from the middle to each foot.
    """

    start: float
    stop: float
    height: float
    spread: float


def plank(track: Track, body: BodyShape, low: np.ndarray, facing: np.ndarray) -> Track:
    """The body straight from the toes to the head, which is ahead; ``low`` (T,) is 0 with stretched arms, 1 below."""
    angle = _UPPER + (_LOWER - _UPPER) * low
    ahead = floor_direction(facing)
    turns, toes, feet = track.turns.copy(), track.toes.copy(), track.feet.copy()
    # Both feet at one height and one distance, on their toes.
    along = (toes * ahead[:, None]).sum(-1)
    toes += (along.mean(-1, keepdims=True) - along)[..., None] * ahead[:, None]
    toes[..., 1] = TOE_HEIGHT
    pitch = axis_quaternion("x", np.full(len(low), _ON_TOES))
    for side in (0, 1):
        feet[:, side] = quaternion_multiply(feet[:, side], pitch)
    foot = body.offsets[[J["L_Foot"], J["R_Foot"]]].mean(0)[None].repeat(len(low), 0)
    ankles = toes.mean(1) - rotate_vectors(quaternion_multiply(yaw_quaternion(facing), pitch), foot * [0.0, 1.0, 1.0])
    length = 0.997 * body.leg + abs(float(body.offsets[J["L_Hip"]][1]))
    root = ankles + vertical(length * np.sin(angle)) + (length * np.cos(angle))[:, None] * ahead
    turns[:, 0] = quaternion_multiply(turns[:, 0], axis_quaternion("x", 0.5 * np.pi - angle))
    # The head is raised, as one who looks ahead.
    for name in ("Neck", "Head"):
        turns[:, J[name]] = quaternion_multiply(axis_quaternion("x", np.full(len(low), -0.2)), turns[:, J[name]])
    return Track(turns, root, toes, feet)


def leap(track: Track, body: BodyShape, how: Leap, times: np.ndarray, facing: np.ndarray) -> Track:
    """The body in the air for a time, with the legs apart."""
    share = np.clip((times - how.start) / (how.stop - how.start), 0.0, 1.0)
    rise = how.height * np.sin(np.pi * share) ** 1.2
    air = ramp(times, how.start - 0.06, how.start + _EDGE) * (1 - ramp(times, how.stop - _EDGE, how.stop + 0.04))
    wide = min_jerk(np.sin(np.pi * share) * 1.15)
    root, toes, feet = track.root + vertical(rise), track.toes.copy(), track.feet.copy()
    size = body.size
    for side, out in ((0, 1.0), (1, -1.0)):
        place = track.root * np.array([1, 0, 1])
        place = place + (out * (0.12 * size + (how.spread - 0.12) * wide))[:, None] * floor_direction(
            facing + np.pi / 2
        )
        # Behind the body on the way up, ahead of it on the way down.
        place = place + (0.3 * size * (share - 0.55))[:, None] * floor_direction(facing)
        place = place + vertical(TOE_HEIGHT + 1.05 * rise + 0.16 * size * wide)
        toes[:, side] += air[:, None] * (place - toes[:, side])
        feet[:, side] = quaternion_multiply(feet[:, side], axis_quaternion("x", 0.15 * air))
    return Track(track.turns, root, toes, feet)
