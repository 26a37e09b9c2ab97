"""What must hold for any weights: the graph scopes, the image of rows, quantisation, padding."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch

from model_core.motion.rotations import matrix_from_axis_angle
from model_core.networks.attention import Attention
from model_core.networks.body_frame import BodyFrame
from model_core.networks.body_parts import BodyPartEncoder
from model_core.networks.graph import LIMB_CHAINS, GraphLayer, GraphScope, neighbour_mean
from model_core.networks.quantizer import Codebook, CodebookSettings, ResidualQuantizer
from model_core.networks.text_layers import TextLayersConfig
from model_core.networks.tokenizer import Tokenizer, TokenizerConfig
from model_core.networks.transformer import InteractionTransformer, TransformerConfig


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def small_transformer() -> InteractionTransformer:
    config = TransformerConfig(32, 16, 24, 2, 3, 32, text=TextLayersConfig(16, 2, 32, 1))
    return InteractionTransformer(config).eval()


def test_neighbours_are_the_limb_chains() -> None:
    mean = neighbour_mean()
    assert torch.allclose(mean.sum(1), torch.ones(22))
    assert (mean > 0).sum() == 2 * sum(len(chain) - 1 for chain in LIMB_CHAINS)
    assert set(torch.nonzero(mean[9])[:, 0].tolist()) == {6, 12, 13, 14}


def test_graph_scopes_differ_only_where_they_should() -> None:
    x = torch.randn(3, 4, 22, 8)
    out = {}
    for scope in get_args(GraphScope):
        torch.manual_seed(1)
        out[scope] = GraphLayer(4, 6, scope)(x)
    assert not torch.allclose(out["first_frame"][0, :, :, 0], out["none"][0, :, :, 0])
    assert torch.allclose(out["first_frame"][0, :, :, 0], out["every_frame"][0, :, :, 0], atol=1e-6)
    rest = torch.ones(3, 6, 22, 8, dtype=torch.bool)
    rest[0, :, :, 0] = False
    assert torch.equal(out["first_frame"][rest], out["none"][rest])


@pytest.mark.parametrize("scope", ["none", "every_frame"])
def test_a_sample_does_not_depend_on_its_batch(scope: GraphScope) -> None:
    tokenizer = Tokenizer(TokenizerConfig(width=16, codes=32, code_width=8, graph_scope=scope)).eval()
    rows = torch.randn(2, 24, 262)
    assert torch.allclose(tokenizer.latent(rows)[1], tokenizer.latent(rows[1:])[0], atol=1e-6)


@pytest.mark.parametrize(("dataset", "shape"), [("interhuman", (262,)), ("interx", (56, 6))])
@pytest.mark.parametrize("columns", [4, 7, 25])
def test_features_become_maps_of_five_parts_and_features_again(
    dataset: str, shape: tuple[int, ...], columns: int
) -> None:
    config = TokenizerConfig(dataset=dataset, width=8, codes=16, code_width=8)  # type: ignore[arg-type]
    tokenizer = Tokenizer(config).eval()
    tokens = tokenizer.encode(torch.randn(2, 4 * columns, *shape))
    assert tokens.shape == (2, 1, 5, columns)
    assert tokenizer.decode(tokens).shape == (2, 4 * columns, *shape)


@pytest.mark.parametrize("body", [False, True])
def test_the_image_holds_all_features_except_contacts(body: bool) -> None:
    tokenizer = Tokenizer(TokenizerConfig(width=8, codes=16, code_width=8, body=body))
    if tokenizer.frame is not None:
        tokenizer.frame.statistics.copy_(torch.stack((torch.randn(262) * 0.1, 0.5 + torch.rand(262))))
    rows = torch.randn(2, 12, 262)
    back = tokenizer._features(tokenizer._image(rows))
    assert torch.allclose(back[..., :258], rows[..., :258], atol=1e-5)
    assert not back[..., 258:].any()


def test_only_the_pelvis_shows_where_a_body_stands_and_faces() -> None:
    frame = BodyFrame()
    joints, velocities, others = torch.randn(2, 12, 22, 3), 0.01 * torch.randn(2, 12, 22, 3), torch.zeros(2, 12, 130)
    turn = torch.from_numpy(matrix_from_axis_angle(np.array([0.0, 1.2, 0.0]))).float()
    here = frame.nodes(torch.cat((joints.flatten(2), velocities.flatten(2), others), 2))
    moved, turned = joints @ turn.T + torch.tensor((2.0, 0.0, -1.0)), velocities @ turn.T
    there = frame.nodes(torch.cat((moved.flatten(2), turned.flatten(2), others), 2))
    change = (there - here).abs().amax((0, 1))
    assert change[0, :3].max() > 1.0 and change[0, 6:8].max() > 0.1
    assert change[1:].max() < 1e-3 and change[0, 3:6].max() < 1e-3


def test_a_body_part_reads_only_its_own_joints() -> None:
    encoder = BodyPartEncoder(12, 8, 2, 4).eval()
    image = torch.randn(1, 12, 22, 16)
    changed = image.clone()
    changed[:, :, 20] += 1.0  # the left wrist
    difference = (encoder(changed) - encoder(image)).abs().amax((0, 1, 3))
    assert difference[3] > 1e-4
    assert not difference[[0, 1, 2, 4]].any()


@pytest.mark.parametrize("rows", [1, 5])
def test_more_quantisers_leave_a_smaller_residual(rows: int) -> None:
    latent = torch.randn(4, 8, 5, 6)
    quantizer = ResidualQuantizer(64 // rows, 8, 3, CodebookSettings(noise=0), rows).train()
    for _ in range(30):
        quantizer(latent)
    quantizer.eval()
    ids = quantizer.ids(latent)
    errors = []
    for levels in (1, 2, 3):
        part = ResidualQuantizer(64 // rows, 8, levels, CodebookSettings(), rows)
        books = {k: v for k, v in quantizer.state_dict().items() if int(k.split(".")[1]) < levels * rows}
        part.load_state_dict(books)
        errors.append((part.latent(ids[:, :levels]) - latent).square().mean())
        assert torch.equal(part.latent(ids[:, :levels]), quantizer.latent(ids[:, :levels]))
    assert errors[0] > errors[1] > errors[2]
    whole, _, _ = quantizer(latent)
    assert torch.allclose(whole, quantizer.latent(ids), atol=1e-6)


def test_parts_with_their_own_codebooks_are_independent() -> None:
    latent = torch.randn(4, 8, 5, 6)
    quantizer = ResidualQuantizer(16, 8, 1, CodebookSettings(noise=0), 5).train()
    quantizer(latent)
    ids = quantizer.eval().ids(latent)
    codes = quantizer.vectors()
    nearest = torch.cdist(latent.permute(2, 0, 3, 1).flatten(1, 2), codes).argmin(-1)  # (P, B S)
    assert torch.equal(ids[:, 0].transpose(0, 1).flatten(1), nearest)

    config = TransformerConfig(16, 8, 24, 2, 3, 32, part_codes=True, text=TextLayersConfig(16, 2, 32, 1))
    transformer = InteractionTransformer(config).eval()
    transformer.init_embeddings(codes)
    maps, text = torch.randint(16, (2, 2, 5, 6)), transformer.condition(torch.randn(2, 16))
    maps[:, :, :, 3] = config.mask_id
    before = transformer(maps, text)
    assert before.shape == (2, 2, 5, 6, 16)
    with torch.no_grad():
        transformer.head.codes.weight[3] += 1.0
    changed = (transformer(maps, text) - before).abs().amax((0, 1, 3, 4))
    assert changed[3] > 0.1 and not changed[[0, 1, 2, 4]].any()
    with torch.no_grad():
        transformer.token_embedding.weight[config.num_embeddings] += 1.0  # of the mask
    assert not torch.allclose(transformer(maps, text)[:, :, 0], before[:, :, 0])


def test_a_decoder_trained_with_the_first_level_only_reads_it() -> None:
    latent = torch.randn(6, 8, 5, 4)
    settings = CodebookSettings(noise=0, first_alone=0.5)
    quantizer = ResidualQuantizer(16, 8, 2, settings, 5).train()
    quantised, _, _ = quantizer(latent)
    ids = quantizer.ids(latent)
    either = torch.stack([quantizer.latent(ids[:, :levels]) for levels in (1, 2)])
    # The codes have moved a little since, so that samples are only near to what they were rebuilt from.
    nearest = (quantised - either).square().flatten(2).sum(2).argmin(0)
    assert 0 < nearest.sum() < len(nearest)


def test_codes_move_to_their_vectors_and_dead_ones_are_replaced() -> None:
    book = Codebook(8, 2, CodebookSettings(noise=0))
    centres = torch.tensor([[5.0, 0.0], [-5.0, 0.0], [0.0, 5.0]])
    for _ in range(400):
        book.learn(centres.repeat(20, 1) + 0.01 * torch.randn(60, 2))
    distance = torch.cdist(centres, book.codes).min(1).values
    assert (distance < 0.1).all()
    assert (torch.cdist(book.codes, centres).min(1).values < 0.1).all()  # none is left behind


def test_padding_changes_nothing_for_the_tokens_before_it() -> None:
    transformer = small_transformer()
    short, long = torch.randint(32, (1, 2, 5, 6)), torch.randint(32, (1, 2, 5, 9))
    padded = torch.full_like(long, transformer.config.padding_id)
    padded[..., :6] = short
    valid = torch.ones(2, 9, dtype=torch.bool)
    valid[0, 6:] = False
    text = torch.randn(2, 16)
    both = transformer(torch.cat((padded, long)), transformer.condition(text), valid)
    alone = transformer(short, transformer.condition(text[:1]))
    assert torch.allclose(both[:1, :, :, :6], alone, atol=1e-5)
    assert torch.allclose(both[1:], transformer(long, transformer.condition(text[1:])), atol=1e-5)


def test_the_network_is_symmetric_in_the_two_people() -> None:
    transformer = small_transformer()
    ids, text = torch.randint(35, (2, 2, 5, 7)), torch.randn(2, 16)
    condition = transformer.condition(text)
    assert torch.allclose(transformer(ids.flip(1), condition), transformer(ids, condition).flip(1), atol=1e-5)


def test_similar_codes_start_with_similar_embeddings() -> None:
    transformer = small_transformer()
    codes = torch.randn(32, 16)
    codes[1] = codes[0] + 0.01 * torch.randn(16)
    transformer.init_embeddings(codes[None])
    for weights in (transformer.token_embedding.weight[:32], transformer.head.codes.weight):
        away = (weights[0] - weights).norm(dim=1)
        assert away[1] < 0.1 * away[2:].min()


def test_a_network_with_more_blocks_starts_as_the_smaller_one_and_has_gradients() -> None:
    small = small_transformer()
    grown = InteractionTransformer(replace(small.config, blocks=small.config.blocks + 2, dropout=0.4)).eval()
    ids, text = torch.randint(35, (2, 2, 5, 7)), torch.randn(2, 16)
    wanted = small(ids, small.condition(text))
    assert not torch.allclose(grown(ids, grown.condition(text)), wanted, atol=1e-2)
    grown.init_from(small)
    logits = grown(ids, grown.condition(text))
    torch.testing.assert_close(logits, wanted, rtol=0, atol=1e-5)
    logits.square().sum().backward()
    for block in list(grown.blocks)[small.config.blocks :]:
        assert all(layer.modulation.weight.grad.abs().max() > 0 for layer in (block.joint, block.per_person))
    with pytest.raises(ValueError, match="at most as many blocks"):
        small.init_from(grown)


@pytest.mark.parametrize("masked", [False, True])
def test_attention_trained_in_bfloat16_has_the_same_gradients(masked: bool) -> None:
    attention = Attention(24, 3, 0.0)
    x, source, wanted = torch.randn(2, 9, 24), torch.randn(2, 7, 24), torch.randn(2, 9, 24)
    valid = torch.tensor([[True] * 7, [True] * 4 + [False] * 3]) if masked else None

    def learnt(half: bool) -> tuple[torch.Tensor, torch.Tensor]:
        attention.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            mixed = attention(x, source, valid).float()
        (mixed * wanted).sum().backward()
        assert attention.inward.weight.grad is not None
        return mixed.detach(), attention.inward.weight.grad.clone()

    for half, single in zip(learnt(True), learnt(False), strict=True):
        assert (half - single).norm() < 0.02 * single.norm()
