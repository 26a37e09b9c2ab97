"""Running a list of jobs in this process, one after the other, and reporting them."""

from __future__ import annotations

import time

from .clip import BatchContext
from .jobs import Job
from .records import FAILED, RowResult, read_record
from .report import write_report
from .row_maker import RowMaker

WAIT = 0.5
"""Seconds between two looks at a row that another worker makes."""


class Run:
    """A run of a list of jobs.

    Attributes:
        context: what the jobs share.
        results: of the rows that were processed, by their number in the list.
    """

    def __init__(self, context: BatchContext) -> None:
        """Prepare the run.

        Raises:
            UserError: the opened scene cannot be read.
        """
        self.context = context
        self.results: dict[int, RowResult] = {}
        self._maker = RowMaker(context)

    def run(self) -> int:
        """Run every job; a failure does not stop the rest.

        Rows that another worker makes at the same time are left to it, and made here if it dies.

        Returns:
            The number of jobs that failed.

        Raises:
            UserError: the report cannot be written; MachineError with ``--farm`` if the machine or model is at fault.
            KeyboardInterrupt: the run was stopped; the report covers the rows so far.
        """
        start = time.monotonic()
        jobs = self.context.options.jobs
        stop, console = self.context.stop, self.context.console
        reporter = Reporter(self.context, self.results)
        left = []
        try:
            with stop.clean_up(reporter.write):
                for number, job in enumerate(jobs):
                    stop.raise_if_requested()
                    console.say(f"[{number + 1}/{len(jobs)}] {job.name}: {shown(job.prompt)}")
                    if not self._make(number, job, jobs[number + 1 :]):
                        console.say("    another worker makes it")
                        left.append((number, job))
                console.begin_progress()
                while left:
                    stop.raise_if_requested()
                    left = [(number, job) for number, job in left if not self._make(number, job, [])]
                    if left:
                        console.progress(f"Waiting for another worker, which makes {left[0][1].name}")
                        time.sleep(WAIT)
                stop.raise_if_requested()
        finally:
            reporter.write()
        reporter.summarise(time.monotonic() - start)
        return len(reporter.failed)

    def _make(self, number: int, job: Job, following: list[Job]) -> bool:
        """Whether a row could be made here, or was found made."""
        result = self._maker.make(job, following)
        if result is not None:
            self.results[number] = result
        return result is not None


class Reporter:
    """The report of a run, and its summary on the terminal."""

    def __init__(self, context: BatchContext, results: dict[int, RowResult]) -> None:
        """Report on these results, as they are when a report is written.

        Args:
            context: what the jobs share.
            results: by number of the job in the list.
        """
        self._context = context
        self._results = results

    @property
    def _in_order(self) -> list[RowResult]:
        return [self._results[number] for number in sorted(self._results)]

    @property
    def failed(self) -> list[RowResult]:
        """The rows that failed."""
        return [result for result in self._in_order if result.record.outcome == FAILED]

    def write(self) -> None:
        """Write the report of a run with a job file.

        Raises:
            UserError: it cannot be written.
        """
        options = self._context.options
        if options.recorded:
            records = [(job, read_record(options.out, job.name)) for job in options.unmarked]
            others = [RowResult(record, skipped=not record.error) for _, record in records if record is not None]
            write_report(options.out, options.report, [*self._in_order, *others])

    def summarise(self, seconds: float) -> None:
        """Show how many rows are done, and why the others are not.

        Args:
            seconds: duration of the run.
        """
        results, failed, console = self._in_order, self.failed, self._context.console
        done = len(results) - len(failed)
        console.say(f"{done} of {len(results)} done in {seconds:.0f} s, {len(failed)} failed.")
        for result in failed:
            record = result.record
            console.say(f"  {record.job} ({record.where}): {record.error}")


def shown(prompt: str) -> str:
    """A prompt on one line of moderate length."""
    text = " ".join(prompt.split())
    return text if len(text) <= 100 else f"{text[:97]}..."
