"""Captured motion onto SMPL: known poses on foreign skeletons come back, whatever names, units, axes and rest pose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from motion_examples import (
    CMU,
    DAZ,
    MIXAMO,
    SMPL_NAMES,
    UNREAL,
    arms_lowered,
    on_foreign_skeleton,
    posed_person,
    truth_of,
    waves,
)

from model_core.errors import UserError
from model_core.motion import SMPL, Motion
from model_core.motion.bvh import BvhClip, read_bvh
from model_core.motion.bvh_writer import write_bvh, write_clip
from model_core.motion.capture import humanoid_of, motion_and_notes, motion_from_bvh, motion_pair, unit_of
from model_core.motion.forward_kinematics import forward_kinematics, global_rotations
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import about_y, angle_between, matrix_from_axis_angle

Z_UP = matrix_from_axis_angle(np.array([np.pi / 2, 0, 0]))
"""Our Y up into a file whose Z is up."""


def world_rotations(motion: Motion) -> np.ndarray:
    """(T, 22, 3, 3) world rotations of all joints."""
    assert motion.rotations is not None and motion.root_orientation is not None
    local = np.concatenate((motion.root_orientation[:, None], motion.rotations), axis=1)
    return global_rotations(local.astype(np.float64), SMPL)


@pytest.mark.parametrize(
    ("names", "still", "units", "rest", "world", "position_error", "angle_error"),
    [
        (MIXAMO, (), 100.0, None, None, 1e-4, 1e-3),
        (UNREAL, (), 1.0, None, about_y(np.array(2.0)), 1e-4, 1e-3),
        (SMPL_NAMES, (), 1.0 / 0.0254, None, None, 1e-4, 1e-3),
        (CMU, (), 0.45 / 0.0254, None, None, 1e-4, 1e-3),
        (DAZ, ("Spine3", "L_Foot", "R_Foot"), 100.0, None, None, 0.012, 0.15),
        (MIXAMO, (), 1000.0, None, Z_UP, 1e-4, 1e-3),
        (MIXAMO, (), 100.0, arms_lowered(50), None, 1e-4, 0.06),
        (UNREAL, (), 100.0, arms_lowered(85), Z_UP, 1e-4, 0.09),
    ],
    ids=["mixamo", "unreal-turned", "smpl-inches", "cmu", "daz", "millimetres-z-up", "a-pose", "arms-down-z-up"],
)
def test_known_poses_come_back(
    names: dict[str, str],
    still: tuple[str, ...],
    units: float,
    rest: np.ndarray | None,
    world: np.ndarray | None,
    position_error: float,
    angle_error: float,
) -> None:
    person = posed_person(10, still=still)
    clip = on_foreign_skeleton(person, names, units, rest, world)
    motion = motion_from_bvh(clip)
    turn = about_y(np.array(2.0)) if world is not None and world[1, 1] > 0.9 else np.eye(3)
    expected = person.joints() @ turn.T
    assert np.abs(np.linalg.norm(motion.joints - expected, axis=-1)).max() < position_error
    assert angle_between(world_rotations(motion), turn @ truth_of(person)).max() < angle_error


DAZ_LIKE = {
    # name: parent, offset in centimetres; hips above the root, legs on buttock joints, a short chain to the neck
    "hip": (None, (0, 0, 0)),
    "abdomen": ("hip", (0, 20.5, -0.7)),
    "chest": ("abdomen", (0, 11.5, -0.5)),
    "neck": ("chest", (0, 22, -2.2)),
    "head": ("neck", (-0.2, 7, 1.2)),
    "leftEye": ("head", (4, 8, 8)),
} | {
    name.replace("$", side): (parent.replace("$", side), (sign * x, y, z))
    for side, sign in (("l", 1.0), ("r", -1.0))
    for name, parent, (x, y, z) in (
        ("$Collar", "chest", (2.7, 19, -4.9)),
        ("$Shldr", "$Collar", (8.8, -2, 1.5)),
        ("$ForeArm", "$Shldr", (28, -1.7, 0.5)),
        ("$Hand", "$ForeArm", (22.5, 0.8, 7)),
        ("$Thumb1", "$Hand", (1.2, -0.5, 3.4)),
        ("$Buttock", "hip", (8.8, 4.4, 1.2)),
        ("$Thigh", "$Buttock", (0, -1.7, -2.2)),
        ("$Shin", "$Thigh", (0, -37, 0.7)),
        ("$Foot", "$Shin", (-0.7, -45, -5)),
    )
}
CMU_LIKE = {
    # in units of an inch over 0.45; joints of no length, hips below the root, legs spread, neck and shoulders in one
    "Hips": (None, (0, 0, 0)),
    "LowerBack": ("Hips", (0, 0, 0)),
    "Spine": ("LowerBack", (0, 2.1, -0.1)),
    "Spine1": ("Spine", (0, 2.1, -0.1)),
    "Neck": ("Spine1", (0, 0, 0)),
    "Neck1": ("Neck", (0, 1.6, 0.2)),
    "Head": ("Neck1", (0.1, 1.6, -0.2)),
} | {
    name.replace("$", side): (parent.replace("$", side), (sign * x, y, z))
    for side, sign in (("Left", 1.0), ("Right", -1.0))
    for name, parent, (x, y, z) in (
        ("$Shoulder", "Spine1", (0, 0, 0)),
        ("$Arm", "$Shoulder", (3.3, 1, 0)),
        ("$ForeArm", "$Arm", (5, 0, 0)),
        ("$Hand", "$ForeArm", (3.4, 0, 0)),
        ("$FingerBase", "$Hand", (0, 0, 0)),
        ("$HipJoint", "Hips", (0, 0, 0)),
        ("$UpLeg", "$HipJoint", (1.6, -1.7, 0.8)),
        ("$Leg", "$UpLeg", (2.4, -6.6, 0)),
        ("$Foot", "$Leg", (2.5, -6.9, 0)),
        ("$ToeBase", "$Foot", (0.2, -0.4, 2)),
    )
}


def clip_of(skeleton: dict, frames: int, amount: float, height: float, toes: bool, fps: float = 30.0) -> BvhClip:  # type: ignore[type-arg]
    """A clip in which every joint of a skeleton moves a little; the feet's End Sites are their toes."""
    names = tuple(skeleton)
    parents = tuple(-1 if parent is None else names.index(parent) for parent, _ in skeleton.values())
    offsets = np.array([offset for _, offset in skeleton.values()], dtype=np.float64)
    ends = np.full((len(names), 3), np.nan)
    for index, name in enumerate(names):
        if index not in parents:
            ends[index] = (0, -3.7, 12) if toes and name.endswith("Foot") else (0, 1, 0)
    turns = ("Zrotation", "Yrotation", "Xrotation")
    channels = (("Xposition", "Yposition", "Zposition", *turns), *((turns,) * (len(names) - 1)))
    values = amount * waves(np.random.default_rng(6), frames, (3 * len(names) + 3,), fps)
    values[:, :3] += (0, height, 0)
    # Nobody bends there: these joints only carry others.
    for index, name in enumerate(names):
        if name.endswith(("HipJoint", "Buttock", "Collar", "Shoulder")):
            values[:, 3 * index + 3 : 3 * index + 6] *= 0.25 if name.endswith(("Collar", "Shoulder")) else 0
    return BvhClip(names, parents, offsets, channels, values, fps, ends)


