"""A Ray cluster of three nodes on this machine: one is slow, and one is killed while it makes a row."""

from __future__ import annotations

import getpass
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from farm_runs import BAD, farm_environment, files_in, good, outcomes, whole_rows, write_jobs

from intermask_blender.batch.records import read_record

# Read when Ray is imported: without them it writes a token to the user's home folder, and reports home.
os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
ray = pytest.importorskip("ray", reason="needs the extra farm")
cluster_utils = pytest.importorskip("ray.cluster_utils")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A cluster whose head has one core; the process of this test takes no part in it."""
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield cluster
    cluster.shutdown()


def raylet_of(node: Any) -> int:
    """The process of a node that starts its workers."""
    process: int = node.all_processes["raylet"][0].process.pid
    return process


def workers_of(raylet: int) -> set[int]:
    """The processes of a node's workers and of their generators."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = {raylet}
    for _ in range(3):
        found |= {process for process, parent in parents.items() if parent in found}
    return {process for process in found if _is_worker(process)}


def _is_worker(process: int) -> bool:
    with suppress(OSError):
        command = Path(f"/proc/{process}/cmdline").read_bytes()
        return b"RowWorker" in command or b"model_core.worker" in command
    return False


@contextmanager
def three_times_slower(raylet: int) -> Iterator[set[int]]:
    """Let a node's workers run for a third of the time; the processes that were slow."""
    slow: set[int] = set()
    ended = threading.Event()

    def send(number: signal.Signals) -> None:
        for process in workers_of(raylet):
            slow.add(process)
            with suppress(OSError):
                os.kill(process, number)

    def throttle() -> None:
        while not ended.is_set():
            send(signal.SIGSTOP)
            ended.wait(0.4)
            send(signal.SIGCONT)
            ended.wait(0.2)

    thread = threading.Thread(target=throttle, daemon=True)
    thread.start()
    try:
        yield slow
    finally:
        ended.set()
        thread.join()


def test_each_row_is_made_once_although_a_node_is_killed_and_one_is_slow(
    cluster: Any, model: Path, tmp_path: Path
) -> None:
    names = [f"row_{number}" for number in range(14)]
    jobs, out = write_jobs(tmp_path / "jobs.csv", *good(*names), BAD), tmp_path / "out"
    temporary = f"intermask-ray-{getpass.getuser()}/*"
    before = set(Path(tempfile.gettempdir()).glob(temporary))
    slow_node, killed_node = cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)
    doomed = raylet_of(killed_node)
    command = [sys.executable, "-m", "intermask_blender.batch", "--jobs", str(jobs), "--model", str(model)]
    command += ["--out", str(out), "--render", "none", "--ray", cluster.address]
    shown: list[str] = []
    killed: set[int] = set()
    with (
        three_times_slower(raylet_of(slow_node)) as slow,
        subprocess.Popen(
            command, env=farm_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as driver,
    ):
        assert driver.stdout is not None
        for line in driver.stdout:
            shown.append(re.sub(r"\x1b\[[0-9;]*m", "", line.rstrip("\n")))
            makers = {int(found[1]) for text in shown if (found := re.match(r"\(RowWorker pid=(\d+).*\) row_", text))}
            if not killed and workers_of(doomed) & makers and sum(text.startswith("[") for text in shown) >= 2:
                killed = workers_of(doomed)
                cluster.remove_node(killed_node, allow_graceful=False)
    assert set(Path(tempfile.gettempdir()).glob(temporary)) <= before, "workers leave no temporary files"
    text = "\n".join(shown)
    assert killed and driver.returncode == 1, text  # one row has no prompt
    assert " has died; its rows are given to others." in text and f"{len(names)} of {len(names) + 1} done" in text

    finished = [found[1] for line in shown if (found := re.match(r"\[\d+/15\] (\w+): ", line))]
    assert sorted(finished) == sorted([*names, "bad"]), "each row has one result"
    assert outcomes(out) == {**dict.fromkeys(names, "made"), "bad": "failed"}
    for name in names:
        record = read_record(out, name)
        assert record is not None and all((out / file).stat().st_size > 0 for file in record.files)
    records = {f"records/{name}.json" for name in (*names, "bad")}
    assert files_in(out) == whole_rows(*names) | records | {"report.csv", "report.html"}, "nothing is half written"
    made = Counter(int(found[1]) for line in shown if (found := re.match(r"\(RowWorker pid=(\d+).*\) +wrote", line)))
    slow_rows = sum(made[process] for process in slow)
    fast_rows = sum(count for process, count in made.items() if process not in slow | killed)
    # None at all where the slow machine has started its generator only when the others had made the rows.
    assert slow_rows < fast_rows, made
