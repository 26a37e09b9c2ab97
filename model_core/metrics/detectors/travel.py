"""Detectors of walks and runs next to, behind, past and around each other, and of dances."""

from __future__ import annotations

import numpy as np

from .contact import dance_in_hold, hug, pull
from .fights import push
from .measures import Pair, fraction, longest_run
from .signals import cheer
from .signs import laugh
from .sports import jog, play_tag

_RUNNING = 1.85
"""Metres per second from which people run."""


def _same_way(pair: Pair) -> bool:
    return bool(np.median(pair.facing_cosine) > 0.7 and min(np.median(person.advancing) for person in pair.both) > 0.4)


def _pace(pair: Pair) -> float:
    return float(np.mean([np.median(person.speed) for person in pair.both]))


def _abreast(pair: Pair) -> bool:
    return bool(_same_way(pair) and abs(np.median(pair.actor_faces)) < 0.65)


def _behind(pair: Pair) -> bool:
    return bool(_same_way(pair) and np.median(pair.actor_faces) > 0.7 and np.median(pair.partner_faces) < -0.7)


def _hand_in_hand(pair: Pair) -> bool:
    return any(fraction(pair.hands[:, mine, 1 - mine] < 0.2) > 0.6 for mine in (0, 1))


def _arm_around(pair: Pair) -> bool:
    near = pair.hand_to("L_Shoulder", "R_Shoulder").min(-1) < 0.24
    return longest_run(near) > 0.6


def walk_side_by_side(pair: Pair) -> bool:
    """Both walk abreast in the same direction, and touch neither hands nor shoulders for long."""
    other = pair.swapped
    return bool(
        _abreast(pair)
        and _pace(pair) < _RUNNING
        and np.median(pair.gap) < 1.4
        and not _hand_in_hand(pair)
        and not _arm_around(pair)
        and not _arm_around(other)
        and not jog(pair)
    )


def hold_hands_walking(pair: Pair) -> bool:
    """Both walk abreast with the inner hands joined."""
    return _abreast(pair) and _pace(pair) < _RUNNING and _hand_in_hand(pair)


def arm_around_the_shoulder(pair: Pair) -> bool:
    """Both walk abreast, a hand of one on a shoulder of the other."""
    return _abreast(pair) and _pace(pair) < _RUNNING and _arm_around(pair) and not _hand_in_hand(pair)


def race(pair: Pair) -> bool:
    """Both run abreast in the same direction."""
    games = any(game(one) for game in (jog, play_tag) for one in (pair, pair.swapped))
    return _abreast(pair) and _pace(pair) >= _RUNNING and not games


def follow(pair: Pair) -> bool:
    """Both walk in the same direction, one behind the other."""
    return _behind(pair) and _pace(pair) < _RUNNING


def chase(pair: Pair) -> bool:
    """Both run in the same direction, one behind the other."""
    return _behind(pair) and _pace(pair) >= _RUNNING


def walk_past(pair: Pair) -> bool:
    """Both walk in opposite directions, meet and part."""
    closest = int(pair.gap.argmin())
    return bool(
        np.median(pair.facing_cosine) < -0.6
        and min(np.median(person.advancing) for person in pair.both) > 0.4
        and pair.gap[0] > pair.gap[closest] + 0.8
        and pair.gap[-1] > pair.gap[closest] + 0.8
        and pair.partner_faces[0] > 0.5
        and pair.partner_faces[-1] < -0.3
    )


def circle(pair: Pair) -> bool:
    """Both circle around a point between them, face to face."""
    return bool(
        abs(pair.total_turn) > 1.1
        and min(np.median(pair.actor_faces), np.median(pair.partner_faces)) > 0.7
        and np.median(pair.gap) > 1.0
        and np.ptp(pair.gap) < 0.9
        and pair.hands.min() > 0.25
    )


def mirror_exercise(pair: Pair) -> bool:
    """Both face each other and move as each other's mirror image."""
    return bool(
        np.median(pair.facing_cosine) < 0.3
        and pair.pose_difference(True) < 0.09
        and 1.3 < pair.gap.min() < 2.6
        and min(person.hand_speed.max(-1).mean() for person in pair.both) > 0.43
        and min(fraction(person.raised.max(-1) > -0.25) for person in pair.both) > 0.7
        and not cheer(pair)
        and max(np.median(person.speed) for person in pair.both) < 0.8
        and max(np.median(person.pelvis_height) for person in pair.both) > 0.9
    )


def dance_in_unison(pair: Pair) -> bool:
    """Both move alike, facing the same direction, and stay next to each other."""
    return bool(
        np.median(pair.facing_cosine) > 0.8
        and pair.pose_difference(False) < 0.1
        and 1.1 < np.median(pair.gap) < 2.6
        and np.ptp(pair.gap) < 0.8
        and _pace(pair) < 1.3
        and min(person.hand_speed.max(-1).mean() for person in pair.both) > 0.2
        and min(fraction(person.raised.max(-1) > -0.3) for person in pair.both) > 0.5
    )


def salsa(pair: Pair) -> bool:
    """A couple within arm's reach whose feet and hands hardly rest, without walking anywhere together."""
    return bool(
        np.median(pair.gap) < 1.35
        and min(fraction(person.stepping > 0.3) for person in pair.both) > 0.35
        and min(person.stepping.mean() for person in pair.both) > 0.33
        and fraction(pair.hands.min((1, 2)) < 0.5) > 0.3
        and pair.gap.max() < 2.2
        and not _same_way(pair)
        and not dance_in_hold(pair)
        and not hug(pair)
        and not pull(pair)
        and not pull(pair.swapped)
        and not push(pair)
        and not push(pair.swapped)
        and not laugh(pair)
    )


TRAVEL = {
    "walk side by side": walk_side_by_side,
    "hold hands walking": hold_hands_walking,
    "arm around the shoulder walking": arm_around_the_shoulder,
    "walk towards and pass": walk_past,
    "follow": follow,
    "chase": chase,
    "race": race,
    "circle each other": circle,
    "mirror each other's exercise": mirror_exercise,
    "dance in unison": dance_in_unison,
    "salsa": salsa,
}
"""Detectors of walking, running and dancing, by kind."""
