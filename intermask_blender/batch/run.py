"""Running a list of jobs: each row is generated in its own folder, moved into place, and then recorded.

A run that is killed leaves whole files and at most one hidden folder of an unfinished row, which the next run removes.
Rows with a valid record are skipped; those that only lack a film are only rendered.
"""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import bpy

from ..core import UserError
from .clip import BatchContext, FinishedClip, GeneratorDiedError, make_clip, render_saved
from .jobs import Job
from .output import move_into_place
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
from .signals import Stop
from .understood import part_lines

SKIPPED_NOTICE = "finished before"


class Run:
    """A run of a list of jobs.

    Attributes:
        context: what the jobs share.
        records: of the rows that were processed.
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
        self._shared_inputs = (model, scene, str(options.fps), *map(str, sorted(options.sampling.items())))
        if options.partly:
            self._shared_inputs += ("partly",)
        if options.words is not None and options.recorded:
            self._shared_inputs += (f"words {file_hash(options.words)}",)
        self._words_error = ""
        self._hashes = FileHashes()
        # With one job, the generator need not be asked for its device.
        most = options.together if len(options.jobs) > 1 else 1
        self._prefetcher = Prefetcher(context.client, options, self._must_be_generated, most)
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
        stop = self.context.stop
        try:
            with stop.clean_up(self._write_report):
                for number, job in enumerate(jobs):
                    stop.raise_if_requested()
                    self.console.say(f"[{number + 1}/{len(jobs)}] {job.name}: {_shown(job.prompt)}")
                    self.records.append(self._process_row(job, jobs[number + 1 :]))
                stop.raise_if_requested()
        finally:
            self._write_report()
        failed = [record for record in self.records if record.outcome == FAILED]
        self.console.say(
            f"{len(self.records) - len(failed)} of {len(self.records)} done in {time.monotonic() - start:.0f} s, "
            f"{len(failed)} failed."
        )
        for record in failed:
            self.console.say(f"  {record.job} ({record.where}): {record.error}")
        return len(failed)

    def _write_report(self) -> None:
        if self.options.recorded:
            write_report(self.options.out, self.options.report, self.records, self.skipped)

    def _process_row(self, job: Job, following: list[Job]) -> Record:
        """Make a row and record how it went. Any error becomes the record's error."""
        start = time.monotonic()
        record = Record(job.name, job.prompt, job.where)
        try:
            finished = self._finished_record(job)
            if finished is not None:
                self.skipped.add(job.name)
                self.console.say(f"    {SKIPPED_NOTICE}")
                return finished
            record = self._make_row(job, following, record)
        except Exception as error:
            self.context.stop.raise_if_requested()
            record = self._failed_record(record, error)
        record = replace(record, seconds=round(time.monotonic() - start, 2))
        if self.options.recorded:
            try:
                write_record(self.options.out, record)
            except Exception as error:
                # Without its record the row is generated again in the next run; this run continues with the next row.
                record = self._failed_record(record, error)
        return record

    def _failed_record(self, record: Record, error: Exception) -> Record:
        """Show why a row failed, and record it; the traceback of a bug goes to the log."""
        message, details = str(error), ""
        if not isinstance(error, UserError):
            details = "".join(traceback.format_exception(error))
            message = f"An error in the program: {type(error).__name__}: {error}"
            self.console.note(details)
        self.console.warn(f"    failed: {message}")
        return replace(record, outcome=FAILED, error=message, details=details)

    def _finished_record(self, job: Job) -> Record | None:
        """The row's record of an earlier run, None if this run must make something for it.

        Raises:
            UserError: the row cannot be run.
        """
        if job.error:
            raise UserError(job.error)
        valid = self._valid_record(job)
        return valid if valid is not None and self._render in ("", valid.render) else None

    def _make_row(self, job: Job, following: list[Job], record: Record) -> Record:
        """Make a row's files, or only its film if nothing else is missing; returns the record."""
        out = self.options.out
        motion = motion_hash(job, self._shared_inputs, self._hashes)
        before = read_record(out, job.name) if self.options.recorded else None
        valid = self._valid_record(job)
        if before is not None:
            forget_record(out, job.name)
        with _work_folder(out, job.name, self.context.stop) as folder:
            if valid is not None:
                files = [*valid.files, *self._move_into_place(render_saved(job.name, self.context, folder), folder)]
                errors, understood, known = valid.constraint_errors, valid.understood, valid.known
            else:
                clip = self._generate(job, following, folder)
                files = self._move_into_place(clip.files, folder)
                errors = [error.to_json() for error in clip.constraint_errors]
                understood = [part.description() for part in clip.understood]
                known = all(part.known for part in clip.understood) if clip.understood else None
                self._show_understood(clip)
        files = list(dict.fromkeys(files))
        record = replace(record, motion=motion, render=self._render, files=files, constraint_errors=errors)
        record = replace(record, understood=understood, known=known)
        if before is not None:
            _remove(out, [name for name in before.files if name not in record.files])
        self.console.say(f"    wrote {', '.join(files)} in {out}")
        return record

    def _show_understood(self, clip: FinishedClip) -> None:
        """Show how a prompt was understood, unless it is a training caption, and once why the words are not used."""
        if not all(part.is_caption for part in clip.understood):
            for line in part_lines(clip.understood, as_written=False):
                self.console.say(f"    {line}")
        if clip.words_error and clip.words_error != self._words_error:
            self.console.warn(f"    {clip.words_error} The words are not used.")
            self._words_error = clip.words_error

    def _generate(self, job: Job, following: list[Job], folder: Path) -> FinishedClip:
        """Generate a row's files; a second time if a request for several rows failed or the generator died."""

        def prefetch() -> None:
            self._prefetcher.prefetch(following)

        result = self._prefetcher.claim(job, following)
        try:
            return make_clip(job, self.context, folder, result, prefetch)
        except UserError as error:
            batch_failed = result is not None and result.items > 1 and bool(result.request.error)
            if not batch_failed and not isinstance(error, GeneratorDiedError):
                raise
            self.console.warn(f"    trying again: {error}")
        _empty(folder)
        return make_clip(job, self.context, folder, None, prefetch)

    def _valid_record(self, job: Job) -> Record | None:
        """The row's record of an earlier run, None if this run would generate another motion or a file is missing."""
        before = read_record(self.options.out, job.name) if self.options.recorded else None
        if before is None or not before.is_valid(self.options.out, motion_hash(job, self._shared_inputs, self._hashes)):
            return None
        return before

    def _must_be_generated(self, job: Job) -> bool:
        """Whether a row must be generated; one that only lacks its film need not be."""
        return self._valid_record(job) is None

    def _move_into_place(self, files: list[Path], folder: Path) -> list[str]:
        """Move a row's files out of its work folder; returns their names relative to the folder of the results."""
        names = [path.relative_to(folder) for path in files]
        for name in names:
            move_into_place(folder / name, self.options.out / name)
        return [name.as_posix() for name in names]


@contextmanager
def _work_folder(out: Path, name: str, stop: Stop) -> Iterator[Path]:
    """An empty hidden folder for a row's files, removed afterwards."""
    folder = out / f".making-{name}"
    _empty(folder)
    try:
        with stop.clean_up(partial(shutil.rmtree, folder, ignore_errors=True)):
            yield folder
    finally:
        # Windows deletes no open file: Blender must close the one in the folder.
        if bpy.data.filepath.startswith(str(folder.resolve())):
            bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
        shutil.rmtree(folder, ignore_errors=True)


def _empty(folder: Path) -> None:
    """Create a folder, or empty it.

    Raises:
        UserError: it cannot be created or emptied, for example on Windows while a program has a file in it open.
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
    """Delete files of an earlier version of a row; a file that cannot be deleted stays, since the row is complete."""
    for name in names:
        path = out / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
