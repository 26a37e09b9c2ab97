"""Parts of a prompt lead into each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from motion_examples import posed_person

from model_core.generation.pipeline import GenerateOptions, InterMask
from model_core.generation.sequence import in_sequence, placement
from model_core.kinematics import solve
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


@pytest.mark.parametrize(("apart", "turned"), [(1.0, np.pi), (2.5, 0.0), (-1.5, 2.0)])
def test_a_part_keeps_its_own_distance_and_facing_and_begins_where_people_are(apart: float, turned: float) -> None:
    before, after = pair(1, 2.0, np.pi), pair(5, apart, turned)
    both = in_sequence([before, after])
    assert [len(person) for person in both] == [180, 180]
    for person, own in zip(both, before, strict=True):
        np.testing.assert_array_equal(person.joints[:90], own.joints)
        speed = np.linalg.norm(np.diff(person.joints, axis=0), axis=-1) * FPS
        assert speed[85:140].max() < 4.0 + speed[:80].max()
        hips = np.linalg.norm(person.joints[:, 1] - person.joints[:, 2], axis=-1)
        assert hips.min() > 0.8 * hips[0]  # people who turn do not collapse
    np.testing.assert_allclose(between(both)[140:], between(after)[50:], atol=1e-3)
    turn = facing(both[0].joints[150]) - facing(both[1].joints[150])
    own_turn = facing(after[0].joints[60]) - facing(after[1].joints[60])
    assert abs(np.angle(np.exp(1j * (turn - own_turn)))) < 1e-3


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
