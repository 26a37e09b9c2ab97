"""Motion data: types, skeletons, rotations, the networks' features, and files."""

from __future__ import annotations

from .posed import PosedSkeleton
from .skeleton import SKELETONS, SMPL, SMPLX, Skeleton
from .types import FPS, Interaction, Motion

__all__ = ["FPS", "SKELETONS", "SMPL", "SMPLX", "Interaction", "Motion", "PosedSkeleton", "Skeleton"]
