"""Stand-ins for control rigs whose add-ons are not at hand, with the names that bone maps know.

They have what these rigs are known to have: bones that copy FK controls or, as a custom property switches, a chain with
inverse kinematics and a pole target. The real rigs have much more between these.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from model_core.motion import SMPL
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.recognition import IK_LIMBS, BoneMap, load_map
from model_core.recognition.bone_maps import FOLDER

IK_VALUE = {"auto_rig_pro": 0.0, "cloudrig": 1.0}
"""The value of the switch that means inverse kinematics."""
_BENT = {"Elbow": (0.0, 0.03, 0.0), "Knee": (0.0, -0.03, 0.0)}


def build_control_rig(kind: str, scene: bpy.types.Scene) -> bpy.types.Object:
    """The stand-in for a rig of a bone map's kind, at the world's origin."""
    names = load_map(Path(FOLDER / f"{kind}.json"))
    heads = _heads()
    rig = bpy.data.objects.new(kind, bpy.data.armatures.new(kind))
    scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    _add_bones(rig.data.edit_bones, names, heads)
    bpy.ops.object.mode_set(mode="OBJECT")
    _add_mechanics(rig, names, IK_VALUE[kind])
    return rig


def _heads() -> dict[str, Vector]:
    """SMPL joint to its place in Blender's axes, with limbs that are slightly bent."""
    places = np.zeros((len(SMPL), 3))
    for joint, parent in enumerate(SMPL.parents[1:], 1):
        places[joint] = places[parent] + SMPL_REST_OFFSETS[joint]
    places[:, 1] -= places[:, 1].min() - 0.02
    heads = {joint: Vector((x, -z, y)) for joint, (x, y, z) in zip(SMPL.joints, places.tolist(), strict=True)}
    for joint, head in heads.items():
        head += Vector(_BENT.get(joint[2:], (0.0, 0.0, 0.0)))
    return heads


def _add_bones(bones: Any, names: BoneMap, heads: dict[str, Vector]) -> None:
    ik = names.ik["L_Wrist"]
    for name in dict.fromkeys((ik.space, names.root, "Properties")):
        bones.new(name).tail = (0, 0, 0.1)
    bones[names.root].parent = bones[ik.space]
    for joint in (joint for joint in SMPL.joints if joint in names.bones):
        above = SMPL.joints[SMPL.parents[SMPL.index(joint)]] if joint != "Pelvis" else ""
        while above and above not in names.bones:
            above = SMPL.joints[SMPL.parents[SMPL.index(above)]]
        below = [SMPL.joints[c] for c in SMPL.children[SMPL.index(joint)]]
        for part in (names.controls, names.bones):
            bone = bones.new(part[joint][0])
            bone.head = heads[joint]
            bone.tail = heads[below[0]] if len(below) == 1 else heads[joint] + Vector((0, 0, 0.08))
            bone.parent = bones[part[above][0]] if above else bones[names.root]
    for end, limb in names.ik.items():
        first, middle, last = (heads[joint] for joint in (*IK_LIMBS[end], end))
        side = (middle - (first + last) / 2).normalized()
        control, pole = bones.new(limb.control[0]), bones.new(limb.pole[0])
        # As controls of feet often are: along the floor, not along the bone.
        control.head, control.tail, control.roll = last, last + Vector((0, -0.15, 0)), 0.3
        pole.head = middle + side * 0.5
        pole.tail = pole.head + side * 0.1
        upper, lower, tip = (bones.new(f"MCH-{part}-{end}") for part in ("upper", "lower", "tip"))
        for bone, head, tail in ((upper, first, middle), (lower, middle, last)):
            bone.head, bone.tail = head, tail
            bone.align_roll((last - first).cross(side))
        tip.head, tip.tail = bones[names.bones[end][0]].head, bones[names.bones[end][0]].tail
        tip.parent, lower.parent = control, upper
        upper.parent = bones[names.controls[IK_LIMBS[end][0]][0]].parent
        control.parent = pole.parent = bones[ik.space]
        for joint, lowest in limb.controls.items():
            if lowest[0] in bones:
                # One control for both kinds of kinematics follows the foot, whatever moves it.
                bones[lowest[0]].parent = bones[names.bones[end][0]]
            else:
                toes = bones.new(lowest[0])
                toes.head, toes.tail = heads[joint], heads[joint] + Vector((0, -0.08, 0))
                toes.parent = tip
        for joint, source in _switched(names, end).items():
            # What the read bone copies: at rest the same, carried by the chain.
            shown, read = bones.new(f"MCH-shown-{joint}"), bones[names.bones[joint][0]]
            shown.head, shown.tail, shown.roll, shown.parent = read.head, read.tail, read.roll, bones[source]


def _add_mechanics(rig: bpy.types.Object, names: BoneMap, ik_value: float) -> None:
    bones = rig.pose.bones
    for joint, read in names.bones.items():
        copy = bones[read[0]].constraints.new("COPY_TRANSFORMS")
        copy.target, copy.subtarget = rig, names.controls[joint][0]
    for end, limb in names.ik.items():
        setting = limb.settings[0]
        bones[setting.bone][setting.property] = 1.0 - ik_value
        constraint = bones[f"MCH-lower-{end}"].constraints.new("IK")
        constraint.target, constraint.subtarget, constraint.chain_count = rig, f"MCH-tip-{end}", 2
        constraint.pole_target, constraint.pole_subtarget = rig, limb.pole[0]
        constraint.pole_angle = _pole_angle(rig, end, limb.pole[0])
        for joint in _switched(names, end):
            copy = bones[names.bones[joint][0]].constraints.new("COPY_TRANSFORMS")
            copy.target, copy.subtarget = rig, f"MCH-shown-{joint}"
            driver = copy.driver_add("influence").driver
            driver.type, driver.expression = "SCRIPTED", "on" if ik_value else "1 - on"
            variable = driver.variables.new()
            variable.name, variable.targets[0].id = "on", rig
            variable.targets[0].data_path = f'pose.bones["{setting.bone}"]["{setting.property}"]'


def _switched(names: BoneMap, end: str) -> dict[str, str]:
    """The joints of a limb that inverse kinematics moves, each with the bone that carries it then."""
    parts = dict(zip((*IK_LIMBS[end], end), ("upper", "lower", "tip"), strict=True))
    lower = {joint: known[0] for joint, known in names.ik[end].controls.items()}
    return {joint: f"MCH-{part}-{end}" for joint, part in parts.items()} | {
        joint: name for joint, name in lower.items() if name != names.controls[joint][0]
    }


def _pole_angle(rig: bpy.types.Object, end: str, pole: str) -> float:
    """The angle of the pole at which the chain stays at rest."""
    upper, lower = (rig.data.bones[f"MCH-{part}-{end}"] for part in ("upper", "lower"))
    along = upper.tail_local - upper.head_local
    normal = (lower.tail_local - upper.head_local).cross(rig.data.bones[pole].head_local - upper.head_local)
    across = normal.cross(along)
    # A bone's own x_axis is in the axes of its parent.
    x_axis = upper.matrix_local.to_3x3().col[0]
    angle = x_axis.angle(across)
    return -angle if x_axis.cross(across).angle(along) < 1 else angle
