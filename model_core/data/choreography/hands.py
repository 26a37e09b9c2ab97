"""Moves hands to targets with trunk, arm and wrist: on the partner, between both people, or near the own body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...kinematics.filters import hann_smoothed
from ...motion.places import PALM
from ...motion.rotations import (
    normalized,
    quaternion_conjugate,
    quaternion_from_axis_angle,
    quaternion_multiply,
    slerp,
)
from .bending import hand_orientation, shared_twist, soft_limited, two_bone_ik
from .body import J, PosedBody, heading, rotate_vectors, yaw_quaternion
from .curves import ramp

ARMS = (("L_Collar", "L_Shoulder", "L_Elbow", "L_Wrist"), ("R_Collar", "R_Shoulder", "R_Elbow", "R_Wrist"))
_EASY_REACH = 0.94
"""Fraction of the arm's length beyond which the trunk helps."""
_LARGEST_LEAN = 0.75
"""Radians."""
_WRIST_LIMIT = 1.25
"""Largest bend of a wrist in radians, as a soft limit."""
_FOREARM_TWIST = 0.65
"""Fraction of a hand's twist that the forearm takes over."""


@dataclass(frozen=True)
class World:
    """The current solution of both people: joints (T, 22, 3), orientations (T, 22, 4) and sizes."""

    joints: tuple[np.ndarray, np.ndarray]
    turns: tuple[np.ndarray, np.ndarray]
    sizes: tuple[float, float]


Goal = Callable[[World], np.ndarray]
"""Returns the target path (T, 3) of a palm."""


@dataclass(frozen=True)
class Reach:
    """A hand moves to a place, follows it, and returns. Times in seconds.

    Attributes:
        side: 0 left, 1 right.
        start, stop: the hand is there.
        goal: where.
        approach, release: seconds of the movements there and back.
        fingers, palm: directions in the frame of the own body (x left, y up, z forward), or None for those that
            come of themselves: fingers towards the goal, palm down.
        elbow: direction in the same frame in which the elbow stands out.
        elbow_share: how strictly.
        bow: metres by which the way there bends, in the same frame.
        lean: fraction of the missing reach that the trunk provides.
    """

    side: int
    start: float
    stop: float
    goal: Goal
    approach: float = 0.6
    release: float = 0.6
    fingers: tuple[float, float, float] | None = None
    palm: tuple[float, float, float] = (0.0, -1.0, 0.0)
    elbow: tuple[float, float, float] | None = None
    elbow_share: float = 0.6
    bow: tuple[float, float, float] = (0.0, 0.0, 0.0)
    lean: float = 1.0


def fixed_place(place: np.ndarray) -> Goal:
    """A place (3,) in the world as a goal."""
    return lambda world: np.broadcast_to(place, (len(world.joints[0]), 3))


@dataclass
class Reaches:
    """All reaches of one person, with weights over time."""

    times: np.ndarray
    items: list[Reach] = field(default_factory=list)

    def weights(self, side: int) -> list[tuple[Reach, np.ndarray]]:
        """One hand's reaches in order with their weights (T,); where two overlap, the first blends into the next."""
        chosen = sorted((item for item in self.items if item.side == side), key=lambda item: item.start)
        result = []
        for number, item in enumerate(chosen):
            rise, fall = item.start - item.approach, item.stop + item.release
            if number:
                before = chosen[number - 1]
                if before.stop + before.release > rise:
                    rise = before.stop
            if number + 1 < len(chosen):
                after = chosen[number + 1]
                if after.start - after.approach < fall:
                    fall = after.start
            share = ramp(self.times, rise, item.start) * (1 - ramp(self.times, item.stop, max(fall, item.stop + 0.05)))
            result.append((item, share))
        return result


def solve_reaches(base: PosedBody, reaches: Sequence[Reaches], person: int, world: World) -> PosedBody:
    """Solve a person's hands for their targets, for a given motion of the partner.

    Args:
        base: the person's motion without reaches.
        reaches: of both people.
        person: which of them this is.
        world: both people as solved so far.
    """
    own = reaches[person]
    if not own.items:
        return base
    posed = base.copy()
    joints, turns = base.world()
    frames = len(base.root)
    facing = yaw_quaternion(heading(turns[:, J["Spine3"]]))
    goals = [_blended_goal(own, side, joints, turns, facing, base, world) for side in (0, 1)]

    # The trunk first, for both hands at once: three small turns find the way when the arms lie off its axis.
    for _ in range(3):
        joints, turns = posed.world()
        _lean(posed, joints, turns, goals)
    joints, turns = posed.world()
    for side, names in enumerate(ARMS):
        palm, hand, share, elbow, elbow_share, lean = goals[side]
        if not share.any():
            continue
        del lean
        _collar, shoulder, elbow_joint, wrist = (J[name] for name in names)
        offsets = base.body.offsets
        along = np.array([PALM * base.body.size * (1 - 2 * side), 0.0, 0.0])
        own_palm = joints[:, wrist] + rotate_vectors(turns[:, wrist], along)
        # Where no goal holds the hand, it stays where the body carries it.
        place = own_palm + share[:, None] * (palm - own_palm)
        orientation = slerp(turns[:, wrist], hand, share)
        for _ in range(5):
            target = place - rotate_vectors(orientation, along) - joints[:, shoulder]
            upper, lower = two_bone_ik(
                turns[:, shoulder], turns[:, elbow_joint], offsets[elbow_joint], offsets[wrist], target,
                np.array([0.0, 0.0, -1.0]), elbow, elbow_share * share,
            )  # fmt: skip
            forearm, local = shared_twist(lower, orientation, _FOREARM_TWIST)
            forearm = slerp(lower, forearm, share)
            local = slerp(base.turns[:, wrist], soft_limited(local, _WRIST_LIMIT), share)
            orientation = quaternion_multiply(forearm, local)
        above = quaternion_conjugate(turns[:, names_parent(shoulder)])
        posed.turns[:, shoulder] = quaternion_multiply(above, upper)
        posed.turns[:, elbow_joint] = quaternion_multiply(quaternion_conjugate(upper), forearm)
        posed.turns[:, wrist] = local
    del frames
    return posed


