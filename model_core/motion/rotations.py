"""Rotations as matrices, quaternions, axis-angles and six numbers, for numpy arrays and torch tensors alike.

Every function accepts either kind and returns the same kind, with any number of leading dimensions. Quaternions are
``w x y z``; angles are radians; matrices act on column vectors. "Six numbers" are the first two columns of the matrix,
row by row: ``[R00 R01 R10 R11 R20 R21]`` (the order of the InterHuman files; Zhou et al. 2019 for the idea).
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, TypeVar

import numpy as np

Array = TypeVar("Array", bound=Any)
"""A numpy array or a torch tensor; results are of the same kind as the argument."""


def array_library(array: Any) -> ModuleType:
    """The module whose functions work on ``array``: numpy, or torch where the array is a tensor."""
    if isinstance(array, np.ndarray):
        return np
    import torch

    return torch


def normalized(vectors: Array, smallest: float = 1e-12) -> Array:
    """Vectors scaled to length 1 along the last axis; those shorter than ``smallest`` are divided by ``smallest``."""
    xp = array_library(vectors)
    length = xp.sqrt((vectors * vectors).sum(-1))[..., None]
    return vectors / xp.clip(length, smallest, None)


def limited(vectors: Array, longest: float) -> Array:
    """Vectors (..., 3), those longer than ``longest`` scaled to that length."""
    xp = array_library(vectors)
    length = xp.sqrt((vectors * vectors).sum(-1))[..., None]
    return vectors * xp.clip(longest / xp.clip(length, 1e-9, None), None, 1.0)


def cross(first: Array, second: Array) -> Array:
    """Cross product along the last axis, (..., 3)."""
    a, b = first, second
    return array_library(a).stack(
        (
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ),
        -1,
    )


def rotate(matrix: Array, vectors: Array) -> Array:
    """Apply matrices (..., 3, 3) to vectors (..., 3)."""
    return (matrix @ vectors[..., None])[..., 0]


def transposed(matrix: Array) -> Array:
    """The inverse of rotation matrices (..., 3, 3)."""
    return array_library(matrix).swapaxes(matrix, -1, -2)


# --- six numbers ---------------------------------------------------------------------------------------------------


def sixd_from_matrix(matrix: Array) -> Array:
    """Convert matrices (..., 3, 3) to their first two columns, interleaved (..., 6)."""
    return matrix[..., :2].reshape((*matrix.shape[:-2], 6))


def matrix_from_sixd(sixd: Array) -> Array:
    """Convert six numbers (..., 6), not necessarily orthonormal, to matrices (..., 3, 3) by Gram-Schmidt."""
    columns = sixd.reshape((*sixd.shape[:-1], 3, 2))
    x = normalized(columns[..., 0])
    y = columns[..., 1]
    y = normalized(y - (x * y).sum(-1)[..., None] * x)
    return array_library(sixd).stack((x, y, cross(x, y)), -1)


# --- quaternions ---------------------------------------------------------------------------------------------------


def matrix_from_quaternion(quaternion: Array) -> Array:
    """Convert quaternions (..., 4), of any length but zero, to matrices (..., 3, 3)."""
    xp = array_library(quaternion)
    q = normalized(quaternion)
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    rows = (
        xp.stack((1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)), -1),
        xp.stack((2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)), -1),
        xp.stack((2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)), -1),
    )
    return xp.stack(rows, -2)


def quaternion_from_matrix(matrix: Array) -> Array:
    """Convert matrices (..., 3, 3) to quaternions (..., 4) with w >= 0.

    The largest component is computed first (Shepperd 1978), so the result is accurate for every angle.
    """
    xp = array_library(matrix)
    m = [[matrix[..., i, j] for j in range(3)] for i in range(3)]
    squares = xp.stack(
        (
            1 + m[0][0] + m[1][1] + m[2][2],
            1 + m[0][0] - m[1][1] - m[2][2],
            1 - m[0][0] + m[1][1] - m[2][2],
            1 - m[0][0] - m[1][1] + m[2][2],
        ),
        -1,
    )
    wx, wy, wz = m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]
    xy, xz, yz = m[1][0] + m[0][1], m[0][2] + m[2][0], m[2][1] + m[1][2]
    # Row k is the quaternion times 4 times its own component k.
    candidates = xp.stack(
        (
            xp.stack((squares[..., 0], wx, wy, wz), -1),
            xp.stack((wx, squares[..., 1], xy, xz), -1),
            xp.stack((wy, xy, squares[..., 2], yz), -1),
            xp.stack((wz, xz, yz, squares[..., 3]), -1),
        ),
        -2,
    )
    largest = squares.argmax(-1)
    chosen = xp.stack([largest == k for k in range(4)], -1)[..., None]
    quaternion = normalized(xp.where(chosen, candidates, xp.zeros_like(candidates)).sum(-2))
    return xp.where(quaternion[..., :1] < 0, -quaternion, quaternion)


def quaternion_multiply(first: Array, second: Array) -> Array:
    """Hamilton product (..., 4): the rotation ``second`` followed by ``first``."""
    w, v = first[..., :1], first[..., 1:]
    s, u = second[..., :1], second[..., 1:]
    real = w * s - (v * u).sum(-1)[..., None]
    return array_library(first).concatenate((real, w * u + s * v + cross(v, u)), -1)


def quaternion_conjugate(quaternion: Array) -> Array:
    """The inverse of unit quaternions (..., 4)."""
    return array_library(quaternion).concatenate((quaternion[..., :1], -quaternion[..., 1:]), -1)


def quaternion_rotate(quaternion: Array, vectors: Array) -> Array:
    """Rotate vectors (..., 3) by unit quaternions (..., 4)."""
    w, v = quaternion[..., :1], quaternion[..., 1:]
    t = 2 * cross(v, vectors)
    return vectors + w * t + cross(v, t)


def continuous_signs(quaternions: Array) -> Array:
    """Quaternions (T, ..., 4) with signs chosen so that each frame is as close as possible to the previous one.

    A quaternion and its negative are the same rotation, but interpolation between keys takes the long way round where
    the sign jumps.
    """
    xp = array_library(quaternions)
    if len(quaternions) < 2:
        return quaternions
    agreement = (quaternions[1:] * quaternions[:-1]).sum(-1)
    flips = xp.where(agreement < 0, -xp.ones_like(agreement), xp.ones_like(agreement))
    signs = xp.concatenate((xp.ones_like(flips[:1]), xp.cumprod(flips, 0)), 0)
    return quaternions * signs[..., None]


def slerp(first: Array, second: Array, amount: Array | float) -> Array:
    """Interpolate unit quaternions (..., 4) by ``amount``, a number or (...): 0 gives the first, 1 the second."""
    xp = array_library(first)
    dot = (first * second).sum(-1)[..., None]
    second = xp.where(dot < 0, -second, second)
    step = quaternion_multiply(quaternion_conjugate(first), second)
    fraction = amount if isinstance(amount, float | int) else amount[..., None]
    return quaternion_multiply(first, quaternion_from_axis_angle(axis_angle_from_quaternion(step) * fraction))


# --- axis and angle ------------------------------------------------------------------------------------------------


def quaternion_from_axis_angle(axis_angle: Array) -> Array:
    """Convert axis times angle (..., 3) to quaternions (..., 4); differentiable at zero."""
    xp = array_library(axis_angle)
    half = 0.5 * xp.sqrt((axis_angle * axis_angle).sum(-1))[..., None]
    safe = xp.clip(half, 1e-8, None)
    return xp.concatenate((xp.cos(half), axis_angle * (0.5 * xp.sin(safe) / safe)), -1)


def axis_angle_from_quaternion(quaternion: Array) -> Array:
    """Convert quaternions (..., 4) to axis times angle (..., 3) with the angle in [0, pi]."""
    xp = array_library(quaternion)
    q = normalized(quaternion)
    q = xp.where(q[..., :1] < 0, -q, q)
    sine = xp.sqrt((q[..., 1:] * q[..., 1:]).sum(-1))[..., None]
    angle = 2 * xp.arctan2(sine, q[..., :1])
    return q[..., 1:] * xp.where(sine > 1e-8, angle / xp.clip(sine, 1e-8, None), 2 * xp.ones_like(sine))


def matrix_from_axis_angle(axis_angle: Array) -> Array:
    """Convert axis times angle (..., 3) to matrices (..., 3, 3)."""
    return matrix_from_quaternion(quaternion_from_axis_angle(axis_angle))


def axis_angle_from_matrix(matrix: Array) -> Array:
    """Convert matrices (..., 3, 3) to axis times angle (..., 3) with the angle in [0, pi]."""
    return axis_angle_from_quaternion(quaternion_from_matrix(matrix))


# --- building and measuring ----------------------------------------------------------------------------------------


def angle_between(first: Array, second: Array) -> Array:
    """Geodesic angle (...) in radians between rotation matrices (..., 3, 3); accurate for small angles too."""
    xp = array_library(first)
    vector = axis_angle_from_matrix(transposed(first) @ second)
    return xp.sqrt((vector * vector).sum(-1))


def about_y(angle: Array) -> Array:
    """Matrices (..., 3, 3) that turn about the vertical (Y) by angles (...); +Z turns towards +X."""
    xp = array_library(angle)
    c, s, zero, one = xp.cos(angle), xp.sin(angle), xp.zeros_like(angle), xp.ones_like(angle)
    rows = (xp.stack((c, zero, s), -1), xp.stack((zero, one, zero), -1), xp.stack((-s, zero, c), -1))
    return xp.stack(rows, -2)


def shortest_arc(source: Array, target: Array) -> Array:
    """Quaternions (..., 4) of the smallest rotation that takes directions ``source`` to ``target``, both (..., 3).

    For opposite directions it is a half turn about an arbitrary axis perpendicular to ``source``.
    """
    xp = array_library(source)
    a, b = normalized(source), normalized(target)
    w = 1 + (a * b).sum(-1)[..., None]
    # A vector perpendicular to a: its cross product with the coordinate axis of its smallest component.
    axes = xp.zeros_like(a) + xp.where((a * a).argmin(-1)[..., None] == 0, _unit(a, 0), _unit(a, 1))
    axes = xp.where((a * a).argmin(-1)[..., None] == 2, _unit(a, 2), axes)
    general = xp.concatenate((w, cross(a, b)), -1)
    half_turn = xp.concatenate((xp.zeros_like(w), normalized(cross(a, axes))), -1)
    return normalized(xp.where(w < 1e-7, half_turn, general))


def _unit(like: Array, axis: int) -> Array:
    """Unit vectors along the coordinate axis of that index, in the shape and kind of ``like`` (..., 3)."""
    result = array_library(like).zeros_like(like)
    result[..., axis] = 1
    return result
