"""How two hands can hold or touch each other: a handshake, palm on palm, fist against fist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from ..motion.places import PALM
from ..motion.rotations import rotate
from .hand_capsules import Capsules, HandPlace, depths, hand_capsules
from .hand_pose import THUMB
from .shapes import SHAPES
from .states import CLASP, FIST, OPEN

_TILTS = (-30.0, -15.0, 0.0, 15.0, 30.0)
"""Degrees by which hands that touch each other cross."""
_THUMB_BACK = -20.0
"""Opposition of the thumb, degrees, at which it is no nearer to the other hand than the palm is."""
_GAPS = np.linspace(-0.02, 0.08, 201)
"""Metres between the touching places of hands, of which the least is taken at which no part is inside."""


@dataclass(frozen=True)
class Hold:
    """How two hands hold each other, in a frame of both: X from the first hand to the second.

    Attributes:
        turns: (2, 3, 3) orientations of the hands.
        places: (2, 3) where ``Manner.place`` of each hand is for bodies of average size, metres.
    """

    turns: np.ndarray
    places: np.ndarray


@dataclass(frozen=True, eq=False)
class Manner:
    """A way in which two hands come together.

    Attributes:
        state: of the fingers of both hands.
        holds: all ways for the sides of the first and of the second hand.
        reach: metres between the palms within which hands come together.
        stays: metres within which hands that have come together stay so.
        shortest: frames for which they do at least.
        place: (3,) the middle of what touches the other hand, of a left hand, metres from the wrist.
        towards: (3,) where a left hand looks towards the other one, in its own frame.
        shape: (20,) angles of fingers, degrees, that touch the other hand as they are; None for fingers that close.
        ahead: frames by which hands are turned before they touch.
        apart: metres by which they are further apart before and after they touch.
        opposed: mean cosine between ``towards`` of both hands, up to which they come together.
    """

    state: int
    holds: Callable[[tuple[int, int]], list[Hold]]
    reach: float
    stays: float
    shortest: int
    place: tuple[float, float, float]
    towards: tuple[float, float, float]
    shape: np.ndarray | None
    ahead: int
    apart: float
    opposed: float = 1.0

    def place_on(self, hand: HandPlace) -> np.ndarray:
        """(T, 3) the middle of what touches the other hand, in the world."""
        return hand.wrist + self.from_wrist(hand)

    def from_wrist(self, hand: HandPlace) -> np.ndarray:
        """(T, 3) from the wrist to ``place_on``, in the world."""
        local = hand.size * np.array(self.place) * _mirror(hand.side)
        return np.asarray(rotate(hand.orientation, np.broadcast_to(local, hand.wrist.shape)))

    def looking(self, hand: HandPlace) -> np.ndarray:
        """(T, 3) ``towards`` in the world."""
        return np.asarray(
            rotate(hand.orientation, np.broadcast_to(np.array(self.towards) * _mirror(hand.side), hand.wrist.shape))
        )


def _mirror(side: int) -> np.ndarray:
    return np.array((1.0 - 2 * side, 1.0, 1.0))


def palm_of(hand: HandPlace) -> np.ndarray:
    """(T, 3) the middle of the palm."""
    return CLASPED.place_on(hand)


@dataclass(frozen=True)
class _Kind:
    """A hold in numbers, found by trying which one lets all fingers touch the other hand without entering it.

    Attributes:
        first_side: which hand the first person gives; with the other one, the hold is mirrored.
        opposed: whether the fingers look towards each other, or down on both sides.
        tilt: degrees by which the fingers point down, or cross.
        gap: metres between the middles of the palms.
        slide, lift: metres by which the palms are moved along each other.
    """

    first_side: int
    opposed: bool
    tilt: float
    gap: float
    slide: float = 0.0
    lift: float = 0.0


_SHAKE = _Kind(1, True, 15.0, 0.048, -0.02)
_SIDE_BY_SIDE = _Kind(0, False, 45.0, 0.048, -0.015, -0.02)
_FACING = _Kind(1, True, 36.0, 0.042)


def _hold(sides: tuple[int, int], kind: _Kind) -> Hold:
    """A hold between a left hand (0) or a right one (1) of the first person and one of the second.

    The fingers of the first hand look along Z or, for hands side by side, along -Y.
    """
    mirrored = sides[0] != kind.first_side
    across = np.array((-1.0 if mirrored else 1.0, 0.0, 0.0))
    up, ahead = np.array((0.0, 1.0, 0.0)), np.array((0.0, 0.0, 1.0))
    tilt, turns, palms = np.radians(kind.tilt), [], []
    for sign, side in zip((1.0, -1.0), sides, strict=True):
        if kind.opposed:
            fingers = sign * np.cos(tilt) * ahead - np.sin(tilt) * up
        else:
            fingers = sign * np.sin(tilt) * ahead - np.cos(tilt) * up
        turns.append(_frame(side, fingers, sign * across))
        palms.append(-0.5 * sign * (kind.gap * across + kind.slide * ahead + kind.lift * up))
    return Hold(np.stack(turns), np.stack(palms))


def _exchanged(hold: Hold) -> Hold:
    return Hold(hold.turns[::-1], hold.places[::-1])


def possible_holds(sides: tuple[int, int]) -> list[Hold]:
    """All ways in which a hand of the first person and one of the second hold each other."""
    if sides[0] == sides[1]:
        return [_hold(sides, _SHAKE)]
    swapped = (sides[1], sides[0])
    kinds = (_SIDE_BY_SIDE, _FACING)
    return [_hold(sides, kind) for kind in kinds] + [_exchanged(_hold(swapped, kind)) for kind in kinds]


def flat_holds(sides: tuple[int, int]) -> list[Hold]:
    """All ways in which a hand of the first person and one of the second lie flat on each other."""
    return [_flat_hold(sides, tilt) for tilt in _TILTS]


def fist_holds(sides: tuple[int, int]) -> list[Hold]:
    """All ways in which a fist of the first person and one of the second meet with their knuckles."""
    return [_fist_hold(sides, tilt) for tilt in _TILTS]


@cache
def _flat_hold(sides: tuple[int, int], tilt: float) -> Hold:
    """The hold in which flat hands at an angle just touch, for bodies of average size."""
    hold = _hold(sides, _Kind(sides[0], False, tilt, 0.0))
    return _touching(SLAPPED, sides, hold.turns)


@cache
def _fist_hold(sides: tuple[int, int], tilt: float) -> Hold:
    """The hold in which the knuckles of fists just touch, one of them turned about the line between them."""
    turns = []
    for sign, side in zip((1.0, -1.0), sides, strict=True):
        roll = 0.5 * sign * np.radians(tilt)
        turns.append(_frame(side, np.array((sign, 0.0, 0.0)), np.array((0.0, -np.cos(roll), np.sin(roll)))))
    return _touching(BUMPED, sides, np.stack(turns))


def _touching(manner: Manner, sides: tuple[int, int], turns: np.ndarray) -> Hold:
    """The hold with orientations (2, 3, 3) in which hands in a manner's shape touch and do not enter each other."""
    assert manner.shape is not None
    holds = [Hold(turns, np.array(((-0.5 * gap, 0.0, 0.0), (0.5 * gap, 0.0, 0.0)))) for gap in _GAPS]
    parts = []
    for one, side in enumerate(sides):
        hand = HandPlace(np.zeros((len(holds), 3)), np.tile(turns[one], (len(holds), 1, 1)), side, 1.0)
        hand = replace(hand, wrist=np.stack([hold.places[one] for hold in holds]) - manner.from_wrist(hand))
        parts.append(shaped_capsules(hand, manner.shape))
    apart = depths(*parts).max((-1, -2)) <= 0.0
    return holds[int(apart.argmax())] if apart.any() else holds[-1]


