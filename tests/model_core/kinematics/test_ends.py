"""Both people begin and end at rest, in one time, with their feet on the floor."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from generated_clips import generated

from model_core.kinematics import solve
from model_core.kinematics.ends import at_rest
from model_core.kinematics.settings import Ends
from model_core.motion import PosedSkeleton
from model_core.motion.skeleton import SMPL

TOES = [SMPL.index("L_Foot"), SMPL.index("R_Foot")]
WRISTS = [SMPL.index("L_Wrist"), SMPL.index("R_Wrist")]
FRAMES = 136
"""Of results from clips of 120 frames."""


@cache
def solved(name: str) -> list[PosedSkeleton]:
    return solve(generated(name))


def joints_of(people: list[PosedSkeleton]) -> np.ndarray:
    return np.stack([person.joints() for person in people])


def speeds_of(joints: np.ndarray) -> np.ndarray:
    """(T - 1,) speed of the fastest joint, m/s."""
    return np.asarray(np.linalg.norm(np.diff(joints, axis=1), axis=-1).max((0, 2)) * 30)


@pytest.mark.parametrize("name", ["walk", "shake", "hug", "push"])
def test_no_joint_moves_in_the_first_and_the_last_frame_and_none_rushes(name: str) -> None:
    before = joints_of(solved(name))
    people = at_rest(solved(name), Ends(True, True), FRAMES)
    after = joints_of(people)
    assert after.shape[1] == FRAMES
    speeds = speeds_of(after)
    assert speeds[0] < 0.15 and speeds[-1] < 0.15
    assert speeds.max() < 1.2 * speeds_of(before).max()


@pytest.mark.parametrize("name", ["walk", "shake"])
def test_both_people_keep_one_time_so_that_hands_keep_their_distance(name: str) -> None:
    before, after = joints_of(solved(name)), joints_of(at_rest(solved(name), Ends(True, True), FRAMES))
    apart = [np.linalg.norm(joints[0][:, WRISTS] - joints[1][:, WRISTS], axis=-1) for joints in (before, after)]
    # Every distance of the result occurs in the clip, between two of its frames.
    for hands in (0, 1):
        gaps = np.abs(apart[1][:, None, hands] - apart[0][None, :, hands])
        assert gaps.min(1).max() < 0.5 * np.abs(np.diff(apart[0][:, hands])).max() + 1e-3


def test_walkers_stop_with_both_feet_on_the_floor() -> None:
    people = at_rest(solved("walk"), Ends(True, True), FRAMES)
    joints = joints_of(people)
    standing = np.quantile(joints[:, :, TOES, 1], 0.1, axis=(1, 2))
    assert (joints[:, [0, -1]][:, :, TOES, 1] - standing[:, None, None]).max() < 0.03


def test_an_end_that_is_off_keeps_its_movement_and_asked_frames_keep_their_time() -> None:
    clip = solved("walk")
    before = joints_of(clip)
    only_end = joints_of(at_rest(clip, Ends(False, True)))
    assert speeds_of(only_end)[0] > 1.0 > 0.15 > speeds_of(only_end)[-1]
    asked = np.zeros(len(clip[0]), dtype=bool)
    asked[[0, 60, -1]] = True
    result = joints_of(at_rest(clip, Ends(True, True), bound=asked))
    assert np.abs(result[:, [0, 60, -1]][:, :, :4] - before[:, [0, 60, -1]][:, :, :4]).max() < 1e-6
    assert speeds_of(result)[-1] < 0.15
    asked[-5] = True
    result = joints_of(at_rest(clip, Ends(False, True), bound=asked))
    assert np.array_equal(result, before)


def test_a_clip_is_drawn_shorter_and_the_shortest_one_is_not() -> None:
    assert Ends(True, True).drawn_frames(120) == 104
    assert Ends(True, True).drawn_frames(16) == 16
    assert Ends(False, False).drawn_frames(120) == 120
    assert len(at_rest(solved("bow"), Ends(True, True), 16)[0]) == 16
