"""The last frame of a loop leads into the first, for both people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from generated_clips import generated

from model_core.errors import UserError
from model_core.generation.looping import Loop, looped, smoother
from model_core.kinematics import RAW_FIT, solve
from model_core.motion import SMPL
from model_core.motion.shared_travel import in_place

FRAMES = 72


def joints_of(people: list) -> np.ndarray:
    return np.stack([person.joints() for person in people])


@pytest.mark.parametrize(("name", "travels"), [("walk", True), ("shake", False)])
def test_the_next_cycle_begins_where_this_one_ends_and_nothing_jumps(name: str, travels: bool) -> None:
    loop = looped(generated(name), FRAMES)
    people = loop.closed(solve(loop.padded()))
    joints = joints_of(people)
    assert joints.shape[1] == FRAMES + 1 and (np.linalg.norm(loop.travel) > 1) == travels
    assert loop.travel[1] == 0
    np.testing.assert_allclose(joints[:, -1], joints[:, 0] + loop.travel, atol=1e-6)
    cycles = np.concatenate((joints[:, :-1], joints[:, :-1] + loop.travel), axis=1)
    steps = np.linalg.norm(np.diff(cycles, axis=1), axis=-1).max((0, 2))
    assert steps[FRAMES - 2 : FRAMES + 1].max() < 1.2 * np.quantile(steps[8 : FRAMES - 8], 0.99) + 0.04


def test_the_seam_is_in_the_middle_of_rotated_people_and_rotating_back_changes_nothing() -> None:
    loop = looped(generated("walk"), FRAMES)
    first = loop.rotated()[0]
    assert loop.seam % 4 == 0 and len(first) == FRAMES
    steps = np.linalg.norm(np.diff(first.joints, axis=0), axis=-1).max(-1)
    assert steps[loop.seam - 1] < 1.5 * np.quantile(steps, 0.95)
    back = loop.with_rotated(loop.rotated())
    for person, own in zip(back.people, loop.people, strict=True):
        np.testing.assert_allclose(person.joints[:-1], own.joints[:-1], atol=1e-6)
        np.testing.assert_allclose(person.joints[-1], own.joints[0] + loop.travel, atol=1e-6)
    free = loop.free_tokens()
    assert free[:, :, loop.seam // 4].all() and not free[:, :, 0].any() and not free[:, :, -1].any()


def test_redrawn_tokens_are_used_unless_they_jump() -> None:
    loop = looped(generated("shake"), FRAMES)
    first, second = loop.people
    moved = np.array(second.joints)
    moved[30:34, SMPL.index("L_Wrist")] += 0.4
    jumping = Loop((first, replace(second, joints=moved)), loop.travel)
    redrawn = loop.with_rotated(loop.rotated())
    assert smoother(loop, redrawn) is redrawn
    assert smoother(loop, jumping) is loop


def test_people_who_end_far_away_are_told_of() -> None:
    first, second = generated("walk")
    away = np.linspace(0.0, 6.0, len(second))[:, None, None] * np.array([1.0, 0.0, 0.0])
    leaving = second.__class__(second.joints + away, second.rotations)
    with pytest.raises(UserError, match=r"too far for a loop of 2\.4 s"):
        looped([first, leaving], FRAMES)


def test_in_place_people_keep_their_distance_and_lose_the_travel_that_they_share() -> None:
    people = solve(generated("walk"), RAW_FIT)
    before, after = joints_of(people), joints_of(in_place(people))
    np.testing.assert_allclose(after[0] - after[1], before[0] - before[1], atol=1e-9)
    np.testing.assert_allclose(after[:, 0], before[:, 0], atol=1e-9)
    np.testing.assert_allclose(after[..., 1], before[..., 1], atol=1e-9)
    middle = after[:, :, 0].mean(0)
    assert np.abs(middle - middle[0])[:, [0, 2]].max() < 0.15
    loop = looped(generated("walk"), FRAMES)
    cycle = joints_of(in_place(loop.closed(solve(loop.padded(), RAW_FIT)), loop=True))
    np.testing.assert_allclose(cycle[:, -1], cycle[:, 0], atol=1e-6)
