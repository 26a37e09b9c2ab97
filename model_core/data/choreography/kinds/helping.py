"""One helps, leads, searches or leaves the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....kinematics.filters import hann_smoothed
from ..body import J
from ..curves import plateau
from ..scene import Scene
from .greetings import look_at_each_other
from .passing import abreast, walking_pace
from .tempo import tempo


def help_up(scene: Scene) -> None:
    slower = tempo(scene)
    first, second = scene.cast()
    way, gap = scene.vary(0.0, 1.1), scene.vary(0.92, 1.0)
    scene.facing_each_other(gap + way, 0.06)
    start = scene.vary(-0.3, 0.1)
    arrived = start + 0.5 + slower * way / scene.vary(0.8, 1.1) if way > 0.3 else 0.3
    first.move(start, arrived, np.array([0.0, 0.0, way]))
    clasp = arrived + 0.75 * slower
    pull = clasp + 0.25 * slower
    up = scene.vary(0.9, 1.1) * slower
    stop = pull + up + scene.vary(0.1, 0.5)
    scene.facts |= {"side": "right", "other_side": "left"}
    low, high = scene.vary(0.74, 0.8), scene.vary(0.98, 1.05)
    second.kneel(1, -2, pull, 0.3, up)
    second.bend(0.14, -2, pull, 0.3, up)
    second.bend(0.3, pull, pull + 0.2 * up, 0.3 * slower, 0.6 * up)

    def rise(times: np.ndarray) -> np.ndarray:
        return ((high - low) * plateau(times, pull + up, 20, up, 1))[:, None] * np.array([0.0, 1.0, 0.0])

    how: dict[str, Any] = {
        "fingers": (0.0, -0.2, 1.0), "palm": (-1.0, 0.2, 0.1), "approach": 0.7 * slower, "release": 0.6,
        "elbow": (0.4, -1.0, -0.3), "lean": 0.8,
    }  # fmt: skip
    # Hands cross: right to right, as in a handshake, held in the middle of the way.
    scene.meet(
        "right", "right", clasp, stop, low, 0.55, -0.02, rise, how=how,
        other_how={**how, "fingers": (0.0, 0.3, 1.0)}, apart=(0.0, 0.045),
    )  # fmt: skip
    first.bend(scene.vary(0.3, 0.4), clasp, pull + 0.1, 0.7 * slower, 0.7 * up)
    first.sink(0.06, clasp, pull, 0.6 * slower, 0.6 * up)
    first.bend(-0.16, pull + 0.5 * up, pull + 0.6 * up, 0.45 * up, 0.5)
    first.move(pull + 0.15 * up, pull + up, np.array([0.0, 0.0, -scene.vary(0.1, 0.2)]))
    scene.gesture(
        second, "left", (0.04, -0.22, 0.28), -0.9, pull, fingers=(-0.3, -0.2, 1.0), palm=(0.0, -1.0, 0.0),
        approach=0.2, release=0.8 * slower, lean=0.0,
    )  # fmt: skip
    look_at_each_other(scene, first, second)
    scene.finish_at(stop + scene.vary(0.7, 1.1))


def support_while_limping(scene: Scene) -> None:
    pace = scene.vary(0.38, 0.6)
    scene.facts |= {"side": "left", "other_side": "right", "manner": "slowly" if pace < 0.45 else ""}
    first, second = abreast(scene, scene.vary(0.4, 0.45), pace, lag=scene.vary(-0.03, 0.03))
    for actor in (first, second):
        actor.favoured = 0
    # While the bad leg carries, the pelvis sinks and the trunk tilts over to the one who supports.
    lame = 0
    feet = second.base().world()[0][:, [J["L_Foot"], J["R_Foot"]], 1]
    swing = hann_smoothed(np.clip((feet[:, 1 - lame] - feet[:, lame]) / 0.06, 0, 1)[None], 3)[0]
    curve = np.zeros(len(second.times))
    curve[: len(swing)] = swing
    second.sink_by(0.045 * curve + 0.015)
    second.sway(0.13 * curve + 0.06, "z")
    second.sway(0.1 * curve + 0.08, "x")
    first.sway(np.full(len(first.times), -0.03), "z")
    timing: dict[str, Any] = {"approach": 0.3, "lean": 0.5, "elbow_share": 0.8}
    scene.touch(
        first, "left", "left_waist", -0.5, 9.0, (0.02, 0.06, -0.05),
        fingers=(0.7, -0.2, 0.6), palm=(-0.6, 0.0, 0.7), elbow=(0.7, -0.8, -0.8), **timing,
    )  # fmt: skip
    scene.touch(
        second, "right", "far_right_shoulder", -0.5, 9.0, (0.0, 0.03, 0.0),
        fingers=(0.8, -0.5, 0.35), palm=(-0.4, -1.0, 0.0), elbow=(0.6, -0.2, -1.0), **timing,
    )  # fmt: skip
    first.look(0.4, scene.vary(1.2, 2.5), 0.6)
    second.bend(0.2, -1, 9, 0.1, 0.1, "x", ("Neck", "Head"))
    scene.finish_at(scene.vary(3.4, 5.5))


def lead_by_the_arm(scene: Scene) -> None:
    pace = walking_pace(scene)
    first, second = abreast(scene, scene.vary(0.5, 0.57), pace, lag=-scene.vary(0.16, 0.26))
    scene.facts |= {"side": "left", "other_side": "right"}
    start = -0.5 if scene.chance(0.5) else scene.vary(0.7, 1.0)
    scene.touch(
        first, "left", "right_upper_arm", start, 9.0, (-0.1, 0.0, -0.045),
        fingers=(0.5, 0.2, 1.0), palm=(0.3, -0.5, 0.8), elbow=(0.5, -0.8, -0.6), elbow_share=0.8, approach=0.6,
        lean=0.3, scheduled=(max(start, 0.0), 9.0),
    )  # fmt: skip
    second.bend(0.1, start, 9, 0.6, 0.3)
    second.bend(0.15, start, 9, 0.6, 0.3, "x", ("Neck", "Head"))
    begin = scene.vary(0.4, 1.2)
    first.look(begin, begin + scene.vary(0.6, 1.4), 0.7)
    scene.finish_at(scene.vary(3.2, 5.5))


def search(scene: Scene) -> None:
    slower = tempo(scene)
    first, second = scene.cast()
    way, gap = scene.vary(0.0, 0.9), scene.vary(0.6, 0.66)
    second.stand(np.zeros(3), scene.vary(-0.08, 0.08))
    first.stand(np.array([scene.vary(-0.04, 0.04), 0.0, -gap - way]), 0.0)
    start = scene.vary(-0.4, 0.0)
    arrived = start + 0.5 + slower * way / scene.vary(0.8, 1.1) if way > 0.3 else 0.3
    first.move(start, arrived, np.array([0.0, 0.0, way]))
    begin = arrived + 0.45 * slower
    part = 0.45 * slower
    # From the upper arms down the sides to the hips, twice with a step down.
    stop = begin + 5.2 * part
    for hand in ("left", "right"):
        scene.gesture(
            second, hand, (0.62, scene.vary(0.1, 0.2), 0.0), min(begin - 0.3, 0.6), stop - 0.5 * part,
            fingers=(1.0, 0.05, 0.0), palm=(0.0, -1.0, 0.0), elbow=(0.3, -0.4, -1.0), approach=0.6, release=0.8,
            lean=0.0, bow=(0.05, 0.0, 0.1),
        )  # fmt: skip
        out = 1.0 if hand == "left" else -1.0
        timing: dict[str, Any] = {
            "fingers": (-0.2, 0.1, 1.0), "palm": (-1.0, -0.2, 0.3), "elbow": (0.9, -0.8, -0.2), "lean": 0.7,
        }  # fmt: skip
        places: tuple[tuple[str, tuple[float, float, float]], ...] = (
            (f"{hand}_upper_arm", (0.0, -0.055, -0.02)),
            (f"{hand}_shoulder_blade", (0.08 * out, -0.1, 0.05)),
            (f"{hand}_waist", (0.01 * out, 0.04, 0.0)),
            (f"{hand}_waist", (0.035 * out, -0.2, 0.0)),
        )
        for number, (place, shift) in enumerate(places):
            now = begin + (0.0, 1.4, 2.6, 4.0)[number] * part
            scene.touch(
                first, hand, place, now, now + 0.45 * part, shift,
                approach=0.5 * slower if number == 0 else 0.9 * part, release=0.8 * part if number < 3 else 0.7,
                contact=number in (1, 2), **timing,
            )  # fmt: skip
    low = begin + 4.0 * part
    first.sink(scene.vary(0.1, 0.16), low, low + 0.5 * part, 1.4 * part, 0.8)
    first.bend(scene.vary(0.25, 0.35), low, low + 0.5 * part, 1.4 * part, 0.8)
    first.bend(0.25, begin, stop, 0.6, 0.8, "x", ("Neck", "Head"))
    if scene.chance(0.5):
        second.look(begin, stop, 0.3)
    scene.facts |= {"how": "from behind"}
    first.move(stop + 0.2, stop + 1.0, np.array([0.0, 0.0, -scene.vary(0.1, 0.3)]))
    scene.finish_at(stop + scene.vary(0.7, 1.1))


def shield(scene: Scene) -> None:
    slower = tempo(scene)
    first, second = scene.cast()
    apart, behind = scene.vary(0.55, 0.75), scene.vary(0.55, 0.62)
    first.stand(np.array([-apart, 0.0, scene.vary(-0.1, 0.1)]), scene.vary(0.0, 0.3))
    second.stand(np.zeros(3), scene.vary(-0.15, 0.1))
    start = scene.vary(0.3, 0.6)
    arrived = start + 0.4 + 0.7 * slower
    # In front of the one who is to be safe, with the back to them; then both give ground.
    first.move(start, arrived, np.array([apart, 0.0, behind]) - first.place * np.array([0, 0, 1]), -first.yaw)
    begin = arrived - 0.1
    back = arrived + 0.3 * slower
    way = scene.vary(0.25, 0.5)
    gone = back + 0.5 + way / (0.6 / slower)
    for actor, late in ((first, 0.0), (second, -0.06)):
        actor.move(back + late, gone + late, np.array([0.0, 0.0, -way]))
    stop = gone + scene.vary(0.5, 1.0)
    for hand in ("left", "right"):
        scene.gesture(
            first, hand, (scene.vary(0.54, 0.6), scene.vary(-0.16, -0.06), -0.1), begin, stop,
            fingers=(1.0, -0.2, 0.1), palm=(0.1, -0.1, -1.0), elbow=(0.5, -0.9, -0.5), approach=0.6 * slower,
            release=0.8, lean=0.0,
        )  # fmt: skip
    scene.touch(
        second, "right", "right_shoulder_blade", begin + 0.3 * slower, stop, (0.0, 0.0, 0.0),
        fingers=(-0.2, 0.8, 0.6), palm=(0.0, 0.1, 1.0), elbow=(0.7, -1.0, 0.0), approach=0.6 * slower, release=0.7,
        lean=0.5,
    )  # fmt: skip
    scene.gesture(
        second, "left", (0.08, 0.02, 0.2), begin + 0.3 * slower, stop, fingers=(-0.5, 0.9, 0.3), palm=(-0.2, 0.0, -1.0),
        approach=0.6 * slower, release=0.7, lean=0.0,
    )  # fmt: skip
    danger = np.array([scene.vary(-0.5, 0.5), 1.5, 5.0])
    scene.facts |= {"how": "arms spread"}
    first.sink(scene.vary(0.04, 0.09), arrived, stop, 0.6, 0.7)
    second.sink(scene.vary(0.06, 0.14), begin, stop, 0.6, 0.7)
    second.bend(scene.vary(0.14, 0.24), begin, stop, 0.6, 0.7)
    second.bend(-0.12, begin, stop, 0.6, 0.7, "z")
    for actor in (first, second):
        actor.look(-1, 9, 0.8, danger)
    scene.finish_at(stop + scene.vary(0.5, 0.9))


def sit_down_beside(scene: Scene) -> None:
    slower = tempo(scene)
    first, second = scene.cast()
    apart, way = scene.vary(0.6, 0.75), scene.vary(0.8, 1.5)
    second.stand(np.zeros(3), scene.vary(-0.1, 0.1))
    second.sit(-2, 14, 0.3, 0.3)
    seat = np.array([-apart, 0.0, scene.vary(-0.04, 0.06)])
    # From the front, past the seat's corner, and around on the spot.
    side = scene.vary(-0.7, 0.1)
    first.stand(seat + way * np.array([np.sin(side), 0.0, np.cos(side)]), side + np.pi)
    start = scene.vary(-0.6, 0.0)
    pace = scene.vary(0.8, 1.1) / slower
    arrived = start + 0.5 + way / pace
    first.move(start, arrived, seat - first.place, 0.0)
    turned = arrived + 0.9 * slower
    first.move(arrived - 0.35, turned, None, -np.pi - side if side > -0.3 else np.pi - side - 2 * np.pi)
    down = scene.vary(0.9, 1.1) * slower
    seated = turned + 0.05 + down
    first.sit(seated, 14, down, 1.0)
    for actor, begin in ((first, seated), (second, -0.9)):
        for hand in ("left", "right"):
            scene.gesture(
                actor, hand, (scene.vary(0.06, 0.12), -0.33, scene.vary(0.24, 0.3)), begin, 12.0,
                fingers=(-0.2, -0.2, 1.0), palm=(0.0, -1.0, 0.0), approach=0.7 * slower if actor is first else 0.2,
                lean=0.0,
            )  # fmt: skip
    second.look(-1, 9, 0.75)
    first.look(-1, arrived - 0.6, 0.5)
    first.look(seated - 0.2, 9, 0.7)
    scene.finish_at(seated + scene.vary(0.7, 1.4))


def stand_up_and_leave(scene: Scene) -> None:
    slower = tempo(scene)
    first, second = scene.cast()
    apart = scene.vary(0.62, 0.8)
    second.stand(np.zeros(3), scene.vary(-0.1, 0.1))
    first.stand(np.array([-apart, 0.0, scene.vary(-0.05, 0.05)]), scene.vary(-0.1, 0.1))
    second.sit(-2, 14, 0.3, 0.3)
    rise = scene.vary(0.6, 1.0)
    up = scene.vary(0.9, 1.1) * slower
    first.sit(-2, rise, 0.3, up)
    for actor in (first, second):
        for hand in ("left", "right"):
            scene.gesture(
                actor, hand, (scene.vary(0.06, 0.12), -0.33, scene.vary(0.24, 0.3)), -0.9,
                rise + 0.2 * up if actor is first else 12.0,
                fingers=(-0.2, -0.2, 1.0), palm=(0.0, -1.0, 0.0), approach=0.2, release=0.7 * slower, lean=0.0,
            )  # fmt: skip
    go = rise + up - 0.1
    pace = scene.vary(0.85, 1.2) / slower
    way = scene.vary(1.4, 2.4)
    along = scene.vary(-1.0, 0.4)
    first.move(go - 0.1, go + 0.6 * slower, None, along)
    first.move(go, go + 0.4 + way / pace, way * np.array([np.sin(along), 0.0, np.cos(along)]), ramping=0.2)
    first.look(-1, rise - 0.1, 0.7)
    second.look(-1, 9, 0.85)
    scene.finish_at(min(go + 0.4 + way / pace, 7.6))


SCRIPTS = {
    "help up": help_up,
    "support while limping": support_while_limping,
    "lead by the arm": lead_by_the_arm,
    "frisk": search,
    "protect behind the back": shield,
    "sit down beside": sit_down_beside,
    "stand up and leave": stand_up_and_leave,
}
