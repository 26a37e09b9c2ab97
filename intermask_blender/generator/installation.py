"""Installing PyTorch: Blender's own Python runs pip, which installs into a folder of the add-on.

Complete downloads are kept in a folder next to it until everything is installed, so that another attempt reuses them.
The runtime is renamed to its final name only after it has passed a test.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..core import UserError, replace_folder
from ..translations import tr, tr_noop
from .child import Child, pause
from .runtime import INSTALLED, MARKER, Found, Inspection, Package, Pip, Runtime, python_tag

CPU, CUDA, CUDA_OLDER = "CPU", "CUDA", "CUDA_OLDER"


@dataclass(frozen=True)
class Build:
    """A build of PyTorch.

    Attributes:
        index: its package index.
        space: upper bound of the bytes that download and installation take.
    """

    index: str
    space: int


BUILDS = {
    CPU: Build("https://download.pytorch.org/whl/cpu", 2 << 30),
    # Kernels from Turing (7.5) to Blackwell (12.0), in PyTorch 2.9 and later.
    CUDA: Build("https://download.pytorch.org/whl/cu130", 9 << 30),
    # Kernels from Maxwell (5.0) to Hopper (9.0), up to PyTorch 2.14.
    CUDA_OLDER: Build("https://download.pytorch.org/whl/cu126", 9 << 30),
}
"""After PyTorch's CUDA support matrix (its RELEASE.md, and its issues 172663 and 190385). macOS uses PyPI."""

RAW_PROGRESS = (24, 1)
"""First version of pip that reports progress in numbers."""


@dataclass(frozen=True)
class Plan:
    """What to install, and how.

    Attributes:
        root: the add-on's folder for the runtime, downloads and log.
        found: the packages of Blender's own Python, which are not installed again.
        python, arguments: command line of Blender's own Python.
        pip: the pip to run.
        index: options of pip that select PyTorch's package index.
        options: other options of pip.
        space: bytes that must be free.
    """

    root: Path
    found: Found
    python: Path
    arguments: tuple[str, ...]
    pip: Pip
    index: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    space: int = 0

    @property
    def folder(self) -> Path:
        """The folder of the complete runtime."""
        return self.root / "packages"

    @property
    def log(self) -> Path:
        """The file with the output of pip."""
        return self.root / "install.log"


def index_options(accelerator: str, platform: str) -> tuple[str, ...]:
    """Options of pip that select a build of PyTorch.

    Args:
        accelerator: a key of ``BUILDS``.
        platform: as in ``sys.platform``.
    """
    return () if platform == "darwin" else ("--index-url", BUILDS[accelerator].index)


def remove(root: Path) -> None:
    """Delete the runtime, its downloads and its log.

    Args:
        root: as in ``Plan``.

    Raises:
        UserError: a file is in use or cannot be deleted.
    """
    try:
        shutil.rmtree(root)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(
            tr("{path} cannot be deleted ({reason}); restart Blender and press Remove PyTorch again.").format(
                path=error.filename or root, reason=error.strerror
            )
        ) from error


