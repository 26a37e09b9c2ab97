"""Blows and reactions to them: pushes, punches, kicks, blocks, and fights from captured ones."""

from __future__ import annotations

import numpy as np

from ..actor import Actor
from ..scene import Scene
from .greetings import approach, look_at_each_other

_BACK = np.array([0.0, 0.0, 1.0])
"""How the second person steps back."""


def _flail(scene: Scene, actor: Actor, time: float, amount: float) -> None:
    """Raise the arms outwards to keep the balance."""
    for hand in ("left", "right"):
        place = (0.3 + 0.1 * amount, scene.vary(-0.2, 0.05), scene.vary(0.15, 0.35))
        begin = time + scene.vary(0.22, 0.35)
        scene.gesture(actor, hand, place, begin, begin + 0.15, approach=0.28, release=0.7, fingers=(0.6, 0.1, 0.8))


def push_and_stagger(scene: Scene) -> None:
    arrived = approach(scene, scene.vary(0.62, 0.72))
    first, second = scene.actors
    start = arrived + scene.vary(0.2, 0.5)
    stop = start + scene.vary(0.16, 0.26)
    hard = scene.chance(0.5)
    scene.facts |= {"manner": "hard" if hard else ""}
    way = scene.vary(0.75, 1.2) if hard else scene.vary(0.35, 0.7)
    for hand, place in (("left", "right_chest"), ("right", "left_chest")):
        scene.touch(
            first,
            hand,
            place,
            start,
            stop,
            fingers=(0.0, 0.9, 0.5),
            palm=(0.0, -0.2, 1.0),
            approach=scene.vary(0.4, 0.55),
            release=0.55,
            elbow=(0.6, -1.0, 0.0),
            bow=(0.0, 0.05, -0.1),
            scheduled=(start + 0.03, stop - 0.02),
        )
    first.move(start - 0.15, start + 0.5, 0.22 * _BACK)
    first.bend(0.2, start, stop + 0.1, 0.35, 0.6)
    second.move(start + 0.06, start + 0.9 + 0.4 * way, way * _BACK, scene.vary(-0.2, 0.2), ramping=0.12)
    second.recoil(start + 0.02, -0.38 if hard else -0.2, "x", 1.0, 3.5)
    second.sink(0.05, start + 0.5, start + 0.8, 0.4, 0.7)
    _flail(scene, second, start, 1.0 if hard else 0.4)
    look_at_each_other(scene, first, second)
    scene.finish_at(start + scene.vary(2.0, 2.7))


def _guard(scene: Scene, actor: Actor, hand: str, start: float, stop: float, release: float = 0.6) -> None:
    place = (0.04, scene.vary(0.02, 0.1), scene.vary(0.24, 0.3))
    scene.gesture(
        actor, hand, place, start, stop, fingers=(-0.2, 1.0, 0.3), palm=(-1.0, 0.0, 0.0), approach=0.5, release=release
    )


def _throw(scene: Scene, actor: Actor, place: str, hit: float, hold: float = 0.08) -> None:
    """A right-handed punch at a place: back to the shoulder, then straight out."""
    scene.gesture(
        actor,
        "right",
        (0.18, 0.0, 0.08),
        hit - 0.45,
        hit - 0.26,
        fingers=(-0.1, 0.3, 1.0),
        palm=(-1.0, 0.0, 0.0),
        approach=0.4,
    )
    scene.touch(
        actor,
        "right",
        place,
        hit,
        hit + hold,
        fingers=(0.0, 0.0, 1.0),
        palm=(-0.3, -1.0, 0.0),
        approach=0.24,
        release=0.5,
        elbow=(0.8, -0.6, 0.0),
        scheduled=(hit + 0.02, hit + hold - 0.02),
    )
    actor.bend(-0.35, hit - 0.4, hit - 0.3, 0.3, 0.3, "y")
    actor.bend(0.45, hit, hit + 0.1, 0.24, 0.5, "y")
    actor.move(hit - 0.3, hit + 0.35, 0.16 * _BACK)


def punch_and_recoil(scene: Scene) -> None:
    arrived = approach(scene, scene.vary(0.72, 0.85))
    first, second = scene.actors
    hit = arrived + scene.vary(0.6, 1.0)
    place = scene.one_of("face", "chest", "belly")
    scene.facts |= {
        "side": "right",
        "target": {"face": "in the face", "chest": "in the chest", "belly": "in the stomach"}[place],
    }
    _throw(scene, first, place, hit)
    _guard(scene, first, "left", hit - 0.4, hit + 0.4)
    angle = 0.3 if place == "belly" else -0.3
    second.recoil(hit + 0.02, angle, "x", 1.2, 4.0)
    second.recoil(hit + 0.02, scene.vary(0.1, 0.3), "y", 1.2, 4.0)
    if place == "face":
        second.sway(-0.4 * np.exp(-((second.times - hit - 0.18) ** 2) / 0.02), "x", ("Neck", "Head"))
    second.move(hit + 0.05, hit + scene.vary(0.9, 1.2), scene.vary(0.35, 0.75) * _BACK, ramping=0.15)
    if place == "belly":
        for hand in ("left", "right"):
            scene.gesture(
                second,
                hand,
                (0.02, -0.3, 0.2),
                hit + 0.5,
                hit + 1.2,
                approach=0.35,
                release=0.8,
                fingers=(-1.0, 0.0, 0.1),
                palm=(0.0, 0.0, -1.0),
            )
        second.bend(0.35, hit + 0.4, hit + 1.2, 0.35, 0.8)
    else:
        _flail(scene, second, hit, 0.5)
    look_at_each_other(scene, first)
    second.look(-1, hit - 0.2, 0.8)
    scene.finish_at(hit + scene.vary(1.6, 2.3))


