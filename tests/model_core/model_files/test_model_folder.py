"""Model folders are replaced as a whole, and hold each fact once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_model import save_small_model

from model_core.errors import UserError
from model_core.model_files import model_folder
from model_core.model_files.model_folder import Model, bundled_model, load_model, save_model
from model_core.networks.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_model(save_small_model(tmp_path_factory.mktemp("models") / "small"))


def wider(model: Model) -> Model:
    """Another model: a tokenizer twice as wide, and statistics that name it."""
    config = replace(model.config.tokenizer, width=32)
    return replace(
        model,
        config=replace(model.config, name="wider", tokenizer=config),
        tokenizer=Tokenizer(config),
        mean=torch.full_like(model.mean, 3.0),
    )


def test_a_model_that_is_replaced_while_it_is_loaded_is_no_mixture(
    old: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    save_model(folder, old)
    new, read = wider(old), load_file
    pending = [new]

    def replaced_at_the_first_file(path: Path) -> dict[str, torch.Tensor]:
        result = read(path)
        if pending:
            save_model(folder, pending.pop())
        return result

    monkeypatch.setattr(model_folder, "load_file", replaced_at_the_first_file)
    loaded = load_model(folder)
    assert loaded.config.name == "wider" and loaded.config.tokenizer.width == 32
    assert torch.equal(loaded.mean, new.mean)


def test_a_model_is_saved_whole_or_not_at_all_and_other_files_stay(
    old: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_small_model(tmp_path / "model")
    (folder / "README.md").write_text("its card")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr(model_folder, "asdict", lambda config: {}["the last file fails"])
        with pytest.raises(KeyError):
            save_model(folder, wider(old))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    save_model(folder, wider(old))
    assert load_model(folder).config.name == "wider" and (folder / "README.md").read_text() == "its card"
    assert {path.name for path in folder.iterdir()} == before.keys()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_statistics_stand_once_in_a_model_folder(tmp_path: Path) -> None:
    bundled = load_model(bundled_model())
    assert bundled.tokenizer.frame is not None
    save_model(tmp_path / "model", bundled)
    assert not any("statistics" in name for name in load_file(tmp_path / "model" / "tokenizer.safetensors"))
    loaded = load_model(tmp_path / "model")
    assert loaded.tokenizer.frame is not None
    assert torch.equal(loaded.tokenizer.frame.statistics, torch.stack((bundled.mean, bundled.std)))


def test_a_file_with_a_tensor_too_many_is_refused(old: Model, tmp_path: Path) -> None:
    save_model(tmp_path / "model", old)
    model_folder.save_tensors(
        tmp_path / "model" / "transformer.safetensors",
        {**load_file(tmp_path / "model" / "transformer.safetensors"), "another.layer": torch.zeros(2)},
    )
    with pytest.raises(UserError, match=r"transformer\.safetensors does not fit.*another\.layer should be absent"):
        load_model(tmp_path / "model")
