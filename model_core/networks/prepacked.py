"""Linear layers in oneDNN's layout for the CPU: weights laid out once, bias and GELU within the product.

PyTorch's own linear layer writes the bias, adds the product to it, and passes over the result again for a GELU: 10 % of
the time at the published size. The operators are not public: ``can_pack`` tries them, and a PyTorch version without
them, or with another signature, keeps its own layers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .attention import Attention, FeedForward
from .transformer import Head, InteractionTransformer, PerPersonAttention

_LAY_OUT, _LINEAR = "_reorder_linear_weight", "_linear_pointwise"
"""Operators of ``torch.ops.mkldnn``."""


class PackedLinear(nn.Module):
    """A linear layer for inference, made from an ordinary one that it replaces.

    Args:
        layer: the linear layer.
        gelu: whether a GELU follows.
        cut: number of outputs that ``forward`` can compute separately from the others; None to compute all at once.
    """

    def __init__(self, layer: nn.Module, gelu: bool = False, cut: int | None = None) -> None:
        super().__init__()
        assert isinstance(layer, nn.Linear)
        weight, bias = layer.weight.detach(), layer.bias.detach()
        parts = (slice(None),) if cut is None else (slice(cut), slice(cut, None))
        # Weights in this layout can be neither saved nor moved: they are not parameters.
        self.parts = {(p.start, p.stop): (_packed(weight[p].contiguous()), bias[p].clone()) for p in parts}
        self.inputs = layer.in_features
        self.after = "gelu" if gelu else "none"

    def forward(self, x: Tensor, outputs: slice = slice(None)) -> Tensor:
        """Maps (..., in) to (..., out), or to one of the two parts of the outputs."""
        weight, bias = self.parts[outputs.start, outputs.stop]
        flat = x.reshape(-1, self.inputs)
        return _linear(flat, weight, bias, self.after).view(*x.shape[:-1], len(bias))


def _packed(weight: Tensor) -> Tensor:
    return getattr(torch.ops.mkldnn, _LAY_OUT)(weight, None)


def _linear(x: Tensor, weight: Tensor, bias: Tensor, after: str) -> Tensor:
    algorithm = "none" if after == "gelu" else ""
    return getattr(torch.ops.mkldnn, _LINEAR)(x, weight, bias, after, [], algorithm)


def can_pack(dtype: torch.dtype = torch.float32) -> bool:
    """Whether this PyTorch has the operators, and they compute the same as its own layers."""
    if not torch.backends.mkldnn.is_available():
        return False
    x, weight, bias = (part.to(dtype) for part in (torch.ones(2, 16), torch.full((8, 16), 0.01), torch.ones(8)))
    try:
        with torch.inference_mode():
            found = _linear(x, _packed(weight), bias, "gelu")
    except (AttributeError, RuntimeError, TypeError):
        return False
    return found.shape == (2, 8) and torch.allclose(found, functional.gelu(x @ weight.t() + bias), atol=1e-5, rtol=1e-2)


def use_prepacked(transformer: InteractionTransformer) -> None:
    """Pack the large linear layers of a transformer in place if this PyTorch can; it cannot be saved afterwards."""
    if not can_pack(transformer.compute_dtype or torch.float32):
        return
    for part in [*transformer.blocks.modules(), transformer.head]:
        if isinstance(part, PerPersonAttention):
            inward = part.partner.inward  # queries of one person, keys and values of the other
            assert isinstance(inward, nn.Linear)
            part.partner.inward = PackedLinear(inward, cut=inward.in_features)
        if isinstance(part, Attention):
            part.outward = PackedLinear(part.outward)
            if isinstance(part.inward, nn.Linear):
                part.inward = PackedLinear(part.inward)
        elif isinstance(part, FeedForward):
            part.widen, part.narrow = PackedLinear(part.widen, gelu=True), PackedLinear(part.narrow)
            part.activation = nn.Identity()
        elif isinstance(part, Head):
            part.dense, part.activation = PackedLinear(part.dense, gelu=True), nn.Identity()
            if isinstance(part.codes, nn.Linear):
                part.codes = PackedLinear(part.codes)
