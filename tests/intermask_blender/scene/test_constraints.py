"""Constraints of the scene as constraints of a clip: their places, directions, poses and frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_rigs import KINDS, build_rig
from blender_scene import dancer, empty_scene, joints_in_blender
from constraint_entries import add_constraint, add_constraints
from control_rigs import build_control_rig
from couple_examples import couple_holding_hands
from keyed_rigs import key

from intermask_blender.generator.generation import GenerationSettings, Pair
from intermask_blender.rig.axes import vectors_to_blender
from intermask_blender.rig.build import build_armature
from intermask_blender.rig.capture import capture_pose
from intermask_blender.rig.key import key_posed
from intermask_blender.scene.clip_world import clip_world
from intermask_blender.scene.constraint_reading import active_entries, read_constraints, with_constraints
from intermask_blender.scene.new_takes import place_takes
from intermask_blender.scene.placement import Placement
from intermask_blender.scene.request import prepare
from model_core.constraints import Constraints, PathConstraint, PinConstraint, PoseConstraint
from model_core.constraints.files import constraints_from_json
from model_core.motion import SMPL, PosedSkeleton
from model_core.motion.canonical import facing
from model_core.motion.forward_kinematics import forward_kinematics
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import quaternion_from_axis_angle, quaternion_from_matrix, quaternion_multiply

assert blender_scene

WRIST, PELVIS = SMPL.index("R_Wrist"), SMPL.index("Pelvis")

pytestmark = pytest.mark.usefixtures("registered")


def request(model: Path, seconds: float = 2.0, **options: object) -> tuple[GenerationSettings, Placement]:
    """What Generate would send now."""
    scene = bpy.context.scene
    return with_constraints(scene, *prepare(scene, "they hug", seconds, 0, model, **options))


def test_people_of_the_scene_begin_where_they_stand_unless_a_constraint_says_otherwise(model: Path) -> None:
    scene = empty_scene()
    scene.cursor.location = (3.0, 1.0, 0.0)
    people = pair()
    place_takes([people], *reversed(prepare(scene, "they hug", 2.0, 0, model)))
    scene.frame_set(40)
    add_constraint("WAYPOINT", "SECOND")
    settings, _ = request(model, reuse=True)
    waypoint, *begins = constraints_from_json(list(settings.constraints), "the request")
    assert waypoint.frames == (39,) and [item.person for item in begins] == [0, 1]
    for item, person in zip(begins, people, strict=True):
        joints = person.joints()[0]
        angle = float(facing(joints))
        np.testing.assert_allclose(item.places[0], joints[PELVIS][[0, 2]], atol=1e-3)
        np.testing.assert_allclose(item.headings[0], (np.cos(angle), np.sin(angle)), atol=1e-3)
    add_constraint("PATH", "SECOND")
    scene.intermask.constraints[0].mute = True
    settings, _ = request(model, reuse=True)
    assert [item.person for item in constraints_from_json(list(settings.constraints), "the request")] == [1, 0]
    scene.intermask.begin_in_place = False
    settings, _ = request(model, reuse=True)
    assert len(settings.constraints) == 1
    # New people stand nowhere yet.
    scene.intermask.begin_in_place = True
    settings, _ = request(model, reuse=False)
    assert len(settings.constraints) == 1


def read(settings: GenerationSettings, placement: Placement) -> Constraints:
    """The constraints of the scene, as the generator gets them, but with all their digits."""
    scene = bpy.context.scene
    found = read_constraints(scene, active_entries(scene), clip_world(scene, settings, placement))
    sent = constraints_from_json(list(settings.constraints), "the request")
    # People who stand in the scene begin there.
    assert [type(item) for item in sent][: len(found)] == [type(item) for item in found]
    return found


def pair(seeds: tuple[int, int] = (0, 1), frames: int = 60) -> Pair:
    """Two people of whom the first begins at the origin and faces +Z, as the generator's do."""
    first, second = dancer(seeds[0], frames), dancer(seeds[1], frames)
    joints = first.joints()[0]
    angle = -float(facing(joints))
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array(((cos, 0, sin), (0, 1, 0), (-sin, 0, cos)))

    def moved(person: PosedSkeleton) -> PosedSkeleton:
        turns = person.rotations.copy()
        turns[:, 0] = quaternion_multiply(quaternion_from_matrix(turn), turns[:, 0])
        place = (person.translation - joints[0] * (1, 0, 1)) @ turn.T
        return replace(person, rotations=turns, translation=place)

    return moved(first), moved(second)


def in_scene(owner: bpy.types.Object, frame: int) -> np.ndarray:
    """(22, 3) joints in Blender's world, scene units."""
    bpy.context.scene.frame_set(frame)
    return vectors_to_blender(joints_in_blender(owner))


