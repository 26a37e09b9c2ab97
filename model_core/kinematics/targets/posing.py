"""Poses are blended in and out without a pop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...constraints import Targets
from ...motion.canonical import facing
from ...motion.rotations import about_y, axis_angle_from_matrix, matrix_from_axis_angle, transposed
from ...motion.runs import runs
from ..contacts import speeds
from ..filters import smoothstep
from ..pose import PoseBatch
from .spread import PEAK_SPEED, WISH, spread

_SHORTEST, _LONGEST = 4.0, 10.0
"""Length in frames of the spread of a pose."""
_LEAST_SHARE = 0.3
"""Share of a person's fastest ordinary speed that a pose may always add to the speed of joints."""
_OTHER_POSE = np.radians(40.0)
"""Radians of difference between a joint and its target from which the target counts as another pose."""
_HEIGHT = 6.0
"""Length in frames of the spread of changes of the pelvis' height."""


def blend_in_poses(pose: PoseBatch, targets: Targets, kept: np.ndarray) -> PoseBatch:
    """The people with the rotations of poses and pins, blended over the surrounding frames; kept frames (P, T) stay."""
    people = len(pose.local)
    weight, world = _target_rotations(pose, targets)
    if not weight.any():
        return pose
    wanted = _wanted_local(pose, world, weight)
    local = pose.local.copy()
    for person in range(people):
        for first, stop in runs((weight[person] > 0).any(axis=0)):
            local[person] = _blended(
                pose, local[person], person, wanted[person], weight[person], slice(first, stop), kept[person]
            )
    return replace(pose, local=local)


def _blended(
    pose: PoseBatch,
    local: np.ndarray,
    person: int,
    wanted: np.ndarray,
    weight: np.ndarray,
    frames: slice,
    kept: np.ndarray,
) -> np.ndarray:
    """Local rotations (T, 22, 3, 3) with the poses of a run of frames, blended in before and out after them.

    Towards a different pose the surrounding frames go part of the way: interpolated joints are between two poses, so no
    knee or elbow bends the wrong way. Small changes are added to the surrounding motion instead, so a pose that the
    person has already changes nothing.

    Args:
        pose: all people, before.
        local: of the person, with the poses of earlier runs.
        person: index.
        wanted: (22, T, 3, 3) local rotations where they have a weight.
        weight: (22, T).
        frames: the run.
        kept: (T,) frames in which the person stays.
    """
    count = weight.shape[1]
    inside = np.zeros(count, dtype=bool)
    inside[frames] = True
    chosen = np.flatnonzero((weight[:, frames] > 0).any(axis=1))
    asked = weight[chosen] > 0
    turn = axis_angle_from_matrix(transposed(np.swapaxes(local, 0, 1)[chosen]) @ wanted[chosen])
    turn = np.where((asked & inside)[..., None], turn, 0.0)
    if not np.abs(turn).max() > 1e-7:
        return local
    length = _length(pose, person, chosen, turn, frames)
    # Frames of other poses are fixed to no change.
    value = np.where(inside, weight[chosen], 0.0)
    share = spread(value[..., None], (weight[chosen] >= 1) | kept, WISH * value, length)
    result = local.copy()
    nearest = np.clip(np.arange(count), frames.start, frames.stop - 1)
    for number, joint in enumerate(chosen):
        bound = np.flatnonzero(asked[number] & inside)
        source = np.clip(nearest, bound[0], bound[-1])
        way = axis_angle_from_matrix(transposed(local[:, joint]) @ wanted[joint, source])
        make_continuous(way, np.ones(count))
        change = turn[number, source]
        other = smoothstep(np.linalg.norm(change, axis=-1, keepdims=True) / _OTHER_POSE)
        result[:, joint] = local[:, joint] @ matrix_from_axis_angle(share[number] * (change + other * (way - change)))
    return result


