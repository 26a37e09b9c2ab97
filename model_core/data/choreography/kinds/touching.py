"""Gentle contacts with the partner's body: hug, pat, tap, whisper, give, pull."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ..body import floor_direction
from ..curves import plateau
from ..scene import Scene
from .greetings import approach, look_at_each_other, step_back, walk_in


def hug(scene: Scene) -> None:
    first, second = scene.cast()
    way, aside = scene.vary(0.5, 1.6), scene.vary(0.08, 0.11)
    close = scene.vary(0.44, 0.5)
    scene.facing_each_other(close + way, 0.05)
    start = scene.vary(-0.3, 0.3)
    arrived = start + 0.6 + way / scene.vary(0.9, 1.2)
    share = scene.vary(0.3, 0.7)
    for actor, part, sign in ((first, share, 1.0), (second, 1 - share, -1.0)):
        actor.move(start, arrived, np.array([sign * aside, 0.0, sign * part * way]))
    stop = arrived + scene.vary(1.0, 2.6)
    scene.facts |= {"manner": "for a long time" if stop - arrived > 1.9 else ""}
    rise = scene.vary(0.7, 0.9)
    for actor in (first, second):
        actor.bend(scene.vary(0.05, 0.11), arrived, stop, rise, 0.6)
        actor.sway(-0.14 * plateau(actor.times, arrived, stop, rise, 0.6), "z", ("Spine2", "Spine3", "Neck"))
        over: dict[str, Any] = {"fingers": (-0.6, -0.5, 0.2), "palm": (0.0, -0.2, -1.0), "elbow": (1.0, -0.25, 0.1)}
        under: dict[str, Any] = {"fingers": (-0.9, 0.15, 0.1), "palm": (0.0, 0.0, -1.0), "elbow": (1.0, -0.9, 0.0)}
        timing: dict[str, Any] = {
            "lean": 0.75,
            "approach": rise,
            "release": scene.vary(0.6, 0.8),
            "bow": (0.3, 0.0, 0.05),
            "elbow_share": 0.85,
        }
        # Arms let go before the feet go back, or they would drag both trunks along.
        away = stop + 0.7 * timing["release"]
        scene.touch(actor, "right", "left_shoulder", arrived, stop, (-0.03, -0.03, -0.09), **over, **timing)
        scene.touch(actor, "left", "right_waist", arrived + 0.1, stop, (0.03, 0.13, -0.05), **under, **timing)
        actor.move(away, away + 0.9, np.array([0.0, 0.0, -0.35 if actor is first else 0.35]))
        actor.look(-1, arrived - 0.5, 0.7)
        actor.look(stop + 0.3, 9, 0.7)
    scene.finish_at(stop + scene.vary(1.1, 1.6))


def beats_of_a_hand(times: np.ndarray, beats: list[float], lift: float) -> np.ndarray:
    """(T,) height of a hand that is lowered at each beat and raised in between."""
    height = np.zeros(len(times))
    for before, after in pairwise(beats):
        share = np.clip((times - before - 0.06) / max(after - before - 0.12, 0.05), 0, 1)
        height += lift * np.sin(np.pi * share) ** 2
    return height


def pat_on_the_shoulder(scene: Scene) -> None:
    arrived = approach(scene, scene.vary(0.62, 0.75))
    first, second = scene.actors
    start, gap = arrived + scene.vary(0.4, 0.7), scene.vary(0.35, 0.5)
    beats = [start + number * gap for number in range(int(scene.random.integers(2, 5)))]
    stop = beats[-1] + 0.1
    scene.facts |= {"side": "right", "other_side": "left", "manner": "gently" if gap > 0.43 else ""}
    scene.touch(
        first,
        "right",
        "left_shoulder",
        start,
        stop,
        contact=False,
        wiggle=lambda times: beats_of_a_hand(times, beats, 0.07)[:, None] * np.array([0.0, 1.0, 0.0]),
        fingers=(0.0, 0.1, 1.0),
        palm=(0.0, -1.0, 0.0),
        approach=scene.vary(0.5, 0.7),
        release=scene.vary(0.5, 0.7),
        bow=(0.05, 0.12, 0.0),
        elbow=(0.7, -1.0, 0.0),
    )
    for beat in beats:
        scene.contact(first, "right_hand", "left_shoulder", beat - 0.03, beat + 0.03)
        second.recoil(beat, 0.02, "z", 2.0, 8.0)
    first.bend(scene.vary(0.0, 0.1), start, stop, 0.5, 0.5)
    step_back(scene, stop + 0.6, 0.15, 0.5)
    look_at_each_other(scene, first, second)
    scene.finish_at(stop + scene.vary(0.7, 1.2))


def tap_from_behind(scene: Scene) -> None:
    first, second = scene.cast()
    way, gap = scene.vary(0.3, 1.4), scene.vary(0.55, 0.66)
    second.stand(np.zeros(3), scene.vary(-0.1, 0.1))
    first.stand(np.array([scene.vary(-0.08, 0.02), 0.0, -gap - way]), 0.0)
    start = scene.vary(-0.4, 0.1)
    arrived = start + 0.5 + way / scene.vary(0.8, 1.1)
    first.move(start, arrived, np.array([0.0, 0.0, way]))
    tap, pause = arrived + scene.vary(0.1, 0.4), scene.vary(0.26, 0.34)
    beats = [tap, tap + pause] if scene.chance(0.7) else [tap, tap + pause, tap + 2 * pause]
    scene.facts |= {"side": "right"}
    scene.touch(
        first,
        "right",
        "right_shoulder",
        beats[0],
        beats[-1] + 0.08,
        contact=False,
        wiggle=lambda times: beats_of_a_hand(times, beats, 0.06)[:, None] * np.array([0.0, 1.0, -0.3]),
        fingers=(-0.1, -0.1, 1.0),
        palm=(0.0, -1.0, 0.0),
        approach=0.55,
        release=0.4,
        bow=(0.05, 0.1, -0.05),
        elbow=(0.7, -1.0, 0.0),
    )
    for beat in beats:
        scene.contact(first, "right_hand", "right_shoulder", beat - 0.03, beat + 0.03)
    turn = beats[-1] + scene.vary(0.25, 0.6)
    second.move(turn, turn + scene.vary(1.0, 1.4), None, -np.pi + scene.vary(-0.2, 0.2))
    first.move(turn, turn + 1.0, np.array([0.0, 0.0, -scene.vary(0.0, 0.25)]))
    second.look(turn + 0.3, 9, 0.8)
    first.look(-1, 9, 0.8)
    scene.finish_at(turn + scene.vary(1.7, 2.4))


def whisper(scene: Scene) -> None:
    first, second = scene.cast()
    way, gap = scene.vary(0.2, 1.0), scene.vary(0.46, 0.53)
    # The second person's left ear is towards the first, who stands next to it.
    second.stand(np.zeros(3), np.pi / 2 + scene.vary(0.0, 0.35))
    first.stand(np.array([0.06, 0.0, -gap - way]), 0.0)
    start = scene.vary(-0.4, 0.1)
    arrived = start + 0.5 + way / scene.vary(0.7, 1.0)
    first.move(start, arrived, np.array([0.0, 0.0, way]))
    begin = arrived + scene.vary(0.1, 0.5)
    stop = begin + scene.vary(1.2, 2.6)
    scene.facts |= {"side": "left", "ear": "left"}
    tall = first.body.size - second.body.size
    first.bend(0.1 + max(tall, 0) * 1.5, begin, stop, 0.6, 0.6)
    first.bend(0.1, begin, stop, 0.6, 0.6, "x", ("Neck",))
    second.bend(-0.06 - max(-tall, 0), begin, stop, 0.7, 0.6, "z")
    second.bend(-0.12, begin, stop, 0.7, 0.6, "z", ("Neck", "Head"))
    scene.touch(
        first,
        "left",
        "left_ear",
        begin,
        stop,
        (0.05, -0.01, 0.05),
        fingers=(-0.2, 0.7, 0.6),
        palm=(-1.0, 0.0, -0.3),
        approach=0.6,
        release=0.6,
        elbow=(0.6, -1.0, 0.0),
        lean=0.4,
    )
    first.look(-1, begin, 0.8)
    scene.finish_at(stop + scene.vary(0.6, 1.2))


def hand_over(scene: Scene) -> None:
    start = max(walk_in(scene, scene.vary(0.76, 0.92), scene.vary(0.1, 0.22)), 0.7)
    first, second = scene.actors
    other = "left" if scene.chance(0.35) else "right"
    stop = start + scene.vary(0.3, 0.7)
    carried = (-0.02, scene.vary(-0.15, -0.05), scene.vary(0.24, 0.3))
    scene.facts |= {
        "side": "right",
        "other_side": other,
        "object": scene.one_of("a book", "a cup", "a box", "a letter"),
    }
    give = {"fingers": (0.0, 0.05, 1.0), "palm": (-0.7, 0.7, 0.0), "elbow": (0.4, -1.0, -0.2)}
    scene.gesture(
        first, "right", carried, -1.0, start - 0.65, fingers=(-0.3, 0.1, 1.0), palm=(-0.7, 0.7, 0.0), approach=0.3
    )
    scene.gesture(
        second, other, carried, stop + 0.65, 9.0, fingers=(-0.3, 0.1, 1.0), palm=(-0.7, 0.7, 0.0), approach=0.6
    )
    scene.meet(
        "right",
        other,
        start,
        stop,
        scene.vary(1.02, 1.15),
        scene.vary(0.45, 0.6),
        -0.05,
        how={**give, "approach": 0.6},
        other_how={**give, "approach": scene.vary(0.5, 0.7)},
    )
    step_back(scene, stop + 0.4, 0.15, 0.5)
    first.look(-1, 9, 0.7)
    second.look(-1, stop, 0.7)
    second.bend(0.25, stop + 0.5, 9, 0.5, 0.5, "x", ("Neck", "Head"))
    scene.finish_at(stop + scene.vary(1.1, 1.6))


def pull_by_the_hand(scene: Scene) -> None:
    arrived = approach(scene, scene.vary(0.72, 0.85), 0.4, 0.9)
    first, second = scene.actors
    start = arrived + scene.vary(0.2, 0.4)
    pull, way = start + scene.vary(0.3, 0.5), scene.vary(0.8, 1.8)
    hard = scene.chance(0.4)
    pace = scene.vary(0.9, 1.1) if hard else scene.vary(0.6, 0.8)
    end = pull + 0.5 + way / pace
    scene.facts |= {"side": "right", "other_side": "left", "manner": "hard" if hard else ""}
    sway = scene.vary(-0.4, 0.4)
    shift = way * -floor_direction(sway)
    first.move(pull, end, shift, 0.3 * sway, ramping=0.25)
    second.move(pull + scene.vary(0.12, 0.22), end + 0.2, shift, 0.3 * sway, ramping=0.25)
    first.bend(-0.15, pull, pull + 0.4, 0.3, 0.6)
    second.bend(0.22 if hard else 0.12, pull + 0.1, pull + 0.7, 0.3, 0.6)
    second.recoil(pull + 0.15, 0.12 if hard else 0.05)
    how: dict[str, Any] = {
        "fingers": (0.0, -0.2, 1.0),
        "palm": (-0.6, -0.8, 0.0),
        "approach": 0.6,
        "release": 0.6,
        "elbow": (0.4, -1.0, -0.3),
    }
    other: dict[str, Any] = {**how, "palm": (-0.6, 0.8, 0.0)}
    scene.meet(
        "right", "left", start, end, scene.vary(0.92, 1.05), scene.vary(0.4, 0.5), -0.15, how=how, other_how=other
    )
    look_at_each_other(scene, first, second)
    scene.finish_at(end + scene.vary(0.6, 1.0))


SCRIPTS = {
    "hug": hug,
    "pat on the shoulder": pat_on_the_shoulder,
    "tap on the shoulder from behind": tap_from_behind,
    "whisper in the ear": whisper,
    "hand over an object": hand_over,
    "pull by the hand": pull_by_the_hand,
}
