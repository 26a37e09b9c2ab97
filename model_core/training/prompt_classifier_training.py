"""``python -m model_core learn-words``: trains a model's prompt classifier."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data.choreography.captions.kind_of_caption import kind_of_caption
from ..errors import UserError
from ..model_files.kinds import listed_kinds
from ..model_files.model_folder import find_text_encoder, read_config
from ..model_files.prompt_classifier_file import LoadedClassifier, load_prompt_classifier, save_prompt_classifier
from ..model_files.training_captions import TrainingCaptions, load_captions, save_captions
from ..model_files.words import read_phrases
from ..networks.prompt_classifier import PromptClassifier
from ..networks.sentence_encoder import SentenceEncoder
from ..text_encoders import load_text_encoder
from ..text_encoders.encoder import TowerEncoder
from .loop import Loop, LoopSettings
from .misspelling import misspelt

NONE_OF_THEM = "none.json"
"""File with a list of prompts that name no kind; the other files of the folder have phrases by kind."""
HELD_OUT = "held_out.json"
"""File with prompts by kind, as users write them; they are not trained on, and set the threshold for known prompts."""
_TEXTS_PER_PASS = 16


@dataclass(frozen=True)
class PromptClassifierTraining:
    """Settings of the training.

    Attributes:
        loop: number of steps, batch size and optimiser.
        caption_share, none_share: fractions of each batch that are training captions, and prompts of no kind; the rest
            are phrases.
        false_unknown_rate: fraction of held-out prompts below the threshold for known prompts.
        misspelt_share: fraction of texts that are misspelt.
        misspelt_words: fraction of the words in these texts that are misspelt; one at least.
        label_smoothing: probability that the targets spread over all classes.
        seed: of the drawn batches and initial weights.
    """

    loop: LoopSettings = LoopSettings(
        steps=1000, batch=64, rate=1e-3, decay=1e-2, warm_up=50, average=0.98, evaluate_every=200, save_every=100
    )
    caption_share: float = 0.12
    none_share: float = 0.15
    false_unknown_rate: float = 0.05
    misspelt_share: float = 0.3
    misspelt_words: float = 0.35
    label_smoothing: float = 0.05
    seed: int = 0


@dataclass(frozen=True)
class LabelledTexts:
    """Texts with labels; a label is the index of a kind, or K for "none of them"."""

    phrases: list[tuple[str, int]]
    captions: list[tuple[str, int]]
    none: list[tuple[str, int]]
    held_out: list[tuple[str, int]]


def learn_words(
    model: Path,
    words: Path,
    out: Path,
    settings: PromptClassifierTraining = PromptClassifierTraining(),
    start: Path | None = None,
) -> dict[str, float]:
    """Train a prompt classifier and write it to the model folder, together with the kind of each training caption.

    Args:
        model: folder of the model, with its training captions.
        words: a folder of JSON files: phrases by kind, one file for each language, ``none.json`` and ``held_out.json``.
        out: folder for checkpoints and metrics.
        settings: of the training.
        start: a model folder whose classifier the training starts from; it has the same kinds. None for new weights.

    Returns:
        Top-1 and top-3 accuracy on the held-out prompts, and the threshold for known prompts.

    Raises:
        UserError: the model has no captions of kinds, a file of words is missing or damaged, or ``start`` has no
            classifier of the same kinds.
    """
    encoder = load_text_encoder(find_text_encoder(read_config(model).text_encoder, model))
    captions = load_captions(model)
    if captions is None or not isinstance(encoder.tower, SentenceEncoder):
        raise UserError(f"{model} has no training captions or another text encoder; train the model with this version.")
    save_captions(model, captions.texts, captions.vectors, partial(kind_of_caption, kinds=listed_kinds(model)))
    captions = load_captions(model)
    assert captions is not None
    if not captions.kinds:
        raise UserError(f"The captions of {model} describe none of the choreographed kinds.")
    texts = _read_words(words, captions)
    torch.manual_seed(settings.seed)
    network = PromptClassifier(encoder.tower, len(captions.kinds))
    if start is not None:
        network.load_state_dict(_started_from(start, encoder, captions).state_dict())
    trained = _fit(network, encoder, texts, out, settings)
    probabilities = _probabilities(trained, encoder, texts.held_out)
    known_threshold = float(probabilities[:, :-1].amax(1).quantile(settings.false_unknown_rate))
    save_prompt_classifier(model, LoadedClassifier(trained, captions.kinds, known_threshold))
    return {**_accuracy(probabilities, texts.held_out), "known_from": known_threshold}


def _started_from(folder: Path, encoder: TowerEncoder, captions: TrainingCaptions) -> PromptClassifier:
    """The classifier of a model folder.

    Raises:
        UserError: there is none, it is damaged, or it has other kinds.
    """
    loaded = load_prompt_classifier(folder, encoder)
    if loaded is None or loaded.kinds != captions.kinds:
        raise UserError(f"{folder} has no prompt classifier of the same kinds to start from; leave out --start.")
    return loaded.network


def _read_words(folder: Path, captions: TrainingCaptions) -> LabelledTexts:
    """The texts of a folder, and the training captions that have a kind.

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
    return LabelledTexts(
        [entry for path in files for entry in labelled(path)],
        [(text, kind) for text, kind in zip(captions.texts, captions.kind.tolist(), strict=True) if kind >= 0],
        [(str(text), len(captions.kinds)) for text in none],
        labelled(folder / HELD_OUT),
    )


