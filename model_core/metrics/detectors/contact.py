"""Detectors of hands that touch hands, shoulders, backs and ears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...motion.types import FPS
from .fights import block
from .measures import Pair, Person, count_reversals, count_runs, fraction, longest_run
from .sports import sneak_up
from .striking import grapple

_NEAR = 0.2
"""Metres between palms, or a palm and a joint, that count as touching: generated hands can be off by centimetres."""

_CARRIED = -0.42
"""Metres relative to the shoulder above which a palm carries something; below, the arm hangs."""


@dataclass(frozen=True)
class Meeting:
    """The two hands that come closest to each other.

    Attributes:
        hands: left (0) or right (1) hand of the actor and of the partner.
        frame: frame in which they are closest.
        near: (T,) whether they touch.
        seconds: of the longest touch.
        raised: mean metres of both hands above their shoulders in that frame.
        travel: metres that the actor and the partner move over the floor from the first touch to the last.
    """

    hands: tuple[int, int]
    frame: int
    near: np.ndarray
    seconds: float
    raised: float
    travel: tuple[float, float]


def meeting(pair: Pair) -> Meeting | None:
    """The meeting of two hands, or None if they never touch."""
    distance = pair.hands.reshape(len(pair.gap), 4)
    frame, which = np.unravel_index(int(distance.argmin()), distance.shape)
    near = distance[:, which] < _NEAR
    if not near.any():
        return None
    mine, other = divmod(int(which), 2)
    raised = 0.5 * (pair.actor.raised[frame, mine] + pair.partner.raised[frame, other])
    inside = np.flatnonzero(near)
    first, second = (float(np.linalg.norm(p.root[inside[-1]] - p.root[inside[0]])) for p in pair.both)
    return Meeting((mine, other), int(frame), near, longest_run(near), float(raised), (first, second))


def _face_to_face(pair: Pair, frames: np.ndarray | int, minimum: float = 0.6) -> bool:
    return bool(np.median(pair.actor_faces[frames]) > minimum and np.median(pair.partner_faces[frames]) > minimum)


def _walk_together(pair: Pair) -> bool:
    return bool(min(np.median(person.advancing) for person in pair.both) > 0.4 and np.median(pair.facing_cosine) > 0.7)


def both_palms(pair: Pair) -> np.ndarray:
    """(T,) whether both palms of one person touch both palms of the other."""
    crossed = np.maximum(pair.hands[:, 0, 1], pair.hands[:, 1, 0])
    same = np.maximum(pair.hands[:, 0, 0], pair.hands[:, 1, 1])
    return np.minimum(crossed, same) < 0.18


def _on_back(pair: Pair) -> np.ndarray:
    """(T,) whether a palm of the actor touches the partner's shoulder, back or waist."""
    return pair.hand_to("Spine3", "L_Shoulder", "R_Shoulder", "Spine2", "Neck").min(-1) < 0.24


def _pumping(pair: Pair, met: Meeting) -> int:
    inside = np.flatnonzero(met.near)
    height = pair.actor.palms[inside[0] : inside[-1] + 1, met.hands[0], 1]
    return count_reversals(height, 0.018)


def _held(pair: Pair, met: Meeting) -> bool:
    """Whether one hand carries before the meeting and the other one afterwards, while the free hands hang."""
    inside = np.flatnonzero(met.near)
    before = slice(0, max(inside[0] - 2, 0) + 1)
    after = slice(min(inside[-1] + round(0.7 * FPS), len(met.near) - 1), None)
    mine, other = met.hands

    def carries(person: Person, hand: int, frames: slice) -> bool:
        ahead, height = person.in_front[frames, hand], person.raised[frames, hand]
        return bool(np.median(ahead) > 0.16 and np.median(height) > _CARRIED)

    free = max(
        np.median(pair.actor.raised[:, 1 - mine]),
        np.median(pair.partner.raised[:, 1 - other]),
        np.median(pair.actor.raised[after, mine]),
    )
    return bool(carries(pair.actor, mine, before) and carries(pair.partner, other, after) and free < _CARRIED + 0.05)


