"""Contacts of hands: shaking hands, high fives, fist bumps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....motion.places import PALM_GAP
from ..actor import Actor
from ..curves import plateau
from ..scene import Scene


def approach(scene: Scene, gap: float, least: float = 0.0, most: float = 1.6, slower: float = 1.0) -> float:
    """Place both people ``gap`` apart, or let them approach; return the time of arrival.

    ``slower`` divides their pace.
    """
    first, second = scene.cast()
    way = scene.vary(least, most) if scene.chance(0.65) else 0.0
    if way < 0.35:
        scene.facing_each_other(gap)
        return scene.vary(0.2, 0.7)
    both = scene.chance(0.5)
    scene.facing_each_other(gap + way)
    start = scene.vary(-0.4, 0.2)
    pace = scene.vary(0.8, 1.15) / slower
    forward = np.array([0.0, 0.0, 1.0])
    if both:
        stop = start + 0.5 + 0.5 * way / pace
        first.move(start, stop, 0.5 * way * forward)
        second.move(start + scene.vary(-0.15, 0.15), stop, -0.5 * way * forward)
    else:
        stop = start + 0.5 + way / pace
        mover, direction = (first, 1.0) if scene.chance(0.5) else (second, -1.0)
        mover.move(start, stop, direction * way * forward)
    return stop


def look_at_each_other(scene: Scene, *actors: Actor) -> None:
    """Let both people look at each other all the time."""
    for actor in actors:
        actor.look(-1.0, scene.seconds + 1.0, scene.vary(0.6, 0.95))


def shake_hands(scene: Scene) -> None:
    scene.mirror = scene.chance(0.12)
    arrived = approach(scene, scene.vary(0.78, 0.95))
    first, second = scene.actors
    start = arrived + scene.vary(0.1, 0.5)
    slow = scene.chance(0.3)
    scene.facts |= {"side": "right", "manner": "slowly" if slow else ""}
    stop = start + (scene.vary(1.4, 2.0) if slow else scene.vary(0.9, 1.6))
    rate, size = (scene.vary(1.0, 1.4), 0.025) if slow else (scene.vary(2.0, 2.8), scene.vary(0.025, 0.045))

    def pump(times: np.ndarray) -> np.ndarray:
        swing = plateau(times, start + 0.25, stop - 0.2, 0.15, 0.2) * np.sin(2 * np.pi * rate * (times - start))
        return size * swing[:, None] * np.array([0.0, 1.0, 0.0])

    how: dict[str, Any] = {
        "fingers": (0.0, 0.1, 1.0),
        "palm": (-1.0, 0.0, 0.15),
        "approach": scene.vary(0.5, 0.8),
        "release": scene.vary(0.5, 0.8),
        "elbow": (0.35, -1.0, -0.3),
    }
    scene.meet(
        "right",
        "right",
        start,
        stop,
        scene.vary(1.0, 1.1),
        scene.vary(0.45, 0.55),
        -0.03,
        pump,
        how=how,
        apart=(0.0, PALM_GAP),
    )
    if scene.chance(0.4):
        for actor in (first, second):
            actor.bend(scene.vary(0.05, 0.2), start, stop, 0.6, 0.6)
    look_at_each_other(scene, first, second)
    scene.finish_at(stop + scene.vary(0.7, 1.2))


def high_five(scene: Scene) -> None:
    arrived = approach(scene, scene.vary(0.75, 0.95))
    first, second = scene.actors
    start = arrived + scene.vary(0.25, 0.6)
    fast = scene.chance(0.5)
    scene.facts |= {"side": "right", "manner": "enthusiastically" if fast else ""}
    stop = start + scene.vary(0.08, 0.2)
    how: dict[str, Any] = {
        "fingers": (0.0, 1.0, 0.15),
        "palm": (0.0, 0.1, 1.0),
        "approach": 0.45 if fast else 0.65,
        "release": scene.vary(0.5, 0.8),
        "elbow": (0.7, -1.0, 0.0),
        "bow": (0.1, 0.12, -0.22),
    }
    scene.meet("right", "right", start, stop, scene.vary(1.5, 1.72), 0.5, scene.vary(-0.22, -0.15), how=how)
    look_at_each_other(scene, first, second)
    scene.finish_at(stop + scene.vary(0.8, 1.3))


def high_ten(scene: Scene) -> None:
    arrived = approach(scene, scene.vary(0.72, 0.9))
    first, second = scene.actors
    start = arrived + scene.vary(0.3, 0.6)
    fast = scene.chance(0.5)
    scene.facts |= {"manner": "enthusiastically" if fast else ""}
    stop = start + scene.vary(0.08, 0.25)
    height = scene.vary(1.45, 1.65)
    how: dict[str, Any] = {
        "fingers": (0.0, 1.0, 0.15),
        "palm": (0.0, 0.1, 1.0),
        "approach": 0.5 if fast else 0.7,
        "release": scene.vary(0.5, 0.8),
        "elbow": (0.7, -1.0, 0.0),
        "bow": (0.06, 0.08, -0.18),
    }
    for hand, other, aside in (("left", "right", 0.2), ("right", "left", -0.2)):
        scene.meet(hand, other, start, stop, height, 0.5, aside, how=how)
    look_at_each_other(scene, first, second)
    scene.finish_at(stop + scene.vary(0.8, 1.3))


def fist_bump(scene: Scene) -> None:
    arrived = approach(scene, scene.vary(0.85, 1.05))
    first, second = scene.actors
    start = arrived + scene.vary(0.2, 0.5)
    scene.facts |= {"side": "right"}
    stop = start + scene.vary(0.1, 0.3)
    how: dict[str, Any] = {
        "fingers": (0.0, 0.0, 1.0),
        "palm": (-0.3, -1.0, 0.0),
        "approach": scene.vary(0.4, 0.65),
        "release": scene.vary(0.4, 0.7),
        "elbow": (0.5, -1.0, -0.2),
        "bow": (0.0, 0.0, -0.08),
    }
    scene.meet(
        "right", "right", start, stop, scene.vary(1.14, 1.3), 0.5, scene.vary(-0.12, -0.04), how=how, apart=(0.075, 0.0)
    )
    look_at_each_other(scene, first, second)
    scene.finish_at(stop + scene.vary(0.8, 1.3))


SCRIPTS = {
    "shake hands": shake_hands,
    "high five": high_five,
    "two-handed high five": high_ten,
    "fist bump": fist_bump,
}
