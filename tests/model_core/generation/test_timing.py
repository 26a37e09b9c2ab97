"""The first contact is found, and motion is made faster and slower to bring it to another frame."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from motion_examples import posed_person

from model_core.constraints import Constraints, ContactConstraint, Targets
from model_core.generation.timing import first_contact, retimed, retiming_to_targets, time_map
from model_core.motion import SMPL
from model_core.motion.canonical import facing
from model_core.motion.rotations import about_y

FRAMES = 60


def meeting(at: int) -> np.ndarray:
    """(2, T, 22, 3) two people whose wrists are 2 cm apart in frame ``at``, and further in all others."""
    first = posed_person(1, FRAMES, amount=0.05).joints()
    second = posed_person(2, FRAMES, amount=0.05).joints()
    own, other = SMPL.index("L_Wrist"), SMPL.index("R_Wrist")
    away = 0.02 + 0.04 * np.abs(np.arange(FRAMES) - at)
    return np.stack((first, second + (first[:, own] - second[:, other] + away[:, None] * [1.0, 0.0, 0.0])[:, None]))


@pytest.mark.parametrize(("found", "asked"), [(30, 20), (30, 44), (20, 36), (45, 30)])
def test_people_touch_at_the_asked_frame(found: int, asked: int) -> None:
    joints = torch.from_numpy(meeting(found))
    before = first_contact(joints)
    assert before is not None and abs(before - found) <= 6
    times = time_map(FRAMES, before, asked)
    moved = first_contact(retimed(joints, times))
    assert moved is not None and abs(moved - asked) <= 1
    paces = np.diff(times)
    assert times[0] == 0 and times[-1] == FRAMES - 1 and paces.min() >= 0.4 and paces.max() <= 2.5


def test_kept_frames_and_too_large_shifts() -> None:
    assert np.array_equal(time_map(FRAMES, 40, 30, start=20)[:20], np.arange(20))
    far = time_map(FRAMES, 50, 2)
    assert np.diff(far).max() <= 2.5 and np.interp(50, far, np.arange(FRAMES)) > 15
    assert np.array_equal(time_map(FRAMES, 0, 30), np.arange(FRAMES))
    apart = torch.from_numpy(meeting(30) + np.array([[[[0.0]]], [[[3.0]]]]))
    assert first_contact(apart) is None


def asked_as(joints: np.ndarray, frames: dict[int, int]) -> Targets:
    """Poses of the first person, turned and elsewhere: in each frame the one that joints have in another."""
    targets = Targets.none(joints.shape[1])
    turn = about_y(np.asarray(1.0))
    for frame, own in frames.items():
        targets.joints[0, frame] = joints[0, own] @ turn.T + [3.0, 0.0, 1.0]
        targets.joint_weight[0, frame] = targets.heading_weight[0, frame] = 1.0
        targets.heading[0, frame] = facing(joints[0, own]) + 1.0
    return targets


def test_a_motion_is_in_the_asked_poses_when_they_are_asked() -> None:
    joints = np.stack([posed_person(seed, 90, amount=0.6).joints() for seed in (1, 2)])
    found = retiming_to_targets(joints, asked_as(joints, {30: 36, 60: 54}))
    assert found is not None and found.gap < 0.03
    assert abs(found.times[30] - 36) <= 1 and abs(found.times[60] - 54) <= 1
    paces = np.diff(found.times)
    assert paces.min() > 0.4 and paces.max() < 2.0 and np.abs(np.diff(paces)).max() < 0.3
    there = retiming_to_targets(joints, asked_as(joints, {30: 30, 60: 60}))
    assert there is not None and np.abs(there.times - np.arange(90)).max() < 1e-6 and there.gap < 1e-6
    kept = retiming_to_targets(joints, asked_as(joints, {30: 36, 60: 54}), start=20)
    assert kept is not None and np.array_equal(kept.times[:21], np.arange(21))
    assert retiming_to_targets(joints, Targets.none(90)) is None


def test_people_touch_when_a_contact_is_asked() -> None:
    joints = meeting(24)
    contact = ContactConstraint(0, "left_wrist", "right_wrist", 34, 36)
    found = retiming_to_targets(joints, Targets.of(Constraints((contact,)), FRAMES))
    assert found is not None and abs(found.times[34] - 24) <= 2
