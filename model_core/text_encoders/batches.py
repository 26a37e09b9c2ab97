"""Encodes many captions, in batches of similar length."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .encoder import TextEncoder

_TEXTS_PER_BATCH = 128


def pooled(encoder: TextEncoder, captions: Sequence[str]) -> torch.Tensor:
    """(N, C) the pooled vector of each caption, on the encoder's device."""
    # Batches of texts of similar length waste no time on padding.
    order = sorted(range(len(captions)), key=lambda index: len(captions[index]))
    batches = [order[start : start + _TEXTS_PER_BATCH] for start in range(0, len(order), _TEXTS_PER_BATCH)]
    vectors = [encoder.encode([captions[index] for index in batch]).pooled for batch in batches]
    if not vectors:
        return torch.empty(0, encoder.width)
    result = torch.empty_like(torch.cat(vectors))
    result[torch.tensor(order, device=result.device)] = torch.cat(vectors)
    return result
