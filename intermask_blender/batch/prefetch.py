"""Which rows of a batch are asked of the generator together, and ahead of their turn.

Rows of one length that take nothing from a scene and follow no leader can be one request. Another request waits behind
the one whose rows are being saved and rendered, so that the generator never waits for Blender.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ..core import UserError
from ..generator.client import WorkerClient
from ..generator.generation import GenerationSettings, Share, request_values, submit, submit_batch
from .clip import settings_without_scene
from .jobs import Job
from .options import Options

ROWS_ON_CARDS = 8
"""How many rows go together on a graphics card: enough to fill it, few enough for small ones."""

REACH = 4
"""Of so many times the rows of a request those are looked for that go together."""


@dataclass
class Prefetcher:
    """The requests that were sent before their rows have their turn.

    Attributes:
        client: the generator.
        options: of the run.
        unfinished: whether a row must be generated at all.
        rows: how many go together at the most; None means as many as pay, which the first row that is generated finds.
    """

    client: WorkerClient
    options: Options
    unfinished: Callable[[Job], bool]
    rows: int | None = None
    _shares: dict[str, Share] = field(default_factory=dict, init=False)

    def take(self, job: Job, following: Sequence[Job]) -> Share | None:
        """The row's share: of a request sent before, else of a new one for it and rows behind it.

        None for a row that takes something from the scene: its request is made there.
        """
        if job.name not in self._shares:
            self._send(job, following)
        return self._shares.pop(job.name, None)

    def look(self, following: Sequence[Job]) -> None:
        """Send the next request, if none waits for its rows yet."""
        waiting = {id(share.request) for share in self._shares.values() if not share.request.done}
        if waiting:
            return
        for number, job in enumerate(following[: REACH * (self.rows or 1)]):
            if job.name not in self._shares and self._send(job, following[number + 1 :]):
                return

    def _send(self, job: Job, following: Sequence[Job]) -> bool:
        """Ask for a row and those behind it that go with it; whether it was.

        It is not where it must wait for its scene, need not be generated, or has a fault, which its turn tells.
        """
        settings = self._alone(job)
        if settings is None:
            return False
        try:
            if self.rows is None:
                self.rows = rows_that_pay(self.client, self.options)
            members = [(job, settings)]
            for other in following[: REACH * self.rows]:
                if len(members) >= self.rows:
                    break
                if other.name not in self._shares and (same := self._alone(other)) and _alike(same, settings):
                    members.append((other, same))
            if len(members) == 1:
                self._shares[job.name] = Share(submit(self.client, settings))
                return True
            request = submit_batch(self.client, [row for _, row in members])
        except UserError:
            return False
        for place, (member, _) in enumerate(members):
            self._shares[member.name] = Share(request, place, len(members))
        return True

    def _alone(self, job: Job) -> GenerationSettings | None:
        """What to ask for a row whatever the scene, None where that cannot be or need not."""
        if job.fault:
            return None
        try:
            if not self.unfinished(job):
                return None
            settings = settings_without_scene(job, self.options)
            if settings is not None:
                request_values(settings)  # a fault of one row must not be one of those that go with it
        except UserError:
            return None
        return settings


def _alike(one: GenerationSettings, other: GenerationSettings) -> bool:
    """Whether two rows can be one request: all but prompt and seed is the same, and nobody leads."""
    return one.leader is None and other.leader is None and replace(one, prompt=other.prompt, seed=other.seed) == other


def rows_that_pay(client: WorkerClient, options: Options) -> int:
    """How many rows to generate at once where the user does not say.

    On graphics cards more at once take little longer than one; a processor is busy with one already.

    Raises:
        UserError: there is no runtime, or the generator cannot be started.
    """
    request = client.submit("load", {"model": str(options.model)})
    client.wait(request)
    device = str(request.reply.values["device"]) if request.reply is not None else "cpu"
    return 1 if device.startswith("cpu") else ROWS_ON_CARDS
