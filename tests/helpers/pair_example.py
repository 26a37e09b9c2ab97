"""Two people as the networks see them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.skeleton import SMPL


def pair(batch: int = 1, frames: int = 40) -> Tensor:
    """(B, 2, T, 22, 3) of two who sway a metre apart, face to face."""
    rest = np.zeros((22, 3))
    for joint, parent in enumerate(SMPL.parents):
        if parent >= 0:
            rest[joint] = rest[parent] + SMPL_REST_OFFSETS[joint]
    person = torch.from_numpy(rest).float() + torch.tensor((0.0, 0.95, 0.0))
    other = person * torch.tensor((-1.0, 1.0, -1.0)) + torch.tensor((0.0, 0.0, 1.0))
    sway = 0.05 * torch.sin(torch.arange(frames) / 9.0)[:, None, None] * torch.tensor((1.0, 0.0, 0.3))
    return torch.stack((person + sway, other - sway)).expand(batch, -1, -1, -1, -1).contiguous()
