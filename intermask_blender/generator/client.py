"""The client of the worker: starts the generator's process, sends requests and collects replies.

``submit`` and ``poll`` do not block; ``wait`` and ``pause`` do.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core import CORE_PARENT, PROTOCOL, Decoder, Message, ProtocolError, UserError
from ..translations import tr
from . import pipes
from .child import end_process
from .runtime import NAMED, NOT_FOUND, SEARCH_PATH_LINE, Runtime

FINAL_REPLIES = frozenset(("loaded", "understood", "imported", "result"))
KILLED = 9
"""SIGKILL; sent by the OOM killer."""

POLL_INTERVAL = 0.01
"""Seconds between two polls in a call that blocks."""

WORKER_SCRIPT = SEARCH_PATH_LINE + "from model_core.worker.__main__ import main; sys.exit(main())"
"""Runs the worker, also in isolated interpreters, which ignore PYTHONPATH and the working folder."""


@dataclass
class Request:
    """A request and its progress.

    Attributes:
        id: the number that the worker echoes.
        stage: "starting", then the stages of ``docs/worker.md``.
        step: completed steps of the stage.
        steps: number of steps of the stage; 0 while unknown.
        reply: the final message, once it has arrived.
        error: one sentence if it failed, else empty.
        cancelled: whether it was cancelled.
        draft: (2, T, 22, 3) joints of the first take as far as it is drawn, metres; None before the first draft.
        draft_start: frame of the clip at which the draft begins.
        crash_reason: why the process died, if the request failed because of that; else empty.
    """

    id: int
    stage: str = "starting"
    step: int = 0
    steps: int = 0
    reply: Message | None = None
    error: str = ""
    cancelled: bool = False
    crash_reason: str = ""
    draft: np.ndarray | None = None
    draft_start: int = 0

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.cancelled or self.reply is not None or bool(self.error)

    @property
    def factor(self) -> float:
        """Fraction of the current stage that is done, 0 to 1."""
        return min(1.0, self.step / self.steps) if self.steps else 0.0


@dataclass
class WorkerClient:
    """The generator's process and its requests. A request starts the process if it is not running.

    Attributes:
        runtime: the Python that has torch, or just its interpreter; None if there is none.
        log: file for the standard error of the process; its folder must exist.
        device: of requests that name none.
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
        """Whether a request waits for its reply."""
        return bool(self._open)

    def submit(self, kind: str, values: dict[str, Any], arrays: dict[str, np.ndarray] | None = None) -> Request:
        """Send a request, and start the process if it is not running; returns at once.

        Args:
            kind: type of the message (``docs/worker.md``).
            values, arrays: its fields and arrays.

        Raises:
            UserError: there is no runtime, or the process cannot be started.
        """
        if not self.running:
            self.close()
            self._start()
        request = Request(self._next_id)
        self._next_id += 1
        self._open[request.id] = request
        header = {"device": self.device, **values, "protocol": PROTOCOL, "id": request.id}
        self._send(Message(kind, header, arrays or {}))
        return request

    def cancel(self, request: Request) -> None:
        """Cancel a request: it is done at once, and the worker stops working on it at its next step."""
        if request.done:
            return
        request.cancelled = True
        # The worker's answer may never be read: the caller may not poll again.
        self._open.pop(request.id, None)
        self._last_use = time.monotonic()
        if self.running:
            self._send(Message("cancel", {"id": request.id}))

    def poll(self) -> None:
        """Exchange bytes with the process and update all requests; returns at once if nothing arrived."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return
        self._last_use = time.monotonic() if self._open else self._last_use
        try:
            while self._outgoing:
                with memoryview(self._outgoing) as unsent:
                    count = pipes.write_some(process.stdin, unsent)
                if not count:
                    break
                del self._outgoing[:count]
        except OSError:
            self._outgoing.clear()
        try:
            while data := pipes.read_available(process.stdout):
                for message in self._decoder.feed(data):
                    self._receive(message)
                if self._process is not process:
                    return  # a message ended it
        except ProtocolError:
            self._fail_all(tr("The generator sent something that is not a message. Press Generate again."))
            self.close()
            return
        if data is None:
            self._died(process)

    def wait(self, request: Request) -> None:
        """Block until a request is done: for background mode, which has no event loop."""
        while not request.done:
            self.pause()

    def pause(self) -> None:
        """Poll, then sleep for a moment."""
        self.poll()
        time.sleep(POLL_INTERVAL)

    def close_if_idle(self, seconds: float) -> bool:
        """End the process if it has had no request for some time.

        Args:
            seconds: how long.

        Returns:
            Whether the process has ended, for any reason.
        """
        self.poll()
        if self.running and not self.busy and time.monotonic() - self._last_use > seconds:
            self.close()
        return not self.running

    def close(self) -> None:
        """End the process. Unanswered requests fail."""
        self._fail_all(tr("The generator was stopped."))
        process, self._process = self._process, None
        self._decoder = Decoder()
        self._outgoing.clear()
        if process is None:
            return
        # Closing stdin ends an idle worker; a busy one is killed.
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        end_process(process)

    def _start(self) -> None:
        if self.runtime is None:
            raise UserError(NOT_FOUND)
        runtime = self.runtime if isinstance(self.runtime, Runtime) else Runtime(NAMED, self.runtime)
        command = runtime.command(WORKER_SCRIPT, first=(CORE_PARENT,))
        try:
            log = self.log.open("wb")
        except OSError as error:
            raise UserError(
                tr("Cannot write the generator's log {log} ({reason}); free some space, or restart Blender.").format(
                    log=self.log, reason=error.strerror
                )
            ) from error
        try:
            with log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    bufsize=0,
                    cwd=CORE_PARENT,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
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
                pipes.set_non_blocking(pipe)
        self._last_use = time.monotonic()

    def _send(self, message: Message) -> None:
        self._outgoing += message.encoded()
        self.poll()

    def _receive(self, message: Message) -> None:
        if message.type == "ready" and (theirs := message.values.get("protocol")) != PROTOCOL:
            self._fail_all(
                tr(
                    "The generator speaks version {theirs} of the worker protocol and the add-on version {ours}; "
                    "install both from the same release."
                ).format(theirs=theirs, ours=PROTOCOL)
            )
            self.close()  # it would answer the next request in another version of the protocol
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
        if message.type == "draft":
            request.draft, request.draft_start = message.arrays["joints"], int(message.values["start"])
            return
        if message.type in FINAL_REPLIES:
            request.reply = message
        elif message.type == "error":
            request.error = str(message.values["message"])
        elif message.type == "cancelled":
            request.cancelled = True
        if message.type in FINAL_REPLIES or message.type in ("error", "cancelled"):
            del self._open[request.id]

    def _fail_all(self, sentence: str, crash_reason: str = "") -> None:
        for request in self._open.values():
            if not request.done:
                request.error, request.crash_reason = sentence, crash_reason
        self._open.clear()

    def _died(self, process: subprocess.Popen[bytes]) -> None:
        """The process closed its output: fail all requests with the reason."""
        code, last = end_process(process, patience=1.0), _last_line(self.log)
        if code == -KILLED:
            reason = tr("possibly out of memory")
            sentence = tr("The generator stopped (possibly out of memory). Press Generate again.")
        else:
            reason = last or tr("exit code {code}").format(code=code)
            sentence = tr("The generator stopped ({reason}). Press Generate again; its log is {log}.").format(
                reason=reason, log=self.log
            )
        self._fail_all(sentence, crash_reason=reason)
        self.close()


def _last_line(log: Path) -> str:
    """The last line of the log, at most 200 characters of it; empty if there is none."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].strip()[:200] if lines else ""
