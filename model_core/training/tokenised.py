"""Crops as tokens: drawn and encoded once, and kept in a file for the next run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..files import atomic_write
from ..networks.tokenizer import Tokenizer
from .crops import Crops


@dataclass(frozen=True)
class TokenisedCrops:
    """Crops as tokens, by their length in frames.

    Attributes:
        maps: (N, 2, P, S) token ids, of the first level.
        captions: (N,) the number of each crop's captions.
    """

    maps: Mapping[int, Tensor]
    captions: Mapping[int, Tensor]

    def drawn(self, random: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
        """So many random crops of one random length: maps (count, 2, P, S) and numbers of captions (count,)."""
        lengths = list(self.maps)
        sizes = np.array([len(self.maps[frames]) for frames in lengths])
        frames = lengths[random.choice(len(lengths), p=sizes / sizes.sum())]
        rows = torch.from_numpy(random.integers(len(self.maps[frames]), size=count))
        return self.maps[frames][rows].long(), self.captions[frames][rows]


def tokenised(
    crops: Crops,
    tokenizer: Tokenizer,
    statistics: np.ndarray,
    lengths: Sequence[int],
    count: int,
    captions: Sequence[tuple[str, ...]],
    seed: int,
    cache: Path,
) -> TokenisedCrops:
    """Draw crops and tokenise them once, so that the loop need not.

    Each length has as large a share of ``count`` as it has of the clips' weights.

    Args:
        crops: of pairs.
        tokenizer: in evaluation mode.
        statistics: (2, 262) of the normalisation.
        lengths: in frames, multiples of 4.
        count: crops of all lengths.
        captions: all groups of wordings there are; a crop's is kept as its place among them.
        seed: of the crops.
        cache: a file to keep the tokens in; what an earlier run with the same tokenizer kept there is taken.
    """
    order = _Order(crops, tokenizer, statistics, tuple(lengths), count, tuple(captions), seed)
    fingerprint = order.fingerprint()
    kept = _cached(cache, fingerprint)
    if kept is None:
        kept = order.drawn()
        with atomic_write(cache) as path:
            save_file(kept, path, {"fingerprint": fingerprint})
    drawn = [frames for frames in lengths if f"maps.{frames}" in kept]
    return TokenisedCrops({n: kept[f"maps.{n}"] for n in drawn}, {n: kept[f"captions.{n}"] for n in drawn})


@dataclass(frozen=True)
class _Order:
    """All that the tokens depend on; see ``tokenised``."""

    crops: Crops
    tokenizer: Tokenizer
    statistics: np.ndarray
    lengths: tuple[int, ...]
    count: int
    captions: tuple[tuple[str, ...], ...]
    seed: int

    def drawn(self) -> dict[str, Tensor]:
        """Draw and encode: ``maps.N`` and ``captions.N`` for each length N."""
        from tqdm import tqdm

        mean, std = torch.from_numpy(self.statistics)
        random = np.random.default_rng(self.seed)
        tokens: dict[str, Tensor] = {}
        number = {captions: index for index, captions in enumerate(self.captions)}
        weights = {frames: self.crops.usable(frames)[1] for frames in self.lengths}
        whole = sum(float(sums[-1]) for sums in weights.values() if len(sums))
        for frames, sums in weights.items():
            count = round(self.count * float(sums[-1]) / whole) if len(sums) else 0
            if not count:
                continue
            drawn = [self.crops.draw(random, frames) for _ in range(count)]
            rows = torch.from_numpy(np.stack([r for r, _ in drawn]))
            parts = []
            with torch.inference_mode():
                for batch in tqdm(rows.split(64), desc=f"tokenising {frames} frames", unit="batch", leave=False):
                    flat = self.tokenizer.encode((batch.flatten(0, 1) - mean) / std)[:, 0]
                    parts.append(flat.unflatten(0, (-1, 2)).to(torch.int16))
            tokens[f"maps.{frames}"] = torch.cat(parts).clone()
            tokens[f"captions.{frames}"] = torch.tensor([number[clip.captions] for _, clip in drawn])
        return tokens

    def fingerprint(self) -> str:
        """A digest of it."""
        crops = self.crops
        drawing = (crops.longest_lag, crops.least_speed, crops.captioned, crops.least_share)
        digest = hashlib.sha256(repr((self.lengths, self.count, self.captions, self.seed, drawing)).encode())
        digest.update(self.statistics.tobytes())
        for clip in self.crops.clips:
            shape = (clip.captions, clip.weight, clip.event_span, clip.rows.shape, float(clip.rows.sum()))
            digest.update(repr(shape).encode())
        for name, tensor in self.tokenizer.state_dict().items():
            if name.startswith("decoder."):
                continue
            digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def _cached(path: Path, fingerprint: str) -> dict[str, Tensor] | None:
    """The tokens of an earlier run, if they are of the same crops and tokenizer."""
    try:
        with safe_open(path, "pt") as file:
            if (file.metadata() or {}).get("fingerprint") != fingerprint:
                return None
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - the file is no dictionary
    except (OSError, SafetensorError):
        return None
