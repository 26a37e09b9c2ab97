"""``--ray``: the rows of a run, distributed over the workers of a Ray cluster or of this machine.

Ray places the workers and says when one has died. A worker gets its next rows when it has finished the ones before,
so a slow machine gets fewer. One unit of rows is reserved for each worker while it works, so that its generator can
start on them; a worker that has nothing left takes a unit that is reserved for another one.
"""

from __future__ import annotations

import os
import secrets
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from ..core import UserError
from .clip import BatchContext
from .machine import MachineError
from .prefetch import ITEMS_ON_CARDS
from .ray_worker import SHARED, Freight, RowWorker, packed
from .records import FAILED, Record, RowResult, write_record
from .run import Reporter
from .worker_folder import delete_left_folders

TICK = 0.5
"""Seconds between two looks at signals and progress while nothing arrives."""

CLOSING = 5.0
"""Seconds that idle workers have to delete their temporary files."""

MOST_STARTS = 3
"""Attempts to start Ray on this machine: it gives up after 30 seconds, which a busy machine can need."""

MOST_DEATHS = 3
"""Workers that may die while they make one row, before the row is said to have failed."""


@dataclass
class _Unit:
    """Rows that one worker makes in one call.

    Attributes:
        numbers: of the rows in the run's list of jobs.
        deaths: workers that died with it.
        earliest: time before which it is not handed out: another run makes one of its rows.
    """

    numbers: list[int]
    deaths: int = 0
    earliest: float = 0.0


@dataclass(eq=False)
class _Worker:
    """A worker as the driver sees it.

    Attributes:
        number: for messages.
        share: what it occupies.
        actor: its handle.
        call: of the method that runs.
        owner: of its claims; empty until it has started.
        unit: that it makes.
        reserved: that it gets next.
    """

    number: int
    share: dict[str, float]
    actor: Any
    call: Any
    owner: str = ""
    unit: _Unit | None = None
    reserved: _Unit | None = None


