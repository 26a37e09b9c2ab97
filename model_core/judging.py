"""Which of several drafts is kept: the one whose motion a small network finds most like what the prompt says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .motion import FPS
from .motion.representation import POSITIONS
from .pair_embedding import PairEmbedding

_TORN = 7.0
"""m/s of somebody's pelvis over the ground, faster than anybody in the data: such a draft is torn."""


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
    """Who chooses among drafts, as ``Draw.fill`` asks; one that is torn only where all are.

    Args:
        judge: sees motion and what is wanted as unit vectors.
        wanted: (1, D) for all takes, or (takes, D).
        shown: from token maps (N, drafts, 2, P, S) of some of the takes to rows (N * drafts, 2, T, 262) in metres.
    """

    def best(drafts: Tensor, takes: slice) -> Tensor:
        rows = shown(drafts, takes)
        vectors, bad = (torch.from_numpy(of(rows)).unflatten(0, drafts.shape[:2]) for of in (judge.motions, torn))
        target = wanted[takes] if len(wanted) > 1 else wanted
        likeness = (vectors * target[:, None]).sum(-1)  # -1 to 1
        return torch.where(bad, likeness - 2, likeness).argmax(1)

    return best


def torn(rows: np.ndarray) -> np.ndarray:
    """(N,) whether somebody's pelvis in rows (N, 2, T, 262), metres, leaps as no pelvis does."""
    pelvis = rows[..., POSITIONS][..., :3:2]
    return np.asarray((np.linalg.norm(np.diff(pelvis, axis=2), axis=-1) * FPS > _TORN).any((1, 2)))
