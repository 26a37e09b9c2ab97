"""The classes that Blender registers, in their order, and what else the add-on starts and ends."""

from __future__ import annotations

from contextlib import ExitStack

import bpy

from .operators.bone_map import (
    INTERMASK_OT_detect_bones,
    INTERMASK_OT_edit_bones,
    INTERMASK_OT_load_bones,
    INTERMASK_OT_save_bones,
)
from .operators.conclude import INTERMASK_OT_conclude
from .operators.direct import (
    INTERMASK_OT_add_constraint,
    INTERMASK_OT_remove_constraint,
    INTERMASK_OT_select_constraint,
)
from .operators.edit import INTERMASK_OT_edit, INTERMASK_OT_extend
from .operators.export import INTERMASK_OT_export
from .operators.fingers import INTERMASK_OT_pose_fingers
from .operators.generate import INTERMASK_OT_cancel, INTERMASK_OT_escape, INTERMASK_OT_generate
from .operators.import_weights import INTERMASK_OT_import_published
from .operators.keys import INTERMASK_OT_restore_every_frame, INTERMASK_OT_thin_out_keys
from .operators.prompt import INTERMASK_OT_new_seed, INTERMASK_OT_use_prompt
from .operators.proposals import (
    INTERMASK_OT_accept_proposal,
    INTERMASK_OT_next_proposal,
    INTERMASK_OT_reject_proposal,
)
from .operators.props import INTERMASK_OT_add_prop
from .operators.runtime import (
    INTERMASK_OT_install_runtime,
    INTERMASK_OT_remove_runtime,
    INTERMASK_OT_stop_runtime_job,
    INTERMASK_OT_test_runtime,
    INTERMASK_OT_use_python,
)
from .operators.takes import (
    INTERMASK_OT_delete_other_takes,
    INTERMASK_OT_delete_take,
    INTERMASK_OT_mark_take_as_asset,
    INTERMASK_OT_play_take,
    INTERMASK_OT_push_take,
    INTERMASK_OT_use_take_settings,
    INTERMASK_OT_view_take,
)
from .operators.variants import (
    INTERMASK_OT_exchange_people,
    INTERMASK_OT_mirror_take,
    INTERMASK_OT_retime_take,
    INTERMASK_OT_scale_gestures,
)
from .operators.words import INTERMASK_OT_edit_words
from .panels.advanced import INTERMASK_PT_advanced
from .panels.bone_map import INTERMASK_PT_bone_map, INTERMASK_UL_bones
from .panels.characters import INTERMASK_PT_characters
from .panels.direct import INTERMASK_MT_add_constraint, INTERMASK_PT_direct, INTERMASK_UL_constraints
from .panels.edit import INTERMASK_PT_edit
from .panels.export import INTERMASK_PT_export
from .panels.fingers import INTERMASK_PT_fingers
from .panels.generate import INTERMASK_MT_prompts, INTERMASK_PT_generate
from .panels.kinds import INTERMASK_PT_kinds
from .panels.props import INTERMASK_PT_props
from .panels.takes import INTERMASK_MT_takes, INTERMASK_PT_takes, INTERMASK_UL_takes
from .properties import (
    InterMaskBone,
    InterMaskBoneSetting,
    InterMaskConstraint,
    InterMaskConstraintError,
    InterMaskProgress,
    InterMaskSettings,
    InterMaskTake,
    attach,
    detach,
)
from .translations import register as register_translations
from .translations import unregister as unregister_translations
from .ui.file_browsers import close_file_browsers
from .ui.preferences import InterMaskPreferences, restore_preferences
from .ui.session import end_session, start_session

BlenderClass = (
    type[bpy.types.AddonPreferences]
    | type[bpy.types.PropertyGroup]
    | type[bpy.types.Operator]
    | type[bpy.types.Panel]
    | type[bpy.types.Menu]
    | type[bpy.types.UIList]
)

CLASSES: tuple[BlenderClass, ...] = (
    InterMaskPreferences,
    InterMaskConstraint,
    InterMaskConstraintError,
    InterMaskTake,
    InterMaskSettings,
    InterMaskProgress,
    InterMaskBone,
    InterMaskBoneSetting,
    INTERMASK_OT_generate,
    INTERMASK_OT_cancel,
    INTERMASK_OT_escape,
    INTERMASK_OT_conclude,
    INTERMASK_OT_install_runtime,
    INTERMASK_OT_test_runtime,
    INTERMASK_OT_use_python,
    INTERMASK_OT_remove_runtime,
    INTERMASK_OT_stop_runtime_job,
    INTERMASK_OT_import_published,
    INTERMASK_OT_use_prompt,
    INTERMASK_OT_new_seed,
    INTERMASK_OT_edit_words,
    INTERMASK_OT_accept_proposal,
    INTERMASK_OT_reject_proposal,
    INTERMASK_OT_next_proposal,
    INTERMASK_OT_delete_take,
    INTERMASK_OT_delete_other_takes,
    INTERMASK_OT_push_take,
    INTERMASK_OT_use_take_settings,
    INTERMASK_OT_mark_take_as_asset,
    INTERMASK_OT_play_take,
    INTERMASK_OT_view_take,
    INTERMASK_OT_thin_out_keys,
    INTERMASK_OT_restore_every_frame,
    INTERMASK_OT_edit,
    INTERMASK_OT_extend,
    INTERMASK_OT_mirror_take,
    INTERMASK_OT_exchange_people,
    INTERMASK_OT_retime_take,
    INTERMASK_OT_scale_gestures,
    INTERMASK_OT_pose_fingers,
    INTERMASK_OT_add_prop,
    INTERMASK_OT_export,
    INTERMASK_OT_edit_bones,
    INTERMASK_OT_detect_bones,
    INTERMASK_OT_load_bones,
    INTERMASK_OT_save_bones,
    INTERMASK_OT_add_constraint,
    INTERMASK_OT_remove_constraint,
    INTERMASK_OT_select_constraint,
    INTERMASK_MT_prompts,
    INTERMASK_MT_add_constraint,
    INTERMASK_UL_constraints,
    INTERMASK_UL_takes,
    INTERMASK_MT_takes,
    INTERMASK_UL_bones,
    INTERMASK_PT_kinds,
    INTERMASK_PT_generate,
    INTERMASK_PT_direct,
    INTERMASK_PT_characters,
    INTERMASK_PT_bone_map,
    INTERMASK_PT_advanced,
    INTERMASK_PT_takes,
    INTERMASK_PT_props,
    INTERMASK_PT_edit,
    INTERMASK_PT_fingers,
    INTERMASK_PT_export,
)


def register_all() -> None:
    """Register classes, properties and translations, and start the session; after an error nothing stays registered."""
    with ExitStack() as undo:
        for cls in CLASSES:
            bpy.utils.register_class(cls)
            undo.callback(bpy.utils.unregister_class, cls)
        attach()
        undo.callback(detach)
        register_translations()
        undo.callback(unregister_translations)
        start_session()
        restore_preferences(bpy.context)
        undo.pop_all()


def unregister_all() -> None:
    """Undo ``register_all``: end the session with its processes and timers, then unregister everything."""
    close_file_browsers()
    end_session()
    unregister_translations()
    detach()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
