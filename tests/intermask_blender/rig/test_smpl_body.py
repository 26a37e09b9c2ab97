"""Characters that are the user's own SMPL body, in real Blender, from model files made up in the layout."""

from __future__ import annotations

from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_scene import dancer, empty_scene, evaluated_vertices
from motion_examples import posed_person
from smpl_files import smpl_arrays, write_npz, write_pickle

import intermask_blender
from intermask_blender.rig.capture import capture_motion
from intermask_blender.scene.placement import Placement
from intermask_blender.scene.placing import place
from intermask_blender.ui.preferences import ADDON
from model_core.motion import SMPL, SMPLX, PosedSkeleton
from model_core.motion.rotations import angle_between, matrix_from_quaternion, normalized, quaternion_from_axis_angle
from model_core.motion.smpl_model import SmplModel, load_smpl_model

assert blender_scene


pytestmark = pytest.mark.usefixtures("registered")


def made_up(folder: Path, joints: int) -> SmplModel:
    write = write_npz if joints == 55 else write_pickle
    return load_smpl_model(write(folder / f"body.{'npz' if joints == 55 else 'pkl'}", smpl_arrays(joints)))


def in_motion(vertices: np.ndarray) -> np.ndarray:
    return np.stack((vertices[..., 0], vertices[..., 2], -vertices[..., 1]), axis=-1)


def directions(joints: np.ndarray) -> np.ndarray:
    return normalized(joints[:, 1:22] - joints[:, list(SMPL.parents[1:])])


def with_fingers(person: PosedSkeleton) -> PosedSkeleton:
    """The same motion with fingers that move."""
    frames, rng = len(person), np.random.default_rng(0)
    offsets = np.concatenate((person.offsets, np.full((33, 3), 0.02)))
    angles = 0.4 * np.sin(np.arange(frames)[:, None, None] / 5 + rng.uniform(0, 6, (33, 3)))
    turned = np.concatenate((person.rotations, quaternion_from_axis_angle(angles)), axis=1)
    return PosedSkeleton(offsets, turned, person.translation, person.fps, SMPLX)


@pytest.mark.parametrize("joints", [24, 55])
def test_the_character_is_the_files_body_and_does_the_motion(tmp_path: Path, joints: int) -> None:
    scene, model = empty_scene(), made_up(tmp_path, joints)
    pair = (posed_person(3, 24), posed_person(4, 24))
    pair = pair if joints == 24 else (with_fingers(pair[0]), with_fingers(pair[1]))
    owners = place(pair, Placement(scene.name, 1, bodies=(model, model)), "They meet")
    assert sorted(o.name for o in bpy.data.objects) == ["Person 1", "Person 1 Body", "Person 2", "Person 2 Body"]
    root = np.array((model.joints[0, 0], model.vertices[:, 1].min(), model.joints[0, 2]))
    for person, owner in zip(pair, owners.values(), strict=True):
        assert set(owner.data.bones.keys()) == set(model.skeleton.joints)
        heads = in_motion(np.array([owner.data.bones[n].head_local for n in model.skeleton.joints]))
        np.testing.assert_allclose(heads, model.joints - root, atol=1e-6)
        motion, _ = capture_motion(owner, scene)
        np.testing.assert_allclose(directions(motion.joints), directions(person.joints()), atol=0.01)
        if joints == 55:
            assert motion.rotations is not None and motion.skeleton == SMPLX
            fingers = matrix_from_quaternion(person.rotations[:, 22:])
            assert angle_between(motion.rotations[:, 21:], fingers).max() < 2e-3
        figure = owner.children[0]
        scene.frame_set(13)
        # The skin is the weighted mean of what the bones do, as the file has the weights.
        bones = [owner.matrix_world @ owner.pose.bones[n].matrix @ owner.data.bones[n].matrix_local.inverted()
                 for n in model.skeleton.joints]  # fmt: skip
        rest = np.array([vertex.co for vertex in figure.data.vertices])
        corners = np.concatenate((rest, np.ones((len(rest), 1))), axis=1)
        expected = np.einsum("vj,jab,vb->va", model.weights, np.array(bones), corners)[:, :3]
        np.testing.assert_allclose(evaluated_vertices(figure), expected, atol=1e-4)
        np.testing.assert_allclose(in_motion(rest), model.vertices - root, atol=1e-6)
        keys = figure.data.shape_keys.key_blocks
        assert len(keys) == 11 and keys["Shape 3"].slider_min == -5.0
        for bone in owner.pose.bones:
            bone.matrix_basis.identity()
        owner.animation_data_clear()
        keys["Shape 3"].value = 2.0
        bpy.context.view_layer.update()
        moved = in_motion(evaluated_vertices(figure)) - (model.vertices - root)
        np.testing.assert_allclose(moved, 2.0 * model.shapes[..., 2], atol=1e-5)


