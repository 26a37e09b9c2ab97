"""Claims on rows: several workers may work on the same rows in one shared folder, and each row is made once.

A row is claimed by creating its work folder ``.making-NAME.1``: creating a folder is exclusive on every file system, so
neither file locks nor a server are needed. While the worker works on the row, a thread makes the file ``owner`` in the
folder grow. Whoever finds the row claimed watches that file: if it does not grow for ``STALE`` seconds of the
watcher's own clock, its worker is dead. Clocks of different machines are never compared.

A dead worker's claim is not deleted, because another watcher may do the same at the same moment and delete the new
claim. Instead ``.making-NAME.2`` is created, exclusively again; the highest number owns the row. A worker that was only
suspended sees the higher number, and drops what it has made.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core import UserError

BEAT = 5.0
"""Seconds between two signs of life of a worker."""

STALE = 60.0
"""Seconds without a sign of life after which a worker is dead."""

_OWNER = "owner"


@dataclass(frozen=True)
class Claim:
    """A row that this worker owns.

    Attributes:
        folder: the work folder of the row; its parent holds those of all rows.
        row: name of the row.
        number: of this claim; a higher one of the same row takes it over.
    """

    folder: Path
    row: str
    number: int

    @property
    def files(self) -> Path:
        """The folder for the row's unfinished files."""
        return self.folder / "files"

    @property
    def held(self) -> bool:
        """Whether no other worker has taken the row over."""
        return self.folder.exists() and not _folder(self.folder.parent, self.row, self.number + 1).exists()

    def release(self) -> None:
        """Delete the work folder, and those of dead workers before it."""
        # The highest first: the numbers of a row never have a gap.
        for number in range(self.number, 0, -1):
            shutil.rmtree(_folder(self.folder.parent, self.row, number), ignore_errors=True)


@dataclass
class Claims:
    """The claims of one worker.

    Attributes:
        out: folder of the results, which the workers share.
        owner: name of this worker, unique among those of the run; empty if it is not needed.
        stale: seconds without a sign of life after which another worker is dead.
        clock: time in seconds; any monotonic clock.
    """

    out: Path
    owner: str = ""
    stale: float = STALE
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, tuple[int, int, float]] = field(default_factory=dict, init=False)
    _held: Claim | None = field(default=None, init=False)
    _beating: threading.Thread | None = field(default=None, init=False)

    def take(self, row: str, dead: Collection[str] = ()) -> Claim | None:
        """Claim a row; None if another worker has it.

        Args:
            row: name of the row.
            dead: owners that are known to be dead.

        Raises:
            UserError: the folder of the results cannot be written to.
        """
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            last = _last(self.out, row)
            if last and self._alive(row, last, dead):
                return None
            claim = Claim(_folder(self.out, row, last + 1), row, last + 1)
            try:
                claim.folder.mkdir()
            except FileExistsError:
                return None
            (claim.folder / _OWNER).write_text(json.dumps(identity(self.owner)), encoding="utf-8")
            claim.files.mkdir()
        except OSError as error:
            raise UserError(
                f"Cannot write to the folder {self.out}: {error.strerror}; choose another folder."
            ) from error
        self._seen.pop(row, None)
        self._held = claim
        self._beat()
        return claim

    def drop(self, claim: Claim) -> None:
        """Release a claim of this worker."""
        self._held = None
        claim.release()

    def is_taken(self, row: str) -> bool:
        """Whether another worker has claimed a row."""
        own = self._held is not None and self._held.row == row
        return not own and _folder(self.out, row, 1).exists()

    def _alive(self, row: str, number: int, dead: Collection[str]) -> bool:
        """Whether the worker that has a claim is alive, or has not been watched for long enough."""
        file = _folder(self.out, row, number) / _OWNER
        data = b""
        with contextlib.suppress(OSError):
            data = file.read_bytes()
        owner = _owner(data)
        if owner.get("owner") in dead or has_ended(owner):
            return False
        seen = self._seen.get(row)
        if seen is None or seen[:2] != (number, len(data)):
            seen = self._seen[row] = (number, len(data), self.clock())
        return self.clock() - seen[2] < self.stale

    def _beat(self) -> None:
        """Start the thread of this worker's signs of life, unless it runs."""
        if self._beating is None:
            self._beating = threading.Thread(target=self._beat_on, name="claims", daemon=True)
            self._beating.start()

    def _beat_on(self) -> None:
        while True:
            time.sleep(BEAT)
            claim = self._held
            if claim is not None:
                with contextlib.suppress(OSError):
                    # Not created here: the claim may have been released a moment ago.
                    descriptor = os.open(claim.folder / _OWNER, os.O_WRONLY | os.O_APPEND)
                    try:
                        os.write(descriptor, b"\n")
                    finally:
                        os.close(descriptor)


def _folder(out: Path, row: str, number: int) -> Path:
    return out / f".making-{row}.{number}"


def _last(out: Path, row: str) -> int:
    """The number of a row's last claim; 0 if there is none."""
    number = 0
    while _folder(out, row, number + 1).exists():
        number += 1
    return number


def _machine() -> str:
    """The machine, and the container on it, within which a process id names one process."""
    parts = [platform.node()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def identity(owner: str) -> dict[str, Any]:
    """What ``has_ended`` recognises this process by."""
    return {"owner": owner, "machine": _machine(), "process": os.getpid()}


def _owner(data: bytes) -> dict[str, Any]:
    try:
        values = json.loads(data)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def has_ended(owner: dict[str, Any]) -> bool:
    """Whether an owner is a process of this machine that has ended; False if that cannot be known."""
    process = owner.get("process")
    if os.name == "nt" or not isinstance(process, int) or owner.get("machine") != _machine():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
