"""Constraints to measure: taken from other clips of the same kind, and paths that no clip has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..constraints import Constraints, ContactConstraint, PathConstraint, PinConstraint, PoseConstraint
from ..motion import FPS, SMPL
from ..motion.canonical import facing
from ..motion.forward_kinematics import forward_kinematics, global_rotations
from ..motion.places import PLACES, contact_gap, place_points
from ..motion.posed import PosedSkeleton
from ..motion.rest import SMPL_REST_OFFSETS
from ..motion.rotations import matrix_from_quaternion

_SECOND = round(FPS)
_TOUCHES = 0.08
"""Metres between a hand and a place of the other person, beyond the gap of a contact, that count as contact."""
_CONTACT_FRAMES = 16
"""Length of the interval of a contact."""
_MARGIN = 20
"""Frames at either end of a clip without poses, pins and contacts."""
_HANDS = ("left_hand", "right_hand")


@dataclass(frozen=True)
class ControlCase:
    """Constraints, and how they are used.

    Attributes:
        group: letter of the group in the report, and its words.
        constraints: of the clip.
        reaction: whether the second person reacts to the first person of the clip that the constraints are from.
        invented: whether no clip has such a path.
    """

    group: str
    constraints: Constraints
    reaction: bool = False
    invented: bool = False


@dataclass(frozen=True, eq=False)
class SourceClip:
    """The clip of two people that constraints are taken from.

    Attributes:
        joints: (2, T, 22, 3) metres.
        local: (2, T, 22, 3, 3) orientation of the pelvis in the world, then local rotations.
        world: (2, T, 22, 3, 3) orientations in the world.
    """

    joints: np.ndarray
    local: np.ndarray
    world: np.ndarray

    @classmethod
    def of(cls, people: Sequence[PosedSkeleton]) -> SourceClip:
        """Two solved people; of hands only the wrists count."""
        count = len(SMPL)
        local = np.stack([matrix_from_quaternion(person.rotations[:, :count]) for person in people])
        joints = np.stack([person.joints()[:, :count] for person in people])
        return cls(joints, local, global_rotations(local, SMPL))

    def __len__(self) -> int:
        """Number of frames."""
        return self.joints.shape[1]

    def path(self, person: int, frames: Sequence[int], dense: bool = False) -> PathConstraint:
        """Places and headings of a person."""
        chosen = self.joints[person, list(frames)]
        angles = facing(chosen)
        headings = np.stack((np.cos(angles), np.sin(angles)), -1)
        return PathConstraint(person, tuple(frames), chosen[:, 0][:, [0, 2]], headings, dense)

    def pose(self, person: int, frames: Sequence[int]) -> PoseConstraint:
        """Full poses of a person, where they stand.

        Constraints mean poses of the standard body: its pelvis is as high as its lowest joint needs to be.
        """
        chosen = list(frames)
        rotations, own = self.local[person, chosen], self.joints[person, chosen]
        roots = own[:, 0].copy()
        standard = forward_kinematics(rotations, roots, SMPL_REST_OFFSETS, SMPL)
        roots[:, 1] += own[..., 1].min(1) - standard[..., 1].min(1)
        return PoseConstraint(person, tuple(frames), rotations, roots)

    def pin(self, person: int, joint: str, start: int, stop: int) -> PinConstraint:
        """A joint on its own way during an interval."""
        return PinConstraint(person, joint, start, stop, self.joints[person, start:stop, SMPL.index(joint)])

    def contact(self) -> ContactConstraint | None:
        """The closest contact of a hand of one person with the other person; None if hands touch nothing."""
        best: tuple[float, int, int, str, str] | None = None
        frames = slice(_MARGIN, len(self) - _MARGIN)
        points = [
            {place: place_points(place, self.joints[person], self.world[person])[frames] for place in PLACES}
            for person in (0, 1)
        ]
        for person in (0, 1):
            for place in _HANDS:
                for on in PLACES:
                    gap = np.linalg.norm(points[person][place] - points[1 - person][on], axis=-1)
                    gap = gap - contact_gap(place, on)
                    frame = int(gap.argmin())
                    if best is None or gap[frame] < best[0]:
                        best = float(gap[frame]), frame + _MARGIN, person, place, on
        if best is None or best[0] > _TOUCHES:
            return None
        _, frame, person, place, on = best
        start = min(max(frame - _CONTACT_FRAMES // 2, 0), len(self) - _CONTACT_FRAMES)
        return ContactConstraint(person, place, on, start, start + _CONTACT_FRAMES)


def cases_from(source: SourceClip) -> Iterator[ControlCase]:
    """The groups (a) to (g): what a clip's people do is asked of other people.

    Args:
        source: of at least ``2 * _MARGIN + 30`` frames.
    """
    last, middle = len(source) - 1, len(source) // 2
    second = (middle - _SECOND // 2, middle + _SECOND // 2)
    ends = (0, last)
    own = source.path(0, range(last + 1), dense=True)
    yield ControlCase("a path of one", Constraints((own,)))
    yield ControlCase("a path of both", Constraints((own, source.path(1, range(last + 1), dense=True))))
    yield ControlCase("b begin and end", Constraints((source.path(0, ends), source.path(1, ends))))
    for count in (1, 3, 8):
        frames = np.linspace(_MARGIN, last - _MARGIN, count + 2).round().astype(int)[1:-1]
        yield ControlCase(f"c {count} poses", Constraints((source.pose(0, frames.tolist()),)))
    one, other = source.pin(0, "R_Wrist", *second), source.pin(1, "L_Wrist", *second)
    yield ControlCase("d one pin", Constraints((one,)))
    yield ControlCase("d two pins", Constraints((one, other)))
    contact = source.contact()
    if contact is not None:
        yield ControlCase("e contact", Constraints((contact,)))
    mixture = source.path(0, (0, middle, last)), source.pose(1, (middle,)), source.pin(0, "L_Wrist", *second)
    yield ControlCase("f path pose pin", Constraints(mixture))
    if contact is not None:
        both_ends = source.path(0, ends), source.path(1, ends)
        yield ControlCase("f ends contact", Constraints((*both_ends, contact)))
    yield ControlCase("g reaction path", Constraints((source.path(1, ends),)), reaction=True)
    held = min(middle + _MARGIN, last + 1 - _SECOND)
    answer = source.pose(1, (middle,)), source.pin(1, "R_Wrist", held, held + _SECOND)
    yield ControlCase("g reaction pose", Constraints(answer), reaction=True)


def invented_cases(frames: int) -> Iterator[ControlCase]:
    """The group (h): the first person walks an S-curve, around a right-angled corner, and in a circle.

    Each begins at the origin towards +Z, at the speed of a walk.
    """
    length, radius = 1.1 * frames / FPS, 0.4
    share = np.linspace(0.0, 1.0, frames)
    s_curve = np.stack((0.6 * np.sin(2 * np.pi * share) * np.sin(np.pi * share), length * share), -1)
    reach = round(radius / length * frames)
    walked = length * np.arange(-reach, frames + reach) / (frames - 1) - length / 2
    sharp = np.stack((np.maximum(walked, 0.0), np.minimum(walked, 0.0) + length / 2), -1)
    corner = np.lib.stride_tricks.sliding_window_view(sharp, 2 * reach + 1, axis=0).mean(-1)
    circle = length / (2 * np.pi) * np.stack((1 - np.cos(2 * np.pi * share), np.sin(2 * np.pi * share)), -1)
    for name, places in (("S-curve", s_curve), ("corner", corner), ("circle", circle)):
        step = np.gradient(places, axis=0)
        headings = step[:, [1, 0]] / np.linalg.norm(step, axis=-1, keepdims=True)
        path = PathConstraint(0, tuple(range(frames)), places, headings, dense=True)
        yield ControlCase(f"h {name}", Constraints((path,)), invented=True)
