"""Palms reach the contacts that are predicted, with arms of the same length; nothing else moves."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from motion_examples import posed_person
from pair_example import pair
from small_model import save_small_model
from torch import Tensor

from model_core.errors import UserError
from model_core.generation.contact_ik import reach_contacts
from model_core.generation.pipeline import GenerateOptions, InterMask
from model_core.generation.postprocess import refined
from model_core.model_files.model_folder import load_model, save_model
from model_core.model_files.sampling_settings import SamplingSettings
from model_core.motion.representation import POSITIONS, VELOCITIES, WIDTH, features_from_motion
from model_core.motion.skeleton import SMPL
from model_core.networks.contact_classifier import TOUCHED, ContactClassifier, ContactClassifierConfig
from model_core.networks.palms import to_body, to_palms
from model_core.training.contact_classifier_training import (
    ContactClassifierTraining,
    contact_classes,
    precision_and_recall,
    train_contact_classifier,
)
from model_core.training.crops import Clip
from model_core.training.loop import LoopSettings
from model_core.training.material import DataSettings, Material
from model_core.training.refiner_training import RefinerTraining
from model_core.training.run import TrainingRun

NOTHING, LEFT, RIGHT, BODY = range(TOUCHED)
NOBODY = torch.zeros(1, 2, dtype=torch.bool)


def close(apart: float, frames: int = 60) -> Tensor:
    """(1, 2, T, 22, 3) of two face to face, the first one's left arm bent towards the second one's right one."""
    people = pair(1, frames)
    for person, side, ahead in ((0, "L", 1.0), (1, "R", -1.0)):
        shoulder = people[:, person, :, SMPL.index(f"{side}_Shoulder")]
        for joint, offset in (("Elbow", (0.1, -0.2, 0.1)), ("Wrist", (0.05, -0.22, 0.32))):
            along = torch.tensor(offset) * torch.tensor((1.0, 1.0, ahead))
            people[:, person, :, SMPL.index(f"{side}_{joint}")] = shoulder + along
    people[:, 1] += torch.tensor((0.0, 0.0, apart - 1.0))
    return people


def contacts(first: tuple[int, int], second: tuple[int, int], frames: int = 60) -> Tensor:
    """Logits (1, 2, T, 2, TOUCHED) of what left and right palms of both should touch all the time."""
    return 9 * torch.nn.functional.one_hot(torch.tensor([[first, second]]), TOUCHED).float()[:, :, None].expand(
        -1, -1, frames, -1, -1
    )


def bones(people: Tensor) -> Tensor:
    return (people[..., 1:, :] - people[..., list(SMPL.parents[1:]), :]).norm(dim=-1)


def test_people_without_contact_stay() -> None:
    people = close(0.8)
    assert torch.equal(reach_contacts(people, contacts((0, 0), (0, 0)), NOBODY), people)


@pytest.mark.parametrize("held", [None, 0, 1])
def test_hands_that_should_be_joined_meet(held: int | None) -> None:
    people = close(0.9 if held is None else 0.8)
    fixed = torch.tensor([[held == 0, held == 1]])
    before = to_palms(people).norm(dim=-1)[0, 0, :, 0, 1]
    assert before.min() > 0.04 and before.max() < 0.42
    moved = reach_contacts(people, contacts((RIGHT, NOTHING), (NOTHING, LEFT)), fixed)
    assert to_palms(moved).norm(dim=-1)[0, 0, :, 0, 1].max() < 0.03
    torch.testing.assert_close(bones(moved), bones(people), atol=1e-4, rtol=0)
    changed = (moved - people).norm(dim=-1).amax((0, 2))  # (2, 22)
    for person, side in enumerate("LR"):
        arms = [SMPL.index(f"{side}_Elbow"), SMPL.index(f"{side}_Wrist")]
        others = np.setdiff1d(np.arange(22), arms)
        assert changed[person, others].max() == 0
        assert (changed[person, arms].max() == 0) == (person == held)


def test_a_hand_reaches_the_body_and_does_not_enter_it() -> None:
    people = close(0.76)
    assert to_body(people).norm(dim=-1)[0, 0, :, 0].min() > 0.05
    moved = reach_contacts(people, contacts((BODY, NOTHING), (NOTHING, NOTHING)), NOBODY)
    assert to_body(moved).norm(dim=-1)[0, 0, :, 0].max() < 0.04
    assert torch.equal(moved[:, 1], people[:, 1])


def test_contacts_out_of_reach_are_ignored_and_contacts_fade_smoothly() -> None:
    far = close(2.0)
    assert torch.equal(reach_contacts(far, contacts((RIGHT, NOTHING), (NOTHING, LEFT)), NOBODY), far)
    people, wanted = close(0.9, 90), contacts((RIGHT, NOTHING), (NOTHING, LEFT), 90).clone()
    wanted[:, :, :40] = wanted[:, :, 60:] = contacts((0, 0), (0, 0), 1)
    moved = reach_contacts(people, wanted, NOBODY)
    assert torch.equal(moved[:, :, :15], people[:, :, :15])
    assert to_palms(moved).norm(dim=-1)[0, 0, 50, 0, 1] < 0.03
    wrist = moved[0, 0, :, SMPL.index("L_Wrist")]
    assert wrist.diff(n=2, dim=0).norm(dim=-1).max() * 30**2 < 15


def test_palms_reach_what_their_labels_say() -> None:
    people = close(0.9)
    assert (contact_classes(people) == NOTHING).all()
    moved = reach_contacts(people, contacts((RIGHT, NOTHING), (NOTHING, LEFT)), NOBODY)
    labels = contact_classes(moved)
    assert (labels[0, 0, :, 0] == RIGHT).all() and (labels[0, 1, :, 1] == LEFT).all()
    assert (labels[0, 0, :, 1] == NOTHING).all() and (labels[0, 1, :, 0] == NOTHING).all()


SHAPE = ContactClassifierConfig(width=16, dilations=(1, 2))
TEXTS = torch.randn(2, 384, generator=torch.Generator().manual_seed(1))


def test_the_classifier_depends_neither_on_place_nor_on_heading_nor_on_order() -> None:
    torch.manual_seed(0)
    network = ContactClassifier(SHAPE).eval()
    turn = torch.tensor([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0], [-0.8, 0.0, 0.6]])
    people, text = close(0.9), TEXTS[:1]
    said = network(people, text)
    assert said.std() > 0.05
    torch.testing.assert_close(network(people @ turn.T + torch.tensor((3.0, 0.0, -2.0)), text), said, atol=1e-4, rtol=0)
    torch.testing.assert_close(network(people.flip(1), text), said.flip(1), atol=1e-5, rtol=0)


def test_it_learns_from_the_text_what_distance_does_not_show() -> None:
    torch.manual_seed(0)
    network, people = ContactClassifier(SHAPE), torch.cat((close(0.9), close(0.9)))
    right = torch.cat(
        (contacts((RIGHT, NOTHING), (NOTHING, LEFT)), contacts((NOTHING, NOTHING), (NOTHING, NOTHING)))
    ).argmax(-1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(network(people, TEXTS).flatten(0, -2), right.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    said = network.eval()(people, TEXTS)
    assert precision_and_recall(said, right) == {"recall": 1.0, "precision": 1.0}
    assert precision_and_recall(network(people, TEXTS.flip(0)), right) == {"recall": 0.0, "precision": 0.0}


def always(what: int) -> ContactClassifier:
    """One that tells every palm to touch the same."""
    network = ContactClassifier(SHAPE).eval()
    network.exit.bias.data.view(2, TOUCHED)[:, what] = 20.0
    return network


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model whose contact classifier puts every palm on the partner."""
    plain = load_model(save_small_model(tmp_path_factory.mktemp("plain") / "small"))
    network = always(BODY)
    target = tmp_path_factory.mktemp("touching") / "with"
    save_model(
        target, replace(plain, config=replace(plain.config, contact_classifier=SHAPE), contact_classifier=network)
    )
    return target


