"""Several processes train what one process trains, and a training goes on with another number of them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from repository import REPOSITORY
from small_training import CONFIG
from torch import nn

from model_core.errors import UserError
from model_core.networks.quantizer import Codebook, CodebookSettings
from model_core.training.loop import Loop, LoopSettings

HELPER = REPOSITORY / "tests" / "helpers" / "small_training.py"
NETWORKS = ("tokenizer", "transformer", "refiner", "contact-classifier", "reranker")


def configured(folder: Path, steps: int, shares: int) -> Path:
    """A folder with the configuration of a training."""
    folder.mkdir(exist_ok=True)
    loop = f"{{ steps = {steps}, batch = 4, warm_up = 1, schedule = 'steps', shares = {shares} }}"
    (folder / "tiny.toml").write_text(re.sub(r"loop = \{.*\}", f"loop = {loop}", CONFIG))
    return folder


def train(folder: Path, count: int, *names: str) -> None:
    """Train in so many processes."""
    runner = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"] if count > 1 else []
    path = os.pathsep.join(str(one) for one in (REPOSITORY, HELPER.parent))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, *runner, str(HELPER), str(folder), *names],
        capture_output=True, text=True, timeout=400, env=environment, cwd=REPOSITORY,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]


def weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    saved = torch.load(folder / "run" / name / "checkpoint.pt", weights_only=True)
    assert saved["shares"] == 2
    return {key: value.float() for key, value in saved["network"].items()}


def assert_alike(first: Path, second: Path, name: str) -> None:
    """The same weights but for the rounding of sums in another order."""
    one, other = weights(first, name), weights(second, name)
    assert one.keys() == other.keys()
    for key in one:
        torch.testing.assert_close(one[key], other[key], atol=2e-5, rtol=2e-4, msg=lambda text, key=key: key + text)


@pytest.mark.slow
def test_two_processes_train_what_one_does_and_one_goes_on_where_two_stopped(tmp_path: Path) -> None:
    alone, together, changing = (configured(tmp_path / name, 4, 2) for name in ("alone", "together", "changing"))
    train(alone, 1, *NETWORKS)
    train(together, 2, *NETWORKS)
    for name in NETWORKS:
        assert_alike(alone, together, name.replace("-", "_"))
    for name in ("tokenizer", "transformer"):
        train(configured(changing, 2, 0), 2, name)  # as many shares as processes
        train(configured(changing, 4, 0), 1, name)
        assert_alike(alone, changing, name)


_MEETING = """
import os, signal, sys, torch
from model_core.errors import UserError
from model_core.training import processes
processes.join()
processes.wait()
if processes.rank() == 1:
    os.kill(os.getpid(), signal.SIGKILL)
try:
    processes.add_up(torch.ones(3))
except UserError as error:
    print(error, file=sys.stderr, flush=True)
    sys.exit(1)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills a process")
def test_a_killed_process_is_told_by_the_others(tmp_path: Path) -> None:
    (tmp_path / "meeting.py").write_text(_MEETING)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Without torchrun, which may end the survivor before it can say anything.
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    environment = {**os.environ, **shared, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(tmp_path / "meeting.py")]
    killed, survivor = (
        subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**environment, "RANK": rank, "LOCAL_RANK": rank}
        )
        for rank in ("1", "0")
    )
    _, said = survivor.communicate(timeout=400)
    killed.communicate(timeout=400)
    assert survivor.returncode == 1 and killed.returncode == -signal.SIGKILL
    assert "Another process of this training has ended" in said and "from the last checkpoint." in said


class Lines(nn.Module):
    """A codebook and a weight that learns from its codes."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Codebook(4, 2, CodebookSettings(noise=0.0))
        self.weight = nn.Parameter(torch.ones(2))
        self.unused = nn.Parameter(torch.ones(1))


def test_shares_average_gradients_and_move_codes_once(tmp_path: Path) -> None:
    data = torch.arange(16.0).view(8, 2)
    network = Lines()
    network.book.codes.copy_(data[::2])
    network.book.sums.copy_(data[::2])
    network.book.started.fill_(True)
    settings = LoopSettings(steps=1, batch=8, rate=0.1, decay=0.5, warm_up=1, clip=1e9, shares=4, average=0.0)
    loop = Loop(network, settings, tmp_path, "lines", divided=True)
    assert loop.batch == 2
    seen = []

    def losses(step: int):  # type: ignore[no-untyped-def]
        mine = data[2 * loop.shares.current : 2 * loop.shares.current + 2]
        seen.append((loop.shares.current, int(loop.random(7, step).integers(1000))))
        ids = network.book.learn(mine)
        return (mine * network.weight).square().mean(), {"ids": float(ids.sum())}

    network.book.started.fill_(True)
    figures = loop.shares.gradients(lambda: losses(0))
    assert figures is not None and len(figures) == 4
    assert [share for share, _ in seen] == [0, 1, 2, 3] and len({number for _, number in seen}) == 4
    torch.testing.assert_close(network.weight.grad, 2 * data.square().mean(0) / 2)
    assert network.unused.grad is None
    # Codes: usage 1 moves by 1 % to the counts of all eight vectors, which are the rows 0 and 1 for code 0, and so on.
    counts = torch.bincount(torch.cdist(data, data[::2]).argmin(1), minlength=4)
    torch.testing.assert_close(network.book.usage, torch.maximum(0.99 + 0.01 * counts, torch.ones(4)))

    def damaged(step: int):  # type: ignore[no-untyped-def]
        loss, found = losses(step)
        return (loss * torch.nan if loop.shares.current == 2 else loss), found

    codes = network.book.codes.clone()
    assert loop.shares.gradients(lambda: damaged(0)) is None
    assert torch.equal(network.book.codes, codes) and network.book.pending is None


def test_a_batch_that_cannot_be_divided_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="A batch of 8 cannot be divided into 3 shares"):
        Loop(nn.Linear(2, 2), LoopSettings(batch=8, shares=3), tmp_path, "line", divided=True)