@pytest.mark.parametrize(
    ("skeleton", "unit", "height", "daz"),
    [(DAZ_LIKE, 0.01, 85, True), (CMU_LIKE, 0.0254 / 0.45, 16, False)],
    ids=["daz", "cmu"],
)
def test_a_skeleton_of_smpl_rest_directions_reaches_the_captured_joints(
    tmp_path: Path,
    skeleton: dict,
    unit: float,
    height: float,
    daz: bool,  # type: ignore[type-arg]
) -> None:
    write_clip(tmp_path / "take.bvh", clip_of(skeleton, 90, 15.0, height, daz))
    clip = read_bvh(tmp_path / "take.bvh")
    humanoid = humanoid_of(clip)
    assert unit_of(clip) == pytest.approx(unit)
    motion = motion_from_bvh(clip)

    # The motion is a skeleton of SMPL's rest directions: forward kinematics from its own bone lengths gives it back.
    parents = list(SMPL.parents[1:])
    lengths = np.linalg.norm(motion.joints[0, 1:] - motion.joints[0, parents], axis=-1, keepdims=True)
    directions = SMPL_REST_OFFSETS[1:] / np.linalg.norm(SMPL_REST_OFFSETS[1:], axis=-1, keepdims=True)
    offsets = np.concatenate((np.zeros((1, 3)), directions * lengths))
    assert motion.rotations is not None and motion.root_orientation is not None
    local = np.concatenate((motion.root_orientation[:, None], motion.rotations), axis=1).astype(np.float64)
    again = forward_kinematics(local, motion.translation, offsets, SMPL)
    assert np.abs(again - motion.joints).max() < 1e-4

    # And it reaches what was captured.
    captured = clip.world_positions() * unit
    limits = {"Ankle": 0.005, "Wrist": 0.005, "Knee": 0.01, "Elbow": 0.01}
    ends = {side + joint: limit for side in ("L_", "R_") for joint, limit in limits.items()}
    for name, limit in (ends | {"Head": 0.01}).items():
        error = np.linalg.norm(motion.joints[:, SMPL.index(name)] - captured[:, humanoid.joints[name]], axis=-1)
        assert error.mean() < limit, (name, error.mean())
    # Proportions are a person's: the pelvis between hips and spine, toes below the ankles, the spine in order.
    rest = motion.joints[..., 1].mean(axis=0)
    chain = [
        SMPL.index(name) for name in ("L_Ankle", "L_Knee", "L_Hip", "Pelvis", "Spine1", "Spine2", "Spine3", "Neck")
    ]
    assert (np.diff(rest[chain]) > 0.02).all()
    assert rest[SMPL.index("L_Foot")] < rest[SMPL.index("L_Ankle")]


