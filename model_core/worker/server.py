"""The pipeline behind standard input and output: ``python -m model_core.worker``.

The process loads a model once and stays warm. It reads requests and writes replies as ``protocol.Message``; their types
and fields are listed in ``docs/worker.md``. It looks for new input between the steps of a generation, so that a cancel
is seen within one step; there are no threads. The end of input ends it.
"""

from __future__ import annotations

import sys
import traceback
from collections import deque
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..errors import UserError, out_of_memory
from ..generation.limits import MAX_FRAMES, MIN_FRAMES
from ..motion import FPS, Interaction
from .pipes import InputPipe, OutputPipe
from .protocol import Decoder, Message, ProtocolError
from .requests import CompareRequest, LoadRequest, MotionRequest

if TYPE_CHECKING:
    from ..generation.pipeline import InterMask
    from ..motion import Motion, PosedSkeleton

PROTOCOL = 1
"""Version of the messages: a client of another version cannot use this worker."""

_REQUESTS = frozenset(("load", "compare", "generate", "generate_batch", "react", "edit", "extend"))


class _InputEnded(Exception):  # noqa: N818 - it is no error: the client has gone
    """Nobody waits for a result any more."""


class _Cancelled(Exception):  # noqa: N818 - it is no error: somebody asked for it
    """The request that is being worked on is not wanted any more."""


