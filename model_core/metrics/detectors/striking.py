"""Detectors of blows from the side and from below, of dodges, falls and struggles at close quarters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...motion.runs import runs
from ...motion.types import FPS
from .measures import J, Pair, longest_run


@dataclass(frozen=True)
class Strike:
    """The moment in which a hand of the actor is nearest to the partner's head.

    Attributes:
        frame, hand: when, and which.
        distance: metres from the palm to the head.
        along, aside, up: m/s of the palm on its way in: towards the partner, to either side, and upwards.
        low: metres from the own shoulder up to the lowest place of the palm shortly before.
    """

    frame: int
    hand: int
    distance: float
    along: float
    aside: float
    up: float
    low: float

    @property
    def speed(self) -> float:
        """m/s."""
        return float(np.hypot(np.hypot(self.along, self.aside), self.up))


def strike(pair: Pair) -> Strike | None:
    """A fast hand at the partner's head, face to face, that stays there only for a moment; None without one."""
    distance = pair.hand_to("Head")
    frame, hand = (int(index) for index in np.unravel_index(int(distance.argmin()), distance.shape))
    near = distance[:, hand] < 0.24
    if not near.any() or near[0]:
        return None
    # The way in, not the rest that a hand may take there.
    enters = next(start for start, stop in runs(near) if start <= frame < stop)
    before = max(enters - round(0.13 * FPS), 0)
    velocity = (pair.actor.palms[enters, hand] - pair.actor.palms[before, hand]) * FPS / max(enters - before, 1)
    way, low = pair.direction[enters], pair.actor.raised[max(enters - round(0.3 * FPS), 0) : enters + 1, hand]
    found = Strike(
        frame,
        hand,
        float(distance[frame, hand]),
        float(velocity[[0, 2]] @ way),
        abs(float(velocity[0] * way[1] - velocity[2] * way[0])),
        float(velocity[1]),
        float(low.min()),
    )
    good = (
        found.speed > 1.2
        and longest_run(near) < 0.6
        and distance[frame, 1 - hand] > 0.26
        and pair.actor_faces[frame] > 0.5
        and pair.partner_faces[frame] > 0.3
        and max(person.speed.mean() for person in pair.both) < 0.7
    )
    return found if good else None


def _held_cheek(pair: Pair, frame: int) -> float:
    """Seconds for which the partner holds a hand at the own head after a frame."""
    return longest_run(pair.partner.to_mouth()[frame:] < 0.2)


def slap(pair: Pair) -> bool:
    """A hand comes from the side to the partner's face; the partner puts a hand to the own cheek."""
    blow = strike(pair)
    # A hard slap is so quick that the hand still comes up shortly before.
    return (
        blow is not None
        and blow.low > -0.42
        and blow.aside > 0.6 * abs(blow.up)
        and _held_cheek(pair, blow.frame) > 0.4
    )


def hook(pair: Pair) -> bool:
    """A fist comes from the side, the elbow as high as the shoulder; the partner is thrown back and aside."""
    blow = strike(pair)
    if blow is None:
        return False
    elbow = pair.actor.joints[blow.frame, J["L_Elbow"] + blow.hand, 1] - pair.actor.shoulder[blow.frame, blow.hand, 1]
    return bool(
        blow.low > -0.3
        and blow.aside > 0.7 * abs(blow.up)
        and blow.aside > max(1.3, 0.4 * blow.along)
        and elbow > -0.12
        and _held_cheek(pair, blow.frame) < 0.3
        and pair.retreat(blow.frame) > 0.1
    )


def uppercut(pair: Pair) -> bool:
    """A fist comes from below to the partner's chin; the partner is thrown back."""
    blow = strike(pair)
    return bool(
        blow is not None
        and blow.low < -0.3
        and blow.up > max(0.8, 0.9 * blow.aside, 0.5 * blow.along)
        and pair.actor.palms[blow.frame, blow.hand, 1] < pair.partner.joints[blow.frame, J["Head"], 1] + 0.05
        and _held_cheek(pair, blow.frame) < 0.3
        and pair.retreat(blow.frame) > 0.15
    )


