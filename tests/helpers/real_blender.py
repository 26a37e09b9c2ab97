"""A real Blender with its window on a virtual screen, and a mouse and a keyboard to use it with.

It is the Blender that the environment variable BLENDER names (with Xvfb, xdotool and ImageMagick on the path), else the
one of ``../shared/tools/real-blender`` where that is installed.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from repository import REPOSITORY

TOOL = REPOSITORY.parent / "shared" / "tools" / "real-blender"
INSIDE = Path(__file__).with_name("real_blender_inside.py")
SIZE = (1280, 1200)
SETTLING = 3
"""Turns of the event loop, each with a redraw, after which input has had its effect."""
STEP = 9
"""Pixels between two places at which a button is looked for: less than half a button's height."""
ICON = 48
"""Pixels from the sidebar's right edge, its tabs included, to the icon at the end of a field."""
MODULE = "bl_ext.user_default.intermask"
"""The add-on, as Blender names it."""
_COLUMNS = (0.6, 0.86, 0.9, 0.94)
"""Where across the sidebar buttons are looked for: small ones stand at its right edge."""


def tool() -> Path | None:
    """The tool that holds a Blender, None where BLENDER names one or the tool is not installed."""
    path = Path(os.environ.get("REAL_BLENDER", TOOL))
    root = Path(os.environ.get("REAL_BLENDER_ROOT", Path.home() / ".cache" / "real-blender" / "trixie"))
    return path if "BLENDER" not in os.environ and path.is_file() and (root / ".ready").exists() else None


def missing() -> str:
    """Why there is no real Blender to test with, empty where there is one."""
    if tool() is not None:
        return ""
    if "BLENDER" not in os.environ:
        return "no real Blender: name one in the environment variable BLENDER"
    lacking = [name for name in ("Xvfb", "xdotool", "import") if shutil.which(name) is None]
    return f"real Blender needs {', '.join(lacking)} for its window" if lacking else ""


