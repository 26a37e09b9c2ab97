"""Hands that hold each other: fingers touch the other hand and do not enter it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model_core.fingers.closing import closed_fingers
from model_core.fingers.hand_capsules import (
    Capsules,
    HandPlace,
    deepest_finger,
    depths,
    finger_capsules,
    hand_capsules,
    posed_hand,
)
from model_core.fingers.hand_pose import finger_rotations
from model_core.fingers.handle import HANDLE_RADIUS, fingers_around, handle_middle
from model_core.fingers.holds import possible_holds
from model_core.fingers.posing import state_weights, with_fingers
from model_core.fingers.shapes import SHAPES
from model_core.fingers.states import CLASP, FINGER_STATES, FIST, FLAT, HANDLE, OPEN, RELAXED
from model_core.motion import SMPL, SMPLX, PosedSkeleton
from model_core.motion.places import PALM
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import matrix_from_quaternion, quaternion_from_axis_angle, quaternion_multiply


def placed(turn: np.ndarray, palm: np.ndarray, side: int, size: float) -> HandPlace:
    along = turn @ np.array(((1 - 2 * side) * PALM * size, 0.0, 0.0))
    return HandPlace((size * palm - along)[None], turn[None], side, size)


@pytest.mark.parametrize("sides", [(0, 0), (1, 1), (0, 1), (1, 0)])
@pytest.mark.parametrize("size", [0.85, 1.1])
def test_fingers_of_a_hold_touch_the_other_hand_and_do_not_enter_it(sides: tuple[int, int], size: float) -> None:
    for hold in possible_holds(sides):
        hands = [placed(hold.turns[one], hold.places[one], sides[one], size) for one in (0, 1)]
        angles = closed_fingers(hands[0], hands[1])
        capsules = [hand_capsules(hands[one], angles[one]) for one in (0, 1)]
        assert deepest_finger(capsules[0], capsules[1])[0] < 0.003
        for one in (0, 1):
            other = capsules[1 - one]
            reach = depths(capsules[one].fingers, other.fingers.joined(other.palm))[0].max(-1).reshape(5, 3).max(-1)
            assert (reach > -0.006).sum() >= 4


def test_a_right_hand_is_the_mirror_image_of_a_left_one() -> None:
    angles = np.random.default_rng(0).uniform(-10, 80, (7, 20))
    place = np.zeros((7, 3)), np.tile(np.eye(3), (7, 1, 1))
    left, right = (finger_capsules(HandPlace(*place, side, 1.0), angles) for side in (0, 1))
    np.testing.assert_allclose(left.stops * (-1, 1, 1), right.stops, atol=1e-12)
    rotations = finger_rotations(np.stack((angles, angles), axis=1))
    mirror = np.outer((-1, 1, 1), (-1, 1, 1))
    np.testing.assert_allclose(rotations[:, :15] * mirror, rotations[:, 15:], atol=1e-12)


def test_a_fist_brings_fingertips_to_the_palm_and_a_flat_hand_keeps_them_away() -> None:
    place = HandPlace(np.zeros((1, 3)), np.eye(3)[None], 0, 1.0)
    for state, near in ((FIST, True), (FLAT, False)):
        tips = finger_capsules(place, SHAPES[state][None]).stops[0, 2:12:3]
        reach = np.linalg.norm(tips, axis=-1)
        assert ((reach < 0.1) == near).all()
        assert (np.abs(tips[:, 1]) < 0.07).all()


@pytest.mark.parametrize("radius", [HANDLE_RADIUS, 0.034])
def test_fingers_touch_a_handle_of_any_thickness_and_do_not_enter_it(radius: float) -> None:
    middle = handle_middle(radius)
    ends = middle - np.array((0, 0, 0.1)), middle + np.array((0, 0, 0.1))
    rod = Capsules(ends[0][None, None], ends[1][None, None], np.array([radius]))
    hand = hand_capsules(HandPlace(np.zeros((1, 3)), np.eye(3)[None], 0, 1.0), fingers_around(radius)[None])
    found = depths(hand.fingers, rod)[0, :, 0].reshape(5, 3)
    assert found.max() < 0.003 and found[:, 2].min() > -0.003
    # The thumb comes from the other side of the handle than the fingers.
    index, thumb = hand.fingers.stops[0, (2, 14)]
    assert thumb[1] < middle[1] and thumb[0] < max(index[0], middle[0] + 0.01) and thumb[2] > -0.02


def test_fingers_and_thumb_close_around_a_handle() -> None:
    # Where Blender's props have their handle, and the thickness of the simple sword's.
    middle = np.array((0.088, -0.034, 0.004))
    below, above = middle - np.array((0, 0, 0.1)), middle + np.array((0, 0, 0.07))
    rod = Capsules(below[None, None], above[None, None], np.array([0.0145]))
    hand = hand_capsules(HandPlace(np.zeros((1, 3)), np.eye(3)[None], 0, 1.0), SHAPES[HANDLE][None])
    found = depths(hand.fingers, rod)[0, :, 0].reshape(5, 3)
    assert found.max() < 0.003 and found[:, 2].min() > -0.003
    index, thumb = hand.fingers.stops[0, (2, 14)]
    # The thumb comes from the other side: seen along the handle, it is not on the fingers' side of it.
    assert thumb[1] < middle[1] and index[2] > 0 and thumb[2] > 0


def test_states_blend_smoothly_and_short_mistakes_are_ignored() -> None:
    states = np.full((2, 60, 2), RELAXED)
    states[:, 30:] = FIST
    states[:, 10] = FLAT
    weights = state_weights(np.eye(len(FINGER_STATES))[states])
    np.testing.assert_allclose(weights.sum(-1), 1.0)
    assert np.abs(np.diff(weights, axis=1)).max() < 0.3
    assert weights[..., FLAT].max() < 1e-12
    assert weights[:, -1, :, FIST].min() > 0.999


def test_people_without_a_clasp_keep_their_bodies_exactly() -> None:
    people = [standing(0.0), standing(0.8)]
    probabilities = np.eye(len(FINGER_STATES))[np.full((2, 40, 2), RELAXED)]
    for before, after in zip(people, with_fingers(people, probabilities), strict=True):
        assert after.skeleton == SMPLX
        np.testing.assert_array_equal(after.rotations[:, : len(SMPL)], before.rotations)


def test_hands_that_hold_each_other_are_turned_and_closed_and_a_held_person_stays() -> None:
    people = [standing(0.0), standing(0.72)]
    probabilities = np.eye(len(FINGER_STATES))[np.full((2, 40, 2), CLASP)]
    for held in (None, 0, 1):
        posed = with_fingers(people, probabilities, held)
        if held is not None:
            np.testing.assert_array_equal(posed[held].rotations[:, : len(SMPL)], people[held].rotations)
        deepest = deepest_finger(posed_hand(posed[0], 0), posed_hand(posed[1], 1))
        assert np.percentile(deepest, 95) < 0.003
        assert deepest.min() > -0.004


@pytest.mark.parametrize("side", ["L", "R"])
@pytest.mark.parametrize("held", [None, 0, 1])
def test_open_palms_that_meet_touch_each_other_and_neither_enters_the_other(side: str, held: int | None) -> None:
    people, number = slapping(side), "LR".index(side)

    def deepest(pair: list[PosedSkeleton]) -> np.ndarray:
        first, second = (posed_hand(person, number) for person in pair)
        return depths(first.fingers.joined(first.palm), second.fingers.joined(second.palm)).max((-1, -2))

    relaxed, opened = (
        with_fingers(people, np.eye(len(FINGER_STATES))[np.full((2, 40, 2), state)], held) for state in (RELAXED, OPEN)
    )
    assert deepest(relaxed).max() > 0.01
    found = deepest(opened)
    assert found.max() < 0.003 and found[20] > -0.006
    wrist, elbow = SMPL.index(f"{side}_Wrist"), SMPL.index(f"{side}_Elbow")
    for one, (before, after) in enumerate(zip(people, opened, strict=True)):
        if one == held:
            np.testing.assert_array_equal(after.rotations[:, : len(SMPL)], before.rotations)
        # The hand bends no further than a wrist does; far from the other hand the arm stays as it was.
        bend = matrix_from_quaternion(after.rotations[:, wrist])[:, 0, 0]
        assert np.degrees(np.arccos(np.clip(bend, -1, 1))).max() < 70
        np.testing.assert_allclose(after.rotations[:2, elbow], before.rotations[:2, elbow], atol=1e-9)


def slapping(side: str, raised: bool = True) -> list[PosedSkeleton]:
    """Two people with a raised hand, palms not quite ahead, or with arms forwards; the hands go into each other."""
    sign = 1.0 if side == "R" else -1.0
    away = 0.02 + 0.06 * np.maximum(np.abs(np.arange(40) - 20) - 2, 0)
    people: list[PosedSkeleton] = []
    for number in (0, 1):
        rotations = np.zeros((40, len(SMPL), 4))
        rotations[..., 0] = 1
        up = np.array((0.0, 0.0, -sign * np.pi / 2 if raised else 0.0))
        turn = np.array((0.0, sign * (1.0 if raised else np.pi / 2), 0.0))
        rotations[:, SMPL.index(f"{side}_Elbow")] = quaternion_multiply(
            quaternion_from_axis_angle(turn), quaternion_from_axis_angle(up)
        )
        rotations[:, 0] = quaternion_from_axis_angle(np.array((0.0, np.pi * number, 0.0)))
        person = PosedSkeleton(SMPL_REST_OFFSETS.copy(), rotations, np.zeros((40, 3)))
        if number:
            hands = [one.joints()[:, SMPL.index(f"{side}_Wrist")] for one in (*people, person)]
            ahead = (
                away[:, None] * (0.0, 0.0, 1.0)
                if raised
                else (0.1 + away)[:, None] * (0.0, 0.0, 1.0) + (0.0, 0.03, 0.0)
            )
            person = replace(person, translation=hands[0] - hands[1] + ahead)
        people.append(person)
    return people


def standing(aside: float) -> PosedSkeleton:
    """A person with arms hanging a little away from the body, 40 frames."""
    rotations = np.zeros((40, len(SMPL), 4))
    rotations[..., 0] = 1
    for side, sign in (("L", -1.0), ("R", 1.0)):
        rotations[:, SMPL.index(f"{side}_Shoulder")] = quaternion_from_axis_angle(np.array((0.0, 0.0, 1.3 * sign)))
    translation = np.tile((aside, 0.95, 0.0), (40, 1))
    return PosedSkeleton(SMPL_REST_OFFSETS.copy(), rotations, translation)


@pytest.mark.parametrize("held", [None, 0, 1])
def test_fists_that_meet_touch_with_their_knuckles_at_one_height(held: int | None) -> None:
    people = slapping("R", raised=False)
    bumped, relaxed = (
        with_fingers(people, np.eye(len(FINGER_STATES))[np.full((2, 40, 2), state)], held) for state in (FIST, RELAXED)
    )
    hands = [posed_hand(person, 1) for person in bumped]
    found = depths(*(hand.fingers.joined(hand.palm) for hand in hands)).max((-1, -2))
    assert found.max() < 0.003 and found[20] > -0.006
    knuckles = [person.joints()[:, SMPLX.index("R_Middle1")] for person in bumped]
    assert abs(knuckles[0][20, 1] - knuckles[1][20, 1]) < 0.02
    # They come and go no more abruptly than without: the correction fades in and out.
    jerk = [
        max(np.abs(np.diff(one.joints()[:, SMPL.index("R_Wrist")], 3, axis=0)).max() for one in pair)
        for pair in (bumped, relaxed)
    ]
    assert jerk[0] < 2 * jerk[1] + 0.01