@dataclass
class Installation:
    """An installation. Call ``start``, then ``poll`` until ``done``.

    Attributes:
        plan: what is installed.
        text: what happens now, in a line.
        factor: fraction of the current download, 0 to 1.
        error: one sentence if it failed or was cancelled, else empty.
        sentence: the result in a line, once it is done.
        done: whether it has ended.
    """

    plan: Plan
    text: str = field(default=tr_noop("Starting pip"), init=False)
    factor: float = field(default=0.0, init=False)
    error: str = field(default="", init=False)
    sentence: str = field(default="", init=False)
    done: bool = field(default=False, init=False)
    _child: Child | None = field(default=None, init=False)
    _check: Inspection | None = field(default=None, init=False)
    _pip_error: str = field(default="", init=False)
    _steps: list[list[str]] = field(default_factory=list, init=False)

    def start(self) -> None:
        """Make the folders and start the first step.

        Raises:
            UserError: nothing is missing, the disk is full, or the folder cannot be written.
        """
        plan = self.plan
        if not plan.found.missing:
            raise UserError(tr_noop("Blender's own Python has everything already; there is nothing to install."))
        self._steps = _pip_steps(plan)
        try:
            for leftover in (self._part, self._temporary):
                shutil.rmtree(leftover, ignore_errors=True)
            self._temporary.mkdir(parents=True)
            plan.log.write_text("", encoding="utf-8")
            free = shutil.disk_usage(plan.root).free
        except OSError as error:
            raise UserError(
                tr("{root} cannot be written ({reason}); check the folder's permissions.").format(
                    root=plan.root, reason=error.strerror
                )
            ) from error
        if free < plan.space:
            raise UserError(
                tr(
                    "The disk of {root} has {free:.1f} GB free and PyTorch takes {space:.1f} GB; free "
                    "some space and press Install PyTorch again."
                ).format(root=plan.root, free=free / 1e9, space=plan.space / 1e9)
            )
        self._next_step()

    @property
    def _part(self) -> Path:
        return self.plan.root / "packages.part"

    @property
    def _temporary(self) -> Path:
        return self.plan.root / "temporary"

    def poll(self) -> None:
        """Read what has arrived, and start the next step when one has ended; never blocks."""
        if self.done:
            return
        try:
            if self._check is not None:
                self._check.poll()
                if self._check.done:
                    self._finish(self._check)
            elif self._child is not None:
                self._listen(self._child)
        except OSError as error:
            self._fail(
                tr("PyTorch cannot be written ({reason}: {filename}); free space, or check the permissions.").format(
                    reason=error.strerror, filename=error.filename
                )
            )
        except UserError as error:
            self._fail(str(error))

    def wait(self) -> None:
        """Block until it is done: for background mode, which has no event loop."""
        while not self.done:
            self.poll()
            pause()

    def cancel(self) -> None:
        """Stop; complete downloads are kept."""
        if not self.done:
            self._fail(tr_noop("The installation was stopped; press Install PyTorch to continue."))

    def _next_step(self) -> None:
        variables = {name: str(self._temporary) for name in ("TMPDIR", "TEMP", "TMP")}
        self._child = Child(self._steps.pop(0), {**variables, "PYTHONUTF8": "1"})
        self._child.start()

    def _listen(self, child: Child) -> None:
        lines = child.new_lines()
        with self.plan.log.open("a", encoding="utf-8") as log:
            log.writelines(f"{line}\n" for line in lines if not line.startswith("Progress "))
        for line in lines:
            self._read_pip_line(line)
        if child.code is None:
            return
        if child.code != 0:
            because = f" ({self._pip_error[:300]})" if self._pip_error else ""
            self._fail(
                tr(
                    "pip could not install PyTorch{because}; press Install PyTorch to try again, its log is {log}."
                ).format(because=because, log=self.plan.log)
            )
        elif self._steps:
            self._next_step()
        else:
            self.text, self.factor = tr_noop("Testing PyTorch"), 1.0
            runtime = Runtime(INSTALLED, self.plan.python, self.plan.arguments, (self._part,), self.plan.found.searched)
            self._check = Inspection(runtime, self.plan.found.missing)
            self._check.start()

    def _read_pip_line(self, line: str) -> None:
        """Update progress and error from a line of pip's output."""
        if match := re.fullmatch(r"Progress (\d+) of (\d+)", line):
            done, total = int(match[1]), int(match[2])
            self.factor = done / total if total else 0.0
        elif match := re.match(r"Collecting ([\w.-]+)", line):
            self.text, self.factor = tr("Looking for {package}").format(package=match[1]), 0.0
        elif match := re.match(r"Downloading \S*?([\w.]+)-\d\S*(?: \((.+)\))?", line):
            size = f", {match[2]}" if match[2] else ""
            self.text, self.factor = tr("Fetching {package}").format(package=match[1] + size), 0.0
        elif line.startswith("Installing collected packages"):
            self.text, self.factor = tr_noop("Unpacking"), 1.0
        elif line.startswith("ERROR:"):
            self._pip_error = line.removeprefix("ERROR:").strip()

    def _finish(self, check: Inspection) -> None:
        """Write the marker, give the runtime its name, and delete the rest."""
        if check.error:
            raise UserError(check.error)
        marker = {"python": python_tag(), "versions": check.answer["versions"]}
        (self._part / MARKER).write_text(json.dumps(marker, indent=1), encoding="utf-8")
        replace_folder(self._part, self.plan.folder)
        shutil.rmtree(self._temporary, ignore_errors=True)
        shutil.rmtree(_download_cache(self.plan), ignore_errors=True)
        self.sentence, self.done = check.sentence, True

    def _fail(self, sentence: str) -> None:
        if self._child is not None:
            self._child.end()
        if self._check is not None and not self._check.done:
            self._check.cancel()
        for leftover in (self._part, self._temporary):
            shutil.rmtree(leftover, ignore_errors=True)
        self.error, self.done = sentence, True


def _pip_steps(plan: Plan) -> list[list[str]]:
    """Command lines: one for packages with their dependencies, one for the others."""
    common = [
        *plan.pip.command,
        *("install", "--target", str(plan.root / "packages.part"), "--cache-dir", str(_download_cache(plan))),
        *("--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--no-warn-conflicts"),
        *("--progress-bar", "raw" if plan.pip.version >= RAW_PROGRESS else "off"),
        *plan.options,
    ]

    def step(packages: Sequence[Package], *options: str) -> list[list[str]]:
        return [[*common, *options, *(package.requirement for package in packages)]] if packages else []

    missing = plan.found.missing
    return [
        *step([package for package in missing if package.with_dependencies], *plan.index),
        *step([package for package in missing if not package.with_dependencies], "--no-deps"),
    ]


def _download_cache(plan: Plan) -> Path:
    return plan.root / "fetched"
