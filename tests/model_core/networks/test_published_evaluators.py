"""The published evaluators from files in the published layout, against plain computations of the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from published_data import SMALL_CLIP, SMALL_INTERX, interclip_file, interx_evaluator_file
from torch import Tensor
from torch.nn import functional

from model_core.errors import UserError
from model_core.model_files.published_evaluators import load_interclip, load_interx_evaluator
from model_core.text_encoders.clip_tokens import ClipTokens


def attention(x: Tensor, state: dict[str, Tensor], prefix: str, heads: int) -> Tensor:
    """Self-attention of one text (L, C), head by head."""
    q, k, v = (x @ state[prefix + "in_proj_weight"].T + state[prefix + "in_proj_bias"]).chunk(3, -1)
    width = x.shape[-1] // heads
    parts = [slice(width * head, width * (head + 1)) for head in range(heads)]
    mixed = [(q[:, p] @ k[:, p].T / width**0.5).softmax(-1) @ v[:, p] for p in parts]
    return torch.cat(mixed, -1) @ state[prefix + "out_proj.weight"].T + state[prefix + "out_proj.bias"]


def test_interclip_embeds_texts_at_the_end_without_a_mask(tmp_path: Path) -> None:
    path = interclip_file(tmp_path / "interclip.ckpt")
    network = load_interclip(path, any_size=True)
    state = {
        key.removeprefix("model."): value
        for key, value in torch.load(path, weights_only=False)["state_dict"].items()
    }  # fmt: skip
    ids = ClipTokens()(["two people hug", "they bow to each other, and one of them leaves"])
    for text, found in zip(ids, network.texts(ids), strict=True):
        x = state["token_embedding.weight"][text] + state["positional_embedding"]
        layer = "textTransEncoder.layers.0."
        norm = {
            name: (state[f"{name}.weight"], state[f"{name}.bias"])
            for name in (layer + "norm1", layer + "norm2", "text_ln")
        }
        x = functional.layer_norm(x + attention(x, state, layer + "self_attn.", 8), (16,), *norm[layer + "norm1"])
        wide = functional.gelu(x @ state[layer + "linear1.weight"].T + state[layer + "linear1.bias"])
        x = functional.layer_norm(
            x + wide @ state[layer + "linear2.weight"].T + state[layer + "linear2.bias"], (16,), *norm[layer + "norm2"]
        )
        end = text.tolist().index(49407)
        x = functional.layer_norm(x, (16,), *norm["text_ln"])[end] @ state["out.weight"].T + state["out.bias"]
        torch.testing.assert_close(found, x / x.norm() * state["latent_scale"], atol=1e-5, rtol=0)


def test_interclip_ignores_padding_contacts_and_what_follows(tmp_path: Path) -> None:
    network = load_interclip(interclip_file(tmp_path / "interclip.ckpt"), any_size=True)
    network.scale.mul_(3)
    pair = torch.randn(1, 20, 524)
    alone = network.motions(pair, torch.tensor([20]))
    padded = torch.cat((pair, torch.randn(1, 30, 524)), 1)
    padded[..., 258:262] = padded[..., 520:] = 7
    torch.testing.assert_close(network.motions(padded, torch.tensor([20])), alone, atol=1e-5, rtol=0)
    assert alone.norm() == pytest.approx(3, rel=1e-5)


def test_interx_reads_both_ways_and_drops_velocities(tmp_path: Path) -> None:
    network = load_interx_evaluator(interx_evaluator_file(tmp_path / "finest.tar"), any_size=True)
    state = network.state_dict()
    torch.manual_seed(1)
    features = torch.randn(3, 150, 2, 56, 6)
    lengths = torch.tensor([40, 148, 24])
    for row, length in enumerate(lengths):
        features[row, length:] = 0
    rows = torch.cat((features[:, :, 0], features[:, :, 1]), -1)  # (3, 150, 56, 12)
    rows[:, :, -1, 3:6] = rows[:, :, -1, 9:] = 0
    x = rows.flatten(2).transpose(1, 2)
    for layer in ("main.0", "main.3"):
        weight, bias = (state[f"movement_encoder.{layer}.{name}"] for name in ("weight", "bias"))
        x = functional.leaky_relu(functional.conv1d(x, weight, bias, 2, 1), 0.2)
    moves = x.transpose(1, 2) @ state["movement_encoder.out_net.weight"].T + state["movement_encoder.out_net.bias"]
    wanted = [
        recurrent(one[: length // 4], state, "motion_encoder.") for one, length in zip(moves, lengths, strict=True)
    ]
    torch.testing.assert_close(network.motions(features, lengths), torch.stack(wanted), atol=1e-5, rtol=0)

    words, classes, counts = torch.randn(2, 37, 6), torch.rand(2, 37, 15), torch.tensor([5, 9])
    inputs = words + classes @ state["text_encoder.pos_emb.weight"].T + state["text_encoder.pos_emb.bias"]
    wanted = [recurrent(one[:count], state, "text_encoder.") for one, count in zip(inputs, counts, strict=True)]
    torch.testing.assert_close(network.texts(words, classes, counts), torch.stack(wanted), atol=1e-5, rtol=0)


def recurrent(sequence: Tensor, state: dict[str, Tensor], prefix: str) -> Tensor:
    """A gated recurrent network step by step, forwards and backwards, and the head on both last states."""
    inputs = sequence @ state[prefix + "input_emb.weight"].T + state[prefix + "input_emb.bias"]
    last = []
    for direction, suffix in ((1, "_l0"), (-1, "_l0_reverse")):
        h = state[prefix + "hidden"][len(last), 0]
        for x in inputs[::1] if direction == 1 else inputs.flip(0):
            from_x, from_h = (
                value @ state[f"{prefix}gru.weight_{kind}{suffix}"].T + state[f"{prefix}gru.bias_{kind}{suffix}"]
                for value, kind in ((x, "ih"), (h, "hh"))
            )
            (rx, zx, nx), (rh, zh, nh) = from_x.chunk(3), from_h.chunk(3)
            z = torch.sigmoid(zx + zh)
            h = (1 - z) * torch.tanh(nx + torch.sigmoid(rx + rh) * nh) + z * h
        last.append(h)
    head = {
        name: state[f"{prefix}output_net.{name}"]
        for name in ("0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias")
    }
    x = torch.cat(last) @ head["0.weight"].T + head["0.bias"]
    x = functional.leaky_relu(functional.layer_norm(x, x.shape, head["1.weight"], head["1.bias"]), 0.2)
    return x @ head["3.weight"].T + head["3.bias"]


def test_another_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    ours = interclip_file(tmp_path / "interclip.ckpt")
    theirs = interx_evaluator_file(tmp_path / "finest.tar")
    cut = tmp_path / "cut.ckpt"
    cut.write_bytes(ours.read_bytes()[:9000])
    odd = interclip_file(tmp_path / "odd.ckpt", replace(SMALL_CLIP, width=36, heads=4, text_width=12))
    bare = tmp_path / "bare.ckpt"
    content = torch.load(ours, weights_only=False)
    del content["state_dict"]["model.token_embedding.weight"]
    torch.save(content, bare)
    for load, path, sentence in (
        (load_interclip, ours, "another size .*width 32 instead of 1024"),
        (load_interx_evaluator, theirs, "another size .*movement 8 instead of 512"),
        (load_interclip, theirs, "no entry 'state_dict'"),
        (load_interx_evaluator, ours, "no entry 'movement_encoder'"),
        (load_interclip, cut, "cut short"),
        (load_interclip, tmp_path / "none.ckpt", "no checkpoint"),
        (load_interclip, bare, "lacks CLIP's embeddings; .* --clip"),
    ):
        with pytest.raises(UserError, match=sentence) as raised:
            load(path)
        assert str(path) in str(raised.value) and str(raised.value).endswith(".")
    with pytest.raises(UserError, match="among 8 heads"):
        load_interclip(odd, any_size=True)
    assert load_interx_evaluator(theirs, any_size=True).config == SMALL_INTERX
    assert np.isfinite(load_interclip(ours, any_size=True).scale.item())
