"""Characters in real Blender: armatures, the mannequin's skin, keys, and capturing them again."""

from __future__ import annotations

import math
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_scene import dancer, empty_scene, evaluated_vertices, joints_in_blender
from mathutils import Euler, Matrix

from intermask_blender.rig.body import fitted_vertices, load_body, rest_joints, sole_depth
from intermask_blender.rig.build import build_armature, build_mannequin
from intermask_blender.rig.capture import capture_motion
from intermask_blender.rig.key import key_posed, resampled
from model_core.errors import UserError
from model_core.motion import SMPL, SMPLX, PosedSkeleton
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import angle_between, matrix_from_quaternion, quaternion_from_axis_angle

assert blender_scene


def character(posed: PosedSkeleton, scene: bpy.types.Scene, start_frame: int = 1) -> bpy.types.Object:
    armature = build_armature("Person", posed.offsets, scene.collection)
    key_posed(posed, armature, scene, start_frame, "Dance")
    return armature


# --- building ----------------------------------------------------------------------------------------------------


def test_the_rest_pose_is_the_t_pose_with_the_soles_on_the_floor() -> None:
    scene, person = empty_scene(), dancer(1)
    armature = build_armature("Person", person.offsets, scene.collection)
    figure = build_mannequin(armature, person.offsets, (0.8, 0.4, 0.2))
    assert tuple(armature.data.bones.keys()) and set(armature.data.bones.keys()) == set(SMPL.joints)
    heads = joints_in_blender(armature)
    expected = rest_joints(person.offsets, SMPL.parents)
    np.testing.assert_allclose(heads - heads[0], expected - expected[0], atol=1e-6)
    for joint, parent in enumerate(SMPL.parents):
        bone = armature.data.bones[SMPL.joints[joint]]
        assert (bone.parent.name if bone.parent else None) == (SMPL.joints[parent] if parent >= 0 else None)
    bpy.context.view_layer.update()
    vertices = evaluated_vertices(figure)
    assert abs(vertices[:, 2].min()) < 1e-4
    # Soles are level: heel and toes of both feet touch the floor within a few millimetres.
    touching = vertices[vertices[:, 2] < 0.008]
    assert np.ptp(touching[:, 1]) > 0.12 and touching[:, 0].min() < 0 < touching[:, 0].max()


