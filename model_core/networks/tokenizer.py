"""The tokenizer, which maps one person's motion to tokens (body parts by time) and back (InterMask, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..motion.representation import POSITIONS, ROTATIONS, VELOCITIES
from .body_frame import BodyFrame
from .body_parts import BodyPartDecoder, BodyPartEncoder
from .graph import GraphLayer, GraphScope
from .quantizer import CodebookSettings, ResidualQuantizer
from .residual import ResidualStack
from .token_map import PARTS

Dataset = Literal["interhuman", "interx"]


@dataclass(frozen=True)
class TokenizerConfig:
    """Shape of a tokenizer; the defaults are the published ones.

    Attributes:
        dataset: the data set of its features: ``interhuman`` (T, 262) or ``interx`` (T, 56, 6).
        width: channels of the convolutions.
        depth: residual blocks in each stack.
        dilation_growth: factor of dilation between the blocks of a stack.
        codes: codes in each codebook.
        code_width: length of a code vector.
        levels: residual quantisers; the transformer models the first.
        part_codes: whether each body part has its own codebook of ``codes`` codes; not part of the published model.
        dropout: in the residual blocks.
        graph_scope: frames to which the graph layers apply (InterHuman only).
        codebook: how the codebook is trained.
        body: whether to encode poses relative to the pelvis (``BodyFrame``) with a ``BodyPartEncoder``, whose ``width``
            is per part and whose ``depth`` is the number of blocks; InterHuman only, not part of the published model.
    """

    dataset: Dataset = "interhuman"
    width: int = 512
    depth: int = 2
    dilation_growth: int = 3
    codes: int = 1024
    code_width: int = 512
    levels: int = 1
    part_codes: bool = False
    dropout: float = 0.2
    graph_scope: GraphScope = "none"
    codebook: CodebookSettings = CodebookSettings()
    body: bool = False

    @property
    def shape(self) -> TokenizerConfig:
        """The settings that weights depend on: without those that only training uses."""
        return replace(self, dropout=0.0, codebook=CodebookSettings())


@dataclass(frozen=True)
class _Layout:
    """Shapes of the convolutions for the features of one data set."""

    channels: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    upsampling: tuple[tuple[float, float], ...]


_LAYOUTS = {
    "interhuman": _Layout(12, (4, 4), (2, 2), ((2.2, 2), (2, 2))),  # joints 22 -> 11 -> 5
    "interx": _Layout(6, (6, 4), (3, 2), ((3.5, 2), (3.3, 2))),  # joints 56 -> 18 -> 5
}


class Encoder(nn.Module):
    """Maps a motion image (B, C, J, T) to a latent image (B, D, 5, T / 4)."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        layout, width = _LAYOUTS[config.dataset], config.width
        self.entry: nn.Sequential
        if config.dataset == "interhuman":
            first: nn.Module = GraphLayer(layout.channels, width, config.graph_scope)
            second: nn.Module = GraphLayer(width, width, config.graph_scope)
            self.entry = nn.Sequential(first, nn.ReLU(), second, nn.ReLU())
        else:
            self.entry = nn.Sequential(nn.Conv2d(layout.channels, width, 3, padding=1), nn.ReLU())
        self.stages = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(width, width, layout.kernel, layout.stride, padding=1),
                    ResidualStack(width, config.depth, config.dilation_growth, config.dropout),
                )
                for _ in layout.upsampling
            )
        )
        self.exit = nn.Conv2d(width, config.code_width, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Maps (B, C, J, T) to (B, D, 5, T / 4)."""
        return self.exit(self.stages(self.entry(image)))


class UpsampleStage(nn.Module):
    """One stage of the decoder: residual stack, nearest-neighbour upsampling, 3x3 convolution."""

    def __init__(self, config: TokenizerConfig, factor: tuple[float, float]) -> None:
        super().__init__()
        self.factor = factor
        self.residual = ResidualStack(config.width, config.depth, config.dilation_growth, config.dropout)
        self.smooth = nn.Conv2d(config.width, config.width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.smooth(functional.interpolate(self.residual(x), scale_factor=self.factor, mode="nearest"))


class Decoder(nn.Module):
    """Maps a latent image (B, D, 5, S) to a motion image (B, C, J, 4 S)."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        layout, width = _LAYOUTS[config.dataset], config.width
        self.entry = nn.Conv2d(config.code_width, width, 3, padding=1)
        self.stages = nn.Sequential(*(UpsampleStage(config, factor) for factor in layout.upsampling))
        self.middle = nn.Conv2d(width, width, 3, padding=1)
        if config.dataset == "interhuman":
            first: nn.Module = GraphLayer(width, width, config.graph_scope)
            self.exit = nn.Sequential(first, nn.ReLU(), GraphLayer(width, layout.channels, config.graph_scope))
        else:
            self.exit = nn.Sequential(nn.Conv2d(width, layout.channels, 3, padding=1))

    def forward(self, latent: Tensor) -> Tensor:
        """Maps (B, D, 5, S) to (B, C, J, 4 S)."""
        x = self.stages(functional.relu(self.entry(latent)))
        return self.exit(functional.relu(self.middle(x)))


class Tokenizer(nn.Module):
    """Encodes normalised features of one person as tokens, and decodes them.

    Features are (B, T, 262) for InterHuman and (B, T, 56, 6) for Inter-X.
    """

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder: nn.Module
        self.decoder: nn.Module
        if config.body:
            shape = _LAYOUTS[config.dataset].channels, config.width, config.depth, config.code_width
            self.encoder, self.decoder = BodyPartEncoder(*shape), BodyPartDecoder(*shape)
        else:
            self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.frame = BodyFrame() if config.body else None
        self.quantizer = ResidualQuantizer(
            config.codes, config.code_width, config.levels, config.codebook, PARTS if config.part_codes else 1
        )

    def latent(self, features: Tensor) -> Tensor:
        """Encode features, T a multiple of 4, to the latent image (B, D, 5, T / 4) before quantisation."""
        return self.encoder(self._image(features))

    def encode(self, features: Tensor) -> Tensor:
        """Encode features, T a multiple of 4, to tokens (B, levels, 5, T / 4)."""
        return self.quantizer.ids(self.latent(features))

    def decode(self, tokens: Tensor) -> Tensor:
        """Decode tokens (B, levels or only the first, 5, S) to features, T = 4 S; InterHuman's contacts are zeros."""
        return self.decode_latent(self.quantizer.latent(tokens))

    def decode_latent(self, quantised: Tensor) -> Tensor:
        """Decode a quantised latent image (B, D, 5, S) to features with T = 4 S."""
        return self._features(self.decoder(quantised))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The training pass: maps features to (reconstructed features, commitment loss, perplexity)."""
        quantised, commitment, perplexity = self.quantizer(self.latent(features))
        return self.decode_latent(quantised), commitment, perplexity

    def reconstruct_nodes(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Like ``forward``, but returns the nodes (B, T, 22, 12) of ``BodyFrame`` instead of features, in float32."""
        quantised, commitment, perplexity = self.quantizer(self.latent(features))
        return self._nodes(quantised), commitment, perplexity

    def decode_nodes(self, tokens: Tensor) -> Tensor:
        """Like ``decode``, but returns the nodes (B, T, 22, 12) of ``BodyFrame`` instead of features, in float32."""
        return self._nodes(self.quantizer.latent(tokens))

    def _nodes(self, quantised: Tensor) -> Tensor:
        return self.decoder(quantised).permute(0, 3, 2, 1).float()

    def _image(self, features: Tensor) -> Tensor:
        if self.config.dataset == "interx":
            return features.permute(0, 3, 2, 1)  # (B, 6, 56, T)
        if self.frame is not None:
            return self.frame.nodes(features).permute(0, 3, 2, 1)  # (B, 12, 22, T)
        B, T, _ = features.shape
        positions = features[..., POSITIONS].view(B, T, 22, 3)
        velocities = features[..., VELOCITIES].view(B, T, 22, 3)
        rotations = functional.pad(features[..., ROTATIONS].view(B, T, 21, 6), (0, 0, 1, 0))  # the root has none: zeros
        return torch.cat((positions, velocities, rotations), -1).permute(0, 3, 2, 1)  # (B, 12, 22, T)

    def _features(self, image: Tensor) -> Tensor:
        if self.config.dataset == "interx":
            return image.permute(0, 3, 2, 1)  # (B, T, 56, 6)
        nodes = image.permute(0, 3, 2, 1)  # (B, T, 22, 12)
        if self.frame is not None:
            return self.frame.features(nodes.float())
        B, T = nodes.shape[:2]
        flat = [nodes[..., :3], nodes[..., 3:6], nodes[:, :, 1:, 6:]]
        contacts = nodes.new_zeros(B, T, 4)
        return torch.cat([part.reshape(B, T, -1) for part in flat] + [contacts], -1)  # (B, T, 262)
