"""The InterGen evaluator's motion encoder, which embeds the features of two people (Liang et al. 2024)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..motion.representation import WIDTH, WITHOUT_CONTACTS


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
        layer = nn.TransformerEncoderLayer(width, heads, feed_forward, 0.1, "gelu", batch_first=True)
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
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


_NAMES = {
    "embed_motion.": "project.",
    "query_token": "query",
    "sequence_pos_encoder.pe": "position",
    "transformer.layers.": "layers.layers.",
    "out_ln.": "norm.",
    "out.": "embed.",
}


def load_motion_encoder(published: Mapping[str, Tensor], heads: int = 8) -> MotionEncoder:
    """The motion encoder with published weights (``embed_motion.weight`` and so on), in evaluation mode."""
    width = published["embed_motion.weight"].shape[0]
    layers = 1 + max(int(key.split(".")[2]) for key in published if key.startswith("transformer.layers."))
    encoder = MotionEncoder(
        width,
        published["transformer.layers.0.linear1.weight"].shape[0],
        layers,
        heads,
        embedding=published["out.weight"].shape[0],
        longest=published["sequence_pos_encoder.pe"].shape[0],
    )
    renamed = {}
    for key, value in published.items():
        prefix = next(name for name in _NAMES if key.startswith(name))
        renamed[_NAMES[prefix] + key.removeprefix(prefix)] = value
    encoder.load_state_dict(renamed)
    return encoder.eval()
