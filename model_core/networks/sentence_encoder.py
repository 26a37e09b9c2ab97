"""The text encoder of the project's own models: BERT (Devlin et al. 2019) in the shape of MiniLM (Wang et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .attention import Attention, FeedForward
from .token_table import TokenTable


@dataclass(frozen=True)
class SentenceEncoderConfig:
    """Shape of the encoder; the defaults are those of all-MiniLM-L6-v2.

    Attributes:
        vocabulary: number of word pieces.
        width: of the hidden states.
        layers, heads, feed_forward: of the encoder layers.
        longest: most tokens of a text, both special tokens included; longer texts are truncated.
        epsilon: of the layer norms.
    """

    vocabulary: int = 30522
    width: int = 384
    layers: int = 6
    heads: int = 12
    feed_forward: int = 1536
    longest: int = 256
    epsilon: float = 1e-12


class SentenceLayer(nn.Module):
    """A post-norm encoder layer with GELU."""

    def __init__(self, config: SentenceEncoderConfig) -> None:
        super().__init__()
        self.attention = Attention(config.width, config.heads, dropout=0.0)
        self.feed_forward = FeedForward(config.width, config.feed_forward, dropout=0.0)
        self.attention_norm = nn.LayerNorm(config.width, config.epsilon)
        self.feed_forward_norm = nn.LayerNorm(config.width, config.epsilon)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Maps (B, L, C) to the same shape; ``mask`` (B, L) is true for tokens, false for padding."""
        x = self.attention_norm(x + self.attention(x, valid=mask))
        return self.feed_forward_norm(x + self.feed_forward(x))


class SentenceEncoder(nn.Module):
    """Encodes word pieces as hidden states, and pools these to one vector per sentence."""

    def __init__(self, config: SentenceEncoderConfig) -> None:
        super().__init__()
        self.tokens = TokenTable.empty(config.vocabulary, config.width)
        # BERT's embedding of the first segment is added to every token's: a prompt has no second segment.
        self.positions = nn.Parameter(torch.zeros(config.longest, config.width))
        self.norm = nn.LayerNorm(config.width, config.epsilon)
        self.layers = nn.ModuleList(SentenceLayer(config) for _ in range(config.layers))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Encode.

        Args:
            ids: (B, L) word pieces.
            mask: (B, L) true for tokens, false for padding.

        Returns:
            (B, L, C) hidden states; those of the padding are undefined.
        """
        x = self.norm(self.tokens(ids) + self.positions[: ids.shape[1]])
        for layer in self.layers:
            x = layer(x, mask)
        return x

    def pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Pool hidden states (B, L, C) with a mask (B, L) to (B, C): the mean of the tokens, scaled to length 1."""
        weights = mask[..., None].to(hidden.dtype)
        return functional.normalize((hidden * weights).sum(dim=1) / weights.sum(dim=1), dim=-1)
