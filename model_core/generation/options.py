"""The options that every way of generating takes."""

from __future__ import annotations

from dataclasses import dataclass

from ..model_files.sampling_settings import SamplingSettings
from .sampling import StepCallback


@dataclass(frozen=True)
class GenerateOptions:
    """How to generate, whatever is generated.

    Attributes:
        settings: of sampling; None uses the model's own.
        seed: determines the result.
        takes: number of results, sampled as one batch.
        on_step: called with (steps done, total steps) after each step; an exception that it raises ends the
            generation, which is how a generation is cancelled.
    """

    settings: SamplingSettings | None = None
    seed: int = 0
    takes: int = 1
    on_step: StepCallback | None = None
