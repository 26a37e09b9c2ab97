"""The report of a batch: a table for programs and a page with pictures for people."""

from __future__ import annotations

import csv
import html
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ..core import ConstraintError, atomic_write
from .records import Record

STYLE = "body{font-family:sans-serif}td{padding:4px 12px;border-top:1px solid #ccc}.failed{color:#b00}"


@dataclass(frozen=True)
class ReportRow:
    """A row of the report.

    Attributes:
        record: how the job went.
        skipped: whether an earlier run finished it.
    """

    record: Record
    skipped: bool

    @property
    def outcome(self) -> str:
        """``made``, ``failed`` or ``skipped``."""
        return "skipped" if self.skipped else self.record.outcome


@dataclass(frozen=True)
class Column:
    """A column of both files.

    Attributes:
        text: the cell in the table.
        html: the cell on the page; None omits the column there.
    """

    text: Callable[[ReportRow], str]
    html: Callable[[ReportRow], str] | None = None


COLUMNS = {
    "name": Column(lambda row: row.record.job, lambda row: html.escape(row.record.job)),
    "where": Column(lambda row: row.record.where),
    "prompt": Column(lambda row: row.record.prompt, lambda row: html.escape(row.record.prompt)),
    "understood": Column(lambda row: _understood(row), lambda row: html.escape(_understood(row))),
    "known": Column(lambda row: _known(row), lambda row: _known(row)),
    "picture": Column(lambda row: picture_of(row.record), lambda row: _image(picture_of(row.record))),
    "outcome": Column(lambda row: row.outcome, lambda row: html.escape(row.record.error or row.outcome)),
    "error": Column(lambda row: row.record.error),
    "constraints": Column(lambda row: "; ".join(_errors(row)), lambda row: "<br>".join(map(html.escape, _errors(row)))),
    "seconds": Column(lambda row: f"{row.record.seconds:.2f}"),
    "files": Column(lambda row: " ".join(row.record.files)),
}
"""Both files have their columns in this order."""


def write_report(out: Path, name: str, records: Sequence[Record], skipped: Collection[str]) -> None:
    """Write ``name.csv`` and ``name.html``.

    Args:
        out: folder of the results.
        name: of both files, without suffix.
        records: the records of the rows that were processed.
        skipped: names of rows that an earlier run finished.

    Raises:
        UserError: they cannot be written.
    """
    rows = [ReportRow(record, record.job in skipped) for record in records]
    with atomic_write(out / f"{name}.csv") as path, path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([column.text(row) for column in COLUMNS.values()] for row in rows)
    with atomic_write(out / f"{name}.html") as path:
        path.write_text(_page(name, rows), encoding="utf-8")


def _understood(row: ReportRow) -> str:
    return "; ".join(row.record.understood)


def _known(row: ReportRow) -> str:
    return "" if row.record.known is None else "yes" if row.record.known else "no"


def picture_of(record: Record) -> str:
    """The row's contact sheet among its files, empty if it has none."""
    return next((name for name in record.files if name.startswith("pictures/")), "")


def _errors(row: ReportRow) -> list[str]:
    """A line for each constraint."""
    return [ConstraintError(**error).text() for error in row.record.constraint_errors]


def _image(file: str) -> str:
    return f'<img src="{quote(file)}" alt="">' if file else ""


def _page(title: str, rows: Sequence[ReportRow]) -> str:
    lines = []
    for row in rows:
        cells = "".join(f"<td>{column.html(row)}</td>" for column in COLUMNS.values() if column.html is not None)
        kind = ' class="failed"' if row.record.error else ""
        lines.append(f"<tr{kind}>{cells}</tr>")
    head = f'<!doctype html><meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style>'
    return f"{head}\n<table>\n{chr(10).join(lines)}\n</table>\n"
