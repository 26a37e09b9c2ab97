"""Retargeting between SMPL's T-pose and any other rest pose: from a motion to a rig's bones and back.

Each SMPL joint is a landmark fixed to a bone of the rig. In the rest pose the landmark's frame is SMPL's T-pose, with
its bones rotated by the smallest angle into the rig's, so arms of A-pose and T-pose rigs point where the motion's do.
Feet are rotated about the vertical only: soles that are flat at rest are flat where the motion's are, whatever the
ankle's height.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..motion.forward_kinematics import forward_kinematics, global_rotations
from ..motion.landmarks import Landmarks, landmarks_of, reference_pose
from ..motion.posed import PosedSkeleton
from ..motion.rest import SMPL_REST_OFFSETS
from ..motion.rotations import about_y, matrix_from_quaternion, normalized, rotate, shortest_arc, transposed
from ..motion.skeleton import SMPL
from ..motion.types import FPS, Motion
from ..recognition import Humanoid
from .pose import local_rotations

_DIRECTIONS = normalized(SMPL_REST_OFFSETS)
_SPINE = tuple(SMPL.index(name) for name in ("Spine1", "Spine2", "Spine3"))
_HIPS = (SMPL.index("L_Hip"), SMPL.index("R_Hip"))
_FEET = tuple((SMPL.index(side + "_Ankle"), SMPL.index(side + "_Foot")) for side in "LR")
_FOOT_LENGTHS = (0.6, 1.6)
"""Limits, as fractions of a rig's own foot, for the length of a foot of SMPL's slope that reaches as low."""
_HIGHEST_SOLE = 0.1
"""Fraction of the hips' height that the lowest joint may lie above a rig's floor; more than that is no sole."""


@dataclass(frozen=True)
class RigRest:
    """A rig's rest pose, measured with SMPL's joints. Metres; any axes, but the same for all of it.

    Attributes:
        rotations: (N, 3, 3) the bones' orientations at rest.
        landmarks: SMPL's joints fixed to the bones.
        body: (3, 3) turns SMPL's T-pose into the rig's.
        drives: SMPL joint to the bone that takes its rotation, for all joints that have one.
        hips: (3,) from the pelvis to the middle of the hips, in SMPL's axes.
        hip_height: height of the hips above the lowest joint.
        sole: height of the lowest joint above the rest pose's floor.
        foot_drops: heights of the left and right ankle above their toes.
    """

    rotations: np.ndarray
    landmarks: Landmarks
    body: np.ndarray
    drives: dict[int, int]
    hips: np.ndarray
    hip_height: float
    sole: float
    foot_drops: tuple[float, float]

    def starts_at_joint(self, joint: int) -> bool:
        """Whether a joint's bone begins where the joint is, so that their directions can be compared."""
        return bool(self.landmarks.owners[joint] == self.drives[joint])

    def turn(self, joint: int, bone: int) -> np.ndarray:
        """(3, 3) a joint's orientation in the frame of a bone that rotates with it."""
        if self.landmarks.owners[joint] == bone:
            return np.asarray(self.landmarks.turns[joint])
        # The joint does not lie where the bone begins, as with collars.
        return np.asarray(self.rotations[bone].T @ self.body)


def fit_rest(
    humanoid: Humanoid,
    rotations: np.ndarray,
    positions: np.ndarray,
    ends: np.ndarray,
    floor: np.ndarray,
    frames: tuple[np.ndarray, np.ndarray] | None = None,
) -> RigRest:
    """Measure a rest pose, or the straightest frame of a motion where the rest pose is no standing person.

    Args:
        humanoid: which bones are a person's.
        rotations: (N, 3, 3) the bones' orientations at rest.
        positions: (N, 3) where the bones begin.
        ends: (N, 3) where they end, in their own frames.
        floor: (3,) a point of the floor that the rest pose stands on.
        frames: orientations (T, N, 3, 3) and positions (T, N, 3) of a motion, in the world; None measures the rest
            pose, whatever it is.
    """
    reference = reference_pose(humanoid, (rotations, positions), frames)
    at_rest = reference.rotations is rotations
    rotations, positions = reference.rotations, reference.positions
    landmarks = landmarks_of(humanoid, reference, ends)
    if at_rest:
        # Soles lie flat in a rest pose; in a frame of a motion they may not.
        landmarks = _on_flat_soles(landmarks, rotations, positions, reference.body)
    landmarks = _with_pelvis_between_hips(landmarks, rotations, positions, reference.body)
    points = positions[landmarks.owners] + rotate(rotations[landmarks.owners], landmarks.places)
    heights = points @ reference.body[:, 1]
    hips = _hip_offsets(points[list(_HIPS)]).mean(0)
    hip_height = float(heights[list(_HIPS)].mean() - heights.min())
    sole = float(heights.min() - floor @ reference.body[:, 1])
    usable = 0.0 < sole < _HIGHEST_SOLE * hip_height
    drives = {SMPL.index(name): bone for name, bone in humanoid.joints.items()}
    for bone in humanoid.spine:
        # A bone for several of the spine's joints rotates like the highest: the arms hang from it.
        owned = [joint for joint in _SPINE if landmarks.owners[joint] == bone]
        if owned and bone not in drives.values():
            drives[owned[-1]] = bone
    left, right = (float(heights[ankle] - heights[toe]) for ankle, toe in _FEET)
    sole = sole if usable else 0.0
    return RigRest(rotations, landmarks, reference.body, drives, hips, hip_height, sole, (left, right))


