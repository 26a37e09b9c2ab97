"""Training: crops, masks, the unrolled pass, caches, checkpoints and metrics."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from motion_examples import posed_person
from repository import REPOSITORY
from torch import Tensor, nn

from model_core.errors import UserError
from model_core.generation.devices import has_bf16_products
from model_core.motion.canonical import facing
from model_core.motion.representation import POSITIONS, features_from_motion
from model_core.networks.text_layers import TextLayersConfig
from model_core.networks.tokenizer import Tokenizer, TokenizerConfig
from model_core.networks.transformer import TransformerConfig
from model_core.text_encoders import TextFeatures
from model_core.training.crops import Clip, Crops, statistics
from model_core.training.loop import Loop, LoopSettings
from model_core.training.masking import MaskingSettings, hide, unroll
from model_core.training.material import DataSettings, Material
from model_core.training.metrics_log import MetricsLog, read_metrics
from model_core.training.run import TrainingRun
from model_core.training.tokenised import CropTokeniser
from model_core.training.tokenizer_training import TokenizerTraining, train_tokenizer
from model_core.training.transformer_training import TransformerData, TransformerTraining, train_transformer

CODES = TransformerConfig(codes=50)


@pytest.fixture(scope="module")
def crops() -> Crops:
    people = [np.stack([features_from_motion(posed_person(seed + p, 90).motion()) for p in (0, 1)]) for seed in (0, 2)]
    return Crops([Clip(rows, (f"clip {number}",)) for number, rows in enumerate(people)], longest_lag=10)


def test_crops_stand_in_the_frame_of_their_first_person(crops: Crops) -> None:
    plain = Crops(crops.clips)
    for seed in range(5):
        rows, clip = plain.draw(np.random.default_rng(seed), 40)
        assert rows.shape == (2, 40, 262) and any(clip is one for one in plain.clips)
        joints = rows[..., POSITIONS].reshape(2, 40, 22, 3)
        assert np.abs(joints[0, 0, 0, [0, 2]]).max() < 1e-5
        assert abs(facing(joints[0, 0])) < 1e-5
        # turning must not tear velocities from positions
        velocities = rows[..., 66:132].reshape(2, 40, 22, 3)
        assert np.abs(np.diff(joints, axis=1) - velocities[:, :-1]).max() < 1e-4


def test_crops_hold_the_event_span_of_a_clip(crops: Crops) -> None:
    long = np.concatenate([crops.clips[0].features] * 2, axis=1)
    long[:, :, 261] = np.arange(long.shape[1])  # a contact column counts the frames
    captioned = Crops(
        [Clip(long, ("a",), event_span=(100, 130)), Clip(long[:, :60], ("b",), event_span=(0, 50))], captioned=True
    )
    random = np.random.default_rng(0)
    for frames, captions in ((132, {"a"}), (56, {"b"})):
        for _ in range(50):
            rows, clip = captioned.draw(random, frames)
            assert set(clip.captions) <= captions and clip.event_span is not None
            assert rows[0, 0, 261] <= clip.event_span[0] and rows[0, -1, 261] >= clip.event_span[1] - 1


def test_crops_longer_than_any_clip_are_refused(crops: Crops) -> None:
    with pytest.raises(UserError, match="No clip has a crop of 1000 frames"):
        crops.draw(np.random.default_rng(0), 1000)


def test_crops_come_by_weight(crops: Crops) -> None:
    first, second = crops.clips
    heavy = Crops([replace(first, weight=9.0), second])
    random = np.random.default_rng(0)
    drawn = [heavy.draw(random, 40)[1].captions == first.captions for _ in range(500)]
    assert 0.85 < np.mean(drawn) < 0.95


def test_kinds_come_as_often_as_each_other_however_many_clips_they_have(crops: Crops) -> None:
    first, second = crops.clips
    short = replace(second, features=second.features[:, :50], kind="short", weight=2.0)
    by_kind = Crops([replace(first, kind="long")] * 7 + [short], by_kind=True)
    for frames, chance in ((40, 2 / 3), (first.frames, 0.0)):
        which, sums = by_kind.usable(frames)
        chances = np.diff(sums, prepend=0) / sums[-1]
        assert np.isclose(sum(chances[which == 7]), chance)


def test_statistics_normalise_each_group(crops: Crops) -> None:
    mean, spread = statistics(crops, np.random.default_rng(0), 100, 32)
    assert len(np.unique(spread[:66])) == len(np.unique(spread[66:132])) == len(np.unique(spread[132:258])) == 1
    rows = np.stack([crops.draw(np.random.default_rng(s), 32)[0] for s in range(50)]).reshape(-1, 262)
    normal = (rows - mean) / spread
    for group in (slice(0, 66), slice(66, 132), slice(132, 258)):
        assert 0.8 < normal[:, group].std() < 1.2


def test_masks_have_the_published_shares() -> None:
    torch.manual_seed(0)
    tokens = torch.randint(50, (4000, 2, 5, 4))
    masked = hide(tokens, CODES, MaskingSettings())
    whole = masked.time == 0
    assert abs(whole.float().mean() - 0.2) < 0.03
    people = masked.hidden[whole].flatten(2)
    assert (people.all(2).sum(1) == 1).all() and (people.any(2).sum(1) == 1).all()
    counts = masked.hidden[~whole].flatten(1).sum(1).float()
    assert abs(counts.mean() / 40 - 2 / torch.pi) < 0.02  # the mean of cos over a quarter turn
    shown, true = masked.ids[masked.hidden], tokens[masked.hidden]
    assert abs((shown == CODES.mask_id).float().mean() - 0.9 * 0.88) < 0.01
    assert abs((shown == true).float().mean() - (0.9 * 0.12 + 0.1 / 50)) < 0.01
    assert torch.equal(masked.ids[~masked.hidden], tokens[~masked.hidden])


def test_the_unrolled_pass_keeps_what_the_next_step_would() -> None:
    torch.manual_seed(0)
    tokens = torch.randint(50, (64, 2, 5, 6))
    first = hide(tokens, CODES, MaskingSettings())
    logits = torch.randn(64, 2, 5, 6, 50) * 3
    second = unroll(tokens, first, logits, CODES, steps=20)
    assert (second.hidden <= first.hidden).all()
    expected = torch.cos((first.time + 1 / 19).clamp(max=1) * torch.pi / 2) * first.free.flatten(1).sum(1)
    assert torch.equal(second.hidden.flatten(1).sum(1), expected.round().clamp_min(1).long())
    assert (second.ids[second.hidden] == CODES.mask_id).all()
    assert torch.equal(second.ids[~first.hidden], tokens[~first.hidden])
    assert (second.ids[first.hidden & ~second.hidden] < 50).all()


def tokenizer_settings(steps: int) -> TokenizerTraining:
    network = TokenizerConfig(width=16, codes=32, code_width=8, dropout=0.1, graph_scope="every_frame")
    loop = LoopSettings(steps=steps, batch=4, rate=3e-3, warm_up=2, save_every=10, evaluate_every=10)
    return TokenizerTraining(network, loop, window=32)


def run_of(clips: Crops, folder: Path) -> TrainingRun:
    """A run on clips that stand for captured ones, to learn from and held out."""
    material = Material((list(clips.clips), []), (list(clips.clips), []), DataSettings(lag=clips.longest_lag))
    run = TrainingRun(material, folder, "all-MiniLM-L6-v2")
    run.use_statistics(statistics(clips, np.random.default_rng(0), 50, 32))
    return run


@pytest.mark.slow
def test_training_continues_after_a_kill_as_if_it_had_not_stopped(crops: Crops, tmp_path: Path) -> None:
    def run(folder: str, steps: int, total: int) -> Tokenizer:
        settings = tokenizer_settings(total)
        # A schedule that does not depend on the number of steps makes a shorter run the beginning of a longer one.
        loop = replace(settings.loop, steps=steps, schedule="steps", step_shares=())
        return train_tokenizer(replace(settings, loop=loop), run_of(crops, tmp_path / folder))

    def same(network: Tokenizer) -> bool:
        state = network.state_dict()
        return all(torch.equal(tensor, state[name]) for name, tensor in whole.state_dict().items())

    whole = run("whole", 20, 20)
    run("parts", 10, 20)
    assert same(run("parts", 20, 20))
    folder = tmp_path / "parts" / "tokenizer"
    assert [line["step"] for line in read_metrics(folder / "held_out.jsonl")] == [10, 20]

    started = replace(tokenizer_settings(20), loop=replace(tokenizer_settings(20).loop, steps=0))
    assert same(train_tokenizer(started, run_of(crops, tmp_path / "started"), start=whole))

    # A damaged checkpoint costs the steps since the one before; its lines are not there twice.
    (folder / "checkpoint.pt").write_bytes(b"cut")
    assert same(run("parts", 20, 20))
    assert [line["step"] for line in read_metrics(folder / "held_out.jsonl")] == [10, 20]
    for path in folder.glob("checkpoint*"):
        path.write_bytes(b"cut")
    with pytest.raises(UserError, match=r"checkpoint\.pt does not belong to this configuration or is damaged"):
        run("parts", 20, 20)


def line_to_fit(folder: Path, steps: int, losses: Callable[[nn.Module, int], Tensor]) -> nn.Module:
    """Train one weight, saving each fifth step."""
    torch.manual_seed(0)
    network = nn.Linear(1, 1)
    settings = LoopSettings(steps=steps, rate=1e-2, save_every=5, evaluate_every=steps, warm_up=1)
    loop = Loop(network, settings, folder, "line")
    return loop.run(lambda step: (losses(network, step), {"first" if step < 50 else "late": float(step)}), lambda _: {})


def test_mixed_precision_is_of_products_alone(tmp_path: Path) -> None:
    inputs = torch.randn(64, 16, generator=torch.Generator().manual_seed(0))
    seen: list[torch.dtype] = []

    def trained(half: bool) -> Tensor:
        torch.manual_seed(0)
        network = nn.Linear(16, 8)
        settings = LoopSettings(steps=20, rate=1e-2, warm_up=1, average=0.0, half=half, save_every=100)

        def losses(step: int) -> tuple[Tensor, dict[str, float]]:
            products = network(inputs)
            seen.append(products.dtype)
            return (products.float() - 1).square().mean(), {}

        weights = Loop(network, settings, tmp_path / str(half), "line").run(losses, lambda _: {}).weight
        assert weights.dtype == torch.float32
        return weights.detach()

    single, mixed = trained(False), trained(True)
    # A CPU without instructions for it computes in single precision, which is several times faster there.
    expected = torch.bfloat16 if has_bf16_products() else torch.float32
    assert seen[0] == torch.float32 and seen[-1] == expected
    assert torch.equal(mixed, single) == (expected == torch.float32)
    assert (mixed - single).norm() < 0.02 * single.norm()


def fitted(network: nn.Module, step: int) -> Tensor:
    return (network(torch.ones(1, 1)) - 1).square().sum()


def test_metrics_have_their_own_names_and_counts(tmp_path: Path) -> None:
    line_to_fit(tmp_path, 150, fitted)
    first, second = read_metrics(tmp_path / "metrics.jsonl")
    assert first["step"] == 100 and first["first"] == np.mean(range(50)) and first["late"] == np.mean(range(50, 100))
    assert second["step"] == 150 and second["late"] == np.mean(range(100, 150)) and "first" not in second


FULL = """
import resource, signal, sys, torch
from pathlib import Path
from model_core.errors import UserError
from model_core.training.loop import Loop, LoopSettings
def run(steps):
    network = torch.nn.Linear(200, 200)
    loop = Loop(network, LoopSettings(steps=steps, save_every=1), Path(sys.argv[1]), "network")
    loop.run(lambda step: (network(torch.ones(200)).square().mean(), {}), lambda network: {})
