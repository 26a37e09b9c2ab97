"""Rotations fitted to directions: least squares for several directions, and twist about one axis."""

from __future__ import annotations

import numpy as np

from ..motion.rotations import cross, matrix_from_axis_angle, matrix_from_quaternion, shortest_arc


def fitted_rotation(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rotation R that maximises trace(R^T C), never a reflection (Kabsch 1976).

    Args:
        covariance: (..., 3, 3) sum of ``target x source^T`` over the pairs of vectors to align.

    Returns:
        Rotations (..., 3, 3), and singular values (..., 3) in descending order: where the second is near zero
        the vectors are collinear and the rotation about their line is arbitrary.
    """
    left, values, right = np.linalg.svd(covariance)
    handedness = np.sign(np.linalg.det(left) * np.linalg.det(right))
    left[..., :, 2] *= np.where(handedness == 0, 1.0, handedness)[..., None]
    return left @ right, values


def swing(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Matrices (..., 3, 3) of the smallest rotation from directions ``source`` to ``target``, both (..., 3)."""
    return matrix_from_quaternion(shortest_arc(source, target))


def twist_between(axis: np.ndarray, source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The angle by which ``source`` turns about ``axis`` into the half plane of ``target``, as an unnormalised pair.

    Args:
        axis: (..., 3) unit axis.
        source: (..., 3) vectors.
        target: (..., 3) vectors.

    Returns:
        Cosine and sine (...) of that angle times both vectors' distances from the axis, so a sum of pairs is weighted
        by these distances.
    """
    across = source - (source * axis).sum(-1, keepdims=True) * axis
    return (across * target).sum(-1), (cross(axis, across) * target).sum(-1)


def rotation_about(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Matrices (..., 3, 3) that turn by ``angle`` (...) radians about unit vectors ``axis`` (..., 3)."""
    return matrix_from_axis_angle(axis * angle[..., None])
