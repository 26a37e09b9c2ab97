"""Removes root teleports, movements of the root that are faster than people can move.

A decoder that is undecided between two places puts a person metres away for some frames, or permanently. The steps of
such a teleport are replaced by the pace before and after it. Of the segments between teleports, the largest set that
people can walk between stays in place (frames close to the partner count more); the other segments keep their motion
and are moved as a whole, so that their feet still stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..motion.types import Motion
from .contacts import hysteresis_runs
from .filters import smoothstep

_FASTEST = 6.0
"""m/s over the ground. Pelvises of captured runners reach 4.1, in choreographed chases 3.8. Sprinters are faster..."""
_SPRINTERS_START = 15.0
"""...but accelerate less, in m/s^2 between the tenth of a second before a frame and the one after it: sprinters start
with ten."""
_QUICKEST_START = 30.0
"""The same for slower people. Captured jumps reach 13."""
_START_WINDOW = 0.1
"""Seconds, for the acceleration."""
_MIN_TELEPORT_SPEED = 3.0
"""m/s. Slower steps are never a teleport, whatever their acceleration; faster ones next to one belong to it..."""
_FLANK = 0.14
"""...within this many seconds before and after."""
_SHORTEST_STAY = 0.1
"""Seconds between two teleports that are too short to be a segment."""
_PACE_WINDOW = 0.14
"""Seconds before and after a teleport that determine the pace within it."""
_DRIFT = 1.2
"""Largest m/s, in addition to the person's own pace, at which a person is moved back."""
_SPREAD = 0.4
"""Seconds before and after a teleport within which that happens."""
_CLOSE = 0.3
"""Metres between joints of two people within which they count as interacting."""
_CLOSE_WEIGHT = 3.0
"""Weight of a frame close to the partner; other frames have 1."""


def without_teleports(people: Sequence[Motion], held: int | None = None) -> list[Motion]:
    """Remove root teleports; motions that have none are returned unchanged, as the same objects.

    Args:
        people: one or two motions, equally long, metres.
        held: index of a person whose motion is not changed.
    """
    result = []
    for index, person in enumerate(people):
        moves = np.zeros((len(person), 3)) if index == held else _corrections(person, people)
        if not moves.any():
            result.append(person)
            continue
        moved = person.joints.astype(np.float64) + moves[:, None]
        result.append(replace(person, joints=moved.astype(person.joints.dtype)))
    return result


def _close(people: Sequence[Motion]) -> np.ndarray:
    """(T,) whether two people are close; false for one person."""
    if len(people) < 2:
        return np.zeros(len(people[0]), dtype=bool)
    first, second = (person.joints.astype(np.float64) for person in people)
    return np.asarray(np.linalg.norm(first[:, :, None] - second[:, None], axis=-1).min(axis=(1, 2)) < _CLOSE)


def _corrections(person: Motion, people: Sequence[Motion]) -> np.ndarray:
    """(T, 3) metres by which to move one of the people; zeros without teleports."""
    fps, pelvis = person.fps, person.joints[:, 0].astype(np.float64)
    steps = np.diff(pelvis[:, [0, 2]], axis=0)
    teleports = _teleports(steps * fps, fps)
    if not len(teleports) or (teleports[0] == (0, len(steps))).all():
        return np.zeros((len(person), 3))
    offset = np.concatenate(
        (np.zeros((1, 2)), np.cumsum(_with_bridged_teleports(steps, teleports, fps) - steps, axis=0))
    )
    # First and last frame of each segment between the teleports.
    first, last = np.r_[0, teleports[:, 1]], np.r_[teleports[:, 0], len(steps)]
    kept = _kept_segments(offset[first], first, last, _close(people), fps)
    moves = offset - offset[first[kept[0]]]
    for here, there in pairwise(kept):
        back = offset[first[there]] - offset[first[here]]
        blend = _blend_frames(back, first, last, here, there, fps)
        start, stop = last[here] - blend, first[there] + blend
        moves[start:] -= smoothstep((np.arange(start, len(moves)) - start) / (stop - start))[:, None] * back
    # Rounding must not change people who stay.
    moves[np.abs(moves).max(1) < 1e-9] = 0.0
    return np.stack((moves[:, 0], _height_correction(pelvis[:, 1], teleports), moves[:, 1]), -1)


