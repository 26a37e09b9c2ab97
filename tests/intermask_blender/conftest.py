"""Fixtures of the add-on's tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_model import save_small_model


@pytest.fixture(scope="module")
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small model with random weights; it samples in ``MODEL_STEPS`` of the module, or 6 steps."""
    steps = getattr(request.module, "MODEL_STEPS", 6)
    return save_small_model(tmp_path_factory.mktemp("models") / "small", steps)


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small model that was taught a few words, in a process without Blender, as users train."""
    base = tmp_path_factory.mktemp("taught")
    code = "import sys, pathlib, taught_model; print(taught_model.save_taught_model(pathlib.Path(sys.argv[1])))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(base)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def registered() -> Iterator[None]:
    """The add-on is registered during the tests of a module."""
    import intermask_blender  # after the module's imports, which set Blender's user folder

    intermask_blender.register()
    yield
    intermask_blender.unregister()


@pytest.fixture
def newly_registered() -> Iterator[None]:
    """An empty file, and the add-on with a new session."""
    import bpy

    import intermask_blender

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    intermask_blender.register()
    yield
    intermask_blender.unregister()


@pytest.fixture(scope="module")
def blender_exporters() -> None:
    """Blender's own exporters of glTF and FBX are enabled."""
    import bpy

    for module in ("io_scene_gltf2", "io_scene_fbx"):
        bpy.ops.preferences.addon_enable(module=module)
