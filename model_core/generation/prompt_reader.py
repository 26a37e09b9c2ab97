"""Understanding prompts with a model's text encoder and captions, without loading its motion networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ..model_files.model_folder import find_text_encoder, read_config
from ..model_files.training_captions import NearestCaption, TrainingCaptions, load_captions
from ..motion import FPS
from ..text_encoders import load_text_encoder
from ..text_encoders.encoder import TowerEncoder
from .prompts import segments
from .understanding import PromptMatcher, Understanding, load_matcher


@dataclass(frozen=True)
class PromptReader:
    """Reads prompts; loads much faster than the motion networks.

    Attributes:
        encoder: the model's text encoder.
        captions: the model's training captions; None if the model folder has none.
        matcher: finds the training caption for a prompt; None for a model without a prompt classifier.
    """

    encoder: TowerEncoder
    captions: TrainingCaptions | None = None
    matcher: PromptMatcher | None = None

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> PromptReader:
        """Load a model folder's text encoder, captions and prompt classifier.

        Raises:
            UserError: a file is missing or damaged.
        """
        encoder = load_text_encoder(find_text_encoder(read_config(folder).text_encoder, folder), device)
        captions = load_captions(folder)
        return cls(encoder, captions, load_matcher(folder, captions, encoder))

    def understand(self, prompt: str, frames: int) -> list[Understanding]:
        """How each part of a prompt is understood; empty for a model without a prompt classifier.

        Args:
            prompt: a sentence, or parts with times.
            frames: of the clip.

        Raises:
            UserError: the prompt is empty, or its times do not fit.
        """
        parts = segments(prompt, frames, FPS)
        return [] if self.matcher is None else [self.matcher.understand(part.prompt) for part in parts]

    def nearest_training_caption(self, prompt: str, frames: int) -> NearestCaption | None:
        """The training caption that is closest to a prompt, and its distance.

        Args:
            prompt: a sentence, or parts with times; of parts, the one furthest from all captions is reported.
            frames: of the clip.

        Returns:
            None if the model folder has no captions.

        Raises:
            UserError: the prompt is empty, or its times do not fit.
        """
        captions = self.captions
        if captions is None:
            return None
        parts = [captions.nearest(segment.prompt, self.encoder) for segment in segments(prompt, frames, FPS)]
        return max(parts, key=lambda part: part.distance)

    def use_words(self, path: Path | None) -> str:
        """Set the user's own phrases from a ``words.json``; see ``PromptMatcher.use_words``."""
        return "" if self.matcher is None else self.matcher.use_words(path)