@pytest.mark.parametrize(
    ("joint", "child", "bent", "axis"),
    [
        ("lShin", "L_Knee", (40, 0, 0), (1, 0, 0)),
        ("rShin", "R_Knee", (40, 0, 0), (1, 0, 0)),
        ("lForeArm", "L_Elbow", (0, -70, 0), (0, -1, 0)),
        ("rForeArm", "R_Elbow", (0, 70, 0), (0, 1, 0)),
        ("lHand", "L_Wrist", (60, 0, 0), (1, 0, 0)),
    ],
)
def test_bends_and_twists_keep_their_axes(
    joint: str, child: str, bent: tuple[float, float, float], axis: tuple[float, float, float]
) -> None:
    clip = clip_of(DAZ_LIKE, 2, 0.0, 85, True)
    straight = motion_from_bvh(clip).rotations
    column = clip.first_channel[clip.names.index(joint)]
    values = clip.values.copy()
    values[1, [column + 2, column + 1, column]] = bent
    rotations = motion_from_bvh(replace(clip, values=values)).rotations
    assert straight is not None and rotations is not None
    index = SMPL.index(child) - 1
    turned = angle_between(straight[0, index], rotations[1, index])
    assert turned == pytest.approx(np.radians(max(map(abs, bent))), abs=0.02)
    expected = matrix_from_axis_angle(np.array(axis) * turned) @ straight[0, index]
    # The file's axes lean a little against SMPL's, as its bones do.
    assert angle_between(expected, rotations[1, index]) < 0.35 * turned
    others = [k for k in range(21) if k != index and SMPL.parents[k + 1] != index + 1]
    assert angle_between(straight[0, others], rotations[1, others]).max() < 0.02


@pytest.mark.parametrize("fps", [24.0, 60.0, 120.0])
def test_any_rate_becomes_thirty_frames(fps: float) -> None:
    person = posed_person(11, frames=int(2 * fps) + 1, fps=fps)
    motion = motion_from_bvh(on_foreign_skeleton(person, MIXAMO))
    assert motion.fps == 30 and len(motion) == 61
    times = np.arange(61) / 30 * fps
    whole = np.flatnonzero(np.abs(times - np.round(times)) < 1e-9)
    expected = person.joints()[np.round(times[whole]).astype(int)]
    np.testing.assert_allclose(motion.joints[whole], expected, atol=1e-4)
    if fps == 24:
        between = person.joints()[np.floor(times[:-1]).astype(int)], person.joints()[np.ceil(times[:-1]).astype(int)]
        low, high = np.minimum(*between) - 0.01, np.maximum(*between) + 0.01
        assert ((motion.joints[:-1] > low) & (motion.joints[:-1] < high)).all()


def test_a_rest_pose_that_is_no_person_is_replaced_by_a_standing_frame() -> None:
    """Some programs write all bones along X at rest: only the frames tell how the person stands."""
    person = posed_person(12, frames=90)
    person.rotations[20] = (1, 0, 0, 0)
    person.rotations[20, 0] = person.rotations[19, 0]
    rng = np.random.default_rng(1)
    rest = matrix_from_axis_angle(rng.normal(0, 1.5, (len(SMPL), 3)))
    rest[0] = np.eye(3)
    motion = motion_from_bvh(on_foreign_skeleton(person, MIXAMO, rest=rest))
    np.testing.assert_allclose(motion.joints, person.joints(), atol=0.01)
    assert np.median(angle_between(world_rotations(motion), truth_of(person))) < 0.1


