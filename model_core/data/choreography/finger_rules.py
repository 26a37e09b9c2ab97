"""Which state the fingers of both people are in, for each kind: data, and how it is read for a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...fingers.states import CLASP, FIST, FLAT, GRIP, HANDLE, OPEN, POINTING, RELAXED
from ...kinematics.filters import hann_smoothed
from ...motion.places import size_of
from ...motion.skeleton import SMPL
from ...motion.types import FPS
from .scene import Contact

_WRISTS = (SMPL.index("L_Wrist"), SMPL.index("R_Wrist"))
_RAISED = (0.06, 0.24)
"""Metres by which a raised wrist is above the belly, or in front of the chest, on a body of average size.

In front of the chest it must also be above the hips: hands that lie on the thighs are not raised."""
_MIN_RUN = 8
"""Frames of the shortest run of a state that is defined by the pose of the arm."""
_BOTH_HANDS = 0.25
"""Metres between the wrists of a person who holds a handle with both hands."""


@dataclass(frozen=True)
class FingerRule:
    """When the fingers of some hands are in a state.

    Attributes:
        state: of ``FINGER_STATES``.
        when: ``contact``: while the hand is in contact, and ``lead`` and ``lag`` seconds before and after; ``near``:
            during any contact of the clip, widened the same way; ``raised``: while the wrist is above the belly or in
            front of the chest; ``held``: in the hand that moves most, and in both while they are together; ``at head``:
            in the hand that comes nearest to the head; ``first contact on``: from the first contact on; ``until
            contact``: until its end; ``always``.
        who: the person who acts, the other one, or both.
        hand: the hand that the clip's facts name as ``side`` or ``other_side``, or any.
        lead, lag: seconds.
        place: for ``contact``, the places of the partner that count; empty for all.
    """

    state: int
    when: Literal["contact", "near", "raised", "held", "at head", "first contact on", "until contact", "always"] = (
        "contact"
    )
    who: Literal["actor", "other", "both"] = "both"
    hand: Literal["any", "side", "other_side"] = "any"
    lead: float = 0.1
    lag: float = 0.1
    place: tuple[str, ...] = ()


_BLOW = FingerRule(FIST, "near", "actor", lead=0.9, lag=0.6)
_HANDS = ("left_hand", "right_hand")

FINGER_RULES: Mapping[str, Sequence[FingerRule]] = {
    "shake hands": (FingerRule(FLAT, lead=0.45, lag=0.3), FingerRule(CLASP)),
    "high five": (FingerRule(OPEN, lead=0.4, lag=0.3),),
    "two-handed high five": (FingerRule(OPEN, lead=0.4, lag=0.3),),
    "fist bump": (FingerRule(FIST, lead=0.45, lag=0.4),),
    "hug": (FingerRule(FLAT, lead=0.3, lag=0.2),),
    "pat on the shoulder": (FingerRule(FLAT, lead=0.35, lag=0.3),),
    "tap on the shoulder from behind": (FingerRule(POINTING, lead=0.35, lag=0.3),),
    "whisper in the ear": (FingerRule(FLAT, lead=0.3, lag=0.3),),
    "hand over an object": (
        FingerRule(HANDLE, "until contact", "actor", "side", lag=0.0),
        FingerRule(HANDLE, "first contact on", "other", "other_side", lead=0.1),
    ),
    "pull by the hand": (FingerRule(CLASP, lead=0.15, lag=0.15),),
    "push and stagger": (FingerRule(OPEN, "raised", "other"), FingerRule(OPEN, lead=0.35, lag=0.25)),
    "punch and recoil": (FingerRule(OPEN, "raised", "other"), _BLOW),
    "kick and step back": (FingerRule(FIST, "raised", "actor"), FingerRule(OPEN, "raised", "other")),
    "block a punch": (FingerRule(FIST, "raised", "other"), _BLOW),
    "box": (FingerRule(FIST, "always"),),
    "sword fight": (FingerRule(HANDLE, "held"),),
    "martial-arts sparring": (FingerRule(FIST, "always"),),
    "wave to each other": (FingerRule(OPEN, "raised"),),
    "beckon and the other comes": (FingerRule(OPEN, "raised", "actor"),),
    "point and the other looks": (FingerRule(POINTING, "raised", "actor", "side"),),
    "argue": (FingerRule(OPEN, "raised"),),
    "drink together": (FingerRule(HANDLE, "at head"),),
    "hold hands walking": (FingerRule(CLASP),),
    "arm around the shoulder walking": (FingerRule(GRIP, lead=0.2, lag=0.2),),
    "chase": (FingerRule(FIST, "always"),),
    "race": (FingerRule(FIST, "always"),),
    "circle each other": (FingerRule(OPEN, "raised"),),
    "dance in hold": (
        FingerRule(CLASP, place=_HANDS),
        FingerRule(FLAT, place=("left_shoulder_blade", "right_shoulder_blade")),
        FingerRule(GRIP, place=("left_upper_arm", "right_upper_arm")),
    ),
    "sit facing and talk": (FingerRule(OPEN, "raised"),),
    "kneel before the other": (FingerRule(OPEN, "raised", "actor"),),
    "play clapping hands": (FingerRule(FLAT, "raised"),),
    "mirror each other's exercise": (FingerRule(FLAT, "raised"),),
    "salute": (FingerRule(FLAT, "raised"),),
    "hand on the heart and bow": (FingerRule(FLAT, "raised", "actor"),),
    "thumbs up and nod": (FingerRule(FIST, "raised"),),
    "applaud": (FingerRule(FLAT, "raised", "actor"),),
    "cheer": (FingerRule(FIST, "raised"),),
    "beg": (FingerRule(OPEN, "raised", "other"), FingerRule(FLAT, "raised", "actor")),
    "refuse and turn away": (FingerRule(OPEN, "raised"),),
    "scold": (FingerRule(POINTING, "raised", "actor", "side"),),
    "apologise": (FingerRule(OPEN, "raised", "other"), FingerRule(FLAT, "raised", "actor")),
    "slap": (FingerRule(FLAT, "raised"),),
    "hook punch": (FingerRule(OPEN, "raised", "other"), _BLOW),
    "uppercut": (FingerRule(OPEN, "raised", "other"), _BLOW),
    "dodge a punch": (FingerRule(FIST, "raised"),),
    "knock down": (FingerRule(OPEN, lead=0.35, lag=0.25),),
    "tug of war": (FingerRule(HANDLE, "raised"),),
    "throw and catch": (FingerRule(OPEN, "raised"),),
    "play table tennis": (FingerRule(HANDLE, "held"),),
    "jog together": (FingerRule(FIST, "always"),),
    "sneak up and scare": (FingerRule(OPEN, "raised", "other"), FingerRule(GRIP, lead=0.2, lag=0.2)),
    "wait and meet": (FingerRule(OPEN, "raised"),),
    "play tag": (FingerRule(FIST, "always"), FingerRule(FLAT, lead=0.3, lag=0.2)),
    "grapple and break free": (FingerRule(OPEN, "raised", "other"), FingerRule(GRIP)),
    "comfort who cries": (FingerRule(FLAT, "raised", "other"), FingerRule(FLAT, "near", "actor", lead=0.2, lag=0.2)),
    "kiss on the cheek": (FingerRule(GRIP, lead=0.1, lag=0.1),),
    "pat a sitting one": (FingerRule(FLAT, "near", "actor", "side", lead=0.35, lag=0.3),),
    "propose with a ring": (
        FingerRule(HANDLE, "raised", "actor"),
        FingerRule(FLAT, "raised", "other"),
        FingerRule(GRIP, "contact", "actor", "side"),
    ),
    "help up": (FingerRule(CLASP, lead=0.1, lag=0.1),),
    "support while limping": (FingerRule(GRIP, lead=0.2, lag=0.2),),
    "lead by the arm": (FingerRule(GRIP, lead=0.15, lag=0.15),),
    "frisk": (FingerRule(FLAT, "near", "actor", lead=0.6, lag=0.8), FingerRule(OPEN, "raised", "other")),
    "protect behind the back": (FingerRule(OPEN, "near", "actor", lead=0.3), FingerRule(FLAT, lead=0.2, lag=0.2)),
    "turn under the arm": (FingerRule(CLASP),),
    "swing dance": (FingerRule(CLASP),),
    "stretch together": (FingerRule(FLAT, "raised"),),
    "show a phone": (
        FingerRule(POINTING, "raised", "actor", "other_side"),
        FingerRule(HANDLE, "raised", "actor", "side"),
        FingerRule(FLAT, lead=0.2, lag=0.2),
    ),
    "take a selfie": (
        FingerRule(HANDLE, "raised", "actor", "side"),
        FingerRule(OPEN, "raised", "other"),
        FingerRule(GRIP, lead=0.1, lag=0.1),
    ),
    "read together": (FingerRule(HANDLE, "raised"),),
    "carry a table together": (FingerRule(GRIP, "always"),),
    "whisper and giggle": (FingerRule(FLAT, "raised"), FingerRule(FLAT, lead=0.3, lag=0.3)),
    "count push-ups": (FingerRule(POINTING, "raised", "other", "side"), FingerRule(OPEN, "always", "actor")),
    "leapfrog": (FingerRule(OPEN, "near", "actor", lead=0.3, lag=0.2),),
    "trip and catch": (FingerRule(OPEN, "raised"), FingerRule(GRIP, lead=0.2, lag=0.2)),
    "tango": (
        FingerRule(CLASP, place=_HANDS),
        FingerRule(FLAT, place=("left_shoulder_blade", "right_shoulder_blade")),
    ),
    "lift joined hands": (FingerRule(CLASP),),
}
"""The rules of each kind, later ones over earlier ones; without a rule, and for other kinds, hands are relaxed."""


def finger_states(kind: str, joints: np.ndarray, schedule: Sequence[Contact], facts: Mapping[str, str]) -> np.ndarray:
    """The state of each hand in each frame.

    Args:
        kind: of the clip.
        joints: (2, T, 22, 3) metres.
        schedule: the clip's contacts.
        facts: of the clip: ``actor``, ``side``, ``other_side``.

    Returns:
        (2, T, 2) indices of ``FINGER_STATES``, left and right hand.
    """
    states = np.full((2, joints.shape[1], 2), RELAXED)
    actor = int(facts.get("actor", "0"))
    for rule in FINGER_RULES.get(kind, ()):
        people = {"actor": (actor,), "other": (1 - actor,), "both": (0, 1)}[rule.who]
        hands = (0, 1) if rule.hand == "any" else (("left", "right").index(facts[rule.hand]),)
        for person in people:
            for hand in hands:
                states[person, _frames(rule, person, hand, joints, schedule), hand] = rule.state
    return states


def _frames(rule: FingerRule, person: int, hand: int, joints: np.ndarray, schedule: Sequence[Contact]) -> np.ndarray:
    """(T,) true where a rule holds for a hand."""
    frames = joints.shape[1]
    if rule.when == "raised":
        return _raised(joints[person], hand)
    if rule.when == "held":
        return _holding(joints[person], hand)
    if rule.when == "at head":
        reach = np.linalg.norm(joints[person][:, _WRISTS] - joints[person][:, [SMPL.index("Head")]], axis=-1).min(0)
        return np.full(frames, reach[hand] <= reach[1 - hand])
    result = np.zeros(frames, dtype=bool)
    if rule.when == "always":
        return ~result
    begin, end = round(rule.lead * FPS), round(rule.lag * FPS)
    contacts = [one for one in schedule if rule.when != "contact" or _is_at(rule, one, person, _HANDS[hand])]
    for contact in contacts:
        result[max(contact.start - begin, 0) : contact.stop + end] = True
    if not contacts or rule.when in ("contact", "near"):
        return result
    first, last = int(result.argmax()), frames - int(result[::-1].argmax())
    result[:] = False
    result[slice(first, None) if rule.when == "first contact on" else slice(None, last)] = True
    return result


def _is_at(rule: FingerRule, contact: Contact, person: int, hand: str) -> bool:
    """Whether a contact is one of a hand, its own or the partner's with it, at a place of the rule."""
    own = contact.person == person and contact.part == hand and (not rule.place or contact.place in rule.place)
    return own or (contact.person != person and contact.place == hand and (not rule.place or hand in rule.place))


