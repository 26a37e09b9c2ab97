"""A take as assets: both actions in the asset browser, with a picture of the two people."""

from __future__ import annotations

import bpy
import numpy as np

from ..batch.contact_sheet import MOMENTS, SIDE, contact_sheet
from ..rig.capture import capture
from ..rig.key import scene_fps
from .export_pose import posed_of
from .takes import character_actions, frames_of, people_of


def mark_as_assets(take: bpy.types.PropertyGroup) -> list[bpy.types.Action]:
    """Mark a take's actions as assets.

    Returns:
        The actions, each with the prompt as its description and a picture of both people in the middle of the take.

    Raises:
        UserError: a character was deleted or cannot be read.
    """
    scene = take.id_data
    frames = tuple(map(float, frames_of(take)))
    first, second = (
        posed_of(capture(owner, scene, (frames[0], frames[1]), rate=scene_fps(scene), shortest=1).motion)
        for owner in people_of(take)
    )
    length = min(len(first), len(second))
    places = np.arange(length, dtype=np.float64)
    middle = MOMENTS // 2
    picture = contact_sheet((first.sampled(places), second.sampled(places)))[:, middle * SIDE : (middle + 1) * SIDE]
    pixels = np.ones((SIDE, SIDE, 4), np.float32)
    pixels[..., :3] = picture[::-1]
    actions = [action for _, action in character_actions(take)]
    for action in actions:
        action.asset_mark()
        action.asset_data.description = take.prompt
        preview = action.preview_ensure()
        preview.image_size = SIDE, SIDE
        preview.image_pixels_float.foreach_set(pixels.ravel())
    return actions
