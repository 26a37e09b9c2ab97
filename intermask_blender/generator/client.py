"""The worker's other end: starts the generator's process, hands requests over and collects replies, never waiting."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core import CORE_PARENT, Decoder, Message, ProtocolError, UserError
from ..translations import tr
from . import pipes
from .runtime import NAMED, NOT_FOUND, SEARCH, Runtime

PROTOCOL = 1
FINAL_REPLIES = frozenset(("loaded", "compared", "result"))
PAUSE = 0.01
"""Seconds between two looks where waiting is wanted."""

START = SEARCH + "from model_core.worker.server import main; sys.exit(main())"
"""How the worker is started: works for isolated interpreters too, which ignore PYTHONPATH and the working folder."""


@dataclass
class Request:
    """One request on its way.

    Attributes:
        id: the number that the worker echoes.
        stage: what the worker does at the moment: "starting", "loading", "sampling" or "solving".
        step: how many of the stage's ``steps`` are done.
        reply: the final message, once it is there.
        failure: one sentence, where it failed.
        cancelled: true once nobody waits for it any more.
        crashed: true where it failed because the process died.
    """

    id: int
    stage: str = "starting"
    step: int = 0
    steps: int = 0
    reply: Message | None = None
    failure: str = ""
    cancelled: bool = False
    crashed: bool = False

    @property
    def done(self) -> bool:
        """Whether there is nothing more to come."""
        return self.cancelled or self.reply is not None or bool(self.failure)

    @property
    def factor(self) -> float:
        """Share of the current stage that is done, 0 to 1."""
        return min(1.0, self.step / self.steps) if self.steps else 0.0


@dataclass
class WorkerClient:
    """The generator's process and everything asked of it. It is started by the first request and again after a death.

    Attributes:
        runtime: where torch is, or the interpreter that has it; None where there is none.
        log: file for what the process writes to its standard error; its folder must exist.
        device: what computes, unless a request says otherwise.
    """

    runtime: Runtime | Path | None
    log: Path
    device: str = "auto"
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _decoder: Decoder = field(default_factory=Decoder, init=False)
    _outgoing: bytearray = field(default_factory=bytearray, init=False)
    _open: dict[int, Request] = field(default_factory=dict, init=False)
    _next_id: int = field(default=1, init=False)
    _last_use: float = field(default=0.0, init=False)

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def busy(self) -> bool:
        """Whether a request is unanswered."""
        return bool(self._open)

    def submit(self, kind: str, values: dict[str, Any], arrays: dict[str, np.ndarray] | None = None) -> Request:
        """Send a request, starting the process where it does not run; returns at once.

        Raises:
            UserError: there is no runtime, or the process cannot be started.
        """
        if not self.running:
            self.close()
            self._start()
        request = Request(self._next_id)
        self._next_id += 1
        self._open[request.id] = request
        self._send(Message(kind, {"device": self.device, **values, "id": request.id}, arrays or {}))
        return request

    def cancel(self, request: Request) -> None:
        """Ask the worker to stop working on a request; the request is done at once."""
        if not request.done:
            request.cancelled = True
            if self.running:
                self._send(Message("cancel", {"id": request.id}))

    def poll(self) -> None:
        """Move bytes both ways and bring all requests up to date. Takes well under a millisecond when nothing came."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return
        self._last_use = time.monotonic() if self._open else self._last_use
        try:
            while self._outgoing and (count := pipes.write_some(process.stdin, memoryview(bytes(self._outgoing)))):
                del self._outgoing[:count]
        except OSError:
            self._outgoing.clear()
        try:
            while data := pipes.read_available(process.stdout):
                for message in self._decoder.feed(data):
                    self._take(message)
        except ProtocolError:
            self._fail_all("The generator sent something that is not a message; generate again to restart it.")
            self.close()
            return
        if data is None:
            self._died(process)

    def wait(self, request: Request) -> None:
        """Wait until a request is done: for background mode, where there is no event loop."""
        while not request.done:
            self.pause()

    def pause(self) -> None:
        """Poll, then sleep for a moment."""
        self.poll()
        time.sleep(PAUSE)

    def close_if_idle(self, seconds: float) -> bool:
        """End the process if nothing was asked of it for so long; true if it is not running afterwards."""
        if self.running and not self.busy and time.monotonic() - self._last_use > seconds:
            self.close()
        return not self.running

    def close(self) -> None:
        """End the process. Unanswered requests fail."""
        self._fail_all("The generator was ended.")
        process, self._process = self._process, None
        self._decoder = Decoder()
        self._outgoing.clear()
        if process is None:
            return
        # End of input asks it to go; what is deep in a computation is not waited for.
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.terminate()
        try:
            process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self) -> None:
        if self.runtime is None:
            raise UserError(NOT_FOUND)
        runtime = self.runtime if isinstance(self.runtime, Runtime) else Runtime(NAMED, self.runtime)
        command = runtime.command(START, first=(CORE_PARENT,))
        windowless = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        try:
            with self.log.open("wb") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    bufsize=0,
                    cwd=CORE_PARENT,
                    creationflags=windowless,
                )
        except OSError as error:
            raise UserError(
                tr(
                    "The generator's Python {python} cannot be started ({reason}); choose another one in "
                    "the add-on's preferences."
                ).format(python=runtime.python, reason=error.strerror)
            ) from error
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipes.never_wait(pipe)
        self._last_use = time.monotonic()

    def _send(self, message: Message) -> None:
        self._outgoing += message.encoded()
        self.poll()

    def _take(self, message: Message) -> None:
        if message.type == "ready" and message.values.get("protocol") != PROTOCOL:
            self._fail_all("The generator is of another version than the add-on; install both from one release.")
            return
        request = self._open.get(message.values.get("id") or 0)
        if request is None:
            return
        if message.type == "progress":
            request.stage = str(message.values["stage"])
            request.step, request.steps = int(message.values["step"]), int(message.values["steps"])
            if request.stage == "loading" and request.step == request.steps:
                # The model is in memory, and the first step of sampling can take a while.
                request.stage, request.step, request.steps = "sampling", 0, 0
            return
        if message.type in FINAL_REPLIES:
            request.reply = message
        elif message.type == "error":
            request.failure = str(message.values["message"])
        elif message.type == "cancelled":
            request.cancelled = True
        if message.type in FINAL_REPLIES or message.type in ("error", "cancelled"):
            del self._open[request.id]

    def _fail_all(self, sentence: str, crashed: bool = False) -> None:
        for request in self._open.values():
            if not request.done:
                request.failure, request.crashed = sentence, crashed
        self._open.clear()

    def _died(self, process: subprocess.Popen[bytes]) -> None:
        """The process closed its end: say why to whoever waits."""
        try:
            code = process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        last = _last_line(self.log)
        because = f" ({last})" if last else ""
        self._fail_all(
            f"The generator's process {how} in mid-work{because}; generate again to restart it, its log is {self.log}.",
            crashed=True,
        )
        self.close()


def _last_line(log: Path) -> str:
    """The last line that the process wrote to its log, shortened."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].strip()[:200] if lines else ""


def default_python() -> Path:
    """The interpreter named by INTERMASK_PYTHON, else the one that runs this."""
    return Path(os.environ.get("INTERMASK_PYTHON") or sys.executable)
