"""Crops of pairs with one vector per caption, for the networks that are conditioned on a sentence as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..text_encoders import TextEncoder
from ..text_encoders.batches import pooled
from .crops import Clip, Crops


def limit_captions(crops: Crops, most: int) -> Crops:
    """The same crops with at most ``most`` captions for each clip that has an event and captions of its own."""
    return replace(
        crops,
        clips=[
            replace(clip, captions=clip.captions[:most] if clip.event_span else clip.captions) for clip in crops.clips
        ],
    )


def word_vectors(encoder: TextEncoder, *sources: Crops) -> dict[str, Tensor]:
    """The sentence encoder's vector (C,) of every caption, on the encoder's device."""
    captions = sorted({caption for crops in sources for clip in crops.clips for caption in clip.captions})
    return dict(zip(captions, pooled(encoder, captions), strict=True))


def draw_pairs(
    crops: Crops, random: np.random.Generator, count: int, frames: int, device: torch.device | str = "cpu"
) -> tuple[Tensor, list[Clip]]:
    """Features (count, 2, frames, 262) of crops, on a device, and their clips."""
    crops_and_clips = [crops.draw(random, frames) for _ in range(count)]
    features = np.stack([features for features, _ in crops_and_clips])
    return torch.from_numpy(features).to(device), [clip for _, clip in crops_and_clips]


def caption_vectors(clips: list[Clip], words: Mapping[str, Tensor], random: np.random.Generator) -> Tensor:
    """(B, C) of a random caption of each clip."""
    return torch.stack([words[clip.captions[int(random.integers(len(clip.captions)))]] for clip in clips])
