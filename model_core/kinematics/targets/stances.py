"""When and where the feet of a clip stand, and where targets ask them to stand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...motion.runs import runs
from ..contacts import ANKLES, TOES, Floor, hysteresis_runs, speeds
from ..filters import upper_envelope

_LOW, _SLOW = {TOES: 0.06, ANKLES: 0.05}, 0.2
"""Metres above their standing height, and m/s, below which toes and ankles stand. Feet are locked already."""
SHORTEST_STANCE, _LONGEST_GAP = 3, 2
"""Frames of the shortest stance, and of the longest interruption that is ignored."""
_SAME = 0.02
"""Metres between requested positions, below which they are the same stance."""
METRES_PER_RADIAN = 0.3
"""Weight of a foot's rotation compared with its displacement."""
_RAISED, _RAISED_FRAMES = 0.03, 4
"""Metres by which a requested foot must be higher than before to end a stance, and frames on each side."""
_TOUCHDOWN = 2
"""Frames on each side of a requested position on the floor for which a foot that travelled stands there."""


@dataclass(frozen=True)
class FootTargets:
    """Requested positions of feet, left then right.

    Attributes:
        ankles, toes: (P, T, 2, 3) metres.
        ankle_set, toe_set: (P, T, 2) where they count.
    """

    ankles: np.ndarray
    toes: np.ndarray
    ankle_set: np.ndarray
    toe_set: np.ndarray

    def of_foot(self, person: int, side: int) -> OneFoot:
        """The targets of one foot."""
        at = (person, slice(None), side)
        return OneFoot(self.ankles[at], self.toes[at], self.ankle_set[at], self.toe_set[at])


@dataclass(frozen=True)
class OneFoot:
    """Requested positions of one foot: (T, 3) metres and (T,) where they count."""

    ankle: np.ndarray
    toe: np.ndarray
    ankle_set: np.ndarray
    toe_set: np.ndarray

    def turn(self, ankle: np.ndarray, toe: np.ndarray, frame: int, usual: float) -> float:
        """Radians about +Y from a foot's direction, of positions (T, 3), to the requested one; near ``usual``."""
        if not (self.ankle_set[frame] and self.toe_set[frame]):
            return usual
        own, wanted = (toe - ankle)[frame], (self.toe - self.ankle)[frame]
        turn = np.arctan2(wanted[0], wanted[2]) - np.arctan2(own[0], own[2]) - usual
        return float((turn + np.pi) % (2 * np.pi) - np.pi + usual)


@dataclass(frozen=True)
class RequestedStance:
    """Where a foot is asked to stand.

    Attributes:
        first, last: frames in which it must be there.
        pivot: (3,) a point of the foot before.
        shift: (2,) x, z by which the pivot moves.
        turn: radians about +Y.
        still: (2, 3) ankle and toe, for a foot that did not stand before; None for one that did.
    """

    first: int
    last: int
    pivot: np.ndarray
    shift: np.ndarray
    turn: float
    still: np.ndarray | None = None


@dataclass(frozen=True)
class Stance:
    """A foot stands from ``start`` up to ``stop``, on request somewhere."""

    start: int
    stop: int
    requested: RequestedStance | None = None


def standing_feet(joints: np.ndarray, floor: Floor, fps: float) -> np.ndarray:
    """(P, T, 2) whether a foot of people with joints (P, T, 22, 3) stands, on its ankle or toe."""
    standing = np.zeros((*joints.shape[:2], 2), dtype=bool)
    for part, height in ((TOES, floor.toes), (ANKLES, floor.ankles)):
        path = joints[:, :, part]
        low = path[..., 1] - height[:, None, None] < _LOW[part]
        standing |= low & (speeds(path[..., [0, 2]], fps) < _SLOW)
    return standing


def raised_feet(joints: np.ndarray, targets: FootTargets) -> np.ndarray:
    """(P, T, 2) frames around those in which feet must be higher than in joints (P, T, 22, 3)."""
    toes = targets.toe_set & (targets.toes[..., 1] > joints[:, :, TOES, 1] + _RAISED)
    ankles = targets.ankle_set & ~targets.toe_set & (targets.ankles[..., 1] > joints[:, :, ANKLES, 1] + _RAISED)
    raised = np.moveaxis((toes | ankles).astype(np.float64), 1, -1)
    return np.moveaxis(upper_envelope(raised, _RAISED_FRAMES), -1, 1) > 0.0