def _fit(
    network: PromptClassifier,
    encoder: TowerEncoder,
    texts: LabelledTexts,
    out: Path,
    settings: PromptClassifierTraining,
) -> PromptClassifier:
    """The network with averaged weights after training."""
    loop = Loop(network, settings.loop, out / "prompt_classifier", "prompt classifier", encoder.device)

    def logits(classifier: PromptClassifier, prompts: Sequence[str]) -> Tensor:
        ids, mask = (tensor.to(encoder.device) for tensor in encoder.token_ids(prompts))
        lengths = mask.sum(1)
        # Texts of similar length together: half of the time would otherwise go into padding.
        parts = lengths.argsort(stable=True).split(_TEXTS_PER_PASS)
        vectors = [classifier.vectors(ids[part, :length], mask[part, :length]) for part in parts
                   if (length := int(lengths[part].max()))]  # fmt: skip
        return classifier(torch.cat(vectors)[torch.cat(parts).argsort()])

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        random = np.random.default_rng((settings.seed, step))
        batch = settings.loop.batch
        captions, none = round(settings.caption_share * batch), round(settings.none_share * batch)
        shares = ((texts.captions, captions), (texts.none, none), (texts.phrases, batch - captions - none))
        chosen = [group[int(index)] for group, size in shares for index in random.integers(len(group), size=size)]
        prompts = [
            misspelt(text, settings.misspelt_words, random) if random.random() < settings.misspelt_share else text
            for text, _ in chosen
        ]
        labels = torch.tensor([label for _, label in chosen], device=encoder.device)
        predicted = logits(network, prompts)
        loss = functional.cross_entropy(predicted, labels, label_smoothing=settings.label_smoothing)
        return loss, {"loss": float(loss.detach()), "right": float((predicted.argmax(1) == labels).float().mean())}

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        assert isinstance(averaged, PromptClassifier)
        return _accuracy(_probabilities(averaged, encoder, texts.held_out), texts.held_out)

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, PromptClassifier)
    return trained


def _probabilities(network: PromptClassifier, encoder: TowerEncoder, labelled: Sequence[tuple[str, int]]) -> Tensor:
    """(N, K + 1) probabilities of the classes for N texts."""
    classifier, texts = LoadedClassifier(network, (), 0.0), [text for text, _ in labelled]
    batches = [classifier.logits(encoder, texts[start : start + 128]) for start in range(0, len(texts), 128)]
    return torch.cat(batches).softmax(-1)


def _accuracy(probabilities: Tensor, labelled: Sequence[tuple[str, int]]) -> dict[str, float]:
    """Fractions of texts whose kind is the most probable one, and among the three most probable ones."""
    labels = torch.tensor([label for _, label in labelled])
    order = probabilities[:, :-1].argsort(1, descending=True)
    return {
        "first": float((order[:, 0] == labels).float().mean()),
        "among_three": float((order[:, :3] == labels[:, None]).any(1).float().mean()),
    }
