"""The list of the panel Bone Map: it shows, searches and sorts what animators call the bones."""

from __future__ import annotations

from types import SimpleNamespace

import blender_scene  # first: it sets Blender's user folder
import bpy
import pytest
from blender_rigs import KINDS, build_rig
from blender_scene import empty_scene

from intermask_blender.panels.bone_map import INTERMASK_UL_bones
from intermask_blender.rig.own_map import begin_editing, rig_line
from model_core.motion import SMPL
from model_core.recognition import BONE_LABELS

assert blender_scene


pytestmark = pytest.mark.usefixtures("registered")


def bone_list(search: str, alphabetical: bool) -> SimpleNamespace:
    """What Blender makes of the list's class: only a window has a real one."""
    return SimpleNamespace(filter_name=search, use_filter_sort_alpha=alphabetical, bitflag_filter_item=1)


def test_every_joint_of_the_body_has_its_own_label_and_it_names_the_bone_that_begins_there() -> None:
    assert set(BONE_LABELS) == set(SMPL.joints) and len(set(BONE_LABELS.values())) == len(SMPL)
    assert (BONE_LABELS["L_Hip"], BONE_LABELS["R_Ankle"], BONE_LABELS["L_Collar"], BONE_LABELS["R_Shoulder"]) == (
        "Left Thigh", "Right Foot", "Left Shoulder", "Right Upper Arm",
    )  # fmt: skip
    for joint, label in BONE_LABELS.items():
        assert label.startswith({"L_": "Left ", "R_": "Right "}.get(joint[:2], "")), joint


def test_the_list_is_searched_and_sorted_by_labels_and_the_rig_line_speaks_them() -> None:
    rig = build_rig(KINDS["mixamo"], empty_scene())
    begin_editing(rig)
    chosen = INTERMASK_UL_bones.filter_items(bone_list("thigh", False), bpy.context, rig, "intermask_bones")
    found = {item.name for item, flag in zip(rig.intermask_bones, chosen[0], strict=True) if flag}
    assert found == {"L_Hip", "R_Hip"} and chosen[1] == []
    assert INTERMASK_UL_bones.filter_items(bone_list("", False), bpy.context, rig, "intermask_bones") == ([], [])
    _, places = INTERMASK_UL_bones.filter_items(bone_list("", True), bpy.context, rig, "intermask_bones")
    names = [item.name for item in rig.intermask_bones]
    in_order = [BONE_LABELS[name] for _, name in sorted(zip(places, names, strict=True))]
    assert in_order == sorted(BONE_LABELS.values())
    rig.intermask_bones["L_Foot"].bone = ""
    assert "without Left Toes" in rig_line(rig)[0]
    rig.intermask_bones["R_Shoulder"].bone = "gone"
    assert "to which Right Upper Arm is mapped" in rig_line(rig)[0]
    rig.intermask_bones["R_Shoulder"].bone = ""
    assert "lacks Right Upper Arm;" in rig_line(rig)[0]
