"""The options of all methods that generate."""

from __future__ import annotations

from dataclasses import dataclass

from ..constraints import Constraints
from ..model_files.sampling_settings import SamplingSettings
from .drafts import DraftCallback
from .sampling import StepCallback
from .steering import SteeringSettings


@dataclass(frozen=True)
class GenerateOptions:
    """Options of all methods of ``InterMask`` that generate.

    Attributes:
        settings: of sampling; None uses the model's own.
        seed: determines the result.
        takes: number of results, sampled as one batch.
        on_step: called with (steps done, total steps) after each step; an exception that it raises ends the
            generation, which is how a generation is cancelled.
        on_draft: called with drafts of the first take while it is drawn; each costs the time to decode it.
        constraints: what the people must do besides the prompt, in the world of the result: the same for each take and
            for each item of a batch.
        steering: how sampling is steered to the constraints; None leaves all of it to the solver.
        as_written: condition the networks on the prompt's own words, not on the training caption that says the same.
    """

    settings: SamplingSettings | None = None
    seed: int = 0
    takes: int = 1
    on_step: StepCallback | None = None
    on_draft: DraftCallback | None = None
    constraints: Constraints | None = None
    steering: SteeringSettings | None = SteeringSettings()
    as_written: bool = False
