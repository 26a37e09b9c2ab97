"""A line from time to time while nothing else is shown: farms call a task dead that prints nothing for minutes."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from .console import Console

INTERVAL = 60.0
"""Seconds without any line after which one is shown. Flamenco's limit is 10 minutes."""

LINE = "    still working\n"


@contextlib.contextmanager
def pulse(console: Console, interval: float = INTERVAL) -> Iterator[None]:
    """Show a line whenever ``console`` has shown none for some time, also in the middle of a long step of Blender.

    Args:
        console: of the run.
        interval: seconds.
    """
    ended = threading.Event()
    # A copy of standard output, which ``Console.quiet`` may have redirected when the line is due.
    descriptor = os.dup(1)

    def beat() -> None:
        while not ended.wait(interval / 4):
            if console.clock() - console.last_line >= interval:
                console.last_line = console.clock()
                with contextlib.suppress(OSError):
                    os.write(descriptor, LINE.encode())

    thread = threading.Thread(target=beat, name="pulse", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        os.close(descriptor)
