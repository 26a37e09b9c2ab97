"""The add-on's zip in a real Blender with its window, used with the mouse and the keyboard as an animator uses it.

With INTERMASK_PICTURES=docs/pictures the README's picture of the panel is taken on the way.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import real_blender
from real_blender import MODULE, RealBlender, start_with_addon

PEOPLE = "answer = sorted(o.name for o in bpy.data.objects if o.type == 'ARMATURE')"
MODAL = "answer = [o.bl_idname for o in bpy.context.window_manager.windows[0].modal_operators]"
RIG_LINE = (
    "import sys; name = next(name for name in sys.modules if name.endswith('intermask_blender.rig.own_map'))\n"
    "answer = sys.modules[name].rig_line(bpy.data.objects['{name}'])[0]"
)
TAKES = "answer = [t.name for t in bpy.context.scene.intermask.takes]"
RUNNING = "answer = bpy.context.window_manager.intermask.running"
PICTURES = os.environ.get("INTERMASK_PICTURES")
FIRST_SECONDS = 4.0 if PICTURES else 1.0
"""Of the first clip, which the picture of the panel shows: a hug takes longer than the tests need."""
OWN_WORDS = "they give each other a long cuddle"
"""A prompt that is no training caption of the bundled model, which has a prompt classifier."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(real_blender.missing()), reason=real_blender.missing() or "there is one"),
]


def picture(blender: RealBlender, name: str) -> None:
    """A picture for the documentation, where it is wanted."""
    if PICTURES:
        blender.picture(Path(PICTURES) / f"{name}.png")


def begin(blender: RealBlender) -> None:
    """Click on Generate, and see that it began; a short one may have ended already."""
    before = blender.ask(TAKES)
    blender.click_until("intermask.generate(", lambda: blender.ask(RUNNING) or blender.ask(TAKES) != before)


def generated(blender: RealBlender, seconds: float = 300.0) -> list[str]:
    """Wait until nothing is being generated any more; the armatures in the file."""
    blender.until(lambda: not blender.ask(RUNNING), seconds, "the end of the generation")
    blender.settle()
    return blender.ask(PEOPLE)


def test_a_day_with_the_add_on(tmp_path: Path) -> None:
    """Install, generate, undo, redo, cancel, react, save, load, disable, enable, uninstall: in one Blender."""
    blender = start_with_addon(tmp_path)
    try:
        live(blender, tmp_path)
    finally:
        blender.close()


