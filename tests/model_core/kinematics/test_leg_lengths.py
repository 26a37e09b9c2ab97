"""Legs of the right length: straight knees where people stand straight, and nothing else moved for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from couple_examples import TOES, couple_holding_hands
from leg_examples import motion_of, swaying, with_long_legs

from model_core.kinematics import FITTED, SolveSettings, solve
from model_core.kinematics.leg_lengths import leg_scales, with_leg_scales
from model_core.kinematics.limbs import LEGS
from model_core.metrics.physical import contact_distance_changes, knee_angles, touching_joints
from model_core.motion import FPS, Motion, PosedSkeleton
from model_core.motion.forward_kinematics import global_rotations
from model_core.motion.hands import with_hands_at_rest
from model_core.motion.rotations import matrix_from_quaternion
from model_core.motion.skeleton import SMPL

BEFORE = SolveSettings(straighten_legs=False)
AFTER = SolveSettings()
ANKLES = tuple(leg.end for leg in LEGS)


def rotation_about_x(angle: float) -> np.ndarray:
    """(3, 3) about the axis from right to left, radians: positive leans forward."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])


def forward_bends(person: PosedSkeleton) -> np.ndarray:
    """(T, 2) sines of the knees' bend about the thighs' own axes: negative where a knee bends backward."""
    world = global_rotations(matrix_from_quaternion(person.rotations), SMPL)
    joints, found = person.joints(), []
    for leg in LEGS:
        thigh, shin = joints[:, leg.hinge] - joints[:, leg.upper], joints[:, leg.end] - joints[:, leg.hinge]
        size = np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shin, axis=-1)
        found.append((np.cross(thigh, shin) * world[:, leg.upper, :, 0]).sum(-1) / size)
    return np.stack(found, -1)


@pytest.mark.parametrize("longer", [1.012, 1.015, 1.02])
@pytest.mark.parametrize("raised", [0.0, 0.12])
def test_who_stands_straight_on_long_bones_stands_on_straight_knees(longer: float, raised: float) -> None:
    given = motion_of(with_long_legs(swaying(-0.12, -0.004), longer, raised))
    assert np.percentile(knee_angles(given.joints[None]), 95) < 166
    before, after = solve([given], BEFORE)[0], solve([given], AFTER)[0]
    angles = knee_angles(after.joints()[None])
    assert np.percentile(knee_angles(before.joints()[None]), 95) < 168
    assert np.percentile(angles, 95) > 170 and angles.max() < 178.5
    np.testing.assert_array_equal(after.translation, before.translation)
    feet = [*ANKLES, *TOES]
    assert np.linalg.norm(after.joints()[:, feet] - before.joints()[:, feet], axis=-1).max() < 0.005
    others = [joint for joint in range(22) if joint not in (4, 5, *feet)]
    np.testing.assert_allclose(after.joints()[:, others], before.joints()[:, others], atol=1e-9)
    # No knee snaps: it turns by at most 3 degrees a frame faster than on the longer bones.
    speeds = [np.abs(np.diff(knee_angles(one.joints()[None]), axis=1)) for one in (before, after)]
    assert (speeds[1] - speeds[0]).max() < 3.01
    assert forward_bends(after).min() > 0


def test_a_foot_that_rolls_over_its_toe_stays_where_it_stands() -> None:
    height = swaying(-0.14, -0.014)
    height[60:62] = 0.008
    pose = with_long_legs(height, 1.02)
    # All of the body falls forward about the toes and back again: ankles are faster than 0.4 m/s, toes rest.
    angle = 0.13 * np.maximum(0, 4 - np.abs(np.arange(len(height)) - 63))
    turn = np.stack([rotation_about_x(one) for one in angle])
    toes = pose.world()[0][:, :, list(TOES)].mean(axis=2)
    local = pose.local.copy()
    local[0, :, 0] = turn @ local[0, :, 0]
    rolling = replace(pose, local=local, translation=toes + (turn @ (pose.translation - toes)[0, ..., None])[..., 0])
    after = with_leg_scales(rolling, leg_scales(rolling))
    assert np.linalg.norm((after.world()[0] - rolling.world()[0])[0, :, [*ANKLES, *TOES]], axis=-1).max() < 0.005


def test_who_sits_and_who_stands_on_legs_of_the_right_length_keeps_the_bones() -> None:
    sitting = motion_of(with_long_legs(swaying(-0.5, -0.3), 1.015))
    upright = motion_of(with_long_legs(swaying(-0.1, -0.0015), 1.0))
    for given in (sitting, upright):
        before, after = solve([given], BEFORE)[0], solve([given], AFTER)[0]
        np.testing.assert_array_equal(after.offsets, before.offsets)
        np.testing.assert_array_equal(after.rotations, before.rotations)
        np.testing.assert_array_equal(after.translation, before.translation)


