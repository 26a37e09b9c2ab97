"""Skeletons as other programs build them, as lists of bones: for recognition without and with Blender.

A bone is its name, its parent's name and where it begins: an SMPL joint of the T-pose, two of them with a share of the
way between, or a joint with a shift in metres (left, up, forward).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from model_core.motion import SMPL
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.recognition import SkeletonTree

Place = str | tuple[str, str, float] | tuple[str, tuple[float, float, float]]
Bone = tuple[str, str | None, Place]

POINTS = {joint: np.zeros(3) for joint in SMPL.joints}
for _number, _joint in enumerate(SMPL.joints[1:], 1):
    POINTS[_joint] = POINTS[SMPL.joints[SMPL.parents[_number]]] + SMPL_REST_OFFSETS[_number]
_floor = min(point[1] for point in POINTS.values())
POINTS = {joint: point - (0.0, _floor - 0.02, 0.0) for joint, point in POINTS.items()}
POINTS["Floor"] = np.zeros(3)
POINTS["Top"] = POINTS["Head"] + (0.0, 0.2, 0.0)

LEG, ARM = ("Hip", "Knee", "Ankle", "Foot"), ("Collar", "Shoulder", "Elbow", "Wrist")


def point(place: Place) -> np.ndarray:
    """(3,) where a bone begins, metres, Y up."""
    if isinstance(place, str):
        return POINTS[place]
    if len(place) == 3:
        return POINTS[place[0]] * (1 - place[2]) + POINTS[place[1]] * place[2]
    return POINTS[place[0]] + np.array(place[1])


def tree_of(bones: Iterable[Bone], lowered: float = 0.0) -> SkeletonTree:
    """The skeleton, its arms ``lowered`` by that angle (radians)."""
    bones = list(bones)
    names = tuple(name for name, _, _ in bones)
    assert len(set(names)) == len(names)
    heads = np.array([point(place) for _, _, place in bones])
    for side, sign in (("L_", 1.0), ("R_", -1.0)):
        shoulder = POINTS[side + "Shoulder"]
        out = (sign * (heads[:, 0] - shoulder[0]) > 0.01) & (np.abs(heads[:, 1] - shoulder[1]) < 0.25)
        moved, angle = heads[out] - shoulder, -sign * lowered
        turn = np.array(((np.cos(angle), -np.sin(angle), 0), (np.sin(angle), np.cos(angle), 0), (0, 0, 1)))
        heads[out] = shoulder + moved @ turn.T
    parents = tuple(names.index(parent) if parent is not None else -1 for _, parent, _ in bones)
    return SkeletonTree(names, parents, heads)


def humanoid(names: Mapping[str, str]) -> list[Bone]:
    """A skeleton of SMPL's tree, of the joints that have names."""
    bones: list[Bone] = []
    for number, joint in enumerate(SMPL.joints):
        if joint in names:
            parent = SMPL.parents[number]
            while parent >= 0 and SMPL.joints[parent] not in names:
                parent = SMPL.parents[parent]
            bones.append((names[joint], names[SMPL.joints[parent]] if parent >= 0 else None, joint))
    return bones


def limbs(name: Callable[[str, str], str], leg: str, arm: str) -> list[Bone]:
    """Both legs and arms: ``name`` of a side (``L`` or ``R``) and a joint; they hang from ``leg`` and ``arm``."""
    return [
        (name(side, joint), name(side, chain[k - 1]) if k else above, f"{side}_{joint}")
        for side in "LR"
        for chain, above in ((LEG, leg), (ARM, arm))
        for k, joint in enumerate(chain)
    ]


def fingers(name: Callable[[str, str, int], str], hand: Callable[[str], str]) -> list[Bone]:
    """Five fingers of three bones on each hand."""
    return [
        (
            name(side, finger, segment),
            name(side, finger, segment - 1) if segment > 1 else hand(side),
            (f"{side}_Wrist", (sign * (0.06 + 0.025 * segment), 0.0, 0.04 - 0.02 * number)),
        )
        for side, sign in (("L", 1.0), ("R", -1.0))
        for number, finger in enumerate(("Thumb", "Index", "Mid", "Ring", "Pinky"))
        for segment in (1, 2, 3)
    ]