def kick_and_step_back(scene: Scene) -> None:
    arrived = approach(scene, scene.vary(1.0, 1.2))
    first, second = scene.actors
    hit = arrived + scene.vary(0.8, 1.2)
    high = scene.chance(0.5)
    scene.facts |= {"side": "right", "manner": "high" if high else ""}
    first.kick(1, hit, scene.vary(0.72, 0.85), scene.vary(0.72, 0.9) if high else scene.vary(0.45, 0.6), -0.5, 1.2)
    for hand in ("left", "right"):
        _guard(scene, first, hand, hit - 0.5, hit + 0.5)
    way = scene.vary(0.4, 0.8)
    second.move(hit - 0.35, hit + 0.75, way * _BACK, ramping=0.15)
    second.bend(-0.15, hit, hit + 0.2, 0.3, 0.5)
    for hand in ("left", "right"):
        scene.gesture(
            second,
            hand,
            (0.1, scene.vary(-0.15, 0.0), 0.32),
            hit - 0.05,
            hit + 0.4,
            approach=0.35,
            release=0.7,
            fingers=(0.0, 0.8, 0.6),
            palm=(0.0, -0.3, 1.0),
        )
    look_at_each_other(scene, first, second)
    scene.finish_at(hit + scene.vary(1.5, 2.2))


def block_a_punch(scene: Scene) -> None:
    arrived = approach(scene, scene.vary(0.74, 0.85))
    first, second = scene.actors
    hit = arrived + scene.vary(0.7, 1.0)
    scene.facts |= {"side": "right", "other_side": "left"}
    scene.gesture(
        second,
        "left",
        (0.06, scene.vary(0.26, 0.34), 0.3),
        hit - 0.02,
        hit + 0.25,
        fingers=(-0.1, 1.0, 0.1),
        palm=(-0.9, 0.0, -0.3),
        approach=0.3,
        release=0.6,
        elbow=(0.5, -1.0, 0.3),
        elbow_share=0.9,
    )
    _throw(scene, first, "left_forearm", hit, 0.14)
    _guard(scene, first, "left", hit - 0.4, hit + 0.4)
    _guard(scene, second, "right", hit - 0.2, hit + 0.5)
    second.bend(-0.2, hit, hit + 0.2, 0.3, 0.6, "y")
    second.bend(-0.06, hit, hit + 0.2, 0.25, 0.5)
    second.move(hit, hit + 0.6, scene.vary(0.05, 0.2) * _BACK)
    look_at_each_other(scene, first, second)
    scene.finish_at(hit + scene.vary(1.3, 2.0))


def _from_captured(scene: Scene, gap: float, roaming: float, *words: str) -> None:
    """Both people perform stretches of captured fights towards each other."""
    first, second = scene.cast()
    seconds = scene.vary(3.2, 5.5)
    scene.finish_at(seconds)
    takes = scene.library.named(*words)
    frames = round((seconds + 1.3) * 30)
    for actor, end, aim in ((first, -0.5, 0.0), (second, 0.5, np.pi)):
        long = [take for take in takes if len(take) > frames + 2] or takes
        take = long[int(scene.random.integers(len(long)))]
        if scene.chance(0.5):
            take = take.mirrored
        start = take.window(scene.random, frames, roaming)
        actor.play(take, start + 18, np.array([0.0, 0.0, end * gap]), aim + scene.vary(-0.1, 0.1), scene.vary(0.9, 1.1))
        actor.look(-1, 9, scene.vary(0.4, 0.7))


def box(scene: Scene) -> None:
    _from_captured(scene, scene.vary(1.0, 1.25), 0.3, "boxing")


def sword_fight(scene: Scene) -> None:
    _from_captured(scene, scene.vary(1.5, 1.8), 0.3, "swordplay")


def spar(scene: Scene) -> None:
    _from_captured(scene, scene.vary(1.5, 2.0), 0.45, "martial arts")


SCRIPTS = {
    "push and stagger": push_and_stagger,
    "punch and recoil": punch_and_recoil,
    "kick and step back": kick_and_step_back,
    "block a punch": block_a_punch,
    "box": box,
    "sword fight": sword_fight,
    "martial-arts sparring": spar,
}
