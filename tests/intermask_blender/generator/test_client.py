"""The worker's other end, without Blender: a real process that starts, works, is cancelled, dies and comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from repository import REPOSITORY
from small_model import LONGEST

from intermask_blender.generator.client import Request, WorkerClient
from intermask_blender.generator.generation import GenerationSettings, progress_text, submit, takes_of
from intermask_blender.generator.models import find_model, installed_models
from intermask_blender.generator.runtime import default_python
from model_core.errors import UserError

PATIENCE = 300.0


MODEL_STEPS = 40


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerClient]:
    client = WorkerClient(Path(sys.executable), tmp_path_factory.mktemp("log") / "generator.log")
    yield client
    client.close()


def poll_until(client: WorkerClient, reached: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end, "nothing came of it"
        client.pause()


def process_of(client: WorkerClient) -> subprocess.Popen[bytes]:
    assert client._process is not None
    return client._process


def test_a_prompt_becomes_two_posed_people_with_progress(client: WorkerClient, model: Path) -> None:
    request = submit(client, GenerationSettings(" they hug ", model, 2.0, seed=5, takes=2))
    assert request.stage == "starting" and not request.done, "the caller had to wait"
    seen: list[tuple[str, int]] = []

    def arrived() -> bool:
        if (request.stage, request.step) not in seen[-1:]:
            seen.append((request.stage, request.step))
        assert 0.0 <= request.factor <= 1.0 and progress_text(request)
        return request.done

    poll_until(client, arrived)
    takes = takes_of(request)
    assert len(takes) == 2 and all(len(person) == 60 for pair in takes for person in pair)
    # Of a worker that is faster than we look some stages are missed, but never the first and the last.
    assert seen[0] == ("starting", 0) and seen[-1] == ("solving", 2)
    assert ("loading", 1) not in seen, "a full bar while the model is in memory"
    again = submit(client, GenerationSettings("they hug", model, 2.0, seed=5, takes=2))
    client.wait(again)
    for pair, same in zip(takes, takes_of(again), strict=True):
        for person, twin in zip(pair, same, strict=True):
            np.testing.assert_array_equal(person.rotations, twin.rotations)


def test_a_leader_larger_than_a_pipe_holds_goes_through(client: WorkerClient, model: Path) -> None:
    request = submit(client, GenerationSettings("they hug", model, 4.0))
    client.wait(request)
    first, second = takes_of(request)[0]
    leader = first.motion()
    assert len(leader) == LONGEST
    request = submit(client, GenerationSettings("they hug", model, None, leader=leader))
    client.wait(request)
    led, reactor = takes_of(request)[0]
    assert len(reactor) == LONGEST and not np.allclose(reactor.translation, second.translation)
    np.testing.assert_allclose(led.joints(), leader.joints, atol=0.05)


def test_cancel_is_immediate_and_the_next_request_is_served(client: WorkerClient, model: Path) -> None:
    request = submit(client, GenerationSettings("they hug", model, 4.0, takes=20))
    poll_until(client, lambda: request.stage == "sampling" and request.step > 2)
    client.cancel(request)
    assert request.done
    with pytest.raises(UserError, match="cancelled"):
        takes_of(request)
    following = submit(client, GenerationSettings("they hug", model, 1.0))
    client.wait(following)
    assert len(takes_of(following)) == 1 and not client.busy


@pytest.mark.slow
def test_a_cancelled_request_keeps_nothing_busy_though_nobody_polls(model: Path, tmp_path: Path) -> None:
    client = WorkerClient(Path(sys.executable), tmp_path / "log")
    request = submit(client, GenerationSettings("they hug", model, 4.0, takes=20))
    poll_until(client, lambda: request.stage == "sampling")
    client.cancel(request)
    assert not client.busy
    assert client.close_if_idle(-1.0) and not client.running


FOREIGN = """#!{python}
import sys, time
sys.path.insert(0, {repository!r})
from model_core.worker.protocol import Message
sys.stdout.buffer.write(Message("ready", {{"version": "0.0", "protocol": 1}}).encoded())
sys.stdout.buffer.flush()
sys.stdin.buffer.read()
"""


def test_a_worker_of_another_protocol_is_refused_at_every_request_and_not_kept(model: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "python"
    foreign.write_text(FOREIGN.format(python=sys.executable, repository=str(REPOSITORY)))
    foreign.chmod(0o755)
    client = WorkerClient(foreign, tmp_path / "log")
    for _ in range(2):
        request = submit(client, GenerationSettings("they hug", model, 1.0))
        poll_until(client, lambda request=request: request.done)
        assert "speaks version 1 of the worker protocol and the add-on version 2; install both" in request.error
        assert not client.running and not client.busy


def test_bytes_that_do_not_fit_into_the_pipe_are_not_copied(tmp_path: Path) -> None:
    deaf = tmp_path / "python"
    deaf.write_text(f"#!{sys.executable}\nimport signal; signal.pause()\n")
    deaf.chmod(0o755)
    client = WorkerClient(deaf, tmp_path / "log")
    client.submit("react", {}, {"leader_joints": np.zeros((20_000, 22, 3), np.float32)})
    unsent = len(client._outgoing)
    assert unsent > 5_000_000, "the pipe holds all of it"
    tracemalloc.start()
    client.poll()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    client.close()
    assert peak < unsent / 2


def test_a_log_that_cannot_be_written_is_named(model: Path, tmp_path: Path) -> None:
    client = WorkerClient(Path(sys.executable), tmp_path / "no such folder" / "log")
    with pytest.raises(UserError, match=r"Cannot write the generator's log .*no such folder.*; free some space"):
        submit(client, GenerationSettings("they hug", model, 1.0))


@pytest.mark.slow
def test_killed_in_mid_work_it_says_so_once_and_starts_again(client: WorkerClient, model: Path) -> None:
    request = submit(client, GenerationSettings("they hug", model, 4.0, takes=20))
    poll_until(client, lambda: request.stage == "sampling")
    os.kill(process_of(client).pid, signal.SIGKILL)
    poll_until(client, lambda: request.done)
    with pytest.raises(UserError, match=r"^The generator stopped \(possibly out of memory\). Press Generate again.$"):
        takes_of(request)
    assert not client.running
    following = submit(client, GenerationSettings("they hug", model, 1.0))
    client.wait(following)
    assert len(takes_of(following)) == 1


@pytest.mark.slow
def test_idle_for_long_it_is_ended_and_comes_back(client: WorkerClient, model: Path) -> None:
    client.wait(submit(client, GenerationSettings("they hug", model, 1.0)))
    process = process_of(client)
    assert not client.close_if_idle(60.0) and client.running
    time.sleep(0.05)
    assert client.close_if_idle(0.01) and process.poll() is not None
    request = submit(client, GenerationSettings("they hug", model, 1.0))
    client.wait(request)
    assert takes_of(request)


@pytest.mark.slow
def test_the_process_dies_with_its_owner(model: Path, tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path\n"
        "from intermask_blender.generator.client import WorkerClient\n"
        "from intermask_blender.generator.generation import GenerationSettings, submit\n"
        f"client = WorkerClient(Path(sys.executable), Path({str(tmp_path / 'log')!r}))\n"
        f"request = submit(client, GenerationSettings('they hug', Path({str(model)!r}), 4.0, takes=50))\n"
        "while request.stage in ('starting', 'loading') and not request.done: client.pause()\n"
        "print(client._process.pid, flush=True); os._exit(1)\n"
    )
    owner = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE
    )
    worker = int(owner.stdout)
    end = time.monotonic() + PATIENCE
    while Path(f"/proc/{worker}").exists() or _alive(worker):
        assert time.monotonic() < end, "the worker outlives its owner"
        time.sleep(0.05)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_python_without_torch_is_told(model: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare" / "python"
    bare.parent.mkdir()
    # The same interpreter without its installed packages: no numpy, no torch.
    bare.write_text(f'#!/bin/sh\nexec "{os.path.realpath(sys.executable)}" -I -S "$@"\n')
    bare.chmod(0o755)
    client = WorkerClient(bare, tmp_path / "log")
    request = submit(client, GenerationSettings("they hug", model, 1.0))
    client.wait(request)
    with pytest.raises(UserError, match=r"No module named '(numpy|torch)'"):
        takes_of(request)
    client.close()
    client = WorkerClient(tmp_path / "nothing here", tmp_path / "log")
    with pytest.raises(UserError, match="cannot be started"):
        submit(client, GenerationSettings("they hug", model, 1.0))


def wrong(model: Path, kind: str) -> GenerationSettings:
    return {
        "empty": GenerationSettings("  ", model, 1.0),
        "endless": GenerationSettings("x" * 5000, model, 1.0),
        "none": GenerationSettings("they hug", model.parent / "none", 1.0),
        "nothing": GenerationSettings("they hug", model, 0.0),
        "hours": GenerationSettings("they hug", model, 10_000.0),
        "guidance": GenerationSettings("they hug", model, 1.0, sampling={"guidance": 1e9}),
        "mask": GenerationSettings("they hug", model, 1.0, sampling={"mask_temperature": 1e9}),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("empty", "prompt is empty"),
        ("endless", "5000 characters"),
        ("none", "no model in"),
        ("nothing", "0 seconds"),
        ("hours", "10000 seconds"),
        ("guidance", "'guidance' is .*give a number from 0 to 100"),
        ("mask", "'mask_temperature' is .*give a number from 0 to 100"),
    ],
)
def test_wrong_settings_are_told_in_one_sentence(client: WorkerClient, model: Path, kind: str, sentence: str) -> None:
    request: Request | None = None
    with pytest.raises(UserError, match=sentence) as caught:
        request = submit(client, wrong(model, kind))
        client.wait(request)
        takes_of(request)
    assert "\n" not in str(caught.value) and "Traceback" not in str(caught.value)


def test_models_are_found_by_name_and_by_folder(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed_models([model.parent])["small"] == model
    assert find_model("small", [model]) == model == find_model(str(model))
    with pytest.raises(UserError, match="no model called gone"):
        find_model("gone", [model.parent])
    monkeypatch.setenv("INTERMASK_PYTHON", "/opt/python")
    assert default_python() == Path("/opt/python")
