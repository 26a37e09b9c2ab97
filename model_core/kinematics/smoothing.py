"""A low-pass filter without delay that measures the jitter and removes no more than that."""

from __future__ import annotations

import numpy as np

from ..motion.rotations import continuous_signs, matrix_from_quaternion, normalized, quaternion_from_matrix
from ..motion.skeleton import SMPL
from .filters import hann_smoothed
from .whittaker import gain, in_windows, penalty, third_differences

_SLOWEST_CUT = 2.0
"""Hz. The lowest cut-off, whatever the jitter."""
_SLOW = 3.0
"""Hz. Faster changes of a bone's length are jitter, slower ones are other errors."""
MIN_SMOOTHED_FRAMES = 12
"""Shorter clips are too short to distinguish jitter from motion and stay as they are."""
_WINDOW = 64
"""Frames of a window; the longest impulse response of the filter is a third of that."""
_FASTER = 2.5
"""Factor of the cut-off where motion is faster than elsewhere in the clip."""
_EXCESS = (1.3, 2.2)
"""Multiples of the expected jitter: at the first the faster filter fades in, at the second it is used alone."""
_SHAKE, _STEADY_BODY = 6.0, 3.5
"""Hz: above the first, bodies as a whole hardly oscillate; a body that does is smoothed above the second."""
_SHAKING = 1.35
"""Multiple of the steady level from which a shaking body is smoothed fully."""
_RADIANS_PER_METRE = 8.0
"""Rotations that jitter more than this, per metre of the joints' jitter, count as motion."""


