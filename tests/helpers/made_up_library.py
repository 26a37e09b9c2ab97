"""Made-up people in place of captured ones, for choreography without captured motion."""

from __future__ import annotations

import numpy as np

from model_core.data.captured import CapturedClip
from model_core.data.choreography.library import Library, library_from
from model_core.motion import SMPL, PosedSkeleton
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import continuous_signs, quaternion_from_axis_angle


def made_up_library() -> Library:
    """One walks, one runs, one stands with a drink."""
    people = made_up_people()
    return library_from([CapturedClip(text, 0, text, (person.motion(),)) for text, person in people.items()])


def made_up_people() -> dict[str, PosedSkeleton]:
    """The people of the library, by what they do."""
    how = {"walk": (1.1, 0.45, 1.2), "run": (0.8, 0.7, 2.8), "drink soda": (1.0, 0.0, 0.0)}
    return {text: _person(120, *numbers) for text, numbers in how.items()}


def _person(frames: int, cycle: float, swing: float, pace: float) -> PosedSkeleton:
    """Somebody who walks straight on with stiff, even steps; who stands when ``swing`` is 0."""
    phase = 2 * np.pi * np.arange(frames) / 30 / cycle
    turns = np.zeros((frames, len(SMPL), 3))
    for side, sign in (("L", 1.0), ("R", -1.0)):
        wave = sign * np.sin(phase)
        turns[:, SMPL.index(f"{side}_Hip"), 0] = -swing * wave
        turns[:, SMPL.index(f"{side}_Knee"), 0] = 1.2 * swing * np.maximum(sign * np.cos(phase), 0)
        turns[:, SMPL.index(f"{side}_Shoulder"), 2] = -1.4 * sign
        turns[:, SMPL.index(f"{side}_Elbow"), 1] = -0.2 * sign
    height = 0.015 - SMPL_REST_OFFSETS[[SMPL.index(n) for n in ("L_Hip", "L_Knee", "L_Ankle", "L_Foot")], 1].sum()
    travel = np.stack((np.zeros(frames), np.full(frames, height), pace * np.arange(frames) / 30), -1)
    quaternions = continuous_signs(quaternion_from_axis_angle(turns))
    return PosedSkeleton(SMPL_REST_OFFSETS.copy(), quaternions, travel)
