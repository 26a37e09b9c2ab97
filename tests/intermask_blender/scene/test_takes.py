"""Takes and their export in real Blender, and a generator that dies, with a small real model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_scene import dancer, empty_scene, joints_in_blender

from intermask_blender.generator.generation import Generation, GenerationSettings
from intermask_blender.generator.models import has_body_parts
from intermask_blender.properties import known_prompts
from intermask_blender.rig.build import build_armature
from intermask_blender.rig.key import key_posed
from intermask_blender.scene.editing import PART_INDICES, SOFT_PARTS, prepare_edit
from intermask_blender.scene.markers import timed_prompt
from intermask_blender.scene.request import TakeOptions
from intermask_blender.scene.take_settings import stored_settings
from intermask_blender.scene.takes import character_actions, frames_of, push_to_nla
from intermask_blender.ui.prompt_history import past_prompts
from intermask_blender.ui.services import worker_client
from model_core.evaluation.parts import governed_joints
from model_core.generation.prompts import segments
from model_core.model_files.model_folder import bundled_model, load_model
from model_core.motion import SMPL

assert blender_scene


pytestmark = pytest.mark.usefixtures("blender_exporters", "registered")


def generated(model: Path, takes: int, **arguments: object) -> bpy.types.PropertyGroup:
    """The settings of a new scene with this number of takes."""
    scene = empty_scene()
    assert bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, takes=takes, model=str(model), **arguments) == {
        "FINISHED"
    }
    return scene.intermask


def pose() -> np.ndarray:
    """(2, 22, 3) joints of both people at frame 15."""
    bpy.context.scene.frame_set(15)
    people = sorted((o for o in bpy.data.objects if o.type == "ARMATURE"), key=lambda o: o.name)
    return np.stack([joints_in_blender(person) for person in people])


def test_a_click_shows_another_take_on_the_same_characters(model: Path) -> None:
    settings = generated(model, 3)
    assert [take.name for take in settings.takes] == ["they hug", "2: they hug", "3: they hug"]
    assert len([o for o in bpy.data.objects if o.type == "ARMATURE"]) == 2 and settings.take_index == 0
    poses = []
    for index in (0, 1, 2, 0):
        settings.take_index = index
        poses.append(pose())
    np.testing.assert_array_equal(poses[0], poses[3])
    assert all(not np.allclose(poses[a], poses[b], atol=1e-4) for a, b in ((0, 1), (1, 2), (0, 2)))


def test_deleted_takes_go_with_their_keys_and_kept_ones_stay(model: Path) -> None:
    settings = generated(model, 4)
    settings.take_index = 1
    shown = pose()
    settings.takes[3].keep = True
    assert bpy.ops.intermask.delete_other_takes() == {"FINISHED"}
    assert [take.number for take in settings.takes] == [2, 4] and len(bpy.data.actions) == 4
    np.testing.assert_array_equal(pose(), shown)
    assert bpy.ops.intermask.delete_take() == {"FINISHED"}
    assert [take.number for take in settings.takes] == [4] and len(bpy.data.actions) == 2
    assert bpy.ops.intermask.delete_take() == {"FINISHED"}
    assert not settings.takes and not bpy.data.actions


def test_a_take_in_the_nla_plays_as_before(model: Path) -> None:
    settings = generated(model, 1)
    before = pose()
    assert bpy.ops.intermask.push_take() == {"FINISHED"}
    people = [o for o in bpy.data.objects if o.type == "ARMATURE"]
    assert all(o.animation_data.action is None and len(o.animation_data.nla_tracks) == 1 for o in people)
    np.testing.assert_allclose(pose(), before, atol=1e-5)
    bpy.data.objects.remove(settings.takes[0].character_1)
    bpy.data.objects.remove(settings.takes[0].character_2)
    with pytest.raises(RuntimeError, match="were deleted"):
        bpy.ops.intermask.push_take()


def test_a_strip_of_a_take_starts_at_the_frame_nearest_to_its_first_key(model: Path) -> None:
    take = generated(model, 1).takes[0]
    for _, action in character_actions(take):
        for curve in curves_of(action):
            for key in curve.keyframe_points:
                key.co_ui.x -= 0.25
            curve.update()
    first, _ = frames_of(take)
    push_to_nla(take)
    for owner in (take.character_1, take.character_2):
        assert owner.animation_data.nla_tracks[0].strips[0].frame_start == first == 1


def test_playback_repeats_a_take_where_that_is_asked_for(model: Path) -> None:
    generated(model, 1)
    scene = bpy.context.scene
    scene.use_preview_range = False
    assert bpy.ops.intermask.play_take() == {"FINISHED"}
    assert scene.use_preview_range and (scene.frame_preview_start, scene.frame_preview_end) == (1, 30)
    assert scene.frame_end == 250
    with pytest.raises(RuntimeError, match="through a 3D view"):
        bpy.ops.intermask.view_take()


def test_takes_survive_saving_and_loading(model: Path, tmp_path: Path) -> None:
    generated(model, 2)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "takes.blend"))
    before = pose()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "takes.blend"))
    settings = bpy.context.scene.intermask
    np.testing.assert_array_equal(pose(), before)
    settings.take_index = 1
    assert not np.allclose(pose(), before, atol=1e-4)


def test_a_reaction_lists_the_new_person_alone(model: Path) -> None:
    scene, person = empty_scene(), dancer(3)
    leader = build_armature("Leader", person.offsets, scene.collection)
    key_posed(person, leader, scene, 41, "Lead")
    own = leader.animation_data.action
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, takes=2, model=str(model), leader="Leader")
    first, second = scene.intermask.takes
    assert first.character_1 is None and first.character_2 == second.character_2
    scene.intermask.take_index = 1
    assert leader.animation_data.action == own
    assert second.character_2.animation_data.action == second.action_2


@pytest.mark.slow
def test_a_generator_that_dies_is_started_again_once(model: Path) -> None:
    empty_scene()
    client = worker_client(bpy.context)
    generation = Generation(client, GenerationSettings("they hug", model, 1.0))
    client._process.kill()
    generation.wait()
    assert generation.restarted and len(generation.takes()) == 1
    generation = Generation(client, GenerationSettings("they hug", model, 1.0))
    for _ in range(2):
        client._process.kill()
        client._process.wait()
        generation.poll()
    assert generation.done and not generation.succeeded
    with pytest.raises(Exception, match="possibly out of memory"):
        generation.takes()


@pytest.mark.slow
def test_several_requests_wait_for_each_other(model: Path) -> None:
    empty_scene()
    client = worker_client(bpy.context)
    three = [Generation(client, GenerationSettings("they hug", model, 1.0, seed)) for seed in (1, 2, 1)]
    three[1].cancel()
    for generation in three:
        generation.wait()
    first, last = three[0].takes()[0], three[2].takes()[0]
    np.testing.assert_array_equal(first[0].rotations, last[0].rotations)
    assert three[1].done and not three[1].succeeded


def test_prompts_are_offered_again_with_the_models_examples(model: Path) -> None:
    settings = generated(model, 1)
    past, examples = known_prompts(settings, bpy.context)
    assert past[0] == "they hug" == past_prompts()[0]
    assert "two people dance salsa" in examples
    assert bpy.ops.intermask.use_prompt(prompt=examples[0]) == {"FINISHED"} and settings.prompt == examples[0]
    seeds = set()
    for _ in range(3):
        bpy.ops.intermask.new_seed()
        seeds.add(settings.seed)
    assert len(seeds) == 3


@pytest.mark.parametrize("prompt", ["🙂" * 300, "dos personas bailan; 二人が踊る", "x" * 2000, 'a "b" \\ [c] %s\n{d}'])
def test_any_words_name_collections_actions_and_takes(model: Path, prompt: str) -> None:
    scene = empty_scene()
    assert bpy.ops.intermask.generate(prompt=prompt, seconds=0.6, model=str(model)) == {"FINISHED"}
    assert scene.intermask.takes[0].prompt == prompt.strip()


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 60.0, 24000 / 1001])
def test_keys_start_at_the_scenes_start_at_its_rate(model: Path, fps: float) -> None:
    scene = empty_scene(fps)
    scene.frame_start, scene.frame_end = 1000, 1000 + round(2 * fps) - 1
    assert bpy.ops.intermask.generate(prompt="they hug", use_scene_range=True, model=str(model)) == {"FINISHED"}
    start, end = scene.intermask.takes[0].action_1.frame_range
    assert start == 1000 and abs((end - start) / fps - 2.0) < 2.5 / fps + 1 / 30


def test_only_what_lies_in_the_scenes_range_is_reacted_to_where_that_is_asked_for(model: Path) -> None:
    scene = empty_scene()
    person = dancer(3, 200)
    key_posed(person, build_armature("Leader", person.offsets, scene.collection), scene, 1, "Lead")
    scene.frame_start, scene.frame_end = 101, 160
    ask = {"prompt": "they hug", "leader": "Leader", "model": str(model)}
    assert bpy.ops.intermask.generate(**ask, use_scene_range=True) == {"FINISHED"}
    assert tuple(scene.intermask.takes[0].action_2.frame_range) == (101, 160)


def joints_over(frames: Sequence[int]) -> np.ndarray:
    """(2, T, 22, 3) joints of both people at scene frames."""
    people = sorted((o for o in bpy.data.objects if o.type == "ARMATURE"), key=lambda o: o.name)
    result = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        result.append([joints_in_blender(person) for person in people])
    return np.array(result).swapaxes(0, 1)


def apart(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(2, T) metres that the joint which moved most moved by."""
    return np.linalg.norm(after - before, axis=-1).max(axis=-1)


