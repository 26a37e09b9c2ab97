"""Which joints each part of a token map governs, measured by redrawing the tokens of one part."""

from __future__ import annotations

import numpy as np
import torch

from ..model_files.model_folder import Model
from ..motion.representation import POSITIONS
from ..networks.token_map import PARTS


@torch.inference_mode()
def governed_joints(model: Model, samples: int = 64, columns: int = 16, seed: int = 0) -> np.ndarray:
    """Measure how far each part of the map moves each joint.

    Args:
        model: with an InterHuman tokenizer.
        samples: random maps to change.
        columns: of each map; the two in the middle are redrawn.
        seed: of the maps.

    Returns:
        (2, 5, 22) mean displacement, metres, of each joint when a part's tokens are redrawn: in the world, and relative
        to the pelvis.
    """
    generator = torch.Generator().manual_seed(seed)
    codes = model.config.tokenizer.codes

    def draw(*shape: int) -> torch.Tensor:
        return torch.randint(codes, shape, generator=generator).to(model.mean.device)

    def joints(tokens: torch.Tensor) -> torch.Tensor:
        positions = model.tokenizer.decode(tokens)[..., POSITIONS] * model.std[POSITIONS] + model.mean[POSITIONS]
        return positions.unflatten(-1, (22, 3))

    tokens = draw(samples, 1, PARTS, columns)
    before, middle = joints(tokens), columns // 2
    moved = []
    for part in range(PARTS):
        changed = tokens.clone()
        changed[:, 0, part, middle - 1 : middle + 1] = draw(samples, 2)
        frames = slice(4 * middle - 4, 4 * middle + 4)
        change = (joints(changed) - before)[:, frames]  # (N, 8, 22, 3)
        moved.append(torch.stack((change, change - change[:, :, :1])).norm(dim=-1).mean((1, 2)))
    return torch.stack(moved, 1).cpu().numpy()
