"""The list of constraints: what its buttons add and remove, and what is saved with the file."""

from __future__ import annotations

from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_rigs import KINDS, build_rig
from blender_scene import dancer, empty_scene
from constraint_entries import add_constraint, add_constraints
from keyed_rigs import key

from intermask_blender.generator.generation import errors_of
from intermask_blender.panels.direct import error_text, pins_over
from intermask_blender.properties.direct import PIN_JOINTS, PLACES
from intermask_blender.rig.capture import capture_pose
from intermask_blender.scene.clip_world import clip_world
from intermask_blender.scene.constraint_reading import active_entries, read_constraints
from intermask_blender.scene.new_takes import missed_notice, place_takes
from intermask_blender.scene.placing import COLOURS
from intermask_blender.scene.request import prepare
from intermask_blender.ui.constraint_overlay import marks
from model_core.constraints.types import PIN_JOINTS as JOINTS
from model_core.motion.places import PLACES as ALL_PLACES
from model_core.worker.protocol import Message

assert blender_scene

pytestmark = pytest.mark.usefixtures("registered")


def read(model: Path, seconds: float = 2.0) -> list:
    """The constraints of what Generate would send now."""
    scene = bpy.context.scene
    request = prepare(scene, "they hug", seconds, 0, model)
    return list(read_constraints(scene, active_entries(scene), clip_world(scene, *request)))


def two_people(model: Path) -> tuple[bpy.types.Object, bpy.types.Object]:
    """A generated pair of 60 frames, whose take is chosen."""
    scene = bpy.context.scene
    settings, placement = prepare(scene, "they hug", 2.0, 0, model)
    place_takes([(dancer(0, 60), dancer(1, 60))], placement, settings)
    return scene.intermask.takes[0].character_1, scene.intermask.takes[0].character_2


def test_all_joints_and_places_of_the_generator_can_be_chosen() -> None:
    assert {name for name, *_ in PLACES} == set(ALL_PLACES)
    assert {name for name, *_ in PIN_JOINTS} == set(JOINTS)


def test_objects_appear_where_people_stand_in_their_colours(model: Path) -> None:
    scene = empty_scene()
    people = two_people(model)
    scene.frame_set(20)
    for number, person in enumerate(("FIRST", "SECOND")):
        joints = capture_pose(people[number], scene).joints[0]
        pelvis = joints[0] * (1, 1, -1)
        path, waypoint, pin, pose = (add_constraint(kind, person) for kind in ("PATH", "WAYPOINT", "PIN", "POSE"))
        bpy.context.view_layer.update()
        np.testing.assert_allclose(waypoint.object.location[:2], pelvis[[0, 2]], atol=1e-3)
        np.testing.assert_allclose(pose.object.location[:2], pelvis[[0, 2]], atol=1e-3)
        wrist = joints[21] * (1, 1, -1)
        np.testing.assert_allclose(pin.object.location, wrist[[0, 2, 1]], atol=1e-3)
        # The take walks: the path leads from its first place to its last.
        ends = [path.object.matrix_world @ point.co for point in path.object.data.splines[0].bezier_points]
        for frame, end in zip((1, 60), ends, strict=True):
            scene.frame_set(frame)
            stood = capture_pose(people[number], scene).joints[0, 0] * (1, 1, -1)
            np.testing.assert_allclose(end[:2], stood[[0, 2]], atol=1e-3)
        scene.frame_set(20)
        for entry in (path, waypoint, pin, pose):
            assert entry.object.name == f"P{number + 1} {entry.name}" and entry.object.color[:3] == pytest.approx(
                COLOURS[number]
            )
        assert path.object.active_material.diffuse_color[:3] == pytest.approx(COLOURS[number])
        assert [owner.name for owner in bpy.context.selected_objects] == [pin.object.name], "G moves what was added"
    names = [entry.name for entry in scene.intermask.constraints]
    assert len(set(names)) == len(names) == 8
    assert {entry.object for entry in scene.intermask.constraints} == set(bpy.data.collections["Direct"].objects)
    path.person = "FIRST"
    assert path.object.active_material.diffuse_color[:3] == pytest.approx(COLOURS[0])


