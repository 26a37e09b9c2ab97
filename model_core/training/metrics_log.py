"""Training metrics as JSON lines, and for TensorBoard where that is installed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import atomic_write, reason

_NAMES = ("metrics", "held_out")


class MetricsLog:
    """``metrics.jsonl`` and ``held_out.jsonl`` of a training: one JSON object per line, with its ``step``.

    With the package ``tensorboard`` installed, the same figures go to event files in the folder ``tensorboard``.

    Args:
        folder: of the training.
        step: where the training continues; lines of later steps, written before it was stopped, are removed.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.folder = folder
        for name in _NAMES:
            _forget_after(folder / f"{name}.jsonl", step)
        self._board = _tensorboard(folder / "tensorboard", step)

    def write(self, name: str, step: int, figures: Mapping[str, float]) -> None:
        """Append one line to ``NAME.jsonl``; a figure that is not finite becomes null.

        Raises:
            UserError: the file cannot be written.
        """
        line = {"step": step, **{key: _rounded(value) for key, value in figures.items()}}
        path = self.folder / f"{name}.jsonl"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise UserError(
                f"Cannot write {path}: {reason(error)}; free some space, and run the command again: it continues from "
                "the last checkpoint."
            ) from error
        if self._board is not None:
            for key, value in figures.items():
                self._board.add_scalar(f"{name}/{key}", value, step)
            self._board.flush()

    def close(self) -> None:
        """Close the event files."""
        if self._board is not None:
            self._board.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics file; a line that was cut short by a power cut is left out."""
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    return lines


def _forget_after(path: Path, step: int) -> None:
    if not path.is_file():
        return
    kept = [line for line in read_metrics(path) if line["step"] <= step]
    with atomic_write(path) as temporary:
        temporary.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")


def _tensorboard(folder: Path, step: int) -> Any:
    """A writer of event files, None without the package."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)


def _rounded(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None
