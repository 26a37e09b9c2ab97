"""Detectors of signs that people give each other without touching: salutes, thanks, cheers, pleas, reproaches."""

from __future__ import annotations

import numpy as np

from ...motion.runs import runs
from ...motion.types import FPS
from .measures import J, Pair, Person, count_reversals, longest_run

_LOW = -0.3
"""Metres relative to the shoulder below which a hand hangs or rests on the hip."""


def own_palms(person: Person) -> np.ndarray:
    """(T,) metres between the person's two palms."""
    return np.linalg.norm(person.palms[:, 0] - person.palms[:, 1], axis=-1)


def head_pitch(person: Person) -> np.ndarray:
    """(T,) degrees by which the neck is bent forward against the trunk."""
    neck = person.joints[:, J["Head"]] - person.joints[:, J["Neck"]]
    ahead = (neck[:, [0, 2]] * person.forward).sum(-1)
    return np.degrees(np.arctan2(ahead, neck[:, 1])) - person.trunk_lean


def _calm(pair: Pair, gap: tuple[float, float] = (0.7, 2.9)) -> bool:
    """Two people who stand face to face, on their feet, without touching."""
    return bool(
        gap[0] < pair.gap.min()
        and np.median(pair.gap) < gap[1]
        and min(np.median(pair.actor_faces), np.median(pair.partner_faces)) > 0.6
        and min(person.pelvis_height.min() for person in pair.both) > 0.95
        and longest_run(pair.hands.min((1, 2)) < 0.2) < 0.2
    )


def _at_brow(person: Person) -> np.ndarray:
    """(T, 2) whether a palm is still, beside the forehead, with the elbow out to the side."""
    palms = np.stack([_in_pose(person, hand) for hand in (0, 1)], 1)
    away = (palms - person.pose[:, None, J["Head"]]) * np.array([[1, 1, 1], [-1, 1, 1]])
    elbow = person.joints[:, [J["L_Elbow"], J["R_Elbow"]], 1] - person.shoulder[..., 1]
    # A hand with a cup is in front of the mouth.
    near = (np.linalg.norm(away, axis=-1) < 0.28) & (away[..., 1] > 0.05) & (away[..., 0] > 0.095)
    return near & (elbow > -0.16) & (person.hand_speed < 0.35)


def salute(pair: Pair) -> bool:
    """Both hold one hand at the brow for a moment, at the same time, the other arm hanging."""
    brows = [_at_brow(person) for person in pair.both]
    free = max(float(person.raised.min(-1).max()) for person in pair.both)
    return bool(
        min(longest_run(brow.any(-1)) for brow in brows) > 0.5
        and longest_run(brows[0].any(-1) & brows[1].any(-1)) > 0.2
        and free < -0.12
        and _calm(pair, (0.9, 2.6))
    )


def _on_heart(person: Person) -> np.ndarray:
    """(T, 2) whether a palm lies on the chest, across the body."""
    chest = person.pose[:, J["Spine3"]]
    palms = np.stack([_in_pose(person, hand) for hand in (0, 1)], 1) - chest[:, None]
    across = palms[..., 0] * np.array([-1.0, 1.0])
    flat = np.linalg.norm(palms, axis=-1) < 0.24
    return flat & (across > -0.03) & (palms[..., 2] > 0.03)


def _in_pose(person: Person, hand: int) -> np.ndarray:
    """(T, 3) a palm in the frame of ``Person.pose``: x to the person's left."""
    away = person.palms[:, hand] - person.joints[:, 0]
    x = away[:, 0] * person.forward[:, 1] - away[:, 2] * person.forward[:, 0]
    z = away[:, 0] * person.forward[:, 0] + away[:, 2] * person.forward[:, 1]
    return np.stack((x, away[:, 1], z), -1)


def hand_on_heart(pair: Pair) -> bool:
    """One hand lies on the own chest, the other hangs, while the actor bows to the partner."""
    heart = _on_heart(pair.actor)
    hand = int(heart.mean(0).argmax())
    on = heart[:, hand]
    if longest_run(on) < 0.6 or not _calm(pair):
        return False
    start, stop = max(runs(on), key=lambda run: run[1] - run[0])
    lean = pair.actor.trunk_lean
    return bool(
        lean[start:stop].max() - min(lean[:6].mean(), lean[-6:].mean()) > 13
        and pair.actor.raised[start:stop, 1 - hand].mean() < _LOW
        and own_palms(pair.actor)[start:stop].min() > 0.15
        and min(longest_run(_on_heart(pair.partner)[:, which]) for which in (0, 1)) < 0.5
    )


