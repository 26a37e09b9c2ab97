"""Masks tokens for a training step, and for its second, step-unrolled pass over the network's own predictions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..generation.sampling import lowest_k_mask
from ..networks.transformer import TransformerConfig


@dataclass(frozen=True)
class MaskingSettings:
    """How tokens are hidden; the defaults are the published ones.

    Attributes:
        whole_person: probability that all tokens of one person are hidden instead of random ones of both.
        random_code: fraction of the hidden tokens that are replaced by a random code.
        mask_token: fraction of the others that are replaced by the mask token; the rest keep their code.
        inference_steps: steps of the inference whose next step the unrolled pass imitates.
    """

    whole_person: float = 0.2
    random_code: float = 0.1
    mask_token: float = 0.88
    inference_steps: int = 20


@dataclass(frozen=True)
class Masked:
    """A batch with tokens hidden.

    Attributes:
        ids: (B, 2, P, S) input of the network.
        hidden: (B, 2, P, S) true for tokens that it predicts.
        time: (B,) position in the cosine schedule, 0 where every free token is hidden.
        free: (B, 2, P, S) true for the tokens that the schedule counts: all, or those of one person.
    """

    ids: Tensor
    hidden: Tensor
    time: Tensor
    free: Tensor


def hide(tokens: Tensor, config: TransformerConfig, settings: MaskingSettings) -> Masked:
    """Hide tokens (B, 2, P, S) of clips of one length for a first pass."""
    B, device = len(tokens), tokens.device
    time = torch.rand(B, device=device)
    share = torch.cos(time * torch.pi / 2)
    count = (share * tokens[0].numel()).round().clamp_min(1)
    order = torch.rand(tokens.shape, device=device).flatten(1).argsort(1).argsort(1)
    hidden = (order < count[:, None]).view(tokens.shape)
    free = torch.ones_like(hidden)
    one_person = torch.rand(B, device=device) < settings.whole_person
    which = torch.zeros_like(free)
    which[torch.arange(B, device=device), torch.randint(2, (B,), device=device)] = True
    hidden[one_person] = which[one_person]
    free[one_person] = which[one_person]
    time = time.masked_fill(one_person, 0.0)
    return Masked(_corrupted(tokens, hidden, config, settings), hidden, time, free)


def unroll(tokens: Tensor, first: Masked, logits: Tensor, config: TransformerConfig, steps: int) -> Masked:
    """Keep the most confident predictions of a first pass, as the next inference step would, and hide the rest.

    Args:
        tokens: (B, 2, P, S) the true tokens, kept where the first pass did not hide them.
        first: the input of the first pass.
        logits: (B, 2, P, S, codes) the first pass's predictions, detached.
        config: for the id of the mask token.
        steps: of the imitated inference.
    """
    probabilities = logits.float().softmax(-1)
    noise = -torch.log(-torch.log(torch.rand_like(probabilities).clamp(1e-9, 1 - 1e-7)))
    drawn = (logits.float() + noise).argmax(-1)
    confidence = probabilities.gather(-1, drawn[..., None])[..., 0].masked_fill(~first.hidden, 2.0)
    later = torch.cos((first.time + 1 / (steps - 1)).clamp(max=1) * torch.pi / 2)
    count = (later * first.free.flatten(1).sum(1)).round().clamp_min(1)
    hidden = lowest_k_mask(confidence.flatten(1), count).view(tokens.shape) & first.hidden
    ids = torch.where(first.hidden, drawn, tokens)
    return Masked(torch.where(hidden, config.mask_id, ids), hidden, first.time, first.free)


def _corrupted(tokens: Tensor, hidden: Tensor, config: TransformerConfig, settings: MaskingSettings) -> Tensor:
    """Replace most hidden tokens by the mask token and some by a random code; the others stay (as in BERT)."""
    lot = torch.rand(tokens.shape, device=tokens.device)
    random = hidden & (lot < settings.random_code)
    masked = hidden & ~random & (torch.rand(tokens.shape, device=tokens.device) < settings.mask_token)
    ids = torch.where(random, torch.randint_like(tokens, config.codes), tokens)
    return torch.where(masked, config.mask_id, ids)
