"""Props in real Blender: handed over, held and kicked, without a key on the prop itself."""

from __future__ import annotations

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_scene import empty_scene

from intermask_blender.rig.build import build_armature
from intermask_blender.rig.key import key_posed
from intermask_blender.scene.overlaps import overlapping_objects
from intermask_blender.scene.people import mark_generated
from intermask_blender.scene.prop_shapes import BALL_RADIUS, extent, handle_radius, new_prop
from intermask_blender.scene.props import Hand, beside, hand_over, hands_of, hold, holding_hand, kick
from intermask_blender.scene.takes import add_take
from model_core.errors import UserError
from model_core.fingers.hand_capsules import FINGER_RADII, Capsules, depths
from model_core.fingers.hand_pose import FINGERS, TIP_LENGTHS
from model_core.fingers.posing import with_fingers
from model_core.fingers.states import FINGER_STATES, HANDLE, RELAXED
from model_core.motion import SMPL, PosedSkeleton
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import quaternion_from_axis_angle, quaternion_multiply

assert blender_scene

FRAMES, MEETING = 31, 15


def pair(kicks: tuple[int, ...] = ()) -> list[PosedSkeleton]:
    """Two people face each other with their right arms ahead, hands together in frame 15; one lets go of a handle."""
    people = []
    turned = quaternion_from_axis_angle(np.array((0.0, np.pi, 0.0)))
    for number in (0, 1):
        rotations = np.zeros((FRAMES, len(SMPL), 4))
        rotations[..., 0] = 1
        rotations[:, SMPL.index("R_Shoulder")] = quaternion_from_axis_angle(np.array((0.0, np.pi / 2, 0.0)))
        for frame in kicks if number == 0 else ():
            swing = np.exp(-(((np.arange(FRAMES) - frame) / 3.0) ** 2)) * np.sin((np.arange(FRAMES) - frame) / 3.0)
            rotations[:, SMPL.index("R_Hip")] = quaternion_from_axis_angle(-1.6 * swing[:, None] * (1.0, 0.0, 0.0))
        translation = np.tile((-0.34 * number, 0.95, 0.0), (FRAMES, 1))
        if number == 1:
            rotations[:, 0] = quaternion_multiply(turned, rotations[:, 0])
            translation[:, 2] = 1.3 + 0.01 * np.abs(np.arange(FRAMES) - MEETING)
        people.append(PosedSkeleton(SMPL_REST_OFFSETS.copy(), rotations, translation))
    states = np.full((2, FRAMES, 2), RELAXED)
    states[0, : MEETING + 2, 1] = HANDLE
    states[1, MEETING - 2 :, 1] = HANDLE
    return with_fingers(people, np.eye(len(FINGER_STATES))[states])


def keyed(scene: bpy.types.Scene, kicks: tuple[int, ...] = ()) -> list[bpy.types.Object]:
    people = []
    for number, person in enumerate(pair(kicks)):
        owner = build_armature(f"Person {number + 1}", person.offsets, scene.collection, person.skeleton)
        key_posed(person, owner, scene, 1, f"Person {number + 1}")
        people.append(owner)
    return people


def places(thing: bpy.types.Object, scene: bpy.types.Scene) -> np.ndarray:
    """(T, 3) where an object is in each frame."""
    found = []
    for frame in range(1, FRAMES + 1):
        scene.frame_set(frame)
        found.append(np.array(thing.evaluated_get(bpy.context.evaluated_depsgraph_get()).matrix_world)[:3, 3])
    return np.array(found)


def test_a_prop_goes_from_hand_to_hand_without_a_jump_or_a_key_of_its_own() -> None:
    scene = empty_scene()
    scene.render.fps = 30
    people, frames = keyed(scene), np.arange(1, FRAMES + 1)
    cup = bpy.data.objects.new("Cup", bpy.data.meshes.new("Cup"))
    cup.location, cup.rotation_euler = (3.0, 2.0, 1.0), (0.3, 0.2, 0.1)
    scene.collection.objects.link(cup)
    bpy.context.view_layer.update()
    hands = [hands_of(owner, scene, frames, 0.03) for owner in people]
    assert holding_hand(hands[0]) is hands[0][1]
    assert hand_over(cup, hands, scene, frames, scene.collection) == MEETING + 1
    path = places(cup, scene)
    np.testing.assert_allclose(path[:MEETING], hands[0][1].places[:MEETING, :3, 3], atol=1e-4)
    moved = np.linalg.norm(np.diff(path, axis=0), axis=-1)
    assert moved.max() < 0.02 and path[-1, 1] < path[MEETING, 1] - 0.1
    assert np.linalg.norm(path[-1] - hands[1][1].places[-1, :3, 3]) < 0.15
    assert cup.animation_data is None
    # Once more replaces the holder.
    hand_over(cup, hands, scene, frames, scene.collection)
    assert len(cup.constraints) == 1 and sum("Holder" in thing.name for thing in scene.objects) == 1


