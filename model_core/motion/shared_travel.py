"""The travel that two people have in common, which game engines and crowds move themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .posed import PosedSkeleton

_SMOOTH = 0.5
"""Seconds on each side over which the way of the pair is averaged, so that the sway of steps stays in the hips."""


def shared_travel(people: Sequence[PosedSkeleton], loop: bool = False) -> np.ndarray:
    """(T, 3) metres by which people have travelled along the ground since the first frame, on average.

    Args:
        people: one or two.
        loop: whether the last frame is the first one of the next cycle; then they travel at one pace.
    """
    middle = np.mean([person.translation for person in people], axis=0) * np.array([1.0, 0.0, 1.0])
    if loop:
        return np.asarray(np.linspace(0.0, 1.0, len(middle))[:, None] * (middle[-1] - middle[0]))
    reach = round(_SMOOTH * people[0].fps)
    # The ends go on as they are, mirrored at their points, so that the way begins and ends where the people do.
    index = np.arange(-reach, len(middle) + reach)
    last = len(middle) - 1
    before, after = np.clip(-index, 0, last), np.clip(2 * last - index, 0, last)
    padded = np.where(
        (index < 0)[:, None],
        2 * middle[0] - middle[before],
        np.where((index > last)[:, None], 2 * middle[-1] - middle[after], middle[np.clip(index, 0, last)]),
    )
    averaged = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0).mean(-1)
    return np.asarray(averaged - averaged[0])


def in_place(people: Sequence[PosedSkeleton], loop: bool = False) -> list[PosedSkeleton]:
    """The people without the travel that they share; their distance and all contacts stay.

    Args:
        people, loop: as in ``shared_travel``.
    """
    travel = shared_travel(people, loop)
    return [replace(person, translation=person.translation - travel) for person in people]
