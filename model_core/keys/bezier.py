"""Cubic Bezier segments between two keys, fitted to the frames between them.

Handles lie at a third of the segment. Time is then linear in the curve's parameter, so a segment is a cubic polynomial
of time with exact values at both keys, and its slopes there follow from linear least squares.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

_RIDGE = 0.01
"""Weight that keeps fitted slopes near those of the motion; they are undetermined in the shortest segments."""


@lru_cache(512)
def _bases(length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Hermite bases (length - 1,) at the frames between two keys: both values and both slopes per segment."""
    u = np.arange(1, length) / length
    first = (1 + 2 * u) * (1 - u) ** 2
    return first, 1 - first, u * (1 - u) ** 2, u * u * (u - 1)


@lru_cache(512)
def _slope_fit(length: int) -> np.ndarray:
    """(2, length - 1) takes what slopes of the motion leave over to changes of both slopes, by least squares."""
    basis = np.stack(_bases(length)[2:], 1)
    normal = basis.T @ basis + _RIDGE * np.eye(2)
    return np.asarray(np.linalg.solve(normal, basis.T))


@lru_cache(512)
def _operators(length: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Takes ends and frames between them to fitted values there.

    Returns:
        (most - 1, 4) for the values at both ends and both slopes times the length, and (most - 1, most - 1) for the
        frames between them; zero from ``length - 1`` on.
    """
    ends, inner = np.zeros((most - 1, 4)), np.zeros((most - 1, most - 1))
    bases = np.stack(_bases(length), 1)
    smoother = bases[:, 2:] @ _slope_fit(length)
    inner[: length - 1, : length - 1] = smoother
    ends[: length - 1] = bases - smoother @ bases
    return ends, inner


def fitted_between(
    values: np.ndarray, slopes: np.ndarray, starts: np.ndarray, lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Values of many fitted segments at the frames between their keys.

    Args:
        values: (T, C) of the motion.
        slopes: (T, C) of the motion, per frame.
        starts: (S,) frames of the first keys.
        lengths: (S,) frames from the first key to the second, at least 2.

    Returns:
        (N, C) fitted values and (N,) their frames, segment by segment.
    """
    most = int(lengths.max())
    operators = {length: _operators(length, most) for length in set(lengths.tolist())}
    ends = np.stack([operators[length][0] for length in lengths.tolist()])
    inner = np.stack([operators[length][1] for length in lengths.tolist()])
    stops = starts + lengths
    frames = np.minimum(starts[:, None] + np.arange(1, most), len(values) - 1)
    given = np.stack(
        (
            values[starts],
            values[stops],
            slopes[starts] * lengths[:, None],
            slopes[stops] * lengths[:, None],
        ),
        1,
    )
    found = ends @ given + inner @ values[frames]
    inside = np.arange(1, most) < lengths[:, None]
    return found[inside], frames[inside]


def fitted_slopes(values: np.ndarray, slopes: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes per frame (K - 1, C) at the first and at the second key of each segment between neighbouring keys (K,)."""
    after, before = slopes[keys[:-1]].copy(), slopes[keys[1:]].copy()
    for number, (start, stop) in enumerate(zip(keys[:-1].tolist(), keys[1:].tolist(), strict=True)):
        length = stop - start
        if length < 2:
            # Without a frame in between, the segment is straight.
            after[number] = before[number] = values[stop] - values[start]
            continue
        bases = np.stack(_bases(length), 1)
        ends = np.stack((values[start], values[stop], slopes[start] * length, slopes[stop] * length))
        change = _slope_fit(length) @ (values[start + 1 : stop] - bases @ ends) / length
        after[number] += change[0]
        before[number] += change[1]
    return after, before


def segment_values(values: np.ndarray, keys: np.ndarray, after: np.ndarray, before: np.ndarray) -> np.ndarray:
    """(T, C) values of the curves in all frames from their keys.

    Args:
        values: (K, C) at the keys.
        keys: (K,) frames of the keys, from 0 to T - 1.
        after, before: (K - 1, C) slopes per frame at the first and the second key of each segment.
    """
    frames = np.arange(int(keys[-1]) + 1)
    number = np.clip(np.searchsorted(keys, frames, side="right") - 1, 0, len(keys) - 2)
    length = (keys[number + 1] - keys[number])[:, None].astype(np.float64)
    u = (frames - keys[number])[:, None] / length
    first = (1 + 2 * u) * (1 - u) ** 2
    result = first * values[number] + (1 - first) * values[number + 1]
    result += u * (1 - u) ** 2 * length * after[number] + u * u * (u - 1) * length * before[number]
    return np.asarray(result)
