"""Smooth corrections that have given values in some frames."""

from __future__ import annotations

from math import comb

import numpy as np

_ORDERS = 4
"""Differences of order 0 to 3 are penalised: the resulting curve has continuous derivatives up to the fourth."""
_BLOCK = 24
"""Frames of a block of the banded system."""
_FREE = 1e-8
"""Share of the penalty on size that keeps the system regular where a correction need not return to 0."""
WISH = 5.0
"""Strength of a wish per unit of its weight."""
PEAK_SPEED = 0.28
"""Largest change per frame of a correction that is 1 in one frame, times its length in frames."""


def spread(
    values: np.ndarray,
    fixed: np.ndarray,
    wish: np.ndarray | None = None,
    length: np.ndarray | float = 8.0,
    returns: bool = True,
) -> np.ndarray:
    """The smoothest correction that has given values in some frames.

    The penalty on a curve x is the sum of x² + 3 L² x'² + 3 L⁴ x''² + L⁶ x'''². A single value spreads to both sides as
    (1 + r + r² / 3) exp(-r), r in units of L (the Matérn kernel of order 5/2), without overshoot.

    Args:
        values: (..., T, C).
        fixed: (..., T) true where the value is met exactly.
        wish: (..., T) strength with which the other values pull; 0 for none, 1 is as strong as the penalty on size.
        length: (...) L in frames.
        returns: whether a correction fades to 0 away from its frames; otherwise it stays.

    Returns:
        (..., T, C).
    """
    pull = np.zeros(fixed.shape) if wish is None else np.where(fixed, 0.0, wish)
    system = _bands(values.shape[-2], np.broadcast_to(length, fixed.shape[:-1]), returns)
    return _solved(system, pull, fixed, values)


def spread_pair(
    values: np.ndarray,
    fixed: np.ndarray,
    wish: np.ndarray,
    bond: np.ndarray,
    difference: np.ndarray,
    length: float,
) -> np.ndarray:
    """Corrections of two people, bound to each other in some frames, that need not return to 0.

    Args:
        values: (2, T, C).
        fixed: (2, T) true where the value is met exactly.
        wish: (2, T) strength with which the other values pull.
        bond: (T,) strength of the bond; 0 for none.
        difference: (T, C) the first person's correction minus the second's that the bond asks for.
        length: in frames.

    Returns:
        (2, T, C).
    """
    _, frames, width = values.shape
    one = _bands(frames, np.array(length), returns=False)
    system = np.zeros((2 * frames, 2 * _ORDERS - 1))
    for person in (0, 1):
        system[person::2, ::2] = one
    system[0::2, 0] += bond
    system[1::2, 0] += bond
    system[0::2, 1] -= bond

    def woven(array: np.ndarray) -> np.ndarray:
        return np.swapaxes(array, 0, 1).reshape(2 * frames, *array.shape[2:])

    drawn = woven(np.where(fixed, 0.0, wish))
    force = woven(np.stack((bond[:, None] * difference, -bond[:, None] * difference)))
    solved = _solved(system, drawn, woven(fixed), woven(values), force)
    return np.swapaxes(solved.reshape(frames, 2, width), 0, 1)


def _bands(frames: int, length: np.ndarray, returns: bool) -> np.ndarray:
    """(..., T, 4) diagonals of the matrix of the penalty: entry d of row t is that of column t + d."""
    unit = np.zeros((_ORDERS, frames, _ORDERS))
    for order in range(_ORDERS):
        signs = np.array([(-1.0) ** i * comb(order, i) for i in range(order + 1)])
        for i in range(order + 1 if frames > order else 0):
            for j in range(i, order + 1):
                unit[order, i : frames - order + i, j - i] += signs[i] * signs[j]
    powers = np.stack([comb(_ORDERS - 1, order) * length ** (2.0 * order) for order in range(_ORDERS)], -1)
    if not returns:
        powers[..., 0] *= _FREE
    # With this scale, the prior of a correction has variance 1 in every frame.
    return np.asarray(np.tensordot(powers * (3 / (16 * length))[..., None], unit, 1))


def _solved(
    bands: np.ndarray, pull: np.ndarray, fixed: np.ndarray, values: np.ndarray, force: np.ndarray | None = None
) -> np.ndarray:
    """Minimise the penalty of N unknowns, some of which are fixed and some are pulled to their values."""
    size, width = bands.shape[-2:]
    bands = np.broadcast_to(bands, (*fixed.shape, width)).copy()
    bands[..., 0] += pull
    known = np.where(fixed[..., None], values, 0.0)
    right = pull[..., None] * values - _times(bands, known)
    if force is not None:
        right = right + force
    free = ~fixed
    right = np.where(fixed[..., None], values, right)
    for offset in range(min(width, size)):
        both = free[..., : size - offset] & free[..., offset:]
        bands[..., : size - offset, offset] *= both
        bands[..., size - offset :, offset] *= offset == 0
    bands[..., 0] += fixed
    return _band_solve(bands, right)


def _times(bands: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """The symmetric banded matrix (..., N, W) times vectors (..., N, C)."""
    size = bands.shape[-2]
    result = bands[..., :, 0, None] * vectors
    for offset in range(1, min(bands.shape[-1], size)):
        band = bands[..., : size - offset, offset, None]
        result[..., : size - offset, :] += band * vectors[..., offset:, :]
        result[..., offset:, :] += band * vectors[..., : size - offset, :]
    return result


def _band_solve(bands: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve a symmetric positive banded system (..., N, W) for (..., N, C), block by block."""
    size = bands.shape[-2]
    starts = list(range(0, size, _BLOCK))
    whole = [_block(bands, start, start, min(_BLOCK, size - start), min(_BLOCK, size - start)) for start in starts]
    diagonals: list[np.ndarray] = []
    rights: list[np.ndarray] = []
    links: list[np.ndarray] = []
    for number, start in enumerate(starts):
        diagonal, vector = whole[number], right[..., start : start + _BLOCK, :]
        if number:
            link = links[-1]
            both = np.concatenate((link, rights[-1]), axis=-1)
            smoothstep = np.linalg.solve(diagonals[-1], both)
            count = link.shape[-1]
            across = np.swapaxes(link, -1, -2)
            diagonal = diagonal - across @ smoothstep[..., :count]
            vector = vector - across @ smoothstep[..., count:]
        diagonals.append(diagonal)
        rights.append(vector)
        if number + 1 < len(starts):
            following = starts[number + 1]
            links.append(_block(bands, start, following, _BLOCK, min(_BLOCK, size - following)))
    result = np.empty(right.shape)
    for number in reversed(range(len(starts))):
        vector = rights[number]
        start = starts[number]
        if number + 1 < len(starts):
            following = starts[number + 1]
            vector = vector - links[number] @ result[..., following : following + _BLOCK, :]
        result[..., start : start + _BLOCK, :] = np.linalg.solve(diagonals[number], vector)
    return result


def _block(bands: np.ndarray, first: int, second: int, rows: int, columns: int) -> np.ndarray:
    """(..., rows, columns) of the matrix from row ``first`` and column ``second``."""
    width = bands.shape[-1]
    row = first + np.arange(rows)[:, None]
    column = second + np.arange(columns)
    offset = np.abs(column - row)
    inside = offset < width
    return np.asarray(bands[..., np.minimum(row, column), np.minimum(offset, width - 1)] * inside)
