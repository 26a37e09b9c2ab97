"""Locks standing feet to one floor for all people, and bends the legs to reach them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..motion.rotations import cross, normalized, rotate
from .contacts import ANKLES, TOES, Floor, estimated_floor, hysteresis_runs, lock_corrections, speeds, stance_runs
from .filters import hann_smoothed, smoothstep, upper_envelope
from .fitting import rotation_about, swing
from .knees import keep_knee_distances
from .legs import legs_touch, touch_preserving_share, yielding_moves
from .limbs import LEGS, easy_reach, two_bone_ik
from .pose import PoseBatch
from .settings import SolveSettings
from .steps import smoothed_steps

_TOE_ENTERS, _TOE_STAYS = (0.06, 0.4), (0.06, 0.5)
"""Metres over the standing height, and m/s. A toe joint below the first pair begins to stand, and below the second
continues to stand. Faster feet begin a step; locking them would pull them far from their path."""
_SUPPORT_SHARE, _SUPPORT_SPEED = 0.8, 1.6
"""A person who glides stands on the slower foot, up to this speed in m/s, and also on the other one if the slower foot
has this share of its speed: both feet carry weight during the transfer, so the person is never in the air."""
_ANKLE_ENTERS, _ANKLE_STAYS = (0.02, 0.2), (0.05, 0.5)
"""The same for an ankle."""
_OWN_LEVEL = 0.02
"""Metres. Feet up to this far off the common floor are reached by the legs; beyond it the whole person moves."""
_LARGEST_LEVELLING = 0.15
"""Metres by which a person is moved vertically at most, relative to the other."""
_STEP_SPEED = (0.2, 0.6)
"""m/s at which the lift of a travelling foot begins, and at which it is complete."""
_ALOFT = 0.05
"""Metres over the standing height of the feet, above which a person does not touch the floor."""
_GRAVITY = 9.81
"""m/s²."""
_SHORTEST_FLIGHT, _MIN_RISE = 0.3, 0.5
"""Seconds and a fraction. A person who is in the air for longer and rises by less than this fraction of the height of a
jump of that duration hovers."""
_LOWERING_TIME = 0.13
"""Seconds over which the feet of a hovering person are lowered to the floor."""
_SEATED = 0.15
"""m/s of the pelvis: a slower person may sit on a high seat, with hanging feet."""
_DRAWN_UP = (1.5, 0.05)
"""Longest duration in seconds and least sinking of the pelvis in metres of feet that are drawn up: a carried person
rises, and sitting down and standing up takes longer."""
_OTHER_FOOT = 0.25
"""Metres over the lower foot, above which the other foot is not lowered with it."""
_PEEL = 0.6
"""Fraction of its clearance that a foot has in the last frame of a stand and in the first of the next."""
_LARGEST_FOOT_CHANGE = 0.4
"""Fraction of a foot's length by which locking its ends may move them relative to each other."""
_LARGEST_TOE_BEND = 1.0
"""Radians by which toes bend up at most, to lie on the floor under a raised heel."""
_ITERATIONS = 4
"""Iterations in which feet of two people yield to each other."""
_NEAR = (0.13, 0.25)
"""Metres between upper bodies of two people, within which they rise and sink together and one may carry the other."""


@dataclass(frozen=True)
class Footing:
    """Targets for ankles and toes, left then right.

    Attributes:
        ankles: (P, T, 2, 3) targets, metres.
        toes: (P, T, 2, 3) targets.
        toe_stands: (P, T, 2) from 0 to 1: the toe joint carries weight.
        stands: (P, T, 2) from 0 to 1: the toe or the ankle carries weight.
    """

    ankles: np.ndarray
    toes: np.ndarray
    toe_stands: np.ndarray
    stands: np.ndarray

    def moved(self, moves: np.ndarray) -> Footing:
        """The footing with feet moved by (P, T, 2, 3) metres."""
        return replace(self, ankles=self.ankles + moves, toes=self.toes + moves)

    def eased_to(self, joints: np.ndarray, share: np.ndarray) -> Footing:
        """The footing moved from the joints (P, T, 22, 3) towards its targets by a fraction (P, T, 2)."""
        ankles, toes = joints[:, :, ANKLES], joints[:, :, TOES]
        part = share[..., None]
        return Footing(
            ankles + part * (self.ankles - ankles),
            toes + part * (self.toes - toes),
            self.toe_stands * share,
            self.stands * share,
        )


