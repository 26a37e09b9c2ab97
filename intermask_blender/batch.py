"""The script of ``blender -b --python intermask_blender/batch.py -- ARGS``; what it runs is the package ``batch``."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

if __name__ == "__main__":
    # Run by its path it is not part of a package. Fetch the package from the enabled extension, whose preferences
    # hold then, else from a package made around the folder it lies in.
    here = Path(__file__).resolve().parent
    starts = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    package = next((name for name, file in starts.items() if file and Path(file) == here / "__init__.py"), "")
    if not package:
        around = ModuleType("intermask_files")
        around.__path__ = [str(here.parent)]
        sys.modules[around.__name__] = around
        package = f"{around.__name__}.{here.name}"
    import_module(f"{package}.batch.__main__").main_in_blender()
