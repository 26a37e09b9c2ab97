"""The generator room knows no Blender: it is imported and used where there is none, and loads none where there is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from repository import REPOSITORY

MODULES = sorted(path.stem for path in (REPOSITORY / "intermask_blender" / "generator").glob("*.py"))

USE = """
import importlib, sys
from pathlib import Path
if sys.argv[1] == "blocked":
    sys.modules["bpy"] = None
for name in sys.argv[2:]:
    importlib.import_module("intermask_blender.generator." + name.replace("__init__", "client"))
from intermask_blender.core import UserError
from intermask_blender.generator.client import Request
from intermask_blender.generator.generation import GenerationSettings, progress_text, request_values
print(progress_text(Request(1)))
try:
    request_values(GenerationSettings("they hug", Path("nowhere")))
except UserError as error:
    print(error)
print(sorted(name for name in ("bpy", "torch", "mathutils") if sys.modules.get(name)))
"""


@pytest.mark.parametrize("blender", ["blocked", "installed"])
def test_every_module_is_imported_and_speaks_without_blender(blender: str, tmp_path: Path) -> None:
    assert "client" in MODULES
    run = subprocess.run(
        [sys.executable, "-c", USE, blender, *MODULES], cwd=REPOSITORY, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    started, missing, loaded = run.stdout.splitlines()
    assert started.startswith("Starting the generator") and "no model in nowhere" in missing and loaded == "[]"
