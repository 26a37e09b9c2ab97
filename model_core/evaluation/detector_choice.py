"""Evaluations in which the detectors that measure success may also help to choose what is measured."""

from __future__ import annotations

_WORDS = {
    True: "The detectors that measure success also help to choose among candidates, as they do for users: success is "
    "not measured independently. Add --without-detectors for a run in which they have no say.",
    False: "The detectors that measure success had no say in which candidates were kept.",
}


def choice_of_candidates(detectors: bool) -> str:
    """What a table says of its figures: whether the detectors helped to choose among candidates."""
    return _WORDS[detectors]


def clips_folder(name: str, detectors: bool) -> str:
    """The folder for what was measured, another one where detectors do not help to choose."""
    return name if detectors else f"{name} without detectors"
