"""Smooth displacements of bodies on the ground that bring them to paths, and within reach of pins and contacts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...constraints import Targets
from ...motion.canonical import facing
from ...motion.rotations import about_y, rotate
from ...motion.skeleton import SMPL
from ..contacts import TOES
from ..filters import hann_smoothed, smoothstep
from ..legs import LEG_PARTS
from ..limbs import ARMS, LEGS, Limb
from .contact_places import EASY_REACH, ContactPoints, short_of_reach
from .spread import spread, spread_pair

_LENGTH = 10.0
"""Length in frames of the spread: corners between waypoints are rounded over about this length."""
_BOND, _BOUND_ARM = 500.0, 50.0
"""Strength with which people who touch move together, and with which bodies are pulled within reach of targets."""
_TOUCH = (0.15, 0.35)
"""Metres between joints of two people: they touch up to the first, and are independent from the second on. A palm that
pushes the partner is this far from the nearest joint."""
_TRAVEL = (0.3, 0.7)
"""m/s: people who travel faster than the first, before and after, turn with the path; from the second on, fully."""
_WAY = 15
"""Frames on each side over which the direction of travel is averaged, so that sway is no change of direction."""
_SOON = 0.5
"""Weight of a pin or a contact from which the body is within reach of it."""
_ROUNDS, _STILL = 4, 1e-3
"""Largest number of rounds that bring people within reach, and metres that may be missing."""
_MARGIN, _SMOOTH = 1.03, 6
"""Factor of shifts into reach, for what smoothing takes away, and its radius in frames."""
_LEAN = 0.05
"""Metres by which people lean for a pinned head instead of stepping."""
_HEAD = SMPL.index("Head")
_LIMB_ENDS = (
    *((arm, arm.end, EASY_REACH) for arm in ARMS),
    *((leg, end, 0.98) for side, leg in enumerate(LEGS) for end in (leg.end, TOES[side])),
)
"""Limbs, the joints at their ends that can be pinned, and the share of their length within which they reach."""
_UPPER = [joint for joint in range(22) if joint not in LEG_PARTS]


@dataclass(frozen=True)
class Displacement:
    """A rotation about the vertical through the pelvis, and a shift, for every person and frame.

    Attributes:
        turn: (P, T) radians about +Y.
        shift: (P, T, 2) x, z of the pelvis.
        pelvis: (P, T, 3) position before.
    """

    turn: np.ndarray
    shift: np.ndarray
    pelvis: np.ndarray

    def points(self, points: np.ndarray) -> np.ndarray:
        """Points (P, T, N, 3) of the people, moved."""
        centre = self.pelvis[:, :, None]
        moved = rotate(about_y(self.turn)[:, :, None], points - centre) + centre
        moved[..., 0] += self.shift[..., None, 0]
        moved[..., 2] += self.shift[..., None, 1]
        return moved

    @property
    def rotations(self) -> np.ndarray:
        """(P, T, 3, 3)."""
        return about_y(self.turn)


def displacement(
    joints: np.ndarray,
    rotations: np.ndarray,
    targets: Targets,
    contacts: list[ContactPoints],
    fps: float,
) -> Displacement:
    """The smoothest displacement that brings people where the targets want them.

    People who touch move together, unless both have places of their own. People who must touch each other come within
    reach of each other. Before the first and after the last frame with a target the displacement hardly changes.

    Args:
        joints: (P, T, 22, 3) before.
        rotations: (P, T, 22, 3, 3) in the world, before.
        targets: of two people; with one person the first one's.
        contacts: between the people, and with points.
        fps: frames per second.
    """
    people, frames = joints.shape[:2]
    pelvis, touch = joints[:, :, 0], _touching(joints)
    ground, weight = targets.ground[:people], targets.ground_weight[:people]
    goal = weight[..., None] * (ground - pelvis[..., [0, 2]])
    fixed = weight >= 1
    shift = _solve(goal, fixed, weight, touch, np.zeros((frames, 2)))
    turn = _turns(joints, targets, shift, touch, fps)
    together = _shift_that_keeps_touch(joints, turn)
    reach = _Reach(np.zeros_like(goal), np.zeros(weight.shape), np.zeros((frames, 2)), np.zeros(frames))
    for _ in range(_ROUNDS):
        reach.extend(Displacement(turn, shift, pelvis), joints, rotations, targets, contacts)
        # Where bodies must come nearer, hands that touch let them.
        bond = np.where(reach.bond > 0, reach.bond, touch)
        apart = np.where(reach.bond[:, None] > 0, reach.apart, together)
        pulled = (reach.wish > 0) & ~fixed
        new = _solve(
            np.where(pulled[..., None], reach.goal, goal), fixed, np.where(pulled, reach.wish, weight), bond, apart
        )
        done = np.abs(new - shift).max() < _STILL
        shift = new
        if done:
            break
    return Displacement(turn, shift, pelvis)


@dataclass
class _Reach:
    """Shifts that bring people within reach of pins and contacts.

    Attributes:
        goal: (P, T, 2) shifts for pins and contacts with points.
        wish: (P, T) strength with which they pull.
        apart: (T, 2) the first person's shift minus the second's, for contacts between them.
        bond: (T,) strength with which that pulls.
    """

    goal: np.ndarray
    wish: np.ndarray
    apart: np.ndarray
    bond: np.ndarray

    def extend(
        self,
        moved: Displacement,
        joints: np.ndarray,
        rotations: np.ndarray,
        targets: Targets,
        contacts: list[ContactPoints],
    ) -> None:
        """Add what is missing after a displacement."""
        now = moved.points(joints)
        for person in range(len(joints)):
            pinned = targets.joint_weight[person] >= _SOON
            for limb, end, share in _LIMB_ENDS:
                if pinned[:, end].any():
                    way = targets.joints[person, :, end] - now[person][:, limb.upper]
                    reach = _reach(joints[person], limb, end, share)
                    self._pull(moved, person, short_of_reach(way, reach), pinned[:, end])
            if pinned[:, _HEAD].any():
                way = (targets.joints[person] - now[person])[:, _HEAD][:, [0, 2]]
                far = np.linalg.norm(way, axis=-1, keepdims=True)
                short = way * np.maximum(1 - _LEAN / np.maximum(far, 1e-6), 0)
                self._pull(moved, person, short, pinned[:, _HEAD])
        for contact in contacts:
            soon = contact.weight >= _SOON
            way = contact.missing(moved, joints, rotations)
            if contact.other is None:
                self._pull(moved, contact.person, way, soon)
            elif np.abs(way[soon]).max(initial=0.0) > _STILL:
                apart = moved.shift[0] - moved.shift[1] + (1.0 if contact.person == 0 else -1.0) * _smooth(way, soon)
                self.apart[soon], self.bond[soon] = apart[soon], _BOUND_ARM

    def _pull(self, moved: Displacement, person: int, short: np.ndarray, when: np.ndarray) -> None:
        """Pull a person by shifts (T, 2) that are missing."""
        if np.abs(short[when]).max(initial=0.0) > _STILL:
            self.goal[person][when] = (moved.shift[person] + _smooth(short, when))[when]
            self.wish[person][when] = _BOUND_ARM


def _reach(joints: np.ndarray, limb: Limb, end: int, share: float) -> np.ndarray:
    """(T,) reach of a limb in metres, of a person with joints (T, 22, 3); at least the present extension."""
    chain = [limb.upper, limb.hinge, limb.end] + ([end] if end != limb.end else [])
    bones = np.linalg.norm(joints[:, chain[1:]] - joints[:, chain[:-1]], axis=-1)
    own = np.linalg.norm(joints[:, end] - joints[:, limb.upper], axis=-1)
    return np.asarray(np.maximum(share * np.median(bones, axis=0).sum(), own))


def _smooth(shifts: np.ndarray, when: np.ndarray) -> np.ndarray:
    """Smoothed shifts (T, 2), a little longer; frames outside ``when`` (T,) count as the nearest inside."""
    inside = np.flatnonzero(when)
    at = np.arange(len(when))
    after = np.clip(np.searchsorted(inside, at), 0, len(inside) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(inside[before] - at) < np.abs(inside[after] - at), inside[before], inside[after])
    return _MARGIN * hann_smoothed(shifts[nearest].T, _SMOOTH).T


def _solve(
    values: np.ndarray, fixed: np.ndarray, wish: np.ndarray, bond: np.ndarray, difference: np.ndarray
) -> np.ndarray:
    if (
        not (fixed.any() and values.any())
        and not (wish * np.abs(values).max(-1)).any()
        and not (bond[:, None] * difference).any()
    ):
        return np.zeros_like(values)
    if len(values) == 1:
        return spread(values, fixed, wish, _LENGTH, returns=False)
    return spread_pair(values, fixed, wish, bond, difference, _LENGTH)


def _touching(joints: np.ndarray) -> np.ndarray:
    """(T,) strength of the bond between two people who touch above the legs."""
    if len(joints) < 2:
        return np.zeros(joints.shape[1])
    near = np.linalg.norm(joints[0][:, _UPPER, None] - joints[1][:, None, _UPPER], axis=-1).min(axis=(1, 2))
    touch = 1 - smoothstep((near - _TOUCH[0]) / (_TOUCH[1] - _TOUCH[0]))
    return np.asarray(_BOND * touch**4)


def _shift_that_keeps_touch(joints: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """(T, 2) the first person's shift minus the second's, with which the point of their touch stays one point."""
    if len(joints) < 2:
        return np.zeros((joints.shape[1], 2))
    first, second = joints[0][:, _UPPER], joints[1][:, _UPPER]
    distance = np.linalg.norm(first[:, :, None] - second[:, None], axis=-1)
    nearest = distance.reshape(len(first), -1).argmin(-1)
    row = np.arange(len(first))
    place = 0.5 * (first[row, nearest // len(_UPPER)] + second[row, nearest % len(_UPPER)])
    moved = [rotate(about_y(turn[person]), place - joints[person][:, 0]) + joints[person][:, 0] for person in (0, 1)]
    return np.asarray((moved[1] - moved[0])[:, [0, 2]])


def _turns(joints: np.ndarray, targets: Targets, shift: np.ndarray, touch: np.ndarray, fps: float) -> np.ndarray:
    """(P, T) radians by which people turn: to their headings, with their paths, and with a partner whom they touch."""
    people, frames = joints.shape[:2]
    weight = targets.heading_weight[:people]
    turn, fixed = np.zeros(weight.shape), weight >= 1
    for person in range(people):
        asked = np.flatnonzero(weight[person])
        if len(asked):
            off = targets.heading[person, asked] - facing(joints[person, asked])
            turn[person, asked] = weight[person, asked] * np.unwrap((off + np.pi) % (2 * np.pi) - np.pi)
    way, wish = _turns_with_path(joints[:, :, 0], shift, targets.ground_weight[:people], fps)
    free = weight == 0
    turn, weight = np.where(free, way, turn), np.where(free, wish, weight)
    return _solve(np.where(fixed & free, 0.0, turn)[..., None], fixed, weight, touch, np.zeros((frames, 1)))[..., 0]


def _turns_with_path(
    pelvis: np.ndarray, shift: np.ndarray, weight: np.ndarray, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    """Turns (P, T) with a new direction of travel, radians, and the strength of this wish (P, T)."""
    turn, wish = np.zeros(weight.shape), np.zeros(weight.shape)
    before = pelvis[..., [0, 2]]
    for person in range(len(pelvis)):
        if not weight[person].any() or not np.abs(shift[person]).max() > 1e-6:
            continue
        if len(before[person]) < 2:
            continue
        ways = [
            np.gradient(hann_smoothed(path.T, _WAY).T, axis=0) * fps
            for path in (before[person], before[person] + shift[person])
        ]
        speed = np.minimum(*(np.linalg.norm(way, axis=-1) for way in ways))
        angles = [np.arctan2(way[:, 0], way[:, 1]) for way in ways]
        off = angles[1] - angles[0]
        off = (off + np.pi) % (2 * np.pi) - np.pi
        travels = smoothstep((speed - _TRAVEL[0]) / (_TRAVEL[1] - _TRAVEL[0]))
        turn[person], wish[person] = off, travels
    return turn, wish
