"""A couple's motion on bodies of other proportions: feet stand where they stood, and hands meet where they met.

Turning a rig's bones as a person's turn keeps every direction and loses every meeting: longer arms reach beyond the
partner, a smaller partner's hand is lower, and legs longer than the way they are given slide. So what the motion has of
feet on the ground and hands on the partner is measured on the people it was made for, and made true again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..motion.forward_kinematics import global_rotations
from ..motion.posed import PosedSkeleton
from ..motion.rotations import continuous_signs, matrix_from_quaternion, quaternion_from_matrix, rotate, transposed
from ..motion.skeleton import SMPL
from .capsules import CAPSULES, L_PALM, PALM_RADIUS, R_PALM, body_points, nearest_on_segments
from .contacts import TOES
from .filters import blurred, covered, eased
from .hands import turned_for_hands
from .limbs import ARMS, LEGS, bent_to, easy_reach
from .pose import local_rotations
from .retarget import RootMotionScale

_PALMS = (L_PALM, R_PALM)
_TOUCH = (0.03, 0.13)
"""Metres of air between a palm and the partner: up to the first they belong together, at the second nothing binds."""
_BLEND = 0.25
"""Seconds in which a hand comes to its meeting and leaves it."""
_RIVAL = 0.02
"""Metres. Of several parts of the partner a hand belongs to the nearest; one further by this counts a third."""
_HANDS_FIRST = 0.05
"""Metres by which hands count as nearer to each other than to anything else."""
_LARGEST_LEAN = 0.35
"""Radians that a trunk leans for a hand at most."""
_LARGEST_DROP = 0.1
"""Metres, of an adult: how far a pelvis sinks at most for legs that do not reach."""
_GIVES_UP = (0.06, 0.16)
"""Metres, of an adult, that a hand lacks to its meeting: from the first it lets go, at the second it has let go."""
_ROUNDS = 8
_GOOD = 0.001
"""Metres at which hands have met."""
_STARTS, _STOPS = [c.start for c in CAPSULES], [c.stop for c in CAPSULES]
_RADII = np.array([c.radius for c in CAPSULES])
_HANDS = np.array([c.part == "hand" for c in CAPSULES])


@dataclass(frozen=True)
class TargetBody:
    """Who moves as one of two people does.

    Attributes:
        joints: tells where SMPL's joints (T, 22, 3) are on it when it is turned as a posed skeleton; metres, in a world
            that both bodies share.
        way: how the motion's world becomes this world for it.
        held: whether it stays as it is, and only the other one gives way.
    """

    joints: Callable[[PosedSkeleton], np.ndarray]
    way: RootMotionScale
    held: bool = False


@dataclass(frozen=True)
class _Touch:
    """What one palm has to do with the partner's parts, C of them, in the motion itself.

    Attributes:
        share: (T, C) how far along each part the nearest place is.
        between: (T, C, 3) from the palm to that place.
        weight: (T, C) how much each part counts, together 1.
        strength: (T,) from 0 to 1: that the palm belongs to the partner at all.
    """

    share: np.ndarray
    between: np.ndarray
    weight: np.ndarray
    strength: np.ndarray


def on_other_bodies(
    people: Sequence[PosedSkeleton], bodies: Sequence[TargetBody], stand: bool = True, meet: bool = True
) -> tuple[list[PosedSkeleton], float]:
    """Two people's motion, changed so that two other bodies that are turned by it stand and meet as those people do.

    Hands keep their orientation, trunks lean a little where arms do not reach, and what touches nobody stays.

    Args:
        people: two posed skeletons, frame for frame, in one world.
        bodies: whom they are for, in the same order.
        stand: whether feet go where the way takes them.
        meet: whether hands are brought together.

    Returns:
        Both motions, and how far (metres, the worst tenth of meetings left out) hands that meet remain apart.
    """
    rotations = np.stack([_world_rotations(person) for person in people])
    joints = np.stack([person.joints()[:, : len(SMPL)] for person in people])
    offsets = np.stack([person.offsets[: len(SMPL)] for person in people])
    result = list(people)
    for number, body in enumerate(bodies):
        if stand and not body.held:
            result[number] = _on_its_feet(people[number], joints[number], rotations[number], body)
    if not meet:
        return result, 0.0
    touches = _touches(body_points(joints, rotations, offsets), people[0].fps, bodies)
    if not touches:
        return result, 0.0
    return _meeting(result, bodies, joints, offsets, touches)


def _world_rotations(person: PosedSkeleton) -> np.ndarray:
    """(T, 22, 3, 3)."""
    return np.asarray(global_rotations(matrix_from_quaternion(person.rotations[:, : len(SMPL)]), SMPL))


def _turned(person: PosedSkeleton, rotations: np.ndarray) -> PosedSkeleton:
    """A person with other rotations of the body in the world (T, 22, 3, 3); fingers stay."""
    body = continuous_signs(quaternion_from_matrix(local_rotations(rotations, SMPL)))
    return replace(person, rotations=np.concatenate((body, person.rotations[:, len(SMPL) :]), axis=1))


def _own_offsets(joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(22, 3) each joint's place in its parent's frame, as a body of joints (T, 22, 3) turned by rotations has it."""
    parents = list(SMPL.parents[1:])
    offsets = np.zeros((len(SMPL), 3))
    offsets[1:] = rotate(transposed(rotations[:, parents]), joints[:, 1:] - joints[:, parents]).mean(0)
    return offsets


