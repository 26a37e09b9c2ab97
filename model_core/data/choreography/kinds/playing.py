"""Play and mishaps: a whisper that makes both giggle, push-ups that are counted, leapfrog, a trip and a catch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....kinematics.filters import hann_smoothed
from ..actor import Actor
from ..body import J
from ..curves import plateau
from ..hands import Reach, fixed_place
from ..scene import Scene, Shift
from .greetings import look_at_each_other
from .tempo import tempo

_HANDS = ("left", "right")
_FORWARD = np.array([0.0, 0.0, 1.0])


def _giggles(scene: Scene, actor: Actor, start: float, stop: float) -> None:
    """Shoulders and head shake with laughter, the trunk bends over."""
    rate, late = scene.vary(2.8, 3.6), scene.vary(0.0, 0.15)
    merry = plateau(actor.times, start + late + 0.2, stop, 0.35, 0.5)
    shake = merry * np.sin(2 * np.pi * rate * (actor.times - start - late))
    actor.sway(scene.vary(0.3, 0.5) * merry + 0.1 * shake, "x")
    actor.sway(0.1 * merry - 0.06 * shake, "x", ("Neck", "Head"))
    actor.sink_by(0.04 * merry + 0.014 * shake)


def whisper_and_giggle(scene: Scene) -> None:
    slower = tempo(scene)
    first, second = scene.cast()
    way, gap = scene.vary(0.2, 0.9), scene.vary(0.46, 0.53)
    # The second person's left ear is towards the first, who stands next to it.
    second.stand(np.zeros(3), np.pi / 2 + scene.vary(0.0, 0.35))
    first.stand(np.array([0.06, 0.0, -gap - way]), 0.0)
    start = scene.vary(-0.4, 0.0)
    arrived = start + 0.5 + slower * way / scene.vary(0.8, 1.1)
    first.move(start, arrived, np.array([0.0, 0.0, way]))
    begin = max(arrived + 0.05, 0.6 * slower)
    stop = begin + scene.vary(0.9, 1.3) * max(slower, 0.8)
    scene.facts |= {"side": "left", "ear": "left"}
    tall = first.body.size - second.body.size
    first.bend(0.1 + max(tall, 0) * 1.5, begin, stop, 0.6, 0.6)
    first.bend(0.1, begin, stop, 0.6, 0.6, "x", ("Neck",))
    second.bend(-0.06 - max(-tall, 0), begin, stop, 0.7, 0.6, "z")
    second.bend(-0.12, begin, stop, 0.7, 0.6, "z", ("Neck", "Head"))
    scene.touch(
        first, "left", "left_ear", begin, stop, (0.05, -0.01, 0.05), fingers=(-0.2, 0.7, 0.6), palm=(-1.0, 0.0, -0.3),
        approach=0.6 * slower, release=0.6, elbow=(0.6, -1.0, 0.0), lean=0.4,
    )  # fmt: skip
    # Then they draw apart, turn to each other and laugh; one or both hide the mouth.
    merry = stop + 0.25
    end = merry + scene.vary(1.5, 2.2)
    first.move(stop, stop + 0.8, np.array([scene.vary(-0.05, 0.1), 0.0, -scene.vary(0.1, 0.2)]))
    second.move(stop + 0.05, stop + 0.85, None, scene.vary(0.7, 1.0))
    for actor, hides in ((first, scene.chance(0.5)), (second, scene.chance(0.75))):
        _giggles(scene, actor, merry, end)
        if hides:
            scene.gesture(
                actor, "right", (-0.11, scene.vary(0.17, 0.21), 0.2), merry + 0.3, end - 0.1, fingers=(-0.7, 0.7, 0.2),
                palm=(0.0, 0.1, -1.0), approach=0.45, release=0.7, elbow=(0.6, -1.0, 0.0), lean=0.0,
            )  # fmt: skip
        else:
            scene.gesture(
                actor, "right", (0.0, -0.22, 0.2), merry + 0.35, end, fingers=(-0.9, 0.0, 0.3), palm=(0.0, 0.0, -1.0),
                approach=0.5, release=0.7, lean=0.0,
            )  # fmt: skip
    first.look(-1, begin, 0.8)
    first.look(merry, 9, 0.6)
    second.look(merry, 9, 0.7)
    scene.finish_at(end + scene.vary(0.2, 0.5))


def push_ups(scene: Scene) -> None:
    slower = tempo(scene)
    first, second = scene.cast()
    seconds = scene.vary(0.95, 1.15) * slower**0.8
    count = int(min(max(scene.random.integers(3, 6), 3), 6.2 / seconds))
    start = scene.vary(0.2, 0.5)
    stop = start + count * seconds
    first.stand(np.zeros(3), 0.0)
    size = first.body.size
    first.life = 0.2
    share = np.clip((first.times - start) / seconds, 0, count)
    low = np.sin(np.pi * share) ** 2
    first.plank(scene.vary(0.86, 0.92) * low)
    # The hands stay on the floor below the shoulders of the upper position.
    shoulders = first.base().world()[0][0, [J["L_Shoulder"], J["R_Shoulder"]]]
    ahead = scene.vary(-0.02, 0.06) * size
    for number, _hand in enumerate(_HANDS):
        out = 1.0 - 2.0 * number
        floor = np.array([shoulders[number, 0] + out * 0.06 * size, 0.03, shoulders[number, 2] + ahead])
        first.reach(
            Reach(
                number, -2.0, 12.0, fixed_place(floor), fingers=(0.15 * out, 0.0, 1.0), palm=(0.0, -1.0, 0.0),
                elbow=(0.8 * out, 0.5, -0.6), elbow_share=0.9, approach=0.1, lean=0.0,
            )
        )  # fmt: skip
    # The other stands or kneels beside the head and beats the count with a hand.
    side = -1.0 if scene.chance(0.5) else 1.0
    at = np.array([side * scene.vary(0.75, 1.0), 0.0, scene.vary(1.0, 1.6)])
    middle = np.array([0.0, 0.0, 0.9])
    second.stand(at, float(np.arctan2(middle[0] - at[0], middle[2] - at[2])) + scene.vary(-0.15, 0.15))
    kneels = scene.chance(0.4)
    if kneels:
        second.kneel(1, -2, 14, 0.3, 0.3)
    else:
        second.bend(scene.vary(0.1, 0.3), -2, 14, 0.2, 0.2)
    beats = np.sin(np.pi * np.clip((second.times - start) / seconds, 0, count)) ** 2
    fist = np.stack((0 * beats, -0.13 * beats, 0.06 * beats), -1)
    place: Shift = (scene.vary(0.1, 0.16), scene.vary(0.05, 0.12), scene.vary(0.28, 0.34))
    scene.gesture(
        second, "right", place, -0.6, stop + 0.2, lambda times: fist[: len(times)], fingers=(0.0, 0.7, 0.8),
        palm=(-1.0, -0.2, 0.0), approach=0.2, release=0.7, lean=0.0,
    )  # fmt: skip
    head = np.array([0.0, 0.45, 1.45 * size])
    second.look(-1, 14, 0.85, head)
    numbers = {3: "three", 4: "four", 5: "five"}
    scene.facts |= {"side": "right", "count": numbers.get(count, ""), "how": "kneels" if kneels else "stands"}
    scene.finish_at(stop + scene.vary(0.3, 0.6))


def leapfrog(scene: Scene) -> None:
    slower = tempo(scene)
    first, second = scene.cast(running=True)
    pace = scene.vary(1.9, 2.2) / max(slower, 0.85) ** 0.35
    second.stand(np.zeros(3), scene.vary(-0.06, 0.06))
    rise = scene.vary(4.5, 6.0)
    second.sink(scene.vary(0.2, 0.28), -2, rise, 0.3, 0.8)
    second.bow_down(scene.vary(1.8, 1.95), -2, rise, 0.3, 0.8)
    second.sway(np.full(len(second.times), 0.3), "x", ("Neck", "Head"))
    for hand in _HANDS:
        scene.gesture(
            second, hand, (scene.vary(0.0, 0.05), -0.5, 0.2), -2, rise, fingers=(-0.1, -1.0, 0.3),
            palm=(0.0, -0.3, -1.0), approach=0.2, release=0.6, lean=0.0, elbow=(1.0, 0.2, -0.2),
        )  # fmt: skip
    joints = second.base().world()[0][0]
    back = float(joints[[J["Spine3"], J["Neck"], J["Pelvis"]], 1].max())
    land = scene.vary(0.7, 0.85)
    leave = -scene.vary(0.75, 0.85)
    # Run up, over, and to a stop.
    over = scene.vary(1.5, 1.9) * max(min(slower, 1.3), 0.8)
    off, down = over + leave / pace, over + land / pace
    times = first.times
    speed = pace * plateau(times, -0.1, down + 0.1, 0.7, 0.9)
    along = np.cumsum(speed) / 30
    along -= np.interp(over, times, along)
    first.path = (hann_smoothed((along[:, None] * _FORWARD).T, 2).T, np.zeros(len(times)))
    first.leap(off, down, max(back + 0.3 - 0.93 * first.body.size, 0.25), scene.vary(0.5, 0.58))
    for hand in _HANDS:
        scene.touch(
            first, hand, "lower_back", over - 0.2, over - 0.04, (0.08 if hand == "left" else -0.08, 0.05, -0.01),
            approach=0.34, release=0.34,
            fingers=(0.0, -0.4, 1.0), palm=(0.0, -1.0, 0.0), lean=0.6, elbow=(0.8, -0.4, -0.3),
            scheduled=(over - 0.17, over - 0.07),
        )  # fmt: skip
    first.bend(0.65, off + 0.15, over - 0.05, 0.35, 0.4)
    first.sink(0.1, down + 0.12, down + 0.15, 0.16, 0.5)
    first.bend(0.3, down + 0.1, down + 0.15, 0.2, 0.5)
    second.recoil(over - 0.2, 0.06, "x", 1.5, 4.0)
    scene.facts |= {"how": "crouches"}
    scene.finish_at(down + scene.vary(1.3, 1.8))


def trip_and_catch(scene: Scene) -> None:
    slower = tempo(scene)
    first, second = scene.cast()
    way, gap = scene.vary(1.2, 1.9), scene.vary(0.8, 0.88)
    lunge, nearer = scene.vary(0.3, 0.42), scene.vary(0.25, 0.4)
    scene.facing_each_other(gap + lunge + nearer + way, 0.08)
    pace = scene.vary(0.95, 1.2) / slower**0.6
    start = scene.vary(-0.6, -0.3)
    trip = start + 0.35 + way / pace
    first.move(start, trip + 0.2, way * _FORWARD, ramping=0.12)
    # The trunk goes on where the foot stays; a long step does not catch up with it.
    fall = trip + 0.46
    first.move(trip - 0.1, fall + 0.1, lunge * _FORWARD, ramping=0.15)
    held = fall + scene.vary(0.45, 0.8)
    up = scene.vary(0.8, 1.0) * max(slower, 0.8)
    first.bow_down(scene.vary(0.55, 0.7), fall, held, 0.42, up)
    first.bend(-0.4, fall, held, 0.42, up, "x", ("Neck", "Head"))
    first.weight(0.2 * plateau(first.times, fall, held, 0.42, up))
    first.sink(scene.vary(0.1, 0.15), fall, held, 0.42, up)
    grip = fall + 0.02
    second.move(trip, grip, -nearer * _FORWARD, ramping=0.2)
    second.sink(scene.vary(0.07, 0.12), grip, held, 0.35, up)
    second.bend(scene.vary(0.15, 0.25), grip, held, 0.35, up)
    stop = held + scene.vary(0.2, 0.3) * up
    under: dict[str, Any] = {"fingers": (0.5, 0.6, 0.8), "palm": (0.0, 0.5, 1.0), "elbow": (0.7, -1.0, 0.0)}
    over: dict[str, Any] = {"fingers": (0.0, 0.3, 1.0), "palm": (-0.2, -1.0, 0.2), "elbow": (0.9, -0.5, 0.0)}
    for hand, other in (("left", "right"), ("right", "left")):
        # First the arms fly out, then they find the one who catches.
        scene.gesture(
            first, hand, (scene.vary(0.34, 0.44), scene.vary(0.05, 0.2), 0.3), trip + 0.18, trip + 0.2, approach=0.3,
            release=0.3, fingers=(0.6, 0.4, 0.8), palm=(0.2, -0.6, 0.8), lean=0.0,
        )  # fmt: skip
        scene.gesture(second, hand, (0.12, -0.1, 0.34), grip - 0.34, grip - 0.3, approach=0.4, lean=0.0, **under)
        scene.touch(
            second, hand, f"{other}_chest", grip, stop, approach=0.5, release=0.65, lean=0.55,
            scheduled=(grip + 0.08, stop - 0.08), **under,
        )  # fmt: skip
        scene.touch(
            first, hand, f"{other}_upper_arm", grip + 0.25, stop - 0.1, (0.0, 0.0, 0.04), approach=0.45, release=0.6,
            lean=0.0, contact=False, **over,
        )  # fmt: skip
    first.move(stop - 0.3, stop + 0.6, -scene.vary(0.1, 0.3) * _FORWARD)
    second.move(stop, stop + 0.8, scene.vary(0.0, 0.15) * _FORWARD)
    scene.facts |= {"how": "stumbles"}
    look_at_each_other(scene, second)
    first.look(-1, trip, 0.6)
    first.look(held, 9, 0.85)
    scene.finish_at(stop + scene.vary(0.7, 1.1))


SCRIPTS = {
    "whisper and giggle": whisper_and_giggle,
    "count push-ups": push_ups,
    "leapfrog": leapfrog,
    "trip and catch": trip_and_catch,
}
