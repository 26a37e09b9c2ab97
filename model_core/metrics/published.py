"""Diversity, multimodality and confidence intervals as published evaluations of text to interaction compute them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_NORMAL_95 = 1.96
"""Standard deviations on either side of the mean that hold 95 % of a normal distribution."""


def diversity(embeddings: np.ndarray, pairs: int, random: np.random.Generator, divisor: float = 1.0) -> float:
    """Mean distance, divided by ``divisor``, of random pairs of embeddings.

    Args:
        embeddings: (N, D), scaled as the protocol asks for; N > ``pairs``.
        pairs: number of pairs. The first members are all different, and so are the second ones; as published, a pair
            may hold one embedding twice.
        random: of the pairs.
        divisor: of the distances; 2 for InterHuman.
    """
    return float(np.linalg.norm(np.subtract(*_sides(embeddings, pairs, random, 0)), axis=-1).mean() / divisor)


def multimodality(embeddings: np.ndarray, pairs: int, random: np.random.Generator, divisor: float = 1.0) -> float:
    """Mean distance, divided by ``divisor``, of random pairs of embeddings that were generated from one text.

    Args:
        embeddings: (texts, draws, D), scaled as the protocol asks for; draws > ``pairs``.
        pairs: number of pairs, of the same two numbers of draws for every text.
        random, divisor: as in ``diversity``.
    """
    return float(np.linalg.norm(np.subtract(*_sides(embeddings, pairs, random, 1)), axis=-1).mean() / divisor)


def _sides(embeddings: np.ndarray, pairs: int, random: np.random.Generator, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """The first and the second members of random pairs along an axis."""
    count = embeddings.shape[axis]
    if count <= pairs:
        raise ValueError(f"{pairs} pairs need more than {count} embeddings")
    first, second = (random.choice(count, pairs, replace=False) for _ in range(2))
    return embeddings.take(first, axis), embeddings.take(second, axis)


def mean_and_interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean of replications and half the width of its 95 % interval: 1.96 standard deviations / sqrt(count)."""
    return float(np.mean(values)), float(_NORMAL_95 * np.std(values) / np.sqrt(len(values)))
