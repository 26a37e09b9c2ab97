"""Claims on rows in one shared folder, without locks and without comparing clocks."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import blender_scene  # first: it sets Blender's user folder
import pytest
from repository import REPOSITORY

from intermask_blender.batch.claims import Claim, Claims

assert blender_scene


class Clock:
    """A clock that stands still."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def hidden(folder: Path) -> set[str]:
    return {path.name for path in folder.glob(".*")}


def test_of_many_workers_one_gets_a_row(tmp_path: Path) -> None:
    workers = [Claims(tmp_path / "out") for _ in range(16)]
    with ThreadPoolExecutor(len(workers)) as pool:
        claims = list(pool.map(lambda worker: worker.take("hug"), workers))
    (claim,) = filter(None, claims)
    winner = workers[claims.index(claim)]
    assert claim.held and claim.files.is_dir() and not winner.is_taken("hug")
    assert all(worker.is_taken("hug") for worker in workers if worker is not winner)
    assert workers[0].take("hug.1") is not None, "another row, whose name looks like a claim on this one"
    winner.drop(claim)
    assert hidden(tmp_path / "out") == {".making-hug.1.1"} and not claim.held


@pytest.mark.parametrize("hour", [-3600, 0, 3600])
def test_a_worker_is_dead_once_its_file_has_not_grown_for_long_whatever_its_clock_says(
    tmp_path: Path, hour: int
) -> None:
    clock = Clock(1000.0)
    suspended, watcher = Claims(tmp_path), Claims(tmp_path, stale=60.0, clock=clock)
    old = suspended.take("hug")
    assert old is not None
    sign_of_life(old, hour)
    for _ in range(3):
        for seconds in (0.0, 59.0):
            clock.now += seconds
            assert watcher.take("hug") is None
        sign_of_life(old, hour)
    assert watcher.take("hug") is None
    clock.now += 60.0
    new = watcher.take("hug")
    assert new is not None and new.held and not old.held, "the suspended worker sees that it has lost the row"
    assert hidden(tmp_path) == {".making-hug.1", ".making-hug.2"}
    watcher.drop(new)
    assert hidden(tmp_path) == set()


def sign_of_life(claim: Claim, hour: int) -> None:
    """What a worker's thread does, on a machine whose clock is off."""
    owner = claim.folder / "owner"
    with owner.open("ab") as file:
        file.write(b"\n")
    time = owner.stat().st_mtime + hour
    os.utime(owner, (time, time))


def test_two_watchers_of_a_dead_worker_do_not_both_get_its_row(tmp_path: Path) -> None:
    clock = Clock(0.0)
    assert Claims(tmp_path).take("hug")
    watchers = [Claims(tmp_path, clock=clock) for _ in range(8)]
    assert not any(watcher.take("hug") for watcher in watchers)
    clock.now = 61.0
    with ThreadPoolExecutor(len(watchers)) as pool:
        claims = list(pool.map(lambda watcher: watcher.take("hug"), watchers))
    assert [claim.number for claim in claims if claim] == [2]


def test_a_dead_worker_of_this_machine_or_one_that_is_known_to_be_dead_is_not_waited_for(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from intermask_blender.batch.claims import Claims\n"
        "Claims(pathlib.Path(sys.argv[1])).take('hug')"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=True, timeout=300)
    worker = Claims(tmp_path, owner="ann")
    claim = worker.take("hug")
    if os.name != "nt":  # Windows cannot be asked about a process without a risk
        assert claim is not None and claim.number == 2
    elsewhere = Claims(tmp_path, owner="ben")
    assert worker.take("bow") and elsewhere.take("bow") is None
    taken = elsewhere.take("bow", dead={"ann"})
    assert taken is not None and taken.number == 2
