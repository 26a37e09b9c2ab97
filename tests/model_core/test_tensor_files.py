"""Safetensors files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch

from model_core.tensor_files import save_tensors


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_file_of_tensors_is_as_readable_as_the_users_other_files(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        save_tensors(tmp_path / "model.safetensors", {"weights": torch.zeros(2)})
    finally:
        os.umask(before)
    assert (tmp_path / "model.safetensors").stat().st_mode & 0o777 == 0o644
