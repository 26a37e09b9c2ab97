"""What rigs of all builds are recognised as, and what of them is refused or said, in real Blender."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_rigs import KINDS, build_rig
from blender_scene import empty_scene
from keyed_rigs import degrees_apart, in_edit_mode, key
from motion_examples import MIXAMO, on_foreign_skeleton, posed_person
from skeletons import Bone, biped, character_creator, genesis_8, tree_of

from intermask_blender.rig.capture import capture_motion
from intermask_blender.rig.detect import detect_rig
from intermask_blender.rig.keyed_poses import keyed_poses
from intermask_blender.rig.map import RigMapping
from intermask_blender.rig.own_map import rig_line
from intermask_blender.rig.retarget import rig_keys
from model_core.errors import UserError
from model_core.motion import SMPL
from model_core.motion.bvh import read_bvh
from model_core.motion.bvh_writer import write_clip
from model_core.motion.capture import motion_from_bvh
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import (
    angle_between,
    matrix_from_axis_angle,
    matrix_from_quaternion,
    normalized,
    shortest_arc,
)

assert blender_scene


def built(bones: list[Bone], lowered: float = 0.6) -> bpy.types.Object:
    """An armature of a list of bones, at the world's origin."""
    tree = tree_of(bones, lowered)
    owner = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(owner)
    bpy.context.view_layer.objects.active = owner

    def made(edit: Any) -> None:
        for name, parent, (x, y, z) in zip(tree.names, tree.parents, tree.heads.tolist(), strict=True):
            bone = edit.new(name)
            bone.head, bone.tail = (x, -z, y), (x, -z, y + 0.05)
            bone.parent = edit[tree.names[parent]] if parent >= 0 else None

    in_edit_mode(owner, made)
    return owner


LIMBS = [SMPL.index(f"{side}_{joint}") - 1 for side in "LR" for joint in ("Knee", "Ankle", "Elbow", "Wrist")]


@pytest.mark.parametrize("bones", [character_creator(), genesis_8(), biped()], ids=["cc", "genesis-8", "biped"])
@pytest.mark.parametrize("named", [True, False], ids=["named", "nameless"])
def test_limbs_point_where_the_motions_do_on_whatever_build(bones: list[Bone], named: bool) -> None:
    scene, person = empty_scene(), posed_person(3, 24)
    if not named:
        numbered = {name: f"Bone.{number:03d}" for number, (name, _, _) in enumerate(bones)}
        bones = [(numbered[name], numbered[parent] if parent else None, place) for name, parent, place in bones]
    rig = built(bones)
    text, usable = rig_line(rig)
    assert usable and ("by its shape alone" in text) is not named
    key(person, rig, scene)
    apart = degrees_apart(capture_motion(rig, scene)[0].joints, person.joints())
    assert max(list(apart.values())[number] for number in LIMBS) < 0.1


def test_feet_that_hang_from_elsewhere_are_refused_before_they_are_keyed() -> None:
    scene, person, kind = empty_scene(), posed_person(3, 24), KINDS["unreal"]
    rig = build_rig(kind, scene)

    def freed(bones: Any) -> None:
        bones["foot_l"].parent = bones["foot_r"].parent = bones["root"]

    in_edit_mode(rig, freed)
    with pytest.raises(UserError, match="foot_l does not hang from calf_l"):
        detect_rig(rig)
    chosen = RigMapping("Own", {joint: kind.names[joint] for joint in SMPL.joints})
    with pytest.raises(UserError, match="foot_l does not hang from calf_l"):
        rig_keys(person, rig, scene, 1, mapping=chosen)
    assert rig.animation_data is None and not bpy.data.actions


@pytest.mark.parametrize(
    ("lower", "upper"),
    [("L_Knee", "L_Hip"), ("R_Foot", "R_Ankle"), ("L_Shoulder", "L_Collar"), ("L_Hip", "Pelvis"), ("Head", "Neck")],
)
def test_a_chosen_bone_that_does_not_hang_from_the_one_above_is_named(lower: str, upper: str) -> None:
    scene, kind = empty_scene(), KINDS["vrm"]
    rig = build_rig(kind, scene)
    in_edit_mode(rig, lambda bones: setattr(bones[kind.names[lower]], "parent", bones["Root"]))
    chosen = RigMapping("Own", {joint: kind.names[joint] for joint in SMPL.joints})
    sentence = f"the bone {kind.names[lower]} does not hang from {kind.names[upper]}"
    with pytest.raises(UserError, match=sentence):
        rig_keys(posed_person(1, 16), rig, scene, 1, mapping=chosen)


def imported(path: Path, scale: float) -> bpy.types.Object:
    """A BVH file, imported by Blender's own importer."""
    # Blender puts its own add-ons on the path when bpy is imported.
    import addon_utils

    addon_utils.enable("io_anim_bvh")
    bpy.ops.import_anim.bvh(filepath=str(path), global_scale=scale, update_scene_fps=True, update_scene_duration=True)
    return next(owner for owner in bpy.context.scene.objects if owner.type == "ARMATURE")


