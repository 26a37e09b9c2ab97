"""The Flamenco job type, run in node with the manager's globals alone; its commands are run for real."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from farm_runs import BAD, farm_environment, files_in, good, outcomes, whole_rows, write_jobs
from repository import REPOSITORY

SCRIPT = REPOSITORY / "farm" / "flamenco" / "intermask.js"

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")


def compiled(settings: dict[str, Any]) -> dict[str, Any]:
    """The tasks of a job, and the job type."""
    command = ["node", str(Path(__file__).with_name("compile_job.js")), str(SCRIPT), json.dumps(settings)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def settings_of(jobs: Path, **changed: object) -> dict[str, object]:
    defaults = {"render": "none", "engine": "workbench", "chunk": 2, "model": "", "python": "python3", "more": ""}
    return {"jobs": str(jobs), "output": str(jobs.parent / "out"), "rows": 5, **defaults, **changed}


def test_the_submitter_counts_rows_and_each_chunk_becomes_a_task(tmp_path: Path) -> None:
    jobs = write_jobs(tmp_path / "jobs.csv", *good("a", "b", "c"), "")
    job_type = compiled(settings_of(jobs))["jobType"]
    settings = {setting["key"]: setting for setting in job_type["settings"]}
    assert settings.keys() == settings_of(jobs).keys()
    types = {"string": str, "int32": int}
    for setting in settings.values():
        assert isinstance(setting.get("default", types[setting["type"]]()), types[setting["type"]])

    class Submitted:
        jobs = str(tmp_path / "jobs.csv")

    rows = eval(settings["rows"]["eval"], {"abspath": str, "settings": Submitted})
    assert rows == 4, "three rows and the line with the columns"
    tasks = compiled(settings_of(jobs, rows=rows, chunk=3))["tasks"]
    assert [task["name"] for task in tasks] == ["rows-1-of-2", "rows-2-of-2", "join"]
    assert tasks[-1]["dependencies"] == ["rows-1-of-2", "rows-2-of-2"]
    assert [task["name"] for task in compiled(settings_of(jobs, rows=0))["tasks"]] == ["rows-1-of-1", "join"]


@pytest.mark.slow
def test_its_commands_make_all_rows_and_one_report(model: Path, tmp_path: Path) -> None:
    jobs, out = write_jobs(tmp_path / "jobs.csv", *good("a", "b", "c"), BAD), tmp_path / "out"
    settings = settings_of(jobs, rows=5, chunk=2, model=str(model), python=sys.executable, more=" --fps  24 ")
    for task in compiled(settings)["tasks"]:
        (command,) = task["commands"]
        assert command["name"] == "exec"
        parameters = command["parameters"]
        done = subprocess.run(
            [parameters["exe"], *parameters["args"]],
            env=farm_environment(),
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert outcomes(out) == {"a": "skipped", "b": "skipped", "c": "skipped", "bad": "failed"}
    assert whole_rows("a", "b", "c") <= files_in(out) and not list(out.glob(".*"))
    assert len(list(out.glob("report-*-of-3.csv"))) == 3