def test_two_hands_on_one_thing_hold_its_lower_and_its_upper_half() -> None:
    hands = [
        Hand(None, "", "R", 0.03, 1.0, np.eye(4), np.tile(np.eye(4), (3, 1, 1)), np.zeros(3)),
        Hand(None, "", "L", 0.03, 1.0, np.eye(4), np.tile(np.eye(4), (3, 1, 1)), np.zeros(3)),
    ]
    hands[1].places[:, :3, 3] = (0.01, 0.0, 0.105)
    bottle = new_prop("BOTTLE", "Bottle", empty_scene().collection, 1.0)
    low, high = extent(bottle, 1.0)
    _, place = beside(bottle, hands[0], hands[1], 1, 1.0)
    for hand in hands:
        on_it = hand.places[1][2, 3] - place[2, 3]
        assert low + 0.04 < on_it < high - 0.04
    # What is too short for two hands is held at its origin.
    for vertex in bottle.data.vertices:
        vertex.co.z *= 0.4
    np.testing.assert_array_equal(beside(bottle, hands[0], hands[1], 1, 1.0)[1], hands[0].places[1])


def test_a_sword_stands_across_the_palm_towards_the_thumb() -> None:
    scene = empty_scene()
    scene.render.fps = 30
    people, frames = keyed(scene), np.arange(1, FRAMES + 1)
    sword = new_prop("SWORD", "Sword", scene.collection, 1.0)
    hand = holding_hand(hands_of(people[0], scene, frames, handle_radius(sword, 1.0)))
    hold(sword, hand, scene, frames, scene.collection)
    scene.frame_set(5)
    matrix = np.array(sword.evaluated_get(bpy.context.evaluated_depsgraph_get()).matrix_world)
    index, pinky = (people[0].matrix_world @ people[0].pose.bones[f"R_{name}1"].head for name in ("Index", "Pinky"))
    across = np.array((index - pinky).normalized())
    assert matrix[:3, 2] @ across > 0.9
    assert 0.02 < np.linalg.norm(matrix[:3, 3] - np.array(people[0].pose.bones["R_Middle1"].head)) < 0.06


@pytest.mark.parametrize(("shape", "radius"), [("SWORD", 0.0145), ("BOTTLE", 0.034)])
def test_fingers_touch_what_they_hold_and_do_not_enter_it(shape: str, radius: float) -> None:
    scene = empty_scene()
    scene.render.fps = 30
    people, frames = keyed(scene), np.arange(1, FRAMES + 1)
    thing = new_prop(shape, "Thing", scene.collection, 1.0)
    assert handle_radius(thing, 1.0) == pytest.approx(radius, abs=1e-3)
    hand = holding_hand(hands_of(people[0], scene, frames, handle_radius(thing, 1.0)))
    hold(thing, hand, scene, frames, scene.collection)
    for frame in (1, MEETING, FRAMES):
        scene.frame_set(frame)
        depth = depths_in(thing, radius, people[0])
        assert depth.max() < 0.003 and depth[:, 2].min() > -0.003


def test_both_hands_close_around_what_is_handed_over() -> None:
    scene = empty_scene()
    scene.render.fps = 30
    people, frames = keyed(scene), np.arange(1, FRAMES + 1)
    bottle = new_prop("BOTTLE", "Bottle", scene.collection, 1.0)
    hands = [hands_of(owner, scene, frames, handle_radius(bottle, 1.0)) for owner in people]
    meeting = hand_over(bottle, hands, scene, frames, scene.collection)
    for frame, owner in ((meeting - 1, people[0]), (meeting, people[1]), (FRAMES, people[1])):
        scene.frame_set(frame)
        assert depths_in(bottle, 0.034, owner).max() < 0.003
    scene.frame_set(FRAMES)
    assert depths_in(bottle, 0.034, people[0]).max() < -0.01


