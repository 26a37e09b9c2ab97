"""Importing published weights: ``import-published`` of ``model_core``, run by the Python that generates.

The model folder is made in a hidden folder beside its place and moved there when it is whole, so that a process that is
stopped in the midst leaves nothing behind.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ..core import CORE_PARENT, UserError, replace_folder
from ..translations import tr, tr_noop
from .child import Child, pause
from .runtime import SEARCH, Runtime

IMPORT = (
    SEARCH
    + """
for stream in (sys.stdout, sys.stderr):
    stream.reconfigure(encoding="utf-8")
from model_core.__main__ import main
sys.exit(main(["import-published", *sys.argv[2:]]))
"""
)

STAGES = 4
"""Starting, reading, taking CLIP's text tower, writing."""

WORDS = {
    "add --any-clip": "tick Any CLIP Model",
    "with --stats": "as Statistics",
    "with --dataset": "as Data Set",
    "with --vq-checkpoint": "as Tokenizer File",
    "with --checkpoint": "as Transformer File",
}
"""What the command calls its options, and what the preferences call them."""


@dataclass(frozen=True)
class ImportPlan:
    """What is to be imported, and where to; the fields of ``model_core.import_published.PublishedImport``.

    Attributes:
        runtime: the Python that does it.
        checkpoints: the published checkpoints folder, or one in it.
        clip: OpenAI's file or a Hugging Face folder.
        out: the model folder to make.
        log: file for what the process says.
        statistics: folder of mean and deviation; None where the data set needs none.
        dataset: ``interhuman`` or ``interx``.
        name: shown to users; empty names the data set.
        checkpoint, tokenizer_checkpoint: which files; empty means the best ones.
        any_clip: take another CLIP model of the same width too.
        replace: whether ``out`` may be a model folder already, whose place the new one takes.
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
    """An import under way. Call ``poll`` until ``done``.

    Attributes:
        plan: what is imported.
        text: what happens now, in a line.
        factor: share of the stages that are done, 0 to 1.
        failure: one sentence where it failed or was stopped.
        sentence: what was imported, once it is.
        done: whether there is nothing more to come.
    """

    plan: ImportPlan
    text: str = field(default=tr_noop("Starting the import"), init=False)
    factor: float = field(default=0.0, init=False)
    failure: str = field(default="", init=False)
    sentence: str = field(default="", init=False)
    done: bool = field(default=False, init=False)
    _last: str = field(default="", init=False)
    _crashed: bool = field(default=False, init=False)

    def start(self) -> None:
        """Make the hidden folder and start the process.

        Raises:
            UserError: something is at its place already, the folder cannot be written, or the Python cannot be started.
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
        try:
            self.plan.log.write_text("", encoding="utf-8")
            self._child = Child(self.plan.runtime.command(IMPORT, *self._options(), first=(CORE_PARENT,)))
            self._child.start()
        except OSError as error:
            self._clear_up()
            raise UserError(
                tr("Cannot write {log} ({reason}); free some space there.").format(
                    log=self.plan.log, reason=error.strerror
                )
            ) from error
        except UserError:
            self._clear_up()
            raise

    @property
    def _part(self) -> Path:
        return self._hidden / self.plan.out.name

    def poll(self) -> None:
        """Take what has arrived."""
        if self.done:
            return
        lines = self._child.new_lines()
        try:
            with self.plan.log.open("a", encoding="utf-8") as log:
                log.writelines(f"{line}\n" for line in lines)
            for line in lines:
                self._understand(line)
            if self._child.code == 0:
                self._take_place()
            elif self._child.code is not None:
                self._fail(self._fault(self._child.code))
        except UserError as error:
            self._fail(str(error))
        except OSError as error:
            self._fail(
                tr("Cannot write {out} ({reason}); free some space, or check the permissions there.").format(
                    out=self.plan.out, reason=error.strerror
                )
            )

    def wait(self) -> None:
        """Wait until it is done: for background mode, where there is no event loop."""
        while not self.done:
            self.poll()
            pause()

    def cancel(self) -> None:
        """Stop; nothing is left behind."""
        if not self.done:
            self._fail(tr_noop("The import was stopped; press Import Published Weights to begin anew."))

    def _options(self) -> list[str]:
        plan = self.plan
        options = [str(plan.checkpoints), "--clip", str(plan.clip), "--out", str(self._part)]
        named = {
            "--stats": str(plan.statistics or ""),
            "--dataset": plan.dataset,
            "--name": plan.name,
            "--checkpoint": plan.checkpoint,
            "--vq-checkpoint": plan.tokenizer_checkpoint,
        }
        options += [f"{option}={value}" for option, value in named.items() if value]
        return [*options, "--any-clip"] if plan.any_clip else options

    def _understand(self, line: str) -> None:
        """What a line of the process means to the person who waits."""
        self._last = line
        if line.startswith("Traceback "):
            self._crashed = True
        elif line.endswith(" ..."):
            self.text = self._in_our_words(line.removesuffix(" ..."))
            self.factor = min(self.factor + 1 / STAGES, 1.0)

    def _in_our_words(self, said: str) -> str:
        """With the model's own place, and with the names that the preferences have for options."""
        said = said.replace(str(self._part), str(self.plan.out))
        return re.sub("|".join(WORDS), lambda found: WORDS[found[0]], said)

    def _fault(self, code: int) -> str:
        if code == 1 and self._last and not self._crashed:
            return self._in_our_words(self._last)
        because = f" ({self._last[:200]})" if self._last else ""
        return tr("The import ended with code {code}{because}; its log is {log}.").format(
            code=code, because=because, log=self.plan.log
        )

    def _take_place(self) -> None:
        """Move the model to its place."""
        out = self.plan.out
        replace_folder(self._part, out)
        self._clear_up()
        self.sentence, self.factor, self.done = (
            tr("The model {model} was imported into {folder}").format(model=out.name, folder=out),
            1.0,
            True,
        )

    def _fail(self, sentence: str) -> None:
        self._child.end()
        self._clear_up()
        self.failure, self.done = sentence, True

    def _clear_up(self) -> None:
        shutil.rmtree(self._hidden, ignore_errors=True)
        parent = self.plan.out.parent
        if self._made_parent and not any(parent.iterdir()):
            parent.rmdir()
