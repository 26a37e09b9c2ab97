"""Estimates the floor and the frames in which feet stand on it, and corrects paths so that a standing point stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..motion.runs import runs
from ..motion.skeleton import SMPL
from .filters import smoothstep

ANKLES = (SMPL.index("L_Ankle"), SMPL.index("R_Ankle"))
TOES = (SMPL.index("L_Foot"), SMPL.index("R_Foot"))

_STILL_SHARE = 0.3
"""Fraction of the frames, the slowest ones, that determine the standing height of a person's feet."""
_STILL_SPEED = 0.05
"""m/s. Frames with slower feet always count among them."""
_SHORTEST_STAND = 0.1
"""Seconds. Shorter rests of a foot are not stands."""
_LONGEST_GAP = 0.07
"""Seconds. Shorter interruptions of a stand are ignored."""
_SETTLING = 4
"""Frames in which a standing point settles to its height."""
_HALF_STEP = 0.1
"""Seconds before and after the fastest moment of a creeping foot in which it moves to its next place."""
_LONGEST_DRIFT = 0.4
"""Largest metres between two positions of one stand; a foot that moves further stands twice."""


@dataclass(frozen=True)
class Floor:
    """The floor under all people, and the height of each person's feet when they stand on it.

    Attributes:
        height: of the floor, metres: where toe joints stand.
        toes: (P,) standing height of each person's toe joints, in the world.
        ankles: (P,) standing height of each person's ankle joints.
    """

    height: float
    toes: np.ndarray
    ankles: np.ndarray


def velocities(paths: np.ndarray, fps: float) -> np.ndarray:
    """Velocities (P, T, ..., 3) in m/s of points (P, T, ..., 3), from the frames before and after."""
    return np.gradient(paths, axis=1) * fps if paths.shape[1] > 1 else np.zeros_like(paths)


def speeds(paths: np.ndarray, fps: float) -> np.ndarray:
    """Speed (P, T, ...) in m/s of points (P, T, ..., 3)."""
    return np.linalg.norm(velocities(paths, fps), axis=-1)


def estimated_floor(joints: np.ndarray, fps: float) -> Floor:
    """The floor, estimated from the heights of feet at rest, so that a single low frame does not determine it.

    Args:
        joints: (P, T, 22, 3) positions.
        fps: frames per second.
    """
    toes = joints[:, :, TOES]
    speed = speeds(toes, fps)
    lower = toes[..., 1].argmin(-1)[..., None]
    height = np.take_along_axis(toes[..., 1], lower, -1)[..., 0]
    ankle = np.take_along_axis(joints[:, :, ANKLES, 1], lower, -1)[..., 0]
    speed = np.take_along_axis(speed, lower, -1)[..., 0]
    limit = np.maximum(np.quantile(speed, _STILL_SHARE, axis=1), _STILL_SPEED)
    still = speed <= limit[:, None]
    toe_levels = np.array([np.median(height[p, still[p]]) for p in range(len(joints))])
    # The heel may be raised in a stand; it is down in the lower quarter.
    rises = np.array([np.quantile((ankle - height)[p, still[p]], 0.25) for p in range(len(joints))])
    return Floor(float(toe_levels.mean()), toe_levels, toe_levels + rises)


def stance_runs(path: np.ndarray, enter: np.ndarray, stay: np.ndarray, fps: float) -> np.ndarray:
    """Runs of frames (N, 2), first and one past the last, in which a point stands.

    Args:
        path: (T, 3) the point, metres.
        enter: (T,) true for frames that are certainly a stand.
        stay: (T,) true for frames that can continue a stand.
        fps: frames per second.
    """
    shortest = max(2, round(_SHORTEST_STAND * fps))
    speed = speeds(path[None], fps)[0]
    found = hysteresis_runs(enter, stay, round(_LONGEST_GAP * fps))
    step = max(2, round(_HALF_STEP * fps))
    pieces = [
        piece for start, stop in found for piece in _split_at_drift(path, speed, int(start), int(stop), shortest, step)
    ]
    return np.array(pieces, dtype=int).reshape(-1, 2)


