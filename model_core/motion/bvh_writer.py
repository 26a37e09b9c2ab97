"""Writer of Biovision hierarchy files (BVH).

A posed skeleton is written in metres, Y up, facing +Z, as Blender's importer expects with its default settings. For
programs that expect centimetres pass ``units_per_metre=100``.
"""

from __future__ import annotations

import os

import numpy as np

from ..files import atomic_write
from .bvh import BvhClip
from .posed import PosedSkeleton
from .rotations import matrix_from_quaternion

_ROTATIONS = ("Zrotation", "Xrotation", "Yrotation")
_POSITIONS = ("Xposition", "Yposition", "Zposition")

_ENDS = {
    "Head": (0.0, 0.20, 0.03),
    "L_Foot": (0.0, -0.01, 0.07),
    "R_Foot": (0.0, -0.01, 0.07),
    "L_Wrist": (0.09, -0.01, 0.0),
    "R_Wrist": (-0.09, -0.01, 0.0),
}
"""Metres from the last joints to the crown, the tips of the toes and the knuckles, so that importers can draw bones."""
_OTHER_END = (0.0, 0.02, 0.0)


def write_bvh(path: str | os.PathLike[str], person: PosedSkeleton, units_per_metre: float = 1.0) -> None:
    """Write one person to a BVH file, with the skeleton's own joint names.

    Args:
        path: the file; it appears whole or not at all.
        person: at least one frame.
        units_per_metre: 1 for metres, 100 for centimetres.

    Raises:
        UserError: the file cannot be written.
    """
    write_clip(path, clip_from_posed(person, units_per_metre))


def clip_from_posed(person: PosedSkeleton, units_per_metre: float = 1.0) -> BvhClip:
    """A posed skeleton as a BVH clip: rotations as Euler angles Z, X, Y, the root with its position."""
    skeleton, frames = person.skeleton, len(person)
    angles = np.degrees(continuous_angles(angles_from_matrices(matrix_from_quaternion(person.rotations))))
    values = np.concatenate((person.translation * units_per_metre, angles.reshape(frames, -1)), axis=1)
    channels = ((*_POSITIONS, *_ROTATIONS), *((_ROTATIONS,) * (len(skeleton) - 1)))
    ends = np.full((len(skeleton), 3), np.nan)
    for joint, children in enumerate(skeleton.children):
        if not children:
            ends[joint] = _ENDS.get(skeleton.joints[joint], _OTHER_END)
    offsets = person.offsets.astype(np.float64) * units_per_metre
    return BvhClip(skeleton.joints, skeleton.parents, offsets, channels, values, person.fps, ends * units_per_metre)


def angles_from_matrices(matrices: np.ndarray) -> np.ndarray:
    """Convert rotations (..., 3, 3) to angles (..., 3) z, x, y in radians, R = Rz Rx Ry, x within a quarter turn."""
    m = matrices.astype(np.float64)
    x = np.arctan2(m[..., 2, 1], np.hypot(m[..., 0, 1], m[..., 1, 1]))
    # In gimbal lock, where x is a quarter turn, z and y rotate about the same axis: z is set to zero.
    locked = np.hypot(m[..., 0, 1], m[..., 1, 1]) < 1e-7
    z = np.where(locked, 0.0, np.arctan2(-m[..., 0, 1], m[..., 1, 1]))
    y = np.where(locked, np.arctan2(m[..., 0, 2], m[..., 0, 0]), np.arctan2(-m[..., 2, 0], m[..., 2, 2]))
    return np.stack((z, x, y), -1)


def continuous_angles(angles: np.ndarray) -> np.ndarray:
    """Equivalent angles (T, J, 3) z, x, y that are as close as possible to those of the previous frame.

    Every rotation has two triples, (z, x, y) and (z + half a turn, half a turn - x, y + half a turn), each up to whole
    turns. Curves without jumps can be edited and interpolated.
    """
    result = angles.copy()
    half = np.array([np.pi, np.pi, np.pi])
    signs = np.array([1.0, -1.0, 1.0])
    for frame in range(1, len(result)):
        before = result[frame - 1]
        both = np.stack((angles[frame], half + signs * angles[frame]))
        both += np.round((before - both) / (2 * np.pi)) * (2 * np.pi)
        far = ((both - before) ** 2).sum(-1)
        result[frame] = np.where((far[1] < far[0])[:, None], both[1], both[0])
    return result


def write_clip(path: str | os.PathLike[str], clip: BvhClip) -> None:
    """Write any BVH clip.

    Raises:
        UserError: the file cannot be written.
    """
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write("HIERARCHY\n")
        file.write("\n".join(_joint_lines(clip, 0, 0)))
        file.write(f"\nMOTION\nFrames: {len(clip)}\nFrame Time: {1.0 / clip.fps:.9g}\n")
        order = [column for joint in _depth_first(clip, 0) for column in _columns(clip, joint)]
        np.savetxt(file, clip.values[:, order], fmt="%.6f")


def _children(clip: BvhClip, joint: int) -> list[int]:
    return [child for child, parent in enumerate(clip.parents) if parent == joint]


def _depth_first(clip: BvhClip, joint: int) -> list[int]:
    """Joints in the order in which a file lists them."""
    return [joint, *(below for child in _children(clip, joint) for below in _depth_first(clip, child))]


def _columns(clip: BvhClip, joint: int) -> range:
    return range(clip.first_channel[joint], clip.first_channel[joint] + len(clip.channels[joint]))


def _joint_lines(clip: BvhClip, joint: int, depth: int) -> list[str]:
    """The lines of a joint and its descendants."""
    indent = "  " * depth

    def offset(values: np.ndarray) -> str:
        return "OFFSET " + " ".join(f"{value:.6f}" for value in values)

    lines = [
        f"{indent}{'JOINT' if depth else 'ROOT'} {clip.names[joint]}",
        f"{indent}{{",
        f"{indent}  {offset(clip.offsets[joint])}",
        f"{indent}  CHANNELS {len(clip.channels[joint])} {' '.join(clip.channels[joint])}",
    ]
    for child in _children(clip, joint):
        lines += _joint_lines(clip, child, depth + 1)
    if np.isfinite(clip.ends[joint]).all():
        lines += [f"{indent}  End Site", f"{indent}  {{", f"{indent}    {offset(clip.ends[joint])}", f"{indent}  }}"]
    return [*lines, f"{indent}}}"]
