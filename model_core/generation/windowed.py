"""A loaded model at work: what texts and motion are to its networks, and a completion made window by window."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..model_files.model_folder import Model
from ..model_files.settings import ModelConfig
from ..model_files.training_captions import KnownCaptions
from ..motion import FPS, Motion
from ..motion.canonical import CanonicalTransform
from ..motion.representation import POSITIONS
from ..networks.code_optimisation import optimised_codes
from ..networks.tokenizer import FRAMES_A_TOKEN
from ..text_encoders import TextEncoder
from .batching import Draw
from .completion import Window, WindowTask, columns, pad_or_trim, pasted, windows
from .devices import Device
from .postprocess import refined
from .prompts import segments
from .representations import REPRESENTATIONS
from .reranking import TextCondition, rerank
from .sampling import StepCallback

SHORTEST = 16
"""Frames of the shortest clip: four columns of tokens."""
LONGEST = 1800
"""Frames of the longest clip, a minute; what is longer than the model's own clips is made by extension."""


class LoadedModel:
    """Networks with what they need around them; ``InterMask`` is what users make of it."""

    def __init__(
        self,
        model: Model,
        text_encoder: TextEncoder,
        computes: Device,
        captions: KnownCaptions | None = None,
    ) -> None:
        self.model = model
        self.captions = captions
        self.text_encoder = text_encoder
        self.computes = computes
        self.device = computes.place
        self.representation = REPRESENTATIONS[model.config.tokenizer.dataset]

    @property
    def config(self) -> ModelConfig:
        """The model's settings."""
        return self.model.config

    def _stretches(self, prompt: str, frames: int, begun: int) -> list[tuple[Window, TextCondition]]:
        """The windows of a clip, each with what happens in it."""
        stretches: list[tuple[Window, TextCondition]] = []
        for segment in segments(prompt, frames, FPS):
            text_condition = self.text_condition(segment.prompt)
            stretches += [(window, text_condition) for window in windows(segment.stop, self.config.longest, begun)]
            begun = max(begun, segment.stop)
        return stretches

    def _completed(
        self,
        stretches: list[tuple[Window, TextCondition]],
        known: tuple[Motion | None, Motion | None],
        free: np.ndarray,
        frames: int,
        draw: Draw,
        takes: int,
        on_step: StepCallback | None,
    ) -> list[tuple[Motion, Motion]]:
        """Both people of each take, window by window; a stretch tells all takes the same, or each its own."""
        prepared = self.representation.prepared
        given = [None if person is None else pad_or_trim(prepared(person), frames) for person in known]
        pairs = [list(given) for _ in range(takes)]
        for number, (window, text_condition) in enumerate(stretches):
            task = WindowTask(free[:, :, window.start // FRAMES_A_TOKEN : columns(window.stop)], window)
            if task.free.any():
                step = within(on_step, number, len(stretches))
                self._complete_window(pairs, task, window, frames, text_condition, draw, step)
        made_pairs = [[person for person in pair if person is not None] for pair in pairs]
        people = [(first, second) for first, second in made_pairs]
        if all(person is None for person in known):
            people = [self.representation.settled(pair) for pair in people]
        return people

    def _source(self, seed: int) -> torch.Generator:
        """Randomness that a seed determines."""
        return torch.Generator(self.device).manual_seed(seed)

    def _complete_window(
        self,
        takes: list[list[Motion | None]],
        task: WindowTask,
        window: Window,
        frames: int,
        text_condition: TextCondition,
        draw: Draw,
        on_step: StepCallback | None,
    ) -> None:
        """Fill in one window of all takes at once and put it into them."""
        pairs = [[None if p is None else p.frames(window.start, window.stop) for p in pair] for pair in takes]
        places = [task.placement(pair, self.representation.placement) for pair in pairs]
        maps = self._maps(pairs, places, task)
        mask = torch.from_numpy(task.free).to(self.device).expand(len(maps), -1, -1, -1)
        # The person who leads the window comes first, as in training.
        ids, places_free = maps[:, task.order], mask[:, task.order]
        refine = self._refining(pairs, places, task, text_condition)

        def shown(candidates: Tensor, which: Tensor) -> np.ndarray:
            return refine(self.decode(candidates.flatten(0, 1)[:, task.order]), which)[:, task.order]

        reranker = self.model.reranker
        choose = None if reranker is None else rerank(reranker, text_condition, shown)
        filled = draw.sample(self.model.transformer, ids, places_free, text_condition.condition, on_step, choose)[
            :, task.order
        ]
        made = refine(self.decode(filled), torch.arange(len(takes), device=self.device))
        before = self.decode(maps) if task.partly.any() else None
        for index, (pair, place) in enumerate(zip(pairs, places, strict=True)):
            for person in (0, 1):
                new, old = (
                    None
                    if rows is None
                    else place.inverse.of(self.representation.motion(rows[index, person, : task.frames]))
                    for rows in (made, before)
                )
                assert new is not None
                result = task.result(person, pair[person], new, old)
                takes[index][person] = pasted(takes[index][person], result, window.start, frames)

    def _refining(
        self,
        pairs: Sequence[Sequence[Motion | None]],
        places: Sequence[CanonicalTransform],
        task: WindowTask,
        text_condition: TextCondition,
    ) -> Callable[[np.ndarray, Tensor], np.ndarray]:
        """What is done to decoded rows (N, 2, T, ...) of some of the takes, with as many drafts of each.

        Where parts of a person are held, the others are left where the tokens have them: they belong to what is held.
        """
        refiner, contact_classifier = self.model.refiner, self.model.contact_classifier
        if (refiner is None and contact_classifier is None) or not task.whole:
            return lambda rows, which: rows
        fixed = task.held.all(1)

        def refine(rows: np.ndarray, which: Tensor) -> np.ndarray:
            candidates, rows = len(rows) // len(which), rows.copy()
            for person in np.flatnonzero(fixed):
                for number, take in enumerate(which.tolist()):
                    known = pairs[take][person]
                    assert known is not None
                    real = pad_or_trim(places[take].of(known), rows.shape[2]).joints.reshape(rows.shape[2], -1)
                    rows[number * candidates : (number + 1) * candidates, person, :, POSITIONS] = real
            return refined(
                refiner, contact_classifier, rows, text_condition.each(which, candidates).to(self.device), fixed
            )

        return refine

    def _maps(
        self, pairs: Sequence[Sequence[Motion | None]], places: Sequence[CanonicalTransform], task: WindowTask
    ) -> Tensor:
        """(takes, 2, P, S) tokens of a window's people as far as they are known; zeros for the others."""
        maps = torch.zeros((len(pairs), *task.free.shape), dtype=torch.long, device=self.device)
        encoded: dict[bytes, Tensor] = {}  # all takes may have the same leader
        for take, (pair, place) in enumerate(zip(pairs, places, strict=True)):
            for person, known in enumerate(pair):
                if known is not None:
                    rows = self._rows(place.of(known))
                    digest = rows.tobytes()
                    if digest not in encoded:
                        encoded[digest] = self._encoded(rows)
                    maps[take, person] = encoded[digest]
        return maps

    def encode(self, motion: Motion) -> Tensor:
        """(P, S) tokens of a motion in its canonical frame; its last frame is repeated to fill the last column."""
        return self._encoded(self._rows(motion))

    def _rows(self, motion: Motion) -> np.ndarray:
        """Rows of a motion with its last column filled."""
        whole_columns = pad_or_trim(self.representation.prepared(motion), FRAMES_A_TOKEN * columns(len(motion)))
        return self.representation.rows(whole_columns)

    def _encoded(self, rows: np.ndarray) -> Tensor:
        normal = (torch.from_numpy(rows).to(self.device) - self.model.mean) / self.model.std
        return self.tokens(normal[None])[0]

    def tokens(self, normal: Tensor) -> Tensor:
        """(B, P, S) tokens of normalised rows (B, T, ...), T a multiple of 4: the nearest codes, or closer ones."""
        code_optimisation, tokenizer = self.config.code_optimisation, self.model.tokenizer
        if code_optimisation is not None:
            return optimised_codes(tokenizer, normal, code_optimisation)[:, 0]
        with torch.inference_mode():
            return tokenizer.encode(normal)[:, 0]

    @torch.inference_mode()
    def decode(self, ids: Tensor) -> np.ndarray:
        """(takes, 2, T, ...) rows in metres from token maps (takes, 2, P, S)."""
        rows = self.model.tokenizer.decode(ids.flatten(0, 1)[:, None])
        return (rows * self.model.std + self.model.mean).unflatten(0, (-1, 2)).float().cpu().numpy()

    @torch.inference_mode()
    def text_condition(self, prompt: str) -> TextCondition:
        """What a prompt says to the networks."""
        features = self.text_encoder.encode([prompt])
        condition = self.model.transformer.text_layers(features.hidden, features.mask, features.end)
        return TextCondition(condition, features.pooled)

    def _check(self, frames: int) -> None:
        if not SHORTEST <= frames <= LONGEST:
            raise UserError(
                f"{frames} frames at {FPS:g} a second cannot be made; choose {SHORTEST} to {LONGEST} "
                f"({SHORTEST / FPS:.1f} to {LONGEST / FPS:g} seconds)."
            )


def within(on_step: StepCallback | None, number: int, count: int) -> StepCallback | None:
    """A callback for one of several windows that counts the steps of all."""
    if on_step is None:
        return None
    return lambda step, steps: on_step(number * steps + step, count * steps)
