"""Parts of a prompt lead into each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from motion_examples import posed_person

from model_core.generation.completion import pad_or_trim
from model_core.generation.pipeline import GenerateOptions, InterMask
from model_core.generation.sequence import DrawnPart, in_sequence, placement
from model_core.kinematics import solve
from model_core.metrics.physical import FOOT_JOINTS
from model_core.model_files.model_folder import bundled_model
from model_core.motion import FPS, Motion
from model_core.motion.canonical import facing
from model_core.motion.rotations import about_y


def pair(seed: int, apart: float, turned: float, frames: int = 90) -> list[Motion]:
    """Two people who move where they stand, ``apart`` metres along Z; the second is turned by ``turned`` radians."""
    first, second = (posed_person(number, frames, 0.2).motion() for number in (seed, seed + 1))
    turn = about_y(np.asarray(turned))
    return [first, second.moved(turn, np.array([0.0, 0.0, apart]))]


def between(people: list[Motion]) -> np.ndarray:
    """(T, 22, 22) distances of each joint of the first from each of the second."""
    first, second = (person.joints for person in people)
    return np.linalg.norm(first[:, :, None] - second[:, None], axis=-1)


def speeds(person: Motion) -> np.ndarray:
    """(T - 1, 22) metres a second of joints."""
    return np.asarray(np.linalg.norm(np.diff(person.joints, axis=0), axis=-1) * FPS)


def in_order(*parts: list[Motion]) -> list[Motion]:
    """The parts, all frames of each."""
    return in_sequence([DrawnPart(people, len(people[0])) for people in parts])


@pytest.mark.parametrize(("apart", "turned"), [(1.0, np.pi), (2.5, 0.0), (-1.5, 2.0)])
def test_a_part_keeps_its_own_distance_and_facing_and_begins_where_people_are(apart: float, turned: float) -> None:
    before, after = pair(1, 2.0, np.pi), pair(5, apart, turned)
    both, usual = in_order(before, after), max(speeds(person).max() for person in (*before, *after))
    assert [len(person) for person in both] == [180, 180]
    for person, own in zip(both, before, strict=True):
        np.testing.assert_allclose(person.joints[:45], own.joints[:45], atol=1e-4)
        assert speeds(person).max() < 5.0 + usual
        hips = np.linalg.norm(person.joints[:, 1] - person.joints[:, 2], axis=-1)
        assert hips.min() > 0.8 * hips[0]  # people who turn do not collapse
    np.testing.assert_allclose(between(both)[145:], between(after)[55:], atol=2e-3)
    turn = facing(both[0].joints[150]) - facing(both[1].joints[150])
    own_turn = facing(after[0].joints[60]) - facing(after[1].joints[60])
    assert abs(np.angle(np.exp(1j * (turn - own_turn)))) < 1e-3


def test_a_clip_that_is_cut_in_two_is_joined_as_it_was() -> None:
    whole = pair(3, 1.2, np.pi, 180)
    both = in_order([person.frames(0, 90) for person in whole], [person.frames(90, 180) for person in whole])
    for person, own in zip(both, whole, strict=True):
        assert np.abs(person.joints - own.joints).max() < 0.1
        assert np.abs(speeds(person) - speeds(own))[86:94].max() < 1.5  # held frames would double the speed


def test_people_step_over_a_bridge() -> None:
    def stands(apart: float) -> list[Motion]:
        still = [person.frames(0, 1) for person in pair(3, apart, np.pi)]
        return [pad_or_trim(person, 90) for person in still]

    both = in_order(stands(3.0), stands(1.0))
    feet = np.stack([person.joints[:, FOOT_JOINTS][..., [0, 2]] for person in both])
    moved = np.linalg.norm(feet[:, -1] - feet[:, 0], axis=-1)
    assert (moved > 0.8).all()
    speed = np.linalg.norm(np.diff(feet, axis=1), axis=-1).min(-1) * FPS
    # At any time at least one foot stands, unlike those of people who glide.
    assert np.percentile(speed, 95) < 0.1


def test_the_best_frames_of_a_part_and_of_a_bridge_are_kept() -> None:
    before, after = pair(1, 1.0, np.pi), pair(5, 2.0, np.pi, 120)
    lowest = np.stack([person.joints[..., 1] for person in after])[:, :, 0].sum(0)

    def ends_low(joints: np.ndarray) -> np.ndarray:
        return np.asarray(-10.0 * joints[:, :, -1, 0, 1].sum(1))

    def stays(joints: np.ndarray) -> np.ndarray:
        """High if people stay where they are in the last second."""
        return np.asarray(-100.0 * np.ptp(joints[:, :, -30:, 0], axis=2).sum((1, 2)))

    both = in_sequence([DrawnPart(before, 90, stays), DrawnPart(after, 90, ends_low)])
    offsets = [0, 8, 16, 24, 30]
    start = offsets[int(np.argmin([lowest[offset + 89] for offset in offsets]))]
    own = [person.frames(start, start + 90) for person in after]
    np.testing.assert_allclose(between(both)[145:], between(own)[55:], atol=2e-3)
    gap = between(both)[:, 0, 0]
    np.testing.assert_allclose(gap[:88], between(before)[:88, 0, 0], atol=0.02)  # the bridge begins at the border


def test_parts_that_constraints_bind_stay_where_they_are() -> None:
    first, second, third = pair(1, 1.0, np.pi), pair(5, 2.0, np.pi), pair(7, 1.5, 0.0)
    bound = np.zeros((2, 90), dtype=bool)
    bound[0, 60] = True
    both = in_sequence([DrawnPart(first, 90), DrawnPart(second, 90, bound=bound), DrawnPart(third, 90)])
    for person, own in zip(both, second, strict=True):
        np.testing.assert_allclose(person.joints[150, 0], own.joints[60, 0], atol=1e-3)
    np.testing.assert_allclose(between(both)[20], between(first)[20], atol=2e-3)


def test_a_part_that_begins_as_the_other_ends_is_placed_there() -> None:
    people = pair(3, 1.2, np.pi)
    turn, offset = about_y(np.asarray(0.7)), np.array([2.0, 0.0, -1.0])
    away = [person.moved(turn, offset) for person in people]
    back = placement([one.frames(0, 40) for one in people], [one.frames(39, 90) for one in away])
    for person, moved in zip(people, away, strict=True):
        assert np.abs(back.apply(moved).joints - person.joints).max() < 0.1  # 2 degrees at 1.2 metres


@pytest.mark.slow
def test_people_who_walked_past_each_other_turn_to_shake_hands() -> None:
    model = InterMask.load(bundled_model(), "cpu")
    settings = replace(model.config.sampling, candidates=1, max_attempts=1)
    prompt = "0-4 s: two people walk past each other; 4-8 s: two people shake hands"
    (take,) = model.generate(prompt, 240, GenerateOptions(settings, seed=0))
    first, second = (person.joints()[160:] for person in solve(take.people))
    way = (second - first)[:, 0]
    towards = np.arctan2(way[:, 0], way[:, 2])
    for own, other in ((first, towards), (second, towards + np.pi)):
        off = np.degrees(np.abs(np.angle(np.exp(1j * (facing(own) - other)))))
        assert np.median(off) < 25
