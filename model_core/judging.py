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
        pooled: (1 or takes, W) vectors of the sentence encoder, which a refiner is told.
        wanted: (1 or takes, D) vectors that a judge compares motion with; None without a judge.
    """

    condition: Tensor
    pooled: Tensor
    wanted: Tensor | None

    @classmethod
    def together(cls, parts: Sequence[Told]) -> Told:
        """What several prompts say, each to a take of its own."""
        wanted = [part.wanted for part in parts if part.wanted is not None]
        condition, pooled = (
            torch.cat(vectors) for vectors in zip(*((p.condition, p.pooled) for p in parts), strict=True)
        )
        return cls(condition, pooled, torch.cat(wanted) if wanted else None)


def judged_by(
    judge: PairEmbedding, wanted: Tensor, shown: Callable[[Tensor, slice], np.ndarray]
) -> Callable[[Tensor, slice], Tensor]:
    """Who chooses among drafts, as ``Draw.fill`` asks.

    Args:
        judge: sees motion and what is wanted as unit vectors.
        wanted: (1, D) for all takes, or (takes, D).
        shown: from token maps (N, drafts, 2, P, S) of some of the takes to rows (N * drafts, 2, T, 262) in metres.
    """

    def best(drafts: Tensor, takes: slice) -> Tensor:
        vectors = torch.from_numpy(judge.motions(shown(drafts, takes))).unflatten(0, drafts.shape[:2])
        target = wanted[takes] if len(wanted) > 1 else wanted
        return (vectors * target[:, None]).sum(-1).argmax(1)

    return best
