"""Linear layers in whole numbers of eight bits: a quarter of the memory, and faster where the CPU multiplies such."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import UserError
from .attention import Attention, FeedForward

LARGEST = 127


def in_eight_bits(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (..., C) as the nearest whole numbers -127..127, and what each row is multiplied by (..., 1)."""
    scales = rows.abs().amax(-1, keepdim=True).clamp_min(1e-12) / LARGEST  # twenty times as fast as a norm
    return (rows / scales).round_().to(torch.int8), scales


class EightBitLinear(nn.Module):
    """A linear layer with one scale for each output channel, and one for each row that comes in (Dettmers et al. 2022).

    Sums are exact; only the rounding of weights and of rows to 255 levels is lost.
    """

    weight: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        assert isinstance(layer, nn.Linear)
        whole, scale = in_eight_bits(layer.weight.detach())  # (out, in), (out, 1)
        self.register_buffer("weight", whole)
        self.register_buffer("scale", scale[:, 0])
        self.register_buffer("bias", layer.bias.detach().clone())

    def forward(self, x: Tensor, rows: slice = slice(None)) -> Tensor:
        """(..., in) to (..., out); ``rows`` of the weight alone where not all are wanted."""
        whole, scale = in_eight_bits(x.flatten(0, -2))
        product = torch._int_mm(whole, self.weight[rows].t()).to(x.dtype).mul_(scale)
        return torch.addcmul(self.bias[rows], product, self.scale[rows]).view(*x.shape[:-1], -1)


def use_int8(network: nn.Module) -> None:
    """Put every linear layer of a network's attention and feed-forward layers in eight bits, in place.

    The embedding, the modulations and the head stay as they are: they are a fiftieth of the work.

    Raises:
        UserError: this version of torch has no such product for the CPU.
    """
    try:
        torch._int_mm(torch.ones(4, 8, dtype=torch.int8), torch.ones(8, 8, dtype=torch.int8))
    except (AttributeError, RuntimeError) as error:
        raise UserError(
            f"torch {torch.__version__} cannot multiply in eight bits on the CPU; update it, or choose the device cpu."
        ) from error
    for part in network.modules():
        if isinstance(part, Attention):
            part.inward, part.outward = EightBitLinear(part.inward), EightBitLinear(part.outward)
        elif isinstance(part, FeedForward):
            part.widen, part.narrow = EightBitLinear(part.widen), EightBitLinear(part.narrow)