@pytest.mark.parametrize(("fps", "metres", "start"), [(30.0, 1.0, 1), (24.0, 1.0, 10), (60.0, 0.01, 0)])
def test_a_point_of_the_scene_is_where_the_clip_has_it(model: Path, fps: float, metres: float, start: int) -> None:
    scene = empty_scene(fps)
    scene.unit_settings.scale_length, scene.frame_start = metres, start
    scene.cursor.location, scene.cursor.rotation_euler = (3.0 / metres, -2.0 / metres, 0.5 / metres), (0, 0, 0.7)
    scene.frame_set(start + 5)
    pin, waypoint = add_constraints(("PIN", "SECOND"), ("WAYPOINT", "FIRST"))
    settings, placement = request(model)
    people = pair()
    place_takes([people], placement, settings)
    take = scene.intermask.takes[0]
    frame = start + round(fps)
    joints = [in_scene(owner, frame) for owner in (take.character_1, take.character_2)]
    pin.object.location, waypoint.object.location = joints[1][WRIST], (*joints[0][PELVIS, :2], 0.0)
    ahead = joints[0][SMPL.index("L_Hip")] - joints[0][SMPL.index("R_Hip")]
    waypoint.object.rotation_euler = (0.0, 0.0, np.arctan2(ahead[1], ahead[0]) + np.pi)
    for entry in (pin, waypoint):
        entry.start = entry.end = frame
    found = read(*request(model, reuse=False))
    wanted = [person.joints() for person in people]
    pinned, place = found.items
    assert isinstance(pinned, PinConstraint) and isinstance(place, PathConstraint)
    assert (pinned.person, pinned.start, pinned.stop) == (1, 30, 31) and place.frames == (30,)
    # Soles are as thick as those of a person of usual size.
    np.testing.assert_allclose(pinned.points[0], wanted[1][30, WRIST], atol=0.012)
    np.testing.assert_allclose(pinned.points[0][[0, 2]], wanted[1][30, WRIST][[0, 2]], atol=1e-3)
    np.testing.assert_allclose(place.places[0], wanted[0][30, PELVIS][[0, 2]], atol=1e-3)
    angle = float(facing(wanted[0][30]))
    np.testing.assert_allclose(place.headings[0], (np.cos(angle), np.sin(angle)), atol=1e-3)


def test_generating_again_keeps_the_world_of_the_take(model: Path) -> None:
    """Person 1 does not begin exactly at the origin; the world must not move with each generation."""
    scene = empty_scene()
    scene.cursor.location = (1.0, 2.0, 0.0)
    settings, placement = prepare(scene, "they hug", 2.0, 0, model)
    first, second = pair()
    place_takes([(first, second)], placement, settings)
    add_constraint("WAYPOINT")
    scene.intermask.constraints[0].object.location = (4.0, 4.0, 0.0)
    worlds = []
    for _ in range(3):
        settings, placement = request(model, reuse=True)
        worlds.append(clip_world(scene, settings, placement).matrix)
        off = replace(first, translation=first.translation + np.array((0.05, 0.0, 0.03)))
        place_takes([(off, second)], placement, settings)
    np.testing.assert_allclose(worlds[1:], [worlds[0]] * 2, atol=1e-5)
    # The take without constraints had its middle at the cursor; its person 1 begins where it began then.
    scene.intermask.take_index = 0
    pelvis = in_scene(scene.intermask.takes[0].character_1, 1)[PELVIS]
    np.testing.assert_allclose(worlds[0][:2, 3], pelvis[:2], atol=0.02)


def test_own_rigs_begin_where_they_stand_and_walk_to_the_places_that_are_asked_for(model: Path) -> None:
    """Their motion is scaled to their size: places of the clip are, too."""
    scene = empty_scene()
    owners = build_rig(KINDS["mixamo"], scene), build_rig(KINDS["unreal"], scene)
    for number, owner in enumerate(owners):
        owner.location, owner.rotation_euler = (3.0 + number, 1.0, 0.0), (0.0, 0.0, 0.4)
        owner.scale *= 0.6
    bpy.context.view_layer.update()
    stood = in_scene_of(owners[0], 1)
    waypoint = add_constraint("WAYPOINT", "SECOND")
    settings, placement = request(model, characters=owners)
    people = pair()
    place_takes([people], placement, settings)
    np.testing.assert_allclose(in_scene_of(owners[0], 1)[:2], stood[:2], atol=0.02)
    waypoint.object.location = in_scene_of(owners[1], 50)
    waypoint.start = waypoint.end = 50
    scene.frame_set(1)
    (constraint,) = read(*request(model, characters=owners)).items
    np.testing.assert_allclose(constraint.places[0], people[1].joints()[49, PELVIS][[0, 2]], atol=0.02)


