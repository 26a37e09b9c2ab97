"""Completion: kept motion stays, free tokens are filled in, and no seam jumps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from motion_examples import posed_person
from small_model import LONGEST, save_small_model

from model_core.constraints import Constraints, PathConstraint
from model_core.errors import UserError
from model_core.generation.completion import MAX_SEAM, MIN_SEAM, all_free, blend, windows
from model_core.generation.pipeline import GenerateOptions, InterMask
from model_core.generation.prompts import Segment, segments
from model_core.generation.sampling import sample, token_log_probs
from model_core.kinematics import solve
from model_core.model_files.sampling_settings import SamplingSettings
from model_core.motion import Interaction, Motion
from model_core.motion.rotations import about_y, angle_between
from model_core.networks.token_map import token_columns


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> InterMask:
    return InterMask.load(save_small_model(tmp_path_factory.mktemp("models") / "small"), "cpu")


@pytest.fixture(scope="module")
def pair() -> Interaction:
    return Interaction((posed_person(1, 100).motion(), posed_person(2, 100).motion()))


def same(one: Motion, other: Motion, frames: slice | np.ndarray = slice(None)) -> bool:
    assert one.rotations is not None and other.rotations is not None
    return np.allclose(one.joints[frames], other.joints[frames], atol=1e-9) and np.allclose(
        one.rotations[frames], other.rotations[frames], atol=1e-6
    )


def largest_steps(motion: Motion) -> np.ndarray:
    """(T - 1,) largest travel of a joint from each frame to the next, metres."""
    return np.linalg.norm(np.diff(motion.joints, axis=0), axis=-1).max(1)


@pytest.mark.parametrize(("frames", "longest", "known"), [(16, 120, 0), (120, 120, 0), (121, 120, 0), (700, 120, 0),
                                                          (300, 128, 57), (1000, 300, 200)])  # fmt: skip
def test_windows_cover_the_frames_to_generate(frames: int, longest: int, known: int) -> None:
    done = known
    for window in windows(frames, longest, known):
        assert window.start % 4 == 0 and window.stop - window.start <= longest
        assert window.start + window.overlap == done < window.stop
        assert window.overlap >= longest / 4 or window.start == 0
        done = window.stop
    assert done == frames


@pytest.mark.parametrize("frames", [16, 17, 90, LONGEST, 251])
def test_any_number_of_frames(model: InterMask, frames: int) -> None:
    first, second = model.generate("they stand", frames, GenerateOptions(seed=3, takes=2))
    assert len(first) == len(second) == frames
    assert not same(first.people[0], second.people[0])
    again = model.generate("they stand", frames, GenerateOptions(seed=3, takes=2))[0]
    assert same(first.people[0], again.people[0]) and same(first.people[1], again.people[1])


@pytest.mark.parametrize(("prompt", "frames"), [("  ", 60), ("they bow", 3), ("they bow", 10_000 * 30)])
def test_impossible_requests_are_refused(model: InterMask, prompt: str, frames: int) -> None:
    with pytest.raises(UserError):
        model.generate(prompt, frames)


def test_a_leader_stays_unchanged_and_the_partner_is_in_the_leaders_world(model: InterMask, pair: Interaction) -> None:
    leader = pair.people[0]
    plain = model.react("they dance", leader, GenerateOptions(seed=5))[0]
    assert plain.people[0] is leader or same(plain.people[0], leader)
    turn, shift = about_y(np.asarray(2.2)), np.array([3.0, 0.5, -7.0])
    moved = model.react("they dance", leader.moved(turn, shift), GenerateOptions(seed=5))[0]
    expected = plain.people[1].moved(turn, shift)
    assert np.abs(moved.people[1].joints - expected.joints).max() < 1e-4


def test_either_person_can_be_the_leader(model: InterMask, pair: Interaction) -> None:
    free = all_free(100)
    free[1] = False
    leader = pair.people[1]
    options = GenerateOptions(model.config.sampling, seed=5)
    made = model.complete("they dance", (None, leader), free, 100, options)[0]
    reaction = model.react("they dance", leader, options)[0]
    assert same(made.people[1], leader) and same(made.people[0], reaction.people[1])


def test_a_long_leader_is_followed_to_the_end(model: InterMask) -> None:
    leader = posed_person(4, 2 * LONGEST + 30).motion()
    made = model.react("they dance", leader, GenerateOptions(seed=1))[0]
    assert same(made.people[0], leader) and len(made.people[1]) == len(leader)
    assert np.isfinite(made.people[1].joints).all()


def test_an_in_between_holds_both_ends(model: InterMask, pair: Interaction) -> None:
    free = all_free(100)
    free[..., :8] = False
    free[..., 17:] = False
    takes = model.complete("they turn", pair.people, free, 100, GenerateOptions(seed=2, takes=2))
    for person, old in enumerate(pair.people):
        one, other = (take.people[person] for take in takes)
        assert all(same(new, old, slice(0, 32)) and same(new, old, slice(68, 100)) for new in (one, other))
        assert not same(one, old, slice(40, 60)) and not same(one, other, slice(40, 60))


def test_an_extension_continues_without_a_jump(model: InterMask, pair: Interaction) -> None:
    made = model.extend("they go on", pair, 230, GenerateOptions(seed=2))[0]
    assert len(made) == 230
    for new, old in zip(made.people, pair.people, strict=True):
        assert same(new, old, slice(0, 100))
        steps = largest_steps(new)
        seam = slice(99, 99 + MIN_SEAM + 1)
        assert steps[seam].max() <= np.percentile(np.delete(steps, np.r_[seam]), 99)


def test_a_difference_at_a_seam_fades_slowly(pair: Interaction) -> None:
    known, held = pair.people[0], np.arange(100) < 40
    made = known.moved(np.eye(3), np.array([0.09, 0.0, 0.12]))  # 0.15 m off, as decoded hands can be
    drift = largest_steps(replace(known, joints=blend(made, known, held).joints - known.joints))
    assert drift.max() * 30 < 0.35 and drift[:39].max() == 0
    assert np.allclose(blend(made, known, held).joints[40 + MIN_SEAM :], made.joints[40 + MIN_SEAM :])


@pytest.mark.parametrize("first", [True, False])
def test_a_seam_keeps_position_and_velocity(pair: Interaction, first: bool) -> None:
    known = pair.people[0]
    held, border = (np.arange(100) < 40, np.arange(100) - 37) if first else (np.arange(100) >= 60, np.arange(100) - 63)
    moving = 0.02 * border[:, None, None] * np.array([1.0, 0.0, 0.5])  # 0.67 m/s faster than what it should join
    turning = about_y(0.05 * border)[:, None]
    assert known.rotations is not None
    made = replace(known, joints=known.joints + moving, rotations=turning @ known.rotations)
    result = blend(made, known, held)
    assert same(result, known, held) and result.rotations is not None
    off = result.joints - known.joints
    angle = angle_between(result.rotations, known.rotations)
    for values, pace in ((off, 0.022), (angle, 0.05)):
        change = np.abs(np.diff(values, 2, axis=0))
        assert change.max() < 0.45 * pace  # joined without its pace, the seam would change it by all of this at once
    far = slice(40 + MAX_SEAM, None) if first else slice(0, 60 - MAX_SEAM)
    assert np.allclose(result.joints[far], made.joints[far])


def test_one_body_part_is_regenerated(model: InterMask, pair: Interaction) -> None:
    free = np.zeros((2, 5, token_columns(100)), dtype=bool)
    free[0, 4, 8:17] = True
    made = model.complete("they wave", pair.people, free, 100, GenerateOptions(seed=2))[0]
    assert same(made.people[1], pair.people[1])
    new, old = made.people[0], pair.people[0]
    assert same(new, old, slice(0, 32)) and same(new, old, slice(68, 100)) and not same(new, old, slice(40, 60))
    assert new.rotations is not None
    assert float(np.degrees(angle_between(new.rotations[1:], new.rotations[:-1])).max()) < 180


def test_a_prompt_can_change_in_time(model: InterMask) -> None:
    prompt = "0-2 s: they bow; 2-5 s: they fight"
    made = model.generate(prompt, 150, GenerateOptions(seed=4))[0]
    plain = model.generate("they bow", 60, GenerateOptions(seed=4))[0]
    assert len(made) == 150 and made.text == prompt
    # Parts are solved before they are joined, so the first one is the plain clip on skeletons, up to its bridge.
    for part, person in zip(made.people, solve(plain.people), strict=True):
        assert np.abs(part.joints[:30] - person.joints()[:30]).max() < 0.02


@pytest.mark.slow
def test_each_part_of_a_prompt_meets_the_constraints_of_its_frames(model: InterMask) -> None:
    """Before the solver meets them exactly, people are near to them in all parts."""
    prompt = "0-2 s: they bow; 2-5 s: they fight"
    begins, ends = np.array([1.0, 2.0]), np.array([-1.0, 3.0])
    asked = Constraints(
        (PathConstraint(0, (0,), begins[None], np.array([[0.0, 1.0]])), PathConstraint(1, (149,), ends[None]))
    )
    (take,) = model.generate(prompt, 150, GenerateOptions(seed=4, constraints=asked))
    first, second = (person.joints[:, 0, [0, 2]] for person in take.people)
    assert np.linalg.norm(first[0] - begins) < 0.1 and np.linalg.norm(second[149] - ends) < 0.1
    assert max(largest_steps(person).max() for person in take.people) < 0.5  # nobody jumps from one to the other
    (later,) = model.generate(
        prompt, 150, GenerateOptions(seed=4, constraints=Constraints((PathConstraint(1, (100,), ends[None]),)))
    )
    assert np.linalg.norm(later.people[1].joints[100, 0, [0, 2]] - ends) < 0.1


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("0-2 s: they bow; 3-5 s: they fight", "begin at 2 s"),
        ("0-2 s: they bow; 2-1 s: they fight", "end later"),
        ("0-2 s: they bow; they fight", "no time"),
        ("0-2 s: ; 2-5 s: they fight", "no text"),
        ("0-4 s: they bow; 4-20 s: they fight", "make it longer"),
    ],
)
def test_wrong_times_in_a_prompt_are_refused(prompt: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        segments(prompt, 150, 30)


def test_parts_of_a_prompt_fill_the_clip() -> None:
    assert segments("they bow; and laugh", 90, 30) == [Segment("they bow; and laugh", 90)]
    assert segments("0-1 s: they bow; 1 to 2.5 seconds: they fight", 90, 30) == [
        Segment("they bow", 30),
        Segment("they fight", 90),
    ]


def test_an_item_of_a_batch_equals_the_same_item_alone(model: InterMask) -> None:
    prompts = ["they hug", "0-1 s: they bow; 1-2 s: they fight", "they hug", "one kicks the other"]
    seeds, frames = [3, 4, 5, 3], 60
    steps: list[tuple[int, int]] = []
    together = model.generate_batch(prompts, frames, seeds, GenerateOptions(on_step=lambda *step: steps.append(step)))
    for prompt, seed, row in zip(prompts, seeds, together, strict=True):
        (alone,) = model.generate(prompt, frames, GenerateOptions(seed=seed))
        assert (row.text, row.seed) == (prompt, seed)
        for person, same in zip(row.people, alone.people, strict=True):
            np.testing.assert_allclose(person.joints, same.joints, atol=1e-5)
    apart = [np.abs(together[0].people[0].joints - other.people[0].joints).max() for other in together[1:]]
    assert min(apart) > 1e-3 and steps[-1][0] == steps[-1][1] and len(steps) < 4 * 20
    settings = replace(model.config.sampling, skip_confidence=0.5)
    (alone,) = model.generate("they hug", frames, GenerateOptions(settings, 5))
    row = model.generate_batch(prompts, frames, seeds, GenerateOptions(settings))[2]
    np.testing.assert_allclose(row.people[1].joints, alone.people[1].joints, atol=1e-5)


def test_takes_are_sampled_in_smaller_batches_if_memory_runs_out(model: InterMask) -> None:
    seen: list[int] = []

    def short_of_memory(step: int, steps: int) -> None:
        seen.append(step)
        if len(seen) == 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    takes = model.generate("they bow", 40, GenerateOptions(seed=1, takes=5, on_step=short_of_memory))
    assert len(takes) == 5 and seen[:2] == [1, 2] and seen[2] == 1
    assert seen.count(1) == 1 + 3  # five takes by twos

    def without_memory(step: int, steps: int) -> None:
        raise RuntimeError("MPS backend out of memory")

    with pytest.raises(UserError, match="fewer takes"):
        model.generate("they bow", 40, GenerateOptions(takes=2, on_step=without_memory))


def test_one_take_that_does_not_fit_into_memory_is_not_tried_twice(model: InterMask) -> None:
    tried: list[int] = []

    def without_memory(step: int, steps: int) -> None:
        tried.append(step)
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    with pytest.raises(UserError, match=r"1 take of 40 frames; ask for a shorter clip") as raised:
        model.generate("they bow", 40, GenerateOptions(on_step=without_memory))
    assert tried == [1] and "fewer takes" not in str(raised.value)


def test_a_reaction_halves_the_models_steps_but_not_the_users(model: InterMask, pair: Interaction) -> None:
    def steps(settings: SamplingSettings | None) -> int:
        seen: list[int] = []
        options = GenerateOptions(settings, on_step=lambda step, count: seen.append(count))
        model.react("they dance", pair.people[0], options)
        return seen[-1]

    assert model.config.sampling.steps == 6
    assert (steps(None), steps(SamplingSettings(5))) == (3, 5)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_a_restyle_keeps_the_most_confident_tokens(
    model: InterMask, pair: Interaction, strength: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    within = all_free(100)
    within[1] = False
    free = model.least_likely_tokens("they fight", pair, strength, GenerateOptions(seed=3), within=within)
    assert free.sum() == round(strength * within.sum()) and not free[1].any()
    maps: list[tuple[np.ndarray, np.ndarray]] = []

    def recorded(*arguments: Any) -> Any:
        filled = sample(*arguments)
        maps.append((arguments[1].numpy(), filled.numpy()))
        return filled

    monkeypatch.setattr("model_core.generation.batching.sample", recorded)
    moved = Interaction((pair.people[0].moved(np.eye(3), OFF), pair.people[1].moved(np.eye(3), OFF)))
    takes = model.restyle("they fight", moved, strength, GenerateOptions(seed=3, takes=2), within=within)
    assert len(takes) == 2 and all(same(take.people[1], moved.people[1]) for take in takes)
    assert np.abs(takes[0].people[0].joints[:, 0] - moved.people[0].joints[:, 0]).max() < 5
    if strength == 0:
        assert not maps and same(takes[0].people[0], moved.people[0])
        return
    order = [1, 0] if strength == 1 else [0, 1]  # whose beginning is known leads
    ((before, after),) = ((one[:, order], other[:, order]) for one, other in maps)
    assert (after[:, ~free] == before[:, ~free]).all() and (after < 32).all()
    assert (after[:, free] != before[:, free]).any()
    assert not same(takes[0].people[0], moved.people[0]) and not same(takes[0].people[0], takes[1].people[0])


OFF = np.array([4.0, 0.0, -7.0])


def test_a_restyle_frees_the_least_probable_tokens(model: InterMask, pair: Interaction) -> None:
    free = model.least_likely_tokens("they fight", pair, 0.25, GenerateOptions(seed=3))
    with torch.inference_mode():
        people = [
            model.codec.representation.canonical_transform(pair.people[0]).apply(person) for person in pair.people
        ]
        ids = torch.stack([model.codec.encode(person) for person in people])[None]
        sure = token_log_probs(
            model.model.transformer, ids, model.text_condition("they fight").condition, model.config.sampling.guidance,
            torch.Generator().manual_seed(3),
        )[0].numpy()  # fmt: skip
    assert sure[free].max() <= sure[~free].min()


def test_a_restyle_scores_tokens_with_the_guidance_of_their_part(model: InterMask, pair: Interaction) -> None:
    def freed(**changed: Any) -> np.ndarray:
        return model.least_likely_tokens("they fight", pair, 0.25, GenerateOptions(SamplingSettings(**changed), seed=3))

    assert np.array_equal(freed(guidance=9.0, part_guidance=(0.0,) * 5), freed(guidance=1.0))
    assert not np.array_equal(freed(guidance=9.0), freed(guidance=1.0))
    with pytest.raises(UserError, match="part_guidance has 2 values"):
        freed(part_guidance=(1.0, 0.5))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_all_tokens_or_none_need_no_pass_and_leave_the_given_array_alone(
    model: InterMask, pair: Interaction, share: float
) -> None:
    passes: list[object] = []
    hook = model.model.transformer.register_forward_hook(lambda *given: passes.append(given))
    within = all_free(100)
    within[1] = False
    kept = within.copy()
    free = model.least_likely_tokens("they fight", pair, share, within=within)
    hook.remove()
    assert not passes and np.array_equal(free, within & bool(share))
    free[:] = True
    assert np.array_equal(within, kept)


def test_a_long_clip_is_restyled_to_its_end(model: InterMask) -> None:
    known = Interaction((posed_person(1, 300).motion(), posed_person(2, 300).motion()))
    free = model.least_likely_tokens("they fight", known, 0.5)
    assert free.shape == (2, 5, 75) and free[:, :, :30].any() and free[:, :, 45:].any()
    assert len(model.restyle("they fight", known, 0.5)[0]) == 300


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_outside_0_to_1_is_refused(model: InterMask, pair: Interaction, strength: float) -> None:
    with pytest.raises(UserError, match="choose 0 to 1"):
        model.restyle("they fight", pair, strength)
