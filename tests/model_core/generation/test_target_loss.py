"""The distance from targets: of what is asked alone, and of places of the body as the solver knows them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from motion_examples import posed_person

from model_core.constraints import Constraints, ContactConstraint, Targets
from model_core.generation.target_loss import TargetLoss, asks_for_joints, place
from model_core.motion import SMPL
from model_core.motion.forward_kinematics import global_rotations
from model_core.motion.places import PLACES, place_points
from model_core.motion.rotations import matrix_from_quaternion

FRAMES = 24


def people() -> np.ndarray:
    return np.stack([posed_person(seed, FRAMES).joints() + np.array([seed, 0.0, 0.0]) for seed in (0, 1)])


def error(targets: Targets, joints: np.ndarray) -> float:
    pair = torch.from_numpy(joints)[None]
    return float(TargetLoss([targets], pair).error(pair))


def test_the_error_is_the_mean_distance_of_what_is_asked() -> None:
    joints, wrist = people(), SMPL.index("L_Wrist")
    none = Targets.none(FRAMES)
    goal, weight = joints.copy(), np.zeros((2, FRAMES, 22))
    goal[1, 5:9, wrist] += [0.0, 0.3, 0.4]
    weight[1, 5:9, wrist] = 1.0
    assert error(none, joints) == 0.0
    assert error(replace(none, joints=goal, joint_weight=weight), joints) == pytest.approx(0.5, abs=1e-3)
    ground, ground_weight = joints[:, :, 0][..., [0, 2]] + [0.2, 0.0], np.zeros((2, FRAMES))
    ground_weight[0, 3] = 1.0
    assert error(replace(none, ground=ground, ground_weight=ground_weight), joints) == pytest.approx(0.2, abs=1e-3)
    assert not asks_for_joints(none) and asks_for_joints(replace(none, joints=goal, joint_weight=weight))


@pytest.mark.slow
def test_gradients_bring_hands_together_and_leave_the_rest() -> None:
    joints = torch.from_numpy(people())[None]
    contact = Constraints((ContactConstraint(0, "left_hand", "right_hand", 8, 16, blend=0),))
    loss = TargetLoss([Targets.of(contact, FRAMES)], joints)
    moved = joints.clone().requires_grad_(True)
    before = float(loss.error(joints))
    adam = torch.optim.Adam([moved], lr=0.04)
    for _ in range(40):
        adam.zero_grad()
        loss(moved).backward()
        adam.step()
    assert before > 0.3 and float(loss.error(moved.detach())) < 0.2 * before
    feet = [SMPL.index("L_Foot"), SMPL.index("R_Foot")]
    assert float((moved.detach() - joints)[..., feet, :].abs().max()) < 0.05


@pytest.mark.parametrize("name", PLACES)
def test_places_are_near_to_those_that_rotations_give(name: str) -> None:
    person = posed_person(4, FRAMES, amount=0.1)
    world = global_rotations(matrix_from_quaternion(person.rotations), SMPL)
    exact = place_points(name, person.joints(), world)
    found = place(name, torch.from_numpy(person.joints())).numpy()
    assert np.linalg.norm(found - exact, axis=-1).mean() < 0.05
