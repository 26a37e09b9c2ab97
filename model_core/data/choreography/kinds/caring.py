"""Comfort and affection: one cries, is kissed on the cheek, is patted while sitting, is asked for their hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..actor import Actor
from ..curves import plateau
from ..scene import Scene
from .greetings import approach, look_at_each_other
from .tempo import tempo
from .touching import beats_of_a_hand


def _weeping(scene: Scene, actor: Actor, stop: float) -> None:
    """Both hands cover the face, and the trunk shakes with sobs; both calm down until ``stop``."""
    for hand in ("left", "right"):
        scene.gesture(
            actor, hand, (0.05, 0.19, 0.19), -0.5, stop + scene.vary(-0.1, 0.1),
            fingers=(-0.35, 1.0, -0.1), palm=(-0.15, 0.1, -1.0), elbow=(0.35, -1.0, 0.1), approach=0.3,
            release=scene.vary(0.8, 1.1), lean=0.0,
        )  # fmt: skip
    actor.bend(scene.vary(0.16, 0.24), -1, stop, 0.1, 1.0)
    actor.bend(scene.vary(0.45, 0.55), -1, stop, 0.1, 1.0, "x", ("Neck", "Head"))
    rate = scene.vary(1.7, 2.4)
    calm = 1.0 - 0.6 * np.clip(actor.times / max(stop, 1.0), 0, 1)
    # Sobs come in groups, as breath does.
    breath = np.maximum(np.sin(2 * np.pi * scene.vary(0.3, 0.45) * actor.times + scene.vary(0, 6)) + 0.5, 0)
    sob = calm * breath * plateau(actor.times, -1, stop, 0.1, 0.8) * np.sin(2 * np.pi * rate * actor.times)
    actor.sway(0.035 * sob, "x")


def comfort(scene: Scene) -> None:
    slower = tempo(scene)
    first, second = scene.cast()
    way, gap = scene.vary(0.3, 1.2), scene.vary(0.55, 0.6)
    # The one who cries is turned a little away; the arms of the other come from the side.
    second.stand(np.zeros(3), np.pi + scene.vary(0.55, 0.8))
    first.stand(np.array([0.0, 0.0, -gap - way]), scene.vary(-0.05, 0.1))
    start = scene.vary(-0.2, 0.3)
    arrived = start + 0.5 + slower * way / scene.vary(0.8, 1.0)
    first.move(start, arrived, np.array([0.0, 0.0, way]))
    begin = arrived + 0.15 * slower
    stop = begin + scene.vary(2.0, 3.2)
    scene.facts |= {"side": "right", "other_side": "left"}
    _weeping(scene, second, stop - 0.4)
    rate = scene.vary(0.5, 0.8) / slower

    def stroke(times: np.ndarray) -> np.ndarray:
        share = plateau(times, begin + 0.3, stop - 0.2, 0.3, 0.3)
        return (0.5 * share * (1 - np.cos(2 * np.pi * rate * (times - begin - 0.3))))[:, None] * np.array(
            [0.0, -0.07, 0.0]
        )

    timing: dict[str, Any] = {"approach": 0.6 * slower, "release": 0.7, "lean": 0.6}
    scene.touch(
        first, "right", "left_upper_arm", begin, stop, (0.0, 0.07, 0.0), stroke, contact=False,
        fingers=(0.2, 0.3, 1.0), palm=(-0.9, -0.4, 0.2), elbow=(0.8, -1.0, 0.0), **timing,
    )  # fmt: skip
    scene.contact(first, "right_hand", "left_upper_arm", begin + 0.02, begin + 0.2, (0.0, 0.07, 0.0))
    scene.touch(
        first, "left", "right_shoulder", begin + 0.2 * slower, stop, (-0.02, 0.01, 0.0),
        fingers=(-0.1, 0.25, 1.0), palm=(0.0, -1.0, 0.2), elbow=(0.8, -1.0, 0.0), bow=(0.1, 0.1, 0.0), **timing,
    )  # fmt: skip
    first.bend(scene.vary(0.06, 0.14), begin, stop, 0.7, 0.7)
    first.bend(scene.vary(-0.16, 0.16), begin, stop, 0.7, 0.7, "z", ("Neck", "Head"))
    first.look(-1, 9, 0.9)
    second.look(stop + 0.2, 9, 0.8)
    scene.finish_at(stop + scene.vary(0.9, 1.3))


def kiss_on_the_cheek(scene: Scene) -> None:
    slower = tempo(scene)
    gap = scene.vary(0.42, 0.47)
    arrived = approach(scene, gap, 0.4, 1.3, slower)
    first, second = scene.actors
    first.move(arrived - 0.7, arrived + 0.1, np.array([0.07, 0.0, 0.0]))
    begin = max(arrived, 0.4) + 0.5 * slower
    stop = begin + scene.vary(0.35, 0.6) * slower
    scene.facts |= {"side": "right", "other_side": "left", "ear": "right"}
    timing: dict[str, Any] = {"approach": 0.65 * slower, "release": 0.6 * slower, "lean": 0.2}
    scene.touch(
        first, "right", "left_upper_arm", begin - 0.2 * slower, stop, (0.02, 0.06, 0.03),
        fingers=(-0.1, 0.2, 1.0), palm=(-0.6, -0.7, 0.0), elbow=(0.9, -1.0, 0.0), **timing,
    )  # fmt: skip
    scene.touch(
        second, "right", "left_upper_arm", begin - 0.1 * slower, stop, (0.02, 0.02, 0.03),
        fingers=(-0.1, 0.2, 1.0), palm=(-0.6, -0.7, 0.0), elbow=(0.9, -1.0, 0.0), **timing,
    )  # fmt: skip
    taller = first.body.size - second.body.size
    first.bend(0.36 + 1.2 * max(taller, 0.0), begin, stop, 0.6 * slower, 0.55 * slower)
    first.bend(0.16, begin, stop, 0.6 * slower, 0.55 * slower, "y", ("Neck", "Head"))
    second.bend(0.14 + 1.2 * max(-taller, 0.0), begin, stop, 0.6 * slower, 0.55 * slower)
    second.bend(0.12, begin, stop, 0.6 * slower, 0.6 * slower, "z", ("Neck", "Head"))
    second.bend(-0.3, begin, stop, 0.6 * slower, 0.6 * slower, "y", ("Neck", "Head"))
    look_at_each_other_apart(scene, begin - 0.5 * slower, stop + 0.4 * slower)
    away = stop + 0.35 * slower
    first.move(away, away + 0.5 + 0.4 * slower, np.array([-0.05, 0.0, -scene.vary(0.2, 0.4)]))
    scene.finish_at(away + 0.6 + 0.5 * slower + scene.vary(0.3, 0.6))


def look_at_each_other_apart(scene: Scene, until: float, again: float) -> None:
    """Let both look at each other except between two times, when their faces are side by side."""
    for actor in scene.actors:
        actor.look(-1, until, 0.8)
        actor.look(again, 9, 0.8)


def pat_a_sitting_one(scene: Scene) -> None:
    slower = tempo(scene)
    first, second = scene.cast()
    way, gap = scene.vary(0.2, 1.2), scene.vary(0.5, 0.56)
    second.stand(np.zeros(3), scene.vary(-0.15, 0.15))
    second.sit(-2, 14, 0.3, 0.3)
    for hand in ("left", "right"):
        scene.gesture(
            second, hand, (scene.vary(0.06, 0.12), -0.33, scene.vary(0.24, 0.3)), -0.9, 9.0,
            fingers=(-0.2, -0.2, 1.0), palm=(0.0, -1.0, 0.0), approach=0.2, lean=0.0,
        )  # fmt: skip
    # The first comes from the right of the seat, or from behind it.
    angle = scene.vary(0.9, 1.4)
    seat = np.array([0.0, 0.0, -0.36 * second.body.size])
    out = -np.array([np.sin(angle), 0.0, np.cos(angle)])
    first.stand(seat + (gap + way) * out, angle)
    start = scene.vary(-0.3, 0.2)
    arrived = start + 0.5 + slower * way / scene.vary(0.8, 1.1)
    first.move(start, arrived, -way * out)
    pause = scene.vary(0.4, 0.5) * slower
    begin = arrived + scene.vary(0.1, 0.4)
    beats = [begin + number * pause for number in range(3 if slower > 1.2 else int(scene.random.integers(3, 5)))]
    stop = beats[-1] + 0.15
    scene.facts |= {"side": "right", "other_side": "right"}
    scene.touch(
        first, "right", "right_shoulder", begin, stop, contact=False,
        wiggle=lambda times: beats_of_a_hand(times, beats, 0.06 + 0.02 * (slower < 1))[:, None]
        * np.array([0.0, 1.0, 0.0]),
        fingers=(-0.1, -0.2, 1.0), palm=(0.0, -1.0, 0.1), elbow=(0.7, -1.0, 0.0), approach=0.6 * slower, release=0.7,
        bow=(0.05, 0.12, 0.0), lean=0.8,
    )  # fmt: skip
    for beat in beats:
        scene.contact(first, "right_hand", "right_shoulder", beat - 0.03, beat + 0.03)
        second.recoil(beat, 0.015, "x", 2.0, 8.0)
    first.bend(scene.vary(0.12, 0.2), begin, stop, 0.7 * slower, 0.7)
    first.look(-1, 9, 0.85)
    second.look(begin - 0.2, 9, 0.7)
    scene.finish_at(stop + scene.vary(0.8, 1.2))


def propose(scene: Scene) -> None:
    slower = tempo(scene)
    arrived = approach(scene, scene.vary(0.82, 0.92), 0.0, 0.8, slower)
    first, second = scene.actors
    down = scene.vary(0.85, 1.0) * slower
    knelt = max(arrived, 0.3) + 0.1 + down
    opened = knelt + 0.45 * slower
    offered = opened + scene.vary(0.5, 0.8) * slower
    ring = offered + 0.75 * slower
    stop = ring + scene.vary(0.7, 1.1)
    scene.facts |= {"side": "right", "other_side": "left"}
    first.kneel(1, knelt, 12.0, down, 1.0)
    hold: dict[str, Any] = {"elbow": (0.4, -1.0, -0.1), "lean": 0.2}
    scene.gesture(
        first, "left", (0.0, 0.08, 0.34), knelt - 0.2 * slower, stop + 9, fingers=(-0.4, 0.3, 1.0),
        palm=(-0.2, 1.0, -0.2), approach=0.7 * slower, **hold,
    )  # fmt: skip
    # The box is opened with the other hand.
    scene.gesture(
        first, "right", (0.0, 0.14, 0.3), opened - 0.1, opened, fingers=(-0.6, 0.0, 1.0), palm=(0.0, -1.0, 0.0),
        approach=0.6 * slower, release=0.5, bow=(0.0, 0.06, 0.0), **hold,
    )  # fmt: skip
    scene.gesture(
        first, "right", (0.02, 0.24, 0.3), opened + 0.3 * slower, offered, fingers=(-0.4, 0.4, 1.0),
        palm=(-0.8, 0.2, 0.0), approach=0.3 * slower, **hold,
    )  # fmt: skip
    # The other one is surprised, then gives the left hand.
    surprised = knelt + 0.15 * slower
    for hand in ("left", "right"):
        scene.gesture(
            second, hand, (0.04, 0.16, 0.22), surprised, offered - 0.1 if hand == "left" else stop + 0.2,
            fingers=(-0.6, 0.9, 0.0), palm=(-0.1, 0.0, -1.0), approach=0.55 * slower, release=0.6, **hold,
        )  # fmt: skip
    height = 0.98 * second.body.size / (0.5 * (first.body.size + second.body.size))
    grip: dict[str, Any] = {"approach": 0.65 * slower, "release": 0.7, "lean": 0.6}
    scene.meet(
        "right", "left", ring, stop, height, scene.vary(0.52, 0.6), -0.08,
        how={**grip, "fingers": (-0.2, 0.5, 1.0), "palm": (-0.9, 0.2, 0.0)},
        other_how={**grip, "fingers": (0.0, -0.2, 1.0), "palm": (0.0, -1.0, 0.2)},
    )  # fmt: skip
    nods = np.maximum(np.sin(2 * np.pi * 1.4 * (second.times - offered)), 0)
    second.sway(0.12 * nods * plateau(second.times, offered, ring, 0.2, 0.2), "x", ("Neck", "Head"))
    second.bend(0.08, offered, stop, 0.6, 0.7)
    look_at_each_other(scene, first, second)
    scene.finish_at(stop + scene.vary(0.4, 0.8))


SCRIPTS = {
    "comfort who cries": comfort,
    "kiss on the cheek": kiss_on_the_cheek,
    "pat a sitting one": pat_a_sitting_one,
    "propose with a ring": propose,
}
