"""``Spot``: a place on the ground for a pair, at the 3D cursor or where the user's characters stand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import bpy
import numpy as np

from ..core import SMPL, PosedSkeleton, UserError, rotations
from ..generator.generation import Pair
from ..rig.axes import vectors_to_blender
from ..rig.capture import evaluated_bones
from ..rig.own_map import mapping_of
from ..translations import tr
from .people import is_generated

Owners = tuple[bpy.types.Object | None, bpy.types.Object | None]

MIN_DISTANCE = 0.3
"""Metres between two people below which the line between them gives no direction."""

SAME_MATRIX_TOLERANCE = 1e-4
"""Largest difference between the matrices of two objects at the same place."""

PAIR, LINE, FIRST, SECOND, CLIP = "PAIR", "LINE", "FIRST", "SECOND", "CLIP"
"""Which place and direction of a motion are aligned with a spot and its Y axis. Of the first frame: the middle of the
pair and the direction that person 1 faces; the middle and the line from person 1 to person 2; or one person and the
direction that it faces. ``CLIP``: the origin of the motion's world and its +Z."""


@dataclass(frozen=True)
class Spot:
    """A place on the ground and a direction.

    Attributes:
        origin: in the scene's units.
        turn: radians about the world's Z axis from the world's Y axis to the direction.
        anchor: what of a motion is aligned with it: ``PAIR``, ``LINE``, ``FIRST``, ``SECOND`` or ``CLIP``.
    """

    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn: float = 0.0
    anchor: str = PAIR

    @property
    def matrix(self) -> np.ndarray:
        """(4, 4) from the spot's space to the world's, scene units."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        matrix = np.eye(4)
        matrix[:2, :2] = (cos, -sin), (sin, cos)
        matrix[:3, 3] = self.origin
        return matrix


def cursor_spot(scene: bpy.types.Scene) -> Spot:
    """The 3D cursor and the heading of its Y axis; a tilt of the cursor is ignored."""
    axes = np.array(scene.cursor.matrix, np.float64)[:3, :3]
    # A cursor that was set in a front view is aligned with the view: its Y axis points up, and -Z away from the viewer.
    ahead = axes[:2, 1] if np.linalg.norm(axes[:2, 1]) > 0.1 else -axes[:2, 2]
    x, y, z = scene.cursor.location
    return Spot((x, y, z), heading(ahead))


def standing_spot(scene: bpy.types.Scene, owners: Owners, frame: int) -> Spot:
    """Where characters stand at a frame; one of them may be None.

    Raises:
        UserError: no person is found in one of them.
    """
    present = [owner for owner in owners if owner is not None]
    if len(present) == 2 and all(is_generated(owner) for owner in present):
        scene.view_layers[0].update()
        first, second = (np.array(owner.matrix_world, np.float64) for owner in present)
        if np.abs(first - second).max() < SAME_MATRIX_TOLERANCE and abs(first[2, 2] - 1.0) < SAME_MATRIX_TOLERANCE:
            return Spot(tuple(first[:3, 3].tolist()), heading(first[:2, 1]))
    metres = scene.unit_settings.scale_length or 1.0
    places, facings = zip(*(stance(owner, scene, frame) for owner in present), strict=True)
    x, y, z = np.mean(places, axis=0).tolist()
    if len(present) == 1:
        return Spot((x, y, z), heading(facings[0]), FIRST if owners[0] is not None else SECOND)
    line = (places[1] - places[0])[:2]
    if np.linalg.norm(line) * metres > MIN_DISTANCE:
        return Spot((x, y, z), heading(line), LINE)
    return Spot((x, y, z), heading(facings[0]))


def stance(owner: bpy.types.Object, scene: bpy.types.Scene, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Where a character stands (3,), at the height of its object, and the direction that it faces (2,); scene units."""
    if owner.type != "ARMATURE":
        raise UserError(tr("{name} is not an armature; choose an armature.").format(name=owner.name))
    bones = mapping_of(owner).bones
    names = tuple(bones[joint] for joint in ("Pelvis", "L_Hip", "R_Hip"))
    placed, posed = evaluated_bones(owner, scene, np.array([float(frame)]), names)
    pelvis, left, right = (placed[0] @ posed[0])[:, :3, 3]
    return np.append(pelvis[:2], placed[0, 2, 3]), _ahead(left - right)


