"""Who performs a take and where: pairs used again, people who go with their last take, spots, units and leaders."""

from __future__ import annotations

from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_scene import dancer, empty_scene, evaluated_vertices, joints_in_blender

from intermask_blender import compat
from intermask_blender.rig.axes import vectors_to_blender
from intermask_blender.rig.build import build_armature
from intermask_blender.rig.key import key_posed
from intermask_blender.scene.new_takes import place_takes
from intermask_blender.scene.request import prepare
from model_core.motion import SMPL
from model_core.motion.interaction_file import load_npz

assert blender_scene

PELVIS = SMPL.index("Pelvis")


pytestmark = pytest.mark.usefixtures("registered")


def people() -> list[str]:
    return sorted(o.name for o in bpy.context.scene.objects if o.type == "ARMATURE")


def world(owner: bpy.types.Object, frame: int) -> np.ndarray:
    """(22, 3) joints in Blender's world, scene units."""
    bpy.context.scene.frame_set(frame)
    return vectors_to_blender(joints_in_blender(owner))


def facing(joints: np.ndarray) -> np.ndarray:
    """(2,) unit vector on the ground that a person faces."""
    across = sum(joints[SMPL.index(f"L_{j}")] - joints[SMPL.index(f"R_{j}")] for j in ("Hip", "Shoulder"))
    ahead = np.array((across[1], -across[0]))
    return ahead / np.linalg.norm(ahead)


def rig(name: str, seed: int, place: tuple[float, float, float], turn: float = 0.0) -> bpy.types.Object:
    """A user's own armature that stands somewhere, without any motion."""
    owner = build_armature(name, dancer(seed).offsets, bpy.context.scene.collection)
    owner.location, owner.rotation_euler = place, (0.0, 0.0, turn)
    return owner


@pytest.mark.slow
def test_the_next_take_is_performed_by_the_same_pair_in_the_same_place(model: Path) -> None:
    scene = empty_scene()
    scene.cursor.location = (2.0, 1.0, 0.0)
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model))
    scene.cursor.location = (-5.0, 0.0, 0.0)
    bpy.ops.intermask.generate(prompt="they bow", seconds=1.0, seed=3, model=str(model))
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, seed=4, model=str(model))
    assert people() == ["Person 1", "Person 2"]
    assert [take.name for take in scene.intermask.takes] == ["they hug", "they bow", "2: they hug"]
    for index in range(3):
        scene.intermask.take_index = index
        pelvises = [world(bpy.data.objects[name], 1)[PELVIS, :2] for name in people()]
        np.testing.assert_allclose(np.mean(pelvises, axis=0), (2.0, 1.0), atol=1e-4)
    bpy.ops.intermask.generate(prompt="they bow", seconds=1.0, model=str(model), new_pair=True)
    assert len(people()) == 4 and len(scene.intermask.takes) == 4
    assert scene.intermask.takes[3].character_1 != scene.intermask.takes[0].character_1


def test_two_requests_in_an_empty_scene_are_performed_by_one_pair(model: Path) -> None:
    scene = empty_scene()
    asked = [prepare(scene, prompt, 1.0, 0, model, reuse=True) for prompt in ("they hug", "they bow")]
    for number, (settings, placement) in enumerate(asked):
        place_takes([(dancer(2 * number, 30), dancer(2 * number + 1, 30))], placement, settings)
    assert people() == ["Person 1", "Person 2"] and len(scene.intermask.takes) == 2


@pytest.mark.slow
def test_people_of_other_takes_can_be_hidden(model: Path) -> None:
    scene = empty_scene()
    for _ in range(2):
        bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model), new_pair=True)
    user = rig("Mine", 3, (9.0, 0.0, 0.0))
    visible = lambda: sorted(o.name for o in scene.objects if o.visible_get() and not o.hide_render)  # noqa: E731
    everything = visible()
    scene.intermask.hide_other_people = True
    assert visible() == sorted(["Mine", *(n for n in everything if ".001" in n)])
    scene.intermask.take_index = 0
    assert visible() == sorted(["Mine", *(n for n in everything if ".001" not in n and n != "Mine")])
    scene.intermask.hide_other_people = False
    assert visible() == everything and user.visible_get()


