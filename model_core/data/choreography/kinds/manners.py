"""How fast a scene is played, and movements that repeat: what the scripts of several modules share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..actor import Actor
from ..curves import plateau
from ..scene import Scene, Shift


def tempo(scene: Scene, slow: str = "slowly", quick: str = "quickly", share: float = 0.3) -> float:
    """By how much the durations of a scene are multiplied; sets the fact ``manner`` where it is not about 1.

    A slow scene takes at least 1.8 times as long as a quick one, so that the word is seen.

    Args:
        scene: whose fact is set.
        slow, quick: the words for it.
        share: probability of each of both.
    """
    draw = scene.vary(0.0, 1.0)
    scene.facts["manner"] = slow if draw < share else quick if draw > 1 - share else ""
    return scene.vary(1.35, 1.65) if draw < share else scene.vary(0.62, 0.75) if draw > 1 - share else 1.0


def beating(
    start: float, stop: float, rate: float, offset: Shift, edge: float = 0.2
) -> Callable[[np.ndarray], np.ndarray]:
    """Offsets (T, 3) that swing to both sides of nothing ``rate`` times a second between two times."""

    def swing(times: np.ndarray) -> np.ndarray:
        share = plateau(times, start + edge, stop - edge, edge, edge) * np.sin(2 * np.pi * rate * (times - start))
        return share[:, None] * np.array(offset)

    return swing


def nod(actor: Actor, start: float, count: int, angle: float, pace: float = 1.0) -> float:
    """Lower and raise the head some times from ``start`` on; returns when it ends."""
    seconds = 0.5 * pace * count
    share = np.clip((actor.times - start) / seconds, 0, 1)
    actor.sway(angle * np.sin(np.pi * count * share) ** 2, "x", ("Neck", "Head"))
    return start + seconds


def shake_head(actor: Actor, start: float, count: int, angle: float, pace: float = 1.0) -> float:
    """Turn the head to both sides some times from ``start`` on; returns when it ends."""
    seconds = 0.55 * pace * count
    share = np.clip((actor.times - start) / seconds, 0, 1)
    envelope = np.sin(np.pi * share) ** 0.5
    actor.sway(angle * envelope * np.sin(2 * np.pi * count * share), "y", ("Neck", "Head"))
    return start + seconds


def look_except(actor: Actor, start: float, stop: float, share: float = 0.85) -> None:
    """Look at the partner but not between two times: a look holds the head, and would undo a nod."""
    actor.look(-1, start - 0.35, share)
    actor.look(stop + 0.35, 9, share)


def drawn(offsets: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Offsets (T, 3) that are known already, as the function of times that gestures take."""
    return lambda times: offsets[: len(times)]
