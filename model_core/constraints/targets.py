"""Constraints as sampling and the solver use them: arrays with a value and a weight for every frame."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from ..motion.canonical import CanonicalTransform, facing
from ..motion.forward_kinematics import forward_kinematics, global_rotations
from ..motion.rest import SMPL_REST_OFFSETS
from ..motion.rotations import about_y
from ..motion.skeleton import SMPL
from .types import (
    ALL_JOINTS,
    Constraints,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    PoseConstraint,
    TimingConstraint,
    every_frame,
)

_JOINTS = len(SMPL)


@dataclass(frozen=True, eq=False)
class ContactTarget:
    """A contact, or a minimum distance, with its weight in every frame.

    Attributes:
        person, place, on, never_nearer, name: as in ``ContactConstraint``.
        weight: (T,) 0 in frames without the contact.
    """

    person: int
    place: str
    on: str | np.ndarray
    weight: np.ndarray
    never_nearer: float | None = None
    name: str = ""


@dataclass(frozen=True, eq=False)
class Targets:
    """Target values and their weights in each frame.

    Axes: 2 people, T frames, 22 SMPL joints. Metres, Y up. A weight of 0 leaves the value free, and a weight of 1
    requires it. Weights between them are preferences, and the blends before and after intervals.

    Attributes:
        ground: (2, T, 2) x, z of the pelvis.
        ground_weight: (2, T).
        heading: (2, T) radians about +Y of the direction that the person faces; 0 is +Z, pi / 2 is +X.
        heading_weight: (2, T).
        joints: (2, T, 22, 3) positions in the world, of pins and of poses in place.
        joint_weight: (2, T, 22).
        rotations: (2, T, 22, 3, 3) orientations in the world relative to the T-pose.
        rotation_weight: (2, T, 22).
        shape: (2, T, 22, 3) positions relative to the pelvis, rotated about Y so that the person faces +Z, of poses
            wherever the person stands.
        shape_rotations: (2, T, 22, 3, 3) orientations of these joints, rotated in the same way.
        shape_weight: (2, T, 22).
        contacts: of the two people with each other or with points.
        timings: of events.
    """

    ground: np.ndarray
    ground_weight: np.ndarray
    heading: np.ndarray
    heading_weight: np.ndarray
    joints: np.ndarray
    joint_weight: np.ndarray
    rotations: np.ndarray
    rotation_weight: np.ndarray
    shape: np.ndarray
    shape_rotations: np.ndarray
    shape_weight: np.ndarray
    contacts: tuple[ContactTarget, ...] = ()
    timings: tuple[TimingConstraint, ...] = ()

    @classmethod
    def none(cls, frames: int) -> Targets:
        """Targets without constraints: all weights are 0."""
        people, joints = (2, frames), (2, frames, _JOINTS)
        return cls(
            ground=np.zeros((*people, 2)),
            ground_weight=np.zeros(people),
            heading=np.zeros(people),
            heading_weight=np.zeros(people),
            joints=np.zeros((*joints, 3)),
            joint_weight=np.zeros(joints),
            rotations=np.broadcast_to(np.eye(3), (*joints, 3, 3)).copy(),
            rotation_weight=np.zeros(joints),
            shape=np.zeros((*joints, 3)),
            shape_rotations=np.broadcast_to(np.eye(3), (*joints, 3, 3)).copy(),
            shape_weight=np.zeros(joints),
        )

    @classmethod
    def of(cls, constraints: Constraints, frames: int, offsets: np.ndarray | None = None) -> Targets:
        """The targets of a clip; frames outside it are ignored (``check`` refuses them).

        If two constraints set the same value, the one with the greater weight is used; of equal weights, the later one.

        Args:
            constraints: in the world coordinates of the clip.
            frames: length of the clip.
            offsets: (2, 22, 3) rest offsets of the generated people; None uses ``SMPL_REST_OFFSETS``, as poses do.
                A full-body pose in place is posed with them, and moved vertically so that its lowest joint keeps its
                height. Other poses in place keep the joint positions of ``SMPL_REST_OFFSETS``.
        """
        targets = cls.none(frames)
        contacts, timings = [], []
        for item in constraints:
            if isinstance(item, PathConstraint):
                targets._add_path(item)
            elif isinstance(item, PoseConstraint):
                targets._add_pose(item, None if offsets is None else offsets[item.person])
            elif isinstance(item, PinConstraint):
                targets._add_pin(item)
            elif isinstance(item, ContactConstraint):
                weight = item.weight * interval_weight(item, frames)
                contacts.append(ContactTarget(item.person, item.place, item.on, weight, item.never_nearer, item.name))
            else:
                timings.append(item)
        return replace(targets, contacts=tuple(contacts), timings=tuple(timings))

    def __len__(self) -> int:
        """Number of frames."""
        return self.ground.shape[1]

    def any(self) -> bool:
        """Whether any weight is positive."""
        weights = (getattr(self, name) for name in _WEIGHTS)
        return (
            any(weight.any() for weight in weights)
            or any(contact.weight.any() for contact in self.contacts)
            or any(timing.weight > 0 for timing in self.timings)
        )

    def moved(self, transform: CanonicalTransform) -> Targets:
        """The targets in the canonical frame of ``transform``; the inverse transform moves them back into the world."""
        rotation, offset = transform.rotation, np.asarray(transform.offset, dtype=np.float64)
        ground = np.stack((self.ground[..., 0], np.zeros(self.heading.shape), self.ground[..., 1]), -1)
        contacts = tuple(
            contact if isinstance(contact.on, str) else replace(contact, on=rotation @ contact.on + offset)
            for contact in self.contacts
        )
        return replace(
            self,
            ground=(ground @ rotation.T + offset)[..., [0, 2]],
            heading=self.heading + transform.yaw,
            joints=self.joints @ rotation.T + offset,
            rotations=rotation @ self.rotations,
            contacts=contacts,
        )

    def between(self, start: int, stop: int) -> Targets:
        """The targets of the frames from ``start`` up to ``stop``, counted from ``start``."""
        arrays = {
            entry.name: getattr(self, entry.name)[:, start:stop]
            for entry in fields(self)
            if entry.name not in ("contacts", "timings")
        }
        contacts = tuple(replace(contact, weight=contact.weight[start:stop]) for contact in self.contacts)
        timings = tuple(
            replace(timing, frame=timing.frame - start) for timing in self.timings if start <= timing.frame < stop
        )
        return Targets(**arrays, contacts=contacts, timings=timings)

    def keeping(self, held: np.ndarray, joints: np.ndarray) -> Targets:
        """The targets, with frames that keep their motion: only the pelvis has a target there, its present position.

        Args:
            held: (2, T) true for frames that keep their motion.
            joints: (2, T, 22, 3) present positions, metres.
        """
        free = ~held
        return replace(
            self,
            ground=np.where(held[..., None], joints[:, :, 0, [0, 2]], self.ground),
            ground_weight=np.where(held, 1.0, self.ground_weight),
            heading=np.where(held, facing(joints), self.heading),
            heading_weight=np.where(held, 1.0, self.heading_weight),
            joint_weight=self.joint_weight * free[..., None],
            rotation_weight=self.rotation_weight * free[..., None],
            shape_weight=self.shape_weight * free[..., None],
            contacts=tuple(replace(contact, weight=contact.weight * free[contact.person]) for contact in self.contacts),
        )

    def _add_path(self, path: PathConstraint) -> None:
        path = every_frame(path)
        for number, frame in enumerate(path.frames):
            if not 0 <= frame < len(self):
                continue
            at = path.person, frame
            _put(self.ground, self.ground_weight, at, path.places[number], path.weight)
            if path.headings is not None:
                cosine, sine = path.headings[number]
                _put(self.heading, self.heading_weight, at, np.arctan2(sine, cosine), path.weight)

    def _add_pose(self, pose: PoseConstraint, offsets: np.ndarray | None) -> None:
        world, points, angles = posed(pose, offsets)
        to_front = about_y(-angles)
        for number, frame in enumerate(pose.frames):
            if not 0 <= frame < len(self):
                continue
            if pose.in_place:
                for joint in pose.joints_at(number):
                    at = pose.person, frame, joint
                    _put(self.joints, self.joint_weight, at, points[number, joint], pose.weight)
                    _put(self.rotations, self.rotation_weight, at, world[number, joint], pose.weight)
                if 0 in pose.joints:
                    pelvis = points[number, 0, [0, 2]]
                    _put(self.ground, self.ground_weight, (pose.person, frame), pelvis, pose.weight)
                    _put(self.heading, self.heading_weight, (pose.person, frame), angles[number], pose.weight)
                continue
            rotation = to_front[number]
            shape = (points[number] - points[number, 0]) @ rotation.T
            for joint in pose.joints_at(number):
                at = pose.person, frame, joint
                if pose.weight >= self.shape_weight[at]:
                    self.shape_rotations[at] = rotation @ world[number, joint]
                _put(self.shape, self.shape_weight, at, shape[joint], pose.weight)

    def _add_pin(self, pin: PinConstraint) -> None:
        joint, hold = SMPL.index(pin.joint), pin.weight * interval_weight(pin, len(self))
        for frame in np.flatnonzero(hold):
            at = pin.person, int(frame), joint
            number = int(np.clip(frame - pin.start, 0, len(pin.points) - 1))
            _put(self.joints, self.joint_weight, at, pin.points[number], hold[frame])
            if joint == 0:
                _put(self.ground, self.ground_weight, at[:2], pin.points[number, [0, 2]], hold[frame])
            if pin.rotations is not None:
                number = int(np.clip(frame - pin.start, 0, len(pin.rotations) - 1))
                _put(self.rotations, self.rotation_weight, at, pin.rotations[number], hold[frame])


_WEIGHTS = ("ground_weight", "heading_weight", "joint_weight", "rotation_weight", "shape_weight")


def posed(pose: PoseConstraint, offsets: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orientations, positions and headings of poses.

    Args:
        pose: K poses.
        offsets: (22, 3) rest offsets of the person; see ``Targets.of``.

    Returns:
        Orientations in the world (K, 22, 3, 3), positions in the world (K, 22, 3) and headings (K,) in radians.
    """
    world = global_rotations(pose.rotations, SMPL)
    points = forward_kinematics(pose.rotations, pose.roots, SMPL_REST_OFFSETS, SMPL)
    if offsets is not None and (not pose.in_place or set(pose.joints) == set(ALL_JOINTS)):
        own = forward_kinematics(pose.rotations, pose.roots, offsets, SMPL)
        own[..., 1] += (points[..., 1].min(1) - own[..., 1].min(1))[:, None]
        points = own
    return world, points, facing(points)


def interval_weight(item: PinConstraint | ContactConstraint, frames: int) -> np.ndarray:
    """(T,) 1 within the interval of a constraint, falling smoothly to 0 over its blends."""
    frame = np.arange(frames)
    outside = np.maximum(np.maximum(item.start - frame, frame - (item.stop - 1)), 0)
    share = np.clip(1 - outside / (item.blend + 1), 0.0, 1.0)
    return share * share * (3 - 2 * share)


def _put(
    values: np.ndarray, weights: np.ndarray, at: tuple[int, ...], value: np.ndarray | float, weight: float
) -> None:
    """Set a value and its weight, unless the present weight is greater."""
    if weight > 0 and weight >= weights[at]:
        values[at], weights[at] = value, weight
