"""Keeps what ``evaluate words`` has measured, so that a run that was stopped continues."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import UserError
from ..files import atomic_write
from ..settings import build


@dataclass(frozen=True)
class MeasuredPrompt:
    """What the detector of its kind saw in the clips of a test prompt.

    Attributes:
        prompt: the sentence.
        caption: the training caption that stood in for it.
        seed: of its clips.
        success, single: for each clip whether the kind is seen, with the model's settings and with single candidates.
    """

    prompt: str
    caption: str
    seed: int
    success: tuple[bool, ...]
    single: tuple[bool, ...]


class MeasuredPrompts:
    """Measured prompts in a file, which is written again with each new one."""

    def __init__(self, path: Path | None) -> None:
        """Read the file, if there is one.

        Args:
            path: of the JSON file; None keeps nothing.

        Raises:
            UserError: the file is damaged.
        """
        self._path, self._known = path, list[MeasuredPrompt]()
        if path is not None and path.is_file():
            try:
                entries = json.loads(path.read_text(encoding="utf-8"))
                self._known = [
                    build(MeasuredPrompt, entry, f"{path}, entry {n + 1}") for n, entry in enumerate(entries)
                ]
            except (OSError, ValueError, TypeError) as error:
                raise UserError(f"{path} cannot be read ({error}); delete it to measure its prompts again.") from error

    def find(self, prompt: str, caption: str, seed: int, draws: int) -> MeasuredPrompt | None:
        """A prompt with the same caption, seed and number of clips; None if it is not measured yet."""
        for one in self._known:
            if (one.prompt, one.caption, one.seed, len(one.success)) == (prompt, caption, seed, draws):
                return one
        return None

    def add(self, measured: MeasuredPrompt) -> None:
        """Keep a prompt."""
        self._known.append(measured)
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(self._path) as temporary:
                text = json.dumps([asdict(one) for one in self._known], indent=1, ensure_ascii=False)
                temporary.write_text(text + "\n", encoding="utf-8")