def test_a_model_folder_keeps_its_contact_classifier_and_names_a_missing_one(folder: Path, tmp_path: Path) -> None:
    loaded = load_model(folder).contact_classifier
    assert loaded is not None and (loaded(close(0.9), TEXTS[:1]).argmax(-1) == BODY).all()
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "contact_classifier.safetensors").unlink()
    with pytest.raises(UserError, match=r"contact_classifier\.safetensors is missing"):
        load_model(broken)


@pytest.mark.parametrize("held", [None, 0])
def test_decoded_features_are_brought_into_contact(folder: Path, held: int | None) -> None:
    rows = np.zeros((1, 2, 60, WIDTH), np.float32)
    rows[..., POSITIONS] = close(0.8).flatten(-2).numpy()
    fixed = np.array([held == 0, held == 1])
    made = refined(None, load_model(folder).contact_classifier, rows, TEXTS[:1], fixed)
    moved = torch.from_numpy(made[..., POSITIONS]).unflatten(-1, (22, 3))
    if held is None:
        assert to_body(moved)[0, 0, :, 0].norm(dim=-1).max() < 0.04
    else:
        np.testing.assert_array_equal(made[:, held, :, POSITIONS], rows[:, held, :, POSITIONS])
    assert to_body(moved)[0, 1, :, 1].norm(dim=-1).max() < 0.04
    steps = np.diff(made[..., POSITIONS], axis=2)
    np.testing.assert_allclose(made[:, :, :-1, VELOCITIES], steps, atol=1e-6)


