"""The kind that a caption of the grammar belongs to."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from . import BOTH, ROLES, TEMPLATES

SALSA = "salsa"
"""The kind that is captured, whose captions are no templates."""
_SALSA_WORDS = ("salsa", "latin partner dance")


def kind_of_caption(caption: str, kinds: Collection[str] | None = None) -> str | None:
    """The kind whose templates make a caption; None where none does.

    Of several, the one that leaves the least of the caption to facts such as an object's name.

    Args:
        caption: any words.
        kinds: those that can be meant; None for all.
    """
    best: tuple[int, str] | None = None
    for kind, expressions in _expressions().items():
        if kinds is not None and kind not in kinds:
            continue
        for expression in expressions:
            if (match := expression.fullmatch(caption)) is not None:
                free = sum(len(group) for group in match.groups() if group)
                best = min(best or (free, kind), (free, kind))
    if best is None and any(word in caption for word in _SALSA_WORDS):
        return SALSA
    return None if best is None else best[1]


@lru_cache(1)
def _expressions() -> dict[str, list[re.Pattern[str]]]:
    return {kind: [re.compile(_expression(text) + " *") for text in texts] for kind, texts in TEMPLATES.items()}


def _expression(template: str) -> str:
    """A template of the grammar as a regular expression, with a group for each fact."""
    result, place = "", 0
    while place < len(template):
        char = template[place]
        if char in "[(":
            end = _closing(template, place)
            inner = template[place + 1 : end]
            result += (
                f"(?:{_expression(inner)})?" if char == "(" else f"(?:{'|'.join(map(_expression, _split(inner)))})"
            )
            place = end + 1
        elif char == "{":
            result += "(.{0,40}?)"
            place = template.index("}", place) + 1
        elif template.startswith("$TWO", place):
            result += _any_of(BOTH)
            place += 4
        elif template.startswith(("$A", "$B"), place):
            result += _any_of(tuple(dict.fromkeys(pair[template[place + 1] == "B"] for pair in ROLES)))
            place += 2
        else:
            result += " *" if char == " " else re.escape(char)
            place += 1
    return result


def _closing(text: str, start: int) -> int:
    """Where the bracket at ``start`` closes."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] in "[(") - (text[place] in "])")
        if depth == 0:
            return place
    raise ValueError(f"a bracket of the template {text!r} is not closed")


def _split(inner: str) -> list[str]:
    """The choices of ``[a|b]``, not split inside inner brackets."""
    parts, depth = [""], 0
    for char in inner:
        depth += (char in "[(") - (char in "])")
        if char == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _any_of(texts: tuple[str, ...]) -> str:
    return f"(?:{'|'.join(map(re.escape, texts))})"
