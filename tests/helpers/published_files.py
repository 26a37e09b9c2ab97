"""Files in the published layout for the tests of the import: whole ones, and ways to spoil them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from model_core.__main__ import main

VOCABULARY = 49408
"""Of every published CLIP: its tokens come with the project."""


def clip_folder(folder: Path, width: int) -> Path:
    """A text tower of one layer in Hugging Face's layout, its weights random."""
    torch.manual_seed(0)
    tower = {
        "embeddings.position_embedding.weight": (77, width),
        "encoder.layers.0.self_attn.out_proj.weight": (width, width),
        "encoder.layers.0.mlp.fc1.weight": (4 * width, width),
        "encoder.layers.0.mlp.fc2.weight": (width, 4 * width),
    }
    biases = {"mlp.fc1": 4 * width, "mlp.fc2": width, "self_attn.out_proj": width}
    for letter in "qkv":
        tower[f"encoder.layers.0.self_attn.{letter}_proj.weight"] = (width, width)
        biases[f"self_attn.{letter}_proj"] = width
    state = {f"text_model.{name}": 0.02 * torch.randn(shape) for name, shape in tower.items()}
    few = 0.02 * torch.randn(VOCABULARY, width // 16)  # random numbers take their time
    state["text_model.embeddings.token_embedding.weight"] = few.repeat(1, 16)
    state |= {f"text_model.encoder.layers.0.{name}.bias": torch.zeros(size) for name, size in biases.items()}
    for norm in ("encoder.layers.0.layer_norm1", "encoder.layers.0.layer_norm2", "final_layer_norm"):
        state |= {f"text_model.{norm}.weight": torch.ones(width), f"text_model.{norm}.bias": torch.zeros(width)}
    folder.mkdir()
    save_file({name: tensor.half() for name, tensor in state.items()}, folder / "model.safetensors")
    return folder


def statistics_folder(folder: Path) -> Path:
    """A mean and a deviation of rows as InterHuman's are named."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    np.save(folder / "global_mean.npy", rng.normal(0, 0.3, 262))
    np.save(folder / "global_std.npy", rng.uniform(0.1, 0.4, 262))
    return folder


def copied(source: Path, target: Path) -> Path:
    """A tree whose files can be replaced without copying the large ones."""
    return Path(shutil.copytree(source, target, copy_function=os.link))


def replaced(path: Path, change: Callable[[Any], Any]) -> None:
    """Rewrite a checkpoint with changed content."""
    content = change(torch.load(path, weights_only=True))
    path.unlink()
    torch.save(content, path)


class Creates:
    """What a pickle with code in it would hold."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def refused(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence with which a command fails."""
    assert main(["import-published", *command]) == 1
    sentence = capsys.readouterr().err
    assert sentence.count("\n") == 1 and sentence.endswith(".\n")
    return sentence
