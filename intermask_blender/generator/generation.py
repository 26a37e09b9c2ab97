"""What is asked of the generator and what comes back, without Blender: requests out, posed skeletons in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core import SKELETONS, Message, Motion, PosedSkeleton, UserError
from ..translations import tr, tr_noop
from .client import Request, WorkerClient

STAGES = {
    "starting": tr_noop("Starting the generator"),
    "loading": tr_noop("Loading the model"),
    "sampling": tr_noop("Generating"),
    "solving": tr_noop("Fitting skeletons"),
}
"""What the person at the screen reads while the worker is in each stage."""

LONGEST_PROMPT = 2000

Pair = tuple[PosedSkeleton, PosedSkeleton]


@dataclass(frozen=True)
class Known:
    """What is there already and is changed or continued.

    Attributes:
        people: both motions in one world, equally long, at the model's rate.
        rows: rows of the token map that are made anew (``docs/body-parts.md``).
        who: which of the two people are made anew.
        start, stop: frames at the model's rate that are made anew, ``stop`` exclusive.
        strength: share of this part that is made anew, what suits the prompt least; 1 means all of it.
        extends: true where all of it stays and the clip becomes ``GenerationSettings.seconds`` long.
    """

    people: tuple[Motion, Motion]
    rows: tuple[int, ...] = (0, 1, 2, 3, 4)
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
        takes: how many different draws.
        leader: the motion that the other person reacts to, at the model's rate; None generates both people.
        known: an interaction that is edited or extended; None where there is none.
        sampling: values of some of ``KNOBS``, by name; the model's own values stand for the others.
        foot_lock: standing feet are held in place.
        contact: hands that touch stay together, and those that nearly touch come together.
    """

    prompt: str
    model: Path
    seconds: float | None = 4.0
    seed: int = 0
    takes: int = 1
    leader: Motion | None = None
    known: Known | None = None
    sampling: Mapping[str, float] = field(default_factory=dict)
    foot_lock: bool = True
    contact: bool = True


class Generation:
    """One generation under way, from its request to its result; a worker that dies is started again once."""

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
        """Whether there is nothing more to come."""
        return self._request.done

    @property
    def succeeded(self) -> bool:
        """Whether there are takes."""
        return self._request.reply is not None

    @property
    def text(self) -> str:
        """One line for the panel and the status bar."""
        return progress_text(self._request)

    @property
    def factor(self) -> float:
        """Share of the current stage that is done, 0 to 1."""
        return self._request.factor

    def poll(self) -> None:
        """Bring it up to date; takes well under a millisecond when nothing came."""
        self._client.poll()
        if self._request.crashed and not self.restarted:
            self.restarted = True
            try:
                self._request = submit(self._client, self.settings)
            except UserError as error:
                self._request.failure = str(error)

    def wait(self) -> None:
        """Wait until it is done: for background mode, where there is no event loop."""
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


def submit(client: WorkerClient, settings: GenerationSettings) -> Request:
    """Send a generation to the worker; returns at once.

    Raises:
        UserError: the prompt is empty or too long, there is no such model, or the worker cannot be started.
    """
    values = request_values(settings)
    if settings.known is not None:
        return _submit_known(client, settings.known, values)
    if settings.leader is None:
        return client.submit("generate", values)
    return client.submit("react", values, _leader_arrays(settings.leader))


def submit_batch(client: WorkerClient, rows: Sequence[GenerationSettings]) -> Request:
    """Send several generations, which differ in prompt and seed alone, as one request; a take of its result is a row.

    Raises:
        UserError: as ``submit``.
    """
    values = [request_values(row) for row in rows]
    lists = {"prompts": [row["prompt"] for row in values], "seeds": [row["seed"] for row in values]}
    shared = {name: value for name, value in values[0].items() if name not in ("prompt", "seed", "takes")}
    return client.submit("generate_batch", {**shared, **lists})


def request_values(settings: GenerationSettings) -> dict[str, Any]:
    """The fields of a request.

    Raises:
        UserError: the prompt is empty or too long, or there is no such model.
    """
    prompt = settings.prompt.strip()
    if not prompt:
        raise UserError(tr("The prompt is empty; write what the two people do."))
    if len(prompt) > LONGEST_PROMPT:
        raise UserError(
            tr("The prompt has {count} characters; shorten it to {most} at the most.").format(
                count=len(prompt), most=LONGEST_PROMPT
            )
        )
    if not (settings.model / "config.json").is_file():
        raise UserError(
            tr("There is no model in {folder}; choose a folder that holds a config.json.").format(folder=settings.model)
        )
    return {
        "model": str(settings.model),
        "prompt": prompt,
        "seconds": settings.seconds,
        "seed": settings.seed,
        "takes": settings.takes,
        **settings.sampling,
        "solve": {
            "feet": settings.foot_lock,
            "keep_contacts": settings.contact,
            "close_contacts": settings.contact,
        },
    }


def _submit_known(client: WorkerClient, known: Known, values: dict[str, Any]) -> Request:
    arrays = {"known_joints": np.stack([person.joints for person in known.people]).astype(np.float32)}
    rotations = [person.rotations for person in known.people if person.rotations is not None]
    roots = [person.root_orientation for person in known.people if person.root_orientation is not None]
    if len(rotations) == len(roots) == 2:
        arrays["known_rotations"] = np.stack(rotations).astype(np.float32)
        arrays["known_root"] = np.stack(roots).astype(np.float32)
    if known.extends:
        return client.submit("extend", values, arrays)
    if len(known.who) == 1:
        # Whoever stays is not moved: the other's hands come to it.
        values = {**values, "solve": {**values["solve"], "held": 1 - known.who[0]}}
    part = {"people": list(known.who), "rows": list(known.rows), "start": known.start, "stop": known.stop}
    return client.submit("edit", {**values, "seconds": None, **part, "strength": known.strength}, arrays)


def takes_of(request: Request) -> list[Pair]:
    """The posed pairs of a finished request, one for each take.

    Raises:
        UserError: the request failed or was cancelled.
    """
    if request.failure:
        raise UserError(request.failure)
    if request.reply is None:
        raise UserError(tr("The generation was cancelled."))
    return pairs_of(request.reply)


@dataclass(frozen=True)
class Share:
    """What a row has of a request.

    Attributes:
        request: asked for it, and perhaps for others.
        place: the row's take in the result.
        rows: how many rows the request is for.
    """

    request: Request
    place: int = 0
    rows: int = 1

    def pair(self) -> Pair:
        """The row's people.

        Raises:
            UserError: the request failed or was cancelled.
        """
        return takes_of(self.request)[self.place]


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
