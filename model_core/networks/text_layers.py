"""The trained layers between the frozen text encoder and the condition of the transformer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .attention import Attention, FeedForward


@dataclass(frozen=True)
class TextLayersConfig:
    """Shape of the text layers; the defaults are the published ones (after CLIP ViT-L/14).

    Attributes:
        width: of the text encoder's hidden states, and of the condition.
        heads, feed_forward, layers: of the post-norm encoder layers.
        masked: whether attention ignores padding; the published layers attend to all 77 positions.
    """

    width: int = 768
    heads: int = 8
    feed_forward: int = 2048
    layers: int = 2
    masked: bool = False
    dropout: float = 0.1


class TextLayer(nn.Module):
    """A post-norm transformer encoder layer with GELU."""

    def __init__(self, config: TextLayersConfig) -> None:
        super().__init__()
        self.attention = Attention(config.width, config.heads, config.dropout)
        self.feed_forward = FeedForward(config.width, config.feed_forward, config.dropout)
        self.attention_norm = nn.LayerNorm(config.width)
        self.feed_forward_norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        """Maps (B, L, C) to the same shape; ``valid`` (B, L) is true for tokens that can be attended to."""
        x = self.attention_norm(x + self.dropout(self.attention(x, valid=valid)))
        return self.feed_forward_norm(x + self.feed_forward(x))


class TextLayers(nn.Module):
    """Maps hidden states of the text encoder to one condition vector."""

    def __init__(self, config: TextLayersConfig) -> None:
        super().__init__()
        self.masked = config.masked
        self.layers = nn.ModuleList(TextLayer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, hidden: Tensor, mask: Tensor, pick: Tensor) -> Tensor:
        """Compute the condition vector of a text.

        Args:
            hidden: (B, L, C) hidden states of the text encoder.
            mask: (B, L) true for tokens, false for padding.
            pick: (B,) position whose state represents the sentence: the end-of-text token for CLIP.

        Returns:
            (B, C) condition.
        """
        valid = mask if self.masked else None
        for layer in self.layers:
            hidden = layer(hidden, valid)
        return self.norm(hidden)[torch.arange(len(hidden), device=hidden.device), pick]