def character_creator(prefix: str = "CC_Base_") -> list[Bone]:
    """Character Creator's build: the thighs hang from Pelvis, the spine from Hip beside it; share and twist bones."""
    said = dict(zip((*LEG, *ARM), ("Thigh", "Calf", "Foot", "ToeBase", "Clavicle", "Upperarm", "Forearm", "Hand"),
                    strict=True))  # fmt: skip
    p = prefix
    bones: list[Bone] = [
        (f"{p}BoneRoot", None, "Floor"), (f"{p}Hip", f"{p}BoneRoot", "Pelvis"), (f"{p}Pelvis", f"{p}Hip", "Pelvis"),
        (f"{p}Waist", f"{p}Hip", "Spine1"), (f"{p}Spine01", f"{p}Waist", "Spine2"),
        (f"{p}Spine02", f"{p}Spine01", "Spine3"), (f"{p}NeckTwist01", f"{p}Spine02", "Neck"),
        (f"{p}NeckTwist02", f"{p}NeckTwist01", ("Neck", "Head", 0.5)), (f"{p}Head", f"{p}NeckTwist02", "Head"),
        (f"{p}JawRoot", f"{p}Head", ("Head", (0, 0.02, 0.06))),
    ]  # fmt: skip
    bones += limbs(lambda side, joint: f"{p}{side}_{said[joint]}", f"{p}Pelvis", f"{p}Spine02")
    bones += fingers(lambda side, finger, k: f"{p}{side}_{finger}{k}", lambda side: f"{p}{side}_Hand")
    for side in "LR":
        for part, joint in (("Thigh", "Hip"), ("Calf", "Knee"), ("Upperarm", "Shoulder"), ("Forearm", "Elbow")):
            bones.append((f"{p}{side}_{part}Twist01", f"{p}{side}_{part}", f"{side}_{joint}"))
        bones.append((f"{p}{side}_Breast", f"{p}Spine02", ("Spine3", (0.08 if side == "L" else -0.08, 0, 0.1))))
    return bones


def genesis_8() -> list[Bone]:
    """DAZ Genesis 8's build: every long bone is a bend and a twist bone, one after the other."""
    bones: list[Bone] = [
        ("hip", None, "Pelvis"), ("pelvis", "hip", ("Pelvis", (0, 0.01, 0))),
        ("abdomenLower", "hip", ("Pelvis", (0, 0.03, 0))), ("abdomenUpper", "abdomenLower", "Spine1"),
        ("chestLower", "abdomenUpper", "Spine2"), ("chestUpper", "chestLower", "Spine3"),
        ("neckLower", "chestUpper", "Neck"), ("neckUpper", "neckLower", ("Neck", "Head", 0.5)),
        ("head", "neckUpper", "Head"),
    ]  # fmt: skip
    for side in "LR":
        s = side.lower()
        bones += [
            (f"{s}ThighBend", "pelvis", f"{side}_Hip"),
            (f"{s}ThighTwist", f"{s}ThighBend", (f"{side}_Hip", f"{side}_Knee", 0.5)),
            (f"{s}Shin", f"{s}ThighTwist", f"{side}_Knee"), (f"{s}Foot", f"{s}Shin", f"{side}_Ankle"),
            (f"{s}Metatarsals", f"{s}Foot", (f"{side}_Ankle", f"{side}_Foot", 0.4)),
            (f"{s}Toe", f"{s}Metatarsals", f"{side}_Foot"), (f"{s}Collar", "chestUpper", f"{side}_Collar"),
            (f"{s}ShldrBend", f"{s}Collar", f"{side}_Shoulder"),
            (f"{s}ShldrTwist", f"{s}ShldrBend", (f"{side}_Shoulder", f"{side}_Elbow", 0.5)),
            (f"{s}ForearmBend", f"{s}ShldrTwist", f"{side}_Elbow"),
            (f"{s}ForearmTwist", f"{s}ForearmBend", (f"{side}_Elbow", f"{side}_Wrist", 0.5)),
            (f"{s}Hand", f"{s}ForearmTwist", f"{side}_Wrist"),
        ]  # fmt: skip
    return bones + fingers(lambda side, finger, k: f"{side.lower()}{finger}{k}", lambda side: f"{side.lower()}Hand")


def biped(prefix: str = "Bip01") -> list[Bone]:
    """3ds Max's default biped: clavicles hang from the neck, and head and toes end in nubs."""
    said = dict(zip((*LEG, *ARM), ("Thigh", "Calf", "Foot", "Toe0", "Clavicle", "UpperArm", "Forearm", "Hand"),
                    strict=True))  # fmt: skip
    p = prefix
    bones: list[Bone] = [
        (p, None, "Pelvis"), (f"{p} Pelvis", p, "Pelvis"), (f"{p} Spine", f"{p} Pelvis", "Spine1"),
        (f"{p} Spine1", f"{p} Spine", "Spine2"), (f"{p} Spine2", f"{p} Spine1", "Spine3"),
        (f"{p} Neck", f"{p} Spine2", "Neck"), (f"{p} Head", f"{p} Neck", "Head"),
        (f"{p} HeadNub", f"{p} Head", "Top"), (f"{p} Footsteps", p, "Floor"),
    ]  # fmt: skip
    bones += limbs(lambda side, joint: f"{p} {side} {said[joint]}", f"{p} Pelvis", f"{p} Neck")
    return bones + fingers(lambda side, finger, k: f"{p} {side} Finger{finger}{k}", lambda side: f"{p} {side} Hand")
