"""The solver against motion whose truth is known: made by forward kinematics from smooth random rotations."""

from __future__ import annotations

import numpy as np
import pytest

from model_core.kinematics import FITTED, RAW_FIT, SolveSettings, solve
from model_core.kinematics.smoothing import stabilised_bodies
from model_core.motion import FPS, Motion, PosedSkeleton
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import (
    about_y,
    angle_between,
    continuous_signs,
    matrix_from_quaternion,
    quaternion_from_axis_angle,
    quaternion_from_matrix,
)
from model_core.motion.skeleton import SMPL

DEGREE = np.pi / 180


def smooth_noise(rng: np.random.Generator, frames: int, channels: int, slowest: float = 1.2) -> np.ndarray:
    """(frames, channels) sums of slow waves, about 1 high, without anything above ``slowest`` Hz."""
    time = np.arange(frames)[:, None, None] / FPS
    frequency = rng.uniform(0.1, slowest, (1, channels, 4))
    phase = rng.uniform(0, 2 * np.pi, (1, channels, 4))
    return np.sin(2 * np.pi * frequency * time + phase).sum(-1) / 2


def known_person(seed: int, frames: int = 120, turn: float = 0.0) -> PosedSkeleton:
    """A person who gesticulates with every joint, faces ``turn`` radians and leans and turns a little."""
    rng = np.random.default_rng(seed)
    turns = smooth_noise(rng, frames, 66).reshape(frames, 22, 3) * 0.35
    for joint in (4, 5):
        turns[:, joint] = [0, 0, 0]
        turns[:, joint, 0] = 0.6 + 0.5 * smooth_noise(rng, frames, 1)[:, 0]
    for joint, side in ((18, -1), (19, 1)):
        turns[:, joint] *= [1, 0, 0]
        turns[:, joint] += np.outer(0.9 + 0.6 * smooth_noise(rng, frames, 1)[:, 0], [0.0, side * 0.91, side * -0.42])
    for joint, side in ((16, -1), (17, 1)):
        turns[:, joint, 2] += side * 1.0
    root = about_y(turn + smooth_noise(rng, frames, 1)[:, 0] * 0.8)
    quaternions = quaternion_from_axis_angle(turns)
    lean = matrix_from_quaternion(quaternions[:, 0])
    quaternions[:, 0] = quaternion_from_matrix(root @ lean)
    scale = rng.uniform(0.85, 1.1, 22)
    offsets = SMPL_REST_OFFSETS * (0.5 * (scale + scale[list(SMPL.mirror)]))[:, None]
    translation = np.stack((0.4 * smooth_noise(rng, frames, 1)[:, 0], np.full(frames, 0.95), np.zeros(frames)), -1)
    return PosedSkeleton(offsets, continuous_signs(quaternions), translation)


def rotation_errors(first: PosedSkeleton, second: PosedSkeleton) -> np.ndarray:
    """(T, J) degrees between the rotations of two skeletons."""
    return angle_between(matrix_from_quaternion(first.rotations), matrix_from_quaternion(second.rotations)) / DEGREE


