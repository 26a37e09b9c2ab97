"""The one generator process of a Blender session: made when first asked for, ended when idle or when Blender goes."""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path

import bpy

from ..generator.client import WorkerClient
from .preferences import current_preferences, current_runtime

IDLE_LOOKS = 30.0
"""Seconds between two looks whether the process has been idle for long."""


def worker_client(context: bpy.types.Context) -> WorkerClient:
    """The session's client, with the runtime and the device that the preferences name."""
    client = _client()
    client.device = current_preferences(context).device
    # What runs goes on as it is while it works: finding another runtime must not end a generation.
    if not client.busy and client.runtime != (runtime := current_runtime(context)):
        client.close()
        client.runtime = runtime
    # Without a window there is no event loop for timers, and a timer left over at exit hangs Blender.
    if not bpy.app.background and not bpy.app.timers.is_registered(_end_if_idle):
        bpy.app.timers.register(_end_if_idle, first_interval=IDLE_LOOKS, persistent=True)
    return client


def running_client() -> WorkerClient | None:
    """The session's client where its process runs."""
    return _client() if _client().running else None


def end_worker() -> None:
    """End the process, if there is one, and everything that looks after it."""
    if bpy.app.timers.is_registered(_end_if_idle):
        bpy.app.timers.unregister(_end_if_idle)
    _client().close()


@cache
def _client() -> WorkerClient:
    client = WorkerClient(None, Path(bpy.app.tempdir) / "intermask_generator.log")
    atexit.register(client.close)
    return client


def _end_if_idle() -> float | None:
    """Timer: seconds until the next look, None when there is nothing left to look after."""
    ended = _client().close_if_idle(current_preferences(bpy.context).idle_seconds)
    return None if ended else IDLE_LOOKS
