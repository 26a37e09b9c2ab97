"""Arms and legs of control rigs by inverse kinematics: as Blender evaluates them, where the FK controls put them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_rigs import KINDS, build_rig, build_rigify
from blender_scene import dancer, empty_scene
from control_rigs import build_control_rig
from generated_clips import generated

from intermask_blender import compat
from intermask_blender.rig.capture import evaluated_bones
from intermask_blender.rig.limb_controls import BOTH, FK, IK, LimbControls, keyed_limbs
from intermask_blender.rig.own_map import check_limbs, mapping_of
from intermask_blender.rig.retarget import rig_keys, write_keys
from intermask_blender.rig.splice import KeptKeys, source_of
from intermask_blender.scene.new_takes import place_takes
from intermask_blender.scene.own_keys import pose_of_bones
from intermask_blender.scene.placement import Placement
from intermask_blender.scene.placing import place
from intermask_blender.scene.proposals import before_result, propose, reject
from intermask_blender.scene.request import prepare
from intermask_blender.scene.takes import add_take
from intermask_blender.scene.thinning import thin_out_people
from model_core.errors import UserError
from model_core.keys.thinning import KeySettings
from model_core.kinematics import solve
from model_core.motion import PosedSkeleton
from model_core.recognition import IK_LIMBS

assert blender_scene

pytestmark = pytest.mark.usefixtures("registered")


@pytest.fixture(scope="module")
def shaking() -> PosedSkeleton:
    first, _ = solve(generated("shake"))
    return replace(first, rotations=first.rotations[20:80:2], translation=first.translation[20:80:2])


def keyed(person: PosedSkeleton, rig: bpy.types.Object, arms: str, legs: str) -> np.ndarray:
    """(T, N, 4, 4) matrices of all bones that the rig's map names, as Blender evaluates them."""
    keys = rig_keys(person, rig, bpy.context.scene, 1, limbs=LimbControls(arms, legs))
    write_keys(keys, f"{arms} {legs}")
    return evaluated(person, rig)


def evaluated(person: PosedSkeleton, rig: bpy.types.Object) -> np.ndarray:
    deforming = tuple(bone.name for bone in rig.data.bones if bone.name.startswith("DEF"))
    names = (*mapping_of(rig).bones.values(), *deforming)
    return evaluated_bones(rig, bpy.context.scene, np.arange(1, len(person) + 1), names)[1]


