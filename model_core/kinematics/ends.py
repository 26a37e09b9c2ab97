"""Lets two people begin and end at rest: time slows down towards the ends of a clip, and lifted feet are put down.

Both people keep one time, so that contacts stay as they are. A clip is drawn a little shorter than it becomes, and may
begin a little later and end a little earlier than it was drawn, where the people are calmer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..motion.limits import MIN_FRAMES
from ..motion.posed import PosedSkeleton
from ..motion.rotations import matrix_from_quaternion
from ..motion.skeleton import SMPL
from .contacts import ANKLES, TOES, estimated_floor, speeds
from .feet import Footing, bend_legs
from .filters import hann_smoothed, smoothstep
from .pose import PoseBatch
from .settings import Ends

_COVERED = 0.55
"""Share of the distance at full speed that people cover while they speed up or slow down."""
_LARGEST_CUT = 0.5
"""Largest share of these times that is left out at an end."""
_SLOWEST = 0.85
"""Slowest pace between the ends; more is not left out."""
_RAISED, _HIGHEST = 0.015, 0.3
"""Metres of a toe over its standing height: lower feet stand, and higher ones hang, as those of a person who sits."""
_RAISED_COST = 3.0
"""Metres a second that a metre of a raised foot costs when the ends are chosen."""
_TOUCH, _TOUCH_COST = 0.14, 1.5
"""Metres from a wrist to the partner's joints within which they touch; the cost, in metres a second, of an end that
cuts a touch off."""
_CUT_COST = 0.3
"""Metres a second that leaving out all of the largest cut costs."""
_WRISTS = (SMPL.index("L_Wrist"), SMPL.index("R_Wrist"))


def at_rest(
    people: Sequence[PosedSkeleton], ends: Ends, frames: int | None = None, bound: np.ndarray | None = None
) -> list[PosedSkeleton]:
    """Let people begin and end at rest.

    Args:
        people: one or two, solved.
        ends: which ends.
        frames: of the result; None for as many as the people have.
        bound: (T,) true for frames of people of the same length that something was asked for. They keep their time; an
            end with such frames, other than its last one, is left as it is. None where nothing was asked for, and the
            pace of the whole clip may change.

    Returns:
        The people, with joints whose speed approaches 0 at the chosen ends.
    """
    count = len(people[0]) if frames is None else frames
    joints = np.stack([person.joints()[:, : len(SMPL)] for person in people])
    begin, end = ends.lengths(count)
    if bound is not None:
        begin, end = begin * (not bound[1 : begin + 1].any()), end * (not bound[count - 1 - end : -1].any())
    if not begin + end or len(people[0]) < MIN_FRAMES // 2:
        return list(people) if len(people[0]) == count else _at_pace(people, count)
    exact = bound is not None
    places = _local_places(count, begin, end) if exact else _places(joints, people[0].fps, count, begin, end)
    weight = 1 - smoothstep(np.arange(count) / begin) if begin else np.zeros(count, dtype=np.float64)
    if end:
        weight = np.maximum(weight, smoothstep((np.arange(count) - (count - 1 - end)) / end))
    return _with_feet_down([person.sampled(places) for person in people], weight)


def _at_pace(people: Sequence[PosedSkeleton], frames: int) -> list[PosedSkeleton]:
    """The people with another number of frames, evenly."""
    return [person.sampled(np.linspace(0.0, len(person) - 1, frames)) for person in people]


def _local_places(frames: int, begin: int, end: int) -> np.ndarray:
    """(T,) places of frames that differ from their own only in ``begin`` and ``end`` frames."""
    places = np.arange(frames, dtype=np.float64)
    if begin:
        places[: begin + 1] = _eased(begin, begin, 1.0)
    if end:
        places[frames - 1 - end :] = frames - 1 - _eased(end, end, 1.0)[::-1]
    return places


def _places(joints: np.ndarray, fps: float, frames: int, begin: int, end: int) -> np.ndarray:
    """(``frames``,) places in joints (P, T, 22, 3), at one pace except in the ``begin`` and ``end`` frames."""
    last = joints.shape[1] - 1
    shortened = frames - 1 - (1 - _COVERED) * (begin + end)
    room = max(last - _SLOWEST * shortened, 0.0)
    cost, touching = _restlessness(joints, fps), _touching(joints)
    left = _cut(cost[::-1], touching[::-1], min(int(_LARGEST_CUT * end), int(room)))
    first = _cut(cost, touching, min(int(_LARGEST_CUT * begin), int(room - left)))
    pace = (last - first - left) / shortened
    places = first + pace * (np.arange(frames) - (1 - _COVERED) * begin)
    if begin:
        places[: begin + 1] = first + _eased(begin, _COVERED * pace * begin, pace)
    if end:
        places[frames - 1 - end :] = last - left - _eased(end, _COVERED * pace * end, pace)[::-1]
    return np.asarray(np.clip(places, 0.0, last))


def _eased(length: int, distance: float, pace: float) -> np.ndarray:
    """(length + 1,) places from 0, at rest, to ``distance``, at a pace: a quintic without acceleration at both ends."""
    t = np.arange(length + 1) / length
    return np.asarray(distance * (10 * t**3 - 15 * t**4 + 6 * t**5) + length * pace * (-4 * t**3 + 7 * t**4 - 3 * t**5))


def _restlessness(joints: np.ndarray, fps: float) -> np.ndarray:
    """(T,) m/s: the speed of the fastest joint of people (P, T, 22, 3), and what raised feet cost."""
    speed = hann_smoothed(speeds(joints, fps).max((0, 2)), 2)
    raised = np.clip(_toes_over(joints, fps), 0.0, _HIGHEST).max((0, 2))
    return np.asarray(speed + _RAISED_COST * raised)


def _toes_over(joints: np.ndarray, fps: float) -> np.ndarray:
    """(P, T, 2) metres of each toe joint over its standing height."""
    return np.asarray(joints[:, :, TOES, 1] - estimated_floor(joints, fps).toes[:, None, None])


def _touching(joints: np.ndarray) -> np.ndarray:
    """(T,) whether a hand of one of two people (P, T, 22, 3) touches the other."""
    if len(joints) < 2:
        return np.zeros(joints.shape[1], dtype=bool)
    gaps = [np.linalg.norm(joints[p][:, _WRISTS, None] - joints[1 - p][:, None], axis=-1).min((1, 2)) for p in (0, 1)]
    return np.asarray(np.minimum(*gaps) < _TOUCH)


def _cut(cost: np.ndarray, touching: np.ndarray, most: int) -> int:
    """Number of frames, ``most`` at most, to leave out before (T,) costs, so that a clip begins where it is calm.

    A touch that the clip's own first frame is not part of is not cut off.
    """
    if most < 1:
        return 0
    split = touching[: most + 1] & ~touching[0]
    total = cost[: most + 1] + _TOUCH_COST * split + _CUT_COST * np.arange(most + 1) / most
    return int(total.argmin())


def _with_feet_down(people: list[PosedSkeleton], weight: np.ndarray) -> list[PosedSkeleton]:
    """Put down feet that are raised in the first or last frame; ``weight`` (T,) is 1 at ends that come to rest."""
    joints, fps = np.stack([person.joints()[:, : len(SMPL)] for person in people]), people[0].fps
    floor, over = estimated_floor(joints, fps), _toes_over(joints, fps)
    second_half = np.arange(len(weight)) >= len(weight) // 2
    share = np.zeros(over.shape)
    for frame, half in ((0, ~second_half), (-1, second_half)):
        raised = (over[:, frame] > _RAISED) & (over[:, frame] < _HIGHEST)
        if weight[frame] == 1.0:
            share = np.maximum(share, raised[:, None] * (weight * half)[None, :, None])
    return [_with_feet(person, joints[n], share[n], floor.ankles[n], floor.toes[n]) for n, person in enumerate(people)]


def _with_feet(
    person: PosedSkeleton, joints: np.ndarray, share: np.ndarray, ankle_height: float, toe_height: float
) -> PosedSkeleton:
    """A person whose feet are brought to the floor by a share (T, 2); both ends of a foot come down vertically."""
    if not share.any():
        return person
    toes, ankles = joints[:, TOES].copy(), joints[:, ANKLES].copy()
    toes[..., 1] += share * np.minimum(toe_height - toes[..., 1], 0.0)
    ankles[..., 1] += share * np.minimum(ankle_height - ankles[..., 1], 0.0)
    matrices = matrix_from_quaternion(person.rotations)[None]
    pose = PoseBatch(person.offsets[None], matrices, person.translation[None], person.fps, person.skeleton)
    footing = Footing(ankles[None], toes[None], share[None], share[None])
    lowered = pose.with_world_rotations(bend_legs(pose, *pose.world(), footing)).skeletons()[0]
    moved = share.any(-1)[:, None, None]
    return replace(person, rotations=np.where(moved, lowered.rotations, person.rotations))
