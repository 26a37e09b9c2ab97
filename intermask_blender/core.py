"""The one door to ``model_core``: what the add-on takes from it, wherever it lies. None of this loads torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

# Packed in an extension both packages are siblings inside it; otherwise model_core is installed beside this package.
if TYPE_CHECKING or "." not in __package__:
    from model_core import motion as _located
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
    from model_core.model_files.sampling_settings import KNOBS, Knob, SamplingSettings
    from model_core.motion import FPS, SKELETONS, SMPL, SMPLX, Motion, PosedSkeleton, Skeleton, rotations
    from model_core.motion.bvh import read_bvh
    from model_core.motion.bvh_writer import write_bvh
    from model_core.motion.capture import motion_from_bvh
    from model_core.motion.hands import with_hands_at_rest
    from model_core.motion.interaction_file import load_npz, save_npz
    from model_core.motion.landmarks import stands
    from model_core.motion.rest import SMPL_REST_OFFSETS
    from model_core.motion.smpl_model import SmplModel, load_smpl_model
    from model_core.recognition import (
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
    from model_core.worker.protocol import PROTOCOL, Decoder, Message, ProtocolError
    from model_core.worker.requests import MOST_SEED, MOST_TAKES
else:
    from ..model_core import motion as _located
    from ..model_core.errors import UserError, printable
    from ..model_core.files import atomic_write, replace_folder
    from ..model_core.kinematics.leaders import SUFFIXES as LEADER_SUFFIXES
    from ..model_core.kinematics.leaders import read_leader
    from ..model_core.kinematics.proportions import TargetBody, on_other_bodies
    from ..model_core.kinematics.retarget import (
        RigRest,
        RootMotionScale,
        bone_turns,
        fit_rest,
        landmark_points,
        motion_of_bones,
        pelvis_path,
        person_hip_height,
    )
    from ..model_core.model_files.sampling_settings import KNOBS, Knob, SamplingSettings
    from ..model_core.motion import FPS, SKELETONS, SMPL, SMPLX, Motion, PosedSkeleton, Skeleton, rotations
    from ..model_core.motion.bvh import read_bvh
    from ..model_core.motion.bvh_writer import write_bvh
    from ..model_core.motion.capture import motion_from_bvh
    from ..model_core.motion.hands import with_hands_at_rest
    from ..model_core.motion.interaction_file import load_npz, save_npz
    from ..model_core.motion.landmarks import stands
    from ..model_core.motion.rest import SMPL_REST_OFFSETS
    from ..model_core.motion.smpl_model import SmplModel, load_smpl_model
    from ..model_core.recognition import (
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
    from ..model_core.recognition import ROOT as ROOT_CONTROL
    from ..model_core.recognition import SCHEMA as MAP_SCHEMA
    from ..model_core.worker.protocol import PROTOCOL, Decoder, Message, ProtocolError
    from ..model_core.worker.requests import MOST_SEED, MOST_TAKES

CORE_PARENT = Path(str(_located.__file__)).resolve().parent.parent.parent
"""The folder that holds the ``model_core`` package: what another Python must search to find it."""

ASSETS = Path(__file__).resolve().parent.parent / "assets"
"""The folder with models, bodies and bone maps, beside both packages."""

__all__ = [
    "ASSETS",
    "CORE_PARENT",
    "FPS",
    "KNOBS",
    "LEADER_SUFFIXES",
    "MAP_SCHEMA",
    "MOST_SEED",
    "MOST_TAKES",
    "NEEDED",
    "PROTOCOL",
    "ROOT_CONTROL",
    "SKELETONS",
    "SMPL",
    "SMPLX",
    "SMPL_REST_OFFSETS",
    "BoneMap",
    "Check",
    "Decoder",
    "Humanoid",
    "Knob",
    "Message",
    "Motion",
    "NotRecognisedError",
    "PosedSkeleton",
    "ProtocolError",
    "Recognition",
    "RigRest",
    "RootMotionScale",
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
