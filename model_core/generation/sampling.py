"""The one decoding loop: tokens that are known are held, the others are filled in, most confident first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, log

import torch
from torch import Tensor

from ..errors import UserError
from ..model_files.sampling_settings import SamplingSettings
from ..networks.transformer import Condition, InteractionTransformer

StepCallback = Callable[[int, int], None]
"""Called with (steps done, steps in all) after each step; may raise ``Cancelled``."""


Randomness = torch.Generator | Sequence[torch.Generator] | None
"""Of a batch: one source for all of it, or one a row, whose draws depend on nothing but the row then."""

Choice = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From drafts (N, drafts, 2, P, S) of rows (N,) to each row's best, by number, and how likely it is good, (N,) each."""


class Cancelled(Exception):  # noqa: N818 - it is no error: somebody asked for it
    """Raised out of a generation by a callback when the user has asked to stop."""


def sample(
    transformer: InteractionTransformer,
    ids: Tensor,
    free: Tensor,
    text: Tensor,
    settings: SamplingSettings,
    generator: Randomness = None,
    on_step: StepCallback | None = None,
    choose: Choice | None = None,
) -> Tensor:
    """Fill in the free tokens of equally long token maps; the others are held.

    Args:
        transformer: in evaluation mode.
        ids: (B, 2, P, S) token ids; what stands at free places does not matter.
        free: (B, 2, P, S) true where a token is to be filled in.
        text: (B, W) condition vectors.
        settings: see ``SamplingSettings``.
        generator: source of randomness, on the device of ``ids``; one a row lets rows be independent of each other,
            but where ``skip_confidence`` leaves steps out, which it does for all rows at once.
        on_step: progress and cancelling.
        choose: who judges drafts; without, one is drawn of each.

    Returns:
        (B, 2, P, S) ids without masks; held ones unchanged.

    Raises:
        UserError: ``refine_parts`` or ``part_guidance`` do not suit the rows of the maps.
    """
    _check_rows(settings, ids.shape[2])
    sampler = _Sampler(transformer, text, settings, generator, on_step)
    with torch.inference_mode():
        if choose is None or settings.candidates == settings.max_attempts == 1:
            return sampler.made(ids, free)
        return sampler.chosen(ids, free, choose)


def _check_rows(settings: SamplingSettings, rows: int) -> None:
    strange = [row for row in settings.refine_parts if not 0 <= row < rows]
    if strange:
        raise UserError(f"looked_rows names row {strange[0]}; a token map has the rows 0 to {rows - 1}.")
    shares = len(settings.part_guidance)
    if shares not in (0, rows):
        raise UserError(f"row_guidance names {shares} rows; give one share for each of the {rows}, or none.")


REMASK_GROUPS = 4
"""Parts of the tokens that are hidden one after the other when all are judged, each by the rest."""


def passes_each(settings: SamplingSettings, rows: int) -> int:
    """Passes of one second look at maps of so many rows: with few looked at, more of each are hidden at once."""
    return (
        REMASK_GROUPS if not settings.refine_parts else max(1, round(REMASK_GROUPS * len(settings.refine_parts) / rows))
    )


