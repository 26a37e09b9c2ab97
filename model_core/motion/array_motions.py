"""Reads motion of one person from the array formats of common data sets and pose estimators.

=================================  ============================================================  ======  ==========
file                               arrays                                                        up      frame rate
=================================  ============================================================  ======  ==========
AMASS (SMPL-H, SMPL-X), ``.npz``   ``poses`` (T, 156 or 165), ``trans`` (T, 3)                   Z       in file
SMPL-X, ``.npz``                   ``root_orient``, ``pose_body``, ``trans`` (or smplx's names)  Y or Z  in file
InterHuman, ``.npy``               (T, 492), see ``interhuman``                                  Z       30
HumanML3D ``new_joints``, ``.npy`` (T, 22, 3) positions                                          Y       20
HumanML3D vectors, ``.npy``        (T, 263): root velocities, positions, rotations, contacts     Y       20
=================================  ============================================================  ======  ==========

Poses are axis times angle in radians, on SMPL's joints. The up axis is inferred from the person, who mostly stands, and
the unit from the person's size; otherwise the table's values are assumed. Hands and body shape are ignored: rotations
are applied to this project's own rest skeleton. (Mahmood et al. 2019; Guo et al. 2022)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import UserError
from .arrays import NpzArrays
from .forward_kinematics import forward_kinematics
from .interhuman import WIDTH as INTERHUMAN_WIDTH
from .interhuman import motion_from_interhuman
from .posed import PosedSkeleton
from .rest import SMPL_REST_OFFSETS
from .rotations import (
    continuous_signs,
    matrix_from_quaternion,
    normalized,
    quaternion_from_axis_angle,
    quaternion_from_matrix,
    rotate,
    shortest_arc,
    transposed,
)
from .skeleton import SMPL
from .types import FPS, Motion

HUMANML_FPS = 20.0
HUMANML_WIDTH = 263

_JOINTS = len(SMPL)
_FULL_POSES = ("poses", "pose", "fullpose", "full_pose", "smpl_poses")
_ROOTS = ("root_orient", "global_orient")
_BODIES = ("pose_body", "body_pose")
_TRANSLATIONS = ("trans", "transl", "translation", "smpl_trans")
_RATES = ("mocap_framerate", "mocap_frame_rate", "fps", "frame_rate", "framerate")
_AXES = ("X", "Y", "Z")
_UNITS = {"metres": 1.0, "centimetres": 0.01, "millimetres": 0.001, "inches": 0.0254, "feet": 0.3048}
_SHORTEST, _TALLEST = 1.2, 2.2
_HEIGHT_PER_CHAIN = 1.16
"""Standing height over the length of a leg, the pelvis and the spine up to the head joint."""

_FARTHEST, _FASTEST = 5.0, 15.0
"""Metres from the ground to the pelvis, and metres per second, beyond which a translation is not in metres."""


@dataclass(frozen=True)
class ReadMotion:
    """A person's motion and what was assumed to read it.

    Attributes:
        motion: Y up, metres, at the file's own rate; rotations and root orientation may be missing.
        assumed: one line for the user: kind of file, axes, unit, rate, and what was left out.
    """

    motion: Motion
    assumed: str


def is_smpl(arrays: NpzArrays) -> bool:
    """Whether a file holds poses of SMPL's family."""
    return any(name in arrays for name in (*_FULL_POSES, *_BODIES))


