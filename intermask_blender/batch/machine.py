"""Whose fault a failed row is: the row's own, or that of the machine or the model.

Farms give a failed task to another worker and, after some failures, block the worker or end the job. So with ``--farm``
a task fails only if another machine could do better.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from pathlib import Path

from ..core import UserError
from .clip import BatchContext

LEAST_SPACE = 1 << 24
"""Bytes of free space below which a failed row is the full disk's fault."""

_DISK_ERRORS = {errno.ENOSPC, errno.EROFS, errno.EIO, getattr(errno, "EDQUOT", 0), getattr(errno, "ESTALE", 0)}


class MachineError(UserError):
    """This machine, or its copy of the model, cannot make rows; another machine may be able to."""


def machine_fault(error: Exception, context: BatchContext) -> str:
    """Why the machine or the model is at fault for a row's failure, as a sentence; empty if it is the row's own.

    The disk and the generator are tried: the generator must be able to load the model.

    Args:
        error: of the row.
        context: of the run.
    """
    out = context.options.out
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _DISK_ERRORS:
            return str(error)
        cause = cause.__cause__ or cause.__context__
    return _disk_fault(out) or _disk_fault(Path(tempfile.gettempdir())) or _generator_fault(context)


def _disk_fault(folder: Path) -> str:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return f"Cannot write to the folder {folder}: {error.strerror}."
    return f"The disk of {folder} is full; free some space." if free < LEAST_SPACE else ""


def _generator_fault(context: BatchContext) -> str:
    try:
        request = context.client.submit("load", {"model": str(context.options.model)})
    except UserError as error:
        return str(error)
    while not request.done:
        context.stop.raise_if_requested()
        context.client.pause()
        context.console.progress("Testing the generator")
    return request.error
