"""Many captions through a text encoder, in batches of like length."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .encoder import TextEncoder

_TEXTS_A_BATCH = 128


def pooled(encoder: TextEncoder, captions: Sequence[str]) -> torch.Tensor:
    """(N, C) one vector a caption."""
    # Texts of like length in one batch: no time goes into padding.
    order = sorted(range(len(captions)), key=lambda index: len(captions[index]))
    result = torch.empty(len(captions), encoder.width)
    for start in range(0, len(order), _TEXTS_A_BATCH):
        which = order[start : start + _TEXTS_A_BATCH]
        result[which] = encoder.encode([captions[index] for index in which]).pooled
    return result