def plant_feet(pose: PoseBatch, settings: SolveSettings) -> PoseBatch:
    """Correct feet that slide, float or sink while they stand; the pelvis is lowered where the legs need it.

    Args:
        pose: one or two people.
        settings: the ``held`` person stays and sets the floor.
    """
    joints, rotations = pose.world()
    floor = estimated_floor(joints, pose.fps)
    shift, floor = _levelling(floor, settings)
    joints = joints + shift[:, None, None, None] * _UP
    pose = replace(pose, translation=pose.translation + shift[:, None, None] * _UP)
    footing = _footing(pose, joints, floor, settings)
    result = _with_planted_legs(pose, joints, rotations, footing, settings)
    if not settings.keep_contacts or len(joints) < 2:
        return result
    touching = legs_touch(joints, pose.fps)
    for _ in range(_ITERATIONS if touching.any() else 0):
        moves = yielding_moves(joints, result.world()[0], touching, footing.stands, settings.held)
        if np.abs(moves).max() < 1e-4:
            break
        footing = footing.moved(moves)
        result = _with_planted_legs(pose, joints, rotations, footing, settings)
    # Corrections that still change a touch are reduced. Where that is not enough, because lowering the pelvis bent the
    # knees, the pelvis is lowered less.
    sinking = np.ones(joints.shape[1])
    for attempt in range(3):
        result = keep_knee_distances(joints, result, settings.held)
        share = touch_preserving_share(joints, result.world()[0], touching)
        if share.min() == 1:
            break
        if attempt:
            sinking = sinking * share.min(axis=(0, 2))
        footing = footing.eased_to(joints, share)
        result = _with_planted_legs(pose, joints, rotations, footing, settings, sinking)
    return keep_knee_distances(joints, result, settings.held)


def _with_planted_legs(
    pose: PoseBatch,
    joints: np.ndarray,
    rotations: np.ndarray,
    footing: Footing,
    settings: SolveSettings,
    sinking: np.ndarray | float = 1.0,
) -> PoseBatch:
    """The pose with legs on their footing and pelvises lowered by a fraction (T,) of what the legs need."""
    drop = sinking * _drop(pose, joints, footing, settings)
    lowered = replace(pose, translation=pose.translation - drop[..., None] * _UP)
    rotated = bend_legs(lowered, joints - drop[..., None, None] * _UP, rotations, footing)
    result = lowered.with_world_rotations(rotated)
    return result if settings.held is None else result.with_person(settings.held, pose)


_UP = np.array([0.0, 1.0, 0.0])


def _levelling(floor: Floor, settings: SolveSettings) -> tuple[np.ndarray, Floor]:
    """How far to move each person up (P,), and the floor after this move."""
    height = floor.height if settings.held is None else float(floor.toes[settings.held])
    off = floor.toes - height
    shift = -np.sign(off) * np.clip(np.abs(off) - _OWN_LEVEL, 0, _LARGEST_LEVELLING)
    if settings.held is None and settings.ground and abs(height) < settings.largest_grounding:
        shift, height = shift - height, 0.0
    return shift, Floor(height, floor.toes + shift, floor.ankles + shift)


