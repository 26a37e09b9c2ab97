"""The sampling settings: each one's default, limits and help, for model folders, requests, panels and command lines."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any


@dataclass(frozen=True)
class SamplingSetting:
    """Limits and help of a setting that users can change.

    Attributes:
        lowest, highest: inclusive limits, of the setting's own type.
        label: for buttons, in title case.
        help: one sentence without a full stop, for tooltips and ``--help``.
    """

    lowest: float
    highest: float
    label: str
    help: str


def _setting(default: float, lowest: float, highest: float, label: str, help_text: str) -> Any:
    """A dataclass field with a default, limits and help."""
    return field(default=default, metadata={"setting": SamplingSetting(lowest, highest, label, help_text)})


@dataclass(frozen=True)
class SamplingSettings:
    """How the free tokens are sampled.

    Attributes:
        steps: passes through the transformer.
        guidance: scale of classifier-free guidance; 1 is the conditional prediction alone.
        top_k_fraction: fraction of the codes, the most likely ones, that can be drawn.
        temperature: of the draw among these codes.
        mask_temperature: Gumbel noise on the confidence that decides which tokens are kept, falling to zero at the last
            step (Chang et al. 2022); 0 as published. Without it the most frequent codes win, and people stand still.
        part_guidance: fraction of the guidance above 1 for each body part of the map; empty for the full guidance.
        guidance_fraction: fraction of the steps after which there is no guidance; steps without it cost half. 1 as
            published.
        guidance_start: fraction of the steps before which there is no guidance; 0 as published.
        skip_confidence: steps that would only redraw tokens of at least this probability are skipped; 1, as published,
            runs every step.
        refinement_passes: passes over the filled map that mask each token once and redraw the improbable ones; 0 as
            published.
        refine_parts: body parts of the map that are refined; empty for all.
        remask_threshold: a masked token is redrawn where its probability is below this share of the most likely one's.
        candidates: maps drawn for each result, of which the reranker keeps one (best of N); 1 as published.
        max_attempts: how often candidates are drawn at most, for results whose best candidate is not accepted.
        accept_threshold: the reranker's probability at which a candidate is accepted without another attempt.
    """

    steps: int = _setting(20, 1, 1000, "Steps", "Passes through the transformer; more take longer")
    guidance: float = _setting(2.0, 0.0, 100.0, "Guidance", "How closely the motion follows the prompt")
    top_k_fraction: float = _setting(
        0.1, 0.0, 1.0, "Top-K Fraction", "Share of the codes, the most likely, that can be drawn"
    )
    temperature: float = _setting(1.0, 0.0, 100.0, "Temperature", "Randomness of the draw among these codes")
    mask_temperature: float = _setting(
        0.0, 0.0, 100.0, "Mask Temperature", "Randomness in which tokens are kept; more varies more"
    )
    part_guidance: tuple[float, ...] = ()
    guidance_fraction: float = _setting(
        1.0, 0.0, 1.0, "Guided Steps", "Share of the steps, from the first, that are guided"
    )
    guidance_start: float = _setting(
        0.0, 0.0, 1.0, "Guided From", "Share of the steps, from the first, that are not guided yet"
    )
    skip_confidence: float = _setting(
        1.0, 0.0, 1.0, "Skip Confidence", "Skip steps that redraw only tokens of this probability"
    )
    refinement_passes: int = _setting(0, 0, 100, "Refinement Passes", "Passes that redraw improbable tokens")
    refine_parts: tuple[int, ...] = ()
    remask_threshold: float = _setting(
        0.1, 0.0, 1.0, "Remask Threshold", "Redraw tokens below this share of the most likely one"
    )
    candidates: int = _setting(1, 1, 16, "Candidates", "Results drawn for each one that is kept")
    max_attempts: int = _setting(1, 1, 8, "Attempts", "How often candidates are drawn until one is accepted")
    accept_threshold: float = _setting(
        0.85, 0.0, 1.0, "Accept Threshold", "Probability at which a candidate is accepted"
    )

    def for_reaction(self) -> SamplingSettings:
        """The settings with half of the steps, as published for the partner of a given person."""
        return replace(self, steps=max(1, self.steps // 2))


FEWER_PASSES = SamplingSettings(steps=11, guidance_start=0.5)
"""The published settings with 16 passes instead of 40: 11 steps, and guidance from the sixth on. Not as published."""


SAMPLING_SETTINGS: dict[str, SamplingSetting] = {
    item.name: item.metadata["setting"] for item in fields(SamplingSettings) if "setting" in item.metadata
}
"""The settings that a request, a panel or a command line can change, by name."""
