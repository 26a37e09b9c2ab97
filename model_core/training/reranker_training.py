"""Training the judge of drafts: which pairs do what their caption says, by the verdicts of the detectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..generation.pipeline import InterMask
from ..motion.canonical import MIRROR, mirrored_text
from ..motion.skeleton import SMPL
from ..networks.reranker import Reranker, RerankerConfig
from ..text_encoders.batches import pooled
from .captioned_crops import limit_captions, word_vectors
from .labels import Labels, candidates_of, corrupted_clips, gather_labels
from .loop import Loop, LoopSettings
from .material import Material
from .normalised import normalise_by

_MEASURED = 5
"""One chunk of drafts in so many only measures."""


@dataclass(frozen=True)
class RerankerTraining:
    """Settings of the judge's training.

    Attributes:
        network: its shape; the text's width follows the sentence encoder.
        loop: length, rate and batch.
        frames: lengths of pairs; a batch is of one length.
        paraphrases: captions of a clip that are learnt from.
        candidates, corrupted: how many are made beforehand.
        chunk: so many at a time, of one length; a batch comes out of one chunk.
        corrupted_share: of the batches.
        mismatched: share of a batch that is also shown with the caption of another kind, which is wrong.
        noise: spread of what is added to normalised features.
        seed: of the weights and the batches.
    """

    network: RerankerConfig = RerankerConfig()
    loop: LoopSettings = LoopSettings(
        steps=3000, batch=48, rate=1e-3, decay=5e-2, average=0.99, warm_up=50, save_every=100, evaluate_every=300,
        half=True,
    )  # fmt: skip
    frames: tuple[int, ...] = (88, 104, 120, 144, 168)
    paraphrases: int = 6
    candidates: int = 5000
    corrupted: int = 14400
    chunk: int = 120
    corrupted_share: float = 0.6
    mismatched: float = 0.3
    noise: float = 0.1
    seed: int = 5


def train_reranker(settings: RerankerTraining, material: Material, pipeline: InterMask, folder: Path) -> Reranker:
    """Gather verdicts, and train or go on training, in ``folder``; give the averaged network.

    Args:
        settings: see ``RerankerTraining``.
        material: where captions and clips come from.
        pipeline: the model whose drafts are to be judged.
        folder: for verdicts, checkpoints and figures.
    """
    crops = limit_captions(material.pairs()[0], settings.paraphrases)
    encoder, labels = pipeline.text_encoder, folder / "labels"
    chunk, frames = settings.chunk, settings.frames
    corrupt = corrupted_clips(pipeline, crops, word_vectors(encoder, crops))
    seed = settings.seed
    corrupted = gather_labels(corrupt, labels, "corrupted", settings.corrupted, chunk, frames, seed)
    candidates = gather_labels(
        candidates_of(pipeline, crops), labels, "candidates", settings.candidates, chunk, frames, seed
    )
    captions = sorted({caption for part in (*corrupted, *candidates) for caption in part.captions})
    captions = sorted({*captions, *map(mirrored_text, captions)})
    words = dict(zip(captions, pooled(encoder, captions), strict=True))
    network = replace(settings.network, text_width=encoder.width)
    return fit_reranker(replace(settings, network=network), corrupted, candidates, words, folder)


def fit_reranker(
    settings: RerankerTraining,
    corrupted: Sequence[Labels],
    candidates: Sequence[Labels],
    words: Mapping[str, Tensor],
    folder: Path,
) -> Reranker:
    """The averaged network after training on chunks of verdicts, of which some drafts only measure.

    Args:
        settings: see ``RerankerTraining``.
        corrupted, candidates: chunks.
        words: the sentence encoder's vector (W,) of every caption and its mirror image.
        folder: for checkpoints and figures.
    """
    measured = candidates[::_MEASURED]
    train = [part for number, part in enumerate(candidates) if number % _MEASURED] or list(candidates)
    torch.manual_seed(settings.seed)
    network = Reranker(settings.network)
    normalise_by(network, network.seen(torch.from_numpy(train[0].joints).float()))
    loop = Loop(network, settings.loop, folder, "reranker")

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        random = np.random.default_rng((settings.seed, step))
        parts = corrupted if corrupted and random.random() < settings.corrupted_share else train
        part = parts[int(random.integers(len(parts)))]
        picked = random.integers(len(part.right), size=settings.loop.batch)
        joints, text = _reflected(part, picked, words, random)
        right = torch.from_numpy(part.right[picked]).float()
        logits = network(joints, text, settings.noise)
        loss = functional.binary_cross_entropy_with_logits(logits, right)
        count, order = int(settings.mismatched * len(picked)), random.permutation(len(picked))
        if count:
            kinds = np.array(part.kinds)[picked]
            wrong = torch.from_numpy(kinds[:count] != kinds[order[:count]]).float()
            strange = network(joints[:count], text[order[:count]], settings.noise)
            loss = loss + settings.mismatched * (functional.softplus(strange) * wrong).sum() / wrong.sum().clamp_min(1)
        return loss, {"loss": float(loss.detach()), "right": float(((logits > 0) == (right > 0.5)).float().mean())}

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        assert isinstance(averaged, Reranker)
        return ranking(averaged, measured, words)

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, Reranker)
    return trained


@torch.inference_mode()
def ranking(reranker: Reranker, parts: Sequence[Labels], words: Mapping[str, Tensor]) -> dict[str, float]:
    """How well a judge tells right drafts from wrong ones of the same kind.

    Returns:
        ``ranked``: of all pairs of a right and a wrong draft of a kind, the share in which the right one has more.
        ``one``, ``two``, ``four``: share of right ones among so many drafts of a kind when the judge chooses, mean over
        kinds; ``any_of_four``: the same for a judge who knew.
    """
    by_kind: dict[str, list[tuple[float, bool]]] = {}
    for part in parts:
        text = torch.stack([words[caption] for caption in part.captions])
        logits = reranker(torch.from_numpy(part.joints).float(), text).tolist()
        for kind, logit, right in zip(part.kinds, logits, part.right, strict=True):
            by_kind.setdefault(kind, []).append((logit, bool(right)))
    random, ranked = np.random.default_rng(0), []
    chosen: dict[str, list[float]] = {name: [] for name in ("one", "two", "four", "any_of_four")}
    for candidates in by_kind.values():
        good, bad = ([logit for logit, right in candidates if right is wanted] for wanted in (True, False))
        ranked += [float(high > low) for high in good for low in bad]
        if len(candidates) < 4:
            continue
        groups = [[candidates[index] for index in random.permutation(len(candidates))[:4]] for _ in range(100)]
        for name, count in (("one", 1), ("two", 2), ("four", 4)):
            chosen[name].append(float(np.mean([max(group[:count])[1] for group in groups])))
        chosen["any_of_four"].append(float(np.mean([any(right for _, right in group) for group in groups])))
    figures = {name: float(np.mean(values)) if values else float("nan") for name, values in chosen.items()}
    return {"ranked": float(np.mean(ranked)) if ranked else float("nan"), **figures}


def _reflected(
    part: Labels, picked: np.ndarray, words: Mapping[str, Tensor], random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Joints (B, 2, T, 22, 3) and captions (B, W) of some pairs, every other one as a mirror image."""
    joints = torch.from_numpy(part.joints[picked]).float()
    reflected = random.random(len(picked)) < 0.5
    images = joints[..., list(SMPL.mirror), :] * torch.from_numpy(np.diag(MIRROR).copy()).float()
    joints = torch.where(torch.from_numpy(reflected)[:, None, None, None, None], images, joints)
    captions = [part.captions[index] for index in picked]
    captions = [mirrored_text(text) if image else text for text, image in zip(captions, reflected, strict=True)]
    return joints, torch.stack([words[caption] for caption in captions])
