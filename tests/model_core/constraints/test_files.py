"""Constraint files: what is written comes back, Kimodo's own files are read, and mistakes are named."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from constraint_examples import one_of_each, pose_of

from model_core.constraints import Constraints, PathConstraint, PoseConstraint
from model_core.constraints.files import (
    constraints_from_json,
    constraints_from_text,
    constraints_to_json,
    read_constraints,
    write_constraints,
)
from model_core.errors import UserError
from model_core.motion.rotations import matrix_from_axis_angle


def assert_equal(first: Constraints, second: Constraints) -> None:
    assert len(first) == len(second)
    for ours, theirs in zip(first, second, strict=True):
        assert type(ours) is type(theirs)
        for entry in fields(ours):
            own, other = getattr(ours, entry.name), getattr(theirs, entry.name)
            if isinstance(own, np.ndarray):
                np.testing.assert_allclose(own, other, atol=3e-6, err_msg=entry.name)
            else:
                assert own == other, entry.name


@pytest.mark.parametrize(
    "joints", [(0, 20), (0, 21), (0, 7, 10), (0, 8, 11), (0, 20, 21), (0,), (20,), (3, 6, 9, 12, 15), tuple(range(22))]
)
@pytest.mark.parametrize("in_place", [True, False])
def test_what_is_written_comes_back(tmp_path: Path, joints: tuple[int, ...], in_place: bool) -> None:
    constraints = Constraints((*one_of_each(), pose_of(8, 0, (2, 30), joints=joints, in_place=in_place)))
    path = tmp_path / "new" / "door.json"
    write_constraints(path, constraints)
    assert_equal(read_constraints(path), constraints)


def test_written_poses_and_paths_are_kimodo_s_types() -> None:
    kinds = {(0, 20): "left-hand", (0, 7, 10): "left-foot", (0, 7, 8, 10, 11): "end-effector", (0,): "end-effector",
             tuple(range(22)): "fullbody", (20,): "pose"}  # fmt: skip
    for joints, kind in kinds.items():
        (found,) = constraints_to_json(Constraints((pose_of(8, 0, (2, 30), joints=joints),)))
        assert found["type"] == kind and "person" not in found and "in_place" not in found
    (found,) = constraints_to_json(Constraints((pose_of(8, 1, (2,), in_place=False),)))
    assert found["type"] == "pose" and found["person"] == 1  # Kimodo has no such pose


def test_a_file_of_kimodo_is_read_for_the_first_person() -> None:
    rotations = np.random.default_rng(0).normal(scale=0.3, size=(2, 22, 3))
    pose = {
        "frame_indices": [45, 10], "local_joints_rot": rotations.tolist(), "root_positions": [[1, 0.9, 2], [0, 1, 0]],
        "smooth_root_2d": [[0.9, 2.1], [0, 0]],
    }  # fmt: skip
    file = [
        {"type": "root2d", "frame_indices": [0, 30], "smooth_root_2d": [[0, 0], [1.5, 2]],
         "global_root_heading": [[1, 0], [0, 1]], "dense_path": False},
        {"type": "fullbody", **pose},
        {"type": "right-hand", **pose},
        {"type": "end-effector", "joint_names": ["LeftFoot", "Hips"], **pose},
    ]  # fmt: skip
    path, whole, hand, foot = constraints_from_text(json.dumps(file), "kimodo.json")
    assert isinstance(path, PathConstraint) and path.frames == (0, 30) and path.person == 0 and not path.dense
    np.testing.assert_array_equal(path.places, [[0, 0], [1.5, 2]])
    np.testing.assert_array_equal(path.headings, [[1, 0], [0, 1]])
    for item, joints in ((whole, tuple(range(22))), (hand, (0, 21)), (foot, (0, 7, 10))):
        assert isinstance(item, PoseConstraint) and item.joints == joints and item.in_place and item.weight == 1
        assert item.frames == (10, 45)  # in order
        np.testing.assert_allclose(item.rotations, matrix_from_axis_angle(rotations[::-1]))
        np.testing.assert_array_equal(item.roots, [[0, 1, 0], [1, 0.9, 2]])


PATH = {"type": "root2d", "frame_indices": [0, 30], "smooth_root_2d": [[0, 0], [1, 1]]}
PIN = {"type": "pin", "joint": "L_Wrist", "start": 0, "stop": 10, "points": [0, 1, 0]}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (5, ["Constraint 2", "5", "object"]),
        ({}, ["Constraint 2", "type", "root2d", "contact"]),
        ({"type": "root3d"}, ["root3d", "root2d"]),
        ({"type": "root2d"}, ["no 'frame_indices'"]),
        (PATH | {"frame_indices": [0, 1.5]}, ["frame_indices", "1.5"]),
        (PATH | {"smooth_root_2d": [[0, 0]]}, ["smooth_root_2d", "2 places"]),
        (PATH | {"smooth_root_2d": [[0, 0], [1]]}, ["smooth_root_2d"]),
        (PATH | {"smooth_root_2d": [["0", "0"], ["1", "1"]]}, ["smooth_root_2d"]),
        (PATH | {"dense": 1}, ["dense", "true or false"]),
        (PATH | {"persn": 1}, ["persn", "person"]),
        (PATH | {"weight": "much"}, ["weight", "much"]),
        (PATH | {"person": True}, ["person", "true"]),
        (PIN | {"anything": 1}, ["anything", "joint"]),
        (PIN | {"points": [[0, 1]]}, ["points"]),
        (PIN | {"points": []}, ["points"]),
        (PIN | {"stop": None}, ["stop"]),
        ({"type": "fullbody", "frame_indices": [1], "local_joints_rot": [[[0, 0, 0]] * 77]}, ["22", "SMPL"]),
        ({"type": "end-effector", "joint_names": ["Tail"]}, ["Tail", "LeftHand"]),
        ({"type": "contact", "place": "left_hand", "on": [0, 1], "start": 0, "stop": 9}, ["'on'"]),
        ({"type": "timing", "frame": 3, "event": "kiss"}, ["kiss", "first contact"]),
    ],
)
def test_mistakes_are_named(value: object, words: list[str]) -> None:
    with pytest.raises(UserError) as error:
        constraints_from_json([PATH, value], "door.json")
    assert all(word in str(error.value) for word in [*words, "door.json"]), str(error.value)


@pytest.mark.parametrize("text", ["", "{}", "[", "[" * 100_000, '{"type": "pin"}'])
def test_files_that_hold_no_list_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "door.json").write_text(text)
    with pytest.raises(UserError, match=r"door\.json"):
        read_constraints(tmp_path / "door.json")


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "missing.json", tmp_path, tmp_path / "binary.json"):
        with pytest.raises(UserError, match="Cannot read"):
            read_constraints(path)
