"""Stage 6: hands that touch the partner keep touching, and hands that come to touch him arrive."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..motion.rotations import normalized
from ..motion.skeleton import SMPL
from .capsules import CAPSULES, L_PALM, PALM_RADIUS, R_PALM, Capsule, nearest_on_segments
from .contacts import faded, rests, speeds, velocities
from .filters import blurred, covered, eased
from .hands import WRISTS
from .limbs import ARMS
from .settings import SolveSettings

_TOUCH = (0.12, 0.18)
"""Metres between a wrist and a partner's joint: up to the first they touch, at the second nothing binds them."""
_PALMS = (L_PALM, R_PALM)
_ENTERS, _STAYS = 0.3, 0.6
"""m/s between hand and partner: slower than the first a hand has come to rest on him, up to the second it goes on."""
_APPROACH = 0.08
"""Metres by which a hand must have come nearer, or go away afterwards, for its rest to be meant for the partner."""
_APPROACH_TIME = 1.0
"""Seconds before and after in which it does so."""
_OWN_PLAY = 0.04
"""Metres: a hand at rest that comes and goes by less is held in touch; what is more stays visible."""
_HANGING = 0.9
"""Cosine to straight down of both parts of an arm that hangs and reaches for nothing."""
_LIES = 0.02
"""Metres between the skins of a palm and of the forearm that it lies on."""
_AIMED = 0.04
"""Metres by which a palm is nearer to a forearm of the partner than to his palm if it is meant for the forearm."""


def kept_touch(before: np.ndarray, after: np.ndarray, held: int | None) -> np.ndarray:
    """How wrists must move for the clean-up not to have moved them against the partner they touch.

    Args:
        before: (2, T, 22, 3) joints before the clean-up.
        after: (2, T, 22, 3) joints after it.
        held: index of a person whose hands stay.

    Returns:
        (2, T, 2, 3) metres, left and right wrist.
    """
    moved = after - before
    near = np.linalg.norm(before[0][:, :, None] - before[1][:, None], axis=-1)
    near = 1 - eased((near - _TOUCH[0]) / (_TOUCH[1] - _TOUCH[0]))
    moves = np.zeros((*before.shape[:2], 2, 3))
    for person, weights in ((0, near), (1, np.swapaxes(near, 1, 2))):
        if person == held:
            continue
        partner = 1 - person
        # Two hands go half of the way each.
        share = np.ones(before.shape[2])
        if held is None:
            share[list(WRISTS)] = 0.5
        weight = weights[:, WRISTS]
        apart = moved[partner][:, None] - moved[person][:, WRISTS, None]
        total = (weight[..., None] * share[:, None] * apart).sum(2)
        moves[person] = total / np.maximum(weight.sum(2), 1.0)[..., None]
    return moves


def closing_moves(points: np.ndarray, fps: float, settings: SolveSettings) -> np.ndarray:
    """How wrists must move for hands that come to rest close to the partner to rest on him.

    Args:
        points: (2, T, 25, 3) of ``capsules.body_points``.
        fps: frames a second.
        settings: how near, and how long a way in and out.

    Returns:
        (2, T, 2, 3) metres, left and right wrist.
    """
    moves = np.zeros((2, points.shape[1], 2, 3))
    reaching = _reaching(points)
    to_forearm = _to_forearm(points)
    busy = np.zeros(reaching.shape, dtype=bool)
    share = 0.5 if settings.held is None else float(settings.held)
    for left in (0, 1):
        for right in (0, 1):
            usable = reaching[0][:, left] | reaching[1][:, right]
            way, weight = _to_hand(points, left, right, usable, to_forearm, fps, settings)
            moves[0][:, left] += share * way
            moves[1][:, right] -= (1 - share) * way
            busy[0][:, left] |= weight > 0
            busy[1][:, right] |= weight > 0
    for person in (0, 1):
        if person == settings.held:
            continue
        for hand in (0, 1):
            usable = reaching[person][:, hand] & ~busy[person][:, hand]
            moves[person][:, hand] += _to_body(points, person, hand, usable, to_forearm, fps, settings)
    return moves


def _reaching(points: np.ndarray) -> np.ndarray:
    """(2, T, 2) hands whose arm does not just hang."""
    result = []
    for arm in ARMS:
        upper = normalized(points[:, :, arm.hinge] - points[:, :, arm.upper])[..., 1]
        lower = normalized(points[:, :, arm.end] - points[:, :, arm.hinge])[..., 1]
        result.append((upper > -_HANGING) | (lower > -_HANGING))
    return np.stack(result, -1)


def _arm_touches(points: np.ndarray, person: int, hand: int) -> np.ndarray:
    """(T,) frames in which an elbow or wrist is as near to a joint of the partner as touching joints are."""
    own = points[person][:, (ARMS[hand].hinge, ARMS[hand].end), None]
    partner = points[1 - person][:, None, : len(SMPL)]
    return np.linalg.norm(own - partner, axis=-1).min(axis=(1, 2)) < _TOUCH[0]


