"""Heads, hands and feet are brought to their pins and contacts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...constraints.targets import Targets
from ...motion.rotations import axis_angle_from_matrix, matrix_from_axis_angle, transposed
from ...motion.skeleton import SMPL
from ..contacts import speeds
from ..filters import hann_smoothed
from ..fitting import swing
from ..hands import CHEST_SUBTREE, SPINE, WRISTS
from ..limbs import ARMS
from ..pose import PoseBatch
from .contact_places import ContactPoints, Place
from .footsteps import Footsteps
from .reaching import legs_on, move_hands_exactly, swung_moves, wrists_in_range
from .spread import PEAK_SPEED, WISH, spread

_ROUNDS = 6
"""Largest number of rounds; each leaves about a tenth of the error."""
_MET = 5e-4
"""Metres within which no further round is needed."""
_SHORTEST, _LONGEST = 3.0, 6.0
"""Length in frames of the spread of a move."""
_SPEED_SHARE = 0.7
"""Share of a person's fastest ordinary speed that a move may add to a hand's."""
_LEAN_RADIUS = 4
"""Frames on each side over which leaning replaces a displacement of the body."""
_HEAD = SMPL.index("Head")
_HINGES = [arm.hinge for arm in ARMS]


@dataclass
class _Missing:
    """What the ends of limbs miss: (P, 2, T, 3) metres, left and right, and its weight (P, 2, T)."""

    moves: np.ndarray
    weight: np.ndarray

    @classmethod
    def none(cls, people: int, frames: int) -> _Missing:
        return cls(np.zeros((people, 2, frames, 3)), np.zeros((people, 2, frames)))

    def add(self, person: int, side: int, moves: np.ndarray, weight: np.ndarray) -> None:
        """Set moves (T, 3) of weights (T,) where no other has the same weight or more."""
        more = weight > self.weight[person, side]
        self.moves[person, side][more] = moves[more]
        self.weight[person, side][more] = weight[more]

    def spread(self, kept: np.ndarray, first: bool, length: float) -> np.ndarray:
        """(P, T, 2, 3) smooth moves that are 0 in kept frames (P, T).

        Wishes count in the ``first`` round only: they are met by their share, once.
        """
        if not (self.weight > 0).any():
            return np.zeros((len(self.moves), self.moves.shape[2], 2, 3))
        fixed = self.weight >= 1
        wish = WISH * self.weight if first else np.zeros_like(self.weight)
        values = np.where(fixed, 1.0, self.weight)[..., None] * self.moves
        return np.moveaxis(spread(values, fixed | kept[:, None], wish, length), 1, 2)

    @property
    def error(self) -> float:
        """Largest distance in metres where targets must be met."""
        return float(np.linalg.norm(self.moves, axis=-1).max(initial=0.0, where=self.weight >= 1))


def limbs_on_targets(
    body: PoseBatch,
    original: PoseBatch,
    targets: Targets,
    contacts: list[ContactPoints],
    steps: Footsteps,
    firm: np.ndarray,
    kept: np.ndarray,
) -> PoseBatch:
    """The people with heads, hands and feet at their pins and contacts.

    Args:
        body: P people on their feet.
        original: the same people before all targets.
        targets: of the clip; nothing is asked in kept frames.
        contacts: of the clip.
        steps: of the feet.
        firm: (P, T) from 0 to 1: the pelvis keeps its height.
        kept: (P, T) frames in which people stay as before.
    """
    people = len(body.translation)
    turned = targets.rotation_weight[:people]
    hands_turned = turned[..., list(WRISTS)]
    before, start = original.world()[0], body
    # Where the forearm is part of a pose, its hand is oriented as the user wants it.
    posed = np.minimum(turned[..., _HINGES], hands_turned)
    usual = _with_hands_of(body, original, (hands_turned > 0).any(1) & ~(posed > 0).any(1))
    firm = np.maximum(firm, hann_smoothed((targets.joint_weight[:people, :, _HEAD] > 0).astype(float), _LEAN_RADIUS))
    lengths, follow = np.zeros((people, 2)), np.zeros((people, 2), dtype=bool)
    for number in range(_ROUNDS):
        first = number == 0
        head, hands, feet = _missing(body, targets, contacts, kept)
        if not first and max(head.error, hands.error, feet.error) < _MET:
            break
        if first:
            lengths = _lengths(hands, start)
            follow = (hands.weight > 0).any(-1) & ~(hands_turned > 0).any(1)
        if (head.weight > 0).any() or (feet.weight > 0).any():
            placed = targets.ground_weight[:people] >= 1
            body = _move_heads(body, head.spread(kept, first, _LONGEST)[:, :, 0], placed)
            moves = feet.spread(kept, first, _SHORTEST)
            steps = replace(steps, ankles=steps.ankles + moves, toes=steps.toes + moves)
            body = legs_on(body, steps, np.zeros_like(steps.turn), firm, before)
            _, hands, _ = _missing(body, targets, contacts, kept)
        if first:
            moves = swung_moves(body.world()[0], hands.moves, hands.weight, kept, lengths)
        else:
            moves = hands.spread(kept, first, _SHORTEST)
        body = move_hands_exactly(body, moves, _hand_rotations(body, targets, hands_turned, kept), follow)
        body = wrists_in_range(body, usual, posed)
    return body


def _with_hands_of(body: PoseBatch, other: PoseBatch, chosen: np.ndarray) -> PoseBatch:
    """The people with the local rotations of some hands, chosen (P, 2), from another pose."""
    local = body.local.copy()
    for person, side in np.argwhere(chosen):
        local[person][:, WRISTS[side]] = other.local[person][:, WRISTS[side]]
    return replace(body, local=local)


def _missing(
    body: PoseBatch, targets: Targets, contacts: list[ContactPoints], kept: np.ndarray
) -> tuple[_Missing, _Missing, _Missing]:
    """What heads, hands and feet miss to their pins and contacts; a pin takes precedence over a contact."""
    people, frames = body.translation.shape[:2]
    joints, rotations = body.world()
    head, hands, feet = (_Missing.none(people, frames) for _ in range(3))
    away, weight = targets.joints[:people] - joints, targets.joint_weight[:people]
    for person in range(people):
        head.add(person, 0, away[person, :, _HEAD], weight[person, :, _HEAD])
        for side, wrist in enumerate(WRISTS):
            hands.add(person, side, away[person, :, wrist], weight[person, :, wrist])
    for contact in contacts:
        gap = contact.gap(joints, rotations)
        counts = contact.weight * (np.abs(gap).max(-1) > 0) if contact.keeps_away else contact.weight
        for place, other, sign in ((contact.own, contact.other, 1.0), (contact.other, contact.own, -1.0)):
            if place is None or place.limb is None:
                continue
            # Two limbs meet half way, unless one of them is bound.
            share = 1 - _bound(place, weight, kept)
            if other is not None and other.limb is not None:
                share = 0.5 * (share + _bound(other, weight, kept))
            kind = hands if place.limb in ARMS else feet
            kind.add(place.person, place.side, sign * share[:, None] * gap, counts * (share > 0))
    return head, hands, feet


def _bound(place: Place, weight: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(T,) 1 where the limb of a place is pinned, or its person stays."""
    pinned = weight[place.person, :, place.limb.end] >= 1 if place.limb is not None else False
    return (kept[place.person] | pinned).astype(np.float64)


