"""Converts published CLIP weights to a text encoder's folder: only the text tower, in half precision."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import UserError
from ..networks.clip_text import ClipTextConfig, ClipTextTower
from .byte_pair import clip_tokenizer
from .fetched_clip import fetched_clip, is_model_name
from .folder import save_text_encoder
from .torchscript import read_torchscript

OPENAI_SHA256 = "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02"
"""SHA-256 of OpenAI's ``ViT-L-14-336px.pt``."""

_HEAD_WIDTH = 64  # in every CLIP that OpenAI published
_OPENAI = (
    (r"^token_embedding\.weight$", "tokens.rows"),
    (r"^positional_embedding$", "positions"),
    (r"^ln_final\.", "norm."),
    (r"^transformer\.resblocks\.(\d+)\.", r"layers.\1."),
    (r"\.ln_1\.", ".attention_norm."),
    (r"\.attn\.in_proj_", ".inward."),
    (r"\.attn\.out_proj\.", ".outward."),
    (r"\.ln_2\.", ".feed_forward_norm."),
    (r"\.mlp\.c_fc\.", ".widen."),
    (r"\.mlp\.c_proj\.", ".narrow."),
)
_OPENAI_TEXT = re.compile(r"^(token_embedding\.|positional_embedding$|ln_final\.|transformer\.)")
_HUGGING_FACE = (
    (r"^text_model\.", ""),  # newer versions of the library write a text tower alone without it
    (r"^embeddings\.token_embedding\.weight$", "tokens.rows"),
    (r"^embeddings\.position_embedding\.weight$", "positions"),
    (r"^final_layer_norm\.", "norm."),
    (r"^encoder\.layers\.", "layers."),
    (r"\.layer_norm1\.", ".attention_norm."),
    (r"\.self_attn\.out_proj\.", ".outward."),
    (r"\.layer_norm2\.", ".feed_forward_norm."),
    (r"\.mlp\.fc1\.", ".widen."),
    (r"\.mlp\.fc2\.", ".narrow."),
)
_HUGGING_FACE_TEXT = re.compile(
    r"^(text_model\.)?(embeddings\.(token|position)_embedding\.|encoder\.|final_layer_norm\.)"
)
_QUERY = re.compile(r"^(layers\.\d+)\.self_attn\.q_proj\.(weight|bias)$")


def convert_clip(source: Path, out: Path, any_clip: bool = False, remedy: str = "add --any-clip") -> ClipTextConfig:
    """Write a text encoder's folder from published CLIP weights.

    Args:
        source: OpenAI's ``ViT-L-14-336px.pt``, or a folder in Hugging Face's layout of the same model; or its name,
            ``ViT-L/14@336px``, to fetch that folder.
        out: folder to write.
        any_clip: accept other CLIP models with the architecture of OpenAI's.
        remedy: how the user sets ``any_clip``, for error messages.

    Returns:
        The shape of the text tower.

    Raises:
        UserError: the source is missing, damaged, another model, or cannot be fetched; the folder cannot be written.
    """
    state = read_clip(source, any_clip, remedy)
    config = _shape(state, source)
    save_text_encoder(out, config, clip_tokenizer(), {name: _compressed(tensor) for name, tensor in state.items()})
    return config


def read_clip(source: Path, any_clip: bool = False, remedy: str = "add --any-clip") -> dict[str, Tensor]:
    """The text tower of published CLIP weights, under the names of ``ClipTextTower``; arguments as ``convert_clip``.

    Raises:
        UserError: the source is missing, damaged or another model, or cannot be fetched.
    """
    if is_model_name(source):
        source = fetched_clip(source.as_posix())
    state = (_from_folder if source.is_dir() else _from_file)(source, any_clip, remedy)
    config = _shape(state, source)
    if not any_clip and config != ClipTextConfig():
        raise UserError(f"{source} is not CLIP ViT-L/14 at 336 pixels; choose that model, or {remedy}.")
    _check(state, config, source)
    return state


def _from_file(path: Path, any_clip: bool, remedy: str) -> dict[str, Tensor]:
    """The text tower from OpenAI's file."""
    if not path.is_file():
        raise UserError(f"There is no CLIP file {path}; choose OpenAI's ViT-L-14-336px.pt or a Hugging Face folder.")
    if not any_clip:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != OPENAI_SHA256:
            raise UserError(
                f"{path} is not OpenAI's ViT-L-14-336px.pt, or is incomplete (its SHA-256 begins with {found[:8]}, "
                f"not {OPENAI_SHA256[:8]}); download it again, or {remedy} to take another model."
            )
    return _renamed(read_torchscript(path, lambda name: bool(_OPENAI_TEXT.match(name))), _OPENAI)