HELD = 1e-4
"""Metres. What is held is held by its own keys."""


def test_a_part_of_a_take_is_regenerated_and_the_take_stays_in_the_list(model: Path) -> None:
    settings = generated(model, 1)
    frames = range(1, 31)
    before = joints_over(frames)
    assert bpy.ops.intermask.edit(part="ARMS", who="SECOND", seed=9, model=str(model)) == {"FINISHED"}
    assert len(settings.takes) == 2 and settings.take_index == 1
    assert len([o for o in bpy.data.objects if o.type == "ARMATURE"]) == 2
    after = joints_over(frames)
    assert apart(before, after)[0].max() < HELD, "the first person is held"
    moved = np.linalg.norm(after - before, axis=-1)[1].max(axis=0)
    arms = {SMPL.index(side + name) for side in ("L_", "R_") for name in ("Shoulder", "Elbow", "Wrist")}
    assert moved[[joint for joint in range(22) if joint not in arms]].max() < HELD, "legs and trunk are held"
    assert moved[SMPL.index("L_Wrist")] > 0.002
    settings.take_index = 0
    np.testing.assert_array_equal(joints_over(frames), before)


@pytest.mark.parametrize(("start", "end"), [(10, 12), (1, 1), (29, 40), (0, 2)])
def test_a_range_of_few_frames_in_a_take_is_regenerated(model: Path, start: int, end: int) -> None:
    settings = generated(model, 1)
    frames = range(1, 31)
    before = joints_over(frames)
    assert bpy.ops.intermask.edit(start=start, end=end, seed=9, model=str(model)) == {"FINISHED"}
    after = joints_over(frames)
    held = np.array([not start <= frame <= end for frame in frames])
    assert apart(before, after)[:, held].max() < HELD
    assert apart(before, after)[:, ~held].max() > HELD
    assert settings.takes[1].name == f"Whole Body {max(start, 1)}-{min(end, 30)}: they hug"


