"""The one door to ``model_core``: what the add-on takes from it, wherever it lies. None of this loads torch."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_core.errors import UserError, printable
    from model_core.files import atomic_write, replace_folder
    from model_core.kinematics.leaders import SUFFIXES as LEADER_SUFFIXES
    from model_core.kinematics.leaders import read_leader
    from model_core.kinematics.proportions import TargetBody, on_other_bodies
    from model_core.kinematics.retarget import (
        RigRest,
        RootMotionScale,
        bone_turns,
        fit_rest,
        landmark_points,
        motion_of_bones,
        pelvis_path,
        person_hip_height,
    )
    from model_core.model_files.sampling_settings import SAMPLING_SETTINGS, SamplingSetting, SamplingSettings
    from model_core.motion import FPS, SKELETONS, SMPL, SMPLX, Motion, PosedSkeleton, Skeleton, rotations
    from model_core.motion.array_motions import ReadMotion
    from model_core.motion.bvh import read_bvh
    from model_core.motion.bvh_writer import write_bvh
    from model_core.motion.capture import motion_from_bvh
    from model_core.motion.hands import with_hands_at_rest
    from model_core.motion.interaction_file import load_npz, save_npz
    from model_core.motion.landmarks import stands
    from model_core.motion.limits import MIN_FRAMES
    from model_core.motion.rest import SMPL_REST_OFFSETS
    from model_core.motion.smpl_model import SmplModel, load_smpl_model
    from model_core.recognition import (
        BONE_LABELS,
        NEEDED,
        BoneMap,
        Check,
        Humanoid,
        NotRecognisedError,
        Recognition,
        Setting,
        SkeletonTree,
        canonical,
        find_mapped,
        lacking,
        load_map,
        nearest_match,
        recognise,
    )
    from model_core.recognition import ROOT as ROOT_CONTROL
    from model_core.recognition import SCHEMA as MAP_SCHEMA
    from model_core.worker.limits import MOST_SEED, MOST_TAKES
    from model_core.worker.protocol import PROTOCOL, Decoder, Message, ProtocolError

_HOMES = {
    "errors": "UserError printable",
    "files": "atomic_write replace_folder",
    "motion.limits": "MIN_FRAMES",
    "kinematics.leaders": "LEADER_SUFFIXES read_leader",
    "kinematics.proportions": "TargetBody on_other_bodies",
    "kinematics.retarget": (
        "RigRest RootMotionScale bone_turns fit_rest landmark_points motion_of_bones pelvis_path person_hip_height"
    ),
    "model_files.sampling_settings": "SAMPLING_SETTINGS SamplingSetting SamplingSettings",
    "motion": "FPS SKELETONS SMPL SMPLX Motion PosedSkeleton Skeleton rotations",
    "motion.array_motions": "ReadMotion",
    "motion.bvh": "read_bvh",
    "motion.bvh_writer": "write_bvh",
    "motion.capture": "motion_from_bvh",
    "motion.hands": "with_hands_at_rest",
    "motion.interaction_file": "load_npz save_npz",
    "motion.landmarks": "stands",
    "motion.rest": "SMPL_REST_OFFSETS",
    "motion.smpl_model": "SmplModel load_smpl_model",
    "recognition": (
        "BONE_LABELS NEEDED BoneMap Check Humanoid NotRecognisedError Recognition Setting SkeletonTree canonical "
        "find_mapped lacking load_map nearest_match recognise ROOT_CONTROL MAP_SCHEMA"
    ),
    "worker.protocol": "PROTOCOL Decoder Message ProtocolError",
    "worker.limits": "MOST_SEED MOST_TAKES",
}
"""The modules of ``model_core`` and the names that the add-on takes from each, as for type checking above."""

_RENAMED = {"LEADER_SUFFIXES": "SUFFIXES", "ROOT_CONTROL": "ROOT", "MAP_SCHEMA": "SCHEMA"}
"""Names that are called differently there."""

_MODULES = {name: module for module, names in _HOMES.items() for name in names.split()}

# Packed in an extension both packages are siblings inside it; otherwise model_core is installed beside this package.
_MODEL_CORE = f"{__package__.rpartition('.')[0]}.model_core" if "." in __package__ else "model_core"

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """A name of ``model_core``, whose module is imported when the name is first used: Blender starts faster."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{_MODEL_CORE}.{_MODULES[name]}"), _RENAMED.get(name, name))
        globals()[name] = value
        return value


CORE_PARENT = Path(str(import_module(_MODEL_CORE).__file__)).resolve().parent.parent
"""The folder that holds the ``model_core`` package: what another Python must search to find it."""

ASSETS = Path(__file__).resolve().parent.parent / "assets"
"""The folder with models, bodies and bone maps, beside both packages."""

__all__ = [
    "ASSETS",
    "BONE_LABELS",
    "CORE_PARENT",
    "FPS",
    "LEADER_SUFFIXES",
    "MAP_SCHEMA",
    "MIN_FRAMES",
    "MOST_SEED",
    "MOST_TAKES",
    "NEEDED",
    "PROTOCOL",
    "ROOT_CONTROL",
    "SAMPLING_SETTINGS",
    "SKELETONS",
    "SMPL",
    "SMPLX",
    "SMPL_REST_OFFSETS",
    "BoneMap",
    "Check",
    "Decoder",
    "Humanoid",
    "Message",
    "Motion",
    "NotRecognisedError",
    "PosedSkeleton",
    "ProtocolError",
    "ReadMotion",
    "Recognition",
    "RigRest",
    "RootMotionScale",
    "SamplingSetting",
    "SamplingSettings",
    "Setting",
    "Skeleton",
    "SkeletonTree",
    "SmplModel",
    "TargetBody",
    "UserError",
    "atomic_write",
    "bone_turns",
    "canonical",
    "find_mapped",
    "fit_rest",
    "lacking",
    "landmark_points",
    "load_map",
    "load_npz",
    "load_smpl_model",
    "motion_from_bvh",
    "motion_of_bones",
    "nearest_match",
    "on_other_bodies",
    "pelvis_path",
    "person_hip_height",
    "printable",
    "read_bvh",
    "read_leader",
    "recognise",
    "replace_folder",
    "rotations",
    "save_npz",
    "stands",
    "with_hands_at_rest",
    "write_bvh",
]
