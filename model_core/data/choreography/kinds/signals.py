"""Signs that people give each other without touching: salutes, thanks, cheers, pleas, reproaches, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..actor import Actor
from ..curves import plateau
from ..scene import Scene, Shift
from .greetings import approach, look_at_each_other
from .manners import beating, look_except, nod, shake_head, tempo

_HANDS = ("left", "right")
_TOGETHER: dict[str, Any] = {
    "fingers": (-0.15, 0.9, 0.5), "palm": (-1.0, 0.0, 0.0), "elbow": (0.7, -1.0, 0.0), "lean": 0.0
}  # fmt: skip
"""Palms against each other before the own chest."""


def _salute(scene: Scene, actor: Actor, start: float, stop: float, pace: float) -> None:
    scene.gesture(
        actor,
        "right",
        (0.13, scene.vary(0.37, 0.4), scene.vary(0.1, 0.13)),
        start,
        stop,
        fingers=(-0.75, 0.5, 0.15),
        palm=(-0.1, -0.75, 0.6),
        approach=0.5 * pace,
        release=0.5 * pace,
        elbow=(1.0, -0.25, 0.25),
        elbow_share=0.9,
        bow=(0.12, 0.0, 0.06),
        lean=0.0,
    )
    actor.bend(-0.07, start, stop, 0.4 * pace, 0.5 * pace)


def salute(scene: Scene) -> None:
    scene.mirror = scene.chance(0.1)
    pace = tempo(scene)
    arrived = approach(scene, scene.vary(1.2, 2.0))
    first, second = scene.actors
    scene.facts |= {"side": "right"}
    start = arrived + scene.vary(0.3, 0.5) * pace
    hold = scene.vary(0.9, 1.5) * max(pace, 0.8)
    later = scene.vary(0.25, 0.6) * pace
    _salute(scene, first, start, start + later + hold, pace)
    _salute(scene, second, start + later, start + later + hold - scene.vary(0.0, 0.2), pace)
    look_at_each_other(scene, first, second)
    scene.finish_at(start + later + hold + 0.5 * pace + scene.vary(0.3, 0.7))


def _on_own_chest(scene: Scene, actor: Actor, start: float, stop: float, pace: float, bows: np.ndarray) -> None:
    """The right hand on the heart while the trunk leans by angles ``bows`` (T,)."""

    def follow(times: np.ndarray) -> np.ndarray:
        up, ahead = 0.0, 0.15
        sin, cos = np.sin(bows[: len(times)]), np.cos(bows[: len(times)])
        return np.stack((0 * sin, up * cos - ahead * sin - up, up * sin + ahead * cos - ahead), -1)

    scene.gesture(
        actor, "right", (-0.06, 0.0, 0.15), start, stop, follow, fingers=(-1.0, 0.25, 0.05), palm=(0.0, 0.0, -1.0),
        approach=0.6 * pace, release=0.65 * pace, elbow=(0.8, -1.0, 0.15), bow=(0.0, 0.0, 0.08), lean=0.0,
    )  # fmt: skip


def hand_on_heart(scene: Scene) -> None:
    scene.mirror = scene.chance(0.2)
    pace = tempo(scene)
    arrived = approach(scene, scene.vary(1.2, 1.8))
    first, second = scene.actors
    scene.facts |= {"side": "right"}
    start = arrived + scene.vary(0.3, 0.5) * pace
    down = start + scene.vary(0.6, 0.75) * pace
    up = down + scene.vary(0.3, 0.8) * pace
    angle = scene.vary(0.45, 0.75)
    rise = 0.65 * pace
    first.bow_down(angle, down, up, rise, rise)
    _on_own_chest(scene, first, start, up + 0.8 * rise, pace, angle * plateau(first.times, down, up, rise, rise))
    first.look(-1, start, 0.8)
    first.look(up + rise, 9, 0.8)
    if scene.chance(0.5):
        look_except(second, up - 0.3, nod(second, up - 0.3, 1, scene.vary(0.35, 0.5), 1.5 * pace))
    else:
        second.bow_down(scene.vary(0.2, 0.3), up, up + 0.2, 0.6 * pace, 0.6 * pace)
        second.look(-1, 9, 0.8)
    scene.finish_at(up + 2 * rise + scene.vary(0.4, 0.8))


def thumbs_up(scene: Scene) -> None:
    pace = tempo(scene)
    arrived = approach(scene, scene.vary(1.05, 1.7))
    first, second = scene.actors
    scene.facts |= {"side": "right"}
    start = arrived + scene.vary(0.25, 0.5) * pace
    hold = scene.vary(0.9, 1.5) * max(pace, 0.8)
    how: dict[str, Any] = {
        "fingers": (-0.25, 0.12, 1.0), "palm": (-1.0, 0.0, -0.1), "approach": 0.5 * pace, "release": 0.6 * pace,
        "elbow": (0.35, -1.0, -0.2), "bow": (0.05, 0.0, 0.0), "lean": 0.2,
    }  # fmt: skip
    place = (0.1, scene.vary(0.0, 0.1), scene.vary(0.36, 0.42))
    shake = beating(start, start + 0.7 * pace, 2.6 / max(pace, 0.8), (0.0, 0.02, 0.02))
    scene.gesture(first, "right", place, start, start + hold, shake, **how)
    answer = start + scene.vary(0.25, 0.45) * pace
    ends = nod(second, answer, int(scene.random.integers(2, 4)), scene.vary(0.4, 0.55), pace)
    look_except(second, answer, ends)
    if scene.chance(0.4):
        scene.gesture(second, "right", place, answer + 0.4 * pace, answer + 0.4 * pace + hold, **how)
        ends = max(ends, answer + 0.4 * pace + hold + 0.3)
    first.look(-1, 9, 0.85)
    scene.finish_at(max(start + hold, ends) + scene.vary(0.6, 1.0))


def _clapping(scene: Scene, actor: Actor, start: float, stop: float, rate: float, wide: float = 0.09) -> None:
    height, ahead = scene.vary(-0.02, 0.08), scene.vary(0.27, 0.32)

    def open_and_close(times: np.ndarray) -> np.ndarray:
        share = plateau(times, start + 0.1, stop - 0.1, 0.2, 0.2) * np.sin(np.pi * rate * (times - start)) ** 2
        return share[:, None] * np.array([wide, -0.1 * wide, 0.0])

    for hand in _HANDS:
        scene.gesture(
            actor, hand, (0.026, height, ahead), start, stop, open_and_close, approach=0.5, release=0.6, **_TOGETHER
        )


def applaud(scene: Scene) -> None:
    pace = tempo(scene, share=0.25)
    first, second = scene.cast()
    scene.facing_each_other(scene.vary(1.4, 2.4), 0.2)
    start = scene.vary(0.35, 0.6)
    seconds = scene.vary(2.6, 4.2)
    _clapping(scene, first, start, start + seconds, scene.vary(2.6, 3.2) / pace, scene.vary(0.08, 0.11))
    first.sink_by(0.012 * (1 - np.cos(2 * np.pi * scene.vary(0.5, 0.8) * first.times)))
    bow = start + scene.vary(0.7, 1.2)
    if scene.chance(0.7):
        second.bow_down(scene.vary(0.5, 0.8), bow + 0.7, bow + 1.0, 0.7, 0.7)
        second.look(-1, bow, 0.8)
        second.look(bow + 1.6, 9, 0.8)
    else:
        look_except(second, bow, nod(second, bow, 2, 0.4, 1.3))
        second.step(bow, bow + 0.9, left=scene.vary(-0.2, 0.2))
    first.look(-1, 9, 0.85)
    scene.finish_at(start + seconds + scene.vary(0.5, 0.9))


def cheer(scene: Scene) -> None:
    pace = tempo(scene, "calmly", "wildly", 0.25)
    first, second = scene.cast()
    scene.facing_each_other(scene.vary(1.2, 2.0), 0.35)
    start, seconds = scene.vary(0.5, 0.8), scene.vary(1.8, 3.0)
    for actor in (first, second):
        begin = start + (scene.vary(0.05, 0.35) if actor is second else 0.0)
        stop = begin + seconds
        rate = scene.vary(1.5, 1.9) / pace
        fists: dict[str, Any] = {"fingers": (0.1, 1.0, 0.1), "palm": (-0.2, 0.1, 1.0), "lean": 0.0}
        for hand in _HANDS:
            pump = beating(begin, stop, rate, (0.02, scene.vary(0.05, 0.08) / max(pace, 0.9), 0.04))
            scene.gesture(
                actor,
                hand,
                (scene.vary(0.2, 0.28), scene.vary(0.56, 0.61), scene.vary(0.04, 0.12)),
                begin,
                stop,
                pump,
                approach=0.5 * pace,
                release=0.7 * pace,
                elbow=(1.0, 0.1, 0.3),
                bow=(0.05, 0.0, 0.25),
                **fists,
            )
        lively = plateau(actor.times, begin, stop, 0.4, 0.5)
        actor.sink_by(0.02 * lively * (1 - np.cos(2 * np.pi * rate * (actor.times - begin))))
        actor.bend(-0.12, begin, stop, 0.5, 0.6)
        # Feet stay lively too.
        actor.step(begin + 0.2, begin + 0.9, forward=scene.vary(0.05, 0.15), left=scene.vary(-0.08, 0.08))
        actor.step(begin + 1.1, begin + 1.8, left=scene.vary(-0.08, 0.08), turn=scene.vary(-0.25, 0.25))
    look_at_each_other(scene, first, second)
    scene.finish_at(start + seconds + scene.vary(0.8, 1.2))


def beg(scene: Scene) -> None:
    pace = tempo(scene, "timidly", "desperately", 0.25)
    arrived = approach(scene, scene.vary(0.95, 1.25))
    first, second = scene.actors
    start = arrived + scene.vary(0.1, 0.35)
    stop = start + scene.vary(1.9, 2.8)
    rate = scene.vary(1.5, 1.9) / pace
    shake = beating(start, stop, rate, (0.0, 0.035, 0.055 if pace > 1.2 else 0.075))
    height = scene.vary(0.04, 0.12)
    for hand in _HANDS:
        scene.gesture(first, hand, (0.024, height, 0.33), start, stop, shake, approach=0.55, release=0.7, **_TOGETHER)
    bend, sink = scene.vary(0.2, 0.4), scene.vary(0.08, 0.16)
    first.bend(bend, start, stop, 0.7, 0.7)
    first.bend(-0.8 * bend, start, stop, 0.7, 0.7, "x", ("Neck", "Head"))
    first.sink(sink, start, stop, 0.8, 0.8)
    first.look(-1, 9, 0.9)
    answer = start + scene.vary(0.6, 1.1)
    if scene.chance(0.6):
        look_except(second, answer, shake_head(second, answer, 2, scene.vary(0.4, 0.6), 1.2))
        second.step(answer, answer + 0.9, forward=-scene.vary(0.1, 0.3))
        _held_off(scene, second, "right" if scene.chance(0.6) else "left", answer, answer + 1.0)
    else:
        second.bend(scene.vary(-0.3, 0.3), answer, stop, 0.6, 0.7, "y")
        look_except(second, answer + 0.5, nod(second, answer + 0.5, 2, 0.4, 1.2))
    scene.finish_at(stop + scene.vary(0.6, 1.1))


def _held_off(scene: Scene, actor: Actor, hand: str, start: float, stop: float, pace: float = 1.0) -> None:
    """A flat hand raised against the partner, that swings a little from side to side."""
    wag = beating(start, stop, 1.7 / pace, (0.05, 0.0, 0.0))
    place: Shift = (scene.vary(0.1, 0.16), scene.vary(-0.05, 0.06), scene.vary(0.36, 0.42))
    scene.gesture(
        actor,
        hand,
        place,
        start,
        stop,
        wag,
        fingers=(0.0, 1.0, 0.25),
        palm=(0.0, 0.1, 1.0),
        approach=0.5 * pace,
        release=0.6 * pace,
        elbow=(0.5, -1.0, 0.0),
        lean=0.1,
    )


def refuse(scene: Scene) -> None:
    pace = tempo(scene, quick="abruptly")
    arrived = approach(scene, scene.vary(1.0, 1.25))
    first, second = scene.actors
    scene.facts |= {"side": "right"}
    start = arrived + scene.vary(0.2, 0.4)
    away = start + scene.vary(1.1, 1.4) * pace
    scene.gesture(
        first,
        "right",
        (0.08, scene.vary(-0.12, -0.04), scene.vary(0.34, 0.4)),
        start,
        away + 0.5,
        fingers=(0.0, 0.1, 1.0),
        palm=(-0.2, 1.0, 0.0),
        approach=0.6,
        release=0.8,
        elbow=(0.4, -1.0, -0.2),
    )
    no = start + scene.vary(0.15, 0.3)
    shake_head(second, no, 2, scene.vary(0.45, 0.6), 0.9 * pace)
    _held_off(scene, second, "right" if scene.chance(0.6) else "left", no + 0.2, away - 0.1, pace)
    turn = scene.vary(2.4, 2.9) * (1 if scene.chance(0.5) else -1)
    second.move(away, away + 1.2 * pace, None, turn)
    go = away + 0.6 * pace
    way = np.array([scene.vary(-0.3, 0.3), 0.0, scene.vary(1.0, 1.6)])
    second.move(go, go + 1.9 * pace, way)
    second.look(-1, no - 0.35, 0.8)
    first.look(-1, away + 0.6, 0.85)
    first.bend(0.12, away + 0.8, 9, 0.7, 0.5, "x", ("Neck", "Head"))
    scene.finish_at(go + 1.9 * pace + scene.vary(-0.1, 0.4))


def scold(scene: Scene) -> None:
    pace = tempo(scene, "calmly", "angrily")
    arrived = approach(scene, scene.vary(0.9, 1.15))
    first, second = scene.actors
    scene.facts |= {"side": "right"}
    start = arrived + scene.vary(0.1, 0.35)
    stop = start + scene.vary(2.0, 3.0)
    wag = beating(start, stop, scene.vary(1.9, 2.3) / pace, (0.0, 0.05 / max(pace, 0.8), 0.075 / max(pace, 0.8)))
    scene.gesture(
        first,
        "right",
        (0.1, scene.vary(0.1, 0.18), scene.vary(0.3, 0.36)),
        start,
        stop,
        wag,
        fingers=(-0.2, 0.9, 0.7),
        palm=(-0.9, 0.0, 0.2),
        approach=0.55 * pace,
        release=0.6,
        elbow=(0.5, -1.0, 0.0),
        lean=0.1,
    )
    scene.gesture(
        first, "left", (0.19, -0.29, 0.03), start + 0.1, stop + 0.2, fingers=(-0.7, -0.6, 0.4), palm=(-0.8, -0.3, -0.3),
        approach=0.6, release=0.7, elbow=(1.0, 0.0, -0.35), elbow_share=0.9, lean=0.0,
    )  # fmt: skip
    lean = scene.vary(0.08, 0.16) if pace > 1.2 else scene.vary(0.18, 0.3)
    first.bend(lean, start, stop, 0.6, 0.7)
    if scene.chance(0.5):
        first.step(start + 0.4, start + 1.1, forward=0.12)
    first.look(-1, 9, 0.9)
    sorry = start + scene.vary(0.2, 0.5)
    second.bend(scene.vary(0.5, 0.7), sorry, stop + 0.3, 0.7, 0.8, "x", ("Neck", "Head"))
    second.bend(scene.vary(0.12, 0.22), sorry, stop + 0.3, 0.8, 0.8)
    second.step(sorry, sorry + 0.9, forward=-scene.vary(0.08, 0.25))
    if scene.chance(0.6):
        for hand in _HANDS:
            scene.gesture(
                second, hand, (0.045, -0.44, 0.19), sorry + 0.3, stop + 0.4, fingers=(-0.8, -0.6, 0.3),
                palm=(0.0, 0.2, -1.0), approach=0.7, release=0.8, lean=0.0,
            )  # fmt: skip
    second.look(-1, sorry - 0.4, 0.8)
    scene.finish_at(stop + scene.vary(0.6, 1.1))


def apologise(scene: Scene) -> None:
    pace = tempo(scene)
    arrived = approach(scene, scene.vary(1.0, 1.35))
    first, second = scene.actors
    start = arrived + scene.vary(0.15, 0.4)
    down = start + scene.vary(0.35, 0.5) * pace
    bows, stop = int(scene.random.integers(1, 3)), down
    for _ in range(bows):
        angle, hold, rise = scene.vary(0.35, 0.55), scene.vary(0.25, 0.6) * pace, scene.vary(0.5, 0.6) * pace
        first.bow_down(angle, stop, stop + hold, rise, rise)
        stop += hold + 2 * rise
    stop -= 0.3 * pace
    for hand in _HANDS:
        scene.gesture(
            first, hand, (0.024, scene.vary(0.03, 0.05), 0.27), start, stop, approach=0.55 * pace, release=0.7 * pace,
            **_TOGETHER,
        )  # fmt: skip
    first.look(-1, start, 0.8)
    first.look(stop, 9, 0.8)
    forgive = down + scene.vary(0.5, 0.9) * pace
    look_except(second, forgive, nod(second, forgive, 2, scene.vary(0.3, 0.45), 1.2 * pace))
    if scene.chance(0.5):
        _held_off(scene, second, "right" if scene.chance(0.6) else "left", forgive, forgive + 0.8, pace)
    scene.finish_at(max(stop, forgive + 0.8) + scene.vary(0.8, 1.2))


SCRIPTS = {
    "salute": salute,
    "hand on the heart and bow": hand_on_heart,
    "thumbs up and nod": thumbs_up,
    "applaud": applaud,
    "cheer": cheer,
    "beg": beg,
    "refuse and turn away": refuse,
    "scold": scold,
    "apologise": apologise,
}
