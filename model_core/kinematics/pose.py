"""The poses of several people over time, as passed between the stages of the solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..motion.forward_kinematics import global_rotations
from ..motion.posed import PosedSkeleton
from ..motion.rotations import continuous_signs, quaternion_from_matrix
from ..motion.skeleton import SMPL, Skeleton


@dataclass(frozen=True)
class PoseBatch:
    """P people over T frames. Metres, Y up.

    Attributes:
        offsets: (P, J, 3) rest offsets of each person; zero for the root.
        local: (P, T, J, 3, 3) rotations, the root's orientation in the world first.
        translation: (P, T, 3) root joints in the world.
        fps: frames per second.
        skeleton: tree of the joint axis.
    """

    offsets: np.ndarray
    local: np.ndarray
    translation: np.ndarray
    fps: float
    skeleton: Skeleton = SMPL

    def world(self) -> tuple[np.ndarray, np.ndarray]:
        """Joint positions (P, T, J, 3) and rotations in the world (P, T, J, 3, 3)."""
        rotations = global_rotations(self.local, self.skeleton)
        return self.joints(rotations), rotations

    def joints(self, rotations: np.ndarray) -> np.ndarray:
        """Joint positions (P, T, J, 3) for given rotations in the world (P, T, J, 3, 3)."""
        people, frames = self.translation.shape[:2]
        result = np.empty((people, frames, len(self.skeleton), 3))
        result[:, :, 0] = self.translation
        for joint in range(1, len(self.skeleton)):
            parent = self.skeleton.parents[joint]
            offset = self.offsets[:, None, joint, :, None]
            result[:, :, joint] = result[:, :, parent] + (rotations[:, :, parent] @ offset)[..., 0]
        return result

    def with_world_rotations(self, rotations: np.ndarray) -> PoseBatch:
        """The pose with other rotations in the world (P, T, J, 3, 3)."""
        return replace(self, local=local_rotations(rotations, self.skeleton))

    def with_person(self, person: int, other: PoseBatch) -> PoseBatch:
        """The pose with one person replaced by that person in another pose of the same people."""
        local, translation = self.local.copy(), self.translation.copy()
        local[person], translation[person] = other.local[person], other.translation[person]
        return replace(self, local=local, translation=translation)

    def skeletons(self) -> list[PosedSkeleton]:
        """One posed skeleton for each person."""
        return [
            PosedSkeleton(
                self.offsets[person],
                continuous_signs(quaternion_from_matrix(self.local[person])),
                self.translation[person],
                self.fps,
                self.skeleton,
            )
            for person in range(len(self.offsets))
        ]


def local_rotations(rotations: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Local rotations from rotations in the world (..., J, 3, 3); the root's stays the same."""
    parents = list(skeleton.parents[1:])
    local = np.swapaxes(rotations[..., parents, :, :], -1, -2) @ rotations[..., 1:, :, :]
    return np.concatenate((rotations[..., :1, :, :], local), axis=-3)


def concatenated(poses: Sequence[PoseBatch]) -> PoseBatch:
    """The people of several batches of the same length as one batch."""
    return PoseBatch(
        np.concatenate([pose.offsets for pose in poses]),
        np.concatenate([pose.local for pose in poses]),
        np.concatenate([pose.translation for pose in poses]),
        poses[0].fps,
        poses[0].skeleton,
    )
