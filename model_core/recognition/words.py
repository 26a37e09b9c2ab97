"""Reads bone names as words: shared affixes are stripped, the side is found, and the rest is looked up.

Names are split at case, digits and separators. ``LeftUpLeg``, ``thigh.L``, ``lThigh``, ``b_l_upleg``, ``UPLEG_L_JNT``
and ``mixamorig:LeftUpLeg_055`` all have a side and a core that ``ROLES`` knows.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\dA-Za-z_]+")

_SHARED = 0.8
"""Fraction of the names that must share a prefix or a suffix for it to be stripped."""

_MIN_NAMES = 8
"""With fewer names nothing is stripped as shared."""

_NUMBERED = re.compile(r"[_.\- ]+\d+$")

_SIDES = {
    "l": "L_", "left": "L_", "lft": "L_", "lt": "L_", "左": "L_",
    "r": "R_", "right": "R_", "rgt": "R_", "rt": "R_", "右": "R_",
}  # fmt: skip

_FILLER_WORDS = frozenset(
    (
        "mixamorig", "valvebiped", "bip", "biped", "j", "jt", "jnt", "c", "m", "f", "x", "avg",
        "fk", "def", "org", "base", "cc", "character", "smpl", "bone", "bn", "bind", "skin", "sk",
        "skel", "skeleton", "rig", "mid", "center", "centre", "bend", "stretch", "main",
    )
)  # fmt: skip
"""Words without a meaning for the body."""

TWIST = frozenset(
    (
        "twist", "twst", "twistbone", "roll", "rot", "share", "helper", "corrective",
        "correctiveroot", "volume", "muscle", "bulge", "adjust", "mch", "tweak", "driver", "nub",
        "end", "tip", "eff", "effector", "site", "offset", "pin", "dummy", "ik", "pole", "target",
        "tgt", "ctrl", "control", "heel", "handle", "aim", "捩", "捩り", "親", "先",
    )
)  # fmt: skip
"""Words of helper and end bones, which are no joints of a limb, although bones below them may be."""

ACCESSORIES = frozenset(
    (
        "wing", "wings", "tail", "tails", "ear", "ears", "hair", "bang", "bangs", "ponytail",
        "braid", "skirt", "dress", "cape", "cloak", "coat", "robe", "scarf", "ribbon", "belt",
        "strap", "sleeve", "breast", "boob", "bust", "pectoral", "pec", "weapon", "sword",
        "shield", "gun", "bow", "prop", "holster", "hat", "helmet", "eye", "eyes", "eyeball",
        "eyelid", "eyebrow", "eyebrows", "jaw", "tongue", "teeth", "tooth", "lip", "lips", "brow",
        "cheek", "lid", "nose", "face", "facial", "horn", "horns", "feather", "antenna", "bag",
        "backpack", "pouch", "pocket", "quiver", "genital", "glute", "hindlimb", "hindlimbs",
        "fin", "whisker", "beard", "glasses", "earring", "necklace", "髪", "前髪", "後髪", "横髪",
        "スカート", "胸", "目", "両目", "耳", "尻尾", "しっぽ", "翼", "羽", "袖", "ネクタイ", "リボン",
    )
)  # fmt: skip
"""Words of clothes, props and body parts other than limbs; no bone below them belongs to a limb either."""

FINGERS = frozenset(
    (
        "thumb", "index", "middle", "mid", "ring", "pinky", "pinkie", "little", "finger",
        "fingers", "metacarpal", "palm", "carpal", "親指", "人指", "人差指", "中指", "薬指", "小指", "指",
    )
)  # fmt: skip

# Joint without its side to the cores in use, with the cost of each: how likely it means another joint, 0 for never. A
# joint is named after the bone that begins there: most skeletons call the elbow forearm and the wrist hand.
ROLES: dict[str, dict[str, float]] = {
    "Hip": dict.fromkeys(("upleg", "thigh", "upperleg", "legupper", "femur", "uleg", "legup"), 0.0)
    | {"hip": 1.0, "leg": 2.0, "足": 0.0, "momo": 0.0, "ashi": 1.0, "もも": 0.0, "太もも": 0.0},
    "Knee": dict.fromkeys(("knee", "shin", "lowerleg", "leglower", "calf", "tibia", "lowleg", "loleg"), 0.0)
    | {"lleg": 1.0, "leg": 1.0, "ひざ": 0.0, "膝": 0.0, "hiza": 0.0, "すね": 0.0},
    "Ankle": {"ankle": 0.0, "foot": 0.5, "足首": 0.0, "ashikubi": 0.0, "feet": 1.0},
    "Foot": {"toe": 0.0, "toes": 0.0, "toebase": 0.0, "ball": 0.0, "つま先": 0.0, "tsumasaki": 0.0, "bigtoe": 2.0,
             "forefoot": 1.0, "foot": 3.0, "足先": 1.0, "足先ex": 1.0},
    "Shoulder": dict.fromkeys(("arm", "upperarm", "uparm", "armupper", "shldr", "humerus", "uarm", "bicep"), 0.0)
    | {"shoulder": 2.0, "腕": 0.0, "ude": 0.0, "deltoid": 3.0},
    "Elbow": dict.fromkeys(("forearm", "elbow", "lowerarm", "lowarm", "loarm", "armlower", "radius", "farm"), 0.0)
    | {"larm": 1.0, "ひじ": 0.0, "肘": 0.0, "hiji": 0.0, "arm": 3.0},
    "Wrist": {"wrist": 0.0, "hand": 0.5, "手首": 0.0, "tekubi": 0.0, "手": 1.0, "palm": 2.0, "fist": 2.0},
    "Collar": dict.fromkeys(("collar", "clavicle", "clav", "collarbone"), 0.0)
    | {"shoulder": 1.0, "scapula": 2.0, "肩": 0.0, "kata": 0.0},
    "Neck": {"neck": 0.0, "necklower": 0.0, "lowerneck": 0.0, "necktwist": 1.0, "cervical": 1.0, "首": 0.0, "kubi": 0.0,
             "neckupper": 1.0, "upperneck": 1.0},
    "Head": {"head": 0.0, "skull": 1.0, "頭": 0.0, "atama": 0.0},
}  # fmt: skip
SIDED = tuple(role for role in ROLES if role not in ("Neck", "Head"))
_KNOWN_CORES = frozenset(core for cores in ROLES.values() for core in cores)
_SIDE_AFFIXES = (("left", "L_"), ("right", "R_"), ("l", "L_"), ("r", "R_"))


@dataclass(frozen=True)
class BoneWords:
    """The meaning of a bone's name.

    Attributes:
        side: ``"L_"``, ``"R_"`` or empty.
        core: the name without side, filler words, numbers, case and separators.
        stripped: the name without the affixes that all names share.
        helper: twist, IK and end bones.
        accessory: wings, tails, clothes, faces.
        finger: part of a hand beyond the wrist.
        roles: SMPL joint without its side to the cost of assigning the bone to it; empty if the name fits no joint.
    """

    side: str
    core: str
    stripped: str
    helper: bool
    accessory: bool
    finger: bool
    roles: dict[str, float]


def canonical_name(name: str) -> tuple[str, str]:
    """A joint's side (``"L_"``, ``"R_"`` or empty) and its name without side, case, separators and filler words."""
    words = _words(name)
    return words.side, words.core


