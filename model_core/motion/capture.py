"""Retargeting of captured motion from any skeleton to SMPL's 22 joints with local rotations.

Each SMPL joint becomes a landmark: a point that moves rigidly with one joint of the file. Its rotation is the file's
own, aligned in a reference pose with SMPL's T-pose, so twist is kept. Then a skeleton with SMPL's rest directions and
the capture's bone lengths is fitted to the landmarks from the pelvis outwards, each joint rotated by the smallest
angle that aims its bones at their landmarks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..errors import UserError
from ..recognition import (
    Check,
    FailureReason,
    Humanoid,
    NotRecognisedError,
    Recognition,
    SkeletonTree,
    bone_labels,
    recognise,
)
from .bvh import BvhClip, read_bvh, world_transforms
from .landmarks import landmarks_of, reference_pose, stands
from .rest import SMPL_REST_OFFSETS
from .rotations import (
    matrix_from_quaternion,
    normalized,
    quaternion_from_matrix,
    rotate,
    shortest_arc,
    slerp,
    transposed,
)
from .skeleton import SMPL
from .types import FPS, Interaction, Motion

# Metres, centimetres, millimetres, inches, feet, and the CMU laboratory's own unit (an inch over 0.45).
_UNITS = (1.0, 0.01, 0.001, 0.0254, 0.3048, 0.0254 / 0.45)
_SHORTEST, _TALLEST, _USUAL = 1.3, 2.1, 1.7
# Standing height over the length of the chain sole-less leg, pelvis and spine up to the head joint, of the T-pose.
_HEIGHT_PER_CHAIN = 1.16

_HALF_TURN = np.diag((1.0, -1.0, -1.0))
_TO_Y_UP = (np.eye(3), np.array(((1.0, 0, 0), (0, 0, 1.0), (0, -1.0, 0))), _HALF_TURN)
"""Rotations that bring Y, Z and -Y up."""

_POSES = 9
"""Number of frames to try where names are not enough and the rest pose is no standing person."""

_DIRECTIONS = normalized(SMPL_REST_OFFSETS)
_HIPS = [SMPL.index("L_Hip"), SMPL.index("R_Hip")]


def motion_from_bvh(clip: BvhClip, metres_per_unit: float | None = None) -> Motion:
    """Convert a BVH clip to a motion on SMPL's 22 joints: metres, Y up, 30 frames per second, with rotations.

    Pelvis, collars, spine3 and, if the file's legs end at the foot, toes are placed as in SMPL; all other joints keep
    their place in the file, as far as rigid bones of SMPL's rest directions allow (to a few millimetres).

    Args:
        clip: the file.
        metres_per_unit: the file's unit; None infers it from the skeleton's size.

    Raises:
        UserError: the skeleton is not a person's.
    """
    return motion_and_notes(clip, metres_per_unit)[0]


def motion_and_notes(clip: BvhClip, metres_per_unit: float | None = None) -> tuple[Motion, str]:
    """Like ``motion_from_bvh``, with one sentence about what was assumed; empty if nothing was."""
    recognition, humanoid = _recognised(clip)
    scale = metres_per_unit or _unit(clip, humanoid)
    local, positions = _resampled(clip.local_rotations(), clip.local_positions() * scale, clip.fps)
    rotations, positions = world_transforms(local, positions, clip.parents)
    upright = _upright(clip, humanoid, positions)
    rotations, positions = upright @ rotations, positions @ upright.T
    count = len(clip.names)
    at_rest = world_transforms(np.tile(np.eye(3), (count, 1, 1)), clip.rest_offsets * scale, clip.parents)
    rest = (upright @ at_rest[0], at_rest[1] @ upright.T)
    reference = reference_pose(humanoid, rest, (rotations, positions))
    landmarks = landmarks_of(humanoid, reference, clip.ends * scale)
    motion = fit_skeleton(
        positions[:, landmarks.owners] + rotate(rotations[:, landmarks.owners], landmarks.places),
        rotations[:, landmarks.owners] @ landmarks.turns,
    )
    notes = [_NOTES[check] for check in recognition.checks]
    notes += ["upside down, turned over"] if upright is _HALF_TURN else []
    notes += [] if stands(humanoid, rest[1]) else ["no standing person at rest, measured in the straightest frame"]
    notes += [] if scale in _UNITS or metres_per_unit else [f"of unknown unit, {scale:.3g} m assumed"]
    return motion, f"A skeleton {'; '.join(notes)}." if notes else ""


_NOTES = {
    Check.NAMES: "recognised by words in its joints' names",
    Check.STRUCTURE: "recognised by its shape alone",
    Check.SIDES: "of which nothing tells left from right",
    Check.LENGTHS: "whose left and right limbs differ in length",
    Check.PROPORTIONS: "whose upper and lower limbs differ much in length",
}


def motion_pair(first: str | os.PathLike[str], second: str | os.PathLike[str], text: str = "") -> Interaction:
    """Read two BVH files of one take, which share a world.

    Raises:
        UserError: a file cannot be read, or they differ in length or rate and so are not of one take.
    """
    clips = (read_bvh(first), read_bvh(second))
    if abs(len(clips[0]) - len(clips[1])) == 1:
        # Exporters lose or add a frame at the end.
        shorter = min(map(len, clips))
        cut = [replace(clip, values=clip.values[:shorter]) for clip in clips]
        clips = (cut[0], cut[1])
    if len(clips[0]) != len(clips[1]) or abs(clips[0].fps - clips[1].fps) > 0.01 * clips[0].fps:
        raise UserError(
            f"{clips[0].path.name} has {len(clips[0])} frames at {clips[0].fps:.4g} fps and {clips[1].path.name} "
            f"{len(clips[1])} at {clips[1].fps:.4g}; choose two files of one take or cut them to one length."
        )
    # Both files share one unit, even if the sizes of the skeletons suggest two.
    units = [unit_of(clip) for clip in clips]
    unit = float(np.sqrt(units[0] * units[1])) if max(units) < 1.5 * min(units) else units[0]
    clips = (clips[0], replace(clips[1], fps=clips[0].fps))
    return Interaction((motion_from_bvh(clips[0], unit), motion_from_bvh(clips[1], unit)), text)


def humanoid_of(clip: BvhClip) -> Humanoid:
    """Find the joints of a person in a file.

    Raises:
        UserError: the skeleton is not a person's.
    """
    return _recognised(clip)[1]


def _recognised(clip: BvhClip) -> tuple[Recognition, Humanoid]:
    """The person in a file; errors as for ``humanoid_of``."""
    file = clip.path.name or "The BVH file"
    at_rest = world_transforms(np.tile(np.eye(3), (len(clip.names), 1, 1)), clip.rest_offsets, clip.parents)[1]
    tree = SkeletonTree(clip.names, clip.parents, at_rest)
    try:
        recognition = recognise(tree, candidate_poses=lambda: _upright_poses(clip, tree))
        return recognition, recognition.humanoid(tree)
    except NotRecognisedError as error:
        some = ", ".join(clip.names[:8])
        sentence = {
            FailureReason.BROKEN_LIMB: "the joint {lower} does not hang from {upper}, so the limb cannot be followed",
            FailureReason.MISSING_JOINTS: "it looks like {kind} but lacks the joints for {joints}",
            FailureReason.DISCONNECTED: "legs, spine and arms do not hang together like a person's",
            FailureReason.AMBIGUOUS_ARMS: "two pairs of limbs could be the arms",
            FailureReason.UNKNOWN: f"cannot tell which joints are {{joints}} among {some}...",
        }[error.reason].format(joints=bone_labels(error.joints), **error.values)
        raise UserError(
            f"{file}: {sentence}; rename the joints as in Mixamo (LeftUpLeg, LeftLeg, LeftFoot, LeftArm, LeftForeArm, "
            "LeftHand, Neck, Head) or correct the skeleton."
        ) from error


def _upright_poses(clip: BvhClip, tree: SkeletonTree) -> Iterator[SkeletonTree]:
    """The rest pose and some frames, each rotated in the three ways that may bring the person upright."""
    frames = np.unique(np.linspace(0, len(clip) - 1, _POSES).astype(int))
    selected = replace(clip, values=clip.values[frames])
    for heads in (tree.heads, *selected.world_positions()):
        for turn in _TO_Y_UP:
            yield replace(tree, heads=heads @ turn.T)


def unit_of(clip: BvhClip) -> float:
    """Metres per unit of the file, from the length of legs and spine: a person is 1.3 to 2.1 m tall.

    Raises:
        UserError: the skeleton is not a person's.
    """
    return _unit(clip, humanoid_of(clip))


def _unit(clip: BvhClip, humanoid: Humanoid) -> float:
    """Metres per unit of the file, from the lengths of a person's legs and spine."""
    offsets = clip.rest_offsets
    lengths = np.linalg.norm(offsets, axis=1)

    def chain(lower: int, upper: int) -> float:
        total = 0.0
        while lower not in (upper, -1):
            total += float(lengths[lower])
            lower = clip.parents[lower]
        return total

    joints = humanoid.joints
    legs = [chain(joints[side + "Ankle"], joints[side + "Hip"]) for side in ("L_", "R_")]
    hips = 0.5 * (offsets[joints["L_Hip"]] + offsets[joints["R_Hip"]])
    spine = chain(joints.get("Head", joints["Neck"]), joints["Pelvis"])
    height = _HEIGHT_PER_CHAIN * (sum(legs) / 2 + float(np.linalg.norm(hips)) + spine)
    if height <= 0:
        raise UserError(f"{clip.path.name}: the legs and the spine have no length; export the skeleton with its rest.")
    fitting = [unit for unit in _UNITS if _SHORTEST <= unit * height <= _TALLEST]
    return min(fitting, key=lambda unit: abs(np.log(unit * height / _USUAL)), default=_USUAL / height)


