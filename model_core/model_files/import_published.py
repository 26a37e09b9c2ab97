"""Converts published checkpoints, their statistics and CLIP to a model folder, which appears whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..files import atomic_folder
from ..networks.tokenizer import Dataset
from ..text_encoders.published_clip import convert_clip
from .model_folder import STATISTICS_SHAPE, Model, read_config, write_model
from .published_weights import read_options, read_tokenizer, read_transformer
from .sampling_settings import SamplingSettings
from .settings import ModelConfig

TEXT_ENCODER = "text_encoder"
"""The folder of the text encoder inside a model folder."""

PUBLISHED_SAMPLING = SamplingSettings(steps=20, guidance=2.0, top_k_fraction=0.1)

Stage = Literal["reading", "converting", "writing"]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""Stages of an import, in order: reading the networks, converting the text encoder, writing the model folder."""

StageCallback = Callable[[Stage], None]
"""Called before each stage."""


@dataclass(frozen=True)
class _Facts:
    """Facts about a data set that its files do not contain.

    Attributes:
        title: the data set's name, as its authors write it.
        longest: frames of the longest clips in training.
        terms: the licence in a sentence, for the model's ``about``.
    """

    title: str
    longest: int
    terms: str


_FACTS: dict[Dataset, _Facts] = {
    "interhuman": _Facts(
        "InterHuman", 300, "InterHuman (Liang et al. 2024) is CC BY-NC-SA 4.0, not for commercial use."
    ),
    "interx": _Facts("Inter-X", 150, "Inter-X (Xu et al. 2024) is given out for research only."),
}

_EXAMPLES = (
    "Two people bow to each other.",
    "Two people walk towards each other and shake hands.",
    "One person hugs the other, who hugs back.",
    "One person pushes the other, who steps back.",
)


@dataclass(frozen=True)
class OptionNames:
    """How users set the options of an import, for error messages; the defaults are those of the command line."""

    dataset: str = "with --dataset"
    checkpoint: str = "with --checkpoint"
    tokenizer_checkpoint: str = "with --vq-checkpoint"
    statistics: str = "with --stats"
    any_clip: str = "add --any-clip"


@dataclass(frozen=True)
class PublishedImport:
    """The files to import and the folder to write.

    Attributes:
        checkpoints: the published ``checkpoints`` folder, a data set's folder in it, or the transformer's own.
        clip: OpenAI's ``ViT-L-14-336px.pt`` or a Hugging Face folder of the same model.
        out: the model folder to write.
        statistics: folder of ``global_mean.npy`` and ``global_std.npy``; Inter-X needs none.
        checkpoint, tokenizer_checkpoint: files in the ``model`` folders of the transformer and of its tokenizer.
        dataset: ``interhuman`` or ``interx`` where ``checkpoints`` holds both.
        any_clip: whether to accept another CLIP model of the same width.
        name: shown to users; None names the data set.
        replace: whether to replace an existing model folder at ``out``.
        option_names: for error messages.
    """

    checkpoints: Path
    clip: Path
    out: Path
    statistics: Path | None = None
    checkpoint: str = "best_fid.tar"
    tokenizer_checkpoint: str = "best_fid.tar"
    dataset: str | None = None
    any_clip: bool = False
    name: str | None = None
    replace: bool = False
    option_names: OptionNames = OptionNames()


def import_published(request: PublishedImport, on_stage: StageCallback | None = None) -> Path:
    """Convert published files to a model folder, without running any code in them.

    Weights stay in single precision, so that results are those of the published weights; CLIP's are in half precision,
    in which they were trained. The graph layers treat all frames in the same way (scope ``none``), as in training.

    Args:
        request: see ``PublishedImport``.
        on_stage: called before each stage.

    Returns:
        The model folder.

    Raises:
        UserError: a file is missing, damaged or of another model, or the folder cannot be written; nothing is left
            behind then, and an older model folder stays as it was.
    """
    begin = on_stage or (lambda stage: None)
    _check_target(request)
    folder = find_transformer(request.checkpoints, request.dataset, request.option_names)
    begin("reading")
    model = _read_model(request, folder)
    with atomic_folder(request.out) as temporary:
        begin("converting")
        encoder, remedy = temporary / TEXT_ENCODER, request.option_names.any_clip
        width = convert_clip(request.clip, encoder, request.any_clip, remedy).width
        needed = model.config.transformer.text.width
        if width != needed:
            raise UserError(
                f"The CLIP model {request.clip} is {width} wide and the transformer needs {needed}; "
                "choose ViT-L/14 at 336 pixels."
            )
        begin("writing")
        write_model(temporary, model, half=False)
    return request.out


