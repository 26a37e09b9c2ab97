"""Choreography on made-up people: the same seed the same clip, contacts that hold, feet that stand, true captions."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from made_up_library import made_up_library, made_up_people

from model_core.data.choreography.captions import TEMPLATES, caption, paraphrases
from model_core.data.choreography.captions.kind_of_caption import kind_of_caption
from model_core.data.choreography.checks import contact_error, failed_checks
from model_core.data.choreography.generate import choreograph, choreographed
from model_core.data.choreography.kinds import SCRIPTS
from model_core.data.choreography.library import Library
from model_core.data.choreography.scene import ChoreographedClip
from model_core.data.choreography.shards import load_choreographed, save_shard
from model_core.data.choreography.split import caption_held_out
from model_core.errors import UserError
from model_core.motion import SMPL
from model_core.motion.bvh_writer import write_bvh
from model_core.training.crops import Crops
from model_core.training.material import DataSettings, both_sides

TOUCHING = ("shake hands", "high five", "hand over an object", "push and stagger", "hold hands walking")
WALKING = ("walk towards and pass", "follow", "beckon and the other comes", "circle each other")


@pytest.fixture(scope="module")
def library() -> Library:
    return made_up_library()


@pytest.fixture(scope="module")
def clips(library: Library) -> dict[str, ChoreographedClip]:
    return {kind: choreographed(kind, 3, library) for kind in TOUCHING + WALKING}


@pytest.mark.slow
def test_a_seed_always_gives_the_same_clip_and_another_seed_another(
    library: Library, clips: dict[str, ChoreographedClip]
) -> None:
    again, other = choreographed("high five", 3, library), choreographed("high five", 4, library)
    assert np.array_equal(again.joints, clips["high five"].joints)
    assert again.schedule == clips["high five"].schedule
    assert again.joints.shape != other.joints.shape or not np.allclose(again.joints, other.joints)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TOUCHING)
def test_hands_are_within_three_centimetres_of_their_places_while_scheduled(
    kind: str, clips: dict[str, ChoreographedClip]
) -> None:
    clip = clips[kind]
    assert clip.schedule
    for contact in clip.schedule:
        assert contact_error(clip, contact) < 0.03
        assert 0 <= contact.start < contact.stop <= len(clip)


def test_a_contact_that_is_not_kept_is_found(clips: dict[str, ChoreographedClip]) -> None:
    clip = clips["shake hands"]
    first, second = clip.people
    away = second.moved(np.eye(3), np.array([0.15, 0.0, 0.1]))
    assert "contact" not in failed_checks(clip)
    assert "contact" in failed_checks(dataclasses.replace(clip, people=(first, away)))


def test_people_in_each_other_under_the_floor_or_sliding_are_found(clips: dict[str, ChoreographedClip]) -> None:
    clip = clips["walk towards and pass"]
    first, second = clip.people
    assert "interpenetration" in failed_checks(dataclasses.replace(clip, people=(first, first)))
    sunk = first.moved(np.eye(3), np.array([0.0, -0.1, 0.0]))
    assert "floor" in failed_checks(dataclasses.replace(clip, people=(sunk, second)))
    slide = np.linspace(0, 2, len(first), dtype=np.float32)[:, None, None] * np.array([1, 0, 0], np.float32)
    sliding = dataclasses.replace(second, joints=second.joints + slide)
    assert "skate" in failed_checks(dataclasses.replace(clip, people=(first, sliding)))


@pytest.mark.parametrize("kind", WALKING)
def test_feet_that_walk_stand_still_between_steps(kind: str, clips: dict[str, ChoreographedClip]) -> None:
    for person in clips[kind].people:
        toes = person.joints[:, [SMPL.index("L_Foot"), SMPL.index("R_Foot")]]
        steps = np.linalg.norm(np.diff(toes[..., [0, 2]], axis=0), axis=-1)
        # Of two feet one stands, and it stays where it is.
        assert np.quantile(steps.min(axis=1), 0.8) < 0.002
        assert toes[..., 1].min() > 0.0


def test_the_pushed_one_goes_back_and_the_one_who_is_called_comes(clips: dict[str, ChoreographedClip]) -> None:
    pushed = clips["push and stagger"]
    actor = int(pushed.facts["actor"])
    contact = pushed.schedule[0]
    apart = np.linalg.norm(pushed.joints[0, :, 0] - pushed.joints[1, :, 0], axis=-1)
    assert contact.person == actor
    assert apart[-1] > apart[contact.start] + 0.2
    beckoned = clips["beckon and the other comes"]
    other = 1 - int(beckoned.facts["actor"])
    travelled = np.linalg.norm(beckoned.joints[:, -1, 0] - beckoned.joints[:, 0, 0], axis=-1)
    assert travelled[other] > 1.0 > travelled[1 - other]


def test_sides_of_captions_are_those_of_the_contacts(library: Library) -> None:
    seen = set()
    for seed in range(6):
        clip = choreographed("high five", seed, library)
        assert {contact.part for contact in clip.schedule} == {f"{clip.facts['side']}_hand"}
        seen.add(clip.facts["side"])
    assert seen == {"left", "right"}


def test_every_kind_has_a_dozen_true_captions_apart_from_those_held_out() -> None:
    assert set(TEMPLATES) == set(SCRIPTS)
    facts = {"side": "left", "other_side": "right", "ear": "left", "target": "in the face", "object": "a cup"}
    facts |= {"way": "clockwise", "how": "bows the head"}
    for kind in SCRIPTS:
        words = paraphrases(kind, facts, np.random.default_rng(0), 12, held_out=False)
        assert len(words) == 12
        assert not any(caption_held_out(kind, text) for text in words)
        assert paraphrases(kind, facts, np.random.default_rng(1), 1, held_out=True)
        for text in words:
            assert not set("[](){}$|") & set(text)
    random = np.random.default_rng(2)
    manners = {caption("walk side by side", {"manner": "slowly"}, random) for _ in range(40)}
    assert any("slowly" in text for text in manners)
    assert not any("slowly" in caption("walk side by side", {"manner": ""}, random) for _ in range(40))


def test_shards_come_back_as_rows_for_training(tmp_path: Path, clips: dict[str, ChoreographedClip]) -> None:
    clip = clips["hand over an object"]
    save_shard(tmp_path / "hand_over.npz", [clip, clip], [("one",), ("two", "three")], [False, True])
    loaded = load_choreographed(tmp_path)
    assert [stored.held_out for stored in loaded] == [False, True]
    assert loaded[1].captions == ("two", "three") and loaded[1].schedule == clip.schedule
    assert loaded[0].features.shape == (2, len(clip) - 1, 262)
    np.testing.assert_allclose(loaded[0].joints, clip.joints[:, :-1], atol=1e-6)
    (tmp_path / "hand_over.npz").write_bytes(b"PK damaged")
    with pytest.raises(UserError, match="choreograph"):
        load_choreographed(tmp_path)
    with pytest.raises(UserError, match="no choreographed clips"):
        load_choreographed(tmp_path / "nothing")


def test_of_a_clip_and_its_mirror_image_the_one_with_the_right_hand_is_drawn_more_often(
    tmp_path: Path, clips: dict[str, ChoreographedClip]
) -> None:
    kinds = ("high five", "follow")
    save_shard(tmp_path / "two.npz", [clips[kind] for kind in kinds], [("left",), ("right",)], [False, False])
    settings = DataSettings(right_handed=0.8, class_weights={"high five": 3.0})
    greeting, walk = (both_sides(clip, settings) for clip in load_choreographed(tmp_path))
    right_first = clips["high five"].schedule[0].part == "right_hand"
    np.testing.assert_allclose([clip.weight for clip in greeting], (4.8, 1.2) if right_first else (1.2, 4.8))
    np.testing.assert_allclose([clip.weight for clip in walk], 1)
    assert [clip.captions for clip in (*greeting, *walk)] == [("left",), ("right",), ("right",), ("left",)]
    shown, reflected = (clip.features[:, :, :3] for clip in walk)
    np.testing.assert_allclose(reflected, shown * (-1, 1, 1), atol=1e-5)


def test_clips_in_which_people_touch_from_beginning_to_end_give_shorter_crops_too(
    tmp_path: Path, library: Library, clips: dict[str, ChoreographedClip]
) -> None:
    lasting = ("dance in hold", "hold hands walking", "arm around the shoulder walking")
    made = [clips.get(kind) or choreographed(kind, 3, library) for kind in (*lasting, "hand over an object")]
    save_shard(tmp_path / "some.npz", made, [("words",)] * len(made), [False] * len(made))
    for stored, clip in zip(load_choreographed(tmp_path), made, strict=True):
        shown = both_sides(stored, DataSettings())[0]
        begun, ended = shown.event_span or (0, 0)
        inside = [begun < contact.stop and contact.start < ended for contact in clip.schedule]
        assert 0 <= begun < ended <= shown.frames and all(inside), clip.kind
        assert len(Crops([shown], captioned=True).usable(round(0.8 * shown.frames))[0]) == 1, clip.kind


def test_the_grammar_knows_the_kind_of_its_own_captions() -> None:
    random = np.random.default_rng(0)
    facts = {"side": "left", "other_side": "right", "ear": "left", "height": "above their heads", "manner": "slowly"}
    for kind in TEMPLATES:
        for _ in range(20):
            text = caption(kind, facts, random)
            assert kind_of_caption(text) == kind, text
    assert kind_of_caption("the price of wheat fell") is None


@pytest.mark.slow
def test_clips_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    data = tmp_path / "captured"
    data.mkdir()
    entries = []
    for number, (text, person) in enumerate(made_up_people().items()):
        write_bvh(data / f"0{number}_01.bvh", person)
        entries.append({"file": f"0{number}_01.bvh", "people": 1, "fps": 30, "frames": len(person), "caption": text})
    (data / "manifest.json").write_text(json.dumps(entries))
    kinds = ("bow to each other", "high five", "wave to each other")
    for workers, name in ((1, "alone"), (2, "together")):
        tallies = choreograph(data, tmp_path / name, kinds, instances=2, workers=workers)
        assert [tally.kind for tally in tallies] == list(kinds) and all(tally.accepted == 2 for tally in tallies)
    for one, other in zip(*(load_choreographed(tmp_path / name) for name in ("alone", "together")), strict=True):
        assert (one.kind, one.seed, one.captions) == (other.kind, other.seed, other.captions)
        np.testing.assert_array_equal(one.features, other.features)
    assert (tmp_path / "alone" / "summary.json").read_text() == (tmp_path / "together" / "summary.json").read_text()
    with pytest.raises(UserError, match="--workers must be at least 1"):
        choreograph(data, tmp_path / "none", kinds, workers=0)
