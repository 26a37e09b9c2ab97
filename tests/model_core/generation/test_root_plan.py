"""Moves of whole people to their targets: near enough, smooth, with the partner where the two act together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from motion_examples import posed_person

from model_core.constraints import Constraints, ContactConstraint, Targets
from model_core.generation.root_plan import canonical_fit, plan_roots, together
from model_core.motion import SMPL
from model_core.motion.canonical import CanonicalTransform, facing
from model_core.motion.rotations import about_y

FRAMES = 90
TIME = np.arange(FRAMES) / (FRAMES - 1)
NONE = Targets.none(FRAMES)
FREE = np.zeros((2, FRAMES), dtype=bool)
IDENTITY = CanonicalTransform(0.0, np.zeros(3))


def walkers(second_comes: bool = False) -> np.ndarray:
    """(2, T, 22, 3) one person who walks 3 m along +Z, and one beside or towards that one."""
    people = []
    for seed in (0, 1):
        person = posed_person(seed, FRAMES, amount=0.1, still=("Pelvis",))
        joints = person.joints() - person.joints()[:, :1] + [0.0, 0.93, 0.0]
        joints = joints @ about_y(-facing(joints)).swapaxes(-1, -2)  # faces +Z
        people.append(joints + 3.0 * TIME[:, None, None] * [0.0, 0.0, 1.0])
    if second_comes:
        people[1] = people[1] @ about_y(np.asarray(np.pi)).T + [0.0, 0.0, 3.0]
    people[1] = people[1] + [0.8, 0.0, 0.0]
    return np.stack(people)


def on_path(places: np.ndarray, person: int = 0, frames: slice = slice(None)) -> Targets:
    ground, weight = np.zeros((2, FRAMES, 2)), np.zeros((2, FRAMES))
    ground[person, frames], weight[person, frames] = places[frames], 1.0
    return replace(NONE, ground=ground, ground_weight=weight)


def curve(aside: float) -> np.ndarray:
    return np.stack((aside * np.sin(2 * np.pi * TIME), 3.0 * TIME), -1)


def test_a_person_follows_a_path_and_turns_into_it() -> None:
    joints = walkers(second_comes=True)
    plan = plan_roots(joints, on_path(curve(0.6)), FREE)
    moved = plan.applied(joints)
    error = np.linalg.norm(moved[0, :, 0][:, [0, 2]] - curve(0.6), axis=-1)
    assert error.mean() < 0.03 and error.max() < 0.1
    direction = np.gradient(curve(0.6), axis=0)
    off = np.rad2deg(facing(moved[0]) - np.arctan2(direction[:, 0], direction[:, 1]))
    assert np.abs(off[10:-10]).mean() < 15 < np.abs(np.rad2deg(np.arctan2(*direction[10:-10].T))).mean()
    bones = np.linalg.norm(moved[:, :, 1:] - moved[:, :, list(SMPL.parents[1:])], axis=-1)
    assert np.allclose(bones, np.linalg.norm(joints[:, :, 1:] - joints[:, :, list(SMPL.parents[1:])], axis=-1))


def test_waypoints_are_met_and_kept_frames_stay() -> None:
    joints, still = walkers(), FREE.copy()
    still[:, :20] = True
    goal = np.zeros((FRAMES, 2))
    goal[60], goal[89] = (0.5, 2.0), (1.0, 3.5)
    targets = on_path(goal, frames=slice(None))
    weight = np.zeros((2, FRAMES))
    weight[0, [60, 89]] = 1.0
    moved = plan_roots(joints, replace(targets, ground_weight=weight), still).applied(joints)
    assert np.abs(moved[0, [60, 89], 0][:, [0, 2]] - goal[[60, 89]]).max() < 0.02
    assert np.abs((moved - joints)[:, :20]).max() < 0.01
    assert np.linalg.norm(np.diff(moved - joints, axis=1)[0, :, 0], axis=-1).max() < 0.05  # metres a frame


def test_a_partner_goes_along_side_by_side_but_not_past() -> None:
    for second_comes, moved_along in ((False, True), (True, False)):
        joints = walkers(second_comes)
        plan = plan_roots(joints, on_path(curve(0.6)), FREE)
        moved = plan.applied(joints)
        gaps = [np.linalg.norm((pair[1] - pair[0])[:, 0], axis=-1) for pair in (joints, moved)]
        assert (np.abs(plan.move[1]).max() > 0.3) == moved_along
        if moved_along:
            assert np.abs(gaps[1] - gaps[0]).max() < 0.1
    assert together(walkers()).min() > 0.9 and together(walkers(second_comes=True)).max() < 0.1


def test_nothing_is_moved_without_targets_or_where_they_are_met() -> None:
    joints = walkers()
    for targets in (NONE, on_path(joints[0, :, 0][:, [0, 2]])):
        plan = plan_roots(joints, targets, FREE)
        assert np.abs(plan.move).max() < 1e-6 and np.abs(plan.turn).max() < 1e-6


def test_headings_are_met_the_short_way() -> None:
    joints = walkers(second_comes=True)
    heading, weight = np.full((2, FRAMES), np.deg2rad(350.0)), np.zeros((2, FRAMES))
    weight[0, [0, 40, 80]] = 1.0
    plan = plan_roots(joints, replace(NONE, heading=heading, heading_weight=weight), FREE)
    assert np.allclose(np.rad2deg(plan.turn[0, [0, 40, 80]]), -10.0, atol=1.0) and not plan.turn[1].any()
    weight[0, [0, 40]] = 0.0
    at_end = plan_roots(joints, replace(NONE, heading=np.full((2, FRAMES), 1.5), heading_weight=weight), FREE)
    assert np.abs(at_end.turn[0, :45]).max() < 0.15 and abs(at_end.turn[0, 80] - 1.5) < 0.05


def test_hands_out_of_reach_bring_the_person_along() -> None:
    joints, wrist = walkers(), SMPL.index("R_Wrist")
    for aside, least, most in ((0.2, 0.0, 0.01), (1.5, 0.9, 1.3)):
        goal, weight = joints.copy(), np.zeros(joints.shape[:3])
        goal[0, 40:60, wrist, 0] += aside
        weight[0, 40:60, wrist] = 1.0
        move = plan_roots(joints, replace(NONE, joints=goal, joint_weight=weight), FREE).move[0, 50, 0]
        assert least <= move <= most


def test_people_come_together_for_a_contact_and_keep_a_distance() -> None:
    joints = walkers()
    joints[1, :, :, 0] += 2.0
    contact = ContactConstraint(0, "right_hand", "left_shoulder", 40, 60)
    hand, shoulder = SMPL.index("R_Wrist"), SMPL.index("Spine3")
    for apart, name in ((None, "left_shoulder"), (4.0, "chest")):
        asked = Constraints((replace(contact, on=name, never_nearer=apart),))
        plan = plan_roots(joints, Targets.of(asked, FRAMES), FREE)
        moved = plan.applied(joints)
        gap = np.linalg.norm((moved[1, 45:55, shoulder] - moved[0, 45:55, hand])[:, [0, 2]], axis=-1)
        assert (gap.max() < 0.5) if apart is None else (gap.min() > 3.7)
        assert np.abs(plan.move[:, 50, 0]).min() > 0.2 and plan.move[0, 50, 0] * plan.move[1, 50, 0] < 0


@pytest.mark.parametrize("yaw", [0.0, 1.2, 3.0, -2.2])
def test_a_motion_is_placed_and_turned_to_a_path(yaw: float) -> None:
    joints = walkers()
    world = CanonicalTransform(yaw, np.array([2.0, 0.0, -1.0]))
    asked = (joints @ world.rotation.T + world.offset)[0, :, 0][:, [0, 2]]
    targets = on_path(asked)
    fitted = targets.moved(canonical_fit(joints, targets, IDENTITY))
    assert np.linalg.norm(fitted.ground[0, 0] - joints[0, 0, 0, [0, 2]]) < 1e-9
    assert np.linalg.norm(fitted.ground[0] - joints[0, :, 0][:, [0, 2]], axis=-1).max() < 1.2
    headed = replace(targets, heading=np.full((2, FRAMES), yaw), heading_weight=targets.ground_weight)
    fitted = headed.moved(canonical_fit(joints, headed, IDENTITY))
    assert np.linalg.norm(fitted.ground[0] - joints[0, :, 0][:, [0, 2]], axis=-1).max() < 0.2


def test_a_motion_stays_where_it_is_without_a_bound_start() -> None:
    end = on_path(curve(0.0) + np.array([2.0, 0.0]), frames=slice(80, 90))
    base = CanonicalTransform(0.3, np.array([1.0, 0.2, 0.0]))
    assert canonical_fit(walkers(), end, base) is base


def test_poses_place_a_motion_where_no_path_leads_to_them() -> None:
    base = CanonicalTransform(0.3, np.array([1.0, 0.2, 0.0]))
    joints, world = walkers(), CanonicalTransform(2.5, np.array([2.0, 0.0, -1.0]))
    asked = joints @ world.rotation.T + world.offset
    weight = np.zeros((2, FRAMES))
    weight[0, [40, 60]] = 1.0
    pose = replace(
        NONE,
        ground=asked[:, :, 0][..., [0, 2]],
        ground_weight=weight,
        heading=facing(asked),
        heading_weight=weight,
        joints=asked,
        joint_weight=np.repeat(weight[..., None], 22, -1),
    )
    fitted = pose.moved(canonical_fit(joints, pose, base))
    assert np.abs((fitted.ground - joints[:, :, 0][..., [0, 2]])[weight > 0]).max() < 1e-6
    assert np.abs(fitted.joints[0, [40, 60], :, 0] - joints[0, [40, 60], :, 0]).max() < 1e-6
    walks_there = replace(pose, ground_weight=weight + on_path(curve(0.0), frames=slice(80, 90)).ground_weight)
    assert canonical_fit(joints, walks_there, base) is base
