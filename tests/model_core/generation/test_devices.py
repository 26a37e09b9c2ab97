"""Compute modes: the same tokens, or nearly the same logits, in every mode."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from model_core.errors import UserError
from model_core.generation.devices import ComputeDevice, choose_device, prepare_transformer
from model_core.generation.sampling import sample
from model_core.model_files.sampling_settings import SamplingSettings
from model_core.networks import int8, prepacked
from model_core.networks.int8 import Int8Linear
from model_core.networks.prepacked import PackedLinear, can_pack
from model_core.networks.text_layers import TextLayersConfig
from model_core.networks.transformer import InteractionTransformer, TransformerConfig


@pytest.fixture(scope="module")
def transformer() -> InteractionTransformer:
    torch.manual_seed(0)
    config = TransformerConfig(32, 16, 48, 2, 3, 64, text=TextLayersConfig(16, 2, 32, 1))
    return InteractionTransformer(config).eval().requires_grad_(False)


def masked_logits(network: InteractionTransformer) -> Tensor:
    """Logits of every token of a half masked map."""
    drawn = torch.Generator().manual_seed(1)
    ids = torch.randint(32, (3, 2, 5, 9), generator=drawn)
    ids[torch.rand(ids.shape, generator=drawn) < 0.5] = network.config.mask_id
    with torch.inference_mode():
        return network(ids, network.condition(torch.randn(3, 16, generator=drawn)))


def test_an_int8_layer_stays_within_the_rounding_of_8_bits() -> None:
    torch.manual_seed(0)
    layer, x = nn.Linear(64, 96), torch.randn(5, 7, 64) * torch.logspace(-3, 3, 7)[:, None]
    rounded = Int8Linear(layer)
    with torch.inference_mode():
        exact, near = layer(x), rounded(x)
        # Half a level of each weight and of each input, if all errors of a sum had the same sign.
        level = x.abs().amax(-1, keepdim=True) / 127
        bound = (rounded.scale / 2) * x.abs().sum(-1, keepdim=True) + level / 2 * layer.weight.abs().sum(1) * 1.01
        part = rounded(x, slice(10, 30))
    assert ((near - exact).abs() <= bound + 1e-6).all() and not torch.equal(near, exact)
    assert (near - exact).std() / exact.std() < 0.02
    torch.testing.assert_close(part, near[..., 10:30])
    assert torch.equal(rounded(torch.zeros(2, 64)), layer.bias.expand(2, -1))


def test_results_are_the_same_without_the_private_operators_of_torch(
    transformer: InteractionTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounded = masked_logits(prepare_transformer(copy.deepcopy(transformer), choose_device("cpu-int8")))
    assert hasattr(torch, int8._PRODUCT), "this test is of a torch that has it"
    monkeypatch.delattr(torch, int8._PRODUCT)
    again = masked_logits(prepare_transformer(copy.deepcopy(transformer), choose_device("cpu-int8")))
    assert torch.equal(again, rounded)
    for name in ("_LAY_OUT", "_LINEAR"):
        with monkeypatch.context() as patched:
            patched.setattr(prepacked, name, "_absent_from_this_torch")
            assert not can_pack() and not can_pack(torch.bfloat16)
            plain = prepare_transformer(copy.deepcopy(transformer), choose_device("cpu"))
            assert not any(isinstance(part, PackedLinear) for part in plain.modules())
            assert torch.equal(masked_logits(plain), masked_logits(transformer))


def test_packed_layers_give_the_same_tokens(transformer: InteractionTransformer) -> None:
    packed = prepare_transformer(copy.deepcopy(transformer), choose_device("cpu"))
    layers = [part for part in packed.modules() if isinstance(part, PackedLinear)]
    assert len(layers) == (2 * (2 * 4 + 2 * 2) + 2 if can_pack() else 0)
    torch.testing.assert_close(masked_logits(packed), masked_logits(transformer), atol=2e-5, rtol=0)
    ids = torch.zeros(2, 2, 5, 9, dtype=torch.long)
    text = torch.randn(2, 16, generator=torch.Generator().manual_seed(2))
    free = torch.ones_like(ids, dtype=torch.bool)
    one, other = (sample(network, ids, free, text, SamplingSettings(6, 2.0, 0.0)) for network in (packed, transformer))
    assert torch.equal(one, other)


def test_a_transformer_in_int8_has_nearly_the_same_logits(transformer: InteractionTransformer) -> None:
    small = prepare_transformer(copy.deepcopy(transformer), ComputeDevice(torch.device("cpu"), "int8"))
    layers = [part for part in small.blocks.modules() if isinstance(part, Int8Linear)]
    assert len(layers) == 2 * (2 * 4 + 2 * 2)
    assert not any(isinstance(part, Int8Linear) for part in small.text_layers.modules())
    exact, near = masked_logits(transformer), masked_logits(small)
    assert (near - exact).std() / exact.std() < 0.03
    assert (near.argmax(-1) == exact.argmax(-1)).float().mean() > 0.95


def test_a_transformer_in_bfloat16_has_nearly_the_same_logits(transformer: InteractionTransformer) -> None:
    half = prepare_transformer(copy.deepcopy(transformer), choose_device("cpu-bf16"))
    assert all(weights.dtype == torch.bfloat16 for weights in half.blocks.parameters())
    assert all(weights.dtype == torch.float32 for weights in half.text_layers.parameters())
    exact, near = masked_logits(transformer), masked_logits(half)
    assert near.dtype == torch.float32 and 0 < (near - exact).std() / exact.std() < 0.03
    assert (near.argmax(-1) == exact.argmax(-1)).float().mean() > 0.95


@pytest.mark.slow
def test_the_transformer_is_one_graph_with_the_same_tokens(transformer: InteractionTransformer) -> None:
    # Without a compiler for it: tracing and lowering are what a change of the network can break.
    graphs = copy.deepcopy(transformer)
    graphs.compile(fullgraph=True, backend="aot_eager")
    text = torch.randn(2, 16, generator=torch.Generator().manual_seed(2))
    for length in (8, 9):
        free = torch.ones(2, 2, 5, length, dtype=torch.bool)
        free[:, 1, :, :4] = False
        settings = SamplingSettings(4, 2.0, 0.0, guidance_fraction=0.5)
        wanted = sample(transformer, free.long(), free, text, settings)
        assert torch.equal(sample(graphs, free.long(), free, text, settings), wanted)


@pytest.mark.parametrize("name", ["cpu", "cpu-bf16", "cpu-int8", "cpu-compiled"])
def test_a_device_has_the_name_that_chooses_it(name: str) -> None:
    assert str(choose_device(name)) == name
    assert choose_device(name).torch_device == torch.device("cpu")


@pytest.mark.parametrize("name", ["", "gpu", "cpu-int4", "mps-int8", "cuda-int8", "cuda:x", "cpu:1:2"])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="device"):
        choose_device(name)
