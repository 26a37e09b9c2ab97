"""Files of phrases for kinds of interaction: a user's or studio's ``words.json``, and the phrases for training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError

_MAX_CHARACTERS = 300
"""Of a phrase."""
_MAX_LISTED = 8
"""Kinds that an error message lists."""


def read_phrases(path: Path, kinds: Sequence[str]) -> dict[str, list[str]]:
    """Phrases by kind from a JSON file: ``{"shake hands": ["press the flesh", ...], ...}``.

    Raises:
        UserError: the file cannot be read, is not JSON (with the line), names an unknown kind, or has an entry that is
            not a phrase.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = json.loads(text)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the file.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text; save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.msg}; correct it there.") from error
    except RecursionError as error:
        raise UserError(f"{path} is nested too deeply; write kinds with lists of phrases.") from error
    if not isinstance(values, dict):
        raise UserError(f'{path} should hold kinds with phrases, as in {{"hug": ["a big squeeze"]}}.')
    result: dict[str, list[str]] = {}
    for kind, phrases in values.items():
        where = f"{path}, line {_line_of(text, kind)}"
        if kind not in kinds:
            raise UserError(f"{where}: this model has no kind '{kind}'; its kinds are {_list(kinds)}.")
        if not isinstance(phrases, list):
            raise UserError(f"{where}: the phrases of '{kind}' should be a list of texts.")
        for phrase in phrases:
            if not isinstance(phrase, str) or not phrase.strip() or len(phrase) > _MAX_CHARACTERS:
                raise UserError(f"{where}: a phrase of '{kind}' is not a text of 1 to {_MAX_CHARACTERS} characters.")
        result[kind] = list(dict.fromkeys(phrase.strip() for phrase in phrases))
    return result


def _line_of(text: str, kind: str) -> int:
    """The number of the line that names a kind."""
    return text[: max(text.find(json.dumps(kind, ensure_ascii=False)), 0)].count("\n") + 1


def _list(kinds: Sequence[str]) -> str:
    more = f" and {len(kinds) - _MAX_LISTED} more" if len(kinds) > _MAX_LISTED else ""
    return ", ".join(f"'{kind}'" for kind in kinds[:_MAX_LISTED]) + more
