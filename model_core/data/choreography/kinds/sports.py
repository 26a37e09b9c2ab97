"""Sports and games: throwing, table tennis, tug of war, jogging, tag, lessons, and meetings."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....kinematics.filters import hann_smoothed
from ..actor import Actor
from ..body import floor_direction
from ..curves import plateau
from ..scene import Scene, Shift
from .manners import drawn, look_except, nod, tempo
from .passing import abreast

_HANDS = ("left", "right")
_FORWARD = np.array([0.0, 0.0, 1.0])


def tug_of_war(scene: Scene) -> None:
    pace = tempo(scene, "slowly", "fiercely")
    first, second = scene.cast()
    scene.facing_each_other(scene.vary(2.0, 2.5), 0.06)
    times = first.times
    start = scene.vary(-0.2, 0.3)
    rate = scene.vary(0.55, 0.75) / min(max(pace, 0.8), 1.3)
    gives = start + scene.vary(1.9, 2.6)
    stop = gives + scene.vary(1.3, 1.7) * min(max(pace, 0.85), 1.2)
    tense = plateau(times, start + 0.6, stop, 0.7, 0.7)
    heave = tense * np.sin(2 * np.pi * rate * (times - start))
    heave = heave * (1 - plateau(times, gives + 0.3, stop + 0.3, 0.4, 0.4))
    lost = plateau(times, gives, stop, 0.4, 0.6)
    for actor, sign in ((first, 1.0), (second, -1.0)):
        # One gives way while the other heaves.
        actor.weight(-(0.2 + 0.055 * sign * heave - (0.12 * lost if actor is second else 0.0)) * tense)
        actor.sink_by((0.11 + 0.02 * sign * heave) * tense)
        lean = (0.3 + 0.14 * sign * heave) * tense
        actor.sway(-lean + (0.45 * lost * tense if actor is second else 0.0), "x")
        actor.sway(0.7 * lean, "x", ("Neck", "Head"))
        near, far = ("left", "right") if scene.chance(0.5) else ("right", "left")
        pull: dict[str, Any] = {"fingers": (-0.8, 0.0, 0.6), "palm": (0.0, -0.6, -0.5), "lean": 0.0, "release": 0.8}
        for hand, ahead in ((near, 0.24), (far, 0.44)):
            back = (0.05 * sign * heave)[:, None] * np.array([0.0, 0.0, -1.0])
            place: Shift = (-0.02, -0.14, ahead)
            scene.gesture(actor, hand, place, start + 0.4, stop + 0.1, drawn(back), approach=0.7, **pull)
        actor.look(-1, 9, 0.8)
    way = scene.vary(0.6, 0.95)
    first.move(gives, stop + 0.1, -way * _FORWARD, ramping=0.2)
    second.move(gives + 0.03, stop + 0.2, -(way + scene.vary(0.05, 0.2)) * _FORWARD, ramping=0.2)
    scene.finish_at(stop + scene.vary(0.7, 1.1))


def _throwing(scene: Scene, actor: Actor, time: float, chest: bool, pace: float) -> None:
    """The ball leaves the hands at a time: from the chest with both, or over the shoulder with the right one."""
    wind, swing = 0.34 * pace, 0.24 * pace
    if chest:
        for hand in _HANDS:
            near: Shift = (0.08, -0.04, 0.2)
            scene.gesture(
                actor, hand, near, time - swing - wind, time - swing, approach=0.35, fingers=(-0.2, 0.6, 0.9),
                palm=(-0.8, 0.0, 0.5), elbow=(0.8, -1.0, 0.0), lean=0.0,
            )  # fmt: skip
            scene.gesture(
                actor, hand, (0.11, scene.vary(0.02, 0.1), 0.54), time, time + 0.1, approach=swing, release=0.7,
                fingers=(0.1, 0.3, 1.0), palm=(-0.3, -0.3, 1.0), lean=0.3,
            )  # fmt: skip
        actor.bend(-0.1, time - swing - wind, time - swing, 0.3, swing)
    else:
        scene.gesture(
            actor, "right", (0.42, 0.32, -0.02), time - swing - wind, time - swing, approach=0.45,
            fingers=(0.1, 1.0, -0.3), palm=(0.0, 0.3, 1.0), elbow=(1.0, -0.2, -0.3), bow=(0.15, 0.0, 0.15), lean=0.0,
        )  # fmt: skip
        scene.gesture(
            actor, "right", (0.04, 0.24, 0.52), time, time + 0.08, approach=swing, release=0.75,
            fingers=(-0.1, 0.0, 1.0), palm=(0.0, -1.0, 0.3), bow=(0.1, 0.15, 0.05), elbow=(1.0, -0.4, 0.0), lean=0.3,
        )  # fmt: skip
        scene.gesture(
            actor, "left", (0.12, 0.02, 0.42), time - swing - wind, time - swing, approach=0.45, release=0.6,
            fingers=(0.0, 0.2, 1.0), lean=0.0,
        )  # fmt: skip
        actor.bend(-0.4, time - swing - wind, time - swing, 0.4, swing, "y")
        actor.bend(0.4, time, time + 0.1, swing, 0.6, "y")
    actor.bend(0.22, time, time + 0.1, swing, 0.6)
    actor.move(time - swing - 0.1, time + 0.45, scene.vary(0.1, 0.16) * floor_direction(actor.yaw))


def _catching(scene: Scene, actor: Actor, time: float) -> None:
    """Both hands take a ball out of the air and bring it to the chest."""
    height, aside = scene.vary(-0.06, 0.2), scene.vary(-0.06, 0.06)
    for hand in _HANDS:
        side = aside if hand == "left" else -aside
        scene.gesture(
            actor, hand, (0.1 + side, height, 0.44), time - 0.12, time, approach=0.5, fingers=(-0.1, 0.7, 0.8),
            palm=(-0.7, 0.0, 0.7), elbow=(0.6, -1.0, 0.0), lean=0.2,
        )  # fmt: skip
        scene.gesture(
            actor, hand, (0.09, -0.06, 0.22), time + 0.24, time + 0.4, approach=0.22, release=0.6,
            fingers=(-0.3, 0.5, 0.9), palm=(-0.9, 0.2, 0.1), elbow=(0.8, -1.0, -0.2), lean=0.0,
        )  # fmt: skip
    actor.sink(0.07, time - 0.05, time + 0.2, 0.35, 0.5)
    actor.bend(-0.1, time + 0.05, time + 0.25, 0.2, 0.5)
    actor.step(time - 0.65, time - 0.05, left=scene.vary(-0.18, 0.18))
    actor.step(time + 0.05, time + 0.55, forward=-0.12)


def throw_and_catch(scene: Scene) -> None:
    pace = tempo(scene, "gently", "hard")
    first, second = scene.cast()
    scene.facing_each_other(scene.vary(2.7, 4.0), 0.1)
    chest = scene.chance(0.5)
    scene.facts |= {"side": "right"}
    flight = scene.vary(0.6, 0.75) * min(max(pace, 0.8), 1.25)
    now, number = scene.vary(0.8, 1.0), 0
    throws = int(scene.random.integers(2, 4))
    while number < throws and now < 6.6:
        thrower, catcher = (first, second) if number % 2 == 0 else (second, first)
        _throwing(scene, thrower, now, chest, min(max(pace, 0.8), 1.2))
        _catching(scene, catcher, now + flight)
        now, number = now + flight + scene.vary(1.15, 1.35) * min(max(pace, 0.9), 1.15), number + 1
    for actor in (first, second):
        actor.look(-1, 9, 0.8)
    scene.finish_at(now - scene.vary(0.1, 0.3))


def table_tennis(scene: Scene) -> None:
    pace = tempo(scene, "slowly", "fast")
    first, second = scene.cast()
    scene.facing_each_other(scene.vary(2.7, 3.3), 0.06)
    beat = scene.vary(0.56, 0.66) * min(max(pace, 0.85), 1.35)
    seconds = scene.vary(3.6, 5.5)
    scene.facts |= {"side": "right"}
    for actor in (first, second):
        actor.sink(scene.vary(0.09, 0.13), -0.5, seconds + 0.1, 0.1, 0.6)
        actor.bend(scene.vary(0.2, 0.3), -0.5, seconds + 0.1, 0.1, 0.6)
        actor.bend(-0.2, -0.5, seconds + 0.1, 0.1, 0.6, "x", ("Neck", "Head"))
        rest: Shift = (scene.vary(0.14, 0.2), scene.vary(-0.2, -0.1), scene.vary(0.22, 0.3))
        scene.gesture(actor, "left", rest, -0.5, seconds, approach=0.1, release=0.7, fingers=(-0.2, 0.2, 1.0), lean=0.0)
        actor.look(-1, 9, 0.7)
    now, number, places = 0.35, 0, [0.0, 0.0]
    while now < seconds:
        player = number % 2
        actor = (first, second)[player]
        forehand = scene.chance(0.6)
        back: Shift = (0.4, -0.14, 0.06) if forehand else (-0.2, -0.1, 0.24)
        ahead: Shift = (-0.08, scene.vary(0.04, 0.12), 0.4) if forehand else (0.26, scene.vary(0.0, 0.08), 0.42)
        racket: dict[str, Any] = {"elbow": (0.7, -1.0, -0.1), "lean": 0.15}
        turn = 0.3 if forehand else -0.2
        scene.gesture(
            actor, "right", back, now - 0.62 * beat, now - 0.36 * beat, approach=0.7 * beat, fingers=(0.5, 0.1, 0.8),
            palm=(-1.0, 0.0, 0.4), **racket,
        )  # fmt: skip
        scene.gesture(
            actor, "right", ahead, now + 0.06, now + 0.16, approach=0.36 * beat + 0.06, release=0.6,
            fingers=(-0.3 if forehand else 0.6, 0.3, 0.8), palm=(-0.8 if forehand else 0.8, 0.0, 0.6), **racket,
        )  # fmt: skip
        actor.bend(-turn, now - 0.6 * beat, now - 0.4 * beat, 0.5 * beat, 0.36 * beat, "y")
        actor.bend(turn, now + 0.05, now + 0.12, 0.36 * beat, 0.6 * beat, "y")
        aside = scene.vary(0.12, 0.26) * (1 if places[player] < 0 else -1)
        places[player] += aside
        actor.step(now - 1.15 * beat, now - 0.3 * beat, left=aside)
        now, number = now + beat, number + 1
    scene.finish_at(seconds + scene.vary(0.5, 0.8))


def jog(scene: Scene) -> None:
    pace = scene.vary(1.55, 2.05)
    scene.facts["manner"] = "slowly" if pace < 1.68 else "at a good pace" if pace > 1.93 else ""
    first, second = abreast(scene, scene.vary(0.8, 1.1), pace, True, scene.vary(-0.2, 0.2))
    for actor in (first, second):
        if scene.chance(0.6):
            start = scene.vary(0.2, 1.5)
            actor.look(start, start + scene.vary(0.6, 1.4), scene.vary(0.5, 0.8))
    scene.finish_at(scene.vary(3.2, 5.5))


def sneak_up(scene: Scene) -> None:
    first, second = scene.cast()
    way, gap = scene.vary(1.0, 1.7), scene.vary(0.52, 0.6)
    second.stand(np.zeros(3), scene.vary(-0.12, 0.12))
    first.stand(np.array([scene.vary(-0.05, 0.05), 0.0, -gap - way]), 0.0)
    start = scene.vary(-0.5, 0.0)
    arrived = start + 0.4 + way / scene.vary(0.55, 0.7)
    first.move(start, arrived, way * _FORWARD, ramping=0.15)
    grab = arrived + scene.vary(0.15, 0.4)
    let_go = grab + 0.16
    first.sink(scene.vary(0.1, 0.15), start, grab - 0.25, 0.1, 0.25)
    first.bend(scene.vary(0.25, 0.35), start, grab - 0.25, 0.1, 0.25)
    first.bend(-0.25, start, grab - 0.25, 0.1, 0.25, "x", ("Neck", "Head"))
    for hand in _HANDS:
        paw: Shift = (scene.vary(0.12, 0.18), scene.vary(0.0, 0.1), scene.vary(0.26, 0.34))
        scene.gesture(
            first, hand, paw, start, grab - 0.35, approach=0.3, fingers=(0.0, 0.7, 0.8), palm=(0.0, -0.6, 0.8), lean=0.0
        )
        scene.touch(
            first, hand, f"{hand}_shoulder", grab, let_go, fingers=(0.0, 0.2, 1.0), palm=(0.0, -1.0, 0.1),
            approach=0.26, release=0.4, bow=(0.05, 0.12, 0.0), elbow=(0.8, -0.8, 0.0), lean=0.6,
            scheduled=(grab + 0.02, let_go - 0.02),
        )  # fmt: skip
    # The start goes through the whole body: shoulders up, knees give, arms fly up, away and round.
    scared = grab + 0.08
    second.sink(0.09, scared + 0.16, scared + 0.22, 0.16, 0.4)
    second.recoil(scared, -0.3, "x", 1.3, 4.0)
    for hand in _HANDS:
        scene.gesture(
            second, hand, (0.16, 0.14, 0.26), scared + 0.26, scared + scene.vary(0.75, 1.1), approach=0.24, release=0.8,
            fingers=(0.2, 1.0, 0.3), palm=(0.0, 0.1, 1.0), elbow=(0.8, -0.8, 0.0), lean=0.0,
        )  # fmt: skip
    second.move(scared + 0.02, scared + 0.75, scene.vary(0.35, 0.55) * _FORWARD, ramping=0.12)
    turn = scared + scene.vary(0.3, 0.45)
    second.move(turn, turn + 1.0, None, np.pi * (1 if scene.chance(0.5) else -1) + scene.vary(-0.15, 0.15))
    # The other laughs.
    merry = plateau(first.times, let_go + 0.6, 12.0, 0.5, 0.5)
    first.sway(merry * (0.1 + 0.05 * np.sin(2 * np.pi * 2.6 * first.times)), "x")
    first.move(let_go + 0.1, let_go + 0.8, -scene.vary(0.05, 0.2) * _FORWARD)
    first.look(-1, 9, 0.7)
    second.look(turn + 0.6, 9, 0.9)
    scene.finish_at(turn + scene.vary(1.7, 2.3))


_POSES: tuple[tuple[Shift, Shift], ...] = (
    ((0.62, 0.15, 0.05), (0.62, 0.15, 0.05)),
    ((0.2, 0.62, 0.05), (0.2, 0.62, 0.05)),
    ((0.12, 0.1, 0.5), (0.12, 0.1, 0.5)),
    ((0.25, 0.58, 0.05), (0.2, -0.28, 0.04)),
    ((0.6, 0.2, 0.05), (0.12, 0.1, 0.28)),
    ((0.1, 0.12, 0.52), (0.2, -0.28, 0.04)),
)
"""Places of the left and the right hand, each in its own side of the chest's frame."""


