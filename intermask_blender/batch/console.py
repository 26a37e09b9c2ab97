"""Output of a batch on the terminal, and the log for messages of Blender and the graphics driver."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from ..core import printable

INTERVAL = 10.0
"""Seconds between two lines of progress if the output is not a terminal."""

_WIDTH = 60


@dataclass
class Console:
    """Lines for the user on standard output and standard error, without control characters.

    Attributes:
        log: file for messages of libraries, such as ``EGL Error`` lines.
        verbose: whether these messages are shown instead.
        clock: time in seconds, for progress.
        noted: whether ``note`` was called: the log explains a failure.
        error_descriptor: of standard error, also while ``quiet`` redirects it; for signal handlers.
        last_line: time of ``clock`` at which the last line was shown.
    """

    log: Path
    verbose: bool = False
    clock: Callable[[], float] = time.monotonic
    noted: bool = field(default=False, init=False)
    error_descriptor: int = field(default=2, init=False)
    last_line: float = field(default=0.0, init=False)
    _kept: TextIO | None = field(default=None, init=False)
    _shown: str = field(default="", init=False)
    _last: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._last = self.last_line = self.clock()
        for stream in (sys.stdout, sys.stderr):
            # Characters that the terminal's encoding lacks, for example on Windows, must not end a run.
            if reconfigure := getattr(stream, "reconfigure", None):
                reconfigure(errors="backslashreplace")

    def say(self, text: str) -> None:
        """Show a line."""
        self._erase()
        self.last_line = self.clock()
        print(printable(text), flush=True)

    def warn(self, text: str) -> None:
        """Show a line on standard error."""
        self._erase()
        print(printable(text), file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Add several lines that explain a failure, such as a traceback, to the log, or show them if ``verbose``."""
        self.noted = True
        if self.verbose:
            for line in text.rstrip().splitlines():
                self.warn(line)
            return
        with contextlib.suppress(OSError), self.log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text.rstrip() + "\n")

    def progress(self, text: str) -> None:
        """Show a step's progress: in place on a terminal, else as a line every ``INTERVAL`` seconds."""
        stream = self._kept or sys.stdout
        line = printable(text)
        if stream.isatty():
            if line != self._shown:
                print(f"\r    {line:<{_WIDTH}}", end="", file=stream, flush=True)
                self._shown = line
        elif self.clock() - self._last >= INTERVAL:
            print(f"    {line}", file=stream, flush=True)
            self._last = self.last_line = self.clock()

    def begin_progress(self) -> None:
        """Start the interval of a new step."""
        self._last = self.clock()

    def _erase(self) -> None:
        if self._shown:
            print("\r" + " " * (_WIDTH + 4), end="\r", flush=True)
            self._shown = ""

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Write messages of Blender and drivers to the log; ``progress`` is still shown.

        They bypass Python, so the file descriptors are redirected. With ``verbose`` nothing is redirected.
        """
        if self.verbose:
            yield
            return
        _flush()
        kept = {number: os.dup(number) for number in (1, 2)}
        self.error_descriptor = kept[2]
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            with os.fdopen(os.dup(1), "w", encoding=_encoding(), errors="backslashreplace") as terminal:
                self._kept = terminal if _writes_to(sys.stdout, 1) else None
                for number in kept:
                    os.dup2(log, number)
                yield
        finally:
            _flush()
            self._kept, self.error_descriptor = None, 2
            for number, copy in kept.items():
                os.dup2(copy, number)
                os.close(copy)
            os.close(log)


def _flush() -> None:
    """Write out what Python and C have buffered, before the descriptors change."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # Windows' C library is not found by this name; there, standard output to a console is not buffered.
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)


def _encoding() -> str:
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def _writes_to(stream: TextIO, number: int) -> bool:
    """Whether a stream writes to this file descriptor and was not replaced."""
    try:
        return stream.fileno() == number
    except (OSError, ValueError, AttributeError):
        return False


@dataclass
class RenderProgress:
    """Counts rendered frames and estimates the time left.

    Attributes:
        frames: number of frames.
        clock: time in seconds.
    """

    frames: int
    clock: Callable[[], float] = time.monotonic
    done: int = field(default=0, init=False)
    _start: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._start = self.clock()

    def frame_done(self) -> str:
        """One line after a frame, such as ``Rendering frame 12/96, 34 s left``."""
        self.done = min(self.done + 1, self.frames)
        left = (self.clock() - self._start) / self.done * (self.frames - self.done)
        minutes, seconds = divmod(round(left), 60)
        time_left = f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
        return f"Rendering frame {self.done}/{self.frames}, {time_left} left"
