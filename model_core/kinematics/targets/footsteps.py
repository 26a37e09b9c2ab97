"""Paths of the feet of displaced people: stances move as a whole, and feet swing from one to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...motion.rotations import about_y
from ..contacts import ANKLES, TOES, estimated_floor
from ..filters import hann_smoothed, smoothstep, upper_envelope
from .displacement import Displacement
from .spread import spread
from .stances import FootTargets, raised_feet, stances_of, standing_feet
from .stepping import SWING, BodyPath, PlacedStance, with_steps

_FADE = 0.5
"""Longest time in seconds in which a foot in the air comes from or goes to its stance."""
_CARRY, _STEEPNESS = 0.12, 3
"""Share of a swing at its start and at its end in which the foot does not travel: it leaves the floor first. And how
steeply it does: with less steepness feet slide, with more they jerk."""
_RISE, _RISE_PER_METRE, _LARGEST_RISE = 0.05, 0.15, 0.12
"""Metres above the floor to which the toes rise in a swing, the increase per metre of its length, and the limit."""
_OTHERWISE = 0.03
"""Metres between the displacements of two stances, above which the foot must clear the floor between them."""
_YIELDS = 4
"""Frames on each side over which (twice) a standing foot gives way to its requested position."""
_CLEARANCE, _NEAR_BOUND = 0.05, 4
"""Metres above the floor that a foot keeps in a swing with a target, if it had them before, and frames from where it is
bound over which it rises to them."""
_RESIDUAL = 5.0
"""Length in frames of the spread of what feet still miss."""


@dataclass(frozen=True)
class Footsteps:
    """Targets of both feet, left then right.

    Attributes:
        ankles, toes: (P, T, 2, 3) metres.
        turn: (P, T, 2) radians about +Y by which feet are turned.
        stands: (P, T, 2) whether the foot stands.
    """

    ankles: np.ndarray
    toes: np.ndarray
    turn: np.ndarray
    stands: np.ndarray


def footsteps(
    joints: np.ndarray, moved: Displacement, fps: float, targets: FootTargets, unreachable: np.ndarray
) -> Footsteps:
    """Targets of the feet of displaced people.

    Args:
        joints: (P, T, 22, 3) before, with feet that are locked to the floor where they stand.
        moved: the displacement.
        fps: frames per second.
        targets: requested positions.
        unreachable: (P, T, 2) true where feet cannot stand because the legs do not reach that far.
    """
    feet = joints[:, :, (*ANKLES, *TOES)]
    carried = moved.points(feet)
    ankles, toes = carried[:, :, :2].copy(), carried[:, :, 2:].copy()
    turn = np.repeat(moved.turn[..., None], 2, axis=-1)
    floor = estimated_floor(joints, fps)
    can_stand = standing_feet(joints, floor, fps) & ~raised_feet(joints, targets) & ~unreachable
    stands = np.zeros_like(can_stand)
    for person in range(len(joints)):
        path = BodyPath(moved.shift[person], moved.turn[person], moved.pelvis[person])
        height = float(floor.toes[person])
        own = [(feet[person, :, side], feet[person, :, 2 + side]) for side in (0, 1)]
        goals = [targets.of_foot(person, side) for side in (0, 1)]
        ends = carried[person, :, 2:]
        found = [
            stances_of(
                can_stand[person, :, side], own[side], ends[:, side], path.turn, goals[side], height, round(SWING * fps)
            )
            for side in (0, 1)
        ]
        for side, stances in enumerate(with_steps(found, path, fps)):
            both = np.stack((carried[person, :, side], ends[:, side]), 1)
            away = np.linalg.norm(np.stack((goals[side].ankle, goals[side].toe), 1) - both, axis=-1) > _OTHERWISE
            clears = (goals[side].ankle_set & away[:, 0]) | (goals[side].toe_set & away[:, 1])
            result, angle = _swung(np.stack(own[side], 1), both, stances, path, height, clears, fps)
            ankles[person, :, side], toes[person, :, side] = result[:, 0], result[:, 1]
            turn[person, :, side] = angle
            for stance in stances:
                stands[person, stance.start : stance.stop, side] = True
    # An end of a foot without a target moves along with the other end.
    toes_missing, ankles_missing = targets.toes - toes, targets.ankles - ankles
    ankles_moved = np.where(targets.ankle_set[..., None], ankles_missing, toes_missing)
    toes_moved = np.where(targets.toe_set[..., None], toes_missing, ankles_missing)
    counts = targets.ankle_set | targets.toe_set
    before, standing = toes[..., 1].copy(), floor.toes[:, None, None]
    ankles, toes = ankles + _residual(ankles_moved, counts, stands), toes + _residual(toes_moved, counts, stands)
    rise = _clearing(np.minimum(before, standing + _CLEARANCE) - toes[..., 1], ~(counts | stands))
    # A foot that comes down to a target earlier than before stays on the floor, not below it.
    rise = np.where(counts, 0.0, np.maximum(rise, np.minimum(before, standing) - toes[..., 1]))
    ankles[..., 1] += rise
    toes[..., 1] += rise
    return Footsteps(ankles, toes, turn, stands)


def _clearing(sunk: np.ndarray, free: np.ndarray) -> np.ndarray:
    """(P, T, 2) metres by which feet rise that a target elsewhere in a swing takes ``sunk`` (P, T, 2) too low.

    Feet stay where they stand or have a target; they are ``free`` (P, T, 2) elsewhere.
    """
    deep = np.moveaxis(np.where(free, np.maximum(sunk, 0.0), 0.0), 1, -1)
    if not deep.max() > 1e-6:
        return np.zeros(sunk.shape)
    bound = np.moveaxis(~free, 1, -1).astype(np.float64)
    rise = hann_smoothed(upper_envelope(deep, _NEAR_BOUND // 2), _NEAR_BOUND // 2)
    return np.asarray(np.moveaxis(rise * (1 - np.clip(upper_envelope(bound, _NEAR_BOUND), 0.0, 1.0)), -1, 1))


def _residual(missing: np.ndarray, counts: np.ndarray, stands: np.ndarray) -> np.ndarray:
    """(P, T, 2, 3) what feet still miss where they have a target, spread over the frames in which they do not stand."""
    if not counts.any() or not np.abs(missing[counts]).max() > 1e-6:
        return np.zeros_like(missing)
    values = np.where(counts[..., None], missing, 0.0)
    # A standing foot with a target gives way a little around it; one that passes a target must not drag its stances.
    yields = (counts & stands).astype(np.float64)
    near = np.moveaxis(upper_envelope(np.moveaxis(yields, 1, -1), _YIELDS), -1, 1)
    fixed = counts | (stands & (near == 0.0))
    return np.moveaxis(spread(np.moveaxis(values, 2, 1), np.moveaxis(fixed, 2, 1), length=_RESIDUAL), 1, 2)


def _swung(
    foot: np.ndarray,
    carried: np.ndarray,
    stances: list[PlacedStance],
    path: BodyPath,
    floor: float,
    clears: np.ndarray,
    fps: float,
) -> tuple[np.ndarray, np.ndarray]:
    """A foot on its stances and between them.

    In a swing the foot moves as before, displaced more and more as the next stance is. It clears the floor where the
    next stance is displaced otherwise than the last.

    Args:
        foot: (T, 2, 3) ankle and toe before.
        carried: (T, 2, 3) where the displaced body takes them.
        stances: of the foot.
        path: displacement of the body.
        floor: standing height of the toe, metres.
        clears: (T,) frames in the air in which the foot is elsewhere than before: it clears the floor there too.
        fps: frames per second.

    Returns:
        Ankle and toe (T, 2, 3), and the turn (T,) in radians about +Y.
    """
    if not stances:
        return carried, path.turn.copy()
    time, fade = np.arange(len(foot)), round(_FADE * fps)
    result, turn, total = np.zeros(foot.shape), np.zeros(len(foot)), np.zeros(len(foot))
    placed = [_on_stance(foot, stance, path) for stance in stances]
    for number, (stance, (points, angle)) in enumerate(zip(stances, placed, strict=True)):
        before = stance.start - (stances[number - 1].stop - 1) if number else 2 * fade
        after = stances[number + 1].start - (stance.stop - 1) if number + 1 < len(stances) else 2 * fade
        # Stances that a step was added between may touch.
        arriving, leaving = (max(gap, 1) if gap < 2 * fade else fade for gap in (before, after))
        weight = _travelled(1 - (stance.start - time) / arriving) * _travelled(1 - (time - stance.stop + 1) / leaving)
        result += weight[:, None, None] * points
        turn += weight * angle
        total += weight
    rest, shared = np.maximum(1 - total, 0), np.maximum(total, 1)
    result, turn = result / shared[:, None, None], turn / shared
    result, turn = result + rest[:, None, None] * carried, turn + rest * path.turn
    for first, last, length in _rises(stances, placed, clears, 2 * fade):
        swing = slice(first, last + 1)
        share = (time[swing] - first) / (last - first)
        rise = min(_RISE + _RISE_PER_METRE * length, _LARGEST_RISE) * (1 - np.abs(2 * share - 1) ** _STEEPNESS) ** 2
        above = np.maximum(result[swing, 1, 1] - floor, 0.0)
        result[swing, :, 1] += (rise * (1 - smoothstep(above / np.maximum(rise, 1e-6))))[:, None]
    return result, turn


def _rises(
    stances: list[PlacedStance], placed: list[tuple[np.ndarray, float]], clears: np.ndarray, longest: int
) -> Iterator[tuple[int, int, float]]:
    """First and last frame of the swings in which a foot must clear the floor, and their additional length in metres.

    Between two stances they are to and from the frames in ``clears`` (T,), or, without any, the whole swing.
    """
    for number in range(1, len(stances)):
        first, last = stances[number - 1].stop - 1, stances[number].start
        inside = first + 1 + np.flatnonzero(clears[first + 1 : last])
        if len(inside):
            yield first, int(inside[0]), 0.0
            yield int(inside[-1]), last, 0.0
            continue
        length = float(np.linalg.norm((placed[number][0] - placed[number - 1][0])[last, 1, [0, 2]]))
        if 0 < last - first < longest and length > _OTHERWISE:
            yield first, last, length


def _on_stance(foot: np.ndarray, stance: PlacedStance, path: BodyPath) -> tuple[np.ndarray, float]:
    """Ankle and toe (T, 2, 3), displaced rigidly as in a stance, and their turn."""
    requested = stance.requested
    if requested is not None and requested.still is not None:
        return np.broadcast_to(requested.still, foot.shape), requested.turn
    if requested is not None:
        angle, pivot, shift = requested.turn, requested.pivot, requested.shift
    else:
        pivot = foot[stance.start : stance.stop, 1].mean(0)
        angle = float(path.turn[stance.by].mean())
        shift = path.position(pivot, stance.by).mean(0) - pivot[[0, 2]]
    placed = (foot - pivot) @ about_y(np.array(angle)).T + pivot
    placed[..., [0, 2]] += shift
    return placed, angle


def _travelled(share: np.ndarray) -> np.ndarray:
    """Share of a swing's way, 0 to 1, after a share of its time: with least jerk, between the pauses at its ends."""
    share = np.clip((share - _CARRY) / (1 - 2 * _CARRY), 0.0, 1.0)
    return np.asarray(share**3 * (10 - 15 * share + 6 * share**2))
