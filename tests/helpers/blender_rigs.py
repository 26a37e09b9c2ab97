"""Rigs as other programs make them, for the tests in Blender: their bone names, rest poses, rolls and sizes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector
from motion_examples import CMU, DAZ, MIXAMO, SMPL_NAMES, UNREAL, arms_lowered

from model_core.fingers.hand_pose import finger_rotations
from model_core.motion import SMPL, SMPLX
from model_core.motion.forward_kinematics import forward_kinematics, global_rotations
from model_core.motion.rest import SMPL_REST_OFFSETS, SMPLX_REST_OFFSETS
from model_core.motion.rotations import matrix_from_axis_angle


def _sided(middle: dict[str, str], left: dict[str, str], right: dict[str, str]) -> dict[str, str]:
    return middle | {f"L_{k}": v for k, v in left.items()} | {f"R_{k}": v for k, v in right.items()}


_VRM = {
    "Hip": "UpperLeg", "Knee": "LowerLeg", "Ankle": "Foot", "Foot": "Toes", "Collar": "Shoulder",
    "Shoulder": "UpperArm", "Elbow": "LowerArm", "Wrist": "Hand",
}  # fmt: skip
VRM = _sided(
    {
        "Pelvis": "hips",
        "Spine1": "spine",
        "Spine2": "chest",
        "Spine3": "upperChest",
        "Neck": "neck",
        "Head": "head",
    },
    {k: "left" + v for k, v in _VRM.items()},
    {k: "right" + v for k, v in _VRM.items()},
)
_MAKEHUMAN = {
    "Hip": "upperleg01", "Knee": "lowerleg01", "Ankle": "foot", "Foot": "toe1-1", "Collar": "clavicle",
    "Shoulder": "upperarm01", "Elbow": "lowerarm01", "Wrist": "wrist",
}  # fmt: skip
MAKEHUMAN = _sided(
    {"Pelvis": "root", "Spine1": "spine04", "Spine2": "spine03", "Spine3": "spine02", "Neck": "neck01", "Head": "head"},
    {k: v + ".L" for k, v in _MAKEHUMAN.items()},
    {k: v + ".R" for k, v in _MAKEHUMAN.items()},
)
SMPLX_ADDON = {
    joint: joint.lower().replace("l_", "left_", 1).replace("r_", "right_", 1) if "_" in joint else joint.lower()
    for joint in SMPL.joints
}
_METARIG = {
    "Hip": "thigh", "Knee": "shin", "Ankle": "foot", "Foot": "toe", "Collar": "shoulder", "Shoulder": "upper_arm",
    "Elbow": "forearm", "Wrist": "hand",
}  # fmt: skip
METARIG = _sided(
    {"Pelvis": "spine", "Spine1": "spine.001", "Spine2": "spine.002", "Spine3": "spine.003", "Neck": "spine.004",
     "Head": "spine.006"},
    {k: v + ".L" for k, v in _METARIG.items()},
    {k: v + ".R" for k, v in _METARIG.items()},
)  # fmt: skip
NAMELESS = {joint: f"Bone.{(7 * number) % 22:03d}" for number, joint in enumerate(SMPL.joints)}


@dataclass(frozen=True)
class Kind:
    """One kind of rig.

    Attributes:
        recognised: what detection must call it.
        names: SMPL joint to bone name.
        lowered: degrees by which the arms hang below the T-pose's.
        tails: where bones point: along to the child, all upward, or across their own direction.
        units: armature units per metre; the object's scale makes up for them.
        root: name of an extra bone under the hips.
        twist: whether limbs have an extra leaf.
        mode: rotation mode of all bones.
        size: of the figure against SMPL's.
        turned: whether the armature's own space is Y-up, as FBX files have it, and the object stands it upright.
    """

    recognised: str
    names: Mapping[str, str]
    lowered: float = 0.0
    tails: str = "along"
    units: float = 1.0
    root: str = ""
    twist: bool = False
    mode: str = "QUATERNION"
    size: float = 1.0
    turned: bool = False
    still: tuple[str, ...] = field(default=())


KINDS = {
    "ours": Kind("SMPL", SMPL_NAMES),
    "smplx": Kind("SMPL-X", SMPLX_ADDON, tails="up", root="root"),
    "smpl fbx": Kind(
        "SMPL", {j: f"m_avg_{n}" for j, n in SMPL_NAMES.items()}, tails="up", units=100.0, root="root", turned=True
    ),
    "mixamo": Kind("Mixamo", MIXAMO, units=100.0, turned=True),
    "mixamo bare": Kind("Mixamo", {j: n.split(":")[1] for j, n in MIXAMO.items()}, size=1.15, twist=True),
    "cmu": Kind("CMU BVH (MotionBuilder)", CMU, mode="ZYX", units=17.0),
    "daz": Kind("CMU BVH (Daz)", DAZ, mode="XYZ", units=17.0, still=("Spine3", "L_Foot", "R_Foot")),
    "unreal": Kind("Unreal", UNREAL, lowered=50, tails="across", units=100.0, root="root", twist=True),
    "vrm": Kind("VRM", VRM, tails="up", root="Root", size=0.85),
    "makehuman": Kind("MakeHuman", MAKEHUMAN, lowered=45, twist=True, mode="AXIS_ANGLE"),
    "metarig": Kind("Rigify metarig", METARIG, lowered=30),
    "nameless": Kind("Humanoid (by structure)", NAMELESS, lowered=30, tails="across", twist=True),
}


def build_rig(kind: Kind, scene: bpy.types.Scene, name: str = "Rig") -> bpy.types.Object:
    """An armature of that kind, standing at the world's origin."""
    rest = arms_lowered(kind.lowered)
    places = np.zeros((len(SMPL), 3))
    for joint, parent in enumerate(SMPL.parents[1:], 1):
        places[joint] = places[parent] + rest[parent] @ SMPL_REST_OFFSETS[joint] * kind.size
    places[:, 1] -= places[:, 1].min() - 0.02
    heads = places if kind.turned else np.stack((places[:, 0], -places[:, 2], places[:, 1]), axis=1)
    heads = heads * kind.units
    owner = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    scene.collection.objects.link(owner)
    bpy.context.view_layer.objects.active = owner
    bpy.ops.object.mode_set(mode="EDIT")
    bones, up = owner.data.edit_bones, Vector((0, 1, 0) if kind.turned else (0, 0, 1))
    if kind.root:
        bone = bones.new(kind.root)
        bone.tail = up * 0.1 * kind.units
    for joint, joint_name in enumerate(SMPL.joints):
        if joint_name not in kind.names:
            continue
        bone = bones.new(kind.names[joint_name])
        bone.head = heads[joint]
        below = [c for c in SMPL.children[joint] if SMPL.joints[c] not in ("L_Hip", "R_Hip", "L_Collar", "R_Collar")]
        along = Vector(heads[below[0]] - heads[joint]) if below else up * 0.1 * kind.units
        if not below and SMPL.parents[joint] >= 0:
            along = Vector(heads[joint] - heads[SMPL.parents[joint]]) * 0.4
        if joint_name.endswith("_Foot"):
            along = Vector((0, 0, 1) if kind.turned else (0, -1, 0)) * 0.08 * kind.units
        across = along.orthogonal()
        bone.tail = bone.head + {"along": along, "up": up * 0.1 * kind.units, "across": across}[kind.tails]
        bone.roll = 0.0 if kind.tails == "up" else 0.7 * joint
        parent = SMPL.parents[joint]
        while parent >= 0 and SMPL.joints[parent] not in kind.names:
            parent = SMPL.parents[parent]
        above = kind.names[SMPL.joints[parent]] if parent >= 0 else kind.root
        bone.parent = bones[above] if above else None
        if kind.twist and joint_name.endswith(("Shoulder", "Elbow", "Hip", "Knee")):
            twist = bones.new(f"{bone.name}_twist")
            twist.head, twist.tail, twist.parent = bone.head + along * 0.5, bone.head + along * 0.9, bone
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in owner.pose.bones:
        bone.rotation_mode = kind.mode
    owner.scale = (1 / kind.units,) * 3
    owner.rotation_euler = (np.pi / 2 if kind.turned else 0.0, 0.0, 0.0)
    return owner


