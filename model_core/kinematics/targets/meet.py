"""A solved motion that meets what is asked: the body is moved, steps are made again, limbs reach their targets."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...constraints import Targets
from ...motion.canonical import facing
from ...motion.rotations import about_y, axis_angle_from_matrix, matrix_from_axis_angle, rotate, transposed
from ...motion.skeleton import SMPL
from ..contacts import ANKLES, TOES, speeds
from ..filters import hann_smoothed, smoothstep
from ..fitting import swing
from ..hands import CHEST_SUBTREE, WRISTS
from ..pose import PoseBatch
from ..settings import SolveSettings
from ..touch import touch_restoring_moves
from .contact_places import ContactPoints, Place, contact_points
from .displacement import Displacement, displacement
from .footsteps import Footsteps, footsteps
from .posing import height_changes, posed
from .reaching import hands_exactly, legs_on, swung_moves, wrists_in_range
from .spread import PEAK_SPEED, spread
from .stances import FootTargets

_ROUNDS = 6
"""Rounds in which limbs are brought to their targets; each leaves about a tenth of the error."""
_MET = 5e-4
"""Metres within which all targets are met and no further round is needed."""
_WISH = 5.0
"""How strongly a target with a weight below 1 draws."""
_UNCHANGED = 1e-7
"""Metres, and entries of rotations: a person who changes by less stays exactly as before."""
_PLANS, _OFF_STAND = 3, 0.008
"""Times that steps are planned, and metres by which a standing foot may be off its stand because its leg is short: it
leaves the floor earlier in the next plan."""
_TORN = (0.15, 0.3)
"""Metres: people who touched follow each other's hands up to the first, and not at all from the second on."""
_FOLLOWS = 3
"""Frames over which hands that follow what they touch are smoothed."""
_SHORTEST, _LONGEST, _SPEED_SHARE = 3.0, 6.0, 0.7
"""Frames of the spread of a hand's move, and the share of its ordinary speed that the move may add."""
_HEAD, _SPINE = SMPL.index("Head"), tuple(SMPL.index(name) for name in ("Spine1", "Spine2", "Spine3"))


def meet_targets(pose: PoseBatch, targets: Targets, settings: SolveSettings) -> PoseBatch:
    """The pose with everything that the targets ask for, changed no more and as smoothly as that takes.

    Weights of 1 are met exactly, as far as bones reach; smaller ones go that share of the way.

    Args:
        pose: one or two people who are solved: their feet do not slide, and the floor is where it belongs.
        targets: as many frames; of one person the first one's.
        settings: the ``held`` person stays.

    Raises:
        ValueError: the targets have another number of frames.
    """
    if len(targets) != pose.translation.shape[1]:
        raise ValueError(f"targets of {len(targets)} frames for a motion of {pose.translation.shape[1]}")
    held, fps = settings.held, pose.fps
    joints, rotations = pose.world()
    contacts = contact_points(targets, pose, joints)
    moved = displacement(joints, rotations, targets, contacts, held, fps)
    local = pose.local.copy()
    local[:, :, 0] = moved.rotations @ local[:, :, 0]
    body = replace(pose, local=local, translation=moved.points(joints[:, :, :1])[:, :, 0])
    body = posed(body, targets, held)
    heights, firm = height_changes(body, joints, targets, held)
    body = replace(body, translation=body.translation + heights[..., None] * np.array([0.0, 1.0, 0.0]))
    body, steps = _on_its_feet(body, joints, moved, firm, targets, contacts, held)
    if len(joints) == 2 and settings.keep_contacts:
        body = hands_exactly(body, _hands_kept(joints, body, targets, held))
    body = _limbs_met(body, targets, contacts, steps, firm, joints, held)
    for person in range(len(joints)):
        change = max(
            _largest(body.local[person] - pose.local[person]),
            _largest(body.translation[person] - pose.translation[person]),
        )
        if person == held or change < _UNCHANGED:
            body = body.with_person(person, pose)
    return body


def _largest(values: np.ndarray) -> float:
    return float(np.abs(values).max())


def _on_its_feet(
    body: PoseBatch,
    before: np.ndarray,
    moved: Displacement,
    firm: np.ndarray,
    targets: Targets,
    contacts: list[ContactPoints],
    held: int | None,
) -> tuple[PoseBatch, Footsteps]:
    """The displaced pose with feet that stand, step and touch, and its footsteps."""
    asked, beyond = _foot_targets(body, targets, held), np.zeros((*before.shape[:2], 2), dtype=bool)
    feet = [contact for contact in contacts if contact.own.joint in TOES and contact.person != held]
    for number in range(_PLANS):
        steps = footsteps(before, moved, body.fps, asked, beyond)
        stepped = legs_on(body, steps, steps.turn - moved.turn[..., None], firm, before, held)
        joints, rotations = stepped.world()
        off = np.linalg.norm(joints[:, :, ANKLES] - steps.ankles, axis=-1)
        missed = steps.stands & (off > _OFF_STAND)
        beyond |= missed
        if number == 0 and feet:
            asked = _with_foot_contacts(asked, feet, joints, rotations)
        elif not missed.any():
            break
    return stepped, steps


