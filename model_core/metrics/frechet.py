"""The metrics of text-to-interaction papers on embeddings, by the InterGen protocol."""

from __future__ import annotations

import numpy as np

EMBEDDING_SCALE = 6.0
"""The protocol multiplies the evaluator's embeddings by this before the Frechet distance."""


def frechet_distance(real: np.ndarray, generated: np.ndarray) -> float:
    """Frechet distance between Gaussians fitted to embeddings (N, D) and (M, D) (Heusel et al. 2017)."""
    difference = real.mean(0) - generated.mean(0)
    first, second = np.cov(real, rowvar=False), np.cov(generated, rowvar=False)
    # The trace of the product's square root is the sum of the square roots of its eigenvalues, which are real and
    # nonnegative except for rounding.
    roots = np.sqrt(np.linalg.eigvals(first @ second).astype(complex)).real
    return float(difference @ difference + np.trace(first) + np.trace(second) - 2 * roots.sum())


def _distances(texts: np.ndarray, motions: np.ndarray) -> np.ndarray:
    """(N, N) Euclidean distances from each text (N, D) to each motion (N, D)."""
    return np.linalg.norm(texts[:, None] - motions[None], axis=-1)


def r_precision(texts: np.ndarray, motions: np.ndarray, top: int = 3) -> np.ndarray:
    """(top,) fraction of texts (N, D) whose own motion is among the 1, 2, .. ``top`` nearest of the N motions."""
    order = _distances(texts, motions).argsort(1)[:, :top]
    return np.cumsum(order == np.arange(len(texts))[:, None], axis=1).mean(0)


def multimodal_distance(texts: np.ndarray, motions: np.ndarray) -> float:
    """Mean distance between the embedding of a text and that of its own motion."""
    return float(np.linalg.norm(texts - motions, axis=1).mean())
