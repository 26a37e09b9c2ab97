"""Whole skeletons of programs whose bones besides the body could be taken for it: wings, IK, hair, corrective bones."""

from __future__ import annotations

from collections.abc import Callable

from skeletons import ARM, LEG, Bone, Place, fingers, limbs

JOINTS = (*LEG, *ARM)
SIDES = (("L", 1.0), ("R", -1.0))


def _by_side(bones: Callable[[str, float], list[Bone]]) -> list[Bone]:
    return [bone for side, sign in SIDES for bone in bones(side, sign)]


def _names(*words: str) -> dict[str, str]:
    return dict(zip(JOINTS, words, strict=True))


def _wanted(name: Callable[[str, str], str], **middle: str) -> dict[str, str]:
    return {f"{side}_{joint}": name(side, joint) for side in "LR" for joint in JOINTS} | middle


def second_life() -> tuple[list[Bone], dict[str, str]]:
    """Bento: wings, a tail, hind limbs, and collision volumes with plainer names than the bones."""
    said = _names("Hip", "Knee", "Ankle", "Foot", "Collar", "Shoulder", "Elbow", "Wrist")
    full = {"L": "Left", "R": "Right"}
    bones: list[Bone] = [
        ("mPelvis", None, "Pelvis"), ("mSpine1", "mPelvis", ("Pelvis", "Spine1", 0.5)),
        ("mSpine2", "mSpine1", "Pelvis"), ("mTorso", "mSpine2", "Spine1"), ("mSpine3", "mTorso", "Spine2"),
        ("mSpine4", "mSpine3", "Spine1"), ("mChest", "mSpine4", "Spine3"), ("mNeck", "mChest", "Neck"),
        ("mHead", "mNeck", "Head"), ("mSkull", "mHead", "Top"), ("mFaceRoot", "mHead", "Head"),
        ("mTail1", "mPelvis", ("Pelvis", (0, 0, -0.1))), ("mTail2", "mTail1", ("Pelvis", (0, -0.1, -0.3))),
        ("mHindLimbsRoot", "mPelvis", ("Pelvis", (0, 0, -0.1))), ("mWingsRoot", "mChest", ("Spine3", (0, 0, -0.1))),
        ("PELVIS", "mPelvis", "Pelvis"), ("CHEST", "mChest", "Spine3"), ("HEAD", "mHead", "Head"),
    ]  # fmt: skip
    bones += limbs(lambda side, joint: f"m{said[joint]}{full[side]}", "mPelvis", "mChest")

    def more(side: str, sign: float) -> list[Bone]:
        end = full[side]
        found: list[Bone] = [(f"mToe{end}", f"mFoot{end}", (f"{side}_Foot", (0, 0, 0.08)))]
        for number, joint in enumerate(("Hip", "Knee", "Ankle"), 1):
            above = f"mHindLimb{number - 1}{end}" if number > 1 else "mHindLimbsRoot"
            found.append((f"mHindLimb{number}{end}", above, (f"{side}_{joint}", (0, 0, -0.2))))
            above = f"mWing{number - 1}{end}" if number > 1 else "mWingsRoot"
            found.append((f"mWing{number}{end}", above, ("Spine3", (sign * 0.2 * number, 0.1 * number, -0.1))))
        for volume, bone, place in (("UPPER_LEG", "Hip", "Hip"), ("LOWER_ARM", "Elbow", "Elbow"),
                                    ("HAND", "Wrist", "Wrist"), ("FOOT", "Foot", "Foot")):  # fmt: skip
            found.append((f"{side}_{volume}", f"m{bone}{end}", f"{side}_{place}"))
        return [*found, (f"mFaceEar1{end}", "mFaceRoot", ("Head", (sign * 0.08, 0.1, 0)))]

    return bones + _by_side(more), _wanted(
        lambda side, joint: f"m{said[joint]}{full[side]}", Pelvis="mPelvis", Neck="mNeck", Head="mHead"
    )