def stances_of(
    standing: np.ndarray,
    foot: tuple[np.ndarray, np.ndarray],
    carried_toe: np.ndarray,
    turn: np.ndarray,
    targets: OneFoot,
    floor: float,
    swing: int,
) -> list[Stance]:
    """The stances of a foot: those it has, cut where it must stand in several places, and requested ones.

    Args:
        standing: (T,) whether it stands.
        foot: ankle and toe (T, 3) before.
        carried_toe: (T, 3) the toe where the displaced body takes it.
        turn: (T,) radians by which the body is turned.
        targets: requested positions.
        floor: standing height of the toe, metres.
        swing: frames of a step.
    """
    found = hysteresis_runs(standing, standing, _LONGEST_GAP)
    result = [
        stance
        for start, stop in found
        if stop - start >= SHORTEST_STANCE
        for stance in _cut(int(start), int(stop), _requested(int(start), int(stop), foot, turn, targets), swing)
    ]
    away = np.linalg.norm(targets.toe - carried_toe, axis=-1) > _SAME
    lands = targets.ankle_set & targets.toe_set & away & (targets.toe[:, 1] < floor + _RAISED)
    for first, stop in runs(lands):
        overlaps = any(stance.start < stop and first < stance.stop for stance in result)
        if overlaps or np.linalg.norm(targets.toe[first:stop] - targets.toe[first], axis=-1).max() > _SAME:
            continue
        still = np.stack((targets.ankle[first], targets.toe[first]))
        angle = targets.turn(*foot, first, float(turn[first]))
        request = RequestedStance(first, stop - 1, still[1], np.zeros(2), angle, still)
        new = Stance(max(first - _TOUCHDOWN, 0), min(stop + _TOUCHDOWN, len(standing)), request)
        others = (_trimmed(stance, new, swing) for stance in result)
        result = [stance for stance in others if stance.stop - stance.start >= SHORTEST_STANCE] + [new]
    return sorted(result, key=lambda stance: stance.start)


def _requested(
    start: int, stop: int, foot: tuple[np.ndarray, np.ndarray], turn: np.ndarray, targets: OneFoot
) -> list[RequestedStance]:
    """The different places in which a foot must stand between two frames, in order."""
    result: list[RequestedStance] = []
    for frame in range(start, stop):
        if not (targets.ankle_set[frame] or targets.toe_set[frame]):
            continue
        part, goal = (foot[1], targets.toe) if targets.toe_set[frame] else (foot[0], targets.ankle)
        shift = (goal - part)[frame, [0, 2]]
        new = RequestedStance(frame, frame, part[frame], shift, targets.turn(*foot, frame, float(turn[frame])))
        last = result[-1] if result else None
        if last is not None:
            change = np.linalg.norm(new.shift - last.shift) + METRES_PER_RADIAN * abs(new.turn - last.turn)
            if change < _SAME:
                result[-1] = replace(last, last=frame)
                continue
        result.append(new)
    return result


def _cut(start: int, stop: int, requested: list[RequestedStance], swing: int) -> list[Stance]:
    """A stance as one for each of the places in which the foot must stand, with time for a swing between them."""
    if not requested:
        return [Stance(start, stop)]
    result, begin = [], start
    for one, following in zip(requested, [*requested[1:], None], strict=True):
        if following is None:
            result.append(Stance(begin, stop, one))
            break
        room = following.first - one.last
        middle, half = one.last + room // 2, min(swing, max(room - 2, 0)) // 2
        result.append(Stance(begin, max(middle - half, begin + 1), one))
        begin = middle + half + 1
    return result


def _trimmed(stance: Stance, new: Stance, swing: int) -> Stance:
    """A stance that leaves time for a swing to or from a new one, as far as its own request permits."""
    if stance.stop <= new.start:
        least = stance.requested.last + 1 if stance.requested else stance.start
        return replace(stance, stop=max(min(stance.stop, new.start - swing), least))
    most = stance.requested.first if stance.requested else stance.stop
    return replace(stance, start=min(max(stance.start, new.stop + swing), most))