def _to_hand(
    points: np.ndarray,
    left: int,
    right: int,
    usable: np.ndarray,
    to_forearm: np.ndarray,
    fps: float,
    settings: SolveSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """The way (T, 3) from the first person's palm to the second's where they rest, and how much of it (T,) is gone."""
    between = points[1][:, _PALMS[right]] - points[0][:, _PALMS[left]]
    gap = np.linalg.norm(between, axis=-1) - 2 * PALM_RADIUS
    # A blow that is parried rests on a forearm, and near a hand only by chance.
    parried = np.minimum(to_forearm[0][:, left], to_forearm[1][:, right]) < gap - _AIMED
    speed = speeds(between[None], fps)[0]
    joined = _arm_touches(points, 0, left) | _arm_touches(points, 1, right) | parried
    runs = _meetings(gap, speed, usable, joined, fps, settings, lasting=True)
    ways = [_remaining(gap[start:stop], between[start:stop], settings) for start, stop in runs]
    return _blended(ways, runs, len(gap), fps, settings)


def _to_body(
    points: np.ndarray,
    person: int,
    hand: int,
    usable: np.ndarray,
    to_forearm: np.ndarray,
    fps: float,
    settings: SolveSettings,
) -> np.ndarray:
    """The way (T, 3) from a palm to the partner's skin where it rests on him."""
    capsules = [capsule for capsule in CAPSULES if capsule.part != "hand"]
    partner, palm = points[1 - person], points[person][:, _PALMS[hand]]
    starts, stops = partner[:, [c.start for c in capsules]], partner[:, [c.stop for c in capsules]]
    share, between, gaps = _to_skin(palm, partner, capsules)
    for fist, arm in enumerate(ARMS):
        # An arm whose fist is parried comes for a blow, not to be taken.
        parried = to_forearm[1 - person][:, fist] < _LIES
        parried = covered(parried.astype(float), _blend_frames(fps, settings)) > 0
        his = np.array([(c.start, c.stop) in ((arm.upper, arm.hinge), (arm.hinge, arm.end)) for c in capsules])
        gaps[np.ix_(parried, his)] = np.inf
    frames, nearest = np.arange(len(gaps)), gaps.argmin(1)
    # The speed over his skin, not that of the nearest place, which runs along with the hand.
    flow = (1 - share) * velocities(starts[None], fps)[0] + share * velocities(stops[None], fps)[0]
    speed = np.linalg.norm(flow[frames, nearest] - velocities(palm[None], fps)[0], axis=-1)
    joined = _arm_touches(points, person, hand)
    runs = _meetings(gaps.min(1), speed, usable, joined, fps, settings, lasting=False)
    ways = []
    for start, stop in runs:
        chosen = int(np.median(gaps[start:stop], axis=0).argmin())
        ways.append(_remaining(gaps[start:stop, chosen], between[start:stop, chosen], settings))
    return _blended(ways, runs, len(gaps), fps, settings)[0]


def _to_skin(
    palm: np.ndarray, partner: np.ndarray, capsules: Sequence[Capsule]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From a palm (T, 3) to C capsules of somebody with points (T, 25, 3).

    Returns:
        How far along each capsule its nearest place is (T, C, 1), the way to there (T, C, 3) and the gap between both
        skins (T, C), metres.
    """
    starts, stops = partner[:, [c.start for c in capsules]], partner[:, [c.stop for c in capsules]]
    share = nearest_on_segments(palm[:, None], starts, stops)[..., None]
    between = starts + share * (stops - starts) - palm[:, None]
    gaps = np.linalg.norm(between, axis=-1) - np.array([c.radius for c in capsules]) - PALM_RADIUS
    return share, between, gaps


def _to_forearm(points: np.ndarray) -> np.ndarray:
    """(2, T, 2) metres between the skin of each palm and that of the partner's nearer forearm."""
    ends = [(arm.hinge, arm.end) for arm in ARMS]
    forearms = [capsule for capsule in CAPSULES if (capsule.start, capsule.stop) in ends]
    return np.stack(
        [
            np.stack([_to_skin(own[:, palm], partner, forearms)[2].min(1) for palm in _PALMS], -1)
            for own, partner in (points, points[::-1])
        ]
    )


def _meetings(
    gap: np.ndarray,
    speed: np.ndarray,
    usable: np.ndarray,
    joined: np.ndarray,
    fps: float,
    settings: SolveSettings,
    lasting: bool,
) -> np.ndarray:
    """Runs of frames (N, 2) in which a hand rests near the partner and means it.

    It means it if it came from further away or goes there afterwards; ``lasting`` rests through a whole clip count
    too. Runs with frames in ``joined`` (T,) in or beside them touch already.
    """
    enter = usable & (gap < settings.closing_distance) & (speed < _ENTERS)
    stay = usable & (gap < settings.closing_distance + 0.02) & (speed < _STAYS)
    window, blend = round(_APPROACH_TIME * fps), _blend_frames(fps, settings)
    runs = []
    for start, stop in rests(enter, stay, round(0.1 * fps)):
        if stop - start < 0.1 * fps or joined[max(start - blend, 0) : stop + blend].any():
            continue
        nearest = gap[start:stop].min()
        around = gap[max(start - window, 0) : stop + window]
        whole = lasting and start == 0 and stop == len(gap)
        if whole or around.max() - max(nearest, 0.0) > _APPROACH:
            runs.append((start, stop))
    return np.array(runs, dtype=int).reshape(-1, 2)


def _remaining(gap: np.ndarray, between: np.ndarray, settings: SolveSettings) -> np.ndarray:
    """The way (N, 3) to go in the frames of one meeting so that it touches where it was nearest."""
    open_gap = np.maximum(gap, 0.0)
    nearest = open_gap.min()
    length = np.minimum(nearest + np.minimum(open_gap - nearest, _OWN_PLAY), settings.closing_distance)
    return blurred((normalized(between) * length[:, None]).T, 2).T


def _blended(
    ways: list[np.ndarray], runs: np.ndarray, frames: int, fps: float, settings: SolveSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Ways of all runs in one curve (T, 3), blended in and out, and its weight (T,)."""
    whole = np.zeros((frames, 3))
    for (start, stop), way in zip(runs, ways, strict=True):
        whole[start:stop] = way
    whole, weight = faded(whole, runs, _blend_frames(fps, settings))
    return whole * weight[:, None], weight


def _blend_frames(fps: float, settings: SolveSettings) -> int:
    return max(1, round(settings.closing_blend * fps))
