"""From a take and an edit to a request: which part is regenerated, and which keys are kept."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import bpy

from .. import compat
from ..core import FPS, SMPL, SMPLX, Motion, UserError, with_hands_at_rest
from ..generator.generation import GenerationSettings, SourceMotion
from ..generator.models import has_body_parts
from ..rig.capture import animated_frames, capture
from ..rig.key import scene_fps
from ..rig.splice import KeptKeys, source_of
from ..translations import tr
from .placement import Placement
from .request import TakeOptions, figure_size
from .takes import check_unshared, is_reaction, people_of

ALL_PARTS = (0, 1, 2, 3, 4)

SOFT_PARTS = {"ALL": ALL_PARTS, "ARMS": (3, 4), "HANDS": (4,), "LEGS": (0, 1, 2), "UPPER_BODY": (2, 3, 4)}
"""Parts of a published model's token map that govern each part of the body, measured: ``docs/body-parts.md``."""
PART_INDICES = {"ALL": ALL_PARTS, "ARMS": (3, 4), "HANDS": (3, 4), "LEGS": (1, 2), "UPPER_BODY": (0, 3, 4)}
"""The same for token maps with the parts trunk, left leg, right leg, left arm, right arm, as in the bundled model."""

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
"""SMPL joints that change with each part of the body. The trunk balances what new legs do."""

WHO = {"BOTH": (0, 1), "FIRST": (0,), "SECOND": (1,)}


MIN_RANGE_FRAMES = 4
"""Shortest range that can be regenerated, in frames at the model's rate: those of a token."""


@dataclass(frozen=True)
class Edit:
    """How a take is changed.

    Attributes:
        part: a key of ``PART_INDICES``.
        who: a key of ``WHO``; a leader is never changed.
        frames: first and last scene frame that are regenerated; None means all.
        strength: fraction of the motion that is regenerated.
        more: seconds by which the take is extended; None keeps its length.
        label: prefix of the new take's name.
    """

    part: str = "ALL"
    who: str = "BOTH"
    frames: tuple[int, int] | None = None
    strength: float = 1.0
    more: float | None = None
    label: str = ""


def prepare_edit(
    scene: bpy.types.Scene,
    take: bpy.types.PropertyGroup,
    settings: tuple[str, int, Path],
    options: TakeOptions,
    edit: Edit | None = None,
) -> tuple[GenerationSettings, Placement]:
    """The request for an edit or an extension of a take, and the placement of its result, which is a new take.

    Args:
        scene: that lists the take.
        take: the one that is shown.
        settings: prompt, seed and the model's folder; an empty prompt means the take's own.
        options: of the generation.
        edit: the change; None regenerates the whole take.

    Raises:
        UserError: a character or the leader was deleted, two share an action, or the frames are outside the take.
    """
    edit = edit or Edit()
    owners, reaction = people_of(take), is_reaction(take)
    if reaction and (edit.who == "FIRST" or edit.more is not None):
        raise UserError(tr("{name} leads and is never changed; change person 2 only.").format(name=owners[0].name))
    check_unshared(take)
    # Strips of the character's other scenes are not part of the take.
    first, last = compat.keyed_range(owners[1]) or animated_frames(owners[1], scene)
    captured = [capture(owner, scene, (first, last)) for owner in owners]
    length = min(len(one.motion) for one in captured)
    size = figure_size(captured[0 if reaction else 1].motion)
    first_person, second_person = (_scaled_to_person(one.motion.frames(0, length), size) for one in captured)
    start = captured[1].start
    begin, stop, frames = _regenerated(edit.frames, (start, math.floor(last)), length, FPS / scene_fps(scene))
    moving = (1,) if reaction else WHO[edit.who]
    prompt, seed, model = settings
    prompt = prompt.strip() or take.prompt
    parts = (PART_INDICES if has_body_parts(model) else SOFT_PARTS)[edit.part]
    extends = edit.more is not None
    source = SourceMotion(
        _on_one_skeleton(first_person, second_person), parts, moving, begin, stop, edit.strength, extends
    )
    seconds = None if edit.more is None else length / FPS + edit.more
    request = GenerationSettings(prompt, model, seconds, seed, **asdict(options))
    label = edit.label if frames is None else f"{edit.label} {frames[0]}-{frames[1]}"
    placement = Placement(
        scene.name,
        start,
        reaction,
        ("" if reaction else owners[0].name, owners[1].name),
        size,
        scene.unit_settings.scale_length or 1.0,
        _kept_keys(owners, moving, JOINTS[edit.part], frames, last if extends else None),
        title=f"{label}: {take.name}" if label else take.name,
        prompt=take.prompt if extends else prompt,
        leader_name=owners[0].name if reaction else "",
        leader_joints=captured[0].joints[:length] if reaction else None,
    )
    return replace(request, source=source), placement


def _regenerated(
    frames: tuple[int, int] | None, take_range: tuple[int, int], length: int, rate: float
) -> tuple[int, int, tuple[int, int] | None]:
    """The range that is regenerated, in frames at the model's rate with ``stop`` exclusive, and in scene frames.

    A range that is too short for the model is widened; keys outside the requested scene frames are kept.

    Args:
        frames: first and last scene frame that are requested, None for all.
        take_range: first and last scene frame of the take.
        length: of the take, frames at the model's rate.
        rate: frames at the model's rate for one of the scene.
    """
    if frames is None or (min(frames) <= take_range[0] and max(frames) >= take_range[1]):
        return 0, length, None
    first, last = max(min(frames), take_range[0]), min(max(frames), take_range[1])
    if first > last:
        raise UserError(
            tr(
                "The frames {first} to {last} are outside the take, which lasts from frame {start} to {end}; choose a "
                "range within it."
            ).format(first=min(frames), last=max(frames), start=take_range[0], end=take_range[1])
        )
    begin, stop = round((first - take_range[0]) * rate), round((last - take_range[0]) * rate) + 1
    short = max(0, MIN_RANGE_FRAMES - (stop - begin))
    begin = max(0, min(begin - short // 2, length - MIN_RANGE_FRAMES))
    return begin, min(max(stop, begin + MIN_RANGE_FRAMES), length), (first, last)


def _kept_keys(
    owners: tuple[bpy.types.Object, bpy.types.Object],
    who: tuple[int, ...],
    joints: frozenset[str],
    frames: tuple[int, int] | None,
    end: float | None,
) -> KeptKeys:
    """The keys of the take that are kept; ``end`` is the frame of the last one if the take is extended."""
    sources = source_of(owners[0]), source_of(owners[1])
    if end is not None:
        return KeptKeys(sources, first=math.floor(end) + 1)
    if frames is None:
        return KeptKeys(sources, who, joints)
    return KeptKeys(sources, who, joints, min(frames), max(frames))


def _scaled_to_person(motion: Motion, size: float) -> Motion:
    """The motion of a figure that is ``size`` times larger than a person, scaled to a person about the origin."""
    return replace(motion, joints=motion.joints / size)


def _on_one_skeleton(first: Motion, second: Motion) -> tuple[Motion, Motion]:
    """Both motions on one skeleton: if only one person has hands, the other gets hands at rest."""
    if first.skeleton == second.skeleton:
        return first, second
    hands = [person if person.skeleton == SMPLX else with_hands_at_rest(person) for person in (first, second)]
    return hands[0], hands[1]
