"""``python -m model_core train``: a configuration file, a folder of captured motion, a folder for what comes out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from ..checkpoint import Model, ModelConfig, find_text_encoder, save_model
from ..errors import UserError
from ..files import written_whole
from ..networks.tokenizer import Tokenizer
from ..sampling import SamplingSettings
from ..settings import build
from ..text_encoders import TextFeatures, load_text_encoder
from .captured import CapturedClip, load_captured
from .crops import Crops, clips_from, statistics
from .tokenised import TokenisedCrops, tokenised
from .tokenizer_training import TokenizerTraining, train_tokenizer
from .transformer_training import TransformerTraining, train_transformer


@dataclass(frozen=True)
class DataSettings:
    """Which takes are learnt from.

    Attributes:
        takes: patterns of take names (``60_*``).
        held_out: names or patterns of takes that only measure.
        lag: frames by which a window's canonical frame may lie before it.
        least_speed: of the crops that the transformer learns from, mean metres a second of all joints.
    """

    takes: tuple[str, ...] = ("*",)
    held_out: tuple[str, ...] = ()
    lag: int = 96
    least_speed: float = 0.0


@dataclass(frozen=True)
class TrainingConfig:
    """A whole configuration file.

    Attributes:
        name, text_encoder, longest, examples, about, sampling: go into the model folder's configuration.
        data: which takes.
        captions: for each caption of the data the wordings that stand for it.
        tokenizer, transformer: the two trainings.
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


@dataclass(frozen=True)
class _Material:
    """Clips to learn from and to measure on, as crops."""

    train: Crops
    held_out: Crops
    statistics: np.ndarray


def _material(config: TrainingConfig, data: Path, out: Path) -> _Material:
    captured = load_captured(data, out / "captured.npz")

    def named(clip: CapturedClip, patterns: tuple[str, ...]) -> bool:
        return any(fnmatch(clip.take, pattern) for pattern in patterns)

    chosen = [clip for clip in captured.clips if named(clip, config.data.takes)]
    held_out = [clip for clip in chosen if named(clip, config.data.held_out)]
    train = [clip for clip in chosen if not named(clip, config.data.held_out)]
    if not train or not held_out:
        raise UserError(f"{data} has no takes for both learning and measuring; check 'takes' and 'held_out'.")
    crops = Crops(clips_from(train), config.data.lag)
    return _Material(crops, Crops(clips_from(held_out), config.data.lag), _statistics(crops, out))


def _statistics(crops: Crops, out: Path) -> np.ndarray:
    """Statistics are drawn once: a tokenizer and its transformer need the same."""
    path = out / "statistics.npy"
    if path.is_file():
        return np.asarray(np.load(path))
    values = statistics(crops, np.random.default_rng(0))
    with written_whole(path) as temporary:
        np.save(temporary, values)
    return values


def train(part: str, config_path: Path, data: Path, out: Path) -> None:
    """Train ``tokenizer`` or ``transformer``, going on from the last checkpoint in ``out``.

    After the transformer the whole model folder is written to ``out / "model"``.
    """
    config = read_training_config(config_path)
    folder = out / part
    folder.mkdir(parents=True, exist_ok=True)
    material = _material(config, data, out)
    if part == "tokenizer":
        network = train_tokenizer(config.tokenizer, material.train, material.held_out, material.statistics, folder)
        with written_whole(folder / "averaged.pt") as path:
            torch.save(network.state_dict(), path)
    else:
        _train_transformer(config, material, out)


def _trained_tokenizer(config: TrainingConfig, out: Path) -> Tokenizer:
    path = out / "tokenizer" / "averaged.pt"
    if not path.is_file():
        raise UserError(f"There is no trained tokenizer {path}; run 'train tokenizer' with the same --out first.")
    network = Tokenizer(config.tokenizer.network)
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval().requires_grad_(False)


def _train_transformer(config: TrainingConfig, material: _Material, out: Path) -> None:
    settings, tokenizer = config.transformer, _trained_tokenizer(config, out)
    encoder_folder = find_text_encoder(config.text_encoder)
    encoder = load_text_encoder(encoder_folder)
    shape = config.tokenizer.network
    text = replace(settings.network.text, width=encoder.width)
    network = replace(settings.network, codes=shape.codes, code_width=shape.code_width, text=text)
    settings = replace(settings, network=network)

    captions = sorted({clip.caption for crops in (material.train, material.held_out) for clip in crops.clips})
    worded = [list(config.captions.get(caption, (caption,))) for caption in captions]
    texts: TextFeatures = encoder.encode([wording for group in worded for wording in group])
    starts = np.cumsum([0, *(len(group) for group in worded)])
    wordings = [list(range(a, b)) for a, b in pairwise(starts)]

    pairs, held_pairs = (
        Crops([clip for clip in crops.clips if len(clip.rows) == 2], least_speed=config.data.least_speed)
        for crops in (material.train, material.held_out)
    )
    folder, count, seed = out / "transformer", settings.crops_a_length, settings.seed

    def tokens(crops: Crops, lengths: tuple[int, ...], count: int, name: str) -> TokenisedCrops:
        cache = folder / f"{name}.safetensors"
        return tokenised(crops, tokenizer, material.statistics, lengths, count, captions, seed, cache)

    maps = tokens(pairs, settings.frames, count, "tokens")
    held = tokens(held_pairs, settings.frames[-1:], 128, "held_out_tokens")
    trained = train_transformer(settings, maps, held, texts, wordings, folder)
    mean, std = torch.from_numpy(material.statistics)
    description = ModelConfig(
        name=config.name,
        tokenizer=shape,
        transformer=network,
        text_encoder=config.text_encoder,
        sampling=config.sampling,
        longest=config.longest,
        examples=config.examples,
        about=config.about,
    )
    save_model(out / "model", Model(description, tokenizer, trained, mean, std, encoder_folder))
