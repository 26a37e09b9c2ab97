"""Rigs of other programs in real Blender: what they are recognised as, motion keyed on them, and captured again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_rigs import KINDS, build_rig, build_rigify
from blender_scene import empty_scene
from couple_examples import couple_holding_hands
from keyed_rigs import degrees_apart, directions, in_edit_mode, key
from mathutils import Vector
from motion_examples import posed_person

from intermask_blender import compat
from intermask_blender.rig.capture import capture_motion
from intermask_blender.rig.detect import detect_rig
from intermask_blender.rig.retarget import RootMotion, hip_ratio, rig_keys
from intermask_blender.scene.placement import Placement
from intermask_blender.scene.placing import place
from intermask_blender.scene.request import prepare
from model_core.errors import UserError
from model_core.kinematics import RAW_FIT, solve
from model_core.kinematics.capsules import L_PALM, R_PALM, body_points
from model_core.kinematics.proportions import TargetBody, adapt_to_bodies
from model_core.kinematics.retarget import RootMotionScale
from model_core.metrics.physical import skate
from model_core.motion import SMPL, Motion, PosedSkeleton
from model_core.motion.forward_kinematics import global_rotations
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import (
    normalized,
)

assert blender_scene

SYNTHESISED = {"daz": ("Spine3", "Neck", "L_Collar", "R_Collar", "L_Shoulder", "R_Shoulder")}
"""Joints that begin or end where the rig has none: they are placed, not measured."""


def scene_state(rig: bpy.types.Object) -> tuple[object, ...]:
    rest = [tuple(np.array(bone.matrix_local).ravel().round(6)) for bone in rig.data.bones]
    modes = [bone.rotation_mode for bone in rig.pose.bones]
    return rest, modes, tuple(np.array(rig.matrix_basis).ravel()), len(bpy.data.scenes), len(bpy.data.objects)


@pytest.mark.parametrize("name", KINDS)
def test_motion_keyed_on_a_rig_is_captured_again(name: str) -> None:
    kind, scene = KINDS[name], empty_scene()
    rig, person = build_rig(kind, scene), posed_person(3, 24, still=kind.still)
    rig.location, before = (1.0, -2.0, 0.3), scene_state(rig)
    mapping = detect_rig(rig)
    assert mapping.rig == kind.recognised
    assert dict(mapping.bones) == {j: kind.names[j] for j in SMPL.joints if j in kind.names}
    before = scene_state(rig)
    key(person, rig, scene)
    motion, start = capture_motion(rig, scene)
    assert start == 1 and len(motion) == len(person) and scene_state(rig) == before
    apart = degrees_apart(motion.joints, person.joints())
    wrong = {joint: angle for joint, angle in apart.items() if angle > 1 and joint not in SYNTHESISED.get(name, ())}
    assert not wrong, wrong
    truth = person.translation * kind.size + (0.0, 0.02, 0.0)
    np.testing.assert_allclose(motion.joints[:, 0], truth, atol=0.005)


def test_the_fk_controls_of_rigifys_own_rig_are_keyed(tmp_path: Path) -> None:
    scene = empty_scene()
    rig, person = build_rigify(scene, tmp_path), posed_person(3, 16)
    mapping = detect_rig(rig)
    assert mapping.rig == "Rigify" and not mapping.missing
    key(person, rig, scene)
    bpy.context.scene.frame_set(9)
    truth = directions(person.joints()[8:9])[0]
    assert rig.pose.bones["thigh_parent.L"]["IK_FK"] == pytest.approx(1.0)
    for upper, lower in (("Hip", "Knee"), ("Knee", "Ankle"), ("Shoulder", "Elbow"), ("Elbow", "Wrist")):
        for side in ("L_", "R_"):
            heads = [np.array(rig.pose.bones[mapping.bones[side + joint]].head) for joint in (upper, lower)]
            along = normalized(heads[1] - heads[0])[[0, 2, 1]] * (1, 1, -1)
            angle = np.degrees(np.arccos(np.clip(along @ truth[SMPL.index(side + lower) - 1], -1, 1)))
            assert angle < 1, (side + upper, angle)
    for joint, name in mapping.bones.items():
        turned = [np.array(rig.pose.bones[bone].matrix @ rig.data.bones[bone].matrix_local.inverted())
                  for bone in (name, mapping.control(joint))]  # fmt: skip
        read, keyed = (matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0) for matrix in turned)
        assert np.trace(read.T @ keyed) > 1 + 2 * np.cos(np.radians(1)), joint
    assert not [bone for bone in rig.pose.bones if bone.name.startswith(("DEF", "ORG")) and
                any(abs(v) > 1e-6 for v in bone.location)]  # fmt: skip
    motion, _ = capture_motion(rig, scene)
    apart = degrees_apart(motion.joints, person.joints())
    assert max(apart.values()) < 1, apart
    hips = [
        joints[:, (1, 2)].mean(1) for joints in (motion.joints, person.joints() * hip_ratio(person.offsets, rig, scene))
    ]
    np.testing.assert_allclose(hips[0] - hips[1], np.tile((0.0, (hips[0] - hips[1])[0, 1], 0.0), (16, 1)), atol=0.005)


def test_soles_lie_flat_where_the_motions_do_however_high_the_ankle() -> None:
    scene = empty_scene()
    rig = build_rig(KINDS["mixamo bare"], scene)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for side in ("Left", "Right"):
        shin, foot = (rig.data.edit_bones[side + name] for name in ("Leg", "Foot"))
        shin.tail.z += 0.06
        foot.head.z += 0.06
    bpy.ops.object.mode_set(mode="OBJECT")
    still = PosedSkeleton(SMPL_REST_OFFSETS, np.tile([1.0, 0, 0, 0], (20, 22, 1)), np.tile((0, 0.9, 0), (20, 1)))
    key(still, rig, scene)
    bpy.context.scene.frame_set(5)
    for name in ("LeftFoot", "RightFoot", "LeftToeBase", "RightToeBase"):
        turned = (
            rig.pose.bones[name]
            .matrix.to_quaternion()
            .rotation_difference(rig.data.bones[name].matrix_local.to_quaternion())
        )
        assert np.degrees(turned.angle) < 0.1, name


def test_two_chosen_characters_share_one_scale_and_stay_on_their_floor() -> None:
    scene = empty_scene()
    tall, small = build_rig(KINDS["mixamo bare"], scene, "Tall"), build_rig(KINDS["vrm"], scene, "Small")
    pair = (posed_person(1, 16), posed_person(2, 16))
    made = list(place(pair, Placement(scene.name, 1, characters=("Tall", "Small")), "They meet").values())
    assert made == [tall, small] and len(bpy.data.objects) == 2
    ratios = [hip_ratio(p.offsets, rig, scene) for p, rig in zip(pair, made, strict=True)]
    assert ratios == pytest.approx([1.15, 0.85], abs=1e-3)
    for person, rig, ratio in zip(pair, made, ratios, strict=True):
        motion, _ = capture_motion(rig, scene)
        truth = person.translation * (1.0, ratio, 1.0) + (0.0, 0.02, 0.0)
        np.testing.assert_allclose(motion.joints[:, 0, ::2], truth[:, ::2], atol=0.005)
        # Legs that do not reach their feet let the pelvis sink a little.
        sunk = truth[:, 1] - motion.joints[:, 0, 1]
        assert sunk.min() > -0.001 and sunk.max() < 0.1


@pytest.mark.parametrize("kinds", [("mixamo bare", "vrm"), ("vrm", "unreal"), ("makehuman", "ours")])
def test_hands_that_meet_meet_on_characters_of_different_height(kinds: tuple[str, str]) -> None:
    scene, pair = empty_scene(), couple_holding_hands(90)
    rigs = [build_rig(KINDS[kind], scene, name) for kind, name in zip(kinds, ("First", "Second"), strict=True)]
    place((pair[0], pair[1]), Placement(scene.name, 1, characters=("First", "Second")), "They hold hands")
    captured = [capture_motion(rig, scene)[0] for rig in rigs]
    sizes = np.array([KINDS[kind].size for kind in kinds])
    apart = palms_apart([person.motion() for person in pair], np.ones(2))
    there = palms_apart(captured, sizes)
    assert (apart < 0.1).sum() > 150
    assert np.abs(there - apart)[apart < 0.1].max() < 0.02
    joints = np.stack([motion.joints for motion in captured])
    assert skate(joints, float(joints[..., 1].min())) < 2 + skate(np.stack([person.joints() for person in pair]))


def test_a_reactors_hands_come_to_where_the_leaders_really_are(tmp_path: Path) -> None:
    """A leader with shoulders higher than SMPL's: read as SMPL's joints, the hands are elsewhere than on the rig."""
    scene, pair = empty_scene(), couple_holding_hands(60)
    rig = build_rig(replace(KINDS["mixamo bare"], size=1.0), scene, "Leader")
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for side in ("Left", "Right"):
        for name in ("Shoulder", "Arm", "ForeArm", "Hand"):
            bone = rig.data.edit_bones[side + name]
            bone.head.z, bone.tail.z = bone.head.z + 0.06, bone.tail.z + 0.06
    bpy.ops.object.mode_set(mode="OBJECT")
    key(pair[0], rig, scene, RootMotion(1.0))
    settings, placement = prepare(scene, "they hold hands", None, 0, tmp_path, rig)
    assert isinstance(settings.leader, Motion) and placement.leader_joints is not None
    wrists = [SMPL.index(side + "Wrist") for side in ("L_", "R_")]
    assert np.abs(settings.leader.joints - placement.leader_joints)[:, wrists].max() > 0.03
    read, way = solve([settings.leader], RAW_FIT)[0], RootMotionScale(1.0, 1.0)
    bodies = [TargetBody(lambda _: read.joints(), way, held=True), TargetBody(PosedSkeleton.joints, way)]
    reactor = adapt_to_bodies(pair, bodies)[0][1]
    made = place((read, reactor), placement, "They hold hands")[1]
    motion, _ = capture_motion(made, scene)
    apart = reactor.joints()[:, wrists] - read.joints()[:, wrists[::-1]]
    held = np.linalg.norm(apart, axis=-1) < 0.1
    there = motion.joints[:, wrists] - placement.leader_joints[:, wrists[::-1]]
    assert held.sum() > 60
    assert np.linalg.norm(there - apart, axis=-1)[held].max() < 0.02


def palms_apart(people: list[Motion], sizes: np.ndarray) -> np.ndarray:
    """(T, 2, 2) metres between each palm of the first person and each of the second."""
    joints = np.stack([person.joints for person in people])
    local = [np.concatenate((person.root_orientation[:, None], person.rotations), 1) for person in people]
    offsets = np.tile(SMPL_REST_OFFSETS, (2, 1, 1))
    points = body_points(joints, global_rotations(np.stack(local), SMPL), offsets, sizes)
    palms = points[:, :, (L_PALM, R_PALM)]
    return np.linalg.norm(palms[0][:, :, None] - palms[1][:, None], axis=-1)


def test_a_rig_that_cannot_be_keyed_is_told_and_left_alone(tmp_path: Path) -> None:
    scene, person = empty_scene(), posed_person(1, 16)
    mirrored = build_rig(KINDS["mixamo"], scene, "Mirrored")
    mirrored.scale.x *= -1
    uneven = build_rig(KINDS["mixamo"], scene, "Uneven")
    uneven.scale.z *= 2
    handless = build_rig(KINDS["mixamo"], scene, "Handless")
    bpy.context.view_layer.objects.active = handless
    bpy.ops.object.mode_set(mode="EDIT")
    handless.data.edit_bones.remove(handless.data.edit_bones["mixamorig:LeftHand"])
    bpy.ops.object.mode_set(mode="OBJECT")
    build_rig(KINDS["unreal"], scene, "Library")
    path = str(tmp_path / "library.blend")
    bpy.data.libraries.write(path, {bpy.data.objects["Library"]})
    bpy.data.objects.remove(bpy.data.objects["Library"])
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.objects = ["Library"]
    linked = wanted.objects[0]
    scene.collection.objects.link(linked)
    for rig, sentence in (
        (mirrored, "mirrored"), (uneven, "unevenly"), (handless, "Left Hand"), (linked, "override"),
    ):  # fmt: skip
        before = scene_state(rig)
        with pytest.raises(UserError, match=sentence):
            rig_keys(person, rig, scene, 1)
        with pytest.raises(UserError, match=sentence):
            prepare(scene, "they hug", 1.0, 0, tmp_path, None, (None, rig))
        assert scene_state(rig) == before and rig.animation_data is None and not bpy.data.actions
    crooked = build_rig(KINDS["mixamo"], scene, "Crooked")
    crooked.parent = mirrored
    with pytest.raises(UserError, match="mirrored by its parent Mirrored"):
        rig_keys(person, crooked, scene, 1)
    with pytest.raises(UserError, match="two different"):
        prepare(scene, "they hug", 1.0, 0, tmp_path, mirrored, (None, mirrored))


def test_what_would_win_over_new_keys_is_told_and_once_it_is_removed_the_rig_moves(tmp_path: Path) -> None:
    scene, person = empty_scene(), posed_person(1, 16)
    rig = build_rig(KINDS["mixamo"], scene)

    def shown(frame: int) -> np.ndarray:
        scene.frame_set(frame)
        return np.array([bone.matrix for bone in rig.pose.bones])

    key(person, rig, scene)
    free = shown(9)
    animation = rig.animation_data
    track = animation.nla_tracks.new()
    compat.bind_strip(track.strips.new("Below", 1, animation.action), animation)
    animation.action = None

    def refused(sentence: str) -> None:
        actions = len(bpy.data.actions)
        with pytest.raises(UserError, match=sentence):
            prepare(scene, "they hug", 1.0, 0, tmp_path, None, (None, rig))
        with pytest.raises(UserError, match=sentence):
            key(person, rig, scene)
        assert len(bpy.data.actions) == actions and animation.action is None

    animation.action_blend_type = "ADD"
    refused("blended")
    animation.action_blend_type, animation.action_influence = "REPLACE", 0.5
    refused("influence to 1")
    animation.action_influence, track.is_solo = 1.0, True
    refused("turn off its star")
    track.is_solo = False
    elbow = "mixamorig:LeftForeArm"
    curves = rig.pose.bones[elbow].driver_add("rotation_quaternion")
    refused(f"{elbow} of Rig is moved by a driver")
    for curve in curves:
        curve.mute = True
    key(person, rig, scene)
    np.testing.assert_allclose(shown(9), free, atol=1e-3)


def test_a_giant_leader_is_brought_to_a_persons_size(tmp_path: Path) -> None:
    scene, person = empty_scene(), posed_person(4, 20)
    rig = build_rig(KINDS["unreal"], scene, "Giant")
    rig.scale = (1.0, 1.0, 1.0)
    key(person, rig, scene)
    settings, placement = prepare(scene, "they hug", None, 0, tmp_path, rig)
    leader = settings.leader
    assert isinstance(leader, Motion) and 0.5 < np.ptp(leader.joints[0, :, 1]) < 2.5
    assert placement.size == pytest.approx(100.0, rel=0.1)


def test_of_two_bones_with_one_name_part_the_bodys_own_is_taken() -> None:
    scene, kind = empty_scene(), KINDS["mixamo"]
    rig = build_rig(kind, scene)

    def props(bones: Any) -> None:
        for name, parent in (("LeftHand", ""), ("leftleg", ""), ("other:LeftForeArm", "Spine"), ("Hips", "")):
            bone = bones.new(name)
            bone.head, bone.tail = (50, 50, 50), (50, 50, 60)
            bone.parent = bones[f"mixamorig:{parent}"] if parent else None

    in_edit_mode(rig, props)
    assert dict(detect_rig(rig).bones) == dict(kind.names)


def test_what_lacks_a_known_rigs_feet_is_told_so_and_other_bones_are_not_taken_for_them() -> None:
    scene, kind = empty_scene(), KINDS["unreal"]
    rig = build_rig(kind, scene)
    # The twist bones of the calves would be leaves at the ends of the legs.
    in_edit_mode(rig, lambda bones: [bones.remove(bones[name]) for name in ("foot_l", "foot_r", "ball_l", "ball_r")])
    with pytest.raises(UserError, match="looks like Unreal but lacks the bones for Left Foot, Right Foot"):
        detect_rig(rig)


def with_heels(rig: bpy.types.Object, ankles: tuple[str, str]) -> None:
    """Bones from the ankles backward, lower than the toes, as Rigify has them."""

    def heels(bones: Any) -> None:
        for number, ankle in enumerate(ankles):
            bone = bones.new(f"Heel {number}")
            bone.head = bones[ankle].head + Vector((0, 0.05, 0.0))
            bone.head.z = 0.0
            bone.tail, bone.parent = bone.head + Vector((0.05, 0, 0)), bones[ankle]

    in_edit_mode(rig, heels)


def test_heels_are_not_taken_for_toes_nor_left_for_right() -> None:
    scene, kind = empty_scene(), KINDS["nameless"]
    rig = build_rig(kind, scene)
    with_heels(rig, (kind.names["L_Ankle"], kind.names["R_Ankle"]))
    assert dict(detect_rig(rig).bones) == {joint: kind.names[joint] for joint in SMPL.joints}
    # Bones of no direction, whose names alone say which side is left.
    rig = build_rig(kind, empty_scene())

    def renamed(bones: Any) -> None:
        for joint, name in kind.names.items():
            if joint.startswith(("L_", "R_")):
                bones[name].name = f"{name}.{joint[0]}"
            if joint.endswith("_Foot"):
                bones.remove(bones[f"{name}.{joint[0]}"])

    in_edit_mode(rig, renamed)
    assert detect_rig(rig).bones["L_Knee"] == f"{kind.names['L_Knee']}.L"


def test_toes_and_heads_of_no_length_do_not_turn_what_is_captured() -> None:
    scene, person = empty_scene(), posed_person(3, 24)
    rig = build_rig(KINDS["vrm"], scene)

    def pushed_together(bones: Any) -> None:
        for name, above in (("leftToes", "leftFoot"), ("rightToes", "rightFoot"), ("head", "neck")):
            bones[name].head = bones[above].head

    in_edit_mode(rig, pushed_together)
    key(person, rig, scene)
    apart = degrees_apart(capture_motion(rig, scene)[0].joints, person.joints())
    assert max(apart.values()) < 1, apart


def test_whatever_moves_a_leader_counts_and_what_does_not_is_told(tmp_path: Path) -> None:
    scene, person = empty_scene(), posed_person(3, 40)
    rig = build_rig(KINDS["vrm"], scene)
    key(person, rig, scene)
    before, _ = capture_motion(rig, scene)
    animation = rig.animation_data
    action = animation.action

    def leads() -> int:
        settings, placement = prepare(scene, "they hug", None, 0, tmp_path, rig)
        assert settings.leader is not None and len(bpy.data.scenes) == 1
        return placement.start_frame

    def refused(sentence: str) -> None:
        with pytest.raises(UserError, match=sentence) as caught:
            leads()
        assert "Rig" in str(caught.value) and str(caught.value).count(". ") == 0

    # In the NLA alone, elsewhere in time.
    track = animation.nla_tracks.new()
    compat.bind_strip(track.strips.new("Strip", 101, action), animation)
    animation.action = None
    motion, start = capture_motion(rig, scene)
    assert start == 101 and leads() == 101
    np.testing.assert_allclose(motion.joints, before.joints, atol=1e-5)
    track.mute = True
    refused("does not move .*; unmute its animation")
    compat.assign_action(rig, action)
    for curve in compat.fcurve_store(rig, action).fcurves:
        curve.mute = True
    refused("does not move .*; unmute its animation")
    for curve in compat.fcurve_store(rig, action).fcurves:
        curve.mute = False
    rig.data.pose_position = "REST"
    refused("Rest Position")
    rig.data.pose_position = "POSE"
    twin = bpy.data.objects.new("Twin", rig.data)
    scene.collection.objects.link(twin)
    bpy.context.view_layer.objects.active = twin
    bpy.ops.object.mode_set(mode="EDIT")
    refused("Edit Mode")
    bpy.ops.object.mode_set(mode="OBJECT")
    rig.keyframe_insert("scale", frame=1)
    rig.scale = (2, 2, 2)
    rig.keyframe_insert("scale", frame=40)
    refused("changes its size")
    # Drivers alone, over the scene's range.
    animation.action = None
    rig.scale, track.mute, scene.frame_end = (1, 1, 1), True, 60
    driver = rig.pose.bones["leftUpperArm"].driver_add("rotation_quaternion", 1).driver
    driver.type, driver.expression = "SCRIPTED", "sin(frame / 10)"
    assert leads() == 1
    # What a driver reads of the scene it is evaluated in is animated there too.
    scene["sway"] = 0.0
    scene.keyframe_insert('["sway"]', frame=1)
    scene["sway"] = 0.5
    scene.keyframe_insert('["sway"]', frame=50)
    variable = driver.variables.new()
    variable.name, variable.type = "sway", "CONTEXT_PROP"
    variable.targets[0].context_property, variable.targets[0].data_path = "ACTIVE_SCENE", '["sway"]'
    driver.expression = "sway"
    assert leads() == 1
    driver.expression = "float('nan')"
    refused("non-finite|does not move")


def test_locked_bones_are_keyed_and_a_hips_bone_that_cannot_travel_is_told_before_anything_is_generated(
    tmp_path: Path,
) -> None:
    scene, person = empty_scene(), posed_person(3, 24)
    rig = build_rig(KINDS["vrm"], scene)
    for bone in rig.pose.bones:
        bone.lock_location = bone.lock_rotation = (True, True, True)
        bone.lock_rotation_w = bone.lock_rotations_4d = True
    key(person, rig, scene)
    assert max(degrees_apart(capture_motion(rig, scene)[0].joints, person.joints()).values()) < 1

    def connected(bones: Any) -> None:
        bones["Root"].tail = bones["hips"].head
        bones["hips"].use_connect = True

    in_edit_mode(rig, connected)
    with pytest.raises(UserError, match="hips of Rig is connected"):
        prepare(scene, "they hug", 1.0, 0, tmp_path, None, (None, rig))
