"""A child process whose output is read line by line without ever waiting for it."""

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

PAUSE = 0.02
"""Seconds between two looks where waiting is wanted."""


@dataclass
class Child:
    """A running program.

    Attributes:
        command: the program and its arguments.
        variables: what its environment has beside this process's own.
        code: its exit code, None while it runs.
    """

    command: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    code: int | None = field(default=None, init=False)
    _rest: bytes = field(default=b"", init=False)

    def __post_init__(self) -> None:
        """Start it.

        Raises:
            UserError: the program cannot be started.
        """
        try:
            self._process = subprocess.Popen(
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
                tr("{command} cannot be started ({reason}); choose the file of a Python program.").format(
                    command=Path(self.command[0]), reason=error.strerror
                )
            ) from error
        assert self._process.stdout is not None
        pipes.never_wait(self._process.stdout)

    def new_lines(self) -> list[str]:
        """The lines that it wrote since the last look; sets ``code`` once it has ended and all is read."""
        if self.code is not None or self._process.stdout is None:
            return []
        while data := pipes.read_available(self._process.stdout):
            self._rest += data
        # A progress report ends in a carriage return only.
        *whole, self._rest = self._rest.replace(b"\r", b"\n").split(b"\n")
        if data is None:
            whole.append(self._rest)
            self._rest = b""
            self.code = self._process.wait()
            self._process.stdout.close()
        return [text for line in whole if (text := line.decode("utf-8", "replace").strip())]

    def pause(self) -> None:
        """Sleep for a moment."""
        time.sleep(PAUSE)

    def end(self) -> None:
        """Stop it, if it runs."""
        if self.code is None:
            self._process.kill()
            self.code = self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
