"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import UserError


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it to ``path`` when the block ends well, remove it otherwise.

    Missing folders are made. The temporary name keeps the suffix, for writers that choose a format by it.

    Raises:
        UserError: the folder cannot be made or written to, or the disk is full.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.stem[:40]}.", suffix=target.suffix, dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise UserError(
            f"Cannot write to the folder {target.parent}: {error.strerror}; choose another folder."
        ) from error
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files private; a result is as readable as any other file of this user.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except OSError as error:
        raise UserError(f"Cannot write {target}: {error.strerror}; free some space or choose another place.") from error
    finally:
        temporary.unlink(missing_ok=True)
