"""Key poses in Blender: evaluated there, restored to the bit, and refused in one sentence where they cannot be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_rigs import KINDS, build_rig, build_rigify
from blender_scene import empty_scene
from generated_clips import generated

from intermask_blender import compat
from intermask_blender.rig.limb_controls import FK, IK, LimbControls
from intermask_blender.scene.placement import Placement
from intermask_blender.scene.placing import place
from intermask_blender.scene.spots import cursor_spot
from intermask_blender.scene.takes import add_take, delete_takes
from intermask_blender.scene.thinning import restore_every_frame, thin_out_take
from model_core.errors import UserError
from model_core.keys.thinning import KeySettings
from model_core.kinematics import solve
from model_core.motion import PosedSkeleton

assert blender_scene

pytestmark = pytest.mark.usefixtures("registered")

FRAMES = 60
TOLERANCE = KeySettings()


@pytest.fixture(scope="module")
def pair() -> tuple[PosedSkeleton, PosedSkeleton]:
    first, second = solve(generated("shake"))
    return shortened(first), shortened(second)


def shortened(person: PosedSkeleton) -> PosedSkeleton:
    return replace(person, rotations=person.rotations[:FRAMES], translation=person.translation[:FRAMES])


def take_of(
    pair: tuple[PosedSkeleton, PosedSkeleton], *rigs: bpy.types.Object, limbs: LimbControls | None = None
) -> bpy.types.PropertyGroup:
    """The take of a pair that is keyed on new people, or on rigs."""
    scene = bpy.context.scene
    spot = None if rigs else cursor_spot(scene)
    names = (rigs[0].name, rigs[1].name) if rigs else ("", "")
    made = place(pair, Placement(scene.name, 1, characters=names, spot=spot, limbs=limbs or LimbControls()), "They")
    take = add_take(scene, "They", "They", 0, 1, "model", (made[0], made[1]))
    scene.intermask.take_index = 0
    return take


def poses(owners: Sequence[bpy.types.Object]) -> np.ndarray:
    """(T, N, 4, 4) matrices in the world of the deforming bones of people, as Blender evaluates them."""
    scene, result = bpy.context.scene, []
    for frame in range(1, FRAMES + 1):
        scene.frame_set(frame)
        bones = [(owner, bone) for owner in owners for bone in owner.pose.bones if bone.bone.use_deform]
        result.append([np.array(owner.matrix_world @ bone.matrix) for owner, bone in bones])
    return np.array(result)


def deviation(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Largest distance of heads and largest angle in degrees."""
    turns = [
        found[..., :3, :3] / np.linalg.norm(found[..., :3, :3], axis=-2, keepdims=True) for found in (before, after)
    ]
    cosine = (np.einsum("...ij,...ij", *turns) - 1) / 2
    distance = np.linalg.norm(before[..., :3, 3] - after[..., :3, 3], axis=-1).max()
    return float(distance), float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).max())


def key_count(action: bpy.types.Action) -> int:
    return sum(len(curve.keyframe_points) for curve in compat.curves_of_action(action))


@pytest.mark.parametrize("rigs", [(), ("mixamo", "cmu"), ("makehuman", "daz")])
def test_key_poses_are_within_the_tolerances_as_blender_evaluates_them(
    pair: tuple[PosedSkeleton, PosedSkeleton], rigs: tuple[str, ...]
) -> None:
    scene = empty_scene()
    take = take_of(pair, *(build_rig(KINDS[name], scene, name) for name in rigs))
    owners, actions = (take.character_1, take.character_2), (take.action_1, take.action_2)
    before, keys = poses(owners), sum(key_count(action) for action in actions)
    thin_out_take(take, TOLERANCE)
    distance, angle = deviation(before, poses(owners))
    assert 0.001 < distance < TOLERANCE.distance and 0.2 < angle < TOLERANCE.degrees
    assert keys > 4 * sum(key_count(action) for action in (take.action_1, take.action_2))
    assert (take.every_frame_1, take.every_frame_2) == actions
    for curve in compat.own_curves(owners[0]):
        assert all(point.interpolation == "BEZIER" for point in curve.keyframe_points)
    restore_every_frame(take)
    assert (take.action_1, take.action_2) == actions and len(bpy.data.actions) == 2
    np.testing.assert_array_equal(poses(owners), before)


@pytest.mark.slow
@pytest.mark.parametrize("controls", [FK, IK])
def test_key_poses_of_rigifys_controls(
    controls: str, pair: tuple[PosedSkeleton, PosedSkeleton], tmp_path: Path
) -> None:
    scene = empty_scene()
    limbs = LimbControls(controls, controls)
    take = take_of(pair, build_rigify(scene, tmp_path), build_rig(KINDS["vrm"], scene, "Other"), limbs=limbs)
    before = poses([take.character_1])
    thin_out_take(take, TOLERANCE)
    distance, angle = deviation(before, poses([take.character_1]))
    # Rigify's own deforming bones lie between and beyond its controls.
    assert distance < 1.5 * TOLERANCE.distance and angle < 1.5 * TOLERANCE.degrees