def joint_errors(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(T, J) millimetres."""
    return 1000 * np.linalg.norm(first - second, axis=-1)


@pytest.mark.parametrize("settings", [RAW_FIT, FITTED])
def test_known_motion_comes_back(settings: SolveSettings) -> None:
    known = [known_person(1), known_person(2, turn=2.5)]
    motions = [Motion(person.joints(), person.motion().rotations) for person in known]
    for truth, solved in zip(known, solve(motions, settings), strict=True):
        np.testing.assert_allclose(solved.offsets, truth.offsets, atol=1e-4)
        assert joint_errors(solved.joints(), truth.joints()).max() < 1
        assert rotation_errors(solved, truth).max() < 1


def test_positions_alone_come_back() -> None:
    known = known_person(3)
    solved = solve([Motion(known.joints())], RAW_FIT)[0]
    assert joint_errors(solved.joints(), known.joints()).max() < 1
    # Twist is a guess then, but a body's guess: bent knees and elbows show theirs.
    errors = rotation_errors(solved, known)
    assert errors[:, 0].max() < 1
    typical = dict(zip(SMPL.joints, np.median(errors, axis=0), strict=True))
    assert max(typical[side + joint] for side in ("L_", "R_") for joint in ("Hip", "Knee")) < 12
    assert max(typical[side + joint] for side in ("L_", "R_") for joint in ("Shoulder", "Elbow")) < 25
    assert typical["Head"] < 45


def test_every_facing_gives_the_same_body() -> None:
    known = known_person(4, 40)
    joints, rotations = known.joints(), known.motion().rotations
    straight = solve([Motion(joints, rotations)])[0]
    for degrees in range(0, 360, 10):
        turn = about_y(np.array(degrees * DEGREE))
        turned = solve([Motion(joints @ turn.T, rotations)])[0]
        assert rotation_errors(turned, straight)[:, 1:].max() < 0.1
        expected = turn @ matrix_from_quaternion(straight.rotations[:, 0])
        assert angle_between(matrix_from_quaternion(turned.rotations[:, 0]), expected).max() < 0.1 * DEGREE


def test_a_joint_line_without_facing_is_filled_from_its_neighbours() -> None:
    known = known_person(5)
    joints = known.joints()
    hips = joints[:, 1:3].mean(1, keepdims=True)
    joints[40:44, 1:3] = hips[40:44]
    solved = solve([Motion(joints, known.motion().rotations)], RAW_FIT)[0]
    assert rotation_errors(solved, known)[40:44, 0].max() < 10


@pytest.mark.parametrize("frames", [1, 2, 5, 13])
def test_short_clips_are_solved(frames: int) -> None:
    known = known_person(6, frames)
    solved = solve([Motion(known.joints().astype(np.float32), known.motion().rotations)], FITTED)[0]
    assert joint_errors(solved.joints(), known.joints()).max() < 1


def test_smoothing_takes_jitter_and_leaves_motion() -> None:
    known = known_person(7, 240)
    rng = np.random.default_rng(7)
    truth = known.joints()
    noisy = Motion(truth + rng.normal(0, 0.012, truth.shape), known.motion().rotations)
    raw, smooth = (solve([noisy], settings)[0].joints() for settings in (RAW_FIT, FITTED))
    assert joint_errors(smooth, truth).mean() < 0.6 * joint_errors(raw, truth).mean()
    jerk = [np.linalg.norm(np.diff(joints, n=3, axis=0), axis=-1).mean() for joints in (raw, smooth)]
    assert jerk[1] < 0.1 * jerk[0]


def test_signs_are_continuous() -> None:
    for solved in solve([known_person(8).motion(), known_person(9, turn=3).motion()]):
        assert ((solved.rotations[1:] * solved.rotations[:-1]).sum(-1) > 0).all()


@pytest.mark.parametrize("frames", [1, 3, 20, 70])
@pytest.mark.parametrize("known", [True, False])
def test_joints_fallen_together_give_finite_poses(frames: int, known: bool) -> None:
    person = known_person(10, frames)
    heap = np.zeros((frames, 22, 3))
    heap[frames // 2 :, 5:] = person.joints()[frames // 2 :, 5:]
    rotations = person.motion().rotations if known else None
    for solved in solve([Motion(heap, rotations), Motion(np.zeros((frames, 22, 3)), rotations)]):
        assert np.isfinite(solved.joints()).all()
        np.testing.assert_allclose(np.linalg.norm(solved.rotations, axis=-1), 1, atol=1e-9)


def test_one_with_and_one_without_rotations() -> None:
    first, second = known_person(11), known_person(12)
    solved = solve([first.motion(), Motion(second.joints())], RAW_FIT)
    assert rotation_errors(solved[0], first).max() < 1
    assert joint_errors(solved[1].joints(), second.joints()).max() < 1


def test_people_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="length or rate"):
        solve([known_person(8, 20).motion(), known_person(9, 21).motion()])


def steps(person: PosedSkeleton) -> np.ndarray:
    """(T - 1, J) degrees that each joint turns in a frame."""
    matrices = matrix_from_quaternion(person.rotations)
    return angle_between(matrices[1:], matrices[:-1]) / DEGREE


def test_who_faces_about_within_frames_turns_instead() -> None:
    """A decoder torn between two facings gives the middle of both for a frame or two: everybody falls onto a line."""
    known = known_person(14, 60)
    joints, rotations = known.joints(), known.motion().rotations
    share = np.clip((np.arange(60) - 28) / 3, 0, 1)[:, None, None]
    middle = joints[:, :1]
    about = (joints - middle) @ about_y(np.array(np.pi)).T + middle
    discontinuous = joints + share * (about - joints)
    for settings in (RAW_FIT, FITTED):
        solved = solve([Motion(discontinuous, rotations)], settings)[0]
        assert steps(solved)[:, 0].max() < 30
        assert steps(solved)[:, 1:].max() < 60
        assert joint_errors(solved.joints()[:20], joints[:20]).max() < 20


def test_a_forearm_that_goes_through_the_upper_arm_does_not_turn_it_around() -> None:
    known = known_person(15, 60)
    joints, rotations = known.joints(), known.motion().rotations
    elbow, upper = joints[:, 18], joints[:, 16] - joints[:, 18]
    upper /= np.linalg.norm(upper, axis=-1, keepdims=True)
    side = np.cross(upper, [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side, axis=-1, keepdims=True)
    angle = np.linspace(-0.6, 0.6, 60)[:, None]
    length = np.linalg.norm(joints[:, 20] - elbow, axis=-1, keepdims=True)
    joints[:, 20] = elbow + length * (np.cos(angle) * upper + np.sin(angle) * side)
    assert steps(solve([Motion(joints, rotations)], RAW_FIT)[0])[:, (16, 18)].max() < 45


def test_a_body_that_shakes_as_a_whole_is_steadied_and_no_other() -> None:
    """Captured motion, even a race's, stays to the bit; what shakes loses most of it, and no bone changes."""
    quiet = known_person(16, 120).joints()
    shake = np.repeat(np.random.default_rng(16).normal(0, 0.012, (40, 3)), 3, axis=0)[:, None]
    joints = np.stack((quiet, quiet + shake))
    after = stabilised_bodies(joints, FPS, SolveSettings().steady_bodies)
    assert np.array_equal(after[0], quiet)
    inside = slice(8, -8)
    assert np.abs(after[1] - quiet)[inside].mean() < 0.85 * np.abs(shake[inside]).mean()
    assert np.linalg.norm(np.diff(after[1] - quiet, n=3, axis=0), axis=-1).mean() < 0.25 * (
        np.linalg.norm(np.diff(shake, n=3, axis=0), axis=-1).mean()
    )
    assert np.abs((after - after[:, :, :1]) - (joints - joints[:, :, :1])).max() < 1e-12
