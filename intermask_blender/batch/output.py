"""Moving finished files and folders into place."""

from __future__ import annotations

from pathlib import Path

from ..core import UserError, replace_folder


def move_into_place(made: Path, target: Path) -> None:
    """Rename a file or a folder to ``target``, in place of the one that is there.

    Args:
        made: complete, and on the file system of ``target``.
        target: missing parent folders are made.

    Raises:
        UserError: it cannot be renamed; the previous ``target`` still exists.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            replace_folder(made, target)
        else:
            made.replace(target)
    except OSError as error:
        raise UserError(f"Cannot write {target}: {error.strerror}; close what uses it and try again.") from error
