"""Recognition of people: any vocabulary, whatever stands around the names; structure where names say nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from program_skeletons import PROGRAMS
from skeletons import (
    ARM,
    LEG,
    Bone,
    biped,
    character_creator,
    fingers,
    genesis_8,
    humanoid,
    limbs,
    tree_of,
)

from model_core.motion import SMPL
from model_core.recognition import (
    Check,
    FailureReason,
    NotRecognisedError,
    Recognition,
    SkeletonTree,
    known_maps,
    recognise,
)
from model_core.recognition.bone_maps import FOLDER

MAPS = {bone_map.name: bone_map for bone_map in known_maps()}
CONTROL_RIGS = {name for name, bone_map in MAPS.items() if bone_map.controls}


def named(tree: SkeletonTree, found: Recognition) -> dict[str, str]:
    return {joint: tree.names[bone] for joint, bone in found.joints.items()}


def renamed(tree: SkeletonTree, change) -> SkeletonTree:  # type: ignore[no-untyped-def]
    return replace(tree, names=tuple(change(name, number) for number, name in enumerate(tree.names)))


DISGUISES = {
    "as it is": lambda name, number: name,
    "prefix": lambda name, number: f"Character1_{name}",
    "namespaces": lambda name, number: f"Scene|Hero:{name}",
    "prefix with a space": lambda name, number: f"Actor 03 {name}",
    "suffix": lambda name, number: f"{name}_JNT",
    "numbered": lambda name, number: f"{name}_0{number}",
    "both": lambda name, number: f"b_{name}_jnt",
}


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("kind", MAPS)
def test_every_known_kind_is_recognised_whatever_all_its_names_share(kind: str, disguise: str) -> None:
    bone_map, rng = MAPS[kind], np.random.default_rng(len(kind))
    bones = humanoid({joint: names[0] for joint, names in bone_map.bones.items()})
    names = {bone[0] for bone in bones}
    bones += [(keyed[0], bones[0][0], joint) for joint, keyed in bone_map.controls.items() if keyed[0] not in names]
    tree = tree_of(bones, 0.6)
    tree = replace(tree, heads=tree.heads * 10 ** rng.uniform(-2, 2))
    disguised = renamed(tree, DISGUISES[disguise])
    # Any order of bones.
    order = rng.permutation(len(tree))
    place = np.argsort(order)
    shuffled = SkeletonTree(
        tuple(disguised.names[k] for k in order),
        tuple(int(place[disguised.parents[k]]) if disguised.parents[k] >= 0 else -1 for k in order),
        disguised.heads[order],
    )
    found = recognise(shuffled)
    wanted = {joint: DISGUISES[disguise](names[0], [b[0] for b in bones].index(names[0]))
              for joint, names in bone_map.bones.items()}  # fmt: skip
    assert named(shuffled, found) == wanted
    assert not found.checks or found.bone_map is None
    assert set(found.controls) == (set(bone_map.controls) if kind in CONTROL_RIGS else set())


@pytest.mark.parametrize("kind", [kind for kind in MAPS if kind not in CONTROL_RIGS])
def test_a_known_kind_is_called_by_its_name(kind: str) -> None:
    tree = tree_of(humanoid({joint: names[0] for joint, names in MAPS[kind].bones.items()}))
    assert recognise(tree).kind == kind


def test_bone_maps_are_as_their_schema_says() -> None:
    schema = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
    for path in FOLDER.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if path.name != "schema.json":
            assert set(schema["required"]) <= set(content) <= set(schema["properties"]), path.name
            assert set(content["bones"]) <= set(SMPL.joints), path.name


SPELLINGS = {
    # how one joint of one side is spelt; none of these is a file of assets/rigs
    "lower case": lambda side, joint: {"L": "left", "R": "right"}[side] + LOWER[joint],
    "glued letter": lambda side, joint: side.lower() + LOWER[joint],
    "letter behind": lambda side, joint: LOWER[joint] + side.lower(),
    "capitals": lambda side, joint: f"{side}_{LOWER[joint]}".upper(),
    "side behind": lambda side, joint: f"{LOWER[joint]}-{ {'L': 'Left', 'R': 'Right'}[side] }",
    "classic": lambda side, joint: {"L": "Left", "R": "Right"}[side] + CLASSIC[joint],
    "numbers": lambda side, joint: f"{ {'L': 'lf', 'R': 'rt'}[side] }_{NUMBERED[joint]}",
    "anatomy": lambda side, joint: f"{side}_{ANATOMY[joint]}",
    "japanese": lambda side, joint: {"L": "左", "R": "右"}[side] + JAPANESE[joint],
    "words apart": lambda side, joint: f"{ {'L': 'Left', 'R': 'Right'}[side] } {APART[joint]}",
}
_ALL = (*LEG, *ARM)
LOWER = dict(zip(_ALL, ("thigh", "calf", "foot", "toe", "clavicle", "upperarm", "forearm", "hand"), strict=True))
CLASSIC = dict(zip(_ALL, ("UpLeg", "LowLeg", "Foot", "Toe", "Collar", "UpArm", "LowArm", "Hand"), strict=True))
NUMBERED = dict(zip(_ALL, ("leg_01", "leg_02", "ankle", "toes", "shoulder", "arm_01", "arm_02", "wrist"), strict=True))
ANATOMY = dict(zip(_ALL, ("Femur", "Tibia", "Foot", "Toes", "Clavicle", "Humerus", "Radius", "Hand"), strict=True))
JAPANESE = dict(zip(_ALL, ("足", "ひざ", "足首", "つま先", "肩", "腕", "ひじ", "手首"), strict=True))
APART = dict(zip(_ALL, ("upper leg", "lower leg", "foot", "toe base", "shoulder", "upper arm", "lower arm", "hand"),
                 strict=True))  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_words_are_found_in_any_spelling(spelling: str) -> None:
    spell = SPELLINGS[spelling]
    trunk: list[Bone] = [("body", None, "Pelvis"), ("back", "body", "Spine1"), ("chest", "back", "Spine3"),
                         ("neck", "chest", "Neck"), ("head", "neck", "Head")]  # fmt: skip
    tree = tree_of(trunk + limbs(spell, "body", "chest"), 0.4)
    found = named(tree, recognise(tree))
    assert found == {f"{side}_{joint}": spell(side, joint) for side in "LR" for joint in _ALL} | {
        "Pelvis": "body", "Spine1": "back", "Spine2": "chest", "Neck": "neck", "Head": "head",
    }  # fmt: skip


@pytest.mark.parametrize("maps", [None, ()], ids=["by map", "by words"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_programs_whole_skeleton_is_recognised(program: str, maps: tuple[()] | None) -> None:
    bones, wanted = PROGRAMS[program]
    tree = tree_of(bones, 0.6)
    recognition = recognise(tree, maps)
    found = named(tree, recognition)
    # By words Second Life's toes are those called so.
    checked = [joint for joint in wanted if not joint.endswith("Foot") or program != "Second Life"]
    assert {joint: found.get(joint) for joint in checked} == {joint: wanted[joint] for joint in checked}
    assert recognition.kind == ("Humanoid (by names)" if maps == () else program.split(" (")[0])


def test_legs_and_spine_may_meet_one_bone_apart() -> None:
    for prefix in ("CC_Base_", "Hero_", "RL_"):
        tree = tree_of(character_creator(prefix), 0.6)
        found = named(tree, recognise(tree))
        assert found["Pelvis"] == f"{prefix}Hip" and found["Neck"] == f"{prefix}NeckTwist01"
        assert found["L_Hip"] == f"{prefix}L_Thigh" and found["R_Elbow"] == f"{prefix}R_Forearm"
    # But not far from the hips: then nothing tells what carries the body.
    bones = [(name, "CC_Base_BoneRoot" if name == "CC_Base_Waist" else parent, place)
             for name, parent, place in character_creator()]  # fmt: skip
    with pytest.raises(NotRecognisedError) as caught:
        recognise(tree_of(bones), maps=())
    assert caught.value.reason is FailureReason.DISCONNECTED


def test_bend_and_twist_bones_one_after_the_other_are_one_limb() -> None:
    tree = tree_of(genesis_8(), 0.6)
    for maps in (None, ()):
        found = named(tree, recognise(tree, maps))
        limb = {f"{side}_{joint}": side.lower() + bone for side in "LR" for joint, bone in
                (("Hip", "ThighBend"), ("Knee", "Shin"), ("Ankle", "Foot"), ("Shoulder", "ShldrBend"),
                 ("Elbow", "ForearmBend"), ("Wrist", "Hand"), ("Collar", "Collar"))}  # fmt: skip
        assert {joint: found[joint] for joint in limb} == limb
        assert found["Pelvis"] == "hip" and found["Head"] == "head"


def test_a_neck_that_carries_the_arms_is_a_neck() -> None:
    for prefix in ("Bip01", "Bip001", "Dummy"):
        tree = tree_of(biped(prefix), 0.6)
        found = named(tree, recognise(tree))
        assert (found["Spine3"], found["Neck"], found["Head"]) == (
            f"{prefix} Spine2", f"{prefix} Neck", f"{prefix} Head",
        )  # fmt: skip
    nameless = renamed(tree, lambda name, number: f"Bone.{number:03d}")
    by_structure = recognise(nameless)
    assert tree.names[by_structure.joints["Neck"]] == "Dummy Neck"
    assert tree.names[by_structure.joints["Spine3"]] == "Dummy Spine2"
    assert tree.names[by_structure.joints["R_Collar"]] == "Dummy R Clavicle"


def person(extra: list[Bone], hands: bool = True, name=lambda side, joint: f"{side}{joint}") -> list[Bone]:  # type: ignore[no-untyped-def]
    """A person with other bones besides; named so that names can be taken away."""
    trunk: list[Bone] = [("P", None, "Pelvis"), ("S1", "P", "Spine1"), ("S2", "S1", "Spine2"), ("S3", "S2", "Spine3"),
                         ("N", "S3", "Neck"), ("H", "N", "Head")]  # fmt: skip
    bones = trunk + limbs(name, "P", "S3")
    if hands:
        bones += fingers(lambda side, finger, k: f"{side}{finger}{k}", lambda side: name(side, "Wrist"))
    return bones + extra


def mirrored(bones: list[tuple[str, str, str, tuple[float, float, float]]]) -> list[Bone]:
    """Bones of both sides: ``$`` in names is the side; shifts are the left side's."""
    return [
        (name.replace("$", side), parent.replace("$", side), (place.replace("$", side), (sign * shift[0], *shift[1:])))
        for side, sign in (("L", 1.0), ("R", -1.0))
        for name, parent, place, shift in bones
    ]


