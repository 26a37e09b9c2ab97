"""What follows the decoder in a model with a refiner: both people are moved to where they belong."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .motion.representation import JOINTS, POSITIONS, VELOCITIES
from .networks.refiner import Refiner


@torch.inference_mode()
def refined(refiner: Refiner, rows: np.ndarray, text: Tensor, fixed: np.ndarray) -> np.ndarray:
    """Rows of two people, moved; local rotations stay, and the solver swings limbs to their new places.

    Args:
        refiner: in evaluation mode.
        rows: (N, 2, T, 262) metres, decoded; of people who are fixed as they really are.
        text: (N, W) vectors of the sentence encoder.
        fixed: (2,) true for people who stay.

    Returns:
        (N, 2, T, 262).
    """
    device = refiner.mean.device
    joints = torch.from_numpy(rows[..., POSITIONS]).to(device).unflatten(-1, (JOINTS, 3))
    stay = torch.from_numpy(np.broadcast_to(fixed, (len(rows), 2)).copy()).to(device)
    moved = refiner(joints, text.to(device), stay).flatten(-2).cpu().numpy()
    steps = np.diff(moved, axis=2)
    result = rows.copy()
    result[..., POSITIONS] = moved
    result[..., VELOCITIES] = np.concatenate((steps, steps[:, :, -1:]), axis=2)
    return result
