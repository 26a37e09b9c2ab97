"""Keeps hands in contact with the partner that they touch, and closes the gap of hands that almost touch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..motion.rotations import normalized
from ..motion.skeleton import SMPL
from .capsules import CAPSULES, L_PALM, PALM_RADIUS, R_PALM, Capsule, nearest_on_segments
from .contacts import fade_outside_runs, hysteresis_runs, speeds, velocities
from .filters import hann_smoothed, smoothstep, upper_envelope
from .hands import WRISTS
from .limbs import ARMS
from .settings import SolveSettings

_TOUCH = (0.12, 0.18)
"""Metres between a wrist and a joint of the partner: full contact up to the first, none from the second on."""
_PALMS = (L_PALM, R_PALM)
_ENTER_SPEED, _STAY_SPEED = 0.3, 0.6
"""m/s of a hand relative to the partner: below the first it starts to rest, up to the second it continues to."""
_APPROACH = 0.08
"""Metres by which a hand must approach before or leave after its rest, so that the rest counts as contact."""
_APPROACH_TIME = 1.0
"""Seconds before and after the rest for that."""
_REMOVED_PLAY = 0.04
"""Metres of movement of a resting hand that are removed to keep it in contact; larger movements stay visible."""
_HANGING = 0.9
"""Cosine between straight down and both bones of an arm that hangs."""
_ON_FOREARM = 0.02
"""Metres between the skins of a palm and of the forearm that it touches."""
_PARRY_MARGIN = 0.04
"""Metres by which a palm is closer to the partner's forearm than to the palm if it touches the forearm."""


def touch_restoring_moves(before: np.ndarray, after: np.ndarray, held: int | None) -> np.ndarray:
    """Moves of wrists that restore their place relative to the partner whom they touch, which the clean-up changed.

    Args:
        before: (2, T, 22, 3) joints before the clean-up.
        after: (2, T, 22, 3) joints after it.
        held: index of a person whose hands stay.

    Returns:
        (2, T, 2, 3) metres, left and right wrist.
    """
    change = after - before
    near = np.linalg.norm(before[0][:, :, None] - before[1][:, None], axis=-1)
    near = 1 - smoothstep((near - _TOUCH[0]) / (_TOUCH[1] - _TOUCH[0]))
    moves = np.zeros((*before.shape[:2], 2, 3))
    for person, weights in ((0, near), (1, np.swapaxes(near, 1, 2))):
        if person == held:
            continue
        partner = 1 - person
        # Each of two hands moves by half.
        share = np.ones(before.shape[2])
        if held is None:
            share[list(WRISTS)] = 0.5
        weight = weights[:, WRISTS]
        gap_change = change[partner][:, None] - change[person][:, WRISTS, None]
        total = (weight[..., None] * share[:, None] * gap_change).sum(2)
        moves[person] = total / np.maximum(weight.sum(2), 1.0)[..., None]
    return moves


def closing_moves(points: np.ndarray, fps: float, settings: SolveSettings) -> np.ndarray:
    """Moves of wrists that bring hands that rest close to the partner into contact.

    Args:
        points: (2, T, 25, 3) of ``capsules.body_points``.
        fps: frames per second.
        settings: distance and blending of contacts.

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
            displacement, weight = _to_hand(points, left, right, usable, to_forearm, fps, settings)
            moves[0][:, left] += share * displacement
            moves[1][:, right] -= (1 - share) * displacement
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
    """(2, T, 2) true for hands whose arm does not hang."""
    result = []
    for arm in ARMS:
        upper = normalized(points[:, :, arm.hinge] - points[:, :, arm.upper])[..., 1]
        lower = normalized(points[:, :, arm.end] - points[:, :, arm.hinge])[..., 1]
        result.append((upper > -_HANGING) | (lower > -_HANGING))
    return np.stack(result, -1)


def _arm_touches(points: np.ndarray, person: int, hand: int) -> np.ndarray:
    """(T,) true for frames in which an elbow or wrist touches a joint of the partner."""
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
    """Displacement (T, 3) from the first person's palm to the second's where they rest, and its weight (T,)."""
    between = points[1][:, _PALMS[right]] - points[0][:, _PALMS[left]]
    gap = np.linalg.norm(between, axis=-1) - 2 * PALM_RADIUS
    # A parried blow rests on a forearm and is near a hand only by chance.
    parried = np.minimum(to_forearm[0][:, left], to_forearm[1][:, right]) < gap - _PARRY_MARGIN
    speed = speeds(between[None], fps)[0]
    in_contact = _arm_touches(points, 0, left) | _arm_touches(points, 1, right) | parried
    runs = _closing_runs(gap, speed, usable, in_contact, fps, settings, lasting=True)
    displacements = [_closing_displacement(gap[start:stop], between[start:stop], settings) for start, stop in runs]
    return _blended(displacements, runs, len(gap), fps, settings)


def _to_body(
    points: np.ndarray,
    person: int,
    hand: int,
    usable: np.ndarray,
    to_forearm: np.ndarray,
    fps: float,
    settings: SolveSettings,
) -> np.ndarray:
    """Displacement (T, 3) from a palm to the partner's skin where it rests."""
    capsules = [capsule for capsule in CAPSULES if capsule.part != "hand"]
    partner, palm = points[1 - person], points[person][:, _PALMS[hand]]
    starts, stops = partner[:, [c.start for c in capsules]], partner[:, [c.stop for c in capsules]]
    share, between, gaps = _to_skin(palm, partner, capsules)
    for fist, arm in enumerate(ARMS):
        # An arm whose fist is parried is not there to be touched.
        parried = to_forearm[1 - person][:, fist] < _ON_FOREARM
        parried = upper_envelope(parried.astype(float), _blend_frames(fps, settings)) > 0
        theirs = np.array([(c.start, c.stop) in ((arm.upper, arm.hinge), (arm.hinge, arm.end)) for c in capsules])
        gaps[np.ix_(parried, theirs)] = np.inf
    frames, nearest = np.arange(len(gaps)), gaps.argmin(1)
    # The speed over the skin; the nearest point itself moves along with the hand.
    flow = (1 - share) * velocities(starts[None], fps)[0] + share * velocities(stops[None], fps)[0]
    speed = np.linalg.norm(flow[frames, nearest] - velocities(palm[None], fps)[0], axis=-1)
    in_contact = _arm_touches(points, person, hand)
    runs = _closing_runs(gaps.min(1), speed, usable, in_contact, fps, settings, lasting=False)
    displacements = []
    for start, stop in runs:
        chosen = int(np.median(gaps[start:stop], axis=0).argmin())
        displacements.append(_closing_displacement(gaps[start:stop, chosen], between[start:stop, chosen], settings))
    return _blended(displacements, runs, len(gaps), fps, settings)[0]


