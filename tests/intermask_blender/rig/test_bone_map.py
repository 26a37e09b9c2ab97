"""The bone map that a user edits: kept with the armature, used both ways, saved and loaded."""

from __future__ import annotations

import json
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_rigs import KINDS, build_rig, build_rigify
from blender_scene import empty_scene
from motion_examples import posed_person
from repository import REPOSITORY

from intermask_blender.rig.capture import capture_motion
from intermask_blender.rig.detect import detect_rig
from intermask_blender.rig.own_map import is_edited, mapping_of, rig_line
from intermask_blender.rig.retarget import rig_keys, write_keys
from model_core.errors import UserError
from model_core.motion import SMPL
from model_core.motion.rotations import normalized
from model_core.recognition import load_map

assert blender_scene

NAMES = {joint: f"Joint {(7 * number) % 22} é" for number, joint in enumerate(SMPL.joints)}
"""Bones whose names say nothing."""


pytestmark = pytest.mark.usefixtures("registered")


def unknown_rig(scene: bpy.types.Scene) -> bpy.types.Object:
    """A rig that is not recognised: the names of its bones say nothing, and it lies on its back at rest."""
    rig = build_rig(KINDS["ours"], scene, "Strange")
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for joint, name in KINDS["ours"].names.items():
        rig.data.edit_bones[name].name = NAMES[joint]
    bpy.ops.object.mode_set(mode="OBJECT")
    rig.rotation_euler.x = -np.pi / 2
    bpy.context.view_layer.update()
    with pytest.raises(UserError, match="choose its bones under Bone Map"):
        detect_rig(rig)
    return rig


def choose(rig: bpy.types.Object, bones: dict[str, str]) -> None:
    for item in rig.intermask_bones:
        item.bone = bones.get(item.name, "")


def directions(joints: np.ndarray) -> np.ndarray:
    return normalized(joints[:, 1:] - joints[:, list(SMPL.parents[1:])])


def test_bones_that_the_user_chose_are_keyed_and_read_and_stay_in_the_file(tmp_path: Path) -> None:
    scene = empty_scene()
    rig, person = unknown_rig(scene), posed_person(3, 24)
    scene.intermask.mapped = rig
    assert bpy.ops.intermask.edit_bones() == {"FINISHED"} and is_edited(rig)
    choose(rig, NAMES)
    assert dict(mapping_of(rig).bones) == NAMES
    write_keys(rig_keys(person, rig, scene, 1), "Dance")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "kept.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "kept.blend"))
    rig, scene = bpy.data.objects["Strange"], bpy.context.scene
    assert scene.intermask.mapped == rig and dict(mapping_of(rig).bones) == NAMES
    motion, _ = capture_motion(rig, scene)
    np.testing.assert_allclose(directions(motion.joints), directions(person.joints()), atol=0.01)


def test_what_is_edited_wins_over_what_is_recognised() -> None:
    scene = empty_scene()
    rig, person = build_rig(KINDS["mixamo bare"], scene), posed_person(3, 24)
    scene.intermask.leader = rig
    bpy.ops.intermask.edit_bones()
    swapped = {joint: KINDS["mixamo bare"].names[SMPL.joints[SMPL.mirror[n]]] for n, joint in enumerate(SMPL.joints)}
    choose(rig, swapped)
    assert mapping_of(rig).bones["L_Elbow"] == "RightForeArm" and detect_rig(rig).bones["L_Elbow"] == "LeftForeArm"
    keys = rig_keys(person, rig, scene, 1)
    assert keys.joints["RightForeArm"] == "L_Elbow"
    assert rig_line(rig) == ("Edited, Mixamo: 22 of 22 joints", True)
    assert bpy.ops.intermask.detect_bones() == {"FINISHED"}
    assert not is_edited(rig) and rig_keys(person, rig, scene, 1).joints["LeftForeArm"] == "L_Elbow"


def test_a_map_goes_through_its_file_with_controls_and_settings(tmp_path: Path) -> None:
    scene = empty_scene()
    rig = build_rigify(scene, tmp_path)
    scene.intermask.mapped, path = rig, tmp_path / "maps" / "my rig.json"
    bpy.ops.intermask.edit_bones()
    rig.intermask_bones["L_Foot"].bone = ""
    before = mapping_of(rig)
    assert before.root == "torso" and before.settings and "L_Foot" in before.missing
    assert bpy.ops.intermask.save_bones(filepath=str(path)) == {"FINISHED"}
    schema = json.loads((REPOSITORY / "assets" / "rigs" / "schema.json").read_text())
    written = json.loads(path.read_text(encoding="utf-8"))
    assert set(schema["required"]) <= set(written) <= set(schema["properties"])
    assert load_map(path).name == "Rigify"
    bpy.ops.intermask.detect_bones()
    assert bpy.ops.intermask.load_bones(filepath=str(path)) == {"FINISHED"}
    after = mapping_of(rig)
    assert after.bones == before.bones and after.controls == before.controls and after.root == before.root
    assert set(after.ik) == {"L_Wrist", "R_Wrist", "L_Ankle", "R_Ankle"} and after.ik["L_Wrist"] == before.ik["L_Wrist"]
    assert {s.property: s.value for s in after.settings} == {s.property: s.value for s in before.settings}
    dropped = {"L_Foot"}
    assert after.follows == {joint: other for joint, other in before.follows.items() if joint not in dropped}


