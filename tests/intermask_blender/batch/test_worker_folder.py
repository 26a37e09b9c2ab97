"""Temporary files of workers that were killed are deleted by the next worker of their machine."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import blender_scene
import pytest
from farm_runs import farm_environment

from intermask_blender.batch.worker_folder import delete_left_folders, worker_folder

assert blender_scene

_WORKER = """
import sys
from pathlib import Path
from intermask_blender.batch.worker_folder import worker_folder
folder = worker_folder(Path(sys.argv[1]))
(folder / "generator.log").write_text("something")
print(folder, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="whether a process has ended is not known there")
def test_only_folders_of_ended_processes_are_deleted(tmp_path: Path) -> None:
    own = worker_folder(tmp_path)
    (tmp_path / "of somebody else").mkdir()
    command = [sys.executable, "-c", _WORKER, str(tmp_path)]
    with subprocess.Popen(
        command, env=farm_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        folder = Path(worker.stdout.readline().strip())
        delete_left_folders(tmp_path)
        assert (folder / "generator.log").is_file(), "its process is alive"
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert folder.is_dir()
    again = worker_folder(tmp_path)
    assert not folder.exists() and own.is_dir() and again.is_dir() and (tmp_path / "of somebody else").is_dir()
