"""``python -m model_core train``: a configuration file, a folder of captured motion, a folder for what comes out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from ..checkpoint import Model, ModelConfig, find_text_encoder, load_model, save_model
from ..errors import UserError
from ..files import written_whole
from ..known_captions import save_captions
from ..networks.tokenizer import Tokenizer
from ..networks.transformer import InteractionTransformer, TransformerConfig
from ..sampling import SamplingSettings
from ..settings import build
from ..text_encoders import TextEncoder, TextFeatures, load_text_encoder
from .crops import Crops
from .detail_training import DetailTraining, train_detail
from .material import DataSettings, Material, Sources, drawn_statistics, keep_statistics, load_material
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
        detail: the training of the network that adds the second level of tokens; None where there is one level.
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
    detail: DetailTraining | None = None


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
    """Train ``tokenizer``, ``detail`` or ``transformer``, going on from the last checkpoint in ``out``.

    After the transformer, and the detail network if the configuration has one and it was not trained before, the whole
    model folder is written to ``out / "model"``.

    Args:
        part: which of the three.
        config_path: a TOML file.
        sources: folders of motion.
        out: folder for checkpoints, figures and the model.
        start: a model folder of the same shape whose weights a first training begins with.
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
        with written_whole(folder / _AVERAGED) as path:
            torch.save(network.state_dict(), path)
        return
    prepared = _prepared(config, material, out)
    if part == "detail":
        _train_detail(prepared)
    else:
        _train_transformer(prepared, earlier, start)


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


@dataclass(frozen=True)
class _Prepared:
    """What follows the tokenizer: its tokens of all crops, and the texts that they stand for.

    Attributes:
        config: the whole configuration.
        out: folder for checkpoints, figures and the model.
        tokenizer: trained.
        statistics: (2, 262) of the normalisation.
        maps, held_out: tokenised crops.
        captions: groups of wordings, by the crops' numbers.
    """

    config: TrainingConfig
    out: Path
    tokenizer: Tokenizer
    statistics: np.ndarray
    maps: TokenisedCrops
    held_out: TokenisedCrops
    captions: list[tuple[str, ...]]

    @property
    def transformer(self) -> TransformerConfig:
        """The shape of the transformer, before it knows its texts."""
        return self._fitted(self.config.transformer.network)

    @property
    def detail(self) -> DetailTraining:
        """The detail network's training.

        Raises:
            UserError: the configuration has none, or there is no second level to learn.
        """
        wanted = self.config.detail
        if wanted is None or self.config.tokenizer.network.levels != 2:
            raise UserError("The configuration has no [detail], or its tokenizer has not two levels.")
        return replace(wanted, network=self._fitted(wanted.network))

    def learnt(self) -> set[int]:
        """Numbers of the captions that are learnt from, not measured on."""
        return set(torch.cat(list(self.maps.captions.values())).tolist())

    def _fitted(self, network: TransformerConfig) -> TransformerConfig:
        shape = self.config.tokenizer.network
        return replace(network, codes=shape.codes, code_width=shape.code_width, row_codes=shape.row_codes)


def _prepared(config: TrainingConfig, material: Material, out: Path) -> _Prepared:
    tokenizer, settings = _trained_tokenizer(config, out), config.transformer
    pairs, held_pairs = material.pairs()
    captions = sorted({clip.captions for crops in (pairs, held_pairs) for clip in crops.clips})
    statistics = np.load(out / _STATISTICS)

    def tokens(crops: Crops, count: int, name: str) -> TokenisedCrops:
        cache = out / f"{name}.safetensors"
        return tokenised(crops, tokenizer, statistics, settings.frames, count, captions, settings.seed, cache)

    maps = tokens(pairs, settings.crops, "tokens")
    held_out = tokens(held_pairs, settings.held_out_crops, "held_out_tokens")
    return _Prepared(config, out, tokenizer, statistics, maps, held_out, captions)


def _train_detail(given: _Prepared) -> InteractionTransformer:
    folder = given.out / "detail"
    folder.mkdir(parents=True, exist_ok=True)
    trained = train_detail(given.detail, given.maps, given.held_out, given.tokenizer, given.statistics, folder)
    with written_whole(folder / _AVERAGED) as path:
        torch.save(trained.state_dict(), path)
    return trained


def _trained_detail(given: _Prepared) -> InteractionTransformer | None:
    if given.config.detail is None:
        return None
    path = given.out / "detail" / _AVERAGED
    if not path.is_file():
        return _train_detail(given)
    network = InteractionTransformer(given.detail.network)
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval().requires_grad_(False)


def _train_transformer(given: _Prepared, earlier: Model | None, start: Path | None) -> None:
    config, folder = given.config, given.out / "transformer"
    encoder_folder = find_text_encoder(config.text_encoder)
    encoder = load_text_encoder(encoder_folder)
    text = replace(config.transformer.network.text, width=encoder.width)
    settings = replace(config.transformer, network=replace(given.transformer, text=text))
    if earlier is not None:
        _same_shape(earlier.config.transformer, settings.network, start, "transformer")

    words = sorted({wording for group in given.captions for wording in group})
    place = {wording: index for index, wording in enumerate(words)}
    wordings = [[place[wording] for wording in group] for group in given.captions]
    begin = None if earlier is None else earlier.transformer
    codes = given.tokenizer.quantizer.vectors()
    texts = _encoded(encoder, words)
    trained = train_transformer(settings, given.maps, given.held_out, texts, wordings, folder, begin, codes)
    detail = _trained_detail(given)
    mean, std = torch.from_numpy(given.statistics)
    description = ModelConfig(
        name=config.name,
        tokenizer=config.tokenizer.network,
        transformer=settings.network,
        text_encoder=config.text_encoder,
        sampling=config.sampling,
        longest=config.longest,
        examples=config.examples,
        about=config.about,
        detail=None if detail is None else detail.config,
    )
    learnt = sorted({row for group in given.learnt() for row in wordings[group]})
    save_captions(given.out / "model", [words[row] for row in learnt], texts.pooled[learnt])
    save_model(given.out / "model", Model(description, given.tokenizer, trained, mean, std, encoder_folder, detail))


def _encoded(encoder: TextEncoder, texts: Sequence[str]) -> TextFeatures:
    """Features of any number of texts, padded to the longest."""
    parts = [encoder.encode(texts[i : i + _TEXTS_A_BATCH]) for i in range(0, len(texts), _TEXTS_A_BATCH)]
    length = max(part.mask.shape[1] for part in parts)
    hidden = [functional.pad(part.hidden, (0, 0, 0, length - part.hidden.shape[1])) for part in parts]
    mask = [functional.pad(part.mask, (0, length - part.mask.shape[1])) for part in parts]
    return TextFeatures(torch.cat(hidden), torch.cat(mask), torch.cat([part.pooled for part in parts]))
