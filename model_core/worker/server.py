"""The worker: loads a model once, reads requests from standard input and writes replies to standard output.

``docs/worker.md`` lists the messages. The worker reads new input between the steps of a request, so that a cancel takes
effect within a step; there are no threads. The end of its input ends it.
"""

from __future__ import annotations

import sys
import traceback
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, replace
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..constraints import Constraints, report_of_people
from ..errors import UserError, out_of_memory
from ..motion import FPS, Interaction
from ..motion.limits import MAX_FRAMES, MIN_FRAMES
from ..settings import build
from .pipes import InputPipe, OutputPipe
from .protocol import PROTOCOL, Decoder, Message, ProtocolError
from .requests import LoadRequest, MotionRequest, UnderstandRequest

if TYPE_CHECKING:
    from ..generation.drafts import Draft
    from ..generation.looping import Loop
    from ..generation.options import GenerateOptions
    from ..generation.pipeline import InterMask
    from ..generation.prompt_reader import PromptReader
    from ..motion import Motion, PosedSkeleton

_REQUESTS = frozenset(("load", "understand", "import", "generate", "generate_batch", "react", "edit", "extend"))


class _InputEnded(Exception):  # noqa: N818 - no error: the client has ended
    """The client has closed the input and will read no result."""


class _Cancelled(Exception):  # noqa: N818 - no error: the client asked for it
    """The client has cancelled the current request."""


