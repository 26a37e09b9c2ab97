"""Corrupts the token maps of pairs with errors like those of generated pairs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..networks.tokenizer import Tokenizer

_NEIGHBOURS = 8
"""Number of nearest codes, one of which may replace a code."""
_LONGEST_SHIFT = 12
"""Largest shift in time, in tokens, of one person."""
_STRETCH = (4, 20)
"""Shortest and longest stretch, in tokens, that is taken from another pair."""


class Neighbours:
    """Nearest codes of each code in a tokenizer's codebooks."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        codes = tokenizer.quantizer.vectors()  # (parts or 1, codes, D)
        self.nearest = torch.cdist(codes, codes).topk(_NEIGHBOURS + 1, largest=False).indices[..., 1:]

    def swap(self, tokens: Tensor, largest_fraction: float) -> Tensor:
        """Tokens (B, 2, P, S) of which up to ``largest_fraction`` of each pair are replaced by a neighbouring code."""
        device = tokens.device
        swap = (
            torch.rand(tokens.shape, device=device) < torch.rand(len(tokens), 1, 1, 1, device=device) * largest_fraction
        )
        part = torch.arange(tokens.shape[2], device=device)[:, None] % len(self.nearest)
        other = self.nearest[part, tokens, torch.randint(_NEIGHBOURS, tokens.shape, device=device)]
        return torch.where(swap, other, tokens)


def mix_up(tokens: Tensor, others: Tensor, random: np.random.Generator) -> Tensor:
    """Corrupt pairs: each stays as it is or gets one of three errors.

    Args:
        tokens: (B, 2, P, S) of pairs.
        others: the same of other pairs of the same kinds.
        random: chooses the errors.

    Returns:
        (B, 2, P, S). A quarter is unchanged; in a quarter the second person is another pair's; in a quarter the second
        person is too early or too late; in a quarter some parts of a stretch are another pair's.
    """
    result, steps, device = tokens.clone(), tokens.shape[-1], tokens.device
    for index, error in enumerate(random.integers(4, size=len(tokens))):
        if error == 1:
            result[index, 1] = others[index, 1]
        elif error == 2:
            shift = int(random.integers(3, _LONGEST_SHIFT)) * int(random.choice((-1, 1)))
            result[index, 1] = tokens[index, 1][:, (torch.arange(steps, device=device) - shift).clamp(0, steps - 1)]
        elif error == 3:
            start = int(random.integers(max(1, steps - _STRETCH[0])))
            stretch = slice(start, start + int(random.integers(*_STRETCH)))
            parts = torch.from_numpy(random.random(tokens.shape[1:3]) < 0.5).to(device)[..., None]
            result[index, ..., stretch] = torch.where(parts, others[index, ..., stretch], tokens[index, ..., stretch])
    return result
