"""Locomotion along any path: steps planned from travel and turning, with the rest of the body from a captured gait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...kinematics.filters import hann_smoothed
from ...motion.rotations import quaternion_multiply
from ...motion.runs import runs
from ...motion.types import FPS
from .body import TOE_HEIGHT, BodyShape, floor_direction, rotate_vectors, yaw_quaternion
from .curves import min_jerk
from .gaits import Gait, turned_about_vertical
from .tracks import Track, nlerp

_SIDE_STEP, _TURN_STEP = 0.42, 0.75
"""Length in metres of a step sideways or backwards, and angle in radians of a step on the spot."""
_LEAST_RATE, _PACE = 0.12, 1.0
"""Steps per second below which a body shifts its weight without stepping; they are added to every movement."""
_LEAST_STEP = 0.22
"""Smallest movement, in steps, that the feet follow."""


_CLOSING = 0.65
"""Steps added for each end of a movement at which the body rests."""
_BEYOND = 40
"""Frames that are planned before and after the clip."""


@dataclass(frozen=True)
class _Stepping:
    """A stretch of frames with steps.

    Attributes:
        start, stop: frames.
        count: (T,) steps done, from 0 to a whole number.
        first: the foot that goes first.
    """

    start: int
    stop: int
    count: np.ndarray
    first: int

    @property
    def steps(self) -> int:
        """Number of steps."""
        return round(float(self.count[-1]))


def locomotion(
    body: BodyShape,
    stance: Track,
    gait: Gait,
    places: np.ndarray,
    yaw: np.ndarray,
    favoured: int = 0,
    lift: float = 0.05,
) -> Track:
    """The motion of a body that travels along a path.

    Args:
        body: proportions.
        stance: (T) how the body stands, over the origin and facing +Z.
        gait: how the body walks.
        places: (T, 3) of the body on the floor.
        yaw: (T,) the direction it faces, continuous.
        favoured: the foot that goes first unless the movement determines it.
        lift: metres by which a foot is lifted in a step that the gait does not shape.
    """
    # Planned beyond both ends as if the movement continued: people do not start or stop where the clip does.
    frames = len(yaw)
    places, yaw = _extended(places), _extended(yaw)
    clamped = np.clip(np.arange(len(yaw)) - _BEYOND, 0, frames - 1)
    stance = Track(stance.turns[clamped], stance.root[clamped], stance.toes[clamped], stance.feet[clamped])
    velocity = np.gradient(places, axis=0) * FPS
    forward = (velocity * floor_direction(yaw)).sum(-1)
    sideways = (velocity * floor_direction(yaw + np.pi / 2)).sum(-1)
    turning = np.gradient(yaw) * FPS
    stretches = [
        _planned(start, stop, rate, sideways, turning, favoured)
        for start, stop, rate in _moving(forward, sideways, turning, gait, body)
    ]
    stretches = [stretch for stretch in stretches if stretch.steps]

    share = np.clip(hann_smoothed(np.abs(forward), 4) / (gait.speed * body.leg), 0.0, 1.0)
    share = share * np.where(hann_smoothed(forward, 6) < 0, 0.35, 1.0)
    share = hann_smoothed(min_jerk(share) * 0.5 + share * 0.5, 3)
    phase = np.full(len(yaw), 0.0)
    stepping = np.zeros(len(yaw))
    for stretch in stretches:
        span = slice(stretch.start, stretch.stop)
        # Backwards the cycle runs backwards: the swings keep their times.
        back = forward[span].mean() < 0
        phase[span] = (0.5 if back else 0.0) + (-1 if back else 1) * (stretch.count + stretch.first) / 2
        stepping[span] = 1.0
    share = share * (hann_smoothed(stepping, 5) > 0.01)
    turns, root, toe_lift, feet = gait.at(phase)
    lean = turned_about_vertical(turns, np.zeros(len(yaw)))
    mixed_turns = nlerp(stance.turns, lean, share[:, None])
    mixed_turns[:, 0] = quaternion_multiply(yaw_quaternion(yaw), mixed_turns[:, 0])
    sway = (
        stance.root * np.array([1, 0, 1]) * (1 - share[:, None])
        + root * np.array([1, 0, 1]) * share[:, None] * body.leg
    )
    pelvis = places + rotate_vectors(yaw_quaternion(yaw), sway)
    pelvis[:, 1] = stance.root[:, 1] * (1 - share) + root[:, 1] * body.leg * share

    offsets = stance.toes[0].copy()
    toes, foot_turns = _feet(body, stance, gait, places, yaw, share, stretches, offsets, (toe_lift, feet), lift)
    kept = slice(_BEYOND, _BEYOND + frames)
    return Track(mixed_turns[kept], pelvis[kept], toes[kept], foot_turns[kept])


def _extended(values: np.ndarray) -> np.ndarray:
    """Values (T, ...) extrapolated at both ends at their speed there."""
    count = np.arange(1, _BEYOND + 1).reshape(-1, *[1] * (values.ndim - 1))
    before, after = values[1] - values[0], values[-1] - values[-2]
    return np.concatenate((values[0] - count[::-1] * before, values, values[-1] + count * after))


def _moving(
    forward: np.ndarray, sideways: np.ndarray, turning: np.ndarray, gait: Gait, body: BodyShape
) -> list[tuple[int, int, np.ndarray]]:
    """Stretches of frames in which steps are needed, and the rate of steps in each frame."""
    # A step grows with speed; at the gait's own speed it is the gait's own.
    own_speed, own_step = gait.speed * body.leg, gait.stride * body.leg / 2
    slope = max((own_step - 0.28) / own_speed, 0.05)
    rate = np.where(
        forward > 0,
        forward / (0.28 + slope * np.maximum(forward, 0)),
        -forward / (0.8 * _SIDE_STEP + 0.2 * np.abs(forward)),
    )
    rate = np.hypot(rate, np.abs(sideways) / (_SIDE_STEP + 0.15 * np.abs(sideways)))
    rate = np.hypot(rate, np.abs(turning) / _TURN_STEP)
    moving = rate > _LEAST_RATE
    gap = round(0.2 * FPS)
    moving = ~(hann_smoothed((~(hann_smoothed(moving.astype(float), gap) > 0.01)).astype(float), gap - 1) > 0.01)
    found = []
    for start, stop in runs(moving):
        inner = rate[start:stop]
        if inner.sum() / FPS > _LEAST_STEP:
            found.append((start, stop, inner))
    return found


def _planned(
    start: int, stop: int, rate: np.ndarray, sideways: np.ndarray, turning: np.ndarray, favoured: int
) -> _Stepping:
    # A short blend so that the first and last steps are neither hasty nor endless.
    blended = hann_smoothed(rate, 4) + _PACE * np.minimum(1.0, rate / 0.8)
    total = rate.sum() / FPS
    # From rest and to rest both feet have to come along: one step more than the way alone would need.
    steps = max(2, round(total + _CLOSING * ((start > 0) + (stop < len(sideways)))))
    count = np.concatenate(([0.0], np.cumsum(0.5 * (blended[1:] + blended[:-1]))))
    count *= steps / max(count[-1], 1e-6)
    drift = float(sideways[start:stop].sum() / FPS + 0.5 * turning[start:stop].sum() / FPS)
    first = favoured if abs(drift) < 0.15 else int(drift < 0)
    return _Stepping(start, stop, count, first)


def _feet(
    body: BodyShape,
    stance: Track,
    gait: Gait,
    places: np.ndarray,
    yaw: np.ndarray,
    share: np.ndarray,
    stretches: list[_Stepping],
    offsets: np.ndarray,
    cycle: tuple[np.ndarray, np.ndarray],
    lift: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Toe places (T, 2, 3) and foot orientations (T, 2, 4)."""
    frames = len(yaw)
    toes, angles, free = np.empty((frames, 2, 3)), np.empty((frames, 2)), np.zeros((frames, 2))
    window = np.zeros((frames, 2))
    narrow = gait.narrow * body.leg
    for side in (0, 1):
        sign = 1 - 2 * side

        def nominal(frame: int, side: int = side, sign: int = sign) -> np.ndarray:
            offset = offsets[side].copy()
            walking = float(share[frame])
            offset[0] += walking * (sign * narrow - offset[0])
            offset[2] += walking * (gait.ahead * body.leg - offset[2])
            return places[frame] + rotate_vectors(yaw_quaternion(yaw[frame]), offset)

        plant, plant_yaw, done = (
            nominal(stretches[0].start if stretches else 0),
            yaw[stretches[0].start if stretches else 0],
            0,
        )
        for stretch in stretches:
            toes[done : stretch.start, side], angles[done : stretch.start, side] = plant, plant_yaw
            done = stretch.start
            walking = float(share[stretch.start : stretch.stop].max())
            half = 0.5 * (0.86 + walking * (2 * gait.swing - 0.86))
            for step in range(stretch.steps):
                if (stretch.first + step) % 2 != side:
                    continue
                ends = step >= stretch.steps - (1 if stretch.steps > 2 else 2)
                land = min(step + 1.5, stretch.steps - 0.15)
                frame = stretch.start + int(np.searchsorted(stretch.count, land))
                frame = stretch.stop - 1 if ends else min(frame, stretch.stop - 1, frames - 1)
                begin = stretch.start + int(np.searchsorted(stretch.count, step + 0.5 - half))
                end = stretch.start + int(np.searchsorted(stretch.count, step + 0.5 + half))
                begin, end = max(begin, done), min(max(end, begin + 4), frames)
                toes[done:begin, side], angles[done:begin, side] = plant, plant_yaw
                target, target_yaw = nominal(frame), yaw[frame]
                u = (np.arange(begin, end) - begin + 1) / (end - begin)
                way = min_jerk(u)
                toes[begin:end, side] = plant + way[:, None] * (target - plant)
                angles[begin:end, side] = plant_yaw + way * (target_yaw - plant_yaw)
                free[begin:end, side] = np.sin(np.pi * u) ** 2
                window[begin:end, side] = min_jerk(6 * u) * min_jerk(5 * (1 - u))
                plant, plant_yaw, done = target, target_yaw, end
        toes[done:, side], angles[done:, side] = plant, plant_yaw
    captured, feet = cycle
    raised = share[:, None] * captured * body.leg * window + (1 - share[:, None]) * lift * free + 0.012 * free
    toes[..., 1] = TOE_HEIGHT + raised
    yaws = np.repeat(stance.feet[:1], frames, axis=0)
    pitched = nlerp(yaws, feet, share[:, None])
    return toes, quaternion_multiply(yaw_quaternion(angles), pitched)
