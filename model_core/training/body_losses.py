"""Losses of a tokenizer that sees poses relative to the pelvis: mean distances, in the body's frame and the world's.

The published losses are quadratic for all errors that matter (smooth L1 of numbers well under one) and compare joints
in the world, where an error of the root is an error of all joints. Here the pose has its own loss, and a small error
counts in proportion to a large one.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..motion.representation import POSITIONS


@dataclass(frozen=True)
class BodyLossWeights:
    """The weight of each term.

    Attributes:
        pose: distance of joints relative to the pelvis, and of their movement from frame to frame.
        world: distance of joints in the world, in standard deviations of the normalisation.
        world_movement: of their movement from frame to frame.
        rotation: difference of the 6D local rotations, and of the facing.
        velocity: difference of velocities.
        commitment: of the latent to its codes.
    """

    pose: float = 10.0
    world: float = 15.0
    world_movement: float = 5.0
    rotation: float = 1.0
    velocity: float = 0.5
    commitment: float = 0.25


@dataclass(frozen=True)
class BodyLosses:
    """Each term before its weight, as a scalar tensor."""

    pose: Tensor
    world: Tensor
    world_movement: Tensor
    rotation: Tensor
    velocity: Tensor

    def weighted(self, weights: BodyLossWeights) -> Tensor:
        """The sum that is minimised, without the commitment loss."""
        return (
            weights.pose * self.pose
            + weights.world * self.world
            + weights.world_movement * self.world_movement
            + weights.rotation * self.rotation
            + weights.velocity * self.velocity
        )


def body_losses(nodes: Tensor, wanted_nodes: Tensor, features: Tensor, wanted_features: Tensor) -> BodyLosses:
    """Compare a reconstruction with its original.

    Args:
        nodes, wanted_nodes: (B, T, 22, 12) as returned by ``BodyFrame``.
        features, wanted_features: (B, T, 262) the same, normalised in the world.
    """
    pose_error = nodes[:, :, 1:, :3] - wanted_nodes[:, :, 1:, :3]  # (B, T, 21, 3)
    world = (features - wanted_features)[..., POSITIONS].unflatten(-1, (22, 3))  # (B, T, 22, 3)
    rotations = nodes[..., 6:] - wanted_nodes[..., 6:]
    return BodyLosses(
        pose=_length(pose_error) + _length(pose_error.diff(dim=1)),
        world=_length(world),
        world_movement=_length(world.diff(dim=1)),
        rotation=rotations.abs().mean() + 2 * _length(rotations[:, :, 0, :2]),
        velocity=(nodes[..., 3:6] - wanted_nodes[..., 3:6]).abs().mean(),
    )


def _length(vectors: Tensor) -> Tensor:
    """Mean length of vectors (..., n), with a finite gradient at zero."""
    return (vectors.square().sum(-1) + 1e-12).sqrt().mean()
