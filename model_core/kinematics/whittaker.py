"""Whittaker's smoother (1923): the curve closest to a signal under a penalty on its third differences.

It is a sixth-order low-pass filter without delay that handles the ends of a clip. This module converts a cut-off
frequency to a penalty, and smooths long clips in windows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def gain(frequency: np.ndarray | float, fps: float) -> np.ndarray:
    """Gain of the first difference at a frequency in Hz: 0 at 0 Hz, 2 at half of the frame rate."""
    return np.asarray(2 * np.sin(np.pi * np.minimum(np.asarray(frequency) / fps, 0.5)))


def penalty(cut: np.ndarray | float, fps: float) -> np.ndarray:
    """Penalty on squared third differences with which the smoother halves the amplitude at ``cut`` Hz."""
    return np.asarray(gain(cut, fps) ** -6.0)


def third_differences(size: int) -> np.ndarray:
    """(size, size) matrix whose quadratic form is the sum of squared third differences of a signal."""
    differences = np.diff(np.eye(size), n=3, axis=0)
    return np.asarray(differences.T @ differences)


def in_windows(signals: np.ndarray, longest: int, smooth: Callable[[slice], np.ndarray]) -> np.ndarray:
    """Smooth signals (..., T) in windows that overlap by half and are blended linearly.

    Args:
        signals: only the shape matters.
        longest: frames of a window.
        smooth: maps the frames of a window to the smoothed signals in them, (..., size).
    """
    frames = signals.shape[-1]
    size = min(longest, frames)
    starts = np.linspace(0, frames - size, 1 + -(-2 * (frames - size) // longest)).round().astype(int)
    weight = np.minimum(np.arange(1, size + 1), np.arange(size, 0, -1)).astype(np.float64)
    total, result = np.zeros(frames), np.zeros_like(signals)
    for start in starts:
        window = slice(start, start + size)
        result[..., window] += weight * smooth(window)
        total[window] += weight
    return result / total
