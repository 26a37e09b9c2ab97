"""A walk or run as one cycle that can be sampled at any phase."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from ...kinematics.filters import hann_smoothed
from ...motion.rotations import quaternion_multiply
from ...motion.types import FPS
from .body import TOE_HEIGHT, heading, yaw_quaternion
from .tracks import Track, nlerp

_SAMPLES = 40
_RAISED = 0.015
"""In leg lengths: captured legs are slightly bent on another skeleton."""


@dataclass(frozen=True, eq=False)
class Gait:
    """One cycle, two steps. At phase 1/4 the left foot is in the middle of its swing, at 3/4 the right one.

    Attributes:
        turns: (N, 22, 4) quaternions, heading +Z.
        root: (N, 3) of the pelvis about its mean travel, lengths of the leg; y over the floor.
        toe_lift: (N, 2) of the toes over where they stand, lengths of the leg.
        feet: (N, 2, 4) orientations of the feet, heading +Z.
        speed: lengths of the leg per second.
        stride: of two steps, lengths of the leg.
        swing: fraction of the cycle in which a foot is off the floor.
        narrow: half the distance between the feet, lengths of the leg.
        ahead: distance of the toes in front of the pelvis in the middle of their stand, lengths of the leg.
    """

    turns: np.ndarray
    root: np.ndarray
    toe_lift: np.ndarray
    feet: np.ndarray
    speed: float
    stride: float
    swing: float
    narrow: float
    ahead: float

    @cached_property
    def mean(self) -> np.ndarray:
        """(22, 4) mean local rotations, with hanging arms."""
        signs = np.where((self.turns * self.turns[:1]).sum(-1, keepdims=True) < 0, -1.0, 1.0)
        mean = (self.turns * signs).mean(0)
        return mean / np.linalg.norm(mean, axis=-1, keepdims=True)

    def at(self, phase: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Turns, root, toe lift and feet at phases (T,); whole numbers are whole cycles."""
        count = len(self.root)
        place = (phase % 1.0) * count
        low = place.astype(int) % count
        high, share = (low + 1) % count, place - np.floor(place)
        return (
            nlerp(self.turns[low], self.turns[high], share[:, None]),
            self.root[low] + share[:, None] * (self.root[high] - self.root[low]),
            self.toe_lift[low] + share[:, None] * (self.toe_lift[high] - self.toe_lift[low]),
            nlerp(self.feet[low], self.feet[high], share[:, None]),
        )


def gait_of(track: Track, leg: float) -> Gait | None:
    """The most regular cycle of a captured walk or run; None when no straight and complete one exists."""
    speed = np.linalg.norm(np.gradient(track.toes[..., [0, 2]], axis=0), axis=-1) * FPS
    smooth = np.stack([hann_smoothed(speed[:, side], 2) for side in (0, 1)], -1)
    peaks = [_peaks(smooth[:, side]) for side in (0, 1)]
    best, smallest_error = None, np.inf
    for first, third in pairwise(peaks[0]):
        between = [p for p in peaks[1] if first < p < third]
        if len(between) != 1 or not 14 <= third - first <= 60:
            continue
        travel = (track.root[third] - track.root[first]) * np.array([1, 0, 1])
        straight = np.abs(_wrapped(heading(track.turns[first : third + 1, 0]) - np.arctan2(travel[0], travel[2])))
        worst = np.linalg.norm(
            nlerp(track.turns[first], track.turns[third], np.zeros(22)) - track.turns[third], axis=-1
        )
        error = float(np.minimum(worst, 2 - worst).max() + straight.max())
        if straight.max() < 0.5 and error < smallest_error:
            best, smallest_error = (first, between[0], third), error
    return None if best is None else _cycle(track, leg, best, smooth)


