"""Detectors of comfort, help, escort, and of sitting down beside someone and leaving."""

from __future__ import annotations

import numpy as np

from .measures import J, Pair, Person, count_reversals, fraction, longest_run

_SEATED = 0.85
"""Leg lengths below which the pelvis of a person is who sits or kneels."""


def _seated(person: Person) -> bool:
    """Whether a person sits from beginning to end, on both feet."""
    knees = person.joints[:, [J["L_Knee"], J["R_Knee"]], 1]
    return bool(person.pelvis_height.max() < _SEATED and knees.min() > 0.25)


def _hands_at_face(person: Person) -> np.ndarray:
    """(T,) whether both palms are at the own face."""
    reach = np.linalg.norm(person.palms - person.joints[:, None, J["Head"]], axis=-1)
    return np.asarray(reach.max(-1) < 0.3)


def comfort(pair: Pair) -> bool:
    """The partner's hands cover the face while the actor's lie on shoulder and arm."""
    crying = _hands_at_face(pair.partner)
    on = pair.hand_to("L_Shoulder", "R_Shoulder", "L_Elbow", "R_Elbow").max(-1) < 0.32
    return bool(longest_run(crying) > 1.0 and longest_run(crying & on) > 0.6 and np.median(pair.actor_faces[on]) > 0.5)


def kiss_on_the_cheek(pair: Pair) -> bool:
    """Two heads side by side for a moment, a hand of each on the other's arm, the other hands hanging."""
    near = (pair.heads < 0.4) & (pair.gap < 0.62)
    if not 0.1 < longest_run(near) < 4.0:
        return False
    hanging = max(float(np.median(person.raised.min(-1)[near])) for person in pair.both)
    low = max(float(np.median(person.raised.max(-1)[near])) for person in pair.both)
    arms = ("L_Shoulder", "R_Shoulder", "L_Elbow", "R_Elbow")
    held = max(float(np.median(one.hand_to(*arms).min(-1)[near])) for one in (pair, pair.swapped))
    return bool(
        held < 0.25
        and hanging < -0.36
        and low < 0.1
        and np.median(pair.actor_faces[near]) > 0.6
        and np.median(pair.partner_faces[near]) > 0.6
    )


def _pats(pair: Pair) -> bool:
    distance = pair.hand_to("L_Shoulder", "R_Shoulder")
    hand = int(distance.min(0).argmin())
    on = np.flatnonzero(distance[:, hand] < 0.22)
    return len(on) > 8 and count_reversals(pair.actor.palms[on[0] : on[-1] + 1, hand, 1], 0.025) >= 1


def pat_a_sitting_one(pair: Pair) -> bool:
    """A standing actor's palm comes down on the shoulder of a partner who sits."""
    return _seated(pair.partner) and bool(pair.actor.pelvis_height.min() > 1.0) and _pats(pair)


def propose(pair: Pair) -> bool:
    """The actor kneels and takes the hand of the partner, who was surprised."""
    knees = pair.actor.joints[:, [J["L_Knee"], J["R_Knee"]], 1]
    down = (knees.min(-1) < 0.2) & (pair.actor.pelvis_height < _SEATED)
    return bool(
        longest_run(down & (pair.hands.min((1, 2)) < 0.2)) > 0.4
        and longest_run(down & (pair.partner.to_mouth() < 0.34)) > 0.3
        and pair.partner.pelvis_height.min() > 1.0
        and pair.actor.pelvis_height[-6:].max() < 1.0
    )


def help_up(pair: Pair) -> bool:
    """The partner rises from the floor, a hand in the actor's."""
    height = pair.partner.pelvis_height
    held = pair.hands.min((1, 2)) < 0.2
    return bool(
        height[:6].max() < _SEATED
        and height[-6:].min() > 1.02
        and longest_run(held) > 0.5
        and (held & (height < 0.95)).sum() > 4
        and (held & (height > 0.98)).any()
        and pair.actor.pelvis_height.min() > 0.9
    )


def _abreast(pair: Pair, least: float) -> bool:
    return bool(
        min(np.median(person.advancing) for person in pair.both) > least
        and np.median(pair.facing_cosine) > 0.7
        and abs(np.median(pair.actor_faces)) < 0.7
    )


