"""Dances of two who hold hands, and stretching."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....kinematics.filters import hann_smoothed
from ..body import floor_direction
from ..curves import cruise, plateau
from ..scene import Scene
from .greetings import approach, look_at_each_other
from .tempo import tempo


def path_of(offsets: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Offsets (T, 3) as what ``Scene.gesture`` and ``Scene.meet`` add to a place."""
    return lambda times: offsets[: len(times)]


def turn_under_the_arm(scene: Scene) -> None:
    slower = tempo(scene)
    arrived = approach(scene, scene.vary(0.56, 0.62), 0.0, 0.7, slower)
    first, second = scene.actors
    held = max(arrived - 0.15, 0.3) + 0.2
    turn = held + 0.5 * slower
    done = turn + scene.vary(1.7, 2.0) * max(slower, 0.75)
    stop = done + 0.5 * slower
    height = scene.vary(0.98, 1.06)
    over = 1.22 * second.body.size / (0.5 * (first.body.size + second.body.size)) + 0.57 - height
    way = 1.0 if scene.chance(0.5) else -1.0
    scene.facts |= {"side": "left", "other_side": "right", "way": "counterclockwise" if way > 0 else "clockwise"}

    def lift(times: np.ndarray) -> np.ndarray:
        share = plateau(times, turn + 0.25 * slower, done - 0.25 * slower, 0.6 * slower, 0.6 * slower)
        return share[:, None] * np.array([0.0, over, 0.06])

    # The elbow goes where the turning body lets it: a direction of its own would turn over on the way round.
    how: dict[str, Any] = {
        "fingers": (0.0, 0.7, 0.7), "palm": (0.0, -0.3, 1.0), "approach": 0.5 * slower, "release": 0.6 * slower,
        "elbow": (0.8, -1.0, 0.0),
        "elbow_share": 0.0, "lean": 0.6,
    }  # fmt: skip
    scene.meet("left", "right", held, stop, height, 0.5, 0.16, lift, how=how, other_how=how)
    second.move(turn, done, None, way * 2 * np.pi, ramping=0.25)
    first.move(turn, turn + 0.5 * (done - turn), np.array([-0.08, 0.0, -0.06]))
    first.move(done - 0.4 * (done - turn), done, np.array([0.08, 0.0, 0.06]))
    look_at_each_other(scene, first, second)
    scene.finish_at(stop + scene.vary(0.6, 1.0))


def swing_dance(scene: Scene) -> None:
    first, second = scene.cast()
    times = first.times
    beat = scene.vary(0.36, 0.56)
    scene.facts |= {"manner": "quickly" if beat < 0.41 else "slowly" if beat > 0.51 else ""}
    gap, rock, side = scene.vary(0.7, 0.8), scene.vary(0.06, 0.1), scene.vary(0.1, 0.15)
    turn = scene.vary(-0.35, 0.35)
    angle = turn * times
    # Six beats: to one side in two, to the other in two, then both rock back and come in again.
    across, apart = np.zeros(len(times)), np.zeros(len(times))
    for number in range(int((times[-1] + 1) / beat) + 1):
        place = number % 6
        share = cruise(np.clip((times + 0.6 - number * beat) / beat, 0, 1), 0.45)
        across = across + side * share * (1, 1, -1, -1, 0, 0)[place]
        apart = apart + rock * share * (0, 0, 0, 0, 1, -1)[place]
    across = hann_smoothed((across - side)[None], 2)[0]
    apart = hann_smoothed(apart[None], 2)[0]
    facing = np.stack((np.sin(angle), np.zeros(len(times)), np.cos(angle)), -1)
    left = np.stack((np.cos(angle), np.zeros(len(times)), -np.sin(angle)), -1)
    bounce = 0.022 * (1 - np.cos(2 * np.pi * (times + 0.6) / beat))
    for actor, sign in ((first, -1.0), (second, 1.0)):
        actor.path = (
            across[:, None] * left + (sign * (0.5 * gap + apart))[:, None] * facing,
            angle + (0.0 if sign < 0 else np.pi),
        )
        actor.sink_by(bounce)
        actor.sway(0.06 * np.sin(np.pi * (times + 0.6) / beat), "y")
        actor.favoured = 0 if actor is first else 1
        actor.look(-1, 9, 0.6)
    pump = 0.035 * np.sin(2 * np.pi * (times + 0.6) / beat)

    how: dict[str, Any] = {
        "fingers": (0.0, 0.1, 1.0), "palm": (-0.3, -0.9, 0.0), "approach": 0.3, "elbow": (0.6, -1.0, -0.2), "lean": 0.8,
    }  # fmt: skip
    other: dict[str, Any] = {**how, "palm": (-0.3, 0.9, 0.0)}
    height = scene.vary(0.98, 1.08)
    for hand, partner, aside, sign in (("left", "right", 0.24, 1.0), ("right", "left", -0.24, -1.0)):
        pumping = path_of(sign * pump[:, None] * np.array([0.0, 1.0, 0.0]))
        scene.meet(hand, partner, -0.5, 9.0, height, 0.5, aside, pumping, how=how, other_how=other)
    scene.finish_at(scene.vary(3.4, 6.0))


