"""Props in the hands of a take's people: carried, handed over, or kicked. The prop itself gets no keys.

An empty, the holder, carries the prop: it follows hands by Child Of constraints whose influence is keyed, or has the
keys of a ball's path. The prop has one Child Of constraint to the holder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix

from .. import compat
from ..core import SMPLX, SMPLX_REST_OFFSETS, UserError, finger_bones, fingers_around, handle_middle
from ..rig.capture import evaluated_bones
from ..rig.finger_presets import pose_finger_angles
from ..rig.fingers import palm_axes
from ..rig.hands import BODY, hand_bones
from ..rig.key import scene_fps, write_curves
from ..rig.map import RigMapping
from ..rig.own_map import mapping_of
from ..translations import tr
from .people import mark_generated
from .prop_holders import NAME
from .prop_shapes import BALL_RADIUS, extent

_MEETING = 0.3
"""Metres between the hands of two people who hand something over."""
_TOGETHER = 0.005
"""Metres by which hands that hold the same thing are further from each other than at the nearest."""
_HALF_HAND = 0.045
"""Metres along a thing that a hand needs to each side of its middle."""
_SAME_AXIS = 0.06
"""Metres from the axis of a thing in one hand to the middle of another hand's grip that can hold the thing too."""
_MORE_CLOSED = 12.0
"""Degrees by which the fingers of a hand are bent more than those of the other."""
_KICK_SPEED = 2.2
"""Metres per second of a foot that kicks."""
_PAUSE = 0.5
"""Seconds from one kick to the next."""
_ARC = 0.08
"""Height of a kicked ball's flight as a fraction of its way."""


@dataclass(frozen=True)
class Hand:
    """A hand of a person over time.

    Attributes:
        owner: the armature.
        bone: the hand's.
        side: ``L`` or ``R``.
        radius: of what it holds, metres for a hand of the mannequin's size.
        unit: metres of the mannequin's hand in a unit of the bone's space.
        grip: (4, 4) of a handle in the bone's space.
        places: (T, 4, 4) of a handle in the world.
        curl: (T,) degrees by which the middle finger is bent; zeros for a rig without fingers.
    """

    owner: bpy.types.Object
    bone: str
    side: str
    radius: float
    unit: float
    grip: np.ndarray
    places: np.ndarray
    curl: np.ndarray


def hands_of(owner: bpy.types.Object, scene: bpy.types.Scene, frames: np.ndarray, radius: float) -> list[Hand]:
    """Left and right hand of a person at scene frames (T,), for something with a radius in metres.

    Raises:
        UserError: the armature's hands are not known.
    """
    mapping = mapping_of(owner)
    found = _finger_bones(owner)
    metres = scene.unit_settings.scale_length or 1.0
    result = []
    for side in "LR":
        wrist = mapping.bones.get(f"{side}_Wrist")
        if wrist is None:
            raise UserError(
                tr("{name} has no hand that is known; choose its bones in Bone Map.").format(name=owner.name)
            )
        middle = [found[joint] for segment in (1, 2) if (joint := f"{side}_Middle{segment}") in found]
        placed, posed = evaluated_bones(owner, scene, frames, (wrist, *middle))
        grip, unit, own_radius = _grip(owner, mapping, found, side, radius, metres)
        places = placed @ posed[:, 0] @ grip
        curl = np.zeros(len(frames))
        if len(middle) == 2:
            along = posed[:, 1:, :3, 1] / np.linalg.norm(posed[:, 1:, :3, 1], axis=-1, keepdims=True)
            curl = np.degrees(np.arccos(np.clip((along[:, 0] * along[:, 1]).sum(-1), -1, 1)))
        result.append(Hand(owner, wrist, side, own_radius, unit, grip, places, curl))
    return result


def _finger_bones(owner: bpy.types.Object) -> dict[str, str]:
    """Finger joint to bone, of the mannequin and SMPL-X armatures or of a rig whose bone map names its fingers."""
    own = hand_bones(owner)
    if own:
        return dict(zip(SMPLX.joints[BODY:], own, strict=True))
    return finger_bones(tuple(bone.name for bone in owner.data.bones))


