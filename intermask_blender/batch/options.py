"""The command line of a batch as options."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ..core import MAX_TAKES, UserError
from ..generator.models import find_model
from .job_file import FIELDS
from .jobs import KEYS, LIMBS, Job, body_files, character_names, checked, named, read_jobs
from .leader_file import FILE_KINDS
from .marks import MARKS_FILE, read_marks
from .sampling_options import add_sampling_options, sampling_of

if TYPE_CHECKING:
    from .render import RenderSettings


@dataclass(frozen=True)
class RayOptions:
    """How rows are distributed with Ray.

    Attributes:
        address: of a cluster, as ``ray.init`` takes it; empty for this machine alone.
        cores: that each worker occupies, if the machines have no graphics cards.
    """

    address: str = ""
    cores: int = 1


@dataclass(frozen=True)
class Options:
    """The settings of a run.

    Attributes:
        jobs: to run.
        out: folder for the results.
        model: folder of the model.
        python: interpreter that has torch; None means the one that the add-on uses.
        render: how to render.
        fps: of the scenes; None keeps the opened scene's, or 30.
        device: what computes, as ``generation.devices`` names it: ``auto``, ``cpu``, ``cpu-int8``, ``cuda:N``...
        recorded: whether rows are recorded, skipped if they are finished, and reported at the end.
        report: name of the report's files, without suffix.
        together: number of rows that are generated at once; None means a number that suits the device.
        partly: whether constraints that cannot be met are left out, instead of failing the row.
        words: a ``words.json`` of phrases for the kinds that the model knows; None for none.
        understood: whether to say only how each prompt is understood, and make nothing.
        sampling: values of some of ``SAMPLING_SETTINGS``, by name; the others have the model's values.
        verbose: whether messages of Blender and of the graphics driver are shown.
        log: file for these messages and tracebacks; None means a temporary one, which is kept if a row fails.
        farm: whether the exit code is that of a farm's task: 0 unless the machine or the model is at fault.
        join: whether rows that failed before are left as they are, so that a run only completes others' work.
        unmarked: rows of the job file that ``--marked`` leaves out; the report shows what they have.
        ray: how the rows are distributed; None runs them here.
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
    together: int | None = None
    partly: bool = False
    words: Path | None = None
    understood: bool = False
    sampling: Mapping[str, float] = field(default_factory=dict)
    verbose: bool = False
    log: Path | None = None
    farm: bool = False
    join: bool = False
    unmarked: list[Job] = field(default_factory=list)
    ray: RayOptions | None = None