def in_scene_of(owner: bpy.types.Object, frame: int) -> np.ndarray:
    """(3,) the hips of any rig, scene units."""
    bpy.context.scene.frame_set(frame)
    captured = capture_pose(owner, bpy.context.scene)
    return vectors_to_blender(captured.joints[0][PELVIS])


def test_a_held_pose_is_the_pose_again_wherever_its_figure_is_moved(model: Path) -> None:
    scene = empty_scene()
    person = dancer(5)
    owner = build_armature("Poser", person.offsets, scene.collection)
    key_posed(person, owner, scene, 1, "Dance")
    owner.location = (2.0, -3.0, 0.0)
    scene.frame_set(20)
    bpy.context.view_layer.objects.active = owner
    owner.select_set(True)
    pose = add_constraint("POSE", "SECOND")
    assert (pose.start, pose.end) == (20, 20)
    before = read(*request(model)).items[0]
    assert isinstance(before, PoseConstraint) and before.frames == (19,) and before.person == 1
    joints = in_scene(owner, 20)
    world = clip_world(scene, *request(model))
    built = forward_kinematics(before.rotations, before.roots, person.offsets, SMPL)[0]
    wanted = world.points(1, joints)
    # The same pose: equal from the hips, at their place; heights by the length of the legs.
    np.testing.assert_allclose(built - built[0], wanted - wanted[0], atol=2e-3)
    np.testing.assert_allclose(built[0][[0, 2]], wanted[0][[0, 2]], atol=2e-3)
    pose.object.location += pose.object.matrix_world.to_3x3().col[1] * 1.5
    bpy.context.view_layer.update()
    after = read(*request(model)).items[0]
    angle = float(facing(built))
    np.testing.assert_allclose(
        after.roots[0] - before.roots[0], (1.5 * np.sin(angle), 0.0, 1.5 * np.cos(angle)), atol=1e-4
    )
    pose.object.rotation_euler.z += 0.5
    bpy.context.view_layer.update()
    turned = read(*request(model)).items[0]
    again = forward_kinematics(turned.rotations, turned.roots, person.offsets, SMPL)[0]
    assert float(facing(again)) - angle == pytest.approx(0.5, abs=1e-3)


def test_unkeyed_changes_and_the_selected_bones_are_what_is_held(model: Path) -> None:
    scene = empty_scene()
    rig = build_rig(KINDS["mixamo"], scene)
    key(dancer(2), rig, scene)
    scene.frame_set(15)
    arm = rig.pose.bones["mixamorig:RightArm"]
    bpy.context.view_layer.objects.active = rig
    rig.select_set(True)
    keyed = read_pose(model)
    arm.rotation_mode = "XYZ"
    arm.rotation_euler.x += 0.8
    bpy.context.view_layer.update()
    changed = read_pose(model)
    difference = np.abs(changed.rotations - keyed.rotations).max(axis=(0, 2, 3))
    assert difference[SMPL.index("R_Shoulder")] > 0.1
    assert np.delete(difference, [SMPL.index("R_Shoulder"), SMPL.index("R_Elbow")]).max() < 1e-4
    bpy.ops.object.mode_set(mode="POSE")
    for bone in rig.pose.bones:
        (bone if bpy.app.version >= (5, 0) else bone.bone).select = bone.name == arm.name
    selected = read_pose(model, selected_bones=True)
    bpy.ops.object.mode_set(mode="OBJECT")
    assert selected.joints == (SMPL.index("R_Shoulder"),)


def test_an_ik_control_means_its_limb_and_hidden_bones_are_not_selected(model: Path) -> None:
    scene = empty_scene()
    rig = build_control_rig("auto_rig_pro", scene)
    bpy.context.view_layer.objects.active = rig
    rig.select_set(True)
    hidden = rig.data.collections.new("Hidden")
    hidden.assign(rig.data.bones["c_thigh_fk.l"])
    hidden.is_visible = False
    bpy.ops.object.mode_set(mode="POSE")
    for bone in rig.pose.bones:
        (bone if bpy.app.version >= (5, 0) else bone.bone).select = bone.name in ("c_hand_ik.r", "c_thigh_fk.l")
    selected = read_pose(model, selected_bones=True)
    bpy.ops.object.mode_set(mode="OBJECT")
    assert selected.joints == tuple(SMPL.index(f"R_{name}") for name in ("Shoulder", "Elbow", "Wrist"))


def read_pose(model: Path, **options: object) -> PoseConstraint:
    """The only constraint then: two poses in one frame contradict each other."""
    bpy.context.scene.intermask.constraints.clear()
    add_constraint("POSE", **options)
    constraint = read(*request(model)).items[-1]
    assert isinstance(constraint, PoseConstraint)
    return constraint


