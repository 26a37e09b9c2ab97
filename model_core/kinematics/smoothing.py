"""Stage 4: a low-pass without delay that measures how much jitter there is and removes no more than that."""

from __future__ import annotations

import numpy as np

from ..motion.rotations import continuous_signs, matrix_from_quaternion, normalized, quaternion_from_matrix

_JITTER_BAND = 10.0
"""Hz. Above it people hardly move: what is there tells how strong the jitter is."""
_SLOWEST_CUT = 2.0
"""Hz. No joint is smoothed below it, however much it jitters."""
_FEWEST_FRAMES = 12
"""Shorter clips hold too few periods to tell jitter from motion and stay as they are."""
_STEEPNESS = 6
"""Power of the fall above the cut-off; about the one with which motion itself falls."""
_END_FRAMES = 9
"""Frames from which the path's true end is estimated."""
_MEDIAN_OF_THREE_SQUARES = 2.366
"""Median of the chi-square distribution with three degrees of freedom."""


def smoothed_positions(joints: np.ndarray, fps: float, steady: float) -> np.ndarray:
    """Joint paths (P, T, J, 3) without their jitter; a joint steadier than ``steady`` metres keeps its path."""
    people, frames, count = joints.shape[:3]
    signals = np.moveaxis(joints, 1, -1).reshape(people * count, 3, frames)
    smooth = without_jitter(signals, fps, steady)
    return np.moveaxis(smooth.reshape(people, count, 3, frames), -1, 1)


def smoothed_rotations(rotations: np.ndarray, fps: float, steady: float) -> np.ndarray:
    """Rotation matrices (P, T, J, 3, 3) without their jitter, ``steady`` in degrees.

    Quaternions of continuous sign are averaged over the filter's few frames and brought back to length one: to the
    order that matters there, the mean on the manifold. The result does not depend on the frame they are seen in.
    """
    people, frames, count = rotations.shape[:3]
    quaternions = continuous_signs(quaternion_from_matrix(np.moveaxis(rotations, 1, 0)))
    signals = np.moveaxis(quaternions, 0, -1).reshape(people * count, 4, frames)
    # The vector part of a small rotation is half its angle.
    smooth = without_jitter(signals, fps, 0.5 * float(np.deg2rad(steady)))
    quaternions = normalized(np.moveaxis(smooth.reshape(people, count, 4, frames), -1, 1))
    return matrix_from_quaternion(quaternions)


def without_jitter(signals: np.ndarray, fps: float, steady: float) -> np.ndarray:
    """Signals with each group low-passed where its motion sinks into its jitter.

    The strength of the jitter is read off the band above 10 Hz and taken to be the same in every band. The cut-off
    is the frequency at which passing more would let in more jitter than motion (the minimum of the estimated
    error, Mallows 1973). The filter works forward and backward at once: nothing is delayed.

    Args:
        signals: (N, C, T) groups of C components that share one cut-off; three of them are free to jitter.
        fps: frames a second.
        steady: standard deviation of the jitter of one component up to which a group passes unchanged.

    Returns:
        (N, C, T) the smoothed signals.
    """
    frames = signals.shape[-1]
    if frames < _FEWEST_FRAMES or fps <= 2.2 * _JITTER_BAND:
        return signals
    line = _line_between_ends(signals)
    rest = signals - line
    periodic = np.concatenate((rest, -rest[..., -2:0:-1]), axis=-1)
    length = periodic.shape[-1]
    frequency = np.fft.rfftfreq(length, 1 / fps)
    spectrum = np.fft.rfft(periodic, axis=-1)
    variance = _jitter_variance(spectrum, frequency, frames)
    cut = _cut_off(spectrum, frequency, variance)
    gain = 1 / (1 + (frequency / cut[:, None]) ** _STEEPNESS)
    # From the steady level on, smoothing sets in over one octave of strength.
    need = np.clip(np.sqrt(variance) / steady - 1, 0, 1)[:, None]
    gain = 1 - need * (1 - gain)
    return np.fft.irfft(spectrum * gain[:, None], n=length, axis=-1)[..., :frames] + line


def _line_between_ends(signals: np.ndarray) -> np.ndarray:
    """(N, C, T) straight lines between the ends, each end taken from a parabola through the frames next to it.

    Continued through these points upside down, a signal is periodic without a step or a kink, and its own first and
    last frame, jitter and all, are free to be smoothed.
    """
    frames = signals.shape[-1]
    count = min(_END_FRAMES, frames)
    powers = np.vander(np.arange(count, dtype=np.float64), 3)
    at_zero = np.linalg.pinv(powers)[2]
    first = signals[..., :count] @ at_zero
    last = signals[..., : -count - 1 : -1] @ at_zero
    share = np.linspace(0, 1, frames)
    return first[..., None] * (1 - share) + last[..., None] * share


def _jitter_variance(spectrum: np.ndarray, frequency: np.ndarray, frames: int) -> np.ndarray:
    """(N,) variance of one component's jitter, from the median over time of the power above 10 Hz.

    The median leaves out the few frames of a kick or a clap, which reach into that band too.
    """
    band = frequency > _JITTER_BAND
    length = 2 * frames - 2
    fast = np.fft.irfft(spectrum * band, n=length, axis=-1)[..., :frames]
    return np.median((fast**2).sum(1), axis=-1) / _MEDIAN_OF_THREE_SQUARES / band.mean()


def _cut_off(spectrum: np.ndarray, frequency: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """(N,) cut-off frequencies that minimise the error expected: motion taken away plus jitter let through."""
    length = 2 * (len(frequency) - 1)
    power = (np.abs(spectrum) ** 2).sum(1) / length
    error = np.cumsum(2 * 3 * variance[:, None] - power, axis=-1)
    return np.maximum(frequency[error.argmin(-1)], _SLOWEST_CUT)