def words_of(names: Sequence[str]) -> list[BoneWords]:
    """The meaning of each name, after shared affixes are stripped."""
    return [_words(name) for name in stripped_names(names)]


def stripped_names(names: Sequence[str]) -> list[str]:
    """Names without namespaces and without the prefix and the suffix that nearly all of them share."""
    return list(_stripped(tuple(names)))


@lru_cache(64)
def _stripped(names: tuple[str, ...]) -> tuple[str, ...]:
    plain = [_without_namespace(name) for name in names]
    if len(plain) < _MIN_NAMES:
        return tuple(plain)
    if sum(bool(_NUMBERED.search(name)) for name in plain) >= _SHARED * len(plain):
        # Exporters append numbers to make names unique.
        plain = [_NUMBERED.sub("", name) or name for name in plain]
    plain = _without_shared_prefix(plain)
    return tuple(name[::-1] for name in _without_shared_prefix([name[::-1] for name in plain]))


def _without_namespace(name: str) -> str:
    name = unicodedata.normalize("NFKC", name).strip()
    return re.split(r"[:|]", name)[-1] or name


def _without_shared_prefix(names: list[str]) -> list[str]:
    """Names without the longest prefix, ignoring case, that nearly all share and that ends between words."""
    matching, cut = names, 0
    for length in range(1, max(map(len, names))):
        longer = [name for name in matching if len(name) > length]
        if not longer:
            break
        head = Counter(name[:length].lower() for name in longer).most_common(1)[0][0]
        matching = [name for name in longer if name[:length].lower() == head]
        if len(matching) < _SHARED * len(names):
            break
        if sum(_between_words(name[length - 1], name[length]) for name in matching) >= _SHARED * len(names):
            cut, shared = length, head
    return [name[cut:] if cut and len(name) > cut and name[:cut].lower() == shared else name for name in names]


