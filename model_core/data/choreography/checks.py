"""Checks of a clip before training: feet, floor, interpenetration, joint limits, jerk, and scheduled contacts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ...kinematics.bones import measured_offsets
from ...kinematics.capsules import CAPSULES, body_points, penetrations
from ...metrics.physical import floating, jerk, skate
from ...motion.forward_kinematics import global_rotations
from ...motion.rotations import axis_angle_from_matrix
from ...motion.skeleton import SMPL
from .body import place_on_motion
from .scene import ChoreographedClip, Contact


@dataclass(frozen=True)
class CheckSettings:
    """Limits that a clip must keep.

    Attributes:
        skate: mm a frame that low feet travel on average.
        floating: mm of the lowest joint over the floor on average; runs and jumps fly.
        sunk: metres that any joint may be under the floor.
        trunk_depth: metres by which trunks and heads may be in each other, in all but a fiftieth of the frames.
        limb_depth: the same for pairs with a limb.
        jerk: m/s^3 on average.
        acceleration: metres a frame squared, of any joint in any frame.
        contact: metres between a hand and its place while it is scheduled.
    """

    skate: float = 6.0
    floating: float = 70.0
    sunk: float = 0.04
    trunk_depth: float = 0.07
    limb_depth: float = 0.09
    jerk: float = 700.0
    acceleration: float = 0.25
    contact: float = 0.03


_JOINT_LIMITS = {
    "Knee": 155.0, "Elbow": 175.0, "Wrist": 100.0, "Ankle": 85.0, "Spine1": 88.0, "Spine2": 55.0, "Spine3": 55.0,
    "Neck": 76.0, "Head": 94.0, "Hip": 150.0, "Collar": 75.0,
}  # fmt: skip
"""Largest rotation of each joint from the T-pose, in degrees."""


_CLOSE = (
    "hug", "dance in hold", "whisper in the ear", "arm around the shoulder walking", "kiss on the cheek",
    "support while limping", "take a selfie", "tango", "trip and catch", "leapfrog",
)  # fmt: skip
_ROUGH = ("box", "martial-arts sparring", "chase", "race")


def limits_of(kind: str) -> CheckSettings:
    """The limits for a kind: people in hold compress soft bodies, and captured blows have a high jerk."""
    settings = CheckSettings()
    if kind in _CLOSE:
        settings = replace(settings, trunk_depth=0.1, limb_depth=0.12)
    return replace(settings, acceleration=0.42) if kind in _ROUGH else settings


def failed_checks(clip: ChoreographedClip, settings: CheckSettings | None = None) -> list[str]:
    """Names of the checks that a clip fails."""
    return list(_failures(clip, settings or limits_of(clip.kind)))


def _failures(clip: ChoreographedClip, limits: CheckSettings) -> Iterator[str]:
    joints = clip.joints.astype(np.float64)
    if skate(joints) > limits.skate:
        yield "skate"
    if floating(joints) > limits.floating or joints[..., 1].min() < -limits.sunk:
        yield "floor"
    trunks, limbs = depths(clip)
    if trunks > limits.trunk_depth or limbs > limits.limb_depth:
        yield "interpenetration"
    if joint_excess(clip) > 0:
        yield "joint limits"
    acceleration = np.linalg.norm(np.diff(joints, 2, axis=1), axis=-1).max()
    if jerk(joints, clip.people[0].fps) > limits.jerk or acceleration > limits.acceleration:
        yield "jerk"
    if any(contact_error(clip, contact) > limits.contact for contact in clip.schedule):
        yield "contact"


def contact_error(clip: ChoreographedClip, contact: Contact) -> float:
    """The largest distance in metres between a hand and its target during a scheduled contact."""
    hand = place_on_motion(contact.part, clip.people[contact.person])
    place = place_on_motion(contact.place, clip.people[1 - contact.person], contact.shift)
    off = np.linalg.norm(hand - place, axis=-1) - contact.gap
    return float(np.abs(off[contact.start : contact.stop]).max())


def depths(clip: ChoreographedClip) -> tuple[float, float]:
    """Interpenetration in metres of trunks and heads, and of parts with a limb; 98th percentile."""
    joints = clip.joints.astype(np.float64)
    locals_ = np.stack(
        [
            np.concatenate((person.root_orientation[:, None], person.rotations), axis=1)
            for person in clip.people
            if person.root_orientation is not None and person.rotations is not None
        ]
    ).astype(np.float64)
    points = body_points(joints, global_rotations(locals_, SMPL), measured_offsets(joints))
    depth, _ = penetrations(points)
    solid = np.array([capsule.part in ("trunk", "head") for capsule in CAPSULES])
    hand = np.array([capsule.part == "hand" for capsule in CAPSULES])
    both = solid[:, None] & solid
    loose = ~both & ~(hand[:, None] | hand)
    worst = [np.quantile(np.where(mask, depth, -1.0).max((1, 2)), 0.98) for mask in (both, loose)]
    return float(worst[0]), float(worst[1])


def joint_excess(clip: ChoreographedClip) -> float:
    """Degrees by which the worst joint exceeds its limit, 99th percentile over frames; negative within the limits."""
    worst = -180.0
    for person in clip.people:
        if person.rotations is None:
            continue
        angles = np.degrees(np.linalg.norm(axis_angle_from_matrix(person.rotations.astype(np.float64)), axis=-1))
        for index, name in enumerate(SMPL.joints[1:]):
            limit = _JOINT_LIMITS.get(name.split("_")[-1])
            if limit is not None:
                worst = max(worst, float(np.quantile(angles[:, index], 0.99)) - limit)
    return worst
