"""Two people share a thing: a phone, a picture of both, a book, a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..actor import Actor
from ..curves import plateau
from ..scene import Scene
from .tempo import tempo

_THINGS = ("a table", "a box", "a crate", "a bench")


def _side_by_side(scene: Scene, apart: float, slower: float) -> float:
    """The second stands at the left of the first, or comes there from behind; returns the time of arrival."""
    first, second = scene.cast()
    first.stand(np.zeros(3), scene.vary(0.05, 0.25))
    place, facing = np.array([apart, 0.0, scene.vary(-0.06, 0.06)]), -scene.vary(0.15, 0.4)
    if not scene.chance(0.6):
        second.stand(place, facing)
        return scene.vary(0.2, 0.5)
    way = scene.vary(0.5, 1.4)
    along = scene.vary(-0.5, 0.2)
    start = scene.vary(-0.4, 0.1)
    arrived = start + 0.5 + slower * way / scene.vary(0.8, 1.1)
    second.stand(place - way * np.array([np.sin(along), 0.0, np.cos(along)]), along)
    second.move(start, arrived, way * np.array([np.sin(along), 0.0, np.cos(along)]), facing - along)
    return arrived


def _glances(scene: Scene, actor: Actor, thing: np.ndarray, start: float, stop: float) -> None:
    """Look at a thing, and once in between at the partner."""
    away = scene.vary(0.4, 0.75)
    middle = start + away * (stop - start)
    actor.look(-1.0, start - 0.5, 0.6)
    actor.look(start, middle - 0.45, 0.85, thing)
    if scene.chance(0.6):
        actor.look(middle, middle + 0.35, 0.7)
    actor.look(middle + 0.8, stop + 2, 0.85, thing)


def show_a_phone(scene: Scene) -> None:
    slower = tempo(scene)
    arrived = _side_by_side(scene, scene.vary(0.46, 0.54), slower)
    first, second = scene.actors
    raised = max(arrived - 0.3, 0.2) + 0.55 * slower
    shown = raised + 0.5 * slower
    stop = shown + scene.vary(1.6, 2.8)
    scene.facts |= {"side": "left", "other_side": "right"}
    hold: dict[str, Any] = {
        "fingers": (-0.3, 0.75, 0.6), "palm": (-0.2, 0.5, -1.0), "elbow": (0.5, -1.0, 0.0), "lean": 0.3,
    }  # fmt: skip
    # First in front of the own chest, then over to the one who is to see it.
    scene.gesture(first, "left", (0.0, 0.0, 0.3), raised, raised + 0.1, approach=0.55 * slower, **hold)
    scene.gesture(first, "left", (0.13, 0.04, 0.34), shown, stop, approach=0.45 * slower, release=0.7, **hold)
    rate = scene.vary(0.7, 1.1)

    def swipe(times: np.ndarray) -> np.ndarray:
        share = plateau(times, shown + 0.3, stop - 0.3, 0.2, 0.2) * np.maximum(np.sin(2 * np.pi * rate * times), 0) ** 2
        return share[:, None] * np.array([-0.02, 0.07, 0.02])

    scene.gesture(
        first, "right", (-0.08, -0.02, 0.32), shown, stop - 0.2, swipe,
        fingers=(-0.9, 0.5, 0.5), palm=(-0.4, -0.6, 0.6), approach=0.5 * slower, release=0.6,
    )  # fmt: skip
    thing = np.array([0.16, 1.27 * first.body.size, 0.36])
    for actor in (first, second):
        _glances(scene, actor, thing, raised if actor is first else shown, stop)
    second.bend(scene.vary(0.06, 0.16), shown, stop, 0.6, 0.6)
    second.bend(scene.vary(0.06, 0.14), shown, stop, 0.6, 0.6, "z")
    scene.touch(
        second, "right", "left_shoulder", shown + 0.3, stop - 0.2, (0.0, 0.0, -0.05),
        fingers=(-0.9, 0.1, 0.3), palm=(-0.2, -1.0, 0.2), elbow=(0.2, -0.5, -1.0), approach=0.6 * slower, release=0.6,
        lean=0.3, bow=(0.0, 0.05, -0.08),
    )  # fmt: skip
    scene.finish_at(stop + scene.vary(0.5, 0.9))


def take_a_selfie(scene: Scene) -> None:
    slower = tempo(scene)
    arrived = _side_by_side(scene, scene.vary(0.44, 0.5), slower)
    first, second = scene.actors
    begin = max(arrived - 0.2, 0.2) + 0.7 * slower
    stop = begin + scene.vary(1.0, 2.0)
    scene.facts |= {"side": "right", "other_side": "left"}
    up, aside, ahead = scene.vary(0.24, 0.36), scene.vary(-0.1, 0.05), scene.vary(0.42, 0.5)
    scene.gesture(
        first, "right", (aside, up, ahead), begin, stop,
        fingers=(-0.2, 1.0, 0.3), palm=(-0.2, -0.1, -1.0), elbow=(0.5, -1.0, 0.0), approach=0.7 * slower, release=0.8,
        lean=0.2,
    )  # fmt: skip
    camera = np.array([-aside, (1.28 + up) * first.body.size, 0.2 + ahead])
    scene.touch(
        first, "left", "far_left_shoulder", begin - 0.1, stop, (0.0, 0.03, 0.0),
        fingers=(0.8, -0.5, 0.35), palm=(-0.4, -1.0, 0.0), elbow=(0.6, -0.4, -1.0), elbow_share=0.8,
        approach=0.7 * slower, release=0.7, bow=(0.0, 0.3, -0.3),
    )  # fmt: skip
    scene.gesture(
        second, "left", (scene.vary(0.12, 0.22), scene.vary(0.1, 0.2), 0.24), begin + 0.2, stop - 0.1,
        fingers=(0.1, 1.0, 0.1), palm=(0.0, 0.0, 1.0), approach=0.6 * slower, release=0.6,
    )  # fmt: skip
    for actor, sign in ((first, -1.0), (second, 1.0)):
        actor.bend(sign * scene.vary(0.05, 0.1), begin, stop, 0.6, 0.7, "z")
        actor.bend(sign * scene.vary(0.08, 0.16), begin, stop, 0.6, 0.7, "z", ("Neck", "Head"))
        actor.look(-1, begin - 0.6, 0.6)
        actor.look(begin, stop, 0.8, camera)
        actor.look(stop + 0.5, 9, 0.6)
    scene.finish_at(stop + scene.vary(0.9, 1.4))


def read_together(scene: Scene) -> None:
    slower = tempo(scene)
    apart = scene.vary(0.46, 0.54)
    arrived = _side_by_side(scene, apart, slower)
    first, second = scene.actors
    begin = max(arrived - 0.1, 0.1) + 0.6 * slower
    height, ahead, wide = scene.vary(1.08, 1.2), scene.vary(0.32, 0.4), scene.vary(0.26, 0.32)
    scene.facts |= {"object": scene.one_of("a book", "a newspaper", "a letter", "a map")}
    hold: dict[str, Any] = {
        "fingers": (-0.35, 0.35, 1.0), "palm": (-0.7, 0.7, 0.0), "elbow": (0.3, -1.0, -0.2), "approach": 0.6 * slower,
        "release": 0.7, "lean": 0.3,
    }  # fmt: skip
    stop = begin + scene.vary(2.4, 4.0)
    scene.meet("right", "left", begin, stop + 2, height, 0.5, -ahead, how=hold, contact=False, apart=(wide, 0.0))
    thing = np.array([0.5 * apart, height, ahead])
    leafs, turn = (first, scene.vary(0.4, 0.6)) if scene.chance(0.5) else (second, scene.vary(0.4, 0.6))
    leaf = begin + turn * (stop - begin)
    hand = "left" if leafs is first else "right"

    def page(times: np.ndarray) -> np.ndarray:
        share = plateau(times, leaf + 0.25, leaf + 9, 0.5 * slower, 0.2)
        return share[:, None] * np.array([-0.16, 0.0, 0.0])

    scene.gesture(
        leafs, hand, (0.14, height / first.body.size - 1.23, ahead - 0.06), leaf - 0.3, leaf + 0.3, page,
        fingers=(-0.2, 0.1, 1.0), palm=(-0.5, -1.0, 0.0), approach=0.5 * slower, release=0.7,
    )  # fmt: skip
    for actor, sign in ((first, -1.0), (second, 1.0)):
        _glances(scene, actor, thing, begin - 0.3, stop)
        actor.bend(scene.vary(0.04, 0.12), begin, stop + 2, 0.7, 0.6)
        actor.bend(sign * scene.vary(0.02, 0.07), begin, stop + 2, 0.7, 0.6, "z")
    scene.finish_at(stop + 0.2)


def carry_together(scene: Scene) -> None:
    slower = tempo(scene)
    first, second = scene.cast()
    gap, thing = scene.vary(1.25, 1.7), scene.one_of(*_THINGS)
    scene.facts |= {"object": thing}
    scene.facing_each_other(gap, 0.06)
    lift = scene.vary(0.3, 0.7)
    go = lift + 0.75 * slower
    pace = scene.vary(0.6, 0.75) / slower**0.8
    way = min(scene.vary(1.2, 2.6), 5.0 * pace)
    arrive = go + 0.5 + way / pace
    # One goes backwards, or both go sideways.
    along = 0.0 if scene.chance(0.6) else np.pi / 2
    shift = way * np.array([np.sin(along), 0.0, -np.cos(along)])
    low, width, ahead = scene.vary(-0.46, -0.4), scene.vary(0.16, 0.24), scene.vary(0.3, 0.36)
    deep = scene.vary(0.2, 0.3)
    for actor in (first, second):
        later = scene.vary(0.0, 0.08)
        for hand in ("left", "right"):
            scene.gesture(
                actor, hand, (width, low, ahead), -0.5, arrive + 0.9,
                fingers=(-0.15, -0.25, 1.0), palm=(-0.5, 0.9, 0.0), elbow=(0.5, -0.6, -0.7), approach=0.3,
                release=0.7, lean=0.0,
            )  # fmt: skip
        actor.sink(deep, -1, lift + later, 0.1, 0.7 * slower)
        actor.bend(scene.vary(0.5, 0.6), -1, lift + later, 0.1, 0.75 * slower)
        actor.sink(0.03, lift + 0.5, arrive, 0.5, 0.4)
        actor.bend(-scene.vary(0.02, 0.1), go, arrive, 0.5, 0.4)
        actor.sink(0.8 * deep, arrive + 0.7 * slower, arrive + 0.9 * slower, 0.6 * slower, 0.8)
        actor.bend(scene.vary(0.4, 0.5), arrive + 0.7 * slower, arrive + 0.9 * slower, 0.6 * slower, 0.8)
        actor.move(go + later, arrive + later, shift, ramping=0.2)
        actor.look(-1, 9, scene.vary(0.4, 0.7))
    scene.finish_at(arrive + 0.9 * slower + scene.vary(0.4, 0.8))


SCRIPTS = {
    "show a phone": show_a_phone,
    "take a selfie": take_a_selfie,
    "read together": read_together,
    "carry a table together": carry_together,
}