def shake_hands(pair: Pair) -> bool:
    """Two hands below the shoulders move up and down together while both people stay in place."""
    met = meeting(pair)
    return (
        met is not None
        and met.seconds >= 0.8
        and -0.48 < met.raised < -0.2
        and max(met.travel) < 0.35
        and _face_to_face(pair, met.frame)
        and pair.gap[met.frame] > 0.6
        and _pumping(pair, met) >= 2
        and not _walk_together(pair)
    )


def hand_over(pair: Pair) -> bool:
    """A carrying hand meets one that carries afterwards."""
    met = meeting(pair)
    return (
        met is not None
        and pair.hands.min() < 0.16
        and 0.2 <= met.seconds <= 1.8
        and -0.5 < met.raised < -0.15
        and max(met.travel) < 0.35
        and _face_to_face(pair, met.frame)
        and _held(pair, met)
        and _pumping(pair, met) < 2
    )


def pull(pair: Pair) -> bool:
    """The actor walks backwards holding the partner's hand, and the partner follows."""
    met = meeting(pair)
    if met is None or met.seconds < 1.0 or not _face_to_face(pair, met.near):
        return False
    backwards = pair.actor.advancing[met.near].min() < -0.25
    if max(person.stepping.mean() for person in pair.both) > 1.2:
        return False
    return bool(
        backwards and min(met.travel) > 0.45 and met.raised < -0.1 and not _on_back(pair)[met.near].mean() > 0.3
    )


def fist_bump(pair: Pair) -> bool:
    """Two hands meet in front of the chest for a moment, the others hang."""
    met = meeting(pair)
    if met is None or not met.seconds < 0.9 or not -0.3 < met.raised < 0.03 or count_runs(met.near) > 1:
        return False
    mine, other = met.hands
    hanging = max(pair.actor.raised[met.frame, 1 - mine], pair.partner.raised[met.frame, 1 - other]) < -0.38
    return bool(
        hanging
        and pair.hands.min() < 0.17
        and _face_to_face(pair, met.frame)
        and pair.gap[met.frame] > 0.72
        and not hand_over(pair)
        and not hand_over(pair.swapped)
        and pair.hand_to("Head", "Spine3", "Spine1").min() > 0.3
        and not _walk_together(pair)
    )


def high_five(pair: Pair) -> bool:
    """Two palms meet above the shoulders for a moment."""
    met = meeting(pair)
    if met is None:
        return False
    others = (pair.actor.raised[met.frame, 1 - met.hands[0]], pair.partner.raised[met.frame, 1 - met.hands[1]])
    return bool(
        max(others) < -0.2
        and met.raised > 0.03
        and met.seconds < 1.2
        and count_runs(met.near) == 1
        and _face_to_face(pair, met.frame)
        and pair.gap[met.frame] > 0.6
        and longest_run(both_palms(pair)) < 0.1
    )


def high_ten(pair: Pair) -> bool:
    """Both palms of each meet above the shoulders, once."""
    met, both = meeting(pair), both_palms(pair)
    return (
        met is not None
        and met.raised > 0.02
        and 0.1 <= longest_run(both) < 1.2
        and count_runs(both) == 1
        and _face_to_face(pair, met.frame)
        and pair.gap[met.frame] > 0.6
        and not block(pair)
        and not block(pair.swapped)
    )


def clapping(pair: Pair) -> bool:
    """Both palms of each meet repeatedly in front of the chest."""
    both, nearest = both_palms(pair), pair.hands.min((1, 2)) < _NEAR
    return bool(
        count_runs(both) >= 2
        and count_runs(nearest) >= 2
        and _face_to_face(pair, both, 0.7)
        and max(person.speed.mean() for person in pair.both) < 0.3
        and not grapple(pair)
    )


def _embraces(pair: Pair) -> np.ndarray:
    """(T,) whether a palm of the actor touches the partner's trunk."""
    return pair.hand_to("Spine1", "Spine2", "Spine3", "L_Shoulder", "R_Shoulder", "Neck").min(-1) < 0.28


