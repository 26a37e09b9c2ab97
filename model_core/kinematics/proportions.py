"""Adapts the motion of two people to bodies of other proportions, with feet on the ground and hands in contact.

Copying rotations to a rig keeps directions but loses contacts: longer arms reach too far, a smaller partner's
hand is lower, and feet of longer legs slide. Contacts of feet with the ground and of hands with the partner are
therefore measured on the original people and restored on the other bodies.
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
from .filters import hann_smoothed, smoothstep, upper_envelope
from .hands import rotations_with_moved_hands
from .kept_joints import free_trunk, kept_limb
from .limbs import ARMS, LEGS, easy_reach, two_bone_ik
from .pose import local_rotations
from .retarget import RootMotionScale

_PALMS = (L_PALM, R_PALM)
_TOUCH = (0.03, 0.13)
"""Metres between the skins of a palm and the partner: full contact up to the first, none from the second on."""
_BLEND = 0.25
"""Seconds in which a contact is blended in and out."""
_RIVAL = 0.02
"""Metres. A part of the partner that is further than the nearest one by this has 1/e of its weight."""
_HANDS_FIRST = 0.05
"""Metres by which hands count as closer to each other than to other parts."""
_LARGEST_LEAN = 0.35
"""Largest lean of a trunk for a hand, radians."""
_LARGEST_DROP = 0.1
"""Largest drop of a pelvis for legs that do not reach, metres for an adult."""
_MISSED = (0.06, 0.16)
"""Metres, for an adult, by which a hand misses its contact: from the first the contact fades, at the second it is
given up."""
_ITERATIONS = 8
_RESTORED = 0.001
"""Metres of error at which a contact counts as restored."""
_STARTS, _STOPS = [c.start for c in CAPSULES], [c.stop for c in CAPSULES]
_RADII = np.array([c.radius for c in CAPSULES])
_HANDS = np.array([c.part == "hand" for c in CAPSULES])


@dataclass(frozen=True)
class TargetBody:
    """A body to which the motion of one of two people is applied.

    Attributes:
        joints: maps a posed skeleton to the positions (T, 22, 3) of SMPL's joints on this body; metres, in a world
            that both bodies share.
        root_motion: scale from the motion's world to this world.
        held: whether the body stays as it is, so that only the other one is adjusted.
    """

    joints: Callable[[PosedSkeleton], np.ndarray]
    root_motion: RootMotionScale
    held: bool = False


@dataclass(frozen=True)
class _PalmContact:
    """The contact of one palm with the partner's C parts in the original motion.

    Attributes:
        share: (T, C) position of the nearest point along each part, 0 to 1.
        between: (T, C, 3) displacement from the palm to that point.
        weight: (T, C) weight of each part; the sum is 1.
        strength: (T,) from 0 to 1, the contact of the palm with the partner as a whole.
    """

    share: np.ndarray
    between: np.ndarray
    weight: np.ndarray
    strength: np.ndarray


def adapt_to_bodies(
    people: Sequence[PosedSkeleton],
    bodies: Sequence[TargetBody],
    plant_feet: bool = True,
    keep_contacts: bool = True,
    kept: np.ndarray | None = None,
) -> tuple[list[PosedSkeleton], float]:
    """Adjust the motion of two people so that two other bodies keep its contacts with the ground and the partner.

    Hands keep their orientation, trunks lean slightly where arms do not reach, and hands without contact stay.

    Args:
        people: two posed skeletons, frame for frame, in one world.
        bodies: the bodies to apply it to, in the same order.
        plant_feet: whether to restore contacts of feet.
        keep_contacts: whether to restore contacts of hands.
        kept: (2, T, 22) from 0 to 1, joints that keep their rotation, such as those of a held pose: their arms and
            their trunks are not adjusted, and their legs only for feet on the floor. None for none.

    Returns:
        Both motions, and the 90th percentile of the remaining error of contacts, metres.
    """
    rotations = np.stack([world_rotations(person) for person in people])
    joints = np.stack([person.joints()[:, : len(SMPL)] for person in people])
    offsets = np.stack([person.offsets[: len(SMPL)] for person in people])
    result = list(people)
    if kept is None:
        kept = np.zeros(joints.shape[:-1])
    for number, body in enumerate(bodies):
        if plant_feet and not body.held:
            result[number] = _with_feet_in_place(people[number], joints[number], rotations[number], body, kept[number])
    if not keep_contacts:
        return result, 0.0
    touches = _touches(body_points(joints, rotations, offsets), people[0].fps, bodies)
    if not touches:
        return result, 0.0
    return _restore_contacts(result, bodies, joints, offsets, touches, kept)


def world_rotations(person: PosedSkeleton) -> np.ndarray:
    """(T, 22, 3, 3)."""
    return np.asarray(global_rotations(matrix_from_quaternion(person.rotations[:, : len(SMPL)]), SMPL))


def with_world_rotations(person: PosedSkeleton, rotations: np.ndarray) -> PosedSkeleton:
    """The person with other body rotations in the world (T, 22, 3, 3); fingers stay."""
    body = continuous_signs(quaternion_from_matrix(local_rotations(rotations, SMPL)))
    return replace(person, rotations=np.concatenate((body, person.rotations[:, len(SMPL) :]), axis=1))


def rest_offsets(joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(22, 3) rest offsets of a body with joints (T, 22, 3) and rotations (T, 22, 3, 3) in the world."""
    parents = list(SMPL.parents[1:])
    offsets = np.zeros((len(SMPL), 3))
    offsets[1:] = rotate(transposed(rotations[:, parents]), joints[:, 1:] - joints[:, parents]).mean(0)
    return offsets


