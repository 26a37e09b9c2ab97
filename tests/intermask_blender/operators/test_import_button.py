"""The preferences' button: published weights become a model of the panel's list that generates, or one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from published_files import Creates, clip_folder, copied, replaced, statistics_folder
from repository import REPOSITORY

from intermask_blender.generator.model_import import ImportPlan, ModelImport
from intermask_blender.generator.runtime import NAMED, Runtime
from model_core.errors import UserError
from model_core.generation.pipeline import GenerateOptions, InterMask
from model_core.model_files.sampling_settings import SamplingSettings

# The extension's zip in a Blender of its own: what is pressed there, in order, and what each press gave.
PRESSED = """
import json, os, sys, traceback
import bpy
archive, presses, answers = sys.argv[1:]

def message_of(call):
    try:
        return sorted(call())
    except RuntimeError as error:
        return str(error)

def live():
    bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    stored = bpy.context.preferences.addons["bl_ext.user_default.intermask"].preferences
    settings = bpy.context.scene.intermask
    settings.seconds, settings.use_model_values, settings.steps = 1.0, False, 3
    for press in json.load(open(presses)):
        if isinstance(press, str):
            settings.model = press
            before = set(bpy.data.objects)
            done = message_of(lambda: bpy.ops.intermask.generate())
            made = [item for item in bpy.data.objects if item.type == "ARMATURE" and item not in before]
            yield [done, sorted(len(item.data.bones) for item in made)]
        else:
            stored.model_folder = press.pop("models", "")
            yield message_of(lambda: bpy.ops.intermask.import_published(**press))

code = 1
try:
    json.dump(list(live()), open(answers, "w"))
    code = 0
except BaseException:
    traceback.print_exc()
sys.stderr.flush()
os._exit(code)
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, str(REPOSITORY / "build_addon.py"), "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.zip"))


@pytest.fixture(scope="module")
def downloads(golden: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's downloads: checkpoints of both data sets, statistics and CLIP."""
    folder = tmp_path_factory.mktemp("downloads")
    for dataset in ("interhuman", "interx"):
        copied(golden / dataset / "checkpoints" / dataset, folder / "checkpoints" / dataset)
    statistics_folder(folder / "stats")
    clip_folder(folder / "clip", 768)
    return folder


def pressed(archive: Path, folder: Path, presses: list[object]) -> list[object]:
    """What the presses gave: of an import what it returned or its sentence, of a model what it made."""
    (folder / "presses.json").write_text(json.dumps(presses), encoding="utf-8")
    (folder / "user").mkdir()
    command = [sys.executable, "-c", PRESSED, str(archive), str(folder / "presses.json"), str(folder / "answers.json")]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "BLENDER_USER_RESOURCES": str(folder / "user")},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return list(json.loads((folder / "answers.json").read_text(encoding="utf-8")))


@pytest.mark.slow
def test_weights_come_in_by_the_button_and_two_people_come_out(archive: Path, downloads: Path, tmp_path: Path) -> None:
    press = {"checkpoints": str(downloads / "checkpoints"), "clip": str(downloads / "clip"), "any_clip": True}
    human = {**press, "dataset": "interhuman", "statistics": str(downloads / "stats"), "title": "Mine: of 2024"}
    mine = tmp_path / "models of mine"
    hands = {**press, "dataset": "interx", "models": str(mine)}
    answers = pressed(archive, tmp_path, [human, hands, "mine-of-2024", "intermask-inter-x"])
    assert answers == [["FINISHED"], ["FINISHED"], [["FINISHED"], [22, 22]], [["FINISHED"], [55, 55]]]
    (own,) = (tmp_path / "user").glob("extensions/.user/**/mine-of-2024")
    assert [path.name for path in own.parent.iterdir()] == [own.name]
    assert [path.name for path in mine.iterdir()] == ["intermask-inter-x"]
    # In Python and in batches a model is named by its folder.
    model = InterMask.load(own, "cpu")
    assert model.config.name == "Mine: of 2024"
    assert len(model.generate("they bow", 20, GenerateOptions(SamplingSettings(2)))[0]) == 20


