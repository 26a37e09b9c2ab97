"""What a farm needs of a batch: exit codes that blame the right one, joining, marks, and workers that meet."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import pytest
from farm_runs import BAD, farm_environment, good, outcomes, write_jobs

from intermask_blender.batch import row_maker
from intermask_blender.batch.__main__ import main

assert blender_scene


def stamps(out: Path) -> dict[str, int]:
    return {path.stem: path.stat().st_mtime_ns for path in out.glob("*.npz")}


@pytest.mark.slow
def test_a_bad_row_does_not_fail_a_farms_task_but_a_machine_or_a_model_that_makes_none_does(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs, out = write_jobs(tmp_path / "jobs.csv", BAD, "long,they hug,10000,1", *good("a")), tmp_path / "out"
    arguments = ["--jobs", str(jobs), "--out", str(out), "--render", "none", "--farm"]
    assert main([*arguments, "--model", str(model), "--python", str(tmp_path / "no python")]) == 1
    assert "no python cannot be started" in capsys.readouterr().err
    damaged = tmp_path / "damaged"
    shutil.copytree(model, damaged)
    (damaged / "transformer.safetensors").write_bytes(b"cut")
    assert main([*arguments, "--model", str(damaged)]) == 1
    assert "transformer.safetensors" in capsys.readouterr().err
    assert not list(out.glob("records/*")), "another machine may be able to make the rows"

    assert main([*arguments, "--model", str(model)]) == 0
    assert outcomes(out) == {"bad": "failed", "long": "failed", "a": "made"}
    assert "10000 seconds" in json.loads((out / "records" / "long.json").read_text())["error"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_row_on_a_full_disk_is_left_to_another_machine(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs, out = write_jobs(tmp_path / "jobs.csv", *good("a", "b")), tmp_path / "out"
    out.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80k", "tmpfs", str(out)], capture_output=True).returncode:
        pytest.skip("this machine mounts nothing")
    try:
        arguments = ["--jobs", str(jobs), "--model", str(model), "--out", str(out), "--render", "none", "--farm"]
        assert main(arguments) == 1
        message = capsys.readouterr().err
        assert str(out) in message and ("No space left" in message or "is full" in message)
        assert not list(out.glob("records/*.json")) and not list(out.glob(".making*")) and not list(out.glob("*.blend"))
        subprocess.run(["mount", "-o", "remount,size=64m", str(out)], check=True)
        assert main(arguments) == 0
        assert outcomes(out) == {"a": "made", "b": "made"}
    finally:
        subprocess.run(["umount", str(out)], check=True)


@pytest.mark.slow
def test_rows_of_a_job_file_that_changes_between_two_chunks_are_all_made_once(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, out = good("a", "b", "c", "d"), tmp_path / "out"
    jobs = write_jobs(tmp_path / "jobs.csv", *before)
    arguments = ["--jobs", str(jobs), "--model", str(model), "--out", str(out), "--render", "none", "--farm"]
    assert main([*arguments, "--shard", "1/2"]) == 0
    first = stamps(out)
    assert first.keys() == {"a", "c"}
    write_jobs(jobs, "new,they bow,0.6,1", "endless,they hug,10000,1", "other,they bow,0.6,2", *before)
    assert main([*arguments, "--shard", "2/2"]) == 0
    assert stamps(out) == first, "this chunk has the rows endless, a and c now; no chunk has b and d"
    tried = (out / "records" / "endless.json").stat().st_mtime_ns
    assert main([*arguments, "--join"]) == 0
    assert outcomes(out) == {
        "new": "made",
        "endless": "failed",
        "other": "made",
        **{"a": "skipped", "b": "made", "c": "skipped", "d": "made"},
    }
    assert stamps(out).items() >= first.items(), "nothing is made twice"
    assert (out / "records" / "endless.json").stat().st_mtime_ns == tried, "a row that failed is not tried again"
    assert "failed before: " in capsys.readouterr().out
    assert main([*arguments[:-1], "--join"]) == 1, "without --farm the exit code reports a failed row"


@pytest.mark.slow
def test_that_other_programs_use_the_processor_is_said_once(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_maker, "BUSY", 0.5)  # any machine is busier than that
    jobs = write_jobs(tmp_path / "jobs.csv", *good("a", "b"))
    assert main(["--jobs", str(jobs), "--model", str(model), "--out", str(tmp_path / "out"), "--render", "none"]) == 0
    said = re.findall(
        r"Other programs use the processor: sampling took (\d+\.\d) times as long", capsys.readouterr().out
    )
    assert len(said) == 1 and float(said[0]) >= 1


@pytest.mark.slow
def test_only_marked_rows_are_rendered_and_the_report_keeps_the_others(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs, out = write_jobs(tmp_path / "jobs.csv", *good("a", "b", "c"), BAD), tmp_path / "out"
    arguments = ["--jobs", str(jobs), "--model", str(model), "--out", str(out), "--resolution", "64x64"]
    assert main([*arguments, "--render", "none"]) == 1
    for text, sentence in (
        (None, "Cannot read the marks"),
        ("{}", "holds no marks"),
        ('{"marked": ["zoe"]}', "marks 'zoe', which is no row"),
    ):
        if text is not None:
            (out / "marks.json").write_text(text, encoding="utf-8")
        assert main([*arguments, "--marked"]) == 2 and sentence in capsys.readouterr().err
    (out / "marks.json").write_text('{"marked": ["b"]}', encoding="utf-8")
    before = stamps(out)
    assert main([*arguments, "--render", "mp4", "--marked"]) == 0
    assert [path.name for path in out.glob("*.mp4")] == ["b.mp4"] and stamps(out) == before
    assert outcomes(out) == {"b": "made", "a": "skipped", "c": "skipped", "bad": "failed"}
    assert '<script type="application/json" id="marks">["b"]</script>' in (out / "report.html").read_text("utf-8")


@pytest.mark.slow
def test_two_processes_at_one_chunk_make_each_row_once(model: Path, tmp_path: Path) -> None:
    names = [f"row_{number}" for number in range(8)]
    jobs, out = write_jobs(tmp_path / "jobs.csv", *good(*names), BAD), tmp_path / "out"
    arguments = ["--jobs", jobs, "--model", model, "--out", out, "--render", "none", "--farm", "--shard", "1/1"]
    command = [sys.executable, "-m", "intermask_blender.batch", *map(str, arguments)]
    processes = [
        subprocess.Popen(command, env=farm_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    shown = [process.communicate(timeout=900)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], shown
    wrote = [line.split()[1] for text in shown for line in text.splitlines() if line.startswith("    wrote ")]
    assert sorted(wrote) == [f"{name}.npz," for name in names]
    assert set(outcomes(out)) == {*names, "bad"} and not list(out.glob(".*"))
    assert {path.stem for path in out.glob("records/*.json")} == {*names, "bad"}
