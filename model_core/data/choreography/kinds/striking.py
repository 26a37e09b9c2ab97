"""Blows that come from the side or from below, the reactions to them, and struggles at close quarters."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..actor import Actor
from ..curves import plateau
from ..scene import Scene, Shift
from .greetings import approach
from .manners import look_except, tempo

_BACK = np.array([0.0, 0.0, 1.0])
"""How the second person steps back."""
_CHEEK: Shift = (0.0, -0.06, 0.05)
"""From the ear's place."""


def _guard(scene: Scene, actor: Actor, hand: str, start: float, stop: float, release: float = 0.6) -> None:
    """A fist before the own chin."""
    place = (0.04, scene.vary(0.04, 0.12), scene.vary(0.22, 0.28))
    scene.gesture(
        actor, hand, place, start, stop, fingers=(-0.2, 1.0, 0.3), palm=(-1.0, 0.0, 0.0), approach=0.45, release=release
    )


def _snap(actor: Actor, time: float, angle: float, axis: str, seconds: float = 0.16) -> None:
    """The head is thrown aside by a blow, and comes back within about half a second."""
    curve = plateau(actor.times, time + seconds, time + seconds + 0.08, seconds, 0.55)
    actor.sway(angle * curve, axis, ("Neck", "Head"))


def _flail(scene: Scene, actor: Actor, time: float, amount: float, hands: tuple[str, ...] = ("left", "right")) -> None:
    """Raise the arms outwards to keep the balance."""
    for hand in hands:
        place = (0.3 + 0.12 * amount, scene.vary(-0.2, 0.05), scene.vary(0.12, 0.3))
        begin = time + scene.vary(0.2, 0.32)
        scene.gesture(actor, hand, place, begin, begin + 0.15, approach=0.26, release=0.7, fingers=(0.6, 0.1, 0.8))


def _blow(
    scene: Scene, place: str, hit: float, shift: Shift, wind_up: Shift, pace: float, by: Shift | None = None, **how: Any
) -> None:
    """The first person's right hand goes back to ``wind_up`` and, by way of ``by``, hits a place at a time."""
    first = scene.actors[0]
    swing = (0.2 if by is None else 0.3) * pace
    scene.gesture(
        first,
        "right",
        wind_up,
        hit - swing - 0.16 * pace,
        hit - swing - 0.02,
        fingers=(0.3, 0.4, 0.8),
        palm=(-0.6, -0.4, 0.5),
        approach=0.42 * pace,
        lean=0.0,
    )
    last = swing
    if by is not None:
        last = 0.14 * pace
        scene.gesture(
            first,
            "right",
            by,
            hit - last - 0.01,
            hit - last,
            fingers=(-0.3, 0.1, 0.9),
            palm=(0.0, -1.0, 0.0),
            approach=swing,
            elbow=(1.0, 0.15, -0.2),
            lean=0.0,
        )
    scene.touch(first, "right", place, hit, hit + 0.06, shift, approach=last, scheduled=(hit + 0.01, hit + 0.05), **how)
    first.bend(-0.35, hit - swing - 0.14 * pace, hit - swing, 0.35 * pace, swing, "y")
    first.bend(0.45, hit, hit + 0.1, swing, 0.55, "y")


def _close_to_hit(scene: Scene, nearest: float, farthest: float, pace: float) -> float:
    """The people come within reach of the first person's right hand; the time of its blow."""
    arrived = approach(scene, scene.vary(nearest, farthest))
    scene.facts |= {"side": "right"}
    return arrived + scene.vary(0.75, 1.0) * max(pace, 0.9)


def _stagger(scene: Scene, hit: float, amount: float) -> None:
    """The second person keeps the balance after a blow, with the arms; the scene ends when it is found again."""
    first, second = scene.actors
    _flail(scene, second, hit, amount)
    first.look(-1, 9, 0.85)
    look_except(second, hit, hit + 0.7)
    scene.finish_at(hit + scene.vary(1.7, 2.3))