# --- feet ----------------------------------------------------------------------------------------------------------


def _on_its_feet(person: PosedSkeleton, joints: np.ndarray, rotations: np.ndarray, body: TargetBody) -> PosedSkeleton:
    """A person's motion with toes where the way takes them, for a body that is turned by it; soles keep their slope."""
    here = body.joints(person)
    toes = body.way.of(joints[:, TOES])
    if np.abs(here[:, TOES] - toes).max() < _GOOD:
        return person
    offsets = _own_offsets(here, rotations)
    ankles = [toes[:, side] - rotate(rotations[:, leg.end], offsets[TOES[side]]) for side, leg in enumerate(LEGS)]
    low = 1 - eased((toes[..., 1] - toes[..., 1].min() - 0.03 * body.way.upward) / (0.1 * body.way.upward))
    needed = np.zeros(len(here))
    for side, leg in enumerate(LEGS):
        way = ankles[side] - here[:, leg.upper]
        now = np.linalg.norm(here[:, leg.end] - here[:, leg.upper], axis=-1)
        longest = easy_reach(leg, offsets[None], now[None])[0]
        short = -way[:, 1] - np.sqrt(np.maximum(longest**2 - way[:, 0] ** 2 - way[:, 2] ** 2, 0.0))
        needed = np.maximum(needed, short * low[:, side])
    drop = np.minimum(covered(needed, max(1, round(0.13 * person.fps))), _LARGEST_DROP * body.way.upward)
    lowered = person.translation.copy()
    lowered[:, 1] -= drop / body.way.upward
    person = replace(person, translation=lowered)
    here, turned = body.joints(person)[None], rotations[None].copy()
    for side, leg in enumerate(LEGS):
        turned[:, :, leg.upper], turned[:, :, leg.hinge] = bent_to(leg, offsets[None], here, turned, ankles[side][None])
    return _turned(person, turned[0])


# --- hands ---------------------------------------------------------------------------------------------------------


def _touches(points: np.ndarray, fps: float, bodies: Sequence[TargetBody]) -> dict[tuple[int, int], _Touch]:
    """Person and hand to what it touches, for hands that may move and ever touch; points (2, T, 25, 3)."""
    result = {}
    for person in (0, 1):
        starts, stops = points[1 - person][:, _STARTS], points[1 - person][:, _STOPS]
        for hand in (0, 1) if not bodies[person].held else ():
            palm = points[person][:, None, _PALMS[hand]]
            share = nearest_on_segments(palm, starts, stops)
            between = starts + share[..., None] * (stops - starts) - palm
            gaps = np.linalg.norm(between, axis=-1) - _RADII - PALM_RADIUS
            least, most = _TOUCH
            near = 1 - eased((gaps.min(1) - least) / (most - least))
            if near.max() < 0.5:
                continue
            ranked = gaps - _HANDS_FIRST * _HANDS
            weight = blurred(np.exp((ranked.min(1, keepdims=True) - ranked) / _RIVAL).T, 2).T
            weight /= weight.sum(1, keepdims=True)
            result[person, hand] = _Touch(share, between, weight, covered(near, max(1, round(_BLEND * fps))))
    return result