_GENERATE = """
import os, sys
import bpy
import addon_utils
bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
addon_utils.enable("rigify", default_set=True)
bpy.ops.object.armature_basic_human_metarig_add()
metarig = bpy.context.object
bpy.ops.pose.rigify_generate()
rig = next(o for o in bpy.data.objects if o.type == "ARMATURE" and o != metarig)
rig.name = "Rigify"
bpy.data.libraries.write(sys.argv[1], {rig})
sys.stdout.flush()
os._exit(0)
"""


def build_rigify(scene: bpy.types.Scene, folder: Path) -> bpy.types.Object:
    """Rigify's own basic human, generated by the Rigify that ships with Blender.

    In a process of its own: Blender does not end well where an add-on's classes were registered.
    """
    path = folder / "rigify.blend"
    subprocess.run([sys.executable, "-c", _GENERATE, str(path)], check=True, timeout=600, stdout=subprocess.DEVNULL)
    with bpy.data.libraries.load(str(path)) as (_, wanted):
        wanted.objects = ["Rigify"]
    rig = wanted.objects[0]
    scene.collection.objects.link(rig)
    return rig


def add_fingers(rig: bpy.types.Object, names: Mapping[str, str], hands: Mapping[str, str], units: float) -> None:
    """Finger bones on the hands of an armature whose own space is Blender's, bent and rolled at rest.

    Args:
        rig: the armature.
        names: SMPL-X finger joint to bone.
        hands: ``L_Wrist`` and ``R_Wrist`` to the bones that carry the fingers.
        units: of the armature per metre.
    """
    bent = finger_rotations(np.tile(np.resize((20.0, 25.0, 10.0, 3.0), 20), (2, 1)))
    local = np.tile(np.eye(3), (len(SMPLX), 1, 1))
    local[SMPLX.index("L_Index1") :] = bent
    joints = forward_kinematics(local, np.zeros(3), SMPLX_REST_OFFSETS, SMPLX)
    turns = global_rotations(local, SMPLX)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bones = rig.data.edit_bones
    for joint, name in names.items():
        index, wrist = SMPLX.index(joint), f"{joint[0]}_Wrist"
        # The hand is turned about the arm, as in no T-pose.
        out = about_x(0.5 if joint[0] == "L" else -0.4)
        place = out @ (joints[index] - joints[SMPLX.index(wrist)])
        end = place + out @ turns[index] @ SMPLX_REST_OFFSETS[index if joint.endswith("3") else index + 1]
        bone = bones.new(name)
        base = bones[hands[wrist]].head
        bone.head = base + Vector((place[0], -place[2], place[1])) * units
        bone.tail = base + Vector((end[0], -end[2], end[1])) * units
        bone.roll = 0.9 * index
        above = f"{joint[:-1]}{int(joint[-1]) - 1}"
        bone.parent = bones[names.get(above, hands[wrist])]
    bpy.ops.object.mode_set(mode="OBJECT")


def about_x(angle: float) -> np.ndarray:
    """(3, 3) rotation about the X axis, radians."""
    return matrix_from_axis_angle(np.array((angle, 0.0, 0.0)))
