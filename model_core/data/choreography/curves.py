"""Timing curves of movements."""

from __future__ import annotations

import numpy as np

from ...motion.types import FPS


def min_jerk(share: np.ndarray) -> np.ndarray:
    """Minimum-jerk curve from 0 to 1, as hands move from rest to rest (Flash and Hogan 1985); input clamped."""
    u = np.clip(share, 0.0, 1.0)
    return u * u * u * (10 - 15 * u + 6 * u * u)


def ramp(times: np.ndarray, start: float, stop: float) -> np.ndarray:
    """``min_jerk`` from ``start`` to ``stop``, in the unit of ``times``."""
    return min_jerk((times - start) / max(stop - start, 1e-3))


def plateau(times: np.ndarray, start: float, stop: float, rise: float, fall: float) -> np.ndarray:
    """A curve that is 1 from ``start`` to ``stop``, rises during ``rise`` before and falls during ``fall`` after."""
    return ramp(times, start - rise, start) * (1 - ramp(times, stop, stop + fall))


def cruise(share: np.ndarray, ramping: float) -> np.ndarray:
    """From 0 to 1 at constant speed, except in the first and last fraction ``ramping`` (0 to 0.5) of the time."""
    edge = max(ramping, 1e-3)
    fine = np.linspace(0.0, 1.0, 513)
    speed = min_jerk(fine / edge) * min_jerk((1 - fine) / edge)
    covered = np.concatenate(([0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1]))))
    return np.interp(share, fine, covered / covered[-1])


def damped_spring(times: np.ndarray, start: float, frequency: float, decay: float) -> np.ndarray:
    """Response of a damped spring that is struck at ``start``, with a first peak of about 1; seconds and hertz."""
    after = np.maximum(times - start, 0.0)
    raw = np.exp(-decay * after) * np.sin(2 * np.pi * frequency * after)
    peak = np.arctan2(2 * np.pi * frequency, decay) / (2 * np.pi * frequency)
    return raw / (np.exp(-decay * peak) * np.sin(2 * np.pi * frequency * peak))


def idle_noise(random: np.random.Generator, frames: int, shape: tuple[int, ...], slowest: float = 0.15) -> np.ndarray:
    """(frames, *shape) smooth random curves with a deviation of about 1: the idle movement of a standing body."""
    time = np.arange(frames).reshape(-1, *[1] * (len(shape) + 1)) / FPS
    frequency = random.uniform(slowest, 4 * slowest, (*shape, 3))
    phase = random.uniform(0, 2 * np.pi, (*shape, 3))
    return np.sin(2 * np.pi * frequency * time + phase).sum(-1) / np.sqrt(1.5)
