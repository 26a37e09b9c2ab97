"""The published protocol from a folder of data to its table: draws, pools, resuming, shards, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from published_data import interclip_file, interhuman_folder, interx_evaluator_file, interx_folder
from small_model import save_small_model

from model_core.__main__ import main
from model_core.data.interhuman_split import InterHumanSplit
from model_core.data.published_split import DrawnPair
from model_core.errors import UserError
from model_core.evaluation import published
from model_core.evaluation.published import PublishedEvaluation, evaluate_published
from model_core.evaluation.published_generation import PublishedGenerator
from model_core.evaluation.published_protocol import ProtocolSettings, Replication, replicate
from model_core.generation.devices import choose_device
from model_core.model_files.model_folder import load_model
from model_core.text_encoders import load_text_encoder

SMALL = ProtocolSettings(pool=4, texts=2, draws=3, draw_pairs=2, diversity_pairs=5, replications=3)


class Split:
    """Ten clips, each with one caption and one number in its features."""

    names = tuple("abcdefghij")
    notes = ()

    def draw(self, index: int, random: np.random.Generator) -> DrawnPair:
        return DrawnPair(self.names[index], np.full((2, 5, 1), index, np.float32))


class OnALine:
    """Embeds clips and captions as their number on a line, and the plane's other coordinate as zero."""

    def motions(self, people):  # type: ignore[no-untyped-def]
        return np.array([[pair[0, 0, 0], 0.0] for pair in people])

    def texts(self, pairs):  # type: ignore[no-untyped-def]
        return np.array([["abcdefghij".index(pair.caption), 0.0] for pair in pairs])

    def joints(self, people):  # type: ignore[no-untyped-def]
        # Two people on the floor who stand as far apart as the number, in metres.
        joints = np.zeros((2, people.shape[1], 22, 3))
        joints[1, ..., 0] = people[1, 0, 0]
        return joints


def test_the_figures_of_one_replication_are_those_worked_out_by_hand() -> None:
    asked: list[int] = []

    def generate(clips, wanted, seed):  # type: ignore[no-untyped-def]
        asked.extend(wanted)
        # Every motion is half a step off; further draws from one caption lie 2, 4, .. away.
        return ([clip.features + 0.5 + 2 * number for number in range(count)]
                for clip, count in zip(clips, wanted, strict=True))  # fmt: skip

    found = replicate(Split(), OnALine(), generate, SMALL, 0)
    assert sorted(asked) == [1] * 8 + [3] * 2  # multimodality repeats two captions
    assert (found.truth.top1, found.truth.distance, found.truth.multimodality) == (1, 0, None)
    assert found.generated.distance == pytest.approx(0.5)
    # Half a step from its own number no other is nearer; two whole pools of the ten clips count.
    assert found.generated.top2 == found.generated.top3 == 1
    # Distances of draws are multiples of 2, times 6, over 2; of pairs of numbers up to 9.
    several = found.generated.multimodality
    assert several is not None and (several / 6 * 2) % 1 == pytest.approx(0, abs=1e-9) and 0 <= several <= 12
    assert 0 < found.generated.diversity <= 27
    assert found.generated.frechet > 0.9 * (6 * 0.5) ** 2 - (6 * 3) ** 2
    # Of the ten true pairs only the one of number 0 is nearer than 12 cm; of those half a step off, none is.
    assert found.truth_physics.interpenetration == pytest.approx(12) and found.truth_physics.skate == 0
    assert found.generated_physics.interpenetration == 0
    again = replicate(Split(), OnALine(), generate, SMALL, 0)
    assert again == found != replicate(Split(), OnALine(), generate, SMALL, 1)


@pytest.fixture(scope="module")
def request_(tmp_path_factory: pytest.TempPathFactory) -> PublishedEvaluation:
    folder = tmp_path_factory.mktemp("published")
    return PublishedEvaluation(
        "interhuman",
        interhuman_folder(folder / "data", {f"{n}": 18 + 3 * n for n in range(9)}),
        save_small_model(folder / "model", steps=2),
        interclip_file(folder / "interclip.ckpt"),
        any_evaluator=True,
        device="cpu",
    )


