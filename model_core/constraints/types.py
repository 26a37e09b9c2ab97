"""The kinds of constraints.

All of them use the world coordinates of the generated clip: metres, Y up, the ground is x, z. Frames count from 0, at
30 frames per second. Intervals run from ``start`` up to, not including, ``stop``. ``person`` is 0 or 1. A constraint
with ``weight`` 1 is required, with less it is preferred, and with 0 it is ignored. ``name`` is shown in errors and
reports.

A heading is the angle about +Y of the direction that a person faces: 0 is +Z, 90 degrees is +X. Arrays of headings
hold its cosine and sine, as Kimodo's ``global_root_heading`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..motion.skeleton import SMPL

ALL_JOINTS = tuple(range(len(SMPL)))
PIN_JOINTS = ("Pelvis", "Head", "L_Wrist", "R_Wrist", "L_Ankle", "R_Ankle", "L_Foot", "R_Foot")
"""Joints that can be pinned, as SMPL names them."""
FIRST_CONTACT: Literal["first contact"] = "first contact"
BLEND = 10
"""Default number of frames over which a pin or a contact fades in before its interval, and out after it."""


@dataclass(frozen=True, eq=False)
class PathConstraint:
    """Positions of the pelvis on the ground.

    Attributes:
        person: 0 or 1.
        frames: K increasing frames.
        places: (K, 2) x, z.
        headings: (K, 2) cosine and sine of the heading; None leaves it free.
        dense: also constrain the frames between the given ones, on a smooth curve through the places.
        weight, name: see the module's docstring.
    """

    person: int
    frames: tuple[int, ...]
    places: np.ndarray
    headings: np.ndarray | None = None
    dense: bool = False
    weight: float = 1.0
    name: str = ""


@dataclass(frozen=True, eq=False)
class PoseConstraint:
    """Poses at certain frames.

    Attributes:
        person: 0 or 1.
        frames: K increasing frames.
        rotations: (K, 22, 3, 3) orientation of the pelvis in the world, then local rotations relative to the T-pose.
        roots: (K, 3) position of the pelvis; without ``in_place`` only its height is used.
        joints: indices of the constrained SMPL joints.
        in_place: true for the pose at this position and heading, false for the pose wherever the person stands.
        released: (K, 22) true for joints that follow a pin instead, see ``released``; None for none.
        weight, name: see the module's docstring.
    """

    person: int
    frames: tuple[int, ...]
    rotations: np.ndarray
    roots: np.ndarray
    joints: tuple[int, ...] = ALL_JOINTS
    in_place: bool = True
    weight: float = 1.0
    name: str = ""
    released: np.ndarray | None = None

    def joints_at(self, number: int) -> tuple[int, ...]:
        """The constrained joints in the frame ``frames[number]``."""
        if self.released is None:
            return self.joints
        return tuple(joint for joint in self.joints if not self.released[number, joint])


@dataclass(frozen=True, eq=False)
class PinConstraint:
    """A joint at a fixed or moving point.

    Attributes:
        person: 0 or 1.
        joint: one of ``PIN_JOINTS``.
        start, stop: interval.
        points: (1, 3), or (stop - start, 3) for each frame.
        rotations: orientation of the joint in the world relative to the T-pose, (1, 3, 3) or one for each frame; None
            leaves it free.
        blend: frames before and after the interval over which the pin fades in and out.
        weight, name: see the module's docstring.
    """

    person: int
    joint: str
    start: int
    stop: int
    points: np.ndarray
    rotations: np.ndarray | None = None
    blend: int = BLEND
    weight: float = 1.0
    name: str = ""


@dataclass(frozen=True, eq=False)
class ContactConstraint:
    """A contact of a place on one person's body with a place of the other person or a point, or a minimum distance.

    Attributes:
        person: 0 or 1, the person of ``place``.
        place: one of ``motion.places.PLACES``.
        on: a place of the other person, or a point (3,).
        start, stop: interval.
        never_nearer: minimum distance in metres; None for a contact.
        blend, weight, name: as in ``PinConstraint``.
    """

    person: int
    place: str
    on: str | np.ndarray
    start: int
    stop: int
    never_nearer: float | None = None
    blend: int = BLEND
    weight: float = 1.0
    name: str = ""


@dataclass(frozen=True)
class TimingConstraint:
    """When something happens.

    Attributes:
        frame: when it happens.
        event: the first contact of the two people, or the beginning of a part of the prompt, by its index.
        weight, name: see the module's docstring.
    """

    frame: int
    event: Literal["first contact"] | int
    weight: float = 1.0
    name: str = ""


Constraint = PathConstraint | PoseConstraint | PinConstraint | ContactConstraint | TimingConstraint


@dataclass(frozen=True)
class Constraints:
    """All constraints of a clip.

    Attributes:
        items: in the order of the file or of the list that the user sees.
    """

    items: tuple[Constraint, ...] = ()

    def __iter__(self) -> Iterator[Constraint]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def for_person(self, person: int) -> Constraints:
        """The constraints of a person, and all timings."""
        return Constraints(
            tuple(item for item in self.items if isinstance(item, TimingConstraint) or item.person == person)
        )

    def shifted(self, frames: int) -> Constraints:
        """The constraints, shifted later by a number of frames."""
        return Constraints(tuple(_shifted(item, frames) for item in self.items))

    def between(self, start: int, stop: int) -> Constraints:
        """The constraints within the frames from ``start`` up to ``stop``, counted from ``start``.

        Blends of intervals outside are dropped; ``Targets.between`` keeps them.
        """
        cut = [restricted(item, lambda frame: start <= frame < stop) for item in self.items]
        return Constraints(tuple(item for item in cut if item is not None)).shifted(-start)


def label(constraint: Constraint, number: int) -> str:
    """The name of a constraint in messages, for the beginning of a sentence.

    Args:
        constraint: with or without a name.
        number: its index in the list.
    """
    kind = _KINDS[type(constraint)]
    if constraint.name:
        return f"The {kind} '{constraint.name}'"
    if isinstance(constraint, TimingConstraint):
        return f"Constraint {number + 1} (a {kind})"
    return f"Constraint {number + 1} (a {kind} of person {constraint.person})"


_KINDS = {
    PathConstraint: "path",
    PoseConstraint: "pose",
    PinConstraint: "pin",
    ContactConstraint: "contact",
    TimingConstraint: "timing",
}


def frames_of(constraint: Constraint) -> tuple[int, ...]:
    """The frames of a constraint, without its blends."""
    if isinstance(constraint, TimingConstraint):
        return (constraint.frame,)
    if isinstance(constraint, PinConstraint | ContactConstraint):
        return tuple(range(constraint.start, constraint.stop))
    if isinstance(constraint, PathConstraint) and constraint.dense and constraint.frames:
        return tuple(range(constraint.frames[0], constraint.frames[-1] + 1))
    return constraint.frames


def every_frame(path: PathConstraint) -> PathConstraint:
    """A dense path with a place for each of its frames; a sparse path is returned unchanged.

    The curve is a cubic spline through the places with continuous velocity; headings are interpolated the shorter way.
    """
    if not path.dense or len(path.frames) in (0, path.frames[-1] - path.frames[0] + 1):
        return path
    keys = np.array(path.frames, dtype=np.float64)
    frames = np.arange(path.frames[0], path.frames[-1] + 1)
    headings = None
    if path.headings is not None:
        angles = np.unwrap(np.arctan2(path.headings[:, 1], path.headings[:, 0]))
        angle = np.interp(frames, keys, angles)
        headings = np.stack((np.cos(angle), np.sin(angle)), -1)
    return replace(
        path, frames=tuple(map(int, frames)), places=_smooth_curve(keys, path.places, frames), headings=headings
    )


def _smooth_curve(keys: np.ndarray, values: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Values (N, D) at ``frames`` of the cubic Hermite spline through values (K, D) at ``keys``; both increase."""
    slopes = np.gradient(values, keys, axis=0)
    before = np.clip(np.searchsorted(keys, frames, side="right") - 1, 0, len(keys) - 2)
    length = (keys[before + 1] - keys[before])[:, None]
    t = (frames[:, None] - keys[before][:, None]) / length
    return (
        (2 * t**3 - 3 * t**2 + 1) * values[before]
        + (t**3 - 2 * t**2 + t) * length * slopes[before]
        + (3 * t**2 - 2 * t**3) * values[before + 1]
        + (t**3 - t**2) * length * slopes[before + 1]
    )


