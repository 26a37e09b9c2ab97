"""The report's page: one file that needs no server and no network, to watch clips, choose takes and mark them."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ..core import ConstraintError
from .records import Record, RowResult

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class PageColumn:
    """A column of the page.

    Attributes:
        title: in the table's head.
        width: as a track of a CSS grid.
        cell: the HTML of a row's cell.
        key: what its rows are sorted by; empty for a column that cannot be sorted.
    """

    title: str
    width: str
    cell: Callable[[RowResult], str]
    key: str = ""


def _escaped(text: Callable[[RowResult], str]) -> Callable[[RowResult], str]:
    return lambda row: html.escape(text(row))


_TEXT, _SHORT_TEXT = "minmax(8em, 2fr)", "minmax(6em, 1fr)"

COLUMNS = {
    "mark": PageColumn("Mark", "3em", lambda row: '<input type="checkbox" class="mark" aria-label="mark">'),
    "picture": PageColumn("Clip", "480px", lambda row: _clip(row.record)),
    "name": PageColumn("Name", "8em", _escaped(lambda row: row.record.job), "name"),
    "prompt": PageColumn("Prompt", _TEXT, _escaped(lambda row: row.record.prompt), "prompt"),
    "understood": PageColumn("Understood as", _TEXT, _escaped(lambda row: "; ".join(row.record.understood))),
    "kind": PageColumn("Kind", "8em", _escaped(lambda row: "; ".join(row.record.kinds)), "kind"),
    "novelty": PageColumn("Novelty", "5em", lambda row: novelty_text(row.record), "novelty"),
    "known": PageColumn("Known", "4em", lambda row: known_text(row.record)),
    "outcome": PageColumn("Outcome", _SHORT_TEXT, _escaped(lambda row: row.record.error or row.outcome), "outcome"),
    "constraints": PageColumn(
        "Constraints", _TEXT, lambda row: "<br>".join(map(html.escape, constraint_lines(row.record)))
    ),
}
"""In the order of the page."""


def report_page(title: str, rows: Sequence[RowResult], marked: Sequence[str]) -> str:
    """The page as HTML.

    Args:
        title: of the page.
        rows: of the report.
        marked: names of rows that are marked in the file next to the page.
    """
    used = {
        name: column for name, column in COLUMNS.items() if name != "constraints" or any(map(_has_constraints, rows))
    }
    head = "".join(map(_head_cell, used.values()))
    body = "\n".join(_row(number, row, used) for number, row in enumerate(rows))
    # "</" would end the script element.
    marks = json.dumps(list(marked)).replace("</", "<\\/")
    script, style = (_HERE.joinpath(f"page.{suffix}").read_text(encoding="utf-8") for suffix in ("js", "css"))
    widths = " ".join(column.width for column in used.values())
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
        f"<style>\n{style}</style></head>\n<body>\n{_tools(rows)}\n"
        f'<table style="--columns: {widths}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table>\n"
        f'<script type="application/json" id="marks">{marks}</script>\n<script>\n{script}</script>\n</body></html>\n'
    )


def picture_of(record: Record) -> str:
    """The row's contact sheet among its files, empty if it has none."""
    return next((name for name in record.files if name.startswith("pictures/") and name.endswith(".png")), "")


def known_text(record: Record) -> str:
    """``yes``, ``no``, or nothing for a prompt that is used as written."""
    return "" if record.known is None else "yes" if record.known else "no"


def novelty_text(record: Record) -> str:
    """The prompt's novelty with two digits, empty if it is unknown."""
    return "" if record.novelty is None else f"{record.novelty:.2f}"


def constraint_lines(record: Record) -> list[str]:
    """A line for each constraint."""
    return [ConstraintError(**error).text() for error in record.constraint_errors]


def _has_constraints(row: RowResult) -> bool:
    return bool(row.record.constraint_errors)


def _head_cell(column: PageColumn) -> str:
    if not column.key:
        return f"<th>{column.title}</th>"
    return f'<th data-column="{column.key}"><button type="button">{column.title}</button></th>'


def _row(number: int, row: RowResult, columns: dict[str, PageColumn]) -> str:
    record = row.record
    data = {
        "order": str(number),
        "name": record.job,
        "prompt": record.prompt,
        "search": f"{record.job} {record.prompt} {'; '.join(record.understood)}".lower(),
        "kind": "; ".join(record.kinds),
        "novelty": "" if record.novelty is None else f"{record.novelty:.4f}",
        "outcome": row.outcome,
    }
    attributes = " ".join(f'data-{name}="{html.escape(value)}"' for name, value in data.items())
    cells = "".join(f'<td class="cell-{name}">{column.cell(row)}</td>' for name, column in columns.items())
    return f'<tr class="{record.outcome}" {attributes}>{cells}</tr>'


def _clip(record: Record) -> str:
    """The row's picture, and what plays while the pointer is over it."""
    picture = picture_of(record)
    if not picture:
        return ""
    sources = {
        "film": next((name for name in record.files if name == f"{record.job}.mp4"), ""),
        "pictures": next((name for name in record.files if name == record.job), ""),
        "motion": next((name for name in record.files if name.startswith("pictures/") and name.endswith(".js")), ""),
    }
    attributes = "".join(f' data-{kind}="{quote(name)}"' for kind, name in sources.items() if name)
    still = f'<img class="still" src="{quote(picture)}" alt="" loading="lazy" decoding="async">'
    return f'<div class="clip"{attributes}>{still}</div>'


def _tools(rows: Sequence[RowResult]) -> str:
    """The bar with the filters."""
    kinds = sorted({kind for row in rows for kind in row.record.kinds})
    outcomes = sorted({row.outcome for row in rows})
    most = max((row.record.novelty or 0.0 for row in rows), default=0.0)
    return (
        '<div class="tools"><span id="count"></span>\n'
        '<label>Prompt <input type="search" id="text" placeholder="words"></label>\n'
        f"<label>Outcome {_choice('outcome', outcomes)}</label>\n<label>Kind {_choice('kind', kinds)}</label>\n"
        f'<label>Novelty from <input type="range" id="novelty" min="0" max="{most:.2f}" step="0.01" value="0">'
        '<output id="least"></output></label>\n'
        '<label><input type="checkbox" id="only"> marked only</label>\n'
        '<span class="saved"><span id="state"></span> <button type="button" id="save">Save marks</button></span></div>'
    )


def _choice(name: str, values: Sequence[str]) -> str:
    options = "".join(f"<option>{html.escape(value)}</option>" for value in values)
    return f'<select id="{name}"><option value="">all</option>{options}</select>'
