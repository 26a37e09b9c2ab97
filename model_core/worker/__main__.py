"""``python -m model_core.worker``: the worker on this process's pipes."""

from __future__ import annotations

import sys

from .server import main

if __name__ == "__main__":
    sys.exit(main())
