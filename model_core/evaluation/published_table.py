"""The table of a published evaluation: a model beside the paper's row and the ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from ..metrics.published import mean_and_interval
from .published_protocol import Figures, Replication

_TITLES = {
    "top1": "R@1",
    "top2": "R@2",
    "top3": "R@3",
    "frechet": "FID",
    "distance": "MM Dist",
    "diversity": "Diversity",
    "multimodality": "MModality",
}
_PHYSICS = {
    "skate": "skate, mm/frame",
    "floating": "float, mm",
    "interpenetration": "interpenetration, mm",
    "jerk": "jerk, m/s^3",
}
_WIDTH, _PHYSICS_WIDTH = 16, 22
_NAME = 24


@dataclass(frozen=True)
class PaperRow:
    """A row of the paper's table; None where its figure is not known here.

    Attributes:
        name: of the row.
        top1, top2, top3, frechet, distance, diversity, multimodality: as in ``Figures``.
    """

    name: str
    top1: float | None = None
    top2: float | None = None
    top3: float | None = None
    frechet: float | None = None
    distance: float | None = None
    diversity: float | None = None
    multimodality: float | None = None


PAPER: dict[tuple[str, bool], tuple[PaperRow, ...]] = {
    ("interhuman", False): (
        PaperRow("paper, ground truth", 0.452, 0.610, 0.701, 0.273, 3.755, 7.948),
        PaperRow("paper, InterMask", 0.449, 0.599, 0.683, 5.154, 3.790, 7.944, 1.737),
    ),
    ("interhuman", True): (
        PaperRow("paper, ground truth", 0.452, 0.610, 0.701, 0.273, 3.755, 7.948),
        PaperRow("paper, InterMask", frechet=2.991),
    ),
    ("interx", False): (PaperRow("paper, InterMask", 0.403, 0.595, 0.705, 0.399),),
    ("interx", True): (),
}
"""Rows of Javed et al. 2025 by data set and whether the first person is given."""


def table(dataset: str, react: bool, name: str, replications: Sequence[Replication]) -> str:
    """The table: mean and 95 % interval of each figure over replications, beside the paper's rows.

    Args:
        dataset: ``interhuman`` or ``interx``.
        react: whether the first person is given.
        name: of the model.
        replications: at least one.
    """
    lines = [f"{'':{_NAME}}" + "".join(f"{title:>{_WIDTH}}" for title in _TITLES.values())]
    rows = [asdict(row) for row in PAPER[dataset, react]]
    for row in rows:
        cells = ("-" if row[key] is None else f"{row[key]:.3f}" for key in _TITLES)
        lines.append(f"{row['name']:{_NAME}}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells))
    for what, figures in (
        ("ground truth", [one.truth for one in replications]),
        (name, [one.generated for one in replications]),
    ):
        found = summary(figures)
        pairs = (found[key] for key in _TITLES)
        texts = ["-" if pair is None else f"{pair[0]:.3f} ± {pair[1]:.3f}" for pair in pairs]
        lines.append(f"{what[: _NAME - 1]:{_NAME}}" + "".join(f"{text:>{_WIDTH}}" for text in texts))
    lines += ["", f"{'':{_NAME}}" + "".join(f"{title:>{_PHYSICS_WIDTH}}" for title in _PHYSICS.values())]
    for what, physics in (
        ("ground truth", [one.truth_physics for one in replications]),
        (name, [one.generated_physics for one in replications]),
    ):
        means = (mean_and_interval([getattr(one, key) for one in physics]) for key in _PHYSICS)
        texts = [f"{mean:.2f} ± {half:.2f}" for mean, half in means]
        lines.append(f"{what[: _NAME - 1]:{_NAME}}" + "".join(f"{text:>{_PHYSICS_WIDTH}}" for text in texts))
    return "\n".join(lines)


def summary(figures: Sequence[Figures]) -> dict[str, tuple[float, float] | None]:
    """Mean and half of the 95 % interval of each figure; None for a figure that the set of motion does not have."""
    columns = {item.name: [getattr(one, item.name) for one in figures] for item in fields(Figures)}
    return {name: None if None in values else mean_and_interval(values) for name, values in columns.items()}
