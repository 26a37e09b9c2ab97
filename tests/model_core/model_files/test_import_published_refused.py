"""Damaged, dangerous and foreign files are refused by name in one sentence, and nothing is left behind."""

from __future__ import annotations

import hashlib
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from published_files import Creates, clip_folder, copied, refused, replaced, statistics_folder
from torch import Tensor

from model_core.errors import UserError


@pytest.fixture(scope="module")
def statistics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return statistics_folder(tmp_path_factory.mktemp("statistics") / "stats")


class Case:
    """One folder of files to spoil."""

    def __init__(self, root: Path, golden: Path, statistics: Path, dataset: str = "interhuman") -> None:
        self.root = root
        self.golden = golden
        self.checkpoints = copied(golden / dataset / "checkpoints", root / "checkpoints")
        self.statistics = copied(statistics, root / "stats")
        self.transformer = self.checkpoints / dataset / "trans_golden"
        self.tokenizer = self.checkpoints / dataset / "vq_golden"
        self.options: list[str] = []

    def weights(self, network: Path) -> Path:
        return network / "model" / "best_fid.tar"

    def written(self, path: Path, data: bytes) -> Path:
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        return path

    def edited(self, path: Path, old: str, new: str) -> Path:
        text = path.read_text()
        assert old in text
        return self.written(path, text.replace(old, new).encode())


def _not_a_number(content: dict[str, dict[str, Tensor]]) -> dict[str, dict[str, Tensor]]:
    content["t2m_transformer"]["output_process.dense.weight"][3, 4] = torch.nan
    return content


def _empty(case: Case) -> str:
    case.checkpoints = case.root / "empty"
    case.checkpoints.mkdir()
    return r"empty is not the published checkpoints folder"


def _missing(case: Case) -> str:
    case.checkpoints = case.root / "nowhere"
    return r"no folder .*nowhere"


def _no_options(case: Case) -> str:
    (case.transformer / "opt.txt").unlink()
    return r"no opt.txt in .*trans_golden"


def _no_tokenizer_options(case: Case) -> str:
    (case.tokenizer / "opt.txt").unlink()
    return r"no opt.txt in .*vq_golden"


def _only_a_tokenizer(case: Case) -> str:
    case.checkpoints = case.tokenizer
    return r"vq_golden holds a tokenizer and no transformer"


def _no_tokenizer(case: Case) -> str:
    shutil.rmtree(case.tokenizer)
    return r"tokenizer vq_golden that .*trans_golden names is not next to it"


def _empty_options(case: Case) -> str:
    case.written(case.transformer / "opt.txt", b"\x00\xff")
    return r"trans_golden.opt.txt holds no 'key: value' lines"


def _options_without_numbers(case: Case) -> str:
    case.edited(case.tokenizer / "opt.txt", "nb_code: 64", "nb_code: many")
    return r"vq_golden.opt.txt has no whole number for 'nb_code'"


def _uneven_heads(case: Case) -> str:
    case.edited(case.transformer / "opt.txt", "n_heads: 6", "n_heads: 5")
    return r"trans_golden.opt.txt divides 48 channels among 5 heads"


def _unknown_data_set(case: Case) -> str:
    case.edited(case.tokenizer / "opt.txt", "dataset_name: interhuman", "dataset_name: humanml")
    return r"vq_golden.opt.txt names the data set 'humanml'"


def _of_the_other_data_set(case: Case) -> str:
    shutil.rmtree(case.checkpoints / "interhuman")
    copied(case.golden / "interx" / "checkpoints" / "interx", case.checkpoints / "interhuman")
    return r"trans_golden lies in the folder of interhuman and its opt.txt names interx"


def _a_transformer_of_the_other_data_set(case: Case) -> str:
    (case.checkpoints / "interhuman").rename(case.checkpoints / "mine")
    case.transformer = case.checkpoints / "mine" / "trans_golden"
    case.edited(case.transformer / "opt.txt", "dataset_name: interhuman", "dataset_name: interx")
    return r"trans_golden.opt.txt names the data set interx and the tokenizer's, .*vq_golden.opt.txt, interhuman"


def _a_tokenizer_of_the_other_data_set(case: Case) -> str:
    other = case.golden / "interx" / "checkpoints" / "interx" / "vq_golden" / "model" / "best_fid.tar"
    case.written(case.weights(case.tokenizer), other.read_bytes())
    return r"best_fid.tar is a tokenizer of the data set interx and its opt.txt names interhuman"


def _code_in_the_archive(case: Case) -> str:
    path = case.weights(case.transformer)
    replaced(path, lambda content: {**content, "ep": Creates(case.root / "it ran")})
    return r"trans_golden.model.best_fid.tar holds more than tensors .* could run code"


def _code_in_a_plain_pickle(case: Case) -> str:
    case.written(case.weights(case.tokenizer), pickle.dumps({"net": Creates(case.root / "it ran")}, 2))
    return r"vq_golden.model.best_fid.tar holds more than tensors .* could run code"


