"""Limbs that bend about one axis: their joints stay, and straight limbs neither flip nor bend backward."""

from __future__ import annotations

import numpy as np
import pytest

from model_core.kinematics.hinge import hinged, limb_at_rest
from model_core.motion.rotations import matrix_from_axis_angle

FIRST, MIDDLE, END, POLE = (np.array(place) for place in ((0, 0, 0), (0.3, 0, -0.04), (0.55, 0, 0.0), (0.3, 0, -1.0)))


def turned(*angles: object) -> np.ndarray:
    return matrix_from_axis_angle(np.array(angles, float))


def test_joints_stay_and_the_middle_one_becomes_a_hinge() -> None:
    rng = np.random.default_rng(1)
    rest = limb_at_rest(FIRST, MIDDLE, END, POLE)
    upper = matrix_from_axis_angle(rng.normal(0, 1, (200, 3)))
    lower = upper @ matrix_from_axis_angle(rng.normal(0, 0.7, (200, 3)))
    found = hinged(upper, lower, rest)
    middle, end = upper @ rest.upper, upper @ rest.upper + lower @ rest.lower
    bent = np.linalg.norm(np.cross(middle, end), axis=1) / np.linalg.norm(end, axis=1) > 0.03
    assert bent.mean() > 0.8
    np.testing.assert_allclose(found.middle[bent], middle[bent], atol=1e-4)
    np.testing.assert_allclose(found.upper @ rest.upper, found.middle, atol=1e-9)
    np.testing.assert_allclose(found.middle + found.lower @ rest.lower, end, atol=1e-9)
    axis = np.cross(rest.upper, rest.lower)
    np.testing.assert_allclose(found.upper @ axis, found.lower @ axis, atol=1e-9)


def test_a_limb_that_passes_through_straight_does_not_flip() -> None:
    rest = limb_at_rest(FIRST, MIDDLE, END, POLE)
    straight = 2 * np.arctan2(0.04, 0.3)
    bend = np.linspace(0.6, -0.05, 200) - straight * 0.55
    upper = np.tile(np.eye(3), (200, 1, 1))
    found = hinged(upper, np.stack([turned(0, -angle, 0) for angle in bend]), rest)
    np.testing.assert_allclose(found.side @ (0, 0, -1), 1.0, atol=0.05)
    assert np.abs(np.diff(found.upper, axis=0)).max() < 0.03


def test_a_limb_that_is_straight_at_rest_bends_to_its_pole() -> None:
    rest = limb_at_rest(FIRST, MIDDLE * (1, 0, 0), END, POLE)
    np.testing.assert_allclose(rest.side, (0, 0, -1))
    assert hinged(np.eye(3)[None], np.eye(3)[None], rest).side[0] == pytest.approx((0, 0, -1))