class Worker:
    """Processes requests in their order and answers each with one final message."""

    def __init__(self, source: InputPipe, target: OutputPipe) -> None:
        """Connect the worker.

        Args:
            source: pipe from which requests are read.
            target: pipe to which replies are written.
        """
        self._source = source
        self._target = target
        self._decoder = Decoder()
        self._queue: deque[Message] = deque()
        self._current: Any = None
        self._cancelled = False
        self._loaded: tuple[LoadRequest, object, InterMask] | None = None
        self._reader: tuple[LoadRequest, object, PromptReader] | None = None

    def run(self) -> None:
        """Answer requests until the input ends.

        Raises:
            ProtocolError: the input is not made of messages.
            BrokenPipeError: the client has closed the output.
        """
        self._send("ready", version=__version__, protocol=PROTOCOL)
        while True:
            try:
                while not self._queue:
                    self._receive(self._source.wait())
                self._answer(self._queue.popleft())
            except _InputEnded:
                return

    def _receive(self, data: bytes | None) -> None:
        """Queue the requests among the messages that have arrived; answer the others at once."""
        if data is None:
            raise _InputEnded
        for message in self._decoder.feed(data):
            request_id, version = message.values.get("id"), message.values.get("protocol", 1)
            if message.type == "cancel":
                self._cancel(request_id)
            elif message.type == "ping":
                self._send("pong", id=request_id, busy=self._current is not None)
            elif version != PROTOCOL:
                self._fail(
                    request_id,
                    f"The generator speaks version {PROTOCOL} of the worker protocol and the add-on version {version}; "
                    "install both from the same release.",
                    kind="user",
                )
            elif message.type not in _REQUESTS:
                self._fail(request_id, f"There is no request '{message.type}'; reinstall the add-on.")
            elif request_id is None:
                self._fail(None, f"A request '{message.type}' has no id; reinstall the add-on.")
            else:
                self._queue.append(message)

    def _cancel(self, request_id: Any) -> None:
        self._cancelled = self._cancelled or (request_id is not None and request_id == self._current)
        queued = [message for message in self._queue if message.values["id"] == request_id]
        for message in queued:
            self._queue.remove(message)
            self._send("cancelled", id=request_id)

    def _answer(self, message: Message) -> None:
        """Process one request and send its final reply, even if it fails."""
        request_id = self._current = message.values["id"]
        self._cancelled = False
        try:
            if message.type == "load":
                self._load(LoadRequest.from_message(message))
            elif message.type == "understand":
                self._understand(UnderstandRequest.from_message(message))
            elif message.type == "import":
                self._import(message)
            else:
                self._generate(MotionRequest.from_message(message))
        except (_InputEnded, ProtocolError, BrokenPipeError):
            raise
        except _Cancelled:
            self._send("cancelled", id=request_id)
        except UserError as error:
            self._fail(request_id, str(error), kind="user")
        except Exception as error:
            traceback.print_exc()
            self._fail_with(request_id, error)
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
            min_frames=MIN_FRAMES,
            max_frames=MAX_FRAMES,
            examples=list(config.examples),
            device=str(model.compute_device),
        )

    def _understand(self, request: UnderstandRequest) -> None:
        """Reply how a prompt is understood, without loading the motion networks."""
        reader = self._prompt_reader(request.load)
        words_error = reader.use_words(request.words)
        understood = [asdict(part) for part in reader.understand(request.prompt, request.frames)]
        nearest = None if understood else reader.nearest_training_caption(request.prompt, request.frames)
        nearest_values = None if nearest is None else {"distance": nearest.distance, "caption": nearest.caption}
        self._send("understood", id=self._current, parts=understood, nearest=nearest_values, words_error=words_error)

    def _import(self, message: Message) -> None:
        """Convert published weights to a model folder."""
        self._loaded = self._reader = None  # the import needs memory, and may replace the files
        from ..model_files.import_published import STAGES, PublishedImport, Stage, import_published
        from ..model_files.model_folder import read_config

        def on_stage(stage: Stage) -> None:
            self._progress(stage, STAGES.index(stage), len(STAGES))

        options = message.values.get("options")
        request = build(PublishedImport, options if isinstance(options, dict) else {}, "The import")
        config = read_config(import_published(request, on_stage))
        self._send("imported", id=self._current, model=config.name, about=config.about)

    def _generate(self, request: MotionRequest) -> None:
        start = perf_counter()
        frames = request.length(MIN_FRAMES, MAX_FRAMES)
        constraints = request.constraints_that_can_be_met(frames)
        model = self._model(request.load)
        words_error = model.reader.use_words(request.words)
        loaded, before = perf_counter(), thread_time()
        takes = self._sample(model, request, request.drawn_frames(frames), constraints)
        sampled = perf_counter()
        computing = thread_time() - before if model.device.type == "cpu" else sampled - loaded  # not a card
        solved = self._solve(model, takes, request, frames, constraints)
        timings = {"loading": loaded - start, "sampling": sampled - loaded, "solving": perf_counter() - sampled}
        timings["computing"] = min(computing, timings["sampling"])
        prompts = [prompt for prompt, _ in request.items] or [request.prompt]
        understood = [] if request.as_written else [
            [asdict(part) for part in model.reader.understand(prompt, frames)] for prompt in prompts
        ]  # fmt: skip
        closest = [model.reader.nearest_training_caption(prompt, frames) for prompt in prompts]
        novelty = [caption.distance for caption in closest if caption is not None]
        constraints = constraints or Constraints()
        errors = [[error.to_json() for error in report_of_people(constraints, people)] for people in solved]
        self._send_result(model, request, solved, timings, understood, novelty, words_error, errors)

    def _model(self, request: LoadRequest) -> InterMask:
        """The model of a request, reloaded if its files have changed."""
        self._progress("loading", 0, 1)
        from ..generation.pipeline import InterMask

        stamp = _file_stamp(request)
        if self._loaded is None or self._loaded[:2] != (request, stamp):
            self._loaded = self._reader = None  # frees the old model before the new one is loaded
            self._loaded = (request, stamp, InterMask.load(request.model, request.device))
        self._progress("loading", 1, 1)
        return self._loaded[2]

    def _prompt_reader(self, request: LoadRequest) -> PromptReader:
        """The reader of a model: that of the model in memory, or one without networks."""
        from ..generation.prompt_reader import PromptReader

        stamp = _file_stamp(request)
        if self._loaded is not None and self._loaded[:2] == (request, stamp):
            return self._loaded[2].reader
        if self._reader is None or self._reader[:2] != (request, stamp):
            self._reader = (request, stamp, PromptReader.load(request.model))
        return self._reader[2]

    def _sample(
        self, model: InterMask, request: MotionRequest, frames: int, constraints: Constraints | None
    ) -> Sequence[Interaction | Loop]:
        from ..generation.options import GenerateOptions

        defaults = model.config.sampling

        def on_step(step: int, steps: int) -> None:
            self._progress("sampling", step, steps)

        def on_draft(draft: Draft) -> None:
            self._send("draft", {"joints": draft.joints.astype(np.float32)}, id=self._current, start=draft.start)

        settings = request.sampling_settings(defaults if request.leader is None else defaults.for_reaction())
        options = GenerateOptions(
            settings,
            request.seed,
            request.takes,
            on_step,
            on_draft if request.drafts else None,
            constraints=constraints,
            as_written=request.as_written,
        )
        if request.loop:
            return self._sample_loops(model, request, frames, options)
        if request.items:
            prompts, seeds = zip(*request.items, strict=True)
            return model.generate_batch(prompts, frames, seeds, options)
        if request.source is not None:
            first, second = (_with_rotations(person) for person in request.source.people)
            source = Interaction((first, second))
            if request.edit is None:
                return model.extend(request.prompt, source, frames, options)
            free, strength = request.edit.free(frames), request.edit.strength
            return model.restyle(request.prompt, source, strength, options, free)
        if request.leader is None:
            return model.generate(request.prompt, frames, options)
        leader = _with_rotations(request.leader.frames(0, frames))
        return model.react(request.prompt, leader, options)

    def _sample_loops(
        self, model: InterMask, request: MotionRequest, frames: int, options: GenerateOptions
    ) -> list[Loop]:
        if not request.items:
            return model.loop(request.prompt, frames, options)
        return [model.loop(prompt, frames, replace(options, seed=seed, takes=1))[0] for prompt, seed in request.items]

    def _solve(
        self,
        model: InterMask,
        takes: Sequence[Interaction | Loop],
        request: MotionRequest,
        frames: int,
        constraints: Constraints | None,
    ) -> list[list[PosedSkeleton]]:
        from ..kinematics import solve
        from ..kinematics.ends import at_rest
        from ..motion.shared_travel import in_place

        # An edited character keeps its bones.
        bones_of = None if request.source is None else request.source.people
        solved = []
        for index, take in enumerate(takes):
            self._progress("solving", index, len(takes))
            if isinstance(take, Interaction):
                kept = None if constraints is None else request.kept_frames(len(take))
                people = solve(take.people, request.solve, bones_of, constraints, kept)
                people = at_rest(people, request.ends, frames, request.bound_frames(frames))
                # What a constraint asks of a hand goes before its clasp.
                free = constraints is None
                people = [*model.with_fingers(take.text, people, request.as_written, request.solve.held, free)]
            else:
                prompt = request.items[index][0] if request.items else request.prompt
                people = solve(take.padded(), request.solve)
                people = take.closed(model.with_fingers(prompt, people, request.as_written))
            solved.append(in_place(people, request.loop) if request.in_place else people)
        self._progress("solving", len(takes), len(takes))
        return solved

    def _send_result(
        self,
        model: InterMask,
        request: MotionRequest,
        solved: list[list[PosedSkeleton]],
        timings: dict[str, float],
        understood: list[list[dict[str, Any]]],
        novelty: list[float],
        words_error: str,
        constraint_errors: list[list[dict[str, Any]]],
    ) -> None:
        first = solved[0][0]

        def stacked(name: str) -> np.ndarray:
            return np.array([[getattr(person, name) for person in people] for people in solved], np.float32)

        arrays = {name: stacked(name) for name in ("offsets", "rotations", "translation")}
        self._send(
            "result",
            arrays,
            id=self._current,
            prompt=request.prompt,
            model=model.config.name,
            seed=request.seed,
            fps=first.fps,
            takes=len(solved),
            frames=len(first),
            skeleton=first.skeleton.name,
            timings=timings,
            understood=understood,
            novelty=novelty,
            words_error=words_error,
            constraint_errors=constraint_errors,
        )

    def _progress(self, stage: str, step: int, steps: int) -> None:
        """Send the progress of the current request, then read new input.

        Raises:
            _Cancelled: the request was cancelled.
            _InputEnded: the client has ended.
        """
        self._send("progress", id=self._current, stage=stage, step=step, steps=steps)
        while data := self._source.available():
            self._receive(data)
        if data is None:
            raise _InputEnded
        if self._cancelled:
            raise _Cancelled

    def _fail(self, request_id: Any, sentence: str, kind: str = "internal") -> None:
        self._send("error", id=request_id, message=sentence, kind=kind)

    def _fail_with(self, request_id: Any, error: Exception) -> None:
        """Answer with an internal error, or with advice if memory ran out."""
        if out_of_memory(error):
            self._loaded = None
            self._fail(
                request_id,
                "There was not enough memory for this clip; ask for fewer takes or a shorter clip, close other "
                "programs, or choose the device cpu.",
                kind="user",
            )
            return
        cause = " ".join(str(error).split())[:300] or "no message"
        self._fail(request_id, f"The generator failed ({type(error).__name__}: {cause}); its log has the details.")

    def _send(self, type: str, arrays: dict[str, np.ndarray] | None = None, **values: Any) -> None:
        self._target.write(Message(type, values, arrays or {}).encoded())


def _file_stamp(request: LoadRequest) -> object:
    """Names, sizes and times of the files in the model folder, to detect changes."""
    if not request.model.is_dir():
        return None
    files = ((path.name, path.stat()) for path in sorted(request.model.iterdir()))
    return tuple((name, state.st_size, state.st_mtime_ns) for name, state in files)


def _with_rotations(leader: Motion) -> Motion:
    """The motion with joint rotations: its own, or those of a skeleton fitted to its joints."""
    if leader.rotations is not None:
        return leader
    from ..kinematics import RAW_FIT, solve

    (fitted,) = solve([leader], RAW_FIT)
    return replace(leader, rotations=fitted.motion().rotations)


def main() -> int:
    """Run the worker on the pipes of this process; returns its exit code."""
    target = OutputPipe()
    try:
        Worker(InputPipe(), target).run()
    except ProtocolError as error:
        print(f"The worker's input is not made of messages: {error}.", file=sys.stderr)
        return 2
    except (BrokenPipeError, KeyboardInterrupt):
        return 0
    return 0