@dataclass
class RayRun:
    """A run whose rows are made by workers of Ray.

    Attributes:
        context: what the jobs share; its client is not used.
        results: of the rows, by their number in the list.
    """

    context: BatchContext
    results: dict[int, RowResult] = field(default_factory=dict)
    _workers: list[_Worker] = field(default_factory=list, init=False)
    _queue: deque[_Unit] = field(default_factory=deque, init=False)
    _dead: set[str] = field(default_factory=set, init=False)
    _started: int = field(default=0, init=False)
    _refusals: list[str] = field(default_factory=list, init=False)

    def run(self) -> int:
        """Run every job; a failure does not stop the rest.

        Returns:
            The number of jobs that failed.

        Raises:
            UserError: Ray is missing or cannot be reached, or no worker can make rows.
            KeyboardInterrupt: the run was stopped; the report covers the rows so far.
        """
        start = time.monotonic()
        ray = _ray()
        reporter = Reporter(self.context, self.results)
        with self._cluster(ray), self._shared_folder() as token:
            try:
                self._distribute(ray, token)
            finally:
                self._end_workers(ray)
                reporter.write()
        reporter.summarise(time.monotonic() - start)
        return len(reporter.failed)

    def _distribute(self, ray: Any, token: str) -> None:
        """Hand out units until all rows have a result."""
        options, console = self.context.options, self.context.console
        words = None if options.words is None else options.words.read_bytes()
        freight = ray.put(Freight(options, self.context.blend, packed(options.model), words, token))
        shares = _worker_shares(ray, options.ray.cores if options.ray else 1)
        size = options.together or (ITEMS_ON_CARDS if shares[0].get("num_gpus") else 1)
        numbers = range(len(options.jobs))
        self._queue.extend(_Unit(list(numbers[first : first + size])) for first in numbers[::size])
        for share in shares[: len(self._queue)]:
            self._start_worker(ray, share, freight)
        console.begin_progress()
        while self._queue or any(worker.unit or worker.reserved for worker in self._workers):
            self.context.stop.raise_if_requested()
            for worker in self._workers:
                if worker.owner and worker.unit is None:
                    self._hand_out(worker)
            calls = {worker.call: worker for worker in self._workers if worker.call is not None}
            if not self._workers:
                raise MachineError(f"No worker can make rows. {self._refusals[-1]}")
            ready, _ = ray.wait(list(calls), timeout=TICK) if calls else ([], [])
            if not calls:
                time.sleep(TICK)  # the rows that are left are made by another run
            for call in ready:
                self._receive(ray, calls[call], freight)
            working = sum(worker.unit is not None for worker in self._workers)
            console.progress(f"{len(self.results)} of {len(options.jobs)} rows done, {working} workers at work")

    def _end_workers(self, ray: Any) -> None:
        """Let idle workers delete their temporary files, and kill all."""
        with suppress(Exception):
            closing = [worker.actor.close.remote() for worker in self._workers if worker.call is None]
            ray.wait(closing, num_returns=len(closing), timeout=CLOSING)
        for worker in self._workers:
            with suppress(Exception):
                ray.kill(worker.actor)

    def _start_worker(self, ray: Any, share: dict[str, float], freight: Any) -> None:
        """Ask Ray for a worker, which starts as soon as a machine has room."""
        actor = ray.remote(RowWorker).options(scheduling_strategy="SPREAD", max_restarts=0, **share).remote()
        self._started += 1
        self._workers.append(_Worker(self._started, share, actor, actor.start.remote(freight)))

    def _hand_out(self, worker: _Worker) -> None:
        """Give an idle worker its next unit, and reserve another one for it."""
        unit = worker.reserved or self._next()
        worker.reserved = None
        if unit is None:
            other = next((other for other in self._workers if other.reserved is not None), None)
            if other is None:
                return
            unit, other.reserved = other.reserved, None
        assert unit is not None
        worker.unit, worker.reserved = unit, self._next()
        following = worker.reserved.numbers if worker.reserved else []
        worker.call = worker.actor.make.remote(unit.numbers, following, self._dead)

    def _next(self) -> _Unit | None:
        """The next unit that may be handed out."""
        now = time.monotonic()
        for unit in self._queue:
            if unit.earliest <= now:
                self._queue.remove(unit)
                return unit
        return None

    def _receive(self, ray: Any, worker: _Worker, freight: Any) -> None:
        """Take what a worker's call has returned."""
        call, worker.call = worker.call, None
        try:
            answer = ray.get(call)
        except ray.exceptions.RayTaskError as error:  # its machine cannot make rows
            reason = str(error.cause) if isinstance(error.cause, UserError) else repr(error.cause)
            self._refusals.append(reason)
            self.context.console.warn(f"Worker {worker.number} makes no more rows: {reason}")
            self._lose(ray, worker)
        except ray.exceptions.RayActorError as error:
            self.context.console.warn(f"Worker {worker.number} has died; its rows are given to others.")
            self._refusals.append(" ".join(str(error).split())[:300])
            if isinstance(error, ray.exceptions.ActorDiedError):
                self._dead.add(worker.owner)
            started = bool(worker.owner)
            self._lose(ray, worker, died=True)
            if started:
                self._start_worker(ray, worker.share, freight)
        else:
            if isinstance(answer, str):
                worker.owner = answer
                return
            worker.unit = None
            for number, result in answer:
                self._settle(worker, number, result)

    def _settle(self, worker: _Worker, number: int, result: RowResult | None) -> None:
        """Keep a row's result, or try again later if another run makes the row."""
        if result is None:
            self._queue.append(_Unit([number], earliest=time.monotonic() + 2 * TICK))
            return
        self.results[number] = result
        jobs = self.context.options.jobs
        outcome = result.record.error or result.outcome
        self.context.console.say(
            f"[{len(self.results)}/{len(jobs)}] {jobs[number].name}: {outcome} (worker {worker.number})"
        )

    def _lose(self, ray: Any, worker: _Worker, died: bool = False) -> None:
        """Give a worker's rows to others."""
        self._workers.remove(worker)
        with suppress(Exception):
            ray.kill(worker.actor)
        if worker.reserved is not None:
            self._queue.appendleft(worker.reserved)
        if worker.unit is None:
            return
        deaths = worker.unit.deaths + died
        # One by one, so that a row that ends its worker takes no other with it.
        for number in reversed(worker.unit.numbers):
            if deaths < MOST_DEATHS:
                self._queue.appendleft(_Unit([number], deaths))
            else:
                self._settle(worker, number, self._fatal(number))

    def _fatal(self, number: int) -> RowResult:
        """The result of a row that ended its workers."""
        job, options = self.context.options.jobs[number], self.context.options
        error = f"{MOST_DEATHS} workers died while they made this row; try it alone, without --ray."
        record = Record(job.name, job.prompt, job.where, FAILED, error)
        with suppress(UserError):
            write_record(options.out, record)
        return RowResult(record)

    @contextmanager
    def _cluster(self, ray: Any) -> Iterator[None]:
        """Join the cluster, or start one on this machine."""
        given = self.context.options.ray
        address = given.address if given else ""
        local = {} if address else {"include_dashboard": False}
        for left in reversed(range(1 if address else MOST_STARTS)):
            try:
                ray.init(address=address or "local", logging_level="warning", **local)
                break
            except Exception as error:
                ray.shutdown()
                if not left:
                    what = f"The Ray cluster {address} cannot be joined" if address else "Ray cannot be started"
                    raise UserError(f"{what}: {' '.join(str(error).split())[:300]}") from error
                self.context.console.say("Ray did not start on this machine; trying again.")
        try:
            yield
        finally:
            ray.shutdown()
            delete_left_folders()

    @contextmanager
    def _shared_folder(self) -> Iterator[str]:
        """Put a file into the folder of the results by which the workers recognise it."""
        out, token = self.context.options.out, secrets.token_hex(8)
        path = out / SHARED
        try:
            out.mkdir(parents=True, exist_ok=True)
            path.write_text(token, encoding="utf-8")
        except OSError as error:
            raise UserError(f"Cannot write to the folder {out}: {error.strerror}; choose another folder.") from error
        try:
            yield token
        finally:
            with suppress(OSError):
                path.unlink()


def _worker_shares(ray: Any, cores: int) -> list[dict[str, float]]:
    """What each worker occupies: a graphics card, or some cores of a machine of a cluster without cards."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    cards = sum(int(machine.get("GPU", 0)) for machine in machines)
    if cards:
        return [{"num_gpus": 1, "num_cpus": 1}] * cards
    places = sum(int(machine.get("CPU", 0)) // cores for machine in machines)
    if not places:
        raise UserError(f"No machine of the Ray cluster has {cores} cores; choose fewer with --ray-cores.")
    return [{"num_cpus": cores}] * places


def _ray() -> Any:
    """The package.

    Raises:
        UserError: it is not installed.
    """
    # Both are read when Ray is imported: lines of several workers are not to be merged, and nothing is reported home.
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise UserError("--ray needs the package ray; pip install -e '.[farm]'.") from error
    return ray
