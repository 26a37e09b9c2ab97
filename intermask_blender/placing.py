"""From what the user chose to a request, and from the result to characters in a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import bpy
import numpy as np

from .core import FPS, PosedSkeleton, UserError
from .generation import GenerationSettings, Pair
from .rig.body import load_body, sole_depth
from .rig.build import Colour, build_armature, build_mannequin
from .rig.capture import animated_frames, capture_motion
from .rig.key import key_posed, scene_fps

COLOURS: tuple[Colour, Colour] = ((0.75, 0.42, 0.16), (0.12, 0.35, 0.62))
"""Linear RGB of the first and the second person."""


@dataclass(frozen=True)
class Placement:
    """Where a result goes, by name: data-blocks may come and go while the generator works.

    Attributes:
        scene: name of the scene.
        start_frame: of the first key.
        has_leader: true where the first person stands in the scene already and only the second is new.
    """

    scene: str
    start_frame: int
    has_leader: bool = False


def prepare(
    scene: bpy.types.Scene,
    prompt: str,
    seconds: float | None,
    seed: int,
    model: Path,
    leader: bpy.types.Object | None = None,
) -> tuple[GenerationSettings, Placement]:
    """Collect all that a generation needs. With a leader ``seconds`` is the most of its motion that counts.

    Raises:
        UserError: the leader cannot lead.
    """
    settings = GenerationSettings(prompt, model, seconds, seed)
    if leader is None:
        return settings, Placement(scene.name, scene.frame_start)
    first, last = animated_frames(leader, scene)
    if seconds is not None:
        last = min(last, first + (seconds - 1 / FPS) * scene_fps(scene))
    motion, start = capture_motion(leader, scene, (first, last))
    settings = replace(settings, seconds=None, leader=motion)
    return settings, Placement(scene.name, start, has_leader=True)


def place(pair: Pair, placement: Placement, title: str) -> list[bpy.types.Object]:
    """Add the new characters of a pair to the scene, keyed; nothing else in the scene changes.

    Args:
        pair: both people; the first one is left out where a leader stands for it.
        placement: what ``prepare`` gave.
        title: names the collection and the actions.

    Returns:
        The new armatures.

    Raises:
        UserError: the scene is gone.
    """
    scene = bpy.data.scenes.get(placement.scene)
    if scene is None:
        raise UserError(f"The scene {placement.scene} was removed meanwhile; generate again in another one.")
    if placement.has_leader:
        people: Sequence[tuple[int, PosedSkeleton]] = [(1, pair[1])]
    else:
        people = [(index, _on_soles(posed)) for index, posed in enumerate(pair)]
    collection = bpy.data.collections.new(title)
    scene.collection.children.link(collection)
    made = []
    for index, posed in people:
        name = f"Person {index + 1}"
        armature = build_armature(name, posed.offsets, collection, posed.skeleton)
        build_mannequin(armature, posed.offsets, COLOURS[index])
        key_posed(posed, armature, scene, placement.start_frame, f"{name}: {title}")
        made.append(armature)
    return made


def _on_soles(posed: PosedSkeleton) -> PosedSkeleton:
    """The motion raised by the thickness of the soles: in data the lowest joint is on the floor, in a picture the skin.

    A reactor is not raised: its leader's soles are on the scene's floor already.
    """
    up = np.array((0.0, sole_depth(load_body(), posed.offsets), 0.0))
    return replace(posed, translation=posed.translation + up)
