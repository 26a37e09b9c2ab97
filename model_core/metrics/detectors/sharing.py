"""Detectors of things that two people share, of dances hand in hand, and of stretching."""

from __future__ import annotations

import numpy as np

from .measures import J, Pair, Person, count_reversals, fraction, longest_run


def _side_by_side(pair: Pair, frames: np.ndarray) -> bool:
    """Whether both stand close and face about the same way."""
    return bool(
        frames.any()
        and np.median(pair.facing_cosine[frames]) > 0.45
        and 0.3 < np.median(pair.gap[frames]) < 0.8
        and max(np.median(person.speed[frames]) for person in pair.both) < 0.25
        and abs(np.median(pair.actor_faces[frames])) < 0.75
        and min(person.pelvis_height.min() for person in pair.both) > 0.95
    )


def _before_chest(person: Person) -> np.ndarray:
    """(T, 2) whether a palm is held in front of chest or belly."""
    return np.asarray((person.in_front > 0.17) & (person.raised > -0.45) & (person.raised < 0.05))


def show_a_phone(pair: Pair) -> bool:
    """Side by side, the actor's palms are together before the chest, and the partner's is on the actor's shoulder."""
    own = np.linalg.norm(pair.actor.palms[:, 0] - pair.actor.palms[:, 1], axis=-1) < 0.32
    held = _before_chest(pair.actor).all(-1) & own
    leaning = pair.swapped.hand_to("L_Shoulder", "R_Shoulder").min(-1) < 0.24
    return longest_run(held & leaning) > 0.5 and _side_by_side(pair, held & leaning)


def take_a_selfie(pair: Pair) -> bool:
    """Side by side, an arm of the actor is stretched out ahead and up, the other lies around the partner."""
    camera = (pair.actor.in_front > 0.3) & (pair.actor.raised > -0.12)
    around = pair.hand_to("L_Shoulder", "R_Shoulder") < 0.26
    posed = (camera & around[:, ::-1]).any(-1)
    return longest_run(posed) > 0.5 and _side_by_side(pair, posed)


def read_together(pair: Pair) -> bool:
    """Side by side, a palm of each is before the chest, a page's width apart."""
    both = _before_chest(pair.actor)[:, :, None] & _before_chest(pair.partner)[:, None]
    apart = (pair.hands > 0.12) & (pair.hands < 0.42)
    held = (both & apart).any((1, 2))
    return longest_run(held) > 1.5 and _side_by_side(pair, held) and not show_a_phone(pair.swapped)


def _lifts(person: Person) -> bool:
    low = person.pelvis_height[:8].min()
    return bool(low < 1.05 and np.median(person.pelvis_height) > low + 0.08 and person.trunk_lean[:8].max() > 8)


def carry_together(pair: Pair) -> bool:
    """Both lift with both hands what is between them, and go the same way at a constant distance."""
    way = [person.root[-1] - person.root[0] for person in pair.both]
    carrying = np.stack([(person.in_front > 0.08).all(-1) & (person.raised < -0.3).all(-1) for person in pair.both])
    return bool(
        all(_lifts(person) for person in pair.both)
        and min(np.linalg.norm(shift) for shift in way) > 0.6
        and np.linalg.norm(way[0] - way[1]) < 0.4
        and longest_run(carrying.all(0)) > 1.2
        and 1.0 < np.median(pair.gap) < 2.1
        and np.ptp(pair.gap) < 0.5
        and min(np.median(pair.actor_faces), np.median(pair.partner_faces)) > 0.7
    )


def turn_under_the_arm(pair: Pair) -> bool:
    """The partner turns round once below two joined hands that are raised."""
    held = pair.hands.min((1, 2)) < 0.2
    mine, other = np.unravel_index(int(pair.hands.mean(0).argmin()), (2, 2))
    high = pair.partner.raised[:, other] > 0.1
    turned = np.ptp(pair.partner.heading)
    return bool(
        5.0 < turned < 8.0
        and fraction(held) > 0.4
        and longest_run(held & high) > 0.5
        and np.ptp(pair.actor.heading) < 1.6
        and pair.actor.raised[:, mine].max() > 0.1
        and max(person.speed.mean() for person in pair.both) < 0.5
    )


def swing_dance(pair: Pair) -> bool:
    """Both hands of both are joined from beginning to end, and both step and rock."""
    crossed = np.maximum(pair.hands[:, 0, 1], pair.hands[:, 1, 0]) < 0.2
    across = [count_reversals(person.pose[:, J["L_Wrist"], 1], 0.03) for person in pair.both]
    return bool(
        fraction(crossed) > 0.8
        and min(person.stepping.mean() for person in pair.both) > 0.05
        and min(np.median(pair.actor_faces), np.median(pair.partner_faces)) > 0.7
        and np.ptp(pair.gap) > 0.06
        and min(across) >= 2
    )


def _stretches(person: Person) -> np.ndarray:
    """(T,) whether both arms are overhead."""
    return np.asarray(person.raised.min(-1) > 0.25)


def stretch_together(pair: Pair) -> bool:
    """Both raise their arms overhead and lean to one side and the other."""
    both = _stretches(pair.actor) & _stretches(pair.partner)
    if longest_run(both) < 1.0:
        return False
    leans = [np.ptp(person.pose[both][:, [J["L_Wrist"], J["R_Wrist"]], 0].mean(-1)) for person in pair.both]
    return bool(
        min(leans) > 0.3
        and pair.gap.min() > 0.9
        and max(person.stepping.mean() for person in pair.both) < 0.2
        and max(person.hand_speed[both].mean() for person in pair.both) < 1.6
    )


SHARING = {
    "show a phone": show_a_phone,
    "take a selfie": take_a_selfie,
    "read together": read_together,
    "carry a table together": carry_together,
    "turn under the arm": turn_under_the_arm,
    "swing dance": swing_dance,
    "stretch together": stretch_together,
}
"""Detectors of shared things and dances, by kind."""
