"""Draws the draft of the running generation as lines in 3D views; nothing of it is in the scene."""

from __future__ import annotations

from dataclasses import dataclass, field

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ..core import FPS, SMPL
from ..rig.key import scene_fps
from ..scene.placement import Placement
from ..scene.placing import COLOURS, draft_places

GHOSTS = 6
"""Poses that are drawn thinly, evenly over the clip."""
_PALER = 1.6
"""Of the people's colours, which are dark, for lines over a dark view."""
_BONES = [(SMPL.parents[joint], joint) for joint in range(1, len(SMPL))]


@dataclass
class DraftOverlay:
    """The drawing of the draft in all 3D views, from ``start`` to ``close``.

    Attributes:
        places: (2, T, 22, 3) joints in the scene; None if nothing is drawn.
        first: scene frame of the first pose.
        shown: the joints of the draft that ``places`` are of.
    """

    places: np.ndarray | None = None
    first: float = 0.0
    shown: np.ndarray | None = None
    _origin: np.ndarray | None = field(default=None, init=False)
    _handles: list[object] = field(default_factory=list, init=False)

    def start(self) -> None:
        """Draw drafts from now on; without a window nothing is drawn."""
        if not bpy.app.background and not self._handles:
            self._handles.append(bpy.types.SpaceView3D.draw_handler_add(self._draw, (), "WINDOW", "POST_VIEW"))

    def close(self) -> None:
        """Draw them no longer."""
        for handle in self._handles:
            bpy.types.SpaceView3D.draw_handler_remove(handle, "WINDOW")
        self._handles.clear()
        self.places = None

    def show(self, joints: np.ndarray, start: int, placement: Placement) -> None:
        """Draw another draft.

        Args:
            joints: (2, T, 22, 3) metres, in the world of the clip.
            start: frame of the clip at which it begins.
            placement: of the result.
        """
        scene = bpy.data.scenes.get(placement.scene)
        if scene is None:
            return
        # Only the first draft of a clip has the frame that is brought to the spot; later windows follow it.
        if start == 0 or self._origin is None:
            self._origin = joints[:, 0]
        self.places, self.shown = draft_places(joints, placement, self._origin), joints
        self.first = placement.start_frame + start / FPS * scene_fps(scene)

    def _draw(self) -> None:
        if self.places is None:
            return
        context = bpy.context
        frame = (context.scene.frame_current - self.first) / scene_fps(context.scene) * FPS
        shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
        shader.uniform_float("viewportSize", (context.region.width, context.region.height))
        for lines, colour, alpha, width in drawn_lines(self.places, frame):
            shader.uniform_float("lineWidth", width)
            shader.uniform_float("color", (*colour, alpha))
            batch_for_shader(shader, "LINES", {"pos": lines.astype(np.float32).tolist()}).draw(shader)


def drawn_lines(places: np.ndarray, frame: float) -> list[tuple[np.ndarray, tuple[float, float, float], float, float]]:
    """Lines (2 N, 3), colour, opacity and width of both people of a draft: thin poses over time, and one now.

    Args:
        places: (2, T, 22, 3) joints.
        frame: of the draft that is shown now; outside of it the first or the last one is shown.
    """
    last = places.shape[1] - 1
    now = int(np.clip(round(frame), 0, last))
    ghosts = np.linspace(0, last, GHOSTS).round().astype(int)
    result = []
    for person, colour in zip(places, COLOURS, strict=True):
        paler = (min(1.0, _PALER * colour[0]), min(1.0, _PALER * colour[1]), min(1.0, _PALER * colour[2]))
        result.append((person[ghosts][:, _BONES].reshape(-1, 3), paler, 0.25, 1.0))
        result.append((person[now][np.array(_BONES)].reshape(-1, 3), paler, 1.0, 3.0))
    return result
