"""Repeats a part of a clip whose end looks like its beginning, so that an act that is done once lasts longer.

Pairs of frames in which both people look alike, and move alike, are found as in motion graphs (Kovar et al. 2002). The
clip returns from one to the other, and the rest of the difference fades away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..motion import FPS, Motion
from ..motion.skeleton import SMPL
from .completion import blend

_SHORTEST, _LONGEST = 15, 75
"""Frames of a part that is repeated."""
_VELOCITY = 0.12
"""Seconds: weight of differences in velocity against those in position."""
_EDGE = 6
"""Frames at both ends of a clip that are not repeated."""
_NO_TOUCH_COST = 0.12
"""Metres that repeating frames without a touch costs if the people touch anywhere in the clip."""
_EARLY_COST, _MOVING_COST = 0.12, 0.2
"""Metres that repeating the first frame costs if they do not, and a metre a second of movement: the act is done once,
and they stay as they end."""
_SHORT_COST = 0.02
"""Metres that the shortest part costs more than the longest one: short ones look mechanical."""
_CANDIDATES = 60
"""Parts that are combined, the best ones."""
_MOST_REPEATS = 60
_TOUCH = 0.14
"""Metres from a wrist to the partner's joints within which they touch."""
_WRISTS = [SMPL.index("L_Wrist"), SMPL.index("R_Wrist")]


@dataclass(frozen=True)
class _Part:
    """A part that can be repeated: after ``stop`` the clip goes on as after ``start``.

    Attributes:
        start, stop: frames that look alike.
        cost: metres.
    """

    start: int
    stop: int
    cost: float

    def __len__(self) -> int:
        return self.stop - self.start


def prolonged(people: Sequence[Motion], frames: int) -> list[Motion]:
    """Both people with ``frames`` frames, some of which are repeated; the beginning and the end stay as they are.

    Args:
        people: two people, with local rotations, in one world.
        frames: more than they have.

    Returns:
        The people. A clip in which nothing can be repeated ends with its last frame, repeated.
    """
    length = len(people[0])
    order = _order(np.stack([person.joints for person in people]), frames - length)
    result = []
    for person in people:
        done = person.frames(0, order[0][1])
        for start, stop in order[1:]:
            done = _continued(done, person, start, stop)
        result.append(_with_length(done, frames))
    return result


def _order(joints: np.ndarray, missing: int) -> list[tuple[int, int]]:
    """The ranges of frames to play one after the other, so that joints (2, T, J, 3) last ``missing`` frames longer."""
    length = joints.shape[1]
    best: tuple[float, list[_Part]] | None = None
    parts = _parts(joints)
    for part in parts:
        for other in parts:
            for count in range(max(missing // len(part) - 1, 0), min(missing // len(part), _MOST_REPEATS) + 1):
                rest = missing - count * len(part)
                others, left = divmod(rest, len(other))
                if others > 2 or (others and other.stop <= part.start):
                    continue
                cost = count * part.cost + others * other.cost + 0.05 * left
                if best is None or cost < best[0]:
                    best = cost, [part] * count + [other] * others
    if best is None or not best[1]:
        return [(0, length)]
    chosen = sorted(best[1], key=lambda part: part.stop)
    ranges, begin = [], 0
    for part in chosen:
        ranges.append((begin, part.stop + 1))
        begin = part.start + 1
    return [*ranges, (begin, length)]


def _parts(joints: np.ndarray) -> list[_Part]:
    """The parts of joints (2, T, J, 3) that can be repeated at the least cost, the best first."""
    length = joints.shape[1]
    differences = _differences(joints)
    touching = _touching(joints)
    before = np.concatenate(([0], np.cumsum(touching)))
    travelled = np.cumsum(np.linalg.norm(np.gradient(joints, axis=1), axis=-1).max((0, 2)))
    found = []
    for start in range(_EDGE, length - _EDGE - _SHORTEST):
        for stop in range(start + _SHORTEST, min(start + _LONGEST, length - _EDGE)):
            cost = float(differences[start, stop]) + _SHORT_COST * (_LONGEST - stop + start) / (_LONGEST - _SHORTEST)
            if touching.any():
                cost += _NO_TOUCH_COST * (1 - (before[stop] - before[start]) / (stop - start))
            else:
                speed = float(travelled[stop] - travelled[start]) / (stop - start) * FPS
                cost += _EARLY_COST * (1 - stop / length) + _MOVING_COST * speed
            found.append(_Part(start, stop, cost))
    return sorted(found, key=lambda part: part.cost)[:_CANDIDATES]


def _differences(joints: np.ndarray) -> np.ndarray:
    """(T, T) metres, root mean square over joints (2, T, J, 3): differences in position and velocity of frames."""
    velocity = np.gradient(joints, axis=1) * FPS * _VELOCITY
    vectors = np.concatenate((joints, velocity), axis=-1)
    flat = np.moveaxis(vectors, 1, 0).reshape(joints.shape[1], -1)
    flat = flat - flat.mean(0)
    squares = (flat**2).sum(-1)
    distances = squares[:, None] + squares - 2 * flat @ flat.T
    return np.asarray(np.sqrt(np.maximum(distances, 0.0) / (joints.shape[0] * joints.shape[2])))


def _touching(joints: np.ndarray) -> np.ndarray:
    """(T,) whether a hand of one of two people (2, T, J, 3) touches the other."""
    gaps = [np.linalg.norm(joints[p][:, _WRISTS, None] - joints[1 - p][:, None], axis=-1).min((1, 2)) for p in (0, 1)]
    return np.asarray(np.minimum(*gaps) < _TOUCH)


def _continued(before: Motion, clip: Motion, start: int, stop: int) -> Motion:
    """A motion whose last frame looks like the one before ``start`` of a clip, and then the clip up to ``stop``."""
    done = len(before)
    index = np.clip(np.arange(done + stop - start) - done + start, 0, len(clip) - 1)
    known = np.minimum(np.arange(len(index)), done - 1)
    return blend(taken(clip, index), taken(before, known), np.arange(len(index)) < done)


def taken(person: Motion, index: np.ndarray) -> Motion:
    """The frames of a motion with these indices (N,)."""
    return replace(
        person,
        joints=person.joints[index],
        rotations=None if person.rotations is None else person.rotations[index],
        root_orientation=None if person.root_orientation is None else person.root_orientation[index],
    )


def _with_length(person: Motion, frames: int) -> Motion:
    return taken(person, np.minimum(np.arange(frames), len(person) - 1))
