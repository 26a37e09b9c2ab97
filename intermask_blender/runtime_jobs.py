"""The one installation or test of a runtime that is under way in a Blender session."""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from functools import cache

from .installation import Installation
from .runtime import Inspection


@dataclass
class JobBoard:
    """Where the buttons and the preferences meet.

    Attributes:
        job: what is under way, None when nothing is.
    """

    job: Installation | Inspection | None = None

    def stop(self) -> None:
        """Stop what is under way, if anything is."""
        if self.job is not None:
            self.job.cancel()


@cache
def job_board() -> JobBoard:
    """The session's board; its child process does not outlive Blender."""
    board = JobBoard()
    atexit.register(board.stop)
    return board
