"""The second level of tokens: what a residual quantiser adds to the first level, guessed from finished maps.

The transformer fills in maps of the first level alone. A small network of the same kind, without text, then sees both
people whole and says in one pass which codes of the second level go with them (as the residual transformer of MoMask,
Guo et al. 2024, does for one person). It takes the likeliest codes, so that the first level decides everything.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .transformer import InteractionTransformer


def second_level(network: InteractionTransformer, first: Tensor) -> Tensor:
    """Likeliest codes of the second level.

    Args:
        network: trained by ``train detail``, in evaluation mode.
        first: (B, 2, P, S) finished maps of the first level.

    Returns:
        (B, 2, P, S) ids.
    """
    nothing = torch.zeros(1, network.config.text.width, device=first.device)
    return network(first, network.condition(nothing.expand(len(first), -1))).argmax(-1)
