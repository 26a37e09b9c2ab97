"""Made couples whose truth is known: they step, stand and hold each other's hands."""

from __future__ import annotations

import numpy as np

from model_core.kinematics.limbs import ARMS, LEGS, Limb, two_bone_ik
from model_core.kinematics.pose import PoseBatch
from model_core.motion import FPS, PosedSkeleton
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import about_y, matrix_from_axis_angle

TOES = (10, 11)


def standing(place: np.ndarray, facing: np.ndarray) -> PoseBatch:
    """One person upright with hanging arms: pelvis over ``place`` (T, 2) x z, facing angles (T,)."""
    frames = len(place)
    offsets = SMPL_REST_OFFSETS[None].copy()
    local = np.broadcast_to(np.eye(3), (1, frames, 22, 3, 3)).copy()
    local[0, :, 0] = about_y(facing)
    for shoulder, side in ((16, -1), (17, 1)):
        local[0, :, shoulder] = matrix_from_axis_angle(np.array([0.0, 0.0, side * 1.3]))
    for elbow, side in ((18, -1), (19, 1)):
        local[0, :, elbow] = matrix_from_axis_angle(np.array([0.0, side * 0.4, 0.0]))
    translation = np.stack((place[:, 0], np.full(frames, 0.91), place[:, 1]), -1)[None]
    return PoseBatch(offsets, local, translation, FPS)


def limb_to(pose: PoseBatch, limb: Limb, target: np.ndarray) -> PoseBatch:
    """The pose with the end of a limb at ``target`` (T, 3); a hand continues its forearm."""
    joints, rotations = pose.world()
    upper, lower = two_bone_ik(limb, pose.offsets, joints, rotations, target[None])
    rotations[:, :, limb.upper], rotations[:, :, limb.hinge] = upper, lower
    if limb in ARMS:
        rotations[:, :, limb.end] = lower
    return pose.with_world_rotations(rotations)


def stepping(seed: int, frames: int, origin: tuple[float, float], facing: float) -> PoseBatch:
    """A person who shifts from foot to foot, and sets each foot somewhere else when it is free."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames) / FPS
    phase = np.floor(time / 0.5 + 0.5 * (seed % 2))
    within = (time / 0.5 + 0.5 * (seed % 2)) % 1
    turn = about_y(np.array(facing))
    spots = {side: rng.uniform(-0.12, 0.12, (int(phase[-1]) + 3, 2)) for side in (0, 1)}
    sway = 0.05 * np.stack((np.sin(np.pi * time / 0.5), 0.5 * np.cos(np.pi * time / 1.1)), -1)
    place = (np.insert(sway, 1, 0, axis=1) @ turn.T)[:, ::2] + np.array(origin)
    pose = standing(place, np.full(frames, facing))
    for side, leg in enumerate(LEGS):
        share = np.where(phase % 2 == side, np.clip((within - 0.1) / 0.8, 0, 1), 0.0)
        share = share * share * (3 - 2 * share)
        # A foot keeps the spot of its last step until its next one is done.
        step = ((phase + 1 - side) // 2).astype(int)
        start, stop = spots[side][step], spots[side][step + 1]
        moving = (phase % 2 == side)[:, None]
        spot = np.where(moving, start + share[:, None] * (stop - start), spots[side][step])
        rise = 0.075 + 0.09 * np.sin(np.pi * share) ** 2
        ankle = np.stack((spot[:, 0] + (0.1 if side == 0 else -0.1), rise, spot[:, 1] - 0.03), -1) @ turn.T
        pose = limb_to(pose, leg, ankle + np.array([origin[0], 0.0, origin[1]]))
        rotations = pose.world()[1]
        rotations[:, :, (leg.end, TOES[side])] = turn
        pose = pose.with_world_rotations(rotations)
    return pose


def person(pose: PoseBatch) -> PosedSkeleton:
    return pose.skeletons()[0]


def couple_holding_hands(frames: int = 210) -> list[PosedSkeleton]:
    """Two who step in front of each other and hold each other's hands."""
    poses = [stepping(1, frames, (0.0, -0.35), 0.0), stepping(2, frames, (0.0, 0.35), np.pi)]
    meeting = np.stack((0.05 * np.sin(np.arange(frames) / 9), 1.05 + 0.05 * np.cos(np.arange(frames) / 13)), -1)
    for side in (0, 1):
        spot = np.stack((meeting[:, 0] + (0.25 if side == 0 else -0.25), meeting[:, 1], 0 * meeting[:, 0]), -1)
        poses[0] = limb_to(poses[0], ARMS[side], spot - np.array([0, 0, 0.04]))
        poses[1] = limb_to(poses[1], ARMS[1 - side], spot + np.array([0, 0, 0.04]))
    return [person(pose) for pose in poses]
