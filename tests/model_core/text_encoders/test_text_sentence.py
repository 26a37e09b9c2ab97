"""The sentence encoder that comes with the project: its numbers, its meaning, its folder."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from safetensors.torch import load_file, save_file

from model_core.errors import UserError
from model_core.networks.token_table import TokenTable
from model_core.text_encoders import load_text_encoder
from model_core.text_encoders.encoder import TowerEncoder

FOLDER = REPOSITORY / "assets" / "text" / "all-MiniLM-L6-v2"

SENTENCES = (
    "Two people dance salsa together.",
    "A couple is dancing.",
    "They fight with swords.",
    "The bank raised its interest rates.",
)
# From the original weights in full precision, run by the original authors' library: word pieces of the first
# sentence, the first components of its vector, and the products of all four.
REFERENCE_IDS = [101, 2048, 2111, 3153, 26509, 2362, 1012, 102, 0]
REFERENCE_VECTOR = [-0.0684, -0.0895, -0.0869, 0.0016, -0.1274, -0.0325, -0.0188, -0.0519]
REFERENCE_PRODUCTS = [
    [1.0000, 0.6844, 0.1616, 0.0212],
    [0.6844, 1.0000, 0.1903, 0.0043],
    [0.1616, 0.1903, 1.0000, -0.0188],
    [0.0212, 0.0043, -0.0188, 1.0000],
]


@pytest.fixture(scope="module")
def encoder() -> TowerEncoder:
    return load_text_encoder(FOLDER)


def test_reference_values_are_met(encoder: TowerEncoder) -> None:
    ids, mask = encoder.token_ids(SENTENCES)
    features = encoder.encode(SENTENCES)
    assert ids[0].tolist() == REFERENCE_IDS
    assert mask.sum(dim=1).tolist() == [8, 7, 7, 9]
    np.testing.assert_allclose(features.pooled[0, :8], REFERENCE_VECTOR, atol=2e-3)
    np.testing.assert_allclose(features.pooled @ features.pooled.T, REFERENCE_PRODUCTS, atol=4e-3)


def test_every_number_equals_the_network_written_out(encoder: TowerEncoder) -> None:
    state = {name: tensor.double().numpy() for name, tensor in load_file(FOLDER / "weights.safetensors").items()}
    config = json.loads((FOLDER / "config.json").read_text())

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def normed(x: np.ndarray, name: str) -> np.ndarray:
        spread = np.sqrt(x.var(-1, keepdims=True) + config["epsilon"])
        return (x - x.mean(-1, keepdims=True)) / spread * state[f"{name}.weight"] + state[f"{name}.bias"]

    ids, mask = encoder.token_ids([SENTENCES[0], "jump"])
    words = state["tokens.rows"][ids.numpy()] * state["tokens.scales"][ids.numpy()][..., None]
    x = normed(words + state["positions"][: ids.shape[1]], "norm")
    erf = np.vectorize(math.erf)
    for layer in range(config["layers"]):
        name = f"layers.{layer}."
        parts = np.split(linear(x, name + "attention.inward"), 3, axis=-1)
        heads = [p.reshape(*p.shape[:2], config["heads"], -1).transpose(0, 2, 1, 3) for p in parts]
        scores = heads[0] @ heads[1].swapaxes(-1, -2) / np.sqrt(heads[0].shape[-1])
        scores = np.where(mask.numpy()[:, None, None, :], scores, -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = weights / weights.sum(-1, keepdims=True) @ heads[2]
        mixed = mixed.transpose(0, 2, 1, 3).reshape(x.shape)
        x = normed(x + linear(mixed, name + "attention.outward"), name + "attention_norm")
        wide = linear(x, name + "feed_forward.widen")
        wide = wide * 0.5 * (1 + erf(wide / np.sqrt(2)))
        x = normed(x + linear(wide, name + "feed_forward.narrow"), name + "feed_forward_norm")
    features = encoder.encode([SENTENCES[0], "jump"])
    np.testing.assert_allclose(features.hidden[mask], x[mask.numpy()], atol=2e-5)
    for row, length in enumerate(mask.sum(dim=1).tolist()):
        mean = x[row, :length].mean(axis=0)
        np.testing.assert_allclose(features.pooled[row], mean / np.linalg.norm(mean), atol=2e-6)


def test_a_text_is_encoded_the_same_alone_and_in_company(encoder: TowerEncoder) -> None:
    together = encoder.encode(SENTENCES)
    alone = encoder.encode(SENTENCES[1:2])
    length = alone.hidden.shape[1]
    torch.testing.assert_close(together.hidden[1:2, :length], alone.hidden, atol=2e-5, rtol=0)
    torch.testing.assert_close(together.pooled[1:2], alone.pooled, atol=1e-6, rtol=0)
    assert together.end.tolist() == [7, 6, 6, 8]


def test_similar_prompts_are_nearer(encoder: TowerEncoder) -> None:
    triples = (
        ("two people dance salsa", "a couple dances to latin music", "a man sits alone and reads"),
        ("one person hugs the other", "they embrace", "they kick each other"),
        ("they shake hands", "two people greet with a handshake", "they jump over a fence"),
        ("the first pushes the second", "one person shoves another", "they wave goodbye"),
    )
    for prompt, near, far in triples:
        vectors = encoder.encode((prompt, near, far)).pooled
        assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1, prompt


def test_a_long_text_is_cut_and_an_awkward_one_is_read(encoder: TowerEncoder) -> None:
    features = encoder.encode(("dance " * 2000, "  Ça DANSE, 踊る \n\t \x00 \U0001f483  ", ""))
    assert features.hidden.shape == (3, 256, encoder.width)
    assert bool(features.hidden.isfinite().all())
    assert features.mask.sum(dim=1).tolist()[0] == 256
    assert features.mask.sum(dim=1).tolist()[2] == 2


def test_eight_bit_rows_are_within_half_a_step_of_the_originals() -> None:
    weights = torch.randn(50, 16, generator=torch.Generator().manual_seed(0)) * torch.logspace(-3, 2, 50)[:, None]
    table = TokenTable.in_int8(weights)
    ids = torch.arange(50)[None]
    steps = weights.abs().amax(dim=1) / 127
    assert bool(((table(ids)[0] - weights).abs() <= 0.501 * steps[:, None]).all())


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "weights.safetensors"])
def test_a_missing_or_shortened_file_is_named(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(FOLDER, folder)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=name):
        load_text_encoder(folder)
    (folder / name).unlink()
    with pytest.raises(UserError, match=rf"{name} is missing|{name}.* is missing"):
        load_text_encoder(folder)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(FOLDER, folder)
    state = load_file(folder / "weights.safetensors")
    save_file({**state, "positions": state["positions"][:100].clone()}, folder / "weights.safetensors")
    with pytest.raises(UserError, match=r"positions should be \(256, 384\) and is \(100, 384\)"):
        load_text_encoder(folder)
    for change in ({"width": "384"}, {"layers": 0}, {"unknown": 1}, {"architecture": "gpt"}):
        config = json.loads((FOLDER / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(UserError, match=r"config\.json"):
            load_text_encoder(folder)