def _lengths(hands: _Missing, body: PoseBatch) -> np.ndarray:
    """(P, 2) frames over which moves of hands are spread, so that hands stay about as fast as people otherwise are."""
    ordinary = np.percentile(speeds(body.world()[0], body.fps), 99, axis=(1, 2))
    distance = np.linalg.norm(hands.moves, axis=-1).max(-1, initial=0.0, where=hands.weight > 0)
    wanted = PEAK_SPEED * distance * body.fps / np.maximum(_SPEED_SHARE * ordinary, 1e-3)[:, None]
    return np.clip(wanted, _SHORTEST, _LONGEST)


def _hand_rotations(body: PoseBatch, targets: Targets, weight: np.ndarray, kept: np.ndarray) -> np.ndarray | None:
    """(P, T, 2, 3) axis times angle, in the world, that hands still miss to their orientations; None for nothing."""
    if not (weight >= 1).any():
        return None
    now = body.world()[1][:, :, WRISTS]
    missing = axis_angle_from_matrix(targets.rotations[: len(now)][:, :, WRISTS] @ transposed(now))
    fixed = np.moveaxis(weight >= 1, 1, 2)
    values = np.where(fixed[..., None], np.moveaxis(missing, 1, 2), 0.0)
    if not np.abs(values).max() > 1e-6:
        return None
    return np.moveaxis(spread(values, fixed | kept[:, None], length=_SHORTEST), 1, 2)


def _move_heads(body: PoseBatch, moves: np.ndarray, placed: np.ndarray) -> PoseBatch:
    """The people with heads moved by (P, T, 3) metres: the body moves, or leans where its place is given (P, T)."""
    if not np.abs(moves).max(initial=0.0) > 1e-7:
        return body
    lean = np.moveaxis(hann_smoothed(placed.astype(np.float64), _LEAN_RADIUS), 1, -1)[..., None]
    by = moves * (1 - lean * np.array([1.0, 0.0, 1.0]))
    body = replace(body, translation=body.translation + by)
    joints, rotations = body.world()
    trunk = joints[:, :, _HEAD] - joints[:, :, SPINE[0]]
    whole = axis_angle_from_matrix(swing(trunk, trunk + moves - by))
    turned = rotations.copy()
    for number, joint in enumerate(SPINE):
        part = matrix_from_axis_angle(whole * (number + 1) / len(SPINE))
        for carried in CHEST_SUBTREE if joint == SPINE[-1] else [joint]:
            turned[:, :, carried] = part @ rotations[:, :, carried]
    return body.with_world_rotations(turned)