# --- feet ----------------------------------------------------------------------------------------------------------


def _with_feet_in_place(
    person: PosedSkeleton, joints: np.ndarray, rotations: np.ndarray, body: TargetBody, kept: np.ndarray
) -> PosedSkeleton:
    """The person with toes on the body placed as in the original motion; soles keep their slope."""
    joints_now = body.joints(person)
    toes = body.root_motion.apply(joints[:, TOES])
    if np.abs(joints_now[:, TOES] - toes).max() < _RESTORED:
        return person
    offsets = rest_offsets(joints_now, rotations)
    ankles = [toes[:, side] - rotate(rotations[:, leg.end], offsets[TOES[side]]) for side, leg in enumerate(LEGS)]
    scale = body.root_motion.upward
    on_floor = 1 - smoothstep((toes[..., 1] - toes[..., 1].min() - 0.03 * scale) / (0.1 * scale))
    needed = np.zeros(len(joints_now))
    for side, leg in enumerate(LEGS):
        to_ankle = ankles[side] - joints_now[:, leg.upper]
        now = np.linalg.norm(joints_now[:, leg.end] - joints_now[:, leg.upper], axis=-1)
        longest = easy_reach(leg, offsets[None], now[None])[0]
        level = to_ankle[:, 0] ** 2 + to_ankle[:, 2] ** 2
        short = -to_ankle[:, 1] - np.sqrt(np.maximum(longest**2 - level, 0.0))
        needed = np.maximum(needed, short * on_floor[:, side])
    drop = np.minimum(upper_envelope(needed, max(1, round(0.13 * person.fps))), _LARGEST_DROP * scale)
    lowered = person.translation.copy()
    lowered[:, 1] -= drop / scale
    person = replace(person, translation=lowered)
    joints_now, rotated = body.joints(person)[None], rotations[None].copy()
    for side, leg in enumerate(LEGS):
        # A foot on the floor would slide if it left its place for a kept pose.
        share = (kept_limb(kept, leg) * (1 - on_floor[:, side]))[:, None]
        target = ankles[side] + share * (joints_now[0, :, leg.end] - ankles[side])
        rotated[:, :, leg.upper], rotated[:, :, leg.hinge] = two_bone_ik(
            leg, offsets[None], joints_now, rotated, target[None]
        )
    return with_world_rotations(person, rotated[0])


# --- hands ---------------------------------------------------------------------------------------------------------


def _touches(points: np.ndarray, fps: float, bodies: Sequence[TargetBody]) -> dict[tuple[int, int], _PalmContact]:
    """Contacts by (person, hand), for hands that can move and have a contact; points (2, T, 25, 3)."""
    result = {}
    for person in (0, 1):
        starts, stops = points[1 - person][:, _STARTS], points[1 - person][:, _STOPS]
        for hand in (0, 1) if not bodies[person].held else ():
            palm = points[person][:, None, _PALMS[hand]]
            share = nearest_on_segments(palm, starts, stops)
            between = starts + share[..., None] * (stops - starts) - palm
            gaps = np.linalg.norm(between, axis=-1) - _RADII - PALM_RADIUS
            low, high = _TOUCH
            near = 1 - smoothstep((gaps.min(1) - low) / (high - low))
            if near.max() < 0.5:
                continue
            ranked = gaps - _HANDS_FIRST * _HANDS
            weight = hann_smoothed(np.exp((ranked.min(1, keepdims=True) - ranked) / _RIVAL).T, 2).T
            weight /= weight.sum(1, keepdims=True)
            result[person, hand] = _PalmContact(
                share, between, weight, upper_envelope(near, max(1, round(_BLEND * fps)))
            )
    return result


