"""The networks, the sampling, the losses and the metrics equal recordings of the published code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model_core.__main__ import main


def test_every_recording_is_equal(golden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(golden)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 39
    assert all(line.startswith("equal") for line in lines)


@pytest.mark.slow
def test_a_difference_is_reported(golden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "recordings"
    (folder / "interx").mkdir(parents=True)
    shutil.copytree(golden / "interx" / "checkpoints", folder / "interx" / "checkpoints")
    recorded = load_file(golden / "interx" / "golden.safetensors")
    recorded["tr.logits"][0, 0, 0] += 2e-4
    recorded["gen.full.steps7.cfg3.5"][1, 3] += 1
    recorded["vq.decoded"][0, 0, 0, 0] = torch.nan
    save_file(recorded, folder / "interx" / "golden.safetensors")
    assert main(["verify", str(folder)]) == 1
    differing = [line.split()[2] for line in capsys.readouterr().out.splitlines() if line.startswith("DIFFERS")]
    assert differing == ["vq.decoded", "tr.logits", "gen.full.steps7.cfg3.5"]


@pytest.mark.slow
def test_people_who_are_exchanged_are_equal_unless_one_leads(
    golden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "recordings"
    shutil.copytree(golden / "interx", folder / "interx")
    recorded = load_file(golden / "interx" / "golden.safetensors")
    generated, reaction = "gen.full.steps7.cfg3.5", "react.full.steps20.cfg2"
    for name in (generated, reaction):
        first, second = recorded[name][0].view(2, -1).clone()
        assert not torch.equal(first, second)
        recorded[name][0] = torch.stack((second, first)).view_as(recorded[name][0])
    save_file(recorded, folder / "interx" / "golden.safetensors")
    assert main(["verify", str(folder)]) == 1
    lines = {line.split()[2]: line for line in capsys.readouterr().out.splitlines()}
    assert lines[generated].startswith("equal") and lines[generated].endswith("(people exchanged in 1)")
    assert [name for name, line in lines.items() if line.startswith("DIFFERS")] == [reaction]


@pytest.mark.parametrize("missing", ["", "interhuman/checkpoints/interhuman/vq_golden/opt.txt"])
def test_missing_recordings_are_named(
    golden: Path, tmp_path: Path, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    if missing:
        shutil.copytree(golden / "interhuman", folder / "interhuman")
        (folder / missing).unlink()
    assert main(["verify", str(folder)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and str(folder) in error