def _on_flat_soles(landmarks: Landmarks, rotations: np.ndarray, positions: np.ndarray, body: np.ndarray) -> Landmarks:
    """The landmarks with feet turned from SMPL's T-pose about the body's vertical axis alone.

    Args:
        landmarks: with feet turned by the smallest amount, their slope included.
        rotations: (N, 3, 3) the bones' orientations at rest.
        positions: (N, 3) where they begin.
        body: (3, 3) turns SMPL's T-pose into the rig's.
    """
    turns = landmarks.turns.copy()
    points = positions[landmarks.owners] + rotate(rotations[landmarks.owners], landmarks.places)
    for ankle, toe in _FEET:
        along, usual = (points[toe] - points[ankle]) @ body, _DIRECTIONS[toe]
        sine, cosine = along[0] * usual[2] - along[2] * usual[0], along[0] * usual[0] + along[2] * usual[2]
        flat = body @ about_y(np.asarray(np.arctan2(sine, cosine)))
        for joint in (ankle, toe):
            turns[joint] = rotations[landmarks.owners[joint]].T @ flat
    return replace(landmarks, turns=turns)


def _with_pelvis_between_hips(
    landmarks: Landmarks, rotations: np.ndarray, positions: np.ndarray, body: np.ndarray
) -> Landmarks:
    """The landmarks with the pelvis where SMPL's T-pose has it from the hips; arguments as before."""
    owners, places = landmarks.owners, landmarks.places.copy()
    hips = positions[owners[list(_HIPS)]] + rotate(rotations[owners[list(_HIPS)]], places[list(_HIPS)])
    pelvis = hips.mean(0) - body @ _hip_offsets(hips).mean(0)
    places[0] = rotations[owners[0]].T @ (pelvis - positions[owners[0]])
    return replace(landmarks, places=places)


def _hip_offsets(hips: np.ndarray) -> np.ndarray:
    """(2, 3) offsets of hips in SMPL's directions that are as far apart as these (..., 2, 3)."""
    distance = float(np.median(np.linalg.norm(hips[..., 0, :] - hips[..., 1, :], axis=-1)))
    directions = _DIRECTIONS[list(_HIPS)]
    return directions * distance / float(np.linalg.norm(directions[0] - directions[1]))


def person_hip_height(offsets: np.ndarray) -> float:
    """Height of a person's hips over the lowest joint in the T-pose, from the offsets (J, 3)."""
    heights = np.zeros(len(SMPL))
    for joint in range(1, len(SMPL)):
        heights[joint] = heights[SMPL.parents[joint]] + offsets[joint, 1]
    return float(heights[list(_HIPS)].mean() - heights.min())