@pytest.mark.slow
def test_edits_use_the_takes_prompt_and_a_new_seed_and_are_named_by_what_changed(model: Path) -> None:
    settings = generated(model, 1)
    settings.prompt, settings.seed = "two people fight", 5
    bpy.context.scene.use_preview_range = False
    assert bpy.ops.intermask.edit(part="ARMS", model=str(model)) == {"FINISHED"}
    settings.take_index = 0
    assert bpy.ops.intermask.edit(part="ARMS", model=str(model)) == {"FINISHED"}
    settings.take_index = 0
    settings.edit_prompt = "they bow"
    settings.use_edit_seed, settings.edit_seed = True, 11
    assert bpy.ops.intermask.edit(strength=0.5, model=str(model)) == {"FINISHED"}
    settings.take_index = 0
    assert bpy.ops.intermask.extend(seconds=1.0, model=str(model)) == {"FINISHED"}
    takes = settings.takes
    assert [take.name for take in takes] == [
        "they hug",
        "Arms: they hug",
        "2: Arms: they hug",
        "Vary 50 %: they hug",
        "+1 s: they hug",
    ]
    assert [take.prompt for take in takes] == ["they hug", "they hug", "they hug", "they bow", "they hug"]
    assert takes[3].seed == takes[4].seed == "11" and len({take.seed for take in takes}) == 4


