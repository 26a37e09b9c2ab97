"""The features of each data set in torch: joints from them, with gradients, and people moved over the ground."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..motion.canonical import mirrored_features
from ..motion.forward_kinematics import forward_kinematics
from ..motion.interx import INTERX_BODY
from ..motion.interx import JOINTS as INTERX_JOINTS
from ..motion.representation import JOINTS, POSITIONS, VELOCITIES
from ..motion.skeleton import SMPL


class FeatureSpace(Protocol):
    """What the features of one data set say about joints; metres, Y up."""

    def joints(self, features: Tensor) -> Tensor:
        """(..., T, 22, 3) positions of SMPL's joints from features (..., T, ...), not normalised."""

    def moved(self, features: Tensor, move: Tensor, turn: Tensor) -> Tensor:
        """Features of people who are moved over the ground and turned about their own pelvis.

        Args:
            features: (..., T, ...), not normalised.
            move: (..., T, 2) metres along x and z.
            turn: (..., T) radians about +Y.
        """

    def mirrored(self, features: np.ndarray) -> np.ndarray | None:
        """Features of the mirror images of people (P, T, ...), left and right exchanged; None if not known."""


class InterHumanSpace:
    """Features (..., T, 262), which hold the positions of the joints."""

    def joints(self, features: Tensor) -> Tensor:
        """The positions."""
        return features[..., POSITIONS].unflatten(-1, (JOINTS, 3))

    def moved(self, features: Tensor, move: Tensor, turn: Tensor) -> Tensor:
        """Moves the positions; velocities follow, local rotations stay."""
        joints = self.joints(features)
        root = joints[..., :1, :]
        joints = _turned(joints - root, turn[..., None]) + root + _on_ground(move)[..., None, :]
        result = features.clone()
        result[..., POSITIONS] = joints.flatten(-2)
        steps = joints.flatten(-2).diff(dim=-2)
        result[..., VELOCITIES] = torch.cat((steps, steps[..., -1:, :]), -2)
        return result

    def mirrored(self, features: np.ndarray) -> np.ndarray | None:
        """Mirror images at the plane X = 0, as in training."""
        return np.stack([mirrored_features(person) for person in features])


class InterXSpace:
    """Features (..., T, 56, 6): rotations and the translation of the root."""

    def joints(self, features: Tensor) -> Tensor:
        """Forward kinematics of the data set's body."""
        rotations = _from_rows(features[..., :JOINTS, :])
        offsets = torch.from_numpy(np.array(INTERX_BODY[:JOINTS])).to(features)
        places: Tensor = forward_kinematics(rotations, features[..., INTERX_JOINTS, :3], offsets, SMPL)
        return places

    def moved(self, features: Tensor, move: Tensor, turn: Tensor) -> Tensor:
        """Turns the orientation of the root and moves its translation; its velocity follows."""
        result = features.clone()
        rotation = _from_rows(features[..., 0, :])
        columns = _turned(rotation.transpose(-1, -2), turn[..., None])  # a column is a vector in the world
        result[..., 0, :] = columns.transpose(-1, -2)[..., :2, :].flatten(-2)
        place = features[..., INTERX_JOINTS, :3] + _on_ground(move)
        steps = place.diff(dim=-2)
        result[..., INTERX_JOINTS, :3] = place
        result[..., INTERX_JOINTS, 3:] = torch.cat((steps, torch.zeros_like(steps[..., :1, :])), -2)
        return result

    def mirrored(self, features: np.ndarray) -> np.ndarray | None:
        """Not known: its people were not mirrored in training."""
        return None


def _turned(vectors: Tensor, turn: Tensor) -> Tensor:
    """Vectors (..., 3) turned by angles (...) about +Y, from +Z towards +X."""
    x, y, z = vectors.unbind(-1)
    cosine, sine = turn.cos(), turn.sin()
    return torch.stack((cosine * x + sine * z, y, cosine * z - sine * x), -1)


def _on_ground(move: Tensor) -> Tensor:
    """Moves (..., 2) along x and z as vectors (..., 3)."""
    return torch.stack((move[..., 0], torch.zeros_like(move[..., 0]), move[..., 1]), -1)


def _from_rows(six: Tensor) -> Tensor:
    """Matrices (..., 3, 3) from their first two rows (..., 6), orthonormalised."""
    first, second = six.unflatten(-1, (2, 3)).unbind(-2)
    first = functional.normalize(first, dim=-1, eps=1e-6)
    second = functional.normalize(second - (first * second).sum(-1, keepdim=True) * first, dim=-1, eps=1e-6)
    return torch.stack((first, second, torch.linalg.cross(first, second)), -2)


FEATURE_SPACES: Mapping[str, FeatureSpace] = {"interhuman": InterHumanSpace(), "interx": InterXSpace()}
"""By the name of the data set in a tokenizer's configuration."""
