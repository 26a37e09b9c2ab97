"""Runtimes, the Pythons that have PyTorch: Blender's own, with an installation of the add-on, or one of the user's.

A runtime is found by its files: nothing is imported and no process is started. ``Inspection`` tests a runtime in a
child process. The generator's process searches the folder of ``model_core``, the runtime's ``first`` folders, the
interpreter's own, and the runtime's ``last`` folders. They are passed as an argument, since Blender's Python runs
isolated and ignores PYTHONPATH.
"""

from __future__ import annotations

import importlib.machinery
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core import UserError
from ..translations import tr, tr_noop
from .child import Child, pause

BLENDER, INSTALLED, NAMED = "BLENDER", "INSTALLED", "NAMED"

NOT_FOUND = tr_noop(
    "PyTorch, which generates the motion, was not found; press Install PyTorch in the add-on's preferences, "
    "or name a Python that has it there."
)

MARKER = "intermask-runtime.json"
"""File in a complete runtime with the versions of its Python and packages."""

SEARCH_PATH_LINE = "import json, sys; first, last = json.loads(sys.argv[1]); sys.path[:0] = first; sys.path += last\n"
"""First line of every script that a runtime runs."""

INSPECTION_SCRIPT = (
    SEARCH_PATH_LINE
    + """
answer = {"python": ".".join(map(str, sys.version_info[:3])), "versions": {}, "devices": [], "errors": {}, "broken": {}}
for name in sys.argv[2].split():
    try:
        answer["versions"][name] = str(__import__(name).__version__)
    except Exception as error:
        answer["errors"][name] = f"{type(error).__name__}: {error}"
if "torch" in answer["versions"]:
    import torch
    places = {f"cuda:{i}": torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())}
    mps = getattr(torch.backends, "mps", None)
    places |= {"mps": "Apple GPU"} if mps and mps.is_available() else {}
    for place, name in {"cpu": "CPU", **places}.items():
        # A build without kernels for a graphics card still lists it; only a computation fails.
        try:
            ones = torch.ones(64, 64, device=place, dtype=torch.float32 if place == "cpu" else torch.float16)
            mean = float((ones @ ones).mean())
            if mean != 64:
                raise RuntimeError(f"it computed {mean:g} instead of 64")
        except Exception as error:
            answer["broken"][name] = (str(error).strip() or type(error).__name__).splitlines()[0]
        else:
            answer["devices"] += [name] if place != "cpu" else []
print("ANSWER " + json.dumps(answer), flush=True)
"""
)


@dataclass(frozen=True)
class Package:
    """A package that the generator imports.

    Attributes:
        name: for ``import`` and in messages.
        requirement: for pip.
        with_dependencies: whether pip installs its dependencies too.
    """

    name: str
    requirement: str
    with_dependencies: bool = True


PACKAGES = (
    Package("torch", "torch>=2.2"),
    Package("numpy", "numpy>=1.26"),
    Package("safetensors", "safetensors>=0.4", False),
    # Its dependencies are for downloads, which the add-on never makes.
    Package("tokenizers", "tokenizers>=0.19", False),
)


@dataclass(frozen=True)
class Runtime:
    """An interpreter and the folders in which it finds what the generator needs.

    Attributes:
        source: ``BLENDER``, ``INSTALLED`` or ``NAMED``.
        python: the interpreter.
        arguments: options of the interpreter.
        first, last: folders that are searched before and after the interpreter's own.
        version: of PyTorch; empty if only a test would find it.
    """

    source: str
    python: Path
    arguments: tuple[str, ...] = ()
    first: tuple[Path, ...] = ()
    last: tuple[Path, ...] = ()
    version: str = ""

    def command(self, script: str, *arguments: str, first: Sequence[Path] = ()) -> list[str]:
        """The command line that runs a script.

        Args:
            script: Python code that starts with ``SEARCH_PATH_LINE``.
            arguments: of the script, from ``sys.argv[2]`` on.
            first: folders to search before all others.
        """
        folders = [str(folder) for folder in (*first, *self.first)], [str(folder) for folder in self.last]
        return [str(self.python), *self.arguments, "-c", script, json.dumps(folders), *arguments]


