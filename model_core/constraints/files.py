"""Constraint files: Kimodo's JSON format, extended by the fields and types that two people need.

A file is a list of objects with a ``type`` each. ``docs/constraints.md`` describes all of them. Kimodo's types are
``root2d``, ``fullbody``, ``left-hand``, ``right-hand``, ``left-foot``, ``right-foot`` and ``end-effector``; the fields
``person``, ``weight`` and ``name`` are optional in them. ``pose``, ``pin``, ``contact`` and ``timing`` are this
project's own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import atomic_write, reason
from .json_reading import Fields
from .json_writing import constraint_object
from .types import Constraints


def read_constraints(path: str | Path) -> Constraints:
    """Read a constraint file.

    Raises:
        UserError: the file is missing or not JSON, or a constraint in it is invalid.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not a text file" if isinstance(error, UnicodeDecodeError) else reason(error)
        raise UserError(f"Cannot read the constraints in {path}: {why}; check the path.") from error
    return constraints_from_text(text, path.name)


def constraints_from_text(text: str, source: str) -> Constraints:
    """Constraints from the text of a constraint file.

    Args:
        text: JSON.
        source: name of its origin in messages.

    Raises:
        UserError: as in ``read_constraints``.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise UserError(f"The constraints in {source} are not JSON{where}; write a list of objects.") from error
    return constraints_from_json(values, source)


def constraints_from_json(values: object, source: str) -> Constraints:
    """Constraints from the list in a constraint file, already decoded.

    Args:
        values: list of objects.
        source: name of its origin in messages.

    Raises:
        UserError: it is not a list, or a constraint in it is invalid.
    """
    if not isinstance(values, list):
        raise UserError(f"The constraints in {source} are not a list; write [ ... ] around the objects.")
    return Constraints(tuple(Fields.of(value, f"Constraint {n + 1} in {source}") for n, value in enumerate(values)))


def write_constraints(path: str | Path, constraints: Constraints) -> None:
    """Write a constraint file.

    Raises:
        UserError: it cannot be written.
    """
    lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in constraints_to_json(constraints))
    with atomic_write(path) as temporary:
        temporary.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def constraints_to_json(constraints: Constraints) -> list[dict[str, Any]]:
    """The list of a constraint file; numbers are rounded to a thousandth of a millimetre."""
    return [constraint_object(item) for item in constraints]