def _grip(
    owner: bpy.types.Object, mapping: RigMapping, found: dict[str, str], side: str, radius: float, metres: float
) -> tuple[np.ndarray, float, float]:
    """``Hand.grip`` (Z towards the thumb, Y along the fingers), ``Hand.unit`` and ``Hand.radius``."""
    bone = owner.data.bones[mapping.bones[f"{side}_Wrist"]]
    rest = np.array(bone.matrix_local, np.float64)
    out = 1.0 if side == "L" else -1.0
    palm = palm_axes(owner, mapping, found, f"{side}_")
    if palm is None:
        # Without knuckles: the hand points along its bone, with the thumb to the front.
        along, ahead = rest[:3, 1], np.array((0.0, -1.0, 0.0))
        ahead = ahead - (ahead @ along) * along
        ahead /= np.linalg.norm(ahead)
        palm = np.stack((out * along, np.cross(ahead, out * along), ahead), axis=1)
    scale = float(np.linalg.norm(owner.matrix_world.to_3x3().col[0])) * metres
    knuckle = found.get(f"{side}_Middle1")
    size = 1.0
    if knuckle is not None:
        own = (owner.data.bones[knuckle].head_local - bone.head_local).length * scale
        size = float(own / np.linalg.norm(SMPLX_REST_OFFSETS[SMPLX.index(f"{side}_Middle1")]))
    result = np.eye(4)
    result[:3, :3] = palm @ _handle_axes(out)
    result[:3, 3] = rest[:3, 3] + palm @ (handle_middle(radius / size) * (out, 1.0, 1.0)) * size / scale
    return np.linalg.inv(rest) @ result, scale / size, radius / size


def _handle_axes(out: float) -> np.ndarray:
    """(3, 3) a handle's axes in SMPL-X's, for a hand that points along X (left, 1) or against it (right, -1)."""
    return np.stack((np.cross((out, 0.0, 0.0), (0.0, 0.0, 1.0)), (out, 0.0, 0.0), (0.0, 0.0, 1.0)), axis=1)


def close_fingers(hand: Hand, grip: np.ndarray, scene: bpy.types.Scene, frames: tuple[int, int]) -> None:
    """Key the fingers of a hand around something at a place (4, 4) of its bone, from a first to a last frame."""
    moved = np.linalg.inv(hand.grip) @ grip
    out = 1.0 if hand.side == "L" else -1.0
    axes = _handle_axes(out)
    # Both as the left hand would see them.
    way = axes @ moved[:3, 2] * (out, 1.0, 1.0)
    middle = handle_middle(hand.radius) + axes @ moved[:3, 3] * hand.unit * (out, 1.0, 1.0)
    pose_finger_angles(hand.owner, scene, fingers_around(hand.radius, middle, way), hand.side, frames)


def hold(
    prop: bpy.types.Object, hand: Hand, scene: bpy.types.Scene, frames: np.ndarray, collection: bpy.types.Collection
) -> None:
    """Put a prop into a hand for the whole take, at scene frames (T,), and close its fingers around it."""
    _child_of(_holder(prop, collection), hand, hand.grip)
    close_fingers(hand, hand.grip, scene, (int(frames[0]), int(frames[-1])))


def holding_hand(hands: Sequence[Hand]) -> Hand:
    """The hand of a person that holds something: the one that is closed more, else the one that moves more."""
    curls = [hand.curl.mean() for hand in hands]
    if abs(curls[0] - curls[1]) > _MORE_CLOSED:
        return hands[int(curls[1] > curls[0])]
    ways = [np.linalg.norm(np.diff(hand.places[:, :3, 3], axis=0), axis=-1).sum() for hand in hands]
    return hands[int(ways[1] > ways[0])]