@dataclass(frozen=True)
class RootMotionScale:
    """Scale of root motion from a person to a rig, and the floor under the feet.

    Attributes:
        across: scale of level root motion, about the world's origin.
        upward: scale of heights above the floor.
        floor: height of the floor in the motion, metres.
        sole: how much higher the lowest joints are on the rig.
    """

    across: float
    upward: float
    floor: float = 0.0
    sole: float = 0.0

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the person's world, scaled to the rig's."""
        result = points * self.across
        result[..., 1] = self.floor + (points[..., 1] - self.floor) * self.upward + self.sole
        return result


def pelvis_path(posed: PosedSkeleton, rest: RigRest, scale: RootMotionScale) -> np.ndarray:
    """(T, 3) path of a rig's pelvis: its hips are as high as the person's, scaled, with bent legs too."""
    pelvis = matrix_from_quaternion(posed.rotations[:, 0])
    result = scale.apply(posed.translation)
    hips = posed.translation + pelvis @ posed.offsets[list(_HIPS)].mean(0)
    result[:, 1] = scale.apply(hips)[:, 1] - (pelvis @ rest.hips)[:, 1]
    return result


def bone_rotations(posed: PosedSkeleton, rest: RigRest) -> dict[int, np.ndarray]:
    """Rotation of each driven bone from its rest, in the world: bone index to rotations (T, 3, 3).

    A bone's orientation in the world is this rotation times its orientation at rest.
    """
    world_rotations = global_rotations(matrix_from_quaternion(posed.rotations[:, : len(SMPL)]), SMPL)
    result = {}
    for joint, bone in rest.drives.items():
        below = SMPL.children[joint]
        swing = np.eye(3)
        if rest.starts_at_joint(joint) and len(below) == 1 and np.linalg.norm(posed.offsets[below[0]]) > 1e-6:
            # A person's bones may point slightly differently in the T-pose than SMPL's.
            swing = matrix_from_quaternion(shortest_arc(_DIRECTIONS[below[0]], posed.offsets[below[0]]))
        result[bone] = world_rotations[:, joint] @ swing @ transposed(rest.rotations[bone] @ rest.turn(joint, bone))
    return result


def motion_of_bones(rest: RigRest, rotations: np.ndarray, positions: np.ndarray) -> Motion:
    """The motion of a rig on SMPL's joints, at 30 frames per second: the inverse of ``bone_rotations``.

    Joints rotate like the rig's bones, bones have their lengths, and hips are where the rig's are. Where the directions
    between joints differ from SMPL's, as with collars, hands and heads are off by that difference.

    Args:
        rest: of the rig, in metres as the positions are.
        rotations: (T, N, 3, 3) the bones' orientations in the world, Y up.
        positions: (T, N, 3) where they begin, metres.
    """
    points = landmark_points(rest, rotations, positions)
    world_rotations = np.empty((*points.shape, 3))
    for joint in range(len(SMPL)):
        bone = rest.drives.get(joint, int(rest.landmarks.owners[joint]))
        world_rotations[:, joint] = rotations[:, bone] @ rest.turn(joint, bone)
    parents = list(SMPL.parents[1:])
    lengths = np.median(np.linalg.norm(points[:, 1:] - points[:, parents], axis=-1), axis=0)
    offsets = np.zeros((len(SMPL), 3))
    offsets[1:] = _DIRECTIONS[1:] * lengths[:, None]
    for (_, toe), length in zip(_FEET, _foot_lengths(rest, lengths), strict=True):
        offsets[toe] = _DIRECTIONS[toe] * length
    # Hips are placed first and the pelvis follows, so that the legs reach the floor.
    offsets[list(_HIPS)] = _hip_offsets(points[:, _HIPS])
    pelvis = points[:, _HIPS].mean(axis=1) - world_rotations[:, 0] @ offsets[list(_HIPS)].mean(axis=0)
    local = local_rotations(world_rotations, SMPL)
    joints = forward_kinematics(local, pelvis, offsets, SMPL)
    joints, local = joints.astype(np.float32), local.astype(np.float32)
    return Motion(joints, local[:, 1:], local[:, 0], FPS)


def landmark_points(rest: RigRest, rotations: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """(T, 22, 3) actual positions of SMPL's joints on a rig; arguments as for ``motion_of_bones``."""
    owners = rest.landmarks.owners
    return positions[:, owners] + rotate(rotations[:, owners], rest.landmarks.places)


def _foot_lengths(rest: RigRest, lengths: np.ndarray) -> list[float]:
    """Lengths of feet of SMPL's slope whose toes are as far below their ankles as the rig's are at rest."""
    result = []
    for (_, toe), drop in zip(_FEET, rest.foot_drops, strict=True):
        low, high = (fraction * float(lengths[toe - 1]) for fraction in _FOOT_LENGTHS)
        result.append(min(max(drop / float(-_DIRECTIONS[toe, 1]), low), high))
    return result
