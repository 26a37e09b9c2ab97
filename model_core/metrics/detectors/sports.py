"""Detectors of sports and games, of scares, lessons and meetings."""

from __future__ import annotations

import numpy as np

from ...motion.runs import runs
from ...motion.types import FPS
from .measures import J, Pair, Person, count_reversals, count_runs, longest_run


def _untouched(pair: Pair, seconds: float = 0.2) -> bool:
    return longest_run(pair.hands.min((1, 2)) < 0.2) < seconds


def _pulls(person: Person) -> np.ndarray:
    """(T,) whether both hands hold something before the belly while the pelvis is low, behind the feet."""
    feet = person.joints[:, [J["L_Ankle"], J["R_Ankle"]]].mean(1)
    ahead = ((feet - person.joints[:, 0])[:, [0, 2]] * person.forward).sum(-1)
    apart = np.linalg.norm(person.palms[:, 0] - person.palms[:, 1], axis=-1)
    hands = (person.in_front.min(-1) > 0.1) & (person.in_front.max(-1) > 0.28) & (apart < 0.42)
    low = (person.pelvis_height < 1.16) & (person.pelvis_height > 0.85)
    return hands & low & (person.raised.max(-1) < 0.05) & (ahead > 0.02)


def tug_of_war(pair: Pair) -> bool:
    """Both pull with both hands, leaning back, face to face and a rope's length apart."""
    both = _pulls(pair.actor) & _pulls(pair.partner)
    return bool(
        longest_run(both) > 1.0
        and 1.3 < np.median(pair.gap) < 3.2
        and min(np.median(pair.actor_faces), np.median(pair.partner_faces)) > 0.8
        and max(float(person.hand_speed.max(-1).mean()) for person in pair.both) < 1.0
        and _untouched(pair)
    )


def _throws(person: Person) -> np.ndarray:
    """(T,) whether a hand or both shoot out at the height of the chest or head."""
    fast = np.gradient(person.in_front, axis=0) * FPS
    return ((fast > 1.0) & (person.raised > -0.32) & (person.in_front > 0.1)).any(-1)


def _catches(person: Person) -> np.ndarray:
    """(T,) whether both hands are held out before the chest, next to each other."""
    apart = np.linalg.norm(person.palms[:, 0] - person.palms[:, 1], axis=-1)
    return (person.in_front.min(-1) > 0.25) & (apart < 0.45) & (person.raised.min(-1) > -0.42)


def throw_and_catch(pair: Pair) -> bool:
    """Each throws towards the other, who holds out both hands within a second; far apart, feet on the spot."""

    def caught(thrower: Person, catcher: Person) -> bool:
        ready = runs(_catches(catcher))
        return any(
            begin < start + 1.15 * FPS and stop > start + 0.3 * FPS
            for start, _ in runs(_throws(thrower))
            for begin, stop in ready
        )

    idle = min(
        max(longest_run((person.hand_speed < 0.5).all(-1)), longest_run((person.raised < -0.3).all(-1)))
        for person in pair.both
    )
    return bool(
        pair.gap.min() > 2.0
        and pair.gap.max() < 5.0
        and caught(pair.actor, pair.partner)
        and caught(pair.partner, pair.actor)
        and idle > 0.3
        and min(np.median(pair.actor_faces), np.median(pair.partner_faces)) > 0.8
        and min(person.pelvis_height.min() for person in pair.both) > 0.9
        and max(float(np.ptp(person.root, axis=0).max()) for person in pair.both) < 0.9
        and max(person.toes.max() for person in pair.both) < 0.3
        and not table_tennis(pair)
        and not teach(pair)
        and not teach(pair.swapped)
    )


def _strokes(person: Person) -> tuple[int, np.ndarray]:
    """The hand with the bat, and its (T,) place to the side, relative to the chest."""
    hand = int(person.hand_speed.mean(0).argmax())
    return hand, person.pose[:, J["L_Wrist"] + hand, 0] - person.pose[:, J["Spine3"], 0]


def table_tennis(pair: Pair) -> bool:
    """Both swing one hand from side to side again and again, with bent knees, a table's length apart."""

    def plays(person: Person) -> bool:
        hand, aside = _strokes(person)
        speed = person.hand_speed.mean(0)
        return bool(
            count_reversals(aside, 0.14) >= 2
            and speed[hand] > 1.3 * speed[1 - hand]
            and np.median(person.pelvis_height) < 1.14
            and person.raised.max() < 0.12
        )

    return bool(
        plays(pair.actor)
        and plays(pair.partner)
        and 2.1 < np.median(pair.gap) < 3.8
        and np.ptp(pair.gap) < 1.0
        and min(np.median(pair.actor_faces), np.median(pair.partner_faces)) > 0.8
    )


def jog(pair: Pair) -> bool:
    """Both run slowly abreast, with bent arms."""
    pace = float(np.mean([np.median(person.speed) for person in pair.both]))
    return bool(
        np.median(pair.facing_cosine) > 0.7
        and min(np.median(person.advancing) for person in pair.both) > 0.8
        and abs(np.median(pair.actor_faces)) < 0.65
        and 1.42 < pace < 2.15
        and np.median(pair.gap) < 1.6
        and max(float(np.median(person.arm_extension)) for person in pair.both) < 0.86
        and min(float(np.quantile(person.toes.max(-1), 0.8)) for person in pair.both) > 0.1
        and max(float(np.ptp(person.heading)) for person in pair.both) < 1.8
        and _untouched(pair, 0.4)
    )


