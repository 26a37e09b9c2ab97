"""A worker of a Ray cluster: Blender, and a generator that stays warm from row to row."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..core import UserError, atomic_folder
from .worker_folder import worker_folder

if TYPE_CHECKING:
    from .options import Options
    from .records import RowResult
    from .row_maker import RowMaker

SHARED = ".shared"
"""File in the folder of the results while a run lasts: a machine that does not see it has another folder there."""


@dataclass(frozen=True)
class Freight:
    """What travels to each machine once.

    Attributes:
        options: of the run, with its jobs; paths are those of the driver's machine.
        blend: path of the scene file that was opened, empty if there is none.
        model: the model's folder, as ``packed`` returns it.
        words: contents of the file of the user's own phrases; None for none.
        token: contents of the file ``SHARED``.
    """

    options: Options
    blend: str
    model: bytes
    words: bytes | None
    token: str


def packed(folder: Path) -> bytes:
    """A folder as the bytes of a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(folder, arcname=folder.name)
    return buffer.getvalue()


def unpacked(archive: bytes, parent: Path) -> Path:
    """The folder of an archive of ``packed``, below ``parent``; workers of one machine unpack it once.

    Raises:
        UserError: it cannot be written.
    """
    place = parent / hashlib.sha256(archive).hexdigest()[:16]
    if not place.is_dir():
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar, atomic_folder(place) as folder:
            tar.extractall(folder, filter="data")
    (model,) = place.iterdir()
    return model


class RowWorker:
    """Makes rows in a process of Ray, which calls one method at a time."""

    def __init__(self) -> None:
        """Start without a generator; ``start`` prepares it."""
        self._owner = secrets.token_hex(8)
        self._models = Path(tempfile.gettempdir()) / "intermask-models"
        self._folder = worker_folder()
        # Blender and the generator leave their own temporary files behind when this process is killed.
        os.environ["TMPDIR"] = str(self._folder)
        self._maker: RowMaker | None = None

    def start(self, freight: Freight) -> str:
        """Prepare the rows' inputs; returns the name that the claims of this worker have.

        Raises:
            UserError: this machine has no Blender module, or does not share the folder of the results.
        """
        from .__main__ import require_blender

        require_blender()
        import bpy

        from ..generator.client import WorkerClient
        from ..ui.preferences import current_runtime
        from .clip import BatchContext
        from .console import Console
        from .row_maker import RowMaker
        from .signals import Stop

        options = freight.options
        try:
            seen = (options.out / SHARED).read_text(encoding="utf-8")
        except OSError:
            seen = ""
        if seen != freight.token:
            raise UserError(
                f"This machine does not see the folder {options.out}; share it under the same path on all machines."
            )
        model = unpacked(freight.model, self._models)
        words = None
        if freight.words is not None:
            words = self._folder / "words.json"
            words.write_bytes(freight.words)
        # A failure of the machine must be distinguished from a failure of a row.
        options = replace(options, model=model, words=words, farm=True)
        runtime = options.python or current_runtime(bpy.context)
        client = WorkerClient(runtime, self._folder / "generator.log", options.device)
        console = Console(self._folder / "messages.log", options.verbose)
        self._maker = RowMaker(BatchContext(options, client, freight.blend, Stop(), console), self._owner)
        return self._owner

    def make(
        self, numbers: Sequence[int], following: Sequence[int], dead: Collection[str]
    ) -> list[tuple[int, RowResult | None]]:
        """Make rows.

        Args:
            numbers: of the rows in the run's list of jobs.
            following: those that this worker will probably get next.
            dead: owners of claims that are known to be dead.

        Returns:
            The number and the result of each row; None for a row that another worker has claimed.

        Raises:
            MachineError: this machine cannot make rows.
        """
        assert self._maker is not None, "start comes first"
        jobs = self._maker.context.options.jobs
        results = []
        for index, number in enumerate(numbers):
            self._maker.context.console.say(f"{jobs[number].name}:")
            ahead = [jobs[other] for other in (*numbers[index + 1 :], *following)]
            results.append((number, self._maker.make(jobs[number], ahead, dead)))
        return results

    def close(self) -> None:
        """End the generator and delete the temporary files; nothing can be made afterwards."""
        if self._maker is not None:
            self._maker.context.client.close()
            self._maker = None
        shutil.rmtree(self._folder, ignore_errors=True)