def support(pair: Pair) -> bool:
    """Both walk abreast, an arm of each behind the other's back: one at the waist, one over the shoulders."""
    at_waist = pair.hand_to("Spine1").min(-1) < 0.27
    over = pair.swapped.hand_to("L_Shoulder", "R_Shoulder").min(-1) < 0.24
    return _abreast(pair, 0.2) and bool(
        fraction(at_waist) > 0.7
        and fraction(over) > 0.7
        and np.median(pair.gap) < 0.6
        and pair.actor.speed.mean() < 0.8
    )


def lead_by_the_arm(pair: Pair) -> bool:
    """Both walk abreast, a hand of the actor above the partner's elbow."""
    arm = [
        0.45 * pair.partner.joints[:, J[f"{side}_Shoulder"]] + 0.55 * pair.partner.joints[:, J[f"{side}_Elbow"]]
        for side in "LR"
    ]
    reach = np.linalg.norm(pair.actor.palms[:, :, None] - np.stack(arm, 1)[:, None], axis=-1).min((1, 2))
    return _abreast(pair, 0.4) and bool(
        fraction(reach < 0.19) > 0.5
        and fraction(pair.swapped.hand_to("L_Shoulder", "R_Shoulder", "Spine1", "Spine2").min(-1) < 0.24) < 0.2
        and np.median(pair.hands.min((1, 2))) > 0.2
    )


def _spread(person: Person, high: float) -> np.ndarray:
    """(T,) whether both arms are stretched out to the sides."""
    out = person.pose[:, [J["L_Wrist"], J["R_Wrist"]], 0] * np.array([1.0, -1.0])
    return np.asarray((out.min(-1) > 0.33) & (person.raised.min(-1) > high))


def _behind(pair: Pair, frames: np.ndarray) -> bool:
    """Whether the actor stands behind the partner's back, facing it."""
    return bool(
        frames.any() and np.median(pair.actor_faces[frames]) > 0.6 and np.median(pair.partner_faces[frames]) < -0.6
    )


def frisk(pair: Pair) -> bool:
    """From behind, both palms of the actor move down the sides of a partner whose arms are spread."""
    spread = _spread(pair.partner, -0.25)
    on = pair.hand_to("Spine3", "Spine2", "Spine1", "L_Shoulder", "R_Shoulder", "L_Hip", "R_Hip").max(-1) < 0.32
    both = spread & on
    return bool(
        longest_run(both) > 0.3
        and _behind(pair, both)
        and np.ptp(pair.actor.palms[on][:, :, 1].mean(-1)) > 0.25
        and np.median(pair.partner.speed) < 0.2
    )


def protect(pair: Pair) -> bool:
    """The actor stands before the partner with spread arms and the back to them; the partner touches the back."""
    spread = _spread(pair.actor, -0.62)
    touched = pair.swapped.hand_to("Spine3", "Spine2", "L_Shoulder", "R_Shoulder").min(-1) < 0.26
    both = spread & touched
    came = np.ptp(pair.actor.root, axis=0).max() > 0.4
    return bool(longest_run(both) > 0.5 and came and _behind(pair.swapped, both))


def sit_down_beside(pair: Pair) -> bool:
    """The partner sits; the actor comes to sit at the side of them, facing the same way."""
    height = pair.actor.pelvis_height
    return _seated(pair.partner) and bool(
        height[:6].min() > 1.0
        and height[-6:].max() < _SEATED
        and pair.gap[-1] < 1.0
        and pair.facing_cosine[-1] > 0.6
        and abs(pair.actor_faces[-1]) < 0.75
    )


def stand_up_and_leave(pair: Pair) -> bool:
    """The partner sits; the actor rises from a seat and walks away."""
    height = pair.actor.pelvis_height
    return _seated(pair.partner) and bool(
        height[:6].max() < _SEATED and height[-6:].min() > 1.0 and pair.gap[-1] - pair.gap[0] > 0.5
    )


CARING = {
    "comfort who cries": comfort,
    "kiss on the cheek": kiss_on_the_cheek,
    "pat a sitting one": pat_a_sitting_one,
    "propose with a ring": propose,
    "help up": help_up,
    "support while limping": support,
    "lead by the arm": lead_by_the_arm,
    "frisk": frisk,
    "protect behind the back": protect,
    "sit down beside": sit_down_beside,
    "stand up and leave": stand_up_and_leave,
}
"""Detectors of care and company, by kind."""
