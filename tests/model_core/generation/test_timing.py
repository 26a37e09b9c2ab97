"""The first contact is found, and motion is made faster and slower to bring it to another frame."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from motion_examples import posed_person

from model_core.generation.timing import first_contact, retimed, time_map
from model_core.motion import SMPL

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
