"""The record of each row, which lets an interrupted run resume where it left off.

A row's record is written last, after all of its files are in place: a row without a record is not finished.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..core import UserError, atomic_write
from .jobs import LIMBS, Job

FOLDER = "records"

MADE, FAILED = "made", "failed"

_OLD_KEYS = {"fault": "error"}
"""Old names of keys in the records of earlier versions, with their present names."""


@dataclass(frozen=True)
class Record:
    """The result of one row, and the inputs that determined it.

    Attributes:
        job: name of the row's files.
        prompt: what the two people do.
        where: origin of the row, such as its line in the job file.
        outcome: ``made`` or ``failed``.
        error: one sentence if it failed.
        details: the traceback of an error in the program.
        motion: hash of everything that determines the motion and its files.
        render: settings of the video or the image sequence; empty without one.
        files: paths relative to the folder of the results.
        seconds: duration of the generation and rendering.
        constraint_errors: how well each constraint is met: the fields of ``ConstraintError``.
        understood: the training caption used for each part of the prompt, with exchanged roles if the second person
            acts; empty if the prompt was used as written.
        known: whether the model knows every part; None if it was used as written.
        kinds: the kind of interaction of each part; empty like ``understood``.
        novelty: distance of the prompt from the closest training caption, 1 - cosine similarity; of several parts,
            the largest; None for a model without captions.
    """

    job: str
    prompt: str
    where: str
    outcome: str = MADE
    error: str = ""
    details: str = ""
    motion: str = ""
    render: str = ""
    files: list[str] = field(default_factory=list)
    seconds: float = 0.0
    constraint_errors: list[dict[str, Any]] = field(default_factory=list)
    understood: list[str] = field(default_factory=list)
    known: bool | None = None
    kinds: list[str] = field(default_factory=list)
    novelty: float | None = None

    def is_valid(self, out: Path, motion: str) -> bool:
        """Whether the row succeeded with inputs of the hash ``motion``, and all its files still exist."""
        return self.outcome == MADE and self.motion == motion and all((out / name).exists() for name in self.files)


@dataclass(frozen=True)
class RowResult:
    """The result of a row in one run.

    Attributes:
        record: how the row went.
        skipped: whether an earlier run finished it.
    """

    record: Record
    skipped: bool = False

    @property
    def outcome(self) -> str:
        """``made``, ``failed`` or ``skipped``."""
        return "skipped" if self.skipped else self.record.outcome


def read_record(out: Path, name: str) -> Record | None:
    """The record of a row, None if there is no readable one."""
    try:
        values = json.loads((out / FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        return Record(**{_OLD_KEYS.get(key, key): value for key, value in values.items()})
    except (OSError, ValueError, TypeError):
        return None


def write_record(out: Path, record: Record) -> None:
    """Write a row's record into the folder of the results.

    Raises:
        UserError: it cannot be written.
    """
    with atomic_write(out / FOLDER / f"{record.job}.json") as path:
        path.write_text(json.dumps(asdict(record), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def forget_record(out: Path, name: str) -> None:
    """Delete a row's record before its files change."""
    try:
        (out / FOLDER / f"{name}.json").unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"Cannot write to the folder {out / FOLDER}: {error.strerror}; choose another folder."
        ) from error


def motion_hash(job: Job, shared_inputs: Sequence[str], hashes: FileHashes) -> str:
    """Hash of what determines a row's motion: its fields, the content of its files, and the run's settings.

    A leader's file counts with its content alone, since machines of a farm may have it at different paths.

    Args:
        job: the row; its line number is not part of the hash.
        shared_inputs: hashes and settings of the run, such as the model's and the opened scene's.
        hashes: cache for the files that rows name.
    """
    file = Path(job.leader)
    leader, content = ("", hashes.of(file)) if job.leads_from_file and file.is_file() else (job.leader, "")
    bodies = [hashes.of(Path(file)) if Path(file).is_file() else file for file in job.bodies]
    row: list[Any] = [job.prompt.strip(), job.seconds, job.seed, leader, list(job.characters), job.name, content]
    row += bodies
    if job.constraints:  # rows without any keep the hash that earlier versions gave them
        given = job.constraint_file
        row.append({"constraints": job.constraints if given is None or not given.is_file() else hashes.of(given)})
    if job.as_written:
        row.append("as written")
    if not job.start_at_rest:
        row.append("no rest at the start")
    if not job.settle_at_end:
        row.append("no rest at the end")
    row += [name for name, chosen in (("loop", job.loop), ("in place", job.in_place)) if chosen]
    if job.key_poses:
        row.append("key poses")
    if (job.arms, job.legs) != (LIMBS[0], LIMBS[0]):
        row.append({"arms": job.arms, "legs": job.legs})
    return hashlib.sha256(json.dumps([row, *shared_inputs]).encode()).hexdigest()


class FileHashes:
    """Cached hashes of files that many rows share; a file is read again only if its size or time has changed."""

    def __init__(self) -> None:
        """Start without hashes."""
        self._known: dict[tuple[Path, int, int], str] = {}

    def of(self, path: Path) -> str:
        """``file_hash``, cached.

        Raises:
            UserError: it cannot be read.
        """
        try:
            state = path.stat()
        except OSError as error:
            raise _unreadable(path, error) from error
        key = (path, state.st_size, state.st_mtime_ns)
        if key not in self._known:
            self._known[key] = file_hash(path)
        return self._known[key]


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"Cannot read {path}: {error.strerror}; check the path.")


def folder_hash(folder: Path) -> str:
    """SHA-256 of the names and bytes of a folder's files, without its sub-folders."""
    parts = [(path.name, file_hash(path)) for path in sorted(folder.iterdir()) if path.is_file()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
