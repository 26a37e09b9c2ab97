"""Made-up people who stand upright and glide along lines: enough to tell ways of going apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model_core.data.choreography.scene import ChoreographedClip
from model_core.data.choreography.shards import save_shard
from model_core.motion import SMPL, Motion
from model_core.motion.rest import SMPL_REST_OFFSETS

_FRAMES = 120


def _standing() -> np.ndarray:
    """(22, 3) joints of somebody who stands at the origin with hanging arms, facing +Z."""
    joints = np.zeros((22, 3))
    for joint in range(1, 22):
        joints[joint] = joints[SMPL.parents[joint]] + SMPL_REST_OFFSETS[joint]
    for side in "LR":
        shoulder = joints[SMPL.index(f"{side}_Shoulder")]
        joints[SMPL.index(f"{side}_Elbow")] = shoulder - [0, 0.26, 0]
        joints[SMPL.index(f"{side}_Wrist")] = shoulder - [0, 0.50, 0]
    joints[:, 1] -= joints[:, 1].min()
    return joints


def gliding_people(places: tuple[np.ndarray, np.ndarray], yaws: tuple[float, float]) -> np.ndarray:
    """(2, T, 22, 3) two who glide along places (T, 3)."""
    both = []
    for place, yaw in zip(places, yaws, strict=True):
        c, s = np.cos(yaw), np.sin(yaw)
        turned = _standing() @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T
        both.append(turned[None] + place[:, None])
    return np.stack(both)


def line(x: float, start: float, speed: float) -> np.ndarray:
    """(120, 3) places along Z at a distance to the left, m and m/s."""
    time = np.arange(_FRAMES) / 30
    return np.stack((np.full(_FRAMES, x), np.zeros(_FRAMES), start + speed * time), -1)


def save_gliding(
    path: Path, kind: str, pairs: Sequence[np.ndarray], held_out: Sequence[bool], caption: str = "two people"
) -> None:
    """Write pairs (2, T, 22, 3) as a shard of choreographed clips of a kind."""
    clips = []
    for seed, joints in enumerate(pairs):
        still = np.tile(np.eye(3, dtype=np.float32), (joints.shape[1], len(SMPL) - 1, 1, 1))
        first, second = (Motion(person.astype(np.float32), still) for person in joints)
        clips.append(ChoreographedClip(kind, seed, (first, second), (), {"actor": "0"}))
    save_shard(path, clips, [(caption,)] * len(clips), held_out)
