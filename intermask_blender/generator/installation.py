"""Installing the runtime: pip, run by Blender's own Python, into a folder of the add-on's own.

What pip has fetched whole stays in a folder beside it until all is installed, so that a second try goes on where the
first one stopped. The runtime appears under its name only when it is whole and has been seen to work.
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
    """One of the builds in which PyTorch is published.

    Attributes:
        index: its package index.
        space: bytes that download and installation take, generously.
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
"""After PyTorch's CUDA support matrix (its RELEASE.md, and its issues 172663 and 190385). Apple's computers take the
usual index."""

RAW_PROGRESS = (24, 1)
"""First version of pip that reports progress in numbers."""


@dataclass(frozen=True)
class Plan:
    """What is to be installed, and with what.

    Attributes:
        root: the add-on's folder for the runtime and everything that installing it needs.
        found: what Blender's own Python has already, which is not installed again.
        python, arguments: Blender's own Python.
        pip: how pip is run.
        index: options for pip that say where PyTorch is.
        options: more options for pip.
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
        """Where the runtime is when it is whole."""
        return self.root / "packages"

    @property
    def log(self) -> Path:
        """What pip said."""
        return self.root / "install.log"


def index_options(accelerator: str, platform: str) -> tuple[str, ...]:
    """Options of pip that select a build of PyTorch.

    Args:
        accelerator: a key of ``BUILDS``.
        platform: as in ``sys.platform``.
    """
    return () if platform == "darwin" else ("--index-url", BUILDS[accelerator].index)


def remove(root: Path) -> None:
    """Take the runtime away with everything that belongs to it.

    Raises:
        UserError: a file is in use or may not be deleted.
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
        factor: share of the current download, 0 to 1.
        failure: one sentence where it failed or was cancelled.
        sentence: what was installed, once it is.
        done: whether there is nothing more to come.
    """

    plan: Plan
    text: str = field(default=tr_noop("Starting pip"), init=False)
    factor: float = field(default=0.0, init=False)
    failure: str = field(default="", init=False)
    sentence: str = field(default="", init=False)
    done: bool = field(default=False, init=False)
    _child: Child | None = field(default=None, init=False)
    _check: Inspection | None = field(default=None, init=False)
    _fault: str = field(default="", init=False)
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
            for scrap in (self._part, self._temporary):
                shutil.rmtree(scrap, ignore_errors=True)
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
        """Take what has arrived, and begin the next step where one has ended."""
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
        """Wait until it is done: for background mode, where there is no event loop."""
        while not self.done:
            self.poll()
            pause()

    def cancel(self) -> None:
        """Stop; what has been fetched is kept for another try."""
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
            self._understand(line)
        if child.code is None:
            return
        if child.code != 0:
            because = f" ({self._fault[:300]})" if self._fault else ""
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

    def _understand(self, line: str) -> None:
        """What a line of pip's means to the person who waits."""
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
            self._fault = line.removeprefix("ERROR:").strip()

    def _finish(self, check: Inspection) -> None:
        """Write what was installed, give the runtime its name, and clear up."""
        if check.failure:
            raise UserError(check.failure)
        marker = {"python": python_tag(), "versions": check.answer["versions"]}
        (self._part / MARKER).write_text(json.dumps(marker, indent=1), encoding="utf-8")
        replace_folder(self._part, self.plan.folder)
        shutil.rmtree(self._temporary, ignore_errors=True)
        shutil.rmtree(_fetched(self.plan), ignore_errors=True)
        self.sentence, self.done = check.sentence, True

    def _fail(self, sentence: str) -> None:
        if self._child is not None:
            self._child.end()
        if self._check is not None and not self._check.done:
            self._check.cancel()
        for scrap in (self._part, self._temporary):
            shutil.rmtree(scrap, ignore_errors=True)
        self.failure, self.done = sentence, True


def _pip_steps(plan: Plan) -> list[list[str]]:
    """One call of pip for what is installed with its dependencies, one for the rest."""
    common = [
        *plan.pip.command,
        *("install", "--target", str(plan.root / "packages.part"), "--cache-dir", str(_fetched(plan))),
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


def _fetched(plan: Plan) -> Path:
    return plan.root / "fetched"
