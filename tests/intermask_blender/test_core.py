"""The add-on's door to ``model_core``: what is declared for type checking is what it finds, and nothing loads early."""

from __future__ import annotations

import subprocess
import sys

from repository import REPOSITORY

from intermask_blender import core

LOADED = """
import sys, bpy, intermask_blender
intermask_blender.register()
print(*sorted(name for name in sys.modules if name.startswith(("model_core", "torch"))), flush=True)
import os; os._exit(0)
"""


def test_every_declared_name_is_found_where_it_is_declared() -> None:
    assert len(core._IMPORTS) > 40 and core._IMPORTS["ROOT_CONTROL"] == ("recognition", "ROOT")
    for name, (module, original) in core._IMPORTS.items():
        value = getattr(core, name)
        assert value is getattr(sys.modules[f"model_core.{module}"], original)


def test_enabling_the_add_on_loads_no_solver_no_data_and_no_torch() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=REPOSITORY, capture_output=True, text=True, timeout=100)
    loaded = done.stdout.splitlines()[-1].split()
    assert "model_core.motion" in loaded, done.stderr
    late = ("torch", "model_core.data", "model_core.kinematics.solver", "model_core.kinematics.leaders",
            "model_core.kinematics.proportions", "model_core.motion.bvh", "model_core.motion.interaction_file",
            "model_core.motion.smpl_model", "model_core.recognition.by_structure",
            "model_core.worker.requests", "model_core.metrics", "model_core.generation")  # fmt: skip
    assert not [name for name in loaded if name.startswith(late)]
