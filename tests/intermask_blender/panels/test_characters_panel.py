"""The panel Characters: which controls are keyed is asked where a chosen character has several kinds."""

from __future__ import annotations

import blender_scene  # first: it sets Blender's user folder
import bpy
import pytest
from blender_rigs import KINDS, build_rig
from blender_scene import empty_scene
from control_rigs import build_control_rig
from recorded_layout import Recorder

from intermask_blender.panels.characters import INTERMASK_PT_characters

assert blender_scene

pytestmark = pytest.mark.usefixtures("newly_registered")


def drawn() -> list[str]:
    layout = Recorder()
    panel = type("Panel", (), {**vars(INTERMASK_PT_characters), "layout": layout})()
    panel.draw(bpy.context)
    return layout.drawn


def test_arms_and_legs_are_asked_for_control_rigs_only() -> None:
    scene = empty_scene()
    settings = scene.intermask
    assert "arms" not in drawn()
    settings.character_1 = build_rig(KINDS["mixamo bare"], scene, "Plain")
    assert "arms" not in drawn()
    settings.character_2 = build_control_rig("auto_rig_pro", scene)
    assert drawn()[-3:] == ["arms", "legs", "at_cursor"]
    settings.character_1, settings.leader = None, settings.character_2
    assert "arms" in drawn()
    settings.character_2 = None
    assert "arms" not in drawn()


def test_the_generate_operator_refuses_locked_ik_controls_before_it_generates() -> None:
    scene = empty_scene()
    rig = build_control_rig("auto_rig_pro", scene)
    rig.pose.bones["c_foot_ik.r"].lock_location[0] = True
    scene.intermask.character_1, scene.intermask.legs = rig, "IK"
    with pytest.raises(RuntimeError, match=r"The IK control c_foot_ik.r of auto_rig_pro is locked.*choose FK for Legs"):
        bpy.ops.intermask.generate(prompt="two people hug", seconds=1.0)
    assert not bpy.data.actions and len(scene.objects) == 1
