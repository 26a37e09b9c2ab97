"""Variants of a take that need no generator: mirrored, exchanged, at another speed, with other gestures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import bpy
import numpy as np

from .. import compat
from ..core import PosedSkeleton, UserError
from ..rig.capture import animated_frames, capture
from ..rig.key import scene_fps
from ..rig.key_poses import key_every_frame, longest_run
from ..rig.retarget import rig_rest
from ..rig.splice import KeptKeys, source_of
from ..translations import tr
from .export_pose import posed_of
from .placement import Placement
from .placing import place
from .takes import add_take, check_unshared, is_reaction, people_of, seed_of

SAME_FRAME = 1e-3
"""Frames between two times that are the same frame."""

Change = Callable[[Sequence[PosedSkeleton]], list[PosedSkeleton]]


def add_changed_take(
    scene: bpy.types.Scene, take: bpy.types.PropertyGroup, change: Change, label: str
) -> bpy.types.PropertyGroup:
    """A new take with the changed motion of another one, on the same characters; it is shown.

    Args:
        scene: that lists the take.
        take: the one that is shown.
        change: of both people, in the scene's world.
        label: of what changed, for the name of the new take.

    Raises:
        UserError: a character was deleted or cannot be read, shares its action, or one of them leads.
    """
    owners = _both(take)
    first, last = compat.keyed_range(owners[1]) or animated_frames(owners[1], scene)
    captured = [capture(owner, scene, (first, last), rate=scene_fps(scene), shortest=1) for owner in owners]
    length = min(len(one.motion) for one in captured)
    people = []
    for owner, own in zip(owners, captured, strict=True):
        posed = posed_of(own.motion.frames(0, length))
        # Keying raises a motion by the thickness of the soles, which a captured one has already.
        sole = np.array((0.0, rig_rest(owner, scene).sole, 0.0))
        people.append(replace(posed, translation=posed.translation - sole))
    one, other = change(people)
    placement = Placement(
        scene.name,
        captured[0].start,
        characters=(owners[0].name, owners[1].name),
        metres=scene.unit_settings.scale_length or 1.0,
        kept_keys=KeptKeys((source_of(owners[0]), source_of(owners[1]))),
        plant_feet=scene.intermask.foot_lock,
        keep_contacts=scene.intermask.contact,
    )
    title = f"{label}: {take.name}"
    place((one, other), placement, title)
    return _listed(scene, take, owners, title)


def add_retimed_take(scene: bpy.types.Scene, take: bpy.types.PropertyGroup, speed: float) -> bpy.types.PropertyGroup:
    """A new take that is a take at another speed, from the same first frame on; it is shown.

    All keys of both people keep their values and move in time together, so that contacts stay. Curves with a key on
    every frame get one on every frame again: keys between frames cannot be edited in the dope sheet.

    Args:
        scene: that lists the take.
        take: the one that is shown.
        speed: 2 is twice as fast.

    Raises:
        UserError: a character was deleted or shares its action, or one of them leads.
    """
    owners = _both(take)
    begin = min(float(action.frame_range[0]) for action in (take.action_1, take.action_2))
    title = f"{round(100 * speed)} %: {take.name}"
    for number, owner in enumerate(owners, 1):
        source = source_of(owner)
        action = getattr(take, f"action_{number}").copy()
        action.name, action.use_fake_user = f"Person {number}: {title}", False
        compat.assign_action(owner, action, source.slot)
        for curve in compat.own_curves(owner):
            # A cycle has to keep its exact length.
            run = None if curve.modifiers else longest_run(curve)
            _retime(curve, begin, speed)
            if run is not None:
                first, last = (begin + (frame - begin) / speed for frame in run)
                key_every_frame(curve, math.floor(first + SAME_FRAME), math.ceil(last - SAME_FRAME))
        if action.use_frame_range:
            action.frame_end = begin + (action.frame_end - begin) / speed
    return _listed(scene, take, owners, title)


def _retime(curve: bpy.types.FCurve, begin: float, speed: float) -> None:
    points = curve.keyframe_points
    for name in ("co", "handle_left", "handle_right"):
        values = np.empty(2 * len(points), np.float32)
        points.foreach_get(name, values)
        values[::2] = begin + (values[::2] - begin) / speed
        points.foreach_set(name, values)
    curve.update()


def _both(take: bpy.types.PropertyGroup) -> tuple[bpy.types.Object, bpy.types.Object]:
    owners = people_of(take)
    if is_reaction(take):
        raise UserError(
            tr("{name} leads and is never changed; generate person 2 again instead.").format(name=owners[0].name)
        )
    if take.action_1 is None or take.action_2 is None:
        raise UserError(tr("The keys of the take {take} were deleted; generate a new take.").format(take=take.name))
    check_unshared(take)
    return owners


def _listed(
    scene: bpy.types.Scene,
    take: bpy.types.PropertyGroup,
    owners: tuple[bpy.types.Object, bpy.types.Object],
    title: str,
) -> bpy.types.PropertyGroup:
    prompt, seed, number, model = take.prompt, seed_of(take), take.number, take.model
    new = add_take(scene, title, prompt, seed or 0, number, model, owners)
    if seed is None:
        new.seed = ""
    new.settings = take.settings
    scene.intermask.take_index = len(scene.intermask.takes) - 1
    return scene.intermask.takes[-1]
