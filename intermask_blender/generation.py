"""What is asked of the generator and what comes back, without Blender: requests out, posed skeletons in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .client import Request, WorkerClient
from .core import SKELETONS, Message, Motion, PosedSkeleton, UserError

STAGES = {
    "starting": "Starting the generator",
    "loading": "Loading the model",
    "sampling": "Generating",
    "solving": "Fitting skeletons",
}
"""What the person at the screen reads while the worker is in each stage."""

LONGEST_PROMPT = 2000

Pair = tuple[PosedSkeleton, PosedSkeleton]


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
    """

    prompt: str
    model: Path
    seconds: float | None = 4.0
    seed: int = 0
    takes: int = 1
    leader: Motion | None = None


def submit(client: WorkerClient, settings: GenerationSettings) -> Request:
    """Send a generation to the worker; returns at once.

    Raises:
        UserError: the prompt is empty or too long, there is no such model, or the worker cannot be started.
    """
    prompt = settings.prompt.strip()
    if not prompt:
        raise UserError("The prompt is empty; write what the two people do.")
    if len(prompt) > LONGEST_PROMPT:
        raise UserError(f"The prompt has {len(prompt)} characters; shorten it to {LONGEST_PROMPT} at the most.")
    if not (settings.model / "config.json").is_file():
        raise UserError(f"There is no model in {settings.model}; choose a folder that holds a config.json.")
    values: dict[str, Any] = {
        "model": str(settings.model),
        "prompt": prompt,
        "seconds": settings.seconds,
        "seed": settings.seed,
        "takes": settings.takes,
    }
    if settings.leader is None:
        return client.submit("generate", values)
    return client.submit("react", values, _leader_arrays(settings.leader))


def takes_of(request: Request) -> list[Pair]:
    """The posed pairs of a finished request, one for each take.

    Raises:
        UserError: the request failed or was cancelled.
    """
    if request.failure:
        raise UserError(request.failure)
    if request.reply is None:
        raise UserError("The generation was cancelled.")
    return pairs_of(request.reply)


def pairs_of(reply: Message) -> list[Pair]:
    """The takes of a ``result`` message as posed skeletons."""
    skeleton, fps = SKELETONS[reply.values["skeleton"]], float(reply.values["fps"])
    offsets, turns, places = (reply.arrays[name].astype(np.float64) for name in ("offsets", "rotations", "translation"))

    def person(take: int, index: int) -> PosedSkeleton:
        return PosedSkeleton(offsets[take, index], turns[take, index], places[take, index], fps, skeleton)

    return [(person(take, 0), person(take, 1)) for take in range(len(offsets))]


def progress_text(request: Request) -> str:
    """One line for the panel and the status bar."""
    text = STAGES.get(request.stage, request.stage)
    return f"{text} {request.step}/{request.steps}" if request.steps > 1 else f"{text} ..."


def _leader_arrays(leader: Motion) -> dict[str, np.ndarray]:
    arrays = {"leader_joints": leader.joints.astype(np.float32)}
    if leader.rotations is not None and leader.root_orientation is not None:
        arrays["leader_rotations"] = leader.rotations.astype(np.float32)
        arrays["leader_root"] = leader.root_orientation.astype(np.float32)
    return arrays