def sneak_up(pair: Pair) -> bool:
    """The actor creeps up from behind and lays both hands on the partner's shoulders, who starts and turns round."""
    left = pair.hand_to("L_Shoulder")[:, 0]
    right = pair.hand_to("R_Shoulder")[:, 1]
    on = (np.maximum(left, right) < 0.24) & (pair.partner_faces < -0.4)
    if not on.any():
        return False
    first, last = int(np.flatnonzero(on)[0]), int(np.flatnonzero(on)[-1])
    turned = abs(pair.partner.heading[-1] - pair.partner.heading[first])
    start = pair.partner.hand_speed[first : last + round(0.7 * FPS)].max()
    return bool(
        longest_run(on) < 1.2
        and turned > 1.8
        and pair.retreat(last) > 0.15
        and start > 1.0
        and pair.gap[0] - pair.gap[first] > 0.4
        and np.median(pair.actor.pelvis_height[:first]) < 1.17
        and np.median(pair.actor.speed[:first]) < 1.0
    )


def _lagged(pair: Pair, seconds: float) -> float:
    """Mean metres between the partner's arms and the mirror image of the actor's some seconds before."""
    late = round(seconds * FPS)
    mirror = pair.actor.pose[:, [J["R_Elbow"], J["R_Wrist"], J["L_Elbow"], J["L_Wrist"]]] * np.array([-1.0, 1.0, 1.0])
    own = pair.partner.pose[:, [J["L_Elbow"], J["L_Wrist"], J["R_Elbow"], J["R_Wrist"]]]
    own = own / pair.partner.leg * pair.actor.leg
    stop = len(own) - late
    return float(np.linalg.norm(mirror[:stop] - own[late:], axis=-1).mean())


def teach(pair: Pair) -> bool:
    """The partner strikes the actor's arm poses, as in a mirror, half a second to two seconds later."""
    if len(pair.gap) < 2.5 * FPS:
        return False
    late = min(_lagged(pair, seconds) for seconds in np.arange(0.5, 2.05, 0.1))
    return bool(
        late < 0.15
        and late < 0.55 * _lagged(pair, 0.0)
        and max(float(person.hand_speed.max(-1).mean()) for person in pair.both) < 1.0
        and min(float(np.quantile(person.arm_extension.max(-1), 0.5)) for person in pair.both) > 0.5
        and min(float(np.ptp(person.palms[..., 1])) for person in pair.both) > 0.4
        and min(float(np.ptp(person.palms[..., 1], axis=0).min()) for person in pair.both) > 0.15
        and 1.2 < np.median(pair.gap) < 2.8
        and min(np.median(pair.actor_faces), np.median(pair.partner_faces)) > 0.7
        and max(float(np.ptp(person.root, axis=0).max()) for person in pair.both) < 0.5
        and _untouched(pair)
    )


def wait_and_meet(pair: Pair) -> bool:
    """The partner stays, looking elsewhere; the actor walks up; the partner turns and lifts a hand in greeting."""
    came = float(pair.gap[0] - pair.gap[-1])
    hail = (pair.partner.raised > -0.12).any(-1)
    return bool(
        came > 1.4
        and pair.gap[-1] < 1.7
        and float(np.ptp(pair.partner.root, axis=0).max()) < 0.4
        and pair.partner_faces[: len(pair.gap) // 4].mean() < 0.86
        and pair.partner_faces[-4:].mean() > 0.8
        and pair.actor_faces.min() > 0.6
        and longest_run(hail[len(hail) // 3 :]) > 0.25
        and pair.partner.speed.mean() < 0.25
        and _untouched(pair)
        and min(person.pelvis_height.min() for person in pair.both) > 0.92
    )


def play_tag(pair: Pair) -> bool:
    """The actor runs after the partner, touches the back, turns and runs off; the partner turns and runs after."""
    back = pair.hand_to("Spine3", "Spine2", "L_Shoulder", "R_Shoulder").min(-1) < 0.3
    if not back.any():
        return False
    frame = int(np.flatnonzero(back)[0])
    turned = [abs(float(person.heading[-1] - person.heading[frame])) for person in pair.both]
    return bool(
        pair.partner_faces[frame] < -0.5
        and pair.actor_faces[frame] > 0.5
        and min(turned) > 2.0
        and count_runs(back) <= 2
        and longest_run(back) < 1.0
        and min(float(person.speed[: frame + 1].mean()) for person in pair.both) > 1.2
        and min(float(person.speed.max()) for person in pair.both) > 1.6
        and float((pair.partner.forward[-5:] * -pair.direction[-5:]).sum(-1).mean()) > 0.4
    )


SPORTS = {
    "tug of war": tug_of_war,
    "throw and catch": throw_and_catch,
    "play table tennis": table_tennis,
    "jog together": jog,
    "sneak up and scare": sneak_up,
    "teach a move": teach,
    "wait and meet": wait_and_meet,
    "play tag": play_tag,
}
"""Detectors of sports, games, scares, lessons and meetings, by kind."""
