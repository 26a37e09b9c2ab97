"""Synchronous activities: exercise, dances, games, sitting and kneeling."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....kinematics.filters import hann_smoothed
from ..body import floor_direction
from ..curves import cruise
from ..scene import Scene
from .gestures import strokes
from .greetings import approach, look_at_each_other


def mirror_exercise(scene: Scene) -> None:
    first, second = scene.cast()
    seconds = scene.vary(3.4, 6.0)
    scene.finish_at(seconds)
    gap, speed = scene.vary(1.7, 2.4), scene.vary(0.9, 1.1)
    takes = scene.library.named("jumping jacks", "wash windows")
    frames = round((seconds + 1.3) * 30 * speed)
    take = takes[int(scene.random.integers(len(takes)))]
    start = take.window(scene.random, frames, 0.3)
    late = int(scene.random.integers(0, 4))
    near, far = np.array([0.0, 0.0, -gap / 2]), np.array([0.0, 0.0, gap / 2])
    first.play(take, start + 18, near, 0.0, speed, by_hands=False)
    second.play(take.mirrored, max(start + 18 - late, 0), far, np.pi, speed, by_hands=False)


def dance_in_unison(scene: Scene) -> None:
    first, second = scene.cast()
    seconds = scene.vary(3.4, 6.5)
    scene.finish_at(seconds)
    takes = scene.library.named("indian dance", "expressive arms", "salsa", "sideways steps")
    speed = scene.vary(0.92, 1.05)
    frames = round((seconds + 1.3) * 30 * speed)
    takes = [take for take in takes if len(take) > frames + 2]
    take = takes[int(scene.random.integers(len(takes)))]
    start = take.window(scene.random, frames, 0.6, lively=True)
    apart, late = scene.vary(1.5, 2.1), int(scene.random.integers(0, 3))
    right, left = np.array([-apart / 2, 0.0, 0.0]), np.array([apart / 2, 0.0, scene.vary(-0.2, 0.2)])
    first.play(take, start + 18, right, 0.0, speed, by_hands=False)
    second.play(take, max(start + 18 - late, 0), left, 0.0, speed, by_hands=False)


def dance_in_hold(scene: Scene) -> None:
    first, second = scene.cast()
    times = first.times
    beat, gap, size = scene.vary(0.5, 0.75), scene.vary(0.52, 0.6), scene.vary(0.12, 0.2)
    scene.facts |= {"manner": "slowly" if beat > 0.65 else ""}
    figures = {
        "box": ((0, 1), (1, 0), (0, -1), (-1, 0)),
        "side": ((1, 0), (0, 0), (-1, 0), (0, 0)),
        "basic": ((0, 1), (0, -1), (0, -1), (0, 1)),
    }
    steps = figures[scene.one_of(*figures)]
    turn = scene.vary(-0.45, 0.45)
    angle = turn * times
    centre = np.zeros((len(times), 3))
    for number in range(int((times[-1] + 1) / beat) + 1):
        across, along = steps[number % len(steps)]
        done = cruise(np.clip((times + 0.6 - number * beat) / beat, 0, 1), 0.5)[:, None]
        at = floor_direction(np.array(turn * (number * beat - 0.6)))
        left = floor_direction(np.array(turn * (number * beat - 0.6) + np.pi / 2))
        centre = centre + done * size * (along * at + across * left)
    centre = hann_smoothed(centre.T, 2).T
    bob = 0.012 * (1 - np.cos(2 * np.pi * (times + 0.6) / beat))
    for actor, side, facing in ((first, -0.5, angle), (second, 0.5, angle + np.pi)):
        actor.path = (
            centre + side * gap * floor_direction(angle) - 0.05 * side * floor_direction(angle + np.pi / 2),
            facing,
        )
        actor.sink_by(bob)
        actor.look(-1, 9, 0.5)
        actor.favoured = 0 if actor is first else 1
    how: dict[str, Any] = {
        "fingers": (0.3, 0.7, 0.5),
        "palm": (0.0, -0.2, 1.0),
        "approach": 0.3,
        "elbow": (0.8, -1.0, -0.1),
        "lean": 0.4,
    }
    scene.meet("left", "right", -0.5, 9.0, scene.vary(1.25, 1.38), 0.5, scene.vary(0.42, 0.5), how=how)
    scene.touch(
        first,
        "right",
        "left_shoulder_blade",
        -0.5,
        9.0,
        (0.03, -0.05, 0.0),
        fingers=(-0.9, 0.1, 0.2),
        palm=(0.0, 0.0, -1.0),
        elbow=(1.0, -0.5, 0.1),
        elbow_share=0.85,
        lean=0.5,
    )
    scene.touch(
        second,
        "left",
        "right_upper_arm",
        -0.5,
        9.0,
        (0.07, 0.06, 0.0),
        fingers=(-0.4, 0.1, 1.0),
        palm=(-0.1, -1.0, 0.0),
        elbow=(1.0, -0.3, 0.0),
        elbow_share=0.85,
        lean=0.5,
    )
    scene.finish_at(scene.vary(3.4, 6.5))


def sit_and_talk(scene: Scene) -> None:
    first, second = scene.cast(sitting=True)
    scene.facing_each_other(scene.vary(1.45, 1.9), 0.2)
    seconds = scene.vary(3.6, 6.5)
    turn = scene.vary(0.4, 0.6) * seconds
    strokes(scene, first, 0.1, turn, scene.vary(0.5, 1.0))
    strokes(scene, second, turn, seconds + 0.5, scene.vary(0.5, 1.0))
    for actor in (first, second):
        # Hands rest on the thighs between gestures.
        actor.arms_from_stance = True
        nod = np.maximum(np.sin(2 * np.pi * scene.vary(0.5, 1.0) * actor.times + scene.vary(0, 6)), 0) ** 2
        actor.sway(scene.vary(0.04, 0.12) * nod, "x", ("Neck", "Head"))
    look_at_each_other(scene, first, second)
    scene.finish_at(seconds)


def kneel(scene: Scene) -> None:
    arrived = approach(scene, scene.vary(0.95, 1.3))
    first, second = scene.actors
    start = arrived + scene.vary(0.1, 0.4)
    down, up = scene.vary(0.9, 1.3), scene.vary(0.9, 1.2)
    offers, rises = scene.chance(0.5), scene.chance(0.4)
    stop = start + down + scene.vary(1.2, 2.4)
    scene.facts |= {"side": "right", "how": "holds out a hand" if offers else "bows the head"}
    first.kneel(1, start + down, stop if rises else 12.0, down, up)
    first.bend(0.12, start + 0.6 * down, stop, 0.5, 0.6)
    if offers:
        scene.gesture(
            first,
            "left",
            (0.0, 0.1, 0.46),
            start + down + 0.4,
            stop - 0.2,
            fingers=(0.0, 0.1, 1.0),
            palm=(-0.3, 1.0, 0.0),
            approach=0.7,
            release=0.6,
        )
        first.look(-1, 9, 0.8)
    else:
        first.bend(0.5, start + down, stop, 0.6, 0.6, "x", ("Neck", "Head"))
        first.look(-1, start, 0.7)
    second.look(-1, 9, 0.9)
    scene.finish_at(stop + (up + 0.5 if rises else 0.0))


def clapping_hands(scene: Scene) -> None:
    first, second = scene.cast()
    scene.facing_each_other(scene.vary(0.7, 0.82), 0.06)
    beat = scene.vary(0.42, 0.65)
    scene.facts |= {"manner": "quickly" if beat < 0.48 else "slowly" if beat > 0.6 else ""}
    seconds = scene.vary(3.2, 5.0)
    height, hold, now, number = scene.vary(1.2, 1.32), 0.06, 0.5, 0
    crossing = scene.chance(0.6)
    up: dict[str, Any] = {
        "fingers": (0.0, 1.0, 0.25),
        "palm": (0.0, 0.1, 1.0),
        "approach": beat - hold,
        "release": beat - hold,
        "elbow": (0.6, -1.0, 0.0),
        "lean": 0.6,
    }
    own: dict[str, Any] = {**up, "palm": (-1.0, 0.0, 0.0), "fingers": (0.0, 0.8, 0.7)}
    while now < seconds + 0.5:
        stop = now + hold
        if number % 2 == 0:
            for actor in (first, second):
                for hand in ("left", "right"):
                    scene.gesture(actor, hand, (0.02, height - 1.33, 0.22), now, stop, **own)
        elif crossing and number % 4 == 3:
            which = "right" if number % 8 == 3 else "left"
            other = "left" if which == "right" else "right"
            scene.meet(which, which, now, stop, height + 0.05, 0.5, 0.0, how=up)
            for actor in (first, second):
                scene.gesture(actor, other, (0.12, height - 1.4, 0.2), now, stop, **own)
        else:
            scene.meet("left", "right", now, stop, height, 0.5, 0.15, how=up)
            scene.meet("right", "left", now, stop, height, 0.5, -0.15, how=up)
        now, number = now + beat, number + 1
    look_at_each_other(scene, first, second)
    scene.finish_at(seconds)


def kick_a_ball(scene: Scene) -> None:
    first, second = scene.cast()
    scene.facing_each_other(scene.vary(2.8, 4.2), 0.1)
    start = scene.vary(0.9, 1.3)
    travel = scene.vary(0.9, 1.3)
    hard = scene.chance(0.4)
    scene.facts |= {"side": "right", "manner": "hard" if hard else ""}
    now, number = start, 0
    while now < 7.0 and number < 4:
        actor = (first, second)[number % 2]
        actor.kick(
            1,
            now,
            scene.vary(0.38, 0.5),
            scene.vary(0.2, 0.3) if hard else scene.vary(0.12, 0.2),
            0.35,
            1.3 if hard else 1.0,
        )
        actor.bend(0.12, now, now + 0.1, 0.4, 0.5)
        for hand in ("left", "right"):
            place = (scene.vary(0.25, 0.35), scene.vary(-0.25, -0.1), scene.vary(0.0, 0.25))
            scene.gesture(actor, hand, place, now, now + 0.1, approach=0.5, release=0.6, fingers=(0.5, -0.2, 0.6))
        now, number = now + travel + scene.vary(0.0, 0.3), number + 1
    for actor in (first, second):
        actor.look(-1, 9, 0.6, np.array([0.0, 0.0, 0.0]))
    scene.finish_at(now - travel + scene.vary(0.7, 1.0) if now < 8.5 else 7.8)


SCRIPTS = {
    "mirror each other's exercise": mirror_exercise,
    "dance in unison": dance_in_unison,
    "dance in hold": dance_in_hold,
    "sit facing and talk": sit_and_talk,
    "kneel before the other": kneel,
    "play clapping hands": clapping_hands,
    "kick a ball to each other": kick_a_ball,
}
