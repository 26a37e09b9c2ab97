"""People on leg bones that are longer than their legs: they stand straight, and the skeleton bends its knees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from couple_examples import TOES, limb_to, standing

from model_core.kinematics.limbs import LEGS
from model_core.kinematics.pose import PoseBatch
from model_core.motion import FPS, Motion

FRAMES = 150


def with_long_legs(height: np.ndarray, longer: float, raised: float = 0.0) -> PoseBatch:
    """A person on leg bones ``longer`` times SMPL's who sinks and rises on standing feet.

    Args:
        height: (T,) of the pelvis over its height on straight legs, metres.
        longer: factor on thigh and shin.
        raised: metres by which the left foot is lifted now and then.
    """
    time = np.arange(len(height)) / FPS
    pose = standing(np.stack((0.03 * np.sin(2 * time), 0 * time), -1), 0.1 * np.sin(time))
    offsets = pose.offsets.copy()
    straight = (
        0.075
        + np.linalg.norm(
            offsets[
                0,
                (4, 7),
            ],
            axis=-1,
        ).sum()
        - offsets[0, 1, 1]
    )
    offsets[:, (4, 5, 7, 8)] *= longer
    translation = pose.translation.copy()
    translation[0, :, 1] = straight + height
    pose = replace(pose, offsets=offsets, translation=translation)
    for side, leg in enumerate(LEGS):
        lift = raised * np.clip(np.sin(2.5 * time), 0, 1) ** 2 * (side == 0)
        ankle = np.stack((np.full(len(time), 0.09 - 0.18 * side), 0.075 + lift, np.full(len(time), -0.03)), -1)
        pose = limb_to(pose, leg, ankle)
        rotations = pose.world()[1]
        rotations[:, :, (leg.end, TOES[side])] = np.eye(3)
        pose = pose.with_world_rotations(rotations)
    return pose


def swaying(lowest: float, highest: float) -> np.ndarray:
    """(FRAMES,) heights that go from the highest to the lowest and back, and rest at the highest for a while."""
    return lowest + (highest - lowest) * np.clip(0.7 + np.cos(np.arange(FRAMES) / 14), 0, 1)


def motion_of(pose: PoseBatch) -> Motion:
    return pose.skeletons()[0].motion()
