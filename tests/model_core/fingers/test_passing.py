"""Two hands that hand something over hold it at two places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model_core.fingers.hand_capsules import depths, posed_hand
from model_core.fingers.posing import with_fingers
from model_core.fingers.states import FINGER_STATES, HANDLE, RELAXED
from model_core.motion import SMPL, SMPLX, PosedSkeleton
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import quaternion_from_axis_angle, quaternion_multiply

FRAMES, MEETING = 100, 50


def reaching(sides: tuple[int, int]) -> list[PosedSkeleton]:
    """Two people who face each other, each with an arm forwards and the thumb up; fingertips overlap for a while."""
    people: list[PosedSkeleton] = []
    away = 0.02 + 0.04 * np.maximum(np.abs(np.arange(FRAMES) - MEETING) - 6, 0)
    for number, side in enumerate(sides):
        rotations = np.zeros((FRAMES, len(SMPL), 4))
        rotations[..., 0] = 1
        sign = 1.0 if side else -1.0
        forwards = quaternion_from_axis_angle(np.array((0.0, sign * np.pi / 2, 0.0)))
        thumb_up = quaternion_from_axis_angle(np.array((-np.pi / 2, 0.0, 0.0)))
        rotations[:, SMPL.index(("L_Shoulder", "R_Shoulder")[side])] = quaternion_multiply(forwards, thumb_up)
        rotations[:, 0] = quaternion_from_axis_angle(np.array((0.0, np.pi * number, 0.0)))
        person = PosedSkeleton(SMPL_REST_OFFSETS.copy(), rotations, np.zeros((FRAMES, 3)))
        if number:
            joint = [SMPL.index(("L_Wrist", "R_Wrist")[one]) for one in sides]
            between = people[0].joints()[:, joint[0]] - person.joints()[:, joint[1]]
            person = replace(person, translation=between + (0.18 + away)[:, None] * (0.0, 0.0, 1.0) - (0.0, 0.02, 0.0))
        people.append(person)
    return people


@pytest.mark.parametrize("sides", [(1, 0), (1, 1), (0, 0)])
@pytest.mark.parametrize("giver", [0, 1])
def test_hands_hold_it_one_below_the_other_and_neither_enters_the_other(sides: tuple[int, int], giver: int) -> None:
    states = np.full((2, FRAMES, 2), RELAXED)
    states[giver, : MEETING + 6, sides[giver]] = HANDLE
    states[1 - giver, MEETING - 6 :, sides[1 - giver]] = HANDLE
    people = reaching(sides)
    posed = with_fingers(people, np.eye(len(FINGER_STATES))[states])
    hands = [posed_hand(person, side) for person, side in zip(posed, sides, strict=True)]
    found = depths(*(hand.fingers.joined(hand.palm) for hand in hands)).max((-1, -2))
    assert found.max() < 0.003
    knuckles = [
        person.joints()[MEETING, [SMPLX.index(f"{('L', 'R')[side]}_{name}1") for name in ("Index", "Pinky")]].mean(0)
        for person, side in zip(posed, sides, strict=True)
    ]
    assert 0.08 < knuckles[0][1] - knuckles[1][1] < 0.13
    # Far from the handover the arms stay as they were.
    for before, after in zip(people, posed, strict=True):
        np.testing.assert_allclose(after.rotations[:5, : len(SMPL)], before.rotations[:5], atol=1e-9)


def test_people_who_keep_what_they_hold_do_not_hand_it_over() -> None:
    people = reaching((1, 1))
    probabilities = np.eye(len(FINGER_STATES))[np.full((2, FRAMES, 2), HANDLE)]
    for before, after in zip(people, with_fingers(people, probabilities), strict=True):
        np.testing.assert_array_equal(after.rotations[:, : len(SMPL)], before.rotations)
