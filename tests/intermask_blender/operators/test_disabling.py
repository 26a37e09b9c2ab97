"""The add-on is disabled while something of it runs or waits, in a real Blender with its event loop.

Blender crashes if a modal operator starts right after the class of a running one was unregistered.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
import real_blender
from real_blender import MODULE, RealBlender, start_with_addon

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(real_blender.missing()), reason=real_blender.missing() or "there is one"),
]

IN_WINDOW = "with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):\n    "
STORED = f"stored = bpy.context.preferences.addons[{MODULE!r}].preferences\n"
NAME_PYTHON = STORED + f"stored.source, stored.python = 'NAMED', {sys.executable!r}\n"
TEST = NAME_PYTHON + IN_WINDOW + "bpy.ops.intermask.test_runtime('INVOKE_DEFAULT')\n"
GENERATE = (
    STORED + "stored.source = 'AUTO'\n" + IN_WINDOW + "bpy.ops.intermask.generate('INVOKE_DEFAULT', seconds=1.0)\n"
)
WATCH = IN_WINDOW + "bpy.ops.test.watch('INVOKE_DEFAULT')\n"
"""Any modal operator, such as one of Blender's own."""
DISABLE_AND_ENABLE = f"bpy.ops.preferences.addon_disable(module={MODULE!r}); " + (
    f"bpy.ops.preferences.addon_enable(module={MODULE!r})\n"
)
FREE = "answer = bpy.ops.intermask.test_runtime.poll()\n"
RUNNING = "answer = bpy.context.window_manager.intermask.running"
PEOPLE = "answer = sorted(o.name for o in bpy.data.objects if o.type == 'ARMATURE')"
BROWSERS = (
    "answer = sum(a.type == 'FILE_BROWSER' for w in bpy.context.window_manager.windows for a in w.screen.areas)\n"
)
EXPORT = "with bpy.context.temp_override(**view3d()):\n    bpy.ops.intermask.export('INVOKE_DEFAULT')\n"


@pytest.fixture(scope="module")
def blender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealBlender]:
    started = start_with_addon(tmp_path_factory.mktemp("real"))
    yield started
    started.close()


def test_a_test_of_a_python_ends_with_the_add_on_and_another_one_starts_at_once(blender: RealBlender) -> None:
    assert blender.ask(TEST + FREE) is False
    assert blender.ask(DISABLE_AND_ENABLE + FREE) is True
    assert blender.ask(TEST + DISABLE_AND_ENABLE + WATCH + TEST + FREE) is False
    blender.until(lambda: blender.ask(FREE), 120.0, "the end of the test")
    assert "PyTorch" in blender.ask(STORED + "answer = stored.tested")
    blender.until(lambda: "It works: PyTorch" in blender.log.read_text(errors="replace"), 20.0, "a report")


def test_a_test_that_is_stopped_says_so(blender: RealBlender) -> None:
    blender.ask(TEST + "bpy.ops.intermask.stop_runtime_job()")
    blender.until(lambda: "The test was cancelled." in blender.log.read_text(errors="replace"), 20.0, "a report")
    assert blender.ask(FREE)
    blender.keys("Escape")  # the error's popup


def test_a_generation_ends_with_the_add_on_and_another_one_starts_at_once(blender: RealBlender) -> None:
    blender.ask(GENERATE + DISABLE_AND_ENABLE + WATCH + GENERATE)
    assert blender.ask(RUNNING)
    blender.until(lambda: not blender.ask(RUNNING), 300.0, "the end of the generation")
    blender.settle()
    assert blender.ask(PEOPLE) == ["Person 1", "Person 2"]
    blender.keys("ctrl+z")
    assert blender.ask(PEOPLE) == []
    blender.keys("ctrl+shift+z")
    assert blender.ask(PEOPLE) == ["Person 1", "Person 2"]


@pytest.mark.parametrize("display", ["WINDOW", "SCREEN"])
def test_an_open_file_browser_is_closed_with_the_add_on(blender: RealBlender, display: str) -> None:
    blender.ask(STORED + "stored.source = 'AUTO'; bpy.ops.intermask.generate(seconds=1.0)", seconds=300.0)
    blender.ask(f"bpy.context.preferences.view.filebrowser_display_type = {display!r}")
    for _ in range(2):
        blender.ask(EXPORT)
        blender.settle()
        assert blender.ask(BROWSERS) == 1
        assert blender.ask(DISABLE_AND_ENABLE + BROWSERS) == 0
        blender.settle()
    assert "Traceback" not in blender.log.read_text(errors="replace")
