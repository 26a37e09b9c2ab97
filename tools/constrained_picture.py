"""Draws docs/pictures/constrained.png: ten clips with constraints of `evaluate control`, from the front and the side.

    python tools/constrained_picture.py CLIPS PICTURE.png

CLIPS is a folder of `choreograph` with held-out clips of the kinds below. Needs Pillow.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from model_core.constraints import Constraints, ContactConstraint, PathConstraint, PinConstraint, Targets
from model_core.constraints.types import every_frame
from model_core.data.choreography.shards import load_choreographed
from model_core.evaluation.control_cases import SourceClip, cases_from, invented_cases
from model_core.generation.pipeline import GenerateOptions, InterMask
from model_core.kinematics import SolveSettings, solve
from model_core.model_files.model_folder import bundled_model
from model_core.motion import SMPL, Interaction, Motion
from model_core.motion.canonical import canonical_pair

CLIPS = (
    ("walk side by side", "h S-curve"),
    ("follow", "h corner"),
    ("high five", "c 3 poses"),
    ("push and stagger", "c 1 poses"),
    ("shake hands", "b begin and end"),
    ("pat on the shoulder", "d one pin"),
    ("dance in hold", "e contact"),
    ("bow to each other", "f path pose pin"),
    ("kick and step back", "g reaction pose"),
    ("hug", "f ends contact"),
)
"""Kinds, and the groups of constraints that are asked of them."""
CELL, COLUMNS, TITLE = 190, 6, 16
FRAMES = 120
RAISED = np.radians(14.0)
"""Radians by which the camera looks down."""
COLOURS = (((205, 60, 40), (120, 20, 10)), ((40, 100, 205), (10, 40, 120)))
"""Of the right side and the middle, and of the left side, of each person."""
PALE, ASKED, TOUCH = ((240, 150, 120), (130, 170, 240)), (20, 150, 60), (235, 160, 0)
WRISTS = {"left_hand": "L_Wrist", "right_hand": "R_Wrist"}


def clip(model: InterMask, folder: Path, kind: str, group: str) -> tuple[str, Constraints, np.ndarray]:
    """Caption, constraints and joints (2, T, 22, 3) of a clip that meets them."""
    held_out = [one for one in load_choreographed(folder, held_out_only=True) if one.kind == kind and one.captions]
    taken = next(one for one in held_out if one.features.shape[1] >= 80)
    caption, motion = taken.captions[0], model.codec.representation.motion
    first, second = (motion(person) for person in taken.features[:, :FRAMES])
    people = canonical_pair(Interaction((first, second)), "kept")[0].people
    frames = len(first)
    (plain,) = model.generate(caption, frames)
    source = SourceClip.of(solve(people, bones_of=plain.people))
    case = next(case for case in (*cases_from(source), *invented_cases(frames)) if case.group == group)
    options = GenerateOptions(constraints=case.constraints)
    if case.reaction:
        leader = Motion(source.joints[0], source.local[0, :, 1:], source.local[0, :, 0])
        (take,) = model.react(caption, leader, options)
    else:
        (take,) = model.generate(caption, frames, options)
    solved = solve(take.people, SolveSettings(held=0 if case.reaction else None), targets=case.constraints)
    return caption, case.constraints, np.stack([person.joints()[:, :22] for person in solved])


class View:
    """Points of a cell, seen along one axis from slightly above."""

    def __init__(self, joints: np.ndarray, across: int) -> None:
        self.across, self.along = across, 2 - across
        self.middle = 0.5 * (joints.min((0, 1, 2)) + joints.max((0, 1, 2)))
        extent = np.ptp(joints, axis=(0, 1, 2))
        deep = np.cos(RAISED) * extent[1] + np.sin(RAISED) * extent[self.along]
        self.scale = 0.9 * CELL / max(extent[across], deep, 1.9)
        self.lift = 0.5 * self.scale * np.cos(RAISED) * extent[1]

    def __call__(self, points: np.ndarray, left: float, top: float) -> np.ndarray:
        """(..., 2) pixels of points (..., 3)."""
        away = points - self.middle
        near = away[..., self.along] * (1.0 if self.across == 0 else -1.0)
        high = np.cos(RAISED) * points[..., 1] - np.sin(RAISED) * near
        x = left + CELL / 2 + self.scale * away[..., self.across]
        return np.stack((x, top + CELL / 2 + self.lift - self.scale * high), -1)


def figure(draw: ImageDraw.ImageDraw, points: np.ndarray, colours: tuple, width: int, head: float) -> None:
    """A stick figure of points (22, 2)."""
    for joint in range(1, len(SMPL)):
        left = SMPL.joints[joint].startswith("L_")
        ends = (*points[SMPL.parents[joint]], *points[joint])
        draw.line(ends, fill=colours[1] if left else colours[0], width=width)
    x, y = points[SMPL.index("Head")]
    draw.ellipse((x - head, y - 1.3 * head, x + head, y + 0.7 * head), outline=colours[0], width=width)


def paths(draw: ImageDraw.ImageDraw, constraints: Constraints, view: View, left: float, top: float) -> None:
    """Lines and squares on the ground."""
    for item in constraints:
        if not isinstance(item, PathConstraint):
            continue
        path = every_frame(item)
        places = np.stack((path.places[:, 0], np.zeros(len(path.places)), path.places[:, 1]), -1)
        points = view(places, left, top)
        if len(points) > 8:
            draw.line([tuple(point) for point in points], fill=PALE[item.person], width=3)
        else:
            for x, y in points:
                draw.rectangle((x - 4, y - 3, x + 4, y + 3), fill=PALE[item.person])


def chosen_frames(constraints: Constraints, frames: int) -> list[int]:
    """Frames that are drawn: evenly spaced, and those of poses and the middles of pins and contacts."""
    picked = np.linspace(0, frames - 1, COLUMNS).round().astype(int)
    for item in constraints:
        asked: tuple[int, ...] = ()
        if isinstance(item, (PinConstraint, ContactConstraint)):
            asked = ((item.start + item.stop) // 2,)
        elif not isinstance(item, PathConstraint):
            asked = getattr(item, "frames", ())
        for frame in asked:
            inner = picked[1:-1]
            inner[np.abs(inner - frame).argmin()] = frame
    return [int(frame) for frame in picked]


def strip(caption: str, words: str, constraints: Constraints, joints: np.ndarray) -> Image.Image:
    """One clip: the front above, the side below."""
    image = Image.new("RGB", (COLUMNS * CELL, 2 * CELL + TITLE), (251, 251, 249))
    draw = ImageDraw.Draw(image)
    draw.text((4, 2), f'"{caption}": {words[2:]}', fill=(0, 0, 0))
    offsets = None
    targets = Targets.of(constraints, joints.shape[1], offsets)
    for row, across in enumerate((0, 2)):
        view = View(joints, across)
        for column, frame in enumerate(chosen_frames(constraints, joints.shape[1])):
            left, top = column * CELL, TITLE + row * CELL
            paths(draw, constraints, view, left, top)
            head = 0.1 * view.scale
            for person in (0, 1):
                figure(draw, view(joints[person, frame], left, top), COLOURS[person], 2, head)
                posed = (targets.joint_weight[person, frame] >= 1).sum()
                if posed == len(SMPL):
                    figure(draw, view(targets.joints[person, frame], left, top), (ASKED, ASKED), 1, head)
                elif posed:
                    for joint in np.flatnonzero(targets.joint_weight[person, frame] >= 1):
                        x, y = view(targets.joints[person, frame, joint], left, top)
                        draw.line((x - 7, y, x + 7, y), fill=ASKED, width=2)
                        draw.line((x, y - 7, x, y + 7), fill=ASKED, width=2)
            for item in constraints:
                if isinstance(item, ContactConstraint) and item.start <= frame < item.stop:
                    x, y = view(joints[item.person, frame, SMPL.index(WRISTS[item.place])], left, top)
                    draw.ellipse((x - 8, y - 8, x + 8, y + 8), outline=TOUCH, width=2)
            draw.rectangle((left, top, left + CELL - 1, top + CELL - 1), outline=(205, 205, 200))
            draw.text((left + 4, top + 3), str(frame), fill=(90, 90, 90))
    return image


def main() -> None:
    """Draw the picture."""
    folder, picture = Path(sys.argv[1]), Path(sys.argv[2])
    model = InterMask.load(bundled_model(), "cpu")
    strips = []
    for kind, group in CLIPS:
        caption, constraints, joints = clip(model, folder, kind, group)
        strips.append(strip(caption, group, constraints, joints))
        print(kind, group, flush=True)
    width, height = strips[0].size
    image = Image.new("RGB", (2 * width + 12, (height + 8) * (len(strips) // 2)), (251, 251, 249))
    for number, one in enumerate(strips):
        image.paste(one, ((number % 2) * (width + 12), (number // 2) * (height + 8)))
    image.quantize(64).save(picture, optimize=True)


main()
