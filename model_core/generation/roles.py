"""Who acts: one of two people pushes, leads or kneels, and the prompt may say which.

Training shows each pair in either order with the same caption, so the networks leave open which person acts. The
geometric detectors see it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..metrics.detectors import DETECTORS
from ..metrics.detectors.measures import Pair, Person
from ..motion import Motion
from ..motion.skeleton import SMPL


@dataclass(frozen=True)
class Role:
    """Which person acts.

    Attributes:
        kind: of interaction.
        actor: 0 or 1.
    """

    kind: str
    actor: int

    @property
    def exchanged(self) -> Role:
        """The same with the people exchanged."""
        return Role(self.kind, 1 - self.actor)


def detected_actor(kind: str, joints: np.ndarray) -> int | None:
    """The person who acts, 0 or 1; None if no one is seen to act, or both are, or the kind has no detector.

    Args:
        kind: of interaction.
        joints: (2, T, J, 3) metres, Y up, 30 frames per second, floor at 0; the first 22 joints are those of SMPL.
    """
    detector = DETECTORS.get(kind)
    if detector is None:
        return None
    first, second = (Person(np.asarray(person[:, : len(SMPL)], dtype=np.float64)) for person in joints)
    seen = detector(Pair(first, second)), detector(Pair(second, first))
    return None if seen[0] == seen[1] else seen.index(True)


def in_roles(pair: tuple[Motion, Motion], role: Role) -> tuple[Motion, Motion]:
    """Two generated people, exchanged if the other one than asked for is seen to act."""
    actor = detected_actor(role.kind, np.stack([person.joints for person in pair]))
    return pair if actor in (None, role.actor) else (pair[1], pair[0])


def role_penalties(joints: np.ndarray, role: Role) -> np.ndarray:
    """(N,) 1 for pairs (N, 2, T, J, 3) in which the other person than asked for is seen to act, else 0."""
    return np.array([detected_actor(role.kind, pair) == 1 - role.actor for pair in joints], dtype=np.float64)
