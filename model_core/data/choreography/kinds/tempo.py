"""How fast a script is played."""

from __future__ import annotations

from ..scene import Scene

_SLOWER = {"": 1.0, "slowly": 1.6, "quickly": 0.65}


def tempo(scene: Scene) -> float:
    """A factor on the times of approaching bodies and hands, with its word as the fact ``manner``.

    A slow clip takes at least twice the time of a quick one, so that the word can be seen.
    """
    word = scene.one_of("", "", "slowly", "quickly")
    scene.facts["manner"] = word
    return _SLOWER[word] * scene.vary(0.94, 1.06)