def _raised(joints: np.ndarray, hand: int) -> np.ndarray:
    """(T,) whether a wrist of a person (T, 22, 3) is above the belly or in front of the chest."""
    up, ahead = (size_of(joints) * metres for metres in _RAISED)
    wrist = joints[:, _WRISTS[hand]]
    across = joints[:, SMPL.index("L_Hip")] - joints[:, SMPL.index("R_Hip")]
    forward = np.cross(across * (1, 0, 1), (0.0, 1.0, 0.0))
    forward /= np.maximum(np.linalg.norm(forward, axis=-1, keepdims=True), 1e-6)
    chest = joints[:, SMPL.index("Spine3")]
    high = wrist[:, 1] - joints[:, SMPL.index("Spine2"), 1] - up
    far = np.minimum(((wrist - chest) * forward).sum(-1) - ahead, wrist[:, 1] - joints[:, SMPL.index("Spine1"), 1] - up)
    return _steady(np.maximum(high, far) > 0)


def _holding(joints: np.ndarray, hand: int) -> np.ndarray:
    """(T,) whether a hand of a person (T, 22, 3) is on the handle: the one that moves most, or both together."""
    wrists = joints[:, _WRISTS] - joints[:, [0]]
    way = np.linalg.norm(np.diff(wrists, axis=0), axis=-1).sum(0)
    together = np.linalg.norm(wrists[:, 0] - wrists[:, 1], axis=-1) < _BOTH_HANDS
    return np.full(len(joints), True) if way[hand] >= way[1 - hand] else _steady(together)


def _steady(values: np.ndarray) -> np.ndarray:
    """Booleans (T,) without runs shorter than about ``_MIN_RUN`` frames."""
    return hann_smoothed(values.astype(np.float64)[None], _MIN_RUN // 2)[0] > 0.5
