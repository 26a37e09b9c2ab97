"""How messages call constraints, people and frames: as constraint files do, or as a program's own interface does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .types import Constraint, label


def _lower_first(name: str) -> str:
    return name[0].lower() + name[1:]


@dataclass(frozen=True)
class Wording:
    """The words of messages. The default is that of constraint files, which count people and frames from 0.

    Attributes:
        label: a constraint and its index in the list to its name, for the beginning of a sentence.
        inside: such a name to the name within a sentence.
        people: both people within a sentence.
        frame: a frame of the clip to the frame that the reader knows.
    """

    label: Callable[[Constraint, int], str] = label
    inside: Callable[[str], str] = _lower_first
    people: tuple[str, str] = ("person 0", "person 1")
    frame: Callable[[int], int] = int


FILE_WORDING = Wording()
