"""Fixtures of the farms' tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_model import save_small_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small model with random weights."""
    return save_small_model(tmp_path_factory.mktemp("models") / "small", steps=2)
