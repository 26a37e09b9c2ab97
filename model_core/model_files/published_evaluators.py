"""Loads the evaluators that published figures come from: InterCLIP for InterHuman, and that of Inter-X."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from torch import Tensor, nn

from ..errors import UserError
from ..networks.interx_evaluator import InterXEvaluator, InterXEvaluatorConfig, interx_evaluator_config
from ..networks.published_evaluator import InterClip, InterClipConfig, interclip_config, interclip_name
from ..tensor_files import check_fits
from ..text_encoders.published_clip import read_clip
from .foreign_checkpoint import read_foreign_tensors

Network = TypeVar("Network", bound=nn.Module)

_PREFIX = "model."
_EMBEDDINGS = {"text_encoder.tokens.weight": "tokens.rows", "text_encoder.positions": "positions"}
_PARTS = ("movement_encoder", "motion_encoder", "text_encoder")


def load_interclip(path: Path, clip: Path | None = None, any_size: bool = False) -> InterClip:
    """The evaluator of InterHuman from ``interclip.ckpt``, in evaluation mode.

    Args:
        path: the published file; nothing in it is run.
        clip: OpenAI's CLIP file or a Hugging Face folder of it, for a checkpoint that was stored without CLIP's
            embeddings; the published one has them.
        any_size: whether to accept another size than the published one, whose figures cannot be compared.

    Raises:
        UserError: the file is missing, damaged, of another network or another size.
    """
    published = read_foreign_tensors(path, "state_dict")
    # The published code deletes the prefix wherever it stands in a name.
    published = {key.replace(_PREFIX, ""): value for key, value in published.items()}
    names = {interclip_name(key): key for key in published}
    state = {interclip_name(key): value.float() for key, value in published.items()}
    missing = [name for name in _EMBEDDINGS if name not in state]
    if missing:
        if clip is None:
            raise UserError(f"{path} lacks CLIP's embeddings; name CLIP ViT-L/14 at 336 pixels with --clip.")
        tower = read_clip(clip, any_clip=any_size, remedy="add --any-evaluator")
        state |= {name: tower[_EMBEDDINGS[name]].float() for name in missing}
    try:
        config = interclip_config(state)
    except KeyError as error:
        raise UserError(f"{path} is not InterCLIP: it has no {error.args[0]}; choose the published file.") from error
    _check_size(path, config, InterClipConfig(), any_size)
    if config.width % config.heads or config.text_width % config.heads:
        raise UserError(f"{path} cannot be divided among {config.heads} heads; choose the published file.")
    return _filled(InterClip(config), state, path, names)


def load_interx_evaluator(path: Path, any_size: bool = False) -> InterXEvaluator:
    """The evaluator of Inter-X from ``text_mot_match/model/finest.tar``, in evaluation mode.

    Args:
        path: the published file; nothing in it is run.
        any_size: whether to accept another size than the published one, whose figures cannot be compared.

    Raises:
        UserError: the file is missing, damaged, of another network or another size.
    """
    state: dict[str, Tensor] = {}
    for part in _PARTS:
        state |= {f"{part}.{name}": tensor.float() for name, tensor in read_foreign_tensors(path, part).items()}
    try:
        config = interx_evaluator_config(state)
    except KeyError as error:
        message = f"{path} is not the evaluator of Inter-X: it has no {error.args[0]}; choose text_mot_match's file."
        raise UserError(message) from error
    _check_size(path, config, InterXEvaluatorConfig(), any_size)
    return _filled(InterXEvaluator(config), state, path, {})


def _check_size(path: Path, found: object, published: object, any_size: bool) -> None:
    if any_size or found == published:
        return
    name = next(name for name, value in vars(published).items() if getattr(found, name) != value)
    raise UserError(
        f"{path} is an evaluator of another size ({name.replace('_', ' ')} {getattr(found, name)} instead of "
        f"{getattr(published, name)}), whose figures cannot be compared; choose the published file, or add "
        "--any-evaluator."
    )


def _filled(network: Network, state: dict[str, Tensor], path: Path, names: dict[str, str]) -> Network:
    expected, found = ({names.get(key, key): value for key, value in tensors.items()}
                       for tensors in (network.state_dict(), state))  # fmt: skip
    check_fits(expected, found, path, "the evaluator", "choose the published file, or copy or download it again")
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)
