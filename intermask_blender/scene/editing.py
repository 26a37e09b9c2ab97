"""From a take and a wish to change it to a request: what is known of it, and which part is made anew."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path

import bpy

from .. import compat
from ..core import FPS, SMPL, SMPLX, Motion, UserError, with_hands_at_rest
from ..generator.generation import GenerationSettings, SourceMotion
from ..generator.models import has_body_parts
from ..rig.capture import animated_frames, capture
from ..rig.key import scene_fps
from ..rig.splice import Held, source_of
from ..translations import tr
from .placement import Placement
from .request import Sampling, figure_size

ALL_PARTS = (0, 1, 2, 3, 4)

SOFT_PARTS = {"ALL": ALL_PARTS, "ARMS": (3, 4), "HANDS": (4,), "LEGS": (0, 1, 2), "UPPER_BODY": (2, 3, 4)}
"""Rows of a published model's token map that govern each part of the body, measured: ``docs/body-parts.md``."""
PART_INDICES = {"ALL": ALL_PARTS, "ARMS": (3, 4), "HANDS": (3, 4), "LEGS": (1, 2), "UPPER_BODY": (0, 3, 4)}
"""The same where rows are trunk, left leg, right leg, left arm, right arm, as in the bundled model."""

_ARMS = frozenset(side + name for side in ("L_", "R_") for name in ("Collar", "Shoulder", "Elbow", "Wrist"))
_LEGS = frozenset(side + name for side in ("L_", "R_") for name in ("Hip", "Knee", "Ankle", "Foot"))
_SPINE = frozenset(("Spine1", "Spine2", "Spine3"))

JOINTS = {
    "ALL": frozenset(SMPL.joints),
    "ARMS": _ARMS,
    "HANDS": _ARMS - {"L_Collar", "R_Collar"},
    "LEGS": _LEGS | _SPINE | {"Pelvis"},
    "UPPER_BODY": _ARMS | _SPINE | {"Neck", "Head"},
}
"""SMPL joints that turn anew with each part. The trunk balances what new legs do."""

WHO = {"BOTH": (0, 1), "FIRST": (0,), "SECOND": (1,)}


def prepare_edit(
    scene: bpy.types.Scene,
    take: bpy.types.PropertyGroup,
    settings: tuple[str, int, Path],
    sampling: Sampling,
    part: str = "ALL",
    who: str = "BOTH",
    frames: tuple[int, int] | None = None,
    strength: float = 1.0,
    more: float | None = None,
) -> tuple[GenerationSettings, Placement]:
    """What to ask for, so that a take is changed or becomes longer; the result is a new take.

    Args:
        scene: that lists the take.
        take: it must be the one that is shown.
        settings: prompt, seed and the model's folder.
        sampling: how to draw.
        part: a key of ``PART_INDICES``.
        who: a key of ``WHO``; a leader is never changed.
        frames: first and last scene frame that are made anew; None means all.
        strength: share of it that is made anew.
        more: seconds that the take becomes longer by; None changes it in place.

    Raises:
        UserError: a character is gone, or the frames lie beside the take.
    """
    leader = scene.intermask.leader if take.character_1 is None else None
    owners = (take.character_1 or leader, take.character_2)
    if owners[0] is None or owners[1] is None:
        raise UserError(
            tr("A character of the take {take} is gone; choose its leader again, or another take.").format(
                take=take.name
            )
        )
    if leader is not None and (who == "FIRST" or more is not None):
        raise UserError(
            tr("{name} leads and is never changed; change the second person alone.").format(name=leader.name)
        )
    # Strips of the character's other scenes are no part of the take.
    first, last = compat.keyed_range(owners[1]) or animated_frames(owners[1], scene)
    captured = [capture(owner, scene, (first, last)) for owner in owners]
    length = min(len(one.motion) for one in captured)
    size = figure_size(captured[0 if leader is not None else 1].motion)
    first_person, second_person = (_shrunk(one.motion.frames(0, length), size) for one in captured)
    start = captured[1].start
    rate = FPS / scene_fps(scene)
    begin, stop = 0, length
    if frames is not None:
        begin, stop = (round((frame - start) * rate) for frame in frames)
        begin, stop = max(begin, 0), min(stop + 1, length)
        if stop - begin < 4:
            raise UserError(
                tr(
                    "The range {first} to {behind} contains no frame of the take, which lasts from "
                    "frame {start} to {last:.0f}; choose a range within it."
                ).format(first=frames[0], behind=frames[1], start=start, last=last)
            )
    moving = (1,) if leader is not None else WHO[who]
    prompt, seed, model = settings
    rows = (PART_INDICES if has_body_parts(model) else SOFT_PARTS)[part]
    source = SourceMotion(_alike(first_person, second_person), rows, moving, begin, stop, strength, more is not None)
    seconds = None if more is None else length / FPS + more
    request = GenerationSettings(prompt, model, seconds, seed, **asdict(sampling))
    names = ("" if leader is not None else owners[0].name, owners[1].name)
    metres = scene.unit_settings.scale_length or 1.0
    held = _held(owners, moving, JOINTS[part], frames, None if more is None else last)
    there = None if leader is None else captured[0].joints[:length]
    placement = Placement(scene.name, start, leader is not None, names, size, metres, held, leader=there)
    return replace(request, source=source), placement


def _held(
    owners: tuple[bpy.types.Object, bpy.types.Object],
    who: tuple[int, ...],
    joints: frozenset[str],
    frames: tuple[int, int] | None,
    end: float | None,
) -> Held:
    """What stays of the take's keys; ``end`` is the last of them where the take becomes longer."""
    sources = source_of(owners[0]), source_of(owners[1])
    if end is not None:
        return Held(sources, first=math.floor(end) + 1)
    if frames is None:
        return Held(sources, who, joints)
    return Held(sources, who, joints, min(frames), max(frames))


def _shrunk(motion: Motion, size: float) -> Motion:
    """The motion of a figure so many times smaller, about the origin: as large as the people that the model knows."""
    return replace(motion, joints=motion.joints / size)


def _alike(first: Motion, second: Motion) -> tuple[Motion, Motion]:
    """Both on one skeleton: hands are flat where only the other person has some."""
    if first.skeleton == second.skeleton:
        return first, second
    hands = [person if person.skeleton == SMPLX else with_hands_at_rest(person) for person in (first, second)]
    return hands[0], hands[1]