def mmd(spell: Callable[[str, str], str]) -> tuple[list[Bone], dict[str, str]]:
    """MikuMikuDance: legs and spine meet at the waist; shoulder helpers, twist bones, D bones, IK and a skirt."""
    said = _names("足", "ひざ", "足首", "つま先", "肩", "腕", "ひじ", "手首")
    bones: list[Bone] = [
        ("全ての親", None, "Floor"), ("センター", "全ての親", ("Pelvis", "Floor", 0.3)),
        ("グルーブ", "センター", ("Pelvis", "Floor", 0.3)), ("腰", "グルーブ", ("Pelvis", (0, 0.05, 0))),
        ("上半身", "腰", "Spine1"), ("上半身2", "上半身", "Spine2"), ("首", "上半身2", "Neck"), ("頭", "首", "Head"),
        ("下半身", "腰", "Spine1"), ("前髪1", "頭", ("Head", (0, 0.15, 0.1))), ("操作中心", None, "Floor"),
    ]  # fmt: skip

    def side_bones(side: str, sign: float) -> list[Bone]:
        chain: list[tuple[str, str, Place]] = [
            ("肩P", "上半身2", f"{side}_Collar"), ("肩", "肩P", f"{side}_Collar"), ("肩C", "肩", f"{side}_Shoulder"),
            ("腕", "肩C", f"{side}_Shoulder"), ("腕捩", "腕", (f"{side}_Shoulder", f"{side}_Elbow", 0.5)),
            ("ひじ", "腕捩", f"{side}_Elbow"), ("手捩", "ひじ", (f"{side}_Elbow", f"{side}_Wrist", 0.5)),
            ("手首", "手捩", f"{side}_Wrist"), ("人指1", "手首", (f"{side}_Wrist", (sign * 0.08, 0, 0.02))),
            ("手首先", "手首", (f"{side}_Wrist", (sign * 0.1, 0, 0))), ("足", "下半身", f"{side}_Hip"),
            ("ひざ", "足", f"{side}_Knee"), ("足首", "ひざ", f"{side}_Ankle"), ("つま先", "足首", f"{side}_Foot"),
            ("足D", "下半身", f"{side}_Hip"), ("ひざD", "足D", f"{side}_Knee"), ("足首D", "ひざD", f"{side}_Ankle"),
            ("足先EX", "足首D", f"{side}_Foot"), ("足ＩＫ", "全ての親", f"{side}_Ankle"),
            ("つま先ＩＫ", "足ＩＫ", f"{side}_Foot"), ("スカート1", "下半身", (f"{side}_Hip", (sign * 0.05, 0, 0.1))),
            ("目", "頭", ("Head", (sign * 0.03, 0.1, 0.1))),
        ]  # fmt: skip
        middle = {name for name, _, _ in bones}
        return [(spell(side, name), parent if parent in middle else spell(side, parent), place)
                for name, parent, place in chain]  # fmt: skip

    return bones + _by_side(side_bones), _wanted(
        lambda side, joint: spell(side, said[joint]),
        Pelvis="腰",
        Spine1="上半身",
        Spine2="上半身2",
        Neck="首",
        Head="頭",
    )


def vroid() -> tuple[list[Bone], dict[str, str]]:
    """VRoid: more bones of hair, skirt and bust than of the body, with another prefix."""
    said = _names("UpperLeg", "LowerLeg", "Foot", "ToeBase", "Shoulder", "UpperArm", "LowerArm", "Hand")
    chain = ("Hips", "Spine", "Chest", "UpperChest", "Neck", "Head")
    places = ("Pelvis", "Spine1", "Spine2", "Spine3", "Neck", "Head")
    bones: list[Bone] = [("Root", None, "Floor")]
    for number, (name, place) in enumerate(zip(chain, places, strict=True)):
        bones.append((f"J_Bip_C_{name}", f"J_Bip_C_{chain[number - 1]}" if number else "Root", place))
    bones += limbs(lambda side, joint: f"J_Bip_{side}_{said[joint]}", "J_Bip_C_Hips", "J_Bip_C_UpperChest")
    bones += fingers(lambda side, finger, k: f"J_Bip_{side}_{finger}{k}", lambda side: f"J_Bip_{side}_Hand")
    for strand in range(20):
        for k in (1, 2, 3):
            above = f"J_Sec_Hair{k - 1}_{strand:02d}" if k > 1 else "J_Bip_C_Head"
            shift = (0.1 - 0.01 * strand, 0.15 - 0.15 * k, -0.1)
            bones.append((f"J_Sec_Hair{k}_{strand:02d}", above, ("Head", shift)))

    def more(side: str, sign: float) -> list[Bone]:
        skirt: list[Bone] = []
        for k in (1, 2, 3):
            above = f"J_Sec_{side}_SkirtFront{k - 1}_01" if k > 1 else "J_Bip_C_Hips"
            shift = (sign * 0.05 * k, 0.15 - 0.15 * k, 0.1)
            skirt.append((f"J_Sec_{side}_SkirtFront{k}_01", above, (f"{side}_Hip", shift)))
        return [*skirt, (f"J_Sec_{side}_Bust1", "J_Bip_C_UpperChest", ("Spine3", (sign * 0.08, 0.05, 0.1)))]

    wanted = _wanted(lambda side, joint: f"J_Bip_{side}_{said[joint]}",
                     Pelvis="J_Bip_C_Hips", Spine3="J_Bip_C_UpperChest", Head="J_Bip_C_Head")  # fmt: skip
    return bones + _by_side(more), wanted