def slap(scene: Scene) -> None:
    pace = tempo(scene, "lightly", "hard")
    soft = pace > 1.2
    hit = _close_to_hit(scene, 0.6, 0.7, pace)
    first, second = scene.actors
    scene.facts |= {"other_side": "left"}
    _blow(
        scene,
        "left_ear",
        hit,
        _CHEEK,
        (0.42, scene.vary(0.12, 0.22), scene.vary(0.08, 0.16)),
        0.8 * pace,
        fingers=(-0.35, 0.5, 0.8),
        palm=(-1.0, 0.0, 0.2),
        release=0.4,
        elbow=(1.0, -0.5, 0.0),
        bow=(0.24, 0.02, 0.0),
        lean=0.6,
    )
    # The hand goes on past the face.
    scene.gesture(
        first, "right", (-0.18, 0.12, 0.34), hit + 0.24, hit + 0.3, approach=0.18, release=0.75,
        fingers=(-0.9, 0.1, 0.5), palm=(-0.3, -0.6, -0.5), lean=0.0,
    )  # fmt: skip
    strength = 0.5 if soft else 1.0
    _snap(second, hit, -0.9 * strength, "y")
    second.sway(-0.22 * strength * plateau(second.times, hit + 0.2, hit + 0.4, 0.2, 0.6), "y")
    second.recoil(hit + 0.02, 0.12 * strength, "z", 1.2, 4.0)
    second.move(hit + 0.06, hit + 0.95, scene.vary(0.12, 0.3) * strength * _BACK, -0.12, ramping=0.15)
    hold = hit + scene.vary(0.5, 0.65)
    scene.gesture(
        second, "left", (0.095, 0.26, 0.1), hold, hold + scene.vary(0.9, 1.4), fingers=(-0.1, 1.0, 0.0),
        palm=(-1.0, 0.0, -0.2), approach=0.38, release=0.7, elbow=(0.7, -1.0, 0.2), lean=0.0,
    )  # fmt: skip
    second.bend(0.2, hold, hold + 0.8, 0.5, 0.7, "x", ("Neck", "Head"))
    first.look(-1, 9, 0.85)
    look_except(second, hit, hold + 0.4)
    scene.finish_at(hold + scene.vary(1.5, 2.0))


def hook(scene: Scene) -> None:
    pace = tempo(scene)
    hit = _close_to_hit(scene, 0.56, 0.66, pace)
    first, second = scene.actors
    _guard(scene, first, "left", hit - 0.5, hit + 0.5)
    _blow(
        scene,
        "left_ear",
        hit,
        _CHEEK,
        (0.36, scene.vary(-0.02, 0.08), scene.vary(0.02, 0.1)),
        max(pace, 0.8),
        # Round the guard, so that the last stretch is from the side.
        by=(0.46, scene.vary(0.14, 0.2), scene.vary(0.32, 0.38)),
        fingers=(-1.0, 0.1, 0.35),
        palm=(0.0, -1.0, 0.0),
        release=0.6,
        elbow=(1.0, 0.15, -0.2),
        elbow_share=0.9,
        bow=(0.05, 0.0, 0.04),
        lean=0.8,
    )
    first.move(hit - 0.3, hit + 0.4, 0.1 * _BACK)
    _snap(second, hit, -0.8, "y")
    _snap(second, hit, -0.25, "z")
    second.recoil(hit + 0.02, -0.35, "y", 1.0, 3.5)
    second.recoil(hit + 0.02, 0.3, "z", 1.0, 3.5)
    aside = np.array([scene.vary(-0.45, -0.2), 0.0, scene.vary(0.25, 0.5)])
    second.move(hit + 0.05, hit + scene.vary(0.95, 1.2), aside, -0.25, ramping=0.15)
    second.sink(0.05, hit + 0.4, hit + 0.7, 0.35, 0.6)
    _stagger(scene, hit, 0.7)


def uppercut(scene: Scene) -> None:
    pace = tempo(scene)
    hit = _close_to_hit(scene, 0.54, 0.64, pace)
    first, second = scene.actors
    _guard(scene, first, "left", hit - 0.5, hit + 0.5)
    _blow(
        scene,
        "face",
        hit,
        (0.0, -0.13, -0.01),
        (0.14, scene.vary(-0.36, -0.28), scene.vary(0.1, 0.18)),
        pace,
        fingers=(0.0, 1.0, 0.4),
        palm=(-0.2, 0.0, -1.0),
        release=0.6,
        elbow=(0.3, -1.0, 0.0),
        bow=(0.0, -0.16, 0.04),
        lean=0.7,
    )
    first.sink(0.1, hit - 0.4 * pace, hit - 0.25 * pace, 0.35 * pace, 0.28 * pace)
    first.move(hit - 0.3, hit + 0.4, 0.1 * _BACK)
    _snap(second, hit, -0.75, "x")
    second.recoil(hit + 0.02, -0.42, "x", 1.0, 3.5)
    second.move(hit + 0.05, hit + scene.vary(0.95, 1.25), scene.vary(0.4, 0.75) * _BACK, ramping=0.15)
    _stagger(scene, hit, 1.0)