def hand_over(
    prop: bpy.types.Object, people: Sequence[Sequence[Hand]], scene: bpy.types.Scene, frames: np.ndarray,
    collection: bpy.types.Collection,
) -> int:  # fmt: skip
    """Let a prop go from one person's hand to the other's where these meet; returns the frame.

    Args:
        prop: the object.
        people: the hands of both people.
        scene: gives the unit.
        frames: (T,) scene frames of the hands.
        collection: where the holder is linked.

    Raises:
        UserError: no hands of the two people meet.
    """
    apart = np.array(
        [
            [np.linalg.norm(first.places[:, :3, 3] - second.places[:, :3, 3], axis=-1) for second in people[1]]
            for first in people[0]
        ]
    )
    first, second, _ = (int(index) for index in np.unravel_index(apart.argmin(), apart.shape))
    way = apart[first, second]
    # In the middle of the time in which both hands are there.
    together = np.flatnonzero(way < way.min() + _TOGETHER / (scene.unit_settings.scale_length or 1.0))
    number = int(together[len(together) // 2])
    if apart.min() * (scene.unit_settings.scale_length or 1.0) > _MEETING:
        raise UserError(tr("No hands of the two people meet in this take; choose Hold instead of Hand Over."))
    pair = (people[0][first], people[1][second])
    before, after = slice(0, max(number, 1)), slice(min(number + 1, len(frames) - 1), None)
    # The one who gives has closed fingers before, and lets go.
    gives = [hand.curl[before].mean() - hand.curl[after].mean() for hand in pair]
    giver, taker = pair if gives[0] >= gives[1] else pair[::-1]
    holder, frame = _holder(prop, collection), int(frames[number])
    grip, at_handover = beside(prop, giver, taker, number, scene.unit_settings.scale_length or 1.0)
    given = _child_of(holder, giver, grip)
    # At the moment of the handover the prop stays where it is.
    bone = taker.places[number] @ np.linalg.inv(taker.grip)
    place = np.linalg.inv(bone) @ at_handover
    taken = _child_of(holder, taker, place)
    for constraint, values in ((given, (1.0, 0.0)), (taken, (0.0, 1.0))):
        path = f'constraints["{constraint.name}"].influence'
        _step(holder, path, (frame - 1.0, float(frame)), values)
    close_fingers(giver, grip, scene, (int(frames[0]), max(frame - 1, int(frames[0]))))
    close_fingers(taker, place, scene, (frame, int(frames[-1])))
    return frame


def beside(
    prop: bpy.types.Object, giver: Hand, taker: Hand, number: int, metres: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where a prop is in a hand while another hand holds it too, further along it: one lower, one higher.

    Args:
        prop: what both hold.
        giver, taker: both hands.
        number: of the frame in which both hold it.
        metres: per unit of the scene.

    Returns:
        (4, 4) in the giver's bone, and in the world in that frame. What is too short for two is held at its origin.
    """
    place = giver.places[number]
    unit = float(np.linalg.norm(place[:3, 2]))
    between = taker.places[number][:3, 3] - place[:3, 3]
    along = float(between @ place[:3, 2]) / unit * metres
    aside = float(np.linalg.norm(between * metres - along * place[:3, 2] / unit))
    low, high = extent(prop, metres)
    room = 0.5 * (high - low) - _HALF_HAND - 0.5 * abs(along)
    shift = np.eye(4)
    if abs(along) > _HALF_HAND and aside < _SAME_AXIS and room >= 0:
        middle = 0.5 * (low + high)
        shift[2, 3] = (0.5 * along - float(np.clip(0.0, middle - room, middle + room))) / metres / unit
    return giver.grip @ shift, place @ shift


def kick(
    prop: bpy.types.Object, owners: Sequence[bpy.types.Object], scene: bpy.types.Scene, frames: np.ndarray,
    collection: bpy.types.Collection,
) -> int:  # fmt: skip
    """Let a ball fly from foot to foot; returns the number of kicks.

    Raises:
        UserError: neither person kicks.
    """
    metres, fps = scene.unit_settings.scale_length or 1.0, scene_fps(scene)
    feet = []
    for owner in owners:
        mapping = mapping_of(owner)
        names = tuple(mapping.bones.get(f"{side}_Foot") or mapping.bones[f"{side}_Ankle"] for side in "LR")
        placed, posed = evaluated_bones(owner, scene, frames, names)
        feet.append((placed[:, None] @ posed)[..., :3, 3] * metres)
    hits = _kicks(np.stack(feet), fps)
    if not hits:
        raise UserError(tr("Nobody kicks in this take; choose Hold for a ball in the hand."))
    stops = [(number, feet[person][number, foot]) for number, person, foot in hits]
    last_person = hits[-1][1]
    target = feet[1 - last_person][-1].mean(0)
    ball = _ball_path(stops, target, len(frames)) / metres
    holder = _holder(prop, collection)
    animation = holder.animation_data_create()
    animation.action = bpy.data.actions.new(f"{holder.name} Path")
    store = compat.fcurve_store(holder, animation.action)
    write_curves(store, "location", "Ball", frames.astype(np.float32), ball)
    way = np.linalg.norm(np.diff(ball[:, :2], axis=0, prepend=ball[:1, :2]), axis=-1).cumsum() * metres
    across = ball[-1, :2] - ball[0, :2]
    heading = float(np.arctan2(across[0], -across[1]))
    turns = np.stack((way / BALL_RADIUS, np.zeros(len(frames)), np.full(len(frames), heading)), axis=-1)
    write_curves(store, "rotation_euler", "Ball", frames.astype(np.float32), turns)
    return len(hits)


def _kicks(feet: np.ndarray, fps: float) -> list[tuple[int, int, int]]:
    """Frame, person and foot of each kick, for feet (2, T, 2, 3) in metres, Z up."""
    speed = np.linalg.norm(np.gradient(feet[..., :2], axis=1), axis=-1) * fps  # (2, T, 2)
    middle = feet.mean(2, keepdims=True)
    ahead = middle[::-1] - middle
    ahead /= np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-6)
    towards = (np.gradient(feet, axis=1) * fps * ahead).sum(-1)
    strength = np.where(towards > 0.7 * speed, towards, 0.0)
    hits: list[tuple[int, int, int]] = []
    while strength.max() > _KICK_SPEED:
        person, number, foot = (int(index) for index in np.unravel_index(strength.argmax(), strength.shape))
        hits.append((number, person, foot))
        clear = round(_PAUSE * fps)
        strength[:, max(number - clear, 0) : number + clear] = 0.0
    hits.sort()
    # Two kicks of one person in a row: the ball was with that person for the first one only.
    return [hit for number, hit in enumerate(hits) if number == 0 or hit[1] != hits[number - 1][1]]


def _ball_path(stops: Sequence[tuple[int, np.ndarray]], target: np.ndarray, frames: int) -> np.ndarray:
    """(T, 3) metres: at rest until the first kick, in flight to each next one, and rolling to a stop after the last."""
    path = np.empty((frames, 3))
    first, start = stops[0]
    path[: first + 1] = (*start[:2], BALL_RADIUS)
    ends = [*stops[1:], (frames - 1, target)]
    for index, ((begin, place), (end, goal)) in enumerate(zip(stops, ends, strict=True)):
        rolls = index == len(stops) - 1
        share = np.linspace(0.0, 1.0, max(end - begin, 0) + 1)[:, None]
        eased = 1 - (1 - share) ** 2 if rolls else share
        flight = (1 - eased) * (*place[:2], BALL_RADIUS) + eased * (*goal[:2], BALL_RADIUS)
        height = _ARC * np.linalg.norm(goal[:2] - place[:2]) * (0.4 if rolls else 1.0)
        arc = np.clip(4 * share * (1 - share), 0, 1) if not rolls else np.clip(4 * eased * (0.5 - eased) * 4, 0, 1)
        flight[:, 2:] += height * arc
        path[begin : end + 1] = flight
    return path


def _holder(prop: bpy.types.Object, collection: bpy.types.Collection) -> bpy.types.Object:
    """An empty that carries the prop at its origin, in place of the holder that it may have."""
    for constraint in [one for one in prop.constraints if one.type == "CHILD_OF" and one.name == NAME]:
        old = constraint.target
        prop.constraints.remove(constraint)
        if old is not None:
            bpy.data.objects.remove(old)
    holder = bpy.data.objects.new(NAME, None)
    holder.empty_display_type, holder.empty_display_size = "SPHERE", 0.03
    collection.objects.link(holder)
    mark_generated((holder,))
    constraint = prop.constraints.new("CHILD_OF")
    constraint.name, constraint.target = NAME, holder
    place, turn, _ = prop.matrix_basis.decompose()
    constraint.inverse_matrix = (Matrix.Translation(place) @ turn.to_matrix().to_4x4()).inverted()
    for axis in "xyz":
        setattr(constraint, f"use_scale_{axis}", False)
    return holder


def _child_of(holder: bpy.types.Object, hand: Hand, grip: np.ndarray) -> bpy.types.Constraint:
    """A Child Of constraint that puts the holder at a place (4, 4) of a hand's bone."""
    constraint = holder.constraints.new("CHILD_OF")
    constraint.name = f"In the Hand of {hand.owner.name}"
    constraint.target, constraint.subtarget = hand.owner, hand.bone
    for axis in "xyz":
        setattr(constraint, f"use_scale_{axis}", False)
    # Without scale the bone's own size does not count, so the grip is in the world's units.
    size = np.linalg.norm(hand.places[0, :3, 0]) / np.linalg.norm(hand.grip[:3, 0])
    local = grip.copy()
    local[:3, :3] /= np.linalg.norm(local[:3, :3], axis=0)
    local[:3, 3] *= size
    constraint.inverse_matrix = Matrix(local.tolist())
    return constraint


def _step(holder: bpy.types.Object, path: str, frames: tuple[float, float], values: tuple[float, float]) -> None:
    """Two keys of a property that changes at once."""
    animation = holder.animation_data or holder.animation_data_create()
    if animation.action is None:
        animation.action = bpy.data.actions.new(f"{holder.name} Handover")
    curve = compat.add_fcurve(compat.fcurve_store(holder, animation.action), path, 0, "Handover")
    for frame, value in zip(frames, values, strict=True):
        curve.keyframe_points.insert(frame, value).interpolation = "CONSTANT"
    curve.update()
