"""Constraints that contradict each other: they are reported, not averaged.

Of two constraints with different weights the one with the greater weight is used, so they do not contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from ..motion.places import PLACES
from ..motion.rotations import angle_between
from ..motion.skeleton import SMPL
from .limits import Items, Problem, joint_word, without
from .targets import posed
from .types import (
    Constraint,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    PoseConstraint,
    TimingConstraint,
    every_frame,
    frames_of,
)
from .wording import Wording

_APART = 0.02
"""Metres between two places that are one."""
_TURNED = np.radians(5.0)
"""Angle between two headings or orientations that are one."""

_Key = tuple[object, ...]


def contradictions(items: Items, wording: Wording) -> Iterator[Problem]:
    """Constraints of one weight that ask for different values of one thing in one frame."""
    asked: dict[_Key, tuple[np.ndarray, int]] = {}
    sentences: dict[int, str] = {}
    left_out: dict[int, set[int]] = {}
    for number, item in enumerate(items):
        if item is None or item.weight == 0:
            continue
        for what, frame, value in _values(item):
            key = (*what, frame, item.weight)
            before = asked.setdefault(key, (value, number))
            if before[1] == number:
                continue
            difference = _difference(str(what[0]), before[0], value)
            if difference is not None:
                names = _both(items, before[1], number, wording)
                sentence = f"{names} {_wanted(what, difference, wording)} in frame {wording.frame(frame)}; {_DO}"
                sentences.setdefault(number, sentence)
                left_out.setdefault(number, set()).add(frame)
    for number, sentence in sentences.items():
        yield Problem(number, sentence, without(items[number], left_out[number]))
    yield from _of_contacts(items, wording)
    yield from _of_timing(items, wording)


_DO = "remove one, or give one a smaller weight."


def _values(item: Constraint) -> Iterator[tuple[_Key, int, np.ndarray]]:
    """Everything that a constraint asks for: what of whom, in which frame, and the value."""
    if isinstance(item, PathConstraint):
        path = every_frame(item)
        for number, frame in enumerate(path.frames):
            yield ("ground", item.person), frame, path.places[number]
            if path.headings is not None:
                cosine, sine = path.headings[number]
                yield ("heading", item.person), frame, np.arctan2(sine, cosine)
    elif isinstance(item, PoseConstraint):
        world, points, angles = posed(item)
        for number, frame in enumerate(item.frames):
            if not item.in_place:
                for joint in item.joints_at(number):
                    yield ("pose", item.person, SMPL.joints[joint]), frame, item.rotations[number, joint]
                continue
            for joint in item.joints_at(number):
                yield ("joint", item.person, SMPL.joints[joint]), frame, points[number, joint]
                yield ("rotation", item.person, SMPL.joints[joint]), frame, world[number, joint]
            if 0 in item.joints:
                yield ("ground", item.person), frame, points[number, 0, [0, 2]]
                yield ("heading", item.person), frame, angles[number]
    elif isinstance(item, PinConstraint):
        for frame in frames_of(item):
            point = item.points[min(frame - item.start, len(item.points) - 1)]
            yield ("joint", item.person, item.joint), frame, point
            if item.joint == "Pelvis":
                yield ("ground", item.person), frame, point[[0, 2]]
            if item.rotations is not None:
                rotation = item.rotations[min(frame - item.start, len(item.rotations) - 1)]
                yield ("rotation", item.person, item.joint), frame, rotation


def _difference(kind: str, first: np.ndarray, second: np.ndarray) -> float | None:
    """Metres or radians between two values; None if they agree."""
    if kind in ("ground", "joint"):
        distance = float(np.linalg.norm(first - second))
        return distance if distance > _APART else None
    if kind == "heading":
        angle = abs(float((first - second + np.pi) % (2 * np.pi) - np.pi))
    else:
        angle = float(angle_between(first, second))
    return angle if angle > _TURNED else None


def _wanted(what: _Key, difference: float, wording: Wording) -> str:
    """What two constraints want differently."""
    kind, person = what[0], wording.people[int(str(what[1]))]
    if kind == "ground":
        return f"want {person} at two places {difference:.2f} m apart"
    joint = "" if kind == "heading" else joint_word(str(what[2]))
    if kind == "joint":
        return f"want the {joint} of {person} at two places {difference:.2f} m apart"
    angle = f"{np.degrees(difference):.0f} degrees apart"
    return f"want {person} to face two ways {angle}" if kind == "heading" else f"want the {joint} of {person} {angle}"


def _both(items: Items, first: int, second: int, wording: Wording) -> str:
    one, other = items[first], items[second]
    assert one is not None and other is not None
    return f"{wording.label(one, first)} and {wording.inside(wording.label(other, second))}"


def _of_contacts(items: Items, wording: Wording) -> Iterator[Problem]:
    """One place that is to touch two things, a contact that is to keep a distance, a pinned joint that is to touch."""
    own = [(number, item) for number, item in enumerate(items) if isinstance(item, ContactConstraint | PinConstraint)]
    left_out: set[int] = set()
    for (first, one), (second, other) in combinations(own, 2):
        if first in left_out or second in left_out:
            continue
        start, stop = max(one.start, other.start), min(one.stop, other.stop)
        if start >= stop or one.weight != other.weight or one.weight == 0 or one.person != other.person:
            continue
        if _contact_differs(one, other, start, stop):
            sentence = (
                f"{_both(items, first, second, wording)} contradict each other in the frames {wording.frame(start)} to "
                f"{wording.frame(stop - 1)}; {_DO}"
            )
            left_out.add(second)
            yield Problem(second, sentence, None)


def _contact_differs(
    one: PinConstraint | ContactConstraint, other: PinConstraint | ContactConstraint, start: int, stop: int
) -> bool:
    if isinstance(one, PinConstraint) and isinstance(other, PinConstraint):
        return False  # compared frame by frame
    if isinstance(one, ContactConstraint) and isinstance(other, ContactConstraint):
        if one.place != other.place:
            return False
        same = _same_thing(one.on, other.on)
        if (one.never_nearer is None) != (other.never_nearer is None):
            return same and max(one.never_nearer or 0, other.never_nearer or 0) > _APART
        return one.never_nearer is None and not same
    contact, pin = (one, other) if isinstance(one, ContactConstraint) else (other, one)
    assert isinstance(contact, ContactConstraint) and isinstance(pin, PinConstraint)
    joint, local = PLACES[contact.place]
    if joint != pin.joint or isinstance(contact.on, str) or contact.never_nearer is not None:
        return False
    points = np.broadcast_to(pin.points, (pin.stop - pin.start, 3))[start - pin.start : stop - pin.start]
    return bool((np.linalg.norm(points - contact.on, axis=-1) > 1.1 * np.linalg.norm(local) + _APART).any())


def _same_thing(first: str | np.ndarray, second: str | np.ndarray) -> bool:
    if isinstance(first, str) or isinstance(second, str):
        return isinstance(first, str) and isinstance(second, str) and first == second
    return bool(np.linalg.norm(first - second) <= _APART)


def _of_timing(items: Items, wording: Wording) -> Iterator[Problem]:
    """One event at two times, and parts of the prompt that begin in another order."""
    own = [(number, item) for number, item in enumerate(items) if isinstance(item, TimingConstraint) and item.weight]
    left_out: set[int] = set()
    for (first, one), (second, other) in combinations(own, 2):
        if one.weight != other.weight or first in left_out or second in left_out:
            continue
        if isinstance(one.event, int) and isinstance(other.event, int) and one.event != other.event:
            later = other.frame - one.frame if other.event > one.event else one.frame - other.frame
            agree = later >= abs(other.event - one.event)  # at least a frame for each part
        else:
            agree = one.event != other.event or one.frame == other.frame
        if not agree:
            sentence = (
                f"{_both(items, first, second, wording)} put what happens in an impossible order, at the frames "
                f"{wording.frame(one.frame)} and {wording.frame(other.frame)}; {_DO}"
            )
            left_out.add(second)
            yield Problem(second, sentence, None)
