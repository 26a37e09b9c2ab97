"""Which fingers do what in a choreographed clip."""

from __future__ import annotations

import numpy as np

from model_core.data.choreography.finger_rules import FINGER_RULES, finger_states
from model_core.data.choreography.kinds import SCRIPTS
from model_core.data.choreography.scene import Contact
from model_core.fingers.states import CLASP, FIST, FLAT, HANDLE, RELAXED
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.skeleton import SMPL


def standing_pair(frames: int = 90) -> np.ndarray:
    """(2, T, 22, 3) two people two metres apart with their wrists below the hips."""
    joints = np.zeros((len(SMPL), 3))
    for joint in range(1, len(SMPL)):
        joints[joint] = joints[SMPL.parents[joint]] + SMPL_REST_OFFSETS[joint]
    joints[[SMPL.index("L_Wrist"), SMPL.index("R_Wrist")], 1] = -0.1
    return np.stack([np.tile(joints + np.array((0.0, 0.95, 2.0 * person)), (frames, 1, 1)) for person in (0, 1)])


def test_rules_are_for_kinds_that_exist() -> None:
    assert set(FINGER_RULES) <= set(SCRIPTS)


def test_hands_clasp_while_they_shake_and_are_flat_on_the_way() -> None:
    contact = Contact(0, "right_hand", "right_hand", 40, 60)
    states = finger_states("shake hands", standing_pair(), (contact,), {"actor": "1", "side": "right"})
    assert (states[:, 40:60, 1] == CLASP).all()
    assert (states[:, 30, 1] == FLAT).all()
    assert (states[:, :, 0] == RELAXED).all() and (states[:, 0] == RELAXED).all()


def test_an_object_goes_from_the_giver_to_the_receiver() -> None:
    facts = {"actor": "1", "side": "right", "other_side": "left"}
    contact = Contact(1, "right_hand", "left_hand", 40, 60)
    states = finger_states("hand over an object", standing_pair(), (contact,), facts)
    assert (states[1, :60, 1] == HANDLE).all() and (states[1, 61:, 1] == RELAXED).all()
    assert (states[0, 40:, 0] == HANDLE).all() and (states[0, :30, 0] == RELAXED).all()


def test_only_the_one_who_strikes_makes_fists_before_the_blow() -> None:
    contact = Contact(0, "left_hand", "face", 45, 47)
    states = finger_states("punch and recoil", standing_pair(), (contact,), {"actor": "0", "side": "left"})
    assert (states[0, 40] == FIST).all() and (states[0, 0] == RELAXED).all()
    assert (states[1] == RELAXED).all()
