"""Lays hands on the partner's body: palms look at the skin and touch it, fingers follow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..kinematics.filters import hann_smoothed, smoothstep, upper_envelope
from ..kinematics.hands import rotations_with_moved_hands
from ..kinematics.pose import PoseBatch
from ..motion.rotations import (
    axis_angle_from_quaternion,
    limited,
    matrix_from_axis_angle,
    normalized,
    rotate,
    shortest_arc,
    transposed,
)
from .clasping import nearest_touch
from .hand_capsules import Capsules, HandPlace, finger_capsules, palm_capsules
from .hand_pose import THUMB
from .holds import CLASPED, palm_of
from .skin import heights, mannequin_skin
from .states import FLAT, GRIP, OPEN
from .wrists import bent_at_most, hand_of, with_turned_hand

RESTING = (FLAT, GRIP, OPEN)
"""States of hands that lie on the partner's body where they are near it."""
_NEAR = (0.1, 0.15)
"""Metres between a palm and the skin: up to the first it is laid on it, from the second on it is not."""
_FAR = 0.5
"""Metres from all joints of the partner at which a palm is near no skin."""
_LARGEST_TURN = 1.3
"""Radians by which a hand is turned at most."""
_SHORTEST = 4
"""Frames of the shortest touch."""
_SMOOTH = 4
"""Frames on each side over which touches fade in and out, and over which the skin's direction is smoothed."""
_AROUND = 5
"""Frames by which a hand is turned and moved before it touches."""
_NEIGHBOURS = 90
"""Points of the skin near a hand that are looked at."""
_PASSES = 3
_AHEAD = 0.5
"""Lengths of the palm ahead of its middle, around which the skin under the fingers is."""
_STRIDE = 3
"""Frames from one pose of fingers that is sought to the next."""
_LEAST, _MOST = np.array((-18.0, 0.0, 0.0)), np.array((50.0, 45.0, 30.0))
"""Flexion of a finger's joints on a body, degrees."""
_STEPS = 14
_TOUCH = 0.0005
"""Metres of depth at which a finger touches."""
_SAMPLES = np.array((0.0, 0.5, 1.0))
"""Places along a capsule whose height above the skin is measured."""


@dataclass(frozen=True)
class Rest:
    """A hand that lies on the partner's body.

    Attributes:
        person: whose hand.
        side: 0 left, 1 right.
        weight: (T,) 1 while it does.
    """

    person: int
    side: int
    weight: np.ndarray

    @property
    def shaping(self) -> np.ndarray:
        """(T,) 1 while it does and shortly before and after: the hand comes and goes in its place on the body."""
        return hann_smoothed(upper_envelope(self.weight, _AROUND), 3)


@dataclass(frozen=True)
class NearSkin:
    """The points of a skin near a hand, and their normals, (T, K, 3)."""

    points: np.ndarray
    normals: np.ndarray

    def depths(self, capsules: Capsules) -> np.ndarray:
        """(..., T, C) metres by which capsules (..., T, C) are inside."""
        way = capsules.stops - capsules.starts
        places = capsules.starts[..., None, :] + _SAMPLES[:, None] * way[..., None, :]
        flat = places.reshape(*places.shape[:-3], -1, 3)
        above = heights(flat, self.points, self.normals)[0].reshape(places.shape[:-1])
        return np.asarray(capsules.radii - above.min(-1))


def find_rests(
    weights: np.ndarray, pose: PoseBatch, sizes: tuple[float, float], busy: np.ndarray, held: int | None
) -> list[Rest]:
    """Hands that lie on the partner's body, by weights (2, T, 2, S) of their states.

    Args:
        weights: of the states.
        pose: two people.
        sizes: of both bodies.
        busy: (2, T, 2) 1 where a hand holds or touches the partner's hand.
        held: index of a person who stays.
    """
    joints, rotations = pose.world()
    found = []
    for person in (0, 1):
        for side in (0, 1):
            if person == held:
                continue
            state = weights[person, :, side][:, RESTING].sum(-1) * (1 - np.clip(busy[person, :, side], 0, 1))
            palm = palm_of(hand_of(joints[person], rotations[person], side, sizes[person]))
            joint = np.linalg.norm(palm[:, None] - joints[1 - person], axis=-1).min(-1)
            frames = np.flatnonzero((state > 0) & (joint < _FAR))
            if len(frames) < _SHORTEST:
                continue
            skin = near_skin(joints[1 - person], rotations[1 - person], sizes[1 - person], palm, frames)
            above = heights(palm[frames, None], skin.points, skin.normals)[0][:, 0]
            near = np.zeros(len(state))
            near[frames] = 1 - smoothstep((above - _NEAR[0]) / (_NEAR[1] - _NEAR[0]))
            weight = hann_smoothed(np.minimum(state, near)[None], _SMOOTH)[0]
            if (weight > 0.5).sum() >= _SHORTEST:
                found.append(Rest(person, side, weight))
    return found


