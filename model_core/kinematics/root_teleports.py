"""Stage 0: people who leap through space faster than anybody moves are brought back to where they can have been.

A decoder that is torn between two places puts a person metres away for some frames, or for good. Such a leap says
nothing of the motion; what a person does on either side of it does. So the steps of the leap are replaced by the steps
around it. Of the stretches between leaps those stay where they are that can be reached from each other and hold most
frames, frames beside the partner before all; the others keep their motion and are moved as a whole, so that their feet
stand as they stood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..motion.types import Motion
from .contacts import rests
from .filters import eased

_FASTEST = 6.0
"""m/s over the ground. Captured runners' pelvises reach 4.1, and 3.8 in choreographed chases; sprinters pass it..."""
_SPRINTERS_START = 15.0
"""...but m/s^2 between the tenth of a second before and that after a frame tell them from who leaps. Sprinters leave
their blocks at ten."""
_QUICKEST_START = 30.0
"""The same for who is slower. Captured jumps reach 13."""
_START_WINDOW = 0.1
"""Seconds: that tenth."""
_DOUBTFUL = 3.0
"""m/s. Slower steps are no leap however suddenly they come; next to a leap, what is faster belongs to it..."""
_FLANK = 0.14
"""...up to so many seconds before and after."""
_SHORTEST_STAY = 0.1
"""Seconds between two leaps in which a person is nowhere long enough for it to count."""
_SEEN = 0.14
"""Seconds before and after a leap from which a person's pace in it is taken."""
_DRIFT = 1.2
"""m/s by which a person may be led back at most, beside his own pace."""
_SPREAD = 0.4
"""Seconds before and after a leap within which he may be."""
_BESIDE = 0.3
"""Metres between joints of two people within which they have to do with each other."""
_WORTH = 3.0
"""How many frames alone a frame beside the partner is worth."""


def without_leaps(people: Sequence[Motion], held: int | None = None) -> list[Motion]:
    """The motions with nobody faster than people are; those without a leap are the very same objects.

    Args:
        people: one or two motions, equally long, metres.
        held: index of a person who is not touched.
    """
    result = []
    for index, person in enumerate(people):
        ways = np.zeros((len(person), 3)) if index == held else _way_back(person, people)
        if not ways.any():
            result.append(person)
            continue
        moved = person.joints.astype(np.float64) + ways[:, None]
        result.append(replace(person, joints=moved.astype(person.joints.dtype)))
    return result


def _beside(people: Sequence[Motion]) -> np.ndarray:
    """(T,) whether two people are close; nobody is for one."""
    if len(people) < 2:
        return np.zeros(len(people[0]), dtype=bool)
    first, second = (person.joints.astype(np.float64) for person in people)
    return np.asarray(np.linalg.norm(first[:, :, None] - second[:, None], axis=-1).min(axis=(1, 2)) < _BESIDE)


def _way_back(person: Motion, people: Sequence[Motion]) -> np.ndarray:
    """(T, 3) metres by which one of the people has to be moved; zeros if he never leaps."""
    fps, pelvis = person.fps, person.joints[:, 0].astype(np.float64)
    steps = np.diff(pelvis[:, [0, 2]], axis=0)
    teleports = _leaps(steps * fps, fps)
    if not len(teleports) or (teleports[0] == (0, len(steps))).all():
        return np.zeros((len(person), 3))
    offset = np.concatenate((np.zeros((1, 2)), np.cumsum(_paced(steps, teleports, fps) - steps, axis=0)))
    # Stretches of frames between the leaps, first and last frame of each, and how much moving on in step moves them.
    first, last = np.r_[0, teleports[:, 1]], np.r_[teleports[:, 0], len(steps)]
    staying = _staying(offset[first], first, last, _beside(people), fps)
    ways = offset - offset[first[staying[0]]]
    for here, there in pairwise(staying):
        back = offset[first[there]] - offset[first[here]]
        spread = _spread(back, first, last, here, there, fps)
        start, stop = last[here] - spread, first[there] + spread
        ways[start:] -= eased((np.arange(start, len(ways)) - start) / (stop - start))[:, None] * back
    # Who stays does so to the bit.
    ways[np.abs(ways).max(1) < 1e-9] = 0.0
    return np.stack((ways[:, 0], _levelled(pelvis[:, 1], teleports), ways[:, 1]), -1)