def build_zip(folder: Path) -> Path:
    """The add-on's zip: with wheels for the tool's own Python, else without."""
    options = ["--platform", "linux-x64"] if tool() is not None else []
    command = [sys.executable, str(REPOSITORY / "build_addon.py"), "--out", str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.zip"))


def start_with_addon(folder: Path) -> RealBlender:
    """A Blender in which the add-on's zip is installed. Close it at the end.

    Args:
        folder: empty; for the zip, and for what Blender and the tests exchange.
    """
    archive = build_zip(folder / "dist")
    # One thread: more of them wait for each other where the machine does other work too.
    variables = {"OMP_NUM_THREADS": "1"}
    if tool() is None:
        variables["INTERMASK_PYTHON"] = sys.executable
    blender = RealBlender(folder / "blender", variables)
    try:
        blender.ask(
            f"bpy.ops.extensions.package_install_files(filepath={str(archive)!r}, repo='user_default', "
            "enable_on_install=True)"
        )
    except BaseException:
        blender.close()
        raise
    return blender


class RealBlender:
    """Blender on a screen of its own. Close it at the end."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        """Start the screen, then Blender.

        Args:
            folder: empty; what goes between the tests and Blender, its log, and the user's folder.
            variables: of Blender's environment.
        """
        self._folder, self._asked = folder, 0
        user = folder / "user"
        user.mkdir(parents=True)
        self._variables = {"BLENDER_USER_RESOURCES": str(user), "LIBGL_ALWAYS_SOFTWARE": "1", **variables}
        self._screen = self._start(f"exec Xvfb -displayfd 1 -screen 0 {SIZE[0]}x{SIZE[1]}x24 -nolisten tcp")
        assert self._screen.stdout is not None
        self._display = f":{int(self._screen.stdout.readline())}"
        program = shlex.quote(os.environ.get("BLENDER", "blender"))
        places = (
            f"--python {shlex.quote(str(INSIDE))} -- {shlex.quote(str(folder))} > {shlex.quote(str(self.log))} 2>&1"
        )
        look = f"--factory-startup --window-geometry 0 0 {SIZE[0]} {SIZE[1]} -noaudio"
        self._blender = self._start(f"exec {program} {look} {places}")
        self._hand = self._start("exec xdotool -", stdin=subprocess.PIPE)
        try:
            self.ask("answer = bpy.app.version_string", seconds=120.0)
        except BaseException:
            self.close()
            raise

    @property
    def log(self) -> Path:
        """What Blender printed."""
        return self._folder / "blender.log"

    def ask(self, code: str, seconds: float = 60.0) -> Any:
        """Run Python code inside Blender; what it left in ``answer``."""
        self._asked += 1
        part = self._folder / "part"
        part.write_text(code, encoding="utf-8")
        part.replace(self._folder / f"ask-{self._asked:05}.py")
        answer = self._folder / f"answer-{self._asked:05}.json"
        self.until(answer.exists, seconds, code)
        told = json.loads(answer.read_text(encoding="utf-8"))
        answer.unlink()
        assert "fault" not in told, told["fault"]
        return told["answer"]

    def until(self, true: Callable[[], object], seconds: float, what: str) -> None:
        """Wait for something; Blender's end or so many seconds are a failure."""
        end = time.monotonic() + seconds
        while not true():
            running = self._blender.poll() is None
            log = self.log.read_text(errors="replace")[-1500:] if self.log.exists() else ""
            assert running, f"Blender ended: {log}"
            assert time.monotonic() < end, f"not within {seconds} s: {what}\n{log}"
            time.sleep(0.005)

    def settle(self) -> None:
        """Wait until Blender has handled the input that was sent before and has drawn the result."""
        for _ in range(SETTLING):
            self.ask("[a.tag_redraw() for w in bpy.context.window_manager.windows for a in w.screen.areas]; answer = 0")

    def point(self, x: float, y: float) -> None:
        """Move the mouse, in pixels from the window's lower left corner, as Blender counts; Blender knows it then.

        On a busy machine Blender learns late where the mouse is, and would tell of the button that it was on before.
        """
        place = round(x), round(SIZE[1] - 1 - y)
        # From one side: Blender looks anew at what is under a mouse that moves, not at what comes under one that rests.
        self._move(place[0] + 1, place[1])
        self._move(*place)

    def _move(self, x: int, y: int) -> None:
        """Move the mouse to a place of the screen; again where nothing comes of it."""
        for attempt in range(5):
            self._tell(f"mousemove {x} {y}")
            try:
                self.until(lambda: self.ask("answer = mouse()") == [x, SIZE[1] - 1 - y], 10.0, f"a mouse at {x}, {y}")
                return
            except AssertionError:
                if attempt == 4 or self._blender.poll() is not None:
                    raise

    def keys(self, name: str) -> None:
        """Press keys such as ``ctrl+z`` with the mouse over the 3D view."""
        x, y = self.ask(
            "r = next(r for r in view3d()['area'].regions if r.type == 'WINDOW'); answer = [r.x + 200, r.y + 150]"
        )
        self.press_at(name, x, y)

    def press_at(self, name: str, x: float, y: float) -> None:
        """Press keys with the mouse at a place of the window, counted as ``point`` counts."""
        self.point(x, y)
        self._tell(f"key {name}")
        self.settle()

    def sidebar(self, tab: str) -> None:
        """Show a tab of the 3D view's sidebar, from its top."""
        self.ask("view3d()['area'].spaces.active.show_region_ui = True")
        self.settle()
        self.ask(f"view3d()['region'].active_panel_category = {tab!r}; view3d()['area'].tag_redraw()")
        self.settle()

    def click_until(self, operator: str, true: Callable[[], object]) -> None:
        """Click on the button of an operator until it had its effect.

        A click gets lost where the panel is drawn anew under the mouse, more often on a busy machine: a person clicks
        again, and so does this. The effect may come while the button is looked for again: then nothing is clicked.
        """
        for _ in range(6):
            self._click(operator, true)
            end = time.monotonic() + 10.0
            while time.monotonic() < end:
                if true():
                    return
                self.settle()
        raise AssertionError(f"six clicks on {operator} did nothing: {self.log.read_text(errors='replace')[-1500:]}")

    def unfold(self, name: str) -> None:
        """Let a panel be unfolded when its tab is first shown; call it before ``sidebar``.

        A click on a title toggles, so that clicking again after a click that was lost does the opposite: on a busy
        machine titles were missed. Unfolding is Blender's own; what is inside is ours.
        """
        self.ask(
            f"panel = bpy.types.{name}\n"
            "bpy.utils.unregister_class(panel)\n"
            "panel.bl_options = panel.bl_options - {'DEFAULT_CLOSED'}\n"
            "bpy.utils.register_class(panel)"
        )

    def click_icon(self, path: str, true: Callable[[], object]) -> None:
        """Click on the icon at the right end of a property's field until it had its effect."""
        for _ in range(4):
            assert self._look_for(path, "field"), f"there is no field {path} in the sidebar"
            y, edge = self.ask("r = view3d()['region']; answer = [mouse()[1], r.x + r.width]")
            self.click_at(edge - ICON, y)
            if true():
                return
            self._tell("key Escape")
            self.settle()
        raise AssertionError(f"the icon of {path} did nothing")

    def click_field(self, path: str, true: Callable[[], object]) -> None:
        """Click on the field of a property, such as a checkbox, until it had its effect; scroll where it is needed."""
        for _ in range(4):
            if not self._look_for(path, "field"):
                x, y = self.ask("r = view3d()['region']; answer = [r.x + r.width / 2, r.y + r.height / 2]")
                self.point(x, y)
                self._tell("click --repeat 5 5")
                self.settle()
                continue
            self._tell("click 1")
            self.settle()
            if true():
                return
        raise AssertionError(f"there is no field {path} in the sidebar, or clicks on it did nothing")

    def click_beside(self, field: str, path: str, true: Callable[[], object]) -> None:
        """Click on the small button of a property, on the right of another property's field, until it had its effect.

        Args:
            field: path of the other property.
            path: of the property whose button it is.
            true: whether it had its effect.
        """
        for _ in range(4):
            assert self._look_for(field, "field"), f"there is no field {field} in the sidebar"
            x, y, edge = self.ask("r = view3d()['region']; answer = [*mouse(), r.x + r.width]")
            for across in range(round(x), round(edge), STEP):
                self.point(across, y)
                if path in self.ask("answer = field()"):
                    self._tell("click 1")
                    self.settle()
                    if true():
                        return
                    break
        raise AssertionError(f"there is no button {path} on the right of {field}, or clicks on it did nothing")

    def type_into(self, path: str, words: str, enter: str = "Return") -> None:
        """Click on the field of a property and type into it; ``path`` ends its path."""
        assert self._look_for(path, "field"), f"there is no field {path} in the sidebar"
        self._tell("click 1")
        self.settle()
        self._tell(f"type {words}")
        self.settle()
        self._tell(f"key {enter}")
        self.settle()

    def click_at(self, x: float, y: float) -> None:
        """Click at a place of the window, counted as ``point`` counts; a running tool may keep the mouse to itself."""
        across, down = round(x), round(SIZE[1] - 1 - y)
        for words in (f"mousemove {across + 1} {down}", f"mousemove {across} {down}", "click 1"):
            self._tell(words)
            self.settle()

    def _click(self, operator: str, done: Callable[[], object]) -> None:
        """Click on a button in the sidebar, wherever it is: the mouse looks for it, and scrolls."""
        for attempt in range(4):
            found = self._look_for(operator)
            if done():
                return
            if found:
                self._tell("click 1")
                return
            self._tell("click --repeat 5 5" if attempt < 2 else "click --repeat 10 4")
            self.settle()
        raise AssertionError(f"there is no button for {operator} in the sidebar")

    def _look_for(self, operator: str, kind: str = "hovered") -> bool:
        """Move the mouse onto the button, if the sidebar shows it: in its middle, else at its right edge.

        Args:
            operator: what Python calls it, or a property where ``kind`` is ``field``.
            kind: of what is looked for, as the helpers inside are called.
        """
        x, y, width, height = self.ask("r = view3d()['region']; answer = [r.x, r.y, r.width, r.height]")
        for share in _COLUMNS:
            for up in range(height - STEP, 0, -STEP):
                self.point(x + width * share, y + up)
                if operator not in self.ask(f"answer = {kind}()"):
                    continue
                # Into the button, off its edge; and look again, for the panel may be drawn anew meanwhile.
                self.point(x + width * share, y + up - 4)
                if operator in self.ask(f"answer = {kind}()"):
                    return True
        return False

    def picture(self, path: Path) -> None:
        """Take a picture of the screen."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._do(f"import -window root -resize 1000x -colors 96 PNG8:{shlex.quote(str(path.resolve()))}")

    def picture_of(self, path: Path, x: int, y: int, width: int, height: int) -> None:
        """Take a picture of a part of the screen, in pixels from its upper left corner."""
        self._do(f"import -window root -crop {width}x{height}+{x}+{y} +repage {shlex.quote(str(path.resolve()))}")

    def close(self) -> None:
        """End Blender and its screen."""
        for process in (getattr(self, "_hand", None), getattr(self, "_blender", None), self._screen):
            if process is not None:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                process.wait(timeout=20)

    def _start(self, command: str, stdin: int | None = None) -> subprocess.Popen[str]:
        line = self._line(command)
        environment = {**os.environ, **self._variables}
        return subprocess.Popen(
            line, stdin=stdin, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
        )

    def _tell(self, words: str) -> None:
        """Let the hand on mouse and keyboard do something; the X server knows it afterwards."""
        assert self._hand.stdin is not None and self._hand.stdout is not None
        self._hand.stdin.write(f"{words}\nexec --sync echo done\n")
        self._hand.stdin.flush()
        assert self._hand.stdout.readline() == "done\n"

    def _do(self, command: str) -> None:
        done = subprocess.run(
            self._line(command), capture_output=True, text=True, timeout=60, env={**os.environ, **self._variables}
        )
        assert done.returncode == 0, done.stderr

    def _line(self, command: str) -> list[str]:
        display = {"DISPLAY": self._display} if hasattr(self, "_display") else {}
        given = " ".join(f"{name}={shlex.quote(value)}" for name, value in {**self._variables, **display}.items())
        whole = f"export {given}; {command}"
        inside = tool()
        return [str(inside), "sh", whole] if inside is not None else ["bash", "-c", whole]
