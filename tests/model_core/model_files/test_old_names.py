"""Model folders with the names of before load as they did."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from model_core.model_files.model_folder import bundled_model, load_model, read_config

OLD = {
    "mask_temperature": "variety",
    "part_guidance": "row_guidance",
    "guidance_fraction": "guided",
    "skip_confidence": "settled",
    "refinement_passes": "looks",
    "refine_parts": "looked_rows",
    "remask_threshold": "doubt",
    "candidates": "drafts",
    "max_attempts": "rounds",
    "accept_threshold": "convincing",
}


def test_a_folder_with_old_names_is_the_same_model(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    shutil.copytree(bundled_model(), folder)
    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    sampling = {OLD.get(key, key): value for key, value in values["sampling"].items()}
    sampling["filter"] = 1 - sampling.pop("top_k_fraction")
    values["sampling"] = sampling
    for present, old in (("reranker", "judge"), ("contact_classifier", "toucher"), ("code_optimisation", "search")):
        values[old] = values.pop(present)
    for section in ("tokenizer", "transformer"):
        values[section]["row_codes"] = values[section].pop("part_codes")
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    for present, old in (("reranker", "judge"), ("contact_classifier", "toucher")):
        tensors = load_file(folder / f"{present}.safetensors")
        (folder / f"{present}.safetensors").unlink()
        save_file(
            {key.replace(".text.", ".told."): value for key, value in tensors.items()}, folder / f"{old}.safetensors"
        )

    tensors = load_file(folder / "transformer.safetensors")
    old_names = {
        key.replace(".joint.", ".together.").replace(".per_person.", ".apart."): value for key, value in tensors.items()
    }
    assert any(".together." in key for key in old_names) and any(".apart." in key for key in old_names)
    save_file(old_names, folder / "transformer.safetensors")

    assert read_config(folder) == read_config(bundled_model())
    old_model, model = load_model(folder), load_model(bundled_model())
    for name in ("tokenizer", "transformer", "refiner", "contact_classifier", "reranker"):
        state = getattr(model, name).state_dict()
        for key, value in getattr(old_model, name).state_dict().items():
            assert torch.equal(value, state[key]), (name, key)
