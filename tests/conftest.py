"""Fixtures that several tests share."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked recordings of the published code (``golden.tar.xz``)."""
    folder = tmp_path_factory.mktemp("golden")
    with tarfile.open(Path(__file__).parent / "golden.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder
