"""Reads the published checkpoints, and converts their options and tensor names."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..networks.graph import GraphScope
from ..networks.tokenizer import Dataset, Tokenizer, TokenizerConfig
from ..networks.transformer import InteractionTransformer, TransformerConfig
from ..tensor_files import check_fits

Network = TypeVar("Network", bound=nn.Module)

_TOKENIZER_NAMES = (
    (r"^encoder\.gcn_layer1\.", "encoder.entry.0."),
    (r"^encoder\.gcn_layer2\.", "encoder.entry.2."),
    (r"^decoder\.gcn_layer1\.", "decoder.exit.0."),
    (r"^decoder\.gcn_layer2\.", "decoder.exit.2."),
    (r"\.lin\.(weight|bias)$", r".message.\1"),
    (r"\.lin_l\.(weight|bias)$", r".from_neighbours.\1"),
    (r"\.lin_r\.(weight|bias)$", r".from_self.\1"),
    (r"^quantizer\.layers\.(\d+)\.codebook$", r"quantizer.codebooks.\1.codes"),
    (r"\.conv1\.(weight|bias)$", r".dilated.\1"),
    (r"\.conv2\.(weight|bias)$", r".pointwise.\1"),
    (r"^decoder\.model\.0\.", "decoder.entry."),
    (r"^decoder\.model\.4\.", "decoder.middle."),
    (r"^decoder\.model\.6\.", "decoder.exit.0."),
    (r"^decoder\.model\.2\.0\.model\.", "decoder.stages.0.residual."),
    (r"^decoder\.model\.2\.2\.", "decoder.stages.0.smooth."),
    (r"^decoder\.model\.3\.0\.model\.", "decoder.stages.1.residual."),
    (r"^decoder\.model\.3\.2\.", "decoder.stages.1.smooth."),
)
# The encoder's list starts with the downsampling layers for InterHuman, and with an entry convolution for Inter-X.
_ENCODER_NAMES = {
    "interhuman": (
        (r"^encoder\.model\.([01])\.0\.", r"encoder.stages.\1.0."),
        (r"^encoder\.model\.([01])\.1\.model\.", r"encoder.stages.\1.1."),
        (r"^encoder\.model\.2\.", "encoder.exit."),
    ),
    "interx": (
        (r"^encoder\.model\.0\.", "encoder.entry.0."),
        (r"^encoder\.model\.2\.0\.", "encoder.stages.0.0."),
        (r"^encoder\.model\.2\.1\.model\.", "encoder.stages.0.1."),
        (r"^encoder\.model\.3\.0\.", "encoder.stages.1.0."),
        (r"^encoder\.model\.3\.1\.model\.", "encoder.stages.1.1."),
        (r"^encoder\.model\.4\.", "encoder.exit."),
    ),
}
_TRANSFORMER_NAMES = (
    (r"^input_process\.poseEmbedding\.", "token_projection."),
    (r"^token_emb\.", "token_embedding."),
    (r"^cond_emb\.", "text_projection."),
    (r"^Transformer\.blocks\.(\d+)\.adaLN_mod_combined\.model\.1\.", r"blocks.\1.joint.modulation."),
    (r"^Transformer\.blocks\.(\d+)\.self_attn\.attention\.", r"blocks.\1.joint.attention."),
    (r"^Transformer\.blocks\.(\d+)\.ffn_combined\.model\.0\.", r"blocks.\1.joint.feed_forward.widen."),
    (r"^Transformer\.blocks\.(\d+)\.ffn_combined\.model\.3\.", r"blocks.\1.joint.feed_forward.narrow."),
    (r"^Transformer\.blocks\.(\d+)\.adaLN_mod_split\.model\.1\.", r"blocks.\1.per_person.modulation."),
    (r"^Transformer\.blocks\.(\d+)\.spa_temp_attn\.(spatial|temporal)_attention\.", r"blocks.\1.per_person.\2."),
    (r"^Transformer\.blocks\.(\d+)\.local_inter_attn\.interaction_attention\.", r"blocks.\1.per_person.partner."),
    (r"^Transformer\.blocks\.(\d+)\.ffn_split\.model\.0\.", r"blocks.\1.per_person.feed_forward.widen."),
    (r"^Transformer\.blocks\.(\d+)\.ffn_split\.model\.3\.", r"blocks.\1.per_person.feed_forward.narrow."),
    (r"\.in_proj_weight$", ".inward.weight"),
    (r"\.in_proj_bias$", ".inward.bias"),
    (r"\.out_proj\.", ".outward."),
    (r"^output_process\.dense\.", "head.dense."),
    (r"^output_process\.adaLN_mod\.model\.1\.", "head.modulation."),
    (r"^output_process\.poseFinal\.", "head.codes."),
    (r"^clipTrans\.layers\.(\d+)\.self_attn\.", r"text_layers.layers.\1.attention."),
    (r"^clipTrans\.layers\.(\d+)\.linear1\.", r"text_layers.layers.\1.feed_forward.widen."),
    (r"^clipTrans\.layers\.(\d+)\.linear2\.", r"text_layers.layers.\1.feed_forward.narrow."),
    (r"^clipTrans\.layers\.(\d+)\.norm1\.", r"text_layers.layers.\1.attention_norm."),
    (r"^clipTrans\.layers\.(\d+)\.norm2\.", r"text_layers.layers.\1.feed_forward_norm."),
    (r"^clipln\.", "text_layers.norm."),
)
# Not trained: modules compute these, and frozen CLIP weights are skipped if a file contains them.
_NOT_TRAINED = re.compile(r"\.inv_freq$|^clip_|^clip\.|^quantizer\.layers\.\d+\.(code_sum|code_count)$")


def tokenizer_weights(published: Mapping[str, Tensor], dataset: Dataset) -> dict[str, Tensor]:
    """The published tokenizer's weights under this project's names, with the codebooks marked as trained."""
    weights = _renamed(published, (*_TOKENIZER_NAMES, *_ENCODER_NAMES[dataset]))
    for key in [key for key in weights if key.endswith(".codes")]:
        book = key.removesuffix("codes")
        weights[book + "usage"] = torch.ones(len(weights[key]))
        weights[book + "sums"] = weights[key].clone()
        weights[book + "started"] = torch.tensor(True)
    return weights


def transformer_weights(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published transformer's weights, including its two text layers, under this project's names."""
    return _renamed(published, _TRANSFORMER_NAMES)


