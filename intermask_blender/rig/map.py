"""The bones of one armature that are SMPL's joints, and how they are written as a bone map."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..core import MAP_SCHEMA, SMPL, Check, IkLimb, Setting, atomic_write, missing_joints


@dataclass(frozen=True)
class RigMapping:
    """The bones of one armature that are SMPL's joints.

    Attributes:
        rig: name of this kind of rig.
        bones: SMPL joint to the bone that is read.
        controls: SMPL joint to the bone that is keyed; a joint without an entry is keyed on the bone that is read.
        root: the root-motion bone; empty means the pelvis's control.
        follows: SMPL joint to the joint (or ``ROOT``) that its control follows; without an entry, its bone's parent.
        settings: properties that are keyed with the motion.
        checks: uncertain points that the user should check.
        ik: joint at the end of a limb to the controls that can move it by inverse kinematics.
    """

    rig: str
    bones: Mapping[str, str]
    controls: Mapping[str, str] = field(default_factory=dict)
    root: str = ""
    follows: Mapping[str, str] = field(default_factory=dict)
    settings: tuple[Setting, ...] = ()
    checks: tuple[Check, ...] = ()
    ik: Mapping[str, IkLimb] = field(default_factory=dict)

    @property
    def root_motion_bone(self) -> str:
        """The bone that is moved through the world."""
        return self.root or self.control("Pelvis")

    @property
    def missing(self) -> tuple[str, ...]:
        """SMPL's joints without a bone."""
        return tuple(joint for joint in SMPL.joints if joint not in self.bones)

    @property
    def lacking(self) -> tuple[str, ...]:
        """Required joints without a bone."""
        return missing_joints(self.bones)

    def control(self, joint: str) -> str:
        """The bone that is keyed for a joint."""
        return self.controls.get(joint, self.bones[joint])


def save_map(mapping: RigMapping, path: Path, about: str) -> None:
    """Write the bones of one armature as a bone map.

    Args:
        mapping: the bones.
        path: of the file.
        about: one line that says which rigs it is for.

    Raises:
        UserError: it cannot be written.
    """
    data: dict[str, Any] = {"schema": MAP_SCHEMA, "name": mapping.rig or "Own", "about": about}
    data["bones"] = {joint: [name] for joint, name in mapping.bones.items()}
    if mapping.controls:
        data["controls"] = {joint: [name] for joint, name in mapping.controls.items()}
    if mapping.root:
        data["root"] = mapping.root
    if mapping.follows:
        data["follows"] = dict(mapping.follows)
    if mapping.settings:
        data["settings"] = [asdict(setting) for setting in mapping.settings]
    if mapping.ik:
        data["ik"] = ik_as_data(mapping.ik)
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def ik_as_data(ik: Mapping[str, IkLimb]) -> dict[str, Any]:
    """The field ``ik`` of a bone map."""
    return {
        joint: {
            "control": [limb.control],
            "pole": [limb.pole],
            **({"space": limb.space} if limb.space else {}),
            "controls": {lower: [name] for lower, name in limb.controls.items()},
            "neutral": list(limb.neutral),
            "settings": [asdict(setting) for setting in limb.settings],
        }
        for joint, limb in ik.items()
    }
