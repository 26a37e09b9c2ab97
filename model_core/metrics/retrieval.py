"""R-precision and Frechet distance for the project's own evaluator.

A batch of R-precision holds 32 pairs of 32 different kinds, so that there is one right answer and chance is k in 32:
the evaluator is not trained to tell two clips of one kind apart. The Frechet distance depends on the size of the sets
and on their mixture of kinds. Held-out clips are therefore halved kind by kind; the first half is the reference, and
both the other half and as many generated clips of each kind are compared with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .frechet import EMBEDDING_SCALE, frechet_distance, multimodal_distance, r_precision

BATCH = 32
REPEATS = 100
"""Batches whose mean is the R-precision."""
HALVINGS = 20
"""Random halvings whose mean is the Frechet distance."""


@dataclass(frozen=True)
class Retrieval:
    """How well captions retrieve their motion.

    Attributes:
        precision: fraction of captions whose own motion is the nearest, among the two nearest, among the three nearest;
            None with fewer kinds than a batch needs.
        distance: mean distance between the embeddings of a caption and of its motion.
    """

    precision: tuple[float, float, float] | None
    distance: float


def retrieval(
    texts: np.ndarray, motions: np.ndarray, kinds: Sequence[str], batch: int = BATCH, repeats: int = REPEATS
) -> Retrieval:
    """R-precision and multimodal distance.

    Args:
        texts, motions: (N, D) embeddings of pairs.
        kinds: (N) kind of each pair.
        batch: number of pairs, each of another kind, among which a caption retrieves its motion.
        repeats: number of batches.
    """
    distance = multimodal_distance(texts, motions)
    if len(set(kinds)) < batch:
        return Retrieval(None, distance)
    precisions = [r_precision(texts[which], motions[which]) for which in _batches(kinds, batch, repeats)]
    first, second, third = np.mean(precisions, axis=0)
    return Retrieval((float(first), float(second), float(third)), distance)


def _batches(kinds: Sequence[str], batch: int, repeats: int) -> Iterator[np.ndarray]:
    """Indices (batch,) of pairs of different kinds."""
    random = np.random.default_rng(0)
    members = _members(kinds)
    names = sorted(members)
    for _ in range(repeats):
        chosen = random.permutation(len(names))[:batch]
        yield np.array([random.choice(members[names[name]]) for name in chosen])


def _members(kinds: Sequence[str]) -> dict[str, np.ndarray]:
    return {kind: np.flatnonzero(np.array(kinds) == kind) for kind in sorted(set(kinds))}


def frechet_by_kind(
    real: np.ndarray, real_kinds: Sequence[str], made: np.ndarray, made_kinds: Sequence[str], halvings: int = HALVINGS
) -> tuple[float, float] | None:
    """Frechet distance of real motion to real motion, and of generated motion to the same.

    Args:
        real, made: (N, D) and (M, D) embeddings of held-out and of generated motion.
        real_kinds, made_kinds: their kinds; kinds that are not in both are left out.
        halvings: number of random halvings.

    Returns:
        The distance between the halves of the real motion, and between one half and as many generated clips; None if
        a half has fewer than 2 D clips, too few to estimate a covariance.
    """
    random = np.random.default_rng(0)
    real_members, made_members = _members(real_kinds), _members(made_kinds)
    distances = []
    for _ in range(halvings):
        reference: list[int] = []
        others: list[int] = []
        generated: list[int] = []
        for kind in sorted(real_members.keys() & made_members.keys()):
            mixed, drawn = random.permutation(real_members[kind]), random.permutation(made_members[kind])
            count = min(len(mixed) // 2, len(drawn))
            reference.extend(mixed[:count])
            others.extend(mixed[count : 2 * count])
            generated.extend(drawn[:count])
        if len(reference) < 2 * real.shape[1]:
            return None
        fixed = EMBEDDING_SCALE * real[reference]
        distances.append([frechet_distance(fixed, EMBEDDING_SCALE * set_) for set_ in (real[others], made[generated])])
    of_real, of_made = np.mean(distances, axis=0)
    return float(of_real), float(of_made)
