"""The base class of refiner and contact classifier: predicts values per person and frame from a pair and a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .conditioned_conv import ConditionedConvBlock


@dataclass(frozen=True)
class TextConditionedPairConfig:
    """Shape of the network.

    Attributes:
        width: channels of the convolutions.
        dilations: of the residual blocks, in order, in pairs of frames.
        text_width: of the sentence encoder's vectors.
        dropout: on the text vector, in training.
    """

    width: int = 256
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 1)
    text_width: int = 384
    dropout: float = 0.1


class TextConditionedPairNet(nn.Module):
    """Convolutions over time, the same for both people.

    Args:
        config: shape of the network.
        inputs, outputs: numbers per frame of one person.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, config: TextConditionedPairConfig, inputs: int, outputs: int) -> None:
        super().__init__()
        width = config.width
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("spread", torch.ones(inputs))
        self.entry = nn.Conv1d(inputs, width, 4, 2, 1)
        self.text = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(config.text_width, width), nn.GELU(), nn.Linear(width, width)
        )
        self.blocks = nn.ModuleList(ConditionedConvBlock(width, dilation) for dilation in config.dilations)
        self.exit = nn.ConvTranspose1d(width, outputs, 4, 2, 1)

    def predict(self, features: Tensor, text: Tensor) -> Tensor:
        """Map features (B, 2, T, N), T even, and text vectors (B, text_width) to outputs (B, 2, T, M)."""
        x = self.entry(((features - self.mean) / self.spread).flatten(0, 1).transpose(1, 2))  # (2 B, C, T / 2)
        text = self.text(text).repeat_interleave(2, 0)[..., None]  # (2 B, C, 1)
        for block in self.blocks:
            x = block(x, text)
        return cast(Tensor, self.exit(functional.gelu(x)).float().transpose(1, 2).unflatten(0, (-1, 2)))
