"""When a pair's poses matter: feet that stand, hands that touch the partner, and extremes of the movement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..kinematics.contacts import ANKLES, TOES, estimated_floor, speeds, stance_runs
from ..motion.skeleton import SMPL

WRISTS = (SMPL.index("L_Wrist"), SMPL.index("R_Wrist"))

_TOUCH, _TOUCHING_WRISTS = 0.12, 0.2
"""Metres between a wrist and a joint of the partner that count as contact, as in ``kinematics.touch``; between wrists
whose palms touch."""
_STANDING = ((TOES, 0.06), (ANKLES, 0.05))
"""Joints that stand, and metres over their standing height up to which they do."""
_STILL = 0.1
"""m/s. A joint of a foot that stands is slower; the solver has locked it in place."""
_EXTREME_JOINTS = (*WRISTS, *ANKLES, SMPL.index("Pelvis"), SMPL.index("Head"))
_EXTREME_SPEED = 0.5
"""Fraction of the speed half a window before and after an extreme that is left at the extreme."""
_EXTREME_WINDOW = 0.2
"""Seconds."""
_CONTACT_WEIGHT, _STAND_WEIGHT, _EXTREME_WEIGHT = 1.0, 0.5, 0.5


@dataclass(frozen=True)
class Contact:
    """A wrist of one person at the partner's nearest joint.

    Attributes:
        person: whose wrist it is, 0 or 1.
        wrist: SMPL joint.
        partner: (T,) the nearest joint of the partner in each frame.
        frames: (T,) whether they touch.
    """

    person: int
    wrist: int
    partner: np.ndarray
    frames: np.ndarray


def held_feet(joints: np.ndarray, fps: float) -> np.ndarray:
    """(P, T, 22) whether an ankle or a toe joint stands still.

    Args:
        joints: (P, T, 22, 3) positions, metres, Y up.
        fps: frames per second.
    """
    floor = estimated_floor(joints, fps)
    held = np.zeros(joints.shape[:3], dtype=bool)
    for numbers, highest in _STANDING:
        heights = floor.toes if numbers == TOES else floor.ankles
        for person in range(len(joints)):
            for joint in numbers:
                path = joints[person, :, joint]
                still = (path[:, 1] - heights[person] < highest) & (speeds(path[None], fps)[0] < _STILL)
                for start, stop in stance_runs(path, still, still, fps):
                    held[person, start:stop, joint] = True
    return held


def contacts(joints: np.ndarray) -> list[Contact]:
    """The contacts of both people's wrists, for joints (2, T, 22, 3) in metres."""
    distances = np.linalg.norm(joints[0][:, :, None] - joints[1][:, None], axis=-1)
    between = np.ix_(range(joints.shape[1]), WRISTS, WRISTS)
    distances[between] *= _TOUCH / _TOUCHING_WRISTS
    found = []
    for person, apart in enumerate((distances, np.swapaxes(distances, 1, 2))):
        for wrist in WRISTS:
            partner = apart[:, wrist].argmin(-1)
            touching = apart[:, wrist].min(-1) < _TOUCH
            if touching.any():
                found.append(Contact(person, wrist, partner, touching))
    return found


def moments(joints: np.ndarray, held: np.ndarray, touching: np.ndarray, fps: float) -> np.ndarray:
    """(T,) how much a key is worth in each frame, 0 to 1: where contacts and stands begin and end, and at extremes.

    Args:
        joints: (T, 22, 3) of one person, metres.
        held: (T, 22) joints that stand.
        touching: (T,) or (T, N) contacts of the person.
        fps: frames per second.
    """
    worth = np.zeros(len(joints))
    for states, weight in ((touching.reshape(len(joints), -1), _CONTACT_WEIGHT), (held, _STAND_WEIGHT)):
        begin = 1 + np.flatnonzero((states[1:] & ~states[:-1]).any(1))
        end = np.flatnonzero((states[:-1] & ~states[1:]).any(1))
        for frames in (begin, end):
            worth[frames] = np.maximum(worth[frames], weight)
    speed = speeds(joints[None][:, :, list(_EXTREME_JOINTS)], fps)[0]
    half = max(1, round(_EXTREME_WINDOW * fps / 2))
    inner = speed[half:-half]
    lowest = (inner <= speed[half - 1 : -half - 1]) & (inner <= speed[half + 1 : len(speed) - half + 1])
    around = np.minimum(speed[: -2 * half], speed[2 * half :])
    extreme = lowest & (inner < _EXTREME_SPEED * around)
    frames = half + np.flatnonzero(extreme.any(1))
    worth[frames] = np.maximum(worth[frames], _EXTREME_WEIGHT)
    return worth
