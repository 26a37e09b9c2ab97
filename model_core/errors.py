"""Errors whose message is shown to the user, text that is safe to show, and how running out of memory is recognised."""

from __future__ import annotations

import unicodedata


class UserError(Exception):
    """Something that the user can fix. The message is one sentence: what is wrong, where, and what to do about it.

    The command line, the worker and the add-on show the message alone; any other exception is a bug. A message may
    quote a file or a name: ``str`` of the error escapes what would control a terminal.
    """

    def __str__(self) -> str:
        return printable(super().__str__())


def printable(text: str) -> str:
    r"""The text on one line, with control characters escaped as in ``\x1b``; letters of all scripts stay.

    Control characters, line and paragraph separators, directional overrides, unassigned and private characters and
    halves of surrogate pairs are escaped. What joins letters and emoji (zero-width joiners) stays.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _shows(char) else char.encode("unicode_escape").decode("ascii") for char in text)


def _shows(char: str) -> bool:
    category = unicodedata.category(char)
    return category not in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp") or char in "\u00ad\u200c\u200d"


_MEMORY_MESSAGES = ("out of memory", "allocate memory", "bad_alloc")
"""In the messages of torch for CUDA, Apple's GPU and the CPU, of the system, and of C++."""


def out_of_memory(error: Exception) -> bool:
    """Whether an error means that memory ran out, of the machine or of a graphics card; torch has no type for it."""
    message = str(error).lower().strip()
    # oneDNN says no more than this when it has no memory for an operation that it supports.
    without_reason = message.endswith("could not create a primitive")
    return isinstance(error, MemoryError) or without_reason or any(words in message for words in _MEMORY_MESSAGES)
