"""Additional steps of people whose bodies move away from their standing feet."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...motion.rotations import about_y, rotate
from .stances import METRES_PER_RADIAN, SHORTEST_STANCE, RequestedStance, Stance

_LARGEST_LAG = 0.1
"""Metres by which a standing foot may be away from where the displaced body would have it, before it steps."""
SWING = 0.37
"""Seconds of an additional step of a person who hardly moves."""
_QUICK_SWING, _QUICK = 0.23, 1.0
"""Seconds of a step at a speed of the displacement in m/s."""
_SHORTEST_SWING = 4
"""Frames."""
_SETTLED = 2
"""Frames for which a foot stands at least before it steps again."""


@dataclass(frozen=True)
class BodyPath:
    """The displacement of one person: (T, 2) shift, (T,) turn about the pelvis (T, 3)."""

    shift: np.ndarray
    turn: np.ndarray
    pelvis: np.ndarray

    def position(self, point: np.ndarray, frames: slice) -> np.ndarray:
        """(N, 2) x, z to which the displacements of some frames move a point (3,)."""
        moved = rotate(about_y(self.turn[frames]), point - self.pelvis[frames]) + self.pelvis[frames]
        return np.asarray(moved[:, [0, 2]] + self.shift[frames])

    def difference(self, first: slice, second: slice) -> np.ndarray:
        """(N,) metres between the displacements of the frames ``second`` and the mean of the frames ``first``.

        The pelvis stands for the feet, which are within half a step of it; rotations count separately.
        """
        shift = np.linalg.norm(self.shift[second] - self.shift[first].mean(0), axis=-1)
        return np.asarray(shift + METRES_PER_RADIAN * np.abs(self.turn[second] - self.turn[first].mean()))

    def speed(self, fps: float) -> np.ndarray:
        """(T,) m/s of the displacement, with its rotation."""
        if len(self.turn) < 2:
            return np.zeros(len(self.turn))
        shift = np.linalg.norm(np.gradient(self.shift, axis=0), axis=-1)
        return np.asarray(fps * (shift + METRES_PER_RADIAN * np.abs(np.gradient(self.turn))))


@dataclass(frozen=True)
class PlacedStance:
    """A stance, rigidly displaced by the mean displacement of the frames ``by``, or as requested."""

    start: int
    stop: int
    by: slice
    requested: RequestedStance | None = None


def with_steps(stances: list[list[Stance]], path: BodyPath, fps: float) -> list[list[PlacedStance]]:
    """The stances of both feet, interrupted by steps where the body leaves a standing foot too far behind.

    Feet step one at a time. A step ends where the body will be in the middle of the following stance.

    Args:
        stances: of the left and the right foot.
        path: displacement of the body.
        fps: frames per second.
    """
    quick = np.clip(path.speed(fps) / _QUICK, 0, 1)
    swings = np.maximum(_SHORTEST_SWING, np.round(fps * (SWING + quick * (_QUICK_SWING - SWING)))).astype(int)
    placed: list[list[PlacedStance]] = [[], []]
    starts = [{stance.start: stance for stance in each} for each in stances]
    busy = 0
    for frame in range(len(path.turn)):
        for side in (0, 1):
            if frame in starts[side]:
                new = starts[side][frame]
                by = _longest_lasting(path, new.start, new.stop, new.start)
                placed[side].append(PlacedStance(new.start, new.stop, by, new.requested))
        if frame < busy:
            continue
        swing = int(swings[frame])
        now = [_at(placed[side], frame) for side in (0, 1)]
        middle = min(frame + swing // 2, len(path.turn) - 1)
        lags = [0.0, 0.0]
        for side in (0, 1):
            stance, other = now[side], now[1 - side]
            if stance is not None and other is not None and _may_step(stance, other, frame, swing):
                lags[side] = float(path.difference(stance.by, slice(middle, middle + 1))[0])
        side = int(lags[1] > lags[0])
        if lags[side] <= _LARGEST_LAG:
            continue
        busy = frame + swing
        left = placed[side][-1]
        by = _longest_lasting(path, busy, left.stop, busy + swing)
        placed[side][-1] = replace(left, stop=frame)
        placed[side].append(PlacedStance(busy, left.stop, by))
    return placed


def _at(placed: list[PlacedStance], frame: int) -> PlacedStance | None:
    """The stance of a frame."""
    return placed[-1] if placed and placed[-1].start <= frame < placed[-1].stop else None


def _may_step(stance: PlacedStance, other: PlacedStance, frame: int, swing: int) -> bool:
    """Whether a foot can step from a frame on: it stands again afterwards, and the other foot stands meanwhile."""
    needed = stance.requested is not None and frame <= stance.requested.last
    lands = frame + swing + SHORTEST_STANCE <= stance.stop
    return not needed and frame >= stance.start + _SETTLED and lands and frame + swing <= other.stop


def _longest_lasting(path: BodyPath, start: int, stop: int, earliest: int) -> slice:
    """The frames whose displacement suits a stance from ``start`` for as long as possible."""
    whole = slice(start, stop)
    if path.difference(whole, whole).max() <= _LARGEST_LAG:
        return whole
    away = path.difference(slice(start, start + 1), whole) > _LARGEST_LAG
    frame = start + int(away.argmax()) if away.any() else stop - 1
    frame = min(max(frame, earliest), stop - 1)
    return slice(frame, frame + 1)
