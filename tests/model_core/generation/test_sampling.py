"""The decoding loop: known tokens are kept, free ones are filled in, and the seed determines the result."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from model_core.errors import UserError
from model_core.generation.guidance import condition_of, guided_logits
from model_core.generation.sampling import QUICK_STEPS, _gumbel, sample
from model_core.model_files.sampling_settings import SamplingSettings
from model_core.networks.text_layers import TextLayersConfig
from model_core.networks.transformer import InteractionTransformer, TransformerConfig


@pytest.fixture(scope="module")
def transformer() -> InteractionTransformer:
    torch.manual_seed(0)
    config = TransformerConfig(32, 16, 24, 2, 3, 32, text=TextLayersConfig(16, 2, 32, 1))
    return InteractionTransformer(config).eval()


def drawn() -> torch.Generator:
    """What is drawn with it does not depend on which tests ran before."""
    return torch.Generator().manual_seed(2)


def a_text(count: int) -> Tensor:
    """(count, 16) embeddings."""
    return torch.randn(count, 16, generator=drawn())


def free_patterns() -> dict[str, Tensor]:
    """Places that are free in each form of completion, (1, 2, 5, 8)."""
    free = {name: torch.zeros(1, 2, 5, 8, dtype=torch.bool) for name in ("all", "react", "between", "extend", "part")}
    free["all"][:] = True
    free["react"][:, 1] = True
    free["between"][..., 2:6] = True
    free["extend"][..., 3:] = True
    free["part"][:, 0, 3] = True
    return free


@pytest.mark.parametrize("pattern", free_patterns())
@pytest.mark.parametrize(("mask_temperature", "refinement_passes"), [(0.0, 0), (4.0, 0), (4.0, 2)])
def test_kept_tokens_are_returned_and_free_ones_are_filled(
    transformer: InteractionTransformer, pattern: str, mask_temperature: float, refinement_passes: int
) -> None:
    free = free_patterns()[pattern].expand(3, -1, -1, -1)
    ids = torch.randint(32, free.shape, generator=drawn())
    settings = SamplingSettings(6, 2.0, 0.5, 1.0, mask_temperature, refinement_passes=refinement_passes)
    out = sample(transformer, ids, free, a_text(3), settings, torch.Generator().manual_seed(1))
    assert torch.equal(out[~free], ids[~free])
    assert (out >= 0).all() and (out < 32).all()
    if pattern == "all":
        assert not torch.equal(out[0], out[1])


def test_a_seed_determines_the_result(transformer: InteractionTransformer) -> None:
    ids = torch.zeros(2, 2, 5, 8, dtype=torch.long)
    free, text = torch.ones_like(ids, dtype=torch.bool), a_text(2)

    def draw(seed: int) -> Tensor:
        settings = SamplingSettings(5, 1.5, 1.0, 1.0, 2.0)
        return sample(transformer, ids, free, text, settings, torch.Generator().manual_seed(seed))

    assert torch.equal(draw(7), draw(7))
    assert not torch.equal(draw(7), draw(8))


def test_ids_at_free_places_are_ignored(transformer: InteractionTransformer) -> None:
    source = drawn()
    free = torch.rand(1, 2, 5, 8, generator=source) < 0.6
    ids, text = torch.randint(32, free.shape, generator=source), a_text(1)
    other = torch.where(free, torch.randint(32, free.shape, generator=source), ids)
    settings = SamplingSettings(6, top_k_fraction=0.01)
    assert torch.equal(sample(transformer, ids, free, text, settings), sample(transformer, other, free, text, settings))


def test_low_temperature_is_greedy(transformer: InteractionTransformer) -> None:
    ids, text = torch.zeros(1, 2, 5, 8, dtype=torch.long), a_text(1)
    free = torch.ones_like(ids, dtype=torch.bool)
    greedy = sample(transformer, ids, free, text, SamplingSettings(6, top_k_fraction=0.0))
    cold = SamplingSettings(6, top_k_fraction=1.0, temperature=1e-4)
    assert torch.equal(sample(transformer, ids, free, text, cold, torch.Generator().manual_seed(3)), greedy)


def test_no_guidance_is_the_conditional_prediction(transformer: InteractionTransformer) -> None:
    ids, text = torch.zeros(1, 2, 5, 8, dtype=torch.long), a_text(1)
    free = torch.ones_like(ids, dtype=torch.bool)
    one = sample(transformer, ids, free, text, SamplingSettings(6, 1.0, 0.0))
    nearly = sample(transformer, ids, free, text, SamplingSettings(6, 1.0 + 1e-6, 0.0))
    assert torch.equal(one, nearly)


def test_progress_counts_and_cancel_stops_at_once(transformer: InteractionTransformer) -> None:
    ids, text = torch.zeros(1, 2, 5, 8, dtype=torch.long), a_text(1)
    free = torch.ones_like(ids, dtype=torch.bool)
    seen: list[tuple[int, int]] = []
    sample(transformer, ids, free, text, SamplingSettings(4), on_step=lambda step, steps: seen.append((step, steps)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]

    class Cancelled(Exception):  # noqa: N818 - no error: the user cancels
        pass

    def stop(step: int, steps: int) -> None:
        seen.append((step, steps))
        if step == 2:
            raise Cancelled

    seen.clear()
    with pytest.raises(Cancelled):
        sample(transformer, ids, free, text, SamplingSettings(9), on_step=stop)
    assert len(seen) == 2


def passes(transformer: InteractionTransformer, settings: SamplingSettings) -> tuple[Tensor, list[int]]:
    """Greedy tokens, and the batch size of each pass through the network."""
    items: list[int] = []
    hook = transformer.register_forward_pre_hook(lambda network, given: items.append(len(given[0])))
    free = free_patterns()["extend"].expand(3, -1, -1, -1)
    ids = torch.randint(32, free.shape, generator=torch.Generator().manual_seed(5))
    steps: list[int] = []
    text = torch.randn(3, 16, generator=torch.Generator().manual_seed(6))
    out = sample(transformer, ids, free, text, settings, on_step=lambda step, _: steps.append(step))
    hook.remove()
    assert torch.equal(out[~free], ids[~free]) and (out < 32).all()
    assert steps == sorted(set(steps)) and steps[-1] == settings.steps and len(steps) == len(items)
    return out, items


def test_guidance_on_a_part_of_the_steps_halves_the_others(transformer: InteractionTransformer) -> None:
    dense, items = passes(transformer, SamplingSettings(8, 3.0, 0.0))
    assert items == [6] * 8
    _, items = passes(transformer, SamplingSettings(8, 3.0, 0.0, guidance_fraction=0.5))
    assert items == [6] * 4 + [3] * 4
    never, items = passes(transformer, SamplingSettings(8, 3.0, 0.0, guidance_fraction=0.0))
    plain, _ = passes(transformer, SamplingSettings(8, 1.0, 0.0))
    assert items == [3] * 8 and torch.equal(never, plain) and not torch.equal(never, dense)


def test_guidance_can_begin_late(transformer: InteractionTransformer) -> None:
    late, items = passes(transformer, SamplingSettings(8, 3.0, 0.0, guidance_start=0.5))
    assert items == [3] * 4 + [6] * 4
    never, items = passes(transformer, SamplingSettings(8, 3.0, 0.0, guidance_start=1.0))
    plain, _ = passes(transformer, SamplingSettings(8, 1.0, 0.0))
    assert items == [3] * 8 and torch.equal(never, plain) and not torch.equal(late, plain)
    _, items = passes(transformer, SamplingSettings(8, 3.0, 0.0, guidance_start=0.25, guidance_fraction=0.5))
    assert items == [3] * 2 + [6] * 2 + [3] * 4


@pytest.mark.parametrize("settings", [SamplingSettings(6, 2.0, 0.5), SamplingSettings(6, 2.0, 0.5, guidance_start=0.5)])
def test_the_first_step_is_one_pass_for_all_candidates_after_a_quick_guess_for_the_first_draft(
    transformer: InteractionTransformer, settings: SamplingSettings
) -> None:
    ids, free = torch.randint(32, (2, 2, 5, 8), generator=drawn()), free_patterns()["extend"].expand(2, -1, -1, -1)
    items: list[int] = []
    drafts: list[Tensor] = []
    hook = transformer.register_forward_pre_hook(lambda network, given: items.append(len(given[0])))
    both = replace(settings, candidates=3, temperature=1e-6)

    def all_of_them(candidates: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros(len(which), dtype=torch.long), torch.ones(len(which))

    sources = [torch.Generator().manual_seed(seed) for seed in (3, 4)]
    found = sample(transformer, ids, free, a_text(2), both, sources, None, all_of_them, drafts.append)
    hook.remove()
    guided = 2 if settings.guidance_start == 0 else 1
    quick, items = items[:QUICK_STEPS], items[QUICK_STEPS:]
    assert quick == [1] * QUICK_STEPS
    assert items[0] == 2 * guided and items[1] == 6 * guided and len(items) == settings.steps
    # Cold draws are the most likely codes: one candidate, drawn without the others, is the same.
    alone = sample(transformer, ids, free, a_text(2), replace(both, candidates=1), None)
    assert torch.equal(found, alone)
    assert drafts[0].shape == (1, 2, 5, 8) and torch.equal(drafts[0][~free[:1]], ids[:1][~free[:1]])
    assert (drafts[0] < 32).all() and len(drafts) == 1 + settings.steps


def test_steps_that_would_only_redraw_confident_tokens_are_skipped(transformer: InteractionTransformer) -> None:
    dense, _ = passes(transformer, SamplingSettings(8, 2.0, 0.0))
    same, items = passes(transformer, SamplingSettings(8, 2.0, 0.0, skip_confidence=0.9999))
    assert torch.equal(same, dense) and len(items) == 8  # a random network is never so sure
    _, items = passes(transformer, SamplingSettings(8, 2.0, 0.0, skip_confidence=0.0))
    assert len(items) == 2  # the first step, and the last


@pytest.mark.slow
def test_refinement_leaves_no_token_that_the_others_make_improbable(transformer: InteractionTransformer) -> None:
    ids, text = torch.zeros(4, 2, 5, 8, dtype=torch.long), a_text(4)
    free = torch.ones_like(ids, dtype=torch.bool)

    def surprise(refinement_passes: int) -> Tensor:
        """(4,) mean over tokens of how much likelier the most likely code is, each token masked alone."""
        hot = SamplingSettings(6, 1.0, 0.1, 1.0, refinement_passes=refinement_passes, remask_threshold=0.9)
        out = sample(transformer, ids, free, text, hot, torch.Generator().manual_seed(5))
        ratios = []
        for place in range(out[0].numel()):
            seen = out.flatten(1).clone()
            seen[:, place] = transformer.config.mask_id
            with torch.inference_mode():
                logits = transformer(seen.view(out.shape), transformer.condition(text)).flatten(1, 3)[:, place]
            ratios.append(logits.amax(-1) - logits.gather(-1, out.flatten(1)[:, place, None])[:, 0])
        return torch.stack(ratios).mean(0)

    assert (surprise(4) < 0.8 * surprise(0)).all()


def test_progress_counts_refinement_passes(transformer: InteractionTransformer) -> None:
    ids, seen = torch.zeros(1, 2, 5, 8, dtype=torch.long), []
    settings = SamplingSettings(5, 2.0, refinement_passes=2)
    sample(transformer, ids, ids == 0, a_text(1), settings, None, lambda done, of: seen.append((done, of)))
    assert seen == [(done, 13) for done in range(1, 14)]


def test_refinement_can_be_limited_to_some_parts(transformer: InteractionTransformer) -> None:
    ids, seen = torch.zeros(2, 2, 5, 8, dtype=torch.long), []
    free = torch.ones_like(ids, dtype=torch.bool)

    def made(refinement_passes: int) -> Tensor:
        settings = SamplingSettings(
            6, 2.0, 0.9, 1.0, refinement_passes=refinement_passes, refine_parts=(1, 2), remask_threshold=0.9
        )
        source = torch.Generator().manual_seed(5)
        return sample(transformer, ids, free, a_text(2), settings, source, lambda done, of: seen.append((done, of)))

    changed = (made(0) != made(2)).any(-1).any(1).any(0)
    assert changed.tolist() == [False, True, True, False, False]
    assert seen[-1] == (10, 10)  # two of five parts: two groups per pass
    with pytest.raises(UserError, match="names part 5"):
        sample(transformer, ids, free, a_text(2), SamplingSettings(6, refinement_passes=1, refine_parts=(4, 5)))


def test_guidance_can_differ_by_part(transformer: InteractionTransformer) -> None:
    def made(guidance: float, part_guidance: tuple[float, ...]) -> Tensor:
        return passes(transformer, SamplingSettings(1, guidance, 0.0, part_guidance=part_guidance))[0]

    whole, none = made(3.0, ()), made(1.0, ())
    assert torch.equal(made(3.0, (1,) * 5), whole) and torch.equal(made(3.0, (0,) * 5), none)
    assert torch.equal(made(5.0, (0.5,) * 5), whole)
    mixed = made(3.0, (1, 0, 0, 1, 1))
    assert torch.equal(mixed[:, :, [0, 3, 4]], whole[:, :, [0, 3, 4]]) and torch.equal(
        mixed[:, :, 1:3], none[:, :, 1:3]
    )
    assert not torch.equal(whole[:, :, 1:3], none[:, :, 1:3])
    with pytest.raises(UserError, match="one for each of the 5"):
        made(3.0, (1, 0))


@pytest.mark.parametrize("refinement_passes", [0, 1])
def test_the_chosen_candidate_is_returned_and_known_tokens_stay(
    transformer: InteractionTransformer, refinement_passes: int
) -> None:
    ids, free = torch.randint(32, (2, 2, 5, 8), generator=drawn()), free_patterns()["extend"].expand(2, -1, -1, -1)
    seen: list[Tensor] = []

    def last_of_three(candidates: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(candidates)
        assert items.tolist() == [0, 1]
        return torch.tensor([2, 1]), torch.tensor([0.2, 0.3])

    settings = SamplingSettings(
        6,
        2.0,
        0.5,
        refinement_passes=refinement_passes,
        remask_threshold=1.0 if refinement_passes else 0.1,
        candidates=3,
    )
    out = sample(transformer, ids, free, a_text(2), settings, drawn(), select_candidate=last_of_three)
    (candidates,) = seen
    assert candidates.shape == (2, 3, 2, 5, 8) and torch.equal(out[~free], ids[~free])
    assert not torch.equal(candidates[:, 0], candidates[:, 1]) and not (candidates == transformer.config.mask_id).any()
    chosen = torch.stack((candidates[0, 2], candidates[1, 1]))
    assert torch.equal(out, chosen)


def test_an_items_candidates_depend_on_its_own_generator_alone(transformer: InteractionTransformer) -> None:
    ids, text = torch.zeros(2, 2, 5, 8, dtype=torch.long), a_text(2)
    settings = SamplingSettings(
        6, 2.0, 0.5, mask_temperature=2.0, refinement_passes=1, candidates=3, max_attempts=3, accept_threshold=0.7
    )

    def made(items: slice, seeds: tuple[int, ...]) -> Tensor:
        sources, some = [torch.Generator().manual_seed(seed) for seed in seeds], ids[items]
        return sample(transformer, some, some == 0, text[items], settings, sources, select_candidate=least_sum)

    def least_sum(candidates: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        best = candidates.flatten(2).sum(-1).min(1)
        return best.indices, 1 - best.values / (31 * 80)

    both = made(slice(0, 2), (3, 4))
    assert torch.equal(both[:1], made(slice(0, 1), (3,))) and torch.equal(both[1:], made(slice(1, 2), (4,)))


def test_more_candidates_are_drawn_where_none_is_accepted_and_the_best_of_all_attempts_is_returned(
    transformer: InteractionTransformer,
) -> None:
    ids = torch.zeros(3, 2, 5, 8, dtype=torch.long)
    seen: list[tuple[list[int], Tensor]] = []
    # Item 0 is accepted at once, item 1 is best in its second attempt, item 2 in its first.
    likely = {0: [0.9], 1: [0.2, 0.6, 0.5], 2: [0.5, 0.4, 0.3]}

    def first_of_two(candidates: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        seen.append((items.tolist(), candidates[:, 0].clone()))
        return torch.zeros(len(items), dtype=torch.long), torch.tensor([likely[item].pop(0) for item in items.tolist()])

    steps: list[int] = []
    settings = SamplingSettings(4, 2.0, 0.5, candidates=2, max_attempts=3, accept_threshold=0.8)
    out = sample(
        transformer, ids, ids == 0, a_text(3), settings, drawn(), lambda done, _: steps.append(done), first_of_two
    )
    assert [items for items, _ in seen] == [[0, 1, 2], [1, 2], [1, 2]]
    assert torch.equal(out, torch.stack((seen[0][1][0], seen[1][1][0], seen[0][1][2])))
    assert steps == sorted(steps) and steps[-1] == 4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_noise_is_finite_and_fine_for_every_precision_of_the_logits(dtype: torch.dtype) -> None:
    count = 400_000
    noise = _gumbel(torch.zeros(1, count, dtype=dtype), drawn())
    assert noise.dtype == torch.float32 and noise.isfinite().all()
    # The largest of n draws is log n, give or take a standard deviation of 1.28; half precision ends at 7.6.
    assert noise.max() > 10 and noise.min() > -3.04
    assert len(noise.unique()) > count * 0.97
    quantiles = torch.tensor([0.01, 0.25, 0.5, 0.75, 0.99, 0.9999], dtype=torch.float64)
    expected = -torch.log(-torch.log(quantiles))
    assert torch.allclose(noise[0].double().quantile(quantiles), expected, atol=0.4)
    assert torch.allclose(noise[0].double().quantile(quantiles[:5]), expected[:5], atol=0.05)


def test_mixed_precision_draws_from_single_precision_logits_that_are_nearly_the_same(
    transformer: InteractionTransformer,
) -> None:
    """The path of graphics cards on the CPU: products in half precision, the rest not."""
    ids, text = torch.randint(32, (2, 2, 5, 8), generator=drawn()), a_text(2)
    exact, mixed = (
        guided_logits(transformer, ids, condition_of(transformer, text, 3.0, precision), 3.0, (), precision)
        for precision in (None, torch.bfloat16)
    )
    assert mixed.dtype == torch.float32 and not torch.equal(mixed, exact)
    assert (mixed - exact).std() < 0.03 * exact.std()
    seen: list[torch.dtype] = []

    def first(candidates: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        seen.append((torch.ones(2, 2) @ torch.ones(2, 2)).dtype)
        return torch.zeros(len(items), dtype=torch.long), torch.ones(len(items))

    free = free_patterns()["extend"].expand(2, -1, -1, -1)
    settings = SamplingSettings(6, 3.0, 0.5, mask_temperature=2.0, refinement_passes=1, candidates=2)

    def made(precision: torch.dtype | None) -> Tensor:
        return sample(
            transformer, ids, free, text, settings, drawn(), select_candidate=first, precision=precision
        )  # fmt: skip

    out = made(torch.bfloat16)
    assert torch.equal(out, made(torch.bfloat16)) and torch.equal(out[~free], ids[~free]) and (out < 32).all()
    assert (out == made(None)).float().mean() > 0.5, "few draws are changed by rounding"
    assert set(seen) == {torch.float32}, "candidates are compared in single precision"
