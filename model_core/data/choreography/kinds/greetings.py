"""Contacts of hands: shaking hands, high fives, fist bumps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....motion.places import PALM_GAP
from ..actor import Actor
from ..curves import plateau
from ..scene import Scene
from .tempo import tempo

FORWARD = np.array([0.0, 0.0, 1.0])
"""From the first person to the second where they face each other."""


def approach(scene: Scene, gap: float, least: float = 0.0, most: float = 1.6, slower: float = 1.0) -> float:
    """Place both people ``gap`` apart, or let them approach; return the time of their last step.

    What they do then begins while they come to rest. ``slower`` divides their pace.
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
    return stop - scene.vary(0.3, 0.5)


def look_at_each_other(scene: Scene, *actors: Actor) -> None:
    """Let both people look at each other all the time."""
    for actor in actors:
        actor.look(-1.0, scene.seconds + 1.0, scene.vary(0.6, 0.95))


def walk_in(scene: Scene, nearest: float, closing: float, slower: float = 1.0, most: float = 1.3) -> float:
    """Both people come near each other, and their hands meet on the way; return the time of that.

    As captured people do: hands meet about half a second before the bodies are nearest.

    Args:
        scene: with no person cast yet.
        nearest: metres between both in the end.
        closing: metres by which they are still farther apart half a second before that.
        slower: divides their pace.
        most: longest way in metres before that; a third of the pairs begin in place.
    """
    first, second = scene.cast()
    way = scene.vary(0.4, most) if scene.chance(0.65) else 0.0
    scene.facing_each_other(nearest + closing + way)
    parts = _shared(scene)
    if way:
        start = scene.vary(-0.4, 0.1)
        meet = max(start + 0.45 + max(parts) * way / scene.vary(0.85, 1.15) * slower, 0.65 * slower)
    else:
        start, meet = 0.0, scene.vary(0.65, 0.95) * slower
    for actor, part, sign in ((first, parts[0], 1.0), (second, parts[1], -1.0)):
        late = scene.vary(-0.08, 0.08)
        if way:
            actor.move(start + late, meet, sign * part * way * FORWARD)
        actor.move(meet - 0.4 * slower, meet + scene.vary(0.45, 0.6) * slower, sign * part * closing * FORWARD)
    return meet


def step_back(scene: Scene, parting: float, least: float, most: float, slower: float = 1.0) -> None:
    """Both step back by ``least`` to ``most`` metres in total; they begin before their hands part."""
    way, parts = scene.vary(least, most), _shared(scene)
    begin = parting - scene.vary(0.3, 0.5) * slower
    for actor, part, sign in ((scene.actors[0], parts[0], -1.0), (scene.actors[1], parts[1], 1.0)):
        late = scene.vary(0.0, 0.15)
        stop = begin + late + (0.55 + part * way / 0.55) * slower
        actor.move(begin + late, stop, sign * part * way * FORWARD)


def _shared(scene: Scene) -> tuple[float, float]:
    """How a way is divided between both people: half of the time one of them does most of it."""
    part = scene.vary(0.4, 0.6) if scene.chance(0.5) else float(scene.chance(0.5)) * 0.6 + scene.vary(0.12, 0.28)
    return part, 1 - part


def shake_hands(scene: Scene) -> None:
    scene.mirror = scene.chance(0.12)
    slower = tempo(scene)
    start = walk_in(scene, scene.vary(0.74, 0.88), scene.vary(0.22, 0.34), slower)
    first, second = scene.actors
    scene.facts |= {"side": "right"}
    # Two or three pumps of 65 to 110 mm.
    rate, size, pumps = scene.vary(1.9, 2.4) / slower**0.8, scene.vary(0.036, 0.055), scene.one_of("2", "3")
    begin = start + 0.1
    stop = begin + int(pumps) / rate + 0.15

    def pump(times: np.ndarray) -> np.ndarray:
        edge = 0.25 / rate
        swing = plateau(times, begin + edge, stop - 0.15 - edge, edge, edge) * np.sin(
            2 * np.pi * rate * (times - begin)
        )
        return size * swing[:, None] * np.array([0.0, 1.0, 0.0])

    how: dict[str, Any] = {
        "fingers": (0.0, 0.1, 1.0),
        "palm": (-1.0, 0.0, 0.15),
        "approach": scene.vary(0.5, 0.7) * slower,
        "release": scene.vary(0.5, 0.7) * slower,
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
    step_back(scene, stop, 0.3, 0.8, slower)
    look_at_each_other(scene, first, second)
    scene.finish_at(stop + scene.vary(0.7, 1.2) * max(slower, 1.0))


def high_five(scene: Scene) -> None:
    fast = scene.chance(0.5)
    start = walk_in(scene, scene.vary(0.72, 0.88), scene.vary(0.12, 0.24), 0.85 if fast else 1.15)
    first, second = scene.actors
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
    step_back(scene, stop + 0.65, 0.2, 0.6)
    look_at_each_other(scene, first, second)
    scene.finish_at(stop + scene.vary(0.8, 1.3))


def high_ten(scene: Scene) -> None:
    fast = scene.chance(0.5)
    start = walk_in(scene, scene.vary(0.72, 0.86), scene.vary(0.12, 0.22), 0.85 if fast else 1.15)
    first, second = scene.actors
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
    step_back(scene, stop + 0.65, 0.2, 0.6)
    look_at_each_other(scene, first, second)
    scene.finish_at(stop + scene.vary(0.8, 1.3))


def fist_bump(scene: Scene) -> None:
    start = walk_in(scene, scene.vary(0.82, 0.95), scene.vary(0.14, 0.26))
    first, second = scene.actors
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
    step_back(scene, stop + 0.65, 0.2, 0.6)
    look_at_each_other(scene, first, second)
    scene.finish_at(stop + scene.vary(0.8, 1.3))


SCRIPTS = {
    "shake hands": shake_hands,
    "high five": high_five,
    "two-handed high five": high_ten,
    "fist bump": fist_bump,
}
