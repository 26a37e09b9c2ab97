"""Selects the candidate that follows the prompt most probably, as scored by the reranker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ..constraints import Targets
from ..motion import FPS
from ..motion.representation import JOINTS, POSITIONS
from ..networks.reranker import Reranker
from .sampling import CandidateSelector

_MAX_SPEED = 7.0
"""Metres per second of a pelvis over the ground, faster than any in the data; faster candidates are discontinuous."""


class Shows(Protocol):
    """Tells whether people are seen to do what they are to do."""

    def __call__(self, features: np.ndarray, take: int, targets: Targets | None = None) -> bool:
        """Whether features (2, T, ...) of a take, in metres, show it; with targets after these are met."""


@dataclass(frozen=True)
class TextCondition:
    """The vectors of a prompt that the networks are conditioned on, for one take or several.

    Attributes:
        condition: (1 or takes, W) vectors for the transformer.
        pooled: (1 or takes, W) vectors of the sentence encoder, for refiner, contact classifier and reranker.
        kinds: 1 or one for each take: the kind of interaction that a detector can see in the whole clip; None where
            the prompt names none.
        either_side: 1 or one for each take: whether the prompt leaves open which hand or side it means, so that the
            mirror image does what it says as well.
    """

    condition: Tensor
    pooled: Tensor
    kinds: tuple[str | None, ...] = (None,)
    either_side: tuple[bool, ...] = (False,)

    @classmethod
    def stacked(cls, conditions: Sequence[TextCondition]) -> TextCondition:
        """The conditions of several prompts, one for each take."""
        return cls(
            torch.cat([each.condition for each in conditions]),
            torch.cat([each.pooled for each in conditions]),
            tuple(kind for each in conditions for kind in each.kinds),
            tuple(either for each in conditions for either in each.either_side),
        )

    def kind_of(self, take: int) -> str | None:
        """The kind of interaction of a take."""
        return self.kinds[0 if len(self.kinds) == 1 else take]

    def pooled_for(self, takes: Tensor, candidates: int) -> Tensor:
        """(N, W) vectors of the sentence encoder for takes (M,), each repeated ``candidates`` times."""
        vectors = self.pooled.expand(len(takes), -1) if len(self.pooled) == 1 else self.pooled[takes]
        return vectors.repeat_interleave(candidates, 0)


def candidate_selector(
    reranker: Reranker,
    text: TextCondition,
    decode: Callable[[Tensor, Tensor], np.ndarray],
    penalty: Callable[[np.ndarray, Tensor], np.ndarray] | None = None,
    shows: Shows | None = None,
) -> CandidateSelector:
    """The function that selects among candidates in ``sampling.sample``.

    A discontinuous candidate is selected only if all candidates are discontinuous, and is never accepted. Nor is one
    that does not show its act; of the others the best one that does is selected.

    Args:
        reranker: in evaluation mode.
        text: of the takes.
        decode: decodes token maps (N, candidates, 2, P, S) of takes (N,) to features (N * candidates, 2, T, 262),
            metres.
        penalty: maps features and takes (N,) to penalties (N * candidates,), which are subtracted from the scores when
            the candidates of a take are compared; None compares the scores alone.
        shows: tells of the features (2, T, 262) of a candidate whether they show what its take is to show. It is asked
            about the best candidates first. None if that is not known.
    """

    def select_candidate(candidates: Tensor, takes: Tensor) -> tuple[Tensor, Tensor]:
        count = candidates.shape[1]
        features = decode(candidates, takes)
        scores = plausibility(reranker, features, text.pooled_for(takes, count)).unflatten(0, (-1, count))
        ranks = scores
        if penalty is not None:
            ranks = scores - torch.from_numpy(penalty(features, takes)).to(scores).view_as(scores)
        chosen = ranks.argmax(1)
        values = scores.gather(1, chosen[:, None])[:, 0]
        if shows is not None:
            for row, take in enumerate(takes.tolist()):
                continuous = [
                    index for index in ranks[row].argsort(descending=True).tolist() if scores[row, index] >= 0
                ]
                seen = (index for index in continuous if shows(features[row * count + index], take))
                best = next(seen, None)
                if best is None:
                    values[row] -= 1
                else:
                    chosen[row], values[row] = best, scores[row, best]
        return chosen, values

    return select_candidate


@torch.inference_mode()
def plausibility(reranker: Reranker, features: np.ndarray, text: Tensor) -> Tensor:
    """(N,) the reranker's probability, minus 1 for discontinuous candidates.

    Args:
        reranker: in evaluation mode.
        features: (N, 2, T, 262) metres.
        text: (N, W) vectors of the sentence encoder.
    """
    joints = torch.from_numpy(features[..., POSITIONS]).to(reranker.mean.device).unflatten(-1, (JOINTS, 3))
    return reranker(joints, text).sigmoid().cpu() - torch.from_numpy(discontinuous(features)).float()


@torch.inference_mode()
def pair_scores(reranker: Reranker, joints: np.ndarray, text: Tensor) -> np.ndarray:
    """(N,) the reranker's probability that pairs do what a text says.

    Args:
        reranker: in evaluation mode.
        joints: (N, 2, T, 22, 3) metres.
        text: (1, W) vector of the sentence encoder.
    """
    device = reranker.mean.device
    vectors = text.to(device).expand(len(joints), -1)
    return reranker(torch.from_numpy(joints).float().to(device), vectors).sigmoid().cpu().numpy()


def discontinuous(features: np.ndarray) -> np.ndarray:
    """(N,) whether a pelvis in features (N, 2, T, 262), metres, moves faster than ``_MAX_SPEED``."""
    pelvis = features[..., POSITIONS][..., :3:2]
    return np.asarray((np.linalg.norm(np.diff(pelvis, axis=2), axis=-1) * FPS > _MAX_SPEED).any((1, 2)))
