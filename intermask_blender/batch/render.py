"""Rendering a clip to numbered pictures or a film, which appear whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bpy

from .. import compat
from ..core import UserError
from .console import Console, RenderProgress
from .output import move_into_place
from .signals import Stop


@dataclass(frozen=True)
class RenderSettings:
    """How a clip is rendered.

    Attributes:
        output: ``"mp4"``, ``"png"`` (a folder of numbered pictures) or ``"none"``.
        engine: ``"workbench"`` (fast) or ``"cycles"`` (light and shadow).
        width: pixels; even, as H.264 requires.
        height: pixels; even.
        samples: samples per pixel for Cycles.
    """

    output: str = "mp4"
    engine: str = "workbench"
    width: int = 960
    height: int = 540
    samples: int = 32


def prepare_scene(scene: bpy.types.Scene, settings: RenderSettings) -> None:
    """Set engine, shading and resolution of a scene, so that its saved file renders the same."""
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = settings.width, settings.height, 100
    if settings.engine == "cycles":
        render.engine = "CYCLES"
        scene.cycles.samples = settings.samples
        scene.cycles.use_denoising = False
        scene.cycles.device = "CPU"
    else:
        render.engine = "BLENDER_WORKBENCH"
        shading = scene.display.shading
        shading.light, shading.color_type = "STUDIO", "MATERIAL"
        shading.show_shadows, shading.shadow_intensity = True, 0.35
        shading.show_cavity = True
        scene.display.light_direction = (-0.35, 0.8, 0.48)
        scene.display.render_aa = "FXAA"
    scene.view_settings.view_transform = "Standard"


def render_clip(scene: bpy.types.Scene, settings: RenderSettings, target: Path, console: Console, stop: Stop) -> Path:
    """Render the scene's frame range.

    Args:
        scene: prepared, with a camera.
        settings: what to write.
        target: where, without suffix; ``target.mp4`` or the folder ``target`` is replaced.
        console: shows the progress; its log takes Blender's messages.
        stop: ends the process after a frame, once a signal has come.

    Raises:
        UserError: nothing could be rendered or written.
    """
    if scene.camera is None:
        raise UserError(f"The scene {scene.name} has no camera; add one or leave the render out.")
    target = target.resolve()
    with _folder_beside(target) as folder, _output_kept(scene):
        scene.render.filepath = str(folder / "frame_")
        scene.render.use_file_extension = True
        if settings.output == "mp4":
            compat.set_video_output(scene)
        else:
            compat.set_image_output(scene)
        try:
            with console.quiet(), _after_each_frame(scene, console, stop):
                bpy.ops.render.render(animation=True, scene=scene.name)
        except RuntimeError as error:
            console.note(f"Blender could not render {target.name}: {error}")
            reason = str(error).strip().splitlines()[-1].removeprefix("Error: ")
            raise UserError(f"Blender could not render {target.name}: {reason}") from error
        made = sorted(folder.iterdir())
        if not made:
            console.note(f"Blender rendered nothing for {target.name}.")
            raise UserError(
                f"Blender rendered nothing for {target.name}; its messages are in the log, or shown with -v."
            )
        film = settings.output == "mp4"
        result = target.with_name(f"{target.name}.mp4") if film else target
        move_into_place(made[0] if film else folder, result)
        return result


@contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """A temporary folder next to the target, removed at the end if it was not moved."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}.", dir=target.parent))
        folder.chmod(0o755)
    except OSError as error:
        raise UserError(
            f"Cannot write to the folder {target.parent}: {error.strerror}; choose another folder."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _after_each_frame(scene: bpy.types.Scene, console: Console, stop: Stop) -> Iterator[None]:
    """After each frame, show how many are done and the time left, or end the process if a signal came."""
    frames = len(range(scene.frame_start, scene.frame_end + 1, scene.frame_step))
    progress = RenderProgress(frames)
    console.begin_progress()

    def rendered(*_: object) -> None:
        stop.exit_if_requested()
        console.progress(progress.frame_done())

    handlers = bpy.app.handlers.render_post
    handlers.append(rendered)
    try:
        yield
    finally:
        handlers.remove(rendered)


@contextmanager
def _output_kept(scene: bpy.types.Scene) -> Iterator[None]:
    """Restore the scene's output path, which is temporary during the render."""
    before = scene.render.filepath
    try:
        yield
    finally:
        scene.render.filepath = before
