"""What refiner and toucher share: two people as each sees both, and a text, to numbers for each of them and frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .conditioned_conv import ConditionedConvBlock


@dataclass(frozen=True)
class TextConditionedPairConfig:
    """Shape of such a network.

    Attributes:
        width: channels of the convolutions.
        dilations: of the residual blocks, one after the other, in pairs of frames.
        text_width: of the sentence encoder's vectors.
        dropout: of the text vector, in training.
    """

    width: int = 256
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 1)
    text_width: int = 384
    dropout: float = 0.1


class TextConditionedPairNet(nn.Module):
    """Convolutions over time, of each person alike.

    Args:
        config: their shape.
        seen, text: numbers a frame of one person that come in and go out.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, config: TextConditionedPairConfig, seen: int, text: int) -> None:
        super().__init__()
        width = config.width
        self.register_buffer("mean", torch.zeros(seen))
        self.register_buffer("spread", torch.ones(seen))
        self.entry = nn.Conv1d(seen, width, 4, 2, 1)
        self.text = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(config.text_width, width), nn.GELU(), nn.Linear(width, width)
        )
        self.blocks = nn.ModuleList(ConditionedConvBlock(width, dilation) for dilation in config.dilations)
        self.exit = nn.ConvTranspose1d(width, text, 4, 2, 1)

    def answered(self, seen: Tensor, text: Tensor) -> Tensor:
        """What comes in (B, 2, T, N), T even, and texts (B, text_width) to what goes out, (B, 2, T, M)."""
        x = self.entry(((seen - self.mean) / self.spread).flatten(0, 1).transpose(1, 2))  # (2 B, C, T / 2)
        text = self.text(text).repeat_interleave(2, 0)[..., None]  # (2 B, C, 1)
        for block in self.blocks:
            x = block(x, text)
        return cast(Tensor, self.exit(functional.gelu(x)).float().transpose(1, 2).unflatten(0, (-1, 2)))
