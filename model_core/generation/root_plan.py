"""How two people have to move over the ground, and turn, for a motion to meet its targets.

Each person is moved and turned as a whole in every frame. The moves are smooth curves: a motion keeps its sway and its
rhythm. A partner without targets goes along where the two stand or move together, and not where they pass each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..constraints.targets import ContactTarget, Targets
from ..kinematics.whittaker import penalty, third_differences
from ..motion.canonical import CanonicalTransform, facing
from ..motion.places import PLACES
from ..motion.rotations import about_y, rotate
from ..motion.skeleton import SMPL
from ..motion.types import FPS

_CUTS = (0.5, 0.8, 1.3, 2.0)
"""Hertz up to which the moves follow a path: the first that is near enough. People sway as they step, and a move that
takes the sway from them makes feet slide."""
_NEAR = (0.04, 0.1)
"""Metres, on average and at most, that are near enough."""
_CUT = _CUTS[0]
"""Hertz up to which a partner who goes along follows."""
_TURN_CUT = 0.5
"""The same for turns."""
_SPARSE_WEIGHT = 300.0
"""Weight of a frame whose neighbours are free, against 1 of a frame of a path: one frame has to bend the curve."""
_STILL_WEIGHT = 1000.0
"""Weight of frames that are kept."""
_LEVEL = 30.0
"""Frames after the last target within which a move stops growing."""
_STANDING = (0.3, 0.9)
"""Metres a second of a pelvis: a person below the first stands, one above the second walks."""
_STANDING_PRICE = 30.0
"""Price of moving someone who stands, on the squared step in metres a frame, against 1 on a squared distance: a person
who stops somewhere walks to where the target asks for it, and does not glide there while standing."""
_TOUCHING = (0.25, 0.4)
"""Metres from a wrist to a joint of the other person: they touch below the first, and do not above the second."""
_TOUCHING_FACTOR = 10.0
"""How much more it costs to move someone who stands and touches the other person."""
_TOGETHER = (0.5, 1.2)
"""Metres a second of the two pelvises against each other: people move together below the first, apart above the
second."""
_FAR = (1.8, 2.6)
"""Metres between pelvises: people act together below the first, apart above the second."""
_SHARED_WEIGHT = 3.0
"""Weight of going along with the partner, against 1 of a frame of a path."""
_STRIDE = (0.2, 0.6)
"""Metres a second: the direction of travel says nothing about where a person faces below the first, all above the
second."""
_REACH = 0.35
"""Metres that a joint can come nearer to its target without the pelvis."""
_TURN_FRAMES = 24
"""Frames before and after an asked heading in which a person turns to it."""
_SMALL_TRAVEL = 0.25
"""Square metres of travel that a motion needs before it is turned as a whole."""


@dataclass(frozen=True)
class RootPlan:
    """Moves of two people.

    Attributes:
        move: (2, T, 2) metres along x and z by which the pelvis is moved.
        turn: (2, T) radians about +Y by which the person is turned about the own pelvis.
    """

    move: np.ndarray
    turn: np.ndarray

    def applied(self, joints: np.ndarray) -> np.ndarray:
        """Joints (2, T, 22, 3), moved."""
        root = joints[:, :, :1]
        moved = (about_y(self.turn)[:, :, None] @ (joints - root)[..., None])[..., 0] + root
        moved[..., [0, 2]] += self.move[:, :, None]
        return moved


def plan_roots(
    joints: np.ndarray, targets: Targets, still: np.ndarray, turns: bool = True, places: np.ndarray | None = None
) -> RootPlan:
    """The moves that bring a motion to its targets as far as moving whole people can.

    Args:
        joints: (2, T, 22, 3) metres, in the world of the targets.
        targets: of T frames.
        still: (2, T) true for frames that must not move.
        turns: also turn people into a changed direction of travel; asked headings are met in any case.
        places: (2, T, 2) where the people are in frames that are ``still``, if a codec has moved them there.
    """
    wanted, weights = _wanted_places(joints, targets)
    if places is not None:
        wanted = np.where(still[..., None], places, wanted)
    headings = facing(joints)
    move, turn = np.zeros(wanted.shape), np.zeros(headings.shape)
    bound = weights.any(1)
    for person in np.flatnonzero(bound | targets.heading_weight.any(1)):
        own = joints[person, :, 0][:, [0, 2]]
        price = _price_of_moving(joints, person)
        gap = wanted[person] - own
        if places is None:
            gap[still[person]] = 0.0
        move[person] = _near_curve(gap, weights[person], still[person], price)
        turn[person] = _turn(own, move[person], headings[person], targets, person, still[person], turns)
    if bound.any() and not bound.all():
        _take_along(joints, RootPlan(move, turn), int(bound.argmax()), still)
    return RootPlan(move, turn)


def canonical_fit(joints: np.ndarray, targets: Targets, base: CanonicalTransform) -> CanonicalTransform:
    """The transform from the world into the frame of a motion, with which the motion comes near to its targets.

    Args:
        joints: (2, T, 22, 3) of a motion that can stand anywhere, in the frame that it was generated in.
        targets: in the world.
        base: the transform where no target says otherwise: where no person's first frame is bound to a place, and poses
            alone do not say where people are and which way they face.
    """
    at_start = targets.ground_weight[:, 0] > 0
    if not at_start.any():
        return _fit_to_poses(joints, targets, base)
    ground, weight = joints[:, :, 0][..., [0, 2]].astype(np.float64), targets.ground_weight
    start_heading = targets.heading_weight[:, 0] > 0
    if start_heading.any():
        person = int(start_heading.argmax())
        yaw = float(targets.heading[person, 0] - facing(joints[person, 0].astype(np.float64)))
    else:
        share = weight / weight.sum()
        own = ground - (share[..., None] * ground).sum((0, 1))
        asked = targets.ground - (share[..., None] * targets.ground).sum((0, 1))
        cosine = float((share * (own * asked).sum(-1)).sum())
        sine = float((share * (own[..., 1] * asked[..., 0] - own[..., 0] * asked[..., 1])).sum())
        first = -base.yaw
        # A motion that hardly travels has no direction: it keeps the one that it has.
        cosine, sine = cosine + _SMALL_TRAVEL * np.cos(first), sine + _SMALL_TRAVEL * np.sin(first)
        yaw = float(np.arctan2(sine, cosine))
    start = np.zeros((2, 3))
    start[:, [0, 2]] = ground[:, 0]
    turned = (start @ about_y(np.asarray(yaw)).T)[:, [0, 2]]
    x, z = (targets.ground[:, 0] - turned)[at_start].mean(0)
    return CanonicalTransform(yaw, np.array([x, base.inverse.offset[1], z])).inverse


def _fit_to_poses(joints: np.ndarray, targets: Targets, base: CanonicalTransform) -> CanonicalTransform:
    """The transform with which a motion comes near to poses in place, where no path says how people get there.

    Nobody asks where the people come from. They would otherwise turn and walk from the origin to the pose and back.
    """
    posed = (targets.joint_weight[..., 0] > 0) & (targets.heading_weight > 0)
    if not posed.any() or ((targets.ground_weight > 0) & ~posed).any():
        return base
    weight = (posed * targets.joint_weight[..., 0])[posed]
    off = targets.heading[posed] - facing(joints.astype(np.float64))[posed]
    yaw = float(np.angle((weight * np.exp(1j * off)).sum()))
    own = rotate(about_y(np.asarray(yaw)), joints[:, :, 0].astype(np.float64)[posed])[:, [0, 2]]
    x, z = (weight[:, None] * (targets.ground[posed] - own)).sum(0) / weight.sum()
    return CanonicalTransform(yaw, np.array([x, base.inverse.offset[1], z])).inverse


def _wanted_places(joints: np.ndarray, targets: Targets) -> tuple[np.ndarray, np.ndarray]:
    """Places (2, T, 2) of the pelvises and their weights (2, T): paths, and points that limbs alone cannot reach."""
    own = joints[:, :, 0][..., [0, 2]]
    missing, weight = targets.joints - joints, targets.joint_weight
    steps = _out_of_reach(missing) * (weight > 0)[..., None]
    furthest = np.linalg.norm(steps, axis=-1).argmax(-1)[..., None, None]
    step, weight = np.take_along_axis(steps, furthest, 2)[:, :, 0], weight.max(-1)
    for contact in targets.contacts:
        for person, part in _contact_steps(joints, contact, targets.ground_weight).items():
            bound = contact.weight > weight[person]
            step[person, bound], weight[person, bound] = part[bound], contact.weight[bound]
    on_path = targets.ground_weight > 0
    return np.where(on_path[..., None], targets.ground, own + step), np.where(on_path, targets.ground_weight, weight)


def _out_of_reach(missing: np.ndarray) -> np.ndarray:
    """What of displacements (..., 3) limbs cannot cover, along x and z (..., 2)."""
    ground = missing[..., [0, 2]]
    distance = np.linalg.norm(ground, axis=-1, keepdims=True)
    return ground * np.maximum(distance - _REACH, 0.0) / np.maximum(distance, 1e-6)


def _contact_steps(joints: np.ndarray, contact: ContactTarget, on_path: np.ndarray) -> dict[int, np.ndarray]:
    """Moves (T, 2) that bring a contact within reach, or people apart who come too near; for each person who moves.

    The two share the way, except with someone who is on a path.
    """
    person, other = contact.person, 1 - contact.person
    own = joints[person, :, _carrier(contact.place)]
    goal = contact.on if not isinstance(contact.on, str) else joints[other, :, _carrier(contact.on)]
    missing = np.asarray(goal - own)
    move = _out_of_reach(missing)
    if contact.never_nearer is not None:
        distance = np.linalg.norm(missing, axis=-1, keepdims=True)
        away = -missing / np.maximum(distance, 1e-6) * np.maximum(contact.never_nearer - distance, 0.0)
        move = away[..., [0, 2]]
    if not isinstance(contact.on, str) or on_path[other].any():
        return {person: move}
    return {person: 0.5 * move, other: -0.5 * move}


def _carrier(place: str) -> int:
    """The joint that carries a place."""
    return SMPL.index(PLACES[place][0])


def _turn(
    own: np.ndarray,
    move: np.ndarray,
    headings: np.ndarray,
    targets: Targets,
    person: int,
    still: np.ndarray,
    turns: bool,
) -> np.ndarray:
    """(T,) radians by which a person at ``own`` (T, 2) who is moved by ``move`` (T, 2) is turned."""
    asked = targets.heading_weight[person]
    direction, weight = _change_of_direction(own, own + move)
    weight = weight * turns
    if asked.any():
        # Away from the asked frames people face where they go, and do not turn all the time.
        frames = np.arange(len(own))
        away = np.abs(frames[:, None] - np.flatnonzero(asked)).min(1) > _TURN_FRAMES
        weight = np.maximum(weight, _SHARED_WEIGHT) * away
    wanted = np.where(asked > 0, np.angle(np.exp(1j * (targets.heading[person] - headings))), direction)
    bound = (asked > 0) | (weight > 0)
    if not bound.any():
        return np.zeros(len(own))
    known = np.flatnonzero(bound)
    wanted = np.interp(np.arange(len(own)), known, np.unwrap(wanted[known]))
    none = np.zeros(len(own))
    wanted[still] = 0.0
    return _curve(wanted[:, None], np.where(asked > 0, asked, weight), still, _TURN_CUT, none)[:, 0]


def _change_of_direction(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Angles (T,) from the direction of travel along one path (T, 2) to that along another, and their weights (T,)."""
    first, second = _velocity(before), _velocity(after)
    slow, fast = _STRIDE
    weight = np.ones(len(before))
    for velocity in (first, second):
        weight = weight * np.clip((np.linalg.norm(velocity, axis=-1) - slow) / (fast - slow), 0.0, 1.0)
    turn = np.arctan2(second[:, 0], second[:, 1]) - np.arctan2(first[:, 0], first[:, 1])
    mixed = _averaged((weight * np.exp(1j * turn))[:, None], 8)[:, 0]
    return np.angle(mixed), np.abs(mixed)


