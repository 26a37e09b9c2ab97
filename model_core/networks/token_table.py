"""A frozen table of word embeddings that is as small in memory as on disk."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .int8 import quantise_int8


class TokenTable(nn.Module):
    """Embeddings in half precision or in 8-bit integers with a scale each, converted only where they are looked up."""

    rows: Tensor
    scales: Tensor

    def __init__(self, rows: Tensor, scales: Tensor) -> None:
        """Create the table.

        Args:
            rows: (V, C) of any number type.
            scales: (V,) factor of each row.
        """
        super().__init__()
        self.register_buffer("rows", rows)
        self.register_buffer("scales", scales)

    @classmethod
    def empty(cls, vocabulary: int, width: int) -> TokenTable:
        """A table of this shape, into which a state dict can be loaded."""
        return cls(torch.zeros(vocabulary, width), torch.ones(vocabulary))

    @classmethod
    def in_int8(cls, weights: Tensor) -> TokenTable:
        """Quantise weights (V, C) to a table of integers -127..127 with a scale for each embedding."""
        rows, scales = quantise_int8(weights.float())
        return cls(rows, scales[:, 0])

    def forward(self, ids: Tensor) -> Tensor:
        """Embed token ids (B, L) as (B, L, C) in float32."""
        return self.rows[ids].float() * self.scales[ids][..., None].float()
