"""Tokens of which the decoder makes most nearly what was given.

Not published: there each place of the map takes the code nearest to its latent, whatever its neighbours take. But the
decoder reads many places together, and what one code is short of its neighbours can make good. So the latents move down
the gradient of the rebuilt motion's error, through the nearest codes as if these were the latents themselves (the
straight-through estimate of van den Oord et al. 2017), and the best tokens on the way are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi

import torch
from torch import Tensor

from ..motion.representation import JOINTS, POSITIONS
from .tokenizer import Tokenizer

_LAST_RATE = 0.1
"""Share of the rate that is left in the last step."""
_BETAS = (0.8, 0.95)
"""Of Adam: the gradient jumps whenever a code changes."""


@dataclass(frozen=True)
class CodeOptimisationSettings:
    """How tokens of known motion are searched for.

    Attributes:
        steps: passes through the decoder, there and back.
        rate: of Adam on the latents.
        world, pose, pace: weights of the joints' errors in the world, seen from the pelvis, and from frame to frame.
    """

    steps: int = 30
    rate: float = 0.1
    world: float = 1.0
    pose: float = 1.0
    pace: float = 1.0


@torch.inference_mode(False)
@torch.enable_grad()
def optimised_codes(tokenizer: Tokenizer, rows: Tensor, settings: CodeOptimisationSettings) -> Tensor:
    """Tokens of the first level by which rows come back with the least error; never worse than the nearest codes'.

    Args:
        tokenizer: in evaluation mode, of InterHuman rows; its weights want no gradients.
        rows: (B, T, 262) normalised, T a multiple of 4; made outside of inference mode.
        settings: see ``CodeOptimisationSettings``.

    Returns:
        (B, 1, 5, T / 4).
    """
    quantizer = tokenizer.quantizer
    with torch.no_grad():
        latent, right = tokenizer.latent(rows), _joints(rows)
        best = quantizer.ids(latent)[:, :1]
    least = torch.full((len(rows),), torch.inf, device=rows.device)
    latent.requires_grad_(True)
    adam = torch.optim.Adam([latent], betas=_BETAS)
    for step in range(settings.steps + 1):
        with torch.no_grad():
            ids = quantizer.ids(latent)[:, :1]
            way = quantizer.latent(ids) - latent
        error = _error(_joints(tokenizer.rows(latent + way)), right, settings)  # (B,)
        better = error.detach() < least
        best, least = torch.where(better[:, None, None, None], ids, best), torch.where(better, error.detach(), least)
        if step == settings.steps:
            break
        fall = _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + cos(pi * step / settings.steps))
        adam.param_groups[0]["lr"] = settings.rate * fall
        adam.zero_grad()
        error.sum().backward()
        adam.step()
    return best


def _joints(rows: Tensor) -> Tensor:
    """(B, T, 22, 3) of rows."""
    return rows[..., POSITIONS].unflatten(-1, (JOINTS, 3))


def _error(made: Tensor, right: Tensor, settings: CodeOptimisationSettings) -> Tensor:
    """(B,) weighted mean distances of joints (B, T, 22, 3)."""
    wrong = made - right
    distances = (
        settings.world * wrong,
        settings.pose * (wrong - wrong[..., :1, :]),
        settings.pace * wrong.diff(dim=1),
    )
    return torch.stack([d.norm(dim=-1).mean((1, 2)) for d in distances]).sum(0)
