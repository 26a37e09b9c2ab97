"""Constraints as targets: every kind in the arrays that it belongs to, in any world and over any range of frames."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from constraint_examples import one_of_each, pose_of
from motion_examples import posed_person

from model_core.constraints import Constraints, ContactConstraint, PathConstraint, PinConstraint, Targets
from model_core.constraints.types import every_frame, frames_of
from model_core.motion.canonical import CanonicalTransform, canonical_transform, facing
from model_core.motion.forward_kinematics import forward_kinematics, global_rotations
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import about_y
from model_core.motion.skeleton import SMPL
from model_core.motion.types import Motion

FRAMES = 60
ARRAYS = [entry.name for entry in fields(Targets) if entry.name not in ("contacts", "timings")]
VALUES = {
    "ground": "ground_weight",
    "heading": "heading_weight",
    "joints": "joint_weight",
    "rotations": "rotation_weight",
    "shape": "shape_weight",
    "shape_rotations": "shape_weight",
}


def assert_same(first: Targets, second: Targets) -> None:
    for name in ARRAYS:
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), atol=1e-12, err_msg=name)
    assert len(first.contacts) == len(second.contacts)
    for ours, theirs in zip(first.contacts, second.contacts, strict=True):
        assert (ours.person, ours.place, ours.never_nearer) == (theirs.person, theirs.place, theirs.never_nearer)
        np.testing.assert_allclose(ours.weight, theirs.weight, atol=1e-12)
        if not isinstance(ours.on, str):
            np.testing.assert_allclose(ours.on, theirs.on, atol=1e-12)
    assert first.timings == second.timings


def facing_person(angle: float) -> np.ndarray:
    """(1, 22, 3) the T-pose, turned about +Y."""
    rotations = np.broadcast_to(np.eye(3), (1, 22, 3, 3)).copy()
    rotations[:, 0] = about_y(np.asarray(angle))
    return forward_kinematics(rotations, np.zeros((1, 3)), SMPL_REST_OFFSETS, SMPL)


@pytest.mark.parametrize("angle", [0.0, 0.5 * np.pi, -2.0])
def test_a_heading_is_the_angle_from_z_towards_x_that_facing_measures(angle: float) -> None:
    path = PathConstraint(0, (3,), np.zeros((1, 2)), np.array([[np.cos(angle), np.sin(angle)]]))
    targets = Targets.of(Constraints((path,)), 5)
    assert targets.heading[0, 3] == pytest.approx(angle)
    assert facing(facing_person(angle))[0] == pytest.approx(angle)
    forward = about_y(np.asarray(angle)) @ np.array([0.0, 0.0, 1.0])
    np.testing.assert_allclose(forward[[2, 0]], path.headings[0], atol=1e-12)


def test_without_constraints_nothing_is_asked() -> None:
    targets = Targets.of(Constraints(), FRAMES)
    assert len(targets) == FRAMES and not targets.any()
    assert Targets.of(one_of_each(), FRAMES).any()
    for item in one_of_each():
        assert Targets.of(Constraints((item,)), FRAMES).any(), item
        assert not Targets.of(Constraints((replace(item, weight=0.0),)), FRAMES).any(), item


def test_a_sparse_path_binds_its_frames_and_a_dense_one_all_between() -> None:
    places = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 2.0]])
    sparse = PathConstraint(1, (5, 20, 40), places, weight=0.7)
    targets = Targets.of(Constraints((sparse,)), FRAMES)
    assert np.flatnonzero(targets.ground_weight[1]).tolist() == [5, 20, 40] and not targets.ground_weight[0].any()
    np.testing.assert_array_equal(targets.ground[1, [5, 20, 40]], places)
    assert set(np.unique(targets.ground_weight)) == {0.0, 0.7}
    dense = Targets.of(Constraints((replace(sparse, dense=True),)), FRAMES)
    assert np.flatnonzero(dense.ground_weight[1]).tolist() == list(range(5, 41))
    np.testing.assert_allclose(dense.ground[1, [5, 20, 40]], places, atol=1e-12)
    # Velocity is continuous: no step changes by more than a fraction of the mean step.
    steps = np.diff(dense.ground[1, 5:41], axis=0)
    assert np.abs(np.diff(steps, axis=0)).max() < 0.2 * np.linalg.norm(steps, axis=-1).mean()


def test_headings_between_keys_turn_the_short_way() -> None:
    angles = np.array([3.0, -3.0])
    path = PathConstraint(0, (0, 10), np.zeros((2, 2)), np.stack((np.cos(angles), np.sin(angles)), -1), dense=True)
    middle = every_frame(path).headings[5]
    np.testing.assert_allclose(middle, [-1.0, 0.0], atol=1e-12)


def test_a_pose_in_place_is_where_it_was_taken() -> None:
    pose = pose_of(4, 1, (10, 30))
    targets = Targets.of(Constraints((pose,)), FRAMES)
    points = forward_kinematics(pose.rotations, pose.roots, SMPL_REST_OFFSETS, SMPL)
    np.testing.assert_allclose(targets.joints[1, [10, 30]], points)
    np.testing.assert_allclose(targets.rotations[1, [10, 30]], global_rotations(pose.rotations, SMPL))
    np.testing.assert_allclose(targets.ground[1, [10, 30]], pose.roots[:, [0, 2]])
    np.testing.assert_allclose(targets.heading[1, [10, 30]], facing(points))
    for weight in (targets.joint_weight, targets.rotation_weight):
        assert weight[1, [10, 30]].all() and weight.sum() == 2 * 22
    assert not targets.shape_weight.any()


def test_another_body_has_a_whole_pose_in_place_with_its_feet_at_the_same_height() -> None:
    whole, partial = pose_of(4, 1, (10,)), pose_of(4, 1, (10,), joints=(0, 20))
    offsets = np.stack((SMPL_REST_OFFSETS, 0.8 * SMPL_REST_OFFSETS))
    usual = Targets.of(Constraints((whole,)), FRAMES).joints[1, 10]
    own = Targets.of(Constraints((whole,)), FRAMES, offsets).joints[1, 10]
    assert own[:, 1].min() == pytest.approx(usual[:, 1].min())
    np.testing.assert_allclose(np.diff(own, axis=0), 0.8 * np.diff(usual, axis=0), atol=1e-12)
    hand = Targets.of(Constraints((partial,)), FRAMES, offsets)
    np.testing.assert_allclose(hand.joints[1, 10, 20], usual[20])
    assert np.flatnonzero(hand.joint_weight[1, 10]).tolist() == [0, 20]


def test_a_pose_anywhere_is_the_same_wherever_it_was_taken() -> None:
    pose = pose_of(4, 0, (10, 30), in_place=False)
    turn = about_y(np.asarray(2.1))
    rotations = pose.rotations.copy()
    rotations[:, 0] = turn @ rotations[:, 0]
    elsewhere = replace(pose, rotations=rotations, roots=pose.roots @ turn.T + np.array([3.0, 0.0, -1.0]))
    targets = Targets.of(Constraints((pose,)), FRAMES)
    assert_same(targets, Targets.of(Constraints((elsewhere,)), FRAMES))
    np.testing.assert_allclose(facing(targets.shape[0, [10, 30]]), 0.0, atol=1e-12)
    np.testing.assert_allclose(targets.shape[0, [10, 30], 0], 0.0, atol=1e-12)
    assert not targets.joint_weight.any() and not targets.ground_weight.any()
    # The orientations belong to the positions.
    local = targets.shape_rotations[0, 10]
    bones = targets.shape[0, 10, 1:] - targets.shape[0, 10, list(SMPL.parents[1:])]
    turned = (local[list(SMPL.parents[1:])] @ SMPL_REST_OFFSETS[1:, :, None])[..., 0]
    np.testing.assert_allclose(turned, bones, atol=1e-12)


def test_a_pin_holds_over_its_interval_and_is_blended_outside_it() -> None:
    points = np.random.default_rng(0).normal(size=(10, 3))
    pin = PinConstraint(0, "L_Wrist", 20, 30, points, blend=5)
    targets = Targets.of(Constraints((pin,)), FRAMES)
    weight = targets.joint_weight[0, :, SMPL.index("L_Wrist")]
    assert (weight[20:30] == 1).all() and not weight[:15].any() and not weight[35:].any()
    assert (np.diff(weight[14:21]) > 0).all() and (np.diff(weight[29:36]) < 0).all()
    np.testing.assert_array_equal(targets.joints[0, 20:30, SMPL.index("L_Wrist")], points)
    np.testing.assert_array_equal(targets.joints[0, 33, SMPL.index("L_Wrist")], points[-1])
    assert targets.joint_weight.sum() == weight.sum() and not targets.rotation_weight.any()
    pelvis = Targets.of(Constraints((replace(pin, joint="Pelvis", blend=0),)), FRAMES)
    np.testing.assert_array_equal(pelvis.ground[0, 20:30], points[:, [0, 2]])
    assert pelvis.ground_weight.sum() == 10


def test_the_greater_weight_counts() -> None:
    first = PathConstraint(0, (5,), np.array([[1.0, 0.0]]), weight=0.6)
    second = PathConstraint(0, (5,), np.array([[2.0, 0.0]]), weight=0.5)
    for order in ((first, second), (second, first)):
        assert Targets.of(Constraints(order), 10).ground[0, 5, 0] == 1.0
    later = Constraints((first, replace(second, weight=0.6)))
    assert Targets.of(later, 10).ground[0, 5, 0] == 2.0


def test_targets_move_into_another_world_and_back() -> None:
    targets = Targets.of(one_of_each(), FRAMES)
    transform = CanonicalTransform(1.2, np.array([0.5, -0.3, 2.0]))
    assert_same(targets.moved(transform).moved(transform.inverse), targets)
    # A whole person who is constrained to where they are is constrained to where they are in the other world, too.
    pose = pose_of(6, 0, tuple(range(4)))
    points = forward_kinematics(pose.rotations, pose.roots, SMPL_REST_OFFSETS, SMPL)
    motion = Motion(points, pose.rotations[:, 1:], pose.rotations[:, 0])
    canonical = canonical_transform(motion)
    moved, there = Targets.of(Constraints((pose,)), 4).moved(canonical), canonical.apply(motion)
    np.testing.assert_allclose(moved.joints[0], there.joints, atol=1e-12)
    np.testing.assert_allclose(moved.ground[0], there.joints[:, 0, [0, 2]], atol=1e-12)
    turn = moved.heading[0] - facing(there.joints)
    np.testing.assert_allclose(np.sin(0.5 * turn), 0.0, atol=1e-12)
    np.testing.assert_allclose(moved.rotations[0, :, 0], there.root_orientation, atol=1e-12)


def test_contacts_with_points_move_and_with_places_stay() -> None:
    point = ContactConstraint(0, "right_hand", np.array([1.0, 0.9, 0.0]), 5, 10)
    place = ContactConstraint(0, "left_hand", "right_hand", 5, 10)
    transform = CanonicalTransform(0.5 * np.pi, np.array([0.0, 0.1, 0.0]))
    first, second = Targets.of(Constraints((point, place)), 20).moved(transform).contacts
    np.testing.assert_allclose(first.on, [0.0, 1.0, -1.0], atol=1e-12)
    assert second.on == "right_hand" and (second.weight[5:10] == 1).all()


def test_kept_frames_stay_where_people_are() -> None:
    people = np.stack([posed_person(seed).joints() for seed in (1, 2)])
    held = np.zeros((2, FRAMES), dtype=bool)
    held[0], held[1, :28] = True, True
    targets = Targets.of(one_of_each(), FRAMES)
    kept = targets.keeping(held, people)
    np.testing.assert_array_equal(kept.ground[held], people[held][:, 0, [0, 2]])
    np.testing.assert_array_equal(kept.heading[held], facing(people[held]))
    assert (kept.ground_weight[held] == 1).all() and (kept.heading_weight[held] == 1).all()
    for weight in set(VALUES.values()):
        before, after = getattr(targets, weight), getattr(kept, weight)
        np.testing.assert_array_equal(after[~held], before[~held])
        assert weight in ("ground_weight", "heading_weight") or not after[held].any()
    assert all(not contact.weight[held[contact.person]].any() for contact in kept.contacts)
    assert kept.contacts[0].weight[28:].any()


@pytest.mark.parametrize(("start", "stop"), [(0, FRAMES), (0, 25), (22, 48), (59, 60)])
def test_a_range_of_targets_is_the_targets_of_a_range(start: int, stop: int) -> None:
    # Without blends, which reach into the range from intervals outside it.
    constraints = Constraints(
        tuple(replace(item, blend=0) if hasattr(item, "blend") else item for item in one_of_each())
    )
    whole = Targets.of(constraints, FRAMES).between(start, stop)
    part = Targets.of(constraints.between(start, stop), stop - start)
    assert len(whole) == stop - start
    for value, weight in VALUES.items():
        np.testing.assert_array_equal(getattr(whole, weight), getattr(part, weight))
        bound = getattr(whole, weight) > 0
        np.testing.assert_allclose(getattr(whole, value)[bound], getattr(part, value)[bound], atol=1e-12)
    held = [contact for contact in whole.contacts if contact.weight.any()]
    assert [contact.place for contact in held] == [contact.place for contact in part.contacts]
    assert whole.timings == part.timings


def test_constraints_of_a_person_and_their_frames() -> None:
    constraints = one_of_each()
    first, second = constraints.for_person(0), constraints.for_person(1)
    assert len(first) + len(second) == len(constraints) + 2  # timing belongs to both
    later = constraints.shifted(100)
    for before, after in zip(constraints, later, strict=True):
        assert [frame + 100 for frame in frames_of(before)] == list(frames_of(after))
