"""The state of an armature before it is keyed or read: old poses, switches of bones, actions and strips."""

from __future__ import annotations

from dataclasses import replace

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_rigs import KINDS, build_rig
from blender_scene import empty_scene
from motion_examples import posed_person

from intermask_blender import compat
from intermask_blender.rig.capture import animated_frames, capture, capture_motion
from intermask_blender.rig.detect import detect_rig
from intermask_blender.rig.retarget import rig_keys, write_keys
from intermask_blender.rig.splice import KeptKeys, source_of, write_edit
from model_core.errors import UserError
from model_core.kinematics import RAW_FIT, solve

assert blender_scene


def shown(rig: bpy.types.Object, frame: int) -> np.ndarray:
    """(bones, 4, 4) as a viewer sees them."""
    bpy.context.scene.frame_set(frame)
    return np.array([bone.matrix for bone in rig.pose.bones])


def key_dance(rig: bpy.types.Object, scene: bpy.types.Scene, frames: int = 12, start: int = 1) -> None:
    write_keys(rig_keys(posed_person(3, frames), rig, scene, start), "Dance")


@pytest.mark.parametrize("name", ["mixamo bare", "vrm"])
def test_places_and_sizes_left_from_an_earlier_pose_do_not_bend_what_is_keyed(name: str) -> None:
    scene = empty_scene()
    clean, posed = (build_rig(KINDS[name], scene, which) for which in ("Clean", "Posed"))
    for number, bone in enumerate(detect_rig(posed).bones.values()):
        posed.pose.bones[bone].location = (0.1, -0.05 * number, 0.07)
        posed.pose.bones[bone].scale = (1.5, 1.0, 0.8)
    for rig in (clean, posed):
        key_dance(rig, scene)
    for frame in (1, 7):
        np.testing.assert_allclose(shown(posed, frame), shown(clean, frame), atol=1e-4)


@pytest.mark.parametrize("how", ["shown", "strip below", "shown again"])
def test_an_earlier_action_that_moves_and_sizes_bones_does_not_come_through(how: str) -> None:
    scene = empty_scene()
    clean, used = (build_rig(KINDS["mixamo"], scene, which) for which in ("Clean", "Used"))
    for frame, place, size in ((1, 0.0, 1.0), (30, 8.0, 1.3)):
        for bone in used.pose.bones:
            bone.location, bone.scale = (0.0, place, 0.5 * place), (size, size, size)
            bone.keyframe_insert("location", frame=frame)
            bone.keyframe_insert("scale", frame=frame)
    animation = used.animation_data
    old, slot = animation.action, compat.slot_name(used)
    if how == "strip below":
        compat.bind_strip(animation.nla_tracks.new().strips.new("Old", 1, old), animation)
        animation.action = None
    scene.frame_set(30 if how == "shown" else 1)
    for rig in (clean, used):
        key_dance(rig, scene)
    if how == "shown again":
        new, its_slot = animation.action, compat.slot_name(used)
        compat.assign_action(used, old, slot)
        scene.frame_set(30)
        compat.assign_action(used, new, its_slot)
    mapped = [number for number, bone in enumerate(used.pose.bones) if bone.name in KINDS["mixamo"].names.values()]
    for frame in (1, 7, 12, 30):
        # In an armature of centimetres.
        np.testing.assert_allclose(shown(used, frame)[mapped], shown(clean, frame)[mapped], atol=1e-2)


