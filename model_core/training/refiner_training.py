"""Training the refiner: restoring decoded pairs that were perturbed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from ..motion.representation import JOINTS, POSITIONS
from ..motion.skeleton import SMPL
from ..networks.pair_view import in_own_frames
from ..networks.refiner import Refiner, RefinerConfig
from ..networks.tokenizer import Tokenizer
from .captioned_crops import caption_vectors, draw_pairs, limit_captions, word_vectors
from .corruption import Neighbours
from .crops import PAIR_LENGTHS, Crops
from .loop import LoopSettings
from .normalised import set_normalisation
from .perturbation import Perturbation
from .randomness import seeded
from .run import TrainingRun

_NEAR = 0.2
"""Metres over which the weight of the distance between two people's joints falls to a third."""
_MEASURED = 96
"""Held-out pairs that are evaluated."""
_STANDING = 0.003
"""Metres per frame below which a foot is planted."""
_FEET = [SMPL.index(f"{side}_{name}") for side in "LR" for name in ("Ankle", "Foot")]


@dataclass(frozen=True)
class RefinerTraining:
    """Settings of the refiner's training.

    Attributes:
        network: its shape; the text's width follows the sentence encoder.
        loop: length, rate and batch.
        frames: lengths of crops; a batch has one length.
        paraphrases: captions of a clip that are used.
        perturbation: of the decoded pairs.
        swapped: largest fraction of a pair's tokens that is replaced by a neighbouring code.
        held: fraction of the pairs in which one person is fixed, as a leader is.
        seed: of the weights and the crops.
    """

    network: RefinerConfig = RefinerConfig()
    loop: LoopSettings = LoopSettings(
        steps=8500, batch=16, rate=2e-3, decay=1e-2, average=0.99, warm_up=50, save_every=200, half=True
    )
    frames: tuple[int, ...] = PAIR_LENGTHS
    paraphrases: int = 6
    perturbation: Perturbation = Perturbation()
    swapped: float = 0.4
    held: float = 0.3
    seed: int = 2


def train_refiner(settings: RefinerTraining, run: TrainingRun, tokenizer: Tokenizer) -> Refiner:
    """Train a refiner, or continue its training; return the averaged network.

    Args:
        settings: see ``RefinerTraining``.
        run: data, folder and device.
        tokenizer: trained, on the device; the refiner also learns to restore what it loses.
    """
    train, held_out = (limit_captions(crops, settings.paraphrases) for crops in run.material.pairs())
    maker = PairMaker(settings, run, tokenizer, word_vectors(run.encoder, train, held_out))
    torch.manual_seed(settings.seed)
    network = Refiner(replace(settings.network, text_width=run.encoder.width)).to(run.device)
    first = maker.batch(train, np.random.default_rng(settings.seed), 128, settings.frames[0])
    set_normalisation(network, network.features(first.perturbed, first.fixed))
    loop = run.loop(network, settings.loop, "refiner")

    def losses(step: int) -> tuple[Tensor, dict[str, float]]:
        random = loop.random(settings.seed, step)
        frames = settings.frames[int(random.integers(len(settings.frames)))]
        batch = maker.batch(train, random, loop.batch, frames)
        parts = refiner_losses(network(batch.perturbed, batch.text, batch.fixed), batch.joints)
        loss = torch.stack(list(parts.values())).sum()
        return loss, {"loss": float(loss.detach()), **{key: float(value.detach()) for key, value in parts.items()}}

    def evaluate(averaged: nn.Module) -> dict[str, float]:
        batch = maker.held_out_batch(held_out)
        after = refiner_losses(averaged(batch.perturbed, batch.text, batch.fixed), batch.joints)
        before = refiner_losses(batch.perturbed, batch.joints)
        figures = {f"{key}_before": float(value) for key, value in before.items()}
        return figures | {key: float(value) for key, value in after.items()}

    trained = loop.run(losses, evaluate)
    assert isinstance(trained, Refiner)
    return trained


