"""Physical metrics on motion whose values are known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from motion_examples import posed_person

from model_core.evaluation.physical_report import Row, facing_sweep, round_trip
from model_core.metrics.physical import (
    FOOT_JOINTS,
    contact_distance_changes,
    floating,
    foot_rotation_steps,
    interpenetration,
    jerk,
    joint_distances,
    physical_metrics,
    rotation_steps,
    skate,
)
from model_core.motion import FPS, PosedSkeleton
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import quaternion_from_axis_angle


def two_people(frames: int, apart: float = 2.0) -> np.ndarray:
    """(2, frames, 22, 3) in a T-pose, ``apart`` metres along X, the lower toes at height 0."""
    pose = PosedSkeleton(SMPL_REST_OFFSETS, np.tile([1.0, 0, 0, 0], (frames, 22, 1)), np.zeros((frames, 3)))
    joints = pose.joints()
    joints[..., 1] -= joints[..., 1].min()
    return np.stack((joints, joints + np.array([apart, 0, 0])))


def test_people_at_rest_have_zero_metrics() -> None:
    figures = physical_metrics(two_people(20), FPS)
    assert figures.skate == pytest.approx(0)
    assert figures.floating == pytest.approx(0)
    assert figures.interpenetration == 0
    assert figures.jerk == pytest.approx(0, abs=1e-6)


def test_skate_is_the_travel_of_low_feet_only() -> None:
    joints = two_people(11)
    joints[..., 0] += 0.004 * np.arange(11)[:, None]
    assert skate(joints) == pytest.approx(4)
    joints[..., 1] += 0.06
    assert skate(joints) == 0
    assert skate(joints, floor=0.06) == pytest.approx(4)


def test_floating_counts_from_the_floor() -> None:
    joints = two_people(5)
    joints[1, ..., 1] += 0.03
    assert floating(joints) == pytest.approx(15)
    assert floating(joints, floor=0.03) == pytest.approx(-15)


def test_interpenetration_is_the_amount_below_twelve_centimetres() -> None:
    joints = two_people(4)
    joints[1, 1, 15] = joints[0, 1, 15] + [0.02, 0, 0]
    assert interpenetration(joints) == pytest.approx(100 / 4)
    assert interpenetration(joints[:1]) == 0


def test_jerk_of_a_cubic_is_its_third_derivative() -> None:
    time = np.arange(30) / FPS
    joints = two_people(30)
    joints[..., 2] += 5 * time[:, None] ** 3
    assert jerk(joints, FPS) == pytest.approx(30, rel=1e-6)
    assert jerk(joints[:, :3], FPS) == 0


def test_contact_changes_are_those_of_near_pairs() -> None:
    before = two_people(3, apart=1.55)
    near = joint_distances(before) < 0.12
    assert not near.any()
    before[1, :, 20] = before[0, :, 21] + [0.05, 0, 0]
    after = before.copy()
    after[1, 2, 20] += [0.03, 0, 0]
    changes = contact_distance_changes(before, after)
    assert len(changes) == 3
    assert sorted(changes.round(6)) == [0, 0, 30]


def test_rotation_steps_are_degrees_per_frame() -> None:
    turns = np.zeros((6, 22, 3))
    turns[3:, FOOT_JOINTS[1], 0] = np.deg2rad(50)
    pose = PosedSkeleton(SMPL_REST_OFFSETS, quaternion_from_axis_angle(turns), np.zeros((6, 3)))
    steps = rotation_steps(pose)
    assert steps.shape == (5, 22)
    assert steps.max() == pytest.approx(50)
    assert foot_rotation_steps(pose)[2].tolist() == pytest.approx([0, 50, 0, 0], abs=1e-4)


def test_the_report_passes_sound_motion_and_marks_the_rest() -> None:
    person = posed_person(3, 60).motion()
    assert all(row.passed for row in facing_sweep([[person]]))
    sound = list(round_trip([[person]]))
    assert all(row.passed for row in sound) and any(row.limit is not None for row in sound)
    discontinuous = person.frames(0, 60)
    discontinuous.joints[30:, 20] += 0.3  # a wrist leaves its arm: bones of one length cannot follow
    assert not all(row.passed for row in round_trip([[discontinuous]]))
    assert str(Row("skate", 4.0, 3.0, "mm")).endswith("under 3: NO")
