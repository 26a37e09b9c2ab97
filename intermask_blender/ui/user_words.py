"""``words.json`` in the add-on's own folder: phrases of the user's own for the kinds that a model knows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..core import atomic_write
from .preferences import own_folder

FILE = "words.json"
EXAMPLE = "our own words for this"

Stamp = tuple[int, int]
"""Time and size of the file."""


def words_path(create: bool = False) -> Path | None:
    """Where the file is or would be; None where the add-on is not an extension or has no folder of its own.

    Args:
        create: make the folder if it is not there.
    """
    folder = own_folder("", create)
    return None if folder is None else folder / FILE


def words_stamp() -> Stamp | None:
    """What changes with the file; None where there is none."""
    path = words_path()
    try:
        state = None if path is None else path.stat()
    except OSError:
        return None
    return None if state is None else (state.st_mtime_ns, state.st_size)


def write_example(path: Path, kinds: Sequence[str]) -> None:
    """Write a file with all kinds to fill in. JSON has no comments: the first kind shows how with a phrase.

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
        temporary.write_text(_laid_out(phrases), encoding="utf-8")


def _laid_out(phrases: dict[str, list[str]]) -> str:
    """JSON with a line for each kind."""
    lines = [f" {json.dumps(kind)}: {json.dumps(texts, ensure_ascii=False)}" for kind, texts in phrases.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
