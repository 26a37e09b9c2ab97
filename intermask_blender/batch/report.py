"""The report of a batch: a table for programs and a page with pictures for people."""

from __future__ import annotations

import csv
import html
from collections.abc import Collection, Sequence
from pathlib import Path
from urllib.parse import quote

from ..core import atomic_write
from .records import Record

COLUMNS = ("name", "where", "prompt", "outcome", "fault", "seconds", "picture", "files")

STYLE = "body{font-family:sans-serif}td{padding:4px 12px;border-top:1px solid #ccc}.failed{color:#b00}"


def write_report(out: Path, name: str, records: Sequence[Record], skipped: Collection[str]) -> None:
    """Write ``name.csv`` and ``name.html``.

    Args:
        out: folder of the results.
        name: of both files, without suffix.
        records: the rows that have had their turn.
        skipped: names of rows that an earlier run finished.

    Raises:
        UserError: they cannot be written.
    """
    rows = [_row(record, record.job in skipped) for record in records]
    with atomic_write(out / f"{name}.csv") as path, path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    with atomic_write(out / f"{name}.html") as path:
        path.write_text(_page(name, rows), encoding="utf-8")


def picture_of(record: Record) -> str:
    """The row's small picture among its files, empty where it has none."""
    return next((name for name in record.files if name.startswith("pictures/")), "")


def _row(record: Record, skipped: bool) -> dict[str, str]:
    outcome = "skipped" if skipped else record.outcome
    values = record.job, record.where, record.prompt, outcome, record.fault, f"{record.seconds:.2f}"
    return dict(zip(COLUMNS, (*values, picture_of(record), " ".join(record.files)), strict=True))


def _page(title: str, rows: Sequence[dict[str, str]]) -> str:
    lines = []
    for row in rows:
        picture = f'<img src="{quote(row["picture"])}" alt="">' if row["picture"] else ""
        result = html.escape(row["fault"] or row["outcome"])
        cells = html.escape(row["name"]), html.escape(row["prompt"]), picture, result
        kind = ' class="failed"' if row["fault"] else ""
        lines.append(f"<tr{kind}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    head = f'<!doctype html><meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style>'
    return f"{head}\n<table>\n{chr(10).join(lines)}\n</table>\n"
