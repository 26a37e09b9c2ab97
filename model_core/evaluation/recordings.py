"""``python -m model_core verify``: our networks and our processing against recordings of the published code.

A folder of recordings has, for each data set, ``<data set>/golden.safetensors`` next to a ``checkpoints`` tree in the
published layout, and ``pipeline_golden.safetensors`` for the processing of data, the losses and the metrics.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ..errors import UserError
from ..generation.devices import choose_device, prepare_transformer
from ..generation.sampling import sample
from ..metrics.frechet import EMBEDDING_SCALE, frechet_distance, multimodal_distance, r_precision
from ..model_files.published_weights import read_options, read_tokenizer, read_transformer
from ..model_files.sampling_settings import SamplingSettings
from ..motion import Interaction
from ..motion.canonical import mirrored_features, mirrored_pair, relative_placement
from ..motion.interhuman import features_from_interhuman, motion_from_interhuman
from ..networks.published_evaluator import load_motion_encoder
from ..networks.token_map import PARTS
from ..networks.tokenizer import Tokenizer
from ..networks.transformer import InteractionTransformer
from ..training.losses import feature_losses

TOLERANCE = 1e-4
RECORDED_HEADS = 4
"""Attention heads of the small evaluator in the recordings, which its weights do not show; the published one has 8."""

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Check:
    """One comparison.

    Attributes:
        name: of the recording.
        difference: the largest absolute difference; for tokens, the number of different ones.
        tolerance: largest allowed difference; 0 for tokens.
        relative: whether the difference is relative to the recorded value.
        note: on what was counted as equal.
    """

    name: str
    difference: float
    tolerance: float = TOLERANCE
    relative: bool = False
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the difference is a number and within tolerance."""
        return self.difference <= self.tolerance

    def __str__(self) -> str:
        result = "equal" if self.passed else "DIFFERS"
        kind = "tokens differ" if self.tolerance == 0 else "largest difference" + " (relative)" * self.relative
        return f"{result:8} {self.name:45} {kind} {self.difference:.3g}" + f" ({self.note})" * bool(self.note)


def verify(folder: Path) -> Iterator[Check]:
    """Run every comparison that a folder of recordings holds, one after the other.

    Raises:
        UserError: there are no recordings, or one cannot be read.
    """
    recordings = sorted(folder.glob("*/golden.safetensors"))
    pipeline = folder / "pipeline_golden.safetensors"
    if not recordings and not pipeline.is_file():
        raise UserError(f"There are no recordings in {folder}; it needs */golden.safetensors next to checkpoints.")
    for path in recordings:
        yield from _verify_networks(path)
    if pipeline.is_file():
        yield from _verify_pipeline(_read(pipeline))


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"The recording {path} cannot be read ({error}); copy it again.") from error


def _largest(ours: Tensor, recorded: Tensor) -> float:
    """Largest absolute difference; infinite where shapes differ or a value is no number."""
    if ours.shape != recorded.shape:
        return float("inf")
    difference = (ours.double() - recorded.double()).abs().max().item()
    return difference if np.isfinite(difference) else float("inf")


def _unequal(ours: Tensor, recorded: Tensor) -> float:
    """Number of tokens that differ."""
    return float((ours != recorded).sum()) if ours.shape == recorded.shape else float("inf")


# --- networks ------------------------------------------------------------------------------------------------------


def _networks(folder: Path) -> tuple[Tokenizer, InteractionTransformer]:
    """The published pair of networks in a ``checkpoints`` tree."""
    for options in sorted((folder / "checkpoints").glob("*/*/opt.txt")):
        name = read_options(options).get("vq_name")
        if name is not None:
            tokenizer = read_tokenizer(options.parent.parent / name, "best_fid.tar", "first_frame")
            return tokenizer, read_transformer(options.parent, "best_fid.tar", tokenizer.config)
    raise UserError(f"There is no transformer (an opt.txt with a vq_name) in {folder / 'checkpoints'}.")


def _verify_networks(path: Path) -> Iterator[Check]:
    recorded, label = _read(path), path.parent.name
    tokenizer, transformer = _networks(path.parent)
    for check in (
        *_verify_tokenizer(tokenizer, recorded),
        *_verify_transformer(transformer, recorded),
        *_verify_sampling(prepare_transformer(transformer, choose_device("cpu")), recorded),
    ):
        yield replace(check, name=f"{label}: {check.name}")


@torch.inference_mode()
def _verify_tokenizer(tokenizer: Tokenizer, recorded: Tensors) -> list[Check]:
    motion, tokens = recorded["vq.motion"], recorded["vq.tokens"]
    maps = tokens.view(len(tokens), 1, PARTS, -1)
    ids = tokenizer.encode(motion)
    return [
        Check("vq.latent", _largest(tokenizer.latent(motion), recorded["vq.latent"])),
        Check("vq.tokens", _unequal(ids.flatten(1), tokens), 0),
        Check("vq.decoded", _largest(tokenizer.decode(maps), recorded["vq.decoded"])),
        Check("vq.reconstruction", _largest(tokenizer.decode(ids), recorded["vq.reconstruction"])),
    ]


