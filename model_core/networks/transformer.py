"""The transformer that predicts the masked tokens of two people together (InterMask, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

import torch
from torch import Tensor, nn
from torch.nn import functional

from .attention import Attention, FeedForward, modulated
from .text_layers import TextLayers, TextLayersConfig
from .token_map import PARTS


@dataclass(frozen=True)
class TransformerConfig:
    """Shape of the transformer; the defaults are the published ones.

    Attributes:
        codes: codes of the tokenizer's codebook.
        code_width: length of a token's embedding.
        width: channels of the blocks.
        blocks, heads, feed_forward: of the attention blocks.
        dropout: in attention and feed-forward layers.
        text: the trained text layers; their width is that of the condition.
        part_codes: whether each body part has its own ``codes`` codes: the embeddings and the head's last layer are per
            part; ids still run from 0 to ``codes`` - 1. Not part of the published model.
    """

    codes: int = 1024
    code_width: int = 512
    width: int = 384
    blocks: int = 6
    heads: int = 6
    feed_forward: int = 1024
    dropout: float = 0.2
    text: TextLayersConfig = TextLayersConfig()
    part_codes: bool = False

    @property
    def shape(self) -> TransformerConfig:
        """The settings that the weights' shapes depend on: without the dropout, which only training uses."""
        return replace(self, dropout=0.0, text=replace(self.text, dropout=0.0))

    @property
    def num_embeddings(self) -> int:
        """Number of codes that have an embedding, over all parts; the embeddings of the special tokens follow them."""
        return self.codes * (PARTS if self.part_codes else 1)

    @property
    def mask_id(self) -> int:
        """Id of a masked token."""
        return self.codes

    @property
    def padding_id(self) -> int:
        """Id of the tokens that pad a shorter clip of a batch."""
        return self.codes + 1

    @property
    def separator_id(self) -> int:
        """Index in the embedding table of the separator token between the two people."""
        return self.num_embeddings + 2


class JointAttention(nn.Module):
    """Self-attention over all tokens of both people and the separator, then feed-forward."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.modulation = nn.Linear(config.width, 6 * config.width)
        self.attention = Attention(config.width, config.heads, config.dropout)
        self.feed_forward = FeedForward(config.width, config.feed_forward, config.dropout)

    def forward(self, x: Tensor, modulation: Tensor, valid: Tensor | None) -> Tensor:
        """Maps (B, N, C) to the same shape; modulation (B, 1, 6 C); ``valid`` (B, N): false for padding."""
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = modulation.chunk(6, -1)
        x = torch.addcmul(x, gate_a, self.attention(modulated(x, shift_a, scale_a), valid=valid))
        return torch.addcmul(x, gate_f, self.feed_forward(modulated(x, shift_f, scale_f)))


class PerPersonAttention(nn.Module):
    """Spatial and temporal attention within each person, cross-attention to the partner, feed-forward."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.modulation = nn.Linear(config.width, 14 * config.width)
        self.spatial = Attention(config.width, config.heads, config.dropout)
        self.temporal = Attention(config.width, config.heads, config.dropout)
        self.partner = Attention(config.width, config.heads, config.dropout)
        self.feed_forward = FeedForward(config.width, config.feed_forward, config.dropout)

    def forward(self, x: Tensor, modulation: Tensor, valid: Tensor | None) -> Tensor:
        """Maps (B, 2, P, S, C) to the same shape; modulation (B, 1, 14 C); ``valid`` (B, S): false for padding."""
        B, two, P, S, C = x.shape
        chunks = modulation.view(B, 1, 1, 1, -1).chunk(14, -1)
        shift_s, scale_s, gate_s, shift_t, scale_t, gate_t, shift_q, scale_q, shift_k, scale_k, gate_c = chunks[:11]
        shift_f, scale_f, gate_f = chunks[11:]

        columns = modulated(x, shift_s, scale_s).transpose(2, 3).reshape(-1, P, C)  # (B * 2 * S, P, C)
        spatial = self.spatial(columns).view(B, two, S, P, C).transpose(2, 3)
        parts_in_time = modulated(x, shift_t, scale_t).reshape(-1, S, C)  # (B * 2 * P, S, C)
        valid_steps = None if valid is None else valid.repeat_interleave(two * P, 0)
        temporal = self.temporal(parts_in_time, valid=valid_steps).view(B, two, P, S, C)
        # Both are residuals on the same input and are summed, so the input counts twice.
        mixed = torch.addcmul(torch.addcmul(2 * x, gate_s, spatial), gate_t, temporal)

        query = modulated(mixed, shift_q, scale_q).view(B * two, P * S, C)
        source = modulated(x, shift_k, scale_k).flip(1).reshape(B * two, P * S, C)
        valid_source = None if valid is None else valid.repeat(1, P).repeat_interleave(two, 0)
        mixed = torch.addcmul(mixed, gate_c, self.partner(query, source, valid_source).view(B, two, P, S, C))
        return torch.addcmul(mixed, gate_f, self.feed_forward(modulated(mixed, shift_f, scale_f)))


