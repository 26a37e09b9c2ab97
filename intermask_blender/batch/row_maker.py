"""Making one row: it is claimed, generated in its work folder, moved into place, and then recorded.

A worker that is killed leaves whole files and at most one hidden work folder, which the next worker of the row removes.
Rows with a valid record are not made again; those that only lack a film are only rendered.
"""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path

import bpy

from ..core import UserError
from .claims import Claim, Claims
from .clip import BatchContext, FinishedClip, GeneratorDiedError, make_clip, render_saved
from .jobs import Job
from .machine import MachineError, machine_fault
from .output import move_into_place
from .prefetch import Prefetcher
from .records import (
    FAILED,
    FileHashes,
    Record,
    RowResult,
    file_hash,
    folder_hash,
    forget_record,
    motion_hash,
    read_record,
    write_record,
)
from .understood import part_lines

SKIPPED_NOTICE = "finished before"


BUSY = 3.0
"""How many times as long as it computes sampling may take before the machine is said to be busy: Blender itself works
beside it."""


def busy_line(slowed: float) -> str:
    """What is shown once on a busy machine, of ``FinishedClip.slowed``."""
    return f"Other programs use the processor: sampling took {slowed:.1f} times as long as it computed."


class _TakenOverError(Exception):
    """Another worker has taken the row over, because this one gave no sign of life for too long."""