def live(blender: RealBlender, folder: Path) -> None:
    blender.sidebar("InterMask")
    blender.ask(
        "bpy.data.objects.remove(bpy.data.objects['Cube'])\n"
        f"s = bpy.context.scene.intermask; s.prompt = {OWN_WORDS!r}; s.seconds = {FIRST_SECONDS}; s.new_pair = True\n"
        "bpy.ops.ed.undo_push(message='No cube')"
    )
    before = blender.ask(PEOPLE)
    assert before == []

    begin(blender)
    assert generated(blender) == ["Person 1", "Person 2"]
    blender.ask(
        "import mathutils\n"
        "v = view3d()['area'].spaces.active; v.shading.color_type = 'MATERIAL'\n"
        "v.region_3d.view_location = (0, 0, 0.9); v.region_3d.view_distance = 6\n"
        "v.region_3d.view_rotation = mathutils.Euler((1.35, 0, 1.3)).to_quaternion()\n"
        f"bpy.context.scene.frame_set({round(15 * FIRST_SECONDS)}); view3d()['area'].tag_redraw()"
    )
    blender.settle()
    look_at_it(blender)
    begin(blender)
    assert len(generated(blender)) == 4
    blender.keys("ctrl+z")
    assert blender.ask(PEOPLE) == ["Person 1", "Person 2"]
    blender.keys("ctrl+shift+z")
    assert len(blender.ask(PEOPLE)) == 4
    blender.keys("ctrl+z")

    # So many steps take far longer than all the clicks that follow.
    blender.ask(
        "s = bpy.context.scene.intermask; s.seconds = 10.0; s.use_model_values = False; s.steps = 1000\n"
        "bpy.ops.ed.undo_push(message='Many steps')"
    )
    begin(blender)
    blender.click_until("intermask.cancel(", lambda: not blender.ask(RUNNING))
    begin(blender)
    escape_elsewhere(blender)
    blender.keys("Escape")
    blender.until(lambda: not blender.ask(RUNNING), 30.0, "the end after Escape")
    assert blender.ask(PEOPLE) == ["Person 1", "Person 2"]
    while_it_works(blender, folder)
    assert blender.ask(PEOPLE) == ["Person 1", "Person 2"]
    blender.ask("bpy.context.scene.intermask.use_model_values = True")

    react_to_another_rig(blender, folder)
    kept = blender.ask(PEOPLE)
    saved = folder / "kept.blend"
    blender.ask(
        f"bpy.ops.wm.save_as_mainfile(filepath={str(saved)!r}); bpy.ops.wm.open_mainfile(filepath={str(saved)!r})"
    )
    blender.until(lambda: blender.ask(f"answer = bpy.data.filepath == {str(saved)!r}"), 20.0, "the saved file")
    assert blender.ask(PEOPLE) == kept
    assert blender.ask(
        "answer = [o.animation_data.action is not None for o in bpy.data.objects if o.type == 'ARMATURE']"
    )

    blender.ask(f"bpy.ops.preferences.addon_disable(module={MODULE!r})")
    assert not blender.ask("answer = hasattr(bpy.types.Scene, 'intermask')")
    blender.ask(f"bpy.ops.preferences.addon_enable(module={MODULE!r})")
    blender.sidebar("InterMask")
    blender.ask("bpy.context.scene.intermask.leader = None; bpy.context.scene.intermask.seconds = 1.0")
    begin(blender)
    assert len(generated(blender)) == len(kept) + 2
    blender.ask(
        "repos = list(bpy.context.preferences.extensions.repos)\n"
        "number = next(i for i, repo in enumerate(repos) if repo.module == 'user_default')\n"
        "bpy.ops.extensions.package_uninstall(repo_index=number, pkg_id='intermask')"
    )
    assert not blender.ask("answer = hasattr(bpy.types.Scene, 'intermask')")
    assert "Traceback" not in blender.log.read_text(errors="replace")


def escape_elsewhere(blender: RealBlender) -> None:
    """Escape that ends the playback, or over the timeline, is not for the generation."""
    playing = "answer = bpy.context.window_manager.windows[0].screen.is_animation_playing"
    blender.ask("with bpy.context.temp_override(**view3d()): bpy.ops.screen.animation_play()")
    assert blender.ask(playing)
    blender.keys("Escape")
    blender.until(lambda: not blender.ask(playing), 20.0, "the end of the playback")
    place = (
        "areas = bpy.context.window_manager.windows[0].screen.areas\n"
        "a = next(a for a in areas if a.type == 'DOPESHEET_EDITOR'); answer = [a.x + a.width // 2, a.y + 20]"
    )
    blender.press_at("Escape", *blender.ask(place))
    assert blender.ask(RUNNING)


def look_at_it(blender: RealBlender) -> None:
    """The buttons next to the list of takes, and the lines about a known and an unknown prompt."""
    distance = "answer = view3d()['area'].spaces.active.region_3d.view_distance"
    before = blender.ask(distance)
    blender.click_until("intermask.view_take(", lambda: blender.ask(distance) != before)
    blender.ask("bpy.context.scene.use_preview_range = False")
    preview = "s = bpy.context.scene; answer = s.use_preview_range and [s.frame_preview_start, s.frame_preview_end]"
    blender.click_until("intermask.play_take(", lambda: blender.ask(preview) == [1, round(24 * FIRST_SECONDS)])
    blender.ask("bpy.context.scene.use_preview_range = False")
    line = (
        "import sys; name = next(name for name in sys.modules if name.endswith('blender.ui.prompt_understanding'))\n"
        "answer = str(sys.modules[name].panel_lines(bpy.context))"
    )
    for prompt, text in (("a man cooks dinner", "Not in this model"), (OWN_WORDS, "Understood as: they hug")):
        blender.ask(f"bpy.context.scene.intermask.prompt = {prompt!r}")
        blender.until(lambda text=text: text in blender.ask(line), 30.0, f"the line {text!r}")
    blender.settle()
    picture(blender, "generated")
    blender.ask("bpy.context.scene.intermask.prompt = 'two people dance salsa'\nbpy.ops.ed.undo_push(message='Looked')")