def _with_foot_contacts(
    asked: FootTargets, contacts: list[ContactPoints], joints: np.ndarray, rotations: np.ndarray
) -> FootTargets:
    """Where feet have to be, and those that are asked to touch something."""
    toes, counts = asked.toes.copy(), asked.toe_set.copy()
    for contact in contacts:
        at = (contact.person, slice(None), contact.own.side)
        firm = (contact.weight >= 1) & ~counts[at] & (not contact.keeps_away)
        gap = contact.gap(joints, rotations)
        toes[at][firm] = (joints[contact.person][:, contact.own.joint] + gap)[firm]
        counts[at] |= firm
    return replace(asked, toes=toes, toe_set=counts)


def _foot_targets(body: PoseBatch, targets: Targets, held: int | None) -> FootTargets:
    """Where feet have to be: pinned, or as in a pose, which may be wherever the person stands."""
    people = len(body.translation)
    asked = targets.joint_weight[:people] >= 1
    shaped = (targets.shape_weight[:people] >= 1) & ~asked
    places = targets.joints[:people]
    if shaped.any():
        turn = about_y(facing(body.world()[0]))[:, :, None]
        there = rotate(turn, targets.shape[:people]) + body.translation[:, :, None]
        places = np.where(shaped[..., None], there, places)
    asked = asked | shaped
    if held is not None:
        asked[held] = False
    return FootTargets(places[:, :, ANKLES], places[:, :, TOES], asked[..., ANKLES], asked[..., TOES])


def _hands_kept(before: np.ndarray, body: PoseBatch, targets: Targets, held: int | None) -> np.ndarray:
    """(2, T, 2, 3) moves of wrists that keep touching what they touched, unless they are asked to be elsewhere."""
    moves = touch_restoring_moves(before, body.world()[0], held)
    far = np.linalg.norm(moves, axis=-1, keepdims=True)
    near = 1 - smoothstep((far - _TORN[0]) / (_TORN[1] - _TORN[0]))
    asked = np.maximum(targets.joint_weight, targets.shape_weight)[..., WRISTS]
    if asked.any():
        weight = np.swapaxes(asked, 1, 2)
        elsewhere = spread(np.ones((*weight.shape, 1)), weight >= 1, _WISH * weight, _LONGEST)
        near = near * (1 - np.clip(np.swapaxes(elsewhere, 1, 2), 0.0, 1.0))
    return np.moveaxis(hann_smoothed(np.moveaxis(moves * near, 1, -1), _FOLLOWS), -1, 1)


@dataclass
class _Missing:
    """What ends of limbs still miss: (P, 2, T, 3) metres, left and right, and how much it counts (P, 2, T)."""

    moves: np.ndarray
    weight: np.ndarray

    @classmethod
    def none(cls, people: int, frames: int) -> _Missing:
        return cls(np.zeros((people, 2, frames, 3)), np.zeros((people, 2, frames)))

    def add(self, person: int, side: int, moves: np.ndarray, weight: np.ndarray) -> None:
        """Count moves (T, 3) with weights (T,), except where something else counts as much."""
        more = weight > self.weight[person, side]
        self.moves[person, side][more] = moves[more]
        self.weight[person, side][more] = weight[more]

    def spread(self, exact: bool, length: np.ndarray | float) -> np.ndarray:
        """(P, T, 2, 3) smooth moves; where ``exact`` only what must be met counts, for what a round left."""
        if not (self.weight > 0).any():
            return np.zeros((len(self.moves), self.moves.shape[2], 2, 3))
        fixed = self.weight >= 1
        wish = np.zeros_like(self.weight) if exact else _WISH * self.weight
        values = np.where(fixed, 1.0, self.weight)[..., None] * self.moves
        return np.moveaxis(spread(values, fixed, wish, length), 1, 2)

    @property
    def error(self) -> float:
        """Metres that are missing at most where targets must be met."""
        return float(np.linalg.norm(self.moves, axis=-1).max(initial=0.0, where=self.weight >= 1))


def _limbs_met(
    body: PoseBatch,
    targets: Targets,
    contacts: list[ContactPoints],
    steps: Footsteps,
    firm: np.ndarray,
    before: np.ndarray,
    held: int | None,
) -> PoseBatch:
    """The pose with heads, hands and feet at their pins and contacts, in a few rounds."""
    people = len(body.translation)
    weight = targets.joint_weight[:people].copy()
    turned = targets.rotation_weight[:people].copy()
    if held is not None:
        weight[held], turned[held] = 0, 0
    start = body
    # The forearm is part of an asked pose: its hand is turned as the user wants it.
    keep = np.minimum(turned[..., [18, 19]], turned[..., list(WRISTS)])
    length, follow = np.zeros((people, 2)), np.zeros((people, 2), dtype=bool)
    for number in range(_ROUNDS):
        exact = number > 0
        head, hands, feet = _missing(body, targets, weight, contacts, held)
        if max(head.error, hands.error, feet.error) < _MET and exact:
            break
        if not exact:
            length, follow = (
                _lengths(hands, start),
                (hands.weight > 0).any(-1) & ~(turned[..., list(WRISTS)] > 0).any(1),
            )
        if (head.weight > 0).any() or (feet.weight > 0).any():
            body = _head_met(body, head.spread(exact, _LONGEST)[:, :, 0], targets.ground_weight[:people] >= 1)
            by = feet.spread(exact, _SHORTEST)
            steps = replace(steps, ankles=steps.ankles + by, toes=steps.toes + by)
            body = legs_on(body, steps, np.zeros_like(steps.turn), firm, before, held)
            _, hands, _ = _missing(body, targets, weight, contacts, held)
        if exact:
            moves = hands.spread(exact, _SHORTEST)
        else:
            moves = swung_moves(body.world()[0], hands.moves, hands.weight, _WISH, length)
        body = hands_exactly(body, moves, _hand_turns(body, targets, turned), follow)
        body = wrists_in_range(body, start, keep)
    return body


