"""Constraints that nobody can meet: too fast, or out of reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

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
    label,
    only,
)

Items = Sequence[Constraint | None]
"""The constraints of a clip; None for those that are left out."""

FASTEST = 6.0
"""m/s of a person."""
_TALL = 1.1
"""Largest size of a person, with 1 the average."""
_LOWEST, _STANDING, _JUMPING = 0.05, 1.05, 1.4
"""Metres above the floor of the pelvis: lying, standing, and at the top of a jump."""
_JUMP = 15
"""Frames that a person can be in the air."""


@dataclass(frozen=True)
class Problem:
    """A constraint that cannot be met.

    Attributes:
        number: its index.
        sentence: what is wrong, and what to do.
        remedy: what of it can be met; None for nothing.
    """

    number: int
    sentence: str
    remedy: Constraint | None


@dataclass(frozen=True)
class _Place:
    """Where a pelvis must be: ``ground`` (2,) x, z, and the constraint that says so."""

    ground: np.ndarray
    number: int


def too_fast(items: Items) -> Iterator[Problem]:
    """Places of the pelvis that are too far apart for the time between them."""
    for person, places in enumerate(pelvis_places(items)):
        frames = sorted(places)
        for before, after in pairwise(frames):
            first, second = places[before], places[after]
            speed = float(np.linalg.norm(second.ground - first.ground)) / (after - before) * FPS
            if speed <= FASTEST + 1e-6:
                continue
            item = items[second.number]
            assert item is not None
            names = label(item, second.number)
            if second.number != first.number:
                other = items[first.number]
                assert other is not None
                names += f" and {inside(label(other, first.number))} together ask"
            else:
                names += " asks"
            sentence = (
                f"{names} person {person} for {speed:.1f} m/s between the frames {before} and {after}; give more time "
                f"or a shorter way, for at most {FASTEST:g} m/s."
            )
            yield Problem(second.number, sentence, without(item, after))


def out_of_reach(items: Items, floor: float) -> Iterator[Problem]:
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
        limit = _TALL * (_chain(joint) + extra)
        for frame in range(item.start, item.stop):
            point = points[min(frame - item.start, len(points) - 1)]
            centre = np.array([point[0], np.clip(point[1], floor + _LOWEST, highest), point[2]])
            known = None if joint == "Pelvis" else pelvis[item.person].get(frame)
            if known is not None:
                centre[[0, 2]] = known.ground
            way = point - centre
            distance = float(np.linalg.norm(way))
            if distance <= limit + 1e-6:
                continue
            name, word = label(item, number), _word(joint)
            if known is None or abs(way[1]) > limit:
                height = point[1] - floor
                sentence = (
                    f"{name} is {abs(height):.2f} m {'above' if height > 0 else 'under'} the floor in frame {frame}, "
                    f"where no {word} reaches; put it {'lower' if height > 0 else 'higher'}."
                )
            else:
                other = items[known.number]
                assert other is not None
                sentence = (
                    f"{name} is {distance:.2f} m from where {inside(label(other, known.number))} puts person "
                    f"{item.person} in frame {frame}, and a {word} reaches {limit:.2f} m; move one nearer to the other."
                )
            yield Problem(number, sentence, _nearer(item, frame, centre + way * (limit / distance)))
            break


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
            places[item.person].setdefault(frame, _Place(ground, number))
    return places


def _chain(joint: str) -> float:
    """Metres from the pelvis to a joint along the bones of an average person."""
    length, index = 0.0, SMPL.index(joint)
    while index > 0:
        length += float(np.linalg.norm(SMPL_REST_OFFSETS[index]))
        index = SMPL.parents[index]
    return length


def _word(joint: str) -> str:
    """A joint in a sentence: ``L_Wrist`` is a left wrist."""
    return joint.replace("L_", "left ").replace("R_", "right ").lower()


def inside(name: str) -> str:
    """A name of ``types.label`` within a sentence."""
    return name[0].lower() + name[1:]


def without(item: Constraint, frame: int) -> Constraint | None:
    """A constraint without one of its frames."""
    return only(item, lambda own: own != frame)


def _nearer(item: PinConstraint | ContactConstraint, frame: int, point: np.ndarray) -> Constraint:
    """A pin or contact whose point is where the body reaches, in one frame or, if it is still, in all."""
    if isinstance(item, ContactConstraint):
        return replace(item, on=point)
    points = item.points.copy()
    if len(points) == 1 and item.stop - item.start > 1:
        points = np.repeat(points, item.stop - item.start, axis=0)
    points[frame - item.start] = point
    return replace(item, points=points)
