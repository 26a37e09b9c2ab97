"""Token maps of pairs with the errors that generated ones have."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..networks.tokenizer import Tokenizer

_NEIGHBOURS = 8
"""Nearest codes of a code, one of which may replace it."""
_LONGEST_SHIFT = 12
"""Tokens by which a person may be too early or too late."""
_STRETCH = (4, 20)
"""Shortest and longest stretch, in tokens, that is taken from another pair."""


class Neighbours:
    """Nearest codes of each code in a tokenizer's codebooks."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        codes = tokenizer.quantizer.vectors()  # (parts or 1, codes, D)
        self.nearest = torch.cdist(codes, codes).topk(_NEIGHBOURS + 1, largest=False).indices[..., 1:]

    def swap(self, tokens: Tensor, most: float) -> Tensor:
        """Tokens (B, 2, P, S) with a fraction of each pair, from 0 to ``most``, replaced by a neighbouring code."""
        device = tokens.device
        swap = torch.rand(tokens.shape, device=device) < torch.rand(len(tokens), 1, 1, 1, device=device) * most
        part = torch.arange(tokens.shape[2], device=device)[:, None] % len(self.nearest)
        other = self.nearest[part, tokens, torch.randint(_NEIGHBOURS, tokens.shape, device=device)]
        return torch.where(swap, other, tokens)


def mix_up(tokens: Tensor, others: Tensor, random: np.random.Generator) -> Tensor:
    """Each pair as it is, or wrong in one of three ways.

    Args:
        tokens: (B, 2, P, S) of pairs.
        others: the same of other pairs of the same kinds.
        random: decides.

    Returns:
        (B, 2, P, S). A quarter is unchanged; in a quarter the second person is another pair's; in a quarter the second
        person is too early or too late; in a quarter some parts of a stretch are another pair's.
    """
    result, steps, device = tokens.clone(), tokens.shape[-1], tokens.device
    for index, way in enumerate(random.integers(4, size=len(tokens))):
        if way == 1:
            result[index, 1] = others[index, 1]
        elif way == 2:
            shift = int(random.integers(3, _LONGEST_SHIFT)) * int(random.choice((-1, 1)))
            result[index, 1] = tokens[index, 1][:, (torch.arange(steps, device=device) - shift).clamp(0, steps - 1)]
        elif way == 3:
            start = int(random.integers(max(1, steps - _STRETCH[0])))
            stretch = slice(start, start + int(random.integers(*_STRETCH)))
            parts = torch.from_numpy(random.random(tokens.shape[1:3]) < 0.5).to(device)[..., None]
            result[index, ..., stretch] = torch.where(parts, others[index, ..., stretch], tokens[index, ..., stretch])
    return result