def test_a_model_with_only_a_contact_classifier_uses_it_but_not_on_a_leader(folder: Path) -> None:
    loaded = InterMask.load(folder, "cpu")
    model, plain = (
        InterMask(replace(loaded.model, contact_classifier=one), loaded.reader, loaded.compute_device)
        for one in (always(LEFT), None)
    )
    leader = posed_person(0, 48).motion()
    touching, apart = (
        one.react("they hug", leader, GenerateOptions(SamplingSettings(steps=1), 3))[0].people for one in (model, plain)
    )
    np.testing.assert_array_equal(touching[0].joints, leader.joints)
    changed = np.abs(touching[1].joints - apart[1].joints).max((0, 2)) > 1e-4
    assert set(np.flatnonzero(changed)) == {
        SMPL.index(f"{side}_{joint}") for side in "LR" for joint in ("Elbow", "Wrist")
    }


@pytest.mark.slow
def test_it_is_trained_on_perturbed_pairs(tmp_path: Path) -> None:
    model = load_model(save_small_model(tmp_path / "model"))
    rows = np.stack([features_from_motion(posed_person(seed, 60).motion()) for seed in (0, 1)])
    clips = [Clip(rows, ("they hug",), 1.0, (20, 40), "hug")]
    material = Material(([], clips), ([], clips), DataSettings())
    loop = LoopSettings(steps=4, batch=3, average=0.9, warm_up=1, save_every=4, evaluate_every=4)
    settings = ContactClassifierTraining(network=SHAPE, loop=loop, pairs=RefinerTraining(frames=(48,)))
    run = TrainingRun(material, tmp_path, model.config.text_encoder)
    run.use_statistics(torch.stack((model.mean, model.std)).numpy())
    network = train_contact_classifier(settings, run, model.tokenizer, None)
    width = run.encoder.width
    assert network.config.text_width == width and (tmp_path / "contact_classifier" / "checkpoint.pt").is_file()
    assert network.mean.abs().max() > 0 and torch.isfinite(network(close(0.9), torch.zeros(1, width))).all()
