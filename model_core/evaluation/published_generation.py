"""Generates what the published evaluations measure: the network's own output, as their code samples it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..data.published_split import DrawnPair
from ..errors import UserError
from ..generation.devices import ComputeDevice, prepare_transformer
from ..generation.sampling import sample
from ..model_files.model_folder import Model
from ..networks.token_map import FRAMES_PER_TOKEN, PARTS
from ..networks.tokenizer import Tokenizer
from ..text_encoders import TextEncoder

_LARGEST_BATCH = 32


class PublishedGenerator:
    """Motions of captions, or of captions and a first person, without reranking, refinement and solver."""

    def __init__(self, model: Model, encoder: TextEncoder, device: ComputeDevice, react: bool = False) -> None:
        """Prepare a model.

        Args:
            model: on the device.
            encoder: the model's text encoder, on the device.
            device: of the networks.
            react: whether the first person is given and the second one generated, in half of the steps.
        """
        self._model, self._encoder, self._device = model, encoder, device.torch_device
        self._react = react
        prepare_transformer(model.transformer, device)
        self._tokenizer = _one_by_one(model.tokenizer).to(self._device)
        self.settings = model.config.sampling.for_reaction() if react else model.config.sampling

    def __call__(self, clips: Sequence[DrawnPair], wanted: Sequence[int], seed: int) -> Iterator[list[np.ndarray]]:
        """Generate motions of clips' captions and lengths.

        Args:
            clips: with their captions and their own motion.
            wanted: number of motions of each clip.
            seed: of all draws. Each motion has its own generator, so that batches change nothing but rounding.

        Yields:
            The motions of each clip, (2, T, ...) features in metres; T is the clip's own length, cut to whole tokens.
        """
        seeds = np.random.default_rng(seed)
        for clip, count in zip(clips, wanted, strict=True):
            own = seeds.integers(2**62, size=count)
            motions: list[np.ndarray] = []
            for start in range(0, count, _LARGEST_BATCH):
                motions += self._motions(clip, own[start : start + _LARGEST_BATCH].tolist())
            yield motions

    @torch.inference_mode()
    def _motions(self, clip: DrawnPair, seeds: list[int]) -> list[np.ndarray]:
        """One motion of a clip for each seed."""
        frames = clip.features.shape[1]
        ids = torch.zeros(len(seeds), 2, PARTS, frames // FRAMES_PER_TOKEN, dtype=torch.long, device=self._device)
        free = torch.ones_like(ids, dtype=torch.bool)
        if self._react:
            ids[:, 0] = self._leader(clip.features[0])
            free[:, 0] = False
        text = self._encoder.encode([clip.caption])
        condition = self._model.transformer.text_layers(text.hidden, text.mask, text.end)
        generators = [torch.Generator(self._device).manual_seed(seed) for seed in seeds]
        maps = sample(
            self._model.transformer, ids, free, condition.expand(len(seeds), -1), self.settings, generators
        )  # fmt: skip
        return [self._decoded(tokens, clip) for tokens in maps]

    def _leader(self, features: np.ndarray) -> Tensor:
        """Tokens (P, S) of the given person; frames beyond the last whole token are seen by the convolutions."""
        normalised = (torch.from_numpy(features).to(self._device) - self._model.mean) / self._model.std
        return self._tokenizer.encode(normalised[None])[0, 0]

    def _decoded(self, tokens: Tensor, clip: DrawnPair) -> np.ndarray:
        """Features (2, T, ...) of a token map (2, P, S)."""
        made = torch.cat([self._tokenizer.decode(person[None, None]) for person in tokens])
        people = (made * self._model.std + self._model.mean).float().cpu().numpy()
        if self._react and self._model.config.tokenizer.dataset == "interhuman":
            # The given person is measured as it is; for Inter-X the published code measures its reconstruction.
            people[0] = clip.features[0, : people.shape[1]]
        return people


def _one_by_one(tokenizer: Tokenizer) -> Tokenizer:
    """A tokenizer that treats a person as the published code does, which decodes one at a time.

    Its graph layers see neighbouring joints in the first frame only. A tokenizer whose layers see them in every frame,
    which published code cannot train, keeps them.
    """
    if tokenizer.config.graph_scope != "none" or tokenizer.config.body or tokenizer.config.dataset != "interhuman":
        return tokenizer
    same = Tokenizer(replace(tokenizer.config, graph_scope="first_frame"))
    same.load_state_dict(tokenizer.state_dict())
    return same.eval().requires_grad_(False)


def check_data_set(model: Model, dataset: str) -> None:
    """Check that a model is of a data set.

    Raises:
        UserError: it is of another one.
    """
    found = model.config.tokenizer.dataset
    if found != dataset:
        raise UserError(f"The model '{model.config.name}' is of {found} and not of {dataset}; choose another --model.")
