"""The refiner: who is fixed stays, the world's directions mean nothing to it, and training teaches it what belongs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pair_example import pair
from small_model import save_small_model
from torch import Tensor

from model_core.errors import UserError
from model_core.generation.pipeline import GenerateOptions, InterMask
from model_core.model_files.model_folder import load_model, save_model
from model_core.motion import Motion
from model_core.motion.skeleton import SMPL
from model_core.networks.refiner import Refiner, RefinerConfig
from model_core.training.perturbation import Perturbation
from model_core.training.refiner_training import refiner_losses

SHAPE = RefinerConfig(width=16, dilations=(1, 2))


def restless_refiner(seed: int = 0) -> Refiner:
    """Random weights that move people by some centimetres."""
    torch.manual_seed(seed)
    network = Refiner(SHAPE).eval()
    network.exit.weight.data.normal_(std=0.3)
    return network


TEXT = torch.randn(1, 384, generator=torch.Generator().manual_seed(1))
NONE = torch.zeros(1, 2, dtype=torch.bool)


def test_an_untrained_refiner_moves_nobody_and_a_trained_one_moves_no_fixed_person() -> None:
    torch.testing.assert_close(Refiner(SHAPE).eval()(pair(), TEXT, NONE), pair(), atol=1e-5, rtol=0)
    moved = restless_refiner()(pair(), TEXT, torch.tensor([[True, False]]))
    torch.testing.assert_close(moved[:, 0], pair()[:, 0], atol=1e-5, rtol=0)
    assert (moved[:, 1] - pair()[:, 1]).norm(dim=-1).mean() > 0.02


def test_the_refiner_depends_neither_on_place_nor_on_heading_nor_on_order() -> None:
    network = restless_refiner()
    turn = torch.tensor([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0], [-0.8, 0.0, 0.6]])
    shift = torch.tensor([3.0, 0.0, -2.0])
    moved = network(pair(), TEXT, NONE)
    torch.testing.assert_close(network(pair() @ turn.T + shift, TEXT, NONE), moved @ turn.T + shift, atol=1e-4, rtol=0)
    torch.testing.assert_close(network(pair().flip(1), TEXT, NONE), moved.flip(1), atol=1e-5, rtol=0)


def test_perturbed_people_keep_their_bone_lengths() -> None:
    torch.manual_seed(0)
    joints = pair(8)
    calm = Perturbation(spared=1.0).apply(joints)
    torch.testing.assert_close(calm, joints, atol=1e-5, rtol=0)
    wild = Perturbation(spared=0.0).apply(joints)
    assert (wild - joints).norm(dim=-1).mean() > 0.1

    def bones(people: Tensor) -> Tensor:
        return (people[..., 1:, :] - people[..., list(SMPL.parents[1:]), :]).norm(dim=-1)

    torch.testing.assert_close(bones(wild), bones(joints), atol=1e-5, rtol=0)


@pytest.mark.slow
def test_it_learns_how_far_apart_people_stand() -> None:
    torch.manual_seed(0)
    network, perturbation = Refiner(SHAPE), Perturbation(spared=0.0)
    right = pair(8)
    text, none = TEXT.expand(8, -1), NONE.expand(8, -1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(150):
        loss = torch.stack(list(refiner_losses(network(perturbation.apply(right), text, none), right).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    disturbed = perturbation.apply(right)
    with torch.inference_mode():
        after = refiner_losses(network.eval()(disturbed, text, none), right)
    before = refiner_losses(disturbed, right)
    assert after["partner"] < 0.75 * before["partner"] and after["distance"] < 0.95 * before["distance"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with a restless refiner."""
    plain = load_model(save_small_model(tmp_path_factory.mktemp("refined") / "small"))
    target = tmp_path_factory.mktemp("refined") / "with"
    save_model(target, replace(plain, config=replace(plain.config, refiner=SHAPE), refiner=restless_refiner()))
    return target


def test_a_model_folder_keeps_its_refiner_and_names_a_missing_one(folder: Path, tmp_path: Path) -> None:
    loaded = load_model(folder).refiner
    assert loaded is not None
    wanted = restless_refiner()(pair(), TEXT, NONE)
    torch.testing.assert_close(loaded(pair(), TEXT, NONE), wanted, atol=2e-3, rtol=0)
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "refiner.safetensors").unlink()
    with pytest.raises(UserError, match=r"refiner\.safetensors is missing"):
        load_model(broken)


def test_generated_people_are_moved_and_a_leader_is_not(folder: Path) -> None:
    model = InterMask.load(folder, "cpu")
    plain = InterMask(replace(model.model, refiner=None), model.reader, model.compute_device)
    moved, decoded = (made.generate("they hug", 48, GenerateOptions(seed=3))[0] for made in (model, plain))
    apart = [
        np.linalg.norm(a.joints - b.joints, axis=-1).mean() for a, b in zip(moved.people, decoded.people, strict=True)
    ]
    assert min(apart) > 0.02
    np.testing.assert_array_equal(moved.people[0].rotations, decoded.people[0].rotations)
    leader: Motion = decoded.people[0]
    reaction = model.react("they hug", leader, GenerateOptions(seed=3))[0]
    np.testing.assert_array_equal(reaction.people[0].joints, leader.joints)
    bare = plain.react("they hug", leader, GenerateOptions(seed=3))[0]
    assert np.linalg.norm(reaction.people[1].joints - bare.people[1].joints, axis=-1).mean() > 0.02


def test_nobody_is_moved_if_a_part_of_a_clip_is_kept(folder: Path) -> None:
    model = InterMask.load(folder, "cpu")
    plain = InterMask(replace(model.model, refiner=None), model.reader, model.compute_device)
    known = plain.generate("they hug", 48, GenerateOptions(seed=3))[0]
    free = np.zeros((2, 5, 12), dtype=bool)
    free[:, :, 4:8] = True
    made = [one.complete("they hug", known.people, free, 48, GenerateOptions(seed=1))[0] for one in (model, plain)]
    np.testing.assert_array_equal(made[0].people[1].joints, made[1].people[1].joints)
