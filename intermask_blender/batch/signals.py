"""Stopping a run by Ctrl-C or by SIGTERM, which farms send."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

NOTICE = b"\nintermask: stopping after this step; the same again ends it at once.\n"
INTERRUPTED = "intermask: interrupted; run it again to continue with the rows that are left."
INTERRUPTED_CODE = 130
"""What shells give for a program that SIGINT ended."""


class Stop:
    """Remembers that a signal came.

    The signal handler raises nothing: it may run within a Python callback of Blender, such as a handler of an opened
    file, and Blender prints an exception of a callback and continues.
    """

    def __init__(self, descriptor: Callable[[], int] = lambda: 2) -> None:
        """Start without a signal.

        Args:
            descriptor: returns the file descriptor for the notice that a signal came.
        """
        self.requested = False
        self._descriptor = descriptor
        self._clean_ups: list[Callable[[], object]] = []

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle SIGINT, in place of Blender's own handler, and SIGTERM; a second signal ends the process.

        The previous handlers are restored afterwards.
        """
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def raise_if_requested(self) -> None:
        """Stop the run here if a signal came; called between steps and while the generator works.

        Raises:
            KeyboardInterrupt: a signal came since ``listening`` began.
        """
        if self.requested:
            raise KeyboardInterrupt

    @contextmanager
    def clean_up(self, action: Callable[[], object]) -> Iterator[None]:
        """Call ``action`` if ``exit_if_requested`` ends the process within the block."""
        self._clean_ups.append(action)
        try:
            yield
        finally:
            self._clean_ups.remove(action)

    def exit_if_requested(self) -> None:
        """End the process if a signal came since ``listening`` began, after the actions of ``clean_up``.

        For callbacks of a long operation of Blender, which no exception ends.
        """
        if self.requested:
            self._exit()

    def _exit(self) -> NoReturn:
        for action in reversed(self._clean_ups):
            with suppress(Exception):
                action()
        os.write(self._descriptor(), f"{INTERRUPTED}\n".encode())
        os._exit(INTERRUPTED_CODE)

    def _on_signal(self, number: int, frame: object) -> None:
        self.requested = True
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_DFL)
        os.write(self._descriptor(), NOTICE)