def _nods(person: Person, start: int, stop: int, degrees: float) -> int:
    """How often the head goes down and up, by an angle, between two frames."""
    return count_reversals(head_pitch(person)[max(start, 0) : stop], degrees)


def _holds_out(person: Person) -> tuple[int, np.ndarray]:
    """The hand that is held out before the chest with a bent arm, and when (T,)."""
    out = (person.in_front > 0.3) & (np.abs(person.raised + 0.05) < 0.2) & (person.hand_speed < 0.6)
    hand = int(out.mean(0).argmax())
    return hand, out[:, hand] & (person.arm_extension[:, hand] < 0.93)


def thumbs_up(pair: Pair) -> bool:
    """A hand is held out still before the chest, the other hangs; the partner, who stays, nods."""
    hand, out = _holds_out(pair.actor)
    if longest_run(out) < 0.4 or not _calm(pair, (0.9, 2.0)):
        return False
    start, stop = max(runs(out), key=lambda run: run[1] - run[0])
    height = pair.actor.raised[:, hand]
    return bool(
        pair.actor.raised[:, 1 - hand].max() < -0.25
        and _nods(pair.partner, start - 15, stop + 30, 6.0) >= 1
        and count_reversals(height[start:stop], 0.05) < 2
        and max(person.trunk_lean.max() for person in pair.both) < 14
        and pair.partner.raised.min(-1).max() < -0.25
        and max(np.ptp(person.heading) for person in pair.both) < 1.2
        and longest_run(_at_brow(pair.partner).any(-1)) < 0.3
    )


def _together(person: Person, most: float) -> np.ndarray:
    """(T,) whether both palms are close to each other before the chest."""
    return (own_palms(person) < most) & (person.in_front.min(-1) > 0.12) & (person.raised.min(-1) > -0.3)


def _claps(person: Person) -> int:
    """Number of times the palms part and meet again before the chest."""
    apart = own_palms(person)[_together(person, 0.4)]
    return count_reversals(apart, 0.06) // 2 if len(apart) else 0


def applaud(pair: Pair) -> bool:
    """One claps the own hands again and again; the partner does not."""
    return bool(
        _claps(pair.actor) >= 3
        and longest_run(_together(pair.actor, 0.4)) > 1.2
        and np.median(own_palms(pair.actor)[_together(pair.actor, 0.4)]) < 0.2
        and np.ptp(own_palms(pair.actor)[_together(pair.actor, 0.4)]) < 0.38
        and _claps(pair.partner) < 2
        and pair.partner.raised.max() < -0.1
        and np.ptp(pair.actor.trunk_lean) < 18
        and _calm(pair, (1.1, 2.9))
    )


def cheer(pair: Pair) -> bool:
    """Both hold both hands over their heads and shake them, on lively feet."""
    up = [person.palms.min(1)[:, 1] > person.joints[:, J["Head"], 1] + 0.05 for person in pair.both]
    return bool(
        min(longest_run(one) for one in up) > 1.0
        and longest_run(up[0] & up[1]) > 0.7
        and min(
            max(count_reversals(person.raised[one, hand], 0.04) for hand in (0, 1))
            for person, one in zip(pair.both, up, strict=True)
        )
        >= 2
        and 0.8 < pair.gap.min() < 2.6
        and min(np.median(pair.actor_faces), np.median(pair.partner_faces)) > 0.5
        and min(person.pelvis_height.min() for person in pair.both) > 0.9
        and max(person.toes.max() for person in pair.both) < 0.3
    )


def beg(pair: Pair) -> bool:
    """Clasped hands are shaken before the chest, with bent trunk and knees; the partner stays upright."""
    clasped = _together(pair.actor, 0.2)
    if longest_run(clasped) < 1.2 or not _calm(pair, (0.65, 1.7)):
        return False
    start, stop = max(runs(clasped), key=lambda run: run[1] - run[0])
    ahead, height = (path[start:stop].mean(-1) for path in (pair.actor.in_front, pair.actor.raised))
    return bool(
        count_reversals(ahead, 0.04) + count_reversals(height, 0.03) >= 4
        and own_palms(pair.actor)[start:stop].max() < 0.2
        and np.median(pair.actor.trunk_lean[start:stop]) - np.median(pair.partner.trunk_lean) > 1.5
        and _claps(pair.partner) < 2
    )