def stretch_together(scene: Scene) -> None:
    slower = tempo(scene)
    first, second = scene.cast()
    beside = scene.chance(0.5)
    if beside:
        apart = scene.vary(1.5, 2.1)
        first.stand(np.array([-apart / 2, 0.0, 0.0]), scene.vary(-0.1, 0.1))
        second.stand(np.array([apart / 2, 0.0, scene.vary(-0.15, 0.15)]), scene.vary(-0.1, 0.1))
    else:
        scene.facing_each_other(scene.vary(1.5, 2.0), 0.08)
    scene.facts |= {"how": "side by side" if beside else "face to face"}
    up = 0.4 + 0.7 * slower
    hold = scene.vary(0.7, 1.1) * slower
    count = 4 if slower < 0.8 else 2
    stop = up + (count * hold + 0.4 * slower)
    tilt = scene.vary(0.38, 0.5)
    for actor in (first, second):
        sign = 1.0 if actor is first or beside else -1.0
        late = scene.vary(0.0, 0.12)
        curve = np.zeros(len(actor.times))
        for number in range(count):
            middle = up + 0.3 * slower + (number + 0.5) * hold + late
            share = plateau(actor.times, middle - 0.1 * hold, middle + 0.1 * hold, 0.4 * hold, 0.4 * hold)
            curve = curve + sign * (-1) ** number * tilt * share
        actor.sway(curve, "z")
        actor.sway(0.3 * curve, "z", ("Neck", "Head"))
        for hand, out in (("left", 1.0), ("right", -1.0)):
            # Overhead, the hands go where the trunk tilts.
            path = 0.6 * np.stack((-out * np.sin(curve), np.cos(curve) - 1, np.zeros(len(curve))), -1)
            scene.gesture(
                actor, hand, (0.1, 0.7, 0.02), up + late, stop + late, path_of(path),
                fingers=(-0.1, 1.0, 0.0), palm=(-0.3, 0.0, 1.0), elbow=(1.0, 0.0, 0.0), approach=0.7 * slower,
                release=0.8 * slower, lean=0.0, bow=(0.05, 0.0, 0.35),
            )  # fmt: skip
        actor.look(-1, 0.4, 0.6)
        actor.look(stop + 0.4, 9, 0.6)
    scene.finish_at(stop + 0.8 * slower + scene.vary(0.2, 0.5))


_TANGO = ((1.0, 1.0, 0.0), (1.0, 1.0, 0.0), (0.5, 0.8, 0.0), (0.5, 0.0, 0.8), (1.0, 0.0, 0.0))
"""Slow, slow, quick, quick, slow: beats, and the leader's steps forward and to the left."""