def _footing(pose: PoseBatch, joints: np.ndarray, floor: Floor, settings: SolveSettings) -> Footing:
    """Targets for ankles and toes: locked while they stand, lifted a little while they step."""
    blend = max(1, round(settings.foot_blend * pose.fps))
    toes, ankles = joints[:, :, TOES], joints[:, :, ANKLES]
    toe_over = toes[..., 1] - floor.toes[:, None, None]
    ankle_over = ankles[..., 1] - floor.ankles[:, None, None]
    # Feet near the common floor are moved onto it.
    near = 1 - smoothstep((toe_over - 0.05) / 0.2)
    settle = ((floor.height - floor.toes)[:, None, None] * near)[..., None] * _UP
    toes, ankles = toes + settle, ankles + settle
    hover = _hover(pose, joints, floor, settings)[..., None]
    sunk = hover * (1 - smoothstep((toe_over - toe_over.min(-1, keepdims=True)) / _OTHER_FOOT))
    toes, ankles = toes - sunk[..., None] * _UP, ankles - sunk[..., None] * _UP
    toe_over, ankle_over = toe_over - sunk, ankle_over - sunk
    toe_speed, ankle_speed = speeds(toes, pose.fps), speeds(ankles, pose.fps)

    bears = _SUPPORT_SHARE * toe_speed < toe_speed[..., ::-1]
    toe_limit = np.where(bears, _SUPPORT_SPEED, _TOE_ENTERS[1])
    toe_stay = np.maximum(toe_limit, _TOE_STAYS[1])

    toe_fix, toe_weight = np.zeros_like(toes), np.zeros(toes.shape[:-1])
    ankle_fix, ankle_weight = np.zeros_like(toes), np.zeros(toes.shape[:-1])
    for person in range(len(joints)):
        for side in (0, 1):
            at = (person, slice(None), side)
            runs = stance_runs(
                toes[at],
                (toe_over[at] < _TOE_ENTERS[0]) & (toe_speed[at] < toe_limit[at]),
                (toe_over[at] < _TOE_STAYS[0]) & (toe_speed[at] < toe_stay[at]),
                pose.fps,
            )
            toe_fix[at], toe_weight[at] = lock_corrections(toes[at], runs, floor.height, blend)
            runs = stance_runs(
                ankles[at],
                (ankle_over[at] < _ANKLE_ENTERS[0]) & (ankle_speed[at] < _ANKLE_ENTERS[1]),
                (ankle_over[at] < _ANKLE_STAYS[0]) & (ankle_speed[at] < _ANKLE_STAYS[1]),
                pose.fps,
            )
            ankle_fix[at], ankle_weight[at] = lock_corrections(ankles[at], runs, np.nan, blend)
    # A foot is rigid: an end without a lock follows the other end.
    toe_share, ankle_share = toe_weight[..., None], ankle_weight[..., None]
    new_toes = toes + toe_share * toe_fix + (1 - toe_share) * ankle_share * ankle_fix
    new_ankles = ankles + ankle_share * ankle_fix + (1 - ankle_share) * toe_share * toe_fix
    standing = np.maximum(toe_weight, ankle_weight)
    lift = _lift(new_toes, standing == 1, floor.height, pose.fps, settings)[..., None] * _UP
    new_toes, new_ankles = new_toes + lift, new_ankles + lift
    before = joints[:, :, ANKLES], joints[:, :, TOES]
    new_ankles, new_toes = smoothed_steps(new_ankles, new_toes, before, standing, toe_over, pose.fps)
    sunk = np.moveaxis(np.maximum(floor.height - new_toes[..., 1], 0.0), 1, -1)
    raised = np.moveaxis(upper_envelope(sunk, 2), -1, 1)[..., None] * _UP
    new_toes, new_ankles = new_toes + raised, new_ankles + raised
    # Ankle and toe stay a foot's length apart, and the foot near its own direction: locking both ends of a turning foot
    # would twist it around. The standing end keeps its place.
    length = np.linalg.norm(pose.offsets[:, TOES], axis=-1)[:, None, :, None]
    own, foot = toes - ankles, new_toes - new_ankles
    change = foot - own
    amount = np.linalg.norm(change, axis=-1, keepdims=True)
    most = _LARGEST_FOOT_CHANGE * length
    foot = normalized(own + change * (most * np.tanh(amount / most) / np.maximum(amount, 1e-9))) * length
    excess = new_toes - new_ankles - foot
    new_ankles, new_toes = new_ankles + toe_share * excess, new_toes - (1 - toe_share) * excess
    return Footing(new_ankles, new_toes, toe_weight, standing)