def height_changes(
    pose: PoseBatch, before: np.ndarray, targets: Targets, kept: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Changes (P, T) of the height of pelvises in metres, and how firm they are (P, T), 0 to 1.

    A pin or a pose in place gives the pelvis a height. In a pose wherever the person stands, the lowest joint is as
    high as the lowest joint was in ``before`` (P, T, 22, 3).
    """
    people, frames = pose.translation.shape[:2]
    weight = targets.joint_weight[:people, :, 0].copy()
    wanted = targets.joints[:people, :, 0, 1] - pose.translation[..., 1]
    feet = targets.shape_weight[:people][..., [7, 8, 10, 11]].min(-1)
    if feet.any():
        standing = before[..., 1].min(-1) - targets.shape[:people, ..., 1].min(-1) - pose.translation[..., 1]
        wanted = np.where(weight > 0, wanted, standing)
        weight = np.where(weight > 0, weight, feet)
    change = np.where(weight > 0, weight * wanted, 0.0)[..., None]
    if not (weight.any() or kept.any()):
        return np.zeros((people, frames)), np.zeros((people, frames))
    fixed = (weight >= 1) | kept
    heights = spread(change, fixed, WISH * weight, _HEIGHT)[..., 0]
    firm = spread(np.where((weight > 0) | kept, 1.0, 0.0)[..., None], fixed, WISH * weight, _HEIGHT)[..., 0]
    return heights, np.clip(firm, 0.0, 1.0)


def _target_rotations(pose: PoseBatch, targets: Targets) -> tuple[np.ndarray, np.ndarray]:
    """Weights (P, 22, T) and orientations in the world (P, T, 22, 3, 3) of all joints that a pose or a pin turns."""
    people = len(pose.local)
    weight = targets.rotation_weight[:people].copy()
    world = targets.rotations[:people].copy()
    shaped = targets.shape_weight[:people]
    if shaped.any():
        turn = about_y(facing(pose.world()[0]))[:, :, None]
        other = turn @ targets.shape_rotations[:people]
        chosen = (shaped > 0) & (weight == 0)
        world = np.where(chosen[..., None, None], other, world)
        weight = np.where(chosen, shaped, weight)
    return np.moveaxis(weight, 1, 2), world


def _wanted_local(pose: PoseBatch, world: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(P, 22, T, 3, 3) local rotations that bring joints to orientations in the world (P, T, 22, 3, 3).

    Only where they count (P, 22, T); elsewhere they are those of the pose.
    """
    local = np.moveaxis(pose.local, 2, 1).copy()
    reached = np.empty_like(local)
    for joint, parent in enumerate(pose.skeleton.parents):
        above = reached[:, parent] if parent >= 0 else np.eye(3)
        counts = (weight[:, joint] > 0)[..., None, None]
        local[:, joint] = np.where(counts, transposed(above) @ world[:, :, joint], local[:, joint])
        reached[:, joint] = above @ local[:, joint]
    return local


def make_continuous(turns: np.ndarray, share: np.ndarray) -> None:
    """Let rotation vectors (T, 3) of adjacent frames go the same way round, in place, where shares (T,) are 1."""
    for frame in range(1, len(turns)):
        if share[frame] < 1 or share[frame - 1] < 1:
            continue
        angle = float(np.linalg.norm(turns[frame]))
        if angle > 2.0:
            other = turns[frame] * (1 - 2 * np.pi / angle)
            if np.linalg.norm(other - turns[frame - 1]) < np.linalg.norm(turns[frame] - turns[frame - 1]):
                turns[frame] = other


def _length(pose: PoseBatch, person: int, chosen: np.ndarray, turn: np.ndarray, frames: slice) -> float:
    """Length of the spread of a pose, so that joints stay about as fast as the person otherwise is.

    Args:
        pose: before.
        person: index.
        chosen: (N,) joints that turn.
        turn: (N, T, 3) axis times angle.
        frames: of the pose.
    """
    local, translation = pose.local[[person]], pose.translation[[person]]
    one = PoseBatch(pose.offsets[[person]], local[:, frames], translation[:, frames], pose.fps)
    changed = one.local.copy()
    changed[0][:, chosen] = changed[0][:, chosen] @ matrix_from_axis_angle(np.swapaxes(turn[:, frames], 0, 1))
    distance = float(np.linalg.norm(replace(one, local=changed).world()[0] - one.world()[0], axis=-1).max())
    whole = speeds(PoseBatch(pose.offsets[[person]], local, translation, pose.fps).world()[0], pose.fps)[0]
    ordinary = float(np.percentile(whole, 99))
    around = slice(max(frames.start - round(_LONGEST), 0), frames.stop + round(_LONGEST))
    left = max(ordinary - float(np.percentile(whole[around].max(-1), 75)), _LEAST_SHARE * ordinary, 1e-3)
    return float(np.clip(PEAK_SPEED * distance * pose.fps / left, _SHORTEST, _LONGEST))