def _levelled(height: np.ndarray, teleports: np.ndarray) -> np.ndarray:
    """(T,) metres that bring a pelvis's height (T,) within leaps onto the line between the frames before and after."""
    frames = np.arange(len(height))
    within = np.zeros(len(height), dtype=bool)
    for start, stop in teleports:
        within[(0 if start == 0 else start + 1) : (len(height) if stop == len(height) - 1 else stop)] = True
    return np.where(within, np.interp(frames, frames[~within], height[~within]) - height, 0.0)


def _leaps(velocity: np.ndarray, fps: float) -> np.ndarray:
    """(N, 2) runs of steps, first and one past the last, that are a leap; ``velocity`` (T - 1, 2) in m/s."""
    speed = np.linalg.norm(velocity, axis=-1)
    sudden = _suddenness(velocity, fps)
    fast = (speed > _FASTEST) | ((sudden > _QUICKEST_START) & (speed > _DOUBTFUL))
    if not fast.any():
        return np.zeros((0, 2), dtype=int)
    flank = round(_FLANK * fps)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(fast, flank), 2 * flank + 1).any(-1)
    runs = rests(fast, near & (speed > _DOUBTFUL), round(_SHORTEST_STAY * fps))
    # Who gathers speed and loses it as people do is no leaper however fast he gets.
    return np.array([run for run in runs if sudden[slice(*run)].max() > _SPRINTERS_START], dtype=int).reshape(-1, 2)


def _suddenness(velocity: np.ndarray, fps: float) -> np.ndarray:
    """(T - 1,) m/s^2, the largest change of velocity (T - 1, 2) that a step has a part in."""
    window = max(1, round(_START_WINDOW * fps))
    result = np.zeros(len(velocity))
    if len(velocity) >= 2 * window:
        total = np.concatenate((np.zeros((1, 2)), np.cumsum(velocity, axis=0)))
        change = (total[2 * window :] - 2 * total[window:-window] + total[: -2 * window]) / window
        each = np.pad(np.linalg.norm(change, axis=-1) * fps / window, 2 * window - 1)
        result = np.lib.stride_tricks.sliding_window_view(each, 2 * window).max(-1)
    return result


def _paced(steps: np.ndarray, teleports: np.ndarray, fps: float) -> np.ndarray:
    """Steps (T - 1, 2) with those of leaps as the steps before and after them were."""
    free = np.ones(len(steps), dtype=bool)
    for start, stop in teleports:
        free[start:stop] = False
    seen, paced = max(1, round(_SEEN * fps)), steps.copy()
    for start, stop in teleports:
        sides = slice(max(start - seen, 0), start), slice(stop, stop + seen)
        ends = [steps[side][free[side]].mean(0) for side in sides if free[side].any()]
        share = ((np.arange(start, stop) - start + 0.5) / (stop - start))[:, None]
        paced[start:stop] = ends[0] + share * (ends[-1] - ends[0])
    return paced


def _staying(offset: np.ndarray, first: np.ndarray, last: np.ndarray, beside: np.ndarray, fps: float) -> list[int]:
    """The stretches that stay, in order: of all that can be reached one from the other, those worth most."""
    worth = np.concatenate(([0.0], np.cumsum(1 + (_WORTH - 1) * beside)))
    gain = worth[last + 1] - worth[first]
    best, origin = gain.copy(), np.full(len(gain), -1)
    for there in range(1, len(gain)):
        back = offset[there] - offset[:there]
        reached = [here for here in range(there) if _spread(back[here], first, last, here, there, fps) >= 0]
        if reached:
            here = max(reached, key=lambda number: best[number])
            best[there], origin[there] = best[here] + gain[there], here
    chain = [int(best.argmax())]
    while origin[chain[-1]] >= 0:
        chain.append(int(origin[chain[-1]]))
    return chain[::-1]


def _spread(back: np.ndarray, first: np.ndarray, last: np.ndarray, here: int, there: int, fps: float) -> int:
    """Frames before and after a leap over which a person is led ``back`` (2,) metres; -1 where that is too far."""
    # The fastest moment of an eased way is half as fast again as its mean.
    needed = int(np.ceil(1.5 * np.linalg.norm(back) / _DRIFT * fps))
    spread = max(0, -(-(needed - int(first[there] - last[here])) // 2))
    room = min(round(_SPREAD * fps), *((last[stretch] - first[stretch]) // 2 for stretch in (here, there)))
    return spread if spread <= room else -1
