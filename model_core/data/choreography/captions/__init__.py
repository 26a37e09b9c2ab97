"""Captions of every kind, from a small grammar.

In a template ``[a|b]`` is a choice, ``{fact}`` a word of the clip's facts, ``(...)`` is left out when a fact in it is
empty or unknown, ``$A`` and ``$B`` are the one who acts and the one who answers, named as a pair, ``$TWO`` both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from ..split import caption_held_out
from .alone import ALONE
from .caring import CARING
from .contact import CONTACT
from .moving import MOVING
from .playing import PLAYING
from .sharing import SHARING
from .signals import SIGNALS
from .sports import SPORTS
from .striking import STRIKING

TEMPLATES: dict[str, tuple[str, ...]] = {
    **CONTACT, **ALONE, **MOVING, **SIGNALS, **STRIKING, **SPORTS, **CARING, **SHARING, **PLAYING,
}  # fmt: skip
"""Templates by kind."""

ROLES = (
    ("one person", "the other"),
    ("one person", "the other person"),
    ("the first person", "the second person"),
    ("a person", "another person"),
    ("one", "the other"),
    ("someone", "a partner"),
)
BOTH = ("two people", "two persons", "two friends", "a pair of people", "both people", "they")
_CHOICE, _OPTION, _FACT = re.compile(r"\[([^\[\]]*)\]"), re.compile(r"\(([^()]*)\)"), re.compile(r"\{(\w+)\}")


def caption(kind: str, facts: Mapping[str, str], random: np.random.Generator) -> str:
    """One caption of a kind that is true for the facts."""
    templates = TEMPLATES[kind]
    text = templates[int(random.integers(len(templates)))]

    def option(match: re.Match[str]) -> str:
        return match[1] if all(facts.get(name) for name in _FACT.findall(match[1])) else ""

    def choice(match: re.Match[str]) -> str:
        choices = match[1].split("|")
        return choices[int(random.integers(len(choices)))]

    text = _OPTION.sub(option, text)
    while _CHOICE.search(text):
        text = _CHOICE.sub(choice, text)
    text = _FACT.sub(lambda match: facts.get(match[1], ""), text)
    one, other = ROLES[int(random.integers(len(ROLES)))]
    both = BOTH[int(random.integers(len(BOTH)))]
    text = text.replace("$A", one).replace("$B", other).replace("$TWO", both)
    return " ".join(text.split()).replace(" ,", ",")


def paraphrases(
    kind: str, facts: Mapping[str, str], random: np.random.Generator, count: int, held_out: bool
) -> tuple[str, ...]:
    """Up to ``count`` different captions, either all held out or none."""
    found: dict[str, None] = {}
    for _ in range(60 * count):
        text = caption(kind, facts, random)
        if caption_held_out(kind, text) == held_out:
            found[text] = None
        if len(found) == count:
            break
    return tuple(found)