@pytest.mark.parametrize("kind", ["again", "mixamo bare", "vrm"])
def test_a_hand_stays_at_its_point_on_bodies_of_other_proportions(model: Path, kind: str) -> None:
    """The clip's people meet the constraint; longer arms and shorter legs must not lose it."""
    scene = empty_scene()
    scene.cursor.location = (2.0, 1.0, 0.0)
    owners: tuple[bpy.types.Object | None, bpy.types.Object | None] = (None, None)
    if kind == "again":
        place_takes([pair((7, 8))], *reversed(prepare(scene, "they hug", 2.0, 0, model)))
    else:
        owners = build_rig(KINDS[kind], scene), build_rig(KINDS[kind], scene)
        owners[1].location = (0.0, 1.5, 0.0)
    bpy.context.view_layer.update()
    scene.frame_set(30)
    pins = [add_constraint("PIN", "SECOND", joint=joint) for joint in ("R_Wrist", "L_Ankle")]
    for pin in pins:
        pin.start, pin.end = 25, 40
    people = standing_pair()
    settings, placement = request(model, reuse=True, characters=owners)
    world = clip_world(scene, settings, placement)
    # The points are where the clip has the hand and the foot, as a clip that meets its constraints does.
    for pin, joint in zip(pins, (WRIST, SMPL.index("L_Ankle")), strict=True):
        place = people[1].joints()[30, joint]
        inside = vectors_to_blender(world.scales[1].apply(place * world.size))
        pin.object.location = world.matrix[:3, :3] @ inside + world.matrix[:3, 3]
    bpy.context.view_layer.update()
    read_again = read(*request(model, reuse=True, characters=owners))
    np.testing.assert_allclose(read_again.items[0].points[0], people[1].joints()[30, WRIST], atol=1e-4)
    settings, placement = request(model, reuse=True, characters=owners)
    place_takes([people], placement, settings)
    take = scene.intermask.takes[scene.intermask.take_index]
    for frame in (25, 32, 40):
        scene.frame_set(frame)
        joints = vectors_to_blender(capture_pose(take.character_2, scene).joints[0])
        assert np.linalg.norm(joints[WRIST] - np.array(pins[0].object.location)) < 0.005
        assert np.linalg.norm(joints[SMPL.index("L_Ankle")] - np.array(pins[1].object.location)) < 0.005


def standing_pair(frames: int = 60) -> Pair:
    """Two people of usual size who stand face to face with bent limbs."""
    turns = np.zeros((frames, 22, 3))
    for side, sign in (("L", 1.0), ("R", -1.0)):
        turns[:, SMPL.index(f"{side}_Shoulder")] = (0.3, -0.9 * sign, -0.9 * sign)
        turns[:, SMPL.index(f"{side}_Elbow")] = (0.0, -0.9 * sign, 0.0)
        turns[:, SMPL.index(f"{side}_Hip"), 0] = -0.4
        turns[:, SMPL.index(f"{side}_Knee"), 0] = 0.8
        turns[:, SMPL.index(f"{side}_Ankle"), 0] = -0.4
    people = []
    for yaw, z in ((0.0, 0.0), (np.pi, 1.2)):
        turns[:, 0] = (0.0, yaw, 0.0)
        place = np.tile((0.0, 0.0, z), (frames, 1))
        person = PosedSkeleton(SMPL_REST_OFFSETS, quaternion_from_axis_angle(turns), place, 30.0)
        lowest = float(person.joints()[..., 1].min())
        people.append(replace(person, translation=place - (0.0, lowest, 0.0)))
    return people[0], people[1]


def test_a_held_pose_comes_back_on_bodies_of_other_proportions_whose_hands_touch(model: Path) -> None:
    """The clip meets the pose; a taller and a smaller body must not bend it to keep hands together."""
    scene = empty_scene()
    people = couple_holding_hands(60)
    owners = build_rig(KINDS["mixamo"], scene), build_rig(KINDS["mixamo"], scene)
    for number, (owner, size) in enumerate(zip(owners, (1.15, 0.85), strict=True)):
        owner.scale *= size
        owner.location = (0.0, float(number), 0.0)
        key(people[number], owner, scene)
    scene.intermask.character_1, scene.intermask.character_2 = owners
    scene.frame_set(31)
    before = pose_from_hips(owners[0], 31)
    entry = add_constraint("POSE")
    assert entry.start == 31
    settings, placement = prepare(scene, "they hug", 2.0, 0, model, characters=owners)
    settings, placement = with_constraints(scene, settings, placement)
    place_takes([people], placement, settings)
    after = pose_from_hips(owners[0], 31)
    assert np.linalg.norm(after - before, axis=-1).mean() < 0.01


def pose_from_hips(owner: bpy.types.Object, frame: int) -> np.ndarray:
    """(22, 3) joints of a rig from its hips, metres."""
    bpy.context.scene.frame_set(frame)
    joints = capture_pose(owner, bpy.context.scene).joints[0]
    return joints - joints[PELVIS]
