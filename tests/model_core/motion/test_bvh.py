"""BVH files: read by hand-computed examples, written and read back, imported by Blender, and refused when damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from motion_examples import posed_person

from model_core.errors import UserError
from model_core.motion import SMPL, PosedSkeleton
from model_core.motion.bvh import BvhClip, read_bvh, world_transforms
from model_core.motion.bvh_writer import (
    angles_from_matrices,
    clip_from_posed,
    continuous_angles,
    write_bvh,
    write_clip,
)
from model_core.motion.capture import motion_from_bvh, unit_of
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import angle_between, matrix_from_axis_angle, quaternion_from_matrix

HIERARCHY = """HIERARCHY
ROOT Hips
{
\tOFFSET 1 2 3
\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
\tJOINT Left Arm {
\t\tOFFSET 0 10 0
\t\tCHANNELS 4 Zposition yrotation Zrotation Xrotation
\t\tEnd Site
\t\t{
\t\t\tOFFSET 0 5 0
\t\t}
\t}
\tJOINT Spine
\t{
\t\tOFFSET 0 0 1e1
\t\tCHANNELS 0
\t}
}
"""
FRAMES = ["5 6 7 90 90 0 2 0 0 0", "5 6 7 0 0 0 0 90 0 0"]


def bvh_text(frames: list[str], announced: int | None = None, seconds: str = "0.05") -> str:
    count = len(frames) if announced is None else announced
    return f"{HIERARCHY}MOTION\nFrames: {count}\nFrame Time: {seconds}\n" + "\n".join(frames) + "\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "take.bvh"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_positions_follow_channels_in_file_order(tmp_path: Path, line_end: str) -> None:
    clip = read_bvh(written(tmp_path, bvh_text(FRAMES).replace("\n", line_end)))
    assert clip.names == ("Hips", "Left Arm", "Spine")
    assert clip.parents == (-1, 0, 0)
    assert clip.fps == pytest.approx(20)
    np.testing.assert_array_equal(clip.ends[1], [0, 5, 0])
    assert np.isnan(clip.ends[[0, 2]]).all()
    world = clip.world_positions()
    # Rz(90) Rx(90) takes +Y to +Z and +Z to +X; the arm's own channel puts it to (0, 10, 2), the spine lies at +Z.
    np.testing.assert_allclose(world[0], [[5, 6, 7], [5 + 2, 6, 7 + 10], [5 + 10, 6, 7]], atol=1e-9)
    np.testing.assert_allclose(world[1], [[5, 6, 7], [5, 16, 7], [5, 6, 17]], atol=1e-9)
    np.testing.assert_allclose(clip.local_rotations()[1, 1] @ [0, 0, 1], [1, 0, 0], atol=1e-9)


def test_frames_may_be_broken_over_lines(tmp_path: Path) -> None:
    whole = read_bvh(written(tmp_path, bvh_text(FRAMES))).values
    broken = [frame.replace(" 90 ", "\n90 ", 1) for frame in FRAMES]
    np.testing.assert_array_equal(read_bvh(written(tmp_path, bvh_text(broken, len(FRAMES)))).values, whole)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (bvh_text(FRAMES)[:-8], ["line 24", "frame 1", "instead of 10"]),
        (bvh_text([FRAMES[0], FRAMES[1] + " 4", FRAMES[0]]), ["line 24", "frame 1", "11 numbers"]),
        (bvh_text([FRAMES[0], FRAMES[1].replace("90", "9O")]), ["line 24", "'9O'", "not a number"]),
        (bvh_text(FRAMES, announced=4), ["4 frames", "holds 2"]),
        (bvh_text([FRAMES[0], FRAMES[1].replace("90", "nan")]), ["1 of 2", "first in frame 1"]),
        (bvh_text([FRAMES[0].replace("90", "inf", 1), FRAMES[1]]), ["1 of 2", "first in frame 0"]),
        (bvh_text([], announced=0), ["0 frames"]),
        (bvh_text(FRAMES, seconds="0"), ["Frame Time 0"]),
        (bvh_text(FRAMES, seconds="-0.1"), ["Frame Time -0.1"]),
        (HIERARCHY, ["no MOTION"]),
        ("", ["no MOTION"]),
        (HIERARCHY + "MOTION\nFrames: two\nFrame Time: 0.1\n", ["Frames:"]),
        (bvh_text(FRAMES).replace("OFFSET 0 10 0", "OFFSET 0 10"), ["line 7", "OFFSET"]),
        (bvh_text(FRAMES).replace("CHANNELS 4", "CHANNELS 3"), ["line 8", "CHANNELS"]),
        (bvh_text(FRAMES).replace("yrotation", "Yscale"), ["line 8", "Yscale"]),
        (bvh_text(FRAMES).replace("1e1\n\t\tCHANNELS 0\n\t}\n}", "1e1\n\t\tCHANNELS 0\n\t}"), ["last brace"]),
        (bvh_text(FRAMES).replace("MOTION", "}\nMOTION"), ["brace too many"]),
        (bvh_text(FRAMES).replace("JOINT Spine", "ROOT Spine"), ["second ROOT"]),
        (bvh_text(FRAMES).replace("JOINT Spine", "JONT Spine"), ["line 14", "'JONT'"]),
    ],
)
def test_damaged_files_are_refused_with_the_place(tmp_path: Path, text: str, named: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        read_bvh(written(tmp_path, text))
    message = str(caught.value)
    assert "take.bvh" in message and "\n" not in message
    for part in named:
        assert part in message


@pytest.mark.parametrize("announced", [1, 3])
def test_one_frame_more_or_fewer_than_announced_is_read(tmp_path: Path, announced: int) -> None:
    clip = read_bvh(written(tmp_path, bvh_text(FRAMES, announced=announced)))
    assert len(clip) == len(FRAMES) == 2
    np.testing.assert_array_equal(clip.values, read_bvh(written(tmp_path, bvh_text(FRAMES))).values)


def test_numbers_may_have_decimal_commas(tmp_path: Path) -> None:
    text = bvh_text([frame.replace("5 6", "5.25 6") for frame in FRAMES])
    hierarchy, motion = text.split("MOTION")
    commas = read_bvh(written(tmp_path, hierarchy + "MOTION" + motion.replace(".", ",")))
    points = read_bvh(written(tmp_path, text))
    np.testing.assert_array_equal(commas.values, points.values)
    assert commas.fps == points.fps


def with_lengths_in_channels(person: PosedSkeleton) -> BvhClip:
    """A clip whose joints all have position channels, which repeat the offsets."""
    clip = clip_from_posed(person)
    turns, columns, values = clip.channels[1], [], []
    for joint, channels in enumerate(clip.channels):
        first = clip.first_channel[joint]
        if joint:
            values.append(np.tile(clip.offsets[joint], (len(clip), 1)))
        values.append(clip.values[:, first : first + len(channels)])
        columns.append(("Xposition", "Yposition", "Zposition", *turns))
    return replace(clip, channels=tuple(columns), values=np.concatenate(values, axis=1))


def test_lengths_may_stand_in_offsets_in_channels_or_in_both(tmp_path: Path) -> None:
    person = posed_person(6, frames=20)
    both = with_lengths_in_channels(person)
    in_channels = replace(both, offsets=both.offsets * (np.arange(len(both.names)) == 0)[:, None])
    changes = replace(both, values=both.values.copy())
    for joint in range(1, len(both.names)):
        changes.values[:, 6 * joint : 6 * joint + 3] = 0
    for clip in (both, in_channels, changes):
        write_clip(tmp_path / "take.bvh", clip)
        read = read_bvh(tmp_path / "take.bvh")
        order = [both.names.index(name) for name in read.names]
        np.testing.assert_allclose(read.rest_offsets[1:], both.offsets[order[1:]], atol=1e-5)
        np.testing.assert_allclose(read.world_positions(), both.world_positions()[:, order], atol=1e-4)
        assert unit_of(read) == pytest.approx(1.0)
        np.testing.assert_allclose(motion_from_bvh(read).joints, person.joints(), atol=1e-3)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.bvh"):
        read_bvh(tmp_path / "nowhere.bvh")


@pytest.mark.parametrize("units", [1.0, 100.0])
def test_what_is_written_is_read_back(tmp_path: Path, units: float) -> None:
    person = posed_person(1, frames=40, amount=1.2, fps=24.0)
    write_bvh(tmp_path / "deep" / "person.bvh", person, units)
    clip = read_bvh(tmp_path / "deep" / "person.bvh")
    # A file lists a joint's whole branch before the next joint, which is not SMPL's order.
    order = [SMPL.index(name) for name in clip.names]
    assert sorted(order) == list(range(len(SMPL))) != order
    assert [order[parent] if parent >= 0 else -1 for parent in clip.parents] == [SMPL.parents[joint] for joint in order]
    assert clip.fps == pytest.approx(24, rel=1e-6)
    np.testing.assert_allclose(clip.world_positions() / units, person.joints()[:, order], atol=1e-5)
    np.testing.assert_array_equal(np.isfinite(clip.ends[:, 0]), [not SMPL.children[joint] for joint in order])
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["person.bvh"]


def test_angles_are_exact_at_the_lock_and_never_jump() -> None:
    rng = np.random.default_rng(3)
    axis_angle = np.cumsum(rng.normal(0, 0.06, (400, 5, 3)), axis=0)
    matrices = matrix_from_axis_angle(axis_angle)
    matrices[200, 0] = matrix_from_axis_angle(np.array([np.pi / 2, 0, 0])) @ matrix_from_axis_angle(
        np.array([0, 1.0, 0])
    )
    wrapped = angles_from_matrices(matrices)
    smooth = continuous_angles(wrapped)
    for angles in (wrapped, smooth):
        z, x, y = (matrix_from_axis_angle(angles[..., k, None] * np.eye(3)[a]) for k, a in ((0, 2), (1, 0), (2, 1)))
        assert angle_between(z @ x @ y, matrices).max() < 1e-6
    # Near a lock angles are fast, but a whole or half turn in one frame is never needed.
    travelled = np.abs(np.diff(smooth, axis=0)).sum()
    assert travelled < 0.8 * np.abs(np.diff(wrapped, axis=0)).sum()


IMPORT = """
import json, sys
import bpy
bpy.ops.import_anim.bvh(filepath=sys.argv[1])
armature, scene, result = bpy.context.object, bpy.context.scene, []
for frame in json.loads(sys.argv[2]):
    scene.frame_set(frame + 1)
    result.append([list(armature.matrix_world @ armature.pose.bones[name].head) for name in json.loads(sys.argv[3])])
