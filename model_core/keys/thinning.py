"""From a key on every frame to key poses: the fewest that give the motion within tolerances, at moments that matter.

A pose between two keys depends on these two alone, since the values at keys are those of the motion. For each frame the
longest segment that starts there and keeps all tolerances is found, for all frames at once; the fewest keys are then a
shortest path over the frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..motion.skeleton import SMPL
from .bezier import fitted_between, fitted_slopes, segment_values
from .controls import ControlTree
from .moments import Contact, contacts, held_feet, moments

_LONGEST = 2.0
"""Seconds between two keys at most."""
_MOMENT_WORTH = 0.2
"""Fraction of a key by which a key at a moment that matters costs less."""
_FIRST_SHARE = 0.75
"""Fraction of the tolerance of contacts that the first of two people uses."""
_MARGIN = 0.98
"""Fraction of the tolerances that is used: curves are stored with single precision."""
_SEARCHED = 0.99
"""Fraction of that which is used by the search; the rest lets more keys have one slope on both sides."""


@dataclass(frozen=True)
class KeySettings:
    """How far key poses may be from the motion.

    Attributes:
        distance: of any joint, metres.
        degrees: between any bone and its orientation in the motion.
        held: of standing feet, and of a hand from where it touches the partner, metres.
    """

    distance: float = 0.01
    degrees: float = 2.0
    held: float = 0.003


@dataclass(frozen=True)
class KeyedPerson:
    """A person with a key on every frame.

    Attributes:
        tree: the controls.
        values: (T, C) values of the curves.
        joints: SMPL joint to the number of the control that begins there.
        kept: (C,) columns whose curves are not changed; None changes all.
    """

    tree: ControlTree
    values: np.ndarray
    joints: dict[int, int]
    kept: np.ndarray | None = None

    def poses(self, values: np.ndarray, frames: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """``ControlTree.poses`` for values (N, C) in frames (N,), or in all; curves that are not changed are used."""
        if self.kept is not None and self.kept.any():
            own = self.values if frames is None else self.values[frames]
            values = np.where(self.kept, own, values)
        return self.tree.poses(values)


@dataclass(frozen=True)
class KeyPoses:
    """Key poses of one person, and the Bezier curves that join them.

    Attributes:
        frames: (K,) from 0 to T - 1.
        values: (K, C) at the keys.
        after: (K - 1, C) slopes per frame at the first key of each segment.
        before: (K - 1, C) slopes per frame at the second key.
        aligned: (K,) whether both slopes at a key are the same.
    """

    frames: np.ndarray
    values: np.ndarray
    after: np.ndarray
    before: np.ndarray
    aligned: np.ndarray

    def evaluated(self) -> np.ndarray:
        """(T, C) values of the curves in all frames."""
        return segment_values(self.values, self.frames, self.after, self.before)


@dataclass(frozen=True)
class Deviation:
    """How far key poses are from the motion, at most. Metres and degrees.

    Attributes:
        distance: of any joint.
        degrees: of any bone.
        feet: of standing feet.
        contacts: of hands from where they touch the partner.
    """

    distance: float
    degrees: float
    feet: float
    contacts: float


def key_poses(
    people: Sequence[KeyedPerson | None], joints: np.ndarray, fps: float, settings: KeySettings | None = None
) -> list[KeyPoses | None]:
    """The key poses of both people.

    Args:
        people: both; None for one whose keys are not changed.
        joints: (2, T, 22, 3) both people's joints, metres, Y up.
        fps: frames per second.
        settings: the tolerances.

    Returns:
        The key poses of each person, None for one whose keys are not changed.
    """
    settings = settings or KeySettings()
    held, touches = held_feet(joints, fps), contacts(joints)
    result: list[KeyPoses | None] = [None, None]
    displaced: list[np.ndarray | None] = [None, None]
    for number, person in enumerate(people):
        if person is None:
            continue
        check = _Check(person, number, held[number], touches, displaced[1 - number], settings)
        both = people[1 - number] is not None and displaced[1 - number] is None
        # The first of two people leaves a part of what their contacts allow to the second, who is compared with it.
        check.hold_contacts(_FIRST_SHARE * settings.held if both else settings.held)
        touching = np.stack([touch.frames for touch in touches], 1) if touches else np.zeros((len(joints[0]), 1), bool)
        worth = moments(joints[number], held[number], touching, fps)
        poses = _key_poses(person.values, check, worth, max(2, round(_LONGEST * fps)))
        result[number], displaced[number] = poses, check.displacements(poses.evaluated())
    return result


def deviation(
    people: Sequence[KeyedPerson], fitted: Sequence[np.ndarray], joints: np.ndarray, fps: float
) -> list[Deviation]:
    """How far both people's curves are from their motion.

    Args:
        people: both, with a key on every frame.
        fitted: (T, C) values of each person's curves.
        joints: (2, T, 22, 3) both people's joints, metres, Y up.
        fps: frames per second.
    """
    held, touches = held_feet(joints, fps), contacts(joints)
    defaults = KeySettings()
    checks = [_Check(person, number, held[number], touches, None, defaults) for number, person in enumerate(people)]
    moved = [check.displacements(values) for check, values in zip(checks, fitted, strict=True)]
    result = []
    for number, (check, values) in enumerate(zip(checks, fitted, strict=True)):
        distance, degrees = check.worst(values)
        feet = np.where(held[number], np.linalg.norm(moved[number], axis=-1), 0.0)
        gaps = [0.0]
        for touch in touches:
            if touch.person == number and touch.frames.any():
                frames = np.flatnonzero(touch.frames)
                gap = moved[number][frames, touch.wrist] - moved[1 - number][frames, touch.partner[frames]]
                gaps.append(float(np.linalg.norm(gap, axis=-1).max()))
        result.append(Deviation(distance, degrees, float(feet.max()), max(gaps)))
    return result


class _Check:
    """The tolerances of one person's poses."""

    def __init__(
        self,
        person: KeyedPerson,
        number: int,
        held: np.ndarray,
        touches: Sequence[Contact],
        partner: np.ndarray | None,
        settings: KeySettings,
    ) -> None:
        """``partner`` (T, 22, 3) is how far the partner's joints are from their motion; None for not at all."""
        self._person, self._number, self._touches, self._partner = person, number, touches, partner
        self._turns, self._heads = person.tree.poses(person.values)
        self._limits = np.full((len(person.tree), len(person.values)), settings.distance)
        for joint, control in person.joints.items():
            limit = self._limits[control]
            limit[held[:, joint]] = np.minimum(limit[held[:, joint]], settings.held)
        # Where a pole target is does not matter, only where the elbow or knee is that points to it.
        self._limits[[bend.pole for bend in person.tree.bends]] = np.inf
        self._angle = np.radians(settings.degrees)
        self._gaps: list[tuple[int, np.ndarray, np.ndarray]] = []

    def hold_contacts(self, limit: float) -> None:
        """Hold joints that touch the partner at their place, or where the partner's deviation takes them."""
        for touch in self._touches:
            frames = np.flatnonzero(touch.frames)
            own = np.full(len(frames), touch.wrist) if touch.person == self._number else touch.partner[frames]
            other = touch.partner[frames] if touch.person == self._number else np.full(len(frames), touch.wrist)
            for joint in set(own.tolist()) & set(self._person.joints):
                control, at = self._person.joints[joint], frames[own == joint]
                if self._partner is None:
                    self._limits[control, at] = np.minimum(self._limits[control, at], limit)
                    continue
                allowed = np.full(len(self._person.values), np.inf)
                moved = np.zeros((3, len(self._person.values)))
                allowed[at], moved[:, at] = limit, self._partner[at, other[own == joint]].T
                self._gaps.append((control, allowed, self._heads[:, control] + moved))

    def displacements(self, values: np.ndarray) -> np.ndarray:
        """(T, 22, 3) how far joints are from their motion, metres; zero for joints without a control."""
        heads = self._person.poses(values)[1]
        result = np.zeros((len(values), len(SMPL), 3))
        for joint, control in self._person.joints.items():
            result[:, joint] = (heads[:, control] - self._heads[:, control]).T
        return result

    def worst(self, values: np.ndarray) -> tuple[float, float]:
        """Largest distance of a head in metres and largest angle of a control in degrees, for values (T, C)."""
        turns, heads = self._person.poses(values)
        apart = np.sqrt(((heads - self._heads) ** 2).sum(0))
        cosines = np.abs((turns * self._turns).sum(0))
        apart = apart[np.isfinite(self._limits).all(1)]
        return float(apart.max()), float(np.degrees(2 * np.arccos(np.clip(cosines.min(), 0, 1))))

    def errors(self, values: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """(N,) the largest deviation in frames (N,) with values (N, C), as a fraction of what is allowed."""
        turns, heads = self._person.poses(values, frames)
        apart = np.sqrt(((heads - self._heads[:, :, frames]) ** 2).sum(0))
        result = (apart / self._limits[:, frames]).max(0)
        cosines = np.abs((turns * self._turns[:, :, frames]).sum(0)).min(0)
        result = np.maximum(result, 2 * np.arccos(np.clip(cosines, 0, 1)) / self._angle)
        for control, allowed, places in self._gaps:
            gap = np.sqrt(((heads[:, control] - places[:, frames]) ** 2).sum(0))
            result = np.maximum(result, gap / allowed[frames])
        return np.asarray(result / _MARGIN)


def _key_poses(values: np.ndarray, check: _Check, worth: np.ndarray, most: int) -> KeyPoses:
    """The fewest key poses of one person.

    Args:
        values: (T, C) of the motion.
        check: the tolerances.
        worth: (T,) how much a key is worth in each frame, 0 to 1.
        most: frames between two keys at most.
    """
    if len(values) < 2:
        empty = np.zeros((0, values.shape[1]))
        return KeyPoses(np.arange(len(values)), values, empty, empty, np.ones(len(values), dtype=bool))
    slopes = np.gradient(values, axis=0)
    keys = _fewest(_longest_segments(values, slopes, check, most), worth)
    while True:
        after, before = fitted_slopes(values, slopes, keys)
        errors = check.errors(segment_values(values[keys], keys, after, before), np.arange(len(values)))
        errors[keys] = 0.0
        added = [
            start + int(errors[start:stop].argmax())
            for start, stop in zip(keys[:-1].tolist(), keys[1:].tolist(), strict=True)
            if errors[start:stop].max() > 1.0
        ]
        if not added:
            break
        # A segment can fail although a longer one with the same first key does not.
        keys = np.sort(np.append(keys, added))
    return _aligned(values, keys, after, before, check)


def _longest_segments(values: np.ndarray, slopes: np.ndarray, check: _Check, most: int) -> np.ndarray:
    """(T,) length in frames of the longest segment from each frame that keeps all tolerances, found by bisection."""
    count = len(values)
    limit = np.minimum(most, count - 1 - np.arange(count))
    good, bad = np.minimum(1, limit), limit + 1
    trial = np.minimum(8, limit)
    while True:
        open_starts = np.flatnonzero(bad - good > 1)
        if not len(open_starts):
            return np.asarray(good)
        lengths = trial[open_starts]
        fitted, frames = fitted_between(values, slopes, open_starts, lengths)
        errors = check.errors(fitted, frames)
        first = np.cumsum(lengths - 1) - (lengths - 1)
        kept = np.maximum.reduceat(errors, first) <= _SEARCHED
        good[open_starts[kept]] = lengths[kept]
        bad[open_starts[~kept]] = lengths[~kept]
        growing = (bad == limit + 1) & (2 * good < bad)
        trial = np.where(growing, 2 * good, (good + bad) // 2)


def _fewest(longest: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """(K,) frames of the cheapest keys whose segments are no longer than ``longest`` (T,); first and last included."""
    count = len(longest)
    cost, previous = np.full(count, np.inf), np.zeros(count, dtype=int)
    cost[0] = 0.0
    price = 1.0 - _MOMENT_WORTH * worth
    for frame in range(count - 1):
        reached = slice(frame + 1, frame + 1 + int(longest[frame]))
        through = cost[frame] + price[reached]
        better = through < cost[reached]
        cost[reached][better] = through[better]
        previous[reached][better] = frame
    keys = [count - 1]
    while keys[-1]:
        keys.append(int(previous[keys[-1]]))
    return np.array(keys[::-1])


def _aligned(values: np.ndarray, keys: np.ndarray, after: np.ndarray, before: np.ndarray, check: _Check) -> KeyPoses:
    """The key poses with one slope on both sides of each key, except where that would break a tolerance."""
    # Squared lengths of the bases that the slopes multiply, which least squares weighs them with.
    weights = np.diff(keys)[:, None].astype(np.float64) ** 3
    aligned = np.zeros(len(keys), dtype=bool)
    aligned[[0, -1]] = True
    after, before = after.copy(), before.copy()
    for first in (1, 2):
        # Every other key, whose segments have no key of these in common.
        numbers = np.arange(first, len(keys) - 1, 2)
        shared = weights[numbers - 1] * before[numbers - 1] + weights[numbers] * after[numbers]
        shared /= weights[numbers - 1] + weights[numbers]
        tried_after, tried_before = after.copy(), before.copy()
        tried_after[numbers], tried_before[numbers - 1] = shared, shared
        errors = check.errors(segment_values(values[keys], keys, tried_after, tried_before), np.arange(len(values)))
        errors[keys] = 0.0
        kept = np.maximum.reduceat(errors, keys[:-1]) <= 1.0
        numbers = numbers[kept[numbers - 1] & kept[numbers]]
        after[numbers], before[numbers - 1] = tried_after[numbers], tried_before[numbers - 1]
        aligned[numbers] = True
    return KeyPoses(keys, values[keys], after, before, aligned)
