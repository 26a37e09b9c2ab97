"""``python -m model_core learn-words``: teaches a model which kind of interaction a prompt names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data.choreography.captions.kind_of_caption import kind_of_caption
from ..errors import UserError
from ..model_files.model_folder import find_text_encoder, read_config
from ..model_files.prompt_classifier_file import LoadedClassifier, save_prompt_classifier
from ..model_files.training_captions import TrainingCaptions, load_captions, save_captions
from ..model_files.words import read_phrases
from ..networks.prompt_classifier import PromptClassifier
from ..networks.sentence_encoder import SentenceEncoder
from ..text_encoders import load_text_encoder
from ..text_encoders.encoder import TowerEncoder
from .loop import Loop, LoopSettings

NONE_OF_THEM = "none.json"
"""A file of a list of prompts that name no kind; the other files of a folder of words hold phrases by kind."""
HELD_OUT = "held_out.json"
"""Prompts by kind, as users write them, that are not learnt and set the threshold of known prompts."""


@dataclass(frozen=True)
class PromptClassifierTraining:
    """Settings of the training.

    Attributes:
        loop: length and learning rate.
        caption_share, none_share: of each batch that are training captions, and prompts of no kind; the others are
            phrases.
        wrongly_unknown: fraction of held-out prompts that may count as unknown.
        typos, smoothing: share of the texts that get a typing error; of the label's probability on other classes.
        seed: determines the result.
    """

    loop: LoopSettings = LoopSettings(
        steps=1000, batch=64, rate=1e-3, decay=1e-2, warm_up=50, average=0.98, evaluate_every=200, save_every=100
    )
    caption_share: float = 0.12
    none_share: float = 0.15
    wrongly_unknown: float = 0.05
    typos: float = 0.15
    smoothing: float = 0.05
    seed: int = 0


@dataclass(frozen=True)
class Words:
    """Labelled texts; a label is the index of a kind, or K for none of them."""

    phrases: list[tuple[str, int]]
    captions: list[tuple[str, int]]
    none: list[tuple[str, int]]
    held_out: list[tuple[str, int]]


def learn_words(
    model: Path, words: Path, out: Path, settings: PromptClassifierTraining = PromptClassifierTraining()
) -> dict[str, float]:
    """Train the prompt classifier of a model folder and write it there, with the kinds of the training captions.

    Args:
        model: its folder, with the captions that it was trained on.
        words: a folder of JSON files: phrases by kind, one file a language, ``none.json`` and ``held_out.json``.
        out: folder for checkpoints and metrics.
        settings: of the training.

    Returns:
        Figures on the held-out prompts.

    Raises:
        UserError: the model has no captions of kinds, or a file of words is missing or damaged.
    """
    encoder = load_text_encoder(find_text_encoder(read_config(model).text_encoder, model))
    captions = load_captions(model)
    if captions is None or not isinstance(encoder.tower, SentenceEncoder):
        raise UserError(f"{model} has no training captions or another text encoder; train the model with this version.")
    save_captions(model, captions.texts, captions.vectors, kind_of_caption)
    captions = load_captions(model)
    assert captions is not None
    if not captions.kinds:
        raise UserError(f"The captions of {model} describe none of the choreographed kinds.")
    material = _read_words(words, captions)
    torch.manual_seed(settings.seed)
    network = PromptClassifier(encoder.tower, len(captions.kinds))
    trained = _fit(network, encoder, material, out, settings)
    probabilities = _probabilities(trained, encoder, material.held_out)
    known_from = float(probabilities[:, :-1].amax(1).quantile(settings.wrongly_unknown))
    save_prompt_classifier(model, LoadedClassifier(trained, captions.kinds, known_from))
    return {**_figures(probabilities, material.held_out), "known_from": known_from}


def _read_words(folder: Path, captions: TrainingCaptions) -> Words:
    """The words of a folder, with the training captions that have a kind.

    Raises:
        UserError: a file is missing or damaged.
    """
    files = sorted(path for path in folder.glob("*.json") if path.name not in (NONE_OF_THEM, HELD_OUT))
    if not files:
        raise UserError(f"There are no words in {folder}; name a folder of JSON files with phrases by kind.")

    def labelled(path: Path) -> list[tuple[str, int]]:
        groups = read_phrases(path, captions.kinds)
        return [(text, captions.kinds.index(kind)) for kind, group in groups.items() for text in group]

    path = folder / NONE_OF_THEM
    try:
        none = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); write a list of prompts that name no kind.") from error
    return Words(
        [entry for path in files for entry in labelled(path)],
        [(text, kind) for text, kind in zip(captions.texts, captions.kind.tolist(), strict=True) if kind >= 0],
        [(str(text), len(captions.kinds)) for text in none],
        labelled(folder / HELD_OUT),
    )


def _fit(
    network: PromptClassifier,
    encoder: TowerEncoder,
    words: Words,
    out: Path,
    settings: PromptClassifierTraining,
) -> PromptClassifier:
    """The averaged network after training."""
    loop = Loop(network, settings.loop, out / "prompt_classifier", "prompt classifier", encoder.device)

    def logits(which: PromptClassifier, texts: Sequence[str]) -> Tensor:
        ids, mask = (tensor.to(encoder.device) for tensor in encoder.token_ids(texts))
        return which(which.vectors(ids, mask))

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        draw = np.random.default_rng((settings.seed, step))
        batch = settings.loop.batch
        captions, none = round(settings.caption_share * batch), round(settings.none_share * batch)
        shares = ((words.captions, captions), (words.none, none), (words.phrases, batch - captions - none))
        chosen = [group[int(index)] for group, size in shares for index in draw.integers(len(group), size=size)]
        texts = [_with_typo(text, draw) if draw.random() < settings.typos else text for text, _ in chosen]
        labels = torch.tensor([label for _, label in chosen], device=encoder.device)
        predicted = logits(network, texts)
        loss = functional.cross_entropy(predicted, labels, label_smoothing=settings.smoothing)
        return loss, {"loss": float(loss.detach()), "right": float((predicted.argmax(1) == labels).float().mean())}

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        assert isinstance(averaged, PromptClassifier)
        return _figures(_probabilities(averaged, encoder, words.held_out), words.held_out)

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, PromptClassifier)
    return trained


def _probabilities(network: PromptClassifier, encoder: TowerEncoder, labelled: Sequence[tuple[str, int]]) -> Tensor:
    """(N, K + 1) of texts."""
    classifier, texts = LoadedClassifier(network, (), 0.0), [text for text, _ in labelled]
    batches = [classifier.logits(encoder, texts[start : start + 128]) for start in range(0, len(texts), 128)]
    return torch.cat(batches).softmax(-1)


def _figures(probabilities: Tensor, labelled: Sequence[tuple[str, int]]) -> dict[str, float]:
    """Shares of texts whose kind is the most probable one, and among the three most probable ones."""
    labels = torch.tensor([label for _, label in labelled])
    order = probabilities[:, :-1].argsort(1, descending=True)
    return {
        "first": float((order[:, 0] == labels).float().mean()),
        "among_three": float((order[:, :3] == labels[:, None]).any(1).float().mean()),
    }


def _with_typo(text: str, draw: np.random.Generator) -> str:
    """A text with a letter left out, doubled or exchanged with the next one."""
    if len(text) < 5:
        return text
    place = int(draw.integers(1, len(text) - 2))
    match int(draw.integers(3)):
        case 0:
            return text[:place] + text[place + 1 :]
        case 1:
            return text[:place] + text[place] + text[place:]
        case _:
            return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
