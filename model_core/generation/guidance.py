"""The transformer's logits with classifier-free guidance (Ho and Salimans 2022), and the steps that are guided."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from ..errors import UserError
from ..model_files.sampling_settings import SamplingSettings
from ..networks.transformer import Condition, InteractionTransformer


def guided_steps(settings: SamplingSettings) -> range:
    """The steps with classifier-free guidance; empty where guidance changes nothing."""
    if settings.guidance == 1:
        return range(0)
    first, stop = (round(share * settings.steps) for share in (settings.guidance_start, settings.guidance_fraction))
    return range(first, stop)


def check_part_guidance(part_guidance: Sequence[float], parts: int) -> None:
    """Raise a ``UserError`` if ``part_guidance`` does not match the body parts of the maps."""
    count = len(part_guidance)
    if count not in (0, parts):
        raise UserError(f"part_guidance has {count} values; give one for each of the {parts} parts, or none.")


def condition_of(
    transformer: InteractionTransformer, text: Tensor, guidance: float, precision: torch.dtype | None = None
) -> Condition:
    """The condition of texts (B, W), followed by the unconditional one if guidance needs both predictions."""
    with _mixed(text.device, precision):
        return transformer.condition(torch.cat((text, torch.zeros_like(text))) if guidance != 1 else text)


def guided_logits(
    model: InteractionTransformer,
    ids: Tensor,
    condition: Condition,
    guidance: float,
    part_guidance: Sequence[float] = (),
    precision: torch.dtype | None = None,
) -> Tensor:
    """Logits (B, 2, P, S, codes) with classifier-free guidance; both predictions are computed in one batch.

    They are in single precision: guidance multiplies what is rounded away from the difference of both.
    """
    with _mixed(ids.device, precision):
        logits: Tensor = model(ids if guidance == 1 else torch.cat((ids, ids)), condition)
    if precision is not None:
        logits = logits.float()
    if guidance == 1:
        return logits
    conditional, unconditional = logits.chunk(2)
    if not part_guidance:
        return torch.lerp(unconditional, conditional, guidance)
    weights = 1 + (guidance - 1) * torch.tensor(part_guidance, dtype=unconditional.dtype, device=unconditional.device)
    return torch.lerp(unconditional, conditional, weights[:, None, None])


def _mixed(device: torch.device, precision: torch.dtype | None) -> AbstractContextManager[object]:
    """The context in which products are computed in a precision; None changes nothing, on any device."""
    return nullcontext() if precision is None else torch.autocast(device.type, precision)