WINGS = mirrored([("w1$", "S3", "Spine3", (0.1, 0.1, -0.1)), ("w2$", "w1$", "Spine3", (0.6, 0.4, -0.2)),
                  ("w3$", "w2$", "Spine3", (1.4, 0.6, -0.3))])  # fmt: skip
SMALL_WINGS = mirrored([("w1$", "S3", "Spine3", (0.1, 0.1, -0.1)), ("w2$", "w1$", "Spine3", (0.35, 0.25, -0.2)),
                        ("w3$", "w2$", "Spine3", (0.6, 0.3, -0.3))])  # fmt: skip
EARS = mirrored([("e$", "H", "Head", (0.1, 0.15, 0.0))])
TAIL: list[Bone] = [("t1", "P", ("Pelvis", (0, 0, -0.1))), ("t2", "t1", ("Pelvis", (0, -0.1, -0.5))),
                    ("t3", "t2", ("Pelvis", (0, -0.2, -1.2)))]  # fmt: skip
SKIRT = mirrored([("s1$", "P", "$_Hip", (0.05, 0.0, 0.1)), ("s2$", "s1$", "$_Hip", (0.08, -0.2, 0.12)),
                  ("s3$", "s2$", "$_Hip", (0.1, -0.4, 0.14))])  # fmt: skip
