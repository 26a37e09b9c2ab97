"""The kinds of interaction that a model folder lists in ``kinds.json``, with a prompt each."""

from __future__ import annotations

import json
from pathlib import Path

FILE = "kinds.json"


def listed_kinds(folder: Path) -> frozenset[str] | None:
    """Names of the kinds that a model knows; None for a folder without a list, or with one in another form.

    Scripts, captions and detectors can be of more kinds than a model was trained on.
    """
    try:
        groups = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return frozenset(str(kind["name"]) for group in groups for kind in group["kinds"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def kinds_done_once(folder: Path) -> frozenset[str]:
    """Names of the kinds that are done once, however long a clip is: a handshake, but not a dance.

    The kinds with ``"once": true``; none for a folder without a list, or with one in another form.
    """
    try:
        groups = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return frozenset(str(kind["name"]) for group in groups for kind in group["kinds"] if kind.get("once") is True)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return frozenset()