def _take_along(joints: np.ndarray, plan: RootPlan, leader: int, still: np.ndarray) -> None:
    """Fill in the move and the turn of the partner of ``leader``, who goes along where the two act together."""
    partner = 1 - leader
    places = joints[:, :, 0].astype(np.float64)
    turned = (about_y(plan.turn[leader]) @ (places[partner] - places[leader])[..., None])[..., 0] + places[leader]
    wanted = (turned - places[partner])[:, [0, 2]] + plan.move[leader]
    wanted[still[partner]] = 0.0
    weight = _SHARED_WEIGHT * together(joints)
    plan.move[partner] = _curve(wanted, weight, still[partner], _CUT, np.zeros(len(wanted)))
    none = np.zeros(len(wanted))
    turn = np.where(still[partner], 0.0, plan.turn[leader])
    plan.turn[partner] = _curve(turn[:, None], weight, still[partner], _TURN_CUT, none)[:, 0]


def together(joints: np.ndarray) -> np.ndarray:
    """(T,) 1 where two people (2, T, 22, 3) stand or move together, 0 where they pass each other or are far apart."""
    apart = (joints[1] - joints[0])[:, 0][:, [0, 2]]
    speed, gap = np.linalg.norm(_velocity(apart), axis=-1), np.linalg.norm(apart, axis=-1)
    share = np.ones(len(apart))
    for value, (low, high) in ((speed, _TOGETHER), (gap, _FAR)):
        share = share * np.clip((high - value) / (high - low), 0.0, 1.0)
    return _averaged(share[:, None], 6)[:, 0]


