"""Gestures without contact: bow, wave, beckon, point, argue, laugh, drink."""

from __future__ import annotations

import numpy as np

from ..actor import PLAIN, Actor
from ..body import J, PosedBody, floor_direction
from ..curves import plateau
from ..library import Take
from ..scene import Scene
from .greetings import approach, look_at_each_other


def bow_to_each_other(scene: Scene) -> None:
    arrived = approach(scene, scene.vary(1.5, 2.0))
    first, second = scene.actors
    deep = scene.chance(0.5)
    scene.facts |= {"manner": "deeply" if deep else "slightly"}
    start = arrived + scene.vary(0.2, 0.5)
    rise, hold = scene.vary(0.6, 0.9), scene.vary(0.2, 0.9)
    for actor in (first, second):
        later = scene.vary(0.0, 0.3) if actor is second else 0.0
        angle = scene.vary(0.95, 1.25) if deep else scene.vary(0.5, 0.7)
        actor.bow_down(angle, start + rise + later, start + rise + hold + later, rise, rise)
        actor.look(-1, start - 0.2, 0.7)
        actor.look(start + 2 * rise + hold + 0.3, 9, 0.7)
    scene.finish_at(start + 2 * rise + hold + scene.vary(0.6, 1.1))


def _waving(scene: Scene, actor: Actor, hand: str, start: float, stop: float) -> None:
    rate, width = scene.vary(1.4, 2.4), scene.vary(0.09, 0.16)

    def swing(times: np.ndarray) -> np.ndarray:
        share = plateau(times, start + 0.1, stop - 0.1, 0.2, 0.2)
        return (width * share * np.sin(2 * np.pi * rate * (times - start)))[:, None] * np.array([1.0, 0.0, 0.0])

    place = (scene.vary(0.28, 0.36), scene.vary(0.4, 0.55), scene.vary(0.15, 0.28))
    scene.gesture(
        actor,
        hand,
        place,
        start,
        stop,
        swing,
        fingers=(0.1, 1.0, 0.05),
        palm=(0.0, 0.05, 1.0),
        approach=scene.vary(0.5, 0.7),
        release=scene.vary(0.5, 0.7),
        elbow=(0.8, -1.0, 0.0),
    )


def wave_to_each_other(scene: Scene) -> None:
    first, second = scene.cast()
    scene.facing_each_other(scene.vary(2.0, 4.0), 0.25)
    start = scene.vary(0.5, 0.8)
    stop = start + scene.vary(1.2, 2.2)
    scene.facts |= {"side": "right"}
    _waving(scene, first, "right", start, stop)
    begin = start + scene.vary(0.1, 0.9)
    end = begin + scene.vary(1.2, 1.9)
    _waving(scene, second, "right" if scene.chance(0.7) else "left", begin, end)
    look_at_each_other(scene, first, second)
    scene.finish_at(max(stop, end) + scene.vary(0.6, 1.1))


def beckon(scene: Scene) -> None:
    first, second = scene.cast()
    way, gap = scene.vary(1.2, 2.6), scene.vary(0.8, 1.1)
    scene.facing_each_other(gap + way)
    start, rate = scene.vary(0.4, 0.7), scene.vary(1.2, 1.8)
    stop = start + scene.vary(1.2, 1.8)

    def curl(times: np.ndarray) -> np.ndarray:
        share = plateau(times, start, stop, 0.2, 0.2) * (1 - np.cos(2 * np.pi * rate * (times - start))) / 2
        return share[:, None] * np.array([-0.05, 0.12, -0.2])

    scene.facts |= {"side": "right"}
    scene.gesture(
        first,
        "right",
        (0.12, scene.vary(0.0, 0.12), 0.46),
        start,
        stop,
        curl,
        fingers=(0.0, 0.5, 1.0),
        palm=(0.0, 1.0, -0.4),
        approach=0.6,
        release=0.7,
    )
    go = start + scene.vary(0.5, 1.0)
    arrive = go + 0.5 + way / scene.vary(0.85, 1.2)
    second.move(go, arrive, np.array([0.0, 0.0, -way]), ramping=0.2)
    look_at_each_other(scene, first, second)
    scene.finish_at(arrive + scene.vary(0.4, 0.9))


def point(scene: Scene) -> None:
    first, second = scene.cast()
    scene.facing_each_other(scene.vary(0.9, 1.5), 0.3)
    start, hold = scene.vary(0.7, 1.1), scene.vary(1.2, 2.2)
    angle, rise = -scene.vary(0.7, 1.5), scene.vary(-0.05, 0.35)
    way = floor_direction(angle) * np.array([1.0, 0.0, 1.0]) + np.array([0.0, rise, 0.0])
    target = way * 6.0 + np.array([0.0, 1.5, 0.0])
    scene.facts |= {"side": "right", "height": "up" if rise > 0.2 else ""}
    out = np.array([-way[0], way[1] + 0.1, way[2]]) * 0.55 + np.array([0.16, 0.12, 0.0])
    scene.gesture(
        first,
        "right",
        (float(out[0]), float(out[1]), float(out[2])),
        start,
        start + hold,
        fingers=(float(-way[0]), float(way[1]), float(way[2])),
        palm=(0.0, -1.0, 0.0),
        approach=0.6,
        release=0.7,
        lean=0.3,
    )
    first.bend(0.4 * angle, start, start + hold, 0.5, 0.6, "y")
    first.look(-1, start - 0.5, 0.8)
    first.look(start, start + hold - 0.2, 0.9, target)
    turn = start + scene.vary(0.25, 0.6)
    second.look(-1, turn - 0.3, 0.8)
    second.look(turn + 0.3, start + hold + 0.8, 0.95, target)
    seen = (np.arctan2(target[0], target[2]) - second.yaw + np.pi) % (2 * np.pi) - np.pi
    second.move(turn, turn + 1.0, None, 0.45 * seen)
    second.bend(0.35 * seen, turn + 0.6, start + hold + 0.6, 0.6, 0.7, "y")
    scene.finish_at(start + hold + scene.vary(0.8, 1.3))