def test_a_take_keeps_its_settings_for_its_edits_and_gives_them_back_to_the_panel(model: Path) -> None:
    scene = empty_scene()
    settings = scene.intermask
    bpy.ops.intermask.add_constraint(kind="WAYPOINT", person="FIRST")
    bpy.ops.intermask.add_constraint(kind="WAYPOINT", person="SECOND")
    settings.constraints[1].mute = True
    assert bpy.ops.intermask.generate(
        prompt="they hug", seconds=1.0, seed=7, steps=3, foot_lock=False, settle_at_end=False, model=str(model)
    ) == {"FINISHED"}
    settings.prompt, settings.seed, settings.use_model_values, settings.steps = "they bow", 9, False, 11
    settings.constraints[0].mute, settings.constraints[1].mute = True, False
    own = stored_settings(settings.takes[0])
    assert own["sampling"] == {"steps": 3} and own["constraints"][0]["name"] == "Waypoint"
    # An edit of the take is made as the take was, whatever the panel says now.
    settings.constraints[1].mute = True
    assert bpy.ops.intermask.edit(model=str(model)) == {"FINISHED"}
    edited = stored_settings(settings.takes[1])
    assert edited["sampling"] == {"steps": 3} and edited["foot_lock"] is False
    settings.take_index = 0
    settings.constraints.remove(1)
    assert bpy.ops.intermask.use_take_settings() == {"FINISHED"}
    names = ("prompt", "seed", "steps", "use_model_values", "foot_lock", "settle_at_end", "start_at_rest", "seconds")
    assert [getattr(settings, name) for name in names] == ["they hug", 7, 3, False, False, False, True, 1.0]
    assert not settings.constraints[0].mute


def test_the_preview_range_follows_the_takes_unless_it_is_the_users_own(model: Path) -> None:
    settings = generated(model, 1)
    scene = bpy.context.scene
    assert (scene.frame_preview_start, scene.frame_preview_end) == (1, 30)
    bpy.ops.intermask.extend(seconds=1.0, model=str(model))
    assert (scene.frame_preview_start, scene.frame_preview_end) == (1, 60)
    settings.take_index = 0
    assert (scene.frame_preview_start, scene.frame_preview_end) == (1, 30)
    scene.frame_preview_end = 20
    settings.take_index = 1
    assert (scene.frame_preview_start, scene.frame_preview_end) == (1, 20)


def test_the_bundled_models_rows_are_those_of_the_panels_parts() -> None:
    assert has_body_parts(bundled_model()) and set(PART_INDICES) == set(SOFT_PARTS)
    moved = governed_joints(load_model(bundled_model()))[1]  # (5, 22) seen from the pelvis
    for part, ends in {"ARMS": ("Wrist",), "HANDS": ("Wrist",), "LEGS": ("Knee", "Ankle", "Foot")}.items():
        rows = {int(moved[:, SMPL.index(side + end)].argmax()) for side in ("L_", "R_") for end in ends}
        assert rows == set(PART_INDICES[part])
    assert not set(PART_INDICES["UPPER_BODY"]) & set(PART_INDICES["LEGS"])


@pytest.mark.slow
@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "AXIS_ANGLE"])
def test_frames_outside_a_range_stay_as_they_were(model: Path, fps: float, mode: str) -> None:
    scene = empty_scene(fps)
    scene.frame_start = 100
    for name in ("Ann", "Ben"):
        rig = build_armature(name, dancer(3).offsets, scene.collection)
        for bone in rig.pose.bones:
            bone.rotation_mode = mode
        setattr(scene.intermask, f"character_{1 + (name == 'Ben')}", rig)
    bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model))
    first, last = map(round, scene.intermask.takes[0].action_1.frame_range)
    finger = bpy.data.objects["Ann"].pose.bones["L_Wrist"]
    finger.keyframe_insert("scale", frame=first)
    frames = range(first, last + 1)
    before = joints_over(frames)
    begin, end = first + round(0.6 * fps), first + round(1.3 * fps)
    assert bpy.ops.intermask.edit(start=begin, end=end, seed=5, model=str(model)) == {"FINISHED"}
    take = scene.intermask.takes[1]
    assert tuple(map(round, take.action_1.frame_range)) == (first, last)
    after = joints_over(frames)
    held = np.array([not begin <= frame <= end for frame in frames])
    assert apart(before, after)[:, held].max() < HELD
    assert apart(before, after)[:, ~held].max() > 0.005
    steps = np.linalg.norm(np.diff(after, axis=1), axis=-1).max(axis=-1) * fps
    assert steps.max() < 2.0 * (np.linalg.norm(np.diff(before, axis=1), axis=-1).max() * fps) + 1.0, "a jump at a seam"
    assert compat_curves(take.action_1, "scale") == 3, "keys that are not ours stay"


