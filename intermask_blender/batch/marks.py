"""The marks of rows that a user has chosen on the report's page, kept in a file next to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..core import UserError
from .jobs import Job

MARKS_FILE = "marks.json"
"""Next to the report; the page offers this name when it saves the marks."""


def read_marks(path: Path, jobs: Sequence[Job]) -> set[str]:
    """The names of the marked rows.

    Args:
        path: of the file that the page saved, ``{"marked": [names]}``.
        jobs: all rows.

    Raises:
        UserError: the file is missing or damaged, or a name is that of no row.
    """
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["marked"]
    except OSError as error:
        raise UserError(
            f"Cannot read the marks {path}: {error.strerror}; save them from the report's page, next to it."
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} holds no marks; save them again from the report's page.") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{path} holds no marks; save them again from the report's page.")
    known = {job.name for job in jobs}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(
            f"{path.name} marks {unknown[0][:100]!r}, which is no row of the jobs; use the job file of that report."
        )
    return set(names)


def marks_beside(out: Path) -> list[str]:
    """The names in the marks file of a folder of results; none if there is no such file."""
    try:
        names = json.loads((out / MARKS_FILE).read_text(encoding="utf-8"))["marked"]
        return [str(name) for name in names]
    except (OSError, ValueError, TypeError, KeyError):
        return []
