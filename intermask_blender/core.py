"""All that the add-on imports from ``model_core``, in the source tree and inside an extension. Nothing loads torch.

The imports below are for type checkers. At run time each is done when its name is first used.
"""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_core.constraints import (
        ClipLimits,
        Constraint,
        ConstraintError,
        Constraints,
        ContactConstraint,
        PathConstraint,
        PinConstraint,
        PoseConstraint,
        TimingConstraint,
        Wording,
    )
    from model_core.constraints.checks import check as check_constraints
    from model_core.constraints.files import (
        constraints_from_json,
        constraints_from_text,
        constraints_to_json,
        read_constraints,
    )
    from model_core.constraints.released import with_released_limbs
    from model_core.constraints.targets import interval_weight
    from model_core.errors import UserError, printable
    from model_core.files import atomic_folder, atomic_write, replace_folder
    from model_core.fingers.hand_pose import finger_rotations
    from model_core.fingers.handle import HANDLE_RADIUS, fingers_around, handle_middle
    from model_core.fingers.shapes import SHAPES as FINGER_SHAPES
    from model_core.fingers.states import FINGER_STATES
    from model_core.keys.controls import Bend, Control, ControlTree
    from model_core.keys.thinning import KeyedPerson, KeyPoses, KeySettings, key_poses
    from model_core.kinematics.body_pins import BodyPin, hold_pins
    from model_core.kinematics.hinge import HingedLimb, hinged, limb_at_rest
    from model_core.kinematics.kept_joints import kept_joints
    from model_core.kinematics.leaders import SUFFIXES as LEADER_SUFFIXES
    from model_core.kinematics.leaders import read_leader
    from model_core.kinematics.proportions import TargetBody, adapt_to_bodies
    from model_core.kinematics.retarget import (
        RigRest,
        RootMotionScale,
        bone_rotations,
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
    from model_core.motion.rest import SMPL_REST_OFFSETS, SMPLX_REST_OFFSETS
    from model_core.motion.shared_travel import shared_travel
    from model_core.motion.smpl_model import SmplModel, load_smpl_model
    from model_core.motion.variants import exchanged, mirrored_in_place, with_gestures
    from model_core.recognition import (
        BONE_LABELS,
        IK_LIMBS,
        NEEDED,
        BoneMap,
        Check,
        FailureReason,
        Humanoid,
        IkLimb,
        NotRecognisedError,
        Recognition,
        Setting,
        SkeletonTree,
        canonical,
        find_mapped,
        load_map,
        missing_joints,
        nearest_match,
        recognise,
    )
    from model_core.recognition import ROOT as ROOT_CONTROL
    from model_core.recognition import SCHEMA as MAP_SCHEMA
    from model_core.recognition.finger_bones import finger_bones
    from model_core.recognition.ik_limbs import ik_names
    from model_core.worker.limits import MAX_SEED, MAX_TAKES
    from model_core.worker.protocol import PROTOCOL, Decoder, Message, ProtocolError

# In an extension both packages are siblings inside it; otherwise model_core is a top-level package.
_MODEL_CORE = f"{__package__.rpartition('.')[0]}.model_core" if "." in __package__ else "model_core"


def _declared_imports() -> dict[str, tuple[str, str]]:
    """Each name of the imports above, with its module in ``model_core`` and what it is called there."""
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    return {
        name.asname or name.name: (str(node.module).removeprefix("model_core."), name.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }


_IMPORTS = _declared_imports()

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """A name of ``model_core``, whose module is imported when the name is first used: Blender starts faster."""
        if name not in _IMPORTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, original = _IMPORTS[name]
        value = getattr(import_module(f"{_MODEL_CORE}.{module}"), original)
        globals()[name] = value
        return value


CORE_PARENT = Path(str(import_module(_MODEL_CORE).__file__)).resolve().parent.parent
"""The folder that holds the ``model_core`` package, for the search path of another Python."""

ASSETS = Path(__file__).resolve().parent.parent / "assets"
"""The folder with models, bodies and bone maps, next to both packages."""
