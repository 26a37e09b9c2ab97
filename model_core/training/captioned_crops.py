"""Crops of pairs with one vector a caption: what the networks learn from that are told a sentence as a whole."""

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
    """The same crops with no more captions a clip than so many, for those that have a few of their own."""
    return replace(
        crops,
        clips=[
            replace(clip, captions=clip.captions[:most] if clip.event_span else clip.captions) for clip in crops.clips
        ],
    )


def word_vectors(encoder: TextEncoder, *parts: Crops) -> dict[str, Tensor]:
    """The sentence encoder's vector (C,) of every caption."""
    captions = sorted({caption for crops in parts for clip in crops.clips for caption in clip.captions})
    return dict(zip(captions, pooled(encoder, captions), strict=True))


def drawn(crops: Crops, random: np.random.Generator, count: int, frames: int) -> tuple[Tensor, list[Clip]]:
    """Crops (count, 2, frames, 262) and their clips."""
    drawn_crops = [crops.draw(random, frames) for _ in range(count)]
    return torch.from_numpy(np.stack([rows for rows, _ in drawn_crops])), [clip for _, clip in drawn_crops]


def caption_vectors(clips: list[Clip], words: Mapping[str, Tensor], random: np.random.Generator) -> Tensor:
    """(B, C) of a random caption of each clip."""
    return torch.stack([words[clip.captions[int(random.integers(len(clip.captions)))]] for clip in clips])
