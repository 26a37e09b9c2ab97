"""InterCLIP, the evaluator of InterHuman: embeds features of two people and captions (Liang et al. 2024, InterGen)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..motion.representation import WIDTH, WITHOUT_CONTACTS

_DROPOUT = 0.1  # in training only; the layers need a value


@dataclass(frozen=True)
class InterClipConfig:
    """Shape of the evaluator; the defaults are the published ones.

    Attributes:
        width, layers, feed_forward: of the motion encoder.
        text_width, text_layers, text_feed_forward: of the text encoder.
        heads: attention heads of both.
        embedding: length of the embeddings.
        vocabulary, longest_text: of CLIP's tokens.
        longest: positions of the motion encoder, the query token included.
    """

    width: int = 1024
    layers: int = 8
    feed_forward: int = 2048
    text_width: int = 768
    text_layers: int = 8
    text_feed_forward: int = 2048
    heads: int = 8
    embedding: int = 512
    vocabulary: int = 49408
    longest_text: int = 77
    longest: int = 2000


def _encoder(width: int, heads: int, feed_forward: int, layers: int) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(width, heads, feed_forward, _DROPOUT, "gelu", batch_first=True)
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)


class MotionEncoder(nn.Module):
    """A post-norm transformer encoder with a query token, whose state becomes the embedding."""

    position: Tensor

    def __init__(
        self, width: int, feed_forward: int, layers: int, heads: int = 8, embedding: int = 512, longest: int = 2000
    ) -> None:
        super().__init__()
        self.project = nn.Linear(2 * WITHOUT_CONTACTS.stop, width)
        self.query = nn.Parameter(torch.zeros(1, width))
        self.register_buffer("position", torch.zeros(longest, width))
        self.layers = _encoder(width, heads, feed_forward, layers)
        self.norm = nn.LayerNorm(width)
        self.embed = nn.Linear(width, embedding)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Embed pairs.

        Args:
            features: (B, T, 2 * 262) features of both people, concatenated; the contacts are not used.
            lengths: (B,) number of valid frames.

        Returns:
            (B, embedding).
        """
        B, T, _ = features.shape
        people = features.unflatten(-1, (2, WIDTH))[..., WITHOUT_CONTACTS].flatten(2)  # (B, T, 516)
        x = torch.cat((self.query.expand(B, 1, -1), self.project(people)), 1) + self.position[: T + 1]
        padding = torch.arange(T + 1, device=features.device) > lengths[:, None]
        return self.embed(self.norm(self.layers(x, src_key_padding_mask=padding))[:, 0])


class TextEncoder(nn.Module):
    """CLIP's frozen token and position embeddings, then layers of its own, read at the end-of-text token."""

    def __init__(self, config: InterClipConfig) -> None:
        super().__init__()
        width = config.text_width
        self.tokens = nn.Embedding(config.vocabulary, width)
        self.positions = nn.Parameter(torch.zeros(config.longest_text, width))
        self.layers = _encoder(width, config.heads, config.text_feed_forward, config.text_layers)
        self.norm = nn.LayerNorm(width)
        self.embed = nn.Linear(width, config.embedding)

    def forward(self, ids: Tensor) -> Tensor:
        """Embed texts of CLIP tokens (B, L), padded with zeros, as (B, embedding).

        As published, attention has no mask: every token sees the others and the padding.
        """
        x = self.norm(self.layers(self.tokens(ids) + self.positions[: ids.shape[1]]))
        # The end-of-text token has the largest id; of several, the first one counts.
        return self.embed(x[torch.arange(len(ids), device=ids.device), ids.argmax(-1)])


class InterClip(nn.Module):
    """Motion and captions as vectors of one length, close if they belong together."""

    def __init__(self, config: InterClipConfig) -> None:
        super().__init__()
        self.config = config
        self.motion_encoder = MotionEncoder(
            config.width, config.feed_forward, config.layers, config.heads, config.embedding, config.longest
        )
        self.text_encoder = TextEncoder(config)
        self.scale = nn.Parameter(torch.ones(1))

    def motions(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Embed pairs; see ``MotionEncoder.forward``."""
        return functional.normalize(self.motion_encoder(features, lengths), dim=-1) * self.scale

    def texts(self, ids: Tensor) -> Tensor:
        """Embed captions; see ``TextEncoder.forward``."""
        return functional.normalize(self.text_encoder(ids), dim=-1) * self.scale


_MOTION_NAMES = (
    (r"^embed_motion\.", "project."),
    (r"^query_token$", "query"),
    (r"^sequence_pos_encoder\.pe$", "position"),
    (r"^transformer\.layers\.", "layers.layers."),
    (r"^out_ln\.", "norm."),
    (r"^out\.", "embed."),
)
_TEXT_NAMES = (
    (r"^token_embedding\.weight$", "text_encoder.tokens.weight"),
    (r"^positional_embedding$", "text_encoder.positions"),
    (r"^textTransEncoder\.layers\.", "text_encoder.layers.layers."),
    (r"^text_ln\.", "text_encoder.norm."),
    (r"^out\.", "text_encoder.embed."),
    (r"^latent_scale$", "scale"),
)
_MOTION = "motion_encoder."


def interclip_name(published: str) -> str:
    """The name of a tensor in ``InterClip`` from its published one (``motion_encoder.query_token`` and so on)."""
    if published.startswith(_MOTION):
        return _MOTION + _renamed(published.removeprefix(_MOTION), _MOTION_NAMES)
    return _renamed(published, _TEXT_NAMES)


def _renamed(key: str, names: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in names:
        changed, count = re.subn(pattern, replacement, key)
        if count:
            return changed
    return key


def interclip_config(state: Mapping[str, Tensor], heads: int = InterClipConfig.heads) -> InterClipConfig:
    """The shape that a state, under the names of ``InterClip``, is of; heads leave no trace in it.

    Raises:
        KeyError: a tensor is missing.
    """
    motion, text = _MOTION + "layers.layers.", "text_encoder.layers.layers."
    return InterClipConfig(
        width=len(state[_MOTION + "project.weight"]),
        layers=_count(state, motion),
        feed_forward=len(state[motion + "0.linear1.weight"]),
        text_width=state["text_encoder.tokens.weight"].shape[-1],
        text_layers=_count(state, text),
        text_feed_forward=len(state[text + "0.linear1.weight"]),
        heads=heads,
        embedding=len(state[_MOTION + "embed.weight"]),
        vocabulary=len(state["text_encoder.tokens.weight"]),
        longest_text=len(state["text_encoder.positions"]),
        longest=len(state[_MOTION + "position"]),
    )


def _count(state: Mapping[str, Tensor], prefix: str) -> int:
    return len({key.removeprefix(prefix).split(".")[0] for key in state if key.startswith(prefix)})


def load_motion_encoder(published: Mapping[str, Tensor], heads: int = 8) -> MotionEncoder:
    """The motion encoder with published weights (``embed_motion.weight`` and so on), in evaluation mode."""
    state = {_renamed(key, _MOTION_NAMES): value for key, value in published.items()}
    encoder = MotionEncoder(
        len(state["project.weight"]),
        len(state["layers.layers.0.linear1.weight"]),
        _count(state, "layers.layers."),
        heads,
        embedding=len(state["embed.weight"]),
        longest=len(state["position"]),
    )
    encoder.load_state_dict(state)
    return encoder.eval()