def dodge(scene: Scene) -> None:
    pace = tempo(scene)
    arrived = approach(scene, scene.vary(0.78, 0.9))
    first, second = scene.actors
    scene.facts |= {"side": "right"}
    hit = arrived + scene.vary(0.8, 1.05) * max(pace, 0.9)
    scene.gesture(
        first, "right", (0.2, 0.0, 0.06), hit - 0.4 * max(pace, 0.85), hit - 0.25 * max(pace, 0.85),
        fingers=(-0.1, 0.3, 1.0), palm=(-1.0, 0.0, 0.0), approach=0.4 * pace,
    )  # fmt: skip
    scene.gesture(
        first, "right", (-0.1, 0.32, 0.6), hit, hit + 0.06, fingers=(-0.1, 0.1, 1.0), palm=(-0.3, -1.0, 0.0),
        approach=0.24 * max(pace, 0.85), release=0.55, elbow=(0.8, -0.6, 0.0),
    )  # fmt: skip
    _guard(scene, first, "left", hit - 0.4, hit + 0.4)
    first.bend(-0.35, hit - 0.38 * pace, hit - 0.28 * pace, 0.3, 0.25 * pace, "y")
    first.bend(0.5, hit, hit + 0.15, 0.24 * pace, 0.6, "y")
    # The blow that meets nothing takes the body with it.
    first.bend(0.3, hit + 0.1, hit + 0.25, 0.3, 0.6)
    first.move(hit - 0.3 * pace, hit + 0.45, 0.14 * _BACK)
    down, up = hit - 0.04, hit + scene.vary(0.25, 0.4)
    if scene.chance(0.6):
        scene.facts["how"] = "ducks"
        second.sink(scene.vary(0.24, 0.32), down, up, 0.34 * pace, 0.55 * pace)
        second.bend(scene.vary(0.6, 0.75), down, up, 0.34 * pace, 0.55 * pace)
        second.bend(0.3, down, up, 0.34 * pace, 0.5 * pace, "x", ("Neck", "Head"))
        second.move(hit - 0.1, hit + 0.8, scene.vary(0.1, 0.25) * _BACK)
    else:
        scene.facts["how"] = "sways aside"
        second.bend(scene.vary(0.55, 0.7), down, up, 0.32 * pace, 0.55 * pace, "z")
        second.sink(0.1, down, up, 0.34 * pace, 0.55 * pace)
        # Away from the fist, to the own right.
        aside = np.array([scene.vary(0.2, 0.3), 0.0, scene.vary(0.05, 0.15)])
        second.move(hit - 0.5 * pace, hit + 0.15, aside, ramping=0.2)
    for hand in ("left", "right"):
        _guard(scene, second, hand, hit - 0.15, hit + 0.6)
    first.look(-1, hit, 0.85)
    first.look(hit + 0.6, 9, 0.8)
    look_except(second, hit - 0.2, up)
    scene.finish_at(up + scene.vary(1.3, 1.8))


def knock_down(scene: Scene) -> None:
    pace = tempo(scene, "clumsily", "violently", 0.25)
    arrived = approach(scene, scene.vary(0.62, 0.72))
    first, second = scene.actors
    start = arrived + scene.vary(0.35, 0.6)
    stop = start + 0.14
    for hand, place in (("left", "right_chest"), ("right", "left_chest")):
        scene.touch(
            first, hand, place, start, stop, fingers=(0.0, 0.9, 0.5), palm=(0.0, -0.2, 1.0), approach=0.4,
            release=0.55, elbow=(0.6, -1.0, 0.0), bow=(0.0, 0.05, -0.12), scheduled=(start + 0.03, stop - 0.02),
        )  # fmt: skip
    first.move(start - 0.2, start + 0.5, 0.22 * _BACK)
    first.bend(0.25, start, stop + 0.1, 0.35, 0.7)
    second.recoil(start + 0.02, -0.3, "x", 1.0, 4.0)
    second.move(start + 0.04, start + 0.85, scene.vary(0.45, 0.65) * _BACK, ramping=0.12)
    fall = start + 0.3
    floor = fall + (0.75 if pace > 1.2 else 0.6)
    rise = floor + scene.vary(0.7, 1.2)
    stands, up = scene.chance(0.75), 1.35 * min(max(pace, 0.85), 1.2)
    second.fall_on_seat(floor, rise if stands else 20.0, floor - fall, up)
    second.bend(-0.3, floor, rise - 0.2, floor - fall, 0.5)
    second.bend(0.35, fall + 0.1, rise, 0.4, 0.4, "x", ("Neck", "Head"))
    for hand in ("left", "right"):
        scene.gesture(
            second, hand, (0.22, -0.44, -0.3), floor - 0.05, (rise + 0.25) if stands else 20.0, approach=0.5,
            release=0.7, fingers=(0.5, -0.3, -0.8), palm=(0.0, -1.0, -0.2), elbow=(0.4, 0.0, -1.0), lean=0.0,
        )  # fmt: skip
    if stands:
        second.bend(0.55, rise + 0.45, rise + 0.6, 0.5, 0.7)
    scene.facts["how"] = "gets up again" if stands else "stays down"
    first.look(-1, 9, 0.9)
    second.look(-1, start, 0.8)
    second.look(floor + 0.4, 9, 0.6)
    scene.finish_at((rise + up + 0.6) if stands else rise + 0.8)


