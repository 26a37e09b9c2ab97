"""Drafts: what a clip looks like while it is drawn, for a view that shows it at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor


@dataclass(frozen=True)
class Draft:
    """A draft of the first take; its values are not final.

    Attributes:
        joints: (2, T, 22, 3) metres, in the world of the result.
        start: frame of the clip at which it begins.
    """

    joints: np.ndarray
    start: int


DraftCallback = Callable[[Draft], None]


def at_some_steps(show: Callable[[Tensor], None]) -> Callable[[Tensor], None]:
    """A callback that passes on the maps of call 1, 4, 8, 16 ...: early drafts change most, and each takes time.

    Call 1 has a quick guess; after the first step the people are not yet where they belong.
    """
    done = 0

    def called(maps: Tensor) -> None:
        nonlocal done
        done += 1
        if done != 2 and done & (done - 1) == 0:
            show(maps)

    return called
