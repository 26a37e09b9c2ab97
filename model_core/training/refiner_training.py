"""Training the refiner: decoded pairs that were disturbed are to be brought back to what they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..motion.representation import JOINTS, POSITIONS
from ..motion.skeleton import SMPL
from ..networks.pair_view import seen_from_each
from ..networks.refiner import Refiner, RefinerConfig
from ..networks.tokenizer import Tokenizer
from ..text_encoders import TextEncoder
from .captioned_crops import caption_vectors, drawn, limit_captions, word_vectors
from .corruption import Neighbours
from .crops import Crops
from .loop import Loop, LoopSettings
from .material import Material
from .normalised import normalise_by
from .perturbation import Perturbation

_NEAR = 0.2
"""Metres in which what the distance between two people's joints counts falls to a third."""
_MEASURED = 96
"""Pairs that are measured with."""
_STANDING = 0.003
"""Metres a frame below which a foot stands."""
_FEET = [SMPL.index(f"{side}_{name}") for side in "LR" for name in ("Ankle", "Foot")]


@dataclass(frozen=True)
class RefinerTraining:
    """Settings of the refiner's training.

    Attributes:
        network: its shape; the text's width follows the sentence encoder.
        loop: length, rate and batch.
        frames: lengths of crops; a batch is of one length.
        paraphrases: captions of a clip that are learnt from.
        perturbation: of the decoded pairs.
        swapped: largest share of a pair's tokens that give way to a neighbouring code.
        held: share of the pairs of whom one person stays, as a leader does.
        seed: of the weights and the crops.
    """

    network: RefinerConfig = RefinerConfig()
    loop: LoopSettings = LoopSettings(
        steps=8500, batch=16, rate=2e-3, decay=1e-2, average=0.99, warm_up=50, save_every=200, half=True
    )
    frames: tuple[int, ...] = (88, 104, 120, 144, 168)
    paraphrases: int = 6
    perturbation: Perturbation = Perturbation()
    swapped: float = 0.4
    held: float = 0.3
    seed: int = 2