def teach(scene: Scene) -> None:
    pace = tempo(scene, share=0.25)
    first, second = scene.cast()
    scene.facing_each_other(scene.vary(1.7, 2.3), 0.1)
    beat = scene.vary(1.15, 1.35) * min(max(pace, 0.75), 1.35)
    late = scene.vary(0.8, 0.95) * beat
    count = 3 if beat < 1.5 else 2
    order = [int(index) for index in scene.random.permutation(len(_POSES))[:count]]
    mirror = [scene.chance(0.5) for _ in order]
    start = scene.vary(0.6, 0.8)
    for actor in (first, second):
        for number, (index, swapped) in enumerate(zip(order, mirror, strict=True)):
            left, right = _POSES[index][::-1] if swapped else _POSES[index]
            if actor is second:
                # Face to face, as in a mirror.
                left, right = right, left
            at = start + number * beat + (late + scene.vary(-0.06, 0.06) if actor is second else 0.0)
            for hand, place in (("left", left), ("right", right)):
                slack = scene.vary(0.88, 0.97) if actor is second else 1.0
                where: Shift = (place[0] * slack, place[1] * slack, place[2])
                scene.gesture(
                    actor, hand, where, at, at + 0.42 * beat, approach=0.5 * beat, release=0.8, lean=0.1,
                    elbow=(0.9, -0.4, -0.1), elbow_share=0.3, palm=(0.0, -0.7, 0.7), bow=(0.05, 0.0, 0.1),
                )  # fmt: skip
            actor.sink(0.05, at, at + 0.3 * beat, 0.4 * beat, 0.4 * beat)
    done = start + (count - 1) * beat + late + 0.5 * beat
    look_except(first, done, nod(first, done, 2, 0.4))
    second.look(-1, 9, 0.85)
    scene.finish_at(done + scene.vary(1.0, 1.4))


