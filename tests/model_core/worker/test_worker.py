"""The worker as its client sees it: a real process, real messages, a small real model with random weights."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from repository import REPOSITORY
from worker_client import PATIENCE, Client

from model_core.constraints import (
    Constraints,
    ContactConstraint,
    PathConstraint,
    PinConstraint,
    PoseConstraint,
    report_of_people,
)
from model_core.constraints.files import constraints_to_json
from model_core.model_files.model_folder import Model, save_model
from model_core.model_files.sampling_settings import SamplingSettings
from model_core.model_files.settings import ModelConfig
from model_core.motion import SMPL, Motion, PosedSkeleton
from model_core.motion.canonical import canonical_transform
from model_core.motion.forward_kinematics import forward_kinematics
from model_core.motion.representation import features_from_motion
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import matrix_from_axis_angle, matrix_from_quaternion
from model_core.networks.text_layers import TextLayersConfig
from model_core.networks.tokenizer import Tokenizer, TokenizerConfig
from model_core.networks.transformer import InteractionTransformer, TransformerConfig
from model_core.worker import requests
from model_core.worker.protocol import Decoder, Message

TEXT_ENCODER = REPOSITORY / "assets" / "text" / "all-MiniLM-L6-v2"


def walk(frames: int) -> Motion:
    """A person in the rest pose who glides over a floor that is far from the world's middle, turning."""
    turns = matrix_from_axis_angle(np.linspace(0.5, 2.0, frames)[:, None] * np.array([0.0, 1.0, 0.0]))
    rotations = np.broadcast_to(np.eye(3), (frames, len(SMPL), 3, 3)).copy()
    rotations[:, 0] = turns
    places = np.array([5.0, 0.95, -3.0]) + np.linspace(0, 1, frames)[:, None] * np.array([0.8, 0.0, 0.3])
    joints = forward_kinematics(rotations, places, SMPL_REST_OFFSETS, SMPL)
    return Motion(joints, rotations[:, 1:], turns)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that stands about at random."""
    torch.manual_seed(0)
    tokenizer = TokenizerConfig(width=16, codes=32, code_width=16)
    transformer = TransformerConfig(32, 16, 32, 1, 2, 32, text=TextLayersConfig(384, 4, 64, 1, True))
    config = ModelConfig(
        "small", tokenizer, transformer, str(TEXT_ENCODER), SamplingSettings(6), 120, examples=("they hug",)
    )
    person = canonical_transform(walk(9)).apply(walk(9))
    mean = torch.from_numpy(features_from_motion(person).mean(0)).float()
    networks = Tokenizer(tokenizer), InteractionTransformer(transformer)
    for name, tensor in networks[0].state_dict().items():
        if name.endswith(".codes"):
            tensor.normal_(std=3)
    folder = tmp_path_factory.mktemp("models") / "small"
    save_model(folder, Model(config, *networks, mean, torch.full((262,), 0.02), TEXT_ENCODER))
    return folder


@pytest.fixture
def fresh() -> Iterator[Client]:
    client = Client()
    yield client
    client.close()


@pytest.fixture(scope="module")
def warm(model: Path) -> Iterator[Client]:
    """A worker that has loaded the model."""
    client = Client()
    assert client.next().type == "ready"
    client.send("load", id="warm", model=str(model))
    final = client.final()
    assert final.type == "loaded", final.values
    yield client
    client.close()


def test_it_is_ready_before_torch_is_loaded_and_answers_a_ping(fresh: Client) -> None:
    ready = fresh.next()
    assert (ready.type, ready.values["protocol"]) == ("ready", 2)
    if Path("/proc").is_dir():
        assert "torch" not in Path(f"/proc/{fresh.process.pid}/maps").read_text()
    fresh.send("ping", id=3)
    assert fresh.next() == Message("pong", {"id": 3, "busy": False})


@pytest.mark.slow
def test_loading_tells_what_the_model_is(warm: Client, model: Path) -> None:
    warm.send("load", id=1, model=str(model), device="cpu")
    values = warm.final().values
    assert values == {
        "id": 1,
        "model": "small",
        "skeleton": "smpl22",
        "fps": 30.0,
        "min_frames": 16,
        "max_frames": 1800,
        "examples": ["they hug"],
        "device": "cpu",
    }


def test_a_prompt_becomes_posed_skeletons(warm: Client, model: Path) -> None:
    request: dict[str, Any] = {"model": str(model), "prompt": "they dance", "seconds": 1.5, "seed": 7, "takes": 2}
    warm.send("generate", id="a", **request)
    messages = warm.until("result", "error")
    result = messages[-1]
    assert {key: result.values[key] for key in ("id", "prompt", "model", "seed", "fps", "takes", "frames")} == {
        "id": "a", "prompt": "they dance", "model": "small", "seed": 7, "fps": 30.0, "takes": 2, "frames": 45,
    }  # fmt: skip
    assert {name: array.shape for name, array in result.arrays.items()} == {
        "offsets": (2, 2, 22, 3), "rotations": (2, 2, 45, 22, 4), "translation": (2, 2, 45, 3),
    }  # fmt: skip
    assert all(np.isfinite(array).all() for array in result.arrays.values())
    np.testing.assert_allclose(np.linalg.norm(result.arrays["rotations"], axis=-1), 1, atol=1e-5)
    progress = [(m.values["stage"], m.values["step"], m.values["steps"]) for m in messages[:-1]]
    assert [entry for entry in progress if entry[0] == "sampling"] == [("sampling", step, 6) for step in range(1, 7)]
    assert [stage for stage, _, _ in progress] == sorted((stage for stage, _, _ in progress), key=_STAGES.index)
    timings = result.values["timings"]
    assert set(timings) == {"loading", "sampling", "solving", "computing"}
    assert 0 < timings["computing"] <= timings["sampling"]

    warm.send("generate", id="b", **request)
    again = warm.final()
    warm.send("generate", id="c", **{**request, "seed": 8})
    other = warm.final()
    for name, array in result.arrays.items():
        np.testing.assert_array_equal(array, again.arrays[name])
    assert np.abs(other.arrays["translation"] - result.arrays["translation"]).max() > 1e-4
    takes = result.arrays["translation"]
    assert np.abs(takes[0] - takes[1]).max() > 1e-4


def test_new_clips_begin_and_end_at_rest_when_asked(warm: Client, model: Path) -> None:
    request: dict[str, Any] = {"model": str(model), "prompt": "they dance", "frames": 60, "seed": 7, "takes": 2}
    fastest = []
    for number, ends in enumerate(({}, {"start_at_rest": True, "settle_at_end": True}, {"settle_at_end": True})):
        warm.send("generate", id=number, **request, **ends)
        arrays = warm.final().arrays
        assert arrays["translation"].shape == (2, 2, 60, 3)
        rotations = matrix_from_quaternion(arrays["rotations"].astype(np.float64))
        joints = forward_kinematics(rotations, arrays["translation"], arrays["offsets"][:, :, None], SMPL)
        fastest.append(np.linalg.norm(np.diff(joints, axis=2), axis=-1).max((0, 1, 3))[[0, -1]] * 30)
    assert (fastest[1] < 0.02).all() and fastest[2][1] < 0.02 < fastest[2][0] and (fastest[0] > 0.02).all()
    warm.send("generate", id=9, **request, settle_at_end="yes")
    assert warm.final().values["message"] == "'settle_at_end' is 'yes'; give true or false."


def test_drafts_arrive_while_a_clip_is_drawn_and_change_nothing(warm: Client, model: Path) -> None:
    request: dict[str, Any] = {"model": str(model), "prompt": "they dance", "frames": 60, "seed": 7}
    warm.send("generate", id=1, **request, drafts=True)
    messages = warm.until("result", "error")
    drafts = [message for message in messages if message.type == "draft"]
    assert len(drafts) == 2  # before the first step, and after step 3 of 6
    for draft in drafts:
        assert draft.values == {"id": 1, "start": 0} and draft.arrays["joints"].shape == (2, 60, 22, 3)
        assert np.isfinite(draft.arrays["joints"]).all()
    stages = [message.values.get("stage") for message in messages]
    place = next(number for number, message in enumerate(messages) if message is drafts[-1])
    assert place < len(stages) - 1 - stages[::-1].index("sampling")
    warm.send("generate", id=2, **request)
    plain = warm.final()
    for name, array in messages[-1].arrays.items():
        np.testing.assert_array_equal(array, plain.arrays[name])


def test_a_loop_ends_with_the_first_frame_of_the_next_cycle(warm: Client, model: Path) -> None:
    request: dict[str, Any] = {"model": str(model), "seed": 7, "frames": 32, "loop": True}
    for number, kind in enumerate(("generate", "generate_batch")):
        items = {"prompts": ["they dance"], "seeds": [7]} if number else {"prompt": "they dance"}
        warm.send(kind, id=number, **request, **items, in_place=bool(number))
        result = warm.final()
        assert result.values.get("frames") == 33, result.values
        turns, places = result.arrays["rotations"][0], result.arrays["translation"][0]
        np.testing.assert_allclose(np.abs((turns[:, 0] * turns[:, -1]).sum(-1)), 1, atol=1e-4)
        travel = places[:, -1] - places[:, 0]
        np.testing.assert_allclose(travel, travel[::-1], atol=1e-4)
        assert np.abs(travel[:, [0, 2]]).max() < 1e-4 or not number
    person = walk(40)
    arrays = {"leader_joints": person.joints.astype(np.float32)}
    warm.send("react", arrays, id=3, model=str(model), prompt="they dance", loop=True)
    assert "Only new clips" in warm.final().values["message"]
    pin = constraints_to_json(Constraints((PinConstraint(0, "L_Wrist", 3, 9, np.array([[0.3, 1.0, 0.3]])),)))
    warm.send("generate", id=4, prompt="they dance", constraints=pin, **request)
    assert "turn Loop off" in warm.final().values["message"]


_STAGES = ("loading", "sampling", "solving")


@pytest.mark.slow
def test_constraints_are_met_and_come_back_with_their_errors(warm: Client, model: Path) -> None:
    constraints = Constraints(
        (
            PathConstraint(1, (10, 40), np.array([[0.3, 0.9], [0.4, 1.0]]), name="way"),
            ContactConstraint(0, "right_hand", "left_shoulder", 20, 30, name="pat"),
        )
    )
    given = {"constraints": constraints_to_json(constraints)}
    warm.send("generate", id=1, model=str(model), prompt="they dance", seconds=1.5, takes=2, **given)
    result = warm.final()
    people = [[PosedSkeleton(*(result.arrays[name][take, person].astype(np.float64)
                               for name in ("offsets", "rotations", "translation")))
               for person in (0, 1)] for take in (0, 1)]  # fmt: skip
    measured = [[error.to_json() for error in report_of_people(constraints, pair)] for pair in people]
    errors = result.values["constraint_errors"]
    assert [[error["label"] for error in take] for take in errors] == 2 * [["The path 'way'", "The contact 'pat'"]]
    for ours, theirs in zip(errors, measured, strict=True):
        for error, again in zip(ours, theirs, strict=True):
            assert error.keys() == again.keys() and error["worst"] == pytest.approx(again["worst"], abs=2e-4)
            assert error["worst"] < 0.01


@pytest.mark.slow
def test_results_meet_their_constraints_and_edits_keep_the_rest(warm: Client, model: Path) -> None:
    request: dict[str, Any] = {"model": str(model), "prompt": "they dance"}
    warm.send("generate", id=1, seconds=2.0, **request)
    made = warm.final()
    first, second = (PosedSkeleton(*(made.arrays[name][0, person].astype(np.float64)
                                     for name in ("offsets", "rotations", "translation")))
                     for person in (0, 1))  # fmt: skip
    ground = first.translation[:, [0, 2]]
    wrist, shoulder = (second.joints()[40, SMPL.index(joint)] for joint in ("R_Wrist", "R_Shoulder"))
    pose = PoseConstraint(
        0, (45,), matrix_from_quaternion(first.rotations[[20]]), first.translation[[20]] + np.array([0.1, 0, 0])
    )
    constraints = Constraints(
        (
            PathConstraint(0, (30,), ground[[30]] + [0.2, 0.1]),
            PinConstraint(1, "R_Wrist", 38, 46, (0.9 * wrist + 0.1 * shoulder)[None] + [0, 0.05, 0], blend=6),
            pose,
        )
    )
    request["constraints"] = constraints_to_json(constraints)
    warm.send("generate", id=2, seconds=2.0, **request)
    path, pin, whole = warm.final().values["constraint_errors"][0]
    assert path["worst"] < 0.01 and pin["worst"] < 0.005 and whole["worst"] < 0.015
    source = np.stack([person.joints() for person in (first, second)]).astype(np.float32)
    joints = []
    for constraints in ([], request["constraints"][::2]):
        request["constraints"] = constraints
        warm.send("edit", {"source_joints": source}, id=3, start=24, stop=52, **request)
        result = warm.final()
        people = [PosedSkeleton(*(result.arrays[name][0, person].astype(np.float64)
                                  for name in ("offsets", "rotations", "translation")))
                  for person in (0, 1)]  # fmt: skip
        joints.append(np.stack([person.joints() for person in people]))
    path, whole = result.values["constraint_errors"][0]
    assert path["worst"] < 0.01 and whole["worst"] < 0.015
    # Smoothing depends on the whole clip; the correction of the bound frames must not reach into the kept ones.
    moved = np.linalg.norm(joints[1] - joints[0], axis=-1).max(-1)
    assert moved[:, :20].max() < 0.02 and moved[:, 56:].max() < 0.02 and moved[0, 30] > 0.15


WAY = {"type": "root2d", "frame_indices": [10, 20], "smooth_root_2d": [[0, 0], [9, 0]], "name": "way"}


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("generate", {"seconds": 1.5, "constraints": [WAY]}, ["'way'", "27.0 m/s"]),
        ("generate", {"seconds": 1.5, "constraints": {}}, ["not a list"]),
        ("generate", {"seconds": 1.5, "constraints": [], "partly": "yes"}, ["partly"]),
        ("generate", {"seconds": 0.6, "constraints": [WAY]}, ["'way'", "frames 10 to 20"]),
        ("react", {"constraints": [WAY]}, ["'way'", "person 0", "given"]),
        ("edit", {"constraints": [WAY | {"person": 1}], "people": [0]}, ["'way'", "person 1", "given"]),
        ("edit", {"constraints": [WAY], "start": 16}, ["'way'", "frame 10", "kept"]),
        ("extend", {"seconds": 2.0, "constraints": [WAY]}, ["'way'", "frame 10", "kept"]),
        ("generate", {"seconds": 1.5, "constraints": [{"type": "timing", "frame": 9, "event": 1}]}, ["part 1"]),
    ],
)
def test_constraints_that_cannot_be_met_are_refused_in_one_sentence(
    warm: Client, model: Path, kind: str, values: dict[str, Any], words: list[str]
) -> None:
    person = walk(40)
    arrays = {}
    if kind == "react":
        arrays = {"leader_joints": person.joints.astype(np.float32)}
    elif kind != "generate":
        arrays = {"source_joints": np.stack((person.joints, person.joints + np.array([1.0, 0, 0]))).astype(np.float32)}
    warm.send(kind, arrays, id=1, model=str(model), prompt="they dance", **values)
    reply = warm.final()
    assert reply.type == "error" and reply.values["kind"] == "user"
    sentence = reply.values["message"]
    assert all(word in sentence for word in words), sentence


def test_constraints_are_met_in_part_when_the_client_says_so(warm: Client, model: Path) -> None:
    later = WAY | {"frame_indices": [10, 200], "smooth_root_2d": [[0, 0], [1, 0]]}
    request: dict[str, Any] = {"model": str(model), "prompt": "they dance", "seconds": 1.5, "constraints": [later]}
    warm.send("generate", id=1, **request)
    assert "frames 10 to 200" in warm.final().values["message"]
    warm.send("generate", id=2, **request, partly=True)
    result = warm.final()
    assert result.type == "result" and result.values["constraint_errors"][0][0]["worst_frame"] == 10


@pytest.mark.parametrize("known", ["joints", "rotations", "all"])
def test_a_leader_gets_a_partner_in_its_own_world(warm: Client, model: Path, known: str) -> None:
    leader = walk(40)
    assert leader.rotations is not None and leader.root_orientation is not None
    arrays = {"leader_joints": leader.joints.astype(np.float32)}
    if known != "joints":
        arrays["leader_rotations"] = leader.rotations.astype(np.float32)
    if known == "all":
        arrays["leader_root"] = leader.root_orientation.astype(np.float32)
    warm.send("react", arrays, id=1, model=str(model), prompt="they dance")
    result = warm.final()
    assert result.type == "result", result.values
    assert result.values["frames"] == 40
    people = [
        PosedSkeleton(*(result.arrays[name][0, person] for name in ("offsets", "rotations", "translation"))).joints()
        for person in (0, 1)
    ]
    np.testing.assert_allclose(people[0], leader.joints, atol=0.02)
    np.testing.assert_allclose(people[1].mean((0, 1))[[0, 2]], leader.joints.mean((0, 1))[[0, 2]], atol=2.0)


def test_a_reaction_takes_half_of_the_models_steps_but_all_of_the_users(warm: Client, model: Path) -> None:
    arrays = {"leader_joints": walk(40).joints.astype(np.float32)}

    def steps(**values: Any) -> int:
        warm.send("react", arrays, id=9, model=str(model), prompt="they dance", **values)
        messages = warm.until("result", "error")
        assert messages[-1].type == "result", messages[-1].values
        return max(m.values["steps"] for m in messages if m.values.get("stage") == "sampling")

    assert (steps(), steps(steps=5), steps(steps=None)) == (3, 5, 3)


def known_pair(frames: int) -> dict[str, np.ndarray]:
    """Two people who walk, as ``edit`` and ``extend`` take them."""
    first = walk(frames)
    second = first.moved(np.eye(3), np.array([0.0, 0.0, 1.0]))
    motions = (first, second)
    return {
        "source_joints": np.array([person.joints for person in motions], np.float32),
        "source_rotations": np.array([person.rotations for person in motions], np.float32),
        "source_root": np.array([person.root_orientation for person in motions], np.float32),
    }


def test_a_part_is_made_anew_and_a_clip_goes_on(warm: Client, model: Path) -> None:
    arrays = known_pair(60)
    request: dict[str, Any] = {"model": str(model), "prompt": "they dance", "solve": {"smooth": False, "feet": False,
                               "keep_contacts": False, "close_contacts": False, "ground": False}}  # fmt: skip

    def joints(answer: Message) -> np.ndarray:
        assert answer.type == "result", answer.values
        parts = [answer.arrays[name][0] for name in ("offsets", "rotations", "translation")]
        return np.array([PosedSkeleton(*person).joints() for person in zip(*parts, strict=True)])

    def moved(answer: Message) -> np.ndarray:
        """(2, T) how far any joint is from where it was, metres."""
        return np.linalg.norm(joints(answer)[:, :60] - arrays["source_joints"], axis=-1).max(-1)

    warm.send("edit", arrays, id=1, people=[1], start=24, stop=40, **request)
    change = moved(warm.final())
    assert change[0].max() < 0.01 and change[1, :24].max() < 0.01 and change[1, 40:].max() < 0.01
    assert change[1, 24:40].max() > 0.02

    warm.send("edit", arrays, id=2, strength=0.3, parts=[3, 4], **request)
    restyled = moved(warm.final())
    warm.send("edit", arrays, id=3, strength=0.0, **request)
    assert moved(warm.final()).max() < 0.01 < restyled.max()

    warm.send("extend", {"source_joints": arrays["source_joints"]}, id=4, frames=90, **request)
    longer = warm.final()
    assert longer.values["frames"] == 90 and moved(longer).max() < 0.02


def test_what_is_known_stays_however_fast_it_is(warm: Client, model: Path) -> None:
    arrays = known_pair(60)
    # At 8 m/s for 0.3 s: faster than the solver believes of what it made itself.
    arrays["source_joints"][0, ..., 0] += np.clip(np.arange(60) - 24, 0, 9)[:, None] * np.float32(8 / 30)
    request: dict[str, Any] = {"model": str(model), "prompt": "they dance"}

    def led_away(kind: str, **values: Any) -> float:
        warm.send(kind, arrays, id=1, **request, **values)
        answer = warm.final()
        assert answer.type == "result", answer.values
        ways = answer.arrays["translation"][0][:, :60] - arrays["source_joints"][:, :, 0]
        return float(np.linalg.norm(ways[..., [0, 2]], axis=-1).max())

    assert led_away("extend", frames=90) < 0.25  # smoothing alone
    assert led_away("edit", strength=0.0) < 0.25
    assert led_away("edit", strength=0.0, solve={"bridge_root_teleports": True}) > 1.0


def test_an_edit_counts_in_the_networks_rows_and_columns() -> None:
    free = requests.Edit((1,), (3, 4), 23, 41, 1.0).free(58)
    assert free.shape == (2, 5, 15) and not free[0].any() and not free[1, :3].any()
    assert free[1, 3:].nonzero()[1].tolist() == 2 * list(range(5, 11))


def test_an_edit_that_cannot_be_made_is_told(warm: Client, model: Path) -> None:
    arrays = known_pair(40)
    cases: list[tuple[str, dict[str, np.ndarray], dict[str, Any], str]] = [
        ("edit", {}, {}, "no motion to change"),
        ("edit", {"source_joints": arrays["source_joints"][:1]}, {}, "not of two people"),
        ("edit", {"source_joints": arrays["source_joints"][:, :, :20]}, {}, "cannot be read"),
        ("edit", arrays, {"frames": 80}, "keeps the length"),
        ("edit", arrays, {"start": 30, "stop": 20}, "'stop' is 20; give a whole number from 31 to 40"),
        ("edit", arrays, {"people": [2]}, "'people' is .*from 0 to 1"),
        ("edit", arrays, {"parts": []}, "'parts' is .*from 0 to 4"),
        ("edit", arrays, {"strength": 1.5}, "'strength' is 1.5"),
        ("extend", arrays, {}, "No length"),
        ("extend", arrays, {"frames": 40}, "40 frames already"),
    ]
    for kind, given, values, sentence in cases:
        warm.send(kind, given, id=5, model=str(model), prompt="they dance", **values)
        _check_told(warm.final(), sentence)


def test_a_cancel_is_seen_between_two_steps(warm: Client, model: Path) -> None:
    request: dict[str, Any] = {"model": str(model), "prompt": "they dance", "frames": 120, "takes": 8, "steps": 1000}
    warm.send("generate", id="long", **request)
    while warm.next().values.get("stage") != "sampling":
        pass
    warm.send("cancel", id="somebody else's")
    warm.send("cancel", id="long")
    messages = warm.until("cancelled", "result", "error")
    assert messages[-1] == Message("cancelled", {"id": "long"})
    assert len(messages) < 100
    warm.send("generate", id="next", **{**request, "steps": 2})
    assert warm.final().type == "result"


def test_requests_wait_their_turn_and_can_be_called_off(warm: Client, model: Path) -> None:
    request: dict[str, Any] = {"model": str(model), "prompt": "they dance", "frames": 60}
    for name, steps in (("first", 60), ("second", 5), ("third", 5)):
        warm.send("generate", id=name, steps=steps, **request)
    warm.send("cancel", id="second")
    warm.send("ping")
    finals = [(m.type, m.values["id"]) for m in (warm.final() for _ in range(4))]
    assert finals.index(("cancelled", "second")) < finals.index(("result", "first"))
    assert finals.index(("result", "first")) < finals.index(("result", "third"))
    assert ("pong", None) in finals


MISTAKES = [
    ({"prompt": ""}, "prompt is empty"),
    ({"prompt": " \n\t "}, "prompt is empty"),
    ({"prompt": None}, "prompt is empty"),
    ({"seconds": 0}, r"0 seconds .*choose 0.5 to 60 seconds"),
    ({"seconds": -3}, r"-3 seconds .*choose 0.5 to 60"),
    ({"seconds": 10_000}, r"10000 seconds .*choose 0.5 to 60 seconds"),
    ({"seconds": float("nan")}, "'seconds' is nan"),
    ({"seconds": "two"}, "'seconds' is 'two'; give a number"),
    ({"seconds": None}, "No length was given"),
    ({"frames": 60}, "in seconds and in frames"),
    ({"seconds": None, "frames": 5}, "choose 16 to 1800"),
    ({"takes": 0}, "'takes' is 0; give a whole number from 1 to 64"),
    ({"takes": 1000}, "'takes' is 1000"),
    ({"seed": -1}, "'seed' is -1"),
    ({"steps": 0}, "'steps' is 0"),
    ({"steps": 2.5}, "'steps' is 2.5"),
    ({"top_k_fraction": 1.5}, "'top_k_fraction' is 1.5; give a number from 0 to 1"),
    ({"temperature": -1.0}, "'temperature' is -1.0"),
    ({"solve": {"smoth": True}}, "unknown entry 'smoth'"),
    ({"model": "/nowhere/at all"}, r"no model in .*nowhere.*choose"),
    ({"model": ""}, "No model was chosen"),
    ({"device": "tpu"}, "no device 'tpu'"),
]


@pytest.mark.parametrize(("change", "sentence"), MISTAKES, ids=[str(change) for change, _ in MISTAKES])
def test_a_mistake_is_told_in_one_sentence(warm: Client, model: Path, change: dict[str, Any], sentence: str) -> None:
    warm.send("generate", id=5, **{"model": str(model), "prompt": "they dance", "seconds": 2.0, **change})
    _check_told(warm.final(), sentence)


def _check_told(answer: Message, sentence: str) -> None:
    assert (answer.type, answer.values["id"], answer.values["kind"]) == ("error", 5, "user"), answer.values
    message = answer.values["message"]
    assert re.search(sentence, message), message
    assert message.endswith(".") and "\n" not in message and "Traceback" not in message


def test_a_leader_that_cannot_be_followed_is_told(warm: Client, model: Path) -> None:
    joints = walk(40).joints.astype(np.float32)
    broken = joints.copy()
    broken[12:, 3] = np.nan
    cases: list[tuple[dict[str, np.ndarray], dict[str, Any], str]] = [
        ({}, {}, "no motion; choose an armature"),
        ({"leader_joints": joints[:0]}, {}, "no motion; choose an armature"),
        ({"leader_joints": broken}, {}, "28 of 40 frames, the first in frame 12"),
        ({"leader_joints": joints[:, :20]}, {}, r"cannot be read \(joints has shape \(40, 20, 3\)"),
        ({"leader_joints": joints[:8]}, {}, "8 frames .*choose 16 to 1800"),
        ({"leader_joints": joints}, {"frames": 80}, "has 40 frames and 80 were asked for"),
    ]
    for arrays, values, sentence in cases:
        warm.send("react", arrays, id=5, model=str(model), prompt="they dance", **values)
        _check_told(warm.final(), sentence)


def test_a_damaged_model_is_told_and_a_mended_one_is_read_anew(warm: Client, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    for name in ("tokenizer.safetensors", "transformer.safetensors", "config.json"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) // 2])
        warm.send("load", id=5, model=str(folder))
        _check_told(warm.final(), name.replace(".", r"\."))
        (folder / name).write_bytes(whole)
    warm.send("load", id=6, model=str(folder))
    assert warm.final().values["model"] == "small"
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "name": "renamed"}))
    warm.send("load", id=7, model=str(folder))
    assert warm.final().values["model"] == "renamed"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="limits the memory of another process as Linux can")
def test_running_out_of_memory_is_told_with_a_remedy_and_the_worker_goes_on(fresh: Client, model: Path) -> None:
    import resource

    assert fresh.next().type == "ready"
    request: dict[str, Any] = {"model": str(model), "prompt": "they dance", "frames": 120, "steps": 2}
    fresh.send("generate", id=1, **request)
    assert fresh.final().type == "result"
    status = Path(f"/proc/{fresh.process.pid}/status").read_text()
    size = int(re.search(r"VmSize:\s+(\d+) kB", status)[1]) * 1024
    resource.prlimit(fresh.process.pid, resource.RLIMIT_AS, (size + (1 << 20), resource.RLIM_INFINITY))
    fresh.send("generate", id=5, **{**request, "takes": 16})
    _check_told(fresh.final(), "not enough memory .*; ask for fewer takes or a shorter clip")
    resource.prlimit(fresh.process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    fresh.send("generate", id=6, **request)
    assert fresh.final().type == "result"


@pytest.mark.parametrize("theirs", [{}, {"protocol": 1}, {"protocol": 3}])
def test_a_client_of_another_protocol_is_refused_in_one_sentence(
    warm: Client, model: Path, theirs: dict[str, int]
) -> None:
    values = {"id": 5, "model": str(model), "prompt": "they dance", "seconds": 1.0, **theirs}
    warm.send_bytes(Message("generate", values).encoded())
    version = theirs.get("protocol", 1)
    _check_told(warm.final(), f"speaks version 2 .* the add-on version {version}; install both from the same release")
    warm.send("ping", id=6)
    assert warm.final().type == "pong"


def test_an_unknown_request_is_a_fault_and_not_the_end(warm: Client) -> None:
    warm.send("sing", id=5)
    warm.send("generate", prompt="no id")
    warm.send("ping", id=6)
    answers = [warm.final() for _ in range(3)]
    assert [(m.type, m.values["id"]) for m in answers] == [("error", 5), ("error", None), ("pong", 6)]
    assert {m.values.get("kind") for m in answers[:2]} == {"internal"}


@pytest.mark.slow
@pytest.mark.parametrize("busy", [False, True])
def test_the_end_of_input_ends_it(fresh: Client, model: Path, busy: bool) -> None:
    assert fresh.next().type == "ready"
    if busy:
        fresh.send("generate", id=1, model=str(model), prompt="they dance", frames=120, takes=8, steps=1000)
        while fresh.next().values.get("stage") != "sampling":
            pass
    assert fresh.process.stdin is not None
    fresh.process.stdin.close()
    assert fresh.ended() == 0
    assert fresh.errors() == ""


def test_a_client_that_stops_reading_ends_it(fresh: Client, model: Path) -> None:
    assert fresh.next().type == "ready"
    assert fresh.process.stdout is not None
    fresh.process.stdout.close()
    fresh.send("generate", id=1, model=str(model), prompt="they dance", seconds=2)
    assert fresh.ended() == 0
    assert fresh.errors() == ""


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x02\x00\x00\x00{}", b"\x05\x00\x00\x00\xff\xfe\xfd\xfc\xfb"]
)
def test_garbage_in_the_pipe_ends_it_with_a_sentence(fresh: Client, garbage: bytes) -> None:
    assert fresh.next().type == "ready"
    fresh.send_bytes(garbage)
    assert fresh.ended() == 2
    errors = fresh.errors()
    assert "not made of messages" in errors and errors.count("\n") == 1


@pytest.mark.slow
def test_garbage_in_mid_generation_ends_it_too(fresh: Client, model: Path) -> None:
    assert fresh.next().type == "ready"
    fresh.send("generate", id=1, model=str(model), prompt="they dance", frames=120, takes=8, steps=1000)
    while fresh.next().values.get("stage") != "sampling":
        pass
    fresh.send_bytes(b"\xff" * 64)
    assert fresh.ended() == 2


def test_no_part_of_a_message_decodes() -> None:
    message = Message("result", {"id": 7}, {"translation": np.arange(6.0).reshape(2, 3)})
    data = message.encoded()
    for cut in range(len(data)):
        decoder = Decoder()
        assert decoder.feed(data[:cut]) == []
        (whole,) = decoder.feed(data[cut:])
        assert whole.type == "result" and np.array_equal(whole.arrays["translation"], message.arrays["translation"])


def test_an_array_of_a_type_that_messages_lack_is_named() -> None:
    with pytest.raises(ValueError, match="array held has the type bool"):
        Message("result", {}, {"held": np.ones(2, dtype=bool)}).encoded()


@pytest.mark.slow
def test_killed_in_mid_generation_it_leaves_no_half_message_that_decodes(fresh: Client, model: Path) -> None:
    before = sorted(path.name for path in model.iterdir())
    assert fresh.next().type == "ready"
    fresh.send("generate", id=1, model=str(model), prompt="they dance", frames=120, takes=8, steps=1000)
    while fresh.next().values.get("stage") != "sampling":
        pass
    fresh.process.kill()
    assert fresh.ended() != 0
    assert fresh.process.stdout is not None
    rest = Decoder().feed(b"") + fresh._decoder.feed(fresh.process.stdout.read())
    assert {message.type for message in rest} <= {"progress"}
    assert sorted(path.name for path in model.iterdir()) == before


def test_what_other_code_prints_does_not_reach_the_pipe() -> None:
    code = (
        "import os, subprocess, sys; sys.path.insert(0, sys.argv[1]); from model_core.worker.pipes import OutputPipe;"
        "pipe = OutputPipe(); print('one'); os.write(1, b'two');"
        "subprocess.run([sys.executable, '-c', 'print(3)']); pipe.write(b'whole')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(REPOSITORY)], capture_output=True, timeout=PATIENCE)
    assert done.stdout == b"whole"
    assert all(word in done.stderr for word in (b"one", b"two", b"3"))
