"""A posed skeleton as a person with keyed controls, as on an armature with the skeleton's bones."""

from __future__ import annotations

import numpy as np

from ..motion.posed import PosedSkeleton
from ..motion.skeleton import SMPL
from .controls import Control, ControlTree
from .thinning import KeyedPerson


def keyed_person(posed: PosedSkeleton, kept: np.ndarray | None = None) -> KeyedPerson:
    """The person with a key on every frame: the root's location, then the quaternion of each joint.

    Args:
        posed: the motion, metres, Y up.
        kept: (3 + 4 J,) curves that are not changed; None changes all.
    """
    controls = [
        Control(
            name,
            parent,
            np.eye(3),
            posed.offsets[joint] if parent >= 0 else np.zeros(3),
            rotation=3 + 4 * joint,
            location=-1 if parent >= 0 else 0,
            axes=np.eye(3),
        )
        for joint, (name, parent) in enumerate(zip(posed.skeleton.joints, posed.skeleton.parents, strict=True))
    ]
    values = np.concatenate((posed.translation, posed.rotations.reshape(len(posed), -1)), axis=1)
    return KeyedPerson(ControlTree(tuple(controls)), values, {joint: joint for joint in range(len(SMPL))}, kept)
