"""Stopping a run by Ctrl-C or SIGTERM, as farms do."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

NOTICE = b"\nintermask: stopping after this step; the same again ends it at once.\n"


class Stop:
    """Remembers that a signal came.

    The handler itself raises nothing: the signal may come while Blender runs a Python callback, such as a handler of an
    opened file, and Blender prints what is raised there and continues.
    """

    def __init__(self, descriptor: Callable[[], int] = lambda: 2) -> None:
        """No signal came yet.

        Args:
            descriptor: gives the file descriptor for the notice that a signal came.
        """
        self.requested = False
        self._descriptor = descriptor

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle SIGINT, which Blender's own handler would swallow, and SIGTERM; a second one ends the process.

        The handlers from before are restored afterwards.
        """
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def raise_if_requested(self) -> None:
        """Called between two steps and while the generator works.

        Raises:
            KeyboardInterrupt: a signal came since ``listening`` began.
        """
        if self.requested:
            raise KeyboardInterrupt

    def _on_signal(self, number: int, frame: object) -> None:
        self.requested = True
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_DFL)
        os.write(self._descriptor(), NOTICE)
