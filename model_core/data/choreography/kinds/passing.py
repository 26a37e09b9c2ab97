"""Two people walking: past, next to, behind and around each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....kinematics.filters import hann_smoothed
from ....motion.types import FPS
from ..actor import Actor
from ..body import floor_direction
from ..scene import START, Scene


def walk_past(scene: Scene) -> None:
    first, second = scene.cast()
    way, aside = scene.vary(3.4, 5.5), scene.vary(0.32, 0.55)
    paces = [scene.vary(0.85, 1.35) for _ in range(2)]
    meet = scene.vary(1.6, 2.2)
    for actor, pace, direction in ((first, paces[0], 1.0), (second, paces[1], -1.0)):
        before, after = pace * (meet + 1.0), 0.5 * way + pace
        start, stop = -1.0, meet + after / pace
        actor.stand(np.array([aside * direction, 0.0, -before * direction]), 0.0 if direction > 0 else np.pi)
        actor.move(start, stop, np.array([0.0, 0.0, direction * (before + after)]), 0.0, scene.vary(-0.1, 0.15), 0.02)
        if scene.chance(0.6):
            actor.look(meet - scene.vary(1.0, 1.4), meet - 0.1, scene.vary(0.6, 0.9))
    # Each has the other on the right.
    scene.facts |= {"side": "right", "manner": "quickly" if min(paces) > 1.15 else "slowly" if max(paces) < 1.0 else ""}
    scene.finish_at(meet + scene.vary(1.5, 2.4))


def _curve(scene: Scene, actor: Actor, pace: float, most: float = 0.35) -> tuple[np.ndarray, np.ndarray]:
    """A curved path at a steady pace, through the origin at the clip's first frame: places (T, 3), headings (T,)."""
    bend = scene.vary(-most, most) if scene.chance(0.7) else 0.0
    rate = scene.vary(0.0, 0.6)
    heading = bend * actor.times * 0.5 + 0.15 * bend * np.sin(2 * np.pi * rate * actor.times)
    speed = pace * (1 + 0.05 * np.sin(2 * np.pi * 0.15 * actor.times + scene.vary(0, 6)))
    places = np.cumsum(speed[:, None] * floor_direction(heading), axis=0) / FPS
    return places - places[START], heading


def abreast(scene: Scene, apart: float, pace: float, running: bool = False, lag: float = 0.0) -> tuple[Actor, Actor]:
    """Both walk in the same direction, the second to the left of the first."""
    first, second = scene.cast(running)
    places, heading = _curve(scene, first, pace, 0.1 if running else 0.3)
    smooth = hann_smoothed(heading, 6)
    for actor, side in ((first, -0.5), (second, 0.5)):
        own = places + side * apart * floor_direction(smooth + np.pi / 2)
        if actor is second:
            own = own - lag * floor_direction(smooth)
        actor.path = (own, smooth)
    return first, second


def walking_pace(scene: Scene) -> float:
    """A pace in m/s, with the fact ``manner``."""
    pace = scene.vary(0.75, 1.35)
    scene.facts["manner"] = "slowly" if pace < 0.88 else "quickly" if pace > 1.22 else ""
    return pace


def walk_side_by_side(scene: Scene) -> None:
    first, second = abreast(scene, scene.vary(0.62, 0.85), walking_pace(scene), lag=scene.vary(-0.12, 0.12))
    for actor in (first, second):
        if scene.chance(0.6):
            start = scene.vary(0.2, 1.5)
            actor.look(start, start + scene.vary(0.6, 1.6), scene.vary(0.5, 0.8))
    scene.finish_at(scene.vary(3.2, 6.0))


def hold_hands_walking(scene: Scene) -> None:
    pace = walking_pace(scene)
    first, second = abreast(scene, scene.vary(0.52, 0.62), pace, lag=scene.vary(-0.05, 0.05))
    seconds, rate, width = scene.vary(3.2, 6.0), scene.vary(0.7, 1.0), scene.vary(0.03, 0.1)
    scene.facts |= {"side": "left", "other_side": "right"}
    way = first.path[1] if first.path is not None else np.zeros(1)

    def swing(times: np.ndarray) -> np.ndarray:
        return (width * np.sin(2 * np.pi * rate * times))[:, None] * floor_direction(way[: len(times)])

    how: dict[str, Any] = {
        "fingers": (0.05, -1.0, 0.25),
        "palm": (-1.0, 0.0, 0.0),
        "approach": 0.3,
        "elbow": (0.3, -0.5, -1.0),
        "lean": 0.5,
    }
    scene.meet("left", "right", -0.5, 9.0, scene.vary(0.76, 0.82), 0.5, scene.vary(-0.08, 0.0), swing, how=how)
    for actor in (first, second):
        if scene.chance(0.5):
            start = scene.vary(0.2, 1.5)
            actor.look(start, start + scene.vary(0.6, 1.6), scene.vary(0.5, 0.8))
    scene.finish_at(seconds)