@pytest.mark.parametrize("seed", [None, 1, 2], ids=["along-x", "random-1", "random-2"])
def test_an_armature_whose_rest_pose_is_no_person_is_read_as_its_file_is(tmp_path: Path, seed: int | None) -> None:
    """Rokoko, LaFAN1 and Kimodo write BVH whose bones all lie along one axis at rest."""
    person = posed_person(12, frames=90)
    # One frame stands straight, as people do now and then.
    person.rotations[20] = (1, 0, 0, 0)
    person.rotations[20, 0] = person.rotations[19, 0]
    turns = np.random.default_rng(seed or 0).normal(0, 1.5, (len(SMPL), 3))
    rest = matrix_from_axis_angle(turns)
    if seed is None:
        for joint, children in enumerate(SMPL.children):
            below = SMPL_REST_OFFSETS[children[0]] if children else np.array((0.0, 1.0, 0.0))
            rest[joint] = matrix_from_quaternion(shortest_arc(np.array((1.0, 0, 0)), normalized(below)))
    rest[0] = np.eye(3)
    write_clip(tmp_path / "take.bvh", on_foreign_skeleton(person, MIXAMO, 100.0, rest))
    scene = empty_scene()
    rig = imported(tmp_path / "take.bvh", 0.01)
    assert "rest pose is no standing person" in rig_line(rig)[0]
    motion, file = capture_motion(rig, bpy.context.scene)[0], motion_from_bvh(read_bvh(tmp_path / "take.bvh"))
    count = min(len(motion), len(file))
    assert count > 80 and scene is not None
    apart = degrees_apart(motion.joints[:count], file.joints[:count].astype(np.float64))
    assert max(apart.values()) < 20, apart
    assert motion.rotations is not None and file.rotations is not None
    assert np.degrees(angle_between(motion.rotations[:count], file.rotations[:count])).max() < 30


def test_a_nameless_armature_whose_rest_pose_is_no_person_is_told_by_its_pose(tmp_path: Path) -> None:
    person = posed_person(12, frames=40, amount=0.0)
    rest = matrix_from_axis_angle(np.random.default_rng(4).normal(0, 1.5, (len(SMPL), 3)))
    clip = on_foreign_skeleton(person, {joint: f"Bone.{k:03d}" for k, joint in enumerate(SMPL.joints)}, 100.0, rest)
    write_clip(tmp_path / "take.bvh", clip)
    empty_scene()
    rig = imported(tmp_path / "take.bvh", 0.01)
    bpy.context.scene.frame_set(20)
    assert dict(detect_rig(rig).bones) == {joint: f"Bone.{k:03d}" for k, joint in enumerate(SMPL.joints)}


def test_a_nameless_armature_that_stands_in_another_frame_is_read_as_its_file_is(tmp_path: Path) -> None:
    person = posed_person(12, frames=90)
    crouching = normalized(np.array((1.0, 0.9, 0.0, 0.0)))
    person.rotations[:60] = crouching
    person.rotations[60:, 1:] = (1, 0, 0, 0)
    rest = matrix_from_axis_angle(np.random.default_rng(4).normal(0, 1.5, (len(SMPL), 3)))
    clip = on_foreign_skeleton(person, {joint: f"Bone.{k:03d}" for k, joint in enumerate(SMPL.joints)}, 100.0, rest)
    write_clip(tmp_path / "take.bvh", clip)
    empty_scene()
    rig = imported(tmp_path / "take.bvh", 0.01)
    bpy.context.scene.frame_set(20)
    assert dict(detect_rig(rig).bones) == {joint: f"Bone.{k:03d}" for k, joint in enumerate(SMPL.joints)}
    for mode in ("AXIS_ANGLE", "QUATERNION", "XYZ"):
        frames = np.unique(np.linspace(*rig.animation_data.action.frame_range, 5).round())
        for frame, (heads, tails) in zip(frames, keyed_poses(rig, 5), strict=True):
            bpy.context.scene.frame_set(int(frame))
            for number, bone in enumerate(rig.data.bones):
                posed = rig.pose.bones[bone.name]
                np.testing.assert_allclose(heads[number], posed.head, atol=1e-4)
                np.testing.assert_allclose(tails[number], posed.tail, atol=1e-4)
        for posed in rig.pose.bones:
            posed.rotation_mode = mode


def test_a_leader_on_its_head_is_refused() -> None:
    scene, person = empty_scene(), posed_person(3, 24)
    rig = build_rig(KINDS["vrm"], scene)
    key(person, rig, scene)
    rig.rotation_euler.x = np.pi
    bpy.context.view_layer.update()
    with pytest.raises(UserError, match=r"Rig is upside down.*R X 180"):
        capture_motion(rig, scene)


def test_a_constraint_that_overrules_keys_is_said() -> None:
    rig = build_rig(KINDS["vrm"], empty_scene())
    bpy.context.view_layer.update()
    assert rig_line(rig) == ("VRM: 22 of 22 joints", True)
    rig.pose.bones["leftLowerLeg"].constraints.new("IK").name = "Reach"
    assert "the constraint Reach of leftLowerLeg changes what is keyed" in rig_line(rig)[0]
    rig.pose.bones["leftLowerLeg"].constraints["Reach"].mute = True
    assert rig_line(rig) == ("VRM: 22 of 22 joints", True)
