"""``words.json`` in the add-on's user folder: the user's own phrases for the kinds that a model knows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..core import atomic_write
from .preferences import own_folder

FILE = "words.json"
EXAMPLE = "our own words for this"

Stamp = tuple[int, int]
"""Modification time in nanoseconds, and size of the file."""


def words_path(create: bool = False) -> Path | None:
    """Path of the file, which need not exist; None if the add-on is not an extension or has no user folder.

    Args:
        create: whether to create the folder if it is missing.
    """
    folder = own_folder("", create)
    return None if folder is None else folder / FILE


def words_stamp() -> Stamp | None:
    """A value that changes whenever the file does; None if there is no file."""
    path = words_path()
    try:
        state = None if path is None else path.stat()
    except OSError:
        return None
    return None if state is None else (state.st_mtime_ns, state.st_size)


def write_example(path: Path, kinds: Sequence[str]) -> None:
    """Write a file that lists all kinds, with an example phrase for the first one: JSON has no comments.

    Args:
        path: of the file.
        kinds: that the model knows.

    Raises:
        UserError: it cannot be written.
    """
    phrases: dict[str, list[str]] = {kind: [] for kind in kinds}
    if kinds:
        phrases[kinds[0]] = [EXAMPLE]
    with atomic_write(path) as temporary:
        temporary.write_text(_formatted(phrases), encoding="utf-8")


def _formatted(phrases: dict[str, list[str]]) -> str:
    """JSON with a line for each kind."""
    lines = [f" {json.dumps(kind)}: {json.dumps(texts, ensure_ascii=False)}" for kind, texts in phrases.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
