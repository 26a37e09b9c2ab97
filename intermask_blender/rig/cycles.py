"""Keys that repeat: F-curve modifiers of a loop."""

from __future__ import annotations

import bpy

from .. import compat

OFFSET = 1e-4
"""Scene units by which a curve must be further at its end to go on from there in the next cycle."""


def repeat_keys(owner: bpy.types.Object) -> None:
    """Let the keys of an armature repeat before and after; those of a traveller go on where the last cycle ended.

    The last key of each curve is the first one of the next cycle. The action is marked as cyclic.
    """
    curves = [curve for curve in compat.own_curves(owner) if len(curve.keyframe_points) > 1]
    for curve in curves:
        first, last = curve.keyframe_points[0].co[1], curve.keyframe_points[-1].co[1]
        travels = curve.data_path.endswith("location") and abs(last - first) > OFFSET
        modifier = curve.modifiers.new("CYCLES")
        modifier.mode_before = modifier.mode_after = "REPEAT_OFFSET" if travels else "REPEAT"
    if curves:
        action = owner.animation_data.action
        action.use_frame_range = action.use_cyclic = True
        action.frame_start, action.frame_end = curves[0].range()