def _missing(
    body: PoseBatch, targets: Targets, weight: np.ndarray, contacts: list[ContactPoints], held: int | None
) -> tuple[_Missing, _Missing, _Missing]:
    """What heads, hands and feet miss to their pins and contacts; a pin counts before a contact."""
    people, frames = body.translation.shape[:2]
    joints, rotations = body.world()
    head, hands, feet = (_Missing.none(people, frames) for _ in range(3))
    for person in range(people):
        head.add(person, 0, targets.joints[person, :, _HEAD] - joints[person, :, _HEAD], weight[person, :, _HEAD])
        for side, wrist in enumerate(WRISTS):
            hands.add(
                person, side, targets.joints[person, :, wrist] - joints[person, :, wrist], weight[person, :, wrist]
            )
    for contact in contacts:
        gap = contact.gap(joints, rotations)
        counts = contact.weight * (np.abs(gap).max(-1) > 0 if contact.keeps_away else 1)
        places = [place for place in (contact.own, contact.other) if place and place.limb and place.person != held]
        for place in places:
            sign = 1.0 if place is contact.own else -1.0
            if len(places) == 1:
                share = np.ones(frames)
            else:
                other = places[1] if place is places[0] else places[0]
                share = 0.5 + 0.5 * _pinned(other, weight) - 0.5 * _pinned(place, weight)
            kind = hands if place.is_hand else feet
            kind.add(place.person, place.side, sign * share[:, None] * gap, counts)
    return head, hands, feet


def _pinned(place: Place, weight: np.ndarray) -> np.ndarray:
    """(T,) 1 where the limb of a place is pinned itself."""
    if place.limb is None:
        return np.zeros(weight.shape[1])
    return (weight[place.person, :, place.limb.end] >= 1).astype(np.float64)


def _lengths(hands: _Missing, body: PoseBatch) -> np.ndarray:
    """(P, 2) frames over which moves of hands are spread, so that they are not faster than hands of the person are."""
    joints = body.world()[0]
    ordinary = np.percentile(speeds(joints, body.fps), 99, axis=(1, 2))
    far = np.linalg.norm(hands.moves, axis=-1).max(-1, initial=0.0, where=hands.weight > 0)
    wanted = PEAK_SPEED * far * body.fps / np.maximum(_SPEED_SHARE * ordinary, 1e-3)[:, None]
    return np.clip(wanted, _SHORTEST, _LONGEST)


def _hand_turns(body: PoseBatch, targets: Targets, turned: np.ndarray) -> np.ndarray | None:
    """(P, T, 2, 3) axis times angle, in the world, of hands that must have an orientation and do not; None for none."""
    weight = turned[..., list(WRISTS)]
    if not (weight >= 1).any():
        return None
    now = body.world()[1][:, :, WRISTS]
    off = axis_angle_from_matrix(targets.rotations[: len(now)][:, :, WRISTS] @ transposed(now))
    fixed = np.moveaxis(weight >= 1, 1, 2)
    values = np.where(fixed[..., None], np.moveaxis(off, 1, 2), 0.0)
    if not np.abs(values).max() > 1e-6:
        return None
    return np.moveaxis(spread(values, fixed, length=_SHORTEST), 1, 2)


def _head_met(body: PoseBatch, moves: np.ndarray, placed: np.ndarray) -> PoseBatch:
    """The pose with heads moved by (P, T, 3) metres: the pelvis moves, or the spine leans where it is ``placed``."""
    if not np.abs(moves).max(initial=0.0) > 1e-7:
        return body
    share = np.moveaxis(hann_smoothed(placed.astype(np.float64), 4), 1, -1)[..., None]
    by = moves * (1 - share * np.array([1.0, 0.0, 1.0]))
    body = replace(body, translation=body.translation + by)
    joints, rotations = body.world()
    arm = joints[:, :, _HEAD] - joints[:, :, _SPINE[0]]
    whole = axis_angle_from_matrix(swing(arm, arm + moves - by))
    turned = rotations.copy()
    for number, joint in enumerate(_SPINE):
        part = matrix_from_axis_angle(whole * (number + 1) / 3)
        for carried in [joint] if number < 2 else CHEST_SUBTREE:
            turned[:, :, carried] = part @ rotations[:, :, carried]
    return body.with_world_rotations(turned)