@pytest.mark.slow
def test_what_cannot_be_imported_is_told_in_one_sentence_and_leaves_nothing(
    archive: Path, downloads: Path, tmp_path: Path
) -> None:
    good = {
        "checkpoints": str(downloads / "checkpoints"),
        "clip": str(downloads / "clip"),
        "any_clip": True,
        "statistics": str(downloads / "stats"),
    }
    spoiled = copied(downloads / "checkpoints", tmp_path / "spoiled")
    weights = spoiled / "interhuman" / "trans_golden" / "model" / "best_fid.tar"
    replaced(weights, lambda content: {**content, "ep": Creates(tmp_path / "it ran")})
    short = copied(downloads / "stats", tmp_path / "short")
    (short / "global_mean.npy").unlink()
    np.save(short / "global_mean.npy", np.zeros(10))
    (tmp_path / "file").write_text("")
    models = tmp_path / "models"
    other = models / "intermask-inter-x"
    other.mkdir(parents=True)
    (other / "diary.txt").write_text("")
    cases: list[tuple[dict[str, object], str]] = [
        ({"checkpoints": ""}, "choose the folder that you downloaded as Checkpoints"),
        ({"clip": ""}, "No CLIP model was named"),
        ({"checkpoints": str(downloads / "stats")}, "is not the published checkpoints folder"),
        ({"checkpoints": str(spoiled)}, "holds more than tensors and was not loaded"),
        ({"statistics": str(short)}, "global_mean.npy holds an array of shape (10,) instead of 262"),
        ({"statistics": ""}, "give their folder (data/stats) as Statistics."),
        ({"transformer_file": "finest.tar"}, "choose best_fid.tar as Transformer File."),
        ({"any_clip": False}, "or tick Any CLIP Model."),
        ({"dataset": "interx", "models": str(models)}, f"{other} exists and is no model folder"),
        ({"models": str(tmp_path / "file" / "models")}, "name another folder for models"),
    ]
    answers = pressed(archive, tmp_path, [{**good, **change} for change, _ in cases])
    for answer, (_, words) in zip(answers, cases, strict=True):
        assert isinstance(answer, str) and words in answer, answer
        assert answer.startswith("Error: ") and answer.strip().count("\n") == 0 and ".import-" not in answer
    assert not (tmp_path / "it ran").exists()
    assert [path.name for path in models.iterdir()] == [other.name] and len(list(other.iterdir())) == 1
    assert not list((tmp_path / "user").glob("extensions/.user/**/models"))


def plan(downloads: Path, out: Path, log: Path, *arguments: str, replace: bool = False) -> ImportPlan:
    return ImportPlan(
        Runtime(NAMED, Path(sys.executable), arguments),
        downloads / "checkpoints",
        downloads / "clip",
        out,
        log,
        dataset="interx",
        any_clip=True,
        replace=replace,
    )


@pytest.mark.slow
def test_a_model_is_replaced_when_asked_and_stays_when_the_import_is_stopped(downloads: Path, tmp_path: Path) -> None:
    out, log = tmp_path / "models" / "hands", tmp_path / "log"
    stopped = ModelImport(plan(downloads, out, log))
    stopped.start()
    seen = [stopped.text]
    while stopped.factor == 0 and not stopped.done:
        stopped.poll()
        seen += [stopped.text] if stopped.text != seen[-1] else []
    assert seen[:2] == ["Starting the import", f"Reading {downloads / 'checkpoints'}"], seen
    stopped.cancel()
    assert "was stopped" in stopped.error and not out.parent.exists()

    done = ModelImport(plan(downloads, out, log))
    done.start()
    done.wait()
    assert not done.error and (out / "config.json").is_file()
    (out / "old").write_text("")
    with pytest.raises(UserError, match="or tick Replace"):
        ModelImport(plan(downloads, out, log)).start()
    broken = ModelImport(plan(downloads, out, log, "-S", "-I", replace=True))
    broken.start()
    broken.wait()
    assert "No module named" in broken.error and str(log) in broken.error and (out / "old").exists()
    done = ModelImport(plan(downloads, out, log, replace=True))
    done.start()
    done.wait()
    assert not done.error and not (out / "old").exists()
    assert [path.name for path in out.parent.iterdir()] == ["hands"]


@pytest.mark.slow
def test_a_model_that_can_neither_be_replaced_nor_put_back_is_kept_and_its_place_is_named(
    downloads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "models" / "hands"
    out.mkdir(parents=True)
    (out / "config.json").write_text("the only one")
    move = Path.replace

    def fails_into_place(path: Path, target: Path) -> Path:
        if target == out:
            raise PermissionError(13, "The folder is in use")
        return move(path, target)

    job = ModelImport(plan(downloads, out, tmp_path / "log", replace=True))
    job.start()
    monkeypatch.setattr(Path, "replace", fails_into_place)
    job.wait()
    (kept,) = (path.parent for path in tmp_path.rglob("config.json") if path.read_text() == "the only one")
    assert "The folder is in use" in job.error and str(kept) in job.error
    assert not list(out.parent.glob(".import-*"))
