"""The controls that move a limb by inverse kinematics, as a bone map names them and as a rig has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

IK_LIMBS = {
    "L_Wrist": ("L_Shoulder", "L_Elbow"),
    "R_Wrist": ("R_Shoulder", "R_Elbow"),
    "L_Ankle": ("L_Hip", "L_Knee"),
    "R_Ankle": ("R_Hip", "R_Knee"),
}
"""The joint at the end of each limb that inverse kinematics can move, and the two joints above it."""

_FIELDS = frozenset(("control", "pole", "space", "controls", "neutral", "settings"))


@dataclass(frozen=True)
class Setting:
    """A custom property of a bone that has a value while a motion plays, such as IK_FK."""

    bone: str
    property: str
    value: float


@dataclass(frozen=True)
class IkLimb:
    """A limb that inverse kinematics moves; every name is that of a bone.

    Attributes:
        control: moves and turns the hand or foot.
        pole: the pole target, to which elbow or knee point.
        space: carries control and pole while the settings hold; empty means their parents.
        controls: joints below the end of the limb to their controls, such as toes.
        neutral: controls between ``control`` and the limb, which are kept at rest.
        settings: properties that switch the limb to inverse kinematics.
    """

    control: str
    pole: str
    space: str = ""
    controls: Mapping[str, str] = field(default_factory=dict)
    neutral: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()


@dataclass(frozen=True)
class IkNames:
    """The names that a bone map knows for an ``IkLimb``; the first is used in messages if a rig has none of them."""

    control: tuple[str, ...]
    pole: tuple[str, ...]
    space: str = ""
    controls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    neutral: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()

    def found(self, bone_called: Callable[[tuple[str, ...]], str]) -> IkLimb:
        """The limb of a rig.

        Args:
            bone_called: the rig's bone that has one of these names; empty if there is none.
        """
        lower = {joint: bone for joint, names in self.controls.items() if (bone := bone_called(names))}
        return IkLimb(
            bone_called(self.control) or self.control[0],
            bone_called(self.pole) or self.pole[0],
            bone_called((self.space,)) if self.space else "",
            lower,
            tuple(bone for name in self.neutral if (bone := bone_called((name,)))),
            self.settings,
        )


def ik_names(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, IkNames]:
    """The field ``ik`` of a bone map in which ``ik_problem`` finds nothing."""
    return {
        joint: IkNames(
            tuple(entry["control"]),
            tuple(entry["pole"]),
            entry.get("space", ""),
            {lower: tuple(names) for lower, names in entry.get("controls", {}).items()},
            tuple(entry.get("neutral", ())),
            tuple(Setting(**setting) for setting in entry.get("settings", ())),
        )
        for joint, entry in entries.items()
    }


def ik_problem(entries: Any, joints: tuple[str, ...]) -> str:
    """What is wrong with the field ``ik`` of a bone map; empty if nothing is.

    Args:
        entries: the content of the field.
        joints: that may have controls below the end of a limb.
    """
    if not isinstance(entries, dict):
        return "has no object 'ik'"
    for joint, entry in entries.items():
        if joint not in IK_LIMBS:
            return f"names {joint!r} among its ik, which is no hand or foot ({', '.join(IK_LIMBS)})"
        if not isinstance(entry, dict) or set(entry) - _FIELDS:
            return f"has an unknown field in the ik of {joint}"
        if not all(_names(entry.get(name)) and entry[name] for name in ("control", "pole")):
            return f"has an ik of {joint} without control and pole"
        lower = entry.get("controls", {})
        fine = isinstance(lower, dict) and all(
            key in joints and _names(value) and value for key, value in lower.items()
        )
        if not fine or not isinstance(entry.get("space", ""), str) or not _names(entry.get("neutral", [])):
            return f"has an ik of {joint} whose space, controls or neutral bones are not names"
        if problem := settings_problem(entry.get("settings", [])):
            return f"{problem}, in the ik of {joint}"
    return ""


def settings_problem(settings: Any) -> str:
    """What is wrong with a list of settings in a bone map; empty if nothing is."""
    if not isinstance(settings, list):
        return "has settings that are not a list"
    for setting in settings:
        if not isinstance(setting, dict) or set(setting) != {"bone", "property", "value"}:
            return "has a setting without bone, property and value"
        if not _names([setting["bone"], setting["property"]]) or not isinstance(setting["value"], int | float):
            return "has a setting whose bone and property are not text or whose value is no number"
    return ""


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)
