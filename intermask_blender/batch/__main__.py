"""``python -m intermask_blender.batch``: run a batch, with Blender as a module or in ``blender -b``."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import NoReturn

from ..core import UserError
from .console import Console
from .options import Options, parse
from .signals import INTERRUPTED, INTERRUPTED_CODE, Stop

BLENDER_BY_PYTHON = {"3.11": "bpy 5.0", "3.13": "bpy 5.2 LTS"}
"""The newest Blender module for each Python, as in pyproject.toml."""


def main(arguments: Sequence[str]) -> int:
    """Run the jobs; the exit code."""
    try:
        require_blender()
        options = parse(arguments)
    except UserError as error:
        print(f"intermask: {error}", file=sys.stderr)
        return 2
    try:
        temporary = tempfile.TemporaryDirectory(prefix="intermask-")
    except OSError as error:
        print(f"intermask: No temporary folder can be made: {error.strerror}; free some space.", file=sys.stderr)
        return 1
    with temporary as folder:
        log = options.log or Path(folder) / "messages.log"
        console = Console(log, options.verbose)
        code = _run(options, console, Path(folder))
        if console.noted and options.log is None and log.exists():
            kept = _kept_log(log)
            console.warn(f"intermask: details of what failed are in {kept}.")
        return code


def _run(options: Options, console: Console, folder: Path) -> int:
    """Run the jobs, with temporary files in ``folder``; the exit code."""
    import bpy

    from ..generator.client import WorkerClient
    from ..ui.preferences import current_runtime
    from .clip import BatchContext
    from .pulse import pulse
    from .run import Run
    from .understood import show_understood

    stop = Stop(lambda: console.error_descriptor)
    blend = bpy.data.filepath
    client = WorkerClient(options.python or current_runtime(bpy.context), folder / "generator.log", options.device)
    remove_folder = partial(shutil.rmtree, folder, ignore_errors=True)
    remove_session = partial(shutil.rmtree, bpy.app.tempdir, ignore_errors=True)
    with stop.listening(), stop.clean_up(remove_session), stop.clean_up(remove_folder), stop.clean_up(client.close):
        try:
            if options.log is not None:
                _check_writable(options.log)
            context = BatchContext(options, client, blend, stop, console)
            if options.understood:
                failures = show_understood(context)
            elif options.ray is not None:
                from .ray_run import RayRun  # Ray is an extra

                failures = RayRun(context).run()
            else:
                with pulse(console) if options.farm else nullcontext():
                    failures = Run(context).run()
        except UserError as error:
            console.warn(f"intermask: {error}")
            return 1
        except KeyboardInterrupt:
            console.warn(INTERRUPTED)
            return INTERRUPTED_CODE
        finally:
            client.close()
            _note_tracebacks(client.log, console)
    return 1 if failures and not options.farm else 0


def _note_tracebacks(log: Path, console: Console) -> None:
    """Copy the generator's log, which is temporary, to the batch's log if it holds a traceback."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    if "Traceback" in text:
        console.note(text)


def _check_writable(log: Path) -> None:
    """Begin an empty log.

    Raises:
        UserError: it cannot be written.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"")
    except OSError as error:
        raise UserError(f"Cannot write the log {log}: {error.strerror}; choose another file.") from error


def _kept_log(log: Path) -> Path:
    """A copy of the log that outlives the run."""
    handle, name = tempfile.mkstemp(prefix="intermask-batch-", suffix=".log")
    os.close(handle)
    shutil.copyfile(log, name)
    return Path(name)


def require_blender(version: str = f"{sys.version_info.major}.{sys.version_info.minor}") -> None:
    """Check that Blender is installed as a module.

    Args:
        version: of this Python, as in "3.11".

    Raises:
        UserError: it is not; the message names the Pythons for which it exists.
    """
    try:
        import bpy  # noqa: F401
    except ImportError as error:
        if version in BLENDER_BY_PYTHON:
            raise UserError(f"Blender's Python module is missing ({error}); pip install -e '.[blender]'.") from error
        supported = " or ".join(f"{python} ({blender})" for python, blender in BLENDER_BY_PYTHON.items())
        raise UserError(
            f"Blender's Python module is not made for Python {version}: make an environment for Python {supported}, "
            "or run this in Blender: blender -b --python intermask_blender/batch.py."
        ) from error


def main_in_blender() -> NoReturn:
    """Run with the arguments after ``--`` and end Blender."""
    arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    _leave(main(arguments))


def _leave(code: int) -> NoReturn:
    """End the process at once: as a module, Blender can hang in its own clean-up at exit."""
    import bpy

    shutil.rmtree(bpy.app.tempdir, ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main(sys.argv[1:]))
