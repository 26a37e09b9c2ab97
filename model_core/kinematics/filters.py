"""Smoothing filters over time, without delay."""

from __future__ import annotations

import numpy as np


def smoothstep(x: np.ndarray) -> np.ndarray:
    """Smoothstep: from 0 to 1 with zero slope at both ends; the input is clipped to 0..1."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def hann_smoothed(values: np.ndarray, radius: int) -> np.ndarray:
    """Means over ``radius`` frames on each side along the last axis, weighted by a Hann window."""
    if radius < 1:
        return values
    bell = np.hanning(2 * radius + 3)[1:-1]
    return _windows(values, radius) @ (bell / bell.sum())


def upper_envelope(values: np.ndarray, radius: int) -> np.ndarray:
    """A smooth upper envelope of ``values`` along the last axis, close to them away from peaks."""
    if radius < 1:
        return values
    return hann_smoothed(_windows(values, radius).max(-1), radius)


def _windows(values: np.ndarray, radius: int) -> np.ndarray:
    ends = [(0, 0)] * (values.ndim - 1) + [(radius, radius)]
    return np.lib.stride_tricks.sliding_window_view(np.pad(values, ends, mode="edge"), 2 * radius + 1, axis=-1)
