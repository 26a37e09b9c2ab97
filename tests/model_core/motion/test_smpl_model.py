"""SMPL's model files, made up in their layout: read from both kinds of file, and refused where they are not right."""

from __future__ import annotations

import operator
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from smpl_files import rest_joints, smpl_arrays, write_npz, write_pickle

from model_core.errors import UserError
from model_core.motion.smpl_model import load_smpl_model


@pytest.mark.parametrize("joints", [24, 55])
@pytest.mark.parametrize("protocol", [None, 0, 2, 5])
def test_both_kinds_of_file_give_the_body(tmp_path: Path, joints: int, protocol: int | None) -> None:
    arrays = smpl_arrays(joints)
    if protocol is None:
        model = load_smpl_model(write_npz(tmp_path / "body.npz", arrays))
    else:
        model = load_smpl_model(write_pickle(tmp_path / "body.pkl", arrays, protocol))
    assert len(model.skeleton) == joints and model.shapes.shape[2] == 10
    np.testing.assert_array_equal(model.vertices, arrays["v_template"])
    np.testing.assert_array_equal(model.faces, arrays["f"])
    np.testing.assert_array_equal(model.shapes, arrays["shapedirs"][..., :10])
    np.testing.assert_allclose(model.weights, arrays["weights"], atol=1e-12)
    np.testing.assert_allclose(model.joints, rest_joints(model.skeleton), atol=1e-12)


def test_what_python_2_and_real_scipy_wrote_is_read(tmp_path: Path) -> None:
    arrays = smpl_arrays(24)
    model = load_smpl_model(write_pickle(tmp_path / "old.pkl", arrays, 2, python_2=True))
    np.testing.assert_array_equal(model.vertices, arrays["v_template"])
    sparse = pytest.importorskip("scipy.sparse")
    for layout in ("csc", "csr", "coo"):
        content = {**arrays, "J_regressor": sparse.coo_matrix(arrays["J_regressor"]).asformat(layout)}
        (tmp_path / "scipy.pkl").write_bytes(pickle.dumps(content))
        read = load_smpl_model(tmp_path / "scipy.pkl")
        np.testing.assert_allclose(read.joints, model.joints, atol=1e-12)


class _Run:
    """Pickled as a call."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


CALLS = [
    (os.system, ("touch ran",)),
    (eval, ("open('ran', 'w')",)),
    (np.load, ("x", None, True)),
    (operator.attrgetter, ("x",)),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[0].__name__)
def test_a_pickle_with_code_in_it_is_refused_and_nothing_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: tuple[Any, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.pkl").write_bytes(pickle.dumps({**smpl_arrays(24), "f": _Run(*call)}))
    with pytest.raises(UserError, match=r"bad.pkl asks for \S+\.\w+, which is more than numbers"):
        load_smpl_model(Path("bad.pkl"))
    assert not Path("ran").exists()


def _changed(**fields: Any) -> Callable[[dict[str, np.ndarray]], dict[str, Any]]:
    return lambda arrays: {**arrays, **{name: change(arrays[name]) for name, change in fields.items()}}


FAULTS: dict[str, tuple[Callable[[dict[str, np.ndarray]], dict[str, Any]], str]] = {
    "no weights": (lambda arrays: {k: v for k, v in arrays.items() if k != "weights"}, "has no weights"),
    "no vertices": (_changed(v_template=lambda v: v[:0]), "has no vertices"),
    "flat vertices": (_changed(v_template=lambda v: v[:, :2]), "has no vertices"),
    "other joints": (_changed(kintree_table=lambda v: v[:, :20]), "has not the 24 joints"),
    "other order": (_changed(kintree_table=lambda v: v[:, ::-1]), "in another order"),
    "other regressor": (_changed(J_regressor=lambda v: v[:, 1:]), "J_regressor of shape"),
    "weights too large": (_changed(weights=lambda v: v * 1.5), "add up to 1.5"),
    "weights of nothing": (_changed(weights=lambda v: v * 0), "add up to 0"),
    "not a number": (_changed(shapedirs=lambda v: v * np.nan), "shapedirs that are not all numbers"),
    "words": (_changed(f=lambda v: v.astype(str)), "are not all numbers|is damaged"),
    "faces elsewhere": (_changed(f=lambda v: v + 5000), "no triangles of its vertices"),
    "a giant": (_changed(v_template=lambda v: v * 100), "no person standing"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("write", [write_npz, write_pickle], ids=["npz", "pkl"])
def test_a_wrong_layout_is_told_in_one_sentence(
    tmp_path: Path, fault: str, write: Callable[[Path, dict[str, Any]], Path]
) -> None:
    change, sentence = FAULTS[fault]
    path = tmp_path / f"body.{'npz' if write is write_npz else 'pkl'}"
    write(path, change(smpl_arrays(24)))
    with pytest.raises(UserError, match=sentence) as raised:
        load_smpl_model(path)
    assert path.name in str(raised.value) and str(raised.value).count(". ") == 0


def test_files_that_are_cut_or_no_models_are_told(tmp_path: Path) -> None:
    npz, pkl = write_npz(tmp_path / "a.npz", smpl_arrays(24)), write_pickle(tmp_path / "a.pkl", smpl_arrays(24))
    rng = np.random.default_rng(0)
    for path in (npz, pkl):
        whole = path.read_bytes()
        for share in (0.0, 0.1, 0.5, 0.999):
            path.write_bytes(whole[: int(share * len(whole))])
            with pytest.raises(UserError, match="is damaged or cut off"):
                load_smpl_model(path)
        for _ in range(40):
            # Whatever a disk may do to a file: it is read, or refused in a sentence.
            broken = bytearray(whole)
            for place in rng.integers(0, len(whole), 8):
                broken[place] = rng.integers(256)
            path.write_bytes(bytes(broken))
            try:
                load_smpl_model(path)
            except UserError as error:
                assert path.name in str(error)
    (tmp_path / "list.pkl").write_bytes(pickle.dumps([1, 2]))
    (tmp_path / "model.txt").write_text("x")
    for name, sentence in (("list.pkl", "damaged"), ("model.txt", "no SMPL model file"), ("gone.npz", "Cannot read")):
        with pytest.raises(UserError, match=sentence):
            load_smpl_model(tmp_path / name)
