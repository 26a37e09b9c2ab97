"""Training the reranker: which pairs show what their caption says, by the labels of the detectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..generation.pipeline import InterMask
from ..model_files.model_folder import load_model
from ..motion.canonical import MIRROR, mirrored_text
from ..motion.skeleton import SMPL
from ..networks.reranker import Reranker, RerankerConfig
from ..text_encoders.batches import pooled
from .captioned_crops import limit_captions, word_vectors
from .crops import PAIR_LENGTHS
from .labels import Labels, candidates_of, corrupted_clips
from .loop import Loop, LoopSettings
from .normalised import set_normalisation
from .run import TrainingRun

_MEASURED = 5
"""One chunk of candidates in this many is held out."""


@dataclass(frozen=True)
class RerankerTraining:
    """Settings of the reranker's training.

    Attributes:
        network: its shape; the text's width follows the sentence encoder.
        loop: length, rate and batch.
        frames: lengths of pairs; a batch has one length.
        paraphrases: captions of a clip that are used.
        candidates, corrupted: numbers of generated candidates and of corrupted clips, made beforehand.
        chunk: pairs of one length that are made together; a batch comes from one chunk.
        corrupted_share: fraction of the batches that are corrupted clips.
        mismatched: fraction of a batch that is also shown with the caption of another kind, as wrong pairs.
        noise: standard deviation of noise on normalised features.
        seed: of the weights and the batches.
    """

    network: RerankerConfig = RerankerConfig()
    loop: LoopSettings = LoopSettings(
        steps=3000, batch=48, rate=1e-3, decay=5e-2, average=0.99, warm_up=50, save_every=100, evaluate_every=300,
        half=True,
    )  # fmt: skip
    frames: tuple[int, ...] = PAIR_LENGTHS
    paraphrases: int = 6
    candidates: int = 5000
    corrupted: int = 14400
    chunk: int = 120
    corrupted_share: float = 0.6
    mismatched: float = 0.3
    noise: float = 0.1
    seed: int = 5


def train_reranker(settings: RerankerTraining, run: TrainingRun, base: Path, device: str = "auto") -> Reranker:
    """Label pairs, then train a reranker or continue its training; return the averaged network.

    Args:
        settings: see ``RerankerTraining``.
        run: data, folder and device; labels go to the folder ``labels`` of the training.
        base: the folder of the model whose candidates are reranked.
        device: a name for ``choose_device``, for generating candidates: with ``auto``, a CPU generates in bfloat16
            where that is faster.
    """
    pipeline = InterMask.load(base, device)
    crops = limit_captions(run.material.pairs()[0], settings.paraphrases)
    encoder, folder = pipeline.reader.encoder, run.folder("reranker")
    order = folder / "labels", settings.chunk, settings.frames, settings.seed
    corrupted, candidates = (
        source.gather(order[0], count, *order[1:])
        for source, count in (
            (corrupted_clips(pipeline, crops, word_vectors(encoder, crops)), settings.corrupted),
            (candidates_of(pipeline, crops, load_model(base)), settings.candidates),
        )
    )
    captions = sorted({caption for labels in (*corrupted, *candidates) for caption in labels.captions})
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
    """The averaged network after training on labelled chunks, on the device of the text vectors.

    Args:
        settings: see ``RerankerTraining``.
        corrupted, candidates: chunks; some of the candidates are held out.
        words: the sentence encoder's vector (W,) of every caption and of its mirror image.
        folder: for checkpoints and metrics.
    """
    held_out = candidates[::_MEASURED]
    train = [labels for number, labels in enumerate(candidates) if number % _MEASURED] or list(candidates)
    device = next(iter(words.values())).device
    torch.manual_seed(settings.seed)
    network = Reranker(settings.network).to(device)
    set_normalisation(network, network.features(torch.from_numpy(train[0].joints).to(device).float()))
    loop = Loop(network, settings.loop, folder, "reranker", device, divided=True)

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        random = loop.random(settings.seed, step)
        chunks = corrupted if corrupted and random.random() < settings.corrupted_share else train
        labels = chunks[int(random.integers(len(chunks)))]
        picked = random.integers(len(labels.right), size=loop.batch)
        joints, text = _reflected(labels, picked, words, random)
        right = torch.from_numpy(labels.right[picked]).to(device).float()
        logits = network(joints, text, settings.noise)
        loss = functional.binary_cross_entropy_with_logits(logits, right)
        count, order = int(settings.mismatched * len(picked)), random.permutation(len(picked))
        if count:
            kinds = np.array(labels.kinds)[picked]
            wrong = torch.from_numpy(kinds[:count] != kinds[order[:count]]).to(device).float()
            mismatched = network(joints[:count], text[torch.from_numpy(order[:count]).to(device)], settings.noise)
            loss = loss + settings.mismatched * (functional.softplus(mismatched) * wrong).sum() / wrong.sum().clamp_min(
                1
            )
        return loss, {"loss": float(loss.detach()), "right": float(((logits > 0) == (right > 0.5)).float().mean())}

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        assert isinstance(averaged, Reranker)
        return ranking(averaged, held_out, words)

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, Reranker)
    return trained


@torch.inference_mode()
def ranking(reranker: Reranker, chunks: Sequence[Labels], words: Mapping[str, Tensor]) -> dict[str, float]:
    """How well a reranker tells right candidates from wrong ones of the same kind.

    Returns:
        ``ranked``: of all pairs of a right and a wrong candidate of a kind, the fraction in which the right one scores
        higher. ``one``, ``two``, ``four``: fraction of right ones among the best of 1, 2 or 4 candidates of a kind,
        averaged over kinds; ``any_of_four``: the fraction of fours with a right one, which bounds it.
    """
    by_kind: dict[str, list[tuple[float, bool]]] = {}
    for labels in chunks:
        text = torch.stack([words[caption] for caption in labels.captions])
        logits = reranker(torch.from_numpy(labels.joints).to(text.device).float(), text).tolist()
        for kind, logit, right in zip(labels.kinds, logits, labels.right, strict=True):
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
    labels: Labels, picked: np.ndarray, words: Mapping[str, Tensor], random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Joints (B, 2, T, 22, 3) and captions (B, W) of picked pairs on the device of the words, half of them mirrored."""
    device = next(iter(words.values())).device
    joints = torch.from_numpy(labels.joints[picked]).to(device).float()
    reflected = random.random(len(picked)) < 0.5
    images = joints[..., list(SMPL.mirror), :] * torch.from_numpy(np.diag(MIRROR).copy()).float().to(device)
    joints = torch.where(torch.from_numpy(reflected).to(device)[:, None, None, None, None], images, joints)
    captions = [labels.captions[index] for index in picked]
    captions = [mirrored_text(text) if image else text for text, image in zip(captions, reflected, strict=True)]
    return joints, torch.stack([words[caption] for caption in captions])