def test_generated_people_go_with_their_last_take_and_own_rigs_stay(model: Path) -> None:
    scene = empty_scene()
    mine = rig("Mine", 3, (4.0, 0.0, 0.0))
    kept = {kind: len(getattr(bpy.data, kind)) for kind in ("objects", "meshes", "armatures", "materials")}
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, takes=2, model=str(model))
    hat = bpy.data.objects.new("Hat", None)
    scene.collection.objects.link(hat)
    hat.parent, hat.parent_type, hat.parent_bone = bpy.data.objects["Person 1"], "BONE", "Head"
    bpy.context.view_layer.update()
    place = hat.matrix_world.copy()
    bpy.ops.intermask.generate(prompt="they bow", seconds=1.0, model=str(model), character_1="Mine")
    assert people() == ["Mine", "Person 1", "Person 2", "Person 2.001"]
    assert bpy.ops.intermask.delete_take() == {"FINISHED"}
    assert people() == ["Mine", "Person 1", "Person 2"] and mine.animation_data.action is None
    assert bpy.ops.intermask.delete_take() == {"FINISHED"}
    assert people() == ["Mine", "Person 1", "Person 2"]
    assert bpy.ops.intermask.delete_take() == {"FINISHED"}
    assert people() == ["Mine"] and not bpy.data.actions and not scene.collection.children
    np.testing.assert_allclose(hat.matrix_world, place, atol=1e-6)
    bpy.data.objects.remove(hat)
    assert {kind: len(getattr(bpy.data, kind)) for kind in kept} == kept


def test_one_undo_brings_back_a_deleted_take_with_its_people(model: Path) -> None:
    empty_scene()
    assert bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model)) == {"FINISHED"}
    before = world(bpy.data.objects["Person 2"], 15)
    bpy.ops.ed.undo_push(message="Generate")
    assert bpy.ops.intermask.delete_take() == {"FINISHED"} and people() == []
    bpy.ops.ed.undo_push(message="Delete Take")
    assert bpy.ops.ed.undo() == {"FINISHED"}
    scene = bpy.context.scene
    assert people() == ["Person 1", "Person 2"] and len(scene.intermask.takes) == 1
    assert scene.intermask.takes[0].character_2 == bpy.data.objects["Person 2"]
    np.testing.assert_array_equal(world(bpy.data.objects["Person 2"], 15), before)


def test_people_who_are_used_elsewhere_stay_when_their_take_is_deleted(model: Path) -> None:
    scene = empty_scene()
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model))
    bpy.ops.intermask.generate(prompt="they bow", seconds=1.0, model=str(model), leader="Person 1")
    assert people() == ["Person 1", "Person 2", "Person 2.001"]
    leading = world(bpy.data.objects["Person 1"], 15)
    scene.intermask.take_index = 0
    assert bpy.ops.intermask.delete_take() == {"FINISHED"}
    assert people() == ["Person 1", "Person 2.001"]
    np.testing.assert_array_equal(world(bpy.data.objects["Person 1"], 15), leading)


def test_a_strip_that_plays_a_take_survives_the_takes_deletion(model: Path) -> None:
    scene = empty_scene()
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model), takes=2)
    first, second = (bpy.data.objects[name] for name in people())
    before = [world(owner, 15) for owner in (first, second)]
    assert bpy.ops.intermask.push_take() == {"FINISHED"}
    scene.intermask.take_index = 1
    scene.intermask.take_index = 0
    assert bpy.ops.intermask.delete_take() == {"FINISHED"}
    assert bpy.ops.intermask.delete_take() == {"FINISHED"}
    assert people() == ["Person 1", "Person 2"] and len(bpy.data.actions) == 2
    for owner, joints in zip((first, second), before, strict=True):
        (strip,) = [strip for track in owner.animation_data.nla_tracks for strip in track.strips]
        assert strip.action is not None and owner.animation_data.action is None
        np.testing.assert_allclose(world(owner, 15), joints, atol=1e-5)


def leader_at(name: str, seed: int, x: float) -> bpy.types.Object:
    scene, person = bpy.context.scene, dancer(seed)
    owner = build_armature(name, person.offsets, scene.collection)
    key_posed(person, owner, scene, 1, name)
    owner.location.x = x
    return owner


def test_a_take_keeps_its_own_leader_whatever_the_panel_says(model: Path, tmp_path: Path) -> None:
    scene = empty_scene()
    own, other = leader_at("Own", 3, 0.0), leader_at("Other", 4, 12.0)
    scene.intermask.leader = own
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model))
    take = scene.intermask.takes[0]
    assert take.leader == own
    joints = world(own, 10)
    scene.intermask.leader = other
    assert bpy.ops.intermask.edit(model=str(model)) == {"FINISHED"}
    assert [take.leader for take in scene.intermask.takes] == [own, own]
    assert np.abs(world(scene.intermask.takes[1].character_2, 10)[PELVIS] - joints[PELVIS]).max() < 4.0
    scene.intermask.leader = None
    assert bpy.ops.intermask.export(filepath=str(tmp_path / "pair"), format="NPZ") == {"FINISHED"}
    saved = load_npz(tmp_path / "pair.npz").people[0].joints()
    np.testing.assert_allclose(vectors_to_blender(saved)[9], joints, atol=0.02)
    scene.collection.objects.unlink(own)
    with pytest.raises(RuntimeError, match=r"The leader of the take .*they hug was deleted"):
        bpy.ops.intermask.edit(model=str(model))