def test_removing_a_constraint_removes_its_object_and_never_one_of_the_user(model: Path) -> None:
    scene = empty_scene()
    before = [len(getattr(bpy.data, kind)) for kind in ("objects", "curves", "materials", "collections")]
    for kind in ("PATH", "PIN", "WAYPOINT", "CONTACT"):
        add_constraint(kind)
    for _ in range(4):
        assert bpy.ops.intermask.remove_constraint() == {"FINISHED"}
    assert [len(getattr(bpy.data, kind)) for kind in ("objects", "curves", "materials", "collections")] == before
    assert not bpy.ops.intermask.remove_constraint.poll()
    bpy.ops.curve.primitive_nurbs_path_add()
    own = bpy.context.object
    assert add_constraint("PATH").object == own
    bpy.ops.intermask.remove_constraint()
    assert own.name in scene.objects


def test_a_deleted_person_leaves_the_pins_that_follow_it(model: Path) -> None:
    scene = empty_scene()
    first, _ = two_people(model)
    pin = add_constraint("PIN", "SECOND")
    pin.object.parent = first
    bpy.ops.intermask.delete_take()
    assert pin.object is not None and pin.object.name in scene.objects and pin.object.parent is None


def test_constraints_are_saved_with_the_file(tmp_path: Path, model: Path) -> None:
    empty_scene()
    two_people(model)
    for kind in ("PATH", "WAYPOINT", "PIN", "POSE", "CONTACT"):
        add_constraint(kind, "SECOND")
    bpy.context.scene.intermask.constraints[2].mute = True
    before = read(model)
    assert len(before) == 4
    file = str(tmp_path / "saved.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    after = read(model)
    for one, other in zip(before, after, strict=True):
        assert type(one) is type(other) and one.name == other.name and one.person == other.person == 1
    np.testing.assert_allclose(before[0].places, after[0].places, atol=1e-5)
    np.testing.assert_allclose(before[2].rotations, after[2].rotations, atol=1e-5)


def test_a_path_is_walked_evenly_or_as_its_evaluation_time_is_keyed(model: Path) -> None:
    scene = empty_scene()
    bpy.ops.curve.primitive_bezier_curve_add()
    curve = bpy.context.object
    points = curve.data.splines[0].bezier_points
    for number, point in enumerate(points):
        point.handle_left_type = point.handle_right_type = "VECTOR"
        point.co = (0.0, 3.0 * number, 0.4 * number)
    curve.data.bevel_depth = 0.1
    scene.cursor.location = (0.0, 0.0, 0.0)
    path = add_constraint("PATH")
    assert path.object == curve
    path.face_along = True
    (even,) = read(model)
    assert even.frames == tuple(range(60)) and even.dense
    # A new person at the cursor faces along +Y, which is the clip's +Z.
    np.testing.assert_allclose(even.places[:, 1], np.linspace(0.0, 3.0, 60), atol=1e-3)
    np.testing.assert_allclose(even.places[:, 0], 0.0, atol=1e-5)
    np.testing.assert_allclose(even.headings, np.tile((1.0, 0.0), (60, 1)), atol=1e-5)
    path.timing = "KEYED"
    curve.data.path_duration = 100
    for frame, time_on_path in ((1, 0.0), (31, 100.0)):
        curve.data.eval_time = time_on_path
        curve.data.keyframe_insert("eval_time", frame=frame)
    (keyed,) = read(model)
    assert keyed.places[30:, 1] == pytest.approx(3.0, abs=1e-3)
    assert 1.2 < keyed.places[15, 1] < 1.8
    curve.parent = bpy.data.objects.new("Carrier", None)
    scene.collection.objects.link(curve.parent)
    for frame, x in ((1, 0.0), (60, 2.0)):
        curve.parent.location.x = x
        curve.parent.keyframe_insert("location", frame=frame)
    (carried,) = read(model)
    assert carried.places[-1, 0] == pytest.approx(-2.0, abs=1e-3)


@pytest.mark.parametrize("kind", ["mixamo", "unreal", "ours"])
def test_begin_and_end_in_poses_of_any_rig(model: Path, kind: str) -> None:
    scene = empty_scene()
    rig = build_rig(KINDS[kind], scene)
    key(dancer(3), rig, scene)
    scene.intermask.character_2 = rig
    scene.intermask.seconds = 2.0
    scene.frame_end = 60
    scene.frame_set(45)
    begin, end = add_constraints(("FROM_POSE", "SECOND"), ("TO_POSE", "SECOND"))
    assert (begin.start, begin.end, end.start, end.end) == (1, 1, 60, 60)
    first, last = read(model)
    assert first.frames == (0,) and last.frames == (59,) and first.in_place and last.in_place
    assert scene.frame_current == 45
    poses = {}
    for frame in (45, 60):
        scene.frame_set(frame)
        motion = capture_pose(rig, scene).motion
        poses[frame] = motion.rotations[0]
    np.testing.assert_allclose(first.rotations[0, 1:], poses[45], atol=1e-4)
    np.testing.assert_allclose(last.rotations[0, 1:], poses[60], atol=1e-4)
    # As high as a person of usual size would have it, however large the rig is.
    assert 0.6 < first.roots[0, 1] < 1.2


def test_the_pose_of_the_other_person_is_not_taken_by_mistake(model: Path) -> None:
    """A first take leaves both people selected and person 1 active."""
    scene = empty_scene()
    people = two_people(model)
    scene.frame_set(30)
    for owner in people:
        owner.select_set(True)
    bpy.context.view_layer.objects.active = people[0]
    add_constraint("POSE", "SECOND")
    (held,) = read(model)
    np.testing.assert_allclose(held.rotations[0, 1:], capture_pose(people[1], scene).motion.rotations[0], atol=1e-4)
    bpy.context.view_layer.objects.active = people[0]
    bpy.ops.object.mode_set(mode="POSE")
    entry = add_constraint("POSE", "SECOND")
    bpy.ops.object.mode_set(mode="OBJECT")
    assert entry.person == "FIRST", "who is posed is bound"


def test_there_is_no_pose_without_a_person(model: Path) -> None:
    empty_scene()
    with pytest.raises(RuntimeError, match="no armature yet"):
        add_constraint("FROM_POSE")
    assert not bpy.context.scene.intermask.constraints and "Direct" not in bpy.data.collections


def test_an_entry_of_the_menu_does_not_inherit_what_the_last_one_switched_on() -> None:
    """Without a window Blender remembers no values, so that the flag that stops it is what can be seen here."""
    properties = bpy.ops.intermask.add_constraint.get_rna_type().properties
    switches = {prop.identifier: prop.is_skip_save for prop in properties if prop.type == "BOOLEAN"}
    assert switches == {"selected_bones": True, "at_active": True}


def test_a_point_follows_the_active_object(model: Path) -> None:
    scene = empty_scene()
    bpy.ops.mesh.primitive_cube_add(size=0.2, location=(1.0, 4.0, 1.0), rotation=(0.3, 0.2, 0.1))
    handle = bpy.context.object
    handle.scale = (2.0, 1.0, 0.5)
    bpy.context.view_layer.update()
    pin = add_constraint("PIN", at_active=True)
    bpy.context.view_layer.update()
    np.testing.assert_allclose(pin.object.matrix_world.translation, (1.0, 4.0, 1.0), atol=1e-5)
    handle.location.z = 1.5
    bpy.context.view_layer.update()
    np.testing.assert_allclose(pin.object.matrix_world.translation, (1.0, 4.0, 1.5), atol=1e-5)
    assert scene.objects.get(pin.object.name)


@pytest.mark.parametrize(
    ("size", "turn", "middle", "place", "ahead"),
    [
        ((0.9, 0.05, 2.0), 0.0, (1.5, 3.0, 1.0), (1.5, 2.525), (0.0, 1.0)),
        ((0.9, 0.05, 2.0), np.pi / 2, (3.0, 0.4, 1.0), (2.525, 0.4), (1.0, 0.0)),
        ((0.12, 0.05, 0.03), 0.0, (-1.2, -3.0, 1.0), (-1.2, -2.525), (0.0, -1.0)),
        ((2.0, 2.0, 0.02), 0.0, (3.0, 3.0, 0.01), (3.0, 3.0), (0.0, 1.0)),
    ],
    ids=["door", "turned door", "handle behind", "rug"],
)
def test_a_waypoint_at_an_object_is_before_the_side_that_the_person_comes_from(
    model: Path, size: tuple[float, ...], turn: float, middle: tuple[float, ...], place: tuple[float, ...],
    ahead: tuple[float, ...],
) -> None:  # fmt: skip
    empty_scene()
    bpy.ops.mesh.primitive_cube_add(size=1.0, location=middle, rotation=(0.0, 0.0, turn))
    bpy.context.object.scale = size
    bpy.context.view_layer.update()
    waypoint = add_constraint("WAYPOINT", at_active=True)
    assert (waypoint.start, waypoint.end) == (1, 31)
    bpy.context.view_layer.update()
    matrix = np.array(waypoint.object.matrix_world)
    np.testing.assert_allclose(matrix[:3, 3], (*place, 0.0), atol=1e-5)
    np.testing.assert_allclose(matrix[:3, 1] / np.linalg.norm(matrix[:3, 1]), (*ahead, 0.0), atol=1e-5)


def test_a_waypoint_off_the_ground_shows_where_the_person_stands(model: Path) -> None:
    """In a perspective view, G moves it under the ground; what counts is the place above."""
    scene = empty_scene()
    scene.cursor.location.z = 0.2
    waypoint = add_constraint("WAYPOINT")
    waypoint.object.location = (1.0, 2.0, -0.4)
    waypoint.object.rotation_euler = (0.3, 0.0, 0.5)
    bpy.context.view_layer.update()
    (mark,) = marks(scene, bpy.context.view_layer)
    np.testing.assert_allclose(mark.place, (1.0, 2.0, 0.2), atol=1e-6)
    np.testing.assert_allclose(mark.lines[:-2, 2], 0.2, atol=1e-6)
    np.testing.assert_allclose(mark.lines[-2:], ((1.0, 2.0, 0.2), (1.0, 2.0, -0.4)), atol=1e-6)


def test_a_new_constraint_does_not_show_the_error_of_one_that_was_removed(model: Path) -> None:
    scene = empty_scene()
    take = scene.intermask.takes.add()
    take.constraint_errors.add().name = "Waypoint"
    waypoint = add_constraint("WAYPOINT")
    assert waypoint.name == "Waypoint.001" and error_text(scene.intermask, waypoint.name) == ""


def test_a_take_shows_how_well_it_meets_each_constraint(model: Path) -> None:
    scene = empty_scene()
    settings, placement = prepare(scene, "they hug", 2.0, 0, model)
    reply = Message("result", {"constraint_errors": [[
        {"number": 0, "name": "Path", "label": "The path 'Path'", "mean": 0.01, "worst": 0.034, "worst_frame": 3,
         "worst_angle": 5.2},
        {"number": 1, "name": "Jane's hand", "label": "The pin 'Jane's hand'", "worst": 0.004, "worst_frame": 3},
        {"number": 2, "name": "Shelf", "label": "The contact 'Shelf'", "worst": 0.482, "worst_frame": 9,
         "missed": True},
    ], []]}, {})  # fmt: skip
    errors = errors_of(reply)
    place_takes([(dancer(0, 60), dancer(1, 60))] * 2, placement, settings, errors)
    listed = scene.intermask
    listed.take_index = 0
    assert [error_text(listed, name) for name in ("Path", "Jane's hand", "Pose")] == ["3.4 cm 5°", "0.4 cm", ""]
    assert error_text(listed, "Shelf") == "not met 48.2 cm"
    assert missed_notice(listed.takes[0]) == "Not met: Shelf; change what is asked, or try another seed"
    listed.take_index = 1
    assert error_text(listed, "Path") == "" and missed_notice(listed.takes[1]) == ""


def test_views_show_frames_and_colours_of_what_is_not_muted(model: Path) -> None:
    scene = empty_scene()
    scene.unit_settings.scale_length = 0.01
    scene.frame_set(12)
    waypoint, pin, path = add_constraints(("WAYPOINT", "FIRST"), ("PIN", "SECOND"), ("PATH", "FIRST"))
    waypoint.object.scale = (3.0, 3.0, 3.0)
    bpy.context.view_layer.update()
    ring, cross, line, *_ = marks(scene, bpy.context.view_layer)
    assert (ring.text, cross.text, line.text) == (f"Waypoint  {12}", f"Pin  {12}-{42}", "Path")
    assert ring.colour != cross.colour and ring.colour == line.colour
    assert np.ptp(ring.lines[:, 0]) == pytest.approx(50.0, rel=0.02), "half a metre wide, whatever its scale is"
    np.testing.assert_allclose(cross.lines.mean(0), pin.object.location, atol=1e-3)
    waypoint.mute = True
    pin.object.hide_set(True)
    assert next(marks(scene, bpy.context.view_layer)).text == path.name


def test_frame_numbers_stand_where_the_person_is_then(model: Path) -> None:
    scene = empty_scene()
    bpy.ops.curve.primitive_bezier_curve_add()
    curve = bpy.context.object
    for number, point in enumerate(curve.data.splines[0].bezier_points):
        point.handle_left_type = point.handle_right_type = "AUTO"
        point.co = (0.0, 3.0 * number, 0.0)
    curve.location = (1.0, 0.0, 0.0)
    path = add_constraint("PATH")
    path.whole_clip, path.start, path.end = False, 1, 61
    bpy.context.view_layer.update()
    _, *numbers = marks(scene, bpy.context.view_layer)
    assert [mark.text for mark in numbers] == ["1", *(str(frame) for frame in range(5, 61, 5)), "61"]
    for mark in numbers:
        place = (1.0, 3.0 * (int(mark.text) - 1) / 60, 0.0)
        np.testing.assert_allclose(mark.place, place, atol=1e-4)
    # As the generator is asked for it.
    scene.intermask.seconds = 3.0
    (asked,) = read(model, 3.0)
    np.testing.assert_allclose(asked.places[29, 1], numbers[6].place[1], atol=0.01)
    path.timing = "KEYED"
    assert len(list(marks(scene, bpy.context.view_layer))) == 1, "no keys yet"
    for frame, time in ((1, 0.0), (31, 100.0)):
        curve.data.eval_time = time
        curve.data.keyframe_insert("eval_time", frame=frame)
    _, *numbers = marks(scene, bpy.context.view_layer)
    np.testing.assert_allclose(numbers[-1].place, numbers[-6].place, atol=1e-4)
    scene.collection.objects.unlink(curve)
    assert not list(marks(scene, bpy.context.view_layer))


@pytest.mark.slow
def test_what_carries_a_point_is_not_in_the_way(model: Path) -> None:
    """The hand is asked to come to the handle."""
    scene = empty_scene()
    bpy.ops.mesh.primitive_cube_add(size=1.0, location=(0.0, 0.0, 1.0))
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model))
    assert scene.intermask.takes[0].stands_in == "Cube"
    bpy.ops.mesh.primitive_cube_add(size=0.1, location=(0.0, 0.0, 1.0))
    bpy.context.object.parent = bpy.data.objects["Cube"]
    contact = add_constraint("CONTACT", at_active=True)
    contact.weight = 0.0
    bpy.ops.intermask.generate(prompt="they hug", seconds=1.0, model=str(model))
    assert scene.intermask.takes[1].stands_in == ""


def test_a_pose_says_which_pin_has_its_arm(model: Path) -> None:
    scene = empty_scene()
    two_people(model)
    scene.frame_set(20)
    add_constraints(("POSE", "FIRST"), ("PIN", "FIRST"))
    add_constraint("PIN", joint="Head")
    _, later = add_constraints(("PIN", "SECOND"), ("PIN", "FIRST"))
    later.start = later.end = 40
    entries = scene.intermask.constraints
    names = [entry.name for entry in entries[1:]]
    assert pins_over(entries[0], entries) == names[:1] and pins_over(entries[1], entries) == []
    entries[1].mute = True
    assert pins_over(entries[0], entries) == []
