"""The public interface of InterMask: text and motions in, motions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..constraints import Targets
from ..errors import UserError
from ..model_files.kinds import kinds_done_once
from ..model_files.model_folder import Model, load_model
from ..model_files.sampling_settings import SamplingSettings
from ..model_files.settings import ModelConfig
from ..motion import FPS, SMPL, Interaction, Motion, PosedSkeleton
from ..motion.limits import MAX_FRAMES, MIN_FRAMES
from .batching import BatchSampler
from .clip_texts import ClipTexts, stacked
from .completion import Window, all_free
from .constrained import bound_tokens, checked
from .devices import ComputeDevice, choose_device, keep_freed_memory, prepare_transformer
from .drafts import DraftCallback
from .finger_poses import finger_poses
from .looping import Loop, drawn_frames, looped, smoother
from .motion_codec import MotionCodec
from .options import GenerateOptions
from .prompt_reader import PromptReader
from .reranking import TextCondition
from .restyling import known_log_probs, least_likely
from .sequence import DrawnPart, Scorer
from .windowed import WindowedCompleter, sub_progress

__all__ = ["GenerateOptions", "InterMask"]

_DEFAULTS = GenerateOptions()


class InterMask:
    """A loaded model. The seed determines every result.

    Attributes:
        model: the networks.
        reader: of prompts, with the model's text encoder.
        compute_device: the device and its mode.
        codec: converts motions to tokens and back.
    """

    def __init__(
        self,
        model: Model,
        reader: PromptReader,
        compute_device: ComputeDevice,
        once: frozenset[str] = frozenset(),
        detectors: bool = True,
    ) -> None:
        """Create it.

        Args:
            model, reader, compute_device: as the attributes.
            once: names of kinds of interaction that are done once, however long a clip is.
            detectors: as in ``load``.
        """
        self.model = model
        self.reader = reader
        self.compute_device = compute_device
        self.codec = MotionCodec(model, self.device)
        self._completer = WindowedCompleter(model, self.codec)
        self._texts = ClipTexts(model, reader, once, detectors)

    @classmethod
    def load(
        cls, folder: str | Path, device: str = "auto", words: str | Path | None = None, detectors: bool = True
    ) -> InterMask:
        """Load a model folder and its text encoder.

        Args:
            folder: holds ``config.json`` and safetensors.
            device: a name that ``choose_device`` knows: ``auto``, ``cpu``, ``cuda``, ``cuda:N``, ``mps``,
                or ``cpu-bf16``, ``cpu-int8``, ``cpu-compiled``, ``cuda-compiled``.
            words: a ``words.json`` with more phrases for the kinds that the model knows; None or a missing file for
                none.
            detectors: whether the detector of the prompt's kind helps to choose among candidates. Turn it off where
                the same detectors measure the results.

        Raises:
            UserError: the folder, the words or the device is missing or damaged.
        """
        chosen = choose_device(device)
        model = load_model(Path(folder), chosen.torch_device)
        prepare_transformer(model.transformer, chosen)
        if chosen.torch_device.type == "cpu":
            keep_freed_memory()
        reader = PromptReader.load(Path(folder), chosen.torch_device)
        if error := reader.use_words(None if words is None else Path(words)):
            raise UserError(error)
        return cls(model, reader, chosen, kinds_done_once(Path(folder)), detectors)

    @property
    def config(self) -> ModelConfig:
        """The model's settings."""
        return self.model.config

    @property
    def device(self) -> torch.device:
        """The device of the tensors."""
        return self.compute_device.torch_device

    def generate(self, prompt: str, frames: int, options: GenerateOptions = _DEFAULTS) -> list[Interaction]:
        """Generate two people from a text.

        Args:
            prompt: what the two people do; "0-4 s: they bow; 4-10 s: they fight" gives each part its own text.
            frames: length at 30 frames per second, ``MIN_FRAMES`` to ``MAX_FRAMES``; clips longer than the model's
                longest are generated window by window.
            options: settings, seed, number of takes and callback.

        Returns:
            One interaction for each take, in the canonical frame of the first person.

        Raises:
            UserError: the prompt is empty, its times do not fit, the length is out of range, or a constraint cannot be
                met.
        """
        return self.complete(prompt, (None, None), all_free(frames), frames, options)

    def generate_batch(
        self, prompts: Sequence[str], frames: int, seeds: Sequence[int], options: GenerateOptions = _DEFAULTS
    ) -> list[Interaction]:
        """Generate from several texts as one batch, each with its own seed.

        An item equals the result of ``generate`` for its prompt and seed up to rounding: the order of sums depends on
        the batch size, which can decide a draw between two codes whose probabilities agree to six digits.

        Args:
            prompts, seeds: one of each for every item.
            frames: as in ``generate``.
            options: as in ``generate``, but ``seeds`` replace the seed, and each item has one take.

        Returns:
            One interaction for each item.
        """
        self._check_length(frames)
        constraints = checked(options.constraints, prompts, frames)
        settings = options.settings or self.config.sampling
        items = [self._texts.parts(prompt, frames, options.as_written, constraints) for prompt in prompts]
        # Items whose timed prompts have the same windows share a batch.
        groups: dict[tuple[tuple[int, tuple[Window, ...]] | int, ...], list[int]] = {}
        for item, parts in enumerate(items):
            same_windows = tuple((part.frames, tuple(window for window, _ in part.windows)) for part in parts)
            # A step is skipped for a whole batch or not at all, so with skipping each item needs its own batch.
            groups.setdefault(same_windows if settings.skip_confidence == 1 else (item,), []).append(item)
        results: dict[int, Interaction] = {}
        for number, members in enumerate(groups.values()):
            sampler = self._sampler(settings, tuple(seeds[item] for item in members))
            pairs = self._completer.complete_parts(
                [stacked(same_part) for same_part in zip(*(items[item] for item in members), strict=True)],
                sampler,
                len(members),
                sub_progress(options.on_step, number, len(groups)),
                None if constraints is None else Targets.of(constraints, frames),
                options.steering,
            )
            for item, pair in zip(members, pairs, strict=True):
                results[item] = Interaction(pair, prompts[item], self.config.name, seeds[item])
        return [results[item] for item in range(len(items))]

    def loop(self, prompt: str, frames: int, options: GenerateOptions = _DEFAULTS) -> list[Loop]:
        """Generate two people whose last frame leads into the first.

        A longer clip is drawn; the best cycle in it is closed, and the tokens around its seam are drawn once more
        between those before and after it.

        Args:
            prompt, frames: as in ``generate``.
            options: as in ``generate``, without constraints.

        Returns:
            One loop for each take.

        Raises:
            UserError: as ``generate``; constraints were given, or the people end too far from where they begin.
        """
        self._check_length(frames)
        if options.constraints:
            raise UserError("A loop has no beginning that constraints could count from; turn Loop off, or mute them.")
        drawing = replace(options, on_step=sub_progress(options.on_step, 0, 1 + options.takes))
        loops = [looped(take.people, frames) for take in self.generate(prompt, drawn_frames(frames), drawing)]
        result = []
        for number, loop in enumerate(loops, 1):
            first, second = loop.rotated()
            progress = sub_progress(options.on_step, number, 1 + options.takes)
            own = replace(options, takes=1, on_step=progress, seed=options.seed + number)
            (take,) = self.complete(prompt, (first, second), loop.free_tokens(), frames, own)
            result.append(smoother(loop, loop.with_rotated(take.people)))
        return result

    def draw_parts(self, prompt: str, frames: int, options: GenerateOptions = _DEFAULTS) -> list[DrawnPart]:
        """The parts of a timed prompt as ``generate`` draws them, before it joins them with ``in_sequence``.

        Args:
            prompt, frames, options: as in ``generate``, for a single take.
        """
        self._check_length(frames)
        constraints = checked(options.constraints, [prompt], frames)
        sampler = self._sampler(options.settings or self.config.sampling, (options.seed,))
        parts = self._texts.parts(prompt, frames, options.as_written, constraints)
        targets = None if constraints is None else Targets.of(constraints, frames)
        (take,) = self._completer.draw_parts(parts, sampler, 1, options.on_step, targets, options.steering)
        return take

    def scorer(self, prompt: str) -> Scorer | None:
        """How plausible pairs are for a prompt without times; None in a model without a reranker."""
        return self._completer.scorer(self._texts.understood(prompt, as_written=False)[0])

    def react(self, prompt: str, leader: Motion, options: GenerateOptions = _DEFAULTS) -> list[Interaction]:
        """Generate a partner for a given person.

        Args:
            prompt: what the two people do.
            leader: with local rotations, at 30 frames per second, anywhere in the world; unknown hands are flat.
            options: as in ``generate``; without settings, the model's own ``for_reaction`` with half of the steps.

        Returns:
            One interaction for each take: the leader unchanged and the partner, in the leader's world.
        """
        settings = options.settings or self.config.sampling.for_reaction()
        free = all_free(len(leader))
        free[0] = False
        return self.complete(prompt, (leader, None), free, len(leader), replace(options, settings=settings))

    def extend(
        self, prompt: str, known: Interaction, frames: int, options: GenerateOptions = _DEFAULTS
    ) -> list[Interaction]:
        """Extend an interaction to ``frames`` frames; its own frames stay exactly as they are."""
        free = all_free(frames)
        return self.complete(prompt, known.people, free, frames, options, fixed_frames=len(known))

    def restyle(
        self,
        prompt: str,
        known: Interaction,
        strength: float,
        options: GenerateOptions = _DEFAULTS,
        within: np.ndarray | None = None,
    ) -> list[Interaction]:
        """Regenerate the tokens that a prompt makes least likely, and keep the others.

        Tokens in frames that constraints bind are regenerated too.

        Args:
            prompt: what the two people do now; as in ``generate``.
            known: the interaction to change, with local rotations.
            strength: fraction of the tokens to regenerate, the least likely ones; 0 keeps all, 1 keeps none.
            options: as in ``generate``.
            within: (2, P, S) true for the tokens that may be regenerated, of which ``strength`` is a fraction; None for
                all.

        Returns:
            One interaction for each take, in the world of the known one.

        Raises:
            UserError: the strength is not between 0 and 1, the length is out of range, or a constraint cannot be met.
        """
        allowed = all_free(len(known)) if within is None else within
        constraints = checked(options.constraints, [prompt], len(known), known.people, allowed)
        free = self.least_likely_tokens(prompt, known, strength, options, within)
        if constraints is not None:
            free |= allowed & bound_tokens(constraints, len(known))
        return self.complete(prompt, known.people, free, len(known), options)

    def least_likely_tokens(
        self,
        prompt: str,
        known: Interaction,
        fraction: float,
        options: GenerateOptions = _DEFAULTS,
        within: np.ndarray | None = None,
    ) -> np.ndarray:
        """Find the tokens of an interaction that a prompt makes least likely.

        Args:
            prompt, known, options, within: as in ``restyle``.
            fraction: of the tokens in ``within``, 0 to 1.

        Returns:
            (2, P, S) true for these tokens: the ``free`` of ``complete``.

        Raises:
            UserError: the fraction is not between 0 and 1, or the length is out of range.
        """
        if not 0 <= fraction <= 1:
            raise UserError(f"The strength is {fraction:g}; choose 0 to 1.")
        frames = len(known)
        self._check_length(frames)
        allowed = all_free(frames) if within is None else within
        if fraction in (0, 1):
            return allowed.copy() if fraction == 1 else np.zeros_like(allowed)
        windows = self._texts.windows(prompt, frames, 0, options.as_written, options.constraints)
        settings = options.settings or self.config.sampling
        log_probs = known_log_probs(
            self.model.transformer, self.codec, known, windows, settings, self._generator(options.seed)
        )
        return least_likely(log_probs, fraction, allowed)

    def complete(
        self,
        prompt: str,
        known: tuple[Motion | None, Motion | None],
        free: np.ndarray,
        frames: int,
        options: GenerateOptions = _DEFAULTS,
        fixed_frames: int = 0,
    ) -> list[Interaction]:
        """Fill in the free tokens and keep the others. Every other method is a special case of this one.

        Args:
            prompt: what the two people do.
            known: the given motion of each person, from frame 0 on, in one world; the last frame of a shorter motion
                is repeated. None for a person of whom nothing is kept.
            free: (2, P, S) true for the tokens to fill in, S = frames / 4 rounded up.
            frames: of the result.
            options: as in ``generate``.
            fixed_frames: number of frames at the beginning that are known for both people and stay, regardless of
                ``free``.

        Returns:
            One interaction for each take, in the world of the known people. Frames whose tokens are all kept stay
            exactly as they were.

        Raises:
            UserError: the prompt is empty, its times do not fit, the length is out of range, or a constraint cannot be
                met.
        """
        self._check_length(frames)
        constraints = checked(options.constraints, [prompt], frames, known, free, fixed_frames)
        targets = None if constraints is None else Targets.of(constraints, frames)
        settings = options.settings or self.config.sampling
        sampler = self._sampler(settings, (options.seed,), options.on_draft)
        if all(person is None for person in known) and free.all() and not fixed_frames:
            parts = self._texts.parts(prompt, frames, options.as_written, constraints)
            pairs = self._completer.complete_parts(
                parts, sampler, options.takes, options.on_step, targets, options.steering
            )
            return [Interaction(pair, prompt, self.config.name, options.seed) for pair in pairs]
        texts = self._texts.windows(prompt, frames, fixed_frames, options.as_written, constraints)
        pairs = self._completer.complete(
            texts, known, free, frames, sampler, options.takes, options.on_step, targets, options.steering
        )
        return [Interaction(pair, prompt, self.config.name, options.seed) for pair in pairs]

    def with_fingers(
        self,
        prompt: str,
        people: Sequence[PosedSkeleton],
        as_written: bool = False,
        held: int | None = None,
        move_hands: bool = True,
    ) -> Sequence[PosedSkeleton]:
        """Solved people with fingers; unchanged if the model has no finger classifier, or hands of its own.

        Args:
            prompt, as_written: as for the generation.
            people: as solved.
            held: index of a person whose body stays as it is.
            move_hands: whether hands that hold each other are brought together.
        """
        classifier = self.model.finger_classifier
        if classifier is None or len(people) != 2 or any(person.skeleton != SMPL for person in people):
            return people

        def text(part: str) -> Tensor:
            return self._texts.understood(part, as_written)[0].pooled

        return finger_poses(classifier, text, prompt, people, held, move_hands)

    def text_condition(self, prompt: str) -> TextCondition:
        """The vectors of a prompt that the networks are conditioned on."""
        return self._texts.condition(prompt)

    def _sampler(
        self, settings: SamplingSettings, seeds: Sequence[int], on_draft: DraftCallback | None = None
    ) -> BatchSampler:
        generators = tuple(self._generator(seed) for seed in seeds)
        return BatchSampler(settings, generators, on_draft, self.compute_device.precision)

    def _generator(self, seed: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(seed)

    def _check_length(self, frames: int) -> None:
        if not MIN_FRAMES <= frames <= MAX_FRAMES:
            raise UserError(
                f"The clip has {frames} frames at {FPS:g} per second; choose {MIN_FRAMES} to {MAX_FRAMES} "
                f"({MIN_FRAMES / FPS:.1f} to {MAX_FRAMES / FPS:g} seconds)."
            )