@pytest.mark.parametrize("how", ["unlinked", "removed"])
def test_a_take_whose_first_character_was_deleted_is_no_reaction(model: Path, how: str) -> None:
    scene = empty_scene()
    scene.intermask.leader = leader_at("Leader", 3, 3.0)
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model), leader="")
    first = scene.intermask.takes[0].character_1
    if how == "removed":
        bpy.data.objects.remove(first)
    else:
        bpy.data.collections["they hug"].objects.unlink(first)
    with pytest.raises(RuntimeError, match="A character of the take they hug was deleted"):
        bpy.ops.intermask.edit(model=str(model))
    assert len(scene.intermask.takes) == 1 and scene.intermask.takes[0].character_2.name == "Person 2"


@pytest.mark.parametrize(
    ("turn", "ahead"),
    [
        ((0.0, 0.0, 0.0), (0, 1)),
        ((0.0, 0.0, 2.0), (-0.909, -0.416)),
        ((np.pi / 2, 0.0, 0.0), (0, 1)),
        ((0.9, 0.0, -1.0), (0.841, 0.54)),
    ],
)
def test_a_new_pair_stands_around_the_cursor_and_faces_along_its_y(
    model: Path, turn: tuple[float, float, float], ahead: tuple[float, float]
) -> None:
    scene = empty_scene()
    scene.cursor.location, scene.cursor.rotation_euler = (3.0, -2.0, 0.5), turn
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, takes=2, model=str(model))
    for index in range(2):
        scene.intermask.take_index = index
        first, second = (world(bpy.data.objects[name], 1) for name in people())
        np.testing.assert_allclose((first[PELVIS] + second[PELVIS])[:2] / 2, (3.0, -2.0), atol=1e-4)
        np.testing.assert_allclose(facing(first), ahead, atol=1e-3)
    lowest = min(evaluated_vertices(o)[:, 2].min() for o in scene.objects if o.type == "MESH")
    assert abs(lowest - 0.5) < 0.1


@pytest.mark.slow
def test_own_rigs_perform_where_they_stand_unless_the_cursor_is_asked_for(model: Path) -> None:
    scene = empty_scene()
    first, second = rig("A", 3, (5.0, 1.0, 2.0)), rig("B", 4, (5.0, 4.0, 2.0), turn=1.0)
    scene.cursor.location = (-3.0, 0.0, 0.0)
    scene.intermask.character_1, scene.intermask.character_2 = first, second
    for seed in range(2):
        assert bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, seed=seed, model=str(model)) == {"FINISHED"}
        joints = [world(owner, 1) for owner in (first, second)]
        middle, line = (joints[0] + joints[1])[PELVIS] / 2, (joints[1] - joints[0])[PELVIS, :2]
        np.testing.assert_allclose(middle[:2], (5.0, 2.5), atol=0.05)
        if np.linalg.norm(line) > 0.35:
            np.testing.assert_allclose(line / np.linalg.norm(line), (0.0, 1.0), atol=0.02)
        assert 2.0 < min(j[:, 2].min() for j in joints) < 2.25, "they left their floor"
    assert bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model), at_cursor=True) == {"FINISHED"}
    middle = np.mean([world(owner, 1)[PELVIS] for owner in (first, second)], axis=0)
    np.testing.assert_allclose(middle[:2], (-3.0, 0.0), atol=0.05)


def test_a_new_person_joins_an_own_rig_where_that_stands(model: Path) -> None:
    scene = empty_scene()
    mine = rig("Mine", 3, (5.0, 1.0, 0.0), turn=np.pi / 2)
    assert bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model), character_2="Mine") == {
        "FINISHED"
    }
    joints = world(mine, 1)
    np.testing.assert_allclose(joints[PELVIS, :2], (5.0, 1.0), atol=0.02)
    np.testing.assert_allclose(facing(joints), (1.0, 0.0), atol=0.05)
    assert np.linalg.norm(world(bpy.data.objects["Person 1"], 1)[PELVIS] - joints[PELVIS]) < 4.0
    assert scene.intermask.takes[0].character_2 == mine
    # The next take is performed by the same two, where the user's armature stands.
    assert bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, seed=1, model=str(model), character_2="Mine") == {
        "FINISHED"
    }
    assert people() == ["Mine", "Person 1"] and len(scene.intermask.takes) == 2
    np.testing.assert_allclose(world(mine, 1)[PELVIS, :2], (5.0, 1.0), atol=0.05)
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model), character_2="Mine", new_pair=True)
    assert people() == ["Mine", "Person 1", "Person 1.001"]