def _ahead(across: np.ndarray) -> np.ndarray:
    """(2,) direction that a person faces, from the vector from its right to its left (3,), Blender's axes."""
    return np.array((across[1], -across[0]))


def heading(ahead: np.ndarray) -> float:
    """Radians about Z from the Y axis to a direction (2,)."""
    return float(np.arctan2(-ahead[0], ahead[1]))


def at_spot(pair: Pair, spot: Spot) -> Pair:
    """The pair in a spot's space: in the first frame, the spot's anchor is at the origin and points along Y."""
    place, turn = _onto_spot(_first_frame(pair), spot)
    first, second = (rotated_about(person, place, turn, (0.0, 0.0)) for person in pair)
    return first, second


def world_at_spot(pair: Pair, spot: Spot, metres: float) -> np.ndarray:
    """(4, 4) matrix in the scene of the world of a motion at a spot, Blender's axes and scene units.

    Args:
        pair: the motion.
        spot: where it is placed.
        metres: per unit of the scene.
    """
    return world_of_joints(_first_frame(pair), spot, metres)


def world_of_joints(joints: np.ndarray, spot: Spot, metres: float) -> np.ndarray:
    """The same for a motion with joints (2, 22, 3) in its first frame."""
    place, turn = _onto_spot(joints, spot)
    onto = Spot(turn=turn).matrix
    onto[:2, 3] = -(onto[:2, :2] @ place) / metres
    world: np.ndarray = spot.matrix @ onto
    return world


def _first_frame(pair: Pair) -> np.ndarray:
    """(2, 22, 3) joints."""
    return np.stack([person.joints()[0, : len(SMPL)] for person in pair])


def _onto_spot(first_frame: np.ndarray, spot: Spot) -> tuple[np.ndarray, float]:
    """The place (2,) of the motion's world that moves to a spot, Blender's axes, and the angle about it, radians."""
    if spot.anchor == CLIP:
        # In Blender's axes a motion's +Z is -Y.
        return np.zeros(2), np.pi
    joints = [vectors_to_blender(person) for person in first_frame]
    pelvis = [person[0, :2] for person in joints]
    facing = [_ahead(_across(person)) for person in joints]
    one = 1 if spot.anchor == SECOND else 0
    place = pelvis[one] if spot.anchor in (FIRST, SECOND) else (pelvis[0] + pelvis[1]) / 2
    line = pelvis[1] - pelvis[0]
    ahead = line if spot.anchor == LINE and np.linalg.norm(line) > MIN_DISTANCE else facing[one]
    return place, -heading(ahead)


def rotated_about(
    posed: PosedSkeleton, place: np.ndarray, angle: float, to: np.ndarray | tuple[float, float] | None = None
) -> PosedSkeleton:
    """The motion rotated about the vertical through a place.

    Args:
        posed: the motion.
        place: (2,) metres on the ground, Blender's X and Y.
        angle: radians, counterclockwise as seen from above.
        to: where the place moves to; None keeps it.
    """
    turn = rotations.quaternion_from_axis_angle(np.array((0.0, angle, 0.0)))
    at = np.array((place[0], 0.0, -place[1]))
    there = at if to is None else np.array((to[0], 0.0, -to[1]))
    turns = posed.rotations.copy()
    turns[:, 0] = rotations.quaternion_multiply(turn, turns[:, 0])
    moved = rotations.rotate(rotations.matrix_from_quaternion(turn), posed.translation - at) + there
    return replace(posed, rotations=rotations.continuous_signs(turns), translation=moved)


def _across(joints: np.ndarray) -> np.ndarray:
    """(3,) vector from a person's right to its left, from the hips and shoulders of joints (22, 3)."""
    sides = [joints[SMPL.index(f"L_{joint}")] - joints[SMPL.index(f"R_{joint}")] for joint in ("Hip", "Shoulder")]
    across: np.ndarray = sides[0] + sides[1]
    return across