class Block(nn.Module):
    """Joint attention, which includes the separator, then attention per person, which does not."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.joint = JointAttention(config)
        self.per_person = PerPersonAttention(config)


class Head(nn.Module):
    """Output head: linear, GELU, modulated norm, linear to code logits."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.dense: nn.Module = nn.Linear(config.width, config.width)
        self.activation: nn.Module = nn.GELU()
        self.modulation = nn.Linear(config.width, 2 * config.width)
        self.codes: nn.Module = (
            PartLinear(config.width, config.codes) if config.part_codes else nn.Linear(config.width, config.codes)
        )

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """Maps (B, 2, P, S, C) to logits (B, 2, P, S, codes); modulation (B, 1, 2 C)."""
        shift, scale = modulation[:, :, None, None].chunk(2, -1)
        return self.codes(modulated(self.activation(self.dense(x)), shift, scale))


class PartLinear(nn.Module):
    """A linear layer with its own weights for each body part of the token map."""

    def __init__(self, width: int, codes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(PARTS, codes, width).uniform_(-1, 1) / width**0.5)
        self.bias = nn.Parameter(torch.zeros(PARTS, codes))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, 2, P, S, C) to (B, 2, P, S, codes)."""
        return torch.einsum("bnpsc,pkc->bnpsk", x, self.weight) + self.bias[:, None]


@dataclass(frozen=True)
class Condition:
    """The modulations of all blocks and of the head that follow from a text, computed once per generation.

    Attributes:
        joint, per_person: one modulation for each block, (B, 1, 6 C) and (B, 1, 14 C).
        head: (B, 1, 2 C).
    """

    joint: tuple[Tensor, ...]
    per_person: tuple[Tensor, ...]
    head: Tensor

    def first(self, batch: int) -> Condition:
        """The condition of the first texts of a batch only."""
        return self._part(slice(batch))

    def every(self, distance: int) -> Condition:
        """The condition of every so many texts of a batch only."""
        return self._part(slice(None, None, distance))

    def _part(self, texts: slice) -> Condition:
        joint, per_person = (tuple(each[texts] for each in blocks) for blocks in (self.joint, self.per_person))
        return Condition(joint, per_person, self.head[texts])


class InteractionTransformer(nn.Module):
    """Predicts logits for every token of both people from partly masked token maps and a text condition."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.num_embeddings + 3, config.code_width)
        self.token_projection = nn.Linear(config.code_width, config.width)
        self.text_layers = TextLayers(config.text)
        self.text_projection = nn.Linear(config.text.width, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.head = Head(config)
        self.compute_dtype: torch.dtype | None = None

    def set_compute_dtype(self, dtype: torch.dtype) -> InteractionTransformer:
        """Convert blocks and head to another data type, in place; text conditions and logits stay in float32."""
        self.blocks.to(dtype)
        self.head.to(dtype)
        self.compute_dtype = dtype
        return self

    @torch.no_grad()
    def init_embeddings(self, codes: Tensor) -> None:
        """Initialise embeddings and head from the codebook, so that similar codes start with similar embeddings.

        Differs from the published training, which starts from random embeddings.

        Args:
            codes: (P or 1, codes, code_width) vectors of the tokenizer's codebooks.
        """
        vectors = codes - codes.mean(1, keepdim=True)
        vectors = vectors / vectors.square().mean().sqrt().clamp_min(1e-12)
        self.token_embedding.weight[: self.config.num_embeddings] = vectors.flatten(0, 1)
        weights = self.head.codes.weight
        assert isinstance(weights, Tensor)
        scale = weights.square().mean().sqrt()
        weights.copy_((vectors @ torch.randn(vectors.shape[2], weights.shape[-1])).view_as(weights))
        weights.mul_(scale / weights.square().mean().sqrt())

    @torch.no_grad()
    def init_from(self, other: InteractionTransformer) -> None:
        """Initialise from a network of the same shape, or of fewer blocks, such that both compute the same function.

        Not part of the published method. The additional blocks come last, with gates of zero. A block with gates of
        zero doubles its input, which the head's first layer compensates.
        """
        additional = self.config.blocks - other.config.blocks
        if additional < 0 or replace(other.config, blocks=self.config.blocks).shape != self.config.shape:
            raise ValueError("the other network needs the same shape and at most as many blocks")
        self.load_state_dict(other.state_dict(), strict=False)
        for block in list(self.blocks)[other.config.blocks :]:
            assert isinstance(block, Block)
            for layer, gates in ((block.joint.modulation, (2, 5)), (block.per_person.modulation, (2, 5, 10, 13))):
                for gate in gates:
                    outputs = slice(gate * self.config.width, (gate + 1) * self.config.width)
                    layer.weight[outputs] = 0
                    layer.bias[outputs] = 0
        dense = self.head.dense
        assert isinstance(dense, nn.Linear)
        dense.weight.mul_(0.5**additional)

    def condition(self, text: Tensor) -> Condition:
        """The modulations of all blocks for text vectors (B, W); a vector of zeros is the unconditional one."""
        signal = functional.silu(self.text_projection(text))[:, None]  # (B, 1, C)
        if self.compute_dtype is not None:
            signal = signal.to(self.compute_dtype)
        blocks = [block for block in self.blocks if isinstance(block, Block)]
        return Condition(
            joint=tuple(block.joint.modulation(signal) for block in blocks),
            per_person=tuple(block.per_person.modulation(signal) for block in blocks),
            head=self.head.modulation(signal),
        )

    def forward(self, ids: Tensor, condition: Condition, valid: Tensor | None = None) -> Tensor:
        """Predict the logits of every token.

        Args:
            ids: (B, 2, P, S) token maps of the two people; ``config.mask_id`` for masked tokens.
            condition: from ``condition``.
            valid: (B, S) false for columns that pad a shorter clip; None if all clips have the same length.

        Returns:
            (B, 2, P, S, codes) logits.
        """
        config = self.config
        B, two, P, S = ids.shape
        people = self.token_projection(self.token_embedding(self._indices(ids)))  # (B, 2, P, S, C)
        people = people + positions(config.width, S, people.device).to(people.dtype)
        separator_ids = torch.full((B, 1), config.separator_id, device=ids.device)
        separator = self.token_projection(self.token_embedding(separator_ids))  # (B, 1, C)
        if self.compute_dtype is not None:
            people, separator = people.to(self.compute_dtype), separator.to(self.compute_dtype)
        valid_tokens = None
        if valid is not None:
            valid_tokens = functional.pad(valid.repeat(1, two * P), (0, 1), value=True)  # (B, 2 P S + 1)
        for index, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            # Attention does not depend on the separator's place in the sequence; the end is the cheapest.
            x = torch.cat((people.reshape(B, two * P * S, -1), separator), 1)
            x = block.joint(x, condition.joint[index], valid_tokens)
            people, separator = x[:, :-1].reshape(B, two, P, S, -1), x[:, -1:]
            people = block.per_person(people, condition.per_person[index], valid)
        logits = self.head(people, condition.head)
        return logits if self.compute_dtype is None else logits.float()

    def _indices(self, ids: Tensor) -> Tensor:
        """Indices (B, 2, P, S) of ids in the embedding table."""
        config = self.config
        if not config.part_codes:
            return ids
        offsets = torch.arange(PARTS, device=ids.device)[:, None] * config.codes  # (P, 1)
        return torch.where(ids < config.codes, ids + offsets, ids + config.num_embeddings - config.codes)


def positions(width: int, steps: int, device: torch.device) -> Tensor:
    """(P, steps, width) two-dimensional sinusoidal position encodings: channels of the part, then of the time step."""
    channels = ceil(width / 4) * 2
    frequencies = 1.0 / 10000 ** (torch.arange(0, channels, 2, device=device).float() / channels)

    def waves(count: int) -> Tensor:
        angles = torch.arange(count, device=device).float()[:, None] * frequencies
        return torch.stack((angles.sin(), angles.cos()), -1).flatten(1)  # (count, channels)

    part, step = waves(PARTS), waves(steps)
    both = torch.cat((part[:, None].expand(-1, steps, -1), step[None].expand(PARTS, -1, -1)), -1)
    return both[..., :width]