def test_the_body_travels_alike_whichever_axes_the_roots_location_has() -> None:
    scene = empty_scene()
    own, parents = (build_rig(KINDS["vrm"], scene, which) for which in ("Own", "Parents"))
    hips = detect_rig(parents).control("Pelvis")
    assert parents.data.bones[hips].parent is not None
    parents.data.bones[hips].use_local_location = False
    for rig in (own, parents):
        key_dance(rig, scene)
    for frame in (1, 9):
        np.testing.assert_allclose(shown(parents, frame), shown(own, frame), atol=1e-4)


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ"])
def test_an_edit_holds_places_and_sizes_as_it_holds_turns(mode: str) -> None:
    scene = empty_scene()
    rig = build_rig(replace(KINDS["vrm"], mode=mode), scene)
    key_dance(rig, scene, 40)
    knee, spine, wrist = (rig.pose.bones[detect_rig(rig).bones[joint]] for joint in ("L_Knee", "Spine2", "R_Wrist"))
    for bone in (knee, spine):
        for frame, size in ((1, 1.4), (40, 0.7)):
            bone.scale = (size, 1.0, size)
            bone.keyframe_insert("scale", frame=frame)
    wrist.location = (0.0, 0.1, 0.0)
    scene.frame_set(20)
    before = {frame: shown(rig, frame) for frame in (1, 10, 11, 18, 20, 22, 30, 31, 40)}
    sizes = {}
    for frame in before:
        scene.frame_set(frame)
        sizes[frame] = np.array(spine.scale)
    scene.frame_set(20)
    source = source_of(rig)
    # All but one joint are held: what is not under it stays.
    keys = rig_keys(posed_person(7, 40), rig, scene, 1)
    assert write_edit(keys, "Head", KeptKeys((source, source), (0,), frozenset({"Head"})), 0, 30.0)
    rows = [number for number, bone in enumerate(rig.pose.bones) if bone.name != detect_rig(rig).bones["Head"]]
    for frame, pose in before.items():
        np.testing.assert_allclose(shown(rig, frame)[rows], pose[rows], atol=1e-6)
    # A range of frames: outside of it everything stays, inside bones get back their own size and place.
    compat.assign_action(rig, bpy.data.actions[source.action], source.slot)
    scene.frame_set(20)
    assert write_edit(keys, "Range", KeptKeys((source, source), (0,), first=11, last=30), 0, 30.0)
    for frame in (1, 10, 31, 40):
        np.testing.assert_allclose(shown(rig, frame), before[frame], atol=1e-6)
        np.testing.assert_allclose(spine.scale, sizes[frame], atol=1e-6)
    for frame in (20, 21):
        scene.frame_set(frame)
        np.testing.assert_allclose([*spine.scale, *knee.scale], 1.0, atol=1e-6)
        np.testing.assert_allclose(wrist.location, 0.0, atol=1e-6)


def test_what_is_no_armature_is_refused_with_a_sentence() -> None:
    scene = empty_scene()
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    with pytest.raises(UserError, match="Camera is not an armature"):
        rig_keys(posed_person(3, 12), camera, scene, 1)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1, 2)])
@pytest.mark.parametrize("last", [0.0, 2.0])
def test_a_leader_that_changes_its_size_on_any_axis_is_refused(axes: tuple[int, ...], last: float) -> None:
    scene = empty_scene()
    rig = build_rig(KINDS["mixamo bare"], scene)
    key_dance(rig, scene, 40)
    for axis in axes:
        for frame, size in ((1, rig.scale[axis]), (40, last * rig.scale[axis])):
            rig.scale[axis] = size
            rig.keyframe_insert("scale", index=axis, frame=frame)
    with pytest.raises(UserError, match="changes its size"):
        capture_motion(rig, scene)


def test_strips_and_an_action_and_other_slots_make_the_visible_range() -> None:
    scene = empty_scene()
    rig, other = (build_rig(KINDS["mixamo bare"], scene, which) for which in ("Leader", "Other"))
    key_dance(rig, scene, 150)
    animation = rig.animation_data
    strip = animation.nla_tracks.new().strips.new("Dance", 1, animation.action)
    compat.bind_strip(strip, animation)
    animation.action = None
    assert animated_frames(rig, scene) == (1, 150)
    rig.pose.bones[0].keyframe_insert("location", frame=5)
    assert animated_frames(rig, scene) == (1, 150)
    action, layers = animation.action, len(getattr(animation.action, "layers", ()))
    strip.mute = True
    assert animated_frames(rig, scene) == (5, 5)
    if compat.SLOTTED_ACTIONS:
        other.animation_data_create().action = action
        other.animation_data.action_slot = action.slots.new(id_type="OBJECT", name="Other")
        assert animated_frames(other, scene) == (scene.frame_start, scene.frame_end)
        other.pose.bones[0].keyframe_insert("location", frame=500)
        assert animated_frames(rig, scene) == (5, 5) and animated_frames(other, scene) == (500, 500)
        assert len(action.layers) == layers


