"""Ways that people go between two parts of a clip, from where one part leaves them to where the next one begins.

Each person's parts are put one after the other where the person is: a chain without gaps, in which the two people are
not where they belong together. A way moves and turns each person from the one to the other, in some frames around the
border of two parts. Which frames these are depends on what both parts leave them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..constraints import Targets
from ..kinematics import RAW_FIT, solve
from ..motion import FPS, Motion
from ..motion.canonical import facing
from ..motion.rotations import about_y, rotate
from .completion import blend, pad_or_trim

_SPEED = 1.2
"""Metres a second of people who go to where the next part begins."""
_TURN_SPEED = np.radians(150.0)
"""Radians a second of people who turn to where the next part begins."""
_SETTLING = 0.3
"""Seconds that starting and stopping take."""
_SPLITS = (0.25, 0.5, 0.0, 0.75, 1.0)
"""Shares of a way that lie before the border; of equally good ones the first is used."""
_PACES = (1.0, 1.4, 0.7)
"""Lengths of a way in time, as multiples of the usual one; likewise."""
_LARGEST_SHARE = 0.5
"""Largest share of a part in which people are on their way to or from it."""
_FASTEST, _FASTEST_TURN = 1.6, np.radians(220.0)
"""Metres and radians a second that are not too fast for a way."""
_SPEED_PRICE, _TURN_PRICE = 0.3, 0.1
"""Price of each metre and radian a second above that."""
_PEAK = 1.875
"""Highest speed of a way, as a multiple of its mean."""
_CLOSE, _CLOSE_PRICE = 0.4, 3.0
"""Metres between two pelvises below which people on a way are in each other's way, and the price of a metre less."""


@dataclass(frozen=True)
class Bridge:
    """The frames ``start`` to ``stop`` of a clip in which people go from one part to the next."""

    start: int
    stop: int

    def share(self, frames: int) -> np.ndarray:
        """(frames,) share of the way that people have gone, with a smooth start and end."""
        share = np.clip((np.arange(frames) - self.start + 1) / (self.stop - self.start + 1), 0.0, 1.0)
        return np.asarray(share**3 * (10 - 15 * share + 6 * share**2))


def bridges_at(border: int, first: int, last: int, distance: float, turn: float) -> Iterator[Bridge]:
    """Bridges over which people can go.

    Args:
        border: frame at which the next part begins.
        first, last: frame at which the part before begins, and at which the next one ends.
        distance: metres of the longer way.
        turn: radians of the larger turn.
    """
    seconds = _SETTLING + max(distance / _SPEED, turn / _TURN_SPEED)
    found = set()
    for pace in _PACES:
        for split in _SPLITS:
            frames = pace * seconds * FPS
            before = min(round(split * frames), int(_LARGEST_SHARE * (border - first)))
            after = min(round((1 - split) * frames), int(_LARGEST_SHARE * (last - border)))
            bridge = Bridge(border - before, border + max(after, 1))
            if bridge not in found:
                found.add(bridge)
                yield bridge


class Chain:
    """The parts of a clip, each begun where the part before left each person.

    Args:
        parts: two people each, where they belong; at least two.

    Attributes:
        people: the chained motion of each person.
        pose_gap: mean distance in metres between the joints in the last pose of a part and in the first one of the
            next.
    """

    def __init__(self, parts: Sequence[Sequence[Motion]]) -> None:
        self.people, turns, ends, starts, gaps = zip(
            *(_chained([part[person] for part in parts]) for person in (0, 1)), strict=True
        )
        self.pose_gap = float(np.mean(gaps))
        self._joints = np.stack([person.joints.astype(np.float64) for person in self.people])
        self._turns, self._ends, self._starts = np.stack(turns, 1), np.stack(ends, 1), np.stack(starts, 1)

    def __len__(self) -> int:
        """Number of frames."""
        return self._joints.shape[1]

    def distance_and_turn(self, number: int = 1) -> tuple[float, float]:
        """Metres and radians of the longer way, and of the larger turn, to a part."""
        last = self._belonging(number, self._ends[number][:, None]) - self._belonging(
            number - 1, self._ends[number][:, None]
        )
        turn = np.abs(self._turns[number] - self._turns[number - 1]).max()
        return float(np.linalg.norm(last, axis=-1).max()), float(turn)

    def way(self, bridges: Sequence[Bridge]) -> tuple[np.ndarray, np.ndarray]:
        """(2, T, 3) places of pelvises and (2, T) radians by which people are turned who go over bridges."""
        pelvis = self._joints[:, :, 0]
        places, turns = pelvis, np.zeros(pelvis.shape[:2])
        for number, bridge in enumerate(bridges, 1):
            share = bridge.share(len(self))
            places = places + share[:, None] * (self._belonging(number, pelvis) - places)
            turns = turns + share * (self._turns[number][:, None] - turns)
        return places, turns

    def joints(self, bridges: Sequence[Bridge]) -> np.ndarray:
        """(2, T, 22, 3) of people who glide over bridges."""
        places, turns = self.way(bridges)
        away = self._joints - self._joints[:, :, :1]
        return np.asarray(rotate(about_y(turns)[:, :, None], away) + places[:, :, None])

    def price(self, bridge: Bridge) -> float:
        """What a bridge between the first two parts costs for people who are too fast or too close to each other."""
        distance, turn = self.distance_and_turn()
        seconds = (bridge.stop - bridge.start) / FPS
        speed, turning = _PEAK * distance / seconds, _PEAK * turn / seconds
        first, second = self.way([bridge])[0][:, bridge.start : bridge.stop]
        near = _CLOSE - np.linalg.norm(first - second, axis=-1)
        return float(
            _SPEED_PRICE * max(speed - _FASTEST, 0.0)
            + _TURN_PRICE * max(turning - _FASTEST_TURN, 0.0)
            + _CLOSE_PRICE * np.maximum(near, 0.0).mean()
        )

    def walked(self, bridges: Sequence[Bridge]) -> list[Motion]:
        """Both people, who step over bridges."""
        places, turns = self.way(bridges)
        frames = turns.shape
        targets = replace(
            Targets.none(len(self)),
            ground=places[..., [0, 2]],
            ground_weight=np.ones(frames),
            heading=np.unwrap(facing(self._joints), axis=-1) + turns,
            heading_weight=np.ones(frames),
        )
        return [person.motion() for person in solve(self.people, RAW_FIT, targets=targets)]

    def _belonging(self, number: int, points: np.ndarray) -> np.ndarray:
        """Points (2, T, 3) of the chain, where they belong in a part."""
        turn = about_y(self._turns[number])[:, None]
        return rotate(turn, points - self._ends[number][:, None]) + self._starts[number][:, None]


