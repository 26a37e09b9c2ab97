"""Variants of a motion: mirrored twice it is itself, and touches stay."""

from __future__ import annotations

import numpy as np
import pytest
from couple_examples import couple_holding_hands
from motion_examples import posed_person

from model_core.motion import SMPL, PosedSkeleton
from model_core.motion.variants import exchanged, mirrored_in_place, with_gestures

WRISTS = [SMPL.index("L_Wrist"), SMPL.index("R_Wrist")]


def pair(seed: int, swing: float = 0.5) -> list[PosedSkeleton]:
    first, second = posed_person(seed, 50, swing), posed_person(seed + 1, 50, swing)
    moved = PosedSkeleton(second.offsets, second.rotations, second.translation + np.array([0.7, 0.0, 0.4]), second.fps)
    return [first, moved]


def joints_of(people: list[PosedSkeleton]) -> np.ndarray:
    return np.stack([person.joints() for person in people])


@pytest.mark.parametrize("seed", [1, 4, 9])
def test_mirrored_twice_is_the_same_and_once_is_a_reflection(seed: int) -> None:
    people = pair(seed)
    once = mirrored_in_place(people)
    before, after = joints_of(people), joints_of(once)
    np.testing.assert_allclose(joints_of(mirrored_in_place(once)), before, atol=1e-9)
    swapped = after[:, :, list(SMPL.mirror)]
    between = [np.linalg.norm(joints[0][:, :, None] - joints[1][:, None], axis=-1) for joints in (before, swapped)]
    np.testing.assert_allclose(between[1], between[0], atol=1e-9)
    np.testing.assert_allclose(swapped[..., 1], before[..., 1], atol=1e-9)
    # Both stay where they are on average.
    np.testing.assert_allclose(after[:, :, 0].mean(1), before[:, :, 0].mean(1), atol=1e-9)
    # The left hip is still on the left of the spine.
    hips = [SMPL.index(name) for name in ("L_Hip", "R_Hip", "Spine1", "Pelvis")]
    volumes = []
    for joints in (before, after):
        left, right, spine = (joints[:, :, hips[n]] - joints[:, :, hips[3]] for n in range(3))
        volumes.append((np.cross(left, right) * spine).sum(-1))
    np.testing.assert_allclose(volumes[1], volumes[0], atol=1e-9)


def test_people_exchange_their_motion_and_twice_is_the_same() -> None:
    people = pair(3)
    assert exchanged(exchanged(people)) == people
    np.testing.assert_array_equal(joints_of(exchanged(people))[0], joints_of(people)[1])


@pytest.mark.parametrize("amount", [0.5, 1.5])
def test_larger_and_smaller_gestures_keep_touches_feet_and_trunks(amount: float) -> None:
    people = couple_holding_hands()
    before, after = joints_of(people), joints_of(with_gestures(people, amount))
    gaps = np.linalg.norm(before[0][:, WRISTS][:, :, None] - before[1][:, WRISTS][:, None], axis=-1)
    new = np.linalg.norm(after[0][:, WRISTS][:, :, None] - after[1][:, WRISTS][:, None], axis=-1)
    touching = gaps < 0.12
    assert touching.any()
    np.testing.assert_allclose(new[touching], gaps[touching], atol=1e-6)
    below = [SMPL.index(name) for name in ("Pelvis", "L_Foot", "R_Foot", "L_Ankle", "R_Ankle", "Spine3")]
    np.testing.assert_allclose(after[:, :, below], before[:, :, below], atol=1e-9)


def test_gestures_grow_away_from_the_partner() -> None:
    people = pair(2, 0.15)
    away = [people[0], PosedSkeleton(people[1].offsets, people[1].rotations, people[1].translation + 5.0)]

    def extent(amount: float) -> float:
        joints = joints_of(with_gestures(away, amount))
        relative = joints[:, :, WRISTS] - joints[:, :, [SMPL.index("Spine3")]]
        return float(np.ptp(relative, axis=1).mean())

    assert extent(0.5) < extent(1.0) < extent(1.5)
    np.testing.assert_allclose(joints_of(with_gestures(away, 1.0)), joints_of(away), atol=1e-9)