def _nearest_to_body(pair: Pair) -> float:
    return float(pair.hand_to("Head", "Neck", "Spine3", "Spine2").min())


def dodge(pair: Pair) -> bool:
    """A fist shoots out at the place where the partner's head was; the head is gone, and comes back."""
    head = pair.partner.joints[:, J["Head"]]
    ahead = pair.actor.palms - pair.actor.joints[:, None, J["Spine3"]]
    out = (ahead[..., [0, 2]] * pair.direction[:, None]).sum(-1)
    out = np.where(pair.actor.raised > -0.1, out, 0.0)
    frame, hand = (int(index) for index in np.unravel_index(int(out.argmax()), out.shape))
    before = max(frame - round(0.6 * FPS), 0)
    moved = head[max(frame - 2, 0) : frame + 6] - head[before]
    aside = np.abs(moved[:, 0] * pair.direction[frame, 1] - moved[:, 2] * pair.direction[frame, 0])
    gone = max(float(aside.max()), float(-moved[:, 1].min()))
    back = head[-1, 1] - head[frame, 1]
    return bool(
        out[frame, hand] > 0.33
        and pair.actor.hand_speed[max(frame - 10, 0) : frame + 1, hand].max() > 2.0
        and longest_run(out[:, hand] > 0.38) < 0.8
        and gone > 0.2
        and back > -0.1
        and (aside.max() > 0.2 or back > 0.15)
        and _nearest_to_body(pair) > 0.12
        and 0.5 < pair.gap[frame] < 1.3
        and min(pair.actor_faces[frame], pair.partner_faces[frame]) > 0.4
        and min(person.pelvis_height.min() for person in pair.both) > 0.5
        and max(float(person.hand_speed.max(-1).mean()) for person in pair.both) < 1.5
    )


def knock_down(pair: Pair) -> bool:
    """After both palms were on the chest for a moment, the partner sits on the floor; the actor stands."""
    seat = pair.partner.pelvis_height < 0.35
    palms = pair.hand_to("Spine3", "L_Collar", "R_Collar", "Neck", "Spine2", "L_Shoulder", "R_Shoulder")
    on = palms.max(-1) < 0.34
    if not seat.any() or not on.any():
        return False
    down, hit = int(np.flatnonzero(seat)[0]), int(np.flatnonzero(on)[0])
    return bool(
        longest_run(seat) > 0.4
        and hit < down < hit + 2.0 * FPS
        and longest_run(on) < 1.0
        and pair.actor.pelvis_height.min() > 0.95
        and pair.partner.pelvis_height[: hit + 1].min() > 0.95
    )


def grapple(pair: Pair) -> bool:
    """Both have both hands on the other's arms or chest, push to and fro with bent trunks, and part."""
    places = ("L_Shoulder", "R_Shoulder", "L_Elbow", "R_Elbow", "L_Collar", "R_Collar", "Spine3")
    holds = (pair.hand_to(*places).max(-1) < 0.3) & (pair.swapped.hand_to(*places).max(-1) < 0.3)
    if longest_run(holds) < 0.8:
        return False
    start, stop = max(runs(holds), key=lambda run: run[1] - run[0])
    bent = [float(person.trunk_lean[start:stop].mean()) for person in pair.both]
    low = [float(person.pelvis_height[start:stop].mean()) for person in pair.both]
    return bool(
        min(bent) > -2
        and sum(bent) > 3
        and max(low) < 1.13
        and pair.heads[start:stop].min() > 0.2
        and pair.gap[start:stop].mean() > 0.5
        and pair.gap[stop:].max(initial=0.0) - pair.gap[start:stop].mean() > 0.35
        and float(np.ptp(pair.actor.root[start:stop], axis=0).max()) > 0.1
    )


STRIKING = {
    "slap": slap,
    "hook punch": hook,
    "uppercut": uppercut,
    "dodge a punch": dodge,
    "knock down": knock_down,
    "grapple and break free": grapple,
}
"""Detectors of blows, dodges, falls and struggles, by kind."""
