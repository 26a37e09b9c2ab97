"""The report of a batch: a table for programs and a page with clips for people."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from ..core import atomic_write
from .marks import marks_beside
from .page import constraint_lines, known_text, novelty_text, picture_of, report_page
from .records import RowResult

COLUMNS: dict[str, Callable[[RowResult], str]] = {
    "name": lambda row: row.record.job,
    "where": lambda row: row.record.where,
    "prompt": lambda row: row.record.prompt,
    "understood": lambda row: "; ".join(row.record.understood),
    "kind": lambda row: "; ".join(row.record.kinds),
    "known": lambda row: known_text(row.record),
    "novelty": lambda row: novelty_text(row.record),
    "picture": lambda row: picture_of(row.record),
    "outcome": lambda row: row.outcome,
    "error": lambda row: row.record.error,
    "constraints": lambda row: "; ".join(constraint_lines(row.record)),
    "seconds": lambda row: f"{row.record.seconds:.2f}",
    "files": lambda row: " ".join(row.record.files),
}
"""Of the table, in this order; those of the page are in ``page``."""


def write_report(out: Path, name: str, rows: Sequence[RowResult]) -> None:
    """Write ``name.csv`` and ``name.html``.

    Args:
        out: folder of the results.
        name: of both files, without suffix.
        rows: that were processed.

    Raises:
        UserError: they cannot be written.
    """
    with atomic_write(out / f"{name}.csv") as path, path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([text(row) for text in COLUMNS.values()] for row in rows)
    with atomic_write(out / f"{name}.html") as path:
        path.write_text(report_page(name, rows, marks_beside(out)), encoding="utf-8")
