"""Prompts on the timeline: each marker's name is the prompt from its frame on."""

from __future__ import annotations

import re

import bpy

from ..rig.key import scene_fps

_UNNAMED = re.compile(r"F_\d+")
"""Blender's default marker names; markers that keep them carry no prompt."""

MIN_SECONDS = 0.2
"""A marker that is followed by another one sooner than this is ignored."""


def timed_prompt(scene: bpy.types.Scene, prompt: str, seconds: float) -> str:
    """One timed prompt from the panel's prompt and the markers: ``0-2 s: they bow; 2-4 s: they fight``.

    Args:
        scene: its named markers from the first frame on are used.
        prompt: for the time before the first marker.
        seconds: length of the clip.
    """
    fps = scene_fps(scene)
    prompts = {0.0: prompt.strip()}  # by the second at which each begins
    for marker in sorted(scene.timeline_markers, key=lambda marker: marker.frame):
        second = round((marker.frame - scene.frame_start) / fps, 3)
        name = marker.name.strip()
        if name and not _UNNAMED.fullmatch(name) and 0 <= second < seconds - MIN_SECONDS:
            prompts = {
                start: text for start, text in prompts.items() if second - start >= MIN_SECONDS or start < second == 0
            }
            prompts[second if prompts else 0.0] = name
    starts = sorted(prompts)
    if len(starts) == 1:
        return prompts[starts[0]]
    ends = [*starts[1:], round(seconds, 3)]
    # A semicolon would end the part.
    prompts = {start: text.replace(";", ",") for start, text in prompts.items()}
    return "; ".join(f"{start:g}-{end:g} s: {prompts[start]}" for start, end in zip(starts, ends, strict=True))
