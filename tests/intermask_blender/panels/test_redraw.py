"""Panels redraw up to 20 times a second: what they show is computed again only where something changed."""

from __future__ import annotations

import json
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import pytest
from blender_rigs import KINDS, build_rig

from intermask_blender.benchmark import panel_drawing
from intermask_blender.generator import models
from intermask_blender.panels import rig_line as line_of_panel
from intermask_blender.ui import draw_cache, preferences
from intermask_blender.ui.draw_cache import DrawCache, armature_key, bones_key
from intermask_blender.ui.model_list import model_list

assert blender_scene


def mixamo() -> bpy.types.Object:
    return build_rig(KINDS["mixamo"], bpy.context.scene)


pytestmark = pytest.mark.usefixtures("newly_registered")


def test_a_result_is_kept_for_its_key_and_only_so_many_subjects() -> None:
    known, computed = DrawCache(), []
    assert [known.get("a", key, lambda key=key: computed.append(key) or key) for key in (1, 1, 2, 2)] == [1, 1, 2, 2]
    assert computed == [1, 2]
    for number in range(1000):
        known.get(number, 0, lambda: None)
    assert len(known._results) < 100


def test_a_panel_and_its_subpanels_share_results_in_one_redraw_only() -> None:
    known, computed = DrawCache(), []

    def shared() -> int:
        return known.in_redraw("a", lambda: computed.append(0) or len(computed))

    assert [shared(), shared()] == [1, 2], "nothing is kept outside a redraw"
    known.begin_redraw()
    assert [shared(), shared()] == [3, 3]
    known.begin_redraw()
    assert shared() == 4


def test_a_result_may_be_older_than_the_redraw_until_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    known, computed, now = DrawCache(), [], [100.0]
    monkeypatch.setattr(draw_cache.time, "monotonic", lambda: now[0])

    def drawn(after: float) -> int:
        now[0] += after
        known.begin_redraw()
        return known.in_redraw("a", lambda: computed.append(0) or len(computed), seconds=1.0)

    assert [drawn(0.0), drawn(0.5), drawn(0.4), drawn(0.2)] == [1, 1, 1, 2]
    known.expire()
    assert drawn(0.0) == 3
    now[0] += 0.5
    assert known.in_redraw("a", lambda: 4, seconds=1.0) == 4, "it is computed outside a redraw"


def test_a_redraw_of_all_panels_reads_the_bones_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bpy.context.scene.intermask.leader = mixamo()
    draw, keyed = panel_drawing(), []
    keys = line_of_panel.armature_key
    monkeypatch.setattr(line_of_panel, "armature_key", lambda *given: keyed.append(given) or keys(*given))
    draw()
    assert len(keyed) == 1
    draw()
    assert len(keyed) == 2


def test_bones_are_read_again_only_where_an_armature_may_have_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = bpy.context.scene
    scene.intermask.leader = rig = mixamo()
    bpy.context.view_layer.update()
    draw, read = panel_drawing(), []
    monkeypatch.setattr(draw_cache, "bones_key", lambda owner: read.append(owner) or bones_key(owner))
    for _ in range(3):
        draw()
    scene.frame_set(20)
    rig.location.x += 1.0
    bpy.context.view_layer.update()
    draw()
    assert len(read) == 1, "a movement of the rig changes no bone"
    rig.data.bones[0].name += "x"
    bpy.context.view_layer.update()
    draw()
    assert len(read) == 2
    rig.data = rig.data.copy()
    draw()
    assert len(read) == 3


def test_a_runtime_that_was_found_is_looked_for_again_only_after_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, there, now = [], [True], [1000.0]
    monkeypatch.setattr(preferences, "current_runtime", lambda context: looked.append(0) or (there[0] or None))
    monkeypatch.setattr(preferences.time, "monotonic", lambda: now[0])

    def found(after: float) -> bool:
        now[0] += after
        return not preferences.runtime_problem(bpy.context)

    assert found(0.0) and found(3600.0) and len(looked) == 1
    there[0] = False
    monkeypatch.setenv("INTERMASK_PYTHON", "/nowhere/python")
    assert not found(0.0) and not found(1.0) and len(looked) == 2
    assert not found(preferences.LOOK_AGAIN) and len(looked) == 3
    there[0] = True
    assert found(preferences.LOOK_AGAIN + 1.0) and found(3600.0) and len(looked) == 4


def test_a_redraw_reads_no_file_and_recognises_no_rig(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = bpy.context.scene.intermask
    settings.leader = mixamo()
    draw = panel_drawing()
    draw()
    asked: list[str] = []
    recognise, read = line_of_panel.rig_summary, Path.read_text
    monkeypatch.setattr(line_of_panel, "rig_summary", lambda owner: asked.append(owner.name) or recognise(owner))
    monkeypatch.setattr(Path, "read_text", lambda path, **words: asked.append(str(path)) or read(path, **words))
    draw()
    assert not asked
    bone = settings.leader.data.bones[0]
    bone.name += "x"
    bpy.context.view_layer.update()
    draw()
    assert asked == [settings.leader.name], "once, for all panels that show it"


def test_an_edited_map_is_checked_once_and_constraints_at_every_redraw(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = bpy.context.scene.intermask
    settings.leader = rig = mixamo()
    bpy.context.view_layer.update()
    bpy.ops.intermask.edit_bones()
    line, summarise, asked = line_of_panel._line, line_of_panel.rig_summary, []
    monkeypatch.setattr(line_of_panel, "rig_summary", lambda owner: asked.append(owner.name) or summarise(owner))
    usual = line(rig)
    assert line(rig) == usual and asked == [rig.name]
    knee = rig.pose.bones["mixamorig:LeftLeg"]
    knee.constraints.new("IK").name = "Reach"
    assert "the constraint Reach" in line(rig)[0] and asked == [rig.name]
    knee.constraints["Reach"].mute = True
    assert line(rig) == usual
    rig.intermask_bones["L_Knee"].bone = ""
    assert line(rig)[1] is False and asked == [rig.name] * 2


def test_what_an_armature_is_recognised_by_is_in_its_key() -> None:
    owner = mixamo()
    bpy.context.view_layer.objects.active = owner
    keys = [armature_key(owner, DrawCache())]

    def edited(change: str) -> None:
        bpy.ops.object.mode_set(mode="EDIT")
        bones = owner.data.edit_bones
        if change == "moved":
            bones[-1].head.x += 0.1
        elif change == "tail":
            bones[-1].tail.x += 0.1
        elif change == "parent":
            bones[-1].parent = bones[0]
        else:
            bones.remove(bones[-1])
        bpy.ops.object.mode_set(mode="OBJECT")
        keys.append(armature_key(owner, DrawCache()))

    assert armature_key(owner, DrawCache()) == keys[0]
    for change in ("moved", "tail", "parent", "removed"):
        edited(change)
    assert len(set(keys)) == 5


def test_models_that_come_change_and_go_are_seen_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "BUNDLED", tmp_path)
    assert not model_list(bpy.context).folders
    folder = tmp_path / "one"
    folder.mkdir()
    assert not model_list(bpy.context).folders
    for title in ("One", "Another title"):
        (folder / "config.json").write_text(json.dumps({"name": title}), encoding="utf-8")
        assert model_list(bpy.context).titles == (("one", title),)
        assert bpy.context.scene.intermask.model == "one"
    (folder / "config.json").unlink()
    assert not model_list(bpy.context).folders
