"""R-precision, distances and Frechet distance of generated and held-out motion, by the project's own evaluator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data.choreography.shards import StoredClip
from ..metrics.retrieval import frechet_by_kind, retrieval
from ..model_files.evaluator_folder import PairEmbedding
from ..motion import Motion
from ..motion.hands import body_of
from ..motion.representation import features_from_motion


@dataclass(frozen=True)
class Prompted:
    """Motion generated from a held-out caption, as features (2, T, 262) in metres.

    Attributes:
        caption: the prompt.
        real: the held-out clip that it describes.
        made: output of the network.
        solved: the same after the solver, as users see it.
    """

    caption: str
    real: StoredClip
    made: np.ndarray
    solved: np.ndarray


@dataclass(frozen=True)
class EvaluatorRow:
    """Figures of one set of motion.

    Attributes:
        what: the set.
        precision: R-precision, top 1, 2 and 3 of 32; None with fewer than 32 kinds.
        distance: mean distance of the unit vectors of caption and motion.
        frechet: distance to held-out motion; None with too few clips.
    """

    what: str
    precision: tuple[float, float, float] | None
    distance: float
    frechet: float | None

    def __str__(self) -> str:
        """One line of the report."""
        tops = "     -    " if self.precision is None else " ".join(f"{100 * share:3.0f}" for share in self.precision)
        frechet = "  -" if self.frechet is None else f"{self.frechet:.2f}"
        return f"{self.what:34s} top 1, 2, 3 of 32: {tops} %   distance {self.distance:.2f}   FID {frechet}"


def evaluator_rows(
    embedding: PairEmbedding, prompted: Sequence[Prompted], held_out: Sequence[StoredClip]
) -> list[EvaluatorRow]:
    """Figures of the held-out clips, of the network's output, and of the solver's output.

    Args:
        embedding: the evaluator.
        prompted: motion generated from held-out captions; their held-out clips are the first row.
        held_out: all held-out clips, halved for the Frechet distance.
    """
    kinds = [one.real.kind for one in prompted]
    texts = embedding.texts([one.caption for one in prompted])
    real = embedding.motions(clip.features for clip in held_out)
    real_kinds = [clip.kind for clip in held_out]
    sets = {
        "held-out clips": embedding.motions(one.real.features for one in prompted),
        "generated": embedding.motions(one.made for one in prompted),
        "generated and solved": embedding.motions(one.solved for one in prompted),
    }
    rows = []
    for what, motions in sets.items():
        found = retrieval(texts, motions, kinds)
        # The row of held-out clips compares one half of them with the other half.
        apart = frechet_by_kind(real, real_kinds, motions, kinds)
        frechet = None if apart is None else apart[0 if what == "held-out clips" else 1]
        rows.append(EvaluatorRow(what, found.precision, found.distance, frechet))
    return rows


def features_of(people: Sequence[Motion]) -> np.ndarray:
    """(2, T - 1, 262) features of two people."""
    return np.stack([features_from_motion(body_of(person)) for person in people])
