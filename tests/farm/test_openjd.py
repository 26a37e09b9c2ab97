"""The Open Job Description template, checked and run by the openjd command."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from farm_runs import BAD, farm_environment, files_in, good, outcomes, whole_rows, write_jobs
from repository import REPOSITORY

TEMPLATE = REPOSITORY / "farm" / "openjd" / "intermask.yaml"
OPENJD = shutil.which("openjd", path=str(Path(sys.executable).parent)) or shutil.which("openjd")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(OPENJD is None, reason="needs pip install openjd-cli")]


def openjd(*arguments: str) -> str:
    """Run the command; what it says."""
    done = subprocess.run(
        [str(OPENJD), *arguments], env=farm_environment(), capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_template_is_valid_and_makes_all_rows_and_one_report(model: Path, tmp_path: Path) -> None:
    assert "passes validation" in openjd("check", str(TEMPLATE))
    jobs, out = write_jobs(tmp_path / "jobs.csv", *good("a", "b", "c"), BAD), tmp_path / "out"
    out.mkdir()
    values = {"Jobs": jobs, "Output": out, "Render": "none", "Chunks": 2, "Model": model, "Python": sys.executable}
    parameters = [word for name, value in values.items() for word in ("-p", f"{name}={value}")]
    output = openjd("run", str(TEMPLATE), *parameters, "--step", "Join", "--run-dependencies")
    assert "3 of 4 done" in output and "failed before: The prompt is empty" in output
    assert outcomes(out) == {"a": "skipped", "b": "skipped", "c": "skipped", "bad": "failed"}
    assert whole_rows("a", "b", "c") <= files_in(out) and not list(out.glob(".*"))
    assert len(list(out.glob("report-*-of-2.csv"))) == 2
