"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import UserError

_UNSUPPORTED = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}
"""What file systems without ``fsync`` answer."""


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path``; rename it to ``path`` when the block succeeds.

    Missing parent folders are made. The temporary name keeps the suffix, for writers that choose a format by it. The
    file is on the disk before it is renamed: a power cut leaves the old contents or the new ones. When the block
    fails, the temporary file is removed and ``path`` is as it was.

    Raises:
        UserError: the folder cannot be made or written to, or the disk is full.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(target)
        # Opened here and not by mkstemp, whose files are private: a result is as readable as the user's other files.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise UserError(
            f"Cannot write to the folder {target.parent}: {reason(error)}; choose another folder."
        ) from error
    try:
        yield temporary
        with temporary.open("r+b") as file:
            _flush(file.fileno())
        temporary.replace(target)
        _flush_folder(target.parent)
    except OSError as error:
        raise UserError(f"Cannot write {target}: {reason(error)}; free some space or choose another place.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a new folder next to ``path`` that takes its place when the block succeeds, and is deleted otherwise.

    See ``replace_folder`` for what happens to a folder that is at ``path`` already. Parent folders that are missing
    are made, and removed again when the block fails.

    Raises:
        UserError: the folder cannot be made or renamed; messages of the block name ``path``, not the temporary folder.
    """
    target = Path(path).resolve()
    missing = [folder for folder in target.parents if not folder.exists()]
    temporary = _temporary(target)
    done = False
    try:
        temporary.mkdir(parents=True)
        yield temporary
        replace_folder(temporary, target)
        done = True
    except OSError as error:
        raise UserError(f"Cannot write {path}: {reason(error)}; free some space or choose another place.") from error
    except UserError as error:
        if str(temporary) not in str(error):
            raise
        raise UserError(str(error).replace(str(temporary), str(path))) from error
    finally:
        if not done:
            _delete(temporary)
            for folder in missing:
                with suppress(OSError):
                    folder.rmdir()


def replace_folder(new: Path, target: Path) -> None:
    """Rename the folder ``new`` to ``target``, in place of the folder that is there.

    The old folder is first renamed to a hidden name next to ``target``. It is deleted only after ``new`` has taken its
    place. When that fails it is renamed back; when even that fails it stays where it is, and the message says where.

    Args:
        new: a complete folder on the file system of ``target``.
        target: the place that it takes; a folder, or nothing.

    Raises:
        UserError: a folder cannot be renamed; the old one still exists.
    """
    backup = _temporary(target) if target.exists() else None
    try:
        if backup is not None:
            target.replace(backup)
    except OSError as error:
        raise UserError(
            f"Cannot replace the folder {target}: {reason(error)}; close the programs that use it, and try again."
        ) from error
    try:
        new.replace(target)
    except OSError as error:
        if backup is not None:
            _restore(backup, target, error)
        raise UserError(f"Cannot write {target}: {reason(error)}; choose another place.") from error
    _flush_folder(target.parent)
    if backup is not None:
        _delete(backup)


def reason(error: BaseException) -> str:
    """Why something failed, in the system's words: never empty, never "None"."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _delete(folder: Path) -> None:
    """Delete a folder as far as it can be."""
    import shutil  # loads compression libraries, for which enabling the add-on would wait

    shutil.rmtree(folder, ignore_errors=True)


def _restore(backup: Path, target: Path, cause: OSError) -> None:
    """Rename a backup to ``target`` again."""
    try:
        backup.replace(target)
    except OSError as error:
        raise UserError(
            f"Cannot write {target}: {reason(cause)}. The folder that was there is now {backup}; rename it to "
            f"{target.name}."
        ) from error


def _temporary(target: Path) -> Path:
    """An unused hidden name next to ``target``."""
    return target.with_name(f".{target.stem[:40]}.{secrets.token_hex(4)}{target.suffix[:40]}")


def _flush(descriptor: int) -> None:
    """Have the system write a file or folder to the disk, where it can."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def _flush_folder(folder: Path) -> None:
    """Have the system write a folder's names to the disk; Windows does so by itself and opens no folders."""
    if os.name == "nt":
        return
    with suppress(OSError):  # the file itself is safe; a folder that cannot be opened for reading is no failure
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            _flush(descriptor)
        finally:
            os.close(descriptor)
