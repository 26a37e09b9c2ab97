"""The base motion of a body: root, joint rotations and foot targets, with blending and leg IK."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...kinematics.filters import upper_envelope
from ...motion.rotations import quaternion_conjugate, quaternion_multiply
from ...motion.skeleton import SMPL
from .bending import two_bone_ik
from .body import TOE_HEIGHT, UP, BodyShape, J, PosedBody, rotate_vectors, yaw_quaternion

FEET = (("L_Hip", "L_Knee", "L_Ankle", "L_Foot"), ("R_Hip", "R_Knee", "R_Ankle", "R_Foot"))
_REACH = 0.997
"""Fraction of its length to which a leg extends when the foot carries weight."""


@dataclass(frozen=True)
class Track:
    """One person's base motion.

    Attributes:
        turns: (T, 22, 4) quaternions, the root's in the world first, then local ones.
        root: (T, 3) metres.
        toes: (T, 2, 3) targets of the toe joints, left and right, metres.
        feet: (T, 2, 4) orientations of the feet in the world.
    """

    turns: np.ndarray
    root: np.ndarray
    toes: np.ndarray
    feet: np.ndarray

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.root)

    def at(self, frames: np.ndarray) -> Track:
        """The track sampled at fractional frames (T,), clamped at its ends."""
        frames = np.clip(frames, 0, len(self) - 1)
        low = np.minimum(frames.astype(int), max(len(self) - 2, 0))
        high = np.minimum(low + 1, len(self) - 1)
        share = frames - low
        return Track(
            nlerp(self.turns[low], self.turns[high], share[:, None]),
            _lerp(self.root[low], self.root[high], share[:, None]),
            _lerp(self.toes[low], self.toes[high], share[:, None, None]),
            nlerp(self.feet[low], self.feet[high], share[:, None]),
        )

    def first(self, frames: int) -> Track:
        """The first ``frames`` frames."""
        return Track(self.turns[:frames], self.root[:frames], self.toes[:frames], self.feet[:frames])

    def placed(self, yaw: np.ndarray | float, shift: np.ndarray) -> Track:
        """The track turned about the vertical through the origin by ``yaw``, then shifted by ``shift`` (3,) metres."""
        turn = yaw_quaternion(np.broadcast_to(np.asarray(yaw, dtype=np.float64), (len(self),)))
        turns = self.turns.copy()
        turns[:, 0] = quaternion_multiply(turn, turns[:, 0])
        pair = np.repeat(turn[:, None], 2, axis=1)
        return Track(
            turns,
            rotate_vectors(turn, self.root) + shift,
            rotate_vectors(pair, self.toes) + shift,
            quaternion_multiply(pair, self.feet),
        )


def reflected(track: Track) -> Track:
    """The track's mirror image at the plane X = 0."""
    flip, turn = np.array([-1.0, 1.0, 1.0]), np.array([1.0, 1.0, -1.0, -1.0])
    return Track(
        track.turns[:, list(SMPL.mirror)] * turn,
        track.root * flip,
        track.toes[:, ::-1] * flip,
        track.feet[:, ::-1] * turn,
    )


def _lerp(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    return first + share * (second - first)


def nlerp(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Normalised linear interpolation of quaternions (..., 4) by ``share`` (...); fast, for small angles."""
    dot = (first * second).sum(-1, keepdims=True)
    share = np.broadcast_to(share, first.shape[:-1])[..., None]
    result = first * (1 - share) + np.where(dot < 0, -second, second) * share
    return result / np.linalg.norm(result, axis=-1, keepdims=True)


def on_feet(track: Track, body: BodyShape) -> PosedBody:
    """The pose with both feet at the track's targets, and the pelvis lowered where legs are too short."""
    posed = PosedBody(body, track.turns.copy(), track.root.copy())
    toes, ankles = track.toes.copy(), np.empty_like(track.toes)
    for side, (_, _, ankle, toe) in enumerate(FEET):
        del ankle
        along = rotate_vectors(track.feet[:, side], body.offsets[J[toe]])
        flat = TOE_HEIGHT - body.offsets[J[toe]][1]
        # A foot that points up stands on its heel: the ankle never sinks under a flat foot's height by more.
        low = np.maximum(0.97 * flat - (toes[:, side, 1] - along[:, 1]), 0.0)
        low = np.maximum(low, TOE_HEIGHT - toes[:, side, 1])
        toes[:, side, 1] += low
        ankles[:, side] = toes[:, side] - along
    posed.root[:, 1] -= _drop(posed, body, ankles, toes)
    joints, turns = posed.world()
    for side, (hip, knee, ankle, toe) in enumerate(FEET):
        upper, lower = two_bone_ik(
            turns[:, J[hip]],
            turns[:, J[knee]],
            body.offsets[J[knee]],
            body.offsets[J[ankle]],
            ankles[:, side] - joints[:, J[hip]],
            np.array([0.0, 0.0, 1.0]),
        )
        posed.turns[:, J[hip]] = quaternion_multiply(quaternion_conjugate(turns[:, 0]), upper)
        posed.turns[:, J[knee]] = quaternion_multiply(quaternion_conjugate(upper), lower)
        posed.turns[:, J[ankle]] = quaternion_multiply(quaternion_conjugate(lower), track.feet[:, side])
        posed.turns[:, J[toe], 0], posed.turns[:, J[toe], 1:] = 1.0, 0.0
    return posed


def _drop(posed: PosedBody, body: BodyShape, ankles: np.ndarray, toes: np.ndarray) -> np.ndarray:
    """(T,) metres by which the pelvis is lowered so that both legs reach their targets."""
    needed = np.zeros(len(posed.root))
    for side, (hip, _, _, _) in enumerate(FEET):
        place = posed.root + rotate_vectors(posed.turns[:, 0], body.offsets[J[hip]])
        way = ankles[:, side] - place
        level = way[:, 0] ** 2 + way[:, 2] ** 2
        short = -way[:, 1] - np.sqrt(np.maximum((_REACH * body.leg) ** 2 - level, 0.01))
        # A foot in the air need not be reached as exactly as one that stands.
        needed = np.maximum(needed, short * np.clip(1.0 - (toes[:, side, 1] - 0.03) / 0.05, 0.0, 1.0))
    return upper_envelope(needed, 4)


def vertical(length: np.ndarray) -> np.ndarray:
    """(T, 3) vectors of given lengths (T,) along the vertical."""
    return length[:, None] * UP
