"""The text tower of CLIP (Radford et al. 2021): a causal transformer over 77 byte-pair tokens."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from .token_table import TokenTable


@dataclass(frozen=True)
class ClipTextConfig:
    """Shape of the tower; the defaults are those of ViT-L/14 at 336 pixels.

    Attributes:
        vocabulary: number of byte-pair tokens.
        width: of the hidden states.
        layers, heads: of the transformer; the feed-forward is four times as wide.
        longest: number of tokens of every text, start and end included; texts are padded or truncated to it.
    """

    vocabulary: int = 49408
    width: int = 768
    layers: int = 12
    heads: int = 12
    longest: int = 77


class ClipLayer(nn.Module):
    """A pre-norm layer: causal attention, then a feed-forward with the quick approximation of GELU."""

    def __init__(self, config: ClipTextConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.attention_norm = nn.LayerNorm(config.width)
        self.inward = nn.Linear(config.width, 3 * config.width)
        self.outward = nn.Linear(config.width, config.width)
        self.feed_forward_norm = nn.LayerNorm(config.width)
        self.widen = nn.Linear(config.width, 4 * config.width)
        self.narrow = nn.Linear(4 * config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, L, C) to the same shape."""
        x = x + self._attend(self.attention_norm(x))
        widened = self.widen(self.feed_forward_norm(x))
        return x + self.narrow(widened * torch.sigmoid(1.702 * widened))

    def _attend(self, x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        heads = self.inward(x).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # (3, B, H, L, C / H)
        mixed = functional.scaled_dot_product_attention(heads[0], heads[1], heads[2], is_causal=True)
        return self.outward(mixed.transpose(1, 2).flatten(2))


class ClipTextTower(nn.Module):
    """Maps byte-pair tokens to the hidden states after the final norm, before CLIP's projection."""

    def __init__(self, config: ClipTextConfig) -> None:
        super().__init__()
        self.tokens = TokenTable.empty(config.vocabulary, config.width)
        self.positions = nn.Parameter(torch.zeros(config.longest, config.width))
        self.layers = nn.ModuleList(ClipLayer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Encode.

        Args:
            ids: (B, L) tokens, padded with zeros.
            mask: (B, L), unused: attention is causal, so that no token sees the padding after it.

        Returns:
            (B, L, C) hidden states. Those of the padding are defined, and the published text layers read them.
        """
        x = self.tokens(ids) + self.positions[: ids.shape[1]]
        for layer in self.layers:
            # Weights may be stored in half precision, as they were trained; the layer computes in single precision.
            single = {name: weight.float() for name, weight in layer.named_parameters()}
            x = functional_call(layer, single, (x,))
        return self.norm(x)

    def pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Pool hidden states (B, L, C) to (B, C): the state at the end-of-text token, the last in the mask (B, L)."""
        return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(dim=1) - 1]