@dataclass(frozen=True)
class PairBatch:
    """Pairs to learn from.

    Attributes:
        joints: (B, 2, T, 22, 3) metres, of the data.
        perturbed: (B, 2, T, 22, 3) metres, the same pairs decoded and perturbed.
        text: (B, W) sentence vectors.
        fixed: (B, 2) true for people who are not perturbed.
    """

    joints: Tensor
    perturbed: Tensor
    text: Tensor
    fixed: Tensor


class PairMaker:
    """Makes batches on the device: crops through the tokenizer, with neighbouring codes, people perturbed."""

    def __init__(
        self, settings: RefinerTraining, run: TrainingRun, tokenizer: Tokenizer, words: Mapping[str, Tensor]
    ) -> None:
        self.settings, self.tokenizer, self.words, self.device = settings, tokenizer, words, run.device
        self.mean, self.std = run.normalisation()
        self.neighbours = Neighbours(tokenizer)

    @torch.no_grad()
    def batch(self, crops: Crops, random: np.random.Generator, count: int, frames: int) -> PairBatch:
        """A batch of ``count`` pairs of ``frames``, in single precision."""
        with torch.autocast(self.device.type, enabled=False):
            return self._batch(crops, random, count, frames)

    def _batch(self, crops: Crops, random: np.random.Generator, count: int, frames: int) -> PairBatch:
        settings, device = self.settings, self.device
        features, clips = draw_pairs(crops, random, count, frames, device)
        tokens = self.tokenizer.encode((features.flatten(0, 1) - self.mean) / self.std)[:, 0].unflatten(0, (-1, 2))
        tokens = self.neighbours.swap(tokens, settings.swapped)
        decoded = self.tokenizer.decode(tokens.flatten(0, 1)[:, None]) * self.std + self.mean
        joints, decoded_joints = (
            values[..., POSITIONS].unflatten(-1, (JOINTS, 3)) for values in (features, decoded.unflatten(0, (-1, 2)))
        )
        who = torch.rand(count, 1, device=device) < settings.held
        fixed = who & (torch.randint(2, (count, 1), device=device) == torch.arange(2, device=device))
        perturbed = torch.where(fixed[..., None, None, None], joints, settings.perturbation.apply(decoded_joints))
        return PairBatch(joints, perturbed, caption_vectors(clips, self.words, random), fixed)

    def held_out_batch(self, crops: Crops) -> PairBatch:
        """Pairs to evaluate on: the same at every step, without an effect on later random numbers."""
        with seeded(0, self.device):
            return self.batch(crops, np.random.default_rng(0), _MEASURED, self.settings.frames[0])


def refiner_losses(made: Tensor, joints: Tensor) -> dict[str, Tensor]:
    """Weighted mean absolute errors of pairs (B, 2, T, 22, 3) in metres.

    Args:
        made: by the refiner.
        joints: of the data.

    Returns:
        ``partner``: of the partner's joints in each person's frame. ``own``: of the pose. ``distance``: between joints
        of the two people, with near ones counted twice. ``pace``: of the movement from frame to frame. ``slip``:
        movement of feet that should be planted. ``place``: of the pelvis in the world.
    """
    first, second = made.unbind(1), joints.unbind(1)
    apart, right = (torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist") for a, b in (first, second))
    wrong, near = (apart - right).abs(), torch.exp(-right / _NEAR)
    steps, right_steps = made.diff(dim=2), joints.diff(dim=2)
    stands = (right_steps[..., _FEET, :].norm(dim=-1) < _STANDING).float()
    slips = steps[..., _FEET, :].norm(dim=-1) * stands
    return {
        "partner": (in_own_frames(made, made.flip(1)) - in_own_frames(joints, joints.flip(1))).abs().mean(),
        "own": (in_own_frames(made, made) - in_own_frames(joints, joints)).abs().mean(),
        "distance": 0.3 * (wrong.mean() + (wrong * near).sum() / near.sum()),
        "pace": 10 * (steps - right_steps).abs().mean(),
        "slip": 5 * slips.sum() / stands.sum().clamp_min(1),
        "place": 0.3 * (made[..., 0, :] - joints[..., 0, :]).abs().mean(),
    }
