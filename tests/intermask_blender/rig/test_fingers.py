"""Fingers of other programs' rigs in real Blender: they point where the motion's fingers do."""

from __future__ import annotations

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_rigs import KINDS, add_fingers, build_rig
from blender_scene import empty_scene
from keyed_rigs import key
from motion_examples import posed_person

from intermask_blender import compat
from intermask_blender.rig.build import build_armature
from intermask_blender.rig.finger_presets import pose_fingers
from intermask_blender.rig.own_map import mapping_of
from model_core.errors import UserError
from model_core.fingers.posing import with_fingers
from model_core.fingers.states import FINGER_STATES
from model_core.motion import SMPLX, PosedSkeleton
from model_core.recognition.bone_maps import known_maps

assert blender_scene

MAPS = {
    "mixamo bare": "Mixamo", "unreal": "Unreal", "vrm": "VRM", "makehuman": "MakeHuman", "metarig": "Rigify metarig",
}  # fmt: skip


def gesturing() -> PosedSkeleton:
    """A person whose fingers go through several states."""
    states = np.array([6, 2, 5, 1])[np.arange(24) // 6][None, :, None].repeat(2, 0).repeat(2, 2)
    return with_fingers([posed_person(3, 24), posed_person(4, 24)], np.eye(len(FINGER_STATES))[states])[0]


def in_palm(points: dict[str, np.ndarray], vectors: dict[str, np.ndarray], side: str) -> dict[str, np.ndarray]:
    """Vectors of the bones of a hand in the axes of its palm, from its wrist and knuckles."""
    wrist = points[f"{side}_Wrist"]
    knuckles = [points[f"{side}_{finger}1"] - wrist for finger in ("Index", "Middle", "Ring", "Pinky")]
    along = np.mean(knuckles, axis=0)
    along /= np.linalg.norm(along)
    aside = knuckles[0] - knuckles[-1]
    aside -= aside @ along * along
    aside /= np.linalg.norm(aside)
    axes = np.stack((along, aside, np.cross(along, aside)))
    return {joint: axes @ vector / np.linalg.norm(vector) for joint, vector in vectors.items()}


@pytest.mark.parametrize("name", MAPS)
def test_fingers_of_any_rig_point_where_the_motions_do(name: str) -> None:
    kind, scene = KINDS[name], empty_scene()
    rig, person = build_rig(kind, scene), gesturing()
    (known,) = (one for one in known_maps() if one.name == MAPS[name])
    names = {joint: spellings[0] for joint, spellings in known.fingers.items()}
    add_fingers(rig, names, kind.names, kind.units)
    key(person, rig, scene)
    joints = person.joints()
    for frame in (3, 9, 15, 21):
        scene.frame_set(frame + 1)
        for side in "LR":
            chosen = [joint for joint in names if joint[0] == side and not joint.endswith("3")]
            bones = {joint: rig.pose.bones[bone] for joint, bone in names.items()}
            heads = {joint: np.array(bone.head) for joint, bone in bones.items()}
            heads[f"{side}_Wrist"] = np.array(rig.pose.bones[kind.names[f"{side}_Wrist"]].head)
            own = in_palm(heads, {joint: np.array(bones[joint].tail - bones[joint].head) for joint in chosen}, side)
            at = {joint: joints[frame, SMPLX.index(joint)] for joint in SMPLX.joints}
            after = {joint: at[f"{joint[:-1]}{int(joint[-1]) + 1}"] - at[joint] for joint in chosen}
            for joint, wanted in in_palm(at, after, side).items():
                assert np.degrees(np.arccos(np.clip(own[joint] @ wanted, -1, 1))) < 1.0, (joint, frame)


def test_a_rig_with_three_fingers_gets_those_and_one_without_gets_its_body() -> None:
    kind = KINDS["mixamo bare"]
    for fingers in (("Thumb", "Index", "Middle"), ()):
        scene = empty_scene()
        rig, person = build_rig(kind, scene), gesturing()
        (known,) = (one for one in known_maps() if one.name == "Mixamo")
        names = {joint: spellings[0] for joint, spellings in known.fingers.items() if joint[2:-1] in fingers}
        add_fingers(rig, names, kind.names, kind.units)
        key(person, rig, scene)
        keyed = {curve.data_path.split('"')[1] for curve in curves_of(rig)}
        assert keyed == set(names.values()) | set(mapping_of(rig).bones.values())


def curves_of(rig: bpy.types.Object) -> list[bpy.types.FCurve]:
    return list(compat.fcurve_store(rig, rig.animation_data.action).fcurves)


@pytest.mark.parametrize("named", ["ours", "mixamo bare"])
def test_a_preset_replaces_the_keys_of_one_hand_in_its_frames_and_nothing_else(named: str) -> None:
    scene = empty_scene()
    person = gesturing()
    if named == "ours":
        rig = build_armature("Person", person.offsets, scene.collection, SMPLX)
        names = {joint: joint for joint in SMPLX.joints[25:]}
    else:
        rig = build_rig(KINDS[named], scene)
        (known,) = (one for one in known_maps() if one.name == "Mixamo")
        names = {joint: spellings[0] for joint, spellings in known.fingers.items()}
        add_fingers(rig, names, KINDS[named].names, 1.0)
    key(person, rig, scene)
    before = values(rig)
    assert pose_fingers(rig, scene, "fist", ("L",), (10, 14), blend=3) == 15
    after = values(rig)
    left = {name for joint, name in names.items() if joint[0] == "L"}
    for (path, index), old in before.items():
        new, changed = after[path, index], path.split('"')[1] in left
        assert changed or (new == old).all()
        # Frames 1 to 7 and 17 to 24 are outside the pose and its blend.
        np.testing.assert_allclose(new[:7], old[:7], atol=1e-5)
        np.testing.assert_allclose(new[16:], old[16:], atol=1e-5)
        assert np.ptp(new[9:14]) < 1e-5 or not changed
    scene.frame_set(12)
    bones = [rig.pose.bones[names[f"L_Middle{segment}"]] for segment in (1, 2)]
    along = [np.array(bone.tail - bone.head) / bone.length for bone in bones]
    assert np.degrees(np.arccos(along[0] @ along[1])) > 80


def test_a_preset_on_an_armature_without_fingers_is_a_sentence_and_changes_nothing() -> None:
    scene = empty_scene()
    rig = build_rig(KINDS["mixamo bare"], scene)
    with pytest.raises(UserError, match="Rig has no finger bones that are known"):
        pose_fingers(rig, scene, "fist", ("L", "R"), (1, 1))
    assert rig.animation_data is None


def values(rig: bpy.types.Object) -> dict[tuple[str, int], np.ndarray]:
    return {
        (curve.data_path, curve.array_index): np.array([curve.evaluate(frame) for frame in range(1, 25)])
        for curve in curves_of(rig)
    }