def test_takes_pairs_and_files_by_clicks(tmp_path: Path) -> None:
    """What an animator does with takes, in the scene that Blender begins with."""
    blender = start_with_addon(tmp_path)
    try:
        blender.unfold("INTERMASK_PT_export")
        blender.sidebar("InterMask")
        blender.ask("bpy.context.scene.intermask.seconds = 2.0; bpy.ops.ed.undo_push(message='Begin')")
        takes_and_pairs(blender)
        export_by_clicks(blender, tmp_path / "files")
        assert "Traceback" not in blender.log.read_text(errors="replace")
    finally:
        blender.close()


def takes_and_pairs(blender: RealBlender) -> None:
    """One pair for two takes, then another one; hidden people; deleted takes and one undo."""
    distance = "answer = view3d()['area'].spaces.active.region_3d.view_distance"
    far = blender.ask(distance)
    begin(blender)
    assert generated(blender) == ["Person 1", "Person 2"]
    assert blender.ask(distance) < 0.6 * far
    played = "s = bpy.context.scene; answer = [s.use_preview_range, s.frame_current, s.frame_preview_end]"
    assert blender.ask(played) == [True, 1, 48]
    assert blender.ask("answer = sorted(o.name for o in bpy.context.selected_objects)") == ["Person 1", "Person 2"]
    assert blender.ask("answer = bpy.context.scene.intermask.takes[0].stands_in") == "Cube"
    picture(blender, "first-take")
    blender.ask("bpy.data.objects['Cube'].hide_set(True); bpy.context.scene.intermask.seed = 1")
    begin(blender)
    assert generated(blender) == ["Person 1", "Person 2"] and len(blender.ask(TAKES)) == 2
    picture(blender, "second-take")
    blender.click_field("intermask.new_pair", lambda: blender.ask("answer = bpy.context.scene.intermask.new_pair"))
    begin(blender)
    assert len(generated(blender)) == 4 and len(blender.ask(TAKES)) == 3
    overlaps = blender.ask("answer = bpy.context.scene.intermask.takes[2].stands_in")
    assert overlaps == "Person 1\nPerson 2"
    picture(blender, "new-pair")
    visible = "answer = sorted(o.name for o in bpy.data.objects if o.type == 'ARMATURE' and o.visible_get())"
    hide = "intermask.hide_other_people"
    blender.click_field(hide, lambda: blender.ask(visible) == ["Person 1.001", "Person 2.001"])
    picture(blender, "other-people-hidden")
    blender.ask("bpy.context.scene.intermask.take_index = 1; bpy.ops.ed.undo_push(message='Chosen')")
    for left in (["Person 1", "Person 1.001", "Person 2", "Person 2.001"], ["Person 1", "Person 2"], []):
        count = len(blender.ask(TAKES))
        if count == 2:
            blender.ask("bpy.context.scene.intermask.take_index = 1; bpy.ops.ed.undo_push(message='Chosen')")
        blender.click_until("intermask.delete_take(", lambda count=count: len(blender.ask(TAKES)) < count)
        assert blender.ask(PEOPLE) == left
    picture(blender, "all-deleted")
    assert blender.ask("answer = len(bpy.data.actions)") == 0
    blender.keys("ctrl+z")
    assert len(blender.ask(PEOPLE)) == 2 and len(blender.ask(TAKES)) == 1


def export_by_clicks(blender: RealBlender, folder: Path) -> None:
    """The browser's file name follows the format."""
    folder.mkdir()
    blender.ask(f"bpy.ops.wm.save_as_mainfile(filepath={str(folder / 'scene.blend')!r})")
    name = (
        "w = bpy.context.window_manager.windows[-1]\n"
        "a = next((a for a in w.screen.areas if a.type == 'FILE_BROWSER'), None)\n"
        "answer = a.spaces.active.params.filename if a and a.spaces.active.params else ''"
    )
    blender.click_until("intermask.export(", lambda: blender.ask(name) != "")
    assert blender.ask(name).endswith(".fbx")
    picture(blender, "export")


