"""Misspells texts as people do: slips of the fingers, and words written as they sound."""

from __future__ import annotations

import re

import numpy as np

_SOUNDS = (
    ("ph", "f"), ("gh", ""), ("gh", "f"), ("ck", "k"), ("ck", "c"), ("qu", "kw"), ("wh", "w"), ("wr", "r"), ("kn", "n"),
    ("sw", "s"), ("mb", "m"), ("ch", "sh"), ("ch", "k"), ("sh", "ch"), ("th", "t"), ("tion", "shun"), ("sc", "s"),
    ("ce", "se"), ("ci", "si"), ("se", "ce"), ("ss", "s"), ("c", "k"), ("k", "c"), ("s", "z"), ("z", "s"), ("x", "ks"),
    ("ea", "ee"), ("ee", "ea"), ("ie", "ei"), ("ei", "ie"), ("ou", "o"), ("ow", "ou"), ("ai", "ay"), ("ay", "ei"),
    ("oo", "u"), ("igh", "i"), ("ight", "ite"), ("er", "r"), ("er", "a"), ("or", "er"), ("le", "el"), ("y", "i"),
    ("i", "y"), ("a", "e"), ("e", "a"), ("e", "i"), ("i", "e"), ("o", "u"), ("u", "o"), ("d", "t"), ("t", "d"),
    ("v", "f"), ("f", "v"), ("ß", "ss"), ("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ä", "a"), ("ö", "o"), ("ü", "u"),
    ("é", "e"), ("è", "e"), ("ê", "e"), ("à", "a"), ("ç", "c"),
)  # fmt: skip
"""Spellings that sound alike, and accents that are left out."""
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = {
    key: "".join(row[place + step] for step in (-1, 1) if 0 <= place + step < len(row))
    for row in _KEYS
    for place, key in enumerate(row)
}
_WORD = re.compile(r"[^\W\d_]{3,}")
_JOINED = 0.05
"""Fraction of misspelt texts in which a space is left out."""


def misspelt(text: str, rate: float, random: np.random.Generator) -> str:
    """The text with errors in some of its words; at least in one, if a word has three letters.

    Args:
        text: the prompt.
        rate: fraction of words with an error.
        random: draws the words and the errors.
    """
    words = list(_WORD.finditer(text))
    if not words:
        return text
    chosen = set(np.nonzero(random.random(len(words)) < rate)[0].tolist()) or {int(random.integers(len(words)))}
    for number in sorted(chosen, reverse=True):  # from the end, so that the places before it stay
        start, end = words[number].span()
        text = text[:start] + _misspelt_word(text[start:end], random) + text[end:]
    spaces = [match.start() for match in re.finditer(" ", text)]
    if spaces and random.random() < _JOINED:
        place = spaces[int(random.integers(len(spaces)))]
        text = text[:place] + text[place + 1 :]
    return text


def _misspelt_word(word: str, random: np.random.Generator) -> str:
    """A word of three or more letters with one error."""
    if random.random() < 0.5:
        alike = [
            (match.start(), right, wrong) for right, wrong in _SOUNDS for match in re.finditer(right, word.lower())
        ]
        if alike:
            place, right, wrong = alike[int(random.integers(len(alike)))]
            return word[:place] + wrong + word[place + len(right) :]
    place = int(random.integers(1, len(word)))
    before, letter, after = word[:place], word[place], word[place + 1 :]
    match int(random.integers(4)):
        case 0:
            return before + after
        case 1:
            return before + letter + letter + after
        case 2:
            return before[:-1] + letter + before[-1] + after
        case _:
            near = _NEIGHBOURS.get(letter.lower())
            return before + (near[int(random.integers(len(near)))] if near else "") + after