def _price_of_moving(joints: np.ndarray, person: int) -> np.ndarray:
    """(T,) price of moving a person of joints (2, T, 22, 3): of one who walks, stands, or touches the other."""
    slow, fast = _STANDING
    speed = np.linalg.norm(_velocity(joints[person, :, 0][:, [0, 2]]), axis=-1)
    standing = np.clip((fast - speed) / (fast - slow), 0.0, 1.0)
    wrists = joints[:, :, [SMPL.index("L_Wrist"), SMPL.index("R_Wrist")]]
    gaps = [
        np.linalg.norm(w[:, :, None] - other[:, None], axis=-1) for w, other in zip(wrists, joints[::-1], strict=True)
    ]
    near, far = _TOUCHING
    touching = np.clip((far - np.minimum(*gaps).min((1, 2))) / (far - near), 0.0, 1.0)
    return _STANDING_PRICE * standing * (1 + _TOUCHING_FACTOR * _averaged(touching[:, None], 4)[:, 0])


def _velocity(path: np.ndarray) -> np.ndarray:
    """(T, 2) metres a second of a path (T, 2), averaged over half a second."""
    if len(path) < 2:
        return np.zeros(path.shape)
    return _averaged(np.gradient(path.astype(np.float64), axis=0) * FPS, 8)


