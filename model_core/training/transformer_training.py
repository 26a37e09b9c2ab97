"""Training the transformer on the token maps of two people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks.transformer import Condition, InteractionTransformer, TransformerConfig
from ..text_encoders import TextFeatures
from .loop import LoopSettings
from .masking import Masked, MaskingSettings, hide, unroll
from .randomness import seeded
from .run import TrainingRun
from .tokenised import TokenisedCrops


@dataclass(frozen=True)
class TransformerTraining:
    """Settings of a transformer's training.

    Attributes:
        network: its shape; codes, code_width and the text's width follow the tokenizer and the text encoder.
        loop: length, rate and batch.
        masking: which tokens are hidden.
        frames: lengths of crops, multiples of 4; a batch has one length.
        crops: number of crops to learn from, tokenised beforehand.
        held_out_crops: number of held-out ones.
        drop_text: fraction of the samples without text, for the unconditional prediction.
        unroll_from: fraction of the steps after which the step-unrolled pass is added, at double cost; 0 as published.
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


@dataclass(frozen=True)
class TransformerData:
    """What a transformer is trained on.

    Attributes:
        train, held_out: tokenised crops with the indices of their groups of captions.
        texts: features of all captions, on the device.
        paraphrases: for each group of captions, their indices in ``texts``.
    """

    train: TokenisedCrops
    held_out: TokenisedCrops
    texts: TextFeatures
    paraphrases: Sequence[Sequence[int]]


def train_transformer(
    settings: TransformerTraining,
    run: TrainingRun,
    data: TransformerData,
    start: InteractionTransformer | None = None,
    codes: Tensor | None = None,
) -> InteractionTransformer:
    """Train a transformer, or continue its training; return the averaged network.

    Args:
        settings: see ``TransformerTraining``.
        run: folder and device.
        data: tokens and texts.
        start: a network of the same shape or with fewer blocks to start from, unless there is a checkpoint.
        codes: the tokenizer's codebook vectors, from which a network without ``start`` initialises its embeddings.
    """
    torch.manual_seed(settings.seed)
    network = InteractionTransformer(settings.network)
    if codes is not None:
        network.init_embeddings(codes.cpu())
    if start is not None:
        network.init_from(start.cpu())
    loop, device, texts = run.loop(network, settings.loop, "transformer"), run.device, data.texts

    def condition(model: InteractionTransformer, numbers: Tensor, drop: float) -> Condition:
        groups = [data.paraphrases[number] for number in numbers.tolist()]
        picked = [group[int(torch.randint(len(group), (), device="cpu"))] for group in groups]
        vectors = model.text_layers(texts.hidden[picked], texts.mask[picked], texts.end[picked])
        return model.condition(vectors * (torch.rand(len(picked), 1, device=device) >= drop))

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        tokens, captions = data.train.draw(loop.random(settings.seed, step), loop.batch)
        tokens = tokens.to(device)
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
        with seeded(0, device):
            for share in (0.25, 0.5, 0.75, 1.0):
                right = count = 0
                for frames, maps in data.held_out.maps.items():
                    tokens = maps.long().to(device)
                    text = condition(model, data.held_out.captions[frames], 0.0)
                    order = torch.rand(tokens.shape, device=device).flatten(1).argsort(1).argsort(1)
                    hidden = (order < share * tokens[0].numel()).view(tokens.shape)
                    ids = torch.where(hidden, settings.network.mask_id, tokens)
                    right += int((model(ids, text).argmax(-1) == tokens)[hidden].sum())
                    count += int(hidden.sum())
                figures[f"accuracy_at_{share:g}"] = right / count
        return figures

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, InteractionTransformer)
    return trained


def cross_entropy(logits: Tensor, tokens: Tensor, masked: Masked, smoothing: float) -> Tensor:
    """Mean cross-entropy of the hidden tokens."""
    return functional.cross_entropy(logits[masked.hidden].float(), tokens[masked.hidden], label_smoothing=smoothing)


def accuracy(logits: Tensor, tokens: Tensor, masked: Masked) -> float:
    """Fraction of the hidden tokens whose most likely code is the right one."""
    return float((logits[masked.hidden].argmax(-1) == tokens[masked.hidden]).float().mean())
