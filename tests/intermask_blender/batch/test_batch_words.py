"""Batches say how prompts are understood: in the report, in records, and with ``--understood`` alone."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import pytest
from small_model import CAPTIONS
from taught_model import BOW, HUG

from intermask_blender.batch.__main__ import main
from intermask_blender.batch.understood import part_lines
from intermask_blender.generator.understanding import Match, UnderstoodPart

assert blender_scene

JOBS = """name,prompt,as_written
cuddle,a long cuddle,
dinner,a man cooks dinner,
parts,0-0.5 s: a long cuddle; 0.5-1 s: judo players salute,
written,a long cuddle,yes
caption,two people hug,
"""


def test_of_several_acts_the_first_is_used_and_all_are_offered_with_times() -> None:
    both = UnderstoodPart("they hug, then bow", (Match(HUG, CAPTIONS[0]),), True, acts=("they hug", "bow"))
    assert part_lines([both], False) == [
        f"understood as: {CAPTIONS[0]}",
        "only the first act is used; for all of them: 0-2 s: they hug; 2-end: bow",
    ]
    assert len(part_lines([both], True)) == 1


def report(out: Path) -> dict[str, dict[str, str]]:
    with (out / "report.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


@pytest.mark.slow
def test_understood_says_how_each_row_is_understood_without_the_networks_and_makes_nothing(
    taught: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, out = tmp_path / "model", tmp_path / "out"
    shutil.copytree(taught, model)
    for network in ("tokenizer.safetensors", "transformer.safetensors"):
        (model / network).unlink()
    jobs = tmp_path / "jobs.csv"
    jobs.write_text(JOBS + "none,,\n", encoding="utf-8")
    words = tmp_path / "words.json"
    words.write_text('{"hug": [],\n "box": []}', encoding="utf-8")
    code = main(["--jobs", str(jobs), "--model", str(model), "--out", str(out), "--understood", "--words", str(words)])
    output, errors = capsys.readouterr()
    assert code == 1 and not out.exists()
    lines = [line.strip() for line in output.splitlines() if line.startswith("    ")]
    assert lines[0] == f"understood as: {CAPTIONS[0]}"
    assert lines[1].startswith("not in this model; closest: two people ")
    assert lines[2:4] == [f"part 1 understood as: {CAPTIONS[0]}", f"part 2 understood as: {CAPTIONS[1]}"]
    assert lines[4:] == [f"used as written; closest: {CAPTIONS[0]}", f"understood as: {CAPTIONS[0]}"]
    assert output.endswith("4 of 6 known, 1 failed; nothing was generated.\n")
    assert errors.count("words.json, line 2") == 1 and errors.count("failed: ") == 1


@pytest.mark.slow
def test_report_and_records_say_how_rows_were_understood_and_changed_words_make_rows_again(
    taught: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, jobs, words = tmp_path / "out", tmp_path / "jobs.csv", tmp_path / "words.json"
    jobs.write_text(JOBS, encoding="utf-8")
    words.write_text(json.dumps({BOW: ["they do the grasshopper"]}), encoding="utf-8")
    arguments = ["--jobs", str(jobs), "--model", str(taught), "--out", str(out), "--render", "none", "--seconds", "1"]
    assert main([*arguments, "--words", str(words)]) == 0
    rows = report(out)
    understood = {name: (row["understood"], row["known"]) for name, row in rows.items()}
    assert understood["cuddle"] == understood["caption"] == (CAPTIONS[0], "yes")
    assert understood["dinner"][1] == "no" and understood["dinner"][0] in CAPTIONS
    assert understood["parts"] == (f"{CAPTIONS[0]}; {CAPTIONS[1]}", "yes")
    assert understood["written"] == ("", "")
    record = json.loads((out / "records" / "parts.json").read_text(encoding="utf-8"))
    assert (record["understood"], record["known"]) == (list(CAPTIONS), True)
    output = capsys.readouterr().out
    assert f"    understood as: {CAPTIONS[0]}" in output and "    not in this model; closest: " in output

    assert main([*arguments, "--words", str(words)]) == 0
    assert {row["outcome"] for row in report(out).values()} == {"skipped"}
    assert {name: (row["understood"], row["known"]) for name, row in report(out).items()} == understood
    words.write_text(json.dumps({BOW: ["a long cuddle"], HUG: 3}), encoding="utf-8")
    capsys.readouterr()
    assert main([*arguments, "--words", str(words)]) == 0
    assert {row["outcome"] for row in report(out).values()} == {"made"}
    assert report(out)["cuddle"]["understood"] == CAPTIONS[0], "a broken file is not used"
    assert capsys.readouterr().err.count("words.json, line 1") == 1
    words.write_text(json.dumps({BOW: ["a long cuddle"]}), encoding="utf-8")
    assert main([*arguments, "--words", str(words)]) == 0
    assert report(out)["cuddle"]["understood"] == CAPTIONS[1]


def test_missing_words_are_told_before_anything_is_made(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--prompt", "they hug", "--model", str(model), "--words", str(tmp_path / "none.json")]) == 2
    assert "check the path after --words" in capsys.readouterr().err