def apologise(pair: Pair) -> bool:
    """Palms are pressed together before the chest, still, while the actor bows; the partner stays upright."""
    pressed = _together(pair.actor, 0.2)
    if longest_run(pressed) < 0.6 or not _calm(pair, (0.65, 1.8)):
        return False
    start, stop = max(runs(pressed), key=lambda run: run[1] - run[0])
    quarter = (stop - start) // 4
    apart = own_palms(pair.actor)[start + quarter : stop - quarter]
    lean = pair.actor.trunk_lean
    return bool(
        lean[start:stop].max() - min(lean[:6].mean(), lean[-6:].mean()) > 10
        and np.ptp(apart) < 0.1
        and count_reversals(pair.actor.in_front[start:stop].mean(-1), 0.04) < 5
        and np.ptp(pair.partner.trunk_lean) < 20
        and not beg(pair)
    )


def appeals(pair: Pair) -> bool:
    """Whether either person begs, apologises, scolds or cheers, with gestures that an argument has too."""
    return any(test(one) for test in (beg, apologise, scold, cheer, thumbs_up) for one in (pair, pair.swapped))


def refuse(pair: Pair) -> bool:
    """A hand is held out; the partner raises a hand against it, turns the back and walks off."""
    away = pair.partner.heading - pair.partner.heading[: round(0.5 * FPS)].mean()
    against = (pair.partner.in_front > 0.25) & (pair.partner.raised > -0.32)
    offered = (pair.actor.in_front > 0.25) & (pair.actor.raised > -0.42) & (pair.actor.hand_speed < 0.5)
    leaves = float(pair.gap[-1] - pair.gap.min())
    return bool(
        np.abs(away[-6:]).mean() > 1.7
        and pair.partner_faces[-6:].mean() < -0.3
        and pair.partner_faces[: len(pair.gap) // 3].mean() > 0.6
        and pair.actor_faces.min() > 0.4
        and longest_run(against.any(-1)) > 0.25
        and longest_run(offered.any(-1)) > 0.35
        and leaves > 0.35
        and pair.gap.min() > 0.7
        and longest_run(pair.hands.min((1, 2)) < 0.2) < 0.2
        and np.ptp(pair.actor.root, axis=0).max() < 1.8
        and np.median(pair.actor.speed[len(pair.gap) // 2 :]) < 0.2
        and max(person.trunk_lean.max() for person in pair.both) < 30
    )


def scold(pair: Pair) -> bool:
    """A raised forefinger wags before a partner who stands with bowed head and low hands."""
    raised = (pair.actor.raised > -0.2) & (pair.actor.in_front > 0.15)
    hand = int(raised.mean(0).argmax())
    on = raised[:, hand]
    if longest_run(on) < 1.0 or not _calm(pair, (0.65, 1.6)):
        return False
    start, stop = max(runs(on), key=lambda run: run[1] - run[0])
    middle = slice(start + (stop - start) // 4, stop - (stop - start) // 4)
    wags = count_reversals(pair.actor.in_front[start:stop, hand], 0.035)
    wags = max(wags, count_reversals(pair.actor.raised[start:stop, hand], 0.035))
    bowed = head_pitch(pair.partner)[middle].mean() - head_pitch(pair.partner)[:4].mean()
    hip = pair.actor.raised[middle, 1 - hand].mean()
    return bool(
        wags >= 4
        and hip < _LOW
        and np.median(pair.actor.arm_extension[middle, 1 - hand]) < 0.9
        and own_palms(pair.actor)[middle].min() > 0.2
        and pair.partner.raised.max() < -0.25
        and pair.hand_to("L_Shoulder", "R_Shoulder", "Neck", "Spine3").min() > 0.25
        and bowed + (pair.partner.trunk_lean[middle].mean() - pair.partner.trunk_lean[:4].mean()) > 9
        and np.abs(pair.actor.trunk_lean).max() < 32
    )


SIGNALS = {
    "salute": salute,
    "hand on the heart and bow": hand_on_heart,
    "thumbs up and nod": thumbs_up,
    "applaud": applaud,
    "cheer": cheer,
    "beg": beg,
    "refuse and turn away": refuse,
    "scold": scold,
    "apologise": apologise,
}
"""Detectors of signs between two people who stand, by kind."""
