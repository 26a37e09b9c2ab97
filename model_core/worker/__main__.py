"""``python -m model_core.worker``: the worker on this process's pipes."""

from __future__ import annotations

import sys

from ..threads import let_idle_threads_sleep


def main() -> int:
    """Run the worker; returns its exit code."""
    let_idle_threads_sleep()
    from .server import main as serve

    return serve()


if __name__ == "__main__":
    sys.exit(main())
