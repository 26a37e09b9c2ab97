"""Linear layers in whole numbers of eight bits: a quarter of the memory, and faster where the CPU multiplies such."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import UserError
from .attention import Attention, FeedForward

LARGEST = 127


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
        scale = layer.weight.abs().amax(1).clamp_min(1e-12) / LARGEST
        whole = (layer.weight / scale[:, None]).round().to(torch.int8)  # (out, in)
        self.register_buffer("weight", whole)
        self.register_buffer("scale", scale)
        self.register_buffer("bias", layer.bias.detach().clone())

    def forward(self, x: Tensor, rows: slice = slice(None)) -> Tensor:
        """(..., in) to (..., out); ``rows`` of the weight alone where not all are wanted."""
        flat = x.flatten(0, -2)
        scale = flat.abs().amax(-1, keepdim=True).clamp_min(1e-12) / LARGEST  # twenty times as fast as a norm
        whole = (flat / scale).round_().to(torch.int8)
        product = torch._int_mm(whole, self.weight[rows].t()).to(x.dtype).mul_(scale)
        return torch.addcmul(self.bias[rows], product, self.scale[rows]).view(*x.shape[:-1], -1)


def use_eight_bits(network: nn.Module) -> None:
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