def test_a_map_with_a_fault_is_told_and_what_is_there_stays(tmp_path: Path) -> None:
    scene = empty_scene()
    rig, person = build_rig(KINDS["vrm"], scene), posed_person(1, 16)
    scene.intermask.mapped = rig
    bpy.ops.intermask.edit_bones()
    items, good = rig.intermask_bones, dict(mapping_of(rig).bones)
    for joint, bone, sentence in (
        ("L_Knee", "gone", "The bone gone, to which Left Shin is mapped, is not in Rig"),
        ("L_Knee", "", "lacks Left Shin"),
        ("L_Knee", good["R_Knee"], "rightLowerLeg stands for 2 joints"),
    ):
        items[joint].bone = bone
        with pytest.raises(UserError, match=sentence) as caught:
            rig_keys(person, rig, scene, 1)
        assert rig_line(rig) == (str(caught.value), False) and str(caught.value).count(". ") == 0
        items[joint].bone = good[joint]
    files = {
        "no.json": "Cannot read",
        "cut.json": "not valid JSON",
        "list.json": "not a JSON object",
        "circle.json": "in a circle",
        "other.json": "No bone that other.json names is in Rig",
    }
    (tmp_path / "cut.json").write_text('{"schema": 1, "na')
    (tmp_path / "list.json").write_text("[]")
    head = {"schema": 1, "name": "X", "about": "x"}
    circle = {**head, "bones": {"L_Hip": ["a"]}, "follows": {"L_Hip": "L_Knee", "L_Knee": "L_Hip"}}
    (tmp_path / "circle.json").write_text(json.dumps(circle))
    (tmp_path / "other.json").write_text(json.dumps({**head, "bones": {"L_Hip": ["nothing like it"]}}))
    for name, sentence in files.items():
        with pytest.raises(RuntimeError, match=sentence):
            bpy.ops.intermask.load_bones(filepath=str(tmp_path / name))
        assert dict(mapping_of(rig).bones) == good
    assert rig.animation_data is None


def test_any_choice_of_bones_gives_keys_or_one_sentence() -> None:
    scene, rng = empty_scene(), np.random.default_rng(0)
    rig, person = build_rig(KINDS["unreal"], scene), posed_person(1, 16)
    scene.intermask.mapped = rig
    bpy.ops.intermask.edit_bones()
    names, keyed = [bone.name for bone in rig.data.bones], 0
    optional = ("Spine1", "Spine2", "Spine3", "Head", "L_Foot", "R_Foot", "L_Collar", "R_Collar")
    for number in range(20):
        chosen = dict(zip(SMPL.joints, rng.permutation(names).tolist(), strict=False))
        if number % 2:
            # What a body needs is right; of the rest some is missing, and the spine is in any order.
            chosen = dict(KINDS["unreal"].names)
            spine = rng.permutation([chosen[joint] for joint in optional[:3]]).tolist()
            chosen |= dict(zip(optional, spine, strict=False))
            chosen |= dict.fromkeys(rng.choice(optional, 3, replace=False).tolist(), "")
        choose(rig, chosen)
        try:
            keys = rig_keys(person, rig, scene, 1)
        except UserError as error:
            assert "Rig" in str(error)
        else:
            keyed += 1
            assert all(np.isfinite(values).all() for _, _, values in keys.curves)
    assert keyed


def test_a_linked_rig_needs_an_override_whose_map_can_be_edited(tmp_path: Path) -> None:
    scene = empty_scene()
    library = str(tmp_path / "library.blend")
    bpy.data.libraries.write(library, {build_rig(KINDS["vrm"], scene, "Library")})
    scene = empty_scene()
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.objects = ["Library"]
    linked = wanted.objects[0]
    scene.collection.objects.link(linked)
    scene.intermask.mapped = linked
    with pytest.raises(RuntimeError, match="library override"):
        bpy.ops.intermask.edit_bones()
    own = linked.override_create(remap_local_usages=True)
    scene.intermask.mapped = own
    bpy.ops.intermask.edit_bones()
    own.intermask_bones["L_Foot"].bone = ""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    own = next(o for o in bpy.data.objects if o.override_library is not None)
    assert is_edited(own) and mapping_of(own).missing == ("L_Foot",)
    write_keys(rig_keys(posed_person(1, 16), own, bpy.context.scene, 1), "Dance")
    bpy.context.scene.intermask.mapped = own
    assert bpy.ops.intermask.detect_bones() == {"FINISHED"} and not mapping_of(own).missing
