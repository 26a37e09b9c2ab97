"""Importing published weights, in a separate worker process.

The worker writes the model folder into a hidden folder next to its final place. It is moved when it is complete, so a
process that is killed leaves no incomplete model.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core import UserError, replace_folder
from ..translations import tr, tr_noop
from .client import Request, WorkerClient
from .runtime import Runtime

STAGES = {
    "starting": tr_noop("Starting the import"),
    "reading": tr_noop("Reading {checkpoints}"),
    "converting": tr_noop("Converting the text encoder of {clip}"),
    "writing": tr_noop("Writing {out}"),
}
"""What the user reads in each stage of the worker."""

OPTION_NAMES = {
    "dataset": "as Data Set",
    "checkpoint": "as Transformer File",
    "tokenizer_checkpoint": "as Tokenizer File",
    "statistics": "as Statistics",
    "any_clip": "tick Any CLIP Model",
}
"""How the user sets options in the preferences, for the worker's error messages."""


@dataclass(frozen=True)
class ImportPlan:
    """The files to import and the model folder to write; see ``PublishedImport`` of ``model_core``.

    Attributes:
        runtime: the Python that imports.
        checkpoints: the published checkpoints folder, or one in it.
        clip: OpenAI's file or a Hugging Face folder.
        out: the model folder to write.
        log: file for the standard error of the process.
        statistics: folder of mean and deviation; None if the data set needs none.
        dataset: ``interhuman`` or ``interx``.
        name: shown to users; empty names the data set.
        checkpoint, tokenizer_checkpoint: names of the files; empty means the best ones.
        any_clip: accept another CLIP model of the same width.
        replace: replace the model folder that is at ``out``.
    """

    runtime: Runtime
    checkpoints: Path
    clip: Path
    out: Path
    log: Path
    statistics: Path | None = None
    dataset: str = "interhuman"
    name: str = ""
    checkpoint: str = ""
    tokenizer_checkpoint: str = ""
    any_clip: bool = False
    replace: bool = False


@dataclass
class ModelImport:
    """An import. Call ``start``, then ``poll`` until ``done``.

    Attributes:
        plan: what is imported.
        text: the current stage, in a line.
        factor: fraction of the stages that are done, 0 to 1.
        error: one sentence if it failed or was stopped, else empty.
        sentence: the result in a line, once it is done.
        done: whether it has ended.
    """

    plan: ImportPlan
    text: str = field(default=STAGES["starting"], init=False)
    factor: float = field(default=0.0, init=False)
    error: str = field(default="", init=False)
    sentence: str = field(default="", init=False)
    done: bool = field(default=False, init=False)
    _client: WorkerClient | None = field(default=None, init=False)
    _request: Request | None = field(default=None, init=False)
    _hidden: Path | None = field(default=None, init=False)
    _made_parent: bool = field(default=False, init=False)

    def start(self) -> None:
        """Make the hidden folder and start the process.

        Raises:
            UserError: ``out`` exists, its folder cannot be written, or the Python cannot be started.
        """
        out = self.plan.out
        if out.exists() and not (out / "config.json").is_file():
            raise UserError(tr("{out} exists and is no model folder; choose another name.").format(out=out))
        if out.exists() and not self.plan.replace:
            raise UserError(
                tr("There is a model in {out} already; choose another name, or tick Replace.").format(out=out)
            )
        self._made_parent = not out.parent.exists()
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            self._hidden = Path(tempfile.mkdtemp(prefix=".import-", dir=out.parent))
        except OSError as error:
            raise UserError(
                tr("Cannot write {out} ({reason}); name another folder for models.").format(
                    out=out, reason=error.strerror
                )
            ) from error
        self._client = WorkerClient(self.plan.runtime, self.plan.log)
        try:
            self._request = self._client.submit("import", {"options": self._options(self._hidden / out.name)})
        except UserError:
            self._clear_up()
            raise

    def poll(self) -> None:
        """Read what has arrived; never blocks."""
        client, request, hidden = self._client, self._request, self._hidden
        if self.done or client is None or request is None or hidden is None:
            return
        client.poll()
        paths = {"checkpoints": self.plan.checkpoints, "clip": self.plan.clip, "out": self.plan.out}
        self.text, self.factor = tr(STAGES[request.stage]).format(**paths), request.factor
        if request.crash_reason:
            self._fail(
                tr("The import stopped ({reason}); its log is {log}.").format(
                    reason=request.crash_reason, log=self.plan.log
                )
            )
        elif request.error:
            self._fail(request.error.replace(str(hidden / self.plan.out.name), str(self.plan.out)))
        elif request.reply is not None:
            self._finish(hidden)

    def wait(self) -> None:
        """Block until it is done: for background mode, which has no event loop."""
        while not self.done:
            self.poll()
            if self._client is not None:
                self._client.pause()

    def cancel(self) -> None:
        """Stop; nothing is left behind."""
        if not self.done:
            self._fail(tr_noop("The import was stopped; press Import Published Weights to start it again."))

    def _options(self, out: Path) -> dict[str, Any]:
        """The fields of ``PublishedImport`` that have a value."""
        plan = self.plan
        options = {
            "checkpoints": str(plan.checkpoints),
            "clip": str(plan.clip),
            "out": str(out),
            "statistics": str(plan.statistics or ""),
            "dataset": plan.dataset,
            "name": plan.name,
            "checkpoint": plan.checkpoint,
            "tokenizer_checkpoint": plan.tokenizer_checkpoint,
            "any_clip": plan.any_clip,
            "option_names": OPTION_NAMES,
        }
        return {name: value for name, value in options.items() if value}

    def _finish(self, hidden: Path) -> None:
        """Move the model to its place."""
        out = self.plan.out
        try:
            replace_folder(hidden / out.name, out)
        except UserError as error:
            self._fail(str(error))
            return
        self._clear_up()
        self.sentence = tr("The model {model} was imported into {folder}").format(model=out.name, folder=out)
        self.factor, self.done = 1.0, True

    def _fail(self, sentence: str) -> None:
        self._clear_up()
        self.error, self.done = sentence, True

    def _clear_up(self) -> None:
        if self._client is not None:
            self._client.close()
        if self._hidden is not None:
            shutil.rmtree(self._hidden, ignore_errors=True)
        parent = self.plan.out.parent
        if self._made_parent and parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()