def apart(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Largest distance in metres and largest angle in degrees."""
    turns = [matrix[..., :3, :3] / np.linalg.norm(matrix[..., :3, :3], axis=-2, keepdims=True)
             for matrix in (first, second)]  # fmt: skip
    cosines = (np.einsum("...ij,...ij", *turns) - 1) / 2
    distance = np.linalg.norm(first[..., :3, 3] - second[..., :3, 3], axis=-1).max()
    return float(distance), float(np.degrees(np.arccos(np.clip(cosines, -1, 1))).max())


def with_fk(rig: bpy.types.Object, switches: tuple[str, ...]) -> None:
    """Turn the keyed switches of a rig's limbs to forward kinematics."""
    found = [curve for curve in compat.own_curves(rig) if curve.data_path.endswith(switches)]
    assert found and all(len(curve.keyframe_points) == 1 for curve in found)
    for curve in found:
        curve.keyframe_points[0].co.y = 1.0 - curve.keyframe_points[0].co.y
        curve.update()


@pytest.mark.slow
def test_ik_moves_rigifys_own_rig_as_fk_does(shaking: PosedSkeleton, tmp_path: Path) -> None:
    rig = build_rigify(empty_scene(), tmp_path)
    plain = keyed(shaking, rig, FK, FK)
    both = keyed(shaking, rig, BOTH, BOTH)
    with_fk(rig, ('["IK_FK"]',))
    distance, angle = apart(both, evaluated(shaking, rig))
    assert distance < 0.002 and angle < 0.5
    alone = keyed(shaking, rig, IK, IK)
    assert apart(alone, both)[0] < 1e-4
    paths = {curve.data_path for curve in compat.own_curves(rig)}
    assert 'pose.bones["hand_ik.L"].location' in paths and 'pose.bones["toe_ik.L"].rotation_quaternion' in paths
    assert not any("_fk." in path and "spine" not in path for path in paths)
    # Joints are where plain FK has them; only the roll of limbs is that of the rig's own elbows and knees.
    assert apart(alone, plain)[0] < 0.002
    mapping = mapping_of(rig)
    rolled = {joint for limb in IK_LIMBS.values() for joint in limb}
    numbers = [number for number, joint in enumerate(mapping.bones) if joint not in rolled]
    assert apart(alone[:, numbers], plain[:, numbers])[1] < 0.5


@pytest.mark.parametrize(("kind", "switches"), [("auto_rig_pro", ("ik_fk_switch",)), ("cloudrig", ("ik_arm_left",))])
def test_ik_moves_stand_ins_of_other_rigs_as_fk_does(
    kind: str, switches: tuple[str, ...], shaking: PosedSkeleton
) -> None:
    rig = build_control_rig(kind, empty_scene())
    both = keyed(shaking, rig, BOTH, BOTH)
    assert keyed_limbs(rig, mapping_of(rig), rig.animation_data.action) == LimbControls(BOTH, BOTH)
    with_fk(rig, tuple(f'["{name}"]' for name in (*switches, "ik_arm_right", "ik_leg_left", "ik_leg_right")))
    distance, angle = apart(both, evaluated(shaking, rig))
    assert distance < 0.002 and angle < 0.5
    assert np.ptp(both[:, :, :3, 3], axis=0).max() > 0.1
    mixed = keyed(shaking, rig, FK, IK)
    assert keyed_limbs(rig, mapping_of(rig), rig.animation_data.action) == LimbControls(FK, IK)
    assert apart(mixed, keyed(shaking, rig, FK, FK))[0] < 0.002


def test_controls_that_cannot_be_keyed_are_refused_in_one_sentence() -> None:
    scene = empty_scene()
    rig, plain = build_control_rig("auto_rig_pro", scene), build_rig(KINDS["mixamo bare"], scene)
    assert check_limbs([rig, plain], LimbControls(IK, BOTH)) == [plain.name]
    assert check_limbs([rig, plain], LimbControls()) == []
    rig.pose.bones["c_hand_ik.l"].lock_location[1] = True
    with pytest.raises(UserError, match=r"The IK control c_hand_ik.l of auto_rig_pro is locked.*choose FK for Arms"):
        check_limbs([rig], LimbControls(IK, FK))
    assert check_limbs([rig], LimbControls(FK, IK)) == []
    driver = rig.pose.bones["c_leg_pole.r"].driver_add("location", 0)
    with pytest.raises(UserError, match=r"c_leg_pole.r of auto_rig_pro is moved by a driver"):
        check_limbs([rig], LimbControls(FK, IK))
    rig.animation_data.drivers.remove(driver)
    rig.data.bones["c_foot_ik.l"].name = "away"
    with pytest.raises(UserError, match=r"has no bone c_foot_ik.l, the IK control for Left Foot; choose FK for Legs"):
        rig_keys(dancer(1, 20), rig, scene, 1, limbs=LimbControls(FK, IK))
    assert not bpy.data.actions


def test_an_edit_and_key_poses_keep_the_controls_that_have_keys(shaking: PosedSkeleton) -> None:
    scene = empty_scene()
    rigs = build_control_rig("auto_rig_pro", scene), build_control_rig("cloudrig", scene)
    placement = Placement(scene.name, 1, characters=(rigs[0].name, rigs[1].name), limbs=LimbControls(FK, IK))
    place((shaking, shaking), placement, "They")
    before = [evaluated(shaking, rig) for rig in rigs]
    kept = KeptKeys((source_of(rigs[0]), source_of(rigs[1])), (0,), first=11.0, last=20.0)
    bowing = replace(shaking, translation=shaking.translation - (0.0, 0.15, 0.0))
    place((bowing, bowing), replace(placement, kept_keys=kept, limbs=LimbControls()), "They")
    after = evaluated(shaking, rigs[0])
    assert apart(after[:10], before[0][:10])[0] < 1e-5 and apart(after[15], before[0][15])[0] > 0.05
    assert keyed_limbs(rigs[0], mapping_of(rigs[0]), rigs[0].animation_data.action) == LimbControls(FK, IK)
    assert apart(evaluated(shaking, rigs[1]), before[1])[0] < 1e-5

    thin_out_people(scene, {1: rigs[1]}, None, KeySettings())
    most = max(len(curve.keyframe_points) for curve in compat.own_curves(rigs[1]))
    assert most < len(shaking) / 2
    # Knees too, which no key holds.
    assert 0.001 < apart(evaluated(shaking, rigs[1]), before[1])[0] < 0.01


def test_a_rejected_proposal_leaves_the_stretching_of_ik_chains_as_it_was(shaking: PosedSkeleton) -> None:
    scene = empty_scene()
    rig, other = build_control_rig("auto_rig_pro", scene), build_control_rig("cloudrig", scene)
    bone = rig.pose.bones["c_arm_fk.l"]
    bone.ik_stretch = 0.25
    bone.keyframe_insert("location", frame=1)
    was = before_result(scene, (rig.name,))
    place((shaking, shaking), Placement(scene.name, 1, characters=(rig.name, other.name)), "They")
    rig.pose.bones["c_arm_fk.l"].keyframe_insert("ik_stretch", frame=1)
    next(c for c in compat.own_curves(rig) if c.data_path.endswith("ik_stretch")).keyframe_points[0].co.y = 0.0
    take = add_take(scene, "They", "They", 0, 1, "model", (rig, other))
    propose(take, was, 0, "request")
    scene.frame_set(2)
    assert bone.ik_stretch == 0.0
    reject(take)
    assert bone.ik_stretch == 0.25 and rig.animation_data.action == was[rig.name].action


def test_a_rig_without_takes_has_its_switches_its_stretching_and_its_pose_again(model: Path) -> None:
    scene = empty_scene()
    rigs = build_control_rig("auto_rig_pro", scene), build_control_rig("cloudrig", scene)
    for bone in rigs[0].pose.bones:
        bone.ik_stretch = 0.25
    before = [pose_of_bones(rig) for rig in rigs]
    settings, placement = prepare(scene, "they dance", 2.0, 0, model, characters=rigs)
    place_takes([(dancer(1, 60), dancer(2, 60))], replace(placement, limbs=LimbControls(IK, IK)), settings)
    scene.frame_set(20)
    assert all(pose_of_bones(rig) != values for rig, values in zip(rigs, before, strict=True))
    assert bpy.ops.intermask.delete_take() == {"FINISHED"}
    assert [pose_of_bones(rig) for rig in rigs] == before
