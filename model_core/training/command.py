"""``python -m model_core train``: a configuration file, a folder of captured motion, a folder for what comes out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from ..errors import UserError
from ..files import atomic_write
from ..generation.pipeline import InterMask
from ..model_files.model_folder import Model, find_text_encoder, load_model, save_model
from ..model_files.sampling_settings import SamplingSettings
from ..model_files.settings import ModelConfig
from ..model_files.training_captions import save_captions
from ..networks.code_optimisation import CodeOptimisationSettings
from ..networks.tokenizer import Tokenizer
from ..settings import build
from ..text_encoders import TextEncoder, TextFeatures, load_text_encoder
from .contact_classifier_training import ContactClassifierTraining, train_contact_classifier
from .crops import Crops
from .material import DataSettings, Material, Sources, drawn_statistics, keep_statistics, load_material
from .refiner_training import RefinerTraining, train_refiner
from .reranker_training import RerankerTraining, train_reranker
from .tokenised import TokenisedCrops, tokenised
from .tokenizer_training import TokenizerTraining, train_tokenizer
from .transformer_training import TransformerTraining, train_transformer


@dataclass(frozen=True)
class TrainingConfig:
    """A whole configuration file.

    Attributes:
        name, text_encoder, longest, examples, about, sampling: go into the model folder's configuration.
        data: which takes.
        captions: for each caption of the data the wordings that stand for it.
        tokenizer, transformer: the two trainings.
        refiner: also train a refiner of decoded pairs, so; None for a model without.
        contact_classifier: also train a network that tells what palms touch, so; None for a model without.
        reranker: also train a judge of drafts, so, on choreographed clips of many kinds; None for a model without.
        code_optimisation: goes into the model folder's configuration.
    """

    name: str
    text_encoder: str
    data: DataSettings
    captions: Mapping[str, tuple[str, ...]]
    tokenizer: TokenizerTraining
    transformer: TransformerTraining
    sampling: SamplingSettings = SamplingSettings()
    longest: int = 160
    examples: tuple[str, ...] = ()
    about: str = ""
    refiner: RefinerTraining | None = None
    contact_classifier: ContactClassifierTraining | None = None
    reranker: RerankerTraining | None = None
    code_optimisation: CodeOptimisationSettings | None = None


def read_training_config(path: Path) -> TrainingConfig:
    """Read a TOML configuration.

    Raises:
        UserError: missing, not TOML, or with an entry that is unknown or of the wrong kind.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"There is no configuration {path}; name one of the files in configs/.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no TOML file: {error}.") from error
    return build(TrainingConfig, values, str(path))


_TEXTS_A_BATCH = 256
_STATISTICS = "statistics.npy"
_AVERAGED = "averaged.pt"


def train(part: str, config_path: Path, sources: Sources, out: Path, start: Path | None = None) -> None:
    """Train ``tokenizer`` or ``transformer``, going on from the last checkpoint in ``out``.

    After the transformer the whole model folder is written to ``out / "model"``, with a refiner, a toucher and a judge
    where the configuration asks for them.

    Args:
        part: which.
        config_path: a TOML file.
        sources: folders of motion.
        out: folder for checkpoints, figures and the model.
        start: a model folder of the same shape, or with fewer blocks in its transformer, whose weights a first training
            begins with.
    """
    config = read_training_config(config_path)
    folder = out / part
    folder.mkdir(parents=True, exist_ok=True)
    material = load_material(sources, config.data, config.captions, out / "captured.npz")
    earlier = None if start is None else load_model(start)
    if part == "tokenizer":
        windows, held_out = material.windows()
        if earlier is not None:
            _same_shape(earlier.config.tokenizer, config.tokenizer.network, start, "tokenizer")
            keep_statistics(torch.stack((earlier.mean, earlier.std)).numpy(), out / _STATISTICS)
        values = drawn_statistics(windows, out / _STATISTICS)
        begin = None if earlier is None else earlier.tokenizer
        network = train_tokenizer(config.tokenizer, windows, held_out, values, folder, begin)
        with atomic_write(folder / _AVERAGED) as path:
            torch.save(network.state_dict(), path)
        return
    _train_transformer(config, material, out, earlier, start)


def _same_shape(one: object, other: object, folder: Path | None, part: str) -> None:
    if one != other:
        raise UserError(f"The {part} of {folder} is not of the shape that the configuration asks for: {one}.")


