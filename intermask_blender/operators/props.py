"""Buttons that give the people of the chosen take a prop."""

from __future__ import annotations

import bpy
import numpy as np

from ..core import UserError
from ..rig.keyable import check_keyable
from ..scene.people import mark_generated
from ..scene.prop_shapes import handle_radius, new_prop
from ..scene.props import hand_over, hands_of, hold, holding_hand, kick
from ..scene.takes import chosen_take, frames_of, people_of
from ..translations import tr
from .attempt_mixin import AttemptMixin, refuse

USES = (
    ("HAND_OVER", "Hand Over", "The prop goes from one hand to the other person's where the hands meet"),
    ("HOLD", "Hold", "Each person has one in the hand; your own object is for the first person"),
    ("KICK", "Kick", "The prop flies and rolls where it is kicked"),
)
SHAPES = (
    ("BOTTLE", "Bottle", "A simple bottle"),
    ("SWORD", "Sword", "A simple sword"),
    ("BALL", "Ball", "A simple ball"),
)


class INTERMASK_OT_add_prop(AttemptMixin, bpy.types.Operator):
    """Give the people of the chosen take a prop"""

    bl_idname = "intermask.add_prop"
    bl_label = "Add Prop"
    bl_options = {"REGISTER", "UNDO"}

    use: bpy.props.EnumProperty(name="Use of the Prop", items=USES)  # type: ignore[valid-type]

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """What the button does."""
        return next(tr(words) for use, _, words in USES if use == properties.use)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether a take is chosen, in a mode in which objects can be added."""
        if context.mode not in ("OBJECT", "POSE"):
            return refuse(cls, "Go back to Object Mode or Pose Mode to add a prop")
        return chosen_take(context.scene) is not None or refuse(cls, "There is no take yet: generate one")

    def attempt(self, context: bpy.types.Context) -> str:
        """Read the hands or feet, then add the prop; whatever fails leaves no new object."""
        scene = context.scene
        take, own = chosen_take(scene), scene.intermask.prop_object
        assert take is not None
        people = people_of(take)
        if own is not None and own.name not in scene.objects:
            raise UserError(tr("The prop {name} is not in this scene any more; choose another.").format(name=own.name))
        if own in people:
            raise UserError(tr("{name} is a person of the take; choose another object as prop.").format(name=own.name))
        first, last = frames_of(take)
        frames = np.arange(first, last + 1)
        made: list[bpy.types.Object] = []
        try:
            self._use(scene, own, people, frames, made)
        except UserError:
            for thing in made:
                bpy.data.objects.remove(thing)
            raise
        return ""

    def _use(
        self, scene: bpy.types.Scene, own: bpy.types.Object | None, people: tuple[bpy.types.Object, bpy.types.Object],
        frames: np.ndarray, made: list[bpy.types.Object],
    ) -> None:  # fmt: skip
        collection = people[1].users_collection[0]

        def prop() -> bpy.types.Object:
            if own is not None:
                return own
            shape = "BALL" if self.use == "KICK" else scene.intermask.prop_shape
            title = next(tr(title) for name, title, _ in SHAPES if name == shape)
            made.append(new_prop(shape, title, collection, scene.unit_settings.scale_length or 1.0))
            mark_generated(made[-1:])
            return made[-1]

        if self.use == "KICK":
            kick(prop(), people, scene, frames, collection)
            return
        for owner in people:
            check_keyable(owner)
        things = [prop()] if own is not None or self.use == "HAND_OVER" else [prop(), prop()]
        radius = handle_radius(things[0], scene.unit_settings.scale_length or 1.0)
        hands = [hands_of(owner, scene, frames, radius) for owner in people]
        if self.use == "HAND_OVER":
            hand_over(things[0], hands, scene, frames, collection)
            return
        for thing, own_hands in zip(things, hands, strict=False):
            hold(thing, holding_hand(own_hands), scene, frames, collection)
