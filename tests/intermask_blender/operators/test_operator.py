"""The add-on's operators, panel and settings in real Blender, in background mode, with a small real model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_scene import dancer, empty_scene, joints_in_blender
from repository import REPOSITORY
from small_model import save_small_model

import intermask_blender
from intermask_blender import compat
from intermask_blender.registration import CLASSES
from intermask_blender.rig.build import build_armature
from intermask_blender.rig.capture import capture_motion
from intermask_blender.rig.key import key_posed

assert blender_scene


pytestmark = pytest.mark.usefixtures("registered")


def armatures() -> list[bpy.types.Object]:
    return sorted((o for o in bpy.data.objects if o.type == "ARMATURE"), key=lambda o: o.name)


def contents() -> dict[str, list[str]]:
    kinds = ("objects", "meshes", "armatures", "actions", "materials", "collections", "scenes")
    return {kind: sorted(getattr(bpy.data, kind).keys()) for kind in kinds}


def refusal(**arguments: object) -> str:
    """The one line that the operator reports when it is asked for something impossible; nothing may have changed."""
    before = contents()
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.intermask.generate(**arguments)
    assert contents() == before
    lines = [line for line in str(caught.value).splitlines() if line.strip()]
    assert len(lines) == 1 and lines[0].startswith("Error: ") and "Traceback" not in lines[0]
    return lines[0]


def test_two_characters_are_keyed_from_the_scenes_settings(model: Path) -> None:
    scene = empty_scene(24.0)
    scene.frame_start = 10
    scene.frame_set(33)
    cube = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    scene.collection.objects.link(cube)
    bpy.context.view_layer.objects.active = cube
    cube.select_set(True)
    scene.intermask.prompt = "two people hug"
    scene.intermask.seconds = 2.0
    assert bpy.ops.intermask.generate(model=str(model)) == {"FINISHED"}
    first, second = armatures()
    for person in (first, second):
        assert tuple(person.animation_data.action.frame_range) == (10, 10 + 48 - 1)
        (figure,) = person.children
        assert figure.modifiers[0].object == person
    assert bpy.data.collections["two people hug"] in scene.collection.children_recursive
    assert first.children[0].data.materials[0].diffuse_color[:] != second.children[0].data.materials[0].diffuse_color[:]
    assert bpy.context.mode == "OBJECT"
    scene.frame_set(30)
    lowest = min(joints_in_blender(person)[:, 1].min() for person in (first, second))
    assert lowest > 0.0, "joints lie below the soles, which are on the floor"


@pytest.mark.slow
def test_constraints_of_a_script_are_a_text_or_a_file(model: Path, tmp_path: Path) -> None:
    empty_scene(30.0)
    way = {"type": "root2d", "name": "way", "frame_indices": [0, 25], "smooth_root_2d": [[0.1, 0.0], [0.2, 0.2]]}
    file = tmp_path / "way.json"
    file.write_text(json.dumps([way]))
    for constraints in (str(file), json.dumps([way])):
        assert bpy.ops.intermask.generate(model=str(model), seconds=1.0, constraints=constraints) == {"FINISHED"}
    fast = json.dumps([way | {"smooth_root_2d": [[0, 0], [9, 0]]}])
    request = {"model": str(model), "seconds": 1.0}
    assert "The path 'way'" in refusal(constraints=fast, **request)
    assert "none.json" in refusal(constraints=str(tmp_path / "none.json"), **request)
    assert "not JSON" in refusal(constraints="[1,", **request)
    assert bpy.ops.intermask.generate(constraints=fast, meet_partly=True, **request) == {"FINISHED"}


@pytest.mark.parametrize(("fps", "start"), [(24.0, 10), (25.0, 0), (60.0, 1001), (23.976, 1)])
def test_a_second_lasts_a_second_at_every_frame_rate_and_start(model: Path, fps: float, start: int) -> None:
    scene = empty_scene(fps)
    scene.frame_start = start
    scene.cursor.location = (3.0, -2.0, 1.0)
    assert bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, seed=1, model=str(model), takes=2) == {"FINISHED"}
    people = armatures()
    for person in people:
        first, last = person.animation_data.action.frame_range
        assert first == start and abs((last - first + 1) / fps - 2.0) < 1.0 / fps
    # New people stand on the height of the 3D cursor, as everything that Blender adds.
    scene.frame_set(scene.frame_start)
    joints = np.stack([joints_in_blender(person) for person in people])
    assert 1.0 < joints[..., 1].min() < 1.2
    take = scene.intermask.takes[1]
    for person, action in ((take.character_1, take.action_1), (take.character_2, take.action_2)):
        compat.assign_action(person, action)
    scene.frame_set(scene.frame_start)
    others = np.stack([joints_in_blender(person) for person in people])
    assert np.abs(others - joints).max() < 1.0, "two takes stand in two places"
    np.testing.assert_allclose(joints[:, 0].mean(axis=0)[[0, 2]], (3.0, 2.0), atol=1e-4)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_keys_and_another_seed_others(model: Path) -> None:
    poses = []
    for seed in (3, 3, 4):
        scene = empty_scene()
        bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, seed=seed, model=str(model))
        scene.frame_set(20)
        poses.append([joints_in_blender(person) for person in armatures()])
    np.testing.assert_array_equal(poses[0], poses[1])
    assert not np.allclose(poses[0], poses[2], atol=1e-4)


def test_a_reaction_stands_where_its_leader_stands_at_the_leaders_frames(model: Path) -> None:
    scene, person = empty_scene(), dancer(3)
    leader = build_armature("Leader", person.offsets, scene.collection)
    key_posed(person, leader, scene, 41, "Lead")
    leader.location = (20.0, -7.0, 1.5)
    leader.rotation_euler = (0.0, 0.0, 2.0)
    before, _ = capture_motion(leader, scene)
    keys = [tuple(leader.animation_data.action.frame_range), leader.matrix_basis.copy()]
    scene.intermask.leader = leader
    assert bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model)) == {"FINISHED"}
    (reactor,) = [o for o in armatures() if o != leader]
    after, _ = capture_motion(leader, scene)
    np.testing.assert_array_equal(after.joints, before.joints)
    assert keys == [tuple(leader.animation_data.action.frame_range), leader.matrix_basis]
    assert tuple(reactor.animation_data.action.frame_range) == (41, 100)
    motion, _ = capture_motion(reactor, scene)
    apart = np.linalg.norm((motion.joints[:, 0] - before.joints[:60, 0])[:, [0, 2]], axis=1)
    assert apart.max() < 5.0, "the reactor is not with its leader"
    heights = motion.joints[..., 1].min(), before.joints[:60, :, 1].min()
    assert abs(heights[0] - heights[1]) < 0.5, "the reactor is not on its leader's floor"


def test_impossible_requests_get_one_sentence_and_change_nothing(model: Path) -> None:
    scene = empty_scene()
    still = build_armature("Still", dancer(1).offsets, scene.collection)
    assert still.name == "Still"
    assert "prompt is empty" in refusal(prompt="  ", model=str(model))
    assert "5000 characters" in refusal(prompt="x" * 5000, model=str(model))
    assert "no model called gone" in refusal(prompt="they hug", model="gone")
    assert "no object called Nobody" in refusal(prompt="they hug", model=str(model), leader="Nobody")
    assert "does not move" in refusal(prompt="they hug", model=str(model), leader="Still")
    key_posed(dancer(1), still, scene, 1, "Lead")
    message = refusal(prompt="they hug", model=str(model), leader="Still", seconds=0.5)
    assert "at least 0.53 seconds; Seconds is 0.5" in message
    scene.collection.objects.link(bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera")))
    for who in ("leader", "character_1", "character_2"):
        assert "Camera is not an armature; choose" in refusal(prompt="they hug", model=str(model), **{who: "Camera"})


def test_an_edit_takes_the_takes_own_keys_whatever_strips_lie_elsewhere(model: Path) -> None:
    scene = empty_scene()
    bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model))
    take = scene.intermask.takes[0]
    first, last = take.action_1.frame_range
    for owner in (take.character_1, take.character_2):
        animation = owner.animation_data
        strip = animation.nla_tracks.new().strips.new("Elsewhere", 301, animation.action.copy())
        compat.bind_strip(strip, animation)
    for added in (0, 30):
        scene.intermask.take_index = 0
        if added:
            assert bpy.ops.intermask.extend(seconds=1.0, model=str(model)) == {"FINISHED"}
        else:
            assert bpy.ops.intermask.edit(model=str(model)) == {"FINISHED"}
        made = scene.intermask.takes[-1].action_1.frame_range
        assert made[0] == first and abs(made[1] - last - added) <= 2


def test_a_damaged_model_is_named(model: Path, tmp_path: Path) -> None:
    empty_scene()
    damaged = save_small_model(tmp_path / "damaged")
    weights = damaged / "transformer.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "transformer.safetensors" in refusal(prompt="they hug", seconds=1.0, model=str(damaged))
    assert bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model)) == {"FINISHED"}


def test_buttons_are_grey_with_a_reason() -> None:
    empty_scene()
    assert bpy.ops.intermask.generate.poll() and not bpy.ops.intermask.cancel.poll()
    with pytest.raises(RuntimeError, match="Nothing is being generated"):
        bpy.ops.intermask.cancel()
    with pytest.raises(RuntimeError, match="There is no take yet"):
        bpy.ops.intermask.delete_take()
    with pytest.raises(RuntimeError, match="There is no take to export"):
        bpy.ops.intermask.export(filepath="/tmp/never.bvh")
    armature = build_armature("Person", dancer(1).offsets, bpy.context.scene.collection)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="Go back to Object Mode"):
        bpy.ops.intermask.generate()
    bpy.ops.object.mode_set(mode="OBJECT")


def test_only_armatures_can_lead() -> None:
    scene = empty_scene()
    poll = type(scene.intermask).bl_rna.properties["leader"]
    assert poll.fixed_type == bpy.types.Object.bl_rna
    scene.intermask.leader = build_armature("Person", dancer(1).offsets, scene.collection)
    assert scene.intermask.leader.name == "Person"
    bpy.data.objects.remove(scene.intermask.leader)
    assert scene.intermask.leader is None


def test_registering_twice_in_turn_leaves_nothing_behind() -> None:
    intermask_blender.unregister()
    try:
        assert not any(hasattr(bpy.types, cls.__name__) for cls in CLASSES)
        assert not hasattr(bpy.types.Scene, "intermask") and not hasattr(bpy.types.WindowManager, "intermask")
    finally:
        intermask_blender.register()
    assert bpy.context.scene.intermask.prompt


@pytest.mark.slow
def test_both_packages_work_inside_an_extension(model: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    for name in ("intermask_blender", "model_core"):
        shutil.copytree(REPOSITORY / name, packed / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "assets" / "body", packed / "assets" / "body")
    (packed / "__init__.py").write_text("from .intermask_blender import register, unregister\n")
    script = (
        "import sys, packed, bpy; packed.register()\n"
        "from packed.intermask_blender.ui.preferences import ADDON\n"
        f"done = bpy.ops.intermask.generate(prompt='they hug', seconds=0.6, model={str(model)!r})\n"
        "people = [o.name for o in bpy.data.objects if o.type == 'ARMATURE']\n"
        "packed.unregister()\n"
        "print(ADDON, done, people, 'model_core' in sys.modules, flush=True); import os; os._exit(0)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.stdout.splitlines()[-1:] == ["packed {'FINISHED'} ['Person 1', 'Person 2'] False"], done.stderr


def test_importing_loads_no_torch_and_no_blender() -> None:
    script = (
        "import sys, intermask_blender, intermask_blender.batch.__main__, intermask_blender.generator.client\n"
        "assert 'bpy' not in sys.modules\n"
        "intermask_blender.register()\n"
        "loaded = [name for name in ('torch', 'safetensors', 'tokenizers') if name in sys.modules]\n"
        "intermask_blender.unregister()\n"
        "print(loaded, flush=True); import os; os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, timeout=100)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr  # Blender 5.2 prints a line of its own before