@pytest.mark.parametrize("what", ["parent", "constraint", "limit", "driver"])
@pytest.mark.parametrize("moves", [False, True])
def test_a_short_action_is_refused_as_short_where_nothing_else_moves_the_leader(what: str, moves: bool) -> None:
    scene = empty_scene()
    scene.frame_end = 60
    rig = build_rig(KINDS["mixamo bare"], scene)
    key_dance(rig, scene, 10)
    goal = bpy.data.objects.new("Goal", None)
    scene.collection.objects.link(goal)
    if moves:
        goal.keyframe_insert("location", frame=30)
        goal.location = (0.5, 0.5, 1.0)
        goal.keyframe_insert("location", frame=50)
    bone = rig.pose.bones[detect_rig(rig).bones["L_Wrist"]]
    if what == "parent":
        rig.parent = goal
    elif what == "constraint":
        bone.constraints.new("COPY_LOCATION").target = goal
    elif what == "limit":
        bone.constraints.new("LIMIT_ROTATION")
    else:
        bone.driver_add("location", 1).driver.expression = "frame / 100" if moves else "0.2"
    if moves and what != "limit":
        captured = capture(rig, scene)
        assert (captured.start, len(captured.motion)) == (1, 60)
    else:
        with pytest.raises(UserError, match=r"lasts 10 frames .* needs at least 16"):
            capture(rig, scene)


def test_a_range_is_that_of_what_plays_with_a_solo_track_and_curves_without_keys() -> None:
    scene = empty_scene()
    scene.frame_end = 70
    rig = build_rig(KINDS["mixamo bare"], scene)
    key_dance(rig, scene, 40)
    animation = rig.animation_data
    dance, first, second = animation.action, animation.nla_tracks.new(), animation.nla_tracks.new()
    for track, start in ((first, 101), (second, 301)):
        compat.bind_strip(track.strips.new("Dance", start, dance), animation)
    animation.action = None
    assert animated_frames(rig, scene) == (101, 340)
    for frame in (50, 900):
        rig.keyframe_insert("location", frame=frame)
    assert animated_frames(rig, scene) == (50, 900)
    # Blender shows a track alone even where it is mute, without the action.
    first.is_solo = first.mute = True
    assert animated_frames(rig, scene) == (101, 140)
    captured = capture(rig, scene)
    assert (captured.start, len(captured.motion)) == (101, 40)
    first.is_solo, first.mute = False, False
    curves = compat.fcurve_store(rig, animation.action).fcurves
    for curve in curves:
        curve.keyframe_points.clear()
    assert animated_frames(rig, scene) == (101, 340)
    # Waves alone have no first and no last frame: the scene's count.
    first.mute = second.mute = True
    curves[0].modifiers.new("FNGENERATOR").amplitude = 1.0
    captured = capture(rig, scene)
    assert (captured.start, len(captured.motion)) == (1, 70)


def test_one_key_of_a_pose_with_constraints_leaves_the_scenes_range() -> None:
    scene = empty_scene()
    scene.frame_start, scene.frame_end = 11, 90
    rig = build_rig(KINDS["mixamo bare"], scene)
    rig.pose.bones[0].keyframe_insert("location", frame=5)
    assert animated_frames(rig, scene) == (5, 5)
    goal = bpy.data.objects.new("Goal", None)
    scene.collection.objects.link(goal)
    rig.pose.bones[detect_rig(rig).bones["Pelvis"]].constraints.new("COPY_LOCATION").target = goal
    assert animated_frames(rig, scene) == (5, 5)
    for frame, place in ((20, 0.0), (80, 1.0)):
        goal.location.x = place
        goal.keyframe_insert("location", frame=frame)
    assert animated_frames(rig, scene) == (11, 90)


@pytest.mark.parametrize(
    ("fps", "last"), [(12.0, 172), (24.0, 172), (25.0, 172), (29.97, 172), (30.0, 172), (60.0, 171), (120.0, 201)]
)
def test_a_leader_is_read_to_the_last_frame_and_its_reactor_reaches_it(fps: float, last: int) -> None:
    scene = empty_scene(fps)
    leader, reactor = (build_rig(KINDS["mixamo bare"], scene, which) for which in ("Leader", "Reactor"))
    key_dance(leader, scene, 240, 101)
    captured = capture(leader, scene, (101, last))
    posed = solve([captured.motion], RAW_FIT)[0]
    keys = rig_keys(posed, reactor, scene, captured.start)
    assert (keys.frames[0], keys.frames[-1]) == (101, last)
