"""Non-blocking pipes to a child process, on every system, without threads."""

from __future__ import annotations

import errno
import os
import sys
from typing import IO

MAX_READ_BYTES = 1 << 20
WINDOWS_WRITE = 2048
"""Bytes per write on Windows, where a pipe may refuse data that does not fit completely."""

if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _PIPE_NOWAIT = wintypes.DWORD(1)

    def _handle(pipe: IO[bytes]) -> wintypes.HANDLE:
        return wintypes.HANDLE(msvcrt.get_osfhandle(pipe.fileno()))

    def set_non_blocking(pipe: IO[bytes]) -> None:
        """Make reads and writes of a pipe return at once."""
        ctypes.windll.kernel32.SetNamedPipeHandleState(_handle(pipe), ctypes.byref(_PIPE_NOWAIT), None, None)

    def read_available(pipe: IO[bytes]) -> bytes | None:
        """The bytes that are in the pipe now, empty if there are none; None at its end."""
        waiting = wintypes.DWORD()
        if not ctypes.windll.kernel32.PeekNamedPipe(_handle(pipe), None, 0, None, ctypes.byref(waiting), None):
            return None
        return os.read(pipe.fileno(), min(waiting.value, MAX_READ_BYTES)) if waiting.value else b""

    def write_some(pipe: IO[bytes], data: memoryview) -> int:
        """Write as many bytes as the pipe accepts now, and return their number.

        Raises:
            OSError: the reader has closed its end.
        """
        try:
            return os.write(pipe.fileno(), data[:WINDOWS_WRITE])
        except OSError as error:
            # Windows reports a full non-blocking pipe as a full disk.
            if error.errno in (errno.ENOSPC, errno.EAGAIN):
                return 0
            raise

else:

    def set_non_blocking(pipe: IO[bytes]) -> None:
        """Make reads and writes of a pipe return at once."""
        os.set_blocking(pipe.fileno(), False)

    def read_available(pipe: IO[bytes]) -> bytes | None:
        """The bytes that are in the pipe now, empty if there are none; None at its end."""
        try:
            return os.read(pipe.fileno(), MAX_READ_BYTES) or None
        except BlockingIOError:
            return b""

    def write_some(pipe: IO[bytes], data: memoryview) -> int:
        """Write as many bytes as the pipe accepts now, and return their number.

        Raises:
            OSError: the reader has closed its end.
        """
        try:
            return os.write(pipe.fileno(), data)
        except BlockingIOError:
            return 0
