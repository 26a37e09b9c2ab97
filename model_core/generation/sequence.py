"""Joins the parts of a prompt, each drawn as a clip of its own, so that one leads into the next.

A part that is drawn after the frames of another one begins where that one left the people: side by side, or back to
back. Drawn as a clip of its own it begins at the distance and with the facing that its kind has. It is placed where the
people have to move and turn least for it, and they walk there over a bridge of steps around the border of the parts.

A part can be drawn with more frames than it gets. The frames that it keeps, and the frames of the bridge, are those
with which both parts are most plausible for their texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..motion import FPS, Motion
from ..motion.canonical import CanonicalTransform
from ..motion.rotations import about_y, rotate
from .bridges import Bridge, Chain, bridges_at, standing, wrapped

_TURN_COST = 0.25
"""Square metres that a square radian of turning costs when a part is placed."""
_SPARE = 0.5
"""Seconds that a part is drawn longer than it is."""
_CROP_STEP = 8
"""Frames between the first frames of the crops that are compared."""
_CROPS = 3
"""Crops that are compared with all bridges."""
_POSE_PRICE = 0.5
"""Price of a metre between the joints in the last pose of a part and in the first one of the next."""
_BOUND_PRICE = 5.0
"""Price of a metre by which a bridge moves people in frames in which a constraint binds them."""

Scorer = Callable[[np.ndarray], np.ndarray]
"""Takes joints (N, 2, T, 22, 3) of pairs, and returns how plausible they are for a text (N,), from 0 to 1."""


def frames_to_draw(frames: int, shortest: int, longest: int) -> int:
    """Number of frames that are drawn for a part of ``frames``.

    Networks have seen no clips shorter than ``shortest``. What is longer than ``longest`` is drawn window by window,
    and has nothing to spare.
    """
    return max(frames, min(max(frames + round(_SPARE * FPS), shortest), longest))


@dataclass(frozen=True, eq=False)
class DrawnPart:
    """A part of a clip, drawn as a clip of its own.

    Attributes:
        people: two, on skeletons; at least as long as the part.
        frames: length of the part.
        score: of the part's text; None compares bridges by their price alone, and keeps the first frames.
        bound: (2, frames) true for frames in which constraints bind a person, whose world is then the clip's; None if
            none do, and people can be anywhere.
    """

    people: Sequence[Motion]
    frames: int
    score: Scorer | None = None
    bound: np.ndarray | None = None

    def crops(self) -> list[list[Motion]]:
        """People of the length of the part, the most plausible ones first."""
        spare = len(self.people[0]) - self.frames
        starts = [0] if self.score is None else sorted({*range(0, spare, _CROP_STEP), spare})
        crops = [[person.frames(start, start + self.frames) for person in self.people] for start in starts]
        order = np.argsort(-self.scores([_joints(crop) for crop in crops]), kind="stable")
        return [crops[index] for index in order]

    def scores(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """(N,) how plausible clips of joints (2, T, 22, 3) are."""
        return np.zeros(len(clips)) if self.score is None else np.asarray(self.score(np.stack(clips)))


@dataclass(frozen=True, eq=False)
class _Join:
    """How a part can follow another one.

    Attributes:
        value: the higher the better.
        people: of the part, in their own place.
        transform: into the place where they belong after the part before.
        bridge: between them; frames count from the first one of the part before.
    """

    value: float
    people: list[Motion]
    transform: CanonicalTransform
    bridge: Bridge


def in_sequence(parts: Sequence[DrawnPart]) -> list[Motion]:
    """The parts of a clip one after the other.

    Returns:
        Both people, with the sum of the parts' frames, in the world of the first part that constraints bind, or else of
        the first part.
    """
    placed, bridges, border = [parts[0].crops()[0]], list[Bridge](), 0
    in_world = parts[0].bound is not None
    for before, after in pairwise(parts):
        join = _best_join(placed[-1], before, after, in_world)
        people, transform = join.people, join.transform
        if after.bound is not None and not in_world:
            placed = [_moved(each, transform.inverse) for each in placed]
            in_world = True
        else:
            people = _moved(people, transform)
        placed.append(people)
        bridges.append(Bridge(border + join.bridge.start, border + join.bridge.stop))
        border += before.frames
    return Chain(placed).walked(bridges) if bridges else list(placed[0])


def _best_join(people: list[Motion], before: DrawnPart, after: DrawnPart, in_world: bool) -> _Join:
    """The best crop of a part, and the best bridge to it from the part before, whose people are placed already."""
    here = CanonicalTransform(0.0, np.zeros(3))
    found: list[_Join] = []
    for crop in after.crops()[:_CROPS]:
        transform = here if after.bound is not None and in_world else placement(people, crop)
        chain = Chain([people, _moved(crop, transform)])
        bridges = list(bridges_at(before.frames, 0, len(chain), *chain.distance_and_turn()))
        clips = [chain.joints([bridge]) for bridge in bridges]
        values = before.scores([clip[:, : before.frames] for clip in clips])
        values = values + after.scores([clip[:, before.frames :] for clip in clips])
        bound = _bound(before, after)
        own = np.concatenate([_joints(people), _joints(_moved(crop, transform))], 1)[:, :, 0]
        for bridge, clip, value in zip(bridges, clips, values, strict=True):
            price = chain.price(bridge) + _POSE_PRICE * chain.pose_gap
            if bound.any():
                price += _BOUND_PRICE * float(np.linalg.norm(clip[:, :, 0] - own, axis=-1)[bound].mean())
            found.append(_Join(float(value) - price, crop, transform, bridge))
    return max(found, key=lambda join: join.value)


def placement(before: Sequence[Motion], after: Sequence[Motion]) -> CanonicalTransform:
    """The transform of both people of a part with which they move and turn least from where they were before."""
    places, headings = _standing(before, -1)
    own_places, own_headings = _standing(after, 0)
    best: tuple[float, CanonicalTransform] | None = None
    for yaw in np.linspace(0.0, 2 * np.pi, 180, endpoint=False):
        turned = rotate(about_y(np.full(2, yaw)), own_places)
        offset = (places - turned).mean(0)
        turns = wrapped(headings - own_headings - yaw)
        cost = float(((places - turned - offset) ** 2).sum() + _TURN_COST * (turns**2).sum())
        if best is None or cost < best[0]:
            best = cost, CanonicalTransform(float(yaw), offset)
    assert best is not None
    return best[1]


def _standing(people: Sequence[Motion], frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Places (P, 3) on the ground and headings (P,) in radians of people in one frame."""
    places, headings = zip(*(standing(person, frame) for person in people), strict=True)
    return np.stack(places), np.array(headings)


def _bound(before: DrawnPart, after: DrawnPart) -> np.ndarray:
    """(2, T) true for the frames of two parts in which constraints bind a person."""
    flags = [np.zeros((2, part.frames), dtype=bool) if part.bound is None else part.bound for part in (before, after)]
    return np.concatenate(flags, 1)


def _moved(people: Sequence[Motion], transform: CanonicalTransform) -> list[Motion]:
    return [transform.apply(person) for person in people]


def _joints(people: Sequence[Motion]) -> np.ndarray:
    return np.stack([person.joints for person in people])