def train_refiner(
    settings: RefinerTraining,
    material: Material,
    tokenizer: Tokenizer,
    statistics: np.ndarray,
    encoder: TextEncoder,
    folder: Path,
) -> Refiner:
    """Train, or go on training, in ``folder``; give the averaged network.

    Args:
        settings: see ``RefinerTraining``.
        material: where pairs come from.
        tokenizer: trained; what it loses is to be brought back too.
        statistics: (2, 262) mean and deviation of the rows.
        encoder: of sentences.
        folder: for checkpoints and figures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    train, held_out = (limit_captions(crops, settings.paraphrases) for crops in material.pairs())
    words = word_vectors(encoder, train, held_out)
    torch.manual_seed(settings.seed)
    network = Refiner(replace(settings.network, text_width=encoder.width))
    maker = PairMaker(settings, tokenizer, torch.from_numpy(statistics), words)
    first = maker.made(train, np.random.default_rng(settings.seed), 128, settings.frames[0])
    normalise_by(network, network.seen(first.disturbed, first.fixed))
    loop = Loop(network, settings.loop, folder, "refiner")

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        random = np.random.default_rng((settings.seed, step))
        frames = settings.frames[int(random.integers(len(settings.frames)))]
        batch = maker.made(train, random, settings.loop.batch, frames)
        parts = refining_losses(network(batch.disturbed, batch.text, batch.fixed), batch.joints)
        loss = torch.stack(list(parts.values())).sum()
        return loss, {"loss": float(loss.detach()), **{key: float(value.detach()) for key, value in parts.items()}}

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        batch = maker.always_the_same(held_out)
        after = refining_losses(averaged(batch.disturbed, batch.text, batch.fixed), batch.joints)
        before = refining_losses(batch.disturbed, batch.joints)
        figures = {f"{key}_before": float(value) for key, value in before.items()}
        return figures | {key: float(value) for key, value in after.items()}

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, Refiner)
    return trained


@dataclass(frozen=True)
class _Batch:
    """Pairs to learn from.

    Attributes:
        joints, disturbed: (B, 2, T, 22, 3) as they should be, and as they come.
        text: (B, W).
        fixed: (B, 2) true for people who come as they should be.
    """

    joints: Tensor
    disturbed: Tensor
    text: Tensor
    fixed: Tensor


class PairMaker:
    """Makes batches: crops through the tokenizer, tokens exchanged for their neighbours, people disturbed."""

    def __init__(
        self, settings: RefinerTraining, tokenizer: Tokenizer, statistics: Tensor, words: Mapping[str, Tensor]
    ) -> None:
        self.settings, self.tokenizer, self.words = settings, tokenizer, words
        self.mean, self.std = statistics
        self.neighbours = Neighbours(tokenizer)

    @torch.no_grad()
    @torch.autocast("cpu", enabled=False)
    def made(self, crops: Crops, random: np.random.Generator, count: int, frames: int) -> _Batch:
        """So many pairs of so many frames."""
        settings = self.settings
        rows, clips = drawn(crops, random, count, frames)
        tokens = self.tokenizer.encode((rows.flatten(0, 1) - self.mean) / self.std)[:, 0].unflatten(0, (-1, 2))
        tokens = self.neighbours.exchanged(tokens, settings.swapped)
        decoded = self.tokenizer.decode(tokens.flatten(0, 1)[:, None]) * self.std + self.mean
        joints, decoded_joints = (
            values[..., POSITIONS].unflatten(-1, (JOINTS, 3)) for values in (rows, decoded.unflatten(0, (-1, 2)))
        )
        fixed = (torch.rand(count, 1) < settings.held) & (torch.randint(2, (count, 1)) == torch.arange(2))
        disturbed = torch.where(fixed[..., None, None, None], joints, settings.perturbation.of(decoded_joints))
        return _Batch(joints, disturbed, caption_vectors(clips, self.words, random), fixed)

    def always_the_same(self, crops: Crops) -> _Batch:
        """Pairs to measure with, whatever was drawn before and without a trace in what is drawn afterwards."""
        state = torch.get_rng_state()
        torch.manual_seed(0)
        batch = self.made(crops, np.random.default_rng(0), _MEASURED, self.settings.frames[0])
        torch.set_rng_state(state)
        return batch


def refining_losses(made: Tensor, joints: Tensor) -> dict[str, Tensor]:
    """Mean absolute errors of pairs (B, 2, T, 22, 3), in metres but for weights.

    Returns:
        ``partner``: where each one sees the other's joints. ``own``: the pose. ``distance``: between joints of the
        two, those near each other counted again. ``pace``: movement from frame to frame. ``slip``: that of feet that
        should stand. ``place``: of the pelvis in the world.
    """
    first, second = made.unbind(1), joints.unbind(1)
    apart, right = (torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist") for a, b in (first, second))
    wrong, near = (apart - right).abs(), torch.exp(-right / _NEAR)
    steps, right_steps = made.diff(dim=2), joints.diff(dim=2)
    stands = (right_steps[..., _FEET, :].norm(dim=-1) < _STANDING).float()
    slips = steps[..., _FEET, :].norm(dim=-1) * stands
    return {
        "partner": (seen_from_each(made, made.flip(1)) - seen_from_each(joints, joints.flip(1))).abs().mean(),
        "own": (seen_from_each(made, made) - seen_from_each(joints, joints)).abs().mean(),
        "distance": 0.3 * (wrong.mean() + (wrong * near).sum() / near.sum()),
        "pace": 10 * (steps - right_steps).abs().mean(),
        "slip": 5 * slips.sum() / stands.sum().clamp_min(1),
        "place": 0.3 * (made[..., 0, :] - joints[..., 0, :]).abs().mean(),
    }
