"""Timed prompts as people type them; the model's 30 frames a second, a clip of 10 seconds."""

from __future__ import annotations

import random

import pytest

from model_core.errors import UserError
from model_core.generation.prompts import Segment, segments

TWO_PARTS = [Segment("they bow", 120), Segment("they fight", 300)]

DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d~"
UNITS = ("s", " s", "sec", " sec.", " secs", " second", " seconds", "S", " Sec")


@pytest.mark.parametrize("dash", DASHES)
@pytest.mark.parametrize("unit", UNITS)
def test_every_dash_and_unit_is_read(dash: str, unit: str) -> None:
    for space in ("", " ", "\u00a0"):
        for first_unit in ("", unit):
            to = f"{first_unit}{space}{dash}{space}"
            assert segments(f"0{to}4{unit}: they bow; 4{to}10{unit}: they fight", 300, 30.0) == TWO_PARTS


@pytest.mark.parametrize(
    "prompt",
    [
        "0-4 s: they bow, 4-10 s: they fight",
        "0-4 s: they bow\n4-10 s: they fight",
        "0-4 s:\r\nthey bow\u20284-10 s:\r\nthey fight\r\n",
        "0s-4s: they bow; 4s-10s: they fight;",
        "0,0-4,0 s: they bow; 4.0-10 s: they fight",
        "00:00-00:04: they bow; 00:04-00:10: they fight",
        "0:00\u20130:04 they bow\n0:04\u20130:10 they fight",
        "[0-4s] they bow [4-10s] they fight",
        "(0-4 s) they bow; (4-10 s) they fight",
        "0-4 s they bow; 4-10 s they fight",
        "from 0 to 4 seconds: they bow, then from 4 to 10 seconds: they fight",
        "0-4: they bow; 4-10: they fight",
        "- 0-4 s: they bow\n- 4-10 s: they fight",
        "0-4 s - they bow; 4-10 s - they fight",
        "0\u20134 s\uff1athey bow\uff1b4\u201310 s\uff1athey fight",
        "0-4 s: they bow;; 4 s-end: they fight",
    ],
)
def test_every_way_to_separate_parts_is_read(prompt: str) -> None:
    assert segments(prompt, 300, 30.0) == TWO_PARTS


@pytest.mark.parametrize(
    "prompt",
    [
        "they hug for 2-4 s and leave",
        "2 to 4 seconds pass before they hug",
        "two people count 1-2-3 and jump",
        "they wait 1-2 s: then they hug",
        "after 2 s they bow; after 4 s they fight",
        "they hug (2-4 s), then bow",
        "4-5 kicks, then a hug",
        "the first 0-2 s they stand still; then they fight",
        "two people bow\nand hug",
        "At 14:02 the clerk passes an envelope to the customer; the customer accepts it.",
    ],
)
def test_a_sentence_that_mentions_times_stays_a_sentence(prompt: str) -> None:
    assert segments(prompt, 300, 30.0) == [Segment(prompt, 300)]


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        (";", "is empty"),
        (" ; \n ;;", "is empty"),
        ("-1-2 s: they bow", "must begin at 0 s"),
        ("\u22121-2 s: they bow", "must begin at 0 s"),
        ("4-2 s: they bow", "must begin at 0 s"),
        ("0-4 s: they bow; they laugh; 4-10 s: they fight", "'they laugh' .* has no time"),
        ("they bow; 4-10 s: they fight", "'they bow' .* has no time"),
        ("0-4 s: ; 4-10 s: they fight", "no text"),
        ("0-4-6 s: they bow", "are unclear"),
        ("4 s: they bow; 10 s: they fight", "are unclear"),
        ("0-0.01 s: they bow; 0.01-10 s: they fight", "shorter than a frame"),
        ("0-4 s: they bow; 4-4.01 s: they hug; 4.01-10 s: they fight", "shorter than a frame"),
        ("0-1e9 s: they bow", "unclear"),
        (f"0-{'9' * 400} s: they bow", "unclear"),
    ],
)
def test_times_that_cannot_be_read_are_refused(prompt: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        segments(prompt, 300, 30.0)


def test_any_text_is_a_sentence_parts_or_refused() -> None:
    source = random.Random(0)
    pieces = ["0", "4", "-", "\u2013", " s", ":", ";", ",", "\n", " ", "they bow", "to", "[", "]", ".", "1.", "end"]
    for _ in range(3000):
        prompt = "".join(source.choices(pieces, k=source.randint(1, 14)))
        try:
            parts = segments(prompt, 300, 30.0)
        except UserError:
            continue
        stops = [part.stop for part in parts]
        assert stops == sorted(set(stops)) and stops[-1] == 300 and all(part.prompt.strip() for part in parts)
    for piece in ("0", "0-", "0-4 s: ", "- ", "1,", "1:", "4 s-", "\n", "1. ", "(", "to "):
        # A pattern that backtracks would take hours.
        try:
            segments(piece * 2000, 300, 30.0)
        except UserError:
            continue
