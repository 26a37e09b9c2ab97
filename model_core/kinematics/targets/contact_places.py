"""The two points of a contact, and how far bodies are from being able to make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ...constraints import ContactTarget, Targets
from ...motion.places import PLACES, contact_gap, size_of
from ...motion.rotations import rotate
from ...motion.skeleton import SMPL
from ..limbs import ARMS, LEGS, Limb
from ..pose import PoseBatch

EASY_REACH, _FULL_REACH = 0.93, 0.99
"""Shares of their length: limbs reach up to the first, or, where they are stretched further already, up to the second.
"""
_SOON = 0.5
"""Weight of a contact from which bodies must be within reach of it."""


class Moves(Protocol):
    """What moves points of people."""

    def points(self, points: np.ndarray) -> np.ndarray:
        """Points (P, T, N, 3) moved."""
        ...


@dataclass(frozen=True)
class Place:
    """A point of a person's body.

    Attributes:
        person: whose.
        joint: that carries it.
        local: (3,) metres in the joint's frame.
        limb: that moves it, or None.
        side: of that limb, left 0 and right 1.
        reach: length of the limb up to the point, metres.
    """

    person: int
    joint: int
    local: np.ndarray
    limb: Limb | None
    side: int
    reach: float

    def at(self, joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
        """(T, 3) the point of people with joints (P, T, 22, 3) and rotations in the world (P, T, 22, 3, 3)."""
        carrier = rotations[self.person][:, self.joint]
        return np.asarray(joints[self.person][:, self.joint] + rotate(carrier, self.local))

    def start(self, joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
        """(T, 3) upper end of the limb that moves the point; the point itself without one."""
        return self.at(joints, rotations) if self.limb is None else joints[self.person][:, self.limb.upper]

    @property
    def is_hand(self) -> bool:
        """Whether an arm moves it."""
        return self.limb in ARMS


@dataclass(frozen=True)
class ContactPoints:
    """A contact between a place of a person and a place of the other, or a point.

    Attributes:
        own, other: the places; ``other`` is None for a point.
        point: (3,) the point, or zeros.
        weight: (T,).
        distance: metres between the two in contact, or the smallest distance allowed.
        keeps_away: whether it is the smallest distance allowed.
    """

    own: Place
    other: Place | None
    point: np.ndarray
    weight: np.ndarray
    distance: float
    keeps_away: bool

    @property
    def person(self) -> int:
        """Whose contact it is."""
        return self.own.person

    def gap(self, joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
        """(T, 3) from the own place to where it should be, at full weight."""
        own = self.own.at(joints, rotations)
        other = np.broadcast_to(self.point, own.shape) if self.other is None else self.other.at(joints, rotations)
        way = other - own
        far = np.linalg.norm(way, axis=-1, keepdims=True)
        amount = far - self.distance
        return way / np.maximum(far, 1e-6) * (np.minimum(amount, 0) if self.keeps_away else amount)

    def missing(self, moves: Moves, joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
        """(T, 2) ground shift of the own person that brings the limbs within reach of the contact."""
        places = [place for place in (self.own, self.other) if place is not None]
        starts, own = [], []
        for place in places:
            start = np.zeros((*joints.shape[:2], 1, 3))
            start[place.person, :, 0] = place.start(joints, rotations)
            starts.append(moves.points(start)[place.person][:, 0])
            own.append(start[place.person, :, 0])
        if len(places) == 1:
            starts.append(np.broadcast_to(self.point, starts[0].shape))
        way = starts[1] - starts[0]
        whole = sum(place.reach for place in places)
        if self.keeps_away:
            # Only places that no limb moves make the body move.
            level = way[:, [0, 2]]
            far = np.linalg.norm(level, axis=-1)
            amount = np.minimum(far - self.distance, 0) if whole == 0 else np.zeros_like(far)
            short = (amount / np.maximum(far, 1e-6))[:, None] * level
        else:
            stretched = np.linalg.norm(own[-1] - own[0], axis=-1) if len(own) == 2 else np.zeros(len(way))
            reach = np.maximum(EASY_REACH * whole, np.minimum(stretched, _FULL_REACH * whole))
            short = short_of_reach(way, reach)
        return np.asarray(short * (self.weight >= _SOON)[:, None])


def short_of_reach(way: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Ground shift (T, 2) of the upper end of a limb that brings a point at ``way`` (T, 3) within ``reach`` (T,)."""
    level = way[:, [0, 2]]
    far = np.linalg.norm(level, axis=-1)
    within = np.sqrt(np.maximum(reach**2 - way[:, 1] ** 2, (0.25 * reach) ** 2))
    return np.asarray((np.maximum(far - within, 0) / np.maximum(far, 1e-6))[:, None] * level)


def contact_points(targets: Targets, pose: PoseBatch, joints: np.ndarray) -> list[ContactPoints]:
    """The contacts of the targets, for people with joints (P, T, 22, 3)."""
    return [
        _points(contact, pose, joints)
        for contact in targets.contacts
        if contact.person < len(joints)
        and contact.weight.any()
        and (len(joints) > 1 or not isinstance(contact.on, str))
    ]


def _points(contact: ContactTarget, pose: PoseBatch, joints: np.ndarray) -> ContactPoints:
    own = _place(contact.place, contact.person, pose, joints)
    other, point = None, np.zeros(3)
    if isinstance(contact.on, str):
        other = _place(contact.on, 1 - contact.person, pose, joints)
        if other.limb in LEGS:
            # Feet stay where they stand, and what must touch them comes to them.
            other = replace(other, limb=None, reach=0.0)
    else:
        point = np.asarray(contact.on, dtype=np.float64)
    keeps_away = contact.never_nearer is not None
    distance = contact_gap(contact.place, contact.on) if contact.never_nearer is None else contact.never_nearer
    return ContactPoints(own, other, point, np.asarray(contact.weight, np.float64), distance, keeps_away)


def _place(name: str, person: int, pose: PoseBatch, joints: np.ndarray) -> Place:
    carrier, local = PLACES[name]
    joint = SMPL.index(carrier)
    scaled = size_of(joints[person]) * np.array(local)
    limb, side = _limb_of(joint, (*ARMS, *LEGS))
    reach = 0.0
    if limb is not None:
        chain = [limb.hinge, limb.end] if joint != limb.hinge else [limb.hinge]
        reach = float(np.linalg.norm(pose.offsets[person, chain], axis=-1).sum() + np.linalg.norm(scaled))
    return Place(person, joint, scaled, limb, side, reach)


def _limb_of(joint: int, limbs: Sequence[Limb]) -> tuple[Limb | None, int]:
    """The limb that moves a place on a joint, and its side; places on the upper arm and thigh have none."""
    for number, limb in enumerate(limbs):
        if joint in (limb.hinge, limb.end, *SMPL.children[limb.end]):
            return limb, number % 2
    return None, 0
