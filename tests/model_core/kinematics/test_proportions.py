"""A couple's motion on bodies of other proportions, made so that everything about them is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from couple_examples import couple_holding_hands

from model_core.constraints import Constraints, ContactConstraint, PoseConstraint
from model_core.kinematics.kept_joints import kept_joints
from model_core.kinematics.proportions import TargetBody, adapt_to_bodies
from model_core.kinematics.retarget import RootMotionScale
from model_core.metrics.physical import skate
from model_core.motion import PosedSkeleton
from model_core.motion.rotations import matrix_from_quaternion


def body(size: float, across: float, held: bool = False) -> TargetBody:
    """Somebody ``size`` times as large."""
    scale = RootMotionScale(across, size)
    return TargetBody(
        lambda posed: replace(posed, offsets=posed.offsets * size, translation=scale.apply(posed.translation)).joints(),
        scale,
        held,
    )


def on(bodies: list[TargetBody], people: list[PosedSkeleton]) -> np.ndarray:
    return np.stack([one.joints(person) for one, person in zip(bodies, people, strict=True)])


def wrists_apart(joints: np.ndarray) -> np.ndarray:
    """(T, 2) between the hands that hold each other."""
    return np.linalg.norm(joints[0][:, (20, 21)] - joints[1][:, (21, 20)], axis=-1)


@pytest.mark.parametrize(("first", "second"), [(1.15, 0.85), (1.0, 1.25), (0.9, 0.9)])
def test_feet_stand_and_hands_hold_on_bodies_of_other_sizes(first: float, second: float) -> None:
    people = couple_holding_hands(120)
    truth = np.stack([person.joints() for person in people])
    across = 0.5 * (first + second)
    bodies = [body(first, across), body(second, across)]
    plain = on(bodies, people)
    adapted, left = adapt_to_bodies(people, bodies)
    joints = on(bodies, adapted)
    # Palms keep their distance; larger hands let wrists be a little further apart.
    assert left < 0.02
    assert np.abs(wrists_apart(joints) - wrists_apart(truth)).max() < 0.03
    if first != second:
        assert np.abs(wrists_apart(plain) - wrists_apart(truth)).max() > 0.15
    assert skate(joints) < max(skate(truth), 1) + 1.5
    jerks = [np.linalg.norm(np.diff(j[:, :, (20, 21)], n=3, axis=1), axis=-1).mean() for j in (plain, joints)]
    assert jerks[1] < 1.5 * jerks[0]


def test_the_same_bodies_keep_the_motion_and_a_held_one_stays() -> None:
    people = couple_holding_hands(60)
    same, left = adapt_to_bodies(people, [body(1.0, 1.0), body(1.0, 1.0)])
    assert left < 0.001
    for one, other in zip(people, same, strict=True):
        np.testing.assert_allclose(one.joints(), other.joints(), atol=1e-4)
    bodies = [body(1.0, 1.0, held=True), body(0.8, 1.0)]
    adapted, _ = adapt_to_bodies(people, bodies)
    assert adapted[0] is people[0]
    truth = np.stack([person.joints() for person in people])
    assert np.abs(wrists_apart(on(bodies, adapted)) - wrists_apart(truth)).max() < 0.05


def test_hands_that_cannot_meet_stay_as_they_were_made_and_let_go_without_a_jerk() -> None:
    people = couple_holding_hands(120)
    far = [body(1.0, 2.6), body(1.0, 2.6)]
    adapted, left = adapt_to_bodies(people, far, plant_feet=False)
    assert left > 0.2
    for before, after in zip(people, adapted, strict=True):
        np.testing.assert_allclose(after.joints(), before.joints(), atol=1e-3)
    # One whose partner walks off holds him as long as he can.
    away = np.zeros((120, 3))
    away[:, 2] = 1.5 * np.clip((np.arange(120) - 40) / 60, 0, 1)
    plain = body(1.0, 1.0)
    leaving = replace(plain, joints=lambda posed: plain.joints(posed) + away[:, None], held=True)
    adapted, _ = adapt_to_bodies(people, [plain, leaving], plant_feet=False)
    moved = np.linalg.norm(adapted[0].joints()[:, (20, 21)] - people[0].joints()[:, (20, 21)], axis=-1)
    assert 0.04 < moved.max() < 0.5 and moved[:30].max() < 0.01 and moved[105:].max() < 0.01
    assert np.abs(np.diff(moved, axis=0)).max() < 0.06


def test_a_held_pose_is_not_bent_for_contacts_and_is_left_smoothly() -> None:
    people = couple_holding_hands(120)
    rotations = matrix_from_quaternion(people[0].rotations[59:60].astype(np.float64))
    pose = PoseConstraint(0, (59,), rotations, people[0].joints()[59:60, 0])
    bodies = [body(1.15, 1.0), body(0.85, 1.0)]
    bent, _ = adapt_to_bodies(people, bodies)
    kept = kept_joints(Constraints((pose,)), 120)
    adapted, _ = adapt_to_bodies(people, bodies, kept=kept)
    upper = list(range(9, 22))
    plain, before, after = (on(bodies, moved)[0][:, upper] for moved in (people, bent, adapted))
    errors = [np.linalg.norm(joints - plain, axis=-1).mean(-1) for joints in (before, after)]
    assert errors[0][59] > 0.03 and errors[1][59] < 0.005
    np.testing.assert_allclose(after[:40], before[:40], atol=0.02)
    # The partner's hands come all the way: they hold what the held hands are at.
    hands = on(bodies, adapted)
    assert np.abs(wrists_apart(hands)[59] - wrists_apart(on(bodies, bent))[59]).max() < 0.03
    speed = np.linalg.norm(np.diff(after[:, -2:], axis=0), axis=-1)
    assert speed.max() < 0.03 + np.linalg.norm(np.diff(before[:, -2:], axis=0), axis=-1).max()


def test_a_held_arm_leaves_the_other_one_its_contact() -> None:
    people = couple_holding_hands(60)
    pose = PoseConstraint(0, (30,), np.tile(np.eye(3), (1, 22, 1, 1)), np.zeros((1, 3)), joints=(17, 19, 21))
    kept = kept_joints(Constraints((replace(pose, in_place=False),)), 60)
    bodies = [body(1.15, 1.0), body(0.85, 1.0)]
    adapted, _ = adapt_to_bodies(people, bodies, plant_feet=False, kept=kept)
    moved = np.linalg.norm(on(bodies, adapted) - on(bodies, people), axis=-1)[0, 30]
    # The trunk may lean for the other hand: the held one stays in its place.
    assert moved[21] < 1e-3 and moved[19] < 0.02 and moved[20] > 0.03
    contact = ContactConstraint(0, "right_hand", "left_shoulder", 20, 40)
    assert kept_joints(Constraints((pose, contact)), 60)[0, 30, 21] == 0