def _hover(pose: PoseBatch, joints: np.ndarray, floor: Floor, settings: SolveSettings) -> np.ndarray:
    """(P, T) metres over the floor of people who hover: who neither jump nor sit and are not carried."""
    over = np.maximum(joints[..., 1].min(-1) - floor.toes[:, None], 0.0)
    beyond = _hips_over_legs(pose, joints, floor) > settings.largest_drop
    carried = _upper_bodies_apart(joints) < _NEAR[1]
    speed, hanging = speeds(joints[:, :, 0], pose.fps), np.zeros(over.shape, dtype=bool)
    for person in range(len(over)):
        off = over[person] > _ALOFT
        for start, stop in hysteresis_runs(off, off, 0):
            run = slice(start, stop)
            moves = np.median(speed[person, run]) > _SEATED
            lacks_floor = carried[run].mean() < 0.5 and beyond[person, run].mean() < 0.5
            heights = joints[person, :, 0, 1]
            drawn_up = _feet_drawn_up(heights, start, stop, pose.fps)
            hanging[person, run] = ((moves and lacks_floor) or drawn_up) and not _flies(heights, start, stop, pose.fps)
    return over * hann_smoothed(hanging.astype(np.float64), round(_LOWERING_TIME * pose.fps))


def _feet_drawn_up(heights: np.ndarray, start: int, stop: int, fps: float) -> bool:
    """Whether the pelvis at ``heights`` (T,) sinks while the feet are briefly off the floor between two frames."""
    if start == 0 or stop == len(heights) or (stop - start) / fps >= _DRAWN_UP[0]:
        return False
    return bool(np.median(heights[start:stop]) < min(heights[start - 1], heights[stop]) - _DRAWN_UP[1])


def _flies(heights: np.ndarray, start: int, stop: int, fps: float) -> bool:
    """Whether a person with the pelvis at ``heights`` (T,) jumps between two frames, or is in the air only briefly."""
    seconds = (stop - start) / fps
    if seconds <= _SHORTEST_FLIGHT:
        return True
    ends = [heights[frame] for frame in (start - 1, stop) if 0 <= frame < len(heights)]
    if not ends:
        return False
    rise = heights[start:stop].max() - np.mean(ends)
    return bool(rise >= _MIN_RISE * _GRAVITY * seconds**2 / 8)


def _hips_over_legs(pose: PoseBatch, joints: np.ndarray, floor: Floor) -> np.ndarray:
    """(P, T) metres by which the lower hip is higher than the hip of a straight leg on the floor."""
    short = []
    for leg in LEGS:
        length = np.linalg.norm(pose.offsets[:, [leg.hinge, leg.end]], axis=-1).sum(-1)
        short.append(joints[:, :, leg.upper, 1] - (floor.ankles + length)[:, None])
    return np.minimum(*short)


def _upper_bodies_apart(joints: np.ndarray) -> np.ndarray:
    """(T,) least distance in metres between joints of two people outside the lower legs; infinite for one person."""
    if len(joints) < 2:
        return np.full(joints.shape[1], np.inf)
    upper = [j for j in range(joints.shape[2]) if j not in _LEG_JOINTS]
    apart = np.linalg.norm(joints[0][:, upper, None] - joints[1][:, None, upper], axis=-1)
    return np.asarray(apart.min(axis=(1, 2)))


def _lift(toes: np.ndarray, stands: np.ndarray, floor: float, fps: float, settings: SolveSettings) -> np.ndarray:
    """(P, T, 2) metres by which to raise feet that travel close above or below the floor and do not stand."""
    level = np.stack((toes[..., 0], toes[..., 2]), -1)
    slow, quick = _STEP_SPEED
    target_height = settings.clearance * smoothstep((speeds(level, fps) - slow) / (quick - slow))
    standing = np.moveaxis(stands, 1, -1)
    short = np.moveaxis(np.maximum(target_height - (toes[..., 1] - floor), 0.0), 1, -1) * ~standing
    # A foot is locked horizontally up to the last frame of its stand and travels in the next one: it leaves the floor
    # slightly earlier.
    share = np.where(standing, _PEEL * _dilated(~standing), 1.0)
    return np.moveaxis(upper_envelope(short, 2) * share, -1, 1)