HAIR = mirrored([("h1$", "H", "Head", (0.05, 0.2, -0.1)), ("h2$", "h1$", "Head", (0.08, 0.0, -0.15)),
                 ("h3$", "h2$", "Head", (0.1, -0.2, -0.15))])  # fmt: skip


@pytest.mark.parametrize("extra", ["none", "wings", "small wings", "ears", "tail", "skirt", "hair", "all"])
@pytest.mark.parametrize("hands", [True, False], ids=["fingers", "no-fingers"])
@pytest.mark.parametrize("lowered", [0.0, 0.6, 1.2])
def test_wings_ears_tails_skirts_and_hair_are_no_limbs_where_names_say_nothing(
    extra: str, lowered: float, hands: bool
) -> None:
    kinds = {"none": [], "wings": WINGS, "small wings": SMALL_WINGS, "ears": EARS, "tail": TAIL, "skirt": SKIRT,
             "hair": HAIR}  # fmt: skip
    added = (
        [bone for kind in kinds.values() if kind is not SMALL_WINGS for bone in kind]
        if extra == "all"
        else kinds[extra]
    )
    if extra == "small wings" and not hands:
        pytest.skip("refused, see below")
    tree = tree_of(person(added, hands), lowered)
    nameless = renamed(tree, lambda name, number: f"Bone.{number:03d}")
    found = named(tree, recognise(nameless))
    wanted = {f"{side}_{joint}": side + joint for side in "LR" for joint in _ALL}
    assert found == wanted | {"Pelvis": "P", "Spine1": "S1", "Spine2": "S2", "Spine3": "S3", "Neck": "N", "Head": "H"}
    assert Check.STRUCTURE in recognise(nameless).checks


