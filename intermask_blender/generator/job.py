"""The interface of an installation, a test of a Python and an import, for the operator that waits for them.

Not to be confused with a generation (``generation``) or a row of a batch (``batch.jobs``).
"""

from __future__ import annotations

from typing import Protocol


class Job(Protocol):
    """Work of a child process. Call ``start``, then ``poll`` until ``done``.

    Attributes:
        text: the current stage, in a line.
        factor: fraction of the stage that is done, 0 to 1.
        error: one sentence if it failed or was stopped, else empty.
        done: whether it has ended.
    """

    text: str
    factor: float
    error: str
    done: bool

    @property
    def sentence(self) -> str:
        """The result in a line, if it did not fail."""

    def start(self) -> None:
        """Start the child process.

        Raises:
            UserError: it cannot be started.
        """

    def poll(self) -> None:
        """Read what has arrived; never blocks."""

    def wait(self) -> None:
        """Block until it is done: for background mode, which has no event loop."""

    def cancel(self) -> None:
        """Stop it; it is done at once."""
