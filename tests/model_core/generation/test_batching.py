"""What sampling does when memory runs out: a real allocation fails, as it does on a machine that is too small."""

from __future__ import annotations

import pytest
import torch

from model_core.errors import UserError
from model_core.generation.batching import BatchSampler
from model_core.model_files.sampling_settings import SamplingSettings
from model_core.networks.text_layers import TextLayersConfig
from model_core.networks.transformer import InteractionTransformer, TransformerConfig

IMPOSSIBLE = 1 << 60
"""Bytes that no machine has."""


class Small(InteractionTransformer):
    """A transformer that has memory for only so many maps at a time."""

    def __init__(self, fits: int) -> None:
        """Take the number of maps that fit."""
        super().__init__(TransformerConfig(32, 16, 24, 1, 2, 32, text=TextLayersConfig(16, 2, 32, 1)))
        self.fits = fits
        self.tried: list[int] = []

    def forward(self, ids: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """The logits, where they fit."""
        self.tried.append(len(ids))
        if len(ids) > self.fits:
            torch.empty(IMPOSSIBLE, dtype=torch.uint8)
        return super().forward(ids, condition)


def sampled(transformer: Small, takes: int) -> torch.Tensor:
    torch.manual_seed(0)
    draw = BatchSampler(SamplingSettings(2, guidance=1.0), (torch.Generator().manual_seed(1),))
    free = torch.ones(takes, 2, 5, 4, dtype=torch.bool)
    with torch.inference_mode():
        texts = torch.arange(takes)[:, None].expand(-1, 16).float()  # equal takes would share the first step
        return draw.sample(transformer.eval(), torch.zeros_like(free, dtype=torch.long), free, texts, None, None)


def test_what_does_not_fit_at_once_is_sampled_in_quarters() -> None:
    transformer = Small(fits=2)
    assert sampled(transformer, 8).shape == (8, 2, 5, 4)
    assert transformer.tried[0] == 8 and set(transformer.tried[1:]) == {2}


@pytest.mark.parametrize(("takes", "tried", "amount"), [(1, [1], "1 take of 16"), (8, [8, 2], "8 takes of 16")])
def test_a_smaller_size_is_tried_once_and_never_the_same_one_again(takes: int, tried: list[int], amount: str) -> None:
    transformer = Small(fits=0)
    with pytest.raises(UserError, match=f"not enough memory on cpu for {amount} frames; ask for"):
        sampled(transformer, takes)
    assert transformer.tried == tried
