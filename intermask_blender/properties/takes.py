"""The takes of a scene: their actions and characters, how each was generated, and how they are shown and edited."""

from __future__ import annotations

import bpy

from ..scene.takes import hide_other_people, show_take
from ..translations import TRANSLATION_CONTEXT
from .direct import InterMaskConstraintError

GENERATED = bpy.props.BoolProperty(
    name="Generated", description="InterMask created it, and removes it with its last take", options={"HIDDEN"}
)
"""Of objects and collections."""


def new_pair_property() -> bpy.types.Property:
    """Whether the next take creates new people; a property of the panel and the operator."""
    return bpy.props.BoolProperty(
        name="New Pair",
        description="Create new people. If off, the people of the chosen take perform the next take too",
    )


def at_cursor_property() -> bpy.types.Property:
    """Whether the user's characters move to the 3D cursor; a property of the panel and the operator."""
    return bpy.props.BoolProperty(
        name="Move to 3D Cursor",
        description="Place your own characters at the 3D cursor. If off, they perform where they stand at the scene's "
        "first frame",
    )


class InterMaskTake(bpy.types.PropertyGroup):
    """One take of an interaction. It has pointers to characters and actions, so they can be renamed."""

    prompt: bpy.props.StringProperty()  # type: ignore[valid-type]
    # Digits: seeds have up to 63 bits, an IntProperty has 31.
    seed: bpy.props.StringProperty()  # type: ignore[valid-type]
    number: bpy.props.IntProperty()  # type: ignore[valid-type]
    model: bpy.props.StringProperty()  # type: ignore[valid-type]
    stands_in: bpy.props.StringProperty()  # type: ignore[valid-type]
    keep: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Keep", description="Keep when deleting other takes"
    )
    leader: bpy.props.PointerProperty(type=bpy.types.Object)  # type: ignore[valid-type]
    character_1: bpy.props.PointerProperty(type=bpy.types.Object)  # type: ignore[valid-type]
    character_2: bpy.props.PointerProperty(type=bpy.types.Object)  # type: ignore[valid-type]
    # How it was generated, as JSON: ``scene.take_settings``.
    settings: bpy.props.StringProperty()  # type: ignore[valid-type]
    constraint_errors: bpy.props.CollectionProperty(type=InterMaskConstraintError)  # type: ignore[valid-type]
    # Where the world of the clip is, relative to person 1.
    world: bpy.props.FloatVectorProperty(size=16)  # type: ignore[valid-type]
    has_world: bpy.props.BoolProperty()  # type: ignore[valid-type]
    # What its people had before, while it is not accepted; the action also tells the user's own keys later.
    proposal: bpy.props.BoolProperty()  # type: ignore[valid-type]
    request: bpy.props.StringProperty()  # type: ignore[valid-type]
    shown_before: bpy.props.IntProperty()  # type: ignore[valid-type]
    before_1: bpy.props.PointerProperty(type=bpy.types.Action)  # type: ignore[valid-type]
    before_2: bpy.props.PointerProperty(type=bpy.types.Action)  # type: ignore[valid-type]
    before_slot_1: bpy.props.StringProperty()  # type: ignore[valid-type]
    before_slot_2: bpy.props.StringProperty()  # type: ignore[valid-type]
    before_fake_user_1: bpy.props.BoolProperty()  # type: ignore[valid-type]
    before_fake_user_2: bpy.props.BoolProperty()  # type: ignore[valid-type]
    action_1: bpy.props.PointerProperty(type=bpy.types.Action)  # type: ignore[valid-type]
    action_2: bpy.props.PointerProperty(type=bpy.types.Action)  # type: ignore[valid-type]
    # While the take has key poses: the actions with a key on every frame, and hashes of the key poses as fitted.
    every_frame_1: bpy.props.PointerProperty(type=bpy.types.Action)  # type: ignore[valid-type]
    every_frame_2: bpy.props.PointerProperty(type=bpy.types.Action)  # type: ignore[valid-type]
    key_poses_1: bpy.props.StringProperty()  # type: ignore[valid-type]
    key_poses_2: bpy.props.StringProperty()  # type: ignore[valid-type]


def _show_chosen_take(owner: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    if 0 <= owner.take_index < len(owner.takes):
        show_take(owner.takes[owner.take_index])


def _hide_or_show(owner: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    hide_other_people(owner.id_data)


class EditProperties:
    """Mix-in of the scene's settings: prompt and seed of an edit."""

    edit_prompt: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Prompt",
        description="What the two people do in the edited take. If empty, the prompt of the take",
        translation_context=TRANSLATION_CONTEXT,
    )
    use_edit_seed: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Fixed Seed", description="Edit with this seed. If off, each edit uses a new one"
    )
    edit_seed: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Seed", description="The same take, edit and seed give the same motion", min=0
    )


class TakeListProperties:
    """Mix-in of the scene's settings: the list of takes, and which characters perform the next one."""

    takes: bpy.props.CollectionProperty(type=InterMaskTake)  # type: ignore[valid-type]
    take_index: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Take", description="The take that the characters perform", update=_show_chosen_take
    )
    hide_other_people: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Hide Other People",
        description="Hide the generated people who are not in the chosen take",
        update=_hide_or_show,
    )
    new_pair: new_pair_property()  # type: ignore[valid-type]
    at_cursor: at_cursor_property()  # type: ignore[valid-type]
