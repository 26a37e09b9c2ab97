"""InterMask as a user of it sees it: text and motions in, motions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..model_files.model_folder import load_model
from ..model_files.sampling_settings import SamplingSettings
from ..model_files.training_captions import Nearest, load_captions
from ..motion import FPS, Interaction, Motion
from ..networks.tokenizer import FRAMES_A_TOKEN
from ..text_encoders import load_text_encoder
from .batching import Draw
from .completion import Window, WindowTask, columns, free_everything, held_columns
from .devices import choose_device, keep_freed_memory, suited
from .prompts import segments
from .reranking import TextCondition
from .sampling import StepCallback, token_log_probs
from .windowed import LoadedModel, within


class InterMask(LoadedModel):
    """A loaded model. Every result is a draw that its seed determines."""

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> InterMask:
        """Load a model folder and its text encoder.

        Args:
            folder: holds ``config.json`` and safetensors.
            device: what computes, as ``choose_device`` knows it: ``auto``, ``cpu``, ``cuda``, ``cuda:N``, ``mps``,
                or ``cpu-bf16``, ``cpu-int8``, ``cpu-compiled``, ``cuda-compiled``.

        Raises:
            UserError: the folder or the device is not there, or damaged.
        """
        chosen = choose_device(device)
        model = load_model(Path(folder), chosen.place)
        suited(model.transformer, chosen)
        if chosen.place.type == "cpu":
            keep_freed_memory()
        encoder = load_text_encoder(model.text_encoder, chosen.place)
        return cls(model, encoder, chosen, load_captions(Path(folder)))

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

    def generate_batch(
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
            groups.setdefault(alike if chosen.skip_confidence == 1 else (row,), []).append(row)
        made: dict[int, Interaction] = {}
        for number, members in enumerate(groups.values()):
            together = [
                (parts[0][0], TextCondition.together([text_condition for _, text_condition in parts]))
                for parts in zip(*(rows[row] for row in members), strict=True)
            ]
            draw = Draw(chosen, tuple(self._source(seeds[row]) for row in members))
            step, free = within(on_step, number, len(groups)), free_everything(frames)
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
        for window, text_condition in self._stretches(prompt, frames, 0):
            place = slice(window.start // FRAMES_A_TOKEN, columns(window.stop))
            task = WindowTask(everything[:, :, place], window)
            pair = [person.frames(window.start, window.stop) for person in people]
            ids = self._maps([pair], [task.placement(pair, self.representation.placement)], task)[0]
            sure = token_log_probs(self.model.transformer, ids[None], text_condition.condition, guidance, generator)[0]
            new = ~held_columns(window.overlap, task.frames)  # the others were judged in the window before
            confidence[:, :, place][:, :, new] = sure.float().cpu().numpy()[:, :, new]
        chosen = everything if within is None else within
        count = round(share * int(chosen.sum()))
        ranks = np.where(chosen, confidence, np.inf).ravel().argsort(kind="stable").argsort(kind="stable")
        return (ranks < count).reshape(chosen.shape) & chosen

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
