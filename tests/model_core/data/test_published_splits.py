"""The splits of InterHuman and Inter-X as the published evaluation draws from them, with its quirks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from published_data import WORDS, interhuman_folder, interx_folder

from model_core.data.interhuman_split import InterHumanSplit
from model_core.data.interx_split import InterXSplit, features_from_raw
from model_core.data.word_vectors import LONGEST, WordVectors
from model_core.errors import UserError
from model_core.motion.interhuman import features_from_interhuman
from model_core.motion.interx import interx_from_motion, motion_from_interx


def test_interhuman_draws_captions_crops_and_exchanged_people(tmp_path: Path) -> None:
    folder = interhuman_folder(tmp_path / "data", {"1": 40, "2": 420})
    split = InterHumanSplit(folder)
    assert split.names == ("1", "2") and split.notes == ()
    first, second = (np.load(folder / "motions_processed" / f"person{n}" / "1.npy") for n in (1, 2))
    # Exchanged before, after, both or neither: in whose frame the pair is, and who is first.
    orders = {
        features.tobytes(): number
        for number, features in enumerate(
            ordered for pair in ((first, second), (second, first))
            for ordered in (features_from_interhuman(*pair), features_from_interhuman(*pair)[::-1])
        )
    }  # fmt: skip
    random = np.random.default_rng(0)
    drawn = [split.draw(0, random) for _ in range(60)]
    assert {orders[pair.features.tobytes()] for pair in drawn} == {0, 1, 2, 3}
    assert {pair.caption for pair in drawn} == {f"two people {act} 0 times" for act in ("bow", "hug", "push")}
    long = [split.draw(1, random).features for _ in range(4)]
    assert {features.shape for features in long} == {(2, 299, 262)}
    assert not np.array_equal(long[0][0, :, 132:258], long[1][0, :, 132:258])


def test_interhuman_leaves_out_what_the_published_code_leaves_out(tmp_path: Path) -> None:
    folder = interhuman_folder(tmp_path / "data", dict.fromkeys("abcdefg", 20) | {"short": 14})
    (folder / "annots" / "a.txt").unlink()
    (folder / "motions_processed" / "person1" / "b.npy").unlink()
    (folder / "split" / "test.txt").write_text("a\nb\nc\nd\nshort\ne\nf\ng")  # no line break after the last name
    (folder / "split" / "ignore_list.txt").write_text("c\nd\n")
    split = InterHumanSplit(folder)
    assert split.names == ("c", "d", "e", "f")
    notes = " ".join(split.notes)
    assert "ignore_list.txt is not applied" in notes and "g, the last line of test.txt, has no line break" in notes
    assert "captions (the first is a)" in notes and "missing (the first is b)" in notes
    assert "shorter than 15 frames (the first is short)" in notes
    (folder / "split" / "ignore_list.txt").rename(folder / "ignore_list.txt")
    assert InterHumanSplit(folder).names == ("e", "f")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "split" / "test.txt").unlink(), "no readable test.txt"),
        (lambda folder: [path.unlink() for path in (folder / "annots").iterdir()], "annots; copy that folder too"),
        (
            lambda folder: (folder / "motions_processed").rename(folder / "motions"),
            "None of the clips of test.txt is in",
        ),
        (lambda folder: np.save(folder / "motions_processed/person2/a.npy", np.zeros((9, 492))), "frames and"),
        (lambda folder: np.save(folder / "motions_processed/person2/a.npy", np.zeros((20, 262))), r"\(20, 262\)"),
    ],
)
def test_a_damaged_interhuman_folder_is_named_in_one_sentence(tmp_path: Path, spoil, sentence: str) -> None:  # type: ignore[no-untyped-def]
    folder = interhuman_folder(tmp_path / "data", {"a": 20, "b": 20})
    spoil(folder)
    with pytest.raises(UserError, match=sentence) as raised:
        InterHumanSplit(folder)
    assert str(raised.value).endswith(".") and "\n" not in str(raised.value)


def test_interx_draws_lengths_of_whole_tokens(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    folder = interx_folder(tmp_path / "data", {"G1": 47, "G2": 200, "G3": 23, "G4": 1000})
    (folder / "splits" / "test.txt").write_text("G1\nG2\nG3\nG4\nG5\n")
    split = InterXSplit(folder)
    assert split.names == ("G1", "G2")
    assert "missing (the first is G5)" in split.notes[0] and "frames (the first is G3)" in split.notes[1]
    random = np.random.default_rng(0)
    lengths = [split.draw(0, random).features.shape[1] for _ in range(90)]
    assert set(lengths) == {44, 40} and 15 < lengths.count(40) < 45  # one in three
    assert split.draw(1, random).features.shape == (2, 150, 56, 6)
    assert split.draw(1, random).tokens in (("two/NUM", "people/NOUN", "hug/VERB"), ("one/NUM", "person/NOUN"))


def test_interx_features_are_those_of_the_motion() -> None:
    raw = np.random.default_rng(0).normal(scale=0.5, size=(6, 56, 6)).astype(np.float32)
    features = features_from_raw(raw)
    for person in (0, 1):
        again = interx_from_motion(motion_from_interx(features[person]))
        np.testing.assert_allclose(again, features[person], atol=1e-6)
    np.testing.assert_array_equal(features[1, :, 55, :3], raw[:, 55, 3:])


def test_words_have_classes_and_unknown_ones_their_own(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    words = WordVectors(interx_folder(tmp_path / "data", {"G1": 30}) / "glove")
    vectors, classes, count = words.encode(["two/NUM", "left/ADV", "zebra/NOUN", "people/NOUN", "a/b/c"])
    assert vectors.shape == (LONGEST + 2, 6) and classes.shape == (LONGEST + 2, 15) and count == 7
    stored = np.load(tmp_path / "data" / "glove" / "hhi_vab_data.npy").astype(np.float32)
    rows = [WORDS.index(word) for word in ("sos", "two", "left", "unk", "people", "unk", "eos", "unk")]
    np.testing.assert_array_equal(vectors[:8], stored[rows])
    assert classes.argmax(1)[:8].tolist() == [14, 4, 9, 14, 1, 14, 14, 14]  # "left" is a place, not an adverb
    assert words.encode(["two/NUM"] * 50)[2] == LONGEST + 2
