"""The command line of a batch as options."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ..core import MOST_TAKES, UserError
from ..generator.models import find_model
from .jobs import Job, body_files, character_names, checked, named, read_jobs
from .sampling_options import add_sampling_options, sampling_of

if TYPE_CHECKING:
    from .render import RenderSettings


@dataclass(frozen=True)
class Options:
    """What holds for all jobs of a run.

    Attributes:
        jobs: what to make.
        out: folder for the results.
        model: folder of the model.
        python: interpreter that has torch; None means the one that the add-on would take.
        render: how to render.
        fps: of the scenes; None keeps the opened scene's, or 30.
        device: what computes, as ``generation.devices`` names it: ``auto``, ``cpu``, ``cpu-int8``, ``cuda:N``...
        recorded: whether rows are recorded, skipped where they are finished, and reported at the end.
        report: name of the report's files, without suffix.
        rows: how many rows are generated at once; None means as many as pay on the device.
        sampling: values of some of ``KNOBS``, by name; the model's own values stand for the others.
    """

    jobs: list[Job]
    out: Path
    model: Path
    python: Path | None
    render: RenderSettings
    fps: float | None
    device: str = "auto"
    recorded: bool = False
    report: str = "report"
    rows: int | None = None
    sampling: Mapping[str, float] = field(default_factory=dict)


class _Parser(argparse.ArgumentParser):
    """Reports faults as one sentence, without the list of options."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[:1].upper()}{message[1:]}; --help lists what there is.")


def parse(arguments: Sequence[str]) -> Options:
    """The command line as options.

    Raises:
        UserError: an argument is wrong, or the jobs file is.
    """
    given = _parser().parse_args(arguments)
    if (given.prompt is None) == (given.jobs is None):
        raise UserError("Give either --prompt TEXT or --jobs FILE; --help lists what there is.")
    render = _render_settings(given)
    characters = character_names(given.characters)
    bodies = body_files(given.body)
    defaults = Job(given.prompt or "", given.seconds, given.seed, given.leader, characters, bodies, given.name)
    if given.jobs is None:
        jobs = named([checked(defaults)])
        if jobs[0].fault:
            raise UserError(jobs[0].fault)
    else:
        jobs = read_jobs(given.jobs, replace(defaults, name=""))
    python = Path(given.python) if given.python else None
    shard, shards = _shard(given.shard)
    report = "report" if shards == 1 else f"report-{shard}-of-{shards}"
    recorded = given.jobs is not None
    jobs = jobs[shard - 1 :: shards]
    out = given.out.resolve()  # Blender takes a relative place for one beside the .blend file
    if given.batch is not None and not 1 <= given.batch <= MOST_TAKES:
        raise UserError(f"{given.batch} rows cannot be generated at once; choose 1 to {MOST_TAKES}.")
    model = find_model(given.model)
    return Options(
        jobs,
        out,
        model,
        python,
        render,
        given.fps,
        given.device,
        recorded,
        report,
        given.batch,
        sampling=sampling_of(given),
    )


def _shard(text: str) -> tuple[int, int]:
    """Which part of how many, counted from 1.

    Raises:
        UserError: it is not written as ``3/8``, or there is no such part.
    """
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise UserError(f"The shard {text!r} is not a part of a whole; write for example 3/8 for the third of eight.")
    return int(part), int(parts)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="intermask_blender.batch", description="Generate two-person animation from sentences.")
    parser.add_argument("--prompt", help="what the two people do")
    parser.add_argument(
        "--jobs", type=Path, help="CSV or JSONL file: prompt, seconds, seed, leader, characters, body, name"
    )
    parser.add_argument("--out", type=Path, default=Path("renders"), help="folder for the results (renders)")
    parser.add_argument("--seconds", type=float, help="duration (4, or as long as the leader)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same motion (0)")
    parser.add_argument("--model", default="", help="name or folder of the model (the first bundled one)")
    parser.add_argument(
        "--leader", default="", help="armature of the opened scene, or a .bvh or .npz file, to react to"
    )
    parser.add_argument("--characters", default="", help="armatures of the opened scene to key, as in 'Rig A;Rig B'")
    parser.add_argument("--body", default="", help="SMPL model files of new characters, as in 'ann.npz;ben.npz'")
    parser.add_argument("--shard", default="1/1", help="which part of the jobs, as in 3/8: the third of eight machines")
    parser.add_argument("--batch", type=int, help="rows generated at once (1 on processors, 8 on graphics cards)")
    parser.add_argument("--device", default="auto", help="what computes: auto, cpu, cpu-int8, cuda or mps (auto)")
    parser.add_argument("--name", default="", help="name of the files (made from the prompt)")
    parser.add_argument("--render", choices=("mp4", "png", "none"), default="mp4", help="film, pictures or neither")
    parser.add_argument("--engine", choices=("workbench", "cycles"), default="workbench", help="renderer")
    parser.add_argument("--resolution", default="960x540", help="WIDTHxHEIGHT in pixels (960x540)")
    parser.add_argument("--samples", type=int, default=32, help="rays a pixel for Cycles (32)")
    parser.add_argument("--fps", type=float, help="frame rate of the scene (30, or the opened scene's)")
    parser.add_argument("--python", help="interpreter with PyTorch (INTERMASK_PYTHON, else as the add-on finds it)")
    add_sampling_options(parser)
    return parser


def _render_settings(given: argparse.Namespace) -> RenderSettings:
    from .render import RenderSettings

    width, times, height = given.resolution.lower().partition("x")
    if not (times and width.isdecimal() and height.isdecimal()):
        raise UserError(f"The resolution {given.resolution!r} is not WIDTHxHEIGHT; write for example 960x540.")
    size = int(width), int(height)
    if not all(16 <= pixels <= 16384 and pixels % 2 == 0 for pixels in size):
        raise UserError(f"The resolution {given.resolution} does not do; both sides are even and from 16 to 16384.")
    if given.fps is not None and not 1.0 <= given.fps <= 240.0:
        raise UserError(f"{given.fps:g} frames a second cannot be used; choose 1 to 240.")
    if given.samples < 1:
        raise UserError(f"{given.samples} samples cannot be used; choose 1 or more.")
    return RenderSettings(given.render, given.engine, *size, given.samples)