@pytest.mark.parametrize(
    ("system", "scale"), [("METRIC", 0.01), ("IMPERIAL", 0.3048), ("METRIC", 1.0), ("METRIC", 1000.0)]
)
def test_people_have_the_height_of_people_at_every_unit_scale(model: Path, system: str, scale: float) -> None:
    scene = empty_scene()
    scene.unit_settings.system, scene.unit_settings.scale_length = system, scale
    scene.cursor.location = (3.0 / scale, 0.0, 0.0)
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model))
    scene.frame_set(1)
    for figure in [o for o in scene.objects if o.type == "MESH"]:
        points = evaluated_vertices(figure) * scale
        assert 1.2 < np.ptp(points[:, 2]) < 2.1 and abs(points[:, 2].min()) < 0.1
    pelvises = [world(bpy.data.objects[name], 1)[PELVIS, :2] * scale for name in people()]
    np.testing.assert_allclose(np.mean(pelvises, axis=0), (3.0, 0.0), atol=1e-3)
    head = bpy.data.objects["Person 1"].data.bones["Head"]
    assert 0.1 < head.length * scale < 0.3


def test_a_third_person_stands_next_to_the_second_and_not_inside(model: Path) -> None:
    scene = empty_scene()
    bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model))
    first, second = bpy.data.objects["Person 1"], bpy.data.objects["Person 2"]
    bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model), leader="Person 1")
    third = scene.intermask.takes[-1].character_2
    bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model), leader="Person 1", new_pair=True)
    fourth = scene.intermask.takes[-1].character_2
    assert len({first, second, third, fourth}) == 4
    for frame in (1, 20, 40, 60):
        at = [world(owner, frame)[PELVIS, :2] for owner in (second, third, fourth)]
        apart = [np.linalg.norm(at[a] - at[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
        assert min(apart) > 0.35, (frame, apart)


def test_people_who_overlap_are_named(model: Path) -> None:
    scene = empty_scene()
    for _ in range(2):
        bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model), new_pair=True)
    assert scene.intermask.takes[0].stands_in == ""
    assert scene.intermask.takes[1].stands_in.splitlines() == ["Person 1", "Person 2"]
    scene.cursor.location = (6.0, 0.0, 0.0)
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model), new_pair=True)
    assert scene.intermask.takes[2].stands_in == ""


def test_only_the_first_take_of_a_scene_is_selected_and_played_in_a_loop(model: Path) -> None:
    scene = empty_scene(24.0)
    scene.frame_start, scene.frame_end = 10, 40
    scene.frame_set(33)
    bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model))
    assert scene.frame_current == 10 and scene.use_preview_range
    assert (scene.frame_preview_start, scene.frame_preview_end) == (10, 57)
    assert sorted(o.name for o in scene.objects if o.select_get()) == ["Person 1", "Person 2"]
    assert bpy.context.view_layer.objects.active == bpy.data.objects["Person 1"]
    assert not any(o.show_in_front for o in scene.objects)
    scene.use_preview_range = False
    bpy.data.objects["Person 2"].select_set(False)
    scene.frame_set(33)
    bpy.ops.intermask.generate(prompt="they bow", seconds=1.0, model=str(model))
    assert scene.frame_current == 33 and not scene.use_preview_range
    assert [o.name for o in scene.objects if o.select_get()] == ["Person 1"]


@pytest.mark.slow
@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 50.0, 60.0, 120.0])
def test_two_seconds_are_two_seconds_of_keys(model: Path, fps: float) -> None:
    scene = empty_scene(fps)
    bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model))
    take = scene.intermask.takes[0]
    store = compat.fcurve_store(take.character_1, take.action_1)
    assert {len(curve.keyframe_points) for curve in store.fcurves} == {round(2 * fps)}
    steps = np.diff([world(take.character_1, frame)[PELVIS] for frame in range(1, round(2 * fps) + 1)], axis=0)
    assert np.linalg.norm(steps[-1]) < 3 * np.linalg.norm(steps[-8:-1], axis=1).max() + 1e-4
