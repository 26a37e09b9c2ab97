"""A loop in the scene: keys repeat, people who travel go on, and the range ends before the next cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from blender_scene import dancer, empty_scene, joints_in_blender
from repository import REPOSITORY

import intermask_blender
from intermask_blender.scene.new_takes import place_takes
from intermask_blender.scene.request import TakeOptions, prepare
from intermask_blender.scene.takes import frames_of
from model_core.errors import UserError

MODEL = REPOSITORY / "assets" / "models" / "starter"


@pytest.fixture
def registered() -> Iterator[None]:
    intermask_blender.register()
    yield
    intermask_blender.unregister()


def walking_in_circles(seed: int, frames: int):
    """A dancer whose last frame is the first one, 1.2 m further."""
    person = dancer(seed, frames)
    path = np.array(person.translation)
    path[:, :] = path[0]
    path[:, 0] += np.linspace(0.0, 1.2, frames)
    rotations = np.array(person.rotations)
    rotations[:] = rotations[0]
    return replace(person, translation=path, rotations=rotations)


@pytest.mark.parametrize("fps", [30.0, 24.0])
def test_keys_repeat_and_travellers_go_on(registered: None, fps: float) -> None:
    scene = empty_scene(fps)
    pair = walking_in_circles(1, 61), walking_in_circles(2, 61)
    settings, placement = prepare(scene, "they walk", 2.0, 0, MODEL, options=TakeOptions(loop=True))
    place_takes([pair], placement, settings)
    take = scene.intermask.takes[0]
    first, last = frames_of(take)
    cycle = round(2 * fps)
    assert last - first + 1 == cycle
    for owner in (take.character_1, take.character_2):
        assert owner.animation_data.action.use_cyclic
        scene.frame_set(first)
        begin = joints_in_blender(owner)
        scene.frame_set(first + cycle)
        np.testing.assert_allclose(np.linalg.norm(joints_in_blender(owner) - begin, axis=-1), 1.2, atol=1e-3)
        scene.frame_set(first + 2 * cycle)
        np.testing.assert_allclose(np.linalg.norm(joints_in_blender(owner) - begin, axis=-1), 2.4, atol=1e-3)
        scene.frame_set(first + cycle + 7)
        later = joints_in_blender(owner)
        scene.frame_set(first + 7)
        np.testing.assert_allclose(np.linalg.norm(later - joints_in_blender(owner), axis=-1), 1.2, atol=1e-3)


def test_a_reaction_cannot_loop(registered: None) -> None:
    scene = empty_scene()
    leader = bpy.data.objects.new("Leader", bpy.data.armatures.new("Leader"))
    scene.collection.objects.link(leader)
    with pytest.raises(UserError, match="turn off Loop and In Place"):
        prepare(scene, "they walk", 2.0, 0, Path(MODEL), leader, options=TakeOptions(loop=True))