def test_key_poses_that_were_changed_by_hand_are_kept(pair: tuple[PosedSkeleton, PosedSkeleton]) -> None:
    empty_scene()
    take = take_of(pair)
    thin_out_take(take, TOLERANCE)
    owner = take.character_1
    curve = next(curve for curve in compat.own_curves(owner) if curve.data_path.endswith("location"))
    for point in curve.keyframe_points:
        point.co_ui.y += 0.3
    curve.update()
    before, other = poses([owner]), take.every_frame_2
    restore_every_frame(take)
    assert deviation(before, poses([owner]))[0] < 1e-4
    assert key_count(take.action_1) == len(compat.own_curves(owner)) * FRAMES
    assert take.action_2 == other


def test_other_curves_of_the_user_stay_as_they_are(pair: tuple[PosedSkeleton, PosedSkeleton]) -> None:
    empty_scene()
    take = take_of(pair)
    owner = take.character_1
    owner["mood"] = 0.0
    for frame, value in ((1, 0.0), (20, 1.0), (FRAMES, 0.5)):
        owner["mood"] = value
        owner.keyframe_insert('["mood"]', frame=frame)
    elbow = next(curve for curve in compat.own_curves(owner) if "L_Elbow" in curve.data_path)
    elbow.lock = True
    thin_out_take(take, TOLERANCE)
    found = {(curve.data_path, curve.array_index): curve for curve in compat.own_curves(owner)}
    assert [tuple(point.co) for point in found['["mood"]', 0].keyframe_points] == [(1, 0), (20, 1), (FRAMES, 0.5)]
    assert len(found[elbow.data_path, elbow.array_index].keyframe_points) == FRAMES
    assert len(found['pose.bones["R_Elbow"].rotation_quaternion', 0].keyframe_points) < FRAMES / 3


def test_keys_before_and_after_the_take_stay_to_the_bit(pair: tuple[PosedSkeleton, PosedSkeleton]) -> None:
    empty_scene()
    take = take_of(pair)
    owner = take.character_1
    curve = next(curve for curve in compat.own_curves(owner) if "L_Elbow" in curve.data_path)
    outside = [(-20.0, 0.5), (-10.0, 0.2), (FRAMES + 15.0, 0.1), (FRAMES + 40.0, 0.9)]
    for frame, value in outside:
        curve.keyframe_points.insert(frame, value).interpolation = "BEZIER"
    curve.update()
    at = [*range(-20, 2), *range(FRAMES, FRAMES + 41)]
    before, key = [curve.evaluate(frame) for frame in at], (curve.data_path, curve.array_index)
    thin_out_take(take, TOLERANCE)
    curve = next(one for one in compat.own_curves(owner) if (one.data_path, one.array_index) == key)
    kept = [tuple(point.co) for point in curve.keyframe_points if not 1 <= point.co.x <= FRAMES]
    np.testing.assert_allclose(kept, outside, atol=1e-6)
    assert len(curve.keyframe_points) < FRAMES / 3 + 4
    np.testing.assert_allclose([curve.evaluate(frame) for frame in at[:11]], before[:11], atol=1e-6)
    np.testing.assert_allclose([curve.evaluate(frame) for frame in at[22:]], before[22:], atol=1e-5)


def test_deleting_a_take_with_key_poses_deletes_what_it_kept(pair: tuple[PosedSkeleton, PosedSkeleton]) -> None:
    scene = empty_scene()
    thin_out_take(take_of(pair), TOLERANCE)
    assert len(bpy.data.actions) == 4
    delete_takes(scene, [0])
    assert not bpy.data.actions and not scene.intermask.takes


def test_one_sentence_says_what_prevents_it_and_nothing_is_lost(pair: tuple[PosedSkeleton, PosedSkeleton]) -> None:
    scene = empty_scene()
    take = take_of(pair)
    first, second = take.character_1, take.character_2
    own, slot = second.animation_data.action, compat.slot_name(second)
    compat.assign_action(second, take.action_1)
    for button in (bpy.ops.intermask.thin_out_keys, thin_out_take):
        with pytest.raises((UserError, RuntimeError), match="share the action"):
            button() if button is not thin_out_take else thin_out_take(take, TOLERANCE)
    compat.assign_action(second, own, slot)
    first.name = "Renamed"
    before = poses([first])
    assert bpy.ops.intermask.thin_out_keys() == {"FINISHED"}
    assert deviation(before, poses([first]))[0] < TOLERANCE.distance
    with pytest.raises(UserError, match="has key poses already"):
        thin_out_take(take, TOLERANCE)
    bpy.data.objects.remove(second)
    assert bpy.ops.intermask.restore_every_frame() == {"FINISHED"}
    np.testing.assert_array_equal(poses([first]), before)
    with pytest.raises(UserError, match="has a key on every frame already"):
        restore_every_frame(take)
    bpy.data.objects.remove(first)
    with pytest.raises(UserError, match="were deleted; generate a new take"):
        thin_out_take(take, TOLERANCE)
    assert len(scene.intermask.takes) == 1
