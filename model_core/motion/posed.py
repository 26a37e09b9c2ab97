"""A skeleton with fixed bone lengths and a pose for every frame, as keyed in Blender and written to files."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .forward_kinematics import forward_kinematics
from .rotations import continuous_signs, matrix_from_quaternion, slerp
from .skeleton import SMPL, Skeleton
from .types import FPS, Motion


@dataclass(frozen=True)
class PosedSkeleton:
    """One person, ready for an armature. Metres, Y up; the rest pose is a T-pose facing +Z with left at +X.

    Attributes:
        offsets: (J, 3) position of each joint in its parent's frame at rest; zero for the root.
        rotations: (T, J, 4) unit quaternions w x y z, continuous in sign over time: the root's orientation in the
            world first, then local rotations relative to the T-pose.
        translation: (T, 3) root joint in the world.
        fps: frames per second.
        skeleton: names and tree of the joint axis.
    """

    offsets: np.ndarray
    rotations: np.ndarray
    translation: np.ndarray
    fps: float = FPS
    skeleton: Skeleton = SMPL

    def __post_init__(self) -> None:
        frames, joints = len(self.translation), len(self.skeleton)
        shapes = (self.offsets.shape, self.rotations.shape, self.translation.shape)
        if shapes != ((joints, 3), (frames, joints, 4), (frames, 3)):
            raise ValueError(f"offsets, rotations and translation have shapes {shapes} for {joints} joints")

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.translation)

    def joints(self) -> np.ndarray:
        """(T, J, 3) joint positions in the world by forward kinematics."""
        matrices = matrix_from_quaternion(self.rotations)
        return forward_kinematics(matrices, self.translation, self.offsets, self.skeleton)

    def motion(self) -> Motion:
        """The person as a ``Motion``, with positions by forward kinematics."""
        matrices = matrix_from_quaternion(self.rotations)
        joints = forward_kinematics(matrices, self.translation, self.offsets, self.skeleton)
        return Motion(joints, matrices[:, 1:], matrices[:, 0], self.fps, self.skeleton)

    def resampled(self, fps: float, count: int | None = None) -> PosedSkeleton:
        """The same motion with a frame at every whole 1/``fps`` seconds.

        Args:
            fps: frames a second of the result.
            count: number of frames; those after the last one of this motion continue its movement. None ends at or
                before its last frame.
        """
        if len(self) < 2 or (abs(self.fps - fps) < 1e-6 and count in (None, len(self))):
            return self
        if count is None:
            count = int(np.floor((len(self) - 1) / self.fps * fps + 1e-6)) + 1
        return replace(self.sampled(np.arange(count) / fps * self.fps), fps=fps)

    def sampled(self, places: np.ndarray) -> PosedSkeleton:
        """The poses at places between frames, as frames of the same rate.

        Args:
            places: (N,) in frames, from 0 on; those after the last frame continue the movement before it.
        """
        if len(self) < 2:
            index = np.zeros(len(places), dtype=np.int64)
            return replace(self, rotations=self.rotations[index], translation=self.translation[index])
        before = np.minimum(places.astype(np.int64), len(self) - 2)
        fraction = places - before
        rotations = slerp(self.rotations[before], self.rotations[before + 1], fraction[:, None])
        step = self.translation[before + 1] - self.translation[before]
        moved = self.translation[before] + fraction[:, None] * step
        return replace(self, rotations=continuous_signs(rotations), translation=moved)