def _check_target(request: PublishedImport) -> None:
    """Check that the target is free or may be replaced, before anything is read."""
    out = request.out
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        if not out.is_dir():
            raise UserError(f"{out} is a file")
        read_config(out)
    except UserError as error:
        raise UserError(f"{out} exists and is no model folder; choose another --out.") from error
    if not request.replace:
        raise UserError(f"There is a model in {out} already; choose another --out, or add --replace.")


# --- finding -------------------------------------------------------------------------------------------------------


def find_transformer(folder: Path, dataset: str | None = None, option_names: OptionNames = OptionNames()) -> Path:
    """The folder of the transformer to import.

    Args:
        folder: the transformer's own, its data set's, the ``checkpoints`` folder, or the one around that.
        dataset: ``interhuman`` or ``interx``; None if there is only one.
        option_names: for error messages.

    Raises:
        UserError: there is none, or more than one to choose from.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}; choose the checkpoints folder of the published weights.")
    found: dict[Path, str] = {}
    for pattern in ("opt.txt", "*/opt.txt", "*/*/opt.txt", "checkpoints/*/*/opt.txt"):
        for path in sorted(folder.glob(pattern)):
            options = read_options(path)
            # A tokenizer's options name its codebook; a transformer's name the tokenizer.
            if "vq_name" in options and "nb_code" not in options:
                found[path.parent] = options.get("dataset_name", "")
    chosen = [path for path, name in found.items() if dataset in (None, name)]
    if not chosen:
        raise UserError(_not_found_message(folder, found, dataset))
    names = sorted({found[path] for path in chosen})
    if len(names) > 1:
        raise UserError(f"{folder} holds the data sets {' and '.join(names)}; choose one {option_names.dataset}.")
    if len(chosen) > 1:
        listed = ", ".join(str(path) for path in chosen)
        raise UserError(f"{folder} holds {len(chosen)} transformers ({listed}); choose one of these folders.")
    return chosen[0]


def _not_found_message(folder: Path, found: dict[Path, str], dataset: str | None) -> str:
    """The error message for a folder without the requested transformer."""
    if found:
        return f"{folder} holds {' and '.join(sorted(set(found.values())))} and no {dataset}; choose another folder."
    for pattern in ("model/*.tar", "*/model/*.tar", "*/*/model/*.tar"):
        for path in sorted(folder.glob(pattern)):
            owner = path.parent.parent
            if not (owner / "opt.txt").is_file():
                return f"There is no opt.txt in {owner}; copy it there from the published folder of that name."
    if any(next(folder.glob(pattern), None) for pattern in ("opt.txt", "*/opt.txt", "*/*/opt.txt")):
        return (
            f"{folder} holds a tokenizer and no transformer (an opt.txt with a vq_name); choose the folder around it."
        )
    return (
        f"{folder} is not the published checkpoints folder: there is no <data set>/<name>/opt.txt in it; choose that."
    )


# --- reading -------------------------------------------------------------------------------------------------------


def _read_model(request: PublishedImport, folder: Path) -> Model:
    """Both networks, the statistics and the settings, without the text encoder."""
    named = read_options(folder / "opt.txt")["vq_name"]
    source = folder.parent / named
    if not source.is_dir():
        raise UserError(f"The tokenizer {named} that {folder} names is not next to it; copy its folder to {source}.")
    _check_same_data_set(folder, source)
    _check_exists(source / "model", request.tokenizer_checkpoint, request.option_names.tokenizer_checkpoint)
    _check_exists(folder / "model", request.checkpoint, request.option_names.checkpoint)
    tokenizer = read_tokenizer(source, request.tokenizer_checkpoint, "none")
    if tokenizer.config.levels != 1:
        raise UserError(
            f"{source / 'opt.txt'} has {tokenizer.config.levels} quantizers and only one can be used; "
            "choose another tokenizer."
        )
    transformer = read_transformer(folder, request.checkpoint, tokenizer.config)
    facts = _FACTS[tokenizer.config.dataset]
    mean, std = _statistics(request, tokenizer.config.dataset)
    config = ModelConfig(
        name=request.name or f"InterMask {facts.title}",
        tokenizer=tokenizer.config,
        transformer=transformer.config,
        text_encoder=TEXT_ENCODER,
        sampling=PUBLISHED_SAMPLING,
        longest=facts.longest,
        examples=_EXAMPLES,
        about=f"Imported from published InterMask weights (Javed et al. 2025), trained on {facts.title}. {facts.terms}",
    )
    return Model(config, tokenizer, transformer, mean, std, request.out / TEXT_ENCODER)


def _check_same_data_set(transformer: Path, tokenizer: Path) -> None:
    """Check that both networks are of the same data set, since the shapes of transformers do not differ."""
    named = {folder: read_options(folder / "opt.txt").get("dataset_name", "") for folder in (transformer, tokenizer)}
    for folder, dataset in named.items():
        place = folder.absolute().parent.name
        if dataset in _FACTS and place in _FACTS and place != dataset:
            raise UserError(
                f"{folder} lies in the folder of {place} and its opt.txt names {dataset}; "
                "put each network into the folder of its own data set."
            )
    first, second = named[transformer], named[tokenizer]
    if first in _FACTS and second in _FACTS and first != second:
        raise UserError(
            f"{transformer / 'opt.txt'} names the data set {first} and the tokenizer's, {tokenizer / 'opt.txt'}, "
            f"{second}; put each network into the folder of its own data set."
        )


def _check_exists(folder: Path, name: str, option: str) -> None:
    """Check that a checkpoint exists; the error message names the existing ones."""
    if (folder / name).is_file():
        return
    others = sorted(path.name for path in folder.glob("*.tar"))
    remedy = f"choose {' or '.join(others)} {option}" if others else "copy the published file there"
    raise UserError(f"There is no checkpoint {folder / name}; {remedy}.")


def _statistics(request: PublishedImport, dataset: Dataset) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the data set's features; Inter-X is not normalised."""
    shape = STATISTICS_SHAPE[dataset]
    if dataset == "interx":
        return torch.zeros(shape), torch.ones(shape)
    folder = request.statistics
    if folder is None:
        remedy = f"give their folder (data/stats) {request.option_names.statistics}"
        raise UserError(f"The weights of InterHuman need its statistics; {remedy}.")
    mean, std = (_read_statistics(folder / f"global_{name}.npy", shape) for name in ("mean", "std"))
    if not (std > 0).all():
        column = int((std <= 0).to(torch.int8).argmax())
        raise UserError(f"{folder / 'global_std.npy'} is not above zero in column {column}; copy the published file.")
    return mean, std


def _read_statistics(path: Path, shape: tuple[int, ...]) -> Tensor:
    try:
        values = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise UserError(f"There is no {path.name} in {path.parent}; choose the folder data/stats.") from error
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} is cut short or no .npy file of numbers; copy the published file again.") from error
    if not isinstance(values, np.ndarray) or values.size != np.prod(shape) or values.dtype.kind not in "fiu":
        found = f"an array of shape {values.shape}" if isinstance(values, np.ndarray) else "no single array"
        raise UserError(f"{path} holds {found} instead of {np.prod(shape)} numbers; choose the published file.")
    if not np.isfinite(values).all():
        raise UserError(f"{path} has values that are not numbers; copy the published file again.")
    return torch.from_numpy(values.astype(np.float32).reshape(shape))
