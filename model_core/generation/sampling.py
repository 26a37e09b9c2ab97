"""Iterative decoding of masked tokens: the most confident predictions are kept first, then tokens are refined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, log

import torch
from torch import Tensor

from ..errors import UserError
from ..model_files.sampling_settings import SamplingSettings
from ..networks.transformer import Condition, InteractionTransformer
from .guidance import check_part_guidance, condition_of, guided_logits, guided_steps

StepCallback = Callable[[int, int], None]
"""Called with (steps done, total steps) after each step; an exception that it raises ends the sampling."""

Randomness = torch.Generator | Sequence[torch.Generator] | None
"""One generator for a whole batch, or one for each item, whose draws then depend on nothing but the item."""

Adjustment = Callable[[Tensor], Tensor]
"""From filled token maps (B, 2, P, S) to changed ones."""

MapCallback = Callable[[Tensor], None]
"""Called with filled token maps (N, 2, P, S) while they are drawn; their values are not final."""

CandidateSelector = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Takes candidates (N, candidates, 2, P, S) and their items (N,); returns, (N,) each, the index of each item's best
candidate and the probability that this candidate is good."""


def sample(
    transformer: InteractionTransformer,
    ids: Tensor,
    free: Tensor,
    text: Tensor,
    settings: SamplingSettings,
    generator: Randomness = None,
    on_step: StepCallback | None = None,
    select_candidate: CandidateSelector | None = None,
    on_maps: MapCallback | None = None,
    precision: torch.dtype | None = None,
) -> Tensor:
    """Fill in the free tokens of token maps of equal length; the other tokens are kept.

    Args:
        transformer: in evaluation mode.
        ids: (B, 2, P, S) token ids; the ids at free places are ignored.
        free: (B, 2, P, S) true where a token is to be filled in.
        text: (B, W) condition vectors.
        settings: see ``SamplingSettings``.
        generator: on the device of ``ids``; one for each item makes items independent of each other, unless
            ``skip_confidence`` skips steps, which happens for all items at once.
        on_step: reports progress and cancels.
        select_candidate: selects the best candidate of each item; None draws one candidate for each item.
        on_maps: called with a quick guess of the first item's map, then with the maps of the first attempt after each
            of its steps.
        precision: of the transformer's products (autocast); None for that of its weights. Logits, guidance and draws
            are in single precision, and so is the choice among candidates.

    Returns:
        (B, 2, P, S) ids without masks; the kept ones are unchanged.

    Raises:
        UserError: ``refine_parts`` or ``part_guidance`` do not match the body parts of the maps.
    """
    _check_parts(settings, ids.shape[2])
    sampler = _Sampler(transformer, text, settings, generator, on_step, on_maps=on_maps, precision=precision)
    with torch.inference_mode():
        if select_candidate is None or settings.candidates == settings.max_attempts == 1:
            return sampler.sample(ids, free)
        return sampler.best_of_candidates(ids, free, select_candidate)


def redraw(
    transformer: InteractionTransformer,
    ids: Tensor,
    free: Tensor,
    text: Tensor,
    settings: SamplingSettings,
    generator: Randomness = None,
    on_step: StepCallback | None = None,
    adjust: Adjustment | None = None,
    precision: torch.dtype | None = None,
) -> Tensor:
    """Redraw the free tokens that the rest of a filled token map makes improbable, in ``settings.refinement_passes``.

    Args:
        transformer, free, text, generator, precision: as in ``sample``.
        ids: (B, 2, P, S) without masks.
        settings: of the guidance, the draw and the passes.
        on_step: called with (passes through the transformer done, all of them).
        adjust: changes the maps after each draw; of the changed tokens only those that were redrawn count.

    Returns:
        (B, 2, P, S) ids without masks; the kept ones are unchanged.
    """
    without_steps = replace(settings, steps=0, guidance_fraction=1.0)
    sampler = _Sampler(transformer, text, without_steps, generator, on_step, adjust, precision=precision)
    with torch.inference_mode():
        return sampler.refine(ids, free)


def passes(settings: SamplingSettings, parts: int) -> int:
    """Passes through the transformer of ``sample``, without those of further attempts."""
    return settings.steps + remask_groups(settings, parts) * settings.refinement_passes


def _check_parts(settings: SamplingSettings, parts: int) -> None:
    unknown = [part for part in settings.refine_parts if not 0 <= part < parts]
    if unknown:
        raise UserError(f"refine_parts names part {unknown[0]}; a token map has the parts 0 to {parts - 1}.")
    check_part_guidance(settings.part_guidance, parts)


