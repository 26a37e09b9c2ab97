"""Inter-X rows and motion on SMPL-X's joints, both ways; hands on bodies; leaders from elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from motion_examples import posed_person, waves

from model_core.generation.representations import REPRESENTATIONS
from model_core.kinematics import RAW_FIT, solve
from model_core.motion import SMPL, SMPLX, Motion
from model_core.motion.canonical import facing
from model_core.motion.forward_kinematics import forward_kinematics
from model_core.motion.hands import body_of, with_hands, with_hands_at_rest
from model_core.motion.interx import INTERX_BODY, interx_from_motion, motion_from_interx
from model_core.motion.rest import SMPL_REST_OFFSETS, SMPLX_REST_OFFSETS
from model_core.motion.rotations import about_y, angle_between, matrix_from_axis_angle

INTERX = REPRESENTATIONS["interx"]
FRAMES = 30


def person_with_hands(seed: int = 0) -> Motion:
    """A person of Inter-X's body who moves every joint, fingers too."""
    rng = np.random.default_rng(seed)
    axis_angle = 0.5 * waves(rng, FRAMES, (len(SMPLX), 3))
    axis_angle[:, 0] = np.array([0.1, 2.5, 0.1]) * waves(rng, FRAMES, (3,))
    local = matrix_from_axis_angle(axis_angle)
    root = np.array([0.5, 0.05, 0.5]) * waves(rng, FRAMES, (3,)) + np.array([1.0, 0.9, -2.0])
    return Motion(forward_kinematics(local, root, INTERX_BODY, SMPLX), local[:, 1:], local[:, 0], skeleton=SMPLX)


def test_a_row_is_two_rows_of_each_matrix_then_translation_and_velocity() -> None:
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    still = np.broadcast_to(np.eye(3), (3, 54, 3, 3)).copy()
    still[:, 39] = turn
    joints = np.zeros((3, 55, 3))
    joints[:, 0] = [(0, 1, 0), (0, 1, 2), (5, 1, 2)]
    rows = interx_from_motion(Motion(joints, still, about_y(np.full(3, np.pi / 2)), skeleton=SMPLX))
    assert rows.shape == (3, 56, 6)
    np.testing.assert_allclose(rows[0, 0], [0, 0, 1, 0, 1, 0], atol=1e-7)
    np.testing.assert_array_equal(rows[:, 40], np.tile([0, -1, 0, 1, 0, 0], (3, 1)))
    np.testing.assert_array_equal(rows[:, 55], [(0, 1, 0, 0, 0, 2), (0, 1, 2, 5, 0, 0), (5, 1, 2, 0, 0, 0)])


def test_rows_and_motion_are_each_others_inverse() -> None:
    motion = person_with_hands()
    rows = interx_from_motion(motion)
    back = motion_from_interx(rows.astype(np.float64))
    np.testing.assert_allclose(back.joints, motion.joints, atol=1e-5)
    np.testing.assert_allclose(interx_from_motion(back), rows, atol=1e-6)
    # What a network writes is not orthonormal and stays the same rotation.
    scaled = motion_from_interx(rows * np.array([2.0] * 55 + [1.0])[:, None])
    np.testing.assert_allclose(scaled.joints, motion.joints, atol=1e-5)


def test_the_networks_rows_of_a_made_motion_are_its_own() -> None:
    motion = person_with_hands(1)
    placement = INTERX.canonical_transform(motion)
    placed = placement.apply(motion)
    np.testing.assert_allclose(placed.joints[0, 0], 0, atol=1e-9)
    assert abs(facing(placed.joints[0], SMPLX)) < 1e-9
    assert INTERX.prepared(placed) is placed
    rows = INTERX.features(placed)
    np.testing.assert_allclose(rows, interx_from_motion(placed), atol=1e-5)
    there = placement.inverse.apply(INTERX.motion(rows))
    np.testing.assert_allclose(there.joints, motion.joints, atol=1e-4)


@pytest.mark.parametrize("known", [True, False])
def test_a_leader_of_other_proportions_keeps_its_pose(known: bool) -> None:
    leader = posed_person(3, FRAMES, amount=0.3).motion()
    given = leader if known else replace(leader, rotations=None, root_orientation=None)
    prepared = INTERX.prepared(given)
    assert prepared.skeleton == SMPLX
    np.testing.assert_array_equal(prepared.joints[:, : len(SMPL)], leader.joints)
    seen = INTERX.motion(INTERX.features(prepared))
    for lower in ("L_Knee", "R_Ankle", "L_Elbow", "R_Elbow", "L_Wrist", "R_Wrist"):
        joint = SMPL.index(lower)
        bones = [motion.joints[:, joint] - motion.joints[:, SMPL.parents[joint]] for motion in (leader, seen)]
        first, second = (bone / np.linalg.norm(bone, axis=-1, keepdims=True) for bone in bones)
        degrees = np.degrees(np.arccos(np.clip((first * second).sum(-1), -1, 1)))
        assert degrees.max() < 8, lower  # copied rotations would be 16 degrees off in the arms