def _from_folder(folder: Path, any_clip: bool, remedy: str) -> dict[str, Tensor]:
    """The text tower from a folder in Hugging Face's layout."""
    _check_settings(folder, any_clip, remedy)
    weights, pickled = folder / "model.safetensors", folder / "pytorch_model.bin"
    if weights.is_file():
        published = _from_safetensors(weights)
    elif pickled.is_file():
        published = _from_pickle(pickled)
    else:
        raise UserError(f"{folder} holds neither {weights.name} nor {pickled.name}; choose the folder of a CLIP model.")
    return _joined(_renamed(published, _HUGGING_FACE))


def _check_settings(folder: Path, any_clip: bool, remedy: str) -> None:
    """Check the model's configuration file, if there is one."""
    path = folder / "config.json"
    if not path.is_file():
        return
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        text: dict[str, Any] = values.get("text_config", values)
        activation = text.get("hidden_act", "quick_gelu")
        image, patch = (values.get("vision_config", {}).get(key) for key in ("image_size", "patch_size"))
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"{path} cannot be read; copy or download the folder again.") from error
    if activation != "quick_gelu":
        raise UserError(f"The CLIP model in {folder} uses {activation}, not quick_gelu; choose OpenAI's ViT-L/14-336.")
    if not any_clip and (image, patch) not in ((336, 14), (None, None)):
        raise UserError(
            f"The CLIP model in {folder} sees images of {image} pixels in patches of {patch}, not of 336 in 14; "
            f"choose clip-vit-large-patch14-336, or {remedy}."
        )


def _from_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys() if _HUGGING_FACE_TEXT.match(name)}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is cut short or damaged; copy or download it again.") from error


def _from_pickle(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        return {name: content[name] for name in content if _HUGGING_FACE_TEXT.match(name)}
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} holds more than tensors and was not loaded, since it could run code; use model.safetensors."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is cut short or damaged; copy or download it again.") from error


def _renamed(published: dict[str, Tensor], names: tuple[tuple[str, str], ...]) -> dict[str, Tensor]:
    """The tensors under the names of ``ClipTextTower``."""
    result = {}
    for key, tensor in published.items():
        for pattern, replacement in names:
            key = re.sub(pattern, replacement, key)
        result[key] = tensor
    if "tokens.rows" in result:
        result["tokens.scales"] = torch.ones(len(result["tokens.rows"]))
    return result


def _joined(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state with queries, keys and values of each layer in one matrix, as in OpenAI's file."""
    for match in [found for key in state if (found := _QUERY.match(key))]:
        parts = [f"{match[1]}.self_attn.{letter}_proj.{match[2]}" for letter in "qkv"]
        if all(part in state for part in parts):
            state[f"{match[1]}.inward.{match[2]}"] = torch.cat([state.pop(part) for part in parts])
    return state


def _shape(state: dict[str, Tensor], source: Path) -> ClipTextConfig:
    """The tower's configuration, from the shapes of the tensors."""
    for key in ("tokens.rows", "positions"):
        if key not in state or state[key].ndim != 2:
            raise UserError(f"{source} holds no CLIP text tower ({key} is missing); choose the whole CLIP model.")
    layers = {key.split(".")[1] for key in state if key.startswith("layers.")}
    vocabulary, width = state["tokens.rows"].shape
    heads = max(1, width // _HEAD_WIDTH)
    return ClipTextConfig(vocabulary, width, len(layers), heads, len(state["positions"]))


def _check(state: dict[str, Tensor], config: ClipTextConfig, source: Path) -> None:
    """Check that the tensors fit the tower; the error names the first one that does not."""
    with torch.device("meta"):
        expected = {name: tuple(tensor.shape) for name, tensor in ClipTextTower(config).state_dict().items()}
    for name in sorted(expected.keys() | state.keys()):
        found = tuple(state[name].shape) if name in state else None
        if found != expected.get(name):
            raise UserError(
                f"{source} does not fit CLIP's text tower: {name} should be {expected.get(name) or 'absent'} and is "
                f"{found or 'absent'}; choose OpenAI's ViT-L/14-336."
            )
        if not bool(state[name].isfinite().all()):
            raise UserError(f"{source} has values that are not numbers in {name}; copy or download it again.")


def _compressed(tensor: Tensor) -> Tensor:
    """Matrices in half precision, as OpenAI trained them; norms and biases, which are small, in single."""
    return tensor.half() if tensor.ndim > 1 else tensor.float()
