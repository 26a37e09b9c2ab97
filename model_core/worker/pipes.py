"""The worker's pipes: non-blocking input, and output to which no other code can write."""

from __future__ import annotations

import os
import sys

LARGEST_READ = 1 << 20
"""Number of bytes that are read at once."""


class InputPipe:
    """Standard input as bytes, without threads and without Python's buffer, which would hide waiting bytes."""

    def __init__(self) -> None:
        self._number = 0
        _make_binary(self._number)

    def wait(self) -> bytes | None:
        """Block until there is input; None at its end."""
        return os.read(self._number, LARGEST_READ) or None

    def available(self) -> bytes | None:
        """The bytes that have arrived, empty if none have; None at the end of input. Never blocks."""
        waiting = _waiting(self._number)
        if waiting is None:
            return None
        return self.wait() if waiting else b""


class OutputPipe:
    """Exclusive standard output: anything else that is printed from now on goes to standard error."""

    def __init__(self) -> None:
        self._number = os.dup(1)
        _make_binary(self._number)
        os.dup2(2, 1)
        sys.stdout = sys.stderr

    def write(self, data: bytes) -> None:
        """Write all of it; blocks while the pipe is full.

        Raises:
            BrokenPipeError: the reader has closed its end.
        """
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._number, rest) :]
        except OSError as error:  # Windows has another exception for it
            raise BrokenPipeError from error


if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    def _make_binary(number: int) -> None:
        msvcrt.setmode(number, os.O_BINARY)

    def _waiting(number: int) -> bool | None:
        """Whether there is something to read; None if the other end is closed."""
        count = wintypes.DWORD()
        handle = wintypes.HANDLE(msvcrt.get_osfhandle(number))
        if not ctypes.windll.kernel32.PeekNamedPipe(handle, None, 0, None, ctypes.byref(count), None):
            return None
        return count.value > 0

else:
    import select

    def _make_binary(number: int) -> None:
        """There is no text mode on this system."""

    def _waiting(number: int) -> bool | None:
        """Whether there is something to read, the end of input included."""
        return bool(select.select([number], [], [], 0)[0])