def _height_correction(height: np.ndarray, teleports: np.ndarray) -> np.ndarray:
    """(T,) metres that move a pelvis's height (T,) within teleports onto the line between the frames around them."""
    frames = np.arange(len(height))
    within = np.zeros(len(height), dtype=bool)
    for start, stop in teleports:
        within[(0 if start == 0 else start + 1) : (len(height) if stop == len(height) - 1 else stop)] = True
    return np.where(within, np.interp(frames, frames[~within], height[~within]) - height, 0.0)


def _teleports(velocity: np.ndarray, fps: float) -> np.ndarray:
    """(N, 2) runs of steps, first and one past the last, that are a teleport; ``velocity`` (T - 1, 2) in m/s."""
    speed = np.linalg.norm(velocity, axis=-1)
    sudden = _suddenness(velocity, fps)
    fast = (speed > _FASTEST) | ((sudden > _QUICKEST_START) & (speed > _MIN_TELEPORT_SPEED))
    if not fast.any():
        return np.zeros((0, 2), dtype=int)
    flank = round(_FLANK * fps)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(fast, flank), 2 * flank + 1).any(-1)
    runs = hysteresis_runs(fast, near & (speed > _MIN_TELEPORT_SPEED), round(_SHORTEST_STAY * fps))
    # Fast people who accelerate and brake as people do are no teleports.
    return np.array([run for run in runs if sudden[slice(*run)].max() > _SPRINTERS_START], dtype=int).reshape(-1, 2)


def _suddenness(velocity: np.ndarray, fps: float) -> np.ndarray:
    """(T - 1,) m/s^2: the largest acceleration that each step is part of, from velocities (T - 1, 2)."""
    window = max(1, round(_START_WINDOW * fps))
    result = np.zeros(len(velocity))
    if len(velocity) >= 2 * window:
        total = np.concatenate((np.zeros((1, 2)), np.cumsum(velocity, axis=0)))
        change = (total[2 * window :] - 2 * total[window:-window] + total[: -2 * window]) / window
        each = np.pad(np.linalg.norm(change, axis=-1) * fps / window, 2 * window - 1)
        result = np.lib.stride_tricks.sliding_window_view(each, 2 * window).max(-1)
    return result


def _with_bridged_teleports(steps: np.ndarray, teleports: np.ndarray, fps: float) -> np.ndarray:
    """Steps (T - 1, 2) with those of teleports replaced by the pace before and after."""
    outside = np.ones(len(steps), dtype=bool)
    for start, stop in teleports:
        outside[start:stop] = False
    window, bridged = max(1, round(_PACE_WINDOW * fps)), steps.copy()
    for start, stop in teleports:
        sides = slice(max(start - window, 0), start), slice(stop, stop + window)
        ends = [steps[side][outside[side]].mean(0) for side in sides if outside[side].any()]
        share = ((np.arange(start, stop) - start + 0.5) / (stop - start))[:, None]
        bridged[start:stop] = ends[0] + share * (ends[-1] - ends[0])
    return bridged


def _kept_segments(offset: np.ndarray, first: np.ndarray, last: np.ndarray, close: np.ndarray, fps: float) -> list[int]:
    """The segments that stay in place, in order: the heaviest chain in which each is reachable from the last."""
    weight = np.concatenate(([0.0], np.cumsum(1 + (_CLOSE_WEIGHT - 1) * close)))
    gain = weight[last + 1] - weight[first]
    best, origin = gain.copy(), np.full(len(gain), -1)
    for there in range(1, len(gain)):
        back = offset[there] - offset[:there]
        reached = [here for here in range(there) if _blend_frames(back[here], first, last, here, there, fps) >= 0]
        if reached:
            here = max(reached, key=lambda number: best[number])
            best[there], origin[there] = best[here] + gain[there], here
    chain = [int(best.argmax())]
    while origin[chain[-1]] >= 0:
        chain.append(int(origin[chain[-1]]))
    return chain[::-1]


def _blend_frames(back: np.ndarray, first: np.ndarray, last: np.ndarray, here: int, there: int, fps: float) -> int:
    """Frames before and after a teleport over which to move a person ``back`` (2,) metres; -1 if that is too far."""
    # The largest speed of an eased move is 1.5 times its mean.
    needed = int(np.ceil(1.5 * np.linalg.norm(back) / _DRIFT * fps))
    blend = max(0, -(-(needed - int(first[there] - last[here])) // 2))
    room = min(round(_SPREAD * fps), *((last[segment] - first[segment]) // 2 for segment in (here, there)))
    return blend if blend <= room else -1