def curves_of(action: bpy.types.Action) -> list[bpy.types.FCurve]:
    """All curves of an action."""
    stores = [action] if bpy.app.version < (4, 4) else [
        bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags
    ]  # fmt: skip
    return [curve for store in stores for curve in store.fcurves]


def compat_curves(action: bpy.types.Action, ending: str) -> int:
    """How many curves of an action move a property."""
    return sum(curve.data_path.endswith(ending) for curve in curves_of(action))


def test_a_take_is_extended_and_in_betweened_at_any_rate(model: Path) -> None:
    scene = empty_scene(24.0)
    scene.frame_start = 100
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.5, model=str(model))
    first = scene.intermask.takes[0].action_1.frame_range
    frames = range(round(first[0]), round(first[1]) + 1)
    before = joints_over(frames)
    assert bpy.ops.intermask.extend(seconds=1.0, model=str(model)) == {"FINISHED"}
    longer = scene.intermask.takes[1].action_1.frame_range
    assert longer[0] == first[0] == 100 and abs(longer[1] - first[1] - 24) <= 2
    assert apart(before, joints_over(frames)).max() < HELD
    scene.intermask.take_index = 0
    assert bpy.ops.intermask.edit(start=110, end=120, model=str(model)) == {"FINISHED"}
    assert scene.intermask.takes[2].action_1.frame_range[0] == 100
    with pytest.raises(RuntimeError, match="are outside the take"):
        bpy.ops.intermask.edit(start=900, end=950, model=str(model))


@pytest.mark.parametrize("size", [0.5, 1.0, 3.0])
def test_who_reacts_to_a_larger_leader_is_edited_at_its_size(model: Path, size: float) -> None:
    scene, person = empty_scene(), dancer(3)
    leader = build_armature("Leader", person.offsets, scene.collection)
    key_posed(person, leader, scene, 1, "Lead")
    leader.scale = (size,) * 3
    scene.intermask.leader = leader
    assert bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model)) == {"FINISHED"}
    reactor = scene.intermask.takes[0].character_2
    frames = range(1, 61)
    before = joints_over(frames)
    # Hands are brought to where the leader's joints really are, as in the reaction itself.
    placement = prepare_edit(scene, scene.intermask.takes[0], ("they hug", 5, model), TakeOptions())[1]
    place = [o.name for o in (leader, reactor)].index(leader.name)
    assert placement.leader_joints is not None
    np.testing.assert_allclose(
        placement.leader_joints[:60], before[place][: len(placement.leader_joints)], atol=1e-3 * size
    )
    assert bpy.ops.intermask.edit(part="ALL", start=20, end=40, seed=5, model=str(model)) == {"FINISHED"}
    after = joints_over(frames)
    held = np.array([not 20 <= frame <= 40 for frame in frames])
    moved = apart(before, after)
    assert moved[:, held].max() < HELD * size and moved[0].max() == 0 and moved[1].max() > 0.005
    # Nobody shrinks: bones keep their lengths, and the pelvis its height over the floor.
    index = [o.name for o in (leader, reactor)].index(reactor.name)
    heights = after[index, :, 0, 1] - before[index, :, 0, 1]
    assert np.abs(heights).max() < 0.4 * size


def test_markers_say_what_happens_from_their_frame_on(model: Path) -> None:
    scene = empty_scene(24.0)
    scene.frame_start = 10
    for name, frame in (("F_22", 22), ("they bow; deeply", 34), ("they part", 58), ("too late", 500)):
        scene.timeline_markers.new(name, frame=frame)
    assert timed_prompt(scene, "they meet", 4.0) == "0-1 s: they meet; 1-2 s: they bow, deeply; 2-4 s: they part"
    both = timed_prompt(scene, "they meet; they wave", 4.0)
    assert [part.prompt for part in segments(both, 120, 30.0)] == [
        "they meet, they wave",
        "they bow, deeply",
        "they part",
    ]
    scene.intermask.use_markers = True
    assert bpy.ops.intermask.generate(prompt="they meet", seconds=4.0, model=str(model)) == {"FINISHED"}
