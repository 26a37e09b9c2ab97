"""Which constraints a generation accepts, and which tokens it frees for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from motion_examples import posed_person
from small_model import save_small_model

from model_core.constraints import Constraints, ContactConstraint, PathConstraint, PinConstraint, TimingConstraint
from model_core.errors import UserError
from model_core.generation.constrained import bound_tokens, checked
from model_core.generation.pipeline import GenerateOptions, InterMask
from model_core.generation.prompts import Segment, begun_at
from model_core.motion import Interaction

PIN = PinConstraint(1, "L_Wrist", 17, 26, np.array([[0.3, 1.0, 0.5]]), blend=0, name="handle")
PATH = PathConstraint(0, (0, 39), np.array([[0.0, 0.0], [1.0, 0.0]]), name="way")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> InterMask:
    return InterMask.load(save_small_model(Path(tmp_path_factory.mktemp("models")) / "small", steps=3), "cpu")


def test_the_bound_frames_are_free_for_all_parts_of_the_person() -> None:
    tokens = bound_tokens(Constraints((PIN,)), 42)
    assert tokens.shape == (2, 5, 11) and not tokens[0].any()
    assert np.flatnonzero(tokens[1].all(0)).tolist() == [4, 5, 6] == np.flatnonzero(tokens[1].any(0)).tolist()
    blended = bound_tokens(Constraints((replace(PIN, blend=10),)), 42)
    assert np.flatnonzero(blended[1].all(0)).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    contact = ContactConstraint(0, "left_hand", "face", 41, 42, blend=0)
    assert np.argwhere(bound_tokens(Constraints((contact,)), 42)[:, 0]).tolist() == [[0, 10]]
    dense = bound_tokens(Constraints((replace(PATH, dense=True),)), 42)
    assert dense[0, :, :10].all() and not dense[0, :, 10:].any() and not dense[1].any()


def test_without_constraints_nothing_is_checked() -> None:
    assert checked(None, [""], 0) is None and checked(Constraints(), [], 0) is None
    assert checked(Constraints((PIN,)), ["they hug"], 20, partly=True) is not None
    assert checked(Constraints((PIN,)), ["they hug"], 10, partly=True) is None


def test_parts_of_the_prompt_are_counted() -> None:
    timing = Constraints((TimingConstraint(30, 1, name="bow"),))
    assert checked(timing, ["0-1 s: they hug; 1-2 s: they bow"], 60) is not None
    with pytest.raises(UserError, match="bow"):
        checked(timing, ["0-1 s: they hug; 1-2 s: they bow", "they hug"], 60)


def test_every_way_of_generating_refuses_what_it_cannot_meet(model: InterMask) -> None:
    first, second = (posed_person(seed, 40).motion() for seed in (1, 2))
    pair = Interaction((first, second))
    options = GenerateOptions(constraints=Constraints((PIN, PATH)))
    with pytest.raises(UserError, match=r"'handle'.*frames 17 to 25"):
        model.generate("they hug", 20, options)
    with pytest.raises(UserError, match="'handle'"):
        model.generate_batch(["they hug", "they bow"], 20, [0, 1], options)
    with pytest.raises(UserError, match=r"'way'.*given"):
        model.react("they hug", first, options)
    with pytest.raises(UserError, match=r"'handle'.*kept"):
        model.extend("they hug", pair, 60, options)
    within = np.ones((2, 5, 10), dtype=bool)
    within[1, :, :5] = False
    with pytest.raises(UserError, match=r"'handle'.*frame 17.*kept"):
        model.restyle("they hug", pair, 0.5, options, within)


def test_restyling_frees_the_frames_that_are_bound(model: InterMask) -> None:
    pair = Interaction((posed_person(1, 40).motion(), posed_person(2, 40).motion()))
    (changed,) = model.restyle("they hug", pair, 0.0, GenerateOptions(constraints=Constraints((PIN,))))
    moved = np.linalg.norm(changed.joints - pair.joints, axis=-1).max(-1)
    assert not moved[0].any() and not moved[1, :4].any() and (moved[1, 17:26] > 1e-3).all()


@pytest.mark.parametrize(
    ("begins", "stops"),
    [
        ({}, [30, 60, 90, 120]),
        ({1: 30, 3: 90}, [30, 60, 90, 120]),
        ({2: 30}, [15, 30, 75, 120]),
        ({1: 60}, [60, 80, 100, 120]),
        ({3: 3}, [1, 2, 3, 120]),
        ({1: 117}, [117, 118, 119, 120]),
        ({1: 1, 2: 2, 3: 119}, [1, 2, 119, 120]),
    ],
)
def test_parts_begin_when_they_are_told_to(begins: dict[int, int], stops: list[int]) -> None:
    parts = [Segment(name, 30 * (number + 1)) for number, name in enumerate("abcd")]
    moved = begun_at(parts, begins)
    assert [part.stop for part in moved] == stops and [part.prompt for part in moved] == list("abcd")


def test_the_windows_of_a_clip_follow_the_timing(model: InterMask) -> None:
    constraints = Constraints((TimingConstraint(24, 1), TimingConstraint(10, "first contact")))
    prompt = "0-1 s: they hug; 1-2 s: they bow"
    for given, stop in ((constraints, 24), (None, 30)):
        texts = model._texts.windows(prompt, 60, 0, True, given)
        assert [window.stop for window, _ in texts] == [stop, 60]