def test_who_fights_with_bent_knees_is_not_shrunk() -> None:
    crouching = motion_of(with_long_legs(swaying(-0.14, -0.06), 1.0))
    solved = solve([crouching])[0]
    given = with_long_legs(swaying(-0.14, -0.06), 1.0).offsets[0]
    assert np.linalg.norm(solved.offsets[4]) > 0.9699 * np.linalg.norm(given[4])


def test_a_held_person_stays_to_the_bit_and_the_partner_is_straightened() -> None:
    leader = motion_of(with_long_legs(swaying(-0.12, -0.004), 1.015))
    turned = np.diag([-1.0, 1.0, -1.0])
    partner = motion_of(with_long_legs(swaying(-0.1, -0.003), 1.015)).moved(turned, np.array([0, 0, 0.8]))
    before, after = (solve([leader, partner], replace(settings, held=0)) for settings in (BEFORE, AFTER))
    np.testing.assert_array_equal(after[0].offsets, before[0].offsets)
    np.testing.assert_array_equal(after[0].rotations, before[0].rotations)
    np.testing.assert_array_equal(after[0].translation, before[0].translation)
    assert np.percentile(knee_angles(after[1].joints()[None]), 95) > 170
    assert np.percentile(knee_angles(before[1].joints()[None]), 95) < 168


def test_knees_that_rest_against_each_other_stay_in_touch() -> None:
    heights = np.clip(swaying(-0.04, -0.004), -0.02, -0.004)
    first = motion_of(with_long_legs(heights, 1.015))
    second = first.moved(np.diag([-1.0, 1.0, -1.0]), np.zeros(3))
    # Far enough for knees and feet to be just in front of each other.
    reach = float(first.joints[:, [leg.hinge for leg in LEGS], 2].max())
    second = second.moved(np.eye(3), np.array([0.0, 0.0, 2 * reach + 0.07]))
    settings = replace(AFTER, close_contacts=False)
    fitted, after = (np.stack([p.joints() for p in solve([first, second], s)]) for s in (FITTED, settings))
    touching = touching_joints(fitted, FPS)
    knees = [leg.hinge for leg in LEGS]
    assert touching[:, knees][:, :, knees].any(axis=(1, 2)).mean() > 0.3
    assert contact_distance_changes(fitted, after, touching).max() < 10


def test_a_knee_that_bends_backward_is_turned_forward() -> None:
    person = couple_holding_hands(60)[0]
    joints = person.joints()
    # For three frames the decoder has the left knee behind the line from hip to ankle.
    hip, knee, ankle = (joints[28:31, joint] for joint in (LEGS[0].upper, LEGS[0].hinge, LEGS[0].end))
    axis = (ankle - hip) / np.linalg.norm(ankle - hip, axis=-1, keepdims=True)
    arm = knee - hip
    joints[28:31, LEGS[0].hinge] = hip + 2 * (arm * axis).sum(-1, keepdims=True) * axis - arm
    spoiled = Motion(joints, person.motion().rotations)
    settings = replace(FITTED, smooth=False, straighten_legs=True)
    (before,), (after,) = solve([spoiled], replace(settings, straighten_legs=False)), solve([spoiled], settings)
    assert forward_bends(before).min() < -0.1
    assert forward_bends(after).min() > 0
    feet = [*ANKLES, *TOES]
    assert np.linalg.norm(after.joints()[:, feet] - before.joints()[:, feet], axis=-1).max() < 0.005


def test_an_edit_keeps_the_bones_of_the_take() -> None:
    raw = with_long_legs(swaying(-0.12, -0.004), 1.015)
    (take,) = solve([motion_of(raw)])
    # The middle is decoded again, on the long bones.
    known, mixed = take.motion(), motion_of(raw)
    joints, rotations = known.joints.copy(), known.rotations.copy()  # type: ignore[union-attr]
    joints[50:100], rotations[50:100] = mixed.joints[50:100], mixed.rotations[50:100]  # type: ignore[index]
    (edited,) = solve([Motion(joints, rotations)], AFTER, [known])
    np.testing.assert_allclose(edited.offsets, take.offsets, atol=1e-6)
    (on_smplx,) = solve([Motion(joints, rotations)], AFTER, [with_hands_at_rest(known)])
    np.testing.assert_array_equal(on_smplx.rotations, edited.rotations)
    held = np.r_[10:40, 110:140]
    moved = np.linalg.norm(edited.joints() - take.joints(), axis=-1)
    knees = [leg.hinge for leg in LEGS]
    assert np.delete(moved[held], knees, axis=1).max() < 0.003
    assert moved[held].max() < 0.01
    feet = [*ANKLES, *TOES]
    assert moved[:, feet].max() < 0.008
    assert np.abs(edited.translation - take.translation).max() < 0.008
    assert np.percentile(knee_angles(edited.joints()[None, 55:95]), 95) > 168
