"""InterMask as a user of it sees it: text and motions in, motions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .checkpoint import Model, ModelConfig, load_model
from .completion import (
    Window,
    WindowTask,
    columns,
    free_everything,
    held_columns,
    lasting,
    pasted,
    windows,
)
from .devices import Device, choose_device, keep_freed_memory, suited
from .draws import Draw
from .errors import UserError
from .judging import Told, judged_by
from .known_captions import KnownCaptions, Nearest, load_captions
from .motion import FPS, Interaction, Motion
from .motion.canonical import Placement
from .networks.tokenizer import FRAMES_A_TOKEN
from .pair_embedding import JUDGE, PairEmbedding
from .prompts import segments
from .representations import REPRESENTATIONS
from .sampling import SamplingSettings, StepCallback, given_confidence
from .text_encoders import TextEncoder, load_text_encoder

SHORTEST = 16
"""Frames of the shortest clip: four columns of tokens."""
LONGEST = 1800
"""Frames of the longest clip, a minute; what is longer than the model's own clips is made by extension."""


class InterMask:
    """A loaded model. Every result is a draw that its seed determines."""

    def __init__(
        self,
        model: Model,
        text_encoder: TextEncoder,
        computes: Device,
        captions: KnownCaptions | None = None,
        judge: PairEmbedding | None = None,
    ) -> None:
        self.model = model
        self.captions = captions
        self.judge = judge
        self.text_encoder = text_encoder
        self.computes = computes
        self.device = computes.place
        self.representation = REPRESENTATIONS[model.config.tokenizer.dataset]

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> InterMask:
        """Load a model folder and its text encoder.

        Args:
            folder: holds ``config.json`` and safetensors.
            device: what computes, as ``choose_device`` knows it: ``auto``, ``cpu``, ``cuda``, ``cuda:N``, ``mps``,
                or ``cpu-int8``, ``cpu-compiled``, ``cuda-compiled``.

        Raises:
            UserError: the folder or the device is not there, or damaged.
        """
        chosen = choose_device(device)
        model = load_model(Path(folder), chosen.place)
        suited(model.transformer, chosen)
        if chosen.place.type == "cpu":
            keep_freed_memory()
        encoder = load_text_encoder(model.text_encoder, chosen.place)
        judge = Path(folder) / JUDGE
        return cls(
            model,
            encoder,
            chosen,
            load_captions(Path(folder)),
            PairEmbedding.load(judge, encoder) if judge.is_dir() else None,
        )

    @property
    def config(self) -> ModelConfig:
        """The model's settings."""
        return self.model.config

    def nearest_known(self, prompt: str, frames: int) -> Nearest | None:
        """What the model learnt from that is most like a prompt, and how far from it the prompt is.

        Args:
            prompt: as in ``generate``; of one with times the part that is furthest from all that the model knows.
            frames: of the clip.

        Returns:
            None where the model's folder does not say what it learnt from.

        Raises:
            UserError: the prompt is empty, or its times do not fit.
        """
        known = self.captions
        if known is None:
            return None
        parts = [known.nearest(segment.prompt, self.text_encoder) for segment in segments(prompt, frames, FPS)]
        return max(parts, key=lambda part: part.distance)

    def generate(
        self,
        prompt: str,
        frames: int,
        settings: SamplingSettings | None = None,
        seed: int = 0,
        takes: int = 1,
        on_step: StepCallback | None = None,
    ) -> list[Interaction]:
        """Two people from a text.

        Args:
            prompt: what they do; "0-4 s: they bow; 4-10 s: they fight" says it for each part.
            frames: length at 30 frames a second, 16 and up; what is longer than the model's clips is made by extension.
            settings: of sampling; None takes the model's own.
            seed: of the draw.
            takes: how many draws, made as one batch.
            on_step: progress and cancelling.

        Returns:
            One interaction a take, in the canonical frame of the first person.
        """
        free = free_everything(frames)
        return self.complete(prompt, (None, None), free, frames, settings, seed, takes, on_step)

    def generate_rows(
        self,
        prompts: Sequence[str],
        frames: int,
        seeds: Sequence[int],
        settings: SamplingSettings | None = None,
        on_step: StepCallback | None = None,
    ) -> list[Interaction]:
        """Several texts, each with a seed of its own, as one batch.

        A row is what ``generate`` makes of it alone, but for rounding: networks sum a batch in another order, which
        can turn a draw between two codes that are equally likely to six digits.

        Args:
            prompts, seeds: of the rows, equally many.
            frames, settings, on_step: as in ``generate``; rows with times in their prompts go with those of the same.

        Returns:
            One interaction a row.
        """
        self._check(frames)
        chosen = settings or self.config.sampling
        rows = [self._stretches(prompt, frames, 0) for prompt in prompts]
        groups: dict[tuple[Window | int, ...], list[int]] = {}
        for row, stretches in enumerate(rows):
            alike = tuple(window for window, _ in stretches)
            # Steps are left out for all of a batch or for none, so each row is one of its own there.
            groups.setdefault(alike if chosen.settled == 1 else (row,), []).append(row)
        made: dict[int, Interaction] = {}
        for number, members in enumerate(groups.values()):
            together = [
                (parts[0][0], Told.together([told for _, told in parts]))
                for parts in zip(*(rows[row] for row in members), strict=True)
            ]
            draw = Draw(chosen, tuple(self._source(seeds[row]) for row in members))
            step, free = _within(on_step, number, len(groups)), free_everything(frames)
            pairs = self._completed(together, (None, None), free, frames, draw, len(members), step)
            for row, pair in zip(members, pairs, strict=True):
                made[row] = Interaction(pair, prompts[row], self.config.name, seeds[row])
        return [made[row] for row in range(len(rows))]

    def react(
        self,
        prompt: str,
        leader: Motion,
        settings: SamplingSettings | None = None,
        seed: int = 0,
        takes: int = 1,
        on_step: StepCallback | None = None,
    ) -> list[Interaction]:
        """A partner for a given person.

        Args:
            prompt: what the two do.
            leader: with local rotations, at 30 frames a second, anywhere in the world; hands are flat where unknown.
            settings, seed, takes, on_step: as in ``generate``; half of the steps are made, as published.

        Returns:
            One interaction a take: the leader as given and the reactor, in the leader's world.
        """
        chosen = settings or self.config.sampling
        halved = replace(chosen, steps=max(1, chosen.steps // 2))
        free = free_everything(len(leader))
        free[0] = False
        return self.complete(prompt, (leader, None), free, len(leader), halved, seed, takes, on_step)

    def extend(
        self,
        prompt: str,
        known: Interaction,
        frames: int,
        settings: SamplingSettings | None = None,
        seed: int = 0,
        takes: int = 1,
        on_step: StepCallback | None = None,
    ) -> list[Interaction]:
        """Go on with an interaction until it has so many frames; what is known stays exactly as it is."""
        free = free_everything(frames)
        return self.complete(prompt, known.people, free, frames, settings, seed, takes, on_step, len(known))

    def restyle(
        self,
        prompt: str,
        known: Interaction,
        strength: float,
        settings: SamplingSettings | None = None,
        seed: int = 0,
        takes: int = 1,
        on_step: StepCallback | None = None,
        within: np.ndarray | None = None,
    ) -> list[Interaction]:
        """Make anew what suits a prompt least, and hold the rest.

        Args:
            prompt: what the two do now; as in ``generate``.
            known: the interaction to change, with local rotations.
            strength: share of the tokens that are made anew, the least confident ones; 0 leaves all, 1 leaves none.
            settings, seed, takes, on_step: as in ``generate``.
            within: (2, P, S) true for the tokens that may be made anew; None for all. The share is of these.

        Returns:
            One interaction a take, in the world of the known one.

        Raises:
            UserError: the strength is not between 0 and 1, or the length cannot be made.
        """
        free = self.least_confident(prompt, known, strength, settings, seed, within)
        return self.complete(prompt, known.people, free, len(known), settings, seed, takes, on_step)

    def least_confident(
        self,
        prompt: str,
        known: Interaction,
        share: float,
        settings: SamplingSettings | None = None,
        seed: int = 0,
        within: np.ndarray | None = None,
    ) -> np.ndarray:
        """The tokens of an interaction that suit a prompt least.

        Args:
            prompt, known, settings, seed, within: as in ``restyle``.
            share: of the tokens in ``within``, 0 to 1.

        Returns:
            (2, P, S) true for these tokens, as ``complete`` takes them.

        Raises:
            UserError: the share is not between 0 and 1, or the length cannot be made.
        """
        if not 0 <= share <= 1:
            raise UserError(f"A strength of {share:g} cannot be made; choose 0 to 1.")
        frames = len(known)
        self._check(frames)
        guidance = (settings or self.config.sampling).guidance
        generator = self._source(seed)
        everything = free_everything(frames)
        if share == 1:
            return everything if within is None else within
        confidence = np.zeros(everything.shape)
        people = [self.representation.prepared(person) for person in known.people]
        for window, told in self._stretches(prompt, frames, 0):
            place = slice(window.start // FRAMES_A_TOKEN, columns(window.stop))
            task = WindowTask(everything[:, :, place], window)
            pair = [person.frames(window.start, window.stop) for person in people]
            ids = self._maps(pair, task.placement(pair, self.representation.placement), task)
            sure = given_confidence(self.model.transformer, ids[None], told.condition, guidance, generator)[0]
            new = ~held_columns(window.overlap, task.frames)  # the others were judged in the window before
            confidence[:, :, place][:, :, new] = sure.float().cpu().numpy()[:, :, new]
        chosen = everything if within is None else within
        count = round(share * int(chosen.sum()))
        ranks = np.where(chosen, confidence, np.inf).ravel().argsort(kind="stable").argsort(kind="stable")
        return (ranks < count).reshape(chosen.shape) & chosen

    def _stretches(self, prompt: str, frames: int, begun: int) -> list[tuple[Window, Told]]:
        """The windows of a clip, each with what happens in it."""
        stretches: list[tuple[Window, Told]] = []
        for segment in segments(prompt, frames, FPS):
            told = self.told(segment.prompt)
            stretches += [(window, told) for window in windows(segment.stop, self.config.longest, begun)]
            begun = max(begun, segment.stop)
        return stretches

    def complete(
        self,
        prompt: str,
        known: tuple[Motion | None, Motion | None],
        free: np.ndarray,
        frames: int,
        settings: SamplingSettings | None = None,
        seed: int = 0,
        takes: int = 1,
        on_step: StepCallback | None = None,
        begun: int = 0,
    ) -> list[Interaction]:
        """Fill in what is free and hold the rest: the one way in which everything is made.

        Args:
            prompt: what the two do.
            known: the two people as far as they are known, from frame 0 on, in one world; the last frame of a shorter
                one counts as repeated. None for a person of whom nothing is held.
            free: (2, P, S) true for the tokens to fill in, S = frames / 4 rounded up.
            frames: of the result.
            settings, seed, takes, on_step: as in ``generate``.
            begun: so many frames at the beginning are known of both people and stay, whatever ``free`` says.

        Returns:
            One interaction a take, in the world of the known people. Frames whose tokens are all held stay exactly
            as they were.
        """
        self._check(frames)
        draw = Draw(settings or self.config.sampling, (self._source(seed),))
        pairs = self._completed(self._stretches(prompt, frames, begun), known, free, frames, draw, takes, on_step)
        return [Interaction(pair, prompt, self.config.name, seed) for pair in pairs]

    def _completed(
        self,
        stretches: list[tuple[Window, Told]],
        known: tuple[Motion | None, Motion | None],
        free: np.ndarray,
        frames: int,
        draw: Draw,
        takes: int,
        on_step: StepCallback | None,
    ) -> list[tuple[Motion, Motion]]:
        """Both people of each take, window by window; a stretch tells all takes the same, or each its own."""
        prepared = self.representation.prepared
        given = [None if person is None else lasting(prepared(person), frames) for person in known]
        pairs = [list(given) for _ in range(takes)]
        for number, (window, told) in enumerate(stretches):
            task = WindowTask(free[:, :, window.start // FRAMES_A_TOKEN : columns(window.stop)], window)
            if task.free.any():
                step = _within(on_step, number, len(stretches))
                self._complete_window(pairs, task, window, frames, told, draw, step)
        made_pairs = [[person for person in pair if person is not None] for pair in pairs]
        people = [(first, second) for first, second in made_pairs]
        if all(person is None for person in known):
            people = [self.representation.settled(pair) for pair in people]
        return people

    def _source(self, seed: int) -> torch.Generator:
        """Randomness that a seed determines."""
        return torch.Generator(self.device).manual_seed(seed)

    def _complete_window(
        self,
        takes: list[list[Motion | None]],
        task: WindowTask,
        window: Window,
        frames: int,
        told: Told,
        draw: Draw,
        on_step: StepCallback | None,
    ) -> None:
        """Fill in one window of all takes at once and put it into them."""
        pairs = [[None if p is None else p.frames(window.start, window.stop) for p in pair] for pair in takes]
        places = [task.placement(pair, self.representation.placement) for pair in pairs]
        maps = torch.stack([self._maps(pair, place, task) for pair, place in zip(pairs, places, strict=True)])
        mask = torch.from_numpy(task.free).to(self.device).expand(len(maps), -1, -1, -1)
        # The person who leads the window comes first, as in training.
        ids, places_free = maps[:, task.order], mask[:, task.order]
        judge = self.judge
        choose = None if judge is None or told.wanted is None else judged_by(judge, told.wanted, self.decode)
        filled = draw.fill(self.model.transformer, ids, places_free, told.condition, on_step, choose)[:, task.order]
        made, before = self.decode(filled), self.decode(maps) if task.partly.any() else None
        for index, (pair, place) in enumerate(zip(pairs, places, strict=True)):
            for person in (0, 1):
                new, old = (
                    None
                    if rows is None
                    else place.inverse.of(self.representation.motion(rows[index, person, : task.frames]))
                    for rows in (made, before)
                )
                assert new is not None
                result = task.result(person, pair[person], new, old)
                takes[index][person] = pasted(takes[index][person], result, window.start, frames)

    def _maps(self, pair: Sequence[Motion | None], placement: Placement, task: WindowTask) -> Tensor:
        """(2, P, S) tokens of a window's people as far as they are known; zeros for the others."""
        blank = torch.zeros(task.free.shape[1:], dtype=torch.long, device=self.device)
        return torch.stack([blank if person is None else self.encode(placement.of(person)) for person in pair])

    @torch.inference_mode()
    def encode(self, motion: Motion) -> Tensor:
        """(P, S) tokens of a motion in its canonical frame; its last frame is repeated to fill the last column."""
        whole_columns = lasting(self.representation.prepared(motion), FRAMES_A_TOKEN * columns(len(motion)))
        rows = self.representation.rows(whole_columns)
        normal = (torch.from_numpy(rows).to(self.device) - self.model.mean) / self.model.std
        return self.model.tokenizer.encode(normal[None])[0, 0]

    @torch.inference_mode()
    def decode(self, ids: Tensor) -> np.ndarray:
        """(takes, 2, T, ...) rows in metres from token maps (takes, 2, P, S)."""
        rows = self.model.tokenizer.decode(ids.flatten(0, 1)[:, None])
        return (rows * self.model.std + self.model.mean).unflatten(0, (-1, 2)).float().cpu().numpy()

    @torch.inference_mode()
    def told(self, prompt: str) -> Told:
        """What a prompt says to the networks."""
        features = self.text_encoder.encode([prompt])
        condition = self.model.transformer.text_layers(features.hidden, features.mask, features.end)
        wanted = None if self.judge is None else self.judge.network.text(features.pooled.cpu())
        return Told(condition, wanted)

    def _check(self, frames: int) -> None:
        if not SHORTEST <= frames <= LONGEST:
            raise UserError(
                f"{frames} frames at {FPS:g} a second cannot be made; choose {SHORTEST} to {LONGEST} "
                f"({SHORTEST / FPS:.1f} to {LONGEST / FPS:g} seconds)."
            )


def _within(on_step: StepCallback | None, number: int, count: int) -> StepCallback | None:
    """A callback for one of several windows that counts the steps of all."""
    if on_step is None:
        return None
    return lambda step, steps: on_step(number * steps + step, count * steps)