def _meeting(
    people: list[PosedSkeleton],
    bodies: Sequence[TargetBody],
    source: np.ndarray,
    source_offsets: np.ndarray,
    touches: dict[tuple[int, int], _Touch],
) -> tuple[list[PosedSkeleton], float]:
    """Hands brought to what they touch; ``source`` (2, T, 22, 3) and its offsets are those of the motion's people."""
    begun = np.stack([_world_rotations(person) for person in people])

    def place(rotations: np.ndarray) -> np.ndarray:
        return np.stack(
            [
                body.joints(_turned(*pair))
                for body, pair in zip(bodies, zip(people, rotations, strict=True), strict=True)
            ]
        )

    joints = place(begun)
    offsets = np.stack([_own_offsets(*pair) for pair in zip(joints, begun, strict=True)])
    hands = _lengths(joints, ARMS[0].hinge, ARMS[0].end) / _lengths(source, ARMS[0].hinge, ARMS[0].end)
    trunks = _lengths(joints, 0, SMPL.index("Neck")) / _lengths(source, 0, SMPL.index("Neck"))
    moves = np.zeros((*joints.shape[:2], 2, 3))
    rotations, left = begun, np.zeros(1)
    for attempt in range(_ROUNDS + 1):
        points = body_points(place(rotations), rotations, source_offsets, hands)
        ways = {key: _way_to_meeting(key, touch, points, hands, trunks) for key, touch in touches.items()}
        left = np.concatenate([np.linalg.norm(way, axis=-1)[touches[key].strength > 0.95] for key, way in ways.items()])
        if attempt == _ROUNDS or left.max(initial=0) < _GOOD:
            break
        for (person, hand), way in ways.items():
            # Two hands go half of the way each.
            mutual = touches[person, hand].weight[:, _HANDS].sum(1) * (not bodies[1 - person].held)
            moves[person, :, hand] += ((1 - 0.5 * mutual) * touches[person, hand].strength)[:, None] * way
        rotations = turned_for_hands(joints, begun, moves, offsets, place, _LARGEST_LEAN)
    reached = _reached(ways, touches, hands, people[0].fps)
    if reached.min() < 1:
        rotations = turned_for_hands(joints, begun, reached * moves, offsets, place, _LARGEST_LEAN)
    met = [
        person if bodies[number].held else _turned(person, rotations[number]) for number, person in enumerate(people)
    ]
    return met, float(np.quantile(left, 0.9)) if len(left) else 0.0


def _reached(
    ways: dict[tuple[int, int], np.ndarray],
    touches: dict[tuple[int, int], _Touch],
    hands: np.ndarray,
    fps: float,
) -> np.ndarray:
    """(2, T, 2, 1) from 0 to 1 how far hands go for their meetings: those that cannot get there stay as they were.

    An arm that is stretched at a partner who is out of reach looks worse than a hand that is held where it was made.
    """
    result = np.ones((2, len(next(iter(ways.values()))), 2, 1))
    least, most = _GIVES_UP
    for (person, hand), way in ways.items():
        lacks = np.linalg.norm(way, axis=-1) * (touches[person, hand].strength > 0.5) / hands[person]
        gone = eased((lacks - least) / (most - least))
        result[person, :, hand, 0] = 1 - covered(gone, max(1, round(0.5 * _BLEND * fps)))
    return result


def _way_to_meeting(
    key: tuple[int, int], touch: _Touch, points: np.ndarray, hands: np.ndarray, trunks: np.ndarray
) -> np.ndarray:
    """(T, 3) from where a palm is to where it is to the partner as it was; points (2, T, 25, 3) of the bodies."""
    person, hand = key
    partner = points[1 - person]
    starts, stops = partner[:, _STARTS], partner[:, _STOPS]
    # Thicker bodies keep hands further from their bones.
    thick = np.where(_HANDS, hands[1 - person], trunks[1 - person])
    thicker = (_RADII * thick + PALM_RADIUS * hands[person]) / (_RADII + PALM_RADIUS)
    wanted = starts + touch.share[..., None] * (stops - starts) - touch.between * thicker[:, None]
    way = wanted - points[person][:, None, _PALMS[hand]]
    return np.asarray((touch.weight[..., None] * way).sum(1))


def _lengths(joints: np.ndarray, first: int, second: int) -> np.ndarray:
    """(P,) metres between two joints of (P, T, 22, 3)."""
    return np.asarray(np.median(np.linalg.norm(joints[:, :, first] - joints[:, :, second], axis=-1), axis=1))
