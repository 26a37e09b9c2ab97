"""A geometric detector for every kind of interaction: whether two people do what the kind's name says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .contact import CONTACT
from .fights import FIGHTS
from .measures import Pair, Person
from .signals import SIGNALS
from .signs import SIGNS
from .striking import STRIKING
from .travel import TRAVEL

DETECTORS: dict[str, Callable[[Pair], bool]] = {**CONTACT, **FIGHTS, **SIGNS, **TRAVEL, **SIGNALS, **STRIKING}
"""A test of an actor and a partner for every kind, including captured salsa."""


def detected(kind: str, joints: np.ndarray) -> bool:
    """Whether a kind is detected, with either person as the actor.

    Args:
        kind: a name of ``DETECTORS``.
        joints: (2, T, 22, 3) metres, Y up, 30 frames per second, floor at 0.
    """
    first, second = (Person(np.asarray(person, dtype=np.float64)) for person in joints)
    return any(DETECTORS[kind](pair) for pair in (Pair(first, second), Pair(second, first)))


def detected_kinds(joints: np.ndarray) -> list[str]:
    """All kinds that are detected for two people, joints (2, T, 22, 3) as in ``detected``."""
    first, second = (Person(np.asarray(person, dtype=np.float64)) for person in joints)
    pairs = (Pair(first, second), Pair(second, first))
    return [kind for kind, detector in DETECTORS.items() if any(detector(pair) for pair in pairs)]
