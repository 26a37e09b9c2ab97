"""Linear layers in 8-bit integers: a quarter of the memory, and faster where the CPU has instructions for them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .attention import Attention, FeedForward

LARGEST = 127


def quantise_int8(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Quantise vectors (..., C) to integers -127..127; returns them and the scale of each vector (..., 1)."""
    scales = vectors.abs().amax(-1, keepdim=True).clamp_min(1e-12) / LARGEST  # twenty times faster than a norm
    return (vectors / scales).round_().to(torch.int8), scales


class Int8Linear(nn.Module):
    """A linear layer with one scale for each output channel and one for each input vector (Dettmers et al. 2022).

    Sums are exact; only the rounding of weights and inputs to 255 levels is lost.
    """

    weight: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        assert isinstance(layer, nn.Linear)
        weight, scale = quantise_int8(layer.weight.detach())  # (out, in), (out, 1)
        self.register_buffer("weight", weight)
        self.register_buffer("scale", scale[:, 0])
        self.register_buffer("bias", layer.bias.detach().clone())

    def forward(self, x: Tensor, outputs: slice = slice(None)) -> Tensor:
        """Maps (..., in) to (..., out), or to the given outputs only."""
        quantised, scale = quantise_int8(x.flatten(0, -2))  # (N, in), (N, 1)
        product = integer_product(quantised, self.weight[outputs]).to(x.dtype).mul_(scale)  # (N, out)
        return torch.addcmul(self.bias[outputs], product, self.scale[outputs]).view(*x.shape[:-1], -1)


def integer_product(x: Tensor, weight: Tensor) -> Tensor:
    """The product of int8 matrices (N, in) and (out, in): (N, out) of whole numbers.

    PyTorch's product of 8-bit integers has no public name. A version without it multiplies the same integers as
    floating-point numbers, which is as exact (sums stay below 2 ** 24 up to 1040 inputs) and slower.
    """
    multiply = getattr(torch, _PRODUCT, None)
    if multiply is not None:
        try:
            return multiply(x, weight.t())
        except (RuntimeError, TypeError):  # unsupported by this CPU, or another signature in this version
            pass
    return x.float() @ weight.float().t()


_PRODUCT = "_int_mm"


def use_int8(network: nn.Module) -> None:
    """Replace the linear layers of a network's attention and feed-forward layers by ``Int8Linear``, in place.

    The embedding, the modulations and the head stay as they are: they are 2 % of the work.
    """
    for part in network.modules():
        if isinstance(part, Attention):
            part.inward, part.outward = Int8Linear(part.inward), Int8Linear(part.outward)
        elif isinstance(part, FeedForward):
            part.widen, part.narrow = Int8Linear(part.widen), Int8Linear(part.narrow)
