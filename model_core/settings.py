"""Settings from files: dictionaries (JSON, TOML) to nested frozen dataclasses, with every mistake named."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from .errors import UserError

Settings = TypeVar("Settings")


def build(kind: type[Settings], values: Mapping[str, Any], source: str) -> Settings:
    """Make a dataclass from a mapping; what the mapping leaves out keeps its default.

    Args:
        kind: a dataclass whose fields are numbers, texts, paths, truth values, tuples, choices or such dataclasses.
        values: what a file holds.
        source: names the file and the place in it, for messages.

    Raises:
        UserError: an unknown key, a missing one without a default, or a value of the wrong kind.
    """
    hints = get_type_hints(kind)
    known = {entry.name for entry in fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise UserError(f"{source} has the unknown entry '{key}'; known are {', '.join(sorted(known))}.")
    try:
        return kind(**{key: _converted(hints[key], value, f"{source}: {key}") for key, value in values.items()})
    except TypeError as error:
        raise UserError(f"{source} is incomplete: {error}.") from error


def _converted(hint: Any, value: Any, source: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise UserError(f"{source} should be a table of settings, not {value!r}.")
        return build(hint, value, source)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in arguments:
            raise UserError(f"{source} is {value!r}; it can be {', '.join(map(str, arguments))}.")
        return value
    if origin in (Union, types.UnionType):
        options = [option for option in arguments if option is not type(None)]
        return None if value is None else _converted(options[0], value, source)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise UserError(f"{source} should be a list, not {value!r}.")
        inner = arguments[0] if arguments[-1] is Ellipsis else None
        kinds = [inner] * len(value) if inner is not None else list(arguments)
        if len(kinds) != len(value):
            raise UserError(f"{source} should have {len(kinds)} entries, not {len(value)}.")
        return tuple(_converted(kind, item, source) for kind, item in zip(kinds, value, strict=True))
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise UserError(f"{source} should be a table, not {value!r}.")
        return {key: _converted(arguments[1], item, f"{source}: {key}") for key, item in value.items()}
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and (not isinstance(value, hint) or (hint is int and isinstance(value, bool))):
        raise UserError(f"{source} should be of the kind {hint.__name__}, not {value!r}.")
    return value