def shaped_capsules(hand: HandPlace, shape: np.ndarray) -> Capsules:
    """Fingers and palm of a hand with fingers at angles (20,), degrees."""
    capsules = hand_capsules(hand, np.tile(shape, (len(hand.wrist), 1)))
    return capsules.fingers.joined(capsules.palm)


def _frame(side: int, fingers: np.ndarray, palm: np.ndarray) -> np.ndarray:
    """(3, 3) orientation of a hand whose fingers and palm look in two directions."""
    across = fingers * (1.0 - 2 * side)
    return np.stack((across, -palm, np.cross(across, -palm)), axis=-1)


def _open_for_slap() -> np.ndarray:
    angles = SHAPES[OPEN].copy()
    angles[4 * THUMB] = _THUMB_BACK
    return angles


_PALM_PLACE, _PALM_TOWARDS = (PALM, 0.0, 0.0), (0.0, -1.0, 0.0)
CLASPED = Manner(CLASP, possible_holds, 0.24, 0.24, 8, _PALM_PLACE, _PALM_TOWARDS, None, 6, 0.035)
"""Hands that hold each other."""
SLAPPED = Manner(OPEN, flat_holds, 0.15, 0.15, 1, _PALM_PLACE, _PALM_TOWARDS, _open_for_slap(), 4, 0.05)
"""Flat hands that touch each other, as in a high five; hands that only pass are further apart."""
BUMPED = Manner(FIST, fist_holds, 0.16, 0.22, 1, (0.106, -0.023, -0.009), (1.0, 0.0, 0.0), SHAPES[FIST], 4, 0.03, -0.2)
"""Fists that meet with their knuckles."""
