"""From the list of constraints and the objects of a scene to the constraints of a clip, in the clip's world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from .. import core
from ..core import (
    Constraints,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    PoseConstraint,
    UserError,
)
from ..generator.generation import GenerationSettings
from ..rig.capture import evaluated_at
from ..translations import tr
from .clip_world import ClipWorld, clip_world, with_fixed_spot
from .constraint_checks import check_constraints
from .constraint_objects import PERSON
from .curve_path import path_along
from .held_pose import facing_frame, stored_pose
from .placement import Placement
from .spots import stance

STILL = 0.01
"""Metres that a point of contact may move."""
LEVEL = 0.1
"""Level part of a unit vector below which it is no direction on the ground."""
SAME = 1e-6
"""Metres, and entries of rotations, that a pin may move and is still a fixed one."""


def with_constraints(
    scene: bpy.types.Scene, settings: GenerationSettings, placement: Placement
) -> tuple[GenerationSettings, Placement]:
    """A request with the constraints of its scene; the same where no constraint is switched on.

    Constraints that the request has already, those of a script, replace them.

    Args:
        scene: that lists them.
        settings: the request.
        placement: where its result goes.

    Raises:
        UserError: a constraint cannot be read or met; the sentence names it.
    """
    entries = active_entries(scene)
    if not entries and not settings.constraints:
        return settings, placement
    placement = with_fixed_spot(scene, placement)
    world = clip_world(scene, settings, placement)
    if settings.constraints:
        constraints = core.constraints_from_json(list(settings.constraints), "the request")
    else:
        partly = settings.meet_partly or bool(scene.intermask.meet_partly)
        constraints = read_constraints(scene, entries, world, partly)
        constraints = Constraints((*constraints.items, *_begins(scene, constraints, world, placement)))
        check_constraints(scene, constraints, settings, placement, world, partly)
        settings = replace(settings, constraints=tuple(core.constraints_to_json(constraints)), meet_partly=partly)
    kept = core.kept_joints(core.with_released_limbs(constraints), world.frames)
    return settings, replace(placement, pins=_body_pins(constraints, world), kept_joints=kept)


def active_entries(scene: bpy.types.Scene) -> list[Any]:
    """The constraints that are not muted and have a weight."""
    listed = getattr(scene, "intermask", None)
    return [entry for entry in listed.constraints if not entry.mute and entry.weight > 0.0] if listed else []


def read_constraints(
    scene: bpy.types.Scene, entries: Sequence[Any], world: ClipWorld, partly: bool = False
) -> Constraints:
    """The constraints of a clip.

    Args:
        scene: theirs.
        entries: of its list.
        world: where the clip is in the scene.
        partly: whether what lies outside the clip is left out instead of refused.

    Raises:
        UserError: an object is missing, hidden, mirrored or nowhere, a curve has no length, or frames are outside the
            clip.
    """
    items = []
    for entry in entries:
        _check_object(scene, entry)
        interval = _scene_frames(entry, world, partly)
        if interval is None:
            continue
        frames = tuple(range(world.frame(interval[0]), world.frame(interval[1]) + 1))
        # Frames of the clip lie between those of the scene; the interval's own ends are the user's.
        at = np.clip(world.scene_frames(frames), *interval)
        matrices = _matrices(scene, entry, at) if _uses_object(entry) else np.empty((0, 4, 4))
        items.append(_READERS[entry.kind](_Reading(scene, entry, world, frames, at, matrices)))
    return Constraints(tuple(items))


@dataclass(frozen=True)
class _Reading:
    """An entry with all that its constraint is made of.

    Attributes:
        scene: its scene.
        entry: of the list.
        world: where the clip is in the scene.
        frames: K frames of the clip, one after the other.
        at: (K,) the scene frames at which they are read.
        matrices: (K, 4, 4) where the entry's object is then; none without an object.
    """

    scene: bpy.types.Scene
    entry: Any
    world: ClipWorld
    frames: tuple[int, ...]
    at: np.ndarray
    matrices: np.ndarray

    @property
    def person(self) -> int:
        """Who is bound."""
        return PERSON[self.entry.person]

    @property
    def origins(self) -> np.ndarray:
        """(K, 3) origins of the object, in the scene."""
        return self.matrices[:, :3, 3]

    @property
    def ending(self) -> dict[str, Any]:
        """What constraints with an interval have in common."""
        entry = self.entry
        return {"blend": round(entry.blend * self.world.rate), "weight": entry.weight, "name": entry.name}

    def error(self, template: str) -> UserError:
        """A sentence that names the constraint and its object."""
        return UserError(template.format(name=self.entry.name, object=self.entry.object.name))


def _path(reading: _Reading) -> PathConstraint:
    entry, world = reading.entry, reading.world
    places, ways = path_along(reading.scene, entry, reading.at, reading.matrices)
    return _on_ground(reading, places, world.directions(ways) if entry.face_along else None, len(reading.frames) > 1)


def _waypoint(reading: _Reading) -> PathConstraint:
    headings = None
    if reading.entry.use_heading:
        ways = _axes(reading.matrices)[..., 1]
        if np.linalg.norm(ways[:, :2], axis=1).min() < LEVEL:
            raise reading.error(
                tr("{name}: the Y axis of {object} points up or down; turn it level, or switch Face Along Y off.")
            )
        headings = reading.world.directions(ways * (1.0, 1.0, 0.0))
    # All frames are listed. A curve would have to have a length, but people may stand still.
    return _on_ground(reading, reading.origins, headings, dense=False)


def _on_ground(reading: _Reading, places: np.ndarray, headings: np.ndarray | None, dense: bool) -> PathConstraint:
    entry, frames = reading.entry, reading.frames
    ground = reading.world.on_ground(reading.person, places)[:, (0, 2)]
    return PathConstraint(reading.person, frames, ground, headings, dense, entry.weight, entry.name)


def _pin(reading: _Reading) -> PinConstraint:
    entry, frames = reading.entry, reading.frames
    points = reading.world.points(reading.person, reading.origins)
    # A joint of a T-pose that faces -Y has the axes of the scene.
    turns = reading.world.rotations(_axes(reading.matrices)) if entry.use_rotation else None
    if all(part is None or np.ptp(part, axis=0).max() < SAME for part in (points, turns)):
        points, turns = points[:1], None if turns is None else turns[:1]
    return PinConstraint(reading.person, entry.joint, frames[0], frames[-1] + 1, points, turns, **reading.ending)


def _pose(reading: _Reading) -> PoseConstraint:
    entry, frames, world = reading.entry, reading.frames, reading.world
    stored = stored_pose(entry.object)
    if stored is None:
        raise reading.error(tr("{name}: {object} holds no pose; remove the constraint and hold a pose again."))
    turns, height, joints = stored
    poses = np.tile(turns, (len(frames), 1, 1, 1))
    poses[:, 0] = world.rotations(facing_frame(_axes(reading.matrices))) @ poses[:, 0]
    roots = world.on_ground(reading.person, reading.origins)
    roots[:, 1] += height
    return PoseConstraint(reading.person, frames, poses, roots, joints, entry.in_place, entry.weight, entry.name)


def _contact(reading: _Reading) -> ContactConstraint:
    entry, frames, world = reading.entry, reading.frames, reading.world
    on: str | np.ndarray = entry.other_place
    if entry.target == "POINT":
        points = world.points(reading.person, reading.origins)
        if np.ptp(points, axis=0).max() > STILL:
            raise reading.error(
                tr("{name}: the point {object} moves during the contact; use a Pin for a point that moves.")
            )
        on = points.mean(axis=0)
    nearest = entry.distance * world.metres / world.size if entry.use_distance else None
    return ContactConstraint(reading.person, entry.place, on, frames[0], frames[-1] + 1, nearest, **reading.ending)


def _timing(reading: _Reading) -> core.TimingConstraint:
    return core.TimingConstraint(reading.frames[0], "first contact", reading.entry.weight, reading.entry.name)


_READERS: dict[str, Callable[[_Reading], core.Constraint]] = {
    "PATH": _path,
    "WAYPOINT": _waypoint,
    "PIN": _pin,
    "POSE": _pose,
    "CONTACT": _contact,
    "TIMING": _timing,
}


def _begins(
    scene: bpy.types.Scene, constraints: Constraints, world: ClipWorld, placement: Placement
) -> list[PathConstraint]:
    """Where people of the scene stand at the first frame, unless a constraint says where they begin."""
    if not placement.stands or not scene.intermask.begin_in_place:
        return []
    begins = []
    for person, name in enumerate(placement.characters):
        owner = scene.objects.get(name) if name else None
        if owner is None or any(_says_begin(item, person) for item in constraints):
            continue
        place, ahead = stance(owner, scene, placement.start_frame)
        ground = world.on_ground(person, place[None])[:, (0, 2)]
        headings = world.directions(np.append(ahead, 0.0)[None])
        title = tr("Begin of person {number}").format(number=person + 1)
        begins.append(PathConstraint(person, (0,), ground, headings, name=title))
    return begins


def _says_begin(item: core.Constraint, person: int) -> bool:
    """Whether a constraint says where a person is in the first frame of the clip."""
    if not isinstance(item, PathConstraint | PoseConstraint) or item.person != person:
        return False
    return 0 in item.frames and (isinstance(item, PathConstraint) or item.in_place)


def _body_pins(constraints: Constraints, world: ClipWorld) -> tuple[core.BodyPin, ...]:
    """What is held at points of the scene, for bodies that are not those of the clip."""
    pins = []
    for item in constraints:
        if isinstance(item, PinConstraint):
            place = item.joint
        elif isinstance(item, ContactConstraint) and not isinstance(item.on, str) and item.never_nearer is None:
            place = item.place
        else:
            continue
        weight = item.weight * core.interval_weight(item, world.frames)
        pins.append(core.BodyPin(item.person, place, weight, world.scales[item.person]))
    return tuple(pins)


def _uses_object(entry: Any) -> bool:
    return entry.target == "POINT" if entry.kind == "CONTACT" else entry.kind != "TIMING"


def _check_object(scene: bpy.types.Scene, entry: Any) -> None:
    """Whether the object of an entry is in the scene and is shown."""
    if not _uses_object(entry):
        return
    owner = entry.object
    if owner is None or scene.objects.get(owner.name) != owner:
        raise UserError(
            tr("{name}: its object is not in this scene; choose another one under Direct, or remove the constraint.")
            .format(name=entry.name)
        )  # fmt: skip
    layers = [layer for layer in scene.view_layers if owner.name in layer.objects]
    if owner.hide_viewport or not any(owner.visible_get(view_layer=layer) for layer in layers):
        raise UserError(
            tr("{name}: its object {object} is hidden; show it, or mute the constraint.").format(
                name=entry.name, object=owner.name
            )
        )


def _scene_frames(entry: Any, world: ClipWorld, partly: bool) -> tuple[int, int] | None:
    """First and last scene frame of an entry; None where all of them are outside the clip and may be left out."""
    if entry.whole_clip:
        return world.start, world.last
    end = entry.start if entry.kind == "TIMING" else entry.end
    if entry.start > end:
        raise UserError(
            tr("{name}: its first frame {start} comes after its last frame {end}; exchange them.").format(
                name=entry.name, start=entry.start, end=end
            )
        )
    first, last = max(entry.start, world.start), min(end, world.last)
    if (first, last) == (entry.start, end):
        return first, last
    if partly:
        return (first, last) if first <= last else None
    raise UserError(
        tr(
            "{name}: its frames {start} to {end} are outside the clip, which lasts from frame {first} to {last}; "
            "change them, or the length of the clip."
        ).format(name=entry.name, start=entry.start, end=end, first=world.start, last=world.last)
    )


def _matrices(scene: bpy.types.Scene, entry: Any, at: np.ndarray) -> np.ndarray:
    """(K, 4, 4) where the object of an entry is at scene frames, in the world."""
    owner = entry.object
    found = evaluated_at(
        (owner,), scene, at, lambda graph: np.array(owner.evaluated_get(graph).matrix_world, np.float64)
    )
    matrices = np.array(found)
    if not np.isfinite(matrices).all():
        raise UserError(
            tr("{name}: {object} has non-finite transforms in some frame; check its keys.").format(
                name=entry.name, object=owner.name
            )
        )
    volumes = np.linalg.det(matrices[:, :3, :3])
    if (np.abs(volumes) < 1e-12).any():
        raise UserError(
            tr("{name}: {object} has a scale of zero; reset it (Alt S).").format(name=entry.name, object=owner.name)
        )
    if (volumes < 0.0).any():
        raise UserError(
            tr(
                "{name}: {object} is mirrored by a negative scale, its own or a parent's; make the scale positive."
            ).format(name=entry.name, object=owner.name)
        )
    return matrices


def _axes(matrices: np.ndarray) -> np.ndarray:
    """(K, 3, 3) rotations of matrices (K, 4, 4) whose axes may be scaled and sheared."""
    left, _, right = np.linalg.svd(matrices[:, :3, :3])
    return np.asarray(left @ right)