def names_parent(shoulder: int) -> int:
    """The collar above a shoulder."""
    return shoulder - 3


_Blended = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _blended_goal(
    own: Reaches, side: int, joints: np.ndarray, turns: np.ndarray, facing: np.ndarray, base: PosedBody, world: World
) -> _Blended:
    """Palm (T, 3), hand orientation (T, 4), share (T,), elbow direction (T, 3), its share (T,), share of lean (T,)."""
    frames = len(joints)
    shoulder, wrist = J[ARMS[side][1]], J[ARMS[side][3]]
    total, palm, hand = np.zeros(frames), np.zeros((frames, 3)), turns[:, wrist]
    elbow, elbow_share, lean = np.zeros((frames, 3)), np.zeros(frames), np.zeros(frames)
    out = 1.0 - 2.0 * side
    for item, share in own.weights(side):
        goal = item.goal(world)
        # Bent on the way there and back, straight when it has arrived.
        goal = goal + (share * (1 - share) * 4)[:, None] * rotate_vectors(facing, np.array(item.bow))
        before = total
        total = np.maximum(np.minimum(before + share, 1.0), 1e-9)
        part = np.clip(share / total, 0.0, 1.0)[:, None]
        palm = palm + part * (goal - palm)
        fingers = goal - joints[:, shoulder] if item.fingers is None else rotate_vectors(facing, np.array(item.fingers))
        hand = slerp(
            hand, hand_orientation(side, normalized(fingers), rotate_vectors(facing, np.array(item.palm))), part[:, 0]
        )
        own_elbow = (0.45 * out, -1.0, -0.25) if item.elbow is None else item.elbow
        elbow = elbow + part * (rotate_vectors(facing, normalized(np.array(own_elbow))) - elbow)
        elbow_share = elbow_share + part[:, 0] * (item.elbow_share - elbow_share)
        lean = lean + part[:, 0] * (item.lean - lean)
    return palm, hand, np.where(total > 1e-8, total, 0.0), elbow, elbow_share, lean


def _lean(posed: PosedBody, joints: np.ndarray, turns: np.ndarray, goals: Sequence[_Blended]) -> None:
    """Turn the spine, in place, until the shoulders are within reach of their targets."""
    pivot = joints[:, J["Spine1"]]
    total = np.zeros_like(pivot)
    for side, names in enumerate(ARMS):
        palm, hand, share, _, _, lean = goals[side]
        if not share.any():
            continue
        along = np.array([PALM * posed.body.size * (1 - 2 * side), 0.0, 0.0])
        way = palm - rotate_vectors(hand, along) - joints[:, J[names[1]]]
        reach = np.linalg.norm(way, axis=-1)
        short = np.maximum(reach - _EASY_REACH * posed.body.arm, 0.0) * share * lean
        arm = joints[:, J[names[1]]] - pivot
        missing = way / np.maximum(reach, 1e-6)[:, None] * short[:, None]
        total += np.cross(arm, missing) / (arm * arm).sum(-1, keepdims=True)
    angle = np.linalg.norm(total, axis=-1, keepdims=True)
    total *= _LARGEST_LEAN * np.tanh(angle / _LARGEST_LEAN) / np.maximum(angle, 1e-9)
    if not angle.max() > 1e-4:
        return
    total = hann_smoothed(total.T, 3).T
    third = quaternion_from_axis_angle(total / 3)
    parent = turns[:, 0]
    for name in ("Spine1", "Spine2", "Spine3"):
        joint = J[name]
        world = quaternion_multiply(parent, posed.turns[:, joint])
        turned_world = quaternion_multiply(third, world)
        posed.turns[:, joint] = quaternion_multiply(quaternion_conjugate(parent), turned_world)
        parent = turned_world
