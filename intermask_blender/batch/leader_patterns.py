"""Folders and patterns of leaders in a job file: one row for each motion file."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from .jobs import Job
from .leader_file import FILE_KINDS, FILE_SUFFIXES

_SIGNS = "*?["
_SEPARATORS = ("/", "\\")


def expanded(job: Job, folder: Path) -> Iterator[Job]:
    """The rows of a job: one for each file if its leader is a folder or a pattern, else the job itself.

    A folder ends with a slash, since an armature may have the name of a folder. A file or an armature whose name
    looks like a pattern is not one if the file exists or the name has no suffix of a motion file.

    Args:
        job: as read from the job file.
        folder: of the job file, in which leaders are looked for before the working folder.
    """
    text = job.leader
    if job.error or not _is_many(text, folder):
        yield job
        return
    files = _files(text, folder) or _files(text, Path.cwd())
    if not files:
        what = "is no folder with a" if text.endswith(_SEPARATORS) else "matches no"
        yield replace(job, error=f"The leader {text} {what} {FILE_KINDS} file; check the path.")
    for file in files:
        name = f"{job.name}_{file.stem}" if job.name else ""
        yield replace(job, leader=str(file), name=name, naming=f"{file.stem} {job.prompt}")


def _is_many(text: str, folder: Path) -> bool:
    if text.endswith(_SEPARATORS):
        return True
    if not any(sign in text for sign in _SIGNS):
        return False
    named = Path(text).suffix.lower() in FILE_SUFFIXES or Path(text).name in ("*", "**")
    return named and not (folder / text).exists() and not Path(text).exists()


def _files(text: str, base: Path) -> list[Path]:
    """The motion files of a folder or a pattern, sorted by their paths."""
    pattern = f"{glob.escape(text)}*" if text.endswith(_SEPARATORS) else text
    pattern = str(Path(pattern).expanduser())
    found = [base / name for name in glob.glob(pattern, root_dir=base, recursive=True)]  # noqa: PTH207
    return sorted(path for path in found if path.suffix.lower() in FILE_SUFFIXES and path.is_file())