QUICK_STEPS = 4
"""Passes for the first draft."""
REMASK_GROUPS = 4
"""Groups of tokens that are masked in turn, so that the network predicts each token from the others."""


def remask_groups(settings: SamplingSettings, parts: int) -> int:
    """Groups, one forward pass each, of a refinement pass over maps of ``parts`` body parts.

    The fewer parts are refined, the more tokens of each part are masked at once.
    """
    if not settings.refine_parts:
        return REMASK_GROUPS
    return max(1, round(REMASK_GROUPS * len(settings.refine_parts) / parts))


@dataclass(frozen=True)
class _Sampler:
    """The inputs that all passes of one call share; attributes as the arguments of ``sample``.

    Attributes:
        candidates: as many items in a row have the same map and text.
    """

    transformer: InteractionTransformer
    text: Tensor
    settings: SamplingSettings
    generator: Randomness
    on_step: StepCallback | None
    adjust: Adjustment | None = None
    on_maps: MapCallback | None = None
    candidates: int = 1
    precision: torch.dtype | None = None

    def for_items(self, items: Tensor) -> _Sampler:
        """The sampler of some items (N,) of the batch; an item may be repeated."""
        generator = self.generator
        if isinstance(generator, Sequence):
            generator = [generator[item] for item in items.tolist()]
        return replace(self, text=self.text[items], generator=generator)

    def best_of_candidates(self, ids: Tensor, free: Tensor, select_candidate: CandidateSelector) -> Tensor:
        """Token maps (B, 2, P, S), each the best of its candidates; more are drawn where none is accepted."""
        settings, sampler = self.settings, self
        items = torch.arange(len(ids), device=ids.device)
        result, probability = ids.clone(), torch.full((len(ids),), -torch.inf, device=ids.device)
        for _ in range(settings.max_attempts):
            repeated = items.repeat_interleave(settings.candidates)
            own = replace(sampler.for_items(repeated), candidates=settings.candidates)
            maps = own.sample(ids[repeated], free[repeated])
            candidates = maps.unflatten(0, (-1, settings.candidates))
            best, probability_good = (values.to(ids.device) for values in select_candidate(candidates, items))
            better = ~(probability_good <= probability[items])  # true for NaN too: every item gets a result
            result[items[better]] = candidates[better, best[better]]
            probability[items] = torch.maximum(probability[items], probability_good)
            items = items[probability[items] < settings.accept_threshold]
            if not len(items):
                break
            # The progress of further attempts stays at the end of the first one.
            sampler = replace(self, on_step=_constant(self.on_step, self._passes(ids)), on_maps=None)
        return result

    def sample(self, ids: Tensor, free: Tensor) -> Tensor:
        """Fill in and refine token maps (B, 2, P, S)."""
        return self.refine(self.fill(ids, free), free)

    def fill(self, ids: Tensor, free: Tensor) -> Tensor:
        """Fill in the free tokens of token maps (B, 2, P, S), the most confident ones first."""
        settings, mask_id, steps = self.settings, self.transformer.config.mask_id, self.settings.steps
        shape, guided = ids.shape, guided_steps(settings)
        if self.on_maps is not None:
            self.on_maps(self._quick_guess(ids[:1], free[:1]))
        condition = self._condition(settings.guidance if guided else 1.0)
        flat, free = ids.flatten(1).clone(), free.flatten(1)
        counts = free.sum(1)
        certain = torch.finfo(self.text.dtype).max
        confidence = torch.zeros_like(flat, dtype=self.text.dtype).masked_fill_(~free, certain)
        masked_fractions = _masked_fractions(steps, flat.device)
        copies = self._copies(flat.masked_fill(free, mask_id))
        step = 0
        while step < steps:
            masked = lowest_k_mask(confidence, torch.round(masked_fractions[step] * counts).clamp_min(1)) & free
            flat = torch.where(masked, mask_id, flat)
            # Each condition is followed by the unconditional one only if a step is guided.
            own = condition if step in guided or not guided else condition.first(len(flat))
            guidance = settings.guidance if step in guided else 1.0
            if step == 0:
                # Nothing has been drawn yet: one pass serves all candidates.
                logits = self._logits(flat[::copies].view(-1, *shape[1:]), own.every(copies), guidance)
                logits = logits.repeat_interleave(copies, 0)
            else:
                logits = self._logits(flat.view(shape), own, guidance)
            rows = logits[masked]
            codes = self._draw(rows, masked)
            flat = flat.masked_scatter(masked, codes)
            probability = rows.softmax(-1).gather(-1, codes[:, None])[:, 0]
            score = torch.ones_like(confidence, dtype=probability.dtype).masked_scatter_(masked, probability)
            unsure = ((score < settings.skip_confidence) & masked).sum(1)
            if settings.mask_temperature > 0:
                noise = settings.mask_temperature * (1 - (step + 1) / steps) * _gumbel(score, self.generator)
                score = score.log() + noise
            confidence = torch.where(masked, score, certain)
            skips = settings.skip_confidence < 1
            step = _next_step(step, masked_fractions, counts, unsure) if skips else step + 1
            if self.on_maps is not None:
                self.on_maps(flat.view(shape))
            self._report(step, ids)
        return flat.view(shape)

    def _quick_guess(self, ids: Tensor, free: Tensor) -> Tensor:
        """A map (1, 2, P, S) of the first item from a few passes of this item alone without guidance, as a first look.

        The most likely codes will not do: where nothing is known, they are the same for both people, who would stand
        inside each other. Random numbers of its own leave those of the result as they are.
        """
        settings = replace(self.settings, steps=QUICK_STEPS, guidance=1.0, skip_confidence=1.0)
        own = torch.Generator(ids.device).manual_seed(0)
        alone = replace(self, text=self.text[:1], settings=settings, generator=own, on_step=None, on_maps=None)
        return replace(alone, candidates=1).fill(ids, free)

    def _copies(self, masked: Tensor) -> int:
        """How many items in a row are equal, given the maps (B, N) of the first step: all, the candidates, or one."""
        if bool((masked == masked[:1]).all() & (self.text == self.text[:1]).all()):
            return len(masked)
        return self.candidates

    def refine(self, ids: Tensor, free: Tensor) -> Tensor:
        """Run the refinement passes over the free tokens of token maps (B, 2, P, S).

        Tokens that are filled in early do not depend on later ones and may contradict them, for example with a pelvis
        that jumps sideways for four frames. The network copies a token that it sees, so each pass masks every token
        once, and redraws it where the rest of the map makes it improbable.
        """
        settings = self.settings
        if not settings.refinement_passes:
            return ids
        if settings.refine_parts:
            part = torch.arange(ids.shape[2], device=ids.device)[:, None]
            free = free & torch.isin(part, torch.tensor(settings.refine_parts, device=ids.device))
        flat, free, groups = ids.flatten(1), free.flatten(1), remask_groups(settings, ids.shape[2])
        guidance = settings.guidance if guided_steps(settings) == range(settings.steps) else 1.0
        condition = self._condition(guidance)
        log_threshold = log(max(settings.remask_threshold, 1e-9))
        for pass_index in range(settings.refinement_passes):
            group = _ranks(_gumbel(torch.zeros_like(flat, dtype=self.text.dtype), self.generator)) % groups
            for current in range(groups):
                masked = (group == current) & free
                remasked = torch.where(masked, self.transformer.config.mask_id, flat).view(ids.shape)
                logits = self._logits(remasked, condition, guidance)
                improbable = masked & (logits.gather(-1, flat[..., None])[..., 0] < logits.amax(-1) + log_threshold)
                flat = flat.masked_scatter(improbable, self._draw(logits[improbable], improbable))
                if self.adjust is not None:
                    flat = torch.where(improbable, self.adjust(flat.view(ids.shape)).flatten(1), flat)
                self._report(settings.steps + groups * pass_index + current + 1, ids)
        return flat.view(ids.shape)

    def _draw(self, logits: Tensor, places: Tensor) -> Tensor:
        """Draw codes (M,) from the ``top_k_fraction`` most likely ones of logits (M, codes), those of M places.

        Noise is drawn for all places (B, N), so that a draw does not depend on how many others are free.
        """
        settings = self.settings
        k = _top_k(settings.top_k_fraction, self.transformer.config.codes)
        if k == 1:
            return logits.argmax(-1)
        best, codes = logits.topk(k, -1)
        noise = _gumbel(places[..., None].expand(*places.shape, k), self.generator, places)
        winner = (best / max(settings.temperature, 1e-6) + noise).argmax(-1, keepdim=True)
        return codes.gather(-1, winner)[:, 0]

    def _condition(self, guidance: float) -> Condition:
        return condition_of(self.transformer, self.text, guidance, self.precision)

    def _logits(self, ids: Tensor, condition: Condition, guidance: float) -> Tensor:
        """Logits (B, 2 P S, codes) of token maps (B, 2, P, S)."""
        parts = self.settings.part_guidance
        return guided_logits(self.transformer, ids, condition, guidance, parts, self.precision).flatten(1, 3)

    def _passes(self, ids: Tensor) -> int:
        return passes(self.settings, ids.shape[2])

    def _report(self, done: int, ids: Tensor) -> None:
        if self.on_step is not None:
            self.on_step(done, self._passes(ids))


