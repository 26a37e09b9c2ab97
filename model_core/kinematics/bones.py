"""Bone lengths, one set per person and clip."""

from __future__ import annotations

import numpy as np

from ..motion.rest import SMPL_REST_OFFSETS
from ..motion.skeleton import SMPL

_SHORTEST = 0.005
"""Metres. Shorter bones are lengthened to this: two joints at the same place would leave a bone without a direction."""


def measured_offsets(joints: np.ndarray) -> np.ndarray:
    """Rest offsets with the directions of the T-pose and the bone lengths of the given people.

    The median over time ignores the frames in which a joint is misplaced. Left and right bones get the same length.

    Args:
        joints: (P, T, 22, 3) positions, metres.

    Returns:
        (P, 22, 3) rest offsets, metres.
    """
    bones = joints[:, :, 1:] - joints[:, :, SMPL.parents[1:]]
    lengths = np.median(np.linalg.norm(bones, axis=-1), axis=1)
    lengths = np.concatenate((np.zeros((len(joints), 1)), lengths), axis=1)
    lengths = 0.5 * (lengths + lengths[:, SMPL.mirror])
    rest_lengths = np.linalg.norm(SMPL_REST_OFFSETS[1:], axis=-1, keepdims=True)
    offsets = np.zeros((len(joints), len(SMPL), 3))
    offsets[:, 1:] = SMPL_REST_OFFSETS[1:] / rest_lengths * np.maximum(lengths[:, 1:, None], _SHORTEST)
    return offsets