def _renamed(published: Mapping[str, Tensor], names: tuple[tuple[str, str], ...]) -> dict[str, Tensor]:
    return {_present_name(key, names): value for key, value in published.items() if not _NOT_TRAINED.search(key)}


def _present_name(key: str, names: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in names:
        key = re.sub(pattern, replacement, key)
    return key


def read_options(path: Path) -> dict[str, str]:
    """The ``key: value`` lines of an ``opt.txt``.

    Raises:
        UserError: the file is missing or holds no options.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UserError(f"There is no {path.name} in {path.parent}; choose the folder that training wrote.") from error
    options = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    if not options:
        raise UserError(f"{path} holds no 'key: value' lines; choose the opt.txt that training wrote.")
    return {key.strip(): value.strip() for key, value in options.items()}


def read_state(path: Path, keys: tuple[str, ...]) -> dict[str, Tensor]:
    """The tensors under the first of ``keys`` in a ``torch.save`` file; no code in the file is ever run.

    Raises:
        UserError: the file is missing, cut short, contains code, or lacks these keys.
    """
    if not path.is_file():
        raise UserError(f"There is no checkpoint {path}; choose another file or copy it there.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "collections.Counter" in str(error):  # in the state of the learning rate's schedule; before torch 2.4
            raise UserError(f"{path} can be read safely by torch 2.4 or newer only; update torch.") from error
        if not _begins_like_a_checkpoint(path):
            raise UserError(f"{path} is no checkpoint; copy or download it again.") from error
        raise UserError(
            f"{path} holds more than tensors and was not loaded, since it could run code; use the published file."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is cut short or no checkpoint; copy or download it again.") from error
    for key in keys:
        if isinstance(content, dict) and key in content:
            state = content[key]
            if isinstance(state, dict) and all(isinstance(value, Tensor) for value in state.values()):
                return cast(dict[str, Tensor], dict(state))
    raise UserError(f"{path} has none of the entries {', '.join(keys)}; choose a checkpoint of the other network.")


def _begins_like_a_checkpoint(path: Path) -> bool:
    """Whether the first bytes are those of a zip archive or of a pickle, the two formats of ``torch.save``."""
    with path.open("rb") as file:
        return file.read(2) in (b"PK", b"\x80\x02")


def tokenizer_config(options: Mapping[str, str], source: Path, graph_scope: GraphScope) -> TokenizerConfig:
    """The shape of a published tokenizer from its options."""
    dataset = _dataset(options, source)
    if dataset == "interx" and options.get("motion_rep", "smpl") != "smpl":
        raise UserError(
            f"{source} names the representation '{options['motion_rep']}' of Inter-X, and only 'smpl' (56 rows of "
            "rotations) can be used; choose another tokenizer."
        )
    return TokenizerConfig(
        dataset=dataset,
        width=_number(options, "width", source),
        depth=_number(options, "depth", source),
        dilation_growth=_number(options, "dilation_growth_rate", source),
        codes=_number(options, "nb_code", source),
        code_width=_number(options, "code_dim", source),
        levels=_number(options, "num_quantizers", source),
        graph_scope=graph_scope,
    )


def transformer_config(options: Mapping[str, str], tokenizer: TokenizerConfig, source: Path) -> TransformerConfig:
    """The shape of a published transformer from its options and its tokenizer's."""
    width, heads = _number(options, "latent_dim", source), _number(options, "n_heads", source)
    if width % heads:
        raise UserError(f"{source} divides {width} channels among {heads} heads; use the opt.txt that training wrote.")
    return TransformerConfig(
        codes=tokenizer.codes,
        code_width=tokenizer.code_width,
        width=width,
        blocks=_number(options, "n_layers", source),
        heads=heads,
        feed_forward=_number(options, "ff_size", source),
    )


def _dataset(options: Mapping[str, str], source: Path) -> Dataset:
    name = options.get("dataset_name", "")
    if name not in ("interhuman", "interx"):
        raise UserError(f"{source} names the data set '{name}'; only interhuman and interx are known.")
    return cast(Dataset, name)


def _number(options: Mapping[str, str], key: str, source: Path) -> int:
    """A whole number above zero; numbers larger than any network that fits a machine are errors too."""
    try:
        value = int(options[key])
        if not 0 < value <= 1 << 20:
            raise ValueError(value)
        return value
    except (KeyError, ValueError) as error:
        raise UserError(f"{source} has no whole number for '{key}'; use the opt.txt that training wrote.") from error


def read_tokenizer(folder: Path, checkpoint: str, graph_scope: GraphScope) -> Tokenizer:
    """The network of a published tokenizer's folder (``opt.txt`` next to ``model/``), in evaluation mode."""
    config = tokenizer_config(read_options(folder / "opt.txt"), folder / "opt.txt", graph_scope)
    path = folder / "model" / checkpoint
    state = read_state(path, ("vq_model", "net"))
    found: Dataset = "interhuman" if any(key.startswith("encoder.gcn_layer") for key in state) else "interx"
    if found != config.dataset:
        raise UserError(
            f"{path} is a tokenizer of the data set {found} and its opt.txt names {config.dataset}; "
            "put each file into the folder of its own data set."
        )
    names = {_present_name(key, (*_TOKENIZER_NAMES, *_ENCODER_NAMES[config.dataset])): key for key in state}
    return _filled(Tokenizer(config), tokenizer_weights(state, config.dataset), path, names)


def read_transformer(folder: Path, checkpoint: str, tokenizer: TokenizerConfig) -> InteractionTransformer:
    """The network of a published transformer's folder, in evaluation mode."""
    config = transformer_config(read_options(folder / "opt.txt"), tokenizer, folder / "opt.txt")
    path = folder / "model" / checkpoint
    state = read_state(path, ("t2m_transformer", "trans"))
    names = {_present_name(key, _TRANSFORMER_NAMES): key for key in state}
    return _filled(InteractionTransformer(config), transformer_weights(state), path, names)


def _filled(network: Network, weights: dict[str, Tensor], path: Path, names: Mapping[str, str]) -> Network:
    """The network with these weights; error messages use the file's own names of tensors."""
    expected, found = (
        {names.get(key, key): value for key, value in state.items()} for state in (network.state_dict(), weights)
    )
    check_fits(
        expected, found, path, "its opt.txt", "choose the checkpoint of this folder, or copy or download it again"
    )
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)
