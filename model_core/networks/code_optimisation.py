"""Optimises tokens so that their decoded motion is as close as possible to a given one.

Not part of the published model, which uses the code nearest to each latent vector, independently of its neighbours. But
the decoder combines many tokens, and neighbours can compensate for the error of one code. Here gradient descent on the
reconstruction error moves the latents, passing gradients through the nearest codes unchanged (the straight-through
estimator of van den Oord et al. 2017), and the best tokens found are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi

import torch
from torch import Tensor

from ..motion.representation import JOINTS, POSITIONS
from .tokenizer import Tokenizer

_LAST_RATE = 0.1
"""Fraction of the learning rate in the last step."""
_BETAS = (0.8, 0.95)
"""Adam's betas: short averages, since the gradient jumps whenever a code changes."""


@dataclass(frozen=True)
class CodeOptimisationSettings:
    """How the tokens of known motion are optimised.

    Attributes:
        steps: forward and backward passes through the decoder.
        rate: learning rate of Adam on the latents.
        world, pose, pace: weights of the errors of joints in the world, of joints relative to the pelvis, and of their
            steps from frame to frame.
    """

    steps: int = 30
    rate: float = 0.1
    world: float = 1.0
    pose: float = 1.0
    pace: float = 1.0


@torch.inference_mode(False)
@torch.enable_grad()
def optimised_codes(tokenizer: Tokenizer, features: Tensor, settings: CodeOptimisationSettings) -> Tensor:
    """The tokens of the first level with the smallest reconstruction error found; never worse than the nearest codes.

    Args:
        tokenizer: in evaluation mode, of InterHuman features; its weights need no gradients.
        features: (B, T, 262) normalised, T a multiple of 4; created outside of inference mode.
        settings: see ``CodeOptimisationSettings``.

    Returns:
        (B, 1, 5, T / 4).
    """
    quantizer = tokenizer.quantizer
    with torch.no_grad():
        latent, target = tokenizer.latent(features), _joints(features)
        best = quantizer.ids(latent)[:, :1]
    smallest_error = torch.full((len(features),), torch.inf, device=features.device)
    latent.requires_grad_(True)
    adam = torch.optim.Adam([latent], betas=_BETAS)
    for step in range(settings.steps + 1):
        with torch.no_grad():
            ids = quantizer.ids(latent)[:, :1]
            offset = quantizer.latent(ids) - latent
        error = _error(_joints(tokenizer.decode_latent(latent + offset)), target, settings)  # (B,)
        better = error.detach() < smallest_error
        best, smallest_error = (
            torch.where(better[:, None, None, None], ids, best),
            torch.where(better, error.detach(), smallest_error),
        )
        if step == settings.steps:
            break
        decay = _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + cos(pi * step / settings.steps))
        adam.param_groups[0]["lr"] = settings.rate * decay
        adam.zero_grad()
        error.sum().backward()
        adam.step()
    return best


def _joints(features: Tensor) -> Tensor:
    """(B, T, 22, 3) joints of features (B, T, 262)."""
    return features[..., POSITIONS].unflatten(-1, (JOINTS, 3))


def _error(joints: Tensor, target: Tensor, settings: CodeOptimisationSettings) -> Tensor:
    """(B,) weighted mean distances of joints (B, T, 22, 3)."""
    error = joints - target
    distances = (
        settings.world * error,
        settings.pose * (error - error[..., :1, :]),
        settings.pace * error.diff(dim=1),
    )
    return torch.stack([d.norm(dim=-1).mean((1, 2)) for d in distances]).sum(0)
