"""Constraints that cannot be read: one sentence that names the constraint, and nothing is changed or sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import pytest
from blender_scene import dancer, empty_scene
from constraint_entries import add_constraint, add_constraints

from intermask_blender.rig.build import build_armature
from intermask_blender.rig.key import key_posed
from intermask_blender.scene.constraint_reading import with_constraints
from intermask_blender.scene.request import prepare

assert blender_scene

pytestmark = pytest.mark.usefixtures("registered")

Entry = bpy.types.PropertyGroup


def contents() -> dict[str, list[str]]:
    kinds = ("objects", "meshes", "armatures", "actions", "materials", "collections", "scenes", "curves")
    return {kind: sorted(getattr(bpy.data, kind).keys()) for kind in kinds}


def refusal(model: Path, **arguments: object) -> str:
    """The one line that Generate reports."""
    before = contents()
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model), **arguments)
    assert contents() == before
    (line,) = (line for line in str(caught.value).splitlines() if line.strip())
    assert line.startswith("Error: ") and line.endswith(".")
    return line.removeprefix("Error: ")


def deleted(entry: Entry) -> None:
    # Delete in the 3D view unlinks an object that something still points to.
    for collection in entry.object.users_collection:
        collection.objects.unlink(entry.object)


def mirrored(entry: Entry) -> None:
    parent = bpy.data.objects.new("Mirror", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.scale.x = -1.0
    entry.object.parent = parent


def nowhere(entry: Entry) -> None:
    entry.object.location.x = float("nan")


def without_length(entry: Entry) -> None:
    points = entry.object.data.splines[0].bezier_points
    for point in points:
        point.handle_left_type = point.handle_right_type = "VECTOR"
    for point in points:
        point.co = (0.0, 0.0, 0.0)


def upright(entry: Entry) -> None:
    """Length upwards is none on the ground."""
    for number, point in enumerate(entry.object.data.splines[0].bezier_points):
        point.co = (0.0, 0.0, 2.0 * number)


def setting(name: str, value: object) -> Callable[[Entry], None]:
    return lambda entry: setattr(entry, name, value)


def hidden_by_its_collection(entry: Entry) -> None:
    bpy.context.scene.intermask.constraint_collection.hide_viewport = True


FAULTS: dict[str, tuple[str, Callable[[Entry], None], str]] = {
    "deleted": ("WAYPOINT", deleted, "not in this scene"),
    "purged": ("PIN", lambda entry: bpy.data.objects.remove(entry.object), "not in this scene"),
    "hidden": ("PATH", lambda entry: entry.object.hide_set(True), "is hidden"),
    "disabled": ("PIN", lambda entry: setattr(entry.object, "hide_viewport", True), "is hidden"),
    "in a hidden collection": ("PIN", hidden_by_its_collection, "is hidden"),
    "mirrored": ("PIN", mirrored, "negative scale"),
    "flat": ("WAYPOINT", lambda entry: setattr(entry.object, "scale", (1, 1, 0)), "scale of zero"),
    "nowhere": ("WAYPOINT", nowhere, "non-finite"),
    "no length": ("PATH", without_length, "has no length"),
    "upright path": ("PATH", upright, "has no length"),
    "two splines": ("PATH", lambda entry: entry.object.data.splines.new("POLY"), "several splines"),
    "no keys": ("PATH", setting("timing", "KEYED"), "no keys"),
    "late": ("WAYPOINT", setting("end", 100), "outside the clip, which lasts from frame 1 to 60"),
    "early": ("WAYPOINT", setting("start", -3), "outside the clip"),
    "backwards": ("PIN", setting("end", 0), "comes after its last frame"),
    "lying": ("WAYPOINT", lambda entry: setattr(entry.object, "rotation_euler", (1.5708, 0, 0)), "up or down"),
    "no pose": ("WAYPOINT", setting("kind", "POSE"), "holds no pose"),
    "no point": ("CONTACT", setting("target", "POINT"), "not in this scene"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "spoil", "words"), FAULTS.values(), ids=FAULTS)
def test_a_constraint_that_cannot_be_read_is_named(
    model: Path, kind: str, spoil: Callable[[Entry], None], words: str
) -> None:
    empty_scene()
    entry = add_constraint(kind)
    entry.name = "At the door"
    spoil(entry)
    bpy.context.view_layer.update()
    line = refusal(model)
    assert line.startswith("At the door: ") and words in line
    entry.mute = True
    assert bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model)) == {"FINISHED"}


def test_what_is_outside_the_clip_is_left_out_where_the_user_says_so(model: Path) -> None:
    scene = empty_scene()
    path = add_constraint("PATH")
    assert path.whole_clip
    path.whole_clip, path.end = False, 500
    outside = add_constraint("WAYPOINT")
    outside.start = outside.end = 300
    refusal(model)
    scene.intermask.meet_partly = True
    settings, _ = with_constraints(scene, *prepare(scene, "they hug", 2.0, 0, model))
    (path,) = settings.constraints
    assert path["frame_indices"][-1] == 59 and settings.meet_partly


@pytest.mark.slow
def test_a_leader_and_a_person_who_is_kept_cannot_be_bound(model: Path) -> None:
    scene, person = empty_scene(), dancer(1)
    leader = build_armature("Leader", person.offsets, scene.collection)
    key_posed(person, leader, scene, 1, "Lead")
    scene.intermask.leader = leader
    entry = add_constraint("WAYPOINT")
    assert "who leads" in refusal(model)
    entry.person = "SECOND"
    assert bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model)) == {"FINISHED"}
    scene.intermask.leader = None
    scene.intermask.constraints.clear()
    bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model))
    entry = add_constraint("WAYPOINT")
    with pytest.raises(RuntimeError, match=r"Waypoint\.001 binds person 1, who is kept by this edit"):
        bpy.ops.intermask.edit(model=str(model), who="SECOND")
    assert bpy.ops.intermask.edit(model=str(model), who="FIRST") == {"FINISHED"}


def test_a_moving_point_is_no_contact(model: Path) -> None:
    scene = empty_scene()
    cube = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    scene.collection.objects.link(cube)
    bpy.context.view_layer.objects.active = cube
    cube.select_set(True)
    entry = add_constraint("CONTACT", at_active=True)
    assert entry.object.parent == cube and entry.target == "POINT"
    cube.keyframe_insert("location", frame=1)
    cube.location.x = 0.5
    cube.keyframe_insert("location", frame=40)
    assert "moves during the contact" in refusal(model)


def test_what_cannot_be_met_is_said_in_the_words_of_the_scene(model: Path) -> None:
    """Frames are those of the scene, people are Person 1 and Person 2, and objects are named."""
    scene = empty_scene(24.0)
    scene.frame_start, scene.intermask.seconds = 101, 2.0
    scene.frame_set(125)
    first, second = (add_constraint("PIN", "SECOND", joint="L_Wrist") for _ in range(2))
    second.object.location.x += 0.3
    line = refusal(model)
    assert line.startswith("Pin (P2 Pin) and Pin.001 (P2 Pin.001) want the left wrist of Person 2 at two places 0.30 m")
    assert "in frame 125;" in line
    second.mute = True
    first.object.location.z = 3.0
    assert refusal(model).startswith("Pin (P2 Pin) is 2.97 m above the floor in frame 125, where no left wrist reaches")
    first.mute = True
    near, far = (add_constraint("WAYPOINT", "FIRST") for _ in range(2))
    near.start = near.end = 101
    far.object.location.x += 9.0
    line = refusal(model)
    assert line.startswith("Waypoint.001 (P1 Waypoint.001) and Waypoint (P1 Waypoint) together ask Person 1 for 9")
    assert "between the frames 101 and 125;" in line


@pytest.mark.slow
def test_a_pinned_hand_and_a_held_pose_go_together(model: Path) -> None:
    scene = empty_scene()
    bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model))
    scene.frame_set(30)
    pose, pin = add_constraints(("POSE", "SECOND"), ("PIN", "SECOND"))
    pin.object.location.z += 0.2
    bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model))
    errors = scene.intermask.takes[-1].constraint_errors
    assert errors[pose.name].metres >= 0.0 and errors[pin.name].metres >= 0.0


def test_frames_that_an_edit_keeps_cannot_be_bound(model: Path) -> None:
    scene = empty_scene()
    bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model))
    scene.frame_set(10)
    add_constraint("WAYPOINT")
    with pytest.raises(RuntimeError, match=r"Waypoint \(P1 Waypoint\) is at frame 10, which is kept for Person 1; "):
        bpy.ops.intermask.edit(model=str(model), start=20, end=50)


def test_people_may_stand_still_at_a_waypoint(model: Path) -> None:
    scene = empty_scene()
    entry = add_constraint("WAYPOINT")
    entry.start, entry.end = 20, 40
    settings, _ = with_constraints(scene, *prepare(scene, "they hug", 2.0, 0, model))
    assert settings.constraints[0]["frame_indices"] == list(range(19, 40))
    assert bpy.ops.intermask.generate(prompt="they hug", seconds=2.0, model=str(model)) == {"FINISHED"}