def strokes(scene: Scene, actor: Actor, start: float, stop: float, strong: float) -> None:
    """Gestures of a speaker: strokes in front of the chest, with one hand or both."""
    for hand in (("left",), ("right",), ("left", "right"), ("left", "right"))[int(scene.random.integers(4))]:
        now = start + scene.vary(0.0, 0.3)
        while now < stop - 0.35:
            hold = scene.vary(0.05, 0.35)
            place = (scene.vary(0.02, 0.3), scene.vary(-0.25, 0.12 * strong), scene.vary(0.24, 0.3 + 0.14 * strong))
            scene.gesture(
                actor,
                hand,
                place,
                now,
                now + hold,
                approach=0.45,
                release=0.5,
                palm=(-0.6, scene.vary(-0.6, 0.9), 0.2),
                fingers=(scene.vary(-0.4, 0.3), scene.vary(-0.1, 0.6), 1.0),
                lean=0.2,
            )
            now += hold + scene.vary(0.22, 0.45) / (0.6 + 0.4 * strong)


def argue(scene: Scene) -> None:
    first, second = scene.cast()
    scene.facing_each_other(scene.vary(0.95, 1.25))
    seconds = scene.vary(3.6, 6.0)
    scene.facts |= {"manner": "angrily"}
    turn = scene.vary(0.35, 0.65) * seconds
    strokes(scene, first, 0.2, turn + 0.4, 1.6)
    strokes(scene, second, turn - 0.4, seconds + 0.5, 1.6)
    if scene.chance(0.5):
        strokes(scene, first, turn + 0.9, seconds + 0.5, 1.6)
    for actor, start, stop in ((first, 0.3, turn), (second, turn, seconds)):
        actor.bend(scene.vary(0.1, 0.22), start, stop, 0.4, 0.5)
        beat = np.maximum(np.sin(2 * np.pi * scene.vary(1.2, 2.0) * actor.times), 0) * plateau(
            actor.times, start, stop, 0.3, 0.3
        )
        actor.sway(0.1 * beat, "x", ("Neck", "Head"))
        actor.step(start, start + 0.7, forward=scene.vary(0.08, 0.15))
    second.step(0.5, 1.2, forward=-scene.vary(0.0, 0.2))
    look_at_each_other(scene, first, second)
    scene.finish_at(seconds)


def _captured(
    scene: Scene, actor: Actor, takes: list[Take], seconds: float, aim: float, place: np.ndarray, roaming: float
) -> None:
    """A captured stretch on the spot, with the pelvis facing an angle on average."""
    frames = round((seconds + 1.3) * 30)
    long = [take for take in takes if len(take) > frames + 2] or takes
    take = long[int(scene.random.integers(len(long)))]
    if scene.chance(0.5):
        take = take.mirrored
    start = take.window(scene.random, frames, roaming)
    actor.play(take, start + 18, place, aim, scene.vary(0.92, 1.08), by_hands=False)


def laugh_together(scene: Scene) -> None:
    first, second = scene.cast()
    seconds = scene.vary(3.4, 6.0)
    scene.finish_at(seconds)
    gap = scene.vary(1.15, 1.6)
    takes = scene.library.named("laugh")
    for actor, end, aim in ((first, -0.5, 0.0), (second, 0.5, np.pi)):
        _captured(scene, actor, takes, seconds, aim + scene.vary(-0.25, 0.25), np.array([0.0, 0.0, end * gap]), 0.2)
        actor.look(-1, 9, scene.vary(0.3, 0.6))


def _drinks(take: Take) -> np.ndarray:
    """(T,) distance of a hand from the head in metres, on a body of average size."""
    joints = PosedBody(PLAIN, take.track.turns, take.track.root).world()[0]
    return np.linalg.norm(joints[:, (J["L_Wrist"], J["R_Wrist"])] - joints[:, None, J["Head"]], axis=-1).min(1)


def drink_together(scene: Scene) -> None:
    first, second = scene.cast()
    seconds = scene.vary(3.2, 4.2)
    scene.finish_at(seconds)
    gap, open_angle = scene.vary(1.0, 1.6), scene.vary(0.0, 0.5)
    takes = scene.library.named("drink")
    frames = round((seconds + 1.3) * 30)
    for actor, end, aim in ((first, -0.5, 0.0), (second, 0.5, np.pi)):
        take = takes[int(scene.random.integers(len(takes)))]
        near = int(_drinks(take).argmin())
        if scene.chance(0.5):
            take = take.mirrored
        start = int(np.clip(near - scene.vary(0.35, 0.6) * frames, 0, max(len(take) - frames, 0)))
        turn = open_angle if end < 0 else -open_angle
        actor.play(take, start + 18, np.array([0.0, 0.0, end * gap]), aim + turn, by_hands=False)
        actor.look(-1, 9, 0.3)


SCRIPTS = {
    "bow to each other": bow_to_each_other,
    "wave to each other": wave_to_each_other,
    "beckon and the other comes": beckon,
    "point and the other looks": point,
    "argue": argue,
    "laugh together": laugh_together,
    "drink together": drink_together,
}
