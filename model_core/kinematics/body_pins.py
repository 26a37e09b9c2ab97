"""Hands and feet of other bodies stay where constraints hold them.

Copied rotations move the hand of a longer or shorter arm away from the point that it was held at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..motion.places import PLACES, place_points
from ..motion.posed import PosedSkeleton
from ..motion.rotations import limited
from ..motion.skeleton import SMPL
from .hands import rotations_with_moved_hands
from .kept_joints import free_trunk
from .limbs import ARMS, LEGS, two_bone_ik
from .proportions import TargetBody, rest_offsets, with_world_rotations, world_rotations
from .retarget import RootMotionScale

_LIMBS = {
    SMPL.joints[limb.end]: (kind, side) for kind, limbs in enumerate((ARMS, LEGS)) for side, limb in enumerate(limbs)
}
_LIMBS |= {"L_Foot": _LIMBS["L_Ankle"], "R_Foot": _LIMBS["R_Ankle"]}
_LARGEST_LEAN = 0.35
"""Largest lean of a trunk for a hand, radians."""
_LARGEST_MOVE = 0.3
"""Metres that a hand or a foot is moved at most: a limb that does not reach is not stretched."""
_ITERATIONS = 12
_HELD = 0.001
"""Metres of error at which a place counts as held."""


@dataclass(frozen=True, eq=False)
class BodyPin:
    """A place of one person that another body keeps at the same points.

    Attributes:
        person: 0 or 1.
        place: an SMPL joint, or one of ``motion.places.PLACES``.
        weight: (T,) 1 where it is held, 0 where it is free.
        scale: from the motion's world to that of the bodies, for this person.
    """

    person: int
    place: str
    weight: np.ndarray
    scale: RootMotionScale

    @property
    def joint(self) -> str:
        """The joint that carries the place."""
        return PLACES[self.place][0] if self.place in PLACES else self.place

    @property
    def limb(self) -> tuple[int, int] | None:
        """0 for an arm or 1 for a leg, and its side; None where no limb ends at the place."""
        return _LIMBS.get(self.joint)

    def points(self, joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
        """(T, 3) where the place is on a body with joints (T, 22, 3) and rotations in the world (T, 22, 3, 3)."""
        if self.place in PLACES:
            return place_points(self.place, joints, rotations)
        return joints[:, SMPL.index(self.place)]


def hold_pins(
    people: Sequence[PosedSkeleton],
    original: Sequence[PosedSkeleton],
    bodies: Sequence[TargetBody],
    pins: Sequence[BodyPin],
    kept: np.ndarray | None = None,
) -> list[PosedSkeleton]:
    """Move hands and feet of two bodies to where they are held in the original motion.

    Args:
        people: two posed skeletons, adjusted to the bodies.
        original: the motion that meets the constraints.
        bodies: the bodies that ``people`` are applied to; one that is held stays.
        pins: places at the ends of limbs; others are left alone.
        kept: (2, T, 22) from 0 to 1, joints that keep their rotation: a kept trunk does not lean. None for none.
    """
    pins = [pin for pin in pins if pin.limb is not None and not bodies[pin.person].held]
    if not pins:
        return list(people)
    wanted = [
        pin.scale.apply(
            pin.points(original[pin.person].joints()[:, : len(SMPL)], world_rotations(original[pin.person]))
        )
        for pin in pins
    ]
    start = np.stack([world_rotations(person) for person in people])

    def positions_of(rotations: np.ndarray) -> np.ndarray:
        return np.stack(
            [
                body.joints(with_world_rotations(person, turned))
                for body, person, turned in zip(bodies, people, rotations, strict=True)
            ]
        )

    joints = positions_of(start)
    offsets = np.stack([rest_offsets(*pair) for pair in zip(joints, start, strict=True)])
    moves = np.zeros((2, *joints.shape[:2], 2, 3))
    lean = _LARGEST_LEAN * (1.0 if kept is None else free_trunk(kept))
    rotations, now = start, joints
    for _ in range(_ITERATIONS):
        worst = 0.0
        for pin, points in zip(pins, wanted, strict=True):
            error = pin.weight[:, None] * (points - pin.points(now[pin.person], rotations[pin.person]))
            kind, side = pin.limb or (0, 0)
            moves[kind, pin.person, :, side] = limited(moves[kind, pin.person, :, side] + error, _LARGEST_MOVE)
            worst = max(worst, float(np.linalg.norm(error, axis=-1).max()))
        if worst < _HELD:
            break
        rotations = rotations_with_moved_hands(joints, start, moves[0], offsets, positions_of, lean)
        rotations = _with_moved_feet(joints, rotations, moves[1], offsets)
        now = positions_of(rotations)
    moved = {pin.person for pin in pins}
    return [
        with_world_rotations(person, rotations[number]) if number in moved else person
        for number, person in enumerate(people)
    ]


def _with_moved_feet(joints: np.ndarray, rotations: np.ndarray, moves: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Rotations (2, T, 22, 3, 3) with ankles displaced by moves (2, T, 2, 3); feet keep their orientation."""
    rotations = rotations.copy()
    for side, leg in enumerate(LEGS):
        upper, lower = two_bone_ik(leg, offsets, joints, rotations, joints[:, :, leg.end] + moves[:, :, side])
        still = np.linalg.norm(moves[:, :, side], axis=-1)[..., None, None] < 1e-6
        rotations[:, :, leg.upper] = np.where(still, rotations[:, :, leg.upper], upper)
        rotations[:, :, leg.hinge] = np.where(still, rotations[:, :, leg.hinge], lower)
    return rotations
