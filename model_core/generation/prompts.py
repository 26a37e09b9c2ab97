"""Parses prompts with times, such as ``0-4 s: they bow; 4-10 s: they fight``.

People type times in many ways: any kind of dash, "to" or "until"; "s", "sec.", "seconds" after both numbers, one or
none; minutes as in ``0:04``; a decimal comma; brackets; a semicolon, a comma or a line break between parts. All of
these are accepted. A prompt that begins with times that cannot be read is refused, never treated as a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import UserError

EXAMPLE = "0-4 s: they bow; 4-8 s: they hug"

_DASHES = "-\u00ad\u2010-\u2015\u2043\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d~\u301c\uff5e"
_SIGNS = "-\u2010\u2011\u2212\ufe63\uff0d"
_NUMBER = r"(?:\d{1,3}:)?\d{1,3}:\d\d(?:[.,]\d{1,9})?(?!\d)|\d{1,9}(?:[.,]\d{1,9})?(?!\d)|[.,]\d{1,9}(?!\d)"
_UNIT = r"s(?:ec(?:ond)?s?)?\b\.?"
_TO = rf"[{_DASHES}]+|\.\.+|\u2026|\u2192|->|\b(?:to|until|till)\b"
_RANGE = (
    rf"(?P<first>[{_SIGNS}]?(?:{_NUMBER}))\s*(?P<first_unit>{_UNIT})?\s*(?:{_TO})\s*"
    rf"(?P<last>[{_SIGNS}]?(?:{_NUMBER})|end\b)\s*(?P<last_unit>{_UNIT})?"
)
_OPENING = r"(?:[*\u2022]\s*|[-\u2013\u2014]\s+|\d+[.)]\s+)?(?P<bracket>[\[(])?\s*(?:(?:from|at)\s+)?"
_MARK = re.compile(
    rf"(?P<begin>^|[;\uff1b,\uff0c\u3001.|/\n])?\s*(?<![\w.,:]){_OPENING}{_RANGE}\s*(?(bracket)[\])])"
    rf"\s*(?P<colon>[:\uff1a])?(?P<other>(?<!:)[=|>]|(?<!:)[{_DASHES}]+>?)?",
    re.IGNORECASE,
)
_TIME_WORDS = re.compile(rf"\b(?:to|until|till|end|from|at)\b|(?<![^\W\d]){_UNIT}|[{_DASHES}]|\.\.", re.IGNORECASE)
_CLOCK_COLON = r"(?<=\d)[:\uff1a](?=\d\d)"
_HEAD = re.compile(rf"(?:[^:\uff1a]|{_CLOCK_COLON})*(?!{_CLOCK_COLON})[:\uff1a]")
_LINE_BREAKS = re.compile(r"\r\n|[\r\v\f\x85\u2028\u2029]")
_EDGES = " \n,/|)]\uff0c\u3001"
_JOINING = re.compile(r"\b(?:and|then)$", re.IGNORECASE)


@dataclass(frozen=True)
class Segment:
    """One part of a prompt.

    Attributes:
        prompt: what the two people do in it.
        stop: the first frame after it.
    """

    prompt: str
    stop: int


@dataclass(frozen=True)
class _TypedSegment:
    """A part of a prompt as typed: its times in seconds (``stop`` is None for "end") and its text."""

    written: str
    start: float
    stop: float | None
    text: str


def segments(prompt: str, frames: int, fps: float) -> list[Segment]:
    """The parts of a prompt: one for a plain sentence, several where the parts begin with their times.

    Args:
        prompt: as typed by the user.
        frames: of the whole clip; the last part continues to its end.
        fps: frames per second.

    Raises:
        UserError: the prompt has no words, its times cannot be read, they leave gaps, overlap or go beyond the clip, or
            a part is shorter than a frame.
    """
    # Whitespace runs become one character, which keeps the regular expressions above linear on any text.
    text = re.sub(r"[^\S\n]+", " ", _LINE_BREAKS.sub("\n", prompt))
    text = re.sub(r" ?\n[\n ]*", "\n", text).strip(" \n;\uff1b")
    if not text:
        raise UserError("The prompt is empty; write in a sentence what the two people do.")
    typed = _typed_segments(text)
    if not typed:
        return [Segment(prompt.strip(), frames)]
    result: list[Segment] = []
    done, done_frame = 0.0, 0
    for part in typed:
        stop = frames / fps if part.stop is None else part.stop
        if abs(part.start - done) > 1e-6 or stop <= part.start:
            raise UserError(
                f"The part '{part.written}' of the prompt must begin at {done:g} s and end later; "
                "write the parts in order, without gaps."
            )
        stop_frame = round(stop * fps) if stop < 1e6 else frames + round(fps)
        if stop_frame <= done_frame:
            raise UserError(
                f"The part '{part.written}' of the prompt is shorter than a frame of 1/{fps:g} s; make it longer."
            )
        result.append(Segment(part.text, stop_frame))
        done, done_frame = stop, stop_frame
    if any(segment.stop >= frames for segment in result[:-1]) or result[-1].stop > frames + fps / 2:
        raise UserError(f"The prompt's parts last {done:g} s and the clip {frames / fps:g} s; make it longer.")
    return [*result[:-1], Segment(result[-1].prompt, frames)]


def begun_at(parts: Sequence[Segment], frames: Mapping[int, int]) -> list[Segment]:
    """The parts of a prompt, some of which begin at given frames; those between them move in proportion.

    Args:
        parts: of ``segments``.
        frames: where parts begin, by index from 0: increasing, with at least a frame for each part.
    """
    borders = [0, *(part.stop for part in parts)]
    fixed = {0: 0, len(parts): borders[-1]} | dict(frames)
    indices = sorted(fixed)
    moved = np.interp(borders, [borders[index] for index in indices], [fixed[index] for index in indices])
    result: list[Segment] = []
    for number, part in enumerate(parts):
        before = result[-1].stop if result else 0
        after = min(fixed[index] - (index - number - 1) for index in indices if index > number)
        result.append(Segment(part.prompt, min(max(round(float(moved[number + 1])), before + 1), after)))
    return result


def _typed_segments(text: str) -> list[_TypedSegment]:
    """The timed parts of a prompt; empty for a plain sentence.

    Raises:
        UserError: it begins with times that cannot be read, or a part has no times or no text.
    """
    marks = [mark for mark in _MARK.finditer(text) if mark["colon"] or _separated(mark)]
    starts_timed = bool(marks) and marks[0].start() == 0 and _is_first_mark(marks)
    later = any(mark["colon"] and mark["begin"] in (";", "\uff1b", "\n") for mark in marks)
    if not starts_timed and not later:
        if _looks_timed(text):
            raise UserError(f"The times at the start of the prompt '{_short(text)}' are unclear; write '{EXAMPLE}'.")
        return []
    if not starts_timed:
        raise _without_times(text[: marks[0].start()])
    result = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        body = text[mark.end() : following.start() if following else len(text)]
        first, *untimed = re.split("[;\uff1b]", body)
        words = " ".join(first.strip(_EDGES).split())
        if following and not untimed:
            words = _JOINING.sub("", _JOINING.sub("", words).rstrip(_EDGES)).rstrip(_EDGES)
        if extra := next((chunk for chunk in untimed if chunk.strip()), ""):
            raise _without_times(extra)
        written = _short(" ".join(f"{mark[0].strip(' ;,')} {words}".split()))
        if not words:
            raise _without_times(written)
        result.append(_TypedSegment(written, _seconds(mark["first"]), _stop(mark["last"]), words))
    return result


def _separated(mark: re.Match[str]) -> bool:
    """Whether times without a colon can begin a part: they are at the start of a part and have a unit."""
    return (mark["begin"] not in (None, ".") or bool(mark["bracket"])) and bool(
        mark["first_unit"] or mark["last_unit"] or mark["bracket"] or ":" in mark["first"] + mark["last"]
    )


def _is_first_mark(marks: list[re.Match[str]]) -> bool:
    """Whether a prompt starts with the times of a part, not with a sentence such as "2 to 4 seconds pass"."""
    return bool(marks[0]["colon"] or marks[0]["other"] or marks[0]["bracket"]) or (
        len(marks) > 1 or _seconds(marks[0]["first"]) == 0.0
    )


def _looks_timed(text: str) -> bool:
    """Whether a text has only times before its first colon."""
    head = _HEAD.match(text)
    if head is None:
        return False
    rest, count = _TIME_WORDS.subn(" ", head[0])
    return count > 0 and any(char.isdigit() for char in rest) and not re.search(r"(?<!\d)[^\W\d]", rest)


def _without_times(part: str) -> UserError:
    return UserError(f"The part '{_short(part.strip())}' of the prompt has no time or no text; write '{EXAMPLE}'.")


def _stop(written: str) -> float | None:
    return None if written.lower() == "end" else _seconds(written)


def _seconds(written: str) -> float:
    """Parse ``4``, ``2,5``, ``0:04`` or ``1:00:04`` to seconds; negative after a minus sign."""
    digits = written.lstrip(_SIGNS)
    total = 0.0
    for field in digits.replace(",", ".").split(":"):
        total = 60.0 * total + float(field)
    return -total if digits != written else total


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
