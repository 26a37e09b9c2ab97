"""Stopping a run from outside: by Ctrl-C, or by the polite kill of a farm."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

SAID = b"\nintermask: stopping after this step; once more ends it at once.\n"


class Stop:
    """Remembers that a signal came.

    It raises nothing by itself: a signal may come while Blender calls back into Python, such as a handler of an opened
    file, and Blender prints what is raised there and goes on.
    """

    def __init__(self) -> None:
        """Nothing came yet."""
        self.wanted = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGINT, which Blender keeps to itself, and SIGTERM for a wish to stop; a second one ends the process.

        Whoever runs a batch in his own process has his handlers back afterwards.
        """
        before = {number: signal.signal(number, self._take) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def ask(self) -> None:
        """Go on, or end here: asked between two steps and while the generator works.

        Raises:
            KeyboardInterrupt: a signal came, however long ago.
        """
        if self.wanted:
            raise KeyboardInterrupt

    def _take(self, number: int, frame: object) -> None:
        self.wanted = True
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_DFL)
        os.write(2, SAID)