def near_skin(
    joints: np.ndarray, rotations: np.ndarray, size: float, places: np.ndarray, frames: np.ndarray
) -> NearSkin:
    """The points of a body's skin near places (T, 3), in F frames.

    Args:
        joints, rotations: (T, 22, 3) and (T, 22, 3, 3) of the body in the world.
        size: of the body.
        places: (T, 3) metres.
        frames: (F,) indices.
    """
    skin, joints, rotations, places = mannequin_skin(), joints[frames], rotations[frames], places[frames]
    # Distances in the joints' own frames: only the points that are near are brought to the world.
    local = rotate(transposed(rotations), places[:, None] - joints)
    away = np.empty((len(frames), len(skin.joints)))
    for joint in np.unique(skin.joints):
        carried = skin.joints == joint
        points, place = size * skin.places[carried], local[:, joint]
        away[:, carried] = (points**2).sum(-1) - 2 * place @ points.T
        away[:, carried] += (place**2).sum(-1, keepdims=True)
    chosen = np.argpartition(away, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
    carriers, number = skin.joints[chosen], np.arange(len(frames))[:, None]
    turns = rotations[number, carriers]
    points = joints[number, carriers] + rotate(turns, size * skin.places[chosen])
    return NearSkin(points, rotate(turns, skin.normals[chosen]))


def laid_on(pose: PoseBatch, rests: Sequence[Rest], sizes: tuple[float, float]) -> PoseBatch:
    """The pose of two people (2, T) whose hands are turned to the skin that they lie on, and moved to it."""
    for _ in range(_PASSES):
        joints, rotations = pose.world()
        rotations = rotations.copy()
        moves = np.zeros((*joints.shape[:2], 2, 3))
        for rest in rests:
            own, other = rest.person, 1 - rest.person
            frames = np.flatnonzero(rest.shaping > 0)
            touching = nearest_touch(rest.weight[frames])
            hand = hand_of(joints[own], rotations[own], rest.side, sizes[own])
            skin = near_skin(joints[other], rotations[other], sizes[other], palm_of(hand), frames)
            hand = hand.frames(frames)
            share, body = rest.shaping[frames, None], rotations[own, frames]
            normal = _direction(hand, skin)
            turn = matrix_from_axis_angle(share * _turn(hand, normal)[touching])
            turned = bent_at_most(turn @ hand.orientation, body, rest.side)
            rotations[own, frames] = with_turned_hand(body, turned, rest.side)
            hand = HandPlace(hand.wrist, turned, hand.side, hand.size)
            deep = hann_smoothed(skin.depths(palm_capsules(hand)).max(-1)[None], 1)[0]
            moves[own, frames, rest.side] = share * (deep[:, None] * normal)[touching]
        moved = rotations_with_moved_hands(joints, rotations, moves, pose.offsets, pose.joints)
        pose = pose.with_world_rotations(moved)
    return pose


def _direction(hand: HandPlace, skin: NearSkin) -> np.ndarray:
    """(T, 3) where the skin under a hand looks: under the palm and the roots of the fingers."""
    palm = palm_capsules(hand)
    places = np.concatenate((palm.starts, palm.stops, palm_of(hand)[:, None]), axis=1)
    normals = heights(places, skin.points, skin.normals)[1]
    return normalized(hann_smoothed(normalized(normals.mean(1)).T, _SMOOTH).T)


def _turn(hand: HandPlace, normal: np.ndarray) -> np.ndarray:
    """(T, 3) axis times angle by which a hand is turned so that its palm looks at the skin."""
    turn = axis_angle_from_quaternion(shortest_arc(CLASPED.looking(hand), -normal))
    return np.asarray(limited(turn, _LARGEST_TURN))


def fingers_on(angles: np.ndarray, pose: PoseBatch, rests: Sequence[Rest], sizes: tuple[float, float]) -> None:
    """Let the long fingers of hands that lie on the partner follow the skin: angles (2, T, 2, 20), in place."""
    joints, rotations = pose.world()
    for rest in rests:
        own, other = rest.person, 1 - rest.person
        hand = hand_of(joints[own], rotations[own], rest.side, sizes[own])
        frames = np.flatnonzero(rest.weight > 0)
        solved = np.unique(np.append(frames[::_STRIDE], frames[-1]))
        placed = hand.frames(solved)
        ahead = palm_of(hand) + _AHEAD * CLASPED.from_wrist(hand)
        skin = near_skin(joints[other], rotations[other], sizes[other], ahead, solved)
        found = angles[own, solved, rest.side]
        for finger in range(THUMB):
            found = _closed(placed, found, finger, skin)
        found = hann_smoothed(found.T, 1).T
        between = np.stack([np.interp(frames, solved, column) for column in found.T], axis=-1)
        now = angles[own, frames, rest.side]
        angles[own, frames, rest.side] = now + rest.weight[frames, None] * (between - now)


def _closed(hand: HandPlace, angles: np.ndarray, finger: int, skin: NearSkin) -> np.ndarray:
    """Angles (T, 20) with one finger bent until it touches the skin, joint by joint."""
    result, number = angles.copy(), np.arange(len(angles))
    first = 4 * finger
    result[:, first : first + 3] = _LEAST
    for joint in range(3):
        tried = np.repeat(result[None], _STEPS, axis=0)
        tried[:, :, first + joint] = np.linspace(_LEAST[joint], _MOST[joint], _STEPS)[:, None]
        if joint == 0:
            # The other joints bend along a little, as fingers do.
            tried[:, :, first + 1 : first + 3] = np.linspace(4.0, 12.0, _STEPS)[:, None, None]
        inside = skin.depths(finger_capsules(hand, tried, [finger]))[..., joint:].max(-1) > _TOUCH  # (steps, T)
        touching = np.maximum(inside.argmax(0) - 1, 0)
        result = tried[np.where(inside.any(0), touching, round(0.3 * (_STEPS - 1))), number]
    return result