run(2)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    run(4)
except UserError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "file"), [(100_000, "checkpoint.pt"), (16, "metrics.jsonl")])
def test_a_full_disk_ends_a_training_in_a_sentence_and_leaves_its_checkpoints(
    limit: int, file: str, tmp_path: Path
) -> None:
    pytest.importorskip("resource")  # a limit on the size of files stands for a disk that fills up
    command = [sys.executable, "-c", FULL, str(tmp_path), str(limit)]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert f"Cannot write {tmp_path / file}" in run.stdout and "free some space" in run.stdout
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 2
    assert torch.load(tmp_path / "checkpoint.previous.pt", weights_only=True)["step"] == 1


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_loss_that_is_no_number_once_is_skipped_and_for_good_ends_the_training(value: float, tmp_path: Path) -> None:
    def once(network: nn.Module, step: int) -> Tensor:
        return fitted(network, step) * (value if step == 7 else 1)

    def for_good(network: nn.Module, step: int) -> Tensor:
        return fitted(network, step) * (value if step >= 12 else 1)

    network = line_to_fit(tmp_path / "once", 20, once)
    assert all(torch.isfinite(weight).all() for weight in network.parameters())
    with pytest.raises(UserError, match=r"loss of the line is not a finite number since step 13; lower 'rate'"):
        line_to_fit(tmp_path / "for good", 50, for_good)
    for name, step in (("checkpoint.pt", 10), ("checkpoint.previous.pt", 5)):
        saved = torch.load(tmp_path / "for good" / name, weights_only=True)
        assert saved["step"] == step and all(torch.isfinite(weight).all() for weight in saved["network"].values())


