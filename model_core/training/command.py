"""``python -m model_core train``: trains networks by a configuration file on folders of motion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import torch
from torch.nn import functional

from ..errors import UserError
from ..files import atomic_folder
from ..generation.devices import choose_device
from ..model_files.evaluator_folder import PairEmbeddingConfig, save_evaluator
from ..model_files.model_folder import Model, find_text_encoder, load_model, write_model
from ..model_files.settings import ModelConfig
from ..model_files.training_captions import save_captions
from ..networks.contact_classifier import ContactClassifier
from ..networks.refiner import Refiner
from ..networks.reranker import Reranker
from ..networks.tokenizer import Tokenizer
from ..networks.transformer import InteractionTransformer, TransformerConfig
from ..text_encoders import TextEncoder, TextFeatures
from . import processes
from .config import read_training_config
from .contact_classifier_training import train_contact_classifier
from .crops import Crops
from .evaluator_training import train_evaluator
from .material import Sources, load_material
from .refiner_training import train_refiner
from .reranker_training import train_reranker
from .run import TrainingRun, is_trained, require_trained
from .tokenised import CropTokeniser
from .tokenizer_training import train_tokenizer
from .transformer_training import TransformerData, train_transformer

Settings = TypeVar("Settings")

_TEXTS_PER_BATCH = 256


@dataclass(frozen=True)
class TrainOptions:
    """The arguments of ``train``.

    Attributes:
        config: a TOML file.
        sources: folders of motion.
        out: folder for checkpoints, metrics and the model.
        start: a model folder whose tokenizer or transformer a new training starts from; None for random weights.
        device: a name that ``choose_device`` knows, without a mode.
    """

    config: Path
    sources: Sources
    out: Path
    start: Path | None = None
    device: str = "auto"


class Training:
    """The trainings of one ``--out`` folder; each writes the network that the next one reads.

    Motion is read only when a training first needs it, after the options are checked.
    """

    def __init__(self, options: TrainOptions) -> None:
        self.options, self.config = options, read_training_config(options.config)
        self.device = training_device(options.device)
        self.start = None if options.start is None else load_model(options.start)

    @cached_property
    def run(self) -> TrainingRun:
        """The data, the folder and the device."""
        options, config = self.options, self.config
        cache = options.out / "captured.npz"
        material = processes.first_alone(lambda: load_material(options.sources, config.data, config.captions, cache))
        return TrainingRun(material, options.out, config.text_encoder, self.device)

    @property
    def model_folder(self) -> Path:
        """The model folder that the trainings write."""
        return self.options.out / "model"

    def tokenizer(self) -> None:
        """Train the tokenizer, and compute the statistics of the normalisation."""
        settings, initial = self.config.tokenizer, None
        if self.start is not None:
            self._check_shape(self.start.config.tokenizer.shape, settings.network.shape, "tokenizer")
            self.run.use_statistics(torch.stack((self.start.mean, self.start.std)).numpy())
            initial = self.start.tokenizer
        self.run.save_network("tokenizer", train_tokenizer(settings, self.run, initial))

    def transformer(self) -> None:
        """Train the transformer on tokens of the trained tokenizer, and write the model folder."""
        require_trained(self.options.out, "tokenizer")
        run, settings, tokenizer = self.run, self.config.transformer, self._tokenizer()
        network = self._transformer_shape(run.encoder)
        settings = replace(settings, network=network)
        if self.start is not None:
            # The new network may have more blocks.
            blocks = min(self.start.config.transformer.blocks, network.blocks)
            self._check_shape(self.start.config.transformer.shape, replace(network, blocks=blocks).shape, "transformer")
        pairs, held_out = run.material.pairs()
        groups = sorted({clip.captions for crops in (pairs, held_out) for clip in crops.clips})
        captions = sorted({caption for group in groups for caption in group})
        caption_index = {caption: index for index, caption in enumerate(captions)}
        tokeniser = CropTokeniser(tokenizer, run.statistics, settings.frames, groups, settings.seed)
        folder = run.folder("transformer")
        data = TransformerData(
            processes.first_alone(lambda: tokeniser.tokens(pairs, settings.crops, folder / "tokens.safetensors")),
            processes.first_alone(
                lambda: tokeniser.tokens(held_out, settings.held_out_crops, folder / "held_out_tokens.safetensors")
            ),
            _encoded(run.encoder, captions),
            [[caption_index[caption] for caption in group] for group in groups],
        )
        initial = None if self.start is None else self.start.transformer
        run.save_network("transformer", train_transformer(settings, run, data, initial, tokenizer.quantizer.vectors()))
        self._write_model(self.model_folder)

    def refiner(self) -> None:
        """Train the refiner on pairs that went through the trained tokenizer, and add it to the model folder."""
        settings = self._configured("refiner", self.config.refiner)
        self.run.save_network("refiner", train_refiner(settings, self.run, self._tokenizer()))
        self._write_model(self.model_folder)

    def contact_classifier(self) -> None:
        """Train the contact classifier on refined pairs, and add it to the model folder."""
        settings = self._configured("contact_classifier", self.config.contact_classifier)
        network = train_contact_classifier(settings, self.run, self._tokenizer(), self._refiner())
        self.run.save_network("contact_classifier", network)
        self._write_model(self.model_folder)

    def reranker(self) -> None:
        """Train the reranker on candidates of the model without it, and add it to the model folder."""
        settings = self._configured("reranker", self.config.reranker)
        # In the training's own folder: the finished model folder may be in use until the end.
        base = self.run.folder("reranker") / "model"
        self._write_model(base, with_reranker=False)
        device = self.options.device if self.device.type == "cpu" else str(self.device)
        self.run.save_network("reranker", train_reranker(settings, self.run, base, device))
        self._write_model(self.model_folder)

    def evaluator(self) -> None:
        """Train the evaluator, which is not part of the model, and write its folder ``evaluation``."""
        if self.options.sources.choreographed is None:
            raise UserError("'train evaluator' needs --choreographed, the output of 'choreograph'.")
        network = train_evaluator(self.config.evaluator, self.run)
        shape = replace(self.config.evaluator.network, text_width=self.run.encoder.width)
        config = PairEmbeddingConfig(shape, self.config.text_encoder, self.config.about)
        if processes.is_first():
            save_evaluator(self.options.out / "evaluation", network, config)

    def everything(self) -> None:
        """Train all networks of the model, one after the other."""
        for name in self._order():
            getattr(self, name)()

    def next_command(self, name: str) -> str:
        """What to run after a training, as a sentence; empty after the last one."""
        order = self._order()
        if name not in order or name == order[-1]:
            return ""
        return f"Next: train {order[order.index(name) + 1].replace('_', '-')}."

    def _order(self) -> list[str]:
        """Names of the networks in the configuration, each after those that its training needs."""
        optional = ("refiner", "contact_classifier", "reranker")
        return ["tokenizer", "transformer", *(name for name in optional if getattr(self.config, name) is not None)]

    def _configured(self, name: str, settings: Settings | None) -> Settings:
        """The settings of an optional network, once the networks before it are trained."""
        if settings is None:
            raise UserError(f"{self.options.config} has no section [{name}]; add one, empty for the defaults.")
        order = self._order()
        for earlier in order[: order.index(name)]:
            require_trained(self.options.out, earlier)
        return settings

    def _check_shape(self, found: object, expected: object, name: str) -> None:
        if found != expected:
            raise UserError(
                f"The {name} of {self.options.start} has another shape than the configuration asks for: {found}."
            )

    def _tokenizer(self) -> Tokenizer:
        return self.run.load_network("tokenizer", Tokenizer(self.config.tokenizer.network))

    def _transformer_shape(self, encoder: TextEncoder) -> TransformerConfig:
        """The transformer's shape, completed from the tokenizer and the text encoder."""
        shape, network = self.config.tokenizer.network, self.config.transformer.network
        text = replace(network.text, width=encoder.width)
        return replace(network, codes=shape.codes, code_width=shape.code_width, part_codes=shape.part_codes, text=text)

    def _refiner(self) -> Refiner | None:
        if self.config.refiner is None or not is_trained(self.options.out, "refiner"):
            return None
        shape = replace(self.config.refiner.network, text_width=self.run.encoder.width)
        return self.run.load_network("refiner", Refiner(shape))

    def _contact_classifier(self) -> ContactClassifier | None:
        if self.config.contact_classifier is None or not is_trained(self.options.out, "contact_classifier"):
            return None
        shape = replace(self.config.contact_classifier.network, text_width=self.run.encoder.width)
        return self.run.load_network("contact_classifier", ContactClassifier(shape))

    def _reranker(self) -> Reranker | None:
        if self.config.reranker is None or not is_trained(self.options.out, "reranker"):
            return None
        shape = replace(self.config.reranker.network, text_width=self.run.encoder.width)
        return self.run.load_network("reranker", Reranker(shape))

    def _write_model(self, target: Path, with_reranker: bool = True) -> None:
        """Replace a model folder by one with all networks trained so far, once for all processes."""
        if processes.is_first():
            self._write_folder(target, with_reranker)
        processes.wait()

    def _write_folder(self, target: Path, with_reranker: bool) -> None:
        config, run = self.config, self.run
        network = self._transformer_shape(run.encoder)
        refiner, classifier = self._refiner(), self._contact_classifier()
        reranker = self._reranker() if with_reranker else None
        description = ModelConfig(
            name=config.name,
            tokenizer=config.tokenizer.network,
            transformer=network,
            text_encoder=config.text_encoder,
            sampling=config.sampling,
            longest=config.longest,
            shortest=min(config.transformer.frames),
            examples=config.examples,
            about=config.about,
            refiner=None if refiner is None else refiner.config,
            contact_classifier=None if classifier is None else classifier.config,
            reranker=None if reranker is None else reranker.config,
            code_optimisation=config.code_optimisation,
        )
        mean, deviation = run.normalisation()
        model = Model(
            description,
            self._tokenizer(),
            run.load_network("transformer", InteractionTransformer(network)),
            mean,
            deviation,
            find_text_encoder(config.text_encoder),
            refiner,
            classifier,
            reranker,
        )
        captions = _captions(run.material.pairs()[0])
        with atomic_folder(target) as folder:
            save_captions(folder, captions, _encoded(run.encoder, captions).pooled)
            write_model(folder, model)


