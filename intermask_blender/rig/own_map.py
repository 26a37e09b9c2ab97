"""The bone map of an armature: the one edited by the user, otherwise the recognised one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..core import SMPL, Check, IkLimb, Setting, UserError, ik_names, load_map
from ..translations import tr
from ..translations.core_errors import tr_error
from .detect import detect_rig, nearest_rig, resolve
from .keyable import broken_limb, overriding_constraint
from .labels import bone_label, bone_labels
from .limb_controls import LimbControls, ik_limbs
from .map import RigMapping, ik_as_data, save_map
from .rest import stands_at_rest


def mapping_of(owner: bpy.types.Object) -> RigMapping:
    """The bones of an armature that are SMPL's joints.

    Raises:
        UserError: the edited map names a bone twice, a missing bone or too few bones; or no person is recognised.
    """
    if not is_edited(owner):
        return detect_rig(owner)
    mapping = stored_mapping(owner)
    if error := _mapping_error(mapping, owner):
        raise UserError(error)
    return mapping


def check_limbs(owners: Sequence[bpy.types.Object], wanted: LimbControls) -> list[str]:
    """Check that armatures can be keyed with these controls of arms and legs.

    Returns:
        The names of those that have forward kinematics only, though inverse kinematics is wanted.

    Raises:
        UserError: an IK control is missing, locked or driven, or no person is recognised.
    """
    if wanted == LimbControls():
        return []
    mappings = [(owner, mapping_of(owner)) for owner in owners]
    return [owner.name for owner, mapping in mappings if not ik_limbs(owner, mapping, wanted)]


@dataclass(frozen=True)
class RigSummary:
    """What a panel shows about an armature.

    Attributes:
        text: what was recognised and what to check, or why it cannot be used.
        usable: whether a person was recognised.
        mapping: the bones; None if they cannot be used.
    """

    text: str
    usable: bool
    mapping: RigMapping | None = None


def rig_line(owner: bpy.types.Object) -> tuple[str, bool]:
    """One line on what an armature was recognised as and what to check, and whether it can be used."""
    return with_constraint(rig_summary(owner), owner)


def rig_summary(owner: bpy.types.Object) -> RigSummary:
    """The summary of an armature, from its bones and its edited map.

    It takes a few milliseconds, so a panel caches it until those change.
    """
    try:
        mapping = mapping_of(owner)
        text = "; ".join((_summary(mapping), *_to_check(mapping, owner)))
    except UserError as error:
        return RigSummary(tr_error(str(error)), False)
    return RigSummary(tr("Edited, {found}").format(found=text) if is_edited(owner) else text, True, mapping)


def with_constraint(summary: RigSummary, owner: bpy.types.Object) -> tuple[str, bool]:
    """A summary as one line, with a constraint that overrides the keys, if there is one; fast."""
    overriding = overriding_constraint(owner, summary.mapping) if summary.mapping is not None else None
    if overriding is None:
        return summary.text, summary.usable
    template = tr("the constraint {constraint} of {bone} changes what is keyed, so mute it")
    return f"{summary.text}; {template.format(bone=overriding[0], constraint=overriding[1])}", summary.usable


def _summary(mapping: RigMapping) -> str:
    """What was recognised and which joints have no bone."""
    if mapping.missing:
        template = tr("{rig}: {found} of {all} joints; without {missing}")
    else:
        template = tr("{rig}: {found} of {all} joints")
    values = {
        "rig": mapping.rig,
        "found": len(mapping.bones),
        "all": len(SMPL),
        "missing": bone_labels(mapping.missing),
    }
    return template.format(**values)


def _to_check(mapping: RigMapping, owner: bpy.types.Object) -> list[str]:
    """What a user should check before relying on a mapping, most important first."""
    notes = [
        {
            Check.NAMES: tr("recognised by words in the bone names, so look through the bones under Bone Map"),
            Check.STRUCTURE: tr("recognised by its shape alone, so look through the bones under Bone Map"),
            Check.SIDES: tr("nothing tells left from right, so check both sides"),
            Check.LENGTHS: tr("left and right limbs differ in length, so check their bones"),
            Check.PROPORTIONS: tr("upper and lower limbs differ much in length, so check their bones"),
        }[check]
        for check in mapping.checks
    ]
    if broken := broken_limb(owner, mapping):
        template = tr("{lower} does not hang from {upper}, so it can lead but cannot be keyed")
        notes.append(template.format(lower=broken[0], upper=broken[1]))
    if not stands_at_rest(owner, mapping):
        notes.append(tr("its rest pose is no standing person, so it is measured in the straightest frame as leader"))
    return notes


def is_edited(owner: bpy.types.Object) -> bool:
    """Whether the armature has an edited map; without the registered add-on there is none."""
    return bool(getattr(owner, "intermask_bones_edited", False))


def stored_mapping(owner: bpy.types.Object) -> RigMapping:
    """The edited map, unchecked."""
    items = {item.name: item for item in owner.intermask_bones if item.name in SMPL.joints}
    chosen = {joint: items[joint] for joint in SMPL.joints if joint in items and items[joint].bone}
    pelvis = chosen.get("Pelvis")
    # Naming the bone that would be the root-motion bone anyway adds nothing.
    usual = pelvis is not None and owner.intermask_root_bone in (pelvis.control or pelvis.bone, "")
    return RigMapping(
        owner.intermask_rig,
        {joint: item.bone for joint, item in chosen.items()},
        {joint: item.control for joint, item in chosen.items() if item.control},
        "" if usual else owner.intermask_root_bone,
        {joint: item.follows for joint, item in chosen.items() if item.follows},
        tuple(Setting(item.bone, item.name, item.value) for item in owner.intermask_bone_settings if item.bone),
        ik=_stored_ik(owner),
    )


def _stored_ik(owner: bpy.types.Object) -> dict[str, IkLimb]:
    """The IK controls of an edited map; files of earlier versions have none."""
    bones = owner.data.bones
    data = json.loads(owner.intermask_ik or "{}")
    return {
        joint: names.found(lambda known: next((name for name in known if name in bones), ""))
        for joint, names in ik_names(data).items()
    }


def begin_editing(owner: bpy.types.Object) -> None:
    """Store the recognised map with the armature for editing; the nearest known map if no person is recognised.

    Raises:
        UserError: the armature is linked from a library.
    """
    _store(owner, nearest_rig(owner))


def forget(owner: bpy.types.Object) -> None:
    """Drop the edited map, so that the armature is recognised automatically again.

    Raises:
        UserError: the armature is linked from a library.
    """
    _check_editable(owner)
    owner.intermask_bones_edited = False


def load_own_map(owner: bpy.types.Object, path: Path) -> RigMapping:
    """Load an armature's map from a file; joints whose bones are missing stay empty.

    Raises:
        UserError: the file is no bone map, or names none of the armature's bones; the previous map is kept.
    """
    mapping = resolve(load_map(path), owner)
    if not mapping.bones:
        raise UserError(
            tr("No bone that {path} names is in {name}; choose the map of its kind of rig.").format(
                path=path.name, name=owner.name
            )
        )
    _store(owner, mapping)
    return mapping


def save_own_map(owner: bpy.types.Object, path: Path) -> None:
    """Write an armature's map, edited or recognised, to a file.

    Raises:
        UserError: there are no bones to write, or the file cannot be written.
    """
    mapping = stored_mapping(owner) if is_edited(owner) else detect_rig(owner)
    if not mapping.bones:
        raise UserError(
            tr("No bone of {name} is chosen yet; choose some before saving the map.").format(name=owner.name)
        )
    save_map(mapping, path, f"The bones of {owner.name}")


def joint_needs_attention(owner: bpy.types.Object, item: bpy.types.PropertyGroup) -> bool:
    """Whether an entry of the list needs attention: its bone does not exist, or a required joint has none."""
    if item.bone:
        return item.bone not in owner.data.bones or bool(item.control and item.control not in owner.data.bones)
    return item.name in RigMapping("", {}).lacking


def _store(owner: bpy.types.Object, mapping: RigMapping) -> None:
    _check_editable(owner)
    # Items are reused: a library override cannot delete items of its library.
    for joint in SMPL.joints:
        item = owner.intermask_bones.get(joint) or owner.intermask_bones.add()
        item.name, item.bone = joint, mapping.bones.get(joint, "")
        item.control, item.follows = mapping.controls.get(joint, ""), mapping.follows.get(joint, "")
    settings = owner.intermask_bone_settings
    for item in settings:
        item.bone = ""
    for number, setting in enumerate(mapping.settings):
        item = settings[number] if number < len(settings) else settings.add()
        item.name, item.bone, item.value = setting.property, setting.bone, setting.value
    owner.intermask_ik = json.dumps(ik_as_data(mapping.ik)) if mapping.ik else ""
    owner.intermask_rig, owner.intermask_root_bone = mapping.rig, mapping.root
    owner.intermask_bone_index, owner.intermask_bones_edited = 0, True


def _check_editable(owner: bpy.types.Object) -> None:
    if owner.library is not None:
        raise UserError(
            tr(
                "{name} is linked from {library}, so its bone map cannot be edited; make a library "
                "override of it first (Object > Library Override > Make)."
            ).format(name=owner.name, library=owner.library.name)
        )


def _mapping_error(mapping: RigMapping, owner: bpy.types.Object) -> str:
    """Why an edited map cannot be used; empty if it can."""
    mapped = tr("The bone {bone}, to which {joint} is mapped, is not in {name}; choose another under Bone Map.")
    keyed_on = tr("The bone {bone}, on which {joint} is keyed, is not in {name}; choose another under Bone Map.")
    named = [(mapped, bone_label(joint), bone) for joint, bone in mapping.bones.items()]
    named += [(keyed_on, bone_label(joint), bone) for joint, bone in mapping.controls.items()]
    if mapping.root:
        named.append((keyed_on, tr("the root motion"), mapping.root))
    for template, joint, bone in named:
        if bone not in owner.data.bones:
            return template.format(bone=bone, joint=joint, name=owner.name)
    if mapping.lacking:
        return tr("The bone map of {name} lacks {lacking}; choose their bones under Bone Map.").format(
            name=owner.name, lacking=bone_labels(mapping.lacking)
        )
    keyed = [mapping.control(joint) for joint in mapping.bones] + ([mapping.root] if mapping.root else [])
    for names in (list(mapping.bones.values()), keyed):
        name, times = Counter(names).most_common(1)[0]
        if times > 1:
            return tr(
                "In the bone map of {name} the bone {bone} stands for {times} joints; choose another under Bone Map."
            ).format(name=owner.name, bone=name, times=times)
    return ""
