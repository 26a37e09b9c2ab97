"""Converts motions of one person to the features of each data set and back, in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import numpy as np

from ..kinematics import RAW_FIT, solve
from ..kinematics.pose import PoseBatch
from ..kinematics.root import fit_root
from ..kinematics.tree import fit_joint_rotations
from ..motion import SMPL, SMPLX, Interaction, Motion
from ..motion.canonical import CanonicalTransform, canonical_pair, canonical_transform
from ..motion.hands import body_of, with_hands_at_rest
from ..motion.interx import INTERX_BODY, interx_from_motion, motion_from_interx
from ..motion.representation import features_from_motion, motion_from_features


class Representation(Protocol):
    """Features of one person, and the canonical frame that they are in."""

    def prepared(self, person: Motion) -> Motion:
        """The person on this representation's skeleton, with all data that the features need."""

    def canonical_transform(self, leader: Motion) -> CanonicalTransform:
        """The transform of both people that brings the leader to where the networks expect the first person."""

    def features(self, person: Motion) -> np.ndarray:
        """Features (T, ...), float32, of a prepared person in the canonical frame; the last velocity is zero."""

    def motion(self, features: np.ndarray) -> Motion:
        """The motion of T frames of features (T, ...) in metres, not normalised."""

    def world_transform(self, people: tuple[Motion, Motion]) -> CanonicalTransform:
        """From the frame in which a pair without a leader is decoded to the canonical frame of its first person."""

    def canonical(self, people: tuple[Motion, Motion]) -> tuple[Motion, Motion]:
        """A pair that was generated without a leader, in the canonical frame of the first person."""


class InterHumanFeatures:
    """Features (T, 262) on SMPL's 22 joints: positions, velocities, local rotations, contacts."""

    def prepared(self, person: Motion) -> Motion:
        """The person's body as given.

        Raises:
            ValueError: there are no local rotations.
        """
        if person.rotations is None:
            raise ValueError("tokens need local rotations")
        return body_of(person)

    def canonical_transform(self, leader: Motion) -> CanonicalTransform:
        """The canonical frame: on the floor, over the origin, facing +Z."""
        return canonical_transform(leader)

    def features(self, person: Motion) -> np.ndarray:
        """(T, 262) features."""
        index = np.minimum(np.arange(len(person) + 1), len(person) - 1)  # features drop the last frame
        rotations = None if person.rotations is None else person.rotations[index]
        lengthened = replace(person, joints=person.joints[index], rotations=rotations, root_orientation=None)
        return features_from_motion(lengthened)

    def motion(self, features: np.ndarray) -> Motion:
        """A motion without root orientation."""
        return motion_from_features(features.astype(np.float64))

    def world_transform(self, people: tuple[Motion, Motion]) -> CanonicalTransform:
        """The identity: the features are in the canonical frame."""
        return CanonicalTransform(0.0, np.zeros(3))

    def canonical(self, people: tuple[Motion, Motion]) -> tuple[Motion, Motion]:
        """The pair as decoded: its features are in the canonical frame already."""
        return people


class InterXFeatures:
    """Features (T, 56, 6) on SMPL-X's 55 joints: rotations, hands included, and the root's translation."""

    def prepared(self, person: Motion) -> Motion:
        """The person with the motion's hands or flat ones; unknown rotations of the body are fitted."""
        known = person.rotations is not None and person.root_orientation is not None
        if person.skeleton == SMPLX and known:
            return person
        body = body_of(person)
        if not known:
            (fitted,) = solve([body], RAW_FIT)
            found = fitted.motion()
            body = replace(body, rotations=found.rotations, root_orientation=found.root_orientation)
        if person.skeleton == SMPL:
            return with_hands_at_rest(body)
        rotations = np.tile(np.eye(3), (len(person), len(SMPLX) - 1, 1, 1))
        if person.rotations is not None:
            rotations = person.rotations.copy()
        rotations[:, : len(SMPL) - 1] = body.rotations
        return replace(person, rotations=rotations, root_orientation=body.root_orientation)

    def canonical_transform(self, leader: Motion) -> CanonicalTransform:
        """The root of frame 0 at the origin, as in the data; facing +Z, although people in the data face anywhere."""
        return canonical_transform(leader, floor=float(leader.joints[0, 0, 1]))

    def features(self, person: Motion) -> np.ndarray:
        """(T, 56, 6) features: the rotations that bring the data set's body into this person's pose."""
        if person.rotations is None or person.root_orientation is None:
            raise ValueError("features need a prepared person")
        count = len(SMPL)
        joints = person.joints[None, :, :count].astype(np.float64)
        bones = joints[0, :, 1:] - joints[0][:, SMPL.parents[1:]]
        lengths = np.median(np.linalg.norm(bones, axis=-1), axis=0)[:, None]
        offsets = INTERX_BODY[:count].copy()
        offsets[1:] *= lengths / np.linalg.norm(offsets[1:], axis=-1, keepdims=True)
        root_orientations = person.root_orientation[None].astype(np.float64)
        local = np.concatenate((root_orientations[0][:, None], person.rotations[:, : count - 1]), axis=1)[None]
        pose = PoseBatch(offsets[None], local, joints[:, :, 0], person.fps)
        posed = fit_joint_rotations(fit_root(pose, joints, True, root_orientations), joints, True).local[0]
        rotations = np.concatenate((posed[:, 1:], person.rotations[:, count - 1 :]), axis=1)
        return interx_from_motion(replace(person, rotations=rotations, root_orientation=posed[:, 0]))

    def motion(self, features: np.ndarray) -> Motion:
        """A motion with root orientation, its joints by forward kinematics."""
        return motion_from_interx(features.astype(np.float64))

    def world_transform(self, people: tuple[Motion, Motion]) -> CanonicalTransform:
        """Both on one floor, the first over the origin and facing +Z in frame 0."""
        return canonical_pair(Interaction(people), ground="common")[1]

    def canonical(self, people: tuple[Motion, Motion]) -> tuple[Motion, Motion]:
        """Both in the frame of ``world_transform``."""
        return self.world_transform(people).apply_to_pair(Interaction(people)).people


REPRESENTATIONS: Mapping[str, Representation] = {"interhuman": InterHumanFeatures(), "interx": InterXFeatures()}
"""The representation of each data set that a tokenizer's configuration can name."""
