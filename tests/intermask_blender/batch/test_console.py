"""What a batch shows: nothing that controls the terminal, progress, and noise in the log only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from repository import REPOSITORY

from intermask_blender.batch.console import INTERVAL, Console, RenderProgress


class Clock:
    """Seconds that the test decides."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_lines_are_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(tmp_path / "log")
    console.say("a\x1b[2Jb\nc\u202e")
    console.warn("\x9b31m они")
    assert capsys.readouterr() == ("a\\x1b[2Jb\\nc\\u202e\n", "\\x9b31m они\n")


def test_progress_is_a_line_now_and_then_where_there_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    console, frames = Console(tmp_path / "log", clock=clock), RenderProgress(96, clock)
    for _ in range(96):
        clock.now += INTERVAL / 4
        console.progress(frames.frame_done())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 24
    assert (
        lines[0] == "    Rendering frame 4/96, 3 min 50 s left" and lines[-1] == "    Rendering frame 96/96, 0 s left"
    )


NOISY = """
import os, signal, sys
from pathlib import Path
from intermask_blender.batch.console import Console
from intermask_blender.batch.signals import Stop

console = Console(Path(sys.argv[1]), verbose=sys.argv[2] == "-v")
console.say("before")
with console.quiet():
    os.write(1, b"Fra:1 Mem:20M\\n")
    os.write(2, b"EGL Error (0x3009)\\n")
    console.progress("Rendering frame 1/2, 3 s left")
    stop = Stop(lambda: console.error_descriptor)
    with stop.listening():
        signal.raise_signal(signal.SIGINT)
assert stop.requested and console.error_descriptor == 2
console.note("Traceback\\nline \\x1b[31m")
console.say("after")
"""


@pytest.mark.parametrize("option", ["-v", ""])
def test_what_others_print_goes_to_the_log_or_is_shown(option: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", NOISY, str(log), option]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    noise = {"Fra:1 Mem:20M", "EGL Error (0x3009)", "Traceback"}
    shown = set((done.stdout + done.stderr).splitlines())
    assert "stopping after this step" in done.stderr
    assert {"before", "after"} <= shown and "\x1b" not in done.stdout + done.stderr
    if option:
        assert noise <= shown and not log.exists()
    else:
        assert not noise & shown and noise <= set(log.read_text(encoding="utf-8").splitlines())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_progress_is_shown_on_a_terminal_while_the_rest_is_quiet(tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", NOISY, str(tmp_path / "log"), ""]
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        done = subprocess.run(command, env=environment, stdout=theirs, stderr=theirs, timeout=60)
        os.close(theirs)
        shown = b""
        try:
            while data := terminal.read(4096):
                shown += data
        except OSError:
            pass  # Linux's way to say that the other end is closed
    assert done.returncode == 0
    assert b"\r    Rendering frame 1/2, 3 s left" in shown and b"EGL" not in shown and b"\x1b" not in shown
