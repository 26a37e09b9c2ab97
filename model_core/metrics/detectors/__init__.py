"""A geometric detector for every kind of interaction: whether two people do what the kind's name says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .caring import CARING
from .contact import CONTACT
from .fights import FIGHTS
from .measures import Pair, Person
from .playing import PLAYING
from .sharing import SHARING
from .signals import SIGNALS
from .signs import SIGNS
from .sports import SPORTS
from .striking import STRIKING
from .travel import TRAVEL

Detector = Callable[[Pair], bool]

_SPECIAL = {
    "hug": ("comfort who cries", "kiss on the cheek", "trip and catch"),
    "whisper in the ear": ("comfort who cries", "kiss on the cheek", "pat a sitting one", "whisper and giggle"),
    "play clapping hands": ("kiss on the cheek", "swing dance", "lift joined hands"),
    "drink together": ("propose with a ring", "comfort who cries"),
    "kneel before the other": ("propose with a ring", "help up"),
    "shake hands": ("help up", "swing dance", "turn under the arm", "lift joined hands"),
    "pat on the shoulder": ("comfort who cries", "pat a sitting one"),
    "mirror each other's exercise": ("stretch together",),
    "dance in unison": ("stretch together",),
    "pull by the hand": ("swing dance", "lift joined hands"),
    "swing dance": ("lift joined hands",),
    "dance in hold": ("tango",),
    "grapple and break free": ("trip and catch",),
    "comfort who cries": ("trip and catch",),
    "apologise": ("kick and step back",),
    "laugh together": ("whisper and giggle",),
    "cheer": ("stretch together",),
    "arm around the shoulder walking": ("lead by the arm", "support while limping"),
    "walk side by side": ("lead by the arm", "support while limping"),
    "hold hands walking": ("lead by the arm",),
    "martial-arts sparring": ("carry a table together",),
    "salsa": (
        "support while limping",
        "swing dance",
        "turn under the arm",
        "tango",
        "lift joined hands",
        "shake hands",
        "hand over an object",
    ),
}
"""Kinds whose measures hold for more special kinds too: where one of these is detected, the general one is not."""

_ALL: dict[str, Detector] = {
    **CONTACT,
    **FIGHTS,
    **SIGNS,
    **TRAVEL,
    **SIGNALS,
    **STRIKING,
    **SPORTS,
    **CARING,
    **SHARING,
    **PLAYING,
}


def _except(general: Detector, special: tuple[str, ...]) -> Detector:
    def detector(pair: Pair) -> bool:
        roles = (pair, pair.swapped)
        return general(pair) and not any(_ALL[kind](one) for kind in special for one in roles)

    return detector


DETECTORS: dict[str, Detector] = {
    kind: _except(detector, _SPECIAL[kind]) if kind in _SPECIAL else detector for kind, detector in _ALL.items()
}
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
