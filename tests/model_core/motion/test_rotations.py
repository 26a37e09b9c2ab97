"""Rotations: conversions undo each other, numpy and torch agree, and the awkward places are exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from model_core.motion import rotations as r

RNG = np.random.default_rng(0)
AXES = r.normalized(RNG.normal(size=(200, 3)))
ANGLES = np.concatenate(
    (np.linspace(0, np.pi, 190), [0, 1e-12, 1e-9, 1e-6, 1e-4, np.pi, np.pi - 1e-9, np.pi - 1e-5, 2, 3])
)
QUATERNIONS = np.concatenate((np.cos(ANGLES / 2)[:, None], AXES * np.sin(ANGLES / 2)[:, None]), axis=1)
MATRICES = r.matrix_from_quaternion(QUATERNIONS)


def rodrigues(axis: np.ndarray, angle: float) -> np.ndarray:
    """A rotation matrix by another formula than the module's."""
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def test_quaternions_and_axis_angles_give_the_matrix_of_rodrigues() -> None:
    expected = np.stack([rodrigues(axis, angle) for axis, angle in zip(AXES, ANGLES, strict=True)])
    np.testing.assert_allclose(MATRICES, expected, atol=1e-12)
    np.testing.assert_allclose(r.matrix_from_axis_angle(AXES * ANGLES[:, None]), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("there", "back"),
    [
        (r.quaternion_from_matrix, r.matrix_from_quaternion),
        (r.axis_angle_from_matrix, r.matrix_from_axis_angle),
        (r.sixd_from_matrix, r.matrix_from_sixd),
    ],
)
def test_conversions_undo_each_other(there: Callable, back: Callable) -> None:  # type: ignore[type-arg]
    np.testing.assert_allclose(back(there(MATRICES)), MATRICES, atol=1e-9)


def test_six_numbers_are_the_first_two_columns_interleaved() -> None:
    matrix = rodrigues(AXES[3], 1.1)
    sixd = r.sixd_from_matrix(matrix)
    np.testing.assert_array_equal(
        sixd, [matrix[0, 0], matrix[0, 1], matrix[1, 0], matrix[1, 1], matrix[2, 0], matrix[2, 1]]
    )
    # The other order in use, one column after the other, is another rotation.
    column_by_column = np.concatenate((matrix[:, 0], matrix[:, 1]))
    assert r.angle_between(r.matrix_from_sixd(column_by_column), matrix) > 0.3


def test_six_numbers_need_not_be_orthonormal() -> None:
    matrices = r.matrix_from_sixd(RNG.normal(size=(50, 4, 6)))
    np.testing.assert_allclose(matrices @ r.transposed(matrices), np.broadcast_to(np.eye(3), (50, 4, 3, 3)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(matrices), 1)


def test_products_follow_matrices() -> None:
    a, b = QUATERNIONS, np.roll(QUATERNIONS, 7, axis=0)
    product = r.matrix_from_quaternion(r.quaternion_multiply(a, b))
    np.testing.assert_allclose(product, r.matrix_from_quaternion(a) @ r.matrix_from_quaternion(b), atol=1e-12)
    vectors = RNG.normal(size=(200, 3))
    np.testing.assert_allclose(r.quaternion_rotate(a, vectors), r.rotate(MATRICES, vectors), atol=1e-12)
    inverse = r.quaternion_multiply(a, r.quaternion_conjugate(a))
    np.testing.assert_allclose(inverse, np.tile([1.0, 0, 0, 0], (200, 1)), atol=1e-12)


def test_angles_are_measured_even_when_tiny() -> None:
    small = np.array([0.0, 1e-8, 1e-5, 1e-3, 0.5, 3.1])
    turned = MATRICES[:6] @ r.matrix_from_axis_angle(AXES[:6] * small[:, None])
    np.testing.assert_allclose(r.angle_between(MATRICES[:6], turned), small, atol=1e-15, rtol=1e-6)


def test_slerp_goes_the_short_way_at_even_speed() -> None:
    first, second = QUATERNIONS[50:150], -np.roll(QUATERNIONS, 3, axis=0)[50:150]
    whole = r.angle_between(r.matrix_from_quaternion(first), r.matrix_from_quaternion(second))
    for share in (0.0, 0.25, 1.0):
        between = r.matrix_from_quaternion(r.slerp(first, second, share))
        np.testing.assert_allclose(r.angle_between(r.matrix_from_quaternion(first), between), share * whole, atol=1e-7)
    shares = np.linspace(0, 1, 100)
    each = r.slerp(first, second, shares)
    np.testing.assert_allclose(each[99], r.slerp(first[99], second[99], 1.0), atol=1e-12)
    np.testing.assert_allclose(each[0], first[0], atol=1e-12)


def test_shortest_arcs_arrive_by_the_smallest_angle() -> None:
    source, target = RNG.normal(size=(100, 3)), RNG.normal(size=(100, 3))
    target[:3] = -source[:3]
    target[3] = 5 * source[3]
    source[4:7], target[4:7] = np.eye(3), -np.eye(3)
    arc = r.shortest_arc(source, target)
    np.testing.assert_allclose(r.quaternion_rotate(arc, r.normalized(source)), r.normalized(target), atol=1e-7)
    cosine = (r.normalized(source) * r.normalized(target)).sum(-1)
    needed = np.linalg.norm(r.axis_angle_from_quaternion(arc), axis=-1)
    np.testing.assert_allclose(needed, np.arccos(np.clip(cosine, -1, 1)), atol=1e-6)


def test_signs_become_continuous_without_changing_the_rotation() -> None:
    axis_angle = np.cumsum(RNG.normal(0, 0.1, (300, 5, 3)), axis=0)
    quaternions = r.quaternion_from_matrix(r.matrix_from_axis_angle(axis_angle))
    smooth = r.continuous_signs(quaternions)
    assert ((smooth[1:] * smooth[:-1]).sum(-1) > 0).all() and ((quaternions[1:] * quaternions[:-1]).sum(-1) < 0).any()
    np.testing.assert_array_equal(np.abs(smooth), np.abs(quaternions))


def test_turning_about_the_vertical_takes_forward_to_the_left() -> None:
    np.testing.assert_allclose(r.about_y(np.array(np.pi / 2)) @ [0, 0, 1], [1, 0, 0], atol=1e-15)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (r.quaternion_from_matrix, (MATRICES,)),
        (r.matrix_from_quaternion, (QUATERNIONS,)),
        (r.axis_angle_from_quaternion, (QUATERNIONS,)),
        (r.quaternion_from_axis_angle, (AXES * ANGLES[:, None],)),
        (r.matrix_from_sixd, (RNG.normal(size=(20, 6)),)),
        (r.sixd_from_matrix, (MATRICES,)),
        (r.angle_between, (MATRICES, MATRICES[::-1].copy())),
        (r.slerp, (QUATERNIONS, QUATERNIONS[::-1].copy(), 0.3)),
        (r.shortest_arc, (AXES, np.roll(AXES, 1, axis=0))),
        (r.continuous_signs, (QUATERNIONS.reshape(40, 5, 4),)),
        (r.about_y, (ANGLES,)),
        (r.cross, (AXES, np.roll(AXES, 1, axis=0))),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_torch_gives_what_numpy_gives(function: Callable, arguments: tuple) -> None:  # type: ignore[type-arg]
    tensors = [torch.from_numpy(a) if isinstance(a, np.ndarray) else a for a in arguments]
    result = function(*tensors)
    assert isinstance(result, torch.Tensor)
    np.testing.assert_allclose(result.numpy(), function(*arguments), atol=1e-12)
