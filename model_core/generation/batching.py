"""Sampling for the takes of a batch: whose randomness, in which precision, and what happens where memory runs out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import UserError
from ..model_files.sampling_settings import SamplingSettings
from ..networks.tokenizer import FRAMES_A_TOKEN
from ..networks.transformer import InteractionTransformer
from .devices import out_of_memory
from .sampling import Choice, Randomness, StepCallback, sample


@dataclass(frozen=True)
class Draw:
    """How to sample, and the randomness to do it with.

    Attributes:
        settings: see ``SamplingSettings``.
        sources: one for all takes, or one for each.
    """

    settings: SamplingSettings
    sources: tuple[torch.Generator, ...]

    def sample(
        self,
        transformer: InteractionTransformer,
        ids: Tensor,
        free: Tensor,
        text: Tensor,
        on_step: StepCallback | None,
        choose: Choice | None,
    ) -> Tensor:
        """Fill in the free tokens of all takes; in quarters where memory does not suffice for all at once.

        Args:
            transformer, ids, free, on_step: as in ``sampling.sample``.
            text: (1, W) condition of all takes, or (takes, W).
            choose: who judges drafts, as in ``sampling.sample``.

        Raises:
            UserError: memory does not suffice for a quarter either.
        """
        batch, device = len(ids), ids.device

        def run(part: slice) -> Tensor:
            vectors = text.expand(batch, -1)[part]
            choice: Choice | None = (
                None if choose is None else lambda candidates, rows: choose(candidates, rows + part.start)
            )
            # The CPU computes as its device says.
            with torch.autocast(device.type, torch.float16, enabled=device.type != "cpu"):
                return sample(
                    transformer, ids[part], free[part], vectors, self.settings, self._of(part), on_step, choice
                )

        states = [source.get_state() for source in self.sources]
        for size in (batch, -(-batch // 4)):
            try:
                return torch.cat([run(slice(start, start + size)) for start in range(0, batch, size)])
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
            for source, state in zip(self.sources, states, strict=True):
                source.set_state(state)
            if device.type == "cuda":
                torch.cuda.empty_cache()
        raise UserError(
            f"There is not enough memory on {device} for {batch} takes of {ids.shape[-1] * FRAMES_A_TOKEN} frames; "
            "ask for fewer takes or a shorter clip, close other programs, or choose the device cpu."
        )

    def _of(self, part: slice) -> Randomness:
        """The randomness for some of the takes."""
        return self.sources[0] if len(self.sources) == 1 else self.sources[part]
