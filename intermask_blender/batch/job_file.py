"""Reading job files as rows of text: CSV as spreadsheets write it, or JSON lines. ``jobs`` turns rows into jobs."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core import UserError

FLAGS = ("as_written", "start_at_rest", "settle_at_end", "loop", "in_place")
"""Fields that are yes or no."""
FIELDS = (
    "prompt",
    "seconds",
    "seed",
    "leader",
    "characters",
    "body",
    "constraints",
    *FLAGS,
    "keys",
    "arms",
    "legs",
    "name",
)
DELIMITERS = ",;\t|"

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""A line with its line break. Other Unicode line breaks, such as U+2028, are part of the text."""

_LISTS = ("characters", "body")


@dataclass(frozen=True)
class Row:
    """One row of a file.

    Attributes:
        line: number of its first line in the file, counted from 1.
        values: text by field, stripped; empty fields are left out.
        error: one sentence if the row cannot be read, otherwise empty.
    """

    line: int
    values: dict[str, str] = field(default_factory=dict)
    error: str = ""


def read_rows(path: Path) -> list[Row]:
    """All rows of a file except empty ones; a row that cannot be read is included, with its error.

    Args:
        path: a table (``.csv``, ``.tsv``, ``.txt``) whose first row names the columns, separated by commas, semicolons,
            tabs or vertical bars; or one JSON object per line (``.jsonl``, ``.ndjson``). UTF-8, or UTF-16 with a
            byte order mark.

    Raises:
        UserError: the file cannot be read or has another format, or a column is unknown.
    """
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".tsv", ".txt", ".jsonl", ".ndjson"):
        raise UserError(f"{path.name} is neither .csv nor .jsonl; write the jobs as one of these.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"Cannot read the jobs file {path}: {error.strerror}; check the path.") from error
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name} is not UTF-8 text; save it again as UTF-8.") from error
    lines = _LINE.findall(text)
    return list(_json_rows(lines) if suffix in (".jsonl", ".ndjson") else _table_rows(lines, path.name))


def _table_rows(lines: list[str], file: str) -> Iterator[Row]:
    """The rows of a table."""
    number, delimiter = 0, ""
    if lines and (declared := re.fullmatch(r'"?sep=(.)"?\s*', lines[0])):
        number, delimiter = 1, declared[1]  # Excel names the delimiter in such a line
    while number < len(lines) and not lines[number].strip(f"{DELIMITERS} \r\n"):
        number += 1
    delimiter = delimiter or _delimiter("".join(lines[number : number + 1]))
    columns: list[str] | None = None
    for line, cells in _records(lines, number, delimiter):
        if columns is None:
            columns = _columns(cells, file)
        elif cells is None:
            yield Row(line, error="The row's quotation marks are not in pairs; write a quote within a text twice.")
        elif any(cell.strip() for cell in cells):
            yield _row(line, cells, columns)


def _records(lines: list[str], number: int, delimiter: str) -> Iterator[tuple[int, list[str] | None]]:
    """Line number and cells of each record, None for one that cannot be read.

    A record with an unclosed quotation mark would swallow the rows below it, so only its first line is skipped.
    """
    while number < len(lines):
        reader = csv.reader(iter(lines[number:]), delimiter=delimiter, strict=True, skipinitialspace=True)
        first = number
        try:
            cells = next(reader)
            number += reader.line_num
        except csv.Error:
            cells = None
            number += 1
        yield first + 1, cells


def _delimiter(header: str) -> str:
    """The delimiter that yields the most known column names; a comma if none does."""
    return max(DELIMITERS, key=lambda delimiter: sum(name in FIELDS for name in _names(header.split(delimiter))))


def _names(cells: list[str]) -> list[str]:
    return [cell.strip().strip('"').strip().lower() for cell in cells]


def _columns(cells: list[str] | None, file: str) -> list[str]:
    """The names of the columns, empty for columns without a name.

    Raises:
        UserError: a name is unknown or occurs twice, or there is no prompt.
    """
    columns = _names(cells or [])
    unknown = [name for name in columns if name and name not in FIELDS]
    twice = [name for name in columns if name and columns.count(name) > 1]
    if unknown or twice or "prompt" not in columns:
        what = "has no column called prompt"
        if unknown:
            what = f"has a column {_short(unknown[0])!r} that is not known"
        elif twice:
            what = f"has two columns called {twice[0]}"
        raise UserError(f"{file} {what}; its first line names columns out of: {', '.join(FIELDS)}.")
    return columns


def _row(line: int, cells: list[str], columns: list[str]) -> Row:
    padded = [*columns, *[""] * (len(cells) - len(columns))]
    named = [(name, cell.strip()) for name, cell in zip(padded, cells, strict=False) if cell.strip()]
    if any(not name for name, _ in named):
        return Row(line, error="The row has more fields than there are columns; put quotes around text with commas.")
    return _checked(line, dict(named))


def _json_rows(lines: list[str]) -> Iterator[Row]:
    for line, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            yield Row(line, error='The line is not a JSON object; write one such as {"prompt": "..."}.')
        elif unknown := [name for name in values if name not in FIELDS]:
            yield Row(line, error=f"The field {_short(unknown[0])!r} is not known; use {', '.join(FIELDS)}.")
        else:
            yield _json_row(line, values)


def _json_row(line: int, values: dict[str, Any]) -> Row:
    texts = {}
    for name, value in values.items():
        if isinstance(value, list) and name in _LISTS:
            value = ";".join("" if entry is None else str(entry) for entry in value)
        if isinstance(value, list) and name == "constraints":
            value = json.dumps(value, ensure_ascii=False)
        if isinstance(value, bool) and name in FLAGS:
            value = "yes" if value else "no"
        if isinstance(value, dict | list | bool):
            return Row(line, error=f"{name} is {_short(json.dumps(value))}; write a text or a number.")
        if value is not None and (text := str(value).strip()):
            texts[name] = text
    return _checked(line, texts)


def _checked(line: int, values: dict[str, str]) -> Row:
    """The row, with an error if a field has control characters or is not valid text."""
    for name, value in values.items():
        if bad := [char for char in value if _unwanted(char, name)]:
            error = f"{name} holds the control character U+{ord(bad[0]):04X}; delete it."
            return Row(line, {key: text for key, text in values.items() if key != name}, error)
    return Row(line, values)


def _unwanted(char: str, name: str) -> bool:
    code = ord(char)
    control = code < 32 or 127 <= code < 160 or 0xD800 <= code < 0xE000
    return control and not (name == "prompt" and char in "\t\n\r\v\f\x85")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