def while_it_works(blender: RealBlender, folder: Path) -> None:
    """Save, undo, a second window, another file and the add-on's end while something long is generated."""
    saved = str(folder / "meanwhile.blend")
    begin(blender)
    blender.ask(f"bpy.ops.wm.save_as_mainfile(filepath={saved!r})")
    blender.ask("bpy.ops.ed.undo_push(message='Meanwhile'); bpy.ops.ed.undo()")
    blender.ask("bpy.ops.wm.window_new()")
    blender.settle()
    assert blender.ask(RUNNING) and blender.ask(PEOPLE) == ["Person 1", "Person 2"]
    # In another window a second one waits for its turn; it stays in the queue when its window is closed.
    blender.ask(
        "w = bpy.context.window_manager.windows[-1]\n"
        "a = next(iter(w.screen.areas)); r = next(r for r in a.regions if r.type == 'WINDOW')\n"
        "with bpy.context.temp_override(window=w, area=a, region=r):\n"
        "    bpy.ops.intermask.generate('INVOKE_DEFAULT', prompt='they hug', seconds=1.0)"
    )
    assert blender.ask("answer = bpy.context.window_manager.intermask.count") == 2
    blender.ask(
        "with bpy.context.temp_override(window=bpy.context.window_manager.windows[-1]):\n    bpy.ops.wm.window_close()"
    )
    blender.until(lambda: blender.ask("answer = len(bpy.context.window_manager.windows)") == 1, 20.0, "one window")
    assert blender.ask("answer = bpy.context.window_manager.intermask.count") == 2
    blender.ask("bpy.ops.wm.read_homefile()")
    blender.until(lambda: not blender.ask(RUNNING), 20.0, "an end with the file")
    blender.ask(f"bpy.ops.wm.open_mainfile(filepath={saved!r})")
    blender.until(lambda: blender.ask(PEOPLE) == ["Person 1", "Person 2"], 20.0, "the saved file")
    blender.sidebar("InterMask")
    begin(blender)
    blender.ask(f"bpy.ops.preferences.addon_disable(module={MODULE!r})")
    blender.settle()
    blender.ask(f"bpy.ops.preferences.addon_enable(module={MODULE!r})")
    assert not blender.ask(RUNNING)
    blender.sidebar("InterMask")


def walkers(blender: RealBlender, folder: Path, *names: str) -> None:
    """Characters from BVH files, side by side, that walk."""
    import numpy as np

    from model_core.motion import PosedSkeleton
    from model_core.motion.bvh_writer import write_bvh
    from model_core.motion.rest import SMPL_REST_OFFSETS

    turns = np.zeros((60, 22, 4))
    turns[..., 0] = 1.0
    for number, name in enumerate(names):
        walk = np.stack((np.full(60, 1.5 * number), np.full(60, 0.95), np.linspace(0.0, 1.0, 60)), axis=1)
        write_bvh(folder / f"{name}.bvh", PosedSkeleton(SMPL_REST_OFFSETS, turns, walk, 30.0))
        blender.ask(
            "with bpy.context.temp_override(**view3d()):\n"
            f"    bpy.ops.import_anim.bvh(filepath={str(folder / f'{name}.bvh')!r}, axis_forward='-Z', axis_up='Y')"
        )


def react_to_another_rig(blender: RealBlender, folder: Path) -> None:
    """A character from a BVH file leads; somebody new reacts to it."""
    walkers(blender, folder, "lead")
    blender.ask(
        "bpy.context.scene.intermask.leader = bpy.data.objects['lead']\n"
        "bpy.context.scene.intermask.seconds = 1.0\n"
        "bpy.ops.ed.undo_push(message='Leader')"
    )
    begin(blender)
    assert generated(blender) == ["Person 1", "Person 2", "Person 2.001", "lead"]


def test_a_leader_by_eyedropper_bones_by_hand_and_a_reactor_that_is_there(tmp_path: Path) -> None:
    """What an animator does who brings two rigs along; then the same panel in German."""
    blender = start_with_addon(tmp_path)
    try:
        blender.ask("bpy.data.objects.remove(bpy.data.objects['Cube'])")
        blender.unfold("INTERMASK_PT_bone_map")
        blender.sidebar("InterMask")
        bring_two_rigs(blender, tmp_path)
        in_german(blender)
        assert "Traceback" not in blender.log.read_text(errors="replace")
    finally:
        blender.close()


