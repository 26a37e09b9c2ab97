"""A result over existing keys is a proposal: rejected, all is as it was, to the bit; accepted, other keys stay."""

from __future__ import annotations

from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_rigs import KINDS, build_rig
from blender_scene import dancer, empty_scene

from intermask_blender import compat
from intermask_blender.scene.new_takes import place_takes
from intermask_blender.scene.request import prepare
from intermask_blender.scene.takes import frames_of

assert blender_scene
pytestmark = pytest.mark.usefixtures("registered")


def values_of(curves: list[bpy.types.FCurve]) -> dict[tuple[str, int], bytes]:
    """All keys of curves as bytes."""
    found = {}
    for curve in curves:
        points = curve.keyframe_points
        content = b""
        for name, width in (("co", 2), ("handle_left", 2), ("handle_right", 2)):
            values = np.empty(width * len(points), np.float32)
            points.foreach_get(name, values)
            content += values.tobytes()
        kinds = [(point.interpolation, point.handle_left_type, point.easing) for point in points]
        found[curve.data_path, curve.array_index] = content + repr(kinds).encode()
    return found


def pose_of(owner: bpy.types.Object) -> dict[str, bytes]:
    return {bone.name: np.array(bone.matrix_basis, np.float32).tobytes() for bone in owner.pose.bones}


def keyed_rigs(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """Two rigs of a user: a keyed hip over 200 frames, a posed bone without keys, and another bone with keys."""
    owners = []
    for number in (0, 1):
        owner = build_rig(KINDS["mixamo"], scene, f"Rig {number}")
        owner.location = (1.5 * number, 0.0, 0.0)
        bones = list(owner.pose.bones)
        for bone in bones[:2]:
            for frame in (-20, 10, 90, 200):
                bone.location = (0.01 * frame, 0.3, 0.0)
                bone.keyframe_insert("location", frame=frame)
        owner.pose.bones[-1].rotation_mode = "QUATERNION"
        owner.pose.bones[-1].rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
        owners.append(owner)
    scene.frame_set(1)
    return owners


def generate(scene: bpy.types.Scene, model: Path, owners: list[bpy.types.Object], takes: int = 1) -> None:
    pairs = [(dancer(1 + n, 60), dancer(2 + n, 60)) for n in range(takes)]
    settings, placement = prepare(scene, "they dance", 2.0, 0, model, characters=(owners[0], owners[1]))
    place_takes(pairs, placement, settings)


def test_rejecting_brings_back_exactly_what_was_there(model: Path) -> None:
    scene = empty_scene()
    owners = keyed_rigs(scene)
    actions = [owner.animation_data.action for owner in owners]
    before = [(values_of(compat.own_curves(owner)), pose_of(owner)) for owner in owners]
    generate(scene, model, owners, takes=2)
    assert len(scene.intermask.takes) == 2 and all(take.proposal for take in scene.intermask.takes)
    assert bpy.ops.intermask.next_proposal() == {"FINISHED"} and scene.intermask.take_index == 1
    assert pose_of(owners[0]) != before[0][1]
    assert bpy.ops.intermask.reject_proposal() == {"FINISHED"}
    assert not scene.intermask.takes
    for owner, action, (values, pose) in zip(owners, actions, before, strict=True):
        assert owner.animation_data.action == action and not action.use_fake_user
        assert values_of(compat.own_curves(owner)) == values
        assert pose_of(owner) == pose
    assert len(bpy.data.actions) == 2


def test_keys_outside_the_range_and_of_other_bones_stay_and_a_second_result_has_the_users_own_keys(model: Path) -> None:
    scene = empty_scene()
    owners = keyed_rigs(scene)
    hips = [curve for curve in compat.own_curves(owners[0]) if "location" in curve.data_path]
    before = {(c.data_path, c.array_index): [tuple(p.co) for p in c.keyframe_points] for c in hips}
    for _ in (0, 1):
        generate(scene, model, owners)
        take = scene.intermask.takes[scene.intermask.take_index]
        first, last = frames_of(take)
        assert (first, last) == (1, 60)
        curves = {(c.data_path, c.array_index): c for c in compat.own_curves(owners[0])}
        for place, points in before.items():
            outside = [co for co in points if not first <= co[0] <= last]
            now = [tuple(p.co) for p in curves[place].keyframe_points]
            assert [co for co in now if not first <= co[0] <= last] == outside
        bpy.ops.intermask.accept_proposal()
        assert not take.proposal
    assert len(scene.intermask.takes) == 2


def test_people_without_keys_of_their_own_get_no_proposal_and_their_next_take_is_one(model: Path) -> None:
    scene = empty_scene()
    pair = dancer(1, 60), dancer(2, 60)
    place_takes([pair], *reversed(prepare(scene, "they dance", 2.0, 0, model)))
    assert not scene.intermask.takes[0].proposal and not bpy.ops.intermask.reject_proposal.poll()
    place_takes([pair], *reversed(prepare(scene, "they bow", 2.0, 0, model, reuse=True)))
    assert scene.intermask.takes[1].proposal and not bpy.ops.intermask.next_proposal.poll()
    owner, action = scene.intermask.takes[0].character_1, scene.intermask.takes[0].action_1
    bpy.ops.intermask.reject_proposal()
    assert len(scene.intermask.takes) == 1 and owner.animation_data.action == action


def test_a_take_is_marked_as_asset_with_a_picture_and_its_strips_are_named_by_the_prompt(model: Path) -> None:
    scene = empty_scene()
    place_takes([(dancer(1, 60), dancer(2, 60))], *reversed(prepare(scene, "they dance", 2.0, 0, model)))
    take = scene.intermask.takes[0]
    assert bpy.ops.intermask.mark_take_as_asset() == {"FINISHED"}
    for action in (take.action_1, take.action_2):
        assert action.asset_data.description == "they dance"
        assert tuple(action.preview.image_size) == (96, 96)
        pixels = np.array(action.preview.image_pixels_float)
        assert len(np.unique(pixels)) > 10
    bpy.ops.intermask.push_take()
    assert take.character_1.animation_data.nla_tracks[0].strips[0].name == "they dance"


def test_deleting_the_last_take_of_own_rigs_gives_back_their_keys_and_values_and_the_playback_range(
    model: Path,
) -> None:
    scene = empty_scene()
    owners = keyed_rigs(scene)
    plain = build_rig(KINDS["mixamo"], scene, "Without Keys")
    arm = plain.pose.bones["mixamorig:RightArm"]
    arm.rotation_mode = "QUATERNION"
    arm.rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    before, keys = pose_of(plain), values_of(compat.own_curves(owners[0]))
    action = owners[0].animation_data.action
    generate(scene, model, [owners[0], plain])
    bpy.ops.intermask.accept_proposal()
    generate(scene, model, [owners[0], plain])
    bpy.ops.intermask.accept_proposal()
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 1, 60
    bpy.ops.intermask.delete_take()
    assert scene.use_preview_range and pose_of(plain) != before
    bpy.ops.intermask.delete_take()
    assert not scene.use_preview_range
    assert owners[0].animation_data.action == action and values_of(compat.own_curves(owners[0])) == keys
    assert pose_of(plain) == before and plain.animation_data.action is None