def depths_in(thing: bpy.types.Object, radius: float, owner: bpy.types.Object) -> np.ndarray:
    """(5, 3) metres by which the bones of the right fingers are in a thing that is round about its Z axis."""
    graph = bpy.context.evaluated_depsgraph_get()
    place = np.array(thing.evaluated_get(graph).matrix_world)
    starts, stops = [], []
    for finger, length in zip(FINGERS, TIP_LENGTHS, strict=True):
        bones = [owner.pose.bones[f"R_{finger}{segment}"] for segment in (1, 2, 3)]
        heads = [np.array(owner.matrix_world @ bone.head) for bone in bones]
        ahead = np.array(owner.matrix_world.to_3x3() @ (bones[2].tail - bones[2].head).normalized())
        starts += heads
        stops += [*heads[1:], heads[2] + length * ahead]
    ends = [place[:3, 3] + along * place[:3, 2] for along in (-0.1, 0.1)]
    rod = Capsules(ends[0][None, None], ends[1][None, None], np.array([radius]))
    fingers = Capsules(np.array(starts)[None], np.array(stops)[None], np.repeat(FINGER_RADII, 3))
    return depths(fingers, rod)[0, :, 0].reshape(5, 3)


def test_a_ball_lies_still_and_leaves_the_foot_that_kicks_it() -> None:
    scene = empty_scene()
    scene.render.fps = 30
    people, frames = keyed(scene, kicks=(12,)), np.arange(1, FRAMES + 1)
    ball = new_prop("BALL", "Ball", scene.collection, 1.0)
    assert kick(ball, people, scene, frames, scene.collection) == 1
    path = places(ball, scene)
    moving = np.linalg.norm(np.diff(path, axis=0), axis=-1) > 1e-4
    assert 5 < int(moving.argmax()) < 18
    assert path[-1, 1] < path[0, 1] - 0.3 and path[:, 2].min() > BALL_RADIUS - 1e-4
    with pytest.raises(UserError, match="Nobody kicks"):
        kick(ball, keyed(empty_scene()), bpy.context.scene, frames, bpy.context.scene.collection)


@pytest.mark.usefixtures("registered")
def test_the_button_says_what_is_wrong_with_a_prop_and_leaves_nothing() -> None:
    scene = empty_scene()
    scene.render.fps = 30
    first, second = keyed(scene)
    settings = scene.intermask
    take = settings.takes.add()
    take.name, take.character_1, take.character_2 = "Hand over", first, second
    take.action_1, take.action_2 = first.animation_data.action, second.animation_data.action
    settings.take_index = 0
    lost = bpy.data.objects.new("Lost", None)
    for prop, use, words in (
        (lost, "HOLD", "not in this scene"),
        (first, "HOLD", "is a person"),
        (None, "KICK", "kicks"),
    ):
        settings.prop_object = prop
        before = len(bpy.data.objects)
        with pytest.raises(RuntimeError, match=words):
            bpy.ops.intermask.add_prop(use=use)
        assert len(bpy.data.objects) == before
    assert bpy.ops.intermask.add_prop(use="HAND_OVER") == {"FINISHED"}
    bottle = next(thing for thing in scene.objects if thing.name.startswith("Bottle"))
    # What people hold is not in their way.
    for found in ([], [bottle]):
        bpy.context.view_layer.update()
        middle = np.append(np.array(bottle.bound_box).mean(0), 1.0) @ np.array(bottle.matrix_world).T
        assert overlapping_objects(scene, np.tile(middle[:3], (2, 1, 22, 1))) == found
        bottle.constraints.clear()


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("own", [False, True])
def test_a_simple_prop_goes_with_its_people_and_an_own_object_stays(own: bool) -> None:
    scene = empty_scene()
    scene.render.fps = 30
    first, second = keyed(scene)
    collection = bpy.data.collections.new("They")
    scene.collection.children.link(collection)
    for owner in (first, second):
        scene.collection.objects.unlink(owner)
        collection.objects.link(owner)
    mark_generated((collection, first, second))
    take = add_take(scene, "Hand over", "Hand over", 0, 1, "model", (first, second))
    assert take and scene.intermask.take_index == 0
    mug = bpy.data.objects.new("Mug", bpy.data.meshes.new("Mug"))
    scene.collection.objects.link(mug)
    scene.intermask.prop_object = mug if own else None
    assert bpy.ops.intermask.add_prop(use="HAND_OVER") == {"FINISHED"}
    assert bpy.ops.intermask.delete_take() == {"FINISHED"}
    assert [thing.name for thing in bpy.data.objects] == ["Mug"] and not mug.constraints
    assert [mesh.name for mesh in bpy.data.meshes] == ["Mug"] and not bpy.data.actions and not bpy.data.collections
