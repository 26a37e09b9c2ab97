"""The add-on's zip in a real Blender with its window, used with the mouse and the keyboard as an animator uses it.

With INTERMASK_PICTURES=docs/pictures the README's picture of the panel is taken on the way.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import real_blender
from real_blender import RealBlender

REPOSITORY = Path(__file__).resolve().parents[1]
MODULE = "bl_ext.user_default.intermask"
PEOPLE = "answer = sorted(o.name for o in bpy.data.objects if o.type == 'ARMATURE')"
RUNNING = "answer = bpy.context.window_manager.intermask.running"

pytestmark = pytest.mark.skipif(bool(real_blender.missing()), reason=real_blender.missing() or "there is one")


def build_zip(folder: Path) -> Path:
    """The zip: with wheels for the tool's own Python, else without."""
    options = ["--platform", "linux-x64"] if real_blender.tool() is not None else []
    command = [sys.executable, str(REPOSITORY / "build_addon.py"), "--out", str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.zip"))


def picture(blender: RealBlender, name: str) -> None:
    """A picture for the documentation, where it is wanted."""
    if folder := os.environ.get("INTERMASK_PICTURES"):
        blender.picture(Path(folder) / f"{name}.png")


def begin(blender: RealBlender) -> None:
    """Click on Generate, and see that it began; a short one may have ended already."""
    before = blender.ask(PEOPLE)
    blender.click_until("intermask.generate(", lambda: blender.ask(RUNNING) or blender.ask(PEOPLE) != before)


def generated(blender: RealBlender, seconds: float = 300.0) -> list[str]:
    """Wait until nothing is being generated any more; the armatures in the file."""
    blender.until(lambda: not blender.ask(RUNNING), seconds, "the end of the generation")
    time.sleep(0.3)
    return blender.ask(PEOPLE)


def test_a_day_with_the_add_on(tmp_path: Path) -> None:
    """Install, generate, undo, redo, cancel, react, save, load, disable, enable, uninstall: in one Blender."""
    archive = build_zip(tmp_path / "dist")
    # One thread: more of them wait for each other where the machine does other work too.
    variables = {"OMP_NUM_THREADS": "1"}
    if real_blender.tool() is None:
        variables["INTERMASK_PYTHON"] = sys.executable
    blender = RealBlender(tmp_path / "blender", variables)
    try:
        live(blender, archive, tmp_path)
    finally:
        blender.close()


def live(blender: RealBlender, archive: Path, folder: Path) -> None:
    blender.ask(
        f"bpy.ops.extensions.package_install_files(filepath={str(archive)!r}, repo='user_default', "
        "enable_on_install=True)"
    )
    blender.sidebar("InterMask")
    blender.ask(
        "bpy.data.objects.remove(bpy.data.objects['Cube']); bpy.context.scene.intermask.seconds = 1.0\n"
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
        "v.region_3d.view_rotation = mathutils.Euler((1.35, 0, 0.6)).to_quaternion()\n"
        "bpy.context.scene.frame_set(15); view3d()['area'].tag_redraw()"
    )
    time.sleep(1.0)
    look_at_it(blender)
    picture(blender, "generated")
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


def look_at_it(blender: RealBlender) -> None:
    """The buttons beside the list of takes, and what the panel says of a prompt that the model does not know."""
    distance = "answer = view3d()['area'].spaces.active.region_3d.view_distance"
    before = blender.ask(distance)
    blender.click_until("intermask.view_take(", lambda: blender.ask(distance) != before)
    preview = "s = bpy.context.scene; answer = s.use_preview_range and [s.frame_preview_start, s.frame_preview_end]"
    blender.click_until("intermask.play_take(", lambda: blender.ask(preview) == [1, 24])
    blender.ask(
        "bpy.context.scene.use_preview_range = False; bpy.context.scene.intermask.prompt = 'a man cooks dinner'"
    )
    line = (
        "import sys; name = next(name for name in sys.modules if name.endswith('intermask_blender.familiar'))\n"
        "answer = sys.modules[name].familiar_line(bpy.context)[0]"
    )
    blender.until(lambda: "knows nothing like it" in blender.ask(line), 30.0, "a line of what the model knows")
    blender.ask("bpy.context.scene.intermask.prompt = 'two people dance salsa'\nbpy.ops.ed.undo_push(message='Looked')")


def while_it_works(blender: RealBlender, folder: Path) -> None:
    """Save, undo, a second window, another file and the add-on's end while something long is generated."""
    saved = str(folder / "meanwhile.blend")
    begin(blender)
    blender.ask(f"bpy.ops.wm.save_as_mainfile(filepath={saved!r})")
    blender.ask("bpy.ops.ed.undo_push(message='Meanwhile'); bpy.ops.ed.undo()")
    blender.ask("bpy.ops.wm.window_new()")
    time.sleep(1.0)
    assert blender.ask(RUNNING) and blender.ask(PEOPLE) == ["Person 1", "Person 2"]
    # In another window a second one waits for its turn; it goes with its window, and the first goes on.
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
    assert blender.ask("answer = bpy.context.window_manager.intermask.count") == 1
    blender.ask("bpy.ops.wm.read_homefile()")
    blender.until(lambda: not blender.ask(RUNNING), 20.0, "an end with the file")
    blender.ask(f"bpy.ops.wm.open_mainfile(filepath={saved!r})")
    blender.until(lambda: blender.ask(PEOPLE) == ["Person 1", "Person 2"], 20.0, "the saved file")
    blender.sidebar("InterMask")
    begin(blender)
    blender.ask(f"bpy.ops.preferences.addon_disable(module={MODULE!r})")
    time.sleep(1.0)
    blender.ask(f"bpy.ops.preferences.addon_enable(module={MODULE!r})")
    assert not blender.ask(RUNNING)
    blender.sidebar("InterMask")


def react_to_another_rig(blender: RealBlender, folder: Path) -> None:
    """A character from a BVH file leads; somebody new reacts to it."""
    import numpy as np

    from model_core.motion import PosedSkeleton
    from model_core.motion.bvh_writer import write_bvh
    from model_core.motion.rest import SMPL_REST_OFFSETS

    turns = np.zeros((60, 22, 4))
    turns[..., 0] = 1.0
    walk = np.stack((np.zeros(60), np.full(60, 0.95), np.linspace(0.0, 1.0, 60)), axis=1)
    write_bvh(folder / "lead.bvh", PosedSkeleton(SMPL_REST_OFFSETS, turns, walk, 30.0))
    blender.ask(
        "with bpy.context.temp_override(**view3d()):\n"
        f"    bpy.ops.import_anim.bvh(filepath={str(folder / 'lead.bvh')!r}, axis_forward='-Z', axis_up='Y')\n"
        "bpy.context.scene.intermask.leader = bpy.data.objects['lead']\n"
        "bpy.context.scene.intermask.seconds = 1.0\n"
        "bpy.ops.ed.undo_push(message='Leader')"
    )
    begin(blender)
    assert generated(blender) == ["Person 1", "Person 2", "Person 2.001", "lead"]
