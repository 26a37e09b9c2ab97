"""Detectors of pushes, punches, kicks and fights."""

from __future__ import annotations

import numpy as np

from ...motion.types import FPS
from .measures import J, Pair, fraction, longest_run
from .sports import tug_of_war
from .striking import dodge, hook, knock_down, slap, uppercut


def _body_hits(pair: Pair) -> np.ndarray:
    """(T, 2) metres from each palm of the actor to the partner's head, chest or belly."""
    return pair.hand_to("Head", "Spine3", "Spine2", "Spine1", "Neck")


def _staggers(pair: Pair, frame: int, minimum: float) -> bool:
    return pair.retreat(max(frame - 2, 0)) > minimum


def push(pair: Pair) -> bool:
    """Both palms on the partner's chest for a moment, and the partner moves back."""
    palms = pair.hand_to("Spine3", "L_Collar", "R_Collar", "Neck", "Spine2", "L_Shoulder", "R_Shoulder")
    on = palms.max(-1) < 0.32
    restless = max(person.stepping.mean() for person in pair.both) > 0.95
    if not 0.2 < longest_run(on) < 1.0 or pair.heads[on].min() < 0.3 or restless:
        return False
    last = int(np.flatnonzero(on)[-1])
    return bool(
        _staggers(pair, last, 0.22)
        and pair.actor_faces[last] > 0.6
        and pair.partner_faces[last] > 0.6
        and not knock_down(pair)
        and not uppercut(pair)
    )


def _closest_strike(pair: Pair, distance: np.ndarray) -> tuple[int, int]:
    """Frame and hand of a fist's closest approach, given distances (T, 2)."""
    frame, hand = np.unravel_index(int(distance.argmin()), distance.shape)
    return int(frame), int(hand)


def _wound_up(pair: Pair, frame: int, hand: int) -> bool:
    """Whether the fist is drawn back before it strikes."""
    before = slice(max(frame - round(0.8 * FPS), 0), frame + 1)
    return bool(pair.actor.hand_speed[before, hand].max() > 2.2 and pair.actor.in_front[before, hand].min() < 0.17)


def punch(pair: Pair) -> bool:
    """A fist strikes head or trunk for a moment; the partner moves back. The other hand stays away."""
    distance = _body_hits(pair)
    frame, hand = _closest_strike(pair, distance)
    on = distance[:, hand] < 0.34
    return bool(
        on.any()
        and longest_run(on) < 0.9
        and _wound_up(pair, frame, hand)
        and max(np.median(person.speed) for person in pair.both) < 0.5
        and max(person.hand_speed.max(-1).mean() for person in pair.both) < 1.2
        and distance[frame, 1 - hand] > 0.36
        and pair.actor_faces[frame] > 0.5
        and pair.partner_faces[frame] > 0.4
        and _staggers(pair, frame, 0.2)
        and not any(other(pair) for other in (slap, hook, uppercut))
    )


def block(pair: Pair) -> bool:
    """A fist strikes a raised forearm and nothing else; the partner hardly moves back."""
    joints = pair.partner.joints
    forearms = 0.5 * (joints[:, [J["L_Elbow"], J["R_Elbow"]]] + joints[:, [J["L_Wrist"], J["R_Wrist"]]])
    distance = np.linalg.norm(pair.actor.palms[:, :, None] - forearms[:, None], axis=-1)
    frame, hand, arm = np.unravel_index(int(distance.argmin()), distance.shape)
    return bool(
        distance.min() < 0.22
        and longest_run(distance[:, hand, arm] < 0.25) < 0.9
        and pair.partner.raised[frame, arm] > -0.12
        and _wound_up(pair, int(frame), int(hand))
        and distance.min() < pair.hands.min() + 0.02
        and min(_body_hits(pair).min(), _body_hits(pair.swapped).min()) > 0.22
        and max(person.trunk_lean.max() for person in pair.both) < 30
        and not push(pair)
        and not push(pair.swapped)
        and _body_hits(pair)[frame, 1 - hand] > 0.36
        and pair.retreat(int(frame)) < 0.3
        and pair.actor_faces[frame] > 0.5
        and pair.partner_faces[frame] > 0.5
        and max(person.speed.mean() for person in pair.both) < 0.45
        and not dodge(pair)
    )


