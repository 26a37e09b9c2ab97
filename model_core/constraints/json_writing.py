"""Constraints as the objects of a constraint file (see ``files``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..motion.rotations import axis_angle_from_matrix
from ..motion.skeleton import SMPL
from .kimodo import GROUPS, SINGLE
from .types import (
    ALL_JOINTS,
    BLEND,
    Constraint,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    PoseConstraint,
    TimingConstraint,
)

_DECIMALS = 6
"""Decimals of metres, radians, cosines and sines."""


def constraint_object(item: Constraint) -> dict[str, Any]:
    """The JSON object of a constraint, without fields that have their default value."""
    common: dict[str, Any] = {}
    if not isinstance(item, TimingConstraint) and item.person != 0:
        common["person"] = item.person
    if item.weight != 1.0:
        common["weight"] = item.weight
    named = {"name": item.name} if item.name else {}
    if isinstance(item, PathConstraint):
        own = _path_object(item)
    elif isinstance(item, PoseConstraint):
        own = _pose_object(item)
    elif isinstance(item, TimingConstraint):
        own = {"type": "timing", "frame": item.frame, "event": item.event}
    else:
        own = _interval_object(item)
    return {**own, **common, **named}


def _path_object(path: PathConstraint) -> dict[str, Any]:
    result: dict[str, Any] = {
        "type": "root2d", "frame_indices": list(path.frames), "smooth_root_2d": _rounded(path.places)
    }  # fmt: skip
    if path.headings is not None:
        result["global_root_heading"] = _rounded(path.headings)
    return result | ({"dense": True} if path.dense else {})


def _pose_object(pose: PoseConstraint) -> dict[str, Any]:
    own: dict[str, Any] = {"type": "pose"}
    groups = [name for name, joints in GROUPS.items() if set(joints) <= set(pose.joints)]
    whole = set(pose.joints) == set(ALL_JOINTS)
    in_groups = "Hips" in groups and set(pose.joints) == {joint for name in groups for joint in GROUPS[name]}
    if pose.in_place and whole:
        own = {"type": "fullbody"}
    elif pose.in_place and in_groups:
        names = [name for name in groups if name != "Hips"]
        kinds = [kind for kind, name in SINGLE.items() if names == [name]]
        own = {"type": kinds[0]} if kinds else {"type": "end-effector", "joint_names": names or ["Hips"]}
    else:
        own |= {} if whole else {"joints": [SMPL.joints[joint] for joint in pose.joints]}
        own |= {} if pose.in_place else {"in_place": False}
    return {
        **own,
        "frame_indices": list(pose.frames),
        "local_joints_rot": _rounded(axis_angle_from_matrix(pose.rotations)),
        "root_positions": _rounded(pose.roots),
    }


def _interval_object(item: PinConstraint | ContactConstraint) -> dict[str, Any]:
    own: dict[str, Any]
    if isinstance(item, PinConstraint):
        own = {"type": "pin", "joint": item.joint, "points": _one_or_many(item.points)}
        if item.rotations is not None:
            own["rotations"] = _one_or_many(axis_angle_from_matrix(item.rotations))
    else:
        own = {"type": "contact", "place": item.place, "on": item.on if isinstance(item.on, str) else _rounded(item.on)}
        if item.never_nearer is not None:
            own["never_nearer"] = item.never_nearer
    own |= {"start": item.start, "stop": item.stop}
    return own | ({} if item.blend == BLEND else {"blend": item.blend})


def _one_or_many(values: np.ndarray) -> list[Any]:
    return _rounded(values[0] if len(values) == 1 else values)


def _rounded(values: np.ndarray) -> list[Any]:
    return (np.round(values, _DECIMALS) + 0.0).tolist()  # + 0.0 makes -0.0 positive