class RowMaker:
    """Makes rows of one list of jobs.

    Attributes:
        context: what the rows share.
        claims: of this worker.
    """

    def __init__(self, context: BatchContext, owner: str = "") -> None:
        """Hash what all rows share.

        Args:
            context: what the rows share.
            owner: of the claims.

        Raises:
            UserError: the opened scene cannot be read.
        """
        self.context = context
        self._options = options = context.options
        self._console = context.console
        self.claims = Claims(options.out, owner)
        scene = file_hash(Path(context.blend)) if context.blend and options.recorded else ""
        model = folder_hash(options.model) if options.recorded else ""
        self._shared_inputs = (model, scene, str(options.fps), *map(str, sorted(options.sampling.items())))
        if options.partly:
            self._shared_inputs += ("partly",)
        if options.words is not None and options.recorded:
            self._shared_inputs += (f"words {file_hash(options.words)}",)
        self._words_error, self._busy = "", False
        self._hashes = FileHashes()
        # With one job, the generator need not be asked for its device.
        most = options.together if len(options.jobs) > 1 else 1
        self._prefetcher = Prefetcher(context.client, options, self._must_be_generated, most)
        self._render = "" if options.render.output == "none" else str(sorted(asdict(options.render).items()))

    def make(self, job: Job, following: Sequence[Job], dead: Collection[str] = ()) -> RowResult | None:
        """Make a row, and record how it went. An error becomes the record's error.

        Args:
            job: the row.
            following: the rows that come next, whose requests can be sent before their turn.
            dead: owners of claims that are known to be dead.

        Returns:
            The result; None if another worker has claimed the row.

        Raises:
            MachineError: with ``--farm``, the machine or the model is at fault; the row has no record.
            KeyboardInterrupt: the run was stopped.
        """
        start = time.monotonic()
        record = Record(job.name, job.prompt, job.where)
        try:
            finished = self._finished(job)
            claim = self.claims.take(job.name, dead) if finished is None else None
        except Exception as error:
            return self._recorded(self._failed_record(job, record, error), start)
        if finished is not None or claim is None:
            return finished
        with self._dropped(claim):
            try:
                finished = self._finished(job)  # by another worker, since the claim was free again
                if finished is not None:
                    return finished
                record = self._make_row(job, following, record, claim)
            except _TakenOverError:
                return None
            except Exception as error:
                self.context.stop.raise_if_requested()
                if not claim.held:
                    return None
                record = self._failed_record(job, record, error)
            return self._recorded(record, start)

    @contextmanager
    def _dropped(self, claim: Claim) -> Iterator[None]:
        """Release a claim after the block, or if a signal ends the process within it."""
        try:
            with self.context.stop.clean_up(claim.release):
                yield
        finally:
            # Windows deletes no open file: Blender must close the one in the folder.
            if bpy.data.filepath.startswith(str(claim.folder.resolve())):
                bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
            self.claims.drop(claim)

    def _recorded(self, record: Record, start: float) -> RowResult:
        """The result of a row, after its record is written."""
        record = replace(record, seconds=round(time.monotonic() - start, 2))
        if self._options.recorded:
            try:
                write_record(self._options.out, record)
            except Exception as error:
                # Without its record the row is generated again in the next run; this run continues with the next row.
                record = self._failed_record(None, record, error)
        return RowResult(record)

    def _failed_record(self, job: Job | None, record: Record, error: Exception) -> Record:
        """Show why a row failed, and return its record; the traceback of a bug goes to the log.

        Args:
            job: the row; None if its own fields cannot be the reason.
            record: of the row so far.
            error: why it failed.

        Raises:
            MachineError: with ``--farm``, the machine or the model is at fault.
        """
        message, details = str(error), ""
        if not isinstance(error, UserError):
            details = "".join(traceback.format_exception(error))
            message = f"An error in the program: {type(error).__name__}: {error}"
            self._console.note(details)
        if self._options.farm and not (job and job.error):
            fault = machine_fault(error, self.context)
            if fault:
                raise MachineError(fault) from error
        self._console.warn(f"    failed: {message}")
        motion = ""
        if job is not None and not job.error:
            with suppress(UserError):
                motion = motion_hash(job, self._shared_inputs, self._hashes)
        return replace(record, outcome=FAILED, error=message, details=details, motion=motion)

    def _finished(self, job: Job) -> RowResult | None:
        """The row's result of an earlier run, None if this run must make something for it.

        Raises:
            UserError: the row cannot be run.
        """
        if job.error:
            raise UserError(job.error)
        record = self._kept_record(job)
        if record is None or (record.outcome != FAILED and self._render not in ("", record.render)):
            return None
        self._console.say(f"    {SKIPPED_NOTICE}" if not record.error else f"    failed before: {record.error}")
        return RowResult(record, skipped=not record.error)

    def _make_row(self, job: Job, following: Sequence[Job], record: Record, claim: Claim) -> Record:
        """Make a row's files, or only its film if nothing else is missing; returns the record."""
        out = self._options.out
        motion = motion_hash(job, self._shared_inputs, self._hashes)
        before = read_record(out, job.name) if self._options.recorded else None
        valid = self._valid_record(job)
        if before is not None:
            forget_record(out, job.name)
        if valid is not None:
            rendered = render_saved(job.name, self.context, claim.files)
            files = [*valid.files, *self._move_into_place(rendered, claim)]
            record = replace(valid, where=record.where)
        else:
            clip = self._generate(job, following, claim.files)
            files = self._move_into_place(clip.files, claim)
            record = replace(
                record,
                constraint_errors=[error.to_json() for error in clip.constraint_errors],
                understood=[part.description() for part in clip.understood],
                kinds=[part.matches[0].kind for part in clip.understood],
                known=all(part.known for part in clip.understood) if clip.understood else None,
                novelty=clip.novelty,
            )
            self._show_understood(clip)
        files = list(dict.fromkeys(files))
        record = replace(record, motion=motion, render=self._render, files=files)
        if before is not None:
            _remove(out, [name for name in before.files if name not in record.files])
        self._console.say(f"    wrote {', '.join(files)} in {out}")
        return record

    def _show_understood(self, clip: FinishedClip) -> None:
        """Show how a prompt was understood, unless it is a training caption, and once what concerns the whole run."""
        if not all(part.is_caption for part in clip.understood):
            for line in part_lines(clip.understood, as_written=False):
                self._console.say(f"    {line}")
        if clip.slowed > BUSY and not self._busy:
            self._busy = True
            self._console.say(f"    {busy_line(clip.slowed)}")
        if clip.words_error and clip.words_error != self._words_error:
            self._console.warn(f"    {clip.words_error} The words are not used.")
            self._words_error = clip.words_error

    def _generate(self, job: Job, following: Sequence[Job], folder: Path) -> FinishedClip:
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
            self._console.warn(f"    trying again: {error}")
        _empty(folder)
        return make_clip(job, self.context, folder, None, prefetch)

    def _kept_record(self, job: Job) -> Record | None:
        """The row's record, if its outcome is not to be changed: success, and with ``--join`` failure too."""
        record = read_record(self._options.out, job.name) if self._options.recorded else None
        if record is None:
            return None
        motion = motion_hash(job, self._shared_inputs, self._hashes)
        joined = self._options.join and record.outcome == FAILED and record.motion == motion
        return record if joined or record.is_valid(self._options.out, motion) else None

    def _valid_record(self, job: Job) -> Record | None:
        """The row's record of an earlier run, None if this run would generate another motion or a file is missing."""
        record = self._kept_record(job)
        return None if record is None or record.outcome == FAILED else record

    def _must_be_generated(self, job: Job) -> bool:
        """Whether this worker must generate a row: one that only lacks its film need not be."""
        return self._kept_record(job) is None and not self.claims.is_taken(job.name)

    def _move_into_place(self, files: list[Path], claim: Claim) -> list[str]:
        """Move a row's files out of its work folder; returns their names relative to the folder of the results."""
        if not claim.held:
            raise _TakenOverError
        names = [path.relative_to(claim.files) for path in files]
        for name in names:
            move_into_place(claim.files / name, self._options.out / name)
        return [name.as_posix() for name in names]


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


def _remove(out: Path, names: list[str]) -> None:
    """Delete files of an earlier version of a row; a file that cannot be deleted stays, since the row is complete."""
    for name in names:
        path = out / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
