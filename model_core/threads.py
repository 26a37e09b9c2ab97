"""How idle threads of torch wait: asleep, so that a busy machine is not slowed down by threads that only wait."""

from __future__ import annotations

import os

_POLICY = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}
"""The variables of OpenMP, of GNU's library (Linux) and of LLVM's and Intel's (macOS, Windows).

By default a thread that waits for the others keeps its core busy. If another program needs that core, the thread that
all wait for does not run, and each of the thousands of short parallel steps of a generation takes a time slice of the
system instead of microseconds.
"""


def let_idle_threads_sleep() -> None:
    """Set the policy for this process; call it before numpy and torch are imported, which read it once.

    A user who has set one of the variables has chosen a policy, and keeps it.
    """
    if not any(name in os.environ for name in _POLICY):
        os.environ.update(_POLICY)