TRAINERS: dict[str, Callable[[Training], None]] = {
    "tokenizer": Training.tokenizer,
    "transformer": Training.transformer,
    "refiner": Training.refiner,
    "contact-classifier": Training.contact_classifier,
    "reranker": Training.reranker,
    "evaluator": Training.evaluator,
    "all": Training.everything,
}
"""The network names that ``train`` accepts, each with its training."""


def train(name: str, options: TrainOptions) -> None:
    """Train one of ``TRAINERS``, or continue from its last checkpoint in the folder ``--out``.

    Raises:
        UserError: a file is missing or wrong, or an earlier training is missing.
    """
    if options.start is not None and name not in ("tokenizer", "transformer", "all"):
        raise UserError(f"'train {name}' takes no --start; tokenizer and transformer do.")
    processes.join()
    try:
        training = Training(options)
        TRAINERS[name](training)
        first = processes.is_first()
    finally:
        processes.leave()
    if not first:
        return
    written = {"tokenizer": options.out / "tokenizer", "evaluator": options.out / "evaluation"}
    print(f"Wrote {written.get(name, training.model_folder)}. {training.next_command(name.replace('-', '_'))}".rstrip())


def training_device(name: str) -> torch.device:
    """The torch device of that name.

    Raises:
        UserError: this machine has no such device, or the name has a mode, which training does not support.
    """
    chosen = choose_device(name)
    if "-" in name:
        raise UserError(f"Training has no device '{name}'; choose auto, cpu, cuda or mps.")
    device = chosen.torch_device
    if device.type == "cuda" and device.index is None and processes.count() > 1:
        return torch.device("cuda", processes.local_rank())
    return device


def _captions(crops: Crops) -> list[str]:
    return sorted({caption for clip in crops.clips for caption in clip.captions})


def _encoded(encoder: TextEncoder, texts: Sequence[str]) -> TextFeatures:
    """Features of any number of texts, padded to the longest."""
    batches = [encoder.encode(texts[i : i + _TEXTS_PER_BATCH]) for i in range(0, len(texts), _TEXTS_PER_BATCH)]
    length = max(batch.mask.shape[1] for batch in batches)
    hidden = [functional.pad(batch.hidden, (0, 0, 0, length - batch.hidden.shape[1])) for batch in batches]
    mask = [functional.pad(batch.mask, (0, length - batch.mask.shape[1])) for batch in batches]
    return TextFeatures(torch.cat(hidden), torch.cat(mask), torch.cat([batch.pooled for batch in batches]))
