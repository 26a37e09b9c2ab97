"""A generation: its settings as a request to the worker, and its result as posed skeletons.

``Generation`` is one request from a panel. ``job`` has the interface of longer work, such as an installation; the rows
of a batch are in ``batch.jobs``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core import SKELETONS, ConstraintError, Message, Motion, PosedSkeleton, UserError
from ..translations import tr, tr_noop
from .client import Request, WorkerClient
from .understanding import UnderstoodPart, parts_of

STAGES = {
    "starting": tr_noop("Starting the generator"),
    "loading": tr_noop("Loading the model"),
    "sampling": tr_noop("Generating"),
    "solving": tr_noop("Fitting skeletons"),
}
"""What the user reads in each stage of the worker."""

MAX_PROMPT_LENGTH = 2000

Pair = tuple[PosedSkeleton, PosedSkeleton]


@dataclass(frozen=True)
class SourceMotion:
    """An interaction that is edited or extended.

    Attributes:
        people: both motions in one world, equally long, at the model's rate.
        parts: body parts of the token map that are regenerated (``docs/body-parts.md``).
        who: which of the two people are regenerated.
        start, stop: range of frames at the model's rate that is regenerated, ``stop`` exclusive.
        strength: fraction of these tokens that is regenerated, those that fit the prompt least first; 1 means all.
        extends: whether all of it is kept and the clip is extended to ``GenerationSettings.seconds``.
    """

    people: tuple[Motion, Motion]
    parts: tuple[int, ...] = (0, 1, 2, 3, 4)
    who: tuple[int, ...] = (0, 1)
    start: int = 0
    stop: int = 0
    strength: float = 1.0
    extends: bool = False


@dataclass(frozen=True)
class GenerationSettings:
    """One generation.

    Attributes:
        prompt: what the two people do.
        model: the model's folder.
        seconds: duration; None with a leader means as long as the leader moves.
        seed: the same seed gives the same motion.
        takes: number of different results.
        leader: motion that the other person reacts to, at the model's rate; None generates both people.
        source: the interaction that is edited or extended; None for a new one.
        sampling: values of some of ``SAMPLING_SETTINGS``, by name; the others have the model's values.
        foot_lock: standing feet are held in place.
        contact: hands that touch stay together, and those that nearly touch come together.
        as_written: the prompt's own words condition the networks, not the training caption that says the same.
        words: a ``words.json`` of the user's own phrases, which need not exist; None for none.
        start_at_rest, settle_at_end: both people of a new clip rest at the beginning and at the end.
        loop: the last frame of a new clip leads into the first; the result has the first frame of the next cycle, too.
        in_place: the travel that both people of a new clip share is left out.
        drafts: the generator sends drafts while it draws.
        constraints: the list of a constraint file (``docs/constraints.md``).
        meet_partly: whether constraints that cannot be met are met as far as possible instead of refused.
    """

    prompt: str
    model: Path
    seconds: float | None = 4.0
    seed: int = 0
    takes: int = 1
    leader: Motion | None = None
    source: SourceMotion | None = None
    sampling: Mapping[str, float] = field(default_factory=dict)
    foot_lock: bool = True
    contact: bool = True
    as_written: bool = False
    words: Path | None = None
    start_at_rest: bool = True
    settle_at_end: bool = True
    loop: bool = False
    in_place: bool = False
    drafts: bool = False
    constraints: tuple[Mapping[str, Any], ...] = ()
    meet_partly: bool = False


class Generation:
    """One generation from its request to its result; if the worker dies, it is restarted once."""

    def __init__(self, client: WorkerClient, settings: GenerationSettings) -> None:
        """Send the request; returns at once.

        Raises:
            UserError: as ``submit``.
        """
        self.settings = settings
        self.restarted = False
        self._client = client
        self._request = submit(client, settings)

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._request.done

    @property
    def succeeded(self) -> bool:
        """Whether it has ended with takes."""
        return self._request.reply is not None

    @property
    def text(self) -> str:
        """One line for the panel and the status bar."""
        return progress_text(self._request)

    @property
    def factor(self) -> float:
        """Fraction of the current stage that is done, 0 to 1."""
        return self._request.factor

    @property
    def draft(self) -> tuple[np.ndarray, int] | None:
        """The joints (2, T, 22, 3) of the newest draft, metres, and the frame of the clip at which it begins."""
        return None if self._request.draft is None else (self._request.draft, self._request.draft_start)

    def poll(self) -> None:
        """Update it; takes well under a millisecond if nothing has arrived."""
        self._client.poll()
        if self._request.crash_reason and not self.restarted:
            self.restarted = True
            try:
                self._request = submit(self._client, self.settings)
            except UserError as error:
                self._request.error = str(error)

    def wait(self) -> None:
        """Block until it is done: for background mode, which has no event loop."""
        while not self.done:
            self._client.pause()
            self.poll()

    def cancel(self) -> None:
        """Stop it; it is done at once."""
        self._client.cancel(self._request)

    def takes(self) -> list[Pair]:
        """The posed pairs, one for each take.

        Raises:
            UserError: it failed or was cancelled.
        """
        return takes_of(self._request)

    def constraint_errors(self) -> list[list[ConstraintError]]:
        """How well each take meets each constraint.

        Raises:
            UserError: it failed or was cancelled.
        """
        return errors_of(_reply_of(self._request))


def submit(client: WorkerClient, settings: GenerationSettings) -> Request:
    """Send a generation to the worker; returns at once.

    Raises:
        UserError: the prompt is empty or too long, there is no such model, or the worker cannot be started.
    """
    values = request_values(settings)
    if settings.source is not None:
        return _submit_source(client, settings.source, values)
    if settings.leader is None:
        return client.submit("generate", values)
    return client.submit("react", values, _leader_arrays(settings.leader))


def submit_batch(client: WorkerClient, items: Sequence[GenerationSettings]) -> Request:
    """Send generations that differ only in prompt and seed as one request; its result has a take for each item.

    Raises:
        UserError: as ``submit``.
    """
    values = [request_values(item) for item in items]
    lists = {"prompts": [item["prompt"] for item in values], "seeds": [item["seed"] for item in values]}
    shared = {name: value for name, value in values[0].items() if name not in ("prompt", "seed", "takes")}
    return client.submit("generate_batch", {**shared, **lists})


def length_problem(prompt: str) -> str:
    """Why a prompt is too long, as a sentence; empty if it is not."""
    if len(prompt) <= MAX_PROMPT_LENGTH:
        return ""
    sentence = tr("The prompt has {count} characters; shorten it to {most} or fewer.")
    return sentence.format(count=len(prompt), most=MAX_PROMPT_LENGTH)


def request_values(settings: GenerationSettings) -> dict[str, Any]:
    """The fields of a request.

    Raises:
        UserError: the prompt is empty or too long, or there is no such model.
    """
    prompt = settings.prompt.strip()
    if not prompt:
        raise UserError(tr("The prompt is empty; write what the two people do."))
    if too_long := length_problem(prompt):
        raise UserError(too_long)
    if not (settings.model / "config.json").is_file():
        raise UserError(
            tr("There is no model in {folder}; choose a folder that holds a config.json.").format(folder=settings.model)
        )
    asked = {"constraints": list(settings.constraints), "partly": settings.meet_partly} if settings.constraints else {}
    return {
        **asked,
        "model": str(settings.model),
        "prompt": prompt,
        "seconds": settings.seconds,
        "seed": settings.seed,
        "takes": settings.takes,
        **settings.sampling,
        **asked,
        "solve": {
            "feet": settings.foot_lock,
            "keep_contacts": settings.contact,
            "close_contacts": settings.contact,
        },
        "as_written": settings.as_written,
        "start_at_rest": settings.start_at_rest,
        "settle_at_end": settings.settle_at_end,
        "loop": settings.loop,
        "in_place": settings.in_place,
        "drafts": settings.drafts,
        "words": None if settings.words is None else str(settings.words),
    }


def _submit_source(client: WorkerClient, source: SourceMotion, values: dict[str, Any]) -> Request:
    arrays = {"source_joints": np.stack([person.joints for person in source.people]).astype(np.float32)}
    rotations = [person.rotations for person in source.people if person.rotations is not None]
    roots = [person.root_orientation for person in source.people if person.root_orientation is not None]
    if len(rotations) == len(roots) == 2:
        arrays["source_rotations"] = np.stack(rotations).astype(np.float32)
        arrays["source_root"] = np.stack(roots).astype(np.float32)
    if source.extends:
        return client.submit("extend", values, arrays)
    if len(source.who) == 1:
        # The solver moves only the hands of the regenerated person.
        values = {**values, "solve": {**values["solve"], "held": 1 - source.who[0]}}
    part = {"people": list(source.who), "parts": list(source.parts), "start": source.start, "stop": source.stop}
    return client.submit("edit", {**values, "seconds": None, **part, "strength": source.strength}, arrays)


def takes_of(request: Request) -> list[Pair]:
    """The posed pairs of a finished request, one for each take.

    Raises:
        UserError: the request failed or was cancelled.
    """
    return pairs_of(_reply_of(request))


def errors_of(reply: Message) -> list[list[ConstraintError]]:
    """How well each take of a ``result`` message meets each constraint."""
    return [[ConstraintError(**error) for error in errors] for errors in reply.values["constraint_errors"]]


def _reply_of(request: Request) -> Message:
    """The result of a finished request.

    Raises:
        UserError: it failed or was cancelled.
    """
    if request.error:
        raise UserError(request.error)
    if request.reply is None:
        raise UserError(tr("The generation was cancelled."))
    return request.reply


@dataclass(frozen=True)
class BatchedResult:
    """The result of one item of a batched request.

    Attributes:
        request: of this item and perhaps of others.
        index: of the item's take in the reply.
        items: number of items of the request.
    """

    request: Request
    index: int = 0
    items: int = 1

    def pair(self) -> Pair:
        """The two people of the item.

        Raises:
            UserError: the request failed or was cancelled.
        """
        return takes_of(self.request)[self.index]

    def constraint_errors(self) -> list[ConstraintError]:
        """How well the item meets each constraint.

        Raises:
            UserError: the request failed or was cancelled.
        """
        return errors_of(_reply_of(self.request))[self.index]

    def understood(self) -> tuple[UnderstoodPart, ...]:
        """How each part of the item's prompt was understood.

        None for a prompt that is used as written, or a model without a prompt classifier.

        Raises:
            UserError: the request failed or was cancelled.
        """
        items = _reply_of(self.request).values["understood"]
        return parts_of(items[self.index]) if items else ()

    def novelty(self) -> float | None:
        """Distance of the item's prompt from the closest training caption; None for a model without captions.

        Raises:
            UserError: the request failed or was cancelled.
        """
        distances = _reply_of(self.request).values["novelty"]
        return float(distances[self.index]) if distances else None

    def words_error(self) -> str:
        """Why the user's phrases were not used, as a sentence; empty if they were.

        Raises:
            UserError: the request failed or was cancelled.
        """
        return str(_reply_of(self.request).values["words_error"])

    def slowed(self) -> float:
        """How many times as long as it computed the generator took, because other programs used its cores.

        Raises:
            UserError: the request failed or was cancelled.
        """
        timings = _reply_of(self.request).values["timings"]
        return max(1.0, float(timings["sampling"]) / max(float(timings["computing"]), 1e-3))


def pairs_of(reply: Message) -> list[Pair]:
    """The takes of a ``result`` message as posed skeletons."""
    skeleton, fps = SKELETONS[reply.values["skeleton"]], float(reply.values["fps"])
    offsets, turns, places = (reply.arrays[name].astype(np.float64) for name in ("offsets", "rotations", "translation"))

    def person(take: int, index: int) -> PosedSkeleton:
        return PosedSkeleton(offsets[take, index], turns[take, index], places[take, index], fps, skeleton)

    return [(person(take, 0), person(take, 1)) for take in range(len(offsets))]


def progress_text(request: Request) -> str:
    """One line for the panel and the status bar."""
    text = tr(STAGES.get(request.stage, request.stage))
    return f"{text} {request.step}/{request.steps}" if request.steps > 1 else f"{text} ..."


def _leader_arrays(leader: Motion) -> dict[str, np.ndarray]:
    arrays = {"leader_joints": leader.joints.astype(np.float32)}
    if leader.rotations is not None and leader.root_orientation is not None:
        arrays["leader_rotations"] = leader.rotations.astype(np.float32)
        arrays["leader_root"] = leader.root_orientation.astype(np.float32)
    return arrays