def metahuman() -> tuple[list[Bone], dict[str, str]]:
    """MetaHuman's body: five spine bones, two neck bones, twist and corrective bones, single toes, IK bones."""
    said = _names("thigh", "calf", "foot", "ball", "clavicle", "upperarm", "lowerarm", "hand")
    bones: list[Bone] = [("root", None, "Floor"), ("pelvis", "root", "Pelvis")]
    for k in range(1, 6):
        bones.append((f"spine_0{k}", f"spine_0{k - 1}" if k > 1 else "pelvis", ("Pelvis", "Neck", 0.15 * k)))
    bones += [
        ("neck_01", "spine_05", "Neck"), ("neck_02", "neck_01", ("Neck", "Head", 0.5)), ("head", "neck_02", "Head"),
        ("ik_foot_root", "root", "Floor"), ("ik_hand_root", "root", "Floor"),
        ("ik_hand_gun", "ik_hand_root", "R_Wrist"),
    ]  # fmt: skip
    bones += limbs(lambda side, joint: f"{said[joint]}_{side.lower()}", "pelvis", "spine_05")
    bones += fingers(lambda side, f, k: f"{f.lower()}_0{k}_{side.lower()}", lambda side: f"hand_{side.lower()}")

    def more(side: str, sign: float) -> list[Bone]:
        s = side.lower()
        found: list[Bone] = [
            (f"ik_foot_{s}", "ik_foot_root", f"{side}_Ankle"), (f"ik_hand_{s}", "ik_hand_gun", f"{side}_Wrist"),
            (f"bigtoe_01_{s}", f"ball_{s}", (f"{side}_Foot", (0, 0, 0.03))),
            (f"wrist_inner_{s}", f"hand_{s}", f"{side}_Wrist"), (f"ankle_bck_{s}", f"foot_{s}", f"{side}_Ankle"),
            (f"spine_04_latissimus_{s}", "spine_04", ("Spine3", (sign * 0.1, 0, 0))),
        ]  # fmt: skip
        for part, upper, lower in (("thigh", "Hip", "Knee"), ("calf", "Knee", "Ankle"),
                                   ("upperarm", "Shoulder", "Elbow"), ("lowerarm", "Elbow", "Wrist")):  # fmt: skip
            found += [
                (f"{part}_twist_01_{s}", f"{part}_{s}", (f"{side}_{upper}", f"{side}_{lower}", 0.3)),
                (f"{part}_correctiveRoot_{s}", f"{part}_{s}", f"{side}_{upper}"),
                (f"{part}_fwd_{s}", f"{part}_correctiveRoot_{s}", (f"{side}_{upper}", (0, 0, 0.05))),
            ]
        return found

    wanted = _wanted(lambda side, joint: f"{said[joint]}_{side.lower()}",
                     Pelvis="pelvis", Spine1="spine_01", Spine3="spine_05", Neck="neck_01", Head="head")  # fmt: skip
    return bones + _by_side(more), wanted


PROGRAMS: dict[str, tuple[list[Bone], dict[str, str]]] = {
    "Second Life": second_life(),
    "MikuMikuDance": mmd(lambda side, name: {"L": "左", "R": "右"}[side] + name),
    "MikuMikuDance (mmd_tools)": mmd(lambda side, name: f"{name}.{side}"),
    "VRM": vroid(),
    "Unreal 5": metahuman(),
}
"""Kind to a program's whole skeleton and the joints' bones."""
