"""Where the world and the frames of a clip are in the scene: constraints are given in the clip's.

The clip's world: metres, Y up, person 1 begins at its origin and faces +Z unless a constraint says otherwise. Its
frames count from 0, 30 of them a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import bpy
import numpy as np

from ..core import FPS, SMPL_REST_OFFSETS, RootMotionScale
from ..generator.generation import GenerationSettings
from ..rig.axes import BLENDER_FROM_MOTION, vectors_from_blender
from ..rig.body import load_body, sole_depth
from ..rig.key import scene_fps
from ..rig.retarget import hip_ratio, rig_rest
from .people import is_generated
from .placement import Placement
from .spots import CLIP, Spot, heading, standing_spot
from .takes import chosen_take

UNSCALED = RootMotionScale(1.0, 1.0)


@dataclass(frozen=True)
class ClipWorld:
    """From the scene to a clip.

    Attributes:
        matrix: (4, 4) rigid, from the clip's world in Blender's axes to the scene's world; scene units.
        metres: per unit of the scene.
        size: how many times larger than a person the people of the scene are.
        scales: of each person's root motion on the armature that receives it.
        start: the scene frame of the clip's first one.
        frames: length of the clip.
        rate: frames of the clip for one of the scene.
    """

    matrix: np.ndarray
    metres: float
    size: float
    scales: tuple[RootMotionScale, RootMotionScale]
    start: int
    frames: int
    rate: float

    @property
    def last(self) -> int:
        """The scene frame of the clip's last key."""
        return self.start + max(0, math.ceil(self.frames / self.rate - 1e-6) - 1)

    def frame(self, scene_frame: float) -> int:
        """The clip's frame that is nearest to a scene frame."""
        return max(0, min(round((scene_frame - self.start) * self.rate), self.frames - 1))

    def scene_frames(self, frames: Sequence[int]) -> np.ndarray:
        """(K,) scene frames, with fractions, of frames of the clip."""
        return self.start + np.asarray(frames, np.float64) / self.rate

    def points(self, person: int, places: np.ndarray) -> np.ndarray:
        """Places (..., 3) of the scene in the clip's world, where they are for a person before its motion is scaled."""
        scale = self.scales[person]
        result = self._unscaled(places)
        result[..., (0, 2)] /= scale.across
        result[..., 1] = scale.floor + (result[..., 1] - scale.floor - scale.sole) / scale.upward
        return result / self.size

    def on_ground(self, person: int, places: np.ndarray) -> np.ndarray:
        """The same for places (..., 3) on the ground, which come to the floor of the clip."""
        scale = self.scales[person]
        result = self._unscaled(places)
        result[..., (0, 2)] /= scale.across
        result[..., 1] = scale.floor + result[..., 1] / scale.upward
        return result / self.size

    def rotations(self, turns: np.ndarray) -> np.ndarray:
        """Rotations (..., 3, 3) in the scene's world as they are in the clip's, motion's axes."""
        inside = self.matrix[:3, :3].T @ turns
        return BLENDER_FROM_MOTION.T @ inside @ BLENDER_FROM_MOTION

    def directions(self, ways: np.ndarray) -> np.ndarray:
        """(..., 2) cosine and sine of the headings of directions (..., 3) in the scene; 0 faces the clip's +Z."""
        inside = vectors_from_blender(ways @ self.matrix[:3, :3])
        flat = inside[..., (2, 0)]
        return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-12))

    def _unscaled(self, places: np.ndarray) -> np.ndarray:
        inside = (places - self.matrix[:3, 3]) @ self.matrix[:3, :3]
        return np.asarray(vectors_from_blender(inside) * self.metres)


def clip_world(scene: bpy.types.Scene, settings: GenerationSettings, placement: Placement) -> ClipWorld:
    """The world of the clip that a request asks for; where its pair stands must not depend on the result."""
    matrix = np.eye(4)
    if placement.spot is not None:
        turn = np.eye(4)
        turn[:2, :2] *= -1.0
        # A spot's direction is its Y axis; in Blender's axes a clip's person faces -Y.
        matrix = placement.spot.matrix @ turn
    frames = _length(settings)
    scales = _scale(scene, settings, placement, 0), _scale(scene, settings, placement, 1)
    rate = FPS / scene_fps(scene)
    return ClipWorld(matrix, placement.metres, placement.size, scales, placement.start_frame, frames, rate)


