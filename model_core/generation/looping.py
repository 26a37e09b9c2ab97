"""Makes a clip of two people lead from its last frame into its first one.

The loop begins where the clip looks most like itself one cycle later. What the people still differ there in place and
facing is spread over the whole cycle, and what they differ in pose over its end. People who walk together keep their
travel: each cycle begins where the last one ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import UserError
from ..motion import FPS, SMPL, Motion, PosedSkeleton
from ..motion.canonical import facing
from ..motion.limits import MAX_FRAMES
from ..motion.rotations import (
    axis_angle_from_quaternion,
    continuous_signs,
    quaternion_conjugate,
    quaternion_from_axis_angle,
    quaternion_multiply,
)
from ..networks.token_map import FRAMES_PER_TOKEN, PARTS, token_columns
from .bridges import displaced
from .completion import blend
from .repeats import taken

_MORE = 48
"""Frames that are drawn beyond the cycle, among which it begins."""
_TRAVELS = 0.5
"""Metres a cycle from which on two people travel."""
_VELOCITY = 0.12
"""Seconds: weight of differences in velocity against those in position."""
_WORST = 0.3
"""Weight of the joint that differs most against the root mean square of all."""
_PLACE_COST, _TURN_COST = 0.3, 0.2
"""Metres of pose that a metre of place and a radian of facing cost."""
_DRIFT = 0.35
"""Metres a second by which people may be moved so that they end where they begin."""
_REACH = 4
"""Tokens on each side of the seam that are drawn."""
_LARGEST_WORSENING = 1.3
"""Factor of the largest acceleration up to which redrawn tokens are used."""
_PAD = 30
"""Frames of the neighbouring cycles that the solver sees."""
_CLOSING = 12
"""Frames over which the rest of the difference that the solver leaves fades in."""


def drawn_frames(frames: int) -> int:
    """Frames to draw for a loop of ``frames`` frames."""
    return min(frames + _MORE, MAX_FRAMES)


@dataclass(frozen=True)
class Loop:
    """A cycle of two people.

    Attributes:
        people: both, with one frame more than the cycle has: the first one of the next cycle.
        travel: (3,) metres by which the next cycle is further.
    """

    people: tuple[Motion, Motion]
    travel: np.ndarray

    @property
    def pad(self) -> int:
        """Frames that ``padded`` adds on each side."""
        return min(_PAD, len(self.people[0]) - 1)

    @property
    def seam(self) -> int:
        """The frame of ``rotated`` at which the next cycle begins: the first of a token."""
        return (len(self.people[0]) - 1) // 2 // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN

    def rotated(self) -> list[Motion]:
        """Both people from the middle of one cycle to the middle of the next."""
        return self._frames(np.arange(len(self.people[0]) - 1) - self.seam)

    def free_tokens(self) -> np.ndarray:
        """(2, P, S) true for the tokens of ``rotated`` around the seam."""
        free = np.zeros((2, PARTS, token_columns(len(self.people[0]) - 1)), dtype=bool)
        column = self.seam // FRAMES_PER_TOKEN
        reach = min(_REACH, column // 2)
        free[:, :, column - reach : column + reach] = True
        return free

    def with_rotated(self, people: Sequence[Motion]) -> Loop:
        """The loop whose ``rotated`` people are these."""
        cycle = len(self.people[0]) - 1
        index = np.arange(cycle + 1)
        place = index + self.seam
        shift = (place // cycle)[:, None, None] * self.travel
        first, second = (taken(person, place % cycle) for person in people)
        return Loop(
            (replace(first, joints=first.joints + shift), replace(second, joints=second.joints + shift)), self.travel
        )

    def _frames(self, index: np.ndarray) -> list[Motion]:
        """Both people in frames (N,) of this cycle and of those before and after it."""
        cycle = len(self.people[0]) - 1
        shift = (index // cycle)[:, None, None] * self.travel
        repeated = [taken(person, index % cycle) for person in self.people]
        return [replace(person, joints=person.joints + shift) for person in repeated]

    def padded(self) -> list[Motion]:
        """Both people with frames of the cycles before and after, so that a solver treats the seam as any frame."""
        cycle = len(self.people[0]) - 1
        return self._frames(np.arange(-self.pad, cycle + 1 + self.pad))

    def closed(self, solved: Sequence[PosedSkeleton]) -> list[PosedSkeleton]:
        """The cycle of padded people that were solved, whose last frame is exactly the first one of the next cycle."""
        frames = slice(self.pad, self.pad + len(self.people[0]))
        return [
            self._closed(replace(p, rotations=p.rotations[frames], translation=p.translation[frames])) for p in solved
        ]

    def _closed(self, person: PosedSkeleton) -> PosedSkeleton:
        length = len(person)
        share = np.clip((np.arange(length) - (length - 1 - _CLOSING)) / _CLOSING, 0.0, 1.0)
        share = share * share * (3.0 - 2.0 * share)
        gap = person.translation[0] + self.travel - person.translation[-1]
        turn = axis_angle_from_quaternion(
            quaternion_multiply(person.rotations[0], quaternion_conjugate(person.rotations[-1]))
        )
        turns = quaternion_from_axis_angle(share[:, None, None] * turn)
        rotations = continuous_signs(quaternion_multiply(turns, person.rotations))
        return replace(person, rotations=rotations, translation=person.translation + share[:, None] * gap)


def looped(people: Sequence[Motion], frames: int) -> Loop:
    """A loop of ``frames`` frames from a clip that is longer.

    Args:
        people: two people, with local rotations, at least ``frames`` + 2 frames.
        frames: of the cycle.

    Raises:
        UserError: the people end too far from where they begin.
    """
    joints = np.stack([person.joints[:, : len(SMPL)] for person in people]).astype(np.float64)
    begin, travel = _best_begin(joints, frames)
    level = np.array([1.0, 0.0, 1.0])
    gaps = (joints[:, begin, 0] + travel - joints[:, begin + frames, 0]) * level
    largest = float(np.linalg.norm(gaps, axis=-1).max())
    if largest > _DRIFT * frames / FPS + 0.1:
        raise UserError(
            f"The people end {largest:.1f} m from where they begin, too far for a loop of {frames / FPS:g} s; ask for "
            "a longer loop, another seed, or an act in which they stay together."
        )
    result = []
    for person, own, gap in zip(people, joints, gaps, strict=True):
        turn = float(_wrapped(facing(own[begin]) - facing(own[begin + frames])))
        share = np.linspace(0.0, 1.0, frames + 1)
        share = np.append(share * share * (3.0 - 2.0 * share), 1.0)
        index = np.minimum(np.arange(begin, begin + frames + 2), len(person) - 1)
        path = displaced(taken(person, index), share[:, None] * gap, share * turn)
        first = taken(person, np.array([begin, begin + 1]))
        next_cycle = replace(first, joints=first.joints + travel)
        after = np.maximum(np.arange(frames + 2) - frames, 0)
        result.append(blend(path, taken(next_cycle, after), np.arange(frames + 2) >= frames).frames(0, frames + 1))
    return Loop((result[0], result[1]), travel)


def smoother(closed: Loop, redrawn: Loop) -> Loop:
    """Of a loop and the same with redrawn tokens the second, unless it jumps where these meet the others.

    In fast motion a redrawn token may contradict its neighbours, for example with the other hand raised.
    """
    peaks = [_largest_acceleration(loop) for loop in (closed, redrawn)]
    return closed if peaks[1] > _LARGEST_WORSENING * peaks[0] else redrawn


def _largest_acceleration(loop: Loop) -> float:
    """Metres per squared frame of the joint that accelerates most, over two cycles."""
    joints = np.stack([person.joints for person in loop.people])
    cycles = np.concatenate((joints[:, :-1], joints + loop.travel), axis=1)
    return float(np.linalg.norm(np.diff(cycles, n=2, axis=1), axis=-1).max())


def _best_begin(joints: np.ndarray, frames: int) -> tuple[int, np.ndarray]:
    """The first frame of the best cycle of joints (2, T, 22, 3), and its travel (3,)."""
    root = joints[:, :, :1] * np.array([1.0, 0.0, 1.0])
    velocity = np.gradient(joints, axis=1) * FPS
    pose = np.concatenate((joints - root, _VELOCITY * velocity), axis=-1)
    headings = facing(joints)
    best: tuple[float, int, np.ndarray] | None = None
    for begin in range(joints.shape[1] - frames - 1):
        end = begin + frames
        moved = root[:, end, 0] - root[:, begin, 0]
        travel = moved.mean(0)
        if float(np.linalg.norm(travel)) < _TRAVELS:
            travel = np.zeros(3)
        away = float(np.linalg.norm(moved - travel, axis=-1).max())
        turned = float(np.abs(_wrapped(headings[:, end] - headings[:, begin])).max())
        squares = ((pose[:, end] - pose[:, begin]) ** 2).sum(-1)
        different = float(np.sqrt(squares.mean()) + _WORST * np.sqrt(squares.max()))
        cost = different + _PLACE_COST * away + _TURN_COST * turned
        if best is None or cost < best[0]:
            best = cost, begin, travel
    if best is None:
        raise ValueError(f"a loop of {frames} frames needs a longer clip than {joints.shape[1]} frames")
    return best[1], best[2]


def _wrapped(angles: np.ndarray | float) -> np.ndarray:
    """Angles from -pi to pi."""
    return np.asarray((np.asarray(angles) + np.pi) % (2 * np.pi) - np.pi)