def _shifted(item: Constraint, frames: int) -> Constraint:
    if isinstance(item, PathConstraint | PoseConstraint):
        return replace(item, frames=tuple(frame + frames for frame in item.frames))
    if isinstance(item, TimingConstraint):
        return replace(item, frame=item.frame + frames)
    return replace(item, start=item.start + frames, stop=item.stop + frames)


def restricted(item: Constraint, allowed: Callable[[int], bool]) -> Constraint | None:
    """A constraint restricted to allowed frames; an interval is restricted to its longest run of them.

    Args:
        item: the constraint.
        allowed: whether a frame is kept.

    Returns:
        None if no frame is kept.
    """
    if isinstance(item, TimingConstraint):
        return item if allowed(item.frame) else None
    if isinstance(item, PinConstraint | ContactConstraint):
        start, stop = _longest_run(item.start, item.stop, allowed)
        if start == stop:
            return None
        if isinstance(item, ContactConstraint):
            return replace(item, start=start, stop=stop)
        part = slice(start - item.start, stop - item.start)
        rotations = item.rotations
        return replace(
            item,
            start=start,
            stop=stop,
            points=item.points if len(item.points) == 1 else item.points[part],
            rotations=rotations if rotations is None or len(rotations) == 1 else rotations[part],
        )
    if isinstance(item, PathConstraint):
        item = every_frame(item)
    kept = [number for number, frame in enumerate(item.frames) if allowed(frame)]
    if not kept:
        return None
    frames = tuple(item.frames[number] for number in kept)
    if isinstance(item, PoseConstraint):
        released = None if item.released is None else item.released[kept]
        return replace(item, frames=frames, rotations=item.rotations[kept], roots=item.roots[kept], released=released)
    headings = None if item.headings is None else item.headings[kept]
    # Not dense any more: all its frames are listed, and those that are not allowed must stay out.
    return replace(item, frames=frames, places=item.places[kept], headings=headings, dense=False)


def _longest_run(start: int, stop: int, allowed: Callable[[int], bool]) -> tuple[int, int]:
    """Start and stop of the longest run of allowed frames in an interval; equal if there is none."""
    best, begin = (start, start), start
    for frame in range(start, stop + 1):
        if frame == stop or not allowed(frame):
            best = max(best, (begin, frame), key=lambda run: run[1] - run[0])
            begin = frame + 1
    return best
