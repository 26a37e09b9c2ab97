"""The residual block of refiner, contact classifier and reranker."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional


class ConditionedConvBlock(nn.Module):
    """A dilated convolution over time, conditioned on the text, added to its input."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.normal = nn.GroupNorm(8, width)
        self.wide = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.text = nn.Linear(width, width)
        self.point = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, text: Tensor) -> Tensor:
        """Maps (B, C, T) and the text vector (B, C, 1) to (B, C, T)."""
        wide = self.wide(functional.gelu(self.normal(x))) + self.text(text[..., 0])[..., None]
        return cast(Tensor, x + self.point(functional.gelu(wide)))
