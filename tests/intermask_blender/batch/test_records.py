"""Records of earlier versions, and results that replace earlier ones."""

from __future__ import annotations

import json
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import pytest

from intermask_blender.batch.output import move_into_place
from intermask_blender.batch.records import Record, read_record, write_record
from model_core.errors import UserError

assert blender_scene


def test_a_record_of_an_earlier_version_is_read_by_its_old_keys(tmp_path: Path) -> None:
    record = Record("hug", "they hug", "line 2", outcome="failed", error="No leader.", motion="1f", files=["hug.npz"])
    write_record(tmp_path, record)
    path = tmp_path / "records" / "hug.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values["fault"] = values.pop("error")
    path.write_text(json.dumps(values), encoding="utf-8")
    assert read_record(tmp_path, "hug") == record


def test_a_folder_that_cannot_be_replaced_keeps_its_pictures(tmp_path: Path) -> None:
    target = tmp_path / "hug"
    target.mkdir()
    (target / "frame_0001.png").write_bytes(b"before")
    with pytest.raises(UserError, match="hug"):
        move_into_place(tmp_path / "missing", target)
    assert (target / "frame_0001.png").read_bytes() == b"before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["hug"]
    made = tmp_path / ".making-hug"
    made.mkdir()
    (made / "frame_0002.png").write_bytes(b"after")
    move_into_place(made, target)
    assert [(entry.name, [file.name for file in entry.iterdir()]) for entry in tmp_path.iterdir()] == [
        ("hug", ["frame_0002.png"])
    ]