def _restore_contacts(
    people: list[PosedSkeleton],
    bodies: Sequence[TargetBody],
    source: np.ndarray,
    source_offsets: np.ndarray,
    touches: dict[tuple[int, int], _PalmContact],
    kept: np.ndarray,
) -> tuple[list[PosedSkeleton], float]:
    """Move hands back into contact; ``source`` (2, T, 22, 3) and its offsets are those of the original people."""
    start = np.stack([world_rotations(person) for person in people])

    def positions_of(rotations: np.ndarray) -> np.ndarray:
        return np.stack(
            [
                body.joints(with_world_rotations(*pair))
                for body, pair in zip(bodies, zip(people, rotations, strict=True), strict=True)
            ]
        )

    joints = positions_of(start)
    offsets = np.stack([rest_offsets(*pair) for pair in zip(joints, start, strict=True)])
    hands = _lengths(joints, ARMS[0].hinge, ARMS[0].end) / _lengths(source, ARMS[0].hinge, ARMS[0].end)
    trunks = _lengths(joints, 0, SMPL.index("Neck")) / _lengths(source, 0, SMPL.index("Neck"))
    moves = np.zeros((*joints.shape[:2], 2, 3))
    free = 1 - np.stack([kept_limb(kept, arm) for arm in ARMS], -1)
    lean = _LARGEST_LEAN * free_trunk(kept)
    rotations = start
    for attempt in range(_ITERATIONS + 1):
        points = body_points(positions_of(rotations), rotations, source_offsets, hands)
        displacements = {key: _displacement(key, touch, points, hands, trunks) for key, touch in touches.items()}
        errors = np.concatenate(
            [
                np.linalg.norm(displacement, axis=-1)[touches[key].strength > 0.95]
                for key, displacement in displacements.items()
            ]
        )
        if attempt == _ITERATIONS or errors.max(initial=0) < _RESTORED:
            break
        for (person, hand), displacement in displacements.items():
            # Each of two hands moves by half, if both can.
            partner = 0.0 if bodies[1 - person].held else free[1 - person].min(-1)
            mutual = touches[person, hand].weight[:, _HANDS].sum(1) * partner
            wanted = ((1 - 0.5 * mutual) * touches[person, hand].strength)[:, None] * displacement
            moves[person, :, hand] = free[person, :, hand, None] * (moves[person, :, hand] + wanted)
        rotations = rotations_with_moved_hands(joints, start, moves, offsets, positions_of, lean)
    reachable = _reachable_fraction(displacements, touches, hands, people[0].fps)
    if reachable.min() < 1:
        rotations = rotations_with_moved_hands(joints, start, reachable * moves, offsets, positions_of, lean)
    restored = [
        person if bodies[number].held else with_world_rotations(person, rotations[number])
        for number, person in enumerate(people)
    ]
    return restored, float(np.quantile(errors, 0.9)) if len(errors) else 0.0


def _reachable_fraction(
    displacements: dict[tuple[int, int], np.ndarray],
    touches: dict[tuple[int, int], _PalmContact],
    hands: np.ndarray,
    fps: float,
) -> np.ndarray:
    """(2, T, 2, 1) fractions of the hands' moves to apply, 0 to 1; hands that cannot reach their contact stay.

    An arm stretched towards a partner who is out of reach looks worse than a hand that stays in place.
    """
    result = np.ones((2, len(next(iter(displacements.values()))), 2, 1))
    low, high = _MISSED
    for (person, hand), displacement in displacements.items():
        error = np.linalg.norm(displacement, axis=-1) * (touches[person, hand].strength > 0.5) / hands[person]
        lost = smoothstep((error - low) / (high - low))
        result[person, :, hand, 0] = 1 - upper_envelope(lost, max(1, round(0.5 * _BLEND * fps)))
    return result


def _displacement(
    key: tuple[int, int], touch: _PalmContact, points: np.ndarray, hands: np.ndarray, trunks: np.ndarray
) -> np.ndarray:
    """(T, 3) displacement of a palm to its original place relative to the partner, for body points (2, T, 25, 3)."""
    person, hand = key
    partner = points[1 - person]
    starts, stops = partner[:, _STARTS], partner[:, _STOPS]
    # Thicker bodies keep hands further away from their bones.
    thick = np.where(_HANDS, hands[1 - person], trunks[1 - person])
    thicker = (_RADII * thick + PALM_RADIUS * hands[person]) / (_RADII + PALM_RADIUS)
    target = starts + touch.share[..., None] * (stops - starts) - touch.between * thicker[:, None]
    displacement = target - points[person][:, None, _PALMS[hand]]
    return np.asarray((touch.weight[..., None] * displacement).sum(1))


def _lengths(joints: np.ndarray, first: int, second: int) -> np.ndarray:
    """(P,) metres between two joints of (P, T, 22, 3)."""
    return np.asarray(np.median(np.linalg.norm(joints[:, :, first] - joints[:, :, second], axis=-1), axis=1))