def hug(pair: Pair) -> bool:
    """Each has an arm around the other, heads next to each other."""
    other = pair.swapped
    embraced = _embraces(pair) & _embraces(other) & (pair.gap < 0.75) & (pair.heads < 0.6)
    return bool(
        longest_run(embraced) > 0.5
        and max(person.stepping[embraced].mean() for person in pair.both) < 0.45
        and fraction(embraced) < 0.9
        and _face_to_face(pair, embraced)
        and longest_run(pair.hands.min((1, 2)) < 0.14) < 1.5
        and max(pair.gap[0], pair.gap[-1]) > 0.75
        and not whisper(pair)
        and not whisper(other)
        and not grapple(pair)
        and not grapple(other)
    )


def dance_in_hold(pair: Pair) -> bool:
    """One pair of hands joined, the other hand on the partner's back, with steps throughout."""
    met = meeting(pair)
    return (
        met is not None
        and fraction(met.near) > 0.75
        and met.raised > -0.3
        and fraction(_on_back(pair)) > 0.7
        and fraction(_face_to_face_frames(pair)) > 0.8
        and min(person.stepping.mean() for person in pair.both) > 0.08
    )


def _face_to_face_frames(pair: Pair) -> np.ndarray:
    return (pair.actor_faces > 0.6) & (pair.partner_faces > 0.6)


def _shoulder(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """(T,) whether a palm of the actor touches a shoulder of the partner, and (T,) the height of that palm."""
    distance = pair.hand_to("L_Shoulder", "R_Shoulder")
    hand = int(distance.min(0).argmin())
    return distance[:, hand] < 0.22, pair.actor.palms[:, hand, 1]


def pat_on_the_shoulder(pair: Pair) -> bool:
    """A palm repeatedly comes down on the partner's shoulder, face to face."""
    on, height = _shoulder(pair)
    if longest_run(on) < 0.25 or not _face_to_face(pair, on, 0.4) or _walk_together(pair):
        return False
    back = _on_back(pair.swapped)
    inside = np.flatnonzero(on)
    pats = count_reversals(height[inside[0] : inside[-1] + 1], 0.025)
    return bool(
        pats >= 1
        and longest_run(back) < 0.2
        and pair.heads[on].min() > 0.3
        and pair.retreat(int(inside[-1])) < 0.25
        and max(person.stepping[on].mean() for person in pair.both) < 0.35
        and not whisper(pair)
    )


def tap_from_behind(pair: Pair) -> bool:
    """A palm on the shoulder of a partner who faces away and then turns around."""
    on, _ = _shoulder(pair)
    if not on.any() or np.median(pair.partner_faces[on]) > -0.4 or np.median(pair.actor_faces[on]) < 0.5:
        return False
    last = int(np.flatnonzero(on)[-1])
    turned = abs(pair.partner.heading[-1] - pair.partner.heading[last])
    return bool(
        turned > 1.4
        and longest_run(on) < 2.0
        and pair.partner.stepping[on].mean() < 0.4
        and pair.partner_faces[-1] > 0.3
        and pair.actor.advancing[on].mean() < 0.4
        and not sneak_up(pair)
    )


def whisper(pair: Pair) -> bool:
    """A mouth near the partner's ear, with a hand next to it."""
    near = (pair.heads < 0.5) & (pair.hand_to("Head").min(-1) < 0.34)
    return bool(
        longest_run(near) > 0.6
        and np.median(pair.actor_faces[near]) > 0.6
        and np.median(pair.partner_faces[near]) < 0.8
        and abs(np.median(pair.facing_cosine[near])) < 0.8
        and max(person.speed[near].mean() for person in pair.both) < 0.35
    )


CONTACT = {
    "shake hands": shake_hands,
    "high five": high_five,
    "two-handed high five": high_ten,
    "fist bump": fist_bump,
    "hug": hug,
    "pat on the shoulder": pat_on_the_shoulder,
    "tap on the shoulder from behind": tap_from_behind,
    "whisper in the ear": whisper,
    "hand over an object": hand_over,
    "pull by the hand": pull,
    "dance in hold": dance_in_hold,
    "play clapping hands": clapping,
}
"""Detectors of interactions with touching hands, by kind."""