@pytest.mark.slow
def test_the_table_stands_beside_the_papers_and_a_run_goes_on(request_: PublishedEvaluation, tmp_path: Path) -> None:
    lines: list[str] = []
    whole = evaluate_published(replace(request_, out=tmp_path / "whole"), lines.append, SMALL)
    assert len(whole) == 3 and whole[0] != whole[1]
    text = (tmp_path / "whole" / "table.txt").read_text()
    assert text.startswith("9 clips, 3 replications") and text.strip() == lines[-1]
    rows = [line.split() for line in text.splitlines()[1:]]
    assert rows[0][:4] == ["R@1", "R@2", "R@3", "FID"] and rows[2][:5] == [
        "paper,",
        "InterMask",
        "0.449",
        "0.599",
        "0.683",
    ]
    assert rows[4][0] == "model" and float(rows[4][1]) == pytest.approx(
        np.mean([one.generated.top1 for one in whole]), abs=6e-4
    )

    # Two machines share the replications, in any order; each adds to what is there.
    for part in (2, 1):
        found = evaluate_published(replace(request_, out=tmp_path / "shared", shard=(part, 2)), lines.append, SMALL)
    assert found == whole
    # One that was lost is made again, and is the same; nothing else is computed.
    (tmp_path / "shared" / "replication_02.json").unlink()
    lines.clear()
    assert evaluate_published(replace(request_, out=tmp_path / "shared"), lines.append, SMALL) == whole
    assert [line for line in lines if line.startswith("Replication")] == ["Replication 2 of 3"]
    for change in ({"react": True}, {"model": None}):
        other = replace(request_, out=tmp_path / "shared", react=change.get("react", False))
        if "model" in change:
            other = replace(other, model=save_small_model(tmp_path / "other", steps=3))
        with pytest.raises(UserError, match=r"replications of another run \(.*differ\); choose another --out"):
            evaluate_published(other, lines.append, SMALL)


def test_a_reaction_measures_the_given_person_as_it_is(request_: PublishedEvaluation) -> None:
    device = choose_device("cpu")
    model = load_model(request_.model)
    encoder = load_text_encoder(model.text_encoder)
    clip = InterHumanSplit(request_.data).draw(8, np.random.default_rng(0))
    frames = clip.features.shape[1]
    for react in (False, True):
        generator = PublishedGenerator(load_model(request_.model), encoder, device, react)
        assert generator.settings.steps == (1 if react else 2)
        first, second = next(iter(generator([clip], [2], 5)))
        assert first.shape == (2, frames // 4 * 4, 262) and not np.array_equal(first[1], second[1])
        assert np.array_equal(first[0], clip.features[0, : frames // 4 * 4]) == react
        (again,) = next(iter(generator([clip], [1], 5)))
        np.testing.assert_allclose(again, first, atol=1e-5)


def test_the_first_frame_has_the_published_quirk(request_: PublishedEvaluation) -> None:
    model = load_model(request_.model)
    generator = PublishedGenerator(model, load_text_encoder(model.text_encoder), choose_device("cpu"))
    tokens = torch.randint(32, (2, 5, 6))
    made = generator._decoded(tokens, DrawnPair("", np.zeros((2, 24, 262), np.float32)))
    plain = model.tokenizer.decode(tokens[:, None]) * model.std + model.mean
    difference = np.abs(made - plain.numpy()).max((0, 2))
    assert difference[0] > 1e-4 and difference[1:].max() < 1e-5


@pytest.mark.slow
def test_interx_goes_through_its_own_evaluator(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    request = PublishedEvaluation(
        "interx",
        interx_folder(tmp_path / "data", {f"G{n}": 28 + 20 * n for n in range(9)}),
        save_small_model(tmp_path / "model", steps=2, dataset="interx"),
        interx_evaluator_file(tmp_path / "finest.tar"),
        any_evaluator=True,
        device="cpu",
    )
    settings = replace(SMALL, replications=1, scale=1.0, divisor=1.0)
    for react in (False, True):
        (one,) = evaluate_published(replace(request, react=react), lambda line: None, settings)
        assert isinstance(one, Replication) and np.isfinite(one.generated.frechet)
    with pytest.raises(UserError, match="is of interx and not of interhuman"):
        evaluate_published(replace(request, dataset="interhuman"), lambda line: None, settings)


def test_the_command_asks_for_what_is_missing(
    request_: PublishedEvaluation, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [
        "evaluate",
        "interhuman",
        "--data",
        str(request_.data),
        "--model",
        str(request_.model),
        "--device",
        "cpu",
    ]
    assert main(command) == 1
    assert "needs --evaluator" in capsys.readouterr().err
    command += ["--evaluator", str(request_.evaluator)]
    assert main(command) == 1
    assert "another size" in capsys.readouterr().err
    assert main([*command, "--any-evaluator"]) == 1
    assert "9 clips were found" in capsys.readouterr().err and not (tmp_path / "out").exists()
    monkeypatch.setitem(published.SETTINGS, "interhuman", SMALL)
    assert main([*command, "--any-evaluator", "--replications", "1", "--out", str(tmp_path / "out")]) == 0
    assert "1 replications" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "run.json").read_text())["clips"] == 9
    (tmp_path / "out" / "replication_01.json").write_text("{")
    assert main([*command, "--any-evaluator", "--replications", "1", "--out", str(tmp_path / "out")]) == 1
    assert "delete it, and it is made again" in capsys.readouterr().err
    assert main([*command, "--shard", "3/2"]) == 1