def motion_from_smpl(arrays: NpzArrays) -> ReadMotion:
    """Read the motion in an ``.npz`` file of AMASS, SMPL, SMPL-H or SMPL-X.

    Raises:
        UserError: the arrays are not one person's poses.
    """
    file = arrays.path.name
    rotations = _smpl_rotations(arrays, file)
    frames = len(rotations)
    translation = arrays.first_of(*_TRANSLATIONS)
    notes = []
    if translation is None:
        translation = np.zeros((frames, 3))
        notes.append("no translation: the person stays in place")
    translation = _numbers(translation, "its translation", file).reshape(
        len(translation), int(np.prod(translation.shape[1:]))
    )
    if translation.shape != (frames, 3):
        raise UserError(
            f"{file} has poses of {frames} frames and a translation of shape {translation.shape}; "
            "choose a file of one person."
        )
    rate = arrays.first_of(*_RATES)
    fps = FPS if rate is None else _rate(rate, file)
    notes.insert(0, f"{fps:g} fps" + (" assumed" if rate is None else ""))
    at_origin = forward_kinematics(rotations, np.zeros((frames, 3)), SMPL_REST_OFFSETS, SMPL)
    to_y_up, axes = _upright(at_origin, usual="Z" if any(name in arrays for name in _RATES[:2]) else "Y")
    unit = _travel_unit(translation @ to_y_up.T, fps)
    rotations[:, 0] = to_y_up @ rotations[:, 0]
    root = translation @ to_y_up.T * _UNITS[unit]
    joints = forward_kinematics(rotations, root, SMPL_REST_OFFSETS, SMPL)
    # The file's body may have another height than this skeleton: the lowest joint is moved to the floor.
    joints[..., 1] -= joints[..., 1].min()
    line = f"SMPL poses, {axes} up, {unit}, {', '.join(notes)}; hands and body shape left out, feet put on the floor."
    return ReadMotion(Motion(joints, rotations[:, 1:], rotations[:, 0], fps, SMPL), line)


def motion_from_positions(values: np.ndarray, file: str) -> ReadMotion:
    """Read the motion in an ``.npy`` file of InterHuman or HumanML3D, or of joint positions in SMPL's order.

    Args:
        values: as stored.
        file: its name, for messages.

    Raises:
        UserError: the array is not one person's motion.
    """
    values = _numbers(values, "its array", file)
    if values.ndim > 2 and len(values) == 1:
        values = values[0]
    if values.ndim == 4 and values.shape[2] >= _JOINTS and values.shape[3] == 3:
        if len(values) > 2:
            raise UserError(f"{file} holds {len(values)} people; choose a file of one person.")
        found = motion_from_positions(values[0], file)
        return replace(found, assumed=f"{found.assumed[:-1]}; the first of two people.")
    if values.ndim == 3 and values.shape[:2] == (_JOINTS, 3) and values.shape[1:] != (_JOINTS, 3):
        values = values.transpose(2, 0, 1)
    if len(values) == 0:
        raise UserError(f"{file} has no frames; choose another file.")
    if values.ndim == 2 and values.shape[1] == INTERHUMAN_WIDTH:
        return ReadMotion(motion_from_interhuman(values), "InterHuman, Z up, metres, 30 fps; hands left out.")
    if values.ndim == 2 and values.shape[1] == HUMANML_WIDTH:
        joints = _humanml_joints(values)
        _position_unit(joints, file)
        return ReadMotion(Motion(joints, fps=HUMANML_FPS), "HumanML3D vectors, Y up, metres, 20 fps.")
    if values.ndim == 2 and values.shape[1] == _JOINTS * 3:
        values = values.reshape(len(values), _JOINTS, 3)
    if values.ndim != 3 or values.shape[1] < _JOINTS or values.shape[2] != 3:
        raise UserError(
            f"{file} has the shape {values.shape}, which is no person's motion; choose an array of InterHuman "
            f"(frames, {INTERHUMAN_WIDTH}) or HumanML3D (frames, 22, 3) or (frames, {HUMANML_WIDTH})."
        )
    joints = values[:, :_JOINTS]
    unit = _position_unit(joints, file)
    to_y_up, axes = _upright(joints, usual="Y")
    joints = joints @ to_y_up.T * _UNITS[unit]
    return ReadMotion(Motion(joints, fps=HUMANML_FPS), f"Joint positions, {axes} up, {unit}, 20 fps assumed.")


