"""Key poses in place of a key on every frame, for the people of a take; the take keeps the key on every frame."""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np

from .. import compat, core
from ..core import FPS, SMPL, KeySettings, UserError
from ..rig.axes import vectors_from_blender
from ..rig.capture import capture
from ..rig.key import scene_fps
from ..rig.key_poses import DenseCurves, dense_curves, fingerprint, sample_every_frame, write_key_poses
from ..rig.keyable import check_keyable
from ..rig.map import RigMapping
from ..rig.own_map import mapping_of
from ..translations import tr
from .takes import CharacterAction, character_actions, check_unshared, leader_of, no_characters, show_take


def is_thinned(take: bpy.types.PropertyGroup) -> bool:
    """Whether a take has key poses, and keeps the keys on every frame, for a person who was not deleted."""
    owners = [owner for owner, _ in character_actions(take)]
    return any(getattr(take, f"every_frame_{_number(take, owner) + 1}") is not None for owner in owners)


def thin_out_take(take: bpy.types.PropertyGroup, settings: KeySettings) -> tuple[int, int]:
    """Give a take key poses. The actions with a key on every frame are kept with it.

    Returns:
        The numbers of keyed frames of both people together, before and after.

    Raises:
        UserError: its characters were deleted or cannot be keyed, share an action, or have no key on every frame.
    """
    scene, found = take.id_data, _checked_actions(take)
    if is_thinned(take):
        raise UserError(tr("The take {take} has key poses already.").format(take=take.name))
    show_take(take)
    dense = _dense(scene, {_number(take, owner): owner for owner, _ in found})
    if not dense:
        raise UserError(
            tr("The take {take} has no curve with a key on every frame, so there is nothing to thin out.").format(
                take=take.name
            )
        )
    leader = None if len(found) == 2 else leader_of(take)
    poses = _key_poses(scene, dense, leader, settings)
    for owner, action in found:
        number = _number(take, owner)
        if number not in dense:
            continue
        slot, thinned = compat.slot_name(owner), action.copy()
        thinned.name, thinned.use_fake_user = f"{action.name}, key poses", False
        setattr(take, f"every_frame_{number + 1}", action)
        setattr(take, f"action_{number + 1}", thinned)
        compat.assign_action(owner, thinned, slot)
        write_key_poses(owner, dense[number], poses[number])
        setattr(take, f"key_poses_{number + 1}", fingerprint(owner))
    before = sum(len(curves) for curves in dense.values())
    return before, sum(len(one.frames) for one in poses.values())


def thin_out_people(
    scene: bpy.types.Scene,
    owners: Mapping[int, bpy.types.Object],
    leader: bpy.types.Object | None,
    settings: KeySettings,
) -> None:
    """Give people key poses without keeping the keys on every frame.

    Args:
        scene: gives frame rate and unit.
        owners: the armatures by person, 0 and 1.
        leader: the armature that they react to, if it is in the scene.
        settings: the tolerances.
    """
    dense = _dense(scene, owners)
    for number, poses in _key_poses(scene, dense, leader, settings).items():
        write_key_poses(owners[number], dense[number], poses)


def restore_every_frame(take: bpy.types.PropertyGroup) -> None:
    """Give a take a key on every frame again.

    Key poses that were not changed give back the keys that were thinned out; changed ones are sampled in every frame.

    Raises:
        UserError: its characters were deleted or cannot be keyed, or it has no key poses.
    """
    found = _checked_actions(take)
    if not is_thinned(take):
        raise UserError(tr("The take {take} has a key on every frame already.").format(take=take.name))
    show_take(take)
    for owner, action in found:
        number = _number(take, owner) + 1
        kept = getattr(take, f"every_frame_{number}")
        if kept is None:
            continue
        changed = fingerprint(owner) != getattr(take, f"key_poses_{number}")
        setattr(take, f"every_frame_{number}", None)
        setattr(take, f"key_poses_{number}", "")
        if changed:
            sample_every_frame(owner, kept)
            if kept.users - kept.use_fake_user == 0:
                bpy.data.actions.remove(kept)
            continue
        slot = compat.slot_name(owner)
        compat.assign_action(owner, kept, slot)
        setattr(take, f"action_{number}", kept)
        if action.users - action.use_fake_user == 0:
            bpy.data.actions.remove(action)