def hysteresis_runs(enter: np.ndarray, stay: np.ndarray, longest_gap: int) -> np.ndarray:
    """Runs (N, 2) of frames in ``stay`` (T,) with at least one frame in ``enter`` (T,), joined over short gaps."""
    found = np.array(runs(stay | enter), dtype=int).reshape(-1, 2)
    entered = np.concatenate(([0], np.cumsum(enter)))
    found = found[entered[found[:, 1]] > entered[found[:, 0]]]
    if len(found) > 1:
        apart = found[1:, 0] - found[:-1, 1] > longest_gap
        found = np.stack((found[np.r_[True, apart], 0], found[np.r_[apart, True], 1]), -1)
    return found


def _split_at_drift(
    path: np.ndarray, speed: np.ndarray, start: int, stop: int, shortest: int, step: int
) -> list[tuple[int, int]]:
    """The pieces, in order, of a run that is cut at its fastest frame until no piece drifts too far."""
    pieces, open_pieces = [], [(start, stop)]
    while open_pieces:
        start, stop = open_pieces.pop()
        if stop - start < shortest:
            continue
        piece = path[start:stop, ::2]
        # Distances between positions: a bounding box would depend on the facing of the clip.
        if np.linalg.norm(piece[:, None] - piece, axis=-1).max() < _LONGEST_DRIFT or stop - start < 2 * shortest + 1:
            pieces.append((start, stop))
            continue
        first = start + shortest - 1
        cut = first + int(speed[first : stop - shortest + 1].argmax())
        open_pieces += [(start, cut + 1 - step), (cut + step, stop)]
    return sorted(pieces)


def lock_corrections(path: np.ndarray, runs: np.ndarray, height: float, blend: int) -> tuple[np.ndarray, np.ndarray]:
    """Corrections that lock a path to one point in each run, and their weights.

    Args:
        path: (T, 3) metres.
        runs: (N, 2) first frame and one past the last, in order.
        height: the point's height in all runs; NaN keeps each run's own.
        blend: frames over which a correction fades before and after its run.

    Returns:
        (T, 3) corrections and (T,) weights from 0 to 1.
    """
    correction = np.zeros_like(path)
    for start, stop in runs:
        point = path[start:stop].mean(0)
        if np.isfinite(height):
            point[1] = height
        correction[start:stop] = point - path[start:stop]
        # Heights fade in and out within the stand; only points below the floor are corrected fully from the start.
        edge = np.minimum(np.arange(1, stop - start + 1), np.arange(stop - start, 0, -1))
        settled = smoothstep((edge - 1) / _SETTLING)
        correction[start:stop, 1] *= np.where(correction[start:stop, 1] < 0, settled, 1.0)
    return fade_outside_runs(correction, runs, blend)


def fade_outside_runs(correction: np.ndarray, runs: np.ndarray, blend: int) -> tuple[np.ndarray, np.ndarray]:
    """Corrections (T, 3), given in runs (N, 2) and extended outside of them, and their weights (T,).

    Before and after a run its first and last correction continues, with a weight that fades over ``blend`` frames. The
    weight is exactly 1 only in runs.
    """
    if len(runs) == 0:
        return correction, np.zeros(len(correction))
    time = np.arange(len(correction))
    before = np.searchsorted(runs[:, 1], time, side="right") - 1
    after = np.searchsorted(runs[:, 0], time, side="left")
    started = np.searchsorted(runs[:, 0], time, side="right") - 1
    inside = (started >= 0) & (time < runs[np.maximum(started, 0), 1])
    last = runs[np.maximum(before, 0), 1] - 1
    first = runs[np.minimum(after, len(runs) - 1), 0]
    fading = np.where(before >= 0, smoothstep(1 - (time - last) / (blend + 1)), 0.0)
    rising = np.where(after < len(runs), smoothstep(1 - (first - time) / (blend + 1)), 0.0)
    total = fading + rising
    mixed = fading[:, None] * correction[last] + rising[:, None] * correction[first]
    mixed = mixed / np.maximum(total, 1e-9)[:, None]
    return np.where(inside[:, None], correction, mixed), np.where(inside, 1.0, np.minimum(total, 0.999))