def resampled(motion: Motion, fps: float = FPS) -> Motion:
    """Resample a motion with rotations and root orientation to ``fps`` frames per second."""
    if motion.rotations is None or motion.root_orientation is None:
        raise ValueError("rotations are needed between frames")
    if abs(motion.fps - fps) < 1e-6 or len(motion) < 2:
        return motion
    local = np.concatenate((motion.root_orientation[:, None], motion.rotations), axis=1)
    world = [local[:, 0]]
    for parent, turn in zip(motion.skeleton.parents[1:], np.moveaxis(local[:, 1:], 1, 0), strict=True):
        world.append(world[parent] @ turn)
    parents = np.array(motion.skeleton.parents[1:])
    bones = motion.joints[:, 1:] - motion.joints[:, parents]
    turns = np.stack(world, axis=1)[:, parents]
    offsets = np.zeros((len(motion.skeleton), 3))
    offsets[1:] = np.median(rotate(transposed(turns), bones), axis=0)
    posed = PosedSkeleton(
        offsets, continuous_signs(quaternion_from_matrix(local)), motion.translation, motion.fps, motion.skeleton
    )
    return posed.resampled(fps).motion()


# --- SMPL's arrays -------------------------------------------------------------------------------------------------


def _smpl_rotations(arrays: NpzArrays, file: str) -> np.ndarray:
    """(T, 22, 3, 3) local rotations, the root's first."""
    full = arrays.first_of(*_FULL_POSES)
    if full is None:
        parts = [arrays.first_of(*names) for names in (_ROOTS, _BODIES)]
        if any(part is None for part in parts):
            raise UserError(f"{file} has a body pose but no root_orient; choose a file with both.")
        root, body = (_turns(part, file) for part in parts if part is not None)
        if len(root) != len(body) or body.shape[1] < _JOINTS - 1:
            raise UserError(f"{file} has {len(root)} root orientations and {len(body)} body poses; write it again.")
        rotations = np.concatenate((root[:, :1], body[:, : _JOINTS - 1]), axis=1)
    else:
        rotations = _turns(full, file)[:, :_JOINTS]
    if rotations.shape[1] != _JOINTS or len(rotations) == 0:
        raise UserError(f"{file} has poses of {len(rotations)} frames and {rotations.shape[1]} joints; 22 are needed.")
    return rotations