def _checked_actions(take: bpy.types.PropertyGroup) -> list[CharacterAction]:
    """The take's characters and actions.

    Raises:
        UserError: there are none left, one cannot be keyed, or both share an action.
    """
    found = character_actions(take)
    if not found:
        raise no_characters(take)
    for owner, _ in found:
        check_keyable(owner)
    check_unshared(take)
    return found


def _number(take: bpy.types.PropertyGroup, owner: bpy.types.Object) -> int:
    """0 for person 1, 1 for person 2."""
    return 0 if take.character_1 == owner else 1


def _dense(scene: bpy.types.Scene, owners: Mapping[int, bpy.types.Object]) -> dict[int, DenseCurves]:
    """The curves with a key on every frame, by person."""
    metres = scene.unit_settings.scale_length or 1.0
    scene.view_layers[0].update()
    result = {}
    for number, owner in owners.items():
        mapping: RigMapping | None
        try:
            mapping = mapping_of(owner)
        except UserError:
            mapping = None
        dense = dense_curves(owner, mapping, metres)
        if dense is not None:
            result[number] = dense
    return result


def _key_poses(
    scene: bpy.types.Scene,
    dense: Mapping[int, DenseCurves],
    leader: bpy.types.Object | None,
    settings: KeySettings,
) -> dict[int, core.KeyPoses]:
    """The key poses by person."""
    fps = scene_fps(scene)
    ranges = {(curves.first, len(curves)) for curves in dense.values()}
    if len(dense) == 2 and len(ranges) == 1:
        joints = np.stack([_joints(dense[number]) for number in (0, 1)])
        found = core.key_poses([dense[0].person, dense[1].person], joints, fps, settings)
        return {number: poses for number, poses in enumerate(found) if poses is not None}
    result = {}
    for number, curves in dense.items():
        # Of different length, or alone: the partner, if there is one, stays as it is.
        own = _joints(curves)
        partner = _partner_joints(scene, dense.get(1 - number), leader, curves, own)
        people = [curves.person, None] if number == 0 else [None, curves.person]
        joints = np.stack((own, partner) if number == 0 else (partner, own))
        poses = core.key_poses(people, joints, fps, settings)[number]
        assert poses is not None
        result[number] = poses
    return result


def _joints(dense: DenseCurves) -> np.ndarray:
    """(T, 22, 3) where SMPL's joints begin, metres, Y up; a joint without a control is where its parent is."""
    heads = vectors_from_blender(np.moveaxis(dense.person.poses(dense.person.values)[1], 0, -1))
    result = np.empty((len(dense), len(SMPL), 3))
    for joint, parent in enumerate(SMPL.parents):
        control = dense.person.joints.get(joint)
        if control is not None:
            result[:, joint] = heads[control]
        else:
            result[:, joint] = result[:, parent] if parent >= 0 else heads[0]
    return result


def _partner_joints(
    scene: bpy.types.Scene,
    partner: DenseCurves | None,
    leader: bpy.types.Object | None,
    curves: DenseCurves,
    own: np.ndarray,
) -> np.ndarray:
    """(T, 22, 3) the partner's joints in the frames of ``curves``; far away if there is no partner."""
    frames = curves.first + np.arange(len(curves))
    if partner is not None:
        return _joints(partner)[np.clip(frames - partner.first, 0, len(partner) - 1)]
    if leader is not None:
        try:
            captured = capture(leader, scene, (float(frames[0]), float(frames[-1])))
        except UserError:
            captured = None
        if captured is not None:
            at = (frames - captured.start) / scene_fps(scene) * FPS
            return np.asarray(captured.joints[np.clip(np.round(at).astype(int), 0, len(captured.joints) - 1)])
    return own + np.array((0.0, 0.0, 100.0))