def bring_two_rigs(blender: RealBlender, folder: Path) -> None:
    """One leads, picked in the view; the other, with a bone chosen by hand, reacts."""
    walkers(blender, folder, "lead", "other")
    settings = "bpy.context.scene.intermask"
    place = blender.ask(
        "import mathutils\n"
        "from bpy_extras.view3d_utils import location_3d_to_region_2d as where\n"
        f"s = {settings}; s.seconds = 1.0\n"
        "bpy.ops.object.select_all(action='DESELECT')\n"
        "v = view3d()['area'].spaces.active; v.region_3d.view_location = (0.7, 0, 0.9); v.region_3d.view_distance = 5\n"
        "v.region_3d.view_rotation = mathutils.Euler((1.35, 0, 0.4)).to_quaternion(); v.region_3d.update()\n"
        "lead = bpy.data.objects['lead']; bone = lead.pose.bones['L_Hip']\n"
        "r = next(r for r in view3d()['area'].regions if r.type == 'WINDOW')\n"
        "at = where(r, v.region_3d, lead.matrix_world @ ((bone.head + bone.tail) / 2))\n"
        "answer = [r.x + at[0], r.y + at[1]]"
    )
    leader = f"l = {settings}.leader; answer = l.name if l else ''"
    blender.click_icon("intermask.leader", lambda: any("eyedropper" in name.lower() for name in blender.ask(MODAL)))
    blender.click_at(*place)
    blender.until(lambda: blender.ask(leader) == "lead", 20.0, "the leader that was picked in the view")
    blender.ask(f"{settings}.character_2 = bpy.data.objects['other']; {settings}.mapped = bpy.data.objects['other']")

    edited = "answer = bpy.data.objects['other'].intermask_bones_edited"
    blender.click_until("intermask.edit_bones(", lambda: blender.ask(edited))
    hand = "answer = next(b.bone for b in bpy.data.objects['other'].intermask_bones if b.name == 'Pelvis')"
    assert blender.ask(hand) == "Pelvis"
    blender.type_into("intermask_root_bone", "Pelvis")
    blender.until(
        lambda: blender.ask("answer = bpy.data.objects['other'].intermask_root_bone") == "Pelvis",
        20.0,
        "a bone by hand",
    )
    picture(blender, "bone-map")
    assert "Edited, SMPL: 22 of 22" in blender.ask(RIG_LINE.format(name="other"))

    blender.ask(f"{settings}.prompt = {OWN_WORDS!r}")
    before = blender.ask("answer = bpy.data.objects['other'].animation_data.action.name")
    blender.click_until(
        "intermask.generate(", lambda: blender.ask(RUNNING) or blender.ask(f"answer = len({settings}.takes)") == 1
    )
    assert generated(blender) == ["lead", "other"]
    assert blender.ask("answer = bpy.data.objects['other'].animation_data.action.name") != before
    assert blender.ask(f"t = {settings}.takes[0]; answer = [t.character_1 is None, t.character_2.name]") == [
        True,
        "other",
    ]


def in_german(blender: RealBlender) -> None:
    """The interface speaks German at once, names and buttons and what is put together from values."""
    if "de_DE" not in blender.ask("answer = list(bpy.app.translations.locales)"):
        return
    blender.ask("v = bpy.context.preferences.view; v.language = 'de_DE'; v.use_translate_interface = True")
    assert "von 22 Gelenken" in blender.ask(RIG_LINE.format(name="lead"))
    line = (
        f"import importlib; ui = importlib.import_module('{MODULE}.intermask_blender.ui.prompt_understanding')\n"
        "answer = str(ui.panel_lines(bpy.context)[0])"
    )
    blender.until(lambda: "Verstanden als: " in blender.ask(line), 60.0, "the line about the prompt in German")
    title = blender.ask("answer = bpy.app.translations.pgettext_iface('Generate Interaction', 'Operator')")
    assert title == "Interaktion generieren"
    # Words that Blender itself knows in another sense are ours: its own Characters are letters.
    panel = "p = bpy.types.INTERMASK_PT_characters; "
    word = "answer = bpy.app.translations.pgettext_iface(p.bl_label, p.bl_translation_context)"
    assert blender.ask(panel + word) == "Figuren"
    blender.settle()
    picture(blender, "german")
    blender.ask("bpy.context.preferences.view.language = 'en_US'")
