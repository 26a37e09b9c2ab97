"""Fixtures that several tests share."""

from __future__ import annotations

import importlib.util
import os
import sys
import tarfile
from pathlib import Path

import pytest

_STATUS = pytest.StashKey[int]()


def pytest_configure() -> None:
    """Tell in one sentence which Pythons can run the tests."""
    if importlib.util.find_spec("bpy") is None:
        pytest.exit(
            "The tests need Blender as a Python module, which this Python does not have: use Python 3.11 (bpy 5.0) or "
            "3.13 (bpy 5.2 LTS), and pip install -e '.[test]'.",
            returncode=2,
        )


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked recordings of the published code (``golden.tar.xz``)."""
    folder = tmp_path_factory.mktemp("golden")
    with tarfile.open(Path(__file__).parent / "golden.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember how the tests went."""
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once where Blender is loaded: as a module it can wait for ever in its own clean-up at exit."""
    if "bpy" in sys.modules and _STATUS in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_STATUS])