def test_metrics_that_cannot_be_written_are_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(UserError, match=r"Cannot write .*metrics\.jsonl: .*run the command again"):
        MetricsLog(tmp_path, 0).write("metrics", 1, {"loss": 1.0})


def test_figures_go_to_tensorboard_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    line_to_fit(tmp_path, 10, fitted)
    assert list((tmp_path / "tensorboard").glob("events*"))


def test_tokens_are_drawn_again_when_anything_that_decides_them_changes(crops: Crops, tmp_path: Path) -> None:
    torch.manual_seed(0)
    tokenizer = Tokenizer(TokenizerConfig(width=8, codes=32, code_width=8, graph_scope="every_frame")).eval()
    values = statistics(crops, np.random.default_rng(0), 50, 32)
    tokeniser = CropTokeniser(tokenizer, values, (16,), [("clip 0",), ("clip 1",)], 0)
    cache = tmp_path / "tokens.safetensors"

    def made_again(tokeniser: CropTokeniser, crops: Crops, count: int = 8) -> bool:
        before = cache.stat().st_ino if cache.exists() else None
        tokeniser.tokens(crops, count, cache)
        return cache.stat().st_ino != before

    assert made_again(tokeniser, crops) and not made_again(tokeniser, crops)
    renamed = [replace(clip, kind="another") for clip in crops.clips]
    for other in (replace(crops, by_kind=True, _chances={}), replace(crops, clips=renamed, _chances={})):
        assert made_again(tokeniser, other) and made_again(tokeniser, crops)
    exchanged = [replace(clip, features=clip.features[::-1]) for clip in crops.clips]
    assert made_again(tokeniser, replace(crops, clips=exchanged, _chances={}))
    assert made_again(replace(tokeniser, seed=1), crops) and made_again(tokeniser, crops, 9)


