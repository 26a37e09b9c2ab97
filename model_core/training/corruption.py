"""Token maps of pairs made worse, as draws of them go wrong."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..networks.tokenizer import Tokenizer

_NEIGHBOURS = 8
"""Codes nearest to a code, one of which may stand in its place."""
_LATEST = 12
"""Tokens by which a person may come too early or too late, at most."""
_STRETCH = (4, 20)
"""Tokens of a stretch that another pair does, shortest and longest."""


class Neighbours:
    """Codes that are near each other in a tokenizer's codebooks."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        codes = tokenizer.quantizer.vectors()  # (rows or 1, codes, D)
        self.nearest = torch.cdist(codes, codes).topk(_NEIGHBOURS + 1, largest=False).indices[..., 1:]

    def exchanged(self, tokens: Tensor, most: float) -> Tensor:
        """Tokens (B, 2, P, S), a share of which, 0 to ``most`` of a pair, has given way to a neighbouring code."""
        swap = torch.rand(tokens.shape) < torch.rand(len(tokens), 1, 1, 1) * most
        row = torch.arange(tokens.shape[2])[:, None] % len(self.nearest)
        other = self.nearest[row, tokens, torch.randint(_NEIGHBOURS, tokens.shape)]
        return torch.where(swap, other, tokens)


def mixed_up(tokens: Tensor, others: Tensor, random: np.random.Generator) -> Tensor:
    """Each pair left as it is or made wrong in one of three ways.

    Args:
        tokens: (B, 2, P, S) of pairs.
        others: the same of other pairs who do the same.
        random: decides.

    Returns:
        (B, 2, P, S). A quarter is as given; in a quarter the second person is another pair's; in a quarter the second
        comes too early or too late; in a quarter some rows of a stretch are another pair's.
    """
    result, steps = tokens.clone(), tokens.shape[-1]
    for index, way in enumerate(random.integers(4, size=len(tokens))):
        if way == 1:
            result[index, 1] = others[index, 1]
        elif way == 2:
            late = int(random.integers(3, _LATEST)) * int(random.choice((-1, 1)))
            result[index, 1] = tokens[index, 1][:, (torch.arange(steps) - late).clamp(0, steps - 1)]
        elif way == 3:
            start = int(random.integers(max(1, steps - _STRETCH[0])))
            stretch = slice(start, start + int(random.integers(*_STRETCH)))
            rows = torch.from_numpy(random.random(tokens.shape[1:3]) < 0.5)[..., None]
            result[index, ..., stretch] = torch.where(rows, others[index, ..., stretch], tokens[index, ..., stretch])
    return result
