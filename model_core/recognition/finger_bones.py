"""Finds the finger bones of a rig by the names that bone maps know."""

from __future__ import annotations

from collections.abc import Sequence

from .bone_maps import BoneMap, canonical, known_maps

_MIN_FOUND = 3
"""Finger joints that a map must find."""


def finger_bones(names: Sequence[str], maps: Sequence[BoneMap] | None = None) -> dict[str, str]:
    """SMPL-X's finger joints that a rig has, each with its bone; a rig may have fewer fingers, or none.

    Args:
        names: of all bones of the rig.
        maps: the bone maps; None for those that come with the project.
    """
    best: dict[str, str] = {}
    for known in known_maps() if maps is None else maps:
        if not known.fingers:
            continue
        by_name = {canonical(name, known.prefixes): name for name in reversed(names)}
        found = {}
        for joint, spellings in known.fingers.items():
            bone = next((by_name[key] for name in spellings if (key := canonical(name, known.prefixes)) in by_name), "")
            if bone:
                found[joint] = bone
        if len(found) > max(len(best), _MIN_FOUND - 1):
            best = found
    return best
