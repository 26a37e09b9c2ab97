"""The kinds of interaction that a model knows, with a small picture each: kinds.json and kinds/ in its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Kind:
    """One kind of interaction.

    Attributes:
        name: a few words.
        prompt: a sentence that the model knows.
    """

    name: str
    prompt: str


@dataclass(frozen=True)
class KindGroup:
    """Kinds with something in common.

    Attributes:
        title: of the group.
        kinds: its kinds.
    """

    title: str
    kinds: tuple[Kind, ...]


def model_kinds(folder: Path) -> tuple[KindGroup, ...]:
    """The kinds that a model's folder lists; empty if it lists none, or not in this form."""
    try:
        groups = json.loads((folder / "kinds.json").read_text(encoding="utf-8"))
        return tuple(
            KindGroup(
                str(group["group"]), tuple(Kind(str(kind["name"]), str(kind["prompt"])) for kind in group["kinds"])
            )
            for group in groups
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def picture_path(folder: Path, name: str) -> Path:
    """Where the picture of a kind is.

    Args:
        folder: of the model.
        name: of the kind.
    """
    words = "".join(letter if letter.isalnum() else " " for letter in name.lower()).split()
    return folder / "kinds" / f"{'-'.join(words)}.png"