def grapple(scene: Scene) -> None:
    pace = tempo(scene, "slowly", "fiercely")
    arrived = approach(scene, scene.vary(0.6, 0.66), 0.3, 0.9)
    first, second = scene.actors
    start = arrived + scene.vary(0.15, 0.35)
    beat = scene.vary(0.75, 0.9) * min(max(pace, 0.85), 1.3)
    rounds = 2 if beat > 0.95 else int(scene.random.integers(2, 4))
    stop = start + 0.3 + rounds * beat
    outer: dict[str, Any] = {
        "fingers": (-0.3, 0.3, 1.0), "palm": (-1.0, 0.0, 0.2), "elbow": (0.9, -0.6, 0.0), "lean": 0.4
    }  # fmt: skip
    inner: dict[str, Any] = {
        "fingers": (0.1, 0.8, 0.6),
        "palm": (0.0, -0.1, 1.0),
        "elbow": (0.4, -1.0, 0.0),
        "lean": 0.4,
    }
    timing: dict[str, Any] = {"approach": 0.5 * min(pace, 1.2), "release": 0.4}
    for hand, place in (("left", "right_upper_arm"), ("right", "left_upper_arm")):
        shift = (0.0, 0.0, 0.05)
        scene.touch(first, hand, place, start, stop, shift, scheduled=(start + 0.05, stop - 0.05), **outer, **timing)
    for hand, place in (("left", "right_chest"), ("right", "left_chest")):
        scene.touch(second, hand, place, start + 0.1, stop, scheduled=(start + 0.15, stop - 0.05), **inner, **timing)
    for number in range(rounds):
        push = scene.vary(0.18, 0.3) * (1 if number % 2 == 0 else -1)
        begin, turn = start + 0.1 + number * beat, scene.vary(-0.15, 0.15)
        for actor in (first, second):
            late = 0.04 if actor is second else 0.0
            actor.move(begin + late, begin + beat + late, push * _BACK, turn)
            strain = plateau(actor.times, begin, begin + 0.6 * beat, 0.3, 0.3)
            actor.sway((0.1 if (push > 0) == (actor is first) else -0.08) * strain, "x")
    for actor in (first, second):
        actor.bend(scene.vary(0.26, 0.34), start, stop - 0.1, 0.5, 0.35)
        actor.sink(scene.vary(0.09, 0.14), start, stop, 0.5, 0.7)
    # Broken free: the arms fly apart and both step back.
    second.bend(-0.2, stop + 0.15, stop + 0.3, 0.25, 0.6)
    for hand in ("left", "right"):
        scene.gesture(
            second, hand, (scene.vary(0.36, 0.44), 0.08, 0.22), stop + 0.26, stop + 0.36, approach=0.24, release=0.8,
            fingers=(0.5, 0.6, 0.6), palm=(0.3, -0.2, 1.0),
        )  # fmt: skip
    _flail(scene, first, stop, 0.4)
    first.recoil(stop + 0.05, -0.22, "x", 1.0, 3.5)
    first.move(stop + 0.06, stop + 1.05, -scene.vary(0.3, 0.5) * _BACK, ramping=0.15)
    second.move(stop + 0.02, stop + 1.0, scene.vary(0.3, 0.55) * _BACK, ramping=0.15)
    for actor in (first, second):
        actor.look(-1, 9, 0.7)
    scene.finish_at(stop + scene.vary(1.4, 1.9))


SCRIPTS = {
    "slap": slap,
    "hook punch": hook,
    "uppercut": uppercut,
    "dodge a punch": dodge,
    "knock down": knock_down,
    "grapple and break free": grapple,
}