def wait_and_meet(scene: Scene) -> None:
    pace = tempo(scene, "slowly", "in a hurry")
    first, second = scene.cast()
    way, gap = scene.vary(2.2, 3.2), scene.vary(0.95, 1.2)
    aside = scene.vary(0.7, 1.2) * (1 if scene.chance(0.5) else -1)
    second.stand(np.array([0.0, 0.0, gap / 2]), np.pi + aside)
    first.stand(np.array([scene.vary(-0.1, 0.1), 0.0, -gap / 2 - way]), 0.0)
    go = scene.vary(0.6, 1.0)
    arrive = go + 0.4 + way / (scene.vary(0.95, 1.15) / min(max(pace, 0.75), 1.35))
    first.move(go, arrive, way * _FORWARD, ramping=0.15)
    # Waiting is shifting the weight, looking at the wrist and up the road.
    second.weight(0.02 * np.sin(2 * np.pi * 0.3 * second.times + scene.vary(0, 6)))
    side = scene.vary(0.25, 0.5)
    wrist = scene.vary(0.3, 0.5)
    seen = arrive - scene.vary(1.2, 1.6)
    scene.gesture(
        second, "left", (-0.06, scene.vary(0.0, 0.06), 0.26), wrist, min(wrist + 0.7, seen - 0.2), approach=0.5,
        release=0.6, fingers=(-1.0, 0.1, 0.2), palm=(0.0, -0.9, 0.4), elbow=(0.9, -0.6, 0.1), lean=0.0,
    )  # fmt: skip
    second.bend(0.45, wrist, min(wrist + 0.6, seen - 0.2), 0.4, 0.4, "x", ("Neck", "Head"))
    second.sway(
        side * plateau(second.times, wrist + 1.0, seen - 0.1, 0.3, 0.4) * np.sin(2 * np.pi * 0.4 * second.times),
        "y",
        ("Neck", "Head"),
    )
    second.move(seen, seen + 0.9, None, -aside)
    hail = seen + 0.55
    wave = 0.07 * np.sin(2 * np.pi * 2.0 * (second.times - hail))[:, None] * np.array([1.0, 0.0, 0.0])
    scene.gesture(
        second, "right", (0.28, 0.36, 0.2), hail, hail + scene.vary(0.5, 0.7), drawn(wave), approach=0.45,
        release=0.6, fingers=(0.1, 1.0, 0.05), palm=(0.0, 0.05, 1.0), elbow=(0.8, -1.0, 0.0), lean=0.0,
    )  # fmt: skip
    if scene.chance(0.6):
        answer = hail + scene.vary(0.2, 0.4)
        scene.gesture(
            first, "right", (0.26, 0.32, 0.22), answer, answer + 0.45, drawn(wave), approach=0.4, release=0.6,
            fingers=(0.1, 1.0, 0.05), palm=(0.0, 0.05, 1.0), elbow=(0.8, -1.0, 0.0), lean=0.0,
        )  # fmt: skip
    second.look(seen + 0.1, 9, 0.9)
    first.look(-1, 9, 0.6)
    scene.finish_at(arrive + scene.vary(0.5, 0.9))


