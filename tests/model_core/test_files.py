"""Files and folders appear whole or not at all, whatever fails on the way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from repository import REPOSITORY

from model_core.errors import UserError
from model_core.files import atomic_folder, atomic_write, replace_folder

FULL = """
import resource, signal, sys
from pathlib import Path
import numpy as np
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
from model_core.errors import UserError
from model_core.training.material import keep_statistics
try:
    keep_statistics(np.ones((2, 262), np.float32), Path(sys.argv[1]))
except UserError as error:
    sys.exit(str(error))
"""


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def folder_with(path: Path, text: str) -> Path:
    path.mkdir(parents=True)
    (path / "file").write_text(text)
    return path


def test_statistics_on_a_full_disk_leave_the_old_file(tmp_path: Path) -> None:
    pytest.importorskip("resource")  # a limit on the size of files stands for a disk that fills up
    path = tmp_path / "statistics.npy"
    np.save(path, np.zeros((2, 262), np.float32))
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], cwd=REPOSITORY, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 1 and run.stderr.strip() == (
        f"Cannot write {path}: File too large; free some space or choose another place."
    )
    assert not np.load(path).any() and names(tmp_path) == ["statistics.npy"]


def test_a_failure_without_a_number_is_told_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="13 bytes requested and 5 written"), atomic_write(tmp_path / "file"):
        raise OSError("13 bytes requested and 5 written")
    assert not list(tmp_path.iterdir())


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    seen, flush = [], os.fsync

    def fsync(descriptor: int) -> None:
        seen.append(target.read_text())
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with atomic_write(target) as path:
        path.write_text("new")
    assert seen[0] == "old" and target.read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask to speak of")
def test_files_are_as_readable_as_others_and_the_umask_is_never_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "usual").touch()
    with monkeypatch.context() as patch:
        patch.setattr(os, "umask", lambda mask: pytest.fail("another thread could make a file now"))
        with atomic_write(tmp_path / "ours") as path:
            path.write_text("x")
        with atomic_folder(tmp_path / "folder") as folder:
            (folder / "file").touch()
    (tmp_path / "usual folder").mkdir()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert (tmp_path / "folder").stat().st_mode == (tmp_path / "usual folder").stat().st_mode


def test_a_folder_takes_the_place_of_an_older_one_as_a_whole(tmp_path: Path) -> None:
    target = folder_with(tmp_path / "model", "old")
    (target / "only in the old one").touch()
    with atomic_folder(target) as new:
        (new / "file").write_text("new")
        assert (target / "file").read_text() == "old"
    assert contents(tmp_path) == {str(Path("model", "file")): "new"}


def test_a_folder_that_fails_leaves_nothing_and_the_old_one(tmp_path: Path) -> None:
    target = folder_with(tmp_path / "model", "old")
    before = contents(tmp_path)
    with pytest.raises(UserError, match="model: the disk is gone"), atomic_folder(target) as new:
        (new / "file").write_text("new")
        raise OSError("the disk is gone")
    assert contents(tmp_path) == before and names(tmp_path) == ["model"]
    with pytest.raises(UserError), atomic_folder(tmp_path / "a" / "b" / "model"):
        raise UserError("no")
    assert names(tmp_path) == ["model"]


def fails_for(*names: str) -> Callable[[Path, Path], Path]:
    rename = Path.replace

    def replace(path: Path, target: Path) -> Path:
        if path.name in names or any(name == "a backup" and path.name.startswith(".model.") for name in names):
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    return replace


@pytest.mark.parametrize("failing", [("new",), ("model",), ("new", "a backup")])
def test_no_failure_of_renaming_deletes_the_only_copy(
    failing: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, new = folder_with(tmp_path / "model", "old"), folder_with(tmp_path / "new", "new")
    monkeypatch.setattr(Path, "replace", fails_for(*failing))
    with pytest.raises(UserError, match="Permission denied") as raised:
        replace_folder(new, target)
    assert sorted(contents(tmp_path).values()) == ["new", "old"]
    (old,) = (path.parent for path in tmp_path.rglob("file") if path.read_text() == "old")
    assert old == target or str(old) in str(raised.value)  # it is in its place, or the message says where
