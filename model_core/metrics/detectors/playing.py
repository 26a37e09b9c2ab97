"""Detectors of play and mishaps: giggling after a whisper, push-ups, leapfrog, a trip and a catch; and of a tango."""

from __future__ import annotations

import numpy as np

from ...kinematics.filters import hann_smoothed
from ...motion.types import FPS
from .contact import dance_in_hold, meeting, whisper
from .measures import J, Pair, Person, count_reversals, fraction, longest_run


def _shakes(person: Person, first: int) -> int:
    """How often the trunk reverses quickly, by a degree and more, from a frame on."""
    lean = person.trunk_lean
    quick = lean - hann_smoothed(lean[None], 10)[0]
    return count_reversals(quick[first:], 1.0)


def whisper_and_giggle(pair: Pair) -> bool:
    """A whisper, after which both trunks shake with laughter."""
    if not whisper(pair):
        return False
    near = (pair.heads < 0.5) & (pair.hand_to("Head").min(-1) < 0.34)
    end = int(np.flatnonzero(near)[-1])
    start = int(np.flatnonzero(near)[0])
    rest = max(start, min(end, len(near) - round(1.5 * FPS)))
    return bool(min(_shakes(person, rest) for person in pair.both) >= 5 and len(near) - start > 1.8 * FPS)


def count_push_ups(pair: Pair) -> bool:
    """The actor is on hands and toes and goes down and up; the partner is upright."""
    actor, partner = pair.both
    height = actor.joints[:, J["Neck"], 1]
    hands = actor.joints[:, [J["L_Wrist"], J["R_Wrist"]], 1]
    return bool(
        np.median(actor.trunk_lean) > 45
        and np.median(actor.pelvis_height) < 0.8
        and np.quantile(hands, 0.9) < 0.3
        and count_reversals(height, 0.1) >= 3
        and np.median(partner.trunk_lean) < 40
        and np.median(partner.joints[:, J["Neck"], 1]) > 0.8
    )


def leapfrog(pair: Pair) -> bool:
    """The actor passes over a bent partner, with both feet high and a hand on the partner's back."""
    frame = int(pair.gap.argmin())
    along = (pair.displacement * pair.actor.forward).sum(-1)
    return bool(
        pair.gap[frame] < 0.3
        and along[0] > 0.8
        and along[-1] < -0.6
        and pair.actor.toes[frame].min() > 0.2
        and pair.partner.pelvis_height[frame] < 1.1
        and pair.partner.trunk_lean[frame] > 35
        and pair.hand_to("Spine3", "Spine2", "Neck").min() < 0.4
    )


def trip_and_catch(pair: Pair) -> bool:
    """The actor walks up, is thrown forward, and both hands of the partner hold the trunk until it is upright."""
    lean = pair.actor.trunk_lean
    hold = pair.swapped.hand_to("Spine3", "Spine2", "L_Shoulder", "R_Shoulder").max(-1) < 0.28
    if not hold.any():
        return False
    inside = np.flatnonzero(hold)
    frame = inside[0] + int(lean[inside[0] : inside[-1] + 1].argmax())
    return bool(
        0.3 < longest_run(hold) < 2.3
        and lean[frame] > 15
        and lean[frame] - lean[: inside[0] + 1].min() > 12
        and lean[frame] - lean[-5:].mean() > 10
        and pair.gap[0] - pair.gap[frame] > 0.75
        and 0.62 < pair.gap[frame] < 1.05
        and np.median(pair.actor.advancing[: max(inside[0] - round(0.3 * FPS), 1)]) > 0.25
        and min(pair.actor_faces[frame], pair.partner_faces[frame]) > 0.6
        and pair.actor.speed[inside[0] : inside[-1] + 1].min() < 0.25
    )


def tango(pair: Pair) -> bool:
    """A couple in hold that travels in long steps, with rests between them."""
    return bool(
        dance_in_hold(pair)
        and np.median(pair.gap) < 0.8
        and min(person.speed.max() for person in pair.both) > 0.8
        and min(fraction(person.speed < 0.25) for person in pair.both) > 0.12
        and max(np.ptp(pair.actor.root, axis=0)) > 0.6
    )


def lift_joined_hands(pair: Pair) -> bool:
    """Hands that are joined from beginning to end go up over the heads and down again; both face each other."""
    met = meeting(pair)
    if met is None or fraction(met.near) < 0.8:
        return False
    mine, other = met.hands
    raised = np.minimum(pair.actor.raised[:, mine], pair.partner.raised[:, other])
    return bool(
        raised.max() > 0.15
        and raised.min() < -0.2
        and count_reversals(pair.actor.palms[:, mine, 1], 0.3) >= 1
        and min(np.median(pair.actor_faces), np.median(pair.partner_faces)) > 0.7
        and max(np.ptp(person.heading) for person in pair.both) < 3.0
        and np.median(pair.gap) < 1.2
    )


PLAYING = {
    "whisper and giggle": whisper_and_giggle,
    "count push-ups": count_push_ups,
    "leapfrog": leapfrog,
    "trip and catch": trip_and_catch,
    "tango": tango,
    "lift joined hands": lift_joined_hands,
}
"""Detectors of play, mishaps and two dances, by kind."""
