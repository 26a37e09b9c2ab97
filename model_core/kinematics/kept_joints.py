"""Which joints keep their rotation when a motion is applied to bodies of other proportions.

Poses and pins are requested; contacts that are merely found in the motion must not bend them.
"""

from __future__ import annotations

import numpy as np

from ..constraints import Constraints, Targets
from ..motion.places import PLACES
from ..motion.skeleton import SMPL
from ..motion.types import FPS
from .filters import upper_envelope
from .hands import SPINE
from .limbs import Limb

_FADE = round(0.25 * FPS)
"""Frames before and after a pose in which the joints return to the adjusted motion."""
_TRUNK = (*SPINE, SMPL.index("Neck"), SMPL.index("Head"))


def kept_joints(constraints: Constraints, frames: int) -> np.ndarray:
    """(2, T, 22) how much each joint is kept, from 0 to 1: those of poses and pins, and of contacts with points.

    A contact with the partner is a contact that is restored: its limb is not kept.

    Args:
        constraints: in the frames of the clip.
        frames: T.
    """
    targets = Targets.of(constraints, frames)
    kept = np.maximum(targets.joint_weight, targets.shape_weight)
    for contact in targets.contacts:
        if contact.never_nearer is not None or contact.place not in PLACES:
            continue
        joint = SMPL.index(PLACES[contact.place][0])
        of_person = kept[contact.person]
        if isinstance(contact.on, str):
            limb = [joint, SMPL.parents[joint], SMPL.parents[SMPL.parents[joint]]]
            of_person[:, limb] = np.minimum(of_person[:, limb], 1 - contact.weight[:, None])
        else:
            of_person[:, joint] = np.maximum(of_person[:, joint], contact.weight)
    return np.moveaxis(upper_envelope(np.moveaxis(kept, 1, -1), _FADE), -1, 1)


def kept_limb(kept: np.ndarray, limb: Limb) -> np.ndarray:
    """(..., T) how much an arm or a leg is kept, of weights (..., T, 22) of joints."""
    return np.asarray(kept[..., (limb.upper, limb.hinge, limb.end)].max(-1))


def free_trunk(kept: np.ndarray) -> np.ndarray:
    """(..., T, 1) how far a trunk may lean, from 0 to 1, by weights (..., T, 22) of joints that are kept."""
    return np.asarray(1 - kept[..., _TRUNK].max(-1, keepdims=True))