def tango(scene: Scene) -> None:
    first, second = scene.cast()
    times = first.times
    beat, gap, size = scene.vary(0.62, 0.95), scene.vary(0.5, 0.56), scene.vary(0.34, 0.42)
    scene.facts |= {"manner": "slowly" if beat > 0.86 else "quickly" if beat < 0.7 else ""}
    turn = scene.vary(-0.3, 0.3)
    angle = np.full(len(times), scene.vary(-0.3, 0.3))
    now, number = -1.1 - beat * scene.vary(0.0, 2.0), 0
    centre = np.zeros((len(times), 3))
    while now < times[-1]:
        beats, ahead, left = _TANGO[number % len(_TANGO)]
        # A step is quick and then rests: the staccato of a tango.
        share = cruise(np.clip((times - now) / (0.62 * beats * beat + 0.1), 0, 1), 0.4)
        facing = float(angle[np.abs(times - now).argmin()])
        way = ahead * floor_direction(facing) + left * floor_direction(facing + np.pi / 2)
        centre = centre + (size * share)[:, None] * way
        if number % len(_TANGO) == 4:
            angle = angle + turn * share
        now, number = now + beats * beat, number + 1
    centre = hann_smoothed((centre - centre[np.abs(times).argmin()]).T, 2).T
    angle = hann_smoothed(angle, 3)
    for actor, side, facing_angle in ((first, -0.5, angle), (second, 0.5, angle + np.pi)):
        actor.path = (
            centre + side * gap * floor_direction(angle) - 0.08 * side * floor_direction(angle + np.pi / 2),
            facing_angle,
        )
        actor.sink(scene.vary(0.03, 0.06), -2, 14, 0.1, 0.1)
        actor.favoured = 0 if actor is first else 1
    # Both look along the joined hands, which are stretched out to the leader's left.
    beyond = centre[len(times) // 2] + 6.0 * floor_direction(float(angle.mean()) + np.pi / 2) + np.array([0, 1.6, 0])
    for actor in (first, second):
        actor.look(-1, 9, 0.55, beyond)
    how: dict[str, Any] = {
        "fingers": (0.8, 0.5, 0.4), "palm": (0.0, -0.2, 1.0), "approach": 0.3, "elbow": (0.6, -0.8, -0.1), "lean": 0.3,
    }  # fmt: skip
    scene.meet("left", "right", -0.5, 9.0, scene.vary(1.34, 1.46), 0.5, scene.vary(0.5, 0.56), how=how)
    scene.touch(
        first, "right", "left_shoulder_blade", -0.5, 9.0, (0.03, -0.06, 0.0), fingers=(-0.9, 0.1, 0.2),
        palm=(0.0, 0.0, -1.0), elbow=(1.0, -0.35, 0.1), elbow_share=0.85, lean=0.5,
    )  # fmt: skip
    scene.touch(
        second, "left", "right_shoulder_blade", -0.5, 9.0, (-0.06, 0.06, 0.0), fingers=(-0.5, 0.3, 0.8),
        palm=(-0.1, -0.6, -0.8), elbow=(1.0, -0.2, 0.0), elbow_share=0.85, lean=0.5,
    )  # fmt: skip
    scene.finish_at(scene.vary(3.6, 6.5))


def lift_joined_hands(scene: Scene) -> None:
    slower = tempo(scene)
    first, second = scene.cast()
    times = first.times
    nearest, apart = scene.vary(0.62, 0.7), scene.vary(0.18, 0.3)
    beat = scene.vary(0.95, 1.15) * slower**0.8
    start = scene.vary(-0.2, 0.5)
    count = max(int(min(5.5, 3 * beat * 1.6) / (2 * beat)), 1)
    stop = start + 2 * beat * count
    # In with the hands up, out with the hands down.
    phase = np.clip((times - start) / (2 * beat), 0, count)
    up = np.sin(np.pi * phase) ** 2
    turn = scene.vary(-0.25, 0.25)
    angle = turn * times
    sideways = 0.1 * np.sin(np.pi * phase)
    for actor, sign in ((first, -1.0), (second, 1.0)):
        away = 0.5 * (nearest + apart * (1 - up))
        actor.path = (
            (sign * away)[:, None] * floor_direction(angle) + sideways[:, None] * floor_direction(angle + np.pi / 2),
            angle + (0.0 if sign < 0 else np.pi),
        )
        actor.sink_by(0.02 * (1 - np.cos(4 * np.pi * phase)))
        actor.sway(-0.1 * up, "x")
        actor.look(-1, 9, 0.7)
    height, top = scene.vary(0.98, 1.06), scene.vary(0.68, 0.8)
    raised = path_of(np.stack((0 * up, top * up, 0 * up), -1))
    both = scene.chance(0.6)
    scene.facts |= {"side": "left", "other_side": "right", "how": "both hands" if both else "one hand"}
    how: dict[str, Any] = {
        "fingers": (0.0, 0.6, 0.8), "palm": (0.0, -0.4, 1.0), "approach": 0.3, "elbow": (0.9, -0.8, 0.0),
        "elbow_share": 0.5, "lean": 0.7,
    }  # fmt: skip
    hands = (("left", "right", 0.24), ("right", "left", -0.24)) if both else (("left", "right", 0.2),)
    for hand, partner, aside in hands:
        scene.meet(hand, partner, -0.5, 9.0, height, 0.5, aside, raised, how=how, other_how=how)
    if not both:
        for actor, hand in ((first, "right"), (second, "left")):
            scene.gesture(actor, hand, (0.24, -0.2, 0.12), -0.5, 9.0, fingers=(0.5, -0.2, 0.5), approach=0.3, lean=0.0)
    scene.finish_at(min(stop, 7.5))


SCRIPTS = {
    "tango": tango,
    "lift joined hands": lift_joined_hands,
    "turn under the arm": turn_under_the_arm,
    "swing dance": swing_dance,
    "stretch together": stretch_together,
}
