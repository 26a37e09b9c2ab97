"""Does it do what it says: a geometric detector for every kind of interaction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .contact import CONTACT
from .fights import FIGHTS
from .measures import Pair, Person
from .signs import SIGNS
from .travel import TRAVEL

DETECTORS: dict[str, Callable[[Pair], bool]] = {**CONTACT, **FIGHTS, **SIGNS, **TRAVEL}
"""A test of an actor and a partner for every kind, captured salsa among them."""


def detected(kind: str, joints: np.ndarray) -> bool:
    """Whether two people do what a kind says; either of them may be the one who acts.

    Args:
        kind: a name of ``DETECTORS``.
        joints: (2, T, 22, 3) metres, Y up, 30 frames a second, floor at 0.
    """
    first, second = (Person(np.asarray(person, dtype=np.float64)) for person in joints)
    return any(DETECTORS[kind](pair) for pair in (Pair(first, second), Pair(second, first)))


def kinds_seen(joints: np.ndarray) -> list[str]:
    """All kinds whose detectors see two people (2, T, 22, 3) do it."""
    first, second = (Person(np.asarray(person, dtype=np.float64)) for person in joints)
    pairs = (Pair(first, second), Pair(second, first))
    return [kind for kind, detector in DETECTORS.items() if any(detector(pair) for pair in pairs)]
