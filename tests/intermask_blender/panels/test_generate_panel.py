"""The Generate panel: its button keeps its place, and says why it is grey; the browser shows what the model knows."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import blender_scene  # first: it sets Blender's user folder
import bpy
import pytest
from recorded_layout import Button, Recorder

from intermask_blender.generator.models import find_model
from intermask_blender.generator.understanding import Match, Understanding, UnderstoodPart
from intermask_blender.panels.generate import INTERMASK_PT_generate
from intermask_blender.panels.prompt_understanding import draw_understanding
from intermask_blender.ui import preferences
from intermask_blender.ui.kinds import model_kinds, picture_path
from intermask_blender.ui.model_list import model_list
from intermask_blender.ui.prompt_understanding import _current_key, panel_lines
from intermask_blender.ui.session import session

assert blender_scene


pytestmark = pytest.mark.usefixtures("newly_registered")


MATCHES = (Match("hug", "two people hug"), Match("bow", "they bow"), Match("box", "they box"))
UNKNOWN = Understanding((UnderstoodPart("two astronauts repair a satellite", MATCHES, False),))


def key() -> tuple[str, str]:
    found = _current_key(model_list(bpy.context), bpy.context)
    assert found is not None
    return found


def answer(understanding: Understanding) -> None:
    """What the worker would answer about the panel's prompt."""
    session().understood[key()] = understanding


class Nested:
    """A layout that lists each button with the kind of layout that it is in."""

    def __init__(self, kind: str, buttons: list[tuple[str, str]]) -> None:
        self.kind, self.buttons = kind, buttons

    def row(self, align: bool = False) -> Nested:
        return Nested("row", self.buttons)

    def column(self, align: bool = False) -> Nested:
        return Nested("column", self.buttons)

    def operator(self, name: str, text: str, translate: bool) -> Button:
        self.buttons.append((self.kind, text))
        return Button([], text)

    def label(self, **words: object) -> None:
        """Not listed."""


def drawn() -> list[str]:
    layout = Recorder()
    panel = type("Panel", (), {**vars(INTERMASK_PT_generate), "layout": layout})()
    panel.draw(bpy.context)
    return layout.drawn


def test_nothing_that_comes_and_goes_is_above_the_button() -> None:
    def above() -> list[str]:
        lines = drawn()
        return lines[: lines.index("intermask.generate")]

    settings = bpy.context.scene.intermask
    usual, below = above(), len(drawn())
    settings.prompt = "two astronauts repair a satellite while it turns slowly above the sunlit earth"
    bpy.context.scene.timeline_markers.new("they bow", frame=10)
    settings.leader = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    answer(UNKNOWN)
    assert above() == usual and len(drawn()) > below + 3
    settings.prompt = ""
    assert above() == usual


def test_a_prompt_that_is_too_long_says_so_before_anything_is_sent() -> None:
    bpy.context.scene.intermask.prompt = "they hug " * 556
    assert "label The prompt has 5003 characters;" in " ".join(drawn())
    bpy.context.scene.intermask.prompt = "they hug"
    assert "characters" not in " ".join(drawn())


def test_without_pytorch_the_button_is_grey_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bpy.ops.intermask.generate.poll()
    session().draw_cache = type(session().draw_cache)()
    monkeypatch.setattr(preferences, "current_runtime", lambda context: None)
    assert not bpy.ops.intermask.generate.poll()
    with pytest.raises(RuntimeError, match="PyTorch was not found: install it in the preferences"):
        bpy.ops.intermask.generate(prompt="they hug")
    assert "intermask.install_runtime" in drawn()


def test_a_prompt_that_no_generator_has_checked_says_so_and_one_that_the_model_lists_needs_no_check() -> None:
    settings = bpy.context.scene.intermask
    settings.prompt = "two people shake hands"
    assert panel_lines(bpy.context) == ([], ())
    settings.prompt = "a man lifts another onto his shoulders"
    assert "Generate checks" in panel_lines(bpy.context)[0][0][0]
    answer(Understanding(nearest="they hug", distance=0.9))
    assert panel_lines(bpy.context) == ([("Not in this model. Closest: they hug", "ERROR")], ())


def test_the_next_kinds_are_buttons_that_set_the_prompt_to_their_captions() -> None:
    settings = bpy.context.scene.intermask
    settings.prompt = "a long cuddle"
    answer(Understanding((UnderstoodPart("a long cuddle", MATCHES, True),)))
    lines = drawn()
    assert lines.index("label Understood as: two people hug") < lines.index("button Bow < they bow")
    assert "button Box < they box" in lines
    answer(UNKNOWN)
    lines = drawn()
    assert "label Not in this model. Closest: two people" in lines and "button Bow < they bow" in lines
    assert bpy.ops.intermask.use_prompt(prompt="they bow") == {"FINISHED"} and settings.prompt == "they bow"


def test_kinds_whose_names_are_too_long_for_half_a_line_have_a_row_each() -> None:
    bpy.context.scene.intermask.prompt = "a long cuddle"
    long = Match("arm around the shoulder walking", "one walks with an arm around the other's shoulder")
    for second, layout in ((MATCHES[1], "row"), (long, "column")):
        answer(Understanding((UnderstoodPart("a long cuddle", (MATCHES[0], second, MATCHES[2]), True),)))
        buttons: list[tuple[str, str]] = []
        draw_understanding(cast(bpy.types.UILayout, Nested("panel", buttons)), bpy.context)
        assert buttons == [(layout, second.kind.capitalize()), (layout, "Box")]


def test_with_markers_the_prompt_that_is_checked_has_their_parts() -> None:
    scene = bpy.context.scene
    scene.intermask.prompt = "two people bow to each other"
    scene.timeline_markers.new("they ride bicycles", frame=scene.frame_start + 48)
    assert key()[1] == "two people bow to each other"
    scene.intermask.use_markers = True
    assert "they ride bicycles" in key()[1]


def test_the_bundled_model_shows_every_kind_with_a_picture() -> None:
    folder = find_model("")
    kinds = [kind for group in model_kinds(folder) for kind in group.kinds]
    assert len(kinds) == len({kind.name for kind in kinds}) == 40
    pictures = [picture_path(folder, kind.name) for kind in kinds]
    assert all(path.is_file() for path in pictures) and len(set(pictures)) == 40
    assert sum(path.stat().st_size for path in pictures) < 400_000
    # Without a window Blender gives pictures no numbers, but it loads them.
    session().previews.icon(pictures[0])
    loaded = session().previews._collection
    assert loaded is not None and tuple(loaded[str(pictures[0])].image_size) == (112, 112)
    assert session().previews.icon(Path("nothing.png")) == 0 and len(loaded) == 1


def test_a_damaged_list_of_kinds_is_no_list(tmp_path: Path) -> None:
    for text in ("", "[1]", '{"a": 1}', '[{"group": "a", "kinds": [{"name": "b"}]}]'):
        (tmp_path / "kinds.json").write_text(text, encoding="utf-8")
        assert model_kinds(tmp_path) == ()
