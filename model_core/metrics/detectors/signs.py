"""Detectors of signs without contact, of sitting and of kneeling."""

from __future__ import annotations

import numpy as np

from ...motion.types import FPS
from .contact import both_palms, fist_bump, high_five
from .fights import block, punch
from .measures import J, Pair, Person, count_reversals, fraction, longest_run
from .signals import appeals, hand_on_heart, salute
from .striking import dodge


def _stays(person: Person, maximum: float = 0.35) -> bool:
    return bool(np.ptp(person.root, axis=0).max() < maximum)


def _face_each_other(pair: Pair, minimum: float = 0.6) -> bool:
    return bool(np.median(pair.actor_faces) > minimum and np.median(pair.partner_faces) > minimum)


def _apart(pair: Pair) -> bool:
    """No hands touch for long."""
    return longest_run(pair.hands.min((1, 2)) < 0.18) < 0.5


def _bows(person: Person) -> bool:
    rising = person.trunk_lean.max() - np.minimum(person.trunk_lean[:6].mean(), person.trunk_lean[-6:].mean())
    low = person.raised[person.trunk_lean.argmax()].max() < -0.12
    return bool(rising > 15 and low and person.pelvis_height.min() > 1.0)


def bow(pair: Pair) -> bool:
    """Both lean forward from the hips with hanging arms, and straighten up again."""
    together = abs(int(pair.actor.trunk_lean.argmax()) - int(pair.partner.trunk_lean.argmax())) < 1.3 * FPS
    return bool(
        all(_bows(person) for person in pair.both)
        and together
        and pair.gap.min() > 1.2
        and _face_each_other(pair)
        and max(person.hand_speed.max(-1).mean() for person in pair.both) < 0.8
        and not hand_on_heart(pair)
        and not hand_on_heart(pair.swapped)
    )


def _waves(person: Person) -> bool:
    hand = int(person.raised.mean(0).argmax())
    up = person.raised[:, hand] > -0.12
    hanging = min(person.raised[:6, hand].mean(), person.raised[-6:, hand].mean()) < -0.25
    if longest_run(up) < 0.7 or not hanging or person.raised[up, 1 - hand].mean() > -0.25:
        return False
    side = person.pose[:, J["L_Wrist"] + hand, 0][up]
    return count_reversals(side, 0.07) >= 2


def wave(pair: Pair) -> bool:
    """Both swing a raised hand from side to side, at some distance."""
    return bool(
        all(_waves(person) for person in pair.both)
        and pair.gap.min() > 1.6
        and _face_each_other(pair)
        and max(person.stepping.mean() for person in pair.both) < 0.25
    )


def beckon(pair: Pair) -> bool:
    """A hand of the actor moves back and forth in front of the chest; the partner comes closer."""
    moved = float(np.linalg.norm(pair.partner.root[-1] - pair.partner.root[0]))
    ahead = pair.actor.in_front
    beckons = max(count_reversals(ahead[:, hand][pair.actor.raised[:, hand] > -0.4], 0.06) if
                  (pair.actor.raised[:, hand] > -0.4).any() else 0 for hand in (0, 1))  # fmt: skip
    return bool(
        beckons >= 2
        and moved > 0.7
        and pair.gap[0] - pair.gap[-1] > 0.7
        and _stays(pair.actor)
        and _face_each_other(pair)
        and pair.hands.min() > 0.22
        and pair.gap.min() > 0.6
        and min(person.pelvis_height.min() for person in pair.both) > 0.92
        and not appeals(pair)
    )


def _points(pair: Pair) -> np.ndarray:
    """(T,) whether an arm of the actor is stretched out in a direction other than the partner."""
    reach = pair.actor.palms - pair.actor.shoulder
    length = np.maximum(np.linalg.norm(reach[..., [0, 2]], axis=-1), 1e-6)
    towards = (reach[..., [0, 2]] * pair.direction[:, None]).sum(-1) / length
    out = (pair.actor.arm_extension > 0.8) & (pair.actor.raised > -0.38) & (towards < 0.9) & (length > 0.3)
    return np.asarray(out.any(-1))


def point(pair: Pair) -> bool:
    """A stretched arm points in some direction, and the partner turns that way."""
    points = _points(pair)
    turned = np.ptp(pair.partner.heading)
    return bool(
        longest_run(points) > 0.8
        and turned > 0.2
        and all(_stays(person) for person in pair.both)
        and pair.hands.min() > 0.25
        and max(person.trunk_lean.max() for person in pair.both) < 32
        and 0.75 < pair.gap.mean() < 2.0
        and max(person.hand_speed.max(-1).mean() for person in pair.both) < 1.0
        and min(person.pelvis_height.min() for person in pair.both) > 1.0
    )


