"""From motion's axes (Y up, facing +Z, left at +X) to Blender's (Z up, facing -Y, left at +X) and back."""

from __future__ import annotations

import numpy as np

BLENDER_FROM_MOTION = np.array(((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)))
"""(3, 3) rotation that takes a motion vector (x, y, z) to Blender's (x, -z, y)."""

BLENDER_FROM_MOTION.setflags(write=False)


def vectors_to_blender(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) of a motion in Blender's axes."""
    return vectors @ BLENDER_FROM_MOTION.T


def vectors_from_blender(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) from Blender's axes in a motion's."""
    return vectors @ BLENDER_FROM_MOTION
