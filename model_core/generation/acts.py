"""Whether generated people are seen to do what their prompt asks for.

The reranker has learnt the answers of the detectors, and misses some of them. The detectors themselves are asked about
the candidates that it likes best, and about the frames of a part that are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..constraints import Targets
from ..kinematics import SolveSettings, solve
from ..metrics.detectors import DETECTORS, detected
from ..motion import Motion
from ..motion.skeleton import SMPL


def seen_kind(kind: str) -> str | None:
    """The kind if there is a detector for it."""
    return kind if kind in DETECTORS else None


def shows(kind: str, people: Sequence[Motion], targets: Targets | None = None, held: int | None = None) -> bool:
    """Whether the detector of a kind sees it in two people as users get them, after the solver.

    Args:
        kind: of interaction.
        people: two, on the floor at 0.
        targets: that the solver meets.
        held: the person whom it leaves as they are.
    """
    solved = solve(people, SolveSettings(held=held), targets=targets)
    joints = np.stack([person.joints() for person in solved])
    return detected(kind, joints[:, :, : len(SMPL)])


def shown(kind: str, joints: np.ndarray) -> np.ndarray:
    """(N,) 1 for pairs of joints (N, 2, T, 22, 3) in metres in which the detector of a kind sees it, else 0."""
    return np.array([detected(kind, pair) for pair in joints], dtype=np.float64)