def _turns(values: np.ndarray, file: str) -> np.ndarray:
    """Rotations (T, J, 3, 3) of axis-angle arrays (T, J * 3), (T, J, 3) or matrices (T, J, 3, 3)."""
    values = _numbers(values, "its poses", file)
    if values.ndim == 4 and values.shape[2:] == (3, 3):
        return values.copy()
    if values.ndim == 2 and values.shape[1] % 3 == 0:
        values = values.reshape(len(values), values.shape[1] // 3, 3)
    if values.ndim != 3 or values.shape[2] != 3:
        raise UserError(f"{file} has poses of shape {values.shape}; choose a file of one person, (frames, joints x 3).")
    return matrix_from_quaternion(quaternion_from_axis_angle(values))


def _rate(rate: np.ndarray, file: str) -> float:
    values = np.asarray(rate).ravel()
    fps = float(values[0]) if values.size == 1 and values.dtype.kind in "iuf" else np.nan
    if not 1.0 <= fps <= 1000.0:
        raise UserError(f"{file} states no frame rate from 1 to 1000; write the file again with its true rate.")
    return fps


def _numbers(values: np.ndarray, what: str, file: str) -> np.ndarray:
    """The values as float64.

    Raises:
        UserError: they are no numbers, or some are not finite.
    """
    if values.dtype.kind not in "iuf" or values.ndim == 0:
        raise UserError(f"{file} has no numbers in {what}; choose a file of motion.")
    values = values.astype(np.float64)
    bad = ~np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if bad.any():
        raise UserError(
            f"{file} has values that are not numbers in {what}, in {bad.sum()} of {len(values)} frames, the first in "
            f"frame {int(bad.argmax())}; repair or cut the file there."
        )
    return values


# --- axes and units ------------------------------------------------------------------------------------------------


def _upright(joints: np.ndarray, usual: str) -> tuple[np.ndarray, str]:
    """(3, 3) rotation of the file's world that brings Y up, and the axis that was up, such as ``Z`` or ``-Y``."""
    index = SMPL.index
    feet = 0.5 * (joints[:, index("L_Ankle")] + joints[:, index("R_Ankle")])
    up = np.median(normalized(joints[:, index("Neck")] - feet), axis=0)
    axis = int(np.abs(up).argmax())
    target = np.eye(3)[_AXES.index(usual)]
    name = f"{usual} (assumed)"
    if abs(up[axis]) > 0.7:
        target = np.sign(up[axis]) * np.eye(3)[axis]
        name = ("-" if up[axis] < 0 else "") + _AXES[axis]
    if target[1] < 0:
        return np.diag((1.0, -1.0, -1.0)), name
    return matrix_from_quaternion(shortest_arc(target, np.array([0.0, 1.0, 0.0]))), name


def _travel_unit(root: np.ndarray, fps: float) -> str:
    """The unit of a translation: metres, unless the person would be too high above the ground or too fast."""
    height = abs(float(np.median(root[:, 1])))
    speed = 0.0
    if len(root) > 1:
        speed = float(np.percentile(np.linalg.norm(np.diff(root, axis=0), axis=1), 90)) * fps
    for name in ("metres", "centimetres"):
        if height * _UNITS[name] < _FARTHEST and speed * _UNITS[name] < _FASTEST:
            return name
    return "millimetres"


def _position_unit(joints: np.ndarray, file: str) -> str:
    """The unit in which the joints have a person's size.

    Raises:
        UserError: there is no such unit.
    """
    lengths = np.zeros(_JOINTS)
    lengths[1:] = np.median(np.linalg.norm(joints[:, 1:] - joints[:, SMPL.parents[1:]], axis=-1), axis=0)
    chain = ("L_Hip", "L_Knee", "L_Ankle", "Spine1", "Spine2", "Spine3", "Neck", "Head")
    height = _HEIGHT_PER_CHAIN * sum(lengths[SMPL.index(name)] for name in chain)
    fitting = [name for name, scale in _UNITS.items() if _SHORTEST <= scale * height <= _TALLEST]
    if not fitting:
        raise UserError(f"{file} holds joints that are not a person's: a height of {height:.3g}; choose another file.")
    return fitting[0]


def _humanml_joints(vectors: np.ndarray) -> np.ndarray:
    """(T, 22, 3) joint positions of HumanML3D's vectors (T, 263).

    Columns: half of the root's rotation about Y per frame, its velocity x and z in the body's frame, its height, then
    21 joints in the body's frame, of which only x and z are relative to the root; then rotations, velocities and
    contacts.
    """
    half = np.concatenate(([0.0], np.cumsum(vectors[:-1, 0])))
    cosine, sine = np.cos(2 * half), np.sin(2 * half)
    turns = np.zeros((len(vectors), 3, 3))  # by the negative angle about Y
    turns[:, 0, 0] = turns[:, 2, 2] = cosine
    turns[:, 0, 2], turns[:, 2, 0], turns[:, 1, 1] = -sine, sine, 1.0
    steps = np.zeros((len(vectors), 3))
    steps[1:, 0], steps[1:, 2] = vectors[:-1, 1], vectors[:-1, 2]
    root = np.cumsum(rotate(turns, steps), axis=0)
    local = vectors[:, 4:67].reshape(len(vectors), 21, 3)
    others = rotate(turns[:, None], local) + root[:, None]
    root[:, 1] = vectors[:, 3]
    return np.concatenate((root[:, None], others), axis=1)
