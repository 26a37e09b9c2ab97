"""The requests of the worker, parsed and checked from messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..constraints import Constraints
from ..constraints.files import constraints_from_json
from ..constraints.types import frames_of
from ..errors import UserError
from ..generation.constrained import checked, held_frames
from ..generation.prompts import segments
from ..kinematics import SolveSettings
from ..kinematics.settings import Ends
from ..model_files.sampling_settings import SamplingSettings
from ..motion import FPS, Interaction, Motion
from ..networks.token_map import FRAMES_PER_TOKEN, PARTS, token_columns
from ..settings import build
from .limits import MAX_SEED, MAX_TAKES, SHORTEST_SECONDS
from .motions import leader_motion, source_interaction
from .protocol import Message
from .values import (
    batch_items,
    choice,
    device_name,
    flag,
    integer,
    model_folder,
    number,
    prompt_text,
    sampling_values,
    table,
    words_file,
)


@dataclass(frozen=True)
class LoadRequest:
    """Load a model and keep it in memory.

    Attributes:
        model: its folder.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
    """

    model: Path
    device: str

    @classmethod
    def from_message(cls, message: Message) -> LoadRequest:
        """Read a ``load`` message.

        Raises:
            UserError: a value is missing or out of range.
        """
        return cls(model_folder(message.values), device_name(message.values))


@dataclass(frozen=True)
class UnderstandRequest:
    """Say how a prompt is understood, without making anything.

    Attributes:
        load: the model; its networks are not loaded for this.
        prompt: what the two people do.
        frames: length of the clip, for a prompt with times.
        words: a ``words.json`` of the user's own phrases; None for none.
    """

    load: LoadRequest
    prompt: str
    frames: int
    words: Path | None

    @classmethod
    def from_message(cls, message: Message) -> UnderstandRequest:
        """Read an ``understand`` message.

        Raises:
            UserError: a value is missing or out of range.
        """
        values = message.values
        seconds = number(values, "seconds")
        if seconds is None or seconds < SHORTEST_SECONDS:
            raise UserError(f"'seconds' is {seconds}; give the length of the clip, {SHORTEST_SECONDS:g} or more.")
        return cls(LoadRequest.from_message(message), prompt_text(values), round(seconds * FPS), words_file(values))


@dataclass(frozen=True)
class Edit:
    """The tokens of the source motion that are regenerated.

    Attributes:
        people: some of 0 and 1.
        parts: some of the five body parts of the token map.
        start, stop: range of frames, ``stop`` exclusive.
        strength: fraction of these tokens to regenerate, the least likely ones; 1 regenerates all.
    """

    people: tuple[int, ...]
    parts: tuple[int, ...]
    start: int
    stop: int
    strength: float

    def free(self, frames: int) -> np.ndarray:
        """(2, 5, S) true for the tokens that are regenerated; a token covers four frames.

        Args:
            frames: length of the source motion.
        """
        free = np.zeros((2, PARTS, token_columns(frames)), dtype=bool)
        time = slice(self.start // FRAMES_PER_TOKEN, token_columns(self.stop))
        for person in self.people:
            free[person, list(self.parts), time] = True
        return free


@dataclass(frozen=True)
class MotionRequest:
    """Generate interactions from a prompt, from a prompt and a leader, from a source motion, or a batch from prompts.

    Attributes:
        load: the model.
        prompt: what the two people do.
        seconds, frames: the length, as one of the two; both None for the leader's length.
        seed: determines all takes.
        takes: number of different interactions.
        sampling: sampling settings of the client, by name; the others have the model's values.
        solve: settings of the solver.
        leader: the given person, in its own world; None if both people are generated.
        source: the interaction that is edited or extended; None for the other requests.
        edit: the part of ``source`` that is regenerated; None if it is extended.
        items: prompt and seed of each item of a batched request, one take each; empty for the other requests.
        words: a ``words.json`` of the user's own phrases; None for none.
        as_written: prompts condition the networks in their own words.
        constraints: of every take and item, in the world of the result.
        partly: whether constraints that cannot be met are left out, instead of being an error.
        ends: which ends of a new clip come to rest.
        loop: whether the last frame leads into the first.
        in_place: whether the travel that both people share is left out.
        drafts: whether drafts are sent while the first take is drawn.
    """

    load: LoadRequest
    prompt: str
    seconds: float | None
    frames: int | None
    seed: int
    takes: int
    sampling: Mapping[str, Any]
    solve: SolveSettings
    leader: Motion | None
    source: Interaction | None
    edit: Edit | None
    items: tuple[tuple[str, int], ...] = ()
    words: Path | None = None
    as_written: bool = False
    constraints: Constraints = Constraints()
    partly: bool = False
    ends: Ends = Ends(False, False)
    loop: bool = False
    in_place: bool = False
    drafts: bool = False

    @classmethod
    def from_message(cls, message: Message) -> MotionRequest:
        """Read a ``generate``, ``generate_batch``, ``react``, ``edit`` or ``extend`` message.

        Raises:
            UserError: a value is missing or out of range.
        """
        values = message.values
        items = batch_items(values) if message.type == "generate_batch" else ()
        leader = leader_motion(message) if message.type == "react" else None
        source = source_interaction(message) if message.type in ("edit", "extend") else None
        edit = _edit(values, len(source)) if source is not None and message.type == "edit" else None
        frames = integer(values, "frames", None, 1, 10**9)
        seconds = number(values, "seconds")
        if seconds is not None and frames is not None:
            raise UserError("A length was given in seconds and in frames; give one of the two.")
        if edit is not None and (seconds is not None or frames is not None):
            raise UserError("An edit keeps the length; leave the seconds and frames out, or extend the clip.")
        given = leader is not None or source is not None
        loop, in_place = flag(values, "loop"), flag(values, "in_place")
        if given and (loop or in_place):
            raise UserError("Only new clips of two people can loop or stay in place; turn both off for this one.")
        if seconds is None and frames is None and leader is None and edit is None:
            raise UserError("No length was given; say how many seconds the clip should last.")
        return cls(
            LoadRequest.from_message(message),
            items[0][0] if items else prompt_text(values),
            seconds,
            frames,
            integer(values, "seed", 0, 0, MAX_SEED) or 0,
            integer(values, "takes", 1, 1, MAX_TAKES) or 1,
            sampling_values(values),
            _solve_settings(values, leader, source),
            leader,
            source,
            edit,
            items,
            words_file(values),
            flag(values, "as_written"),
            _constraints(values),
            flag(values, "partly"),
            Ends(False, False) if given or loop else _ends(values),
            loop,
            in_place,
            flag(values, "drafts"),
        )

    def length(self, shortest: int, longest: int) -> int:
        """Frames to generate.

        Args:
            shortest, longest: limits in frames.

        Raises:
            UserError: outside the limits, longer than the leader, or no longer than the motion that is extended.
        """
        seconds = self.seconds
        if seconds is not None and not SHORTEST_SECONDS <= seconds <= longest / FPS:
            raise UserError(
                f"{seconds:g} seconds cannot be generated; choose {SHORTEST_SECONDS:g} to {longest / FPS:g} seconds."
            )
        requested = self.frames if seconds is None else max(shortest, round(seconds * FPS))
        if self.source is not None and self.edit is not None:
            return len(self.source)
        if self.source is not None and requested is not None and requested <= len(self.source):
            raise UserError(
                f"The clip has {len(self.source)} frames already and {requested} were asked for; ask for a longer one."
            )
        if self.leader is None:
            return requested or 0
        if requested is not None and requested > len(self.leader):
            raise UserError(
                f"The leader has {len(self.leader)} frames and {requested} were asked for; "
                "choose a shorter length or a longer part of the leader."
            )
        return requested or len(self.leader)

    def constraints_that_can_be_met(self, frames: int) -> Constraints | None:
        """The constraints of the clip; None where there are none.

        Args:
            frames: of the clip.

        Raises:
            UserError: one cannot be met, and ``partly`` is false.
        """
        prompts = [prompt for prompt, _ in self.items] or [self.prompt]
        known: Sequence[Motion] = ()
        if self.leader is not None:
            known = [self.leader]
        elif self.source is not None:
            known = self.source.people
        free, fixed_frames = self._free(frames)
        return checked(self.constraints, prompts, frames, known, free, fixed_frames, self.partly)

    def kept_frames(self, frames: int) -> np.ndarray:
        """(2, T) true for the frames of each person that stay as they are, of a clip of that many frames."""
        return held_frames(frames, *self._free(frames))

    def _free(self, frames: int) -> tuple[np.ndarray | None, int]:
        """(2, P, S) true for the tokens to generate, None for all, and the number of frames before them."""
        if self.leader is not None:
            return Edit((1,), tuple(range(PARTS)), 0, frames, 1.0).free(frames), 0
        if self.source is None:
            return None, 0
        return (None, len(self.source)) if self.edit is None else (self.edit.free(frames), 0)

    def drawn_frames(self, frames: int) -> int:
        """Frames to draw for a clip of ``frames`` frames, which are fewer if its pace may change."""
        return self.ends.drawn_frames(frames) if self.bound_frames(frames) is None else frames

    def bound_frames(self, frames: int) -> np.ndarray | None:
        """(T,) true for frames that something was asked for; None if the pace of a clip of ``frames`` may change."""
        prompts = [prompt for prompt, _ in self.items] or [self.prompt]
        if not self.constraints and all(len(segments(prompt, frames, FPS)) == 1 for prompt in prompts):
            return None
        asked = [frame for constraint in self.constraints for frame in frames_of(constraint) if 0 <= frame < frames]
        return np.isin(np.arange(frames), asked)

    def sampling_settings(self, defaults: SamplingSettings) -> SamplingSettings:
        """The model's settings, overridden by the client's."""
        return replace(defaults, **{name: value for name, value in self.sampling.items() if name in asdict(defaults)})


def _ends(values: Mapping[str, Any]) -> Ends:
    """Which ends of a new clip come to rest; a reaction, an edit and an extension keep the ends of what is given."""
    return Ends(flag(values, "start_at_rest"), flag(values, "settle_at_end"))


def _constraints(values: Mapping[str, Any]) -> Constraints:
    """The constraints of a message, in the form of a constraint file."""
    given = values.get("constraints")
    return Constraints() if given is None else constraints_from_json(given, "the request")


def _solve_settings(values: Mapping[str, Any], leader: Motion | None, source: Interaction | None) -> SolveSettings:
    """The solver's settings, which by default do not change the user's own motion; the client's settings override them.

    A leader is held. Root teleports of a source motion are not bridged: its keys stay, and new frames continue them.
    """
    defaults: dict[str, Any] = {}
    if leader is not None:
        defaults["held"] = 0
    if source is not None:
        defaults["bridge_root_teleports"] = False
    return build(SolveSettings, {**defaults, **table(values, "solve")}, "The table of solver settings")


def _edit(values: Mapping[str, Any], frames: int) -> Edit:
    """The edit of a source motion of ``frames`` frames."""
    start = integer(values, "start", 0, 0, frames - 1) or 0
    stop = integer(values, "stop", frames, start + 1, frames) or frames
    strength = number(values, "strength")
    if strength is not None and not 0 <= strength <= 1:
        raise UserError(f"'strength' is {strength:g}; give a number from 0 to 1.")
    return Edit(
        choice(values, "people", 2),
        choice(values, "parts", PARTS),
        start,
        stop,
        1.0 if strength is None else strength,
    )