@dataclass(frozen=True)
class _Sampler:
    """What is the same in every pass of one filling; attributes as the arguments of ``sample``."""

    transformer: InteractionTransformer
    text: Tensor
    settings: SamplingSettings
    generator: Randomness
    on_step: StepCallback | None

    def of(self, rows: Tensor) -> _Sampler:
        """The same for some of the rows (N,), of which one may come several times."""
        sources = self.generator
        if isinstance(sources, Sequence):
            sources = [sources[row] for row in rows.tolist()]
        return replace(self, text=self.text[rows], generator=sources)

    def chosen(self, ids: Tensor, free: Tensor, choose: Choice) -> Tensor:
        """Token maps (B, 2, P, S), each the best of its drafts; more are drawn where none convinces."""
        settings, sampler = self.settings, self
        rows = torch.arange(len(ids), device=ids.device)
        result, likely = ids.clone(), torch.full((len(ids),), -torch.inf, device=ids.device)
        for _ in range(settings.max_attempts):
            several = rows.repeat_interleave(settings.candidates)
            candidates = sampler.of(several).made(ids[several], free[several]).unflatten(0, (-1, settings.candidates))
            number, good = (values.to(ids.device) for values in choose(candidates, rows))
            better = ~(good <= likely[rows])  # a number that is none must not leave a row empty
            result[rows[better]] = candidates[better, number[better]]
            likely[rows] = torch.maximum(likely[rows], good)
            rows = rows[likely[rows] < settings.accept_threshold]
            if not len(rows):
                break
            # What is done for a second time has been counted.
            sampler = replace(self, on_step=_standing(self.on_step, self._passes(ids)))
        return result

    def made(self, ids: Tensor, free: Tensor) -> Tensor:
        """Token maps (B, 2, P, S), filled in and looked over."""
        return self.remasked(self.filled(ids, free), free)

    def filled(self, ids: Tensor, free: Tensor) -> Tensor:
        """Token maps (B, 2, P, S) whose free tokens are filled in, most confident first."""
        settings, mask_id, steps = self.settings, self.transformer.config.mask_id, self.settings.steps
        shape, guided = ids.shape, settings.guidance != 1
        condition = _condition(self.transformer, self.text, settings.guidance)
        flat, free = ids.flatten(1).clone(), free.flatten(1)
        counts = free.sum(1)
        certain = torch.finfo(self.text.dtype).max
        confidence = torch.zeros_like(flat, dtype=self.text.dtype).masked_fill_(~free, certain)
        shares, last_guided = _masked_shares(steps, flat.device), round(settings.guidance_fraction * steps)
        step = 0
        while step < steps:
            if guided and step >= last_guided:
                guided, condition = False, condition.first(len(flat))
            masked = least_confident(confidence, torch.round(shares[step] * counts).clamp_min(1)) & free
            flat = torch.where(masked, mask_id, flat)
            logits = self._logits(flat.view(shape), condition, settings.guidance if guided else 1)
            flat = torch.where(masked, self._drawn(logits), flat)
            sure = logits.softmax(-1).gather(-1, flat[..., None])[..., 0]
            unsure = ((sure < settings.skip_confidence) & masked).sum(1)
            if settings.mask_temperature > 0:
                sure = sure.log() + settings.mask_temperature * (1 - (step + 1) / steps) * _gumbel(sure, self.generator)
            confidence = torch.where(masked, sure, certain)
            step = _next_step(step, shares, counts, unsure) if settings.skip_confidence < 1 else step + 1
            self._report(step, ids)
        return flat.view(shape)

    def remasked(self, ids: Tensor, free: Tensor) -> Tensor:
        """Token maps (B, 2, P, S) after the second looks at their free tokens.

        Tokens filled in early never saw those that came later, and some disagree with them: a pelvis that is elsewhere
        for four frames. A network that is shown a token would only repeat it, so each is judged while it is hidden, and
        drawn anew where the rest of the map makes it improbable.
        """
        settings = self.settings
        if not settings.refinement_passes:
            return ids
        rows = torch.arange(ids.shape[2], device=ids.device)[:, None]
        if settings.refine_parts:
            free = free & torch.isin(rows, torch.tensor(settings.refine_parts, device=ids.device))
        flat, free, parts = ids.flatten(1), free.flatten(1), passes_each(settings, ids.shape[2])
        guidance = settings.guidance if round(settings.guidance_fraction * settings.steps) >= settings.steps else 1.0
        condition, least = _condition(self.transformer, self.text, guidance), log(max(settings.remask_threshold, 1e-9))
        for look in range(settings.refinement_passes):
            turn = _ranks(_gumbel(torch.zeros_like(flat, dtype=self.text.dtype), self.generator)) % parts
            for part in range(parts):
                hidden = (turn == part) & free
                shown = torch.where(hidden, self.transformer.config.mask_id, flat).view(ids.shape)
                logits = self._logits(shown, condition, guidance)
                doubtful = hidden & (logits.gather(-1, flat[..., None])[..., 0] < logits.amax(-1) + least)
                flat = torch.where(doubtful, self._drawn(logits), flat)
                self._report(settings.steps + parts * look + part + 1, ids)
        return flat.view(ids.shape)

    def _drawn(self, logits: Tensor) -> Tensor:
        """(B, N) one code for each place, drawn among the likeliest."""
        settings = self.settings
        kept = _kept(settings.top_k_fraction, self.transformer.config.codes)
        if kept == 1:
            return logits.argmax(-1)
        best, codes = logits.topk(kept, -1)
        winner = (best / max(settings.temperature, 1e-6) + _gumbel(best, self.generator)).argmax(-1, keepdim=True)
        return codes.gather(-1, winner)[..., 0]

    def _logits(self, ids: Tensor, condition: Condition, guidance: float) -> Tensor:
        """(B, 2 P S, codes)"""
        return _guided_logits(self.transformer, ids, condition, guidance, self.settings.part_guidance).flatten(1, 3)

    def _passes(self, ids: Tensor) -> int:
        return self.settings.steps + passes_each(self.settings, ids.shape[2]) * self.settings.refinement_passes

    def _report(self, done: int, ids: Tensor) -> None:
        if self.on_step is not None:
            self.on_step(done, self._passes(ids))


