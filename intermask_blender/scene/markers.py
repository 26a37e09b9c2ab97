"""Prompts on the timeline: each marker says what happens from its frame on."""

from __future__ import annotations

import re

import bpy

from ..rig.key import scene_fps

_UNNAMED = re.compile(r"F_\d+")
"""What Blender calls a marker that nobody named."""

SHORTEST = 0.2
"""Seconds between two markers below which the first one counts for nothing."""


def timed_prompt(scene: bpy.types.Scene, prompt: str, seconds: float) -> str:
    """The prompt with what the markers say, in the form that the model reads: ``0-2 s: they bow; 2-4 s: they fight``.

    Args:
        scene: whose markers from its first frame on count, but for those that nobody named.
        prompt: what happens before the first of them.
        seconds: length of the clip.
    """
    fps = scene_fps(scene)
    said = {0.0: prompt.strip()}
    for marker in sorted(scene.timeline_markers, key=lambda marker: marker.frame):
        second = round((marker.frame - scene.frame_start) / fps, 3)
        name = marker.name.replace(";", ",").strip()
        if name and not _UNNAMED.fullmatch(name) and 0 <= second < seconds - SHORTEST:
            said = {start: text for start, text in said.items() if second - start >= SHORTEST or start < second == 0}
            said[second if said else 0.0] = name
    starts = sorted(said)
    if len(starts) == 1:
        return said[starts[0]]
    ends = [*starts[1:], round(seconds, 3)]
    return "; ".join(f"{start:g}-{end:g} s: {said[start]}" for start, end in zip(starts, ends, strict=True))