def test_joints_whose_names_say_nothing_are_told_by_structure() -> None:
    person = posed_person(15, frames=20)
    clip = on_foreign_skeleton(person, MIXAMO)
    anonymous = replace(clip, names=tuple(f"bone{k}" for k in range(22)))
    np.testing.assert_array_equal(motion_from_bvh(anonymous).joints, motion_from_bvh(clip).joints)


@pytest.mark.parametrize("axis", [0, 2], ids=["about-x", "about-z"])
def test_a_file_in_camera_space_is_turned_onto_its_feet(axis: int) -> None:
    """Video-to-BVH tools write Y down: the rest pose is upright and the root turned by half a turn."""
    person = posed_person(10)
    half_turn = matrix_from_axis_angle(np.pi * np.eye(3)[axis])
    motion = motion_from_bvh(on_foreign_skeleton(person, MIXAMO, 100.0, None, half_turn))
    up = motion.joints[:, SMPL.index("Neck")] - motion.joints[:, SMPL.index("L_Ankle")]
    assert up[:, 1].min() > 1.0
    apart = np.linalg.norm(motion.joints[:, :, None] - motion.joints[:, None], axis=-1)
    truth = np.linalg.norm(person.joints()[:, :, None] - person.joints()[:, None], axis=-1)
    np.testing.assert_allclose(apart, truth, atol=1e-3)


def test_what_a_file_leaves_in_doubt_is_said() -> None:
    person = posed_person(10)
    clip = on_foreign_skeleton(person, MIXAMO, 100.0)
    assert motion_and_notes(clip)[1] == ""
    rest = matrix_from_axis_angle(np.random.default_rng(1).normal(0, 1.5, (len(SMPL), 3)))
    doubtful = on_foreign_skeleton(person, MIXAMO, 100.0, rest, np.diag((1.0, -1.0, -1.0)))
    doubtful = replace(doubtful, names=tuple(f"bone{k}" for k in range(22)))
    motion, notes = motion_and_notes(doubtful)
    assert notes == (
        "A skeleton recognised by its shape alone; upside down, turned over; no standing person at rest, measured in "
        "the straightest frame."
    )
    np.testing.assert_array_equal(motion.joints, motion_from_bvh(doubtful).joints)
    giant = replace(clip, offsets=clip.offsets * 0.3, values=clip.values.copy())
    giant.values[:, :3] *= 0.3
    assert "unknown unit" in motion_and_notes(giant)[1]


def test_files_of_one_take_may_differ_by_one_frame(tmp_path: Path) -> None:
    for name, frames in (("a", 60), ("b", 61)):
        write_bvh(tmp_path / f"{name}.bvh", posed_person(13, frames=frames))
    assert len(motion_pair(tmp_path / "a.bvh", tmp_path / "b.bvh")) == 60


def test_two_files_share_one_world(tmp_path: Path) -> None:
    people = (posed_person(13), posed_person(14))
    for name, person in zip("ab", people, strict=True):
        write_bvh(tmp_path / f"{name}.bvh", person, 100.0)
    pair = motion_pair(tmp_path / "a.bvh", tmp_path / "b.bvh", "two people meet")
    assert pair.text == "two people meet"
    np.testing.assert_allclose(pair.joints, np.stack([person.joints() for person in people]), atol=1e-4)
    write_bvh(tmp_path / "short.bvh", posed_person(13, frames=50))
    with pytest.raises(UserError, match=r"a\.bvh has 60 frames .* short\.bvh 50"):
        motion_pair(tmp_path / "a.bvh", tmp_path / "short.bvh")


def test_what_is_no_person_is_refused() -> None:
    clip = on_foreign_skeleton(posed_person(15, frames=2), MIXAMO)
    rng = np.random.default_rng(0)
    dog = replace(clip, names=tuple(f"bone{k}" for k in range(22)), offsets=rng.normal(0, 10, clip.offsets.shape))
    with pytest.raises(UserError, match=r"dog\.bvh.*Left Thigh.*rename"):
        motion_from_bvh(replace(dog, path=Path("dog.bvh")))
    shuffled = list(clip.names)
    knee, ankle = clip.names.index("mixamorig:LeftLeg"), clip.names.index("mixamorig:LeftFoot")
    shuffled[knee], shuffled[ankle] = shuffled[ankle], shuffled[knee]
    with pytest.raises(UserError, match="does not hang from"):
        motion_from_bvh(replace(clip, names=tuple(shuffled)))
    with pytest.raises(UserError, match="no length"):
        motion_from_bvh(replace(clip, offsets=np.zeros_like(clip.offsets)))
