"""Hands on the partner's body: palms look at the skin, touch it, and do not enter it."""

from __future__ import annotations

import numpy as np
import pytest

from model_core.fingers.hand_capsules import posed_hand
from model_core.fingers.posing import with_fingers
from model_core.fingers.resting import near_skin
from model_core.fingers.skin import heights, mannequin_skin
from model_core.fingers.states import FINGER_STATES, FLAT, RELAXED
from model_core.motion import SMPL, PosedSkeleton
from model_core.motion.forward_kinematics import global_rotations
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import matrix_from_quaternion, quaternion_from_axis_angle

FRAMES = 40


def person(ahead: float, arms: bool) -> PosedSkeleton:
    """Someone who looks along Z, with both arms forwards, or a little away from the body."""
    rotations = np.zeros((FRAMES, len(SMPL), 4))
    rotations[..., 0] = 1
    for side, sign in (("L", -1.0), ("R", 1.0)):
        turn = (0.0, sign * 1.5, 0.0) if arms else (0.0, 0.0, 1.2 * sign)
        rotations[:, SMPL.index(f"{side}_Shoulder")] = quaternion_from_axis_angle(np.array(turn))
    return PosedSkeleton(SMPL_REST_OFFSETS.copy(), rotations, np.tile((0.0, 0.95, ahead), (FRAMES, 1)))


def above(pair: list[PosedSkeleton], side: int) -> tuple[np.ndarray, np.ndarray]:
    """Metres (T,) between the first person's palm and the second's skin, and how far the palm looks at it, cosine."""
    palm = posed_hand(pair[0], side).palm
    turns = [global_rotations(matrix_from_quaternion(one.rotations[:, : len(SMPL)]), SMPL) for one in pair]
    places = 0.5 * (palm.starts + palm.stops)
    frames = np.arange(FRAMES)
    skin = near_skin(pair[1].joints()[:, : len(SMPL)], turns[1], 1.0, places.mean(1), frames)
    looking = -turns[0][:, SMPL.index(("L_Wrist", "R_Wrist")[side]), :, 1]
    normal = heights(places.mean(1)[:, None], skin.points, skin.normals)[1][:, 0]
    return -skin.depths(palm).max(-1), -(looking * normal).sum(-1)


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("distance", [0.68, 0.78])
def test_flat_hands_near_a_back_lie_on_it(side: int, distance: float) -> None:
    people = [person(0.0, True), person(distance, False)]
    relaxed, flat = (
        with_fingers(people, np.eye(len(FINGER_STATES))[np.full((2, FRAMES, 2), state)]) for state in (RELAXED, FLAT)
    )
    before, after = above(relaxed, side), above(flat, side)
    assert np.abs(before[0]).max() > 0.015
    assert after[0].min() > -0.004 and after[0].max() < 0.008
    assert (after[1] > before[1] + 0.3).all()
    bend = matrix_from_quaternion(flat[0].rotations[:, SMPL.index(("L_Wrist", "R_Wrist")[side])])[:, 0, 0]
    assert np.degrees(np.arccos(np.clip(bend, -1, 1))).max() < 70


def test_a_person_who_is_held_keeps_the_hands_and_far_hands_stay() -> None:
    probabilities = np.eye(len(FINGER_STATES))[np.full((2, FRAMES, 2), FLAT)]
    for held, distance in ((0, 0.68), (None, 1.5)):
        people = [person(0.0, True), person(distance, False)]
        posed = with_fingers(people, probabilities, held)
        np.testing.assert_array_equal(posed[0].rotations[:, : len(SMPL)], people[0].rotations)


def test_heights_are_signed_distances_from_the_skin() -> None:
    skin = mannequin_skin()
    joints = np.zeros((1, len(SMPL), 3))
    for joint in range(1, len(SMPL)):
        joints[:, joint] = joints[:, SMPL.parents[joint]] + SMPL_REST_OFFSETS[joint]
    points, normals = skin.in_world(joints, np.broadcast_to(np.eye(3), (1, len(SMPL), 3, 3)), 1.0)
    # In the middle of the back, 5 cm away from the skin and 2 cm inside.
    chest = joints[0, SMPL.index("Spine3")]
    ahead = np.linspace(-0.3, 0.0, 301)
    line = np.stack((np.full(301, chest[0]), np.full(301, chest[1]), chest[2] + ahead), axis=-1)
    height, normal = heights(line[None], points, normals)
    surface = int(np.abs(height[0]).argmin())
    assert 0.08 < -ahead[surface] < 0.13
    assert height[0, surface - 50] == pytest.approx(0.05, abs=0.006)
    assert height[0, surface + 20] == pytest.approx(-0.02, abs=0.006)
    assert normal[0, surface] @ (0.0, 0.0, -1.0) > 0.95