def _gestures(person: Person) -> float:
    """Fraction of frames with a moving hand in front of the chest."""
    return fraction(((person.in_front > 0.2) & (person.hand_speed > 0.12)).any(-1))


def argue(pair: Pair) -> bool:
    """Both stand face to face and gesture."""
    return bool(
        _face_each_other(pair, 0.8)
        and 0.7 < np.median(pair.gap) < 1.45
        and pair.gap.min() > 0.68
        and np.ptp(pair.gap) < 0.42
        and all(_stays(person, 0.45) for person in pair.both)
        and min(_gestures(person) for person in pair.both) > 0.12
        and max(_gestures(person) for person in pair.both) > 0.25
        and min(person.gestures for person in pair.both) >= 3
        and max(person.gestures for person in pair.both) >= 5
        and max(person.hand_speed.max(-1).mean() for person in pair.both) < 1.6
        and max(np.median(person.speed) for person in pair.both) < 0.17
        and longest_run(pair.hands.min((1, 2)) < 0.12) < 0.7
        and min(person.pelvis_height.min() for person in pair.both) > 1.05
        and max(longest_run(person.to_mouth() < 0.28) for person in pair.both) < 1.1
        and not point(pair)
        and not block(pair)
        and not block(pair.swapped)
        and longest_run(both_palms(pair)) < 0.2
        and not high_five(pair)
        and not fist_bump(pair)
        and not punch(pair)
        and not punch(pair.swapped)
        and not appeals(pair)
        and not dodge(pair)
        and not dodge(pair.swapped)
    )


def laugh(pair: Pair) -> bool:
    """Both bend and sway, face to face, with lively hands."""
    return bool(
        _face_each_other(pair, 0.6)
        and 0.8 < np.median(pair.gap) < 1.75
        and min(np.ptp(person.trunk_lean) for person in pair.both) > 20
        and min(person.hand_speed.max(-1).mean() for person in pair.both) > 0.75
        and min(np.median(person.speed) for person in pair.both) > 0.12
        and max(np.median(person.speed) for person in pair.both) < 0.6
        and min(person.pelvis_height.min() for person in pair.both) > 0.98
        and longest_run(pair.hands.min((1, 2)) < 0.18) < 0.4
        and pair.pose_difference(True) > 0.04
    )


def drink(pair: Pair) -> bool:
    """Both have a hand at the mouth for a while, and stand calmly."""
    return bool(
        min(longest_run(person.to_mouth() < 0.3) for person in pair.both) > 0.7
        and max(person.hand_speed.max(-1).mean() for person in pair.both) < 0.75
        and max(person.stepping.mean() for person in pair.both) < 0.25
        and 0.8 < np.median(pair.gap) < 1.9
        and min(np.median(pair.actor_faces), np.median(pair.partner_faces)) > 0.4
        and max(person.trunk_lean.max() for person in pair.both) < 35
        and not salute(pair)
    )


def sit_and_talk(pair: Pair) -> bool:
    """Both sit, face to face."""
    return bool(
        max(np.median(person.pelvis_height) for person in pair.both) < 0.85
        and _face_each_other(pair, 0.6)
        and pair.gap.min() > 1.0
        and max(person.stepping.mean() for person in pair.both) < 0.3
    )


def kneel(pair: Pair) -> bool:
    """The actor kneels on one knee in front of the partner, who stands."""
    knees = pair.actor.joints[:, [J["L_Knee"], J["R_Knee"]], 1]
    down = (knees.min(-1) < 0.2) & (pair.actor.pelvis_height < 0.85)
    return bool(
        longest_run(down) > 0.6
        and (knees.max(-1) - knees.min(-1))[down].mean() > 0.15
        and pair.partner.pelvis_height.min() > 1.02
        and np.median(pair.actor_faces[down]) > 0.5
        and np.median(pair.partner_faces[down]) > 0.5
        and pair.gap[down].mean() < 2.0
    )


SIGNS = {
    "bow to each other": bow,
    "wave to each other": wave,
    "beckon and the other comes": beckon,
    "point and the other looks": point,
    "argue": argue,
    "laugh together": laugh,
    "drink together": drink,
    "sit facing and talk": sit_and_talk,
    "kneel before the other": kneel,
}
"""Detectors of signs, sitting and kneeling, by kind."""
