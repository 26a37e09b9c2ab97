"""Generated motion beside held-out motion, seen by our own evaluator: R-precision, distances, Frechet distance."""

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
    """What came of a held-out caption, as rows (2, T, 262) in metres.

    Attributes:
        caption: the prompt.
        real: the held-out clip that it tells of.
        made: what the network wrote.
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
        precision: R-precision, top 1, 2 and 3 of 32; None where there are fewer than 32 kinds.
        distance: mean distance of the unit vectors of caption and motion.
        frechet: distance to held-out motion; None where there are too few clips for it.
    """

    what: str
    precision: tuple[float, float, float] | None
    distance: float
    frechet: float | None

    def __str__(self) -> str:
        """A line for people."""
        tops = "     -    " if self.precision is None else " ".join(f"{100 * share:3.0f}" for share in self.precision)
        frechet = "  -" if self.frechet is None else f"{self.frechet:.2f}"
        return f"{self.what:34s} top 1, 2, 3 of 32: {tops} %   distance {self.distance:.2f}   FID {frechet}"


def evaluator_rows(
    embedding: PairEmbedding, prompted: Sequence[Prompted], held_out: Sequence[StoredClip]
) -> list[EvaluatorRow]:
    """Figures of the held-out clips themselves, of what the network wrote and of that after the solver.

    Args:
        embedding: our evaluator.
        prompted: what came of held-out captions; the held-out clips that belong to them are the first row.
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
        # Where the row is of held-out clips, one half of them all is compared with the other.
        apart = frechet_by_kind(real, real_kinds, motions, kinds)
        frechet = None if apart is None else apart[0 if what == "held-out clips" else 1]
        rows.append(EvaluatorRow(what, found.precision, found.distance, frechet))
    return rows


def features_of(people: Sequence[Motion]) -> np.ndarray:
    """(2, T - 1, 262) of two people."""
    return np.stack([features_from_motion(body_of(person)) for person in people])