def _chained(parts: Sequence[Motion]) -> tuple[Motion, np.ndarray, np.ndarray, np.ndarray, float]:
    """One person's parts in a chain.

    Returns:
        The chain, and for each of the K parts: radians (K,) by which it has to be turned, about the places (K, 3) on
        the ground where it begins in the chain, which then have to be moved to the places (K, 3) where it belongs.
        Also the mean distance of joints between the last pose of a part and the first one of the next.
    """
    chain, turns, gaps = parts[0], [0.0], []
    ends, starts = [np.zeros(3)], [np.zeros(3)]
    for part in parts[1:]:
        (end, heading), (start, own_heading) = standing(chain, -1), standing(part, 0)
        turn = heading - own_heading
        rotation = about_y(np.asarray(turn))
        kept = np.arange(len(chain) + len(part)) < len(chain)
        part = part.moved(rotation, end - rotation @ start)
        gaps.append(float(np.linalg.norm(chain.joints[-1] - part.joints[0], axis=-1).mean()))
        chain = blend(_begun_earlier(part, len(chain)), pad_or_trim(chain, len(kept)), kept)
        turns.append(turns[-1] + float(wrapped(-turn - turns[-1])))
        ends.append(end)
        starts.append(start)
    return chain, np.array(turns), np.array(ends), np.array(starts), float(np.mean(gaps))


def displaced(person: Motion, moves: np.ndarray, turns: np.ndarray) -> Motion:
    """A person who is moved by (T, 3) metres and turned about the own pelvis by (T,) radians in each frame."""
    turn, root = about_y(turns), person.joints[:, :1]
    joints = rotate(turn[:, None], person.joints - root) + root + moves[:, None]
    orientation = None if person.root_orientation is None else turn @ person.root_orientation
    return replace(person, joints=joints, root_orientation=orientation)


def standing(person: Motion, frame: int) -> tuple[np.ndarray, float]:
    """Place (3,) on the ground and heading in radians of a person in a frame."""
    joints = person.joints[frame].astype(np.float64)
    return joints[0] * np.array([1.0, 0.0, 1.0]), float(facing(joints, person.skeleton))


def wrapped(angles: np.ndarray | float) -> np.ndarray:
    """Angles from -pi to pi."""
    return np.asarray((np.asarray(angles) + np.pi) % (2 * np.pi) - np.pi)


def _begun_earlier(person: Motion, frames: int) -> Motion:
    """The motion with frames before it, in which it does not move until the last two, which lead into its own."""
    index = np.clip(np.arange(-frames, len(person)), 0, len(person) - 1)
    joints = person.joints[index]
    steps = np.array([2, 1])
    lead_in = slice(frames - 2, frames)
    joints[lead_in] += steps[:, None, None] * (person.joints[0] - person.joints[1])

    def turned(matrices: np.ndarray | None) -> np.ndarray | None:
        if matrices is None:
            return None
        result = matrices[index]
        back = np.swapaxes(matrices[1], -1, -2) @ matrices[0]
        result[frames - 1] = matrices[0] @ back
        result[frames - 2] = result[frames - 1] @ back
        return result

    return replace(
        person,
        joints=joints,
        rotations=turned(person.rotations),
        root_orientation=turned(person.root_orientation),
    )