def _to_skin(
    palm: np.ndarray, partner: np.ndarray, capsules: Sequence[Capsule]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From a palm (T, 3) to C capsules of a partner with points (T, 25, 3).

    Returns:
        Position of the nearest point along each capsule (T, C, 1), 0 to 1; displacement to it (T, C, 3) and gap between
        the skins (T, C), metres.
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


def _closing_runs(
    gap: np.ndarray,
    speed: np.ndarray,
    usable: np.ndarray,
    in_contact: np.ndarray,
    fps: float,
    settings: SolveSettings,
    lasting: bool,
) -> np.ndarray:
    """Runs of frames (N, 2) in which a hand rests near the partner on purpose.

    It does so if it approaches before or leaves afterwards; with ``lasting``, rests through the whole clip count too.
    Runs that contain or adjoin frames in ``in_contact`` (T,) are in contact already.
    """
    enter = usable & (gap < settings.closing_distance) & (speed < _ENTER_SPEED)
    stay = usable & (gap < settings.closing_distance + 0.02) & (speed < _STAY_SPEED)
    window, blend = round(_APPROACH_TIME * fps), _blend_frames(fps, settings)
    runs = []
    for start, stop in hysteresis_runs(enter, stay, round(0.1 * fps)):
        if stop - start < 0.1 * fps or in_contact[max(start - blend, 0) : stop + blend].any():
            continue
        nearest = gap[start:stop].min()
        around = gap[max(start - window, 0) : stop + window]
        rests_all_along = lasting and start == 0 and stop == len(gap)
        if rests_all_along or around.max() - max(nearest, 0.0) > _APPROACH:
            runs.append((start, stop))
    return np.array(runs, dtype=int).reshape(-1, 2)


def _closing_displacement(gap: np.ndarray, between: np.ndarray, settings: SolveSettings) -> np.ndarray:
    """Displacement (N, 3) in the frames of one contact, so that the skins touch where they were closest."""
    open_gap = np.maximum(gap, 0.0)
    nearest = open_gap.min()
    length = np.minimum(nearest + np.minimum(open_gap - nearest, _REMOVED_PLAY), settings.closing_distance)
    return hann_smoothed((normalized(between) * length[:, None]).T, 2).T


def _blended(
    displacements: list[np.ndarray], runs: np.ndarray, frames: int, fps: float, settings: SolveSettings
) -> tuple[np.ndarray, np.ndarray]:
    """The displacements of all runs as one curve (T, 3), blended in and out, and its weight (T,)."""
    curve = np.zeros((frames, 3))
    for (start, stop), displacement in zip(runs, displacements, strict=True):
        curve[start:stop] = displacement
    curve, weight = fade_outside_runs(curve, runs, _blend_frames(fps, settings))
    return curve * weight[:, None], weight


def _blend_frames(fps: float, settings: SolveSettings) -> int:
    return max(1, round(settings.closing_blend * fps))