@dataclass(frozen=True)
class Found:
    """The packages that Blender's own Python has.

    Attributes:
        folders: the folder of each package that was found.
        missing: the other packages.
        version: of the first package, empty if it is missing.
    """

    folders: dict[str, Path]
    missing: tuple[Package, ...]
    version: str

    @property
    def searched(self) -> tuple[Path, ...]:
        """The folders, each once."""
        return tuple(dict.fromkeys(self.folders.values()))


def find_packages(paths: Sequence[str] | None = None, packages: Sequence[Package] = PACKAGES) -> Found:
    """Find packages without importing them.

    Args:
        paths: folders to search; None means those of this Python.
        packages: to find.
    """
    searched = [path for path in (sys.path if paths is None else paths) if path]
    folders = {}
    for package in packages:
        spec = importlib.machinery.PathFinder.find_spec(package.name, searched)
        if spec is not None and spec.origin:
            folders[package.name] = Path(spec.origin).parent.parent
    missing = tuple(package for package in packages if package.name not in folders)
    holder = folders.get(packages[0].name)
    return Found(folders, missing, _version(packages[0].name, holder) if holder is not None else "")


def blender_runtime(found: Found, python: Path, arguments: tuple[str, ...]) -> Runtime | None:
    """Blender's own Python, if it has all packages.

    Args:
        found: its packages.
        python, arguments: its command line.
    """
    if found.missing:
        return None
    return Runtime(BLENDER, python, arguments, last=found.searched, version=found.version)


def installed_runtime(folder: Path, found: Found, python: Path, arguments: tuple[str, ...]) -> Runtime | None:
    """The runtime that the add-on installed for Blender's own Python, if it is complete and for this version of it.

    Args:
        folder: of the runtime.
        found: the packages of Blender's own Python.
        python, arguments: its command line.
    """
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        versions = marker["versions"]
        if marker["python"] != python_tag() or any(package.name not in versions for package in found.missing):
            return None
        version = str(versions.get(PACKAGES[0].name) or found.version)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Runtime(INSTALLED, python, arguments, (folder,), found.searched, version)


def installed_stamp(folder: Path) -> int:
    """When a runtime was installed into a folder, in nanoseconds; 0 if there is none."""
    try:
        return (folder / MARKER).stat().st_mtime_ns
    except OSError:
        return 0


def named_runtime(python: Path, found: Found) -> Runtime | None:
    """The Python that the user names, if the file exists.

    It may use the wheels of the extension, which are for every Python, but not the other packages of Blender.

    Args:
        python: the interpreter.
        found: the packages of Blender's own Python.
    """
    if not python.is_file():
        return None
    bundled = [found.folders[name] for name in ("safetensors", "tokenizers") if name in found.folders]
    wheels = tuple(dict.fromkeys(folder for folder in bundled if ".local" in folder.parts))
    return Runtime(NAMED, python, last=wheels)


def default_python() -> Path:
    """The interpreter named by the variable INTERMASK_PYTHON, otherwise the one that runs this code."""
    return Path(os.environ.get("INTERMASK_PYTHON") or sys.executable)