def kick(pair: Pair) -> bool:
    """A foot swings up towards the partner, who moves back."""
    foot = np.where(pair.actor.kicking > 0.35, pair.actor.toes, 0.0).max(-1)
    frame = int(foot.argmax())
    early = max(frame - round(0.45 * FPS), 0)
    return bool(
        foot[frame] > 0.33
        and 0.8 < pair.gap[frame] < 2.0
        and pair.actor_faces[frame] > 0.6
        and pair.partner_faces[frame] > 0.5
        and pair.retreat(early, 1.5) > 0.25
        and pair.partner.toes.max() < 0.3
        and min(person.pelvis_height.min() for person in pair.both) > 1.0
        and longest_run(foot > 0.3) < 0.9
        and pair.actor.speed.mean() < 0.6
    )


def _fierce(pair: Pair, minimum: float, together: float = 0.0) -> bool:
    """Whether the mean m/s of each person's faster hand is over ``minimum``, and their average over ``together``."""
    speeds = [float(person.hand_speed.max(-1).mean()) for person in pair.both]
    return min(speeds) > minimum and sum(speeds) / 2 > together


def _not_in_step(pair: Pair) -> bool:
    return pair.pose_difference(True) > 0.07 and pair.pose_difference(False) > 0.07


def box(pair: Pair) -> bool:
    """Fast hands at arm's length, feet that keep moving and stay low."""
    return bool(
        _fierce(pair, 0.75, together=1.3)
        and 0.8 < np.median(pair.gap) < 1.6
        and min(person.stepping.mean() for person in pair.both) > 0.35
        and np.median(pair.facing_cosine) < 0.7
        and max(np.median(pair.actor_faces), np.median(pair.partner_faces)) > 0.3
        and min(person.pelvis_height.min() for person in pair.both) < 1.05
        and max(person.trunk_lean.max() for person in pair.both) < 45
        and max(longest_run(person.raised.max(-1) > 0.05) for person in pair.both) < 0.7
        and max(person.toes.max() for person in pair.both) < 0.25
    )


def sword_fight(pair: Pair) -> bool:
    """Fast, wide strikes of the arms at a sword's length, feet almost in place."""
    return bool(
        _fierce(pair, 1.1)
        and 1.35 < np.median(pair.gap) < 2.1
        and max(person.stepping.mean() for person in pair.both) < 0.35
        and np.median(pair.facing_cosine) < 0.95
        and min(person.pelvis_height.min() for person in pair.both) < 1.16
        and min(longest_run(person.raised.max(-1) > 0.05) for person in pair.both) > 0.15
        and _not_in_step(pair)
    )


def spar(pair: Pair) -> bool:
    """Low stances and strikes or kicks at some distance, mostly face to face; hands slower than a boxer's."""
    low = min(person.pelvis_height.min() for person in pair.both)
    return bool(
        max(person.pelvis_height.min() for person in pair.both) < 1.02
        and low > 0.5
        and np.median(pair.gap) > 0.65
        and np.median(pair.facing_cosine) < 0.7
        and max(np.median(pair.actor_faces), np.median(pair.partner_faces)) > 0.0
        and not box(pair)
        and not sword_fight(pair)
        and max(person.trunk_lean.max() for person in pair.both) < 42
        and max(person.pelvis_height.max() for person in pair.both) > 0.95
        and min(person.stepping.mean() for person in pair.both) > 0.1
        and _not_in_step(pair)
        and not tug_of_war(pair)
    )


def kick_a_ball(pair: Pair) -> bool:
    """Both swing a foot forward in place, far apart."""

    def kicks(person: int) -> bool:
        mover = pair.both[person]
        return bool((np.where(mover.kicking > 0.2, mover.toes, 0.0) > 0.09).any())

    return bool(
        pair.gap.min() > 2.2
        and np.ptp(pair.gap) < 0.7
        and max(np.median(person.raised.max(-1)) for person in pair.both) < -0.25
        and kicks(0)
        and kicks(1)
        and max(np.ptp(person.root, axis=0).max() for person in pair.both) < 0.6
        and fraction(pair.actor_faces > 0.6) > 0.8
    )


FIGHTS = {
    "push and stagger": push,
    "punch and recoil": punch,
    "kick and step back": kick,
    "block a punch": block,
    "box": box,
    "sword fight": sword_fight,
    "martial-arts sparring": spar,
    "kick a ball to each other": kick_a_ball,
}
"""Detectors of fights and kicks, by kind."""