def _cut_short(case: Case) -> str:
    path = case.weights(case.transformer)
    case.written(path, path.read_bytes()[: path.stat().st_size // 2])
    return r"trans_golden.model.best_fid.tar is cut short"


def _nothing_in_it(case: Case) -> str:
    case.written(case.weights(case.tokenizer), b"")
    return r"vq_golden.model.best_fid.tar is cut short"


def _a_web_page(case: Case) -> str:
    case.written(case.weights(case.tokenizer), b"<html>Quota exceeded</html>")
    return r"vq_golden.model.best_fid.tar is no checkpoint"


def _of_the_other_network(case: Case) -> str:
    source = case.weights(case.tokenizer)
    case.written(case.weights(case.transformer), source.read_bytes())
    return r"trans_golden.model.best_fid.tar has none of the entries t2m_transformer, trans"


def _of_another_model(case: Case) -> str:
    case.edited(case.transformer / "opt.txt", "ff_size: 64", "ff_size: 96")
    return r"trans_golden.model.best_fid.tar does not fit .*ffn_combined.model.0.weight should be \(96, 48\)"


def _values_that_are_not_numbers(case: Case) -> str:
    replaced(case.weights(case.transformer), _not_a_number)
    return r"trans_golden.model.best_fid.tar has values that are not numbers in output_process.dense.weight"


def _another_name(case: Case) -> str:
    case.options = ["--checkpoint", "finest.tar"]
    return r"no checkpoint .*finest.tar; choose best_fid.tar with --checkpoint"


def _no_statistics(case: Case) -> str:
    (case.statistics / "global_std.npy").unlink()
    return r"no global_std.npy in .*stats"


def _statistics_of_another_length(case: Case) -> str:
    path = case.statistics / "global_mean.npy"
    path.unlink()
    np.save(path, np.zeros(263))
    return r"global_mean.npy holds an array of shape \(263,\) instead of 262 numbers"


def _statistics_cut_short(case: Case) -> str:
    path = case.statistics / "global_mean.npy"
    case.written(path, path.read_bytes()[:500])
    return r"global_mean.npy is cut short"


def _statistics_with_code(case: Case) -> str:
    path = case.statistics / "global_mean.npy"
    path.unlink()
    np.save(path, np.array([Creates(case.root / "it ran")], dtype=object), allow_pickle=True)
    return r"global_mean.npy is cut short or no .npy file of numbers"


def _statistics_of_nothing(case: Case) -> str:
    path = case.statistics / "global_std.npy"
    values = np.load(path)
    values[7] = 0
    path.unlink()
    np.save(path, values)
    return r"global_std.npy is not above zero in column 7"


def _statistics_that_are_not_numbers(case: Case) -> str:
    path = case.statistics / "global_std.npy"
    values = np.load(path)
    values[7] = np.nan
    path.unlink()
    np.save(path, values)
    return r"global_std.npy has values that are not numbers"


SPOILED = (
    _empty,
    _missing,
    _no_options,
    _no_tokenizer_options,
    _only_a_tokenizer,
    _no_tokenizer,
    _empty_options,
    _options_without_numbers,
    _uneven_heads,
    _unknown_data_set,
    _of_the_other_data_set,
    _a_transformer_of_the_other_data_set,
    _a_tokenizer_of_the_other_data_set,
    _code_in_the_archive,
    _code_in_a_plain_pickle,
    _cut_short,
    _nothing_in_it,
    _a_web_page,
    _of_the_other_network,
    _of_another_model,
    _values_that_are_not_numbers,
    _another_name,
    _no_statistics,
    _statistics_of_another_length,
    _statistics_cut_short,
    _statistics_with_code,
    _statistics_of_nothing,
    _statistics_that_are_not_numbers,
)


@pytest.mark.parametrize("spoil", SPOILED)
def test_a_bad_file_is_named_and_nothing_is_left(
    spoil: Callable[[Case], str],
    golden: Path,
    statistics: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    case = Case(tmp_path, golden, statistics)
    sentence = spoil(case)
    command = [str(case.checkpoints), "--stats", str(case.statistics), "--clip", "unread.pt", *case.options]
    said = refused([*command, "--out", str(tmp_path / "new" / "model")], capsys)
    with pytest.raises(UserError, match=sentence):
        raise UserError(said)
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "it ran").exists()


def test_the_malicious_files_of_these_tests_do_run_where_nobody_guards(tmp_path: Path) -> None:
    torch.save({"ep": Creates(tmp_path / "it ran")}, tmp_path / "bad.tar")
    torch.load(tmp_path / "bad.tar", weights_only=False)
    assert (tmp_path / "it ran").is_dir()


def test_interhuman_needs_statistics_and_interx_rotations(
    golden: Path, statistics: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    end = ["--clip", "unread.pt", "--out", str(tmp_path / "out")]
    assert "--stats" in refused([str(golden / "interhuman" / "checkpoints"), *end], capsys)
    case = Case(tmp_path, golden, statistics, "interx")
    case.edited(case.tokenizer / "opt.txt", "motion_rep: smpl", "motion_rep: global")
    assert "'global' of Inter-X" in refused([str(case.checkpoints), *end], capsys)


def test_clip_must_be_the_published_one_or_fit(
    golden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made" / "model"
    start = [str(golden / "interx" / "checkpoints"), "--out", str(out), "--clip"]
    other = tmp_path / "ViT-L-14-336px.pt"
    other.write_bytes(b"PK" + bytes(1000))
    begins = hashlib.sha256(other.read_bytes()).hexdigest()[:8]
    assert f"its SHA-256 begins with {begins}" in refused([*start, str(other)], capsys)
    assert f"{other} is cut short" in refused([*start, str(other), "--any-clip"], capsys)
    assert f"no CLIP file {tmp_path / 'missing.pt'}" in refused([*start, str(tmp_path / "missing.pt")], capsys)
    narrow = clip_folder(tmp_path / "narrow", 128)
    assert f"{narrow} is not CLIP ViT-L/14" in refused([*start, str(narrow)], capsys)
    assert f"{narrow} is 128 wide and the transformer needs 768" in refused([*start, str(narrow), "--any-clip"], capsys)
    assert not (tmp_path / "made").exists()