def test_a_generated_pair_stands_on_the_floor() -> None:
    people = (person_with_hands(4), person_with_hands(5))
    first, second = INTERX.canonical(people)
    assert min(first.joints[..., 1].min(), second.joints[..., 1].min()) == pytest.approx(0)
    np.testing.assert_allclose(first.joints[0, 0, [0, 2]], 0, atol=1e-9)
    apart = [np.linalg.norm(a.joints - b.joints, axis=-1) for a, b in (people, (first, second))]
    np.testing.assert_allclose(*apart, atol=1e-9)


def test_hands_come_off_and_go_back_on() -> None:
    motion = person_with_hands(6)
    body = body_of(motion)
    assert body.skeleton == SMPL and body_of(body) is body
    np.testing.assert_array_equal(body.joints, motion.joints[:, :22])
    solved = posed_person(6, FRAMES)
    whole = with_hands(solved, motion)
    assert whole.skeleton == SMPLX
    np.testing.assert_allclose(whole.joints()[:, :22], solved.joints(), atol=1e-12)
    assert motion.rotations is not None
    assert angle_between(whole.motion().rotations[:, 21:], motion.rotations[:, 21:]).max() < 1e-6
    with pytest.raises(ValueError, match="as many frames"):
        with_hands(posed_person(6, FRAMES + 1), motion)


def test_the_solver_follows_a_pair_with_hands() -> None:
    pair = INTERX.canonical((person_with_hands(8), person_with_hands(9)))
    for solved, person in zip(solve(pair, RAW_FIT), pair, strict=True):
        assert solved.skeleton == SMPLX
        assert person.rotations is not None
        turned = angle_between(solved.motion().rotations[:, 24:], person.rotations[:, 24:])
        assert turned.max() < 1e-6
        away = np.linalg.norm(solved.joints()[:, :22] - person.joints[:, :22], axis=-1)
        assert away.mean() < 0.02
    unknown = replace(pair[0], rotations=None, root_orientation=None)
    (flat,) = solve([unknown])
    np.testing.assert_array_equal(flat.rotations[:, 22:], np.tile([1.0, 0, 0, 0], (FRAMES, 33, 1)))


def test_flat_hands_hang_from_the_given_joints() -> None:
    leader = posed_person(7, FRAMES).motion()
    moved = replace(leader, joints=leader.joints + np.array([0.0, 0.0, 0.02]) * (np.arange(22)[:, None] == 20))
    whole = with_hands_at_rest(moved)
    fingers = whole.joints[:, SMPLX.index("L_Index1")] - whole.joints[:, SMPLX.index("L_Wrist")]
    length = np.linalg.norm(SMPLX_REST_OFFSETS[SMPLX.index("L_Index1")])
    np.testing.assert_allclose(np.linalg.norm(fingers, axis=-1), length, atol=1e-9)
    with pytest.raises(ValueError, match="all their rotations"):
        with_hands_at_rest(replace(leader, root_orientation=None))


def test_the_two_rest_poses_are_a_persons() -> None:
    np.testing.assert_array_equal(SMPLX_REST_OFFSETS[:22], SMPL_REST_OFFSETS)
    mirrored = SMPLX_REST_OFFSETS[list(SMPLX.mirror)] * (-1, 1, 1)
    np.testing.assert_allclose(mirrored, SMPLX_REST_OFFSETS, atol=2e-4)
    for offsets in (SMPLX_REST_OFFSETS, INTERX_BODY):
        lengths = np.linalg.norm(offsets[1:], axis=-1)
        assert lengths.min() > 0.01
        still = np.broadcast_to(np.eye(3), (len(SMPLX), 3, 3))
        joints = forward_kinematics(still, np.zeros(3), offsets, SMPLX)
        height = joints[SMPLX.index("L_Eye"), 1] - joints[SMPLX.index("L_Foot"), 1]
        assert 1.4 < height < 1.7
        assert joints[SMPLX.index("L_Middle3"), 0] > 0.6 and joints[SMPLX.index("R_Middle3"), 0] < -0.6