def jitter_spectrum(joints: np.ndarray, fps: float) -> np.ndarray:
    """Power of the jitter at each frequency, measured on the lengths of bones.

    A body's bones keep their length, however fast it moves: changes of length are errors, and their spectrum is that of
    the jitter.

    Args:
        joints: (P, T, 22, 3) positions, metres.
        fps: frames per second.

    Returns:
        (P, F) variance of one coordinate of a joint at each frequency of ``_frequencies``, per frame of white noise.
    """
    bones = np.linalg.norm(joints[:, :, 1:] - joints[:, :, SMPL.parents[1:]], axis=-1)
    bones = bones - bones.mean(axis=1, keepdims=True)
    power = _power(np.swapaxes(bones, 1, 2)[..., None, :])
    # Both joints of a bone contribute errors; ln 2 is the median of the power of one frequency with mean one.
    typical = np.median(power, axis=1) / np.log(2) / 2
    width = max(5, round(0.5 * joints.shape[1] / fps) | 1)
    padded = np.pad(typical, ((0, 0), (width // 2, width // 2)), mode="reflect")
    return np.lib.stride_tricks.sliding_window_view(padded, width, axis=-1).mean(-1)


def stabilised_bodies(joints: np.ndarray, fps: float, steady: float) -> np.ndarray:
    """Move people (P, T, 22, 3) whose pelvis shakes as a whole, so that the pelvis moves smoothly.

    A decoder that positions the body separately in each token can make it shake without changing bone lengths. A real
    pelvis carries the person's weight and does not shake: in captured couples it oscillates horizontally by 1 mm.
    Heights are not used, since landing from a jump shakes a body too.

    Args:
        joints: positions, metres.
        fps: frames per second.
        steady: metres (root mean square) of oscillation below which a person stays as is.
    """
    pelvis = np.moveaxis(joints[:, :, 0], 1, -1)
    power = _power(pelvis[:, ::2])
    fast = _frequencies(power.shape[-1], fps) > _SHAKE
    need = np.clip((np.sqrt((power * fast).mean(-1)) / steady - 1) / (_SHAKING - 1), 0, 1)
    if not need.any():
        return joints
    smooth = _whittaker(pelvis[:, None], np.full((len(joints), 1), _STEADY_BODY), fps)[:, 0]
    return joints + np.moveaxis(need[:, None, None] * (smooth - pelvis), -1, 1)[:, :, None]


def smoothed_positions(joints: np.ndarray, jitter: np.ndarray, fps: float, steady: float) -> np.ndarray:
    """Joint paths (P, T, 22, 3) without jitter of the spectrum (P, F); people with less than ``steady`` stay as is."""
    signals = np.moveaxis(joints, 1, -1)
    need = _need(jitter, fps, steady)
    cut = _cut_off(_power(signals), jitter[:, None], fps)
    return np.moveaxis(_filtered(signals, jitter[:, None], cut, need[:, None], fps), -1, 1)


def smoothed_rotations(rotations: np.ndarray, jitter: np.ndarray, fps: float, steady: float) -> np.ndarray:
    """Rotation matrices (P, T, J, 3, 3) without jitter, ``steady`` in degrees, ``jitter`` that of the positions.

    Their jitter is assumed to have the spectral shape of the positions' jitter, since both come from one decoder; its
    strength is measured at the highest frequencies. Quaternions with continuous signs are averaged over the filter's
    few frames and normalised, a good approximation of the mean on the manifold. The result does not depend on the
    frame of reference.
    """
    quaternions = continuous_signs(quaternion_from_matrix(np.moveaxis(rotations, 1, 0)))
    signals = np.moveaxis(quaternions, 0, -1)
    # The vector part of a small rotation is half its angle.
    variance = 4 * _fastest_variance(signals)
    typical = np.median(variance, axis=1, keepdims=True)
    variance = np.minimum(variance, 4 * typical)
    fastest = jitter[:, -1:]
    variance = np.where(
        fastest > 1e-8, np.minimum(variance, _RADIANS_PER_METRE**2 * np.maximum(fastest, 1e-8)), variance
    )
    colour = np.where(fastest > 1e-8, jitter / np.maximum(fastest, 1e-8), 1.0)
    spectrum = 0.25 * variance[..., None] * colour[:, None]
    need = np.clip(np.rad2deg(np.sqrt(4 * spectrum.mean(-1))) / steady - 1, 0, 1)
    cut = _cut_off(_power(signals), spectrum, fps)
    return matrix_from_quaternion(normalized(np.moveaxis(_filtered(signals, spectrum, cut, need, fps), -1, 1)))


def _need(jitter: np.ndarray, fps: float, steady: float) -> np.ndarray:
    """(P,) from 0 at the steady level to 1 at twice that jitter."""
    fast = _frequencies(jitter.shape[-1], fps) > _SLOW
    deviation = np.sqrt((jitter * fast).mean(-1))
    return np.clip(deviation / steady - 1, 0, 1)


def _frequencies(count: int, fps: float) -> np.ndarray:
    return np.linspace(0, fps / 2, count)


def _power(signals: np.ndarray) -> np.ndarray:
    """(..., F) power of signals (..., C, T), summed over C, scaled so that white noise of variance 1 gives C."""
    frames = signals.shape[-1]
    line = signals[..., :1] + (signals[..., -1:] - signals[..., :1]) * np.linspace(0, 1, frames)
    taper = np.hanning(frames + 2)[1:-1]
    spectrum = np.fft.rfft((signals - line) * taper, n=frames + frames % 2, axis=-1)
    return (spectrum.real**2 + spectrum.imag**2).sum(-2) / (taper**2).sum()


def _fastest_variance(signals: np.ndarray) -> np.ndarray:
    """(...) variance of white noise with the fourth differences of signals (..., C, T) with three free components.

    The median over time ignores the few frames of a kick or a clap.
    """
    differences = np.diff(signals, n=4, axis=-1)
    median_of_three_squares, squares_of_coefficients = 2.366, 70
    return np.median((differences**2).sum(-2), axis=-1) / (median_of_three_squares * squares_of_coefficients)


def _cut_off(power: np.ndarray, jitter: np.ndarray, fps: float) -> np.ndarray:
    """(...) cut-off frequencies that minimise the error: removed motion plus remaining jitter (Mallows 1973).

    Args:
        power: (..., F) sum of three components.
        jitter: (..., F) of one component.
        fps: frames per second.
    """
    error = np.cumsum(2 * 3 * jitter - power, axis=-1)
    return np.maximum(_frequencies(power.shape[-1], fps)[error.argmin(-1)], _SLOWEST_CUT)


def _filtered(signals: np.ndarray, jitter: np.ndarray, cut: np.ndarray, need: np.ndarray, fps: float) -> np.ndarray:
    """Signals (P, J, C, T), low-passed at ``cut`` (P, J) Hz by ``need`` (P, 1 or J) between 0 and 1.

    Where the filter removes clearly more than the jitter (P, 1 or J, F) can be, as in a kick or a clap, a faster filter
    replaces it.
    """
    if not need.any():
        return signals
    slow_filtered = _whittaker(signals, cut, fps)
    fast_filtered = _whittaker(signals, _FASTER * cut, fps)
    frequency = _frequencies(jitter.shape[-1], fps)
    stopped = 1 - 1 / (1 + (gain(frequency, fps) / gain(cut[..., None], fps)) ** 6)
    expected = 3 * (stopped**2 * jitter).mean(-1)[..., None]
    removed = hann_smoothed(((signals - slow_filtered) ** 2).sum(-2), 3)
    excess = np.sqrt(removed / np.maximum(expected, 1e-16))
    low, high = _EXCESS
    share = hann_smoothed(np.clip((excess - low) / (high - low), 0, 1), 3)[..., None, :]
    return signals + need[..., None, None] * (slow_filtered + share * (fast_filtered - slow_filtered) - signals)


def _whittaker(signals: np.ndarray, cut: np.ndarray, fps: float) -> np.ndarray:
    """Signals (P, J, C, T) smoothed above ``cut`` (P, J) Hz."""
    size = min(_WINDOW, signals.shape[-1])
    smoother = np.linalg.inv(np.eye(size) + penalty(cut, fps)[..., None, None] * third_differences(size))
    return in_windows(signals, _WINDOW, lambda window: signals[..., window] @ smoother)
