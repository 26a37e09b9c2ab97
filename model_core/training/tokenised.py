"""Draws crops and encodes them as tokens once, and caches the tokens in a file for later runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..networks.tokenizer import Tokenizer
from ..tensor_files import save_tensors
from .crops import Crops
from .fingerprints import digest

_ENCODED_AT_ONCE = 64


@dataclass(frozen=True)
class TokenisedCrops:
    """Crops as tokens on the CPU, by their length in frames.

    Attributes:
        maps: (N, 2, P, S) token ids of the first level.
        captions: (N,) the index of each crop's group of captions.
    """

    maps: Mapping[int, Tensor]
    captions: Mapping[int, Tensor]

    def draw(self, random: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
        """Random crops of one random length: maps (count, 2, P, S) and indices of captions (count,)."""
        lengths = list(self.maps)
        sizes = np.array([len(self.maps[frames]) for frames in lengths])
        frames = lengths[random.choice(len(lengths), p=sizes / sizes.sum())]
        picked = torch.from_numpy(random.integers(len(self.maps[frames]), size=count))
        return self.maps[frames][picked].long(), self.captions[frames][picked]


@dataclass(frozen=True)
class CropTokeniser:
    """Draws crops and encodes them once, so that the training loop does not have to.

    The crops are divided among the lengths in proportion to the weights of the clips that are long enough.

    Attributes:
        tokenizer: in evaluation mode, on the device that it computes on.
        statistics: (2, 262) mean and standard deviation of the normalisation.
        lengths: in frames, multiples of 4.
        captions: all groups of captions; a crop keeps the index of its own.
        seed: of the crops.
    """

    tokenizer: Tokenizer
    statistics: np.ndarray
    lengths: tuple[int, ...]
    captions: Sequence[tuple[str, ...]]
    seed: int

    def tokens(self, crops: Crops, count: int, cache: Path) -> TokenisedCrops:
        """Tokens of ``count`` crops of pairs, from the file ``cache`` if it was made from the same crops and networks.

        Raises:
            UserError: the file cannot be written.
        """
        # Training the decoder further does not change tokens.
        networks = self.tokenizer.encoder, self.tokenizer.quantizer
        settings = self.tokenizer.config, self.lengths, tuple(self.captions), self.seed, count
        fingerprint = digest(crops, *networks, self.statistics, settings)
        kept = _cached(cache, fingerprint)
        if kept is None:
            kept = self._drawn(crops, count)
            save_tensors(cache, kept, {"fingerprint": fingerprint})
        drawn = [frames for frames in self.lengths if f"maps.{frames}" in kept]
        return TokenisedCrops({n: kept[f"maps.{n}"] for n in drawn}, {n: kept[f"captions.{n}"] for n in drawn})

    def _drawn(self, crops: Crops, count: int) -> dict[str, Tensor]:
        """Draw and encode: ``maps.N`` and ``captions.N`` for each length N."""
        from tqdm import tqdm

        device = next(self.tokenizer.parameters()).device
        mean, std = torch.from_numpy(self.statistics).to(device)
        random = np.random.default_rng(self.seed)
        tokens: dict[str, Tensor] = {}
        number = {captions: index for index, captions in enumerate(self.captions)}
        weights = {frames: crops.usable(frames)[1] for frames in self.lengths}
        whole = sum(float(sums[-1]) for sums in weights.values() if len(sums))
        for frames, sums in weights.items():
            share = round(count * float(sums[-1]) / whole) if len(sums) else 0
            if not share:
                continue
            drawn = [crops.draw(random, frames) for _ in range(share)]
            features = torch.from_numpy(np.stack([one for one, _ in drawn]))
            batches = []
            with torch.inference_mode():
                for batch in tqdm(
                    features.split(_ENCODED_AT_ONCE), desc=f"tokenising {frames} frames", unit="batch", leave=False
                ):
                    flat = self.tokenizer.encode((batch.to(device).flatten(0, 1) - mean) / std)[:, 0]
                    batches.append(flat.unflatten(0, (-1, 2)).to("cpu", torch.int16))
            tokens[f"maps.{frames}"] = torch.cat(batches).clone()
            tokens[f"captions.{frames}"] = torch.tensor([number[clip.captions] for _, clip in drawn])
        return tokens


def _cached(path: Path, fingerprint: str) -> dict[str, Tensor] | None:
    """The tokens of an earlier run, None if they have another fingerprint."""
    try:
        with safe_open(path, "pt") as file:
            if (file.metadata() or {}).get("fingerprint") != fingerprint:
                return None
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - the file is no dictionary
    except (OSError, SafetensorError):
        return None
