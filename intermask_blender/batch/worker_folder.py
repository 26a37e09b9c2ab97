"""Folders for the temporary files of workers, which are killed rather than asked to end."""

from __future__ import annotations

import getpass
import json
import shutil
import tempfile
from pathlib import Path

from .claims import has_ended, identity

_OWNER = "owner"


def worker_folder(place: Path | None = None) -> Path:
    """A new folder for this process; those of processes of this machine that have ended are deleted.

    Args:
        place: the folder of these folders; None for one below the system's folder of temporary files.
    """
    place = _place() if place is None else place
    place.mkdir(parents=True, exist_ok=True)
    delete_left_folders(place)
    folder = Path(tempfile.mkdtemp(dir=place))
    (folder / _OWNER).write_text(json.dumps(identity("")), encoding="utf-8")
    return folder


def delete_left_folders(place: Path | None = None) -> None:
    """Delete the folders of processes of this machine that have ended; argument as ``worker_folder``."""
    for folder in (_place() if place is None else place).glob("*"):
        try:
            owner = json.loads((folder / _OWNER).read_bytes())
        except (OSError, ValueError):  # another process is making or deleting it
            continue
        if isinstance(owner, dict) and has_ended(owner):
            shutil.rmtree(folder, ignore_errors=True)


def _place() -> Path:
    """Each user's own: a folder of another user cannot be written to."""
    return Path(tempfile.gettempdir()) / f"intermask-ray-{getpass.getuser()}"
