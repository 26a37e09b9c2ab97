"""Running a list of jobs: each row is made in a folder of its own, moved into place, and then recorded.

Killed at any moment, a run leaves whole files and at most one hidden folder of an unfinished row, which the next run
clears away. Rows whose record holds are skipped; those that only lack a film are only rendered.
"""

from __future__ import annotations

import shutil
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import bpy

from ..core import UserError
from .clip import BatchContext, make_clip, render_saved
from .jobs import Job
from .prefetch import Prefetcher
from .records import (
    FAILED,
    FileHashes,
    Record,
    file_hash,
    folder_hash,
    forget_record,
    motion_hash,
    read_record,
    write_record,
)
from .report import write_report

SKIPPED = "finished before"


@dataclass
class Run:
    """A run of a list of jobs.

    Attributes:
        shop: what the jobs are made with.
        records: how the rows went that have had their turn.
        skipped: names of those that were finished before.
    """

    shop: BatchContext

    def __post_init__(self) -> None:
        """Take the hashes of what all rows share."""
        self.options = options = self.shop.options
        self.records: list[Record] = []
        self.skipped: set[str] = set()
        scene = file_hash(Path(self.shop.blend)) if self.shop.blend and options.recorded else ""
        model = folder_hash(options.model) if options.recorded else ""
        self._surroundings = (model, scene, str(options.fps), *map(str, sorted(options.sampling.items())))
        self._hashes = FileHashes()
        # A job that is alone goes alone: the generator need not be asked what pays.
        self._ahead = Prefetcher(
            self.shop.client, options, self._unfinished, options.rows if len(options.jobs) > 1 else 1
        )
        self._render = "" if options.render.output == "none" else str(sorted(asdict(options.render).items()))

    def run(self) -> int:
        """Give every job its turn and say what became of it.

        Returns:
            How many failed.

        Raises:
            UserError: records or the report cannot be written, so that going on would be of no use.
            KeyboardInterrupt: somebody wants it to stop; the report tells how far it came.
        """
        start = time.monotonic()
        try:
            for number, job in enumerate(self.options.jobs):
                self.shop.stop.ask()
                print(f"[{number + 1}/{len(self.options.jobs)}] {job.name}: {job.prompt}", flush=True)
                following = self.options.jobs[number + 1 :]
                record = self._turn(job, following)
                self.records.append(record)
            self.shop.stop.ask()
        finally:
            if self.options.recorded:
                write_report(self.options.out, self.options.report, self.records, self.skipped)
        failed = [record for record in self.records if record.outcome == FAILED]
        print(
            f"{len(self.records) - len(failed)} of {len(self.records)} done in {time.monotonic() - start:.0f} s, "
            f"{len(failed)} failed.",
            flush=True,
        )
        for record in failed:
            print(f"  {record.job} ({record.where}): {record.fault}", flush=True)
        return len(failed)

    def _turn(self, job: Job, following: list[Job]) -> Record:
        """One row, from its record to its new record."""
        out, start = self.options.out, time.monotonic()
        record = Record(job.name, job.prompt, job.where)
        try:
            if job.fault:
                raise UserError(job.fault)
            motion = motion_hash(job, self._surroundings, self._hashes)
            before = read_record(out, job.name) if self.options.recorded else None
            made_before = before is not None and before.holds(out, motion)
            if before is not None and made_before and self._render in ("", before.render):
                self.skipped.add(job.name)
                print(f"    {SKIPPED}", flush=True)
                return before
            if before is not None:
                forget_record(out, job.name)
            with _making(out, job.name) as folder:
                if before is not None and made_before:
                    files = [*before.files, *self._moved(render_saved(job.name, self.options, folder), folder)]
                else:
                    files = self._moved(self._made(job, following, folder), folder)
            record = replace(record, motion=motion, render=self._render, files=list(dict.fromkeys(files)))
            if before is not None:
                _remove(out, [name for name in before.files if name not in record.files])
            print(f"    wrote {', '.join(files)} in {out}", flush=True)
        except UserError as error:
            self.shop.stop.ask()
            record = replace(record, outcome=FAILED, fault=str(error))
        except Exception as error:
            self.shop.stop.ask()
            traceback.print_exc()
            fault = f"A fault in the program: {error}"
            record = replace(record, outcome=FAILED, fault=fault, details=traceback.format_exc())
        if record.fault:
            print(f"    failed: {record.fault}", file=sys.stderr, flush=True)
        record = replace(record, seconds=round(time.monotonic() - start, 2))
        if self.options.recorded:
            write_record(out, record)
        return record

    def _made(self, job: Job, following: list[Job], folder: Path) -> list[Path]:
        """Make a row; once more alone where the generator's process dies of it, or of one that it went with."""

        def look_ahead() -> None:
            self._ahead.look(following)

        share = self._ahead.take(job, following)
        try:
            return make_clip(job, self.shop, folder, share, look_ahead)
        except UserError as error:
            if self.shop.client.running and (share is None or share.items == 1 or not share.request.failure):
                raise
            print(f"    once more: {error}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return make_clip(job, self.shop, folder, None, look_ahead)

    def _unfinished(self, job: Job) -> bool:
        """Whether a row must be generated; one that only lacks its film need not."""
        before = read_record(self.options.out, job.name) if self.options.recorded else None
        if before is None:
            return True
        return not before.holds(self.options.out, motion_hash(job, self._surroundings, self._hashes))

    def _moved(self, made: list[Path], folder: Path) -> list[str]:
        """Rename what was made into place; the names relative to the folder of the results."""
        names = [path.relative_to(folder) for path in made]
        for name in names:
            target = self.options.out / name
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if target.is_dir():
                    shutil.rmtree(target)
                (folder / name).replace(target)
            except OSError as error:
                raise UserError(
                    f"Cannot write {target}: {error.strerror}; close what uses it and try again."
                ) from error
        return [name.as_posix() for name in names]


@contextmanager
def _making(out: Path, name: str) -> Iterator[Path]:
    """A hidden folder for a row that is being made; what an earlier run left of it is cleared away."""
    folder = out / f".making-{name}"
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"Cannot write to the folder {out}: {error.strerror}; choose another folder.") from error
    try:
        yield folder
    finally:
        # What is loaded from the folder is no longer needed; a home file lets go of it on Windows.
        if bpy.data.filepath.startswith(str(folder.resolve())):
            bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
        shutil.rmtree(folder, ignore_errors=True)


def _remove(out: Path, names: list[str]) -> None:
    """Delete what a row made from other things has left."""
    for name in names:
        path = out / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
