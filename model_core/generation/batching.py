"""Samples the takes of a batch: handles random generators and precision, and splits the batch if memory runs out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import UserError, out_of_memory
from ..model_files.sampling_settings import SamplingSettings
from ..networks.token_map import FRAMES_PER_TOKEN
from ..networks.transformer import InteractionTransformer
from .drafts import DraftCallback
from .sampling import CandidateSelector, MapCallback, Randomness, StepCallback, redraw, sample

_SPLIT = 4
"""Number of smaller batches that the takes are split into if all of them at once do not fit into memory."""


@dataclass(frozen=True)
class BatchSampler:
    """Samples the takes of a batch with given settings and randomness.

    Attributes:
        settings: see ``SamplingSettings``.
        generators: one for all takes, or one for each.
        on_draft: see ``GenerateOptions``.
        precision: of the transformer's products; see ``sampling.sample``.
    """

    settings: SamplingSettings
    generators: tuple[torch.Generator, ...]
    on_draft: DraftCallback | None = None
    precision: torch.dtype | None = None

    def sample(
        self,
        transformer: InteractionTransformer,
        ids: Tensor,
        free: Tensor,
        text: Tensor,
        on_step: StepCallback | None,
        select_candidate: CandidateSelector | None,
        on_maps: MapCallback | None = None,
    ) -> Tensor:
        """Fill in the free tokens of all takes; in ``_SPLIT`` smaller batches if they do not fit into memory at once.

        Args:
            transformer, ids, free, on_step, select_candidate, on_maps: as in ``sampling.sample``.
            text: (1, W) condition of all takes, or (takes, W).

        Raises:
            UserError: the smaller batches do not fit into memory either.
        """
        takes = len(ids)

        def run(part: slice) -> Tensor:
            selector = None if select_candidate is None else _with_first_item(select_candidate, part.start)
            vectors = text.expand(takes, -1)[part]
            generators = self._generators_of(part)
            return sample(
                transformer,
                ids[part],
                free[part],
                vectors,
                self.settings,
                generators,
                on_step,
                selector,
                on_maps,
                self.precision,
            )

        return self._in_parts(run, takes, ids)

    def redraw(
        self,
        transformer: InteractionTransformer,
        ids: Tensor,
        free: Tensor,
        text: Tensor,
        settings: SamplingSettings,
        on_step: StepCallback | None,
        adjust: Callable[[Tensor, Tensor], Tensor],
    ) -> Tensor:
        """Redraw the improbable tokens of filled maps, of equally many variants of each take, one after the other.

        Args:
            transformer, ids, free, on_step: as in ``sampling.redraw``, of all variants.
            text: (1, W) condition of all takes, or (takes, W).
            settings: of ``sampling.redraw``.
            adjust: takes maps (N, 2, P, S) and the indices of their variants (N,), and returns changed maps.

        Raises:
            UserError: there is not enough memory.
        """
        count = len(ids)
        vectors = text.expand(count, -1) if len(text) == 1 else text.repeat_interleave(count // len(text), 0)

        def run(part: slice) -> Tensor:
            items = torch.arange(count, device=ids.device)[part]
            generators = self.generators
            if len(generators) > 1:
                generators = tuple(g for g in generators for _ in range(count // len(self.generators)))[part]
            source: Randomness = generators[0] if len(self.generators) == 1 else generators
            return redraw(
                transformer,
                ids[part],
                free[part],
                vectors[part],
                settings,
                source,
                on_step,
                lambda maps: adjust(maps, items),
                self.precision,
            )

        return self._in_parts(run, count, ids)

    def _in_parts(self, run: Callable[[slice], Tensor], takes: int, ids: Tensor) -> Tensor:
        """The results of all takes at once, or of ``_SPLIT`` smaller batches."""
        device = ids.device
        states = [generator.get_state() for generator in self.generators]
        # One take cannot be split: the same size would run out of memory again.
        for size in dict.fromkeys((takes, -(-takes // _SPLIT))):
            try:
                return torch.cat([run(slice(start, start + size)) for start in range(0, takes, size)])
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
            for generator, state in zip(self.generators, states, strict=True):
                generator.set_state(state)
            if device.type == "cuda":
                torch.cuda.empty_cache()
        fewer = "fewer takes or a shorter clip" if takes > 1 else "a shorter clip"
        others = (
            ", close other programs, or choose the device cpu" if device.type != "cpu" else ", or close other programs"
        )
        raise UserError(
            f"There is not enough memory on {device} for {takes} {'takes' if takes > 1 else 'take'} of "
            f"{ids.shape[-1] * FRAMES_PER_TOKEN} frames; ask for {fewer}{others}."
        )

    def _generators_of(self, chunk: slice) -> Randomness:
        return self.generators[0] if len(self.generators) == 1 else self.generators[chunk]


def _with_first_item(select_candidate: CandidateSelector, first: int) -> CandidateSelector:
    """A selector for a chunk of a batch whose item 0 is item ``first`` of the batch."""
    return lambda candidates, items: select_candidate(candidates, items + first)