def _trained_tokenizer(config: TrainingConfig, out: Path) -> Tokenizer:
    path = out / "tokenizer" / _AVERAGED
    if not path.is_file():
        raise UserError(f"There is no trained tokenizer {path}; run 'train tokenizer' with the same --out first.")
    network = Tokenizer(config.tokenizer.network)
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval().requires_grad_(False)


def _train_transformer(
    config: TrainingConfig, material: Material, out: Path, earlier: Model | None, start: Path | None
) -> None:
    settings, tokenizer = config.transformer, _trained_tokenizer(config, out)
    encoder_folder = find_text_encoder(config.text_encoder)
    encoder = load_text_encoder(encoder_folder)
    shape = config.tokenizer.network
    text = replace(settings.network.text, width=encoder.width)
    network = replace(
        settings.network, codes=shape.codes, code_width=shape.code_width, part_codes=shape.part_codes, text=text
    )
    settings = replace(settings, network=network)
    if earlier is not None:
        # One with fewer blocks grows.
        blocks = min(earlier.config.transformer.blocks, network.blocks)
        _same_shape(earlier.config.transformer, replace(network, blocks=blocks), start, "transformer")

    pairs, held_pairs = material.pairs()
    captions = sorted({clip.captions for crops in (pairs, held_pairs) for clip in crops.clips})
    words = sorted({wording for group in captions for wording in group})
    place = {wording: index for index, wording in enumerate(words)}
    paraphrases = [[place[wording] for wording in group] for group in captions]
    values, folder = np.load(out / _STATISTICS), out / "transformer"

    def tokens(crops: Crops, count: int, name: str) -> TokenisedCrops:
        cache = folder / f"{name}.safetensors"
        return tokenised(crops, tokenizer, values, settings.frames, count, captions, settings.seed, cache)

    maps = tokens(pairs, settings.crops, "tokens")
    held = tokens(held_pairs, settings.held_out_crops, "held_out_tokens")
    begin = None if earlier is None else earlier.transformer
    codes, texts = tokenizer.quantizer.vectors(), _encoded(encoder, words)
    trained = train_transformer(settings, maps, held, texts, paraphrases, folder, begin, codes)
    mean, std = torch.from_numpy(values)
    refiner = None
    if config.refiner is not None:
        refiner = train_refiner(config.refiner, material, tokenizer, values, encoder, out / "refiner")
    contact_classifier = None
    if config.contact_classifier is not None:
        contact_classifier = train_contact_classifier(
            config.contact_classifier, material, tokenizer, refiner, values, encoder, out / "contact_classifier"
        )
    description = ModelConfig(
        name=config.name,
        tokenizer=shape,
        transformer=network,
        text_encoder=config.text_encoder,
        sampling=config.sampling,
        longest=config.longest,
        examples=config.examples,
        about=config.about,
        refiner=None if refiner is None else refiner.config,
        contact_classifier=None if contact_classifier is None else contact_classifier.config,
        code_optimisation=config.code_optimisation,
    )
    learnt = sorted({place[wording] for clip in pairs.clips for wording in clip.captions})
    save_captions(out / "model", [words[index] for index in learnt], texts.pooled[learnt])
    model = Model(description, tokenizer, trained, mean, std, encoder_folder, refiner, contact_classifier)
    save_model(out / "model", model)
    if config.reranker is not None:
        # It learns from drafts of the model without it.
        reranker = train_reranker(config.reranker, material, InterMask.load(out / "model"), out / "reranker")
        save_model(
            out / "model", replace(model, config=replace(description, reranker=reranker.config), reranker=reranker)
        )


def _encoded(encoder: TextEncoder, texts: Sequence[str]) -> TextFeatures:
    """Features of any number of texts, padded to the longest."""
    parts = [encoder.encode(texts[i : i + _TEXTS_A_BATCH]) for i in range(0, len(texts), _TEXTS_A_BATCH)]
    length = max(part.mask.shape[1] for part in parts)
    hidden = [functional.pad(part.hidden, (0, 0, 0, length - part.hidden.shape[1])) for part in parts]
    mask = [functional.pad(part.mask, (0, length - part.mask.shape[1])) for part in parts]
    return TextFeatures(torch.cat(hidden), torch.cat(mask), torch.cat([part.pooled for part in parts]))
