"""Constraints steer the bundled model: they are met, what is kept stays, and the seed determines the result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_model import LONGEST, save_small_model

from model_core.constraints import Constraints, ContactConstraint, PathConstraint, PinConstraint, Targets
from model_core.constraints.report import report
from model_core.generation.pipeline import GenerateOptions, InterMask
from model_core.generation.steering import SteeringSettings, exchanged, lengthened, reaching_ahead
from model_core.model_files.model_folder import bundled_model
from model_core.motion import FPS, SMPL, Interaction
from model_core.networks.tokenizer import Dataset

FRAMES = 40
PROMPT = "two people walk side by side"
WRIST = SMPL.index("R_Wrist")


@pytest.fixture(scope="module")
def model() -> InterMask:
    return InterMask.load(bundled_model(), "cpu")


@pytest.fixture(scope="module")
def options(model: InterMask) -> GenerateOptions:
    few = replace(model.config.sampling, steps=3, candidates=2, max_attempts=1, refinement_passes=0)
    return GenerateOptions(few, seed=2)


@pytest.fixture(scope="module")
def drawn(model: InterMask, options: GenerateOptions) -> Interaction:
    return model.generate(PROMPT, FRAMES, options)[0]


def joints_of(pair: Interaction) -> np.ndarray:
    return np.stack([person.joints[:, :22] for person in pair.people])


def errors(constraints: Constraints, pair: Interaction) -> tuple[float, float]:
    """Mean and largest error over all constraints, metres."""
    found = report(constraints, joints_of(pair))
    return float(np.mean([e.mean for e in found])), max(e.worst for e in found if e.worst is not None)


def s_curve(person: int = 0, frames: int = FRAMES, length: float = 1.5) -> PathConstraint:
    time = np.linspace(0, 1, frames)
    places = np.stack((0.5 * np.sin(2 * np.pi * time), length * time), -1)
    return PathConstraint(person, tuple(range(frames)), places, dense=True)


@pytest.mark.parametrize("passes", [0, 1])
def test_a_path_is_walked(model: InterMask, options: GenerateOptions, drawn: Interaction, passes: int) -> None:
    path = Constraints((s_curve(),))
    steered = model.generate(
        PROMPT, FRAMES, replace(options, constraints=path, steering=SteeringSettings(passes, variants=1))
    )[0]
    mean, worst = errors(path, steered)
    assert errors(path, drawn)[0] > 0.2 and mean < 0.06 and worst < 0.2
    jerk, before = (
        np.linalg.norm(np.diff(joints_of(pair)[:, :, 0][..., [0, 2]], n=3, axis=1), axis=-1).mean(1) * FPS**3
        for pair in (steered, drawn)
    )
    assert jerk[0] < 80.0  # the curve has 33 m/s^3; pelvises that shake have hundreds
    assert (jerk < 0.3 * before).all()


@pytest.mark.slow
def test_pins_and_contacts_are_met(model: InterMask, options: GenerateOptions, drawn: Interaction) -> None:
    point = joints_of(drawn)[0, 30, WRIST] + [0.1, 0.2, 0.1]
    pin = PinConstraint(0, "R_Wrist", 26, 34, point[None], name="handle")
    steered = model.generate(PROMPT, FRAMES, replace(options, constraints=Constraints((pin,))))[0]
    assert errors(Constraints((pin,)), steered)[1] < 0.05 < errors(Constraints((pin,)), drawn)[1]
    contact = ContactConstraint(1, "right_hand", "left_shoulder", 24, 34)
    touched = model.generate(PROMPT, FRAMES, replace(options, constraints=Constraints((contact,))))[0]
    shoulder = SMPL.index("L_Shoulder")
    gaps = [np.linalg.norm(j[1, 24:34, WRIST] - j[0, 24:34, shoulder], axis=-1).mean() for j in
            (joints_of(drawn), joints_of(touched))]  # fmt: skip
    assert gaps[1] < 0.3 < gaps[0]


@pytest.mark.slow
def test_the_seed_determines_the_result(model: InterMask, options: GenerateOptions, drawn: Interaction) -> None:
    path = replace(options, constraints=Constraints((s_curve(),)))
    first, second = (model.generate(PROMPT, FRAMES, path)[0] for _ in range(2))
    assert np.array_equal(joints_of(first), joints_of(second))
    for without in (replace(options, constraints=Constraints()), replace(path, steering=None)):
        assert np.array_equal(joints_of(model.generate(PROMPT, FRAMES, without)[0]), joints_of(drawn))


@pytest.mark.slow
def test_a_leader_stays(model: InterMask, options: GenerateOptions, drawn: Interaction) -> None:
    leader = drawn.people[0]
    place = leader.joints[-1, 0, [0, 2]] + [1.0, 0.5]
    end = Constraints((PathConstraint(1, (FRAMES - 1,), place[None]),))
    pair = model.react(PROMPT, leader, replace(options, constraints=end))[0]
    assert np.array_equal(pair.people[0].joints, leader.joints) and errors(end, pair)[1] < 0.06


@pytest.mark.slow
def test_known_frames_stay(model: InterMask, options: GenerateOptions, drawn: Interaction) -> None:
    later = Constraints((PathConstraint(0, (71,), drawn.people[0].joints[-1, 0, [0, 2]][None] + [0.5, 1.0]),))
    longer = model.extend(PROMPT, drawn, 72, replace(options, constraints=later))[0]
    assert np.array_equal(joints_of(longer)[:, :FRAMES], joints_of(drawn)) and errors(later, longer)[1] < 0.06


@pytest.mark.slow
def test_every_take_and_item_meets_its_constraints(model: InterMask, options: GenerateOptions) -> None:
    path = Constraints((s_curve(1),))
    steering = replace(options, constraints=path)
    takes = model.generate(PROMPT, FRAMES, replace(steering, takes=2))
    items = model.generate_batch([PROMPT, "two people hug"], FRAMES, [3, 4], steering)
    assert all(errors(path, pair)[0] < 0.06 for pair in (*takes, *items))


@pytest.mark.slow
def test_progress_is_reported_and_cancels(model: InterMask, options: GenerateOptions) -> None:
    steps: list[tuple[int, int]] = []
    path = replace(options, constraints=Constraints((s_curve(),)), on_step=lambda *step: steps.append(step))
    model.generate(PROMPT, FRAMES, path)
    assert len({total for _, total in steps}) == 1 and steps == sorted(steps) and steps[-1][0] == steps[-1][1]

    class CancelledError(Exception):
        pass

    for stop in (2, len(steps) // 2):
        seen: list[int] = []

        def cancel(done: int, _: int, stop: int = stop, seen: list[int] = seen) -> None:
            seen.append(done)
            if len(seen) == stop:
                raise CancelledError

        with pytest.raises(CancelledError):
            model.generate(PROMPT, FRAMES, replace(path, on_step=cancel))
        assert len(seen) == stop


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["interhuman", "interx"])
def test_any_model_and_length_is_steered(tmp_path: Path, dataset: Dataset) -> None:
    small = InterMask.load(save_small_model(tmp_path / "small", 3, dataset), "cpu")
    frames = LONGEST + 41
    point = np.array([[0.3, 1.1, 0.4]])
    both = Constraints((s_curve(0, frames, 4.0), PathConstraint(1, (frames - 1,), np.array([[2.0, 3.0]]))))
    pair = small.generate("they walk", frames, GenerateOptions(constraints=both))[0]
    assert errors(both, pair)[0] < 0.06 and abs(joints_of(pair)[..., 1].min()) < 0.15
    pin = Constraints((PinConstraint(1, "L_Wrist", 20, 28, point),))
    leader = pair.people[0].frames(0, 40)
    reacted = small.react("they walk", leader, GenerateOptions(constraints=pin))[0]
    assert np.array_equal(reacted.people[0].joints, leader.joints) and np.isfinite(joints_of(reacted)).all()


def test_targets_are_lengthened_and_exchanged() -> None:
    contact = ContactConstraint(1, "left_hand", "face", 5, 20)
    targets = Targets.of(Constraints((s_curve(0, 22), contact)), 22)
    longer = lengthened(targets, 24)
    assert len(longer) == 24 and not longer.ground_weight[:, 22:].any() and len(longer.contacts[0].weight) == 24
    assert np.array_equal(longer.ground[:, :22], targets.ground)
    other = exchanged(targets)
    assert np.array_equal(other.ground[1], targets.ground[0]) and other.contacts[0].person == 0
    assert other.ground_weight[1].all() and not other.ground_weight[0].any()


def test_people_are_on_their_way_to_a_later_window() -> None:
    place = Constraints((PathConstraint(0, (20, 180), np.array([[1.0, 0.0], [1.0, 4.0]])),))
    targets, unknown = Targets.of(place, 200), np.full((2, 2), np.nan)
    own = reaching_ahead(targets, 0, 100, 0, unknown)
    assert np.allclose(own.ground[0, 99], [1.0, 4.0 * 79 / 160]) and 0 < own.ground_weight[0, 99] < 1
    assert not own.ground_weight[1].any() and not targets.ground_weight[0, 99]
    begun = reaching_ahead(targets, 60, 160, 96, np.array([[2.0, 2.0], [0.0, 0.0]]))
    assert np.allclose(begun.ground[0, 99], [2.0 - 63 / 84, 2.0 + 2.0 * 63 / 84])
    assert reaching_ahead(targets, 100, 200, 130, unknown).ground_weight[0].nonzero()[0].tolist() == [80]


def test_gradients_are_not_left_on(model: InterMask) -> None:
    assert torch.is_grad_enabled() and not any(p.requires_grad for p in model.model.tokenizer.parameters())