def _between_words(first: str, second: str) -> bool:
    """Whether two adjacent characters, in either order, belong to two words."""
    return (
        not (first.isalnum() and second.isalnum())
        or first.isdigit() != second.isdigit()
        or (first.islower() and second.isupper())
    )


@lru_cache(16384)
def _words(name: str) -> BoneWords:
    stripped = _without_namespace(name)
    words = [word.lower() for word in _WORD.findall(stripped)]
    words = [part for word in words for part in _split_side_prefix(word)]
    side = next((_SIDES[word] for word in words if word in _SIDES), "")
    core = [word for word in words if word not in _SIDES and word not in _FILLER_WORDS and not word.isdigit()]
    joined = "".join(core)
    if not side and (split := _split_joined_side(joined)):
        side, joined = split
        core = [joined]
    helper = any(word in TWIST for word in words) or joined in TWIST
    accessory = any(word in ACCESSORIES for word in words)
    finger = any(word in FINGERS for word in core) and joined not in _KNOWN_CORES
    roles = {} if accessory or finger else _roles(core, bool(side), helper)
    return BoneWords(side, joined, stripped, helper, accessory, finger, roles)


def _roles(core: list[str], sided: bool, helper: bool) -> dict[str, float]:
    """Joints that a core may name; leading unknown words are skipped at a cost."""
    for start in range(len(core)):
        joined = "".join(core[start:])
        roles = {role: cores[joined] + 0.5 * (start > 0) for role, cores in ROLES.items()
                 if joined in cores and (role in SIDED) == sided}  # fmt: skip
        # Twist bones are no joints of limbs, but the head may be attached to a neck's.
        if roles:
            return {role: cost for role, cost in roles.items() if not helper or role == "Neck"}
    return {}


def _split_side_prefix(word: str) -> list[str]:
    """Split the side off a Japanese name, which begins with it without a separator."""
    if word[0] in "左右" and len(word) > 1:
        return [word[0], word[1:]]
    return [word]


def _split_joined_side(core: str) -> tuple[str, str] | None:
    """Side and rest of a lower-case name such as ``lefthand``, ``lthigh`` or ``handr``; None if it has no side."""
    if core.startswith("mixamorig"):
        core = core.removeprefix("mixamorig")
    for mark, side in _SIDE_AFFIXES:
        if core.startswith(mark) and core[len(mark) :] in _KNOWN_CORES:
            return side, core[len(mark) :]
    if core in _KNOWN_CORES:
        return None
    for mark, side in _SIDE_AFFIXES:
        if core.endswith(mark) and core[: -len(mark)] in _KNOWN_CORES:
            return side, core[: -len(mark)]
    return None