@pytest.mark.slow
def test_the_preferences_file_is_the_character_or_one_sentence_before_anything_is_made(tmp_path: Path) -> None:
    small_model = pytest.importorskip("small_model", exc_type=ImportError)
    scene, model = empty_scene(), small_model.save_small_model(tmp_path / "models" / "small")
    addon = bpy.context.preferences.addons.new()
    addon.module = ADDON
    try:
        (tmp_path / "cut.npz").write_bytes(write_npz(tmp_path / "whole.npz", smpl_arrays(24)).read_bytes()[:5000])
        for name, sentence in (("gone.npz", "Cannot read"), ("cut.npz", "damaged or cut off")):
            addon.preferences.body_file = str(tmp_path / name)
            with pytest.raises(RuntimeError, match=sentence):
                bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model))
            assert not bpy.data.objects and not bpy.data.meshes and not bpy.data.actions
        addon.preferences.body_file = str(tmp_path / "whole.npz")
        done = bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model), takes=2)
        assert done == {"FINISHED"} and len(bpy.data.objects) == 4 and len(scene.intermask.takes) == 2
        assert all(len(o.data.bones) == 24 for o in bpy.data.objects if o.type == "ARMATURE")
        leader = bpy.data.objects["Person 1"]
        bpy.data.objects.remove(bpy.data.objects["Person 2"])
        before, _ = capture_motion(leader, scene)
        scene.unit_settings.scale_length = 0.01
        leader.scale = (100.0, 100.0, 100.0)
        leader.animation_data.action.name = "Lead"
        done = bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model), leader="Person 1")
        assert done == {"FINISHED"}
        reactor = scene.intermask.takes[-1].character_2
        assert len(reactor.data.bones) == 24 and tuple(reactor.scale) == pytest.approx((100.0,) * 3)
        joints = capture_motion(reactor, scene)[0].joints
        assert 1.0 < np.ptp(joints[..., 1], axis=1).max() < 2.2 and len(before) == len(joints)
    finally:
        bpy.context.preferences.addons.remove(addon)


@pytest.mark.slow
def test_each_person_has_a_body_of_its_own(tmp_path: Path) -> None:
    small_model = pytest.importorskip("small_model", exc_type=ImportError)
    scene, model = empty_scene(), small_model.save_small_model(tmp_path / "models" / "small")
    files = [str(write_npz(tmp_path / f"{joints}.npz", smpl_arrays(joints))) for joints in (24, 55)]
    scene.cursor.location = (2.0, 1.0, 0.0)
    asked = {"prompt": "they hug", "seconds": 1.0, "model": str(model), "takes": 2, "new_pair": True}
    assert bpy.ops.intermask.generate(**asked, body_1=files[0], body_2=files[1]) == {"FINISHED"}
    people = [bpy.data.objects["Person 1"], bpy.data.objects["Person 2"]]
    assert [len(person.data.bones) for person in people] == [24, 55] and len(bpy.data.collections) == 1
    scene.intermask.body_2 = files[0]
    assert bpy.ops.intermask.generate(**asked) == {"FINISHED"}
    mixed = [scene.intermask.takes[2].character_1, scene.intermask.takes[2].character_2]
    assert [len(person.data.bones) for person in mixed] == [22, 24]
    assert len(bpy.data.collections) == 2 and all(o.users_collection == mixed[0].users_collection for o in mixed)
    first, second = (capture_motion(person, scene)[0].joints[:, 0] for person in mixed)
    same, other = (capture_motion(person, scene)[0].joints[:, 0] for person in people)
    # One draw on other bodies: the ways of both people stay what they are to each other.
    apart = np.linalg.norm(first - second, axis=-1) - np.linalg.norm(same - other, axis=-1)
    assert np.abs(apart).max() < 0.1
    assert all(tuple(person.location) == (2.0, 1.0, 0.0) for person in (*people, *mixed))


def test_a_body_that_cannot_be_keyed_leaves_nothing_behind(tmp_path: Path) -> None:
    scene, arrays = empty_scene(), smpl_arrays(24)
    # A knee where the hip is.
    arrays["J_regressor"][4] = arrays["J_regressor"][1]
    model = load_smpl_model(write_npz(tmp_path / "body.npz", arrays))
    with pytest.raises(intermask_blender.core.UserError, match="the limb has no length"):
        place((dancer(1), dancer(2)), Placement(scene.name, 1, bodies=(model, model)), "They meet")
    left = (bpy.data.objects, bpy.data.meshes, bpy.data.armatures, bpy.data.materials, bpy.data.collections)
    assert not any(len(kind) for kind in left) and len(bpy.data.scenes) == 1
