"""The published losses of the tokenizer on InterHuman features, all smooth L1."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from ..motion.representation import (
    CONTACT_HEIGHTS,
    CONTACT_SQUARED_SPEED,
    FOOT_JOINTS,
    JOINTS,
    POSITIONS,
    ROTATIONS,
    WITHOUT_CONTACTS,
)
from ..networks.graph import LIMB_CHAINS

smooth_l1 = functional.smooth_l1_loss


@dataclass(frozen=True)
class LossWeights:
    """The weight of each term; the defaults are the published ones.

    Attributes:
        reconstruction: all features but the contacts, normalised.
        position: joint positions, normalised.
        velocity: differences of the normalised positions from frame to frame.
        bone: lengths of the limb chains' bones in normalised positions.
        geodesic: angle between local rotations.
        foot: movement, in metres, of feet that are planted in the target.
        commitment: of the latent to its codes.
    """

    reconstruction: float = 1.0
    position: float = 1.0
    velocity: float = 100.0
    bone: float = 5.0
    geodesic: float = 0.01
    foot: float = 500.0
    commitment: float = 0.02


@dataclass(frozen=True)
class FeatureLosses:
    """Each term before its weight, as a scalar tensor."""

    reconstruction: Tensor
    position: Tensor
    velocity: Tensor
    bone: Tensor
    geodesic: Tensor
    foot: Tensor

    def weighted(self, weights: LossWeights) -> Tensor:
        """The sum that is minimised, without the commitment loss."""
        return (
            weights.reconstruction * self.reconstruction
            + weights.position * self.position
            + weights.velocity * self.velocity
            + weights.bone * self.bone
            + weights.geodesic * self.geodesic
            + weights.foot * self.foot
        )


_BONES = tuple(pair for chain in LIMB_CHAINS for pair in pairwise(chain))


def feature_losses(
    predicted: Tensor, target: Tensor, mean: Tensor, std: Tensor, published_sixd: bool = True
) -> FeatureLosses:
    """Compare normalised features (B, T, 262).

    Args:
        predicted, target: normalised features.
        mean, std: (262,) statistics that undo the normalisation for the foot loss.
        published_sixd: read a normalised 6D rotation as the published loss does, as two vectors one after the other;
            otherwise denormalise it and read the vectors interleaved, as the data stores them.
    """
    positions, target_positions = _positions(predicted), _positions(target)
    return FeatureLosses(
        reconstruction=smooth_l1(predicted[..., WITHOUT_CONTACTS], target[..., WITHOUT_CONTACTS]),
        position=smooth_l1(positions, target_positions),
        velocity=smooth_l1(positions.diff(dim=1), target_positions.diff(dim=1)),
        bone=smooth_l1(_bone_lengths(positions), _bone_lengths(target_positions)),
        geodesic=_geodesic(predicted, target, mean, std, published_sixd),
        foot=_foot(_positions(predicted * std + mean), _positions(target * std + mean)),
    )


def _positions(features: Tensor) -> Tensor:
    return features[..., POSITIONS].unflatten(-1, (JOINTS, 3))


def _bone_lengths(positions: Tensor) -> Tensor:
    first, second = zip(*_BONES, strict=True)
    return (positions[..., list(first), :] - positions[..., list(second), :]).norm(dim=-1)


def _foot(positions: Tensor, target: Tensor) -> Tensor:
    """Mean movement of feet over the frames in which they are planted in the target."""
    feet = list(FOOT_JOINTS)
    moved, target_moved = positions[:, :, feet].diff(dim=1), target[:, :, feet].diff(dim=1)
    heights = torch.as_tensor(CONTACT_HEIGHTS, dtype=target.dtype, device=target.device)
    standing = (target_moved.square().sum(-1) < CONTACT_SQUARED_SPEED) & (target[:, :-1, feet, 1] < heights)
    loss = smooth_l1(moved, torch.zeros_like(moved), reduction="none") * standing[..., None]
    return loss.sum() / (3 * standing.sum()).clamp_min(1)


def _geodesic(predicted: Tensor, target: Tensor, mean: Tensor, std: Tensor, published_sixd: bool) -> Tensor:
    first, second = predicted[..., ROTATIONS], target[..., ROTATIONS]
    if published_sixd:
        shape: tuple[int, ...] = (21, 2, 3)
        a, b = first.unflatten(-1, shape).unbind(-2), second.unflatten(-1, shape).unbind(-2)
    else:
        shape = (21, 3, 2)
        a, b = ((sixd * std[ROTATIONS] + mean[ROTATIONS]).unflatten(-1, shape).unbind(-1) for sixd in (first, second))
    one, other = _frame(*a), _frame(*b)
    trace = torch.stack([(x * y).sum(-1) for x, y in zip(one, other, strict=True)]).sum(0)
    return torch.acos(((trace - 1) / 2).clamp(-1 + 1e-6, 1 - 1e-6)).mean()


def _frame(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The three columns of a rotation from two vectors (..., 3) by Gram-Schmidt."""
    x = functional.normalize(x, dim=-1)
    y = functional.normalize(y - (x * y).sum(-1, keepdim=True) * x, dim=-1)
    return x, y, torch.linalg.cross(x, y)