def with_fixed_spot(scene: bpy.types.Scene, placement: Placement) -> Placement:
    """The placement of a clip with constraints: its world has a place in the scene before it is generated.

    Person 1 begins where it stands, new people at the 3D cursor. A take that is generated again keeps its world.
    """
    if placement.spot is None or placement.spot.anchor == CLIP:
        return placement
    first, second = (scene.objects.get(name) if name else None for name in placement.characters)
    across = 1.0
    if first is not None and second is not None and not (is_generated(first) and is_generated(second)):
        across = float(np.mean([hip_ratio(SMPL_REST_OFFSETS, owner, scene) for owner in (first, second)]))
    spot = replace(placement.spot, anchor=CLIP)
    if placement.stands and first is not None:
        spot = _spot_of_take(scene, first) or replace(
            standing_spot(scene, (first, None), placement.start_frame), anchor=CLIP
        )
    return replace(placement, spot=spot, across=across)


def store_world(take: bpy.types.PropertyGroup, owner: bpy.types.Object, matrix: np.ndarray) -> None:
    """Remember where a take's world (4, 4) is, relative to person 1, who may be moved together with the take."""
    placed = _placed(take.id_data, owner)
    if abs(np.linalg.det(placed[:3, :3])) > 1e-12:
        take.world = (np.linalg.inv(placed) @ matrix).ravel()
        take.has_world = True


def _spot_of_take(scene: bpy.types.Scene, first: bpy.types.Object) -> Spot | None:
    """Where the world of the chosen take is now, None where its person 1 is another or that is not known."""
    take = chosen_take(scene)
    if take is None or not take.has_world or take.character_1 != first:
        return None
    matrix = _placed(scene, first) @ np.reshape(take.world, (4, 4))
    x, y, z = matrix[:3, 3].tolist()
    return Spot((x, y, z), heading(-matrix[:2, 1]), CLIP)


def _placed(scene: bpy.types.Scene, owner: bpy.types.Object) -> np.ndarray:
    """(4, 4) an object's matrix in the world; Blender computes it late for new objects."""
    scene.view_layers[0].update()
    return np.array(owner.matrix_world, np.float64)


def _length(settings: GenerationSettings) -> int:
    """Frames of the clip."""
    if settings.leader is not None:
        return len(settings.leader)
    if settings.source is not None and not settings.source.extends:
        return len(settings.source.people[0])
    return max(1, round((settings.seconds or 0.0) * FPS))


def _scale(scene: bpy.types.Scene, settings: GenerationSettings, placement: Placement, person: int) -> RootMotionScale:
    """How a person's root motion is scaled; see ``placing``."""
    if placement.kept_keys is not None:
        return UNSCALED
    name = placement.characters[person]
    owner = scene.objects.get(name) if name else None
    if settings.leader is not None:
        # The lowest joint of the leader is on the floor of the clip.
        floor = float(settings.leader.joints[..., 1].min()) * placement.size
        scaled = owner is not None and not is_generated(owner) and person == 1
        return RootMotionScale(1.0, hip_ratio(SMPL_REST_OFFSETS, owner, scene) if scaled else 1.0, floor)
    if owner is None:
        return RootMotionScale(1.0, 1.0, sole=sole_depth(load_body(), SMPL_REST_OFFSETS))
    across = 1.0 if placement.across is None else placement.across
    rest = rig_rest(owner, scene)
    if is_generated(owner):
        # The next take's people are as tall as those that an earlier one was generated for.
        return RootMotionScale(across, 1.0, sole=rest.sole)
    return RootMotionScale(across, hip_ratio(SMPL_REST_OFFSETS, owner, scene), sole=rest.sole)