@pytest.mark.slow
def test_the_transformer_learns_what_it_is_shown(crops: Crops, tmp_path: Path) -> None:
    torch.manual_seed(0)
    values = statistics(crops, np.random.default_rng(0), 50, 32)
    tokenizer = Tokenizer(TokenizerConfig(width=8, codes=32, code_width=8, graph_scope="every_frame")).eval()
    for name, tensor in tokenizer.state_dict().items():
        if name.endswith("codes"):
            tensor.normal_(std=0.3)
    captions, cache = [("clip 0",), ("clip 1",)], tmp_path / "tokens.safetensors"
    tokeniser = CropTokeniser(tokenizer, values, (16, 24), captions, 0)
    maps = tokeniser.tokens(crops, 80, cache)
    again = tokeniser.tokens(crops, 80, cache)
    assert torch.equal(maps.maps[16], again.maps[16]) and torch.equal(maps.captions[24], again.captions[24])
    other = replace(tokeniser, seed=1).tokens(crops, 80, cache)
    assert not torch.equal(maps.maps[16], other.maps[16])
    assert maps.maps[24].shape == (40, 2, 5, 6)
    assert set(maps.captions[16].tolist()) == {0, 1}
    texts = TextFeatures(torch.randn(2, 3, 16), torch.ones(2, 3, dtype=torch.bool), torch.randn(2, 16))
    network = TransformerConfig(32, 8, 32, 2, 2, 64, 0.0, TextLayersConfig(16, 2, 32, 1))
    loop = LoopSettings(steps=120, batch=16, rate=3e-3, warm_up=5, save_every=60, evaluate_every=60, average=0.9)
    settings = TransformerTraining(network, loop, frames=(16, 24), unroll_from=0.5)
    train_transformer(settings, run_of(crops, tmp_path), TransformerData(maps, maps, texts, [[0], [1]]))
    lines = read_metrics(tmp_path / "transformer" / "metrics.jsonl")
    assert lines[-1]["accuracy"] > 3 / 32  # three times chance
    assert lines[0]["unrolled_loss"] > 0.3 * lines[0]["loss"]  # its mean is over the steps that have one
