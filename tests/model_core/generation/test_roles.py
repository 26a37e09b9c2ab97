"""Who acts is seen by the kind's detector, and people change places if the prompt names the other one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gliding import gliding_people, line

from model_core.generation.options import GenerateOptions
from model_core.generation.pipeline import InterMask
from model_core.generation.roles import Role, detected_actor, in_roles, role_penalties
from model_core.model_files.model_folder import bundled_model
from model_core.motion import Motion

FOLLOW = gliding_people((line(0, 0, 1.1), line(0, 1.3, 1.1)), (0, 0))
ABREAST = gliding_people((line(0, 0, 1.1), line(0.7, 0, 1.1)), (0, 0))


def test_the_one_behind_follows_and_of_two_abreast_neither_acts() -> None:
    assert detected_actor("follow", FOLLOW) == 0 and detected_actor("follow", FOLLOW[::-1]) == 1
    assert detected_actor("follow", ABREAST) is None
    assert detected_actor("walk side by side", ABREAST) is None  # both do
    assert detected_actor("a kind of another model", FOLLOW) is None


def test_people_are_exchanged_only_if_the_other_one_acts() -> None:
    pair = Motion(FOLLOW[0]), Motion(FOLLOW[1])
    assert in_roles(pair, Role("follow", 0)) is pair
    assert in_roles(pair, Role("follow", 1)) == (pair[1], pair[0])
    abreast = Motion(ABREAST[0]), Motion(ABREAST[1])
    assert in_roles(abreast, Role("follow", 1)) is abreast


def test_a_candidate_in_which_the_other_one_acts_is_penalised() -> None:
    candidates = np.stack((FOLLOW, FOLLOW[::-1], ABREAST))
    assert role_penalties(candidates, Role("follow", 0)).tolist() == [0, 1, 0]
    assert role_penalties(candidates, Role("follow", 0).exchanged).tolist() == [1, 0, 0]


@pytest.mark.slow
@pytest.mark.parametrize("actor", [0, 1])
def test_the_person_whom_the_prompt_names_acts(actor: int) -> None:
    model = InterMask.load(bundled_model(), "cpu")
    settings = replace(model.config.sampling, candidates=1, max_attempts=1)
    prompt = f"person {actor + 1} follows person {2 - actor}"
    takes = model.generate(prompt, 90, GenerateOptions(settings, seed=1, takes=4))
    seen = [detected_actor("follow", np.stack([person.joints for person in take.people])) for take in takes]
    assert actor in seen and 1 - actor not in seen