print("RESULT" + json.dumps(result))
"""


def test_blender_imports_what_is_written(tmp_path: Path) -> None:
    person = posed_person(4, frames=20, amount=1.0)
    write_bvh(tmp_path / "person.bvh", person)
    frames = [0, 7, 19]
    run = subprocess.run(
        [sys.executable, "-c", IMPORT, str(tmp_path / "person.bvh"), json.dumps(frames), json.dumps(SMPL.joints)],
        env=os.environ | {"BLENDER_USER_RESOURCES": str(tmp_path / "blender")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    line = next((line for line in run.stdout.splitlines() if line.startswith("RESULT")), None)
    assert line is not None, run.stderr
    joints = person.joints()[frames]
    ours_in_blender = np.stack((joints[..., 0], -joints[..., 2], joints[..., 1]), -1)
    np.testing.assert_allclose(np.array(json.loads(line.removeprefix("RESULT"))), ours_in_blender, atol=1e-3)


def test_world_transforms_of_single_poses_and_stacks_agree() -> None:
    clip = clip_from_posed(posed_person(5, frames=4))
    rotations, positions = clip.local_rotations(), clip.local_positions()
    stacked = world_transforms(rotations, positions, clip.parents)
    single = [world_transforms(rotations[t], positions[t], clip.parents) for t in range(4)]
    for k in (0, 1):
        np.testing.assert_allclose(stacked[k], np.stack([pose[k] for pose in single]), atol=1e-12)


def test_a_folder_in_the_way_is_a_user_error(tmp_path: Path) -> None:
    person = PosedSkeleton(SMPL_REST_OFFSETS, np.tile(quaternion_from_matrix(np.eye(3)), (2, 22, 1)), np.zeros((2, 3)))
    (tmp_path / "taken.bvh").mkdir()
    with pytest.raises(UserError, match="taken"):
        write_bvh(tmp_path / "taken.bvh", person)
