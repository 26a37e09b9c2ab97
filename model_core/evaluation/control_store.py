"""Keeps what ``evaluate control`` has measured, so that a run that was stopped continues."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..files import atomic_write
from .control_report import Measured

_ARRAYS = ("joints", "plain")


def save_measured(path: Path, clips: Sequence[Measured], refused: Sequence[str]) -> None:
    """Write measured clips, and the constraints that were refused, as one ``.npz``."""
    arrays = {f"{name}{number}": getattr(clip, name) for number, clip in enumerate(clips) for name in _ARRAYS}
    index = json.dumps({"clips": [clip.to_json() for clip in clips], "refused": list(refused)})
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, index=np.array(index), **arrays)


def load_measured(path: Path) -> tuple[list[Measured], list[str]]:
    """What ``save_measured`` wrote.

    Raises:
        UserError: the file is damaged or of another version.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            index = json.loads(str(stored["index"]))
            clips = [
                Measured(**{"pops": None, **entry}, **{name: stored[f"{name}{number}"] for name in _ARRAYS})
                for number, entry in enumerate(index["clips"])
            ]
            return clips, [str(sentence) for sentence in index["refused"]]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read ({error}); delete it, and its kind is measured again.") from error
