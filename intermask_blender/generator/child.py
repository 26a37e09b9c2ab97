"""A child process whose output is read line by line without blocking."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..core import UserError
from ..translations import tr
from . import pipes

POLL_INTERVAL = 0.02
"""Seconds between two polls in a call that blocks."""

GRACE_SECONDS = 1.0
"""How long to wait for a process after SIGTERM, and again after SIGKILL."""


@dataclass
class Child:
    """A running program.

    Attributes:
        command: the program and its arguments.
        variables: environment variables in addition to those of this process.
        code: exit code; None until it has ended and all its output was read.
    """

    command: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    code: int | None = field(default=None, init=False)
    _rest: bytes = field(default=b"", init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the program.

        Raises:
            UserError: the program cannot be started.
        """
        try:
            process = subprocess.Popen(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                env={**os.environ, **self.variables},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise UserError(
                tr("{command} cannot be started ({reason}); choose a Python executable.").format(
                    command=Path(self.command[0]), reason=error.strerror
                )
            ) from error
        assert process.stdout is not None
        pipes.set_non_blocking(process.stdout)
        self._process = process

    def new_lines(self) -> list[str]:
        """The lines written since the last call; sets ``code`` once the process has ended and all output was read."""
        process = self._process
        if process is None or process.stdout is None or self.code is not None:
            return []
        if process.stdout.closed:
            self.code = process.poll()
            return []
        while data := pipes.read_available(process.stdout):
            self._rest += data
        # A progress line ends in a carriage return only.
        *complete, self._rest = self._rest.replace(b"\r", b"\n").split(b"\n")
        if data is None:
            complete.append(self._rest)
            self._rest = b""
            process.stdout.close()
            # A process can close its output and continue; do not wait for it.
            self.code = process.poll()
        return [text for line in complete if (text := line.decode("utf-8", "replace").strip())]

    def end(self) -> None:
        """End the program if it is running."""
        if self._process is None or self.code is not None:
            return
        self._process.kill()
        self.code = end_process(self._process)
        if self._process.stdout is not None:
            self._process.stdout.close()


def pause() -> None:
    """Sleep between two polls."""
    time.sleep(POLL_INTERVAL)


def end_process(process: subprocess.Popen[bytes], patience: float = 0.0) -> int:
    """End a process; never blocks for long.

    Args:
        process: the process.
        patience: seconds to wait for it to end by itself.

    Returns:
        Its exit code, or minus the number of the signal that ended it; -9 also if the system has not ended it yet.
    """
    for end, seconds in ((None, patience), (process.terminate, GRACE_SECONDS), (process.kill, GRACE_SECONDS)):
        if end is not None:
            end()
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            continue
    return -9
