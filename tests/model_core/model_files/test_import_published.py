"""Published checkpoints become a model folder that generates, found from every level, whole or not at all."""

from __future__ import annotations

import collections
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from motion_examples import posed_person
from published_files import clip_folder, copied, refused, replaced, statistics_folder
from repository import REPOSITORY
from safetensors.torch import load_file, save_file

from model_core.__main__ import main
from model_core.errors import UserError
from model_core.generation.pipeline import GenerateOptions, InterMask
from model_core.generation.sampling import sample
from model_core.kinematics import solve
from model_core.model_files.import_published import find_transformer
from model_core.model_files.model_folder import load_model, read_config
from model_core.model_files.sampling_settings import SamplingSettings
from model_core.motion.rotations import angle_between
from model_core.networks.token_map import PARTS


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip_folder(tmp_path_factory.mktemp("clip") / "tower", 768)


@pytest.fixture(scope="module")
def statistics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return statistics_folder(tmp_path_factory.mktemp("statistics") / "stats")


@pytest.fixture(scope="module")
def imported(
    golden: Path, clip: Path, statistics: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The model folder of a data set, made once by the command line."""
    made = tmp_path_factory.mktemp("imported")

    def folder(dataset: str) -> Path:
        out = made / dataset
        if not out.exists():
            command = ["import-published", str(golden / dataset / "checkpoints"), "--clip", str(clip), "--any-clip"]
            if dataset == "interhuman":
                command += ["--stats", str(statistics)]
            assert main([*command, "--out", str(out)]) == 0
        return out

    return folder


@pytest.mark.parametrize(("dataset", "longest", "shape"), [("interhuman", 300, (262,)), ("interx", 150, (56, 6))])
def test_the_imported_networks_are_the_published_ones(
    imported: Callable[[str], Path], golden: Path, statistics: Path, dataset: str, longest: int, shape: tuple[int, ...]
) -> None:
    folder = imported(dataset)
    assert sorted(path.name for path in folder.parent.iterdir() if path.name.startswith(".")) == []
    model = load_model(folder)
    assert (model.config.longest, model.config.tokenizer.graph_scope) == (longest, "none")
    assert model.config.sampling == SamplingSettings(20, 2.0, 0.1, 1.0, 0.0)
    assert ("not for commercial use" if dataset == "interhuman" else "for research only") in model.config.about
    assert model.mean.shape == model.std.shape == shape
    if dataset == "interhuman":
        np.testing.assert_allclose(model.mean, np.load(statistics / "global_mean.npy"), rtol=1e-6)
        np.testing.assert_allclose(model.std, np.load(statistics / "global_std.npy"), rtol=1e-6)

    recorded = load_file(golden / dataset / "golden.safetensors")
    tokens, wanted = recorded["vq.tokens"], recorded["vq.decoded"]
    with torch.inference_mode():
        decoded = model.tokenizer.decode(tokens.view(len(tokens), 1, PARTS, -1))
        hidden, end = recorded["text.clip_hidden"], recorded["text.eot"]
        # What follows the end of a text counts too, as published: a mask changes nothing.
        mask = torch.arange(hidden.shape[1]) <= end[:, None]
        feature = model.transformer.text_layers(hidden, mask, end)
    # The recorded decoder gives frame 0 of sample 0 neighbours; the imported one serves every frame alike.
    torch.testing.assert_close(decoded[1], wanted[1], atol=1e-4, rtol=0)
    torch.testing.assert_close(feature, recorded["text.feature"], atol=1e-4, rtol=0)

    greedy = SamplingSettings(7, 3.5, 0.5 / model.config.transformer.codes)
    length = int(recorded["gen.full.lens"][0])
    ids = torch.zeros(1, 2, PARTS, length, dtype=torch.long)
    made = sample(model.transformer, ids, torch.ones_like(ids, dtype=torch.bool), recorded["tr.cond"][:1], greedy)
    wanted = recorded["gen.full.steps7.cfg3.5"].view(2, 2, PARTS, -1)[:1, ..., :length]
    assert torch.equal(made, wanted)


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "joints"), [("interhuman", 22), ("interx", 55)])
def test_an_imported_model_generates_and_reacts(imported: Callable[[str], Path], dataset: str, joints: int) -> None:
    intermask = InterMask.load(imported(dataset), "cpu")
    quick = SamplingSettings(3)
    made = intermask.generate("two people shake hands", 22, GenerateOptions(quick, 5, takes=2))
    assert [take.joints.shape for take in made] == [(2, 22, joints, 3)] * 2
    assert not np.allclose(made[0].joints, made[1].joints)
    again = intermask.generate("two people shake hands", 22, GenerateOptions(quick, 5, takes=2))
    np.testing.assert_array_equal(made[1].joints, again[1].joints)

    leader = posed_person(2, 31).motion().moved(np.eye(3), np.array([3.0, 0.0, -1.0]))
    (pair,) = intermask.react("one follows the other", leader, GenerateOptions(quick, 1))
    assert pair.joints.shape == (2, 31, joints, 3)
    np.testing.assert_array_equal(pair.joints[0, :, :22], leader.joints)
    for person in (*made[0].people, *pair.people):
        assert person.skeleton.name == intermask.config.skeleton
    if dataset == "interx":
        assert made[0].joints[..., 1].min() == pytest.approx(0, abs=1e-9)
        assert pair.people[1].root_orientation is not None
        for solved in solve(pair.people):
            assert solved.skeleton.name == "smplx55" and np.isfinite(solved.joints()).all()
        # The reactor stands where the network puts it from where the leader begins.
        (moved,) = intermask.react(
            "one follows the other", leader.moved(np.eye(3), np.ones(3)), GenerateOptions(quick, 1)
        )
        np.testing.assert_allclose(moved.joints[1], pair.joints[1] + 1, atol=1e-6)
        long = intermask.generate("they walk on", 200, GenerateOptions(quick))[0]
        assert long.joints.shape == (2, 200, 55, 3)
        longer = intermask.extend("they walk on", pair, len(pair) + 20, GenerateOptions(quick, 1))[0]
        for old, new in zip(pair.people, longer.people, strict=True):
            assert new.root_orientation is not None and old.root_orientation is not None
            np.testing.assert_allclose(new.root_orientation[: len(pair)], old.root_orientation, atol=1e-6)
            turned = angle_between(new.root_orientation[len(pair) :], old.root_orientation[-1:])
            assert turned.max() > 1e-4  # the new frames turn for themselves


def test_training_state_beside_the_weights_and_older_names_do_no_harm(golden: Path, clip: Path, tmp_path: Path) -> None:
    checkpoints = copied(golden / "interx" / "checkpoints", tmp_path / "checkpoints")
    parameter = torch.nn.Parameter(torch.zeros(3))
    optimizer = torch.optim.AdamW([parameter])
    parameter.sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [5, 7]).state_dict()
    assert isinstance(schedule["milestones"], collections.Counter)
    training = {"opt": optimizer.state_dict(), "scheduler": schedule, "ep": 3, "total_it": 10}
    names = {"trans_golden": ("t2m_transformer", "trans"), "vq_golden": ("vq_model", "net")}
    for folder, (newer, older) in names.items():
        path = checkpoints / "interx" / folder / "model" / "best_fid.tar"
        replaced(path, lambda content, newer=newer, older=older: {older: content[newer], **training})
        path.rename(path.with_name("latest.tar"))
    command = ["import-published", str(checkpoints), "--clip", str(clip), "--any-clip", "--name", "Mine"]
    chosen = ["--checkpoint", "latest.tar", "--vq-checkpoint", "latest.tar"]
    assert main([*command, *chosen, "--out", str(tmp_path / "out")]) == 0
    assert read_config(tmp_path / "out").name == "Mine"


def test_the_transformer_is_found_from_every_level(
    golden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "downloads"
    for dataset in ("interhuman", "interx"):
        copied(golden / dataset / "checkpoints" / dataset, root / "checkpoints" / dataset)
    wanted = root / "checkpoints" / "interx" / "trans_golden"
    assert find_transformer(wanted) == find_transformer(wanted.parent) == wanted
    assert find_transformer(wanted.parent.parent, "interx") == find_transformer(root, "interx") == wanted
    for folder in (root, root / "checkpoints"):
        said = refused([str(folder), "--clip", "c.pt", "--out", str(tmp_path / "out")], capsys)
        assert "holds the data sets interhuman and interx; choose one with --dataset" in said
    with pytest.raises(UserError, match=r"interx holds interx and no interhuman"):
        find_transformer(wanted.parent, "interhuman")
    copied(wanted, wanted.parent / "trans_other")
    with pytest.raises(UserError, match=r"2 transformers .*trans_golden.*trans_other.*; choose one of these folders"):
        find_transformer(root, "interx")


def test_only_a_model_folder_is_replaced_and_only_when_asked(
    imported: Callable[[str], Path], golden: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = copied(imported("interx"), tmp_path / "models" / "mine")
    command = [str(golden / "interx" / "checkpoints"), "--clip", str(clip), "--any-clip", "--name", "Newer"]
    assert "add --replace" in refused([*command, "--out", str(out)], capsys)
    assert main(["import-published", *command, "--replace", "--out", str(out)]) == 0
    assert read_config(out).name == "Newer"
    capsys.readouterr()
    refused([str(tmp_path), "--clip", str(clip), "--replace", "--out", str(out)], capsys)
    assert read_config(out).name == "Newer"

    diary = tmp_path / "models" / "diary"
    diary.mkdir()
    (diary / "config.json").write_text("{}")
    for other in (diary, diary / "config.json"):
        assert "is no model folder" in refused([*command, "--replace", "--out", str(other)], capsys)
    assert [path.name for path in diary.iterdir()] == ["config.json"]
    assert sorted(path.name for path in out.parent.iterdir()) == ["diary", "mine"]


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
from pathlib import Path
from model_core.__main__ import main
from model_core.model_files.model_folder import load_model, save_model
from model_core.errors import UserError
try:
    save_model(Path(sys.argv[2]), load_model(Path(sys.argv[1])))
except UserError as error:
    print(error, file=sys.stderr)
sys.exit(sum(main([*sys.argv[5:], "--out", out]) for out in sys.argv[3:5]))
"""


@pytest.mark.slow
def test_a_full_disk_is_told_and_leaves_nothing(
    imported: Callable[[str], Path], golden: Path, clip: Path, tmp_path: Path
) -> None:
    pytest.importorskip("resource")  # a limit on the size of files stands for a disk that fills up
    out, saved = tmp_path / "new" / "model", tmp_path / "saved"
    old = copied(imported("interx"), tmp_path / "old")
    before = {path.name: path.stat().st_mtime_ns for path in old.iterdir()}
    command = [
        "import-published",
        str(golden / "interx" / "checkpoints"),
        "--clip",
        str(clip),
        "--any-clip",
        "--replace",
    ]
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(imported("interx")), str(saved), str(out), str(old), *command],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 2  # both failed
    lines = run.stderr.splitlines()
    assert len(lines) == 3
    for line, target in zip(lines, (saved, out, old), strict=True):
        assert line.startswith(f"Cannot write {target}") and "File too large" in line and "free some space" in line
    assert {path.name: path.stat().st_mtime_ns for path in old.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("name", ["tokenizer", "transformer", "statistics"])
def test_a_model_folder_with_values_that_are_not_numbers_is_refused(
    imported: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    folder = copied(imported("interx"), tmp_path / "model")
    path = folder / f"{name}.safetensors"
    state = load_file(path)
    key = sorted(state)[0]
    state[key] = state[key].clone().fill_(torch.nan)
    path.unlink()
    save_file(state, path)
    with pytest.raises(UserError, match=rf"{name}.safetensors has values that are not numbers"):
        load_model(folder)
