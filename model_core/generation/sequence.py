"""Joins the parts of a prompt, each drawn as a clip of its own, so that one leads into the next.

A part that is drawn after the frames of another one begins wherever that one left the people: side by side, or back to
back. Drawn as a clip of its own it begins at the distance and with the facing that its kind has. It is placed where the
people have to move and turn least for it, and they walk and turn there at its beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..motion import FPS, Motion
from ..motion.canonical import CanonicalTransform, facing
from ..motion.rotations import about_y, rotate
from .completion import MIN_SEAM, blend

_TURN_COST = 0.25
"""Square metres that a square radian of turning costs when a part is placed."""
_SPEED = 1.2
"""Metres a second of people who walk to where the next part begins."""
_TURN_SPEED = np.radians(140.0)
"""Radians a second of people who turn to where the next part begins."""
_LARGEST_SHARE = 0.5
"""Largest share of a part in which people go to where it begins."""


def in_sequence(parts: Sequence[Sequence[Motion]]) -> list[Motion]:
    """The parts of a clip one after the other.

    Args:
        parts: two people each, in any place; the first part stays where it is.

    Returns:
        Both people, in the world of the first part, with the sum of the parts' frames.
    """
    people = list(parts[0])
    for part in parts[1:]:
        placed = [placement(people, part).apply(person) for person in part]
        people = [_continued(before, after) for before, after in zip(people, placed, strict=True)]
    return people


def placement(before: Sequence[Motion], after: Sequence[Motion]) -> CanonicalTransform:
    """The transform of both people of a part with which they move and turn least from where they were before."""
    places, headings = _standing(before, -1)
    own_places, own_headings = _standing(after, 0)
    best: tuple[float, CanonicalTransform] | None = None
    for yaw in np.linspace(0.0, 2 * np.pi, 180, endpoint=False):
        turned = rotate(about_y(np.full(2, yaw)), own_places)
        offset = (places - turned).mean(0)
        turns = _wrapped(headings - own_headings - yaw)
        cost = float(((places - turned - offset) ** 2).sum() + _TURN_COST * (turns**2).sum())
        if best is None or cost < best[0]:
            best = cost, CanonicalTransform(float(yaw), offset)
    assert best is not None
    return best[1]


def _continued(before: Motion, after: Motion) -> Motion:
    """One person's motion, and the next one from where it ends."""
    (places, headings), (own_places, own_headings) = _standing([before], -1), _standing([after], 0)
    gap, turn = places[0] - own_places[0], float(_wrapped(headings - own_headings)[0])
    seconds = max(float(np.linalg.norm(gap)) / _SPEED, abs(turn) / _TURN_SPEED)
    length = min(MIN_SEAM + seconds * FPS, _LARGEST_SHARE * len(after))
    share = np.clip(np.arange(len(after)) / max(length, 1.0), 0.0, 1.0)
    fade = 1.0 - share * share * (3.0 - 2.0 * share)
    after = displaced(after, fade[:, None] * gap, fade * turn)
    kept = np.arange(len(before) + len(after)) < len(before)
    return blend(_extended(after, len(before), 0), _extended(before, 0, len(after)), kept)


def displaced(person: Motion, moves: np.ndarray, turns: np.ndarray) -> Motion:
    """A person who is moved by (T, 3) metres and turned about the own pelvis by (T,) radians in each frame."""
    turn, root = about_y(turns), person.joints[:, :1]
    joints = rotate(turn[:, None], person.joints - root) + root + moves[:, None]
    orientation = None if person.root_orientation is None else turn @ person.root_orientation
    return replace(person, joints=joints, root_orientation=orientation)


def _extended(person: Motion, before: int, after: int) -> Motion:
    """The motion with its first and last frame repeated."""
    index = np.clip(np.arange(-before, len(person) + after), 0, len(person) - 1)
    return replace(
        person,
        joints=person.joints[index],
        rotations=None if person.rotations is None else person.rotations[index],
        root_orientation=None if person.root_orientation is None else person.root_orientation[index],
    )


def _standing(people: Sequence[Motion], frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Places (P, 3) on the ground and headings (P,) in radians of people in one frame."""
    joints = [person.joints[frame].astype(np.float64) for person in people]
    places = np.stack([joint[0] * np.array([1.0, 0.0, 1.0]) for joint in joints])
    headings = [facing(joint, person.skeleton) for joint, person in zip(joints, people, strict=True)]
    return places, np.array(headings)


def _wrapped(angles: np.ndarray) -> np.ndarray:
    """Angles from -pi to pi."""
    return (angles + np.pi) % (2 * np.pi) - np.pi
