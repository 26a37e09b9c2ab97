"""The published protocol of text to interaction: figures of one replication (Liang et al. 2024, Xu et al. 2024).

Everything is drawn and generated afresh in each replication, whose number and the seed determine all of its draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Protocol

import numpy as np

from ..data.published_split import DrawnPair, PublishedSplit
from ..errors import UserError
from ..metrics.frechet import frechet_distance, multimodal_distance, r_precision
from ..metrics.physical import PhysicalMetrics, physical_metrics
from ..metrics.published import diversity, multimodality
from ..motion import FPS

Progress = Callable[[int, int], None]
"""Called with (clips generated so far, all of them)."""


@dataclass(frozen=True)
class ProtocolSettings:
    """The protocol's numbers; the defaults are InterHuman's.

    Attributes:
        pool: captions and motions among which a caption retrieves its own; an incomplete pool is dropped.
        scale: of the embeddings, before all but retrieval and distance.
        divisor: of the distances of diversity and multimodality.
        texts, draws, draw_pairs: of multimodality: captions, motions generated from each, and pairs of those.
        diversity_pairs: pairs of motions for diversity.
        replications: with everything generated afresh.
        seed: of all draws.
    """

    pool: int = 96
    scale: float = 6.0
    divisor: float = 2.0
    texts: int = 100
    draws: int = 30
    draw_pairs: int = 10
    diversity_pairs: int = 300
    replications: int = 20
    seed: int = 3407


INTERX_SETTINGS = ProtocolSettings(pool=32, scale=1.0, divisor=1.0)
"""The protocol's numbers for Inter-X."""


@dataclass(frozen=True)
class Figures:
    """Figures of one set of motion in one replication.

    Attributes:
        top1, top2, top3: R-precision: captions whose own motion is the nearest, or among the two or three nearest.
        frechet: Frechet distance to another drawing of the ground truth.
        distance: mean distance between the embeddings of a caption and of its motion ("MM Dist").
        diversity: mean distance of random pairs of motions.
        multimodality: mean distance of motions generated from one caption; None for the ground truth.
    """

    top1: float
    top2: float
    top3: float
    frechet: float
    distance: float
    diversity: float
    multimodality: float | None = None


@dataclass(frozen=True)
class Replication:
    """The figures of generated motion, and of the ground truth.

    Attributes:
        generated, truth: by the evaluator.
        generated_physics, truth_physics: means over clips, of which the evaluator says nothing.
    """

    generated: Figures
    truth: Figures
    generated_physics: PhysicalMetrics
    truth_physics: PhysicalMetrics


class Evaluator(Protocol):
    """Embeds motions and captions in one space, and knows where the joints of the features are."""

    def motions(self, people: Sequence[np.ndarray]) -> np.ndarray:
        """(N, D) embeddings of features (2, T, ...) of pairs, not normalised."""

    def texts(self, pairs: Sequence[DrawnPair]) -> np.ndarray:
        """(N, D) embeddings of the captions of clips."""

    def joints(self, people: np.ndarray) -> np.ndarray:
        """(2, T, 22, 3) positions, metres, on a floor at Y = 0, of features (2, T, ...) of a pair."""


Generate = Callable[[Sequence[DrawnPair], Sequence[int], int], Iterator[list[np.ndarray]]]
"""Takes clips, how many motions to generate for each, and a seed; yields the motions (2, T, ...) of each clip."""


def check_size(split: PublishedSplit, settings: ProtocolSettings) -> None:
    """Check that a split has enough clips for every figure.

    Raises:
        UserError: it has too few.
    """
    whole = len(split.names) // settings.pool * settings.pool
    needed = max(settings.diversity_pairs + 1, settings.pool)
    if whole < needed or len(split.names) < settings.texts:
        raise UserError(
            f"{len(split.names)} clips were found, which make {whole // settings.pool} whole pools of {settings.pool}; "
            f"the protocol needs more than {settings.diversity_pairs} clips in whole pools: copy the whole data set."
        )


def replicate(
    split: PublishedSplit,
    evaluator: Evaluator,
    generate: Generate,
    settings: ProtocolSettings,
    number: int,
    on_clip: Progress | None = None,
) -> Replication:
    """One replication.

    Args:
        split: of the data set.
        evaluator: of the data set.
        generate: the model.
        settings: of the protocol.
        number: of the replication, from 0.
        on_clip: reports progress.
    """
    random = np.random.default_rng((settings.seed, number))
    count = len(split.names)
    clips = [split.draw(index, random) for index in random.permutation(count)]
    repeated = set(random.choice(count, settings.texts, replace=False).tolist())
    wanted = [settings.draws if place in repeated else 1 for place in range(count)]
    made: list[tuple[DrawnPair, np.ndarray]] = []
    of_one_text = []
    for clip, motions in zip(clips, generate(clips, wanted, int(random.integers(2**31))), strict=True):
        made.append((clip, motions[0]))
        if len(motions) > 1:
            of_one_text.append(evaluator.motions(motions))
        if on_clip is not None:
            on_clip(len(made), count)
    generated = _embedded((made[place] for place in random.permutation(count)), evaluator, settings.pool)
    truth, reference = (_embedded(_ground_truth(split, random), evaluator, settings.pool) for _ in range(2))
    physics = (
        _physics(evaluator.joints(people) for _, people in made),
        _physics(evaluator.joints(clip.features) for clip in clips),
    )
    several = multimodality(settings.scale * np.stack(of_one_text), settings.draw_pairs, random, settings.divisor)
    return Replication(
        _figures(generated, reference, settings, random, several),
        _figures(truth, reference, settings, random),
        *physics,
    )


def _physics(clips: Iterable[np.ndarray]) -> PhysicalMetrics:
    """Means of the metrics over clips (2, T, 22, 3)."""
    found = [astuple(physical_metrics(joints, FPS)) for joints in clips]
    return PhysicalMetrics(*(float(value) for value in np.mean(found, axis=0)))


_Embedded = tuple[np.ndarray, np.ndarray]
"""(N, D) embeddings of captions and of their motions, in whole pools."""


def _ground_truth(split: PublishedSplit, random: np.random.Generator) -> Iterator[tuple[DrawnPair, np.ndarray]]:
    for index in random.permutation(len(split.names)):
        clip = split.draw(index, random)
        yield clip, clip.features


def _embedded(pairs: Iterable[tuple[DrawnPair, np.ndarray]], evaluator: Evaluator, pool: int) -> _Embedded:
    """Embeddings of the pairs, in their order, without those of an incomplete pool at the end."""
    texts, motions, waiting = [], [], []
    for pair in pairs:
        waiting.append(pair)
        if len(waiting) == pool:
            texts.append(evaluator.texts([clip for clip, _ in waiting]))
            motions.append(evaluator.motions([people for _, people in waiting]))
            waiting = []
    return np.concatenate(texts).astype(np.float64), np.concatenate(motions).astype(np.float64)


def _figures(
    found: _Embedded,
    reference: _Embedded,
    settings: ProtocolSettings,
    random: np.random.Generator,
    several: float | None = None,
) -> Figures:
    texts, motions = found
    pools = [slice(start, start + settings.pool) for start in range(0, len(texts), settings.pool)]
    first, second, third = np.mean([r_precision(texts[pool], motions[pool]) for pool in pools], axis=0)
    scaled = settings.scale * motions
    return Figures(
        top1=float(first),
        top2=float(second),
        top3=float(third),
        frechet=frechet_distance(settings.scale * reference[1], scaled),
        distance=multimodal_distance(texts, motions),
        diversity=diversity(scaled, settings.diversity_pairs, random, settings.divisor),
        multimodality=several,
    )
