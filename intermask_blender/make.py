"""One job from start to end: the scene it happens in, the generation, the files and the film."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np

from .client import Request, WorkerClient
from .core import FPS, Motion, UserError, load_npz, motion_from_bvh, read_bvh, save_npz, write_bvh, written_whole
from .generation import GenerationSettings, Pair, progress_text, submit, takes_of
from .jobs import Job
from .placing import Placement, place, prepare
from .render import prepare_scene, render_clip
from .rig.axes import vectors_to_blender
from .rig.key import resampled, scene_fps
from .stage import build_stage, padded

if TYPE_CHECKING:
    from .batch import Options

USUAL_SECONDS = 4.0
USUAL_FPS = 30.0


def make_clip(job: Job, options: Options, client: WorkerClient, blend: str) -> list[Path]:
    """Generate, key, save and render one job in a fresh copy of the opened scene.

    Args:
        job: what to make.
        options: what holds for the whole run.
        client: the generator.
        blend: path of the scene file that was opened, empty where there was none.

    Returns:
        The files and folders that were made.

    Raises:
        UserError: the job cannot be done; nothing half-written is left.
    """
    if job.fault:
        raise UserError(job.fault)
    scene = _fresh_scene(blend, options.fps)
    settings, placement = _prepared(job, options, scene)
    request = submit(client, settings)
    _follow(client, request)
    pair = takes_of(request)[0]
    place(pair, placement, job.prompt.strip())
    _set_up(scene, pair, placement, options)
    made = _write_data(pair, settings, options.out / job.name)
    made.append(_save_blend(options.out / f"{job.name}.blend"))
    if options.render.output != "none":
        made.append(render_clip(scene, options.render, options.out / job.name))
    return made


def _fresh_scene(blend: str, fps: float | None) -> bpy.types.Scene:
    """The scene as it was opened, or an empty one."""
    if blend:
        bpy.ops.wm.open_mainfile(filepath=blend, load_ui=False)
    else:
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
        fps = fps or USUAL_FPS
    scene = bpy.context.scene
    if fps:
        scene.render.fps = max(1, round(fps))
        scene.render.fps_base = scene.render.fps / fps
    if not blend:
        scene.frame_start = 1
    return scene


def _prepared(job: Job, options: Options, scene: bpy.types.Scene) -> tuple[GenerationSettings, Placement]:
    """Settings and placement, with the leader from the scene or from a file."""
    path = Path(job.leader)
    if path.suffix.lower() in (".bvh", ".npz"):
        leader = _leader_from_file(path)
        if job.seconds is not None:
            leader = leader.frames(0, max(1, round(job.seconds * FPS)))
        settings, placement = prepare(scene, job.prompt, None, job.seed, options.model)
        return replace(settings, leader=leader), placement
    if job.leader:
        armature = bpy.data.objects.get(job.leader)
        if armature is None:
            raise UserError(
                f"The opened scene has no leader {job.leader}; name one of its armatures, or a .bvh or .npz file."
            )
        return prepare(scene, job.prompt, job.seconds, job.seed, options.model, armature)
    seconds = USUAL_SECONDS if job.seconds is None else job.seconds
    return prepare(scene, job.prompt, seconds, job.seed, options.model)


def _leader_from_file(path: Path) -> Motion:
    """The motion of a BVH file, or the first person of an interaction file."""
    if path.suffix.lower() == ".bvh":
        return motion_from_bvh(read_bvh(path))
    return resampled(load_npz(path).people[0], FPS).motion()


def _follow(client: WorkerClient, request: Request) -> None:
    """Wait for a request; on a terminal its progress is shown in one line."""
    shown = ""
    while not request.done:
        client.pause()
        if sys.stdout.isatty() and (text := progress_text(request)) != shown:
            print(f"\r    {text:<50}", end="", flush=True)
            shown = text
    if shown:
        print("\r" + " " * 54, end="\r", flush=True)


def _set_up(scene: bpy.types.Scene, pair: Pair, placement: Placement, options: Options) -> None:
    """Frame range, looks, and a stage where the scene has no camera of its own."""
    people = [resampled(person, scene_fps(scene)) for person in pair]
    scene.frame_start = placement.start_frame
    scene.frame_end = placement.start_frame + len(people[0]) - 1
    scene.frame_set(scene.frame_start)
    prepare_scene(scene, options.render)
    if scene.camera is None:
        build_stage(scene, padded(vectors_to_blender(np.stack([person.joints() for person in people]))))


def _write_data(pair: Pair, settings: GenerationSettings, stem: Path) -> list[Path]:
    """The npz file and one BVH file a person."""
    data = stem.with_name(f"{stem.name}.npz")
    save_npz(data, pair, settings.prompt.strip(), settings.model.name, settings.seed)
    made = [data]
    for number, person in enumerate(pair, 1):
        made.append(stem.with_name(f"{stem.name}_{number}.bvh"))
        write_bvh(made[-1], person)
    return made


def _save_blend(path: Path) -> Path:
    with written_whole(path) as temporary:
        # Blender keeps a backup of a file that it overwrites; there is nothing to keep of an empty one.
        temporary.unlink()
        try:
            bpy.ops.wm.save_as_mainfile(
                filepath=str(temporary.resolve()), copy=True, compress=True, check_existing=False
            )
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1].removeprefix("Error: ")
            raise UserError(f"Blender could not save {path.name}: {reason}") from error
    return path
