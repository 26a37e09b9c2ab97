"""Batches as farms run them: job files, the environment of their commands, and their reports."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from repository import REPOSITORY


def farm_environment() -> dict[str, str]:
    """The environment of a worker's commands, with one thread each."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}


def write_jobs(path: Path, *rows: str) -> Path:
    """Write a job file of rows ``name,prompt,seconds,seed``."""
    path.write_text("name,prompt,seconds,seed\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def good(*names: str) -> list[str]:
    """Short rows that succeed."""
    return [f"{name},they hug,0.6,{number}" for number, name in enumerate(names)]


BAD = "bad,,0.6,1"
"""A row without a prompt."""


def outcomes(out: Path, name: str = "report") -> dict[str, str]:
    """The outcome of each row of a report, by name."""
    with (out / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: row["outcome"] for row in csv.DictReader(file)}


def files_in(out: Path) -> set[str]:
    """All files below a folder, hidden ones too."""
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}


def whole_rows(*names: str) -> set[str]:
    """All files of finished rows that are not rendered."""
    ends = (".blend", ".npz", "_1.bvh", "_2.bvh")
    own = {f"{name}{end}" for name in names for end in ends}
    return own | {f"pictures/{name}.{kind}" for name in names for kind in ("png", "js")}
