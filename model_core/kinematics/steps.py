"""Smooths the paths of corrected feet between stands."""

from __future__ import annotations

import numpy as np

from .filters import smoothstep, upper_envelope
from .whittaker import in_windows, penalty, third_differences

_CUT = 4.0
"""Hz above which the path of a corrected foot between its stands is smoothed. With a lower value steps reach into the
stands: feet creep, and are in the air where they should stand."""
_LOCK_WEIGHT, _HEIGHT_WEIGHT = 1000.0, 20.0
"""Weights of a standing foot's horizontal position and of its height; a travelling foot has 1."""
_CORRECTED = 0.03
"""Metres: feet that were corrected by this much or more are smoothed fully, uncorrected feet not at all."""
_KICK = (0.15, 0.4)
"""Metres above the floor: up to the first a foot steps, from the second on it does something else."""
_WINDOW = 128
"""Frames smoothed at once."""


def smoothed_steps(
    ankles: np.ndarray,
    toes: np.ndarray,
    before: tuple[np.ndarray, np.ndarray],
    standing: np.ndarray,
    over: np.ndarray,
    fps: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Paths of feet with the smallest third differences that keep standing feet in place.

    A foot that was locked leaves its stand with a jerk, while captured feet accelerate smoothly. Its path is therefore
    refitted (Whittaker 1923, weighted), as far as it was corrected. A kicking foot is faster than any step and has a
    target: high above the floor it keeps its path.

    Args:
        ankles: (P, T, 2, 3) corrected, metres.
        toes: (P, T, 2, 3) corrected.
        before: ankles and toes before the correction.
        standing: (P, T, 2) from 0 to 1: the foot stands.
        over: (P, T, 2) metres of the toes above the floor.
        fps: frames per second.

    Returns:
        New ankles and toes.
    """
    if ankles.shape[1] < 4:
        return ankles, toes
    path = np.concatenate((ankles, toes), axis=-1)
    change = np.linalg.norm(path - np.concatenate(before, axis=-1), axis=-1)
    need = np.moveaxis(smoothstep(upper_envelope(np.moveaxis(change, 1, -1), round(0.2 * fps)) / _CORRECTED), -1, 1)
    need = need * (1 - smoothstep((over - _KICK[0]) / (_KICK[1] - _KICK[0])))
    signals, stance = np.moveaxis(path, 1, -2), np.moveaxis(standing, 1, -1) ** 2
    level, upright = [0, 2, 3, 5], [1, 4]
    smooth = signals.copy()
    smooth[..., level] = _whittaker(signals[..., level], 1 + _LOCK_WEIGHT * stance, fps)
    smooth[..., upright] = _whittaker(signals[..., upright], 1 + _HEIGHT_WEIGHT * stance, fps)
    path = path + need[..., None] * (np.moveaxis(smooth, -2, 1) - path)
    return path[..., :3], path[..., 3:]


def _whittaker(signals: np.ndarray, weights: np.ndarray, fps: float) -> np.ndarray:
    """Signals (..., T, C) smoothed above the cut-off, less where their weights (..., T) are more than 1."""
    size = min(_WINDOW, signals.shape[-2])
    roughness = penalty(_CUT, fps) * third_differences(size)

    def smooth(window: slice) -> np.ndarray:
        weight = weights[..., window]
        system = roughness + np.eye(size) * weight[..., None]
        return np.swapaxes(np.linalg.solve(system, weight[..., None] * signals[..., window, :]), -1, -2)

    return np.swapaxes(in_windows(np.swapaxes(signals, -1, -2), _WINDOW, smooth), -1, -2)
