"""The stack of dilated residual blocks between the tokenizer's downsampling or upsampling layers."""

from __future__ import annotations

from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """A residual block: ReLU, dilated 3x3 convolution, ReLU, 1x1 convolution, dropout."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilated = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.pointwise = nn.Conv2d(width, width, 1)
        self.activation = nn.ReLU()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C, P, T) to the same shape."""
        hidden = self.dilated(self.activation(x))
        return x + self.dropout(self.pointwise(self.activation(hidden)))


class ResidualStack(nn.Sequential):
    """Residual blocks on (B, C, P, T) whose dilation shrinks from ``growth ** (depth - 1)`` to 1."""

    def __init__(self, width: int, depth: int, growth: int, dropout: float) -> None:
        super().__init__(*(ResidualBlock(width, growth**level, dropout) for level in reversed(range(depth))))
