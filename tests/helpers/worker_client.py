"""The other end of a worker process, for tests."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from typing import Any

import numpy as np
from repository import REPOSITORY

from model_core.worker.protocol import PROTOCOL, Decoder, Message

FINAL = {"loaded", "result", "cancelled", "error", "pong"}
PATIENCE = 300.0


class Client:
    """The other end of a worker process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "model_core.worker"],
            cwd=REPOSITORY,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self._decoder = Decoder()
        self._arrived: list[Message] = []

    def send(self, kind: str, arrays: dict[str, np.ndarray] | None = None, **values: Any) -> None:
        self.send_bytes(Message(kind, {"protocol": PROTOCOL, **values}, arrays or {}).encoded())

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def next(self) -> Message:
        """The next message, whatever it is."""
        assert self.process.stdout is not None
        end = time.monotonic() + PATIENCE
        while not self._arrived:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, end - time.monotonic()))
            assert ready, "the worker says nothing"
            data = os.read(self.process.stdout.fileno(), 1 << 20)
            assert data, f"the worker has ended: {self.errors()}"
            self._arrived += self._decoder.feed(data)
        return self._arrived.pop(0)

    def until(self, *kinds: str) -> list[Message]:
        """All messages up to the first of these types."""
        messages = [self.next()]
        while messages[-1].type not in kinds:
            messages.append(self.next())
        return messages

    def final(self) -> Message:
        """The next message that is no progress."""
        return self.until(*FINAL)[-1]

    def ended(self) -> int:
        """The exit code, once the process has ended by itself."""
        return self.process.wait(PATIENCE)

    def errors(self) -> str:
        """What it wrote to standard error; ends it."""
        self.process.kill()
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
