"""The stack of dilated residual blocks between the tokenizer's downsampling or upsampling layers."""

from __future__ import annotations

from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """ReLU, dilated Conv 3x3, ReLU, Conv 1x1, dropout, added to the input."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilated = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.pointwise = nn.Conv2d(width, width, 1)
        self.activation = nn.ReLU()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, P, T) to the same."""
        hidden = self.dilated(self.activation(x))
        return x + self.dropout(self.pointwise(self.activation(hidden)))


class ResidualStack(nn.Sequential):
    """Blocks whose dilation shrinks from ``growth ** (depth - 1)`` to 1, (B, C, P, T) to the same."""

    def __init__(self, width: int, depth: int, growth: int, dropout: float) -> None:
        super().__init__(*(ResidualBlock(width, growth**level, dropout) for level in reversed(range(depth))))
