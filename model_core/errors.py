"""Errors: the exception whose message is written for the user, and how running out of memory is recognised."""

from __future__ import annotations


class UserError(Exception):
    """Something a user can mend. The message is one sentence: what is wrong, where, and what to do about it.

    The command line, the worker and the add-on show the message alone; any other exception is a fault of ours.
    """


_MEMORY_MESSAGES = ("out of memory", "allocate memory", "bad_alloc")
"""In the messages of torch for CUDA, Apple's GPU and the CPU, of the system, and of C++."""


def out_of_memory(error: Exception) -> bool:
    """Whether an error means that memory ran out, of the machine or of a graphics card; torch has no type for it."""
    message = str(error).lower().strip()
    # oneDNN says no more than this when it has no memory for an operation that it supports.
    without_reason = message.endswith("could not create a primitive")
    return isinstance(error, MemoryError) or without_reason or any(words in message for words in _MEMORY_MESSAGES)
