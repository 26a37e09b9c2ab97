"""Which of several drafts is kept: the one of which the judge thinks most that it does what the prompt says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..motion import FPS
from ..motion.representation import JOINTS, POSITIONS
from ..networks.reranker import Reranker
from .sampling import Choice

_TORN = 7.0
"""m/s of somebody's pelvis over the ground, faster than anybody in the data: such a draft is torn."""


@dataclass(frozen=True)
class TextCondition:
    """What a prompt says, for one take or several.

    Attributes:
        condition: (1 or takes, W) vectors that the transformer is conditioned on.
        pooled: (1 or takes, W) vectors of the sentence encoder, which refiner and judge are told.
    """

    condition: Tensor
    pooled: Tensor

    @classmethod
    def stacked(cls, parts: Sequence[TextCondition]) -> TextCondition:
        """What several prompts say, each to a take of its own."""
        return cls(torch.cat([part.condition for part in parts]), torch.cat([part.pooled for part in parts]))

    def each(self, takes: Tensor, candidates: int) -> Tensor:
        """(N, W) vectors of the sentence encoder for so many drafts of each of some takes."""
        vectors = self.pooled.expand(len(takes), -1) if len(self.pooled) == 1 else self.pooled[takes]
        return vectors.repeat_interleave(candidates, 0)


def rerank(reranker: Reranker, text_condition: TextCondition, shown: Callable[[Tensor, Tensor], np.ndarray]) -> Choice:
    """Who chooses among drafts, as ``sampling.sample`` asks; one that is torn only where all are, and never convinced.

    Args:
        reranker: in evaluation mode.
        text_condition: what is wanted.
        shown: from token maps (N, drafts, 2, P, S) of some of the takes to rows (N * drafts, 2, T, 262) in metres.
    """

    def best(candidates: Tensor, takes: Tensor) -> tuple[Tensor, Tensor]:
        rows = shown(candidates, takes)
        joints = torch.from_numpy(rows[..., POSITIONS]).to(reranker.mean.device).unflatten(-1, (JOINTS, 3))
        likely = (
            reranker(joints, text_condition.each(takes, candidates.shape[1])).sigmoid().cpu()
            - torch.from_numpy(discontinuous(rows)).float()
        )
        most = likely.unflatten(0, candidates.shape[:2]).max(1)
        return most.indices, most.values

    return best


def discontinuous(rows: np.ndarray) -> np.ndarray:
    """(N,) whether somebody's pelvis in rows (N, 2, T, 262), metres, leaps as no pelvis does."""
    pelvis = rows[..., POSITIONS][..., :3:2]
    return np.asarray((np.linalg.norm(np.diff(pelvis, axis=2), axis=-1) * FPS > _TORN).any((1, 2)))