def python_tag() -> str:
    """The version of this Python that compiled packages depend on, such as 3.11."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


@dataclass(frozen=True)
class Pip:
    """A pip.

    Attributes:
        command: its command line.
        version: its first two numbers.
    """

    command: tuple[str, ...]
    version: tuple[int, int]


def find_pip(python: Path, arguments: tuple[str, ...], paths: Sequence[str] | None = None) -> Pip:
    """The pip of Blender's own Python, otherwise the one bundled with ``ensurepip``.

    Args:
        python, arguments: command line of Blender's own Python.
        paths: folders to search; None means those of this Python.

    Raises:
        UserError: there is none.
    """
    searched = [path for path in (sys.path if paths is None else paths) if path]
    find = importlib.machinery.PathFinder.find_spec
    spec = find("pip", searched)
    if spec is not None and spec.origin:
        version = _version("pip", Path(spec.origin).parent.parent)
        return Pip((str(python), *arguments, "-m", "pip"), _numbers(version))
    spec = find("ensurepip", searched)
    bundled = sorted((Path(spec.origin).parent / "_bundled").glob("pip-*.whl")) if spec and spec.origin else []
    if not bundled:
        raise UserError(
            tr(
                "This Blender's Python has no pip, so nothing can be installed with it; name another "
                "Python that has PyTorch and press Use This Python."
            )
        )
    return Pip((str(python), *arguments, str(bundled[-1] / "pip")), _numbers(bundled[-1].name.split("-")[1]))


@dataclass
class Inspection:
    """A test of whether an interpreter can run the generator. Call ``start``, then ``poll`` until ``done``.

    Attributes:
        runtime: the interpreter.
        packages: that it must be able to import.
        device: that the user chose; with the CPU, a GPU that does not work is no error.
        answer: its versions, its devices that work, and the errors of the packages that cannot be loaded.
        text: the current stage, in a line.
        factor: fraction that is done; always 0, since it is unknown.
        error: one sentence if it cannot be used, else empty.
        done: whether it has ended.
    """

    runtime: Runtime
    packages: tuple[Package, ...] = PACKAGES
    device: str = "auto"
    answer: dict[str, Any] = field(default_factory=dict, init=False)
    error: str = field(default="", init=False)
    text: str = field(default=tr_noop("Testing the Python"), init=False)
    factor: float = field(default=0.0, init=False)
    done: bool = field(default=False, init=False)
    _last: str = field(default="", init=False)
    _child: Child | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the interpreter.

        Raises:
            UserError: the interpreter cannot be started.
        """
        names = " ".join(package.name for package in self.packages)
        self._child = Child(self.runtime.command(INSPECTION_SCRIPT, names))
        self._child.start()

    def poll(self) -> None:
        """Read what has arrived; never blocks."""
        if self._child is None:
            return
        for line in self._child.new_lines():
            self._last = line
            if line.startswith("ANSWER "):
                self.answer = json.loads(line.removeprefix("ANSWER "))
        if self._child.code is not None and not self.done:
            self.done = True
            self.error = self._find_error()

    def wait(self) -> None:
        """Block until the answer is there: for background mode, which has no event loop."""
        while not self.done:
            self.poll()
            pause()

    def cancel(self) -> None:
        """Stop the test."""
        if self._child is not None:
            self._child.end()
        self.error = self.error or tr_noop("The test was cancelled.")
        self.done = True

    @property
    def sentence(self) -> str:
        """The versions and the devices that work, in a line."""
        first = self.packages[0].name
        title = "PyTorch" if first == "torch" else first
        devices = ", ".join(self.answer.get("devices") or ["CPU"])
        return f"{title} {self.answer['versions'][first]}, Python {self.answer['python']}, {devices}"

    def _find_error(self) -> str:
        python = self.runtime.python
        if not self.answer:
            said = f" ({self._last[:200]})" if self._last else ""
            return tr("{python} is not a working Python{said}; choose a Python executable.").format(
                python=python, said=said
            )
        errors = self.answer["errors"]
        if not errors:
            return self._broken_device()
        name, cause = next(iter(errors.items()))
        if all(error.startswith("ModuleNotFoundError") for error in errors.values()):
            return tr("{python} lacks {packages}; install it there with pip, or press Install PyTorch.").format(
                python=python, packages=", ".join(errors)
            )
        return tr("{python} cannot load {name} ({cause}); reinstall it there, or choose another Python.").format(
            python=python, name=name, cause=cause[:200]
        )

    def _broken_device(self) -> str:
        """The error of a device that cannot compute, empty if all that may be used can."""
        for name, cause in self.answer["broken"].items():
            if name == "CPU":
                template = tr("PyTorch {version} cannot compute on this CPU ({cause}); install another version of it.")
            elif self.device.startswith("cpu"):
                continue
            else:
                template = tr(
                    "PyTorch {version} cannot compute on {name} ({cause}); press Install PyTorch with the other NVIDIA "
                    "entry as Install For, update the driver, or set Device to CPU."
                )
            version = self.answer["versions"]["torch"]
            return template.format(version=version, name=name, cause=cause[:200])
        return ""


def _version(name: str, folder: Path) -> str:
    import importlib.metadata  # importing it takes a tenth of the time in which the add-on is enabled

    for distribution in importlib.metadata.distributions(name=name, path=[str(folder)]):
        return distribution.version
    return "of unknown version"


def _numbers(version: str) -> tuple[int, int]:
    major, minor, *_ = [int(part) for part in re.findall(r"\d+", version)] + [0, 0]
    return major, minor
