"""One job from start to end: its scene, the generation, the files and the film."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..core import ConstraintError, KeySettings, ReadMotion, UserError, atomic_write, save_npz, write_bvh
from ..generator.client import Request, WorkerClient
from ..generator.generation import BatchedResult, GenerationSettings, Pair, progress_text, submit
from ..generator.understanding import UnderstoodPart
from ..rig.limb_controls import LimbControls
from ..rig.own_map import check_limbs
from ..scene.placement import Placement, with_bodies
from ..scene.placing import at_scene_rate, place, scene_joints
from ..scene.request import Characters, TakeOptions, prepare
from ..scene.thinning import thin_out_people
from .console import Console
from .contact_sheet import write_contact_sheet, write_motion_script
from .jobs import Job
from .leader_file import FILE_KINDS, needs_blender, read_leader_file
from .render import prepare_scene, render_clip
from .signals import Stop
from .stage import build_stage

if TYPE_CHECKING:
    from .options import Options

DEFAULT_SECONDS = 4.0
DEFAULT_FPS = 30.0


class GeneratorDiedError(UserError):
    """The generator's process ended while it worked on a job; another attempt can succeed."""


@dataclass(frozen=True)
class FinishedClip:
    """The result of a job.

    Attributes:
        files: files and folders that were written.
        constraint_errors: how well each constraint is met.
        understood: how each part of the prompt was understood; empty for a prompt that is used as written.
        words_error: why the user's phrases were not used, as a sentence; empty if they were.
        novelty: distance of the prompt from the closest training caption; None for a model without captions.
        slowed: how many times as long as it computed the generator took.
    """

    files: list[Path]
    constraint_errors: list[ConstraintError] = field(default_factory=list)
    understood: tuple[UnderstoodPart, ...] = ()
    words_error: str = ""
    novelty: float | None = None
    slowed: float = 1.0


@dataclass(frozen=True)
class BatchContext:
    """What all jobs of a run share.

    Attributes:
        options: of the run.
        client: the generator.
        blend: path of the scene file that was opened, empty if there is none.
        stop: checked between steps.
        console: shows progress and errors.
    """

    options: Options
    client: WorkerClient
    blend: str
    stop: Stop
    console: Console


def make_clip(
    job: Job, context: BatchContext, folder: Path, result: BatchedResult | None, generated: Callable[[], None]
) -> FinishedClip:
    """Generate, key, save and render one job in a fresh copy of the opened scene.

    Args:
        job: what to generate.
        context: of the run.
        folder: for the files.
        result: of a request that was sent before; None sends the request here.
        generated: called when the generator has finished this job and is free for another one.

    Returns:
        The result.

    Raises:
        UserError: the job cannot be done; GeneratorDiedError if another attempt can succeed.
        KeyboardInterrupt: a signal stopped the run.
    """
    options = context.options
    with context.console.quiet():
        # First: a file that Blender imports needs an empty scene.
        leader = read_leader_file(job.leader) if job.leads_from_file else None
        scene = _fresh_scene(context.blend, options.fps)
    settings, placement = _prepared(job, context, scene, leader)
    placement = replace(placement, limbs=LimbControls(job.arms.upper(), job.legs.upper()))
    for name in check_limbs([owner for owner in _characters(job) if owner is not None], placement.limbs):
        context.console.say(f"    {name} has no IK controls that are known, so FK is keyed")
    context.stop.raise_if_requested()
    result = result or BatchedResult(submit(context.client, settings))
    _wait_for(context, result.request)
    if result.request.crash_reason:
        raise GeneratorDiedError(result.request.error)
    pair, errors = result.pair(), result.constraint_errors()
    for error in errors:
        context.console.say(f"    {error.text()}")
    generated()
    owners = place(pair, placement, job.prompt.strip())
    if job.key_poses:
        leader = bpy.data.objects.get(placement.leader_name) if placement.leader_name else None
        thin_out_people(scene, owners, leader, KeySettings())
    _set_up(scene, pair, placement, options)
    files = _write_data(pair, settings, folder / job.name)
    with context.console.quiet():
        files.append(_save_blend(folder / f"{job.name}.blend"))
    if options.recorded:
        files.append(folder / "pictures" / f"{job.name}.png")
        write_contact_sheet(pair, files[-1])
        files.append(folder / "pictures" / f"{job.name}.js")
        write_motion_script(pair, job.name, files[-1])
    context.stop.raise_if_requested()
    if options.render.output != "none":
        files.append(render_clip(scene, options.render, folder / job.name, context.console, context.stop))
    return FinishedClip(files, errors, result.understood(), result.words_error(), result.novelty(), result.slowed())


def settings_without_scene(job: Job, options: Options) -> GenerationSettings | None:
    """The request for a job that needs nothing from the opened scene, None for other jobs.

    Raises:
        UserError: a leader's file cannot be read.
    """
    if job.characters or (job.leader and not job.leads_from_file) or needs_blender(job.leader):
        return None
    return _settings(job, options, read_leader_file(job.leader) if job.leader else None)


