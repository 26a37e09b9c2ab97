"""Takes that earlier versions saved: a seed that was a number, and reactions that did not store their leader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import pytest
from blender_scene import dancer, empty_scene

import intermask_blender
from intermask_blender.rig.build import build_armature
from intermask_blender.rig.key import key_posed
from intermask_blender.scene.takes import people_of, seed_of
from model_core.errors import UserError

assert blender_scene

OBJECT = bpy.types.Object


class OldTake(bpy.types.PropertyGroup):
    """A take as the first version declared it."""

    prompt: bpy.props.StringProperty()  # type: ignore[valid-type]
    seed: bpy.props.IntProperty()  # type: ignore[valid-type]
    number: bpy.props.IntProperty()  # type: ignore[valid-type]
    model: bpy.props.StringProperty()  # type: ignore[valid-type]
    character_1: bpy.props.PointerProperty(type=OBJECT)  # type: ignore[valid-type]
    character_2: bpy.props.PointerProperty(type=OBJECT)  # type: ignore[valid-type]
    action_1: bpy.props.PointerProperty(type=bpy.types.Action)  # type: ignore[valid-type]
    action_2: bpy.props.PointerProperty(type=bpy.types.Action)  # type: ignore[valid-type]


class OldSettings(bpy.types.PropertyGroup):
    """The scene's settings as the first version declared them."""

    takes: bpy.props.CollectionProperty(type=OldTake)  # type: ignore[valid-type]
    take_index: bpy.props.IntProperty()  # type: ignore[valid-type]


def animated(name: str, seed: int, frames: int = 60, start: int = 1) -> bpy.types.Object:
    scene, person = bpy.context.scene, dancer(seed, frames)
    owner = build_armature(name, person.offsets, scene.collection)
    key_posed(person, owner, scene, start, name)
    return owner


@pytest.fixture
def old_file(tmp_path: Path) -> Iterator[Path]:
    """A file with one reaction, whose leader is the armature Leader; it is open, and the add-on is registered."""
    scene = empty_scene()
    for cls in (OldTake, OldSettings):
        bpy.utils.register_class(cls)
    bpy.types.Scene.intermask = bpy.props.PointerProperty(type=OldSettings)
    animated("Leader", 3)
    reactor = animated("Person 2", 4, frames=45)
    take = scene.intermask.takes.add()
    take.name = take.prompt = "they hug"
    take.seed, take.number, take.model = 1234567, 1, "starter"
    take.character_2, take.action_2 = reactor, reactor.animation_data.action
    path = tmp_path / "old.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    del bpy.types.Scene.intermask
    for cls in (OldSettings, OldTake):
        bpy.utils.unregister_class(cls)
    intermask_blender.register()
    bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False)
    yield path
    intermask_blender.unregister()


def test_a_seed_that_was_stored_as_a_number_is_read(old_file: Path) -> None:
    take = bpy.context.scene.intermask.takes[0]
    assert seed_of(take) == 1234567
    take.seed = str(2**62)
    assert seed_of(take) == 2**62


def test_the_only_armature_that_moves_in_a_reactions_frames_is_its_leader(old_file: Path) -> None:
    take = bpy.context.scene.intermask.takes[0]
    animated("Earlier", 5, frames=20)
    animated("Later", 6, start=30)
    build_armature("Still", dancer(7).offsets, bpy.context.scene.collection)
    assert [owner.name for owner in people_of(take)] == ["Leader", "Person 2"]
    animated("Another", 8)
    with pytest.raises(UserError, match="The leader of the take they hug"):
        people_of(take)


def test_another_armature_does_not_replace_a_leader_that_was_deleted(old_file: Path) -> None:
    take = bpy.context.scene.intermask.takes[0]
    take.leader = animated("Stored", 5)
    assert people_of(take)[0].name == "Stored"
    bpy.data.objects.remove(bpy.data.objects["Stored"])
    with pytest.raises(UserError, match="The leader of the take they hug was deleted"):
        people_of(take)
