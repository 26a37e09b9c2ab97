"""What the published evaluations draw from a data set: a split's clips, each with a random caption and crop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ..errors import UserError


@dataclass(frozen=True)
class DrawnPair:
    """One clip as drawn once.

    Attributes:
        caption: one of the clip's captions.
        features: (2, T, ...) features of both people, not normalised, float32.
        tokens: words of the caption with their classes, ``word/CLASS``; empty where the data set has none.
    """

    caption: str
    features: np.ndarray
    tokens: tuple[str, ...] = ()


class PublishedSplit(Protocol):
    """The clips of a split.

    Attributes:
        names: of the clips.
        notes: sentences on what was left out, as the published evaluation does.
    """

    names: Sequence[str]
    notes: Sequence[str]

    def draw(self, index: int, random: np.random.Generator) -> DrawnPair:
        """A clip with one of its captions, drawn as the published evaluation draws it."""


def read_lines(path: Path, remedy: str) -> list[str]:
    """The lines of a text file, with their line breaks.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"There is no readable {path.name} in {path.parent}; {remedy}.") from error


def left_out(names: Sequence[str], listed: int, what: str) -> list[str]:
    """A note on clips that are left out; none if there are none."""
    if not names:
        return []
    return [f"{len(names)} of {listed} listed clips are left out, as published: {what} (the first is {names[0]})."]