def _averaged(values: np.ndarray, reach: int) -> np.ndarray:
    """Values (T, N) averaged over ``reach`` frames on each side; the ends are repeated."""
    padded = np.concatenate((np.repeat(values[:1], reach, 0), values, np.repeat(values[-1:], reach, 0)))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0).mean(-1))


def _near_curve(wanted: np.ndarray, weight: np.ndarray, still: np.ndarray, price: np.ndarray) -> np.ndarray:
    """The smoothest curve of ``_CUTS`` that is near enough to what is asked; see ``_curve``."""
    asked = (weight >= 1.0) & ~still
    result = np.zeros(wanted.shape)
    for number, cut in enumerate(_CUTS):
        result = _curve(wanted, weight, still, cut, price / 4.0**number)
        missing = np.linalg.norm(result - wanted, axis=-1)[asked]
        if not len(missing) or (missing.mean() <= _NEAR[0] and missing.max() <= _NEAR[1]):
            break
    return result


def _curve(wanted: np.ndarray, weight: np.ndarray, still: np.ndarray, cut: float, price: np.ndarray) -> np.ndarray:
    """The smooth curve (T, N) near to ``wanted`` (T, N) by ``weight`` (T,), and exact in the frames that are ``still``.

    Args:
        wanted: of moves; of no matter where the weight is 0.
        weight: of each frame; frames without bound neighbours count for more.
        still: frames in which it must be met, whatever the weight.
        cut: hertz above which changes of what is wanted are not followed.
        price: (T,) of the squared step in each frame, against 1 of a squared distance.

    Least squares: distances to what is wanted, third differences, and a little of the first ones, so that the curve
    levels off beyond its last target.
    """
    frames = len(wanted)
    if not (weight > 0).any() or frames < 4:
        return wanted if frames < 4 and (weight > 0).any() else np.zeros(wanted.shape)
    bound = weight > 0
    neighbours = np.convolve(bound, np.ones(5), "same") >= min(4, frames)
    full = np.where(neighbours, weight, weight * _SPARSE_WEIGHT)
    full = np.where(still, _STILL_WEIGHT, full)
    goal = np.where((still | bound)[:, None], wanted, 0.0)
    stiff = float(penalty(cut, FPS))
    first = np.diff(np.eye(frames), axis=0)
    level = stiff / _LEVEL**4 + 0.5 * (price[1:] + price[:-1])
    matrix = np.diag(full) + stiff * third_differences(frames) + first.T @ (level[:, None] * first)
    return np.asarray(np.linalg.solve(matrix, full[:, None] * goal))
