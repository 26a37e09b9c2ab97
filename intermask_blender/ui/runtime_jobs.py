"""The one installation, test or import that is under way in a Blender session."""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from functools import cache
from typing import Protocol


class Job(Protocol):
    """Something that a child process does. Call ``poll`` until ``done``.

    Attributes:
        text: what happens now, in a line.
        factor: share of it that is done, 0 to 1.
        failure: one sentence where it failed or was stopped.
        done: whether there is nothing more to come.
    """

    text: str
    factor: float
    failure: str
    done: bool

    @property
    def sentence(self) -> str:
        """What came of it, in a line, where it did not fail."""

    def poll(self) -> None:
        """Take what has arrived; never waits."""

    def wait(self) -> None:
        """Wait until it is done: for background mode, where there is no event loop."""

    def cancel(self) -> None:
        """Stop it."""


@dataclass
class JobBoard:
    """Where the buttons and the preferences meet.

    Attributes:
        job: what is under way, None when nothing is.
    """

    job: Job | None = None

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
