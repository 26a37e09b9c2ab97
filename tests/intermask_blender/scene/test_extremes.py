"""Fields at their ends and things that go while the generator works, in Blender, with a small real model."""

from __future__ import annotations

import shutil
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import pytest
from blender_scene import dancer, empty_scene

from intermask_blender.core import UserError
from intermask_blender.generator.generation import Generation
from intermask_blender.panels.generate import INTERMASK_PT_generate
from intermask_blender.properties import model_is_missing
from intermask_blender.rig.build import build_armature
from intermask_blender.rig.key import key_posed
from intermask_blender.scene.new_takes import place_takes
from intermask_blender.scene.overlaps import still_there
from intermask_blender.scene.request import prepare
from intermask_blender.ui.services import worker_client

assert blender_scene


pytestmark = pytest.mark.usefixtures("registered")


def people() -> list[str]:
    return sorted(o.name for o in bpy.data.objects if o.type == "ARMATURE")


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {"seconds": 0.5, "takes": 64, "seed": 2**31 - 1, "steps": 1},
        {"seconds": 60.0, "steps": 1},
        {"seconds": 0.5, "steps": 1000},
        {"seconds": 1.0, "guidance": 0.0, "mask_temperature": 0.0},
        {"seconds": 1.0, "guidance": 100.0, "mask_temperature": 100.0},
        {"seconds": 1.0, "foot_lock": False, "contact": False},
    ],
    ids=str,
)
def test_every_field_at_its_end_gives_two_people(model: Path, fields: dict[str, float]) -> None:
    scene = empty_scene()
    assert bpy.ops.intermask.generate(prompt="they hug", model=str(model), **fields) == {"FINISHED"}
    assert people() == ["Person 1", "Person 2"] and len(scene.intermask.takes) == fields.get("takes", 1)
    first, last = scene.intermask.takes[0].action_1.frame_range
    assert abs((last - first + 1) / 30 - fields["seconds"]) < 0.05


def test_a_model_that_was_deleted_while_chosen_is_named_and_no_other_takes_its_place(
    model: Path, tmp_path: Path
) -> None:
    scene = empty_scene()
    gone = tmp_path / "gone"
    shutil.copytree(model, gone)
    settings = scene.intermask
    settings.model_name = "gone"
    shutil.rmtree(gone)
    assert model_is_missing(settings)
    assert INTERMASK_PT_generate._blocking_reason(settings) == "The model gone was deleted: choose another"
    with pytest.raises(RuntimeError, match="no model called gone; installed are"):
        bpy.ops.intermask.generate(prompt="they hug", seconds=1.0)
    settings.model = settings.model
    assert not model_is_missing(settings)


@pytest.mark.slow
def test_a_leader_that_is_deleted_while_generating_leaves_its_partner(model: Path) -> None:
    scene, person = empty_scene(), dancer(3)
    leader = build_armature("Leader", person.offsets, scene.collection)
    key_posed(person, leader, scene, 1, "Lead")
    settings, placement = prepare(scene, "they hug", 1.0, 1, model, leader)
    generation = Generation(worker_client(bpy.context), settings)
    bpy.data.objects.remove(leader)
    generation.wait()
    place_takes(generation.takes(), placement, settings)
    assert people() == ["Person 2"] and len(scene.intermask.takes) == 1


@pytest.mark.slow
def test_a_character_that_is_deleted_while_generating_is_named_and_the_other_stays_as_it_was(model: Path) -> None:
    scene = empty_scene()
    ann, ben = (build_armature(name, dancer(3).offsets, scene.collection) for name in ("Ann", "Ben"))
    settings, placement = prepare(scene, "they hug", 1.0, 1, model, characters=(ann, ben))
    generation = Generation(worker_client(bpy.context), settings)
    generation.wait()
    bpy.data.objects.remove(ben)
    with pytest.raises(UserError, match="Ben was deleted while generating; nothing was changed"):
        place_takes(generation.takes(), placement, settings)
    assert ann.animation_data is None and not scene.intermask.takes


def test_in_blenders_first_scene_a_notice_names_the_cube_and_nothing_else_changes(model: Path) -> None:
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    scene, cube = bpy.context.scene, bpy.data.objects["Cube"]
    bpy.ops.mesh.primitive_plane_add(size=30.0)
    bpy.ops.mesh.primitive_cube_add(size=1.0, scale=(2.0, 2.0, 0.02))
    bpy.context.object.name = "Carpet"
    before = {thing.name: thing.matrix_world.copy() for thing in scene.objects}
    assert bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model)) == {"FINISHED"}
    assert all(scene.objects[name].matrix_world == place for name, place in before.items()) and cube.visible_get()
    take = scene.intermask.takes[0]
    assert take.stands_in == "Cube" and still_there(scene, take) == ["Cube"]
    cube.hide_set(True)
    assert still_there(scene, take) == []
    cube.hide_set(False)
    scene.cursor.location = (6.0, 0.0, 0.0)
    asked = {"prompt": "they hug", "seconds": 1.0, "model": str(model), "new_pair": True}
    assert bpy.ops.intermask.generate(**asked) == {"FINISHED"}
    assert scene.intermask.takes[1].stands_in == ""


@pytest.mark.slow
def test_among_two_hundred_armatures_a_new_one_finds_its_place(model: Path) -> None:
    scene = empty_scene()
    offsets = dancer(1).offsets
    for number in range(200):
        build_armature(f"Extra {number}", offsets, scene.collection)
    assert bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model)) == {"FINISHED"}
    assert len(people()) == 202
