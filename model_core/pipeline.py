"""InterMask as a user of it sees it: text and motions in, motions out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .checkpoint import Model, ModelConfig, load_model
from .errors import UserError
from .motion import SMPL, Interaction, Motion
from .motion.canonical import canonical_placement
from .motion.representation import motion_from_rows, rows_from_motion
from .networks.tokenizer import FRAMES_A_TOKEN, PARTS
from .sampling import SamplingSettings, StepCallback, fill
from .text_encoders import TextEncoder, load_text_encoder

SHORTEST = 16
"""Frames of the shortest clip: four columns of tokens."""


class InterMask:
    """A loaded model. Every result is a draw that its seed determines."""

    def __init__(self, model: Model, text_encoder: TextEncoder, device: torch.device) -> None:
        self.model = model
        self.text_encoder = text_encoder
        self.device = device

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> InterMask:
        """Load a model folder and its text encoder.

        Args:
            folder: holds ``config.json`` and safetensors.
            device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

        Raises:
            UserError: the folder or the device is not there, or damaged.
        """
        chosen = choose_device(device)
        model = load_model(Path(folder), chosen)
        return cls(model, load_text_encoder(model.text_encoder, chosen), chosen)

    @property
    def config(self) -> ModelConfig:
        """The model's settings."""
        return self.model.config

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
            prompt: what they do.
            frames: length at 30 frames a second, 16 and up.
            settings: of sampling; None takes the model's own.
            seed: of the draw.
            takes: how many draws, made as one batch.
            on_step: progress and cancelling.

        Returns:
            One interaction a take, in the canonical frame of the first person.
        """
        self._check_length(frames)
        steps = -(-frames // FRAMES_A_TOKEN)
        ids = torch.zeros(takes, 2, PARTS, steps, dtype=torch.long, device=self.device)
        filled = self._filled(prompt, ids, torch.ones_like(ids, dtype=torch.bool), settings, seed, on_step)
        return [self._interaction(pair, frames, prompt, seed) for pair in self._decoded(filled)]

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
            leader: 22 joints with local rotations, at 30 frames a second, anywhere in the world.
            settings, seed, takes, on_step: as in ``generate``; half of the steps are made, as published.

        Returns:
            One interaction a take: the leader as given and the reactor, in the leader's world.
        """
        self._check_length(len(leader))
        placement = canonical_placement(leader)
        held = self._encoded(placement.of(leader))  # (P, S)
        ids = torch.zeros(takes, 2, *held.shape, dtype=torch.long, device=self.device)
        ids[:, 0] = held
        free = torch.zeros_like(ids, dtype=torch.bool)
        free[:, 1] = True
        chosen = settings or self.config.sampling
        halved = replace(chosen, steps=max(1, chosen.steps // 2))
        filled = self._filled(prompt, ids, free, halved, seed, on_step)
        result = []
        for pair in self._decoded(filled):
            made = self._interaction(pair, len(leader), prompt, seed)
            reactor = placement.inverse.of(made.people[1])
            result.append(replace(made, people=(leader, replace(reactor, fps=leader.fps))))
        return result

    def _check_length(self, frames: int) -> None:
        longest = self.config.longest
        if not SHORTEST <= frames <= longest:
            raise UserError(
                f"{frames} frames at 30 a second cannot be made by the model {self.config.name}; "
                f"choose {SHORTEST} to {longest} ({SHORTEST / 30:.1f} to {longest / 30:.1f} s)."
            )

    def _filled(
        self,
        prompt: str,
        ids: Tensor,
        free: Tensor,
        settings: SamplingSettings | None,
        seed: int,
        on_step: StepCallback | None,
    ) -> Tensor:
        """Token maps with the free places filled in for a prompt."""
        if not prompt.strip():
            raise UserError("The prompt is empty; say in a sentence what the two people do.")
        generator = torch.Generator(self.device).manual_seed(seed)
        text = self._condition(prompt).expand(len(ids), -1)
        chosen = settings or self.config.sampling
        return fill(self.model.transformer, ids, free, text, chosen, generator, on_step)

    @torch.inference_mode()
    def _condition(self, prompt: str) -> Tensor:
        """(1, W) condition vector of a prompt."""
        features = self.text_encoder.encode([prompt])
        return self.model.transformer.text_layers(features.hidden, features.mask, features.end)

    @torch.inference_mode()
    def _encoded(self, motion: Motion) -> Tensor:
        """(P, S) tokens of a canonical motion; its last frame is repeated to fill the last column."""
        rows = rows_from_motion(_lengthened(motion))
        normal = (torch.from_numpy(rows).to(self.device) - self.model.mean) / self.model.std
        return self.model.tokenizer.encode(normal[None])[0, 0]

    @torch.inference_mode()
    def _decoded(self, ids: Tensor) -> np.ndarray:
        """(takes, 2, T, 262) rows in metres from token maps (takes, 2, P, S)."""
        rows = self.model.tokenizer.decode(ids.flatten(0, 1)[:, None])
        return (rows * self.model.std + self.model.mean).unflatten(0, (-1, 2)).float().cpu().numpy()

    def _interaction(self, rows: np.ndarray, frames: int, prompt: str, seed: int) -> Interaction:
        first, second = (motion_from_rows(person[:frames].astype(np.float64)) for person in rows)
        return Interaction((first, second), prompt, self.config.name, seed)


def _lengthened(motion: Motion) -> Motion:
    """One frame more than a multiple of four (the rows drop the last), the last frame repeated."""
    frames = -(-len(motion) // FRAMES_A_TOKEN) * FRAMES_A_TOKEN + 1
    index = np.minimum(np.arange(frames), len(motion) - 1)
    if motion.rotations is None or motion.skeleton != SMPL:
        raise ValueError("a leader needs the 22 SMPL joints with their local rotations")
    return replace(motion, joints=motion.joints[index], rotations=motion.rotations[index], root_orientation=None)


def choose_device(name: str) -> torch.device:
    """The device of that name; ``auto`` takes CUDA, then Apple's GPU, then the CPU.

    Raises:
        UserError: this machine has no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind = name.partition(":")[0]
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    try:
        if there.get(kind, False):
            return torch.device(name)
    except RuntimeError as error:
        raise UserError(f"There is no device '{name}'; choose auto, cpu, cuda or mps.") from error
    raise UserError(f"This machine has no device '{name}'; choose auto or cpu.")