def _standing(on_step: StepCallback | None, done: int) -> StepCallback | None:
    """A callback that always says that so much is done."""
    return None if on_step is None else lambda _, steps: on_step(done, steps)


def _next_step(step: int, shares: Tensor, counts: Tensor, unsure: Tensor) -> int:
    """The next step that hides no more tokens than were unsure in some row, or the last one."""
    needed = (torch.round(shares[:, None] * counts) <= unsure).any(1).tolist()
    later = [number for number in range(step + 1, len(shares)) if needed[number]]
    return min([*later, max(len(shares) - 1, step + 1)])


def token_log_probs(
    transformer: InteractionTransformer,
    ids: Tensor,
    text: Tensor,
    guidance: float,
    generator: torch.Generator | None = None,
) -> Tensor:
    """How well each given token suits the text and the other tokens.

    A network that is shown a token would only repeat it, so each is judged while it is hidden, with some of the others.

    Args:
        transformer: in evaluation mode.
        ids: (B, 2, P, S) token ids without masks.
        text: (B, W) condition vectors.
        guidance: as in ``SamplingSettings``.
        generator: decides which tokens are hidden together, on the device of ``ids``.

    Returns:
        (B, 2, P, S) logarithm of the probability of each token while it is hidden.
    """
    with torch.inference_mode():
        condition = _condition(transformer, text, guidance)
        order = torch.rand(ids.shape, generator=generator, device=ids.device).flatten(1).argsort(1)
        group = (order % REMASK_GROUPS).view(ids.shape)
        confidence = torch.zeros(ids.shape, dtype=text.dtype, device=ids.device)
        for number in range(REMASK_GROUPS):
            hidden = group == number
            shown = ids.masked_fill(hidden, transformer.config.mask_id)
            logits = _guided_logits(transformer, shown, condition, guidance)
            sure = logits.log_softmax(-1).gather(-1, ids[..., None])[..., 0]
            confidence = torch.where(hidden, sure.to(confidence.dtype), confidence)
    return confidence


def _masked_shares(steps: int, device: torch.device) -> Tensor:
    """(S,) share of the free tokens that is masked in each step: the cosine schedule of MaskGIT."""
    return torch.cos(torch.linspace(0, 1, steps, device=device) * torch.pi / 2)


def least_confident(confidence: Tensor, counts: Tensor) -> Tensor:
    """(B, N) true for the ``counts`` (B,) smallest values of each row."""
    return _ranks(confidence) < counts[:, None]


def _ranks(values: Tensor) -> Tensor:
    """(B, N) the place of each value in its row, 0 for the smallest."""
    return values.argsort(1).argsort(1)


def _condition(transformer: InteractionTransformer, text: Tensor, guidance: float) -> Condition:
    """The condition of texts (B, W), followed by that of none where both predictions are needed."""
    return transformer.condition(torch.cat((text, torch.zeros_like(text))) if guidance != 1 else text)


def _guided_logits(
    model: InteractionTransformer, ids: Tensor, condition: Condition, guidance: float, shares: Sequence[float] = ()
) -> Tensor:
    """Logits (B, 2, P, S, codes); conditional and unconditional go through the network in one batch."""
    if guidance == 1:
        return model(ids, condition)
    with_text, without = model(torch.cat((ids, ids)), condition).chunk(2)
    if not shares:
        return torch.lerp(without, with_text, guidance)
    weights = 1 + (guidance - 1) * torch.tensor(shares, dtype=without.dtype, device=without.device)
    return torch.lerp(without, with_text, weights[:, None, None])


def _kept(fraction: float, codes: int) -> int:
    """How many codes may be drawn."""
    return min(codes, max(1, ceil(round(fraction * codes, 6))))


def _gumbel(like: Tensor, generator: Randomness) -> Tensor:
    """Standard Gumbel noise: the largest of logits plus it is a draw from their softmax."""

    def drawn(shape: torch.Size, source: torch.Generator | None) -> Tensor:
        return torch.rand(shape, generator=source, device=like.device, dtype=like.dtype)

    if isinstance(generator, torch.Generator) or generator is None:
        uniform = drawn(like.shape, generator)
    else:
        uniform = torch.stack([drawn(like.shape[1:], source) for source in generator])
    return -torch.log(-torch.log(uniform.clamp(1e-9, 1 - 1e-7)))
