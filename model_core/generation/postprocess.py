"""Postprocessing of decoded people: the refiner corrects them, and contact IK brings palms into contact."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..motion.representation import JOINTS, POSITIONS, VELOCITIES
from ..networks.contact_classifier import ContactClassifier
from ..networks.refiner import Refiner
from .contact_ik import reach_contacts


@torch.inference_mode()
def refined(
    refiner: Refiner | None,
    contact_classifier: ContactClassifier | None,
    features: np.ndarray,
    text: Tensor,
    fixed: np.ndarray,
) -> np.ndarray:
    """Correct the joints of two people; local rotations stay the same, and the solver fits them to the joints later.

    Args:
        refiner, contact_classifier: in evaluation mode, or None.
        features: (N, 2, T, 262) metres, decoded, except for fixed people, whose features are the given ones.
        text: (N, W) vectors of the sentence encoder.
        fixed: (2,) true for people who are not changed.

    Returns:
        (N, 2, T, 262).
    """
    device = text.device
    joints = torch.from_numpy(features[..., POSITIONS]).to(device).unflatten(-1, (JOINTS, 3))
    fixed_people = torch.from_numpy(np.broadcast_to(fixed, (len(features), 2)).copy()).to(device)
    if refiner is not None:
        joints = refiner(joints, text, fixed_people)
    if contact_classifier is not None:
        joints = reach_contacts(joints, contact_classifier(joints, text), fixed_people)
    moved = joints.flatten(-2).cpu().numpy()
    steps = np.diff(moved, axis=2)
    result = features.copy()
    result[..., POSITIONS] = moved
    result[..., VELOCITIES] = np.concatenate((steps, steps[:, :, -1:]), axis=2)
    return result
