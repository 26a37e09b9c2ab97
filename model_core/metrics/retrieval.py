"""Do motions and captions find each other, and do two sets of motion look alike: the protocol for our own evaluator.

A batch of R-precision holds 32 pairs of 32 different kinds, so that there is one right answer and chance is k in 32:
the evaluator was not taught to tell two clips of one kind apart. The Frechet distance grows as sets become smaller and
as their mixture of kinds differs. Therefore held-out clips are halved kind by kind, the first half is the reference,
and both the other half and as many generated clips of each kind are compared with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .frechet import EMBEDDING_SCALE, frechet_distance, multimodal_distance, r_precision

BATCH = 32
REPEATS = 100
"""Batches of R-precision, whose mean counts."""
HALVINGS = 20
"""Random halvings for the Frechet distance, whose mean counts."""


@dataclass(frozen=True)
class Retrieval:
    """How well captions find their motion.

    Attributes:
        precision: share of captions whose own motion is the nearest, among the two nearest, among the three nearest;
            None where there are fewer kinds than a batch needs.
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
        kinds: (N) of the pairs.
        batch: pairs in which a caption seeks its motion, each of another kind.
        repeats: batches drawn.
    """
    distance = multimodal_distance(texts, motions)
    if len(set(kinds)) < batch:
        return Retrieval(None, distance)
    shares = [r_precision(texts[which], motions[which]) for which in _batches(kinds, batch, repeats)]
    first, second, third = np.mean(shares, axis=0)
    return Retrieval((float(first), float(second), float(third)), distance)


def _batches(kinds: Sequence[str], batch: int, repeats: int) -> Iterator[np.ndarray]:
    """Indices (batch,) of pairs of different kinds."""
    random = np.random.default_rng(0)
    places = _places(kinds)
    names = sorted(places)
    for _ in range(repeats):
        chosen = random.permutation(len(names))[:batch]
        yield np.array([random.choice(places[names[name]]) for name in chosen])


def _places(kinds: Sequence[str]) -> dict[str, np.ndarray]:
    return {kind: np.flatnonzero(np.array(kinds) == kind) for kind in sorted(set(kinds))}


def frechet_by_kind(
    real: np.ndarray, real_kinds: Sequence[str], made: np.ndarray, made_kinds: Sequence[str], halvings: int = HALVINGS
) -> tuple[float, float] | None:
    """Frechet distance of real motion to real motion, and of generated motion to the same.

    Args:
        real, made: (N, D) and (M, D) embeddings of held-out and of generated motion.
        real_kinds, made_kinds: their kinds; those that are not in both are left out.
        halvings: of the real ones.

    Returns:
        The distance of one half of the real ones to the other half, and of as many generated ones to the other half;
        None where a half has not twice as many clips as an embedding has numbers: their spread would be a guess.
    """
    random = np.random.default_rng(0)
    real_places, made_places = _places(real_kinds), _places(made_kinds)
    distances = []
    for _ in range(halvings):
        reference: list[int] = []
        others: list[int] = []
        generated: list[int] = []
        for kind in sorted(real_places.keys() & made_places.keys()):
            mixed, drawn = random.permutation(real_places[kind]), random.permutation(made_places[kind])
            count = min(len(mixed) // 2, len(drawn))
            reference.extend(mixed[:count])
            others.extend(mixed[count : 2 * count])
            generated.extend(drawn[:count])
        if len(reference) < 2 * real.shape[1]:
            return None
        fixed = EMBEDDING_SCALE * real[reference]
        distances.append([frechet_distance(fixed, EMBEDDING_SCALE * set_) for set_ in (real[others], made[generated])])
    alike, apart = np.mean(distances, axis=0)
    return float(alike), float(apart)
