"""Prompts typed into a real Blender's panel: understood before anything was generated, in the user's own words too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import real_blender
from real_blender import MODULE, RealBlender, start_with_addon
from small_model import CAPTIONS
from taught_model import BOW

LINES = (
    f"import importlib; ui = importlib.import_module('{MODULE}.intermask_blender.ui.prompt_understanding')\n"
    "answer = ui.panel_lines(bpy.context)[0]"
)
PROMPT = "answer = bpy.context.scene.intermask.prompt"
CLIENT = (
    f"import importlib; session = importlib.import_module('{MODULE}.intermask_blender.ui.session').session\n"
    "answer = session().client is not None and session().client.running"
)
WORDS = (
    f"import importlib; words = importlib.import_module('{MODULE}.intermask_blender.ui.user_words')\n"
    "path = words.words_path(create=True)\n"
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(real_blender.missing()), reason=real_blender.missing() or "there is one"),
]


def picture(blender: RealBlender, name: str) -> None:
    """A picture to look at, where it is wanted."""
    if folder := os.environ.get("INTERMASK_PICTURES"):
        blender.settle()
        blender.picture(Path(folder) / f"{name}.png")


def says(blender: RealBlender, text: str, seconds: float = 60.0) -> None:
    """Wait until a line of the panel begins with a text."""
    blender.until(lambda: any(line.startswith(text) for line, _ in blender.ask(LINES)), seconds, f"the line {text!r}")


def prompt(blender: RealBlender, text: str) -> None:
    """What editing the field does."""
    blender.ask(f"bpy.context.scene.intermask.prompt = {text!r}")


def test_a_prompt_is_understood_without_a_click_and_again_when_the_users_words_change(
    taught: Path, tmp_path: Path
) -> None:
    blender = start_with_addon(tmp_path)
    try:
        blender.ask(
            f"bpy.context.preferences.addons['{MODULE}'].preferences.model_folder = {str(taught)!r}\n"
            f"bpy.context.scene.intermask.model_name = {taught.name!r}"
        )
        assert not blender.ask(CLIENT), "no process before the tab is drawn"
        blender.sidebar("InterMask")
        blender.until(lambda: blender.ask(CLIENT), 30.0, "the process that loads the text encoder")
        blender.type_into("intermask.prompt", '"a long cuddle"')
        says(blender, f"Understood as: {CAPTIONS[0]}")
        picture(blender, "understood")
        prompt(blender, "a man cooks dinner")
        says(blender, "Not in this model. Closest: ")
        picture(blender, "unknown")
        blender.click_until("intermask.use_prompt(", lambda: blender.ask(LINES) == [])
        assert blender.ask(PROMPT) in CAPTIONS
        lock_and_acts(blender)
        own_words(blender)
        back_after_a_pause(blender)
        assert "Traceback" not in blender.log.read_text(errors="replace")
    finally:
        blender.close()


def lock_and_acts(blender: RealBlender) -> None:
    """The lock next to the prompt changes the line; Use All Acts gives each act its time."""
    prompt(blender, "a long cuddle, then judo players salute")
    says(blender, "Only the first act is used.")
    locked = "answer = bpy.context.scene.intermask.as_written"
    blender.click_beside("intermask.prompt", "intermask.as_written", lambda: blender.ask(locked))
    says(blender, "Used as written. Closest: ")
    picture(blender, "locked")
    blender.click_beside("intermask.prompt", "intermask.as_written", lambda: not blender.ask(locked))
    timed = "0-2 s: a long cuddle; 2-end: judo players salute"
    blender.click_until("intermask.use_prompt(", lambda: blender.ask(PROMPT) == timed)
    says(blender, f"Part 2: {CAPTIONS[1]}")
    picture(blender, "all_acts")


def back_after_a_pause(blender: RealBlender) -> None:
    """The generator that ended when idle is there again when the tab is drawn, before a prompt is typed."""
    look = (
        f"import importlib; services = importlib.import_module('{MODULE}.intermask_blender.ui.services')\n"
        "answer = services.session().client.close_if_idle(0.0) and services._end_if_idle() is None"
    )
    blender.until(lambda: blender.ask(look), 60.0, "the end of the idle process")
    blender.until(lambda: blender.ask(f"view3d()['region'].tag_redraw()\n{CLIENT}"), 30.0, "the process again")


def own_words(blender: RealBlender) -> None:
    """The user's words are edited as a text of Blender's; saving it changes the line."""
    prompt(blender, "they do the grasshopper")
    blender.until(lambda: "grasshopper" in blender.ask("answer = bpy.context.scene.intermask.prompt"), 20.0, "it")
    blender.ask("with bpy.context.temp_override(**view3d()): bpy.ops.intermask.edit_words()")
    shown = (
        "areas = [a for w in bpy.context.window_manager.windows for a in w.screen.areas]\n"
        "answer = [a.spaces.active.text.name for a in areas if a.type == 'TEXT_EDITOR' and a.spaces.active.text]"
    )
    assert blender.ask(shown) == ["words.json"]
    blender.settle()
    picture(blender, "words")
    assert BOW not in blender.ask("answer = bpy.data.texts['words.json'].as_string()"), "this model lists no kinds"
    blender.ask(WORDS + f"path.write_text('{{\"{BOW}\": [\"they do the grasshopper\"]}}', encoding='utf-8')")
    says(blender, f"Understood as: {CAPTIONS[1]}")
    blender.ask(WORDS + "path.write_text('{\"box\": []}', encoding='utf-8')")
    blender.until(lambda: any("line 1" in line for line, _ in blender.ask(LINES)), 30.0, "the error in the file")
    picture(blender, "words_error")
