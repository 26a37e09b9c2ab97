"""Figures of the add-on's own work: ``python -m intermask_blender.benchmark`` prints a line each."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import bpy

    from .core import PosedSkeleton

FRAMES = 300
REPEATS = 3
REDRAWS = 50


def measurements() -> Iterator[tuple[str, float, str]]:
    """Name, value and unit of each figure, the best of a few repetitions each."""
    import bpy

    start = time.perf_counter()
    from . import register, unregister

    register()
    yield "import and register the add-on", time.perf_counter() - start, "s"
    unregister()

    from .rig.build import build_armature, build_mannequin
    from .rig.capture import capture_motion
    from .rig.key import key_posed, scene_fps
    from .scene.placing import COLOURS

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    people = [_dancer(phase, scene_fps(scene)) for phase in (0.0, 2.0)]
    start = time.perf_counter()
    rigs = [build_armature("Person", person.offsets, scene.collection) for person in people]
    yield "build two armatures", time.perf_counter() - start, "s"
    start = time.perf_counter()
    for rig, person, colour in zip(rigs, people, COLOURS, strict=True):
        build_mannequin(rig, person.offsets, colour)
    yield "build two mannequins", time.perf_counter() - start, "s"

    def key() -> None:
        for rig, person in zip(rigs, people, strict=True):
            key_posed(person, rig, scene, 1, "Benchmark")

    blocks = _best(key, REPEATS)
    yield f"key 2 people, 22 bones, {FRAMES} frames", blocks, "s"

    def insert() -> None:
        for rig in rigs:
            _insert_keys(rig, FRAMES)

    single = _best(insert, 1)
    yield "the same with keyframe_insert", single, "s"
    yield "ratio", single / blocks, "times"
    key()
    yield f"capture a leader of {FRAMES} frames", _best(lambda: capture_motion(rigs[0], scene), REPEATS), "s"

    from .rig.retarget import rig_keys, write_keys

    full = _rigify()
    seconds = _best(lambda: write_keys(rig_keys(people[0], full, scene, 1), "Benchmark"), REPEATS)
    yield f"key Rigify's human, {len(full.pose.bones)} bones", seconds, "s"
    yield "capture it", _best(lambda: capture_motion(full, scene), REPEATS), "s"

    from .ui.draw_cache import DrawCache
    from .ui.session import session

    register()
    scene.intermask.leader = full
    draw = panel_drawing()

    def draw_first() -> None:
        session().draw_cache = DrawCache()
        draw()

    first, again = _best(draw_first, REPEATS), _best(draw, REDRAWS)
    yield "draw the panels, with this rig as leader", 1e3 * first, "ms"
    yield "draw them again", 1e3 * again, "ms"
    yield "ratio", first / again, "times"
    unregister()


class _Layout:
    """Replaces Blender's layout if there is no window: properties are read and polls are called, but nothing is drawn.

    What Blender itself spends on drawing is left out.
    """

    def __getattr__(self, name: str) -> _Layout:
        return self

    def __call__(self, *arguments: object, **words: object) -> _Layout:
        return self

    def prop(self, owner: object, name: str, **words: object) -> None:
        getattr(owner, name)

    def operator(self, name: str, **words: object) -> _Layout:
        import bpy

        room, _, own = name.partition(".")
        getattr(getattr(bpy.ops, room), own).poll()
        return self


def panel_drawing() -> Callable[[], None]:
    """What runs the draw functions of all panels of the sidebar, open or not."""
    import bpy

    from .registration import CLASSES

    # Blender alone makes panels; their own functions are all that drawing needs.
    members = {"layout": _Layout()}
    panels = [
        type(cls.__name__, (), {**vars(cls), **members})()
        for cls in CLASSES
        if getattr(cls, "bl_region_type", "") == "UI"
    ]

    def draw() -> None:
        for panel in panels:
            panel.draw(bpy.context)

    return draw


def _rigify() -> bpy.types.Object:
    """The largest rig that ships with Blender: Rigify's human, with fingers and face.

    Its add-on stays switched on: Blender does not end well afterwards, so end the process at once.
    """
    import addon_utils
    import bpy

    addon_utils.enable("rigify", default_set=True)
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.pose.rigify_generate()
    return metarig.data.rigify_target_rig


def _dancer(phase: float, fps: float) -> PosedSkeleton:
    """A person who sways in every joint."""
    import numpy as np

    from .core import SMPL_REST_OFFSETS, PosedSkeleton, rotations

    seconds = np.arange(FRAMES) / fps
    angles = 0.3 * np.sin(2.0 * seconds[:, None, None] + phase + np.arange(66).reshape(22, 3))
    quaternions = rotations.continuous_signs(rotations.quaternion_from_axis_angle(angles))
    path = np.stack((seconds * 0.2, np.full(FRAMES, 0.95), seconds * 0.0), axis=1)
    return PosedSkeleton(SMPL_REST_OFFSETS, quaternions, path, fps)


def _insert_keys(rig: bpy.types.Object, frames: int) -> None:
    """What a simple script would do: a key a bone a frame."""
    for frame in range(1, frames + 1):
        for bone in rig.pose.bones:
            bone.keyframe_insert("rotation_quaternion", frame=frame)
        rig.pose.bones["Pelvis"].keyframe_insert("location", frame=frame)


def _best(work: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest run."""
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took)


def main() -> NoReturn:
    """Print all figures and end the process."""
    for name, value, unit in measurements():
        print(f"{name:<48}{value:>10.3f} {unit}", flush=True)
    print(f"torch loaded: {'torch' in sys.modules}", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
