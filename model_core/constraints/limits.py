"""Constraints that no person can meet: too fast, or out of reach."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..motion.places import PLACES
from ..motion.rest import SMPL_REST_OFFSETS
from ..motion.skeleton import SMPL
from ..motion.types import FPS
from .types import (
    Constraint,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    PoseConstraint,
    every_frame,
    frames_of,
    restricted,
)
from .wording import Wording

Items = Sequence[Constraint | None]
"""The constraints of a clip; None for those that are left out."""

FASTEST = 6.0
"""Largest speed of a person, m/s."""
_TALL = 1.1
"""Largest size of a person, with 1 the average."""
_LOWEST, _STANDING, _JUMPING = 0.05, 1.05, 1.4
"""Heights of the pelvis above the floor in metres: lying, standing, and at the top of a jump."""
_JUMP = 15
"""Frames that a person can be in the air."""
_SHOULDER, _ARM = 1.3, 0.8
"""Metres: the height around which a wrist moves, and how far it comes from there over a given place of the pelvis.
Measured on solved clips whose path is given in every frame: up to here a hand is at most 5 cm off its point, beyond by
what is missing, downwards too. Nobody crouches for it."""


@dataclass(frozen=True)
class Problem:
    """A constraint that cannot be met.

    Attributes:
        number: index of the constraint.
        sentence: what is wrong, and what to do.
        remedy: the part of it that can be met; None for nothing.
    """

    number: int
    sentence: str
    remedy: Constraint | None


@dataclass(frozen=True)
class _Place:
    """Where a pelvis must be: ``ground`` (2,) x, z, and the constraints that say so."""

    ground: np.ndarray
    numbers: list[int]


def too_fast(items: Items, wording: Wording) -> Iterator[Problem]:
    """Places of the pelvis that are too far apart for the time between them."""
    sentences: dict[int, str] = {}
    left_out: dict[int, set[int]] = {}
    for person, places in enumerate(pelvis_places(items)):
        frames = sorted(places)
        before = frames[0] if frames else 0
        for after in frames[1:]:
            way = float(np.linalg.norm(places[after].ground - places[before].ground))
            speed = way / (after - before) * FPS
            if speed <= FASTEST + 1e-6:
                before = after
                continue
            first, second = places[before].numbers[0], places[after].numbers[0]
            names = f"{_label(items, second, wording)} asks"
            if first != second:
                other = wording.inside(_label(items, first, wording))
                names = f"{_label(items, second, wording)} and {other} together ask"
            sentence = (
                f"{names} {wording.people[person]} for {speed:.1f} m/s between the frames {wording.frame(before)} and "
                f"{wording.frame(after)}; give more time or a shorter way, for at most {FASTEST:g} m/s."
            )
            for number in places[after].numbers:
                sentences.setdefault(number, sentence)
                left_out.setdefault(number, set()).add(after)
    for number, sentence in sentences.items():
        yield Problem(number, sentence, without(items[number], left_out[number]))


def out_of_reach(items: Items, floor: float, wording: Wording) -> Iterator[Problem]:
    """Pins, and contacts with points, that the body cannot reach from where it must be, or from the floor."""
    pelvis = pelvis_places(items)
    for number, item in enumerate(items):
        if item is None or item.weight == 0:
            continue
        if isinstance(item, PinConstraint):
            joint, extra, points = item.joint, 0.0, item.points
        elif isinstance(item, ContactConstraint) and not isinstance(item.on, str) and item.never_nearer is None:
            joint, local = PLACES[item.place]
            extra, points = float(np.linalg.norm(local)), item.on[None]
        else:
            continue
        highest = floor + (_JUMPING if item.stop - item.start <= _JUMP else _STANDING)
        sentence, unreached = "", set()
        points = np.broadcast_to(points, (item.stop - item.start, 3)).copy()
        for frame, point in enumerate(points, item.start):
            centre = np.array([point[0], np.clip(point[1], floor + _LOWEST, highest), point[2]])
            limit = _TALL * (_chain(joint) + extra)
            known = None if joint == "Pelvis" else pelvis[item.person].get(frame)
            if known is not None:
                centre[[0, 2]] = known.ground
                # A pose that is asked for, or a pinned pelvis, says itself how low the trunk is and how far it leans.
                if joint.endswith("Wrist") and all(isinstance(items[n], PathConstraint) for n in known.numbers):
                    centre[1] = floor + _SHOULDER
                    limit = _ARM + extra
            way = point - centre
            distance = float(np.linalg.norm(way))
            if distance <= limit + 1e-6:
                continue
            if not sentence:
                sentence = _unreached(items, wording, number, joint, frame, known, way, limit, point[1] - floor)
                if frame > item.start and known is not None:
                    sentence = f"{sentence[:-1]}, or end it in frame {wording.frame(frame - 1)}."
            unreached.add(frame)
            point[:] = centre + way * (limit / distance)
        if not sentence:
            continue
        if isinstance(item, PinConstraint):
            yield Problem(number, sentence, replace(item, points=points))
        else:
            yield Problem(number, sentence, without(item, unreached))


def _unreached(
    items: Items,
    wording: Wording,
    number: int,
    joint: str,
    frame: int,
    known: _Place | None,
    way: np.ndarray,
    limit: float,
    height: float,
) -> str:
    """What is wrong with a point that is further from the body than ``limit`` metres, by the vector ``way`` (3,)."""
    name, shown = _label(items, number, wording), wording.frame(frame)
    stands = known is not None and all(isinstance(items[n], PathConstraint) for n in known.numbers)
    if known is not None and stands and joint.endswith("Wrist") and -way[1] > 0.5 * limit:
        other = wording.inside(_label(items, known.numbers[0], wording))
        return (
            f"{name} is {-way[1]:.2f} m below the shoulders of someone who stands where {other} says in frame {shown}, "
            f"and a {joint_word(joint)} reaches {limit:.2f} m; put it higher, or ask for a pose that bends down."
        )
    if known is None or abs(way[1]) > limit:
        return (
            f"{name} is {abs(height):.2f} m {'above' if height > 0 else 'under'} the floor in frame "
            f"{shown}, where no {joint_word(joint)} reaches; put it {'lower' if height > 0 else 'higher'}."
        )
    other = wording.inside(_label(items, known.numbers[0], wording))
    return (
        f"{name} is {np.linalg.norm(way):.2f} m from where {other} puts the person in frame "
        f"{shown}, and a {joint_word(joint)} reaches {limit:.2f} m; move one nearer to the other."
    )


def pelvis_places(items: Items) -> tuple[dict[int, _Place], dict[int, _Place]]:
    """For each person and frame where the pelvis must be; what only is a wish is left out."""
    places: tuple[dict[int, _Place], dict[int, _Place]] = ({}, {})
    for number, item in enumerate(items):
        if isinstance(item, PathConstraint) and item.weight == 1:
            path = every_frame(item)
            found = zip(path.frames, path.places, strict=True)
        elif isinstance(item, PoseConstraint) and item.weight == 1 and item.in_place and 0 in item.joints:
            found = zip(item.frames, item.roots[:, [0, 2]], strict=True)
        elif isinstance(item, PinConstraint) and item.weight == 1 and item.joint == "Pelvis":
            points = np.broadcast_to(item.points, (item.stop - item.start, 3))
            found = zip(frames_of(item), points[:, [0, 2]], strict=True)
        else:
            continue
        for frame, ground in found:
            places[item.person].setdefault(frame, _Place(ground, [])).numbers.append(number)
    return places


def _label(items: Items, number: int, wording: Wording) -> str:
    item = items[number]
    return "" if item is None else wording.label(item, number)


def _chain(joint: str) -> float:
    """Metres from the pelvis to a joint along the bones of an average person."""
    length, index = 0.0, SMPL.index(joint)
    while index > 0:
        length += float(np.linalg.norm(SMPL_REST_OFFSETS[index]))
        index = SMPL.parents[index]
    return length


def joint_word(joint: str) -> str:
    """A joint in a sentence: ``L_Wrist`` is a left wrist."""
    return joint.replace("L_", "left ").replace("R_", "right ").lower()


def without(item: Constraint | None, frames: Collection[int]) -> Constraint | None:
    """A constraint without some of its frames."""
    return None if item is None else restricted(item, lambda frame: frame not in frames)