class _Parser(argparse.ArgumentParser):
    """Reports a wrong argument in one sentence, without listing all options."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[:1].upper()}{message[1:]}; --help lists the options.")


def parse(arguments: Sequence[str]) -> Options:
    """The command line as options.

    Raises:
        UserError: an argument or the job file is wrong.
    """
    given = _parser().parse_args(arguments)
    if (given.prompt is None) == (given.jobs is None):
        raise UserError("Give either --prompt TEXT or --jobs FILE; --help lists the options.")
    render = _render_settings(given)
    characters = character_names(given.characters)
    bodies = body_files(given.body)
    defaults = Job(
        given.prompt or "",
        given.seconds,
        given.seed,
        given.leader,
        characters,
        bodies,
        given.constraints,
        given.as_written,
        given.start_at_rest,
        given.settle_at_end,
        given.loop,
        given.in_place,
        given.keys == "poses",
        given.arms,
        given.legs,
        given.name,
    )
    if given.jobs is None:
        jobs = named([checked(defaults)])
        if jobs[0].error:
            raise UserError(jobs[0].error)
    else:
        jobs = read_jobs(given.jobs, replace(defaults, name=""))
    python = Path(given.python) if given.python else None
    shard, shards = _shard(given.shard)
    report = "report" if shards == 1 else f"report-{shard}-of-{shards}"
    recorded = given.jobs is not None
    for option, value in (("--marked", given.marked), ("--ray", given.ray), ("--join", given.join or None)):
        if value is not None and not recorded:
            raise UserError(f"{option} is for runs with a job file; give one with --jobs.")
    if given.ray is not None and shards > 1:
        raise UserError("--ray distributes the rows itself; leave --shard out.")
    if given.ray_cores < 1:
        raise UserError(f"A worker cannot occupy {given.ray_cores} cores; choose 1 or more.")
    out = given.out.resolve()  # Blender takes relative paths from the .blend file
    unmarked: list[Job] = []
    if given.marked is not None:
        marked = read_marks(Path(given.marked) if given.marked else out / MARKS_FILE, jobs)
        unmarked = [job for job in jobs if job.name not in marked]
        jobs = [job for job in jobs if job.name in marked]
    jobs = jobs[shard - 1 :: shards]
    if given.batch is not None and not 1 <= given.batch <= MAX_TAKES:
        raise UserError(f"{given.batch} rows cannot be generated at once; choose 1 to {MAX_TAKES}.")
    model = find_model(given.model)
    log = given.log.resolve() if given.log else None
    if given.words is not None and not given.words.is_file():
        raise UserError(f"There is no file {given.words}; check the path after --words.")
    words = given.words.resolve() if given.words else None
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
        given.partly,
        words,
        given.understood,
        sampling_of(given),
        given.verbose,
        log,
        given.farm,
        given.join,
        unmarked,
        None if given.ray is None else RayOptions(given.ray, given.ray_cores),
    )


def _shard(text: str) -> tuple[int, int]:
    """The part and the number of parts, counted from 1.

    Raises:
        UserError: it is not of the form ``3/8``, or there is no such part.
    """
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise UserError(f"The shard {text!r} is not a part of a whole; write for example 3/8 for the third of eight.")
    return int(part), int(parts)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="intermask_blender.batch",
        description="Generate two-person animation from sentences, without a window.",
        epilog="Exit codes: 0 all done, 1 a row failed (with --farm: the machine or the model is at fault), "
        "2 wrong arguments, 130 stopped. See docs/batch.md and docs/farms.md.",
    )
    what = parser.add_argument_group("what to make").add_argument
    what("--prompt", metavar="TEXT", help="what the two people do")
    what("--jobs", metavar="FILE", type=Path, help=f"instead of a prompt, a .csv or .jsonl file: {', '.join(FIELDS)}")
    what("--seconds", metavar="N", type=float, help="duration (4, or as long as the leader)")
    what("--seed", metavar="N", type=int, default=0, help="the same seed gives the same motion (0)")
    what("--leader", metavar="NAME", default="", help=f"react to this armature of the scene, or {FILE_KINDS} file")
    what("--characters", metavar="A;B", default="", help="armatures of the scene to key, as in 'Rig A;Rig B'")
    what("--body", metavar="A;B", default="", help="SMPL model files of new characters, as in 'ann.npz;ben.npz'")
    what("--constraints", metavar="FILE", default="", help="constraint file: paths, poses, pins, contacts (.json)")
    what("--partly", action="store_true", help="leave out constraints that cannot be met, instead of failing")
    what("--as-written", action="store_true", help="generate from the prompts' own words")
    yes_or_no = argparse.BooleanOptionalAction
    what("--start-at-rest", action=yes_or_no, default=True, help="both people rest at the beginning (yes)")
    what("--settle-at-end", action=yes_or_no, default=True, help="both people come to rest at the end (yes)")
    what("--loop", action="store_true", help="the last frame leads into the first")
    what("--in-place", action="store_true", help="leave out the travel that both people share")
    what("--words", metavar="FILE", type=Path, help="your own phrases for the kinds that the model knows (.json)")
    what("--understood", action="store_true", help="say how each prompt is understood, and make nothing")
    what("--keys", choices=KEYS, default=KEYS[0], help="keys of the characters: on every frame, or key poses (every)")
    what("--arms", choices=LIMBS, default=LIMBS[0], help="controls of arms that are keyed on control rigs (fk)")
    what("--legs", choices=LIMBS, default=LIMBS[0], help="controls of legs that are keyed on control rigs (fk)")
    what("--marked", metavar="FILE", nargs="?", const="", help="only rows marked on the report's page")
    what("--fps", metavar="N", type=float, help="frame rate of the scene (30, or the opened scene's)")
    where = parser.add_argument_group("where it goes").add_argument
    where("--out", metavar="FOLDER", type=Path, default=Path("renders"), help="folder for the results (renders)")
    where("--name", default="", help="name of the files, with --prompt (made from the prompt)")
    where("--log", metavar="FILE", type=Path, help="file for messages of Blender and the graphics driver")
    where("-v", "--verbose", action="store_true", help="show these messages instead")
    film = parser.add_argument_group("rendering").add_argument
    film("--render", choices=("mp4", "png", "none"), default="mp4", help="film, numbered pictures or none (mp4)")
    film("--engine", choices=("workbench", "cycles"), default="workbench", help="renderer (workbench)")
    film("--resolution", metavar="WxH", default="960x540", help="width and height in pixels (960x540)")
    film("--samples", metavar="N", type=int, default=32, help="samples per pixel for Cycles (32)")
    how = parser.add_argument_group("model and machine").add_argument
    how("--model", metavar="NAME", default="", help="name or folder of the model (the first bundled one)")
    how("--python", metavar="FILE", help="Python with PyTorch (INTERMASK_PYTHON, else as the add-on finds it)")
    how("--device", default="auto", help="auto, cpu, cpu-int8, cuda, cuda:N or mps (auto)")
    how("--batch", metavar="N", type=int, help="rows generated at once (1 on processors, 8 on graphics cards)")
    farm = parser.add_argument_group("several machines").add_argument
    farm("--shard", metavar="K/N", default="1/1", help="the part of the jobs for this machine, as in 3/8")
    farm("--farm", action="store_true", help="fail only if the machine or the model is at fault; rows have records")
    farm("--join", action="store_true", help="make only rows that no worker has made or failed, and report all")
    farm("--ray", metavar="ADDRESS", nargs="?", const="", help="distribute rows with Ray: a cluster, or this machine")
    farm(
        "--ray-cores", metavar="N", type=int, default=1, help="cores for each worker of Ray without graphics cards (1)"
    )
    add_sampling_options(parser)
    return parser


def _render_settings(given: argparse.Namespace) -> RenderSettings:
    from .render import RenderSettings

    width, times, height = given.resolution.lower().partition("x")
    if not (times and width.isdecimal() and height.isdecimal()):
        raise UserError(f"The resolution {given.resolution!r} is not WIDTHxHEIGHT; write for example 960x540.")
    size = int(width), int(height)
    if not all(16 <= pixels <= 16384 and pixels % 2 == 0 for pixels in size):
        raise UserError(
            f"The resolution {given.resolution} is not supported; both sides must be even, from 16 to 16384."
        )
    if given.fps is not None and not 1.0 <= given.fps <= 240.0:
        raise UserError(f"{given.fps:g} frames a second cannot be used; choose 1 to 240.")
    if given.samples < 1:
        raise UserError(f"{given.samples} samples cannot be used; choose 1 or more.")
    return RenderSettings(given.render, given.engine, *size, given.samples)