def play_tag(scene: Scene) -> None:
    first, second = scene.cast(running=True)
    times, pace, lead = first.times, scene.vary(2.1, 2.5), scene.vary(1.3, 1.7)
    tag = scene.vary(1.4, 1.8)
    gap = scene.vary(0.6, 0.66)
    side = 1.0 if scene.chance(0.5) else -1.0
    # The chased one runs a little slower until the tag; then both slow down, turn and run back the other way.
    closing = (lead - gap) / (tag + 0.6)
    turned = tag + 0.45
    for actor in (first, second):
        before = pace if actor is first else pace - closing
        wait = 0.0 if actor is first else scene.vary(0.25, 0.4)
        drop = plateau(times, turned + wait, 30.0, 0.8, 0.1)
        speed = before * (1 - drop) - (scene.vary(1.9, 2.2)) * plateau(times, turned + wait + 0.75, 30.0, 0.7, 0.1)
        # The one who touches does not run into the back that is touched.
        if actor is first:
            speed = speed - closing * plateau(times, tag, turned + 0.1, 0.2, 0.3) * 1.2
        along = np.cumsum(speed) / 30
        along -= np.interp(tag, times, along)
        sign = side if actor is first else -side
        yaw = np.pi * sign * plateau(times, turned + wait + 0.55, 30.0, 0.95, 0.1)
        places = along[:, None] * _FORWARD
        places = places + (0.0 if actor is second else -gap) * _FORWARD
        places[:, 0] += 0.35 * sign * plateau(times, turned + wait + 0.6, 30.0, 0.9, 0.1)
        actor.path = (hann_smoothed(places.T, 3).T, hann_smoothed(yaw, 4))
    scene.touch(
        first, "right", "upper_back", tag, tag + 0.1, (0.0, 0.02, -0.02), approach=0.45, release=0.4,
        fingers=(0.0, 0.7, 0.8), palm=(0.0, -0.2, 1.0), lean=0.6, scheduled=(tag + 0.03, tag + 0.07),
    )  # fmt: skip
    second.recoil(tag, 0.15, "x", 1.2, 4.0)
    first.look(-1, tag + 0.3, 0.6)
    second.look(turned + 0.9, 9, 0.6)
    scene.facts |= {"side": "right"}
    scene.finish_at(turned + scene.vary(2.4, 2.9))


SCRIPTS = {
    "tug of war": tug_of_war,
    "throw and catch": throw_and_catch,
    "play table tennis": table_tennis,
    "jog together": jog,
    "sneak up and scare": sneak_up,
    "teach a move": teach,
    "wait and meet": wait_and_meet,
    "play tag": play_tag,
}
