"""Key poses of generated people: within their tolerances, few, exact at the keys, and at moments that matter."""

from __future__ import annotations

import numpy as np
import pytest
from generated_clips import generated

from model_core.keys.bezier import fitted_between, fitted_slopes, segment_values
from model_core.keys.controls import Control, ControlTree, quaternions_of
from model_core.keys.moments import contacts, held_feet, moments
from model_core.keys.person import keyed_person
from model_core.keys.thinning import KeySettings, deviation, key_poses
from model_core.kinematics import solve
from model_core.motion import FPS, PosedSkeleton
from model_core.motion.rotations import matrix_from_quaternion


@pytest.fixture(scope="module")
def shake() -> list[PosedSkeleton]:
    return solve(generated("shake"))


def joints_of(pair: list[PosedSkeleton]) -> np.ndarray:
    return np.stack([person.joints() for person in pair])


@pytest.mark.parametrize("settings", [KeySettings(), KeySettings(0.03, 5.0)])
def test_key_poses_stay_within_the_tolerances_and_are_few(shake: list[PosedSkeleton], settings: KeySettings) -> None:
    people = [keyed_person(person) for person in shake]
    poses = key_poses(people, joints_of(shake), FPS, settings)
    fitted = [one.evaluated() for one in poses if one is not None]
    for one, person in zip(poses, people, strict=True):
        assert one is not None and one.frames[0] == 0 and one.frames[-1] == len(person.values) - 1
        np.testing.assert_allclose(one.evaluated()[one.frames], person.values[one.frames], atol=1e-12)
    for found in deviation(people, fitted, joints_of(shake), FPS):
        assert found.distance <= settings.distance and found.degrees <= settings.degrees
        assert found.feet <= settings.held and found.contacts <= settings.held
    keyed = sum(len(one.frames) for one in poses if one is not None)
    assert 6 * keyed < 2 * len(shake[0])


def test_a_partner_who_is_not_changed_counts_for_contacts(shake: list[PosedSkeleton]) -> None:
    people = [keyed_person(person) for person in shake]
    first, second = key_poses([None, people[1]], joints_of(shake), FPS)
    assert first is None and second is not None
    found = deviation(people, [people[0].values, second.evaluated()], joints_of(shake), FPS)
    assert max(one.contacts for one in found) <= KeySettings().held


def test_feet_that_stand_and_hands_that_touch_are_found(shake: list[PosedSkeleton]) -> None:
    joints = joints_of(shake)
    held, touches = held_feet(joints, FPS), contacts(joints)
    assert held[:, :, [7, 8, 10, 11]].mean() > 0.5 and not held[:, :, [15, 20, 21]].any()
    lifted = joints.copy()
    lifted[0, 40:80, [7, 10]] += (0.0, 0.3, 0.0)
    assert not held_feet(lifted, FPS)[0, 45:75, [7, 10]].any()
    assert touches and all(30 > touch.frames.sum() / FPS > 0.3 for touch in touches)
    touching = np.stack([touch.frames for touch in touches], 1)
    worth = moments(joints[0], held[0], touching, FPS)
    begins = 1 + np.flatnonzero((touching[1:] & ~touching[:-1]).any(1))
    assert (worth[begins] == 1).all() and (worth > 0).mean() < 0.6


def test_a_cubic_is_one_segment() -> None:
    time = np.arange(31) / 30
    values = np.stack((time**3 - time, 2 * time**2, 1 - time), 1)
    slopes = np.stack((3 * time**2 - 1, 4 * time, -np.ones(31)), 1) / 30
    fitted, frames = fitted_between(values, slopes, np.array([0, 10]), np.array([30, 8]))
    assert frames.tolist() == [*range(1, 30), *range(11, 18)]
    np.testing.assert_allclose(fitted, values[frames], atol=1e-12)
    keys = np.array([0, 7, 8, 30])
    after, before = fitted_slopes(values, slopes, keys)
    found = segment_values(values[keys], keys, after, before)
    np.testing.assert_allclose(found, values, atol=1e-12)


def test_poses_of_controls_are_those_of_the_skeleton(shake: list[PosedSkeleton]) -> None:
    person = keyed_person(shake[0])
    turns, heads = person.poses(person.values)
    np.testing.assert_allclose(np.moveaxis(heads, 0, -1).swapaxes(0, 1), shake[0].joints(), atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(turns, axis=0), 1.0, atol=1e-9)


def test_a_control_that_does_not_turn_along_is_carried_only() -> None:
    quarter = np.array([[np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)]])
    below = Control("hand", 0, np.eye(3), np.array([1.0, 0.0, 0.0]), turns_along=False)
    tree = ControlTree((Control("root", -1, np.eye(3), np.zeros(3), rotation=0), below))
    turns, heads = tree.poses(quarter)
    np.testing.assert_allclose(heads[:, 1, 0], (0.0, 1.0, 0.0), atol=1e-12)
    np.testing.assert_allclose(np.abs(turns[:, 1, 0]), (1.0, 0.0, 0.0, 0.0), atol=1e-12)


def test_curves_that_are_kept_are_used_as_they_are(shake: list[PosedSkeleton]) -> None:
    person = keyed_person(shake[0])
    kept = np.zeros(person.values.shape[1], dtype=bool)
    kept[:3] = True
    fixed = keyed_person(shake[0], kept)
    moved = person.values + 0.5 * kept
    np.testing.assert_allclose(fixed.poses(moved)[1], person.poses(person.values)[1], atol=1e-12)


def test_euler_angles_turn_in_the_order_that_their_name_says() -> None:
    x, y, z = (matrix_from_quaternion(quaternions_of(np.eye(3)[:, [axis]] * 0.7, "XYZ")[:, 0]) for axis in range(3))
    all_three = quaternions_of(np.full((3, 1), 0.7), "ZXY")[:, 0]
    np.testing.assert_allclose(matrix_from_quaternion(all_three), y @ x @ z, atol=1e-12)
