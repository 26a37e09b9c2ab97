"""Mirrored, exchanged, retimed and stronger takes in the scene; the take that they are made from stays."""

from __future__ import annotations

from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_scene import empty_scene, joints_in_blender
from couple_examples import couple_holding_hands

from intermask_blender import compat
from intermask_blender.core import UserError
from intermask_blender.scene.editing import prepare_edit
from intermask_blender.scene.new_takes import place_takes
from intermask_blender.scene.request import TakeOptions, prepare
from intermask_blender.scene.takes import frames_of
from model_core.motion import SMPL

assert blender_scene
pytestmark = pytest.mark.usefixtures("registered")
WRISTS = [SMPL.index("L_Wrist"), SMPL.index("R_Wrist")]


def take_in(scene: bpy.types.Scene, model: Path) -> bpy.types.PropertyGroup:
    first, second = couple_holding_hands(60)
    place_takes([(first, second)], *reversed(prepare(scene, "they hold hands", 2.0, 5, model)))
    return scene.intermask.takes[0]


def joints_at(frame: int) -> np.ndarray:
    """(2, 22, 3) both people of the chosen take in a frame."""
    scene = bpy.context.scene
    scene.frame_set(frame)
    take = scene.intermask.takes[scene.intermask.take_index]
    return np.stack([joints_in_blender(owner) for owner in (take.character_1, take.character_2)])


def test_a_mirrored_take_is_a_new_one_and_mirroring_it_again_gives_the_first(model: Path) -> None:
    scene = empty_scene()
    take_in(scene, model)
    before = joints_at(20)
    assert bpy.ops.intermask.mirror_take() == {"FINISHED"}
    assert len(scene.intermask.takes) == 2 and scene.intermask.takes[1].name.startswith("Mirrored")
    once = joints_at(20)
    gaps = [np.linalg.norm(j[0][WRISTS][:, None] - j[1][WRISTS], axis=-1) for j in (before, once)]
    np.testing.assert_allclose(gaps[1][::-1, ::-1], gaps[0], atol=2e-3)
    assert np.abs(once - before).max() > 0.02
    bpy.ops.intermask.mirror_take()
    np.testing.assert_allclose(joints_at(20), before, atol=3e-3)
    scene.intermask.take_index = 0
    np.testing.assert_allclose(joints_at(20), before, atol=1e-6)


def test_exchanged_people_stand_in_each_others_place(model: Path) -> None:
    scene = empty_scene()
    take_in(scene, model)
    before = joints_at(30)
    bpy.ops.intermask.exchange_people()
    after = joints_at(30)
    np.testing.assert_allclose(after[::-1][:, 0, [0, 2]], before[:, 0, [0, 2]], atol=0.05)


def test_a_retimed_take_is_longer_and_the_same_at_the_same_share_of_time(model: Path) -> None:
    scene = empty_scene()
    take = take_in(scene, model)
    first, last = frames_of(take)
    before = joints_at(first + 20)
    bpy.ops.intermask.retime_take(speed=0.5)
    new = scene.intermask.takes[1]
    assert frames_of(new) == (first, first + 2 * (last - first)) and frames_of(scene.intermask.takes[0]) == (
        first,
        last,
    )
    np.testing.assert_allclose(joints_at(first + 40), before, atol=1e-5)


def test_stronger_gestures_keep_hands_that_touch(model: Path) -> None:
    scene = empty_scene()
    take_in(scene, model)
    before = joints_at(30)
    bpy.ops.intermask.scale_gestures(amount=1.5)
    after = joints_at(30)
    gaps = [np.linalg.norm(j[0][WRISTS][:, None] - j[1][WRISTS], axis=-1) for j in (before, after)]
    touching = gaps[0] < 0.12
    assert touching.any()
    np.testing.assert_allclose(after[:, 0], before[:, 0], atol=2e-3)
    np.testing.assert_allclose(gaps[1][touching], gaps[0][touching], atol=3e-3)


def test_a_take_whose_rig_was_deleted_is_told_of(model: Path) -> None:
    scene = empty_scene()
    take = take_in(scene, model)
    bpy.data.objects.remove(take.character_2)
    with pytest.raises(RuntimeError, match="deleted"):
        bpy.ops.intermask.mirror_take()


def test_a_retimed_take_has_a_key_on_every_frame_as_the_take_had_and_can_be_thinned_out(model: Path) -> None:
    scene = empty_scene()
    take_in(scene, model)
    for speed in (0.8, 1.7):
        scene.intermask.take_index = 0
        assert bpy.ops.intermask.retime_take(speed=speed) == {"FINISHED"}
        take = scene.intermask.takes[scene.intermask.take_index]
        first, last = frames_of(take)
        for owner in (take.character_1, take.character_2):
            curve = max(compat.own_curves(owner), key=lambda curve: len(curve.keyframe_points))
            assert [point.co[0] for point in curve.keyframe_points] == list(range(first, last + 1))
        assert bpy.ops.intermask.thin_out_keys() == {"FINISHED"}


def test_people_who_share_an_action_are_named_and_no_leader_is_asked_for(model: Path) -> None:
    scene = empty_scene()
    take = take_in(scene, model)
    people = take.character_1.name, take.character_2.name
    compat.assign_action(take.character_2, take.action_1)
    operators = bpy.ops.intermask
    for button in (operators.mirror_take, operators.exchange_people, operators.scale_gestures, operators.retime_take):
        with pytest.raises(RuntimeError, match=f"{people[0]} and {people[1]} share the action"):
            button()
    with pytest.raises(UserError, match="share the action"):
        prepare_edit(scene, take, ("", 0, model), TakeOptions())
    assert len(scene.intermask.takes) == 1 and len(bpy.data.actions) == 2
