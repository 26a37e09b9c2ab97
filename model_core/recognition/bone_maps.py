"""Reads and checks bone maps: JSON files that map SMPL's joints to the bones of a known kind of rig."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..motion.skeleton import SMPL, SMPLX
from .ik_limbs import IkNames, Setting, ik_names, ik_problem, settings_problem

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "rigs"
SCHEMA = 1
ROOT = "root"
"""The name in ``follows`` of the control that carries the whole body."""

NEEDED = (
    "Pelvis", "L_Hip", "R_Hip", "L_Knee", "R_Knee", "L_Ankle", "R_Ankle", "L_Shoulder", "R_Shoulder", "L_Elbow",
    "R_Elbow", "L_Wrist", "R_Wrist",
)  # fmt: skip
"""Joints that every person needs, in addition to a neck or a head."""

FINGER_JOINTS = SMPLX.joints[SMPLX.index("L_Index1") :]
"""SMPL-X's joints of the fingers."""

_FIELDS = frozenset(
    ("schema", "name", "about", "prefixes", "bones", "controls", "root", "follows", "settings", "fingers", "ik")
)


@dataclass(frozen=True)
class BoneMap:
    """The bone map of one kind of rig. ``assets/rigs/schema.json`` describes the fields."""

    name: str
    about: str
    bones: Mapping[str, tuple[str, ...]]
    prefixes: tuple[str, ...] = ()
    controls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    root: str = ""
    follows: Mapping[str, str] = field(default_factory=dict)
    settings: tuple[Setting, ...] = ()
    fingers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ik: Mapping[str, IkNames] = field(default_factory=dict)


@lru_cache(8192)
def canonical(name: str, prefixes: tuple[str, ...] = ()) -> str:
    """A bone's name without namespace, known prefix, separators and case."""
    name = unicodedata.normalize("NFKC", name).rsplit(":", 1)[-1]
    for prefix in prefixes:
        if name.lower().startswith(prefix.lower()) and len(name) > len(prefix):
            name = re.sub(r"^\d*[_:]?", "", name[len(prefix) :])
            break
    return re.sub(r"[\s_.\-]", "", name).lower()


@cache
def known_maps(folder: Path = FOLDER) -> tuple[BoneMap, ...]:
    """All bone maps of a folder, in the order of their file names.

    Raises:
        UserError: a file is damaged.
    """
    return tuple(load_map(path) for path in sorted(folder.glob("*.json")) if path.name != "schema.json")


def load_map(path: Path) -> BoneMap:
    """Read a bone map.

    Raises:
        UserError: the file cannot be read or does not match the schema.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"Cannot read the bone map {path}: {error.strerror}; check the path.") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"The bone map {path.name} is not valid JSON ({error}); correct it there.") from error
    problem = _problem(data)
    if problem:
        raise UserError(f"The bone map {path.name} {problem}; see schema.json in assets/rigs.")
    return BoneMap(
        name=data["name"],
        about=data["about"],
        bones=_names(data["bones"]),
        prefixes=tuple(data.get("prefixes", ())),
        controls=_names(data.get("controls", {})),
        root=data.get("root", ""),
        follows=data.get("follows", {}),
        settings=tuple(Setting(**setting) for setting in data.get("settings", ())),
        fingers=_names(data.get("fingers", {})),
        ik=ik_names(data.get("ik", {})),
    )


def _names(entries: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {joint: tuple(names) for joint, names in entries.items()}


def _problem(data: Any) -> str:
    """What is wrong with the content of a bone map; empty if nothing is."""
    if not isinstance(data, dict):
        return "is not a JSON object"
    unknown = sorted(set(data) - _FIELDS)
    if unknown:
        return f"has an unknown field {unknown[0]!r}"
    if data.get("schema") != SCHEMA:
        return f"has schema {data.get('schema')!r}, not {SCHEMA}"
    if not all(isinstance(data.get(name), str) and data[name] for name in ("name", "about")):
        return "lacks a name or a line about it"
    if not isinstance(data.get("root", ""), str) or not _strings(data.get("prefixes", [])):
        return "has a root or prefixes that are not text"
    for part in ("bones", "controls", "follows", "fingers"):
        entries = data.get(part, None if part == "bones" else {})
        if not isinstance(entries, dict):
            return f"has no object {part!r}"
        for joint, value in entries.items():
            if joint not in (FINGER_JOINTS if part == "fingers" else SMPL.joints):
                return f"names {joint!r} among its {part}, which is no joint of SMPL{'-X' * (part == 'fingers')}"
            valid = value in (*SMPL.joints, ROOT) if part == "follows" else _strings(value) and bool(value)
            if not valid:
                return f"has {value!r} for {joint} among its {part}"
    if joint := _cycle(data.get("follows", {})):
        return f"lets {joint} follow itself in a circle"
    return settings_problem(data.get("settings", [])) or ik_problem(data.get("ik", {}), SMPL.joints)


def _cycle(follows: Mapping[str, str]) -> str:
    """A joint whose control would follow itself; empty if there is none."""
    for joint in follows:
        other, seen = follows[joint], {joint}
        while other in follows and other not in seen:
            seen.add(other)
            other = follows[other]
        if other == joint:
            return joint
    return ""


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)