class Worker:
    """Takes requests one after the other and answers each with one final message."""

    def __init__(self, source: InputPipe, target: OutputPipe) -> None:
        """Take both pipes.

        Args:
            source: requests.
            target: replies.
        """
        self._source = source
        self._target = target
        self._decoder = Decoder()
        self._queue: deque[Message] = deque()
        self._current: Any = None
        self._cancelled = False
        self._loaded: tuple[LoadRequest, object, InterMask] | None = None

    def run(self) -> None:
        """Answer requests until the input ends.

        Raises:
            ProtocolError: the input is not made of messages.
            BrokenPipeError: nobody reads the replies.
        """
        self._send("ready", version=__version__, protocol=PROTOCOL)
        while True:
            try:
                while not self._queue:
                    self._take(self._source.wait())
                self._answer(self._queue.popleft())
            except _InputEnded:
                return

    def _take(self, data: bytes | None) -> None:
        """Sort what has arrived: requests wait for their turn, the rest is answered at once."""
        if data is None:
            raise _InputEnded
        for message in self._decoder.feed(data):
            named = message.values.get("id")
            if message.type == "cancel":
                self._cancel(named)
            elif message.type == "ping":
                self._send("pong", id=named, busy=self._current is not None)
            elif message.type not in _REQUESTS:
                self._fail(named, f"The worker knows no request '{message.type}'; install both halves anew.")
            elif named is None:
                self._fail(None, f"A request '{message.type}' came without an id; install both halves anew.")
            else:
                self._queue.append(message)

    def _cancel(self, named: Any) -> None:
        self._cancelled = self._cancelled or (named is not None and named == self._current)
        waiting = [message for message in self._queue if message.values["id"] == named]
        for message in waiting:
            self._queue.remove(message)
            self._send("cancelled", id=named)

    def _answer(self, message: Message) -> None:
        """Carry out one request; whatever happens to it is told to the client."""
        named = self._current = message.values["id"]
        self._cancelled = False
        try:
            if message.type == "load":
                self._load(LoadRequest.of(message))
            elif message.type == "compare":
                self._compare(CompareRequest.of(message))
            else:
                self._make(MotionRequest.of(message))
        except (_InputEnded, ProtocolError, BrokenPipeError):
            raise
        except _Cancelled:
            self._send("cancelled", id=named)
        except UserError as error:
            self._fail(named, str(error), kind="user")
        except Exception as error:
            traceback.print_exc()
            self._fail_with(named, error)
        finally:
            self._current = None

    def _load(self, request: LoadRequest) -> None:
        model = self._model(request)

        config = model.config
        self._send(
            "loaded",
            id=self._current,
            model=config.name,
            skeleton=config.skeleton,
            fps=FPS,
            shortest=MIN_FRAMES,
            longest=MAX_FRAMES,
            examples=list(config.examples),
            device=str(model.compute_device),
        )

    def _compare(self, request: CompareRequest) -> None:
        nearest = self._model(request.load).nearest_known(request.prompt, request.frames)
        distance, caption = (None, "") if nearest is None else (nearest.distance, nearest.caption)
        self._send("compared", id=self._current, distance=distance, caption=caption)

    def _make(self, request: MotionRequest) -> None:
        start = perf_counter()
        model = self._model(request.load)
        loaded = perf_counter()
        takes = self._sampled(model, request)
        sampled = perf_counter()
        solved = self._solved(takes, request)
        timings = {"loading": loaded - start, "sampling": sampled - loaded, "solving": perf_counter() - sampled}
        self._send_result(model, request, solved, timings)

    def _model(self, request: LoadRequest) -> InterMask:
        """The model of a request: the one in memory where its files are still the same."""
        self._progress("loading", 0, 1)
        from ..generation.pipeline import InterMask

        stamp = _stamp(request)
        if self._loaded is None or self._loaded[:2] != (request, stamp):
            self._loaded = None  # the old one goes before the new one comes
            self._loaded = (request, stamp, InterMask.load(request.model, request.device))
        self._progress("loading", 1, 1)
        return self._loaded[2]

    def _sampled(self, model: InterMask, request: MotionRequest) -> list[Interaction]:
        from ..generation.options import GenerateOptions

        frames = request.length(MIN_FRAMES, MAX_FRAMES)
        own = model.config.sampling

        def on_step(step: int, steps: int) -> None:
            self._progress("sampling", step, steps)

        settings = request.sampling_settings(own if request.leader is None else own.for_reaction())
        options = GenerateOptions(settings, request.seed, request.takes, on_step)
        if request.rows:
            prompts, seeds = zip(*request.rows, strict=True)
            return model.generate_batch(prompts, frames, seeds, options)
        if request.known is not None:
            first, second = (_with_rotations(person) for person in request.known.people)
            known = Interaction((first, second))
            if request.edit is None:
                return model.extend(request.prompt, known, frames, options)
            free, strength = request.edit.free(frames), request.edit.strength
            return model.restyle(request.prompt, known, strength, options, free)
        if request.leader is None:
            return model.generate(request.prompt, frames, options)
        leader = _with_rotations(request.leader.frames(0, frames))
        return model.react(request.prompt, leader, options)

    def _solved(self, takes: list[Interaction], request: MotionRequest) -> list[list[PosedSkeleton]]:
        from ..kinematics import solve

        # An edited character keeps its bones.
        bones_of = None if request.known is None else request.known.people
        solved = []
        for index, take in enumerate(takes):
            self._progress("solving", index, len(takes))
            solved.append(solve(take.people, request.solve, bones_of))
        self._progress("solving", len(takes), len(takes))
        return solved

    def _send_result(
        self, model: InterMask, request: MotionRequest, solved: list[list[PosedSkeleton]], timings: dict[str, float]
    ) -> None:
        first = solved[0][0]

        def stacked(name: str) -> np.ndarray:
            return np.array([[getattr(person, name) for person in people] for people in solved], np.float32)

        arrays = {name: stacked(name) for name in ("offsets", "rotations", "translation")}
        self._send(
            "result",
            arrays,
            id=self._current,
            text=request.prompt,
            model=model.config.name,
            seed=request.seed,
            fps=first.fps,
            takes=len(solved),
            frames=len(first),
            skeleton=first.skeleton.name,
            seconds=timings,
        )

    def _progress(self, stage: str, step: int, steps: int) -> None:
        """Tell how far the request is, and stop it where somebody has asked for that."""
        self._send("progress", id=self._current, stage=stage, step=step, steps=steps)
        while data := self._source.available():
            self._take(data)
        if data is None:
            raise _InputEnded
        if self._cancelled:
            raise _Cancelled

    def _fail(self, named: Any, sentence: str, kind: str = "internal") -> None:
        self._send("error", id=named, message=sentence, kind=kind)

    def _fail_with(self, named: Any, error: Exception) -> None:
        """Answer with an internal error, or with what to do where memory ran out."""
        if out_of_memory(error):
            self._loaded = None
            self._fail(
                named,
                "There was not enough memory for this clip; ask for fewer takes or a shorter clip, close other "
                "programs, or choose the device cpu.",
                kind="user",
            )
            return
        cause = " ".join(str(error).split())[:300] or "no further word"
        self._fail(named, f"The generator failed ({type(error).__name__}: {cause}); its log has the details.")

    def _send(self, type: str, arrays: dict[str, np.ndarray] | None = None, **values: Any) -> None:
        self._target.write(Message(type, values, arrays or {}).encoded())


def _stamp(request: LoadRequest) -> object:
    """What changes when a file of the model folder does."""
    if not request.model.is_dir():
        return None
    files = ((path.name, path.stat()) for path in sorted(request.model.iterdir()))
    return tuple((name, state.st_size, state.st_mtime_ns) for name, state in files)


def _with_rotations(leader: Motion) -> Motion:
    """A leader of whom only the joints are known, with the rotations of a skeleton fitted to them."""
    if leader.rotations is not None:
        return leader
    from ..kinematics import RAW_FIT, solve

    (fitted,) = solve([leader], RAW_FIT)
    return replace(leader, rotations=fitted.motion().rotations)


def main() -> int:
    """Run the worker on this process's pipes; give its exit code."""
    target = OutputPipe()
    try:
        Worker(InputPipe(), target).run()
    except ProtocolError as error:
        print(f"The worker's input is not made of messages: {error}.", file=sys.stderr)
        return 2
    except (BrokenPipeError, KeyboardInterrupt):
        return 0
    return 0