def _constant(on_step: StepCallback | None, done: int) -> StepCallback | None:
    """A callback that always reports ``done`` steps; it can still cancel."""
    return None if on_step is None else lambda _, steps: on_step(done, steps)


def _next_step(step: int, masked_fractions: Tensor, counts: Tensor, unsure: Tensor) -> int:
    """The next step that masks at most as many tokens as some item is unsure of; the last step if there is none."""
    few_enough = (torch.round(masked_fractions[:, None] * counts) <= unsure).any(1).tolist()
    later = [candidate for candidate in range(step + 1, len(masked_fractions)) if few_enough[candidate]]
    return min([*later, max(len(masked_fractions) - 1, step + 1)])


def token_log_probs(
    transformer: InteractionTransformer,
    ids: Tensor,
    text: Tensor,
    guidance: float,
    generator: torch.Generator | None = None,
    part_guidance: Sequence[float] = (),
) -> Tensor:
    """Log probability of each given token, given the text and the other tokens.

    The network copies a token that it sees, so each token is scored while it is masked, together with some others.

    Args:
        transformer: in evaluation mode.
        ids: (B, 2, P, S) token ids without masks.
        text: (B, W) condition vectors.
        guidance, part_guidance: as in ``SamplingSettings``.
        generator: decides which tokens are masked together; on the device of ``ids``.

    Returns:
        (B, 2, P, S) log probability of each token while it is masked.

    Raises:
        UserError: ``part_guidance`` does not match the body parts of the maps.
    """
    check_part_guidance(part_guidance, ids.shape[2])
    with torch.inference_mode():
        condition = condition_of(transformer, text, guidance)
        order = torch.rand(ids.shape, generator=generator, device=ids.device).flatten(1).argsort(1)
        group = (order % REMASK_GROUPS).view(ids.shape)
        log_probs = torch.zeros(ids.shape, dtype=text.dtype, device=ids.device)
        for current in range(REMASK_GROUPS):
            masked = group == current
            remasked = ids.masked_fill(masked, transformer.config.mask_id)
            logits = guided_logits(transformer, remasked, condition, guidance, part_guidance)
            score = logits.log_softmax(-1).gather(-1, ids[..., None])[..., 0]
            log_probs = torch.where(masked, score.to(log_probs.dtype), log_probs)
    return log_probs


