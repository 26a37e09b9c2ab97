"""A job file of 200 rows, 150 of them damaged: the 50 good ones are made, each bad one gets a sentence."""

from __future__ import annotations

import csv
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import blender_scene  # first: it sets Blender's user folder
import numpy as np
import pytest
from blender_scene import dancer
from repository import REPOSITORY
from small_model import save_small_model

from intermask_blender.batch.job_file import FIELDS
from model_core.motion.bvh_writer import write_bvh
from model_core.motion.interaction_file import load_npz, save_npz

assert blender_scene

GOOD, BAD = 50, 150


class Bomb:
    """What a pickle would run."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def damaged_files(folder: Path) -> list[str]:
    """Names of files that are no leader and no body."""
    folder.mkdir()
    person = dancer(1, frames=20)
    write_bvh(folder / "good.bvh", person)
    save_npz(folder / "good.npz", (person, person))
    text, data = (folder / "good.bvh").read_text(), (folder / "good.npz").read_bytes()
    arrays = dict(np.load(folder / "good.npz"))
    (folder / "cut.bvh").write_text(text[: len(text) // 2])
    (folder / "nan.bvh").write_text(text.replace(text.split()[-1], "nan"))
    (folder / "escape.bvh").write_text(text.rstrip()[:-6] + "\x1b[31m6")
    (folder / "skeleton.bvh").write_text(text[: text.index("MOTION")])
    (folder / "empty.bvh").write_bytes(b"")
    (folder / "binary.bvh").write_bytes(bytes(range(256)) * 20)
    for cut in (0, 10, 1000, len(data) - 30):
        (folder / f"cut{cut}.npz").write_bytes(data[:cut])
    (folder / "torn.npz").write_bytes(data[:14000] + b"\xff" * 2000 + data[16000:])
    np.savez(folder / "three.npz", **{**arrays, "poses": np.stack([arrays["poses"][0]] * 3)})
    np.savez(folder / "nan.npz", **{**arrays, "translation": arrays["translation"] * np.nan})
    objects: Any = np.array([Bomb(folder / "ran")], dtype=object)
    np.savez(folder / "objects.npz", **{**arrays, "poses": objects})
    np.savez(folder / "amass_objects.npz", poses=objects, trans=np.zeros((1, 3)))
    np.savez(folder / "amass_short.npz", poses=np.zeros((30, 156)), trans=np.zeros((7, 3)))
    np.savez(folder / "amass_inf.npz", poses=np.full((30, 156), np.inf), trans=np.zeros((30, 3)))
    np.savez(folder / "other.npz", weights=np.zeros(3))
    np.save(folder / "objects.npy", objects)
    np.save(folder / "three.npy", np.zeros((3, 30, 22, 3)))
    np.save(folder / "point.npy", np.zeros((30, 22, 3)))
    np.save(folder / "kit.npy", np.zeros((30, 251)))
    (folder / "pickle.npy").write_bytes(pickle.dumps(Bomb(folder / "ran")))
    for kind in ("bvh", "npz", "npy"):
        (folder / f"folder.{kind}").mkdir()
        (folder / f"loop.{kind}").symlink_to(f"loop.{kind}")
    found = [path.name for path in folder.iterdir() if not path.name.startswith("good")]
    return sorted([*found, "gone.bvh", "gone.npz", "gone.npy", "n" * 300 + ".bvh", "a\x1b]0;title\x07.npz"])


def bad_rows(folder: Path) -> list[dict[str, str]]:
    """Rows that each have an error of their own."""
    files = damaged_files(folder / "files")
    rows = [{"leader": f"files/{name}"} for name in files]
    rows += [
        {"leader": f"files/{name}", "seconds": value} for name in ("good.bvh", "good.npz") for value in ("nan", "-1")
    ]
    rows += [{"leader": "files/good.bvh", "seconds": "50"}, {"leader": "Nobody"}, {"leader": "files"}]
    rows += [{"body": f"files/{name}"} for name in files if name.endswith("npz")]
    rows += [{"body": "a;b;c"}, {"characters": "a;b;c"}, {"characters": "Ann"}, {"body": "files/good.bvh"}]
    rows += [
        {"seconds": value} for value in ("nan", "inf", "-inf", "0", "-4", "1e999", "100", "0.01", "four", "\x1b[5m")
    ]
    rows += [{"seed": value} for value in ("-1", "nan", "1.5", "x", str(2**64), "9" * 5000, "\x07")]
    names = [
        "n" * 300,
        "é" * 100,
        "records",
        "PICTURES",
        "con",
        "NUL.x",
        "com7",
        "a/b",
        "..",
        "../../up",
        "x:y",
        "a\x1bb",
    ]
    rows += [
        {"name": value} for value in [*names, "good_1", "GOOD_2", "end.", "shot.npz", "tab\tbed", "\\\\host\\share"]
    ]
    prompts = [
        "",
        ";",
        ";;;",
        "-1-2 s: bow",
        "0-9 s: bow",
        "0-0.01 s: bow; 0.01-0.6 s: hug",
        "x" * 3000,
        "a\x1b[2Jb",
        "\x00",
    ]
    prompts += [
        "0-0.3 s: bow; they laugh",
        "4 s: bow",
        "\x9b31m",
        "0.2-0.6 s: bow",
        "0-0.3 s: ; 0.3-0.6 s: hug",
        "\x7f",
    ]
    rows += [{"prompt": value} for value in prompts]
    return [{"prompt": "they hug", "seconds": "0.6", **row} for row in rows]


def the_rows(folder: Path) -> list[dict[str, str]]:
    """Good and bad rows in turn."""
    good = [{"prompt": "they hug", "seconds": "0.6", "seed": str(n), "name": f"good_{n}"} for n in range(1, GOOD + 1)]
    good[10] |= {"leader": "files/good.bvh", "seconds": "0.6"}
    good[20] |= {"leader": "files/good.npz", "seconds": ""}
    bad = bad_rows(folder)
    controls = [chr(code) for code in (*range(1, 9), *range(14, 32), *range(127, 160)) if code != 0x85]
    bad = [*bad, *({"prompt": f"they{char}hug", "seconds": "0.6"} for char in controls)][:BAD]
    assert len(bad) == BAD
    rows = [{}] * (GOOD + BAD)
    rows[::4], bad_places = good, [index for index in range(GOOD + BAD) if index % 4]
    for index, row in zip(bad_places, bad, strict=True):
        rows[index] = row
    return rows


def table(rows: list[dict[str, str]]) -> str:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, FIELDS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


@pytest.mark.slow
def test_the_good_rows_are_made_and_each_bad_one_is_told_in_a_sentence(tmp_path: Path) -> None:
    model = save_small_model(tmp_path / "small")
    rows, out, jobs = the_rows(tmp_path), tmp_path / "out", tmp_path / "jobs.csv"
    jobs.write_text(table(rows), encoding="utf-8", newline="")
    options = ["--jobs", jobs, "--model", model, "--out", out, "--render", "none", "--batch", "5"]
    command = [sys.executable, "-m", "intermask_blender.batch", *map(str, options)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=900)
    shown = (done.stdout + done.stderr).decode("utf-8")
    assert done.returncode == 1, shown
    assert all(char.isprintable() or char == "\n" for char in shown), "something would control the terminal"
    assert f"{GOOD} of {GOOD + BAD} done" in shown and "Traceback" not in shown
    with (out / "report.csv").open(encoding="utf-8", newline="") as file:
        report = list(csv.DictReader(file))
    assert len(report) == GOOD + BAD
    assert {row["name"] for row in report if row["outcome"] == "made"} == {f"good_{n}" for n in range(1, GOOD + 1)}
    for row in report:
        error = row["error"]
        assert bool(error) == (row["outcome"] == "failed")
        assert "error in the program" not in error, (row["where"], error)
        assert error.isprintable() or not error
        assert not error or (error.endswith(".") and len(error) < 500), error
    assert len({path.stem for path in (out / "records").iterdir()}) == GOOD + BAD
    assert {path.stem for path in out.glob("*.npz")} == {f"good_{n}" for n in range(1, GOOD + 1)}
    assert all(len(load_npz(out / f"good_{n}.npz").people[0]) >= 15 for n in range(1, GOOD + 1))
    assert not (tmp_path / "files" / "ran").exists() and not list(out.glob(".*"))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["files", "small", "out", jobs.name])