def _settings(job: Job, options: Options, leader: ReadMotion | None) -> GenerationSettings:
    """The request for a job without a leader, or with one from a file."""
    seconds = DEFAULT_SECONDS if job.seconds is None else job.seconds
    settings = GenerationSettings(
        job.prompt,
        options.model,
        seconds,
        job.seed,
        sampling=options.sampling,
        constraints=job.read_constraints(),
        meet_partly=options.partly,
        as_written=job.as_written,
        words=options.words,
        start_at_rest=job.start_at_rest,
        settle_at_end=job.settle_at_end,
        loop=job.loop,
        in_place=job.in_place,
    )
    if leader is None:
        return settings
    # The worker cuts the leader to the seconds, and refuses more than the leader has.
    return replace(settings, seconds=job.seconds, leader=leader.motion)


def render_saved(name: str, context: BatchContext, folder: Path) -> list[Path]:
    """Render the saved ``.blend`` of an existing clip.

    Raises:
        UserError: it cannot be opened or rendered.
    """
    options = context.options
    try:
        with context.console.quiet():
            bpy.ops.wm.open_mainfile(filepath=str((options.out / f"{name}.blend").resolve()), load_ui=False)
    except RuntimeError as error:
        raise UserError(f"{name}.blend cannot be opened again; delete it, and the row is generated again.") from error
    scene = bpy.context.scene
    prepare_scene(scene, options.render)
    return [render_clip(scene, options.render, folder / name, context.console, context.stop)]


def _fresh_scene(blend: str, fps: float | None) -> bpy.types.Scene:
    """The opened scene file, loaded again, or an empty scene."""
    if blend:
        bpy.ops.wm.open_mainfile(filepath=blend, load_ui=False)
    else:
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
        fps = fps or DEFAULT_FPS
    scene = bpy.context.scene
    if fps:
        scene.render.fps = max(1, round(fps))
        scene.render.fps_base = scene.render.fps / fps
    if not blend:
        scene.frame_start = 1
    return scene


def _prepared(
    job: Job, context: BatchContext, scene: bpy.types.Scene, leader: ReadMotion | None
) -> tuple[GenerationSettings, Placement]:
    """The request and the placement of its result, with body files for new characters."""
    settings, placement = _request_and_placement(job, context, scene, leader)
    return settings, with_bodies(placement, [Path(file) if file else None for file in job.bodies or ("", "")])


def _request_and_placement(
    job: Job, context: BatchContext, scene: bpy.types.Scene, leader: ReadMotion | None
) -> tuple[GenerationSettings, Placement]:
    """The request and the placement of its result, with mannequins for new characters."""
    options = context.options
    characters = _characters(job)
    if not job.leader or job.leads_from_file:
        if leader is not None and leader.assumed:
            context.console.say(f"    {Path(job.leader).name}: {leader.assumed}")
        _, placement = prepare(scene, job.prompt, job.seconds, job.seed, options.model, characters=characters)
        return _settings(job, options, leader), replace(placement, loop=job.loop)
    armature = bpy.data.objects.get(job.leader)
    if armature is None:
        raise UserError(
            f"The opened scene has no leader {job.leader}; name one of its armatures, or a {FILE_KINDS} file."
        )
    take_options = TakeOptions(sampling=options.sampling, as_written=job.as_written, words=options.words)
    settings, placement = prepare(
        scene, job.prompt, job.seconds, job.seed, options.model, armature, characters, take_options
    )
    return replace(settings, constraints=job.read_constraints(), meet_partly=options.partly), placement


def _characters(job: Job) -> Characters:
    """The armatures that a job names."""
    found: list[bpy.types.Object | None] = [None, None]
    for index, name in enumerate(job.characters):
        owner = bpy.data.objects.get(name)
        if name and (owner is None or owner.type != "ARMATURE"):
            raise UserError(f"The opened scene has no armature {name}; open a scene that has it, or leave it out.")
        found[index] = owner
    return found[0], found[1]


def _wait_for(context: BatchContext, request: Request) -> None:
    """Wait for a request and show its progress."""
    context.console.begin_progress()
    while not request.done:
        context.stop.raise_if_requested()
        context.client.pause()
        context.console.progress(progress_text(request))


def _set_up(scene: bpy.types.Scene, pair: Pair, placement: Placement, options: Options) -> None:
    """Set the frame range and the shading; build a stage if the scene has no camera."""
    people = at_scene_rate(pair, placement, scene)
    scene.frame_start = placement.start_frame
    # The last frame of a loop is the first one of the next cycle.
    scene.frame_end = placement.start_frame + len(people[0]) - (2 if placement.loop else 1)
    scene.frame_set(scene.frame_start)
    prepare_scene(scene, options.render)
    if scene.camera is None:
        build_stage(scene, scene_joints(people, placement))


def _write_data(pair: Pair, settings: GenerationSettings, stem: Path) -> list[Path]:
    """Write the .npz file and a BVH file for each person."""
    data = stem.with_name(f"{stem.name}.npz")
    save_npz(data, pair, settings.prompt.strip(), settings.model.name, settings.seed)
    files = [data]
    for number, person in enumerate(pair, 1):
        files.append(stem.with_name(f"{stem.name}_{number}.bvh"))
        write_bvh(files[-1], person)
    return files


def _save_blend(path: Path) -> Path:
    with atomic_write(path) as temporary:
        # Blender would make a backup of the existing empty file.
        temporary.unlink()
        try:
            bpy.ops.wm.save_as_mainfile(
                filepath=str(temporary.resolve()), copy=True, compress=True, check_existing=False
            )
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1].removeprefix("Error: ")
            raise UserError(f"Blender could not save {path.name}: {reason}") from error
    return path