def _masked_fractions(steps: int, device: torch.device) -> Tensor:
    """(steps,) fraction of the free tokens that is masked in each step: the cosine schedule of MaskGIT."""
    return torch.cos(torch.linspace(0, 1, steps, device=device) * torch.pi / 2)


def lowest_k_mask(values: Tensor, counts: Tensor) -> Tensor:
    """(B, N) true for the ``counts`` (B,) smallest ``values`` (B, N) of each item."""
    return _ranks(values) < counts[:, None]


def _ranks(values: Tensor) -> Tensor:
    """(B, N) rank of each value in its item, 0 for the smallest."""
    return values.argsort(1).argsort(1)


def _top_k(fraction: float, codes: int) -> int:
    """Number of codes to draw from."""
    return min(codes, max(1, ceil(round(fraction * codes, 6))))


def _gumbel(like: Tensor, generator: Randomness, places: Tensor | None = None) -> Tensor:
    """Standard Gumbel noise of the shape of ``like``: the argmax of logits plus noise is a draw from their softmax.

    Always in float32: half precision has only 1024 values between 0.5 and 1, so 1 draw in 4,000 would become infinite
    and no finite one would exceed 7.6.

    Args:
        like: its shape and device count, (B, N) or (B, N, k).
        generator: for the whole batch, or one for each item.
        places: (B, N) true where the noise is needed, which is then (M, k); as much is drawn as for all.
    """

    def uniform_noise(shape: torch.Size, source: torch.Generator | None) -> Tensor:
        return torch.rand(shape, generator=source, device=like.device, dtype=torch.float32)

    if isinstance(generator, torch.Generator) or generator is None:
        uniform = uniform_noise(like.shape, generator)
    else:
        uniform = torch.stack([uniform_noise(like.shape[1:], source) for source in generator])
    if places is not None:
        uniform = uniform[places]
    return -torch.log(-torch.log(uniform.clamp(1e-9, 1 - 1e-7)))