def test_bones_point_to_their_children_and_mirror_left_and_right() -> None:
    armature = build_armature("Person", dancer(2).offsets, empty_scene().collection)
    bones = armature.data.bones
    for parent, child in (("L_Hip", "L_Knee"), ("R_Elbow", "R_Wrist"), ("Spine3", "Neck"), ("Pelvis", "Spine1")):
        assert (bones[parent].tail_local - bones[child].head_local).length < 1e-6
    across = np.diag((-1.0, 1.0, 1.0))
    for name in (name for name in SMPL.joints if name.startswith("L_")):
        left, right = (np.array(bones[n].matrix_local.to_3x3()) for n in (name, "R" + name[1:]))
        # A mirrored frame is left-handed; turning its X round makes it the other side's frame.
        np.testing.assert_allclose(across @ left @ across, right, atol=2e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_mannequin_takes_over_the_lengths_and_stays_whole(seed: int) -> None:
    body, offsets = load_body(), dancer(seed).offsets
    fitted, joints = fitted_vertices(body, offsets), rest_joints(offsets, SMPL.parents)
    np.testing.assert_allclose(fitted_vertices(body, SMPL_REST_OFFSETS), body.vertices - body.rest_joints[0], atol=1e-3)
    for name in ("L_Knee", "R_Elbow", "L_Wrist", "R_Ankle", "Head"):
        joint = SMPL.index(name)
        was = np.linalg.norm(body.vertices - body.rest_joints[joint], axis=1).min()
        now = np.linalg.norm(fitted - joints[joint], axis=1).min()
        assert now < 2 * was + 0.01, f"the skin is no longer around the {name}"
    edges = body.faces[:, (0, 1)]
    before, after = (np.linalg.norm(v[edges[:, 0]] - v[edges[:, 1]], axis=1) for v in (body.vertices, fitted))
    assert after.max() < 3 * before.max()
    assert 0.0 < sole_depth(body, offsets) < 0.08


@pytest.mark.parametrize("units", [1e-3, 1e-2, 100.0])
def test_the_mannequin_is_the_same_in_a_scene_of_any_unit(units: float) -> None:
    body, offsets = load_body(), dancer(3).offsets
    np.testing.assert_allclose(
        fitted_vertices(body, offsets * units) / units, fitted_vertices(body, offsets), atol=1e-6
    )
    np.testing.assert_allclose(sole_depth(body, offsets * units) / units, sole_depth(body, offsets), atol=1e-6)


def test_two_people_have_two_colours_that_the_viewport_shows() -> None:
    scene, person = empty_scene(), dancer(0)
    colours = ((0.8, 0.4, 0.1), (0.1, 0.3, 0.6))
    for colour in colours:
        armature = build_armature("Person", person.offsets, scene.collection)
        figure = build_mannequin(armature, person.offsets, colour)
        shell, balls = figure.data.materials
        assert tuple(shell.diffuse_color)[:3] == pytest.approx(colour, abs=1e-6)
        assert sum(balls.diffuse_color[:3]) < sum(shell.diffuse_color[:3])
        used = np.empty(len(figure.data.polygons), np.int32)
        figure.data.polygons.foreach_get("material_index", used)
        assert set(used.tolist()) == {0, 1}
    assert len(bpy.data.objects) == 4 and len({o.name for o in bpy.data.objects}) == 4


def test_the_skin_follows_the_bones() -> None:
    scene, person = empty_scene(), dancer(4)
    armature = character(person, scene)
    figure = build_mannequin(armature, person.offsets, (1, 1, 1))
    body = load_body()
    firm = body.skin_weights[:, 0] > 0.999
    scene.frame_set(1)
    first, heads = evaluated_vertices(figure), joints_in_blender(armature)
    scene.frame_set(60)
    second, moved = evaluated_vertices(figure), joints_in_blender(armature)
    assert np.linalg.norm(second - first, axis=1).max() > 0.3
    for name in ("L_Elbow", "R_Knee", "Head"):
        joint = SMPL.index(name)
        own = firm & (body.skin_joints[:, 0] == joint)
        assert own.sum() > 50
        for vertices, places in ((first, heads), (second, moved)):
            centre = np.array((places[joint, 0], -places[joint, 2], places[joint, 1]))
            distances = np.linalg.norm(vertices[own] - centre, axis=1)
            if vertices is first:
                expected = distances
        np.testing.assert_allclose(distances, expected, atol=1e-4)


def test_smplx_skeletons_get_fingers() -> None:
    rng = np.random.default_rng(0)
    offsets = np.zeros((55, 3))
    offsets[:22] = SMPL_REST_OFFSETS
    offsets[22:] = rng.uniform(0.01, 0.03, (33, 3))
    turns = quaternion_from_axis_angle(rng.normal(size=(20, 55, 3)) * 0.3)
    posed = PosedSkeleton(offsets, turns, np.tile((0.0, 1.0, 0.0), (20, 1)), 30.0, SMPLX)
    scene = empty_scene()
    armature = build_armature("Person", offsets, scene.collection, SMPLX)
    build_mannequin(armature, offsets, (1, 1, 1))
    key_posed(posed, armature, scene, 1, "Hands")
    scene.frame_set(7)
    heads = np.array([armature.pose.bones[name].head for name in SMPLX.joints])
    np.testing.assert_allclose(heads[:, [0, 2, 1]] * (1, 1, -1), posed.joints()[6], atol=1e-5)


def test_building_leaves_selection_active_object_mode_and_scenes_alone() -> None:
    scene = empty_scene()
    other = build_armature("Mine", SMPL_REST_OFFSETS, scene.collection)
    cube = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    scene.collection.objects.link(cube)
    layer = bpy.context.view_layer
    for mode in ("OBJECT", "POSE", "EDIT"):
        layer.objects.active = other
        other.select_set(True)
        bpy.ops.object.mode_set(mode=mode)
        build_mannequin(build_armature("New", SMPL_REST_OFFSETS, scene.collection), SMPL_REST_OFFSETS, (1, 0, 0))
        assert layer.objects.active == other and other.mode == mode
        assert [o.name for o in layer.objects if o.select_get()] == ["Mine"]
        assert len(bpy.data.scenes) == 1 and bpy.context.scene == scene
        bpy.ops.object.mode_set(mode="OBJECT")


# --- keying ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [30.0, 24.0, 25.0, 60.0, 30000 / 1001])
def test_keys_put_every_joint_where_the_motion_has_it(fps: float) -> None:
    scene, person = empty_scene(fps), dancer(3)
    armature = character(person, scene, start_frame=-5)
    action = armature.animation_data.action
    duration = (len(person) - 1) / person.fps
    keys = math.floor(duration * fps + 1e-6) + 1
    assert tuple(action.frame_range) == (-5, -5 + keys - 1)
    truth = resampled(person, fps).joints()
    for row in (0, 1, keys // 2, keys - 1):
        scene.frame_set(-5 + row)
        np.testing.assert_allclose(joints_in_blender(armature), truth[row], atol=2e-5)
    # Between two frames of the source the joints are between its positions, up to the arc that a chain of bones cuts.
    places = np.arange(keys) / fps * person.fps
    nearest = np.abs(places - np.round(places)) < 1e-6
    np.testing.assert_allclose(truth[nearest], person.joints()[np.round(places[nearest]).astype(int)], atol=1e-9)
    slack = np.linalg.norm(np.diff(person.joints(), axis=0), axis=-1).max()
    gap = np.linalg.norm(truth - person.joints()[np.round(places).astype(int)], axis=-1)
    assert gap.max() <= 0.6 * slack


def test_one_action_a_person_in_groups_named_as_the_bones() -> None:
    scene = empty_scene()
    people = [character(dancer(seed), scene) for seed in (0, 1)]
    actions = [person.animation_data.action for person in people]
    assert actions[0] != actions[1] and len(bpy.data.actions) == 2
    from intermask_blender.compat import fcurve_store

    store = fcurve_store(people[0], actions[0])
    assert len(store.fcurves) == 22 * 4 + 3
    assert {curve.group.name for curve in store.fcurves} == set(SMPL.joints)
    assert all(key.interpolation == "LINEAR" for key in store.fcurves[0].keyframe_points)
    assert all(bone.rotation_mode == "QUATERNION" for bone in people[0].pose.bones)


def test_keying_does_not_depend_on_rest_pose_or_roll() -> None:
    scene, person = empty_scene(), dancer(5)
    armature = build_armature("Person", person.offsets, scene.collection)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    rng = np.random.default_rng(0)
    for bone in armature.data.edit_bones:
        bone.use_connect = False
        bone.tail = bone.head + type(bone.head)(rng.normal(size=3)).normalized() * 0.1
        bone.roll = rng.uniform(-3, 3)
    bpy.ops.object.mode_set(mode="OBJECT")
    key_posed(person, armature, scene, 1, "Dance")
    for frame in (1, 45, 90):
        scene.frame_set(frame)
        np.testing.assert_allclose(joints_in_blender(armature), person.joints()[frame - 1], atol=2e-5)


# --- capturing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [30.0, 24.0, 60.0])
def test_what_was_keyed_is_captured_again(fps: float) -> None:
    scene, person = empty_scene(fps), dancer(6)
    armature = character(person, scene, start_frame=11)
    scene.frame_set(40)
    motion, start = capture_motion(armature, scene)
    assert start == 11 and motion.fps == 30.0 and abs(len(motion) - len(person)) <= 1
    truth = person.motion()
    # At other rates the motion went through linear keys at the scene's frames: a few millimetres at the fastest joints.
    tolerance, angle = (1e-5, 1e-3) if fps == 30.0 else (0.02, 0.08)
    rows = len(motion)
    assert motion.rotations is not None and motion.root_orientation is not None
    assert truth.rotations is not None and truth.root_orientation is not None
    np.testing.assert_allclose(motion.joints, truth.joints[:rows], atol=tolerance)
    assert angle_between(motion.rotations, truth.rotations[:rows]).max() < angle
    assert angle_between(motion.root_orientation, truth.root_orientation[:rows]).max() < angle
    assert scene.frame_current == 40 and len(bpy.data.scenes) == 1


def test_the_objects_place_parents_size_and_constraints_count() -> None:
    scene, person = empty_scene(), dancer(7)
    armature = character(person, scene)
    parent = bpy.data.objects.new("Stage", None)
    scene.collection.objects.link(parent)
    parent.matrix_world = Matrix.Translation((1, 2, 0.5)) @ Euler((0.1, 0.2, 2.0)).to_matrix().to_4x4()
    armature.parent = parent
    armature.scale = (0.01, 0.01, 0.01)
    scene.unit_settings.scale_length = 10.0
    target = bpy.data.objects.new("Target", None)
    target.location = (0.03, 0.0, 0.0)
    scene.collection.objects.link(target)
    constraint = armature.constraints.new("COPY_LOCATION")
    constraint.target = target
    constraint.use_offset = True
    motion, _ = capture_motion(armature, scene)
    for frame in (1, 50, 90):
        scene.frame_set(frame)
        np.testing.assert_allclose(motion.joints[frame - 1], 10.0 * joints_in_blender(armature), atol=1e-5)
    assert motion.rotations is not None and motion.root_orientation is not None
    truth = person.motion()
    assert truth.rotations is not None and truth.root_orientation is not None
    assert angle_between(motion.rotations, truth.rotations).max() < 2e-3
    turned = np.array(((1, 0, 0), (0, 0, 1), (0, -1, 0))) @ np.array(parent.matrix_world.to_3x3())
    turned = turned @ np.array(((1, 0, 0), (0, 0, -1), (0, 1, 0)))
    assert angle_between(motion.root_orientation, turned @ truth.root_orientation).max() < 2e-3


def test_a_range_of_frames_is_captured_from_its_first_frame() -> None:
    scene, person = empty_scene(), dancer(8)
    motion, start = capture_motion(character(person, scene), scene, (21.0, 60.0))
    assert start == 21 and len(motion) == 40
    np.testing.assert_allclose(motion.joints, person.joints()[20:60], atol=1e-5)


def test_a_leader_that_cannot_lead_is_told_in_one_sentence() -> None:
    scene = empty_scene()
    still = build_armature("Still", SMPL_REST_OFFSETS, scene.collection)
    short = character(dancer(9, frames=15), scene)
    foreign = bpy.data.objects.new("Foreign", bpy.data.armatures.new("Foreign"))
    scene.collection.objects.link(foreign)
    hidden = character(dancer(9), scene)
    hidden.hide_viewport = True
    tiny = character(dancer(9), scene)
    tiny.scale = (0.0, 0.0, 0.0)
    names = set(bpy.data.objects.keys())
    for owner, sentence in (
        (still, "does not move"),
        (short, "15 frames"),
        (foreign, "No person is recognised"),
        (hidden, "disabled in the viewport"),
        (tiny, "scale of zero"),
        (bpy.data.objects.new("Empty", None), "not an armature"),
    ):
        with pytest.raises(UserError, match=sentence) as caught:
            capture_motion(owner, scene)
        assert str(caught.value).count(". ") == 0 and owner.name in str(caught.value)
    assert len(bpy.data.scenes) == 1 and names <= set(bpy.data.objects.keys())


def test_a_damaged_mannequin_is_told(tmp_path: Path) -> None:
    damaged = tmp_path / "mannequin.npz"
    damaged.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(UserError, match="reinstall the add-on"):
        load_body(damaged)


def test_quaternions_of_keys_do_not_jump() -> None:
    scene, person = empty_scene(24.0), dancer(10, frames=200)
    armature = character(person, scene)
    from intermask_blender.compat import fcurve_store

    store = fcurve_store(armature, armature.animation_data.action)
    for name in ("Pelvis", "L_Elbow"):
        curves = [store.fcurves.find(f'pose.bones["{name}"].rotation_quaternion', index=i) for i in range(4)]
        values = np.array([[key.co[1] for key in curve.keyframe_points] for curve in curves]).T
        np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1.0, atol=1e-5)
        assert (np.sum(values[1:] * values[:-1], axis=1) > 0.9).all()
    assert matrix_from_quaternion(person.rotations).shape == (200, 22, 3, 3)
