"""The keyed bones of an armature as a tree of controls, for ``model_core.keys``: nothing is evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import bpy
import numpy as np

from ..core import IK_LIMBS, Bend, Control, ControlTree
from .map import RigMapping


def control_tree(
    owner: bpy.types.Object,
    mapping: RigMapping | None,
    columns: Mapping[str, tuple[int, int]],
    metres: float,
) -> ControlTree:
    """The tree of some bones of an armature, in the scene's world, metres.

    Bones without keys keep their present pose. A control is carried by the keyed bone above it, or by the one that it
    follows in the armature's map.

    Args:
        owner: the armature.
        mapping: its bones; None if it has none.
        columns: bone to the first column of its rotation values and of its location values, -1 for none.
        metres: per unit of the scene.
    """
    bones = owner.data.bones
    follows = _followed(mapping, columns)
    carriers = {name: _carrier(owner, name, follows, columns) for name in columns}
    placed = np.array(owner.matrix_world, np.float64)
    size = metres * float(np.cbrt(abs(np.linalg.det(placed[:3, :3]))))
    order = _in_order([bone.name for bone in bones if bone.name in columns], carriers)
    numbers = {name: number for number, name in enumerate(order)}
    controls = []
    for name in order:
        bone, posed = bones[name], owner.pose.bones[name]
        rest, (carrier, followed) = _rest(bone), carriers[name]
        between = np.eye(4) if followed else _static(owner, bone, columns)
        frame = placed @ between if not carrier else np.linalg.inv(_rest(bones[carrier])) @ between
        scale = metres if not carrier else size
        matrix = frame @ rest
        along = bone.use_inherit_rotation or followed
        turn = _rotation(matrix if along else placed @ rest)
        axes = frame[:3, :3] @ _location_axes(bone, rest) * scale
        head = matrix[:3, 3] * scale
        rotation, location = columns[name]
        if bone.use_connect and bone.parent is not None:
            location = -1
        elif location < 0:
            head = head + axes @ np.array(posed.location, np.float64)
        if rotation < 0:
            turn = turn @ _rotation(np.array(posed.matrix_basis, np.float64))
        controls.append(
            Control(
                name,
                numbers[carrier] if carrier else -1,
                turn,
                head,
                posed.rotation_mode,
                rotation,
                location,
                axes,
                along,
            )
        )
    bends = []
    for end in _ik_ends(mapping, columns):
        assert mapping is not None
        upper = bones[mapping.control(IK_LIMBS[end][0])]
        carrier, followed = _carrier(owner, upper.name, follows, columns)
        if not carrier:
            continue
        limb, (first, middle) = mapping.ik[end], IK_LIMBS[end]
        between = np.eye(4) if followed else _static(owner, upper, columns)
        begin = np.linalg.inv(_rest(bones[carrier])) @ between @ _rest(upper)[:, 3]
        stop = np.linalg.inv(_rest(bones[limb.control])) @ _rest(bones[mapping.bones[end]])[:, 3]
        places = [_rest(bones[mapping.bones[joint]])[:3, 3] for joint in (first, middle, end)]
        lengths = np.linalg.norm(np.diff(places, axis=0), axis=1) * size
        bends.append(
            Bend(
                end,
                numbers[carrier],
                begin[:3] * size,
                numbers[limb.control],
                stop[:3] * size,
                numbers[limb.pole],
                (float(lengths[0]), float(lengths[1])),
            )
        )
    return ControlTree(tuple(controls), tuple(bends))


def _ik_ends(mapping: RigMapping | None, columns: Mapping[str, tuple[int, int]]) -> list[str]:
    """The joints at the end of limbs whose IK control and pole target have keys."""
    limbs = {} if mapping is None else mapping.ik
    return [
        end for end, limb in limbs.items() if all(columns.get(n, (-1, -1))[1] >= 0 for n in (limb.control, limb.pole))
    ]


def _followed(mapping: RigMapping | None, columns: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    """Controls to the controls with keys that they follow by the map, and not as children."""
    follows: dict[str, str] = {}
    if mapping is not None:
        for joint, other in mapping.follows.items():
            while other in mapping.follows and other != "root" and mapping.control(other) not in columns:
                other = mapping.follows[other]
            name = mapping.root if other == "root" else mapping.control(other)
            if joint in mapping.bones and name in columns and name != mapping.control(joint):
                follows[mapping.control(joint)] = name
    return follows


def _carrier(
    owner: bpy.types.Object, name: str, follows: Mapping[str, str], columns: Mapping[str, tuple[int, int]]
) -> tuple[str, bool]:
    """A bone's carrier, empty for none, and whether it follows it by the map and not as a child."""
    if name in follows:
        return follows[name], True
    above = owner.data.bones[name].parent_recursive
    return next((bone.name for bone in above if bone.name in columns), ""), False


def _in_order(names: Sequence[str], carriers: Mapping[str, tuple[str, bool]]) -> list[str]:
    """The bones, each after its carrier."""
    result: list[str] = []

    def add(name: str) -> None:
        if name not in result:
            if carriers[name][0]:
                add(carriers[name][0])
            result.append(name)

    for name in names:
        add(name)
    return result


def _static(owner: bpy.types.Object, bone: bpy.types.Bone, columns: Mapping[str, tuple[int, int]]) -> np.ndarray:
    """(4, 4) combined pose of the bones between a bone and the next one with keys above it."""
    result = np.eye(4)
    for above in bone.parent_recursive:
        if above.name in columns:
            break
        rest = _rest(above)
        basis = np.array(owner.pose.bones[above.name].matrix_basis, np.float64)
        result = rest @ basis @ np.linalg.inv(rest) @ result
    return result


def _rest(bone: bpy.types.Bone) -> np.ndarray:
    return np.array(bone.matrix_local, np.float64)


def _rotation(matrix: np.ndarray) -> np.ndarray:
    """(3, 3) rotation of a matrix, without scale."""
    return np.asarray(matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0))


def _location_axes(bone: bpy.types.Bone, rest: np.ndarray) -> np.ndarray:
    """(3, 3) axes along which a bone's location moves it, in the armature."""
    if bone.use_local_location:
        return rest[:3, :3]
    # Otherwise a bone moves along the axes of its parent, or of the armature.
    return _rest(bone.parent)[:3, :3] if bone.parent else np.eye(3)
