"""What goes into the extension's zip, and writing it so that the same files always give the same bytes.

The zip without a platform is pure Python and serves every Blender; ``safetensors`` and ``tokenizers`` then come with
PyTorch when the user installs the runtime. A zip for one platform carries these two as wheels: with it, a Blender or a
Python that has PyTorch needs nothing more and no network. PyTorch is never in a zip (hundreds of megabytes, and one
build for each kind of graphics card), nor is numpy (Blender has its own; another one would break other add-ons).
"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

FOLDERS = ("intermask_blender", "model_core", "assets")
FILES = ("LICENSE", "README.md")
LEFT_OUT = ("__pycache__", ".DS_Store", "Thumbs.db")
RESEARCH = ("assets/evaluation/", "assets/words/")
"""What only measures or trains models: it is not used in Blender."""

PLATFORMS = {
    "linux-x64": "manylinux2014_x86_64",
    "macos-arm64": "macosx_11_0_arm64",
    "macos-x64": "macosx_10_12_x86_64",
    "windows-arm64": "win_arm64",
    "windows-x64": "win_amd64",
}
"""Blender's names of platforms and pip's."""

PYTHONS = ("3.11", "3.13")
"""The Pythons of Blender 4.2 to 5.0 and of 5.1 and later."""

ROOT_MODULE = '''"""The extension's package: both floors lie inside it."""

from .intermask_blender import register, unregister

__all__ = ["register", "unregister"]
'''

PACKED = (".safetensors", ".npz", ".gz", ".whl", ".png")
"""Files that hardly shrink: they are stored as they are, which is many times faster to build and to install."""

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: a zip knows none before it."""


class BuildError(Exception):
    """One sentence: why the zip cannot be built."""


@dataclass(frozen=True)
class Entry:
    """One file of the zip.

    Attributes:
        name: its path inside, with forward slashes.
        data: what it holds.
    """

    name: str
    data: bytes


def entries(platform: str | None, wheels: list[Path]) -> list[Entry]:
    """Everything that the zip holds, in the order of the names.

    Args:
        platform: Blender's name of the one platform that it is for; None means all.
        wheels: files to put into ``wheels/``.
    """
    files = {file: REPOSITORY / file for file in FILES if (REPOSITORY / file).is_file()}
    named = ((path.relative_to(REPOSITORY).as_posix(), path) for path in _below(FOLDERS))
    files |= {name: path for name, path in named if not name.startswith(RESEARCH)}
    files |= {f"wheels/{wheel.name}": wheel for wheel in wheels}
    found = [Entry(name, path.read_bytes()) for name, path in files.items()]
    found.append(Entry("__init__.py", ROOT_MODULE.encode()))
    found.append(Entry("blender_manifest.toml", manifest(platform, wheels).encode()))
    return sorted(found, key=lambda entry: entry.name)


def manifest(platform: str | None, wheels: list[Path]) -> str:
    """The manifest of the repository, with the platform and the wheels of this zip; without what only a build needs."""
    text = (REPOSITORY / "blender_manifest.toml").read_text(encoding="utf-8")
    head, _, tables = text.partition("\n[")
    lines = [head.rstrip()]
    if platform is not None:
        lines.append(f'platforms = ["{platform}"]')
    if wheels:
        names = ", ".join(f'"./wheels/{wheel.name}"' for wheel in sorted(wheels))
        lines.append(f"wheels = [{names}]")
    kept = [
        table for table in f"\n[{tables}".split("\n\n") if table.strip() and not table.strip().startswith("[build]")
    ]
    return "\n".join(lines) + "\n\n" + "\n\n".join(table.strip() for table in kept) + "\n"


def version() -> str:
    """The extension's version."""
    text = (REPOSITORY / "blender_manifest.toml").read_text(encoding="utf-8")
    match = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
    if match is None:
        raise BuildError("blender_manifest.toml names no version; add one.")
    return match[1]


def fetch_wheels(platform: str, folder: Path) -> list[Path]:
    """Download the pinned wheels for a platform.

    Raises:
        BuildError: they cannot be had, or are not the pinned ones.
    """
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
        *("--require-hashes", "--only-binary", ":all:", "--implementation", "cp", "--abi", "abi3"),
        *("--python-version", PYTHONS[0], "--platform", PLATFORMS[platform]),
        *("--dest", str(folder), "--requirement", str(REPOSITORY / "tools" / "wheels.txt")),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), done.stderr.strip())
        raise BuildError(f"The wheels for {platform} cannot be downloaded ({said}); look at the network.")
    return sorted(folder.glob("*.whl"))


def check_wheel(name: str, python: str) -> str:
    """Why a wheel may not be in the zip, empty where it may.

    Args:
        name: its file's name.
        python: the Python that must be able to load it.
    """
    parts = name.removesuffix(".whl").split("-")
    if len(parts) < 5:
        return f"{name} is not named as wheels are"
    package, tag, abi = parts[0].lower(), parts[-3], parts[-2]
    if package in ("numpy", "torch"):
        return f"{name} would replace what Blender or the runtime has; leave it out"
    if abi not in ("abi3", "none"):
        return f"{name} is for one Python only; take a stable-ABI or pure one"
    match = re.fullmatch(r"cp3(\d+)", tag)
    if match and int(match[1]) > int(python.split(".")[1]):
        return f"{name} needs a later Python than {python}"
    return ""


def write_archive(contents: list[Entry], path: Path) -> None:
    """Write the zip whole: sorted, one time for all, no trace of the system that it is built on."""
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for entry in contents:
                info = zipfile.ZipInfo(entry.name, EARLIEST)
                info.create_system, info.external_attr = 3, 0o100644 << 16
                info.compress_type = zipfile.ZIP_STORED if entry.name.endswith(PACKED) else zipfile.ZIP_DEFLATED
                archive.writestr(info, entry.data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _below(folders: tuple[str, ...]) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((REPOSITORY / folder).rglob("*")):
            hidden = any(part in LEFT_OUT or part.startswith(".") for part in path.relative_to(REPOSITORY).parts)
            if path.is_file() and not hidden:
                yield path