@torch.inference_mode()
def _verify_transformer(transformer: InteractionTransformer, recorded: Tensors) -> list[Check]:
    B = len(recorded["tr.ids"])
    ids = recorded["tr.ids"].view(B, 2, PARTS, -1)
    padding = recorded["tr.pad"].bool()
    valid = ~padding.view(ids.shape)[:, 0, 0]
    text = recorded["tr.cond"]

    def logits(vectors: Tensor) -> Tensor:
        result = transformer(ids, transformer.condition(vectors), valid)  # (B, 2, P, S, codes)
        return result.flatten(1, 3).transpose(1, 2).masked_fill(padding[:, None], 0)

    with_text, without = logits(text), logits(torch.zeros_like(text))
    found = {"tr.logits": with_text, "tr.logits_uncond": without, "tr.logits_cfg2": 2 * with_text - without}
    checks = [Check(n, _largest(v, recorded[n].masked_fill(padding[:, None], 0))) for n, v in found.items()]
    hidden, end = recorded["text.clip_hidden"], recorded["text.eot"]
    feature = transformer.text_layers(hidden, torch.ones(hidden.shape[:2], dtype=torch.bool), end)
    return [*checks, Check("text.feature", _largest(feature, recorded["text.feature"]))]


_RUN = re.compile(r"^(gen|react)\.(.+)\.steps(\d+)\.cfg([\d.]+)$")


def _verify_sampling(transformer: InteractionTransformer, recorded: Tensors) -> Iterator[Check]:
    codes, text = transformer.config.codes, recorded["tr.cond"]
    for name in sorted(recorded):
        match = _RUN.match(name)
        if match is None:
            continue
        kind, case, steps, guidance = match[1], match[2], int(match[3]), float(match[4])
        wanted = recorded[name].view(len(recorded[name]), 2, PARTS, -1)
        lengths = recorded[f"{kind}.{case}.lens" if f"{kind}.{case}.lens" in recorded else f"gen.{case}.lens"]
        reacting = kind == "react"
        made = torch.full_like(wanted, -1)
        # Recordings are greedy: one code is left to draw from. A recorded reaction names twice the steps that it takes.
        settings = SamplingSettings(steps // 2 if reacting else steps, guidance, 0.5 / codes)
        for length in lengths.unique().tolist():
            items = torch.nonzero(lengths == length)[:, 0]
            ids = torch.zeros(len(items), 2, PARTS, length, dtype=torch.long)
            free = torch.ones_like(ids, dtype=torch.bool)
            if reacting:
                leader = recorded[f"react.{case}.leader"]
                ids[:, 0] = leader.view(len(leader), PARTS, -1)[items, :, :length]
                free[:, 0] = False
            made[items, :, :, :length] = sample(transformer, ids, free, text[items], settings)
        exchanged = 0
        if not reacting:
            made, exchanged = _in_recorded_order(made, wanted)
        yield Check(name, _unequal(made, wanted), 0, note=f"people exchanged in {exchanged}" if exchanged else "")


def _in_recorded_order(made: Tensor, wanted: Tensor) -> tuple[Tensor, int]:
    """Token maps (B, 2, P, S) with the people exchanged in items that equal the recording only then; how many do.

    In maps that are masked everywhere nothing distinguishes the two people: which of them gets the first token is a
    tie, and the processor's rounding decides it.
    """
    others = made.flip(1)
    exchanged = (made != wanted).flatten(1).any(1) & (others == wanted).flatten(1).all(1)
    return torch.where(exchanged[:, None, None, None], others, made), int(exchanged.sum())


# --- data, losses, metrics -----------------------------------------------------------------------------------------


def _verify_pipeline(recorded: Tensors) -> Iterator[Check]:
    if "data.raw1" in recorded:
        yield from _verify_data(recorded)
    if "loss.pred" in recorded:
        predicted, target, mean, std = (recorded[f"loss.{name}"] for name in ("pred", "target", "mean", "std"))
        terms = feature_losses(predicted, target, mean, std)
        values = torch.stack([getattr(terms, name) for name in terms.__dataclass_fields__])
        yield Check("loss.*", _largest(values, recorded["loss.rec_explicit_vel_bone_geo_foot"]))
    if "metrics.real" in recorded:
        yield from _verify_metrics({k: v.double().numpy() for k, v in recorded.items() if k.startswith("metrics.")})
    prefix = "evaluator.weights.motion_encoder."
    weights = {key.removeprefix(prefix): value for key, value in recorded.items() if key.startswith(prefix)}
    if weights:
        with torch.inference_mode():
            ours = load_motion_encoder(weights, RECORDED_HEADS)(
                recorded["evaluator.motions"], recorded["evaluator.lens"]
            )
        yield Check("evaluator.motion_emb", _largest(ours, recorded["evaluator.motion_emb"]))


def _verify_data(recorded: Tensors) -> Iterator[Check]:
    first, second = (recorded[f"data.raw{person}"].numpy() for person in (1, 2))
    features = features_from_interhuman(first, second)
    pair = Interaction((motion_from_interhuman(first), motion_from_interhuman(second)))
    versions = (
        ("canonical", features, pair),
        ("mirrored", np.stack([mirrored_features(person) for person in features]), mirrored_pair(pair)),
    )
    for name, people, interaction in versions:
        for number, person in enumerate(people, start=1):
            key = f"data.{name}{number}"
            yield Check(key, _largest(torch.from_numpy(person), recorded[key]))
        relative = torch.from_numpy(relative_placement(interaction))
        yield Check(f"data.{name}_relative", _largest(relative, recorded[f"data.{name}_relative"]))


def _verify_metrics(recorded: Mapping[str, np.ndarray]) -> Iterator[Check]:
    real, motion, text = (recorded[f"metrics.{name}"] for name in ("real", "motion", "text"))
    found = {
        "metrics.fid_scale6": frechet_distance(real * EMBEDDING_SCALE, motion * EMBEDDING_SCALE),
        "metrics.mm_dist": multimodal_distance(text, motion),
    }
    for name, value in found.items():
        wanted = float(recorded[name].item())
        yield Check(name, abs(value - wanted) / abs(wanted), relative=True)
    precision = torch.from_numpy(r_precision(text, motion))
    yield Check("metrics.r_precision", _largest(precision, torch.from_numpy(recorded["metrics.r_precision"])))
