"""A person who leaps through space is brought back; everybody else stays unchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from couple_examples import couple_holding_hands
from motion_examples import posed_person

from model_core.kinematics import SolveSettings, solve
from model_core.kinematics.root_teleports import without_teleports
from model_core.metrics.physical import FOOT_JOINTS
from model_core.motion import FPS, Motion
from model_core.motion.rotations import about_y

FASTEST = 6.0
GROUND = [0, 2]


def discontinuous(person: Motion, start: int, stop: int, way: tuple[float, float], ramp: int = 1) -> Motion:
    """The motion displaced by ``way`` between two frames, there and back within ``ramp`` frames each."""
    frames = np.arange(len(person))
    share = np.clip((frames - start + 1) / ramp, 0, 1) * np.clip((stop - frames + ramp - 1) / ramp, 0, 1)
    joints = person.joints.astype(np.float64)
    joints[..., GROUND] += share[:, None, None] * np.array(way)
    return replace(person, joints=joints)


def fastest(person: Motion) -> float:
    steps = np.linalg.norm(np.diff(person.joints[:, 0, GROUND], axis=0), axis=-1)
    return float(steps.max()) * FPS


def couple() -> list[Motion]:
    return [person.motion() for person in couple_holding_hands()]


def test_motion_without_teleports_is_the_same_object() -> None:
    people = couple()
    runner = people[0].joints + np.array([4.2 / FPS, 0, 0]) * np.arange(len(people[0]))[:, None, None]
    for motions in (people, [replace(people[0], joints=runner)], [posed_person(4).motion()]):
        assert all(after is before for after, before in zip(without_teleports(motions), motions, strict=True))


@pytest.mark.parametrize(("sudden", "mended"), [(False, False), (True, True)])
def test_a_sprint_is_no_leap_unless_it_begins_at_once(sudden: bool, mended: bool) -> None:
    person = couple()[0]
    # Up to 6.5 m/s within two seconds and back, against the same speed from one frame to the next.
    speed = 6.5 * np.clip(np.minimum(np.arange(len(person)) - 20, 180 - np.arange(len(person))) / 60, 0, 1)
    if sudden:
        speed = np.where(speed < 6.4, 0.0, speed)
    joints = person.joints + np.cumsum(speed / FPS)[:, None, None] * np.array([0.6, 0.0, 0.8])
    sprinter = replace(person, joints=joints)
    assert fastest(sprinter) > FASTEST
    assert (without_teleports([sprinter])[0] is not sprinter) is mended


@pytest.mark.parametrize("ramp", [1, 3, 6])
@pytest.mark.parametrize("stay", [2, 12, 25])
def test_who_is_away_for_a_while_is_back_in_his_place(stay: int, ramp: int) -> None:
    people = couple()
    start = 50
    broken = discontinuous(people[1], start, start + stay + ramp, (2.4, -1.8), ramp)
    after = without_teleports([people[0], broken])
    assert after[0] is people[0]
    assert fastest(broken) > FASTEST and fastest(after[1]) < 2.0
    off = np.linalg.norm(after[1].joints - people[1].joints, axis=-1).max(-1)
    # Before and after the leap to the bit, within it nearly where he was.
    kept = np.ones(len(off), dtype=bool)
    kept[start - 8 : start + stay + 2 * ramp + 8] = False
    assert np.array_equal(after[1].joints[kept], broken.joints[kept])
    assert off.max() < 0.25


def test_a_clip_that_begins_or_ends_elsewhere_joins_the_rest() -> None:
    people = couple()
    frames = len(people[0])
    for start, stop in ((0, 25), (frames - 25, frames)):
        joints = people[0].joints.astype(np.float64)
        joints[start:stop, :, 0] += 3.0
        after = without_teleports([replace(people[0], joints=joints), people[1]])[0]
        assert np.linalg.norm(after.joints - people[0].joints, axis=-1).max() < 0.1


def test_the_part_beside_the_partner_stays_although_it_is_shorter() -> None:
    people = couple()
    frames = len(people[0])
    cut = frames * 2 // 3
    joints = people[0].joints.astype(np.float64)
    joints[:cut, :, 2] -= 5.0
    after = without_teleports([replace(people[0], joints=joints), people[1]])[0]
    assert np.array_equal(after.joints[cut + 8 :], joints[cut + 8 :])
    assert np.linalg.norm(after.joints - people[0].joints, axis=-1).max() < 0.1


def test_feet_stand_as_they_stood_in_the_part_that_is_moved() -> None:
    person = couple()[1]
    broken = discontinuous(person, 40, 62, (2.0, 1.0))
    after = without_teleports([broken])[0]

    def slide(motion: Motion) -> np.ndarray:
        return np.linalg.norm(np.diff(motion.joints[:, FOOT_JOINTS][..., GROUND], axis=0), axis=-1)

    assert (slide(after) - slide(person)).max() < 0.03


def test_a_lasting_jump_by_a_hand_is_spread_and_both_sides_stay() -> None:
    person = couple()[0]
    joints = person.joints.astype(np.float64)
    joints[60:, :, 0] += 0.35
    after = without_teleports([replace(person, joints=joints)])[0]
    assert fastest(after) < 2.5
    assert np.array_equal(after.joints[:40], joints[:40]) and np.array_equal(after.joints[80:], joints[80:])


def test_every_facing_is_mended_alike_and_a_leader_never() -> None:
    broken = discontinuous(couple()[1], 40, 62, (2.0, 1.0))
    turn = about_y(np.array(1.1))
    turned = without_teleports([broken.moved(turn, np.zeros(3))])[0].joints
    assert np.abs(turned - without_teleports([broken])[0].joints @ turn.T).max() < 1e-9
    assert without_teleports([broken], held=0)[0] is broken


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 9])
def test_short_and_hopeless_clips_stay_finite(frames: int) -> None:
    joints = np.random.default_rng(frames).normal(0, 2, (frames, 22, 3))
    assert np.isfinite(without_teleports([Motion(joints)])[0].joints).all()


def test_the_solver_knows_it() -> None:
    people = couple()
    people[1] = discontinuous(people[1], 50, 66, (2.4, -1.8))
    for settings, most in ((SolveSettings(), 2.5), (SolveSettings(held=1), 200.0)):
        pelvis = solve(people, settings)[1].translation
        assert np.linalg.norm(np.diff(pelvis[:, GROUND], axis=0), axis=-1).max() * FPS < most


def test_a_teleport_does_not_change_the_height_within_it() -> None:
    first, second = couple()
    joints = first.joints.astype(np.float64)
    joints[..., 2] += 3.0 * np.clip(1 - np.arange(len(joints)) / 8, 0, 1)[:, None]
    joints[:8, :, 1] += np.array([0.3, -0.4, 0.2, -0.3, 0.3, -0.2, 0.1, -0.1])[:, None]
    mended = without_teleports([replace(first, joints=joints), second])[0]
    assert np.abs(np.diff(mended.joints[:, 0, 1])).max() < 0.02 < np.abs(np.diff(joints[:, 0, 1])).max()
    np.testing.assert_array_equal(mended.joints[8:, :, 1], joints[8:, :, 1])