def test_an_animal_on_four_legs_is_no_person() -> None:
    bones: list[Bone] = [
        ("P", None, ("Pelvis", (0, 0, 0))), ("S1", "P", ("Pelvis", (0, 0.05, 0.3))),
        ("S2", "S1", ("Pelvis", (0, 0.05, 0.6))), ("N", "S2", ("Pelvis", (0, 0.2, 0.7))),
        ("H", "N", ("Pelvis", (0, 0.35, 0.8))), ("T1", "P", ("Pelvis", (0, 0, -0.2))),
        ("T2", "T1", ("Pelvis", (0, -0.1, -0.4))),
    ]  # fmt: skip
    for pair, above, z in (("B", "P", 0.0), ("F", "S2", 0.65)):
        for side, x in (("L", 0.12), ("R", -0.12)):
            for k, y in enumerate((-0.02, -0.4, -0.75, -0.85)):
                parent = f"{pair}{side}{k - 1}" if k else above
                bones.append((f"{pair}{side}{k}", parent, ("Pelvis", (x, y, z + 0.1 * (k == 3)))))
    for name in (lambda name, number: name, lambda name, number: f"Bone.{number:03d}"):
        with pytest.raises(NotRecognisedError):
            recognise(renamed(tree_of(bones), name))


@pytest.mark.slow
def test_whatever_the_skeleton_there_is_a_person_or_a_reason() -> None:
    rng = np.random.default_rng(5)
    words = ["Left", "Right", "L", "R", "Arm", "Leg", "Hand", "Foot", "Thigh", "Calf", "Neck", "Head", "Twist", "Bone",
             "Fore", "Up", "左", "足", "_", ".", "01", "é", " ", ""]  # fmt: skip
    reasons = set()
    for size in rng.integers(0, 60, 300).tolist():
        names = tuple(
            f"{''.join(rng.choice(words, 3))}{number if rng.random() < 0.5 else ''}" for number in range(size)
        )
        parents = tuple(int(rng.integers(-1, number)) if number else -1 for number in range(size))
        heads = (
            np.zeros((size, 3)) if rng.random() < 0.2 else rng.normal(0, 1, (size, 3)).round(int(rng.integers(0, 3)))
        )
        tree = SkeletonTree(names, parents, heads)
        try:
            found = recognise(tree)
        except NotRecognisedError as error:
            reasons.add(error.reason)
        else:
            assert len(set(found.joints.values())) == len(found.joints)
    assert FailureReason.UNKNOWN in reasons


def test_two_pairs_of_limbs_without_fingers_are_refused() -> None:
    tree = renamed(tree_of(person(SMALL_WINGS, hands=False), 0.6), lambda name, number: f"Bone.{number:03d}")
    with pytest.raises(NotRecognisedError) as caught:
        recognise(tree)
    assert caught.value.reason is FailureReason.AMBIGUOUS_ARMS


@pytest.mark.parametrize("size", [0.01, 1.0, 40.0])
def test_structure_does_not_depend_on_size_place_and_heading(size: float) -> None:
    tree = tree_of(person(EARS + TAIL), 0.7)
    angle = 0.8
    turn = np.array(((np.cos(angle), 0, np.sin(angle)), (0, 1, 0), (-np.sin(angle), 0, np.cos(angle))))
    moved = replace(tree, heads=(tree.heads @ turn.T + (3.0, 1.0, -2.0)) * size)
    nameless = renamed(moved, lambda name, number: f"Bone.{number:03d}")
    assert recognise(nameless).joints == recognise(renamed(tree, lambda name, number: f"Bone.{number:03d}")).joints


def test_a_foot_that_hangs_from_elsewhere_is_named() -> None:
    said = dict(zip(_ALL, ("UpperLeg", "LowerLeg", "Foot", "Toes", "Shoulder", "UpperArm", "LowerArm", "Palm"),
                    strict=True))  # fmt: skip
    trunk: list[Bone] = [("Bone", None, "Floor"), ("Hips", "Bone", "Pelvis"), ("Torso", "Hips", "Spine2"),
                         ("Neck", "Torso", "Neck"), ("Head", "Neck", "Head")]  # fmt: skip
    bones = [
        (name, "Bone" if name.startswith("Foot") else parent, place)
        for name, parent, place in trunk + limbs(lambda side, joint: f"{said[joint]}.{side}", "Hips", "Torso")
    ]
    with pytest.raises(NotRecognisedError) as caught:
        recognise(tree_of(bones))
    assert caught.value.reason is FailureReason.BROKEN_LIMB
    assert caught.value.values == {"lower": "Foot.L", "upper": "LowerLeg.L"}


def test_what_is_uneven_is_said() -> None:
    tree = tree_of(humanoid({joint: names[0] for joint, names in MAPS["Mixamo"].bones.items()}))
    assert not recognise(tree).checks
    heads = tree.heads.copy()
    heads[tree.names.index("LeftFoot")] -= (0, 0.5, 0)
    assert recognise(replace(tree, heads=heads)).checks == (Check.LENGTHS,)
