"""Training the transformer on the token maps of two people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks.transformer import Condition, InteractionTransformer, TransformerConfig
from ..text_encoders import TextFeatures
from .loop import Loop, LoopSettings
from .masking import Masked, MaskingSettings, hide, unroll
from .tokenised import TokenisedCrops


@dataclass(frozen=True)
class TransformerTraining:
    """Settings of a transformer's training.

    Attributes:
        network: its shape; codes, code_width and the text's width follow the tokenizer and the text encoder.
        loop: length, rate and batch.
        masking: what is hidden.
        frames: lengths of crops that batches are drawn from, multiples of 4.
        crops: how many are tokenised beforehand.
        held_out_crops: the same to measure on.
        drop_text: share of samples that learn the unconditional prediction.
        unroll_from: share of the way after which the step-unrolled pass joins in; 0 as published. It doubles the cost.
        label_smoothing: of the cross-entropy.
        seed: of the weights, the crops and the masks.
    """

    network: TransformerConfig = TransformerConfig()
    loop: LoopSettings = LoopSettings(batch=52, decay=1e-5)
    masking: MaskingSettings = MaskingSettings()
    frames: tuple[int, ...] = (64, 96, 120)
    crops: int = 12000
    held_out_crops: int = 256
    drop_text: float = 0.1
    unroll_from: float = 0.0
    label_smoothing: float = 0.0
    seed: int = 0


def train_transformer(
    settings: TransformerTraining,
    train: TokenisedCrops,
    held_out: TokenisedCrops,
    texts: TextFeatures,
    paraphrases: Sequence[Sequence[int]],
    folder: Path,
    start: InteractionTransformer | None = None,
    codes: Tensor | None = None,
) -> InteractionTransformer:
    """Train, or go on training, in ``folder``; give the averaged transformer.

    Args:
        train, held_out: tokenised crops with the numbers of their captions.
        texts: features of all wordings.
        paraphrases: for each caption's number the rows of ``texts`` that word it.
        folder: for checkpoints and figures.
        start: a network to begin with, of the same shape or with fewer blocks; a checkpoint goes before it.
        codes: vectors of the tokenizer's codebook that a network without ``start`` begins with.
    """
    torch.manual_seed(settings.seed)
    network = InteractionTransformer(settings.network)
    if codes is not None:
        network.begin_with(codes)
    if start is not None:
        network.init_from(start)
    loop = Loop(network, settings.loop, folder, "transformer")

    def condition(model: InteractionTransformer, numbers: Tensor, drop: float) -> Condition:
        picked = [paraphrases[n][int(torch.randint(len(paraphrases[n]), ()))] for n in numbers.tolist()]
        vectors = model.text_layers(texts.hidden[picked], texts.mask[picked], texts.end[picked])
        return model.condition(vectors * (torch.rand(len(picked), 1) >= drop))

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        random = np.random.default_rng((settings.seed, step))
        tokens, captions = train.drawn(random, settings.loop.batch)
        text = condition(network, captions, settings.drop_text)
        first = hide(tokens, settings.network, settings.masking)
        logits = network(first.ids, text)
        loss = cross_entropy(logits, tokens, first, settings.label_smoothing)
        figures = {"loss": float(loss.detach()), "accuracy": accuracy(logits, tokens, first)}
        if step >= settings.unroll_from * settings.loop.steps:
            steps = settings.masking.inference_steps
            second = unroll(tokens, first, logits.detach(), settings.network, steps)
            again = network(second.ids, text)
            unrolled = cross_entropy(again, tokens, second, settings.label_smoothing)
            figures |= {"unrolled_loss": float(unrolled.detach())}
            loss = loss + unrolled
        return loss, figures

    def evaluate(model: nn.Module) -> dict[str, float]:
        assert isinstance(model, InteractionTransformer)
        figures = {}
        state = torch.get_rng_state()
        torch.manual_seed(0)
        for share in (0.25, 0.5, 0.75, 1.0):
            right = count = 0
            for frames, maps in held_out.maps.items():
                tokens = maps.long()
                text = condition(model, held_out.captions[frames], 0.0)
                order = torch.rand(tokens.shape).flatten(1).argsort(1).argsort(1)
                hidden = (order < share * tokens[0].numel()).view(tokens.shape)
                ids = torch.where(hidden, settings.network.mask_id, tokens)
                right += int((model(ids, text).argmax(-1) == tokens)[hidden].sum())
                count += int(hidden.sum())
            figures[f"accuracy_at_{share:g}"] = right / count
        torch.set_rng_state(state)
        return figures

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, InteractionTransformer)
    return trained


def cross_entropy(logits: Tensor, tokens: Tensor, masked: Masked, smoothing: float) -> Tensor:
    """Mean cross-entropy of the hidden tokens."""
    return functional.cross_entropy(logits[masked.hidden].float(), tokens[masked.hidden], label_smoothing=smoothing)


def accuracy(logits: Tensor, tokens: Tensor, masked: Masked) -> float:
    """Share of the hidden tokens whose likeliest code is the right one."""
    return float((logits[masked.hidden].argmax(-1) == tokens[masked.hidden]).float().mean())
