"""Which of several drafts is kept: the one whose motion a small network finds most like what the prompt says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .pair_embedding import PairEmbedding


@dataclass(frozen=True)
class Told:
    """What a prompt says, for one take or several.

    Attributes:
        condition: (1 or takes, W) vectors that the transformer is conditioned on.
        wanted: (1 or takes, D) vectors that a judge compares motion with; None without a judge.
    """

    condition: Tensor
    wanted: Tensor | None

    @classmethod
    def together(cls, parts: Sequence[Told]) -> Told:
        """What several prompts say, each to a take of its own."""
        wanted = [part.wanted for part in parts if part.wanted is not None]
        return cls(torch.cat([part.condition for part in parts]), torch.cat(wanted) if wanted else None)


def judged_by(
    judge: PairEmbedding, wanted: Tensor, decode: Callable[[Tensor], np.ndarray]
) -> Callable[[Tensor, slice], Tensor]:
    """Who chooses among drafts, as ``Draw.fill`` asks.

    Args:
        judge: sees motion and what is wanted as unit vectors.
        wanted: (1, D) for all takes, or (takes, D).
        decode: from token maps (N, 2, P, S) to rows (N, 2, T, 262) in metres.
    """

    def best(drafts: Tensor, takes: slice) -> Tensor:
        vectors = torch.from_numpy(judge.motions(decode(drafts.flatten(0, 1)))).unflatten(0, drafts.shape[:2])
        target = wanted[takes] if len(wanted) > 1 else wanted
        return (vectors * target[:, None]).sum(-1).argmax(1)

    return best
