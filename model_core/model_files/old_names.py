"""Translates keys, files and tensors of old model folders to their current names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

_KEYS: dict[str, dict[str, str]] = {
    "": {"judge": "reranker", "toucher": "contact_classifier", "search": "code_optimisation"},
    "tokenizer": {"row_codes": "part_codes"},
    "transformer": {"row_codes": "part_codes"},
    "sampling": {
        "variety": "mask_temperature",
        "row_guidance": "part_guidance",
        "guided": "guidance_fraction",
        "settled": "skip_confidence",
        "looks": "refinement_passes",
        "looked_rows": "refine_parts",
        "doubt": "remask_threshold",
        "drafts": "candidates",
        "rounds": "max_attempts",
        "convincing": "accept_threshold",
    },
}
"""Old keys of ``config.json`` by section, each with its current one."""

OLD_FILES = {"reranker.safetensors": "judge.safetensors", "contact_classifier.safetensors": "toucher.safetensors"}
"""Files of weights, each with its old name."""

_TENSORS = {".told.": ".text.", ".together.": ".joint.", ".apart.": ".per_person."}
"""Old parts of tensor names, each with its current one."""


def with_present_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """The contents of a ``config.json`` with old keys replaced by current ones."""
    result = _renamed(values, _KEYS[""])
    for section, table in _KEYS.items():
        if section and isinstance(result.get(section), Mapping):
            result[section] = _renamed(result[section], table)
    sampling = result.get("sampling")
    if isinstance(sampling, dict) and isinstance(dropped := sampling.get("filter"), int | float):
        # The old setting was the fraction of codes that are never drawn.
        sampling["top_k_fraction"] = round(1 - dropped, 9)
        del sampling["filter"]
    return result


def with_present_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a file of weights under their current names."""
    result = {}
    for name, tensor in tensors.items():
        for old, new in _TENSORS.items():
            name = name.replace(old, new)
        result[name] = tensor
    return result


def _renamed(values: Mapping[str, Any], table: Mapping[str, str]) -> dict[str, Any]:
    return {table.get(key, key): value for key, value in values.items()}
