"""``python -m model_core learn-fingers``: trains a model's finger classifier on choreographed clips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data.choreography.finger_rules import finger_states
from ..data.choreography.shards import StoredClip, load_choreographed
from ..errors import UserError
from ..fingers.states import FINGER_STATES
from ..model_files.finger_classifier_file import save_finger_classifier
from ..model_files.kinds import listed_kinds
from ..model_files.model_folder import find_text_encoder, read_config
from ..motion.canonical import mirrored_text
from ..motion.skeleton import SMPL
from ..networks.finger_classifier import FingerClassifier, FingerClassifierConfig, finger_features
from ..text_encoders import TextEncoder, load_text_encoder
from ..text_encoders.batches import pooled
from .loop import Loop, LoopSettings
from .normalised import set_normalisation
from .perturbation import Perturbation

_SHORTEST = 32
"""Frames of the shortest crop."""


@dataclass(frozen=True)
class FingerClassifierTraining:
    """Settings of the training.

    Attributes:
        network: its shape; the text's width follows the sentence encoder.
        loop: number of steps, batch size and optimiser.
        captions: number of a clip's captions that are used.
        frames: of a crop.
        perturbation: of the clips, smaller than that of decoded ones: the refiner has corrected these.
        boundary: frames on each side of a change of state in which either state counts as right.
        seed: of the drawn crops and initial weights.
    """

    network: FingerClassifierConfig = FingerClassifierConfig()
    loop: LoopSettings = LoopSettings(
        steps=500, batch=24, rate=2e-3, decay=2e-2, warm_up=50, average=0.98, evaluate_every=250, save_every=250
    )
    captions: int = 3
    frames: int = 64
    perturbation: Perturbation = Perturbation(strongest=0.5)
    boundary: int = 3
    seed: int = 0


@dataclass(frozen=True)
class LabelledClip:
    """A clip with the states of its fingers.

    Attributes:
        kind: of the interaction.
        features: (2, 2, 2, T, N) ``finger_features``: of the clip and of its mirror image, as it is and perturbed.
        states: (2, T, 2) indices of ``FINGER_STATES``.
        text: (2, N, W) sentence vectors of its captions, and of these with left and right swapped.
    """

    kind: str
    features: Tensor
    states: Tensor
    text: Tensor


def learn_fingers(
    model: Path, data: Path, out: Path, settings: FingerClassifierTraining = FingerClassifierTraining()
) -> dict[str, float]:
    """Train a finger classifier and write it to the model folder.

    Args:
        model: folder of the model, for InterHuman features.
        data: folder of clips made by ``choreograph``.
        out: folder for checkpoints and metrics.
        settings: of the training.

    Returns:
        Accuracy on the held-out clips: over all frames, and of each state.

    Raises:
        UserError: there are no clips, or the model has hands of its own.
    """
    config = read_config(model)
    if config.skeleton != "smpl22":
        raise UserError(f"{model} has hands of its own; a finger classifier is for models of SMPL's 22 joints.")
    clips = load_choreographed(data, kinds=listed_kinds(model))
    encoder = load_text_encoder(find_text_encoder(config.text_encoder, model))
    torch.manual_seed(settings.seed)
    train = labelled_clips([clip for clip in clips if not clip.held_out], encoder, settings)
    held_out = labelled_clips([clip for clip in clips if clip.held_out], encoder, settings)
    if not held_out:
        raise UserError(f"{data} has no held-out clips; make more with 'choreograph --instances 8'.")
    network = FingerClassifier(replace(settings.network, text_width=encoder.width))
    set_normalisation(network, torch.cat([clip.features[0, 0].flatten(0, 1) for clip in train])[None, None])
    loop = Loop(network, settings.loop, out / "finger_classifier", "finger classifier")

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        features, text, states = _batch(train, np.random.default_rng((settings.seed, step)), settings)
        loss = functional.cross_entropy(network.classified(features, text).flatten(0, -2), states.flatten())
        return loss, {"loss": float(loss.detach())}

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        assert isinstance(averaged, FingerClassifier)
        return accuracy(averaged, held_out, settings.boundary)

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, FingerClassifier)
    save_finger_classifier(model, trained)
    return accuracy(trained, held_out, settings.boundary)


@torch.inference_mode()
def labelled_clips(
    clips: Sequence[StoredClip], encoder: TextEncoder, settings: FingerClassifierTraining
) -> list[LabelledClip]:
    """Clips as they are and perturbed, with the states of their fingers."""
    clips = [replace(clip, captions=clip.captions[: settings.captions]) for clip in clips]
    captions = sorted({text for clip in clips for one in clip.captions for text in (one, mirrored_text(one))})
    words = dict(zip(captions, pooled(encoder, captions), strict=True)) if captions else {}
    result = []
    for clip in clips:
        frames = clip.features.shape[1] // 2 * 2
        clean = torch.from_numpy(clip.joints[:, :frames].copy())[None]
        joints = torch.cat((clean, settings.perturbation.apply(clean)))
        both = torch.cat((joints, joints[..., list(SMPL.mirror), :] * joints.new_tensor((-1.0, 1.0, 1.0))))
        states = finger_states(clip.kind, clip.joints[:, :frames], clip.schedule, clip.facts)
        text = torch.stack([words[caption] for caption in clip.captions])
        mirrored = torch.stack([words[mirrored_text(caption)] for caption in clip.captions])
        features = finger_features(both).unflatten(0, (2, 2)).clone()
        result.append(LabelledClip(clip.kind, features, torch.from_numpy(states), torch.stack((text, mirrored))))
    return result


def _batch(
    clips: Sequence[LabelledClip], random: np.random.Generator, settings: FingerClassifierTraining
) -> tuple[Tensor, Tensor, Tensor]:
    """Features (B, 2, T, N), text (B, W) and states (B, 2, T, 2) of crops, half of them mirrored."""
    of_kind = defaultdict(list)
    for clip in clips:
        of_kind[clip.kind].append(clip)
    kinds = sorted(of_kind)
    chosen = []
    for _ in range(settings.loop.batch):
        group = of_kind[kinds[int(random.integers(len(kinds)))]]
        chosen.append(group[int(random.integers(len(group)))])
    frames = min(settings.frames, *(clip.states.shape[1] for clip in chosen)) // 2 * 2
    frames = int(random.integers(min(_SHORTEST, frames) // 2, frames // 2 + 1)) * 2
    features, text, states = [], [], []
    for clip in chosen:
        start = int(random.integers(clip.states.shape[1] - frames + 1))
        mirrored, perturbed = (int(value) for value in random.integers(2, size=2))
        features.append(clip.features[mirrored, perturbed, :, start : start + frames])
        labels = clip.states[:, start : start + frames]
        states.append(labels.flip(-1) if mirrored else labels)
        text.append(clip.text[mirrored, int(random.integers(clip.text.shape[1]))])
    return torch.stack(features), torch.stack(text), torch.stack(states)


@torch.inference_mode()
def accuracy(network: FingerClassifier, clips: Sequence[LabelledClip], boundary: int) -> dict[str, float]:
    """Fraction of frames with the right state, over all hands and frames, and for each state among its frames.

    Args:
        network: in evaluation mode.
        clips: with their labels.
        boundary: frames around a change of state in which either state counts as right.
    """
    right: dict[str, list[float]] = defaultdict(list)
    for clip in clips:
        logits = network.classified(clip.features[0], clip.text[0, torch.arange(2) % clip.text.shape[1]])
        found = logits.argmax(-1)
        agree = torch.zeros_like(found, dtype=torch.bool)
        for shift in range(-boundary, boundary + 1):
            index = (torch.arange(clip.states.shape[1]) + shift).clamp(0, clip.states.shape[1] - 1)
            agree |= found == clip.states[:, index]
        right["all"] += agree.float().flatten().tolist()
        for state, name in enumerate(FINGER_STATES):
            right[name] += agree[(clip.states == state).expand_as(agree)].float().tolist()
    return {name: float(np.mean(values)) for name, values in right.items() if values}
