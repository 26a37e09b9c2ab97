"""Running a list of jobs: each row is made in a folder of its own, moved into place, and then recorded.

Killed at any moment, a run leaves whole files and at most one hidden folder of an unfinished row, which the next run
removes. Rows whose record holds are skipped; those that only lack a film are only rendered.
"""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path

import bpy

from ..core import UserError
from .clip import BatchContext, GeneratorDiedError, make_clip, render_saved
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


class Run:
    """A run of a list of jobs.

    Attributes:
        context: what the jobs share.
        records: the records of the rows that were processed.
        skipped: names of the rows that an earlier run finished.
    """

    def __init__(self, context: BatchContext) -> None:
        """Hash what all rows share.

        Raises:
            UserError: the opened scene cannot be read.
        """
        self.context = context
        self.options = options = context.options
        self.console = context.console
        self.records: list[Record] = []
        self.skipped: set[str] = set()
        scene = file_hash(Path(context.blend)) if context.blend and options.recorded else ""
        model = folder_hash(options.model) if options.recorded else ""
        self._surroundings = (model, scene, str(options.fps), *map(str, sorted(options.sampling.items())))
        self._hashes = FileHashes()
        # With one job, skip asking the generator for the best batch size.
        most = options.together if len(options.jobs) > 1 else 1
        self._prefetcher = Prefetcher(context.client, options, self._unfinished, most)
        self._render = "" if options.render.output == "none" else str(sorted(asdict(options.render).items()))

    def run(self) -> int:
        """Run every job; a failure does not stop the rest.

        Returns:
            The number of jobs that failed.

        Raises:
            UserError: the report cannot be written.
            KeyboardInterrupt: the run was stopped; the report covers the rows so far.
        """
        start = time.monotonic()
        jobs = self.options.jobs
        try:
            for number, job in enumerate(jobs):
                self.context.stop.ask()
                self.console.say(f"[{number + 1}/{len(jobs)}] {job.name}: {_shown(job.prompt)}")
                self.records.append(self._turn(job, jobs[number + 1 :]))
            self.context.stop.ask()
        finally:
            if self.options.recorded:
                write_report(self.options.out, self.options.report, self.records, self.skipped)
        failed = [record for record in self.records if record.outcome == FAILED]
        self.console.say(
            f"{len(self.records) - len(failed)} of {len(self.records)} done in {time.monotonic() - start:.0f} s, "
            f"{len(failed)} failed."
        )
        for record in failed:
            self.console.say(f"  {record.job} ({record.where}): {record.fault}")
        return len(failed)

    def _turn(self, job: Job, following: list[Job]) -> Record:
        """One row: make it and record how it went. Any error becomes the record's fault."""
        start = time.monotonic()
        record = Record(job.name, job.prompt, job.where)
        try:
            before = self._finished_before(job)
            if before is not None:
                self.skipped.add(job.name)
                self.console.say(f"    {SKIPPED}")
                return before
            record = self._made_record(job, following, record)
        except Exception as error:
            self.context.stop.ask()
            record = self._failed(record, error)
        record = replace(record, seconds=round(time.monotonic() - start, 2))
        if self.options.recorded:
            try:
                write_record(self.options.out, record)
            except Exception as error:
                # Without its record the row is made again in the next run; the rows behind it are made in this one.
                record = self._failed(record, error)
        return record

    def _failed(self, record: Record, error: Exception) -> Record:
        """The record of a row that failed, which is shown in a sentence; the traceback of a bug goes to the log."""
        fault, details = str(error), ""
        if not isinstance(error, UserError):
            details = "".join(traceback.format_exception(error))
            fault = f"An error in the program: {type(error).__name__}: {error}"
            self.console.note(details)
        self.console.warn(f"    failed: {fault}")
        return replace(record, outcome=FAILED, fault=fault, details=details)

    def _finished_before(self, job: Job) -> Record | None:
        """The row's record, where all that this run would make is there.

        Raises:
            UserError: the row cannot be run.
        """
        if job.fault:
            raise UserError(job.fault)
        before = self._held_record(job)
        return before if before is not None and self._render in ("", before.render) else None

    def _made_record(self, job: Job, following: list[Job], record: Record) -> Record:
        """Make a row, or render it where that is all it lacks."""
        out = self.options.out
        motion = motion_hash(job, self._surroundings, self._hashes)
        before = read_record(out, job.name) if self.options.recorded else None
        held = self._held_record(job)
        if before is not None:
            forget_record(out, job.name)
        with _work_folder(out, job.name) as folder:
            if held is not None:
                files = [*held.files, *self._moved(render_saved(job.name, self.context, folder), folder)]
            else:
                files = self._moved(self._made(job, following, folder), folder)
        record = replace(record, motion=motion, render=self._render, files=list(dict.fromkeys(files)))
        if before is not None:
            _remove(out, [name for name in before.files if name not in record.files])
        self.console.say(f"    wrote {', '.join(files)} in {out}")
        return record

    def _made(self, job: Job, following: list[Job], folder: Path) -> list[Path]:
        """Generate a row; once more alone where a request for several failed or the generator's process died."""

        def prefetch() -> None:
            self._prefetcher.prefetch(following)

        share = self._prefetcher.claim(job, following)
        try:
            return make_clip(job, self.context, folder, share, prefetch)
        except UserError as error:
            shared_failure = share is not None and share.items > 1 and bool(share.request.failure)
            if not shared_failure and not isinstance(error, GeneratorDiedError):
                raise
            self.console.warn(f"    trying again: {error}")
        _empty(folder)
        return make_clip(job, self.context, folder, None, prefetch)

    def _held_record(self, job: Job) -> Record | None:
        """The row's record where its motion and files are as this run would make them."""
        before = read_record(self.options.out, job.name) if self.options.recorded else None
        if before is None or not before.holds(self.options.out, motion_hash(job, self._surroundings, self._hashes)):
            return None
        return before

    def _unfinished(self, job: Job) -> bool:
        """Whether a row must be generated; one that only lacks its film need not be."""
        return self._held_record(job) is None

    def _moved(self, made: list[Path], folder: Path) -> list[str]:
        """Move what was made into place; returns the names relative to the folder of the results."""
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
def _work_folder(out: Path, name: str) -> Iterator[Path]:
    """A hidden folder for a row in work; what an earlier run left in it is removed."""
    folder = out / f".making-{name}"
    _empty(folder)
    try:
        yield folder
    finally:
        # Windows deletes no open file: Blender must close the one in the folder.
        if bpy.data.filepath.startswith(str(folder.resolve())):
            bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
        shutil.rmtree(folder, ignore_errors=True)


def _empty(folder: Path) -> None:
    """Create a folder, or empty it.

    Raises:
        UserError: that is not possible, such as on Windows where a program has a file in it open.
    """
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError as error:
        raise UserError(
            f"Cannot write to the folder {folder.parent}: {error.strerror}; close what uses {folder.name}, or choose "
            "another folder."
        ) from error


def _shown(prompt: str) -> str:
    """A prompt on one line of moderate length."""
    text = " ".join(prompt.split())
    return text if len(text) <= 100 else f"{text[:97]}..."


def _remove(out: Path, names: list[str]) -> None:
    """Delete files of an earlier version of a row; a file that cannot be deleted stays: the row is made already."""
    for name in names:
        path = out / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