def arm_around_the_shoulder(scene: Scene) -> None:
    first, _ = abreast(scene, scene.vary(0.46, 0.53), scene.vary(0.7, 1.0), lag=scene.vary(-0.06, 0.03))
    scene.facts |= {"side": "left"}
    start = -0.5 if scene.chance(0.6) else scene.vary(0.9, 1.3)
    scene.touch(
        first,
        "left",
        "far_left_shoulder",
        start,
        9.0,
        (0.0, 0.03, 0.0),
        fingers=(0.8, -0.5, 0.35),
        palm=(-0.4, -1.0, 0.0),
        approach=0.7,
        elbow=(0.6, -0.4, -1.0),
        elbow_share=0.8,
        bow=(0.0, 0.3, -0.3),
    )
    if scene.chance(0.5):
        start = scene.vary(0.5, 1.5)
        first.look(start, start + scene.vary(0.6, 1.6), 0.6)
    scene.finish_at(scene.vary(3.2, 5.5))


def _behind(scene: Scene, lead: Actor, tail: Actor, pace: float, delay: float, catching: float = 0.0) -> None:
    """The second person follows the path of the first ``delay`` seconds later, and gains ``catching`` m/s on it."""
    places, heading = _curve(scene, lead, pace, 0.7)
    lead.path = (places, hann_smoothed(heading, 6))
    before = np.arange(-200, 0)[:, None] * (places[1] - places[0]) + places[0]
    longer, longer_heading = np.concatenate((before, places)), np.concatenate((np.full(200, heading[0]), heading))
    sample_at = 200 + np.arange(len(places)) - delay * FPS + catching / pace * np.arange(len(places))
    sample_at = np.minimum(sample_at, 200 + np.arange(len(places)) - 0.25 * FPS)
    index = np.arange(len(longer))
    own = np.stack([np.interp(sample_at, index, longer[:, axis]) for axis in range(3)], -1)
    tail.path = (own, hann_smoothed(np.interp(sample_at, index, longer_heading), 6))


def follow(scene: Scene) -> None:
    first, second = scene.cast()
    pace = walking_pace(scene)
    _behind(scene, second, first, pace, scene.vary(1.0, 1.7) / pace)
    first.look(-1, 9, scene.vary(0.3, 0.7))
    scene.finish_at(scene.vary(3.4, 6.0))


def chase(scene: Scene) -> None:
    first, second = scene.cast(running=True)
    pace = scene.vary(2.3, 2.9)
    _behind(scene, second, first, pace, scene.vary(1.6, 2.6) / pace, scene.vary(0.1, 0.4))
    first.look(-1, 9, 0.5)
    scene.finish_at(scene.vary(3.0, 3.8))


def race(scene: Scene) -> None:
    abreast(scene, scene.vary(0.95, 1.4), scene.vary(2.3, 3.0), True, scene.vary(-0.5, 0.5))
    scene.finish_at(scene.vary(3.0, 3.8))


def circle_each_other(scene: Scene) -> None:
    first, second = scene.cast()
    radius, rate = scene.vary(0.65, 1.0), scene.vary(0.4, 0.7)
    wary = scene.chance(0.5)
    # Seen from above (Y up, X to the right, Z towards the viewer) growing angles go counterclockwise.
    scene.facts |= {"manner": "warily" if wary else "", "way": "counterclockwise"}
    for actor, offset in ((first, np.pi), (second, 0.0)):
        angle = offset + rate * actor.times
        breathing = radius * (1 + 0.08 * np.sin(2 * np.pi * 0.2 * actor.times + scene.vary(0, 6)))
        actor.path = (breathing[:, None] * floor_direction(angle), angle + np.pi)
        actor.look(-1, 9, 0.85)
        if wary:
            actor.sink(scene.vary(0.04, 0.09), -2, 12, 0.1, 0.1)
            actor.bend(scene.vary(0.1, 0.2), -2, 12, 0.1, 0.1)
            for hand in ("left", "right"):
                rest = (scene.vary(0.08, 0.16), scene.vary(-0.12, 0.0), scene.vary(0.26, 0.36))
                scene.gesture(actor, hand, rest, -0.6, 9.0, fingers=(0.0, 0.6, 1.0), palm=(-0.6, -0.4, 0.6))
    scene.finish_at(scene.vary(3.6, 6.5))


SCRIPTS = {
    "walk side by side": walk_side_by_side,
    "hold hands walking": hold_hands_walking,
    "arm around the shoulder walking": arm_around_the_shoulder,
    "walk towards and pass": walk_past,
    "follow": follow,
    "chase": chase,
    "race": race,
    "circle each other": circle_each_other,
}
