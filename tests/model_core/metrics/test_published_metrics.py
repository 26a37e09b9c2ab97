"""Diversity, multimodality, intervals and retrieval against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from model_core.metrics.frechet import frechet_distance, multimodal_distance, r_precision
from model_core.metrics.published import diversity, mean_and_interval, multimodality


class Chosen(np.random.Generator):
    """Draws that are given."""

    def __init__(self, *draws: list[int]) -> None:
        super().__init__(np.random.PCG64(0))
        self.draws = list(draws)

    def choice(self, count, size, replace):  # type: ignore[no-untyped-def, override]
        assert not replace and len(self.draws[0]) == size
        return np.array(self.draws.pop(0))


def test_diversity_is_the_mean_distance_of_pairs() -> None:
    points = 6 * np.array([[0.0, 0], [3, 4], [0, 5], [1, 1]])
    # |(0,0) - (3,4)| = 5, |(0,5) - (0,5)| = 0; times 6, over 2
    assert diversity(points, 2, Chosen([0, 2], [1, 2]), 2) == pytest.approx(7.5)
    assert diversity(points / 6, 2, Chosen([0, 2], [1, 2])) == pytest.approx(2.5)
    with pytest.raises(ValueError, match="more than 4"):
        diversity(points, 4, np.random.default_rng(0))


def test_multimodality_pairs_draws_of_one_text() -> None:
    points = np.zeros((2, 3, 2))
    points[0, :, 0] = 1, 3, 7
    points[1, :, 1] = 2, 2, 10
    # pairs (0, 2) and (1, 0): text 0: 6 and 2, text 1: 8 and 0
    assert multimodality(points, 2, Chosen([0, 1], [2, 0])) == pytest.approx(4)
    assert multimodality(6 * points, 2, Chosen([0, 1], [2, 0]), 2) == pytest.approx(12)


def test_the_interval_uses_the_deviation_of_all_values() -> None:
    mean, half = mean_and_interval([1.0, 3.0, 5.0, 7.0])
    assert mean == 4 and half == pytest.approx(1.96 * np.sqrt(5) / 2)  # variance (9 + 1 + 1 + 9) / 4
    assert mean_and_interval([2.0])[1] == 0


def test_retrieval_ranks_by_distance_and_distance_is_the_diagonal() -> None:
    texts = np.array([[0.0, 0], [10, 0], [0, 10]])
    motions = np.array([[1.0, 0], [0, 2], [10, 3]])
    # Text 0 finds its motion first. Text 1: 9, 10.2, 3, so third. Text 2: 10.05, 8, 12.2, so third.
    np.testing.assert_allclose(r_precision(texts, motions), [1 / 3, 1 / 3, 1])
    assert multimodal_distance(texts, motions) == pytest.approx((1 + np.sqrt(104) + np.sqrt(149)) / 3)


def test_the_frechet_distance_of_two_lines() -> None:
    first = np.array([[-1.0, 0], [1, 0]])  # covariance diag(2, 0)
    second = np.array([[-3.0, 4], [3, 4]])  # diag(18, 0), and 4 away
    # 16 + 2 + 18 - 2 sqrt(2 * 18)
    assert frechet_distance(first, second) == pytest.approx(24)
