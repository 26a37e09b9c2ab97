"""Moving finished files and folders into place."""

from __future__ import annotations

from pathlib import Path

from ..core import UserError, replace_folder


def move_into_place(source: Path, target: Path) -> None:
    """Rename a file or a folder to ``target``, replacing an existing one.

    Args:
        source: complete, and on the file system of ``target``.
        target: missing parent folders are created.

    Raises:
        UserError: it cannot be renamed; the previous ``target`` still exists.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            replace_folder(source, target)
        else:
            source.replace(target)
    except OSError as error:
        raise UserError(f"Cannot write {target}: {error.strerror}; close what uses it and try again.") from error
