"""The session: nothing of it outlives ``unregister``, and a ``register`` that fails leaves nothing registered."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import bpy
import pytest

import intermask_blender
from intermask_blender import registration
from intermask_blender.generator.client import WorkerClient
from intermask_blender.generator.generation import Generation, GenerationSettings
from intermask_blender.generator.runtime import NAMED, Inspection, Runtime
from intermask_blender.operators.job_mixin import poll_idle
from intermask_blender.scene.placement import Placement
from intermask_blender.ui import prompt_understanding
from intermask_blender.ui.prompt_understanding import Question
from intermask_blender.ui.session import Pending, end_session, session

assert blender_scene


MODEL_STEPS = 40


def test_disabling_during_a_job_and_a_generation_ends_both_and_no_button_stays_grey(
    newly_registered: None, model: Path, tmp_path: Path
) -> None:
    current = session()
    current.client = WorkerClient(Path(sys.executable), tmp_path / "log")
    generation = Generation(current.client, GenerationSettings("they hug", model, 4.0, takes=20))
    process = current.client._process
    assert process is not None and process.poll() is None
    current.pending.append(Pending("they hug", generation, lambda report: None, "Generate", Placement("Scene", 1)))
    inspection = Inspection(Runtime(NAMED, Path(sys.executable)))
    inspection.start()
    current.job = inspection
    assert not poll_idle(bpy.types.INTERMASK_OT_test_runtime)

    intermask_blender.unregister()
    assert generation.done and inspection.done and process.poll() is not None
    assert not current.pending and current.job is None
    intermask_blender.register()
    assert session() is not current and poll_idle(bpy.types.INTERMASK_OT_test_runtime)
    assert bpy.context.window_manager.intermask.count == 0


def test_a_worker_that_dies_leaves_no_question_open(newly_registered: None, model: Path, tmp_path: Path) -> None:
    current = session()
    current.client = WorkerClient(Path(sys.executable), tmp_path / "log")
    request = current.client.submit("understand", {"model": str(model), "prompt": "they hug", "seconds": 4.0})
    current.questions.append(Question((str(model), "they hug"), request))
    process = current.client._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
    assert not current.client.running
    end = time.monotonic() + 60.0
    while prompt_understanding._collect_answers() is not None:
        assert time.monotonic() < end, "the timer runs for ever"
    assert not current.questions and not current.understood


def test_a_class_that_cannot_be_registered_leaves_no_other_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = type("INTERMASK_OT_broken", (bpy.types.Operator,), {"bl_idname": "not an identifier", "bl_label": "x"})
    classes = (*registration.CLASSES[:20], broken, *registration.CLASSES[20:])
    with monkeypatch.context() as patch:
        patch.setattr(registration, "CLASSES", classes)
        with pytest.raises((ValueError, RuntimeError)):
            intermask_blender.register()
    assert not any(cls.is_registered for cls in registration.CLASSES if hasattr(cls, "is_registered"))
    intermask_blender.register()
    intermask_blender.unregister()


def test_a_session_leaves_no_exit_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: list[Callable[[], None]] = []
    monkeypatch.setattr(atexit, "register", lambda call: handlers.append(call))
    monkeypatch.setattr(atexit, "unregister", lambda call: handlers.remove(call))
    intermask_blender.register()
    assert len(handlers) == 1
    intermask_blender.unregister()
    assert not handlers
    end_session()
    with pytest.raises(RuntimeError, match="not registered"):
        session()