def _cycle(track: Track, leg: float, frames: tuple[int, int, int], speed: np.ndarray) -> Gait:
    first, _, third = frames
    # Sampled so that both swings are half a cycle apart; a quarter earlier so that the left one is at 1/4.
    phase = (np.arange(_SAMPLES + 1) / _SAMPLES) * 2
    at = np.interp(phase, (0, 1, 2), frames).astype(np.float64)
    sampled = track.at(at)
    travel = (sampled.root[-1] - sampled.root[0]) * np.array([1, 0, 1])
    direction = float(np.arctan2(travel[0], travel[2]))
    progress = (at - first) / (third - first)
    straight = sampled.root - (sampled.root[0] * np.array([1, 0, 1])) - progress[:, None] * travel
    moved = Track(sampled.turns, straight, sampled.toes, sampled.feet).placed(-direction, np.zeros(3))
    turns, root, feet = _closed(moved.turns), moved.root.copy(), _closed(moved.feet)
    root -= np.linspace(0, 1, len(root))[:, None] * (root[-1] - root[0])
    lift = np.maximum(sampled.toes[..., 1] - TOE_HEIGHT, 0.0)
    lift -= np.linspace(0, 1, len(root))[:, None] * (lift[-1] - lift[0])
    lift = np.maximum(lift - lift.min(0), 0.0)
    root[:, [0, 2]] -= root[:-1, [0, 2]].mean(0)
    width = float(np.abs(moved.toes[:-1, 0, 0] - moved.toes[:-1, 1, 0]).mean()) / 2
    moving = speed[first:third] > 0.25 * speed[first:third].max(0)
    ahead = ((track.toes - track.root[:, None])[first:third] * travel).sum(-1) / np.linalg.norm(travel)
    quarter = _SAMPLES // 4
    length = float(np.linalg.norm(travel))
    return Gait(
        np.roll(turns[:-1], quarter, axis=0),
        np.roll(root[:-1], quarter, axis=0) / leg + np.array([0.0, _RAISED, 0.0]),
        np.roll(lift[:-1], quarter, axis=0) / leg,
        np.roll(feet[:-1], quarter, axis=0),
        speed=length / ((third - first) / FPS) / leg,
        stride=length / leg,
        swing=float(np.clip(moving.mean(), 0.3, 0.66)),
        narrow=float(np.clip(width / leg, 0.06, 0.12)),
        ahead=float(np.clip(ahead[~moving].mean() / leg + 0.03, -0.1, 0.12)),
    )


def _closed(turns: np.ndarray) -> np.ndarray:
    """Quaternions (N, ..., 4) made cyclic: a small correction to each makes the last equal the first."""
    last = np.where((turns[0] * turns[-1]).sum(-1, keepdims=True) < 0, -turns[-1], turns[-1])
    error = turns[0] - last
    share = np.linspace(0, 1, len(turns)).reshape(-1, *[1] * (turns.ndim - 1))
    signs = np.where((turns * turns[:1]).sum(-1, keepdims=True) < 0, -1.0, 1.0)
    result = turns * signs + share * error
    return result / np.linalg.norm(result, axis=-1, keepdims=True)


def _peaks(curve: np.ndarray) -> list[int]:
    """Frames at which a foot's speed is highest, at least a third of a second apart."""
    found: list[int] = []
    high = 0.6 * curve.max()
    for frame in np.argsort(-curve):
        if curve[frame] < high:
            break
        if all(abs(frame - other) >= 10 for other in found) and 2 <= frame < len(curve) - 2:
            found.append(int(frame))
    return sorted(found)


def _wrapped(angle: np.ndarray) -> np.ndarray:
    return (angle + np.pi) % (2 * np.pi) - np.pi


def turned_about_vertical(turns: np.ndarray, yaw: np.ndarray) -> np.ndarray:
    """Orientations (T, ..., 4) rotated about the vertical by angles (T,)."""
    turn = yaw_quaternion(yaw).reshape(len(yaw), *[1] * (turns.ndim - 2), 4)
    return quaternion_multiply(np.broadcast_to(turn, turns.shape), turns)
