"""Requests that are sent before their rows are made: several rows in one, and one request ahead of the current row.

Rows of one length that take nothing from a scene and follow no leader can be one request. The next request waits in the
generator while Blender saves and renders the current row, so that the generator is never idle.
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
"""Items of a request on a graphics card: enough to fill it, few enough for small ones."""

LOOKAHEAD = 4
"""Alike rows are looked for among this many times the items of a request."""


@dataclass
class Prefetcher:
    """Sends requests before their rows have their turn.

    A row that cannot be asked for is left alone, whatever the reason: its own turn reports it, not its neighbour's.

    Attributes:
        client: the generator.
        options: of the run.
        must_be_generated: whether a row must be generated at all.
        most: items of a request; None means as many as pay off, which the first row that is generated finds out.
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
        """Send the next request, unless one is waiting already."""
        if any(not result.request.done for result in self._results.values()):
            return
        for number, job in enumerate(following[: LOOKAHEAD * (self.most or 1)]):
            if job.name not in self._results and self._send(job, following[number + 1 :]):
                return

    def _send(self, job: Job, following: Sequence[Job]) -> bool:
        """Send a request for a row and alike rows behind it; false where the row cannot be asked for now."""
        settings = self._settings(job)
        if settings is None:
            return False
        try:
            if self.most is None:
                self.most = items_that_pay(self.client, self.options)
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
        """What to ask for a row without its scene; None where that is not possible or not needed."""
        if job.error:
            return None
        try:
            if not self.must_be_generated(job):
                return None
            settings = settings_without_scene(job, self.options)
            if settings is not None:
                request_values(settings)  # what is wrong with one row must not fail those that go with it
        except Exception:
            # An error of any kind belongs to this row alone, and is reported when the row is processed.
            return None
        return settings


def _alike(one: GenerationSettings, other: GenerationSettings) -> bool:
    """Whether two rows can be one request: all but prompt and seed is the same, and there is no leader."""
    return one.leader is None and other.leader is None and replace(one, prompt=other.prompt, seed=other.seed) == other


def items_that_pay(client: WorkerClient, options: Options) -> int:
    """How many items to generate at once where the user does not say.

    On graphics cards several take little longer than one; a processor is busy with one already.

    Raises:
        UserError: there is no runtime, or the generator cannot be started.
    """
    request = client.submit("load", {"model": str(options.model)})
    client.wait(request)
    device = str(request.reply.values["device"]) if request.reply is not None else "cpu"
    return 1 if device.startswith("cpu") else ITEMS_ON_CARDS