def _dilated(mask: np.ndarray) -> np.ndarray:
    """The mask with its true runs extended by one frame on each side of the last axis."""
    padded = np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(1, 1)])
    return padded[..., :-2] | padded[..., 1:-1] | padded[..., 2:]


def _drop(pose: PoseBatch, joints: np.ndarray, footing: Footing, settings: SolveSettings) -> np.ndarray:
    """(P, T) metres by which to lower each pelvis so that the legs reach the standing feet."""
    needed = np.zeros(pose.translation.shape[:2])
    for side, leg in enumerate(LEGS):
        to_ankle = footing.ankles[:, :, side] - joints[:, :, leg.upper]
        now = np.linalg.norm(joints[:, :, leg.end] - joints[:, :, leg.upper], axis=-1)
        longest = easy_reach(leg, pose.offsets, now)
        level = to_ankle[..., 0] ** 2 + to_ankle[..., 2] ** 2
        short = -to_ankle[..., 1] - np.sqrt(np.maximum(longest**2 - level, 0.0))
        needed = np.maximum(needed, short * footing.stands[..., side])
    drop = np.minimum(upper_envelope(needed, max(1, round(0.13 * pose.fps))), settings.largest_drop)
    if len(joints) < 2:
        return drop
    # Two people in contact must not drift apart vertically: near each other they sink together.
    near = 1 - smoothstep((_upper_bodies_apart(joints) - _NEAR[0]) / (_NEAR[1] - _NEAR[0]))
    shared = drop.max(0) if settings.held is None else np.zeros_like(drop[0])
    return drop + near * (shared - drop)


_LEG_JOINTS = frozenset(joint for leg in LEGS for joint in (leg.hinge, leg.end)) | frozenset(TOES)


def bend_legs(pose: PoseBatch, joints: np.ndarray, rotations: np.ndarray, footing: Footing) -> np.ndarray:
    """Rotations in the world (P, T, J, 3, 3) with legs that reach their footing and feet from ankle to toe."""
    rotations = rotations.copy()
    for side, leg in enumerate(LEGS):
        ankle, toe = leg.end, TOES[side]
        upper, lower = two_bone_ik(leg, pose.offsets, joints, rotations, footing.ankles[:, :, side])
        rotations[:, :, leg.upper], rotations[:, :, leg.hinge] = upper, lower
        reached = (
            joints[:, :, leg.upper]
            + rotate(upper, pose.offsets[:, None, leg.hinge])
            + rotate(lower, pose.offsets[:, None, ankle])
        )
        foot = rotate(rotations[:, :, ankle], pose.offsets[:, None, toe])
        turn = swing(foot, footing.toes[:, :, side] - reached)
        rotations[:, :, ankle] = turn @ rotations[:, :, ankle]
        rotations[:, :, toe] = _level_toes(turn @ rotations[:, :, toe], footing.toe_stands[..., side])
    return rotations


def _level_toes(rotations: np.ndarray, standing: np.ndarray) -> np.ndarray:
    """Toe rotations (P, T, 3, 3): toes that point into the floor lie flat on it as far as they stand (P, T)."""
    forward = rotations[..., :, 2]
    into = np.minimum(np.arcsin(np.clip(-forward[..., 1], 0.0, 1.0)), _LARGEST_TOE_BEND)
    axis = cross(forward, np.broadcast_to(_UP, forward.shape))
    upright = np.linalg.norm(axis, axis=-1)
    share = standing * smoothstep((upright - 0.1) / 0.3)
    return rotation_about(normalized(axis), hann_smoothed(share * into, 2)) @ rotations
