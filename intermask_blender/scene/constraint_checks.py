"""Whether the constraints of a scene can be met, in the words of the scene: its objects, people and frames."""

from __future__ import annotations

import bpy
import numpy as np

from .. import core
from ..core import Constraints, UserError
from ..generator.generation import GenerationSettings
from ..translations import tr
from .clip_world import ClipWorld
from .placement import Placement


def check_constraints(
    scene: bpy.types.Scene,
    constraints: Constraints,
    settings: GenerationSettings,
    placement: Placement,
    world: ClipWorld,
    partly: bool,
) -> None:
    """Refuse what the generator would refuse, before it is asked.

    Args:
        scene: that lists the constraints.
        constraints: in the clip's world.
        settings: the request.
        placement: where its result goes.
        world: of the clip.
        partly: whether what cannot be met is left out instead.

    Raises:
        UserError: a constraint cannot be met; the sentence names it and its object.
    """
    _check_held(constraints, settings, placement)
    floor = 0.0
    if settings.leader is not None:
        floor = float(settings.leader.joints[..., 1].min())
    elif settings.source is not None:
        floor = min(float(person.joints[..., 1].min()) for person in settings.source.people)
    clip = core.ClipLimits(world.frames, _held(settings, world.frames), floor=floor)
    core.check_constraints(constraints, clip, partly, _wording(scene, world))


def _wording(scene: bpy.types.Scene, world: ClipWorld) -> core.Wording:
    objects = {
        entry.name: entry.object.name
        for entry in scene.intermask.constraints
        if entry.object is not None and entry.object.name != entry.name
    }

    def label(item: core.Constraint, number: int) -> str:
        owner = objects.get(item.name)
        return item.name if owner is None else f"{item.name} ({owner})"

    def frame(number: int) -> int:
        return round(float(world.scene_frames((number,))[0]))

    return core.Wording(label, str, (tr("Person 1"), tr("Person 2")), frame)


def _held(settings: GenerationSettings, frames: int) -> np.ndarray:
    """(2, T) frames of each person that stay as they are."""
    held = np.zeros((2, frames), dtype=bool)
    source = settings.source
    if settings.leader is not None:
        held[0] = True
    elif source is not None and source.extends:
        held[:, : len(source.people[0])] = True
    elif source is not None:
        held[:, : source.start] = held[:, source.stop :] = True
        for person in {0, 1} - set(source.who):
            held[person] = True
    return held


def _check_held(constraints: Constraints, settings: GenerationSettings, placement: Placement) -> None:
    """Whether everyone who is bound moves."""
    moving: tuple[int, ...] = (1,) if placement.has_leader else (0, 1)
    if settings.source is not None and not settings.source.extends:
        moving = settings.source.who
    for item in constraints:
        if isinstance(item, core.TimingConstraint) or item.person in moving:
            continue
        if placement.has_leader:
            template = tr("{name} binds person {number}, who leads and is never changed; mute it, or bind person 2.")
        else:
            template = tr("{name} binds person {number}, who is kept by this edit; mute it, or edit both people.")
        raise UserError(template.format(name=item.name, number=item.person + 1))
