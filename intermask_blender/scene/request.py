"""Turns the user's choices into a request to the generator, and the placement of its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import bpy
import numpy as np

from ..core import FPS, MIN_FRAMES, SMPL, SMPL_REST_OFFSETS, Motion, UserError
from ..generator.generation import GenerationSettings
from ..rig.build import figure_scale
from ..rig.capture import animated_frames, capture
from ..rig.key import scene_fps
from ..rig.retarget import hip_ratio
from ..translations import tr
from .placement import Placement
from .spots import cursor_spot, standing_spot
from .takes import people_to_reuse, with_generated_partner

Characters = tuple[bpy.types.Object | None, bpy.types.Object | None]


@dataclass(frozen=True)
class TakeOptions:
    """Settings for prompt, sampling and clean-up: the fields of ``GenerationSettings`` with the same names."""

    takes: int = 1
    sampling: Mapping[str, float] = field(default_factory=dict)
    foot_lock: bool = True
    contact: bool = True
    as_written: bool = False
    words: Path | None = None
    start_at_rest: bool = True
    settle_at_end: bool = True
    loop: bool = False
    in_place: bool = False


def prepare(
    scene: bpy.types.Scene,
    prompt: str,
    seconds: float | None,
    seed: int,
    model: Path,
    leader: bpy.types.Object | None = None,
    characters: Characters = (None, None),
    options: TakeOptions | None = None,
    frame_range: tuple[float, float] | None = None,
    reuse: bool = False,
    at_cursor: bool = False,
) -> tuple[GenerationSettings, Placement]:
    """The request for a generation, and the placement of its result.

    Args:
        scene: where the characters perform.
        prompt: what the two people do.
        seconds: duration; with a leader, at most this much of its motion is used.
        seed: of the random numbers.
        model: the model's folder.
        leader: the armature that the second person reacts to.
        characters: armatures to key; None creates a new character. With a leader the first one is ignored.
        options: of the generation; None for one take with the model's own sampling settings.
        frame_range: first and last scene frame of the leader's motion to use.
        reuse: whether to key the generated people of the chosen take instead of new ones; with one character, the
            partner who was generated for it.
        at_cursor: whether characters of the scene perform at the 3D cursor instead of where they stand.

    Raises:
        UserError: the leader cannot lead, or a character cannot be keyed.
    """
    options = options or TakeOptions()
    if leader is not None and (options.loop or options.in_place):
        raise UserError(tr("A reaction goes where its leader goes; turn off Loop and In Place, or remove the leader."))
    settings = GenerationSettings(prompt, model, seconds, seed, **asdict(options))
    if leader is not None:
        characters = (None, characters[1])
    with_partner = with_generated_partner(scene, characters) if reuse and leader is None else characters
    reuse = reuse and characters == (None, None)
    if reuse:
        characters = people_to_reuse(scene, leader)
    chosen = [owner for owner in (leader, *characters) if owner is not None]
    if len(set(chosen)) < len(chosen):
        raise UserError(
            tr("{name} is chosen for both people; choose two different armatures.").format(name=chosen[-1].name)
        )
    for owner in characters:
        if owner is not None:
            hip_ratio(SMPL_REST_OFFSETS, owner, scene)
    names = tuple("" if owner is None else owner.name for owner in characters)
    if leader is None:
        # The cursor may move while the generator works.
        spot, stands = cursor_spot(scene), characters != (None, None) and not at_cursor
        if stands:
            spot = standing_spot(scene, characters, scene.frame_start)
        # The user's own armatures decide where the pair performs, a generated partner does not.
        names = tuple("" if owner is None else owner.name for owner in (characters if reuse else with_partner))
        placement = Placement(scene.name, scene.frame_start, characters=(names[0], names[1]), spot=spot, reuse=reuse)
        metres = scene.unit_settings.scale_length or 1.0
        return settings, replace(placement, metres=metres, stands=stands, loop=options.loop)
    first, last = animated_frames(leader, scene)
    if frame_range is not None:
        first, last = max(first, frame_range[0]), min(last, frame_range[1])
    if seconds is not None:
        if round(seconds * FPS) < MIN_FRAMES:
            raise UserError(
                tr("A reaction takes at least {least:.2f} seconds; Seconds is {seconds:g}.").format(
                    least=MIN_FRAMES / FPS, seconds=seconds
                )
            )
        last = min(last, first + (seconds - 1 / FPS) * scene_fps(scene))
    captured = capture(leader, scene, (first, last))
    motion, size = captured.motion, figure_size(captured.motion)
    settings = replace(settings, seconds=None, leader=replace(motion, joints=motion.joints / size))
    metres, names = scene.unit_settings.scale_length or 1.0, (names[0], names[1])
    placement = Placement(scene.name, captured.start, True, names, size, metres)
    return settings, replace(placement, reuse=reuse, leader_name=leader.name, leader_joints=captured.joints)


def figure_size(leader: Motion) -> float:
    """Scale of a figure relative to a person; 1 for any size within the human range."""
    bones = [leader.joints[:, SMPL.index(side + lower)] - leader.joints[:, SMPL.index(side + upper)]
             for side in ("L_", "R_") for upper, lower in (("Hip", "Knee"), ("Knee", "Ankle"))]  # fmt: skip
    return figure_scale(float(np.median(np.linalg.norm(bones, axis=-1), axis=1).sum()) / 2)
