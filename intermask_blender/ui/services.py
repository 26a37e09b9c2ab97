"""The generator process of the session: started by the first request, ended when idle or with the session."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..generator.client import WorkerClient
from .preferences import current_preferences, current_runtime
from .session import session

IDLE_INTERVAL = 30.0
"""Seconds between two checks whether the process has been idle for long."""


def worker_client(context: bpy.types.Context) -> WorkerClient:
    """The session's client, with the runtime and the device of the preferences."""
    current = session()
    if current.client is None:
        current.client = WorkerClient(None, Path(bpy.app.tempdir) / "intermask_generator.log")
    client = current.client
    client.device = current_preferences(context).device
    # A busy process stays as it is: finding another runtime must not end a generation.
    if not client.busy and client.runtime != (runtime := current_runtime(context)):
        client.close()
        client.runtime = runtime
    current.start_timer(_end_if_idle, IDLE_INTERVAL)
    return client


def running_client() -> WorkerClient | None:
    """The session's client if its process runs."""
    client = session().client
    return client if client is not None and client.running else None


def end_worker() -> None:
    """End the generator's process, if it runs."""
    client = session().client
    if client is not None:
        client.close()


def _end_if_idle() -> float | None:
    """Timer: seconds until the next check, None if the process has ended."""
    current = session()
    client = current.client
    if client is None or client.close_if_idle(current_preferences(bpy.context).idle_seconds):
        # Who comes back to the tab draws it, and the generator is ready again when the prompt is typed.
        current.warmed = False
        return None
    return IDLE_INTERVAL
