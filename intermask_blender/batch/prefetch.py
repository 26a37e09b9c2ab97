"""Requests that are sent before their rows are processed: several rows in one, one request ahead of the current row.

Rows of the same length that need nothing from a scene and have no leader can be one request. The next request is sent
while Blender saves and renders the current row, so that the generator is never idle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ..core import UserError
from ..generator.client import WorkerClient
from ..generator.generation import BatchedResult, GenerationSettings, request_values, submit, submit_batch
from .clip import settings_without_scene
from .jobs import Job
from .options import Options

ITEMS_ON_CARDS = 8
"""Items of a request on a graphics card: enough to use it well, few enough for the memory of small ones."""

LOOKAHEAD = 4
"""Rows that can join a request are searched among this many times its number of items."""


@dataclass
class Prefetcher:
    """Sends requests before their rows are processed.

    A row that cannot be requested is skipped here, for any reason: its error is reported when it is processed.

    Attributes:
        client: the generator.
        options: of the run.
        must_be_generated: whether a row must be generated at all.
        most: largest number of items of a request; None means a number that suits the device.
    """

    client: WorkerClient
    options: Options
    must_be_generated: Callable[[Job], bool]
    most: int | None = None
    _results: dict[str, BatchedResult] = field(default_factory=dict, init=False)

    def claim(self, job: Job, following: Sequence[Job]) -> BatchedResult | None:
        """The row's result, of a request sent before or of a new one for it and alike rows after it.

        None for a row that takes something from the scene: its request is sent once the scene is open.
        """
        if job.name not in self._results:
            self._send(job, following)
        return self._results.pop(job.name, None)

    def prefetch(self, following: Sequence[Job]) -> None:
        """Send the next request, unless one is running already."""
        if any(not result.request.done for result in self._results.values()):
            return
        for number, job in enumerate(following[: LOOKAHEAD * (self.most or 1)]):
            if job.name not in self._results and self._send(job, following[number + 1 :]):
                return

    def _send(self, job: Job, following: Sequence[Job]) -> bool:
        """Send a request for a row and similar rows after it; false if the row cannot be requested now."""
        settings = self._settings(job)
        if settings is None:
            return False
        try:
            if self.most is None:
                self.most = default_batch_size(self.client, self.options)
            members = [(job, settings)]
            for other in following[: LOOKAHEAD * self.most]:
                if len(members) >= self.most:
                    break
                if other.leader or other.characters or other.name in self._results:
                    continue
                if (same := self._settings(other)) and _alike(same, settings):
                    members.append((other, same))
            if len(members) == 1:
                self._results[job.name] = BatchedResult(submit(self.client, settings))
                return True
            request = submit_batch(self.client, [item for _, item in members])
        except UserError:
            return False
        for index, (member, _) in enumerate(members):
            self._results[member.name] = BatchedResult(request, index, len(members))
        return True

    def _settings(self, job: Job) -> GenerationSettings | None:
        """The request for a row without its scene; None if that is impossible or not needed."""
        if job.error:
            return None
        try:
            if not self.must_be_generated(job):
                return None
            settings = settings_without_scene(job, self.options)
            if settings is not None:
                request_values(settings)  # an error of one row must not fail the others of its request
        except Exception:
            # An error of any kind belongs to this row alone, and is reported when the row is processed.
            return None
        return settings


def _alike(one: GenerationSettings, other: GenerationSettings) -> bool:
    """Whether two rows can be one request: only prompt and seed differ, and there is no leader."""
    return one.leader is None and other.leader is None and replace(one, prompt=other.prompt, seed=other.seed) == other


def default_batch_size(client: WorkerClient, options: Options) -> int:
    """The default number of items to generate at once.

    On graphics cards several items take little longer than one; a processor is busy with one already.

    Raises:
        UserError: there is no runtime, or the generator cannot be started.
    """
    request = client.submit("load", {"model": str(options.model)})
    client.wait(request)
    device = str(request.reply.values["device"]) if request.reply is not None else "cpu"
    return 1 if device.startswith("cpu") else ITEMS_ON_CARDS