# --- time and axes -------------------------------------------------------------------------------------------------


def _resampled(rotations: np.ndarray, positions: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Local rotations (T, N, 3, 3) and positions (T, N, 3), resampled to 30 frames per second."""
    if abs(fps - FPS) < 0.002 * FPS or len(rotations) < 2:
        return rotations, positions
    last = len(rotations) - 1
    times = np.arange(int(last / fps * FPS + 1e-6) + 1) * fps / FPS
    before = np.minimum(times.astype(int), last - 1)
    fraction = np.clip(times - before, 0.0, 1.0)
    quaternions = quaternion_from_matrix(rotations)
    between = slerp(quaternions[before], quaternions[before + 1], np.repeat(fraction[:, None], rotations.shape[1], 1))
    weight = fraction[:, None, None]
    return matrix_from_quaternion(between), positions[before] * (1 - weight) + positions[before + 1] * weight


def _upright(clip: BvhClip, humanoid: Humanoid, positions: np.ndarray) -> np.ndarray:
    """(3, 3) rotation of the file's world that brings Y up, found from the person, who stands most of the time.

    A file in camera space has Y down and Z forward, so an upside-down figure is turned about X.
    """
    joints = humanoid.joints
    feet = 0.5 * (positions[:, joints["L_Ankle"]] + positions[:, joints["R_Ankle"]])
    up = np.median(normalized(positions[:, joints["Neck"]] - feet), axis=0)
    axis = int(np.abs(up).argmax())
    if abs(up[axis]) < 0.8 or (axis == 1 and up[axis] > 0):
        # People who lie or tumble do not determine the axis; most programs write Y up.
        return np.eye(3)
    if axis == 1:
        return _HALF_TURN
    target = np.sign(up[axis]) * np.eye(3)[axis]
    return matrix_from_quaternion(shortest_arc(target, np.array([0.0, 1.0, 0.0])))


# --- the skeleton over the landmarks -------------------------------------------------------------------------------


def fit_skeleton(points: np.ndarray, turns: np.ndarray) -> Motion:
    """Fit a skeleton of SMPL's rest directions to landmarks, at 30 frames per second.

    Args:
        points: (T, 22, 3) landmarks in the world, metres.
        turns: (T, 22, 3, 3) approximate orientations of the joints.
    """
    rotations, joints = np.empty_like(turns), np.empty_like(points)
    for joint, children in enumerate(SMPL.children):
        turn, below = turns[:, joint], list(children)
        # A bone's length is the distance from its joint's fitted position to its landmark, which corrects the
        # remaining error of the joints above.
        aims = points[:, below] - (points if joint == 0 else joints)[:, joint, None]
        rest = _DIRECTIONS[below] * np.median(np.linalg.norm(aims, axis=-1), axis=0)[:, None]
        if len(children) == 1:
            turn = matrix_from_quaternion(shortest_arc(turn @ rest[0], aims[:, 0])) @ turn
        elif children:
            turn = _fitted(turn, rest, aims)
        if joint == 0:
            # Hips are placed first and the pelvis follows, so that the legs reach the floor.
            hips = [below.index(hip) for hip in _HIPS]
            joints[:, 0] = points[:, _HIPS].mean(axis=1) - turn @ rest[hips].mean(axis=0)
        rotations[:, joint] = turn
        joints[:, below] = joints[:, joint, None] + np.einsum("tij,cj->tci", turn, rest)
    local = transposed(rotations[:, SMPL.parents[1:]]) @ rotations[:, 1:]
    return Motion(joints.astype(np.float32), local.astype(np.float32), rotations[:, 0].astype(np.float32), FPS)


def _fitted(turn: np.ndarray, rest: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Rotations (T, 3, 3) that best align ``rest`` (C, 3) with ``current`` (T, C, 3), pulled slightly to ``turn``."""
    spread = np.einsum("tci,cj->tij", current, rest) + 1e-3 * float((rest**2).sum()) * turn
    u, _, vt = np.linalg.svd(spread)
    sign = np.linalg.det(u @ vt)
    u[..., -1] *= sign[:, None]
    return u @ vt
