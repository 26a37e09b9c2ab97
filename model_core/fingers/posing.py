"""Gives two solved people fingers: states blend into angles, hands that hold each other close around each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..kinematics.contacts import hysteresis_runs
from ..kinematics.filters import hann_smoothed, smoothstep
from ..kinematics.pose import PoseBatch
from ..motion.posed import PosedSkeleton
from ..motion.rest import SMPL_REST_OFFSETS, SMPLX_REST_OFFSETS
from ..motion.rotations import continuous_signs, matrix_from_quaternion, quaternion_from_matrix
from ..motion.runs import runs
from ..motion.skeleton import SMPL, SMPLX
from .clasping import Meeting, brought_together
from .closing import OPEN_FOR_CLASP, closed_fingers
from .hand_capsules import HandPlace
from .hand_pose import ANGLES, finger_rotations
from .holds import BUMPED, CLASPED, SLAPPED, Manner, palm_of
from .passing import find_handovers, handed_over, passing_shape
from .resting import Rest, find_rests, fingers_on, laid_on
from .shapes import SHAPES
from .states import CLASP, FINGER_STATES, FIST, FLAT, GRIP, HANDLE, OPEN, RELAXED
from .wrists import hand_of

_STEADY, _BLEND = 5, 4
"""Frames on each side over which states are decided, and over which one blends into the next."""
_STRIDE = 3
"""Frames from one solved clasp to the next; in between the angles are interpolated."""
_CLOSE_FROM = 0.6
"""How far two hands are brought together when their fingers begin to close."""
_LIFE = {RELAXED: 3.0, OPEN: 1.5, FLAT: 1.0, GRIP: 0.6, HANDLE: 0.6, FIST: 0.4}
"""Degrees by which the flexion of fingers slowly varies in some states."""
_PERIODS = (2.3, 3.7, 5.9)
"""Seconds of this variation."""


def with_fingers(
    people: Sequence[PosedSkeleton], probabilities: np.ndarray, held: int | None = None, move_hands: bool = True
) -> list[PosedSkeleton]:
    """Two people on SMPL-X's 55 joints, with fingers; hands that hold each other are turned towards each other.

    Args:
        people: two solved people on SMPL's 22 joints, T frames.
        probabilities: (2, T, 2, S) of the states of left and right hand.
        held: index of a person whose body stays as it is.
        move_hands: whether hands that hold each other are brought together.
    """
    weights = state_weights(probabilities)
    angles = weights @ SHAPES + _life(weights, people[0].fps)
    pose = PoseBatch(
        np.stack([person.offsets for person in people]),
        np.stack([matrix_from_quaternion(person.rotations) for person in people]),
        np.stack([person.translation for person in people]),
        people[0].fps,
    )
    sizes = (body_size(people[0].offsets), body_size(people[1].offsets))
    handovers = find_handovers(weights, pose, sizes)
    passed = {(person, side) for handover in handovers for person, side in enumerate(handover.sides)}
    meetings = [one for one in find_meetings(weights, pose, sizes) if passed.isdisjoint(enumerate(one.sides))]
    for meeting in meetings:
        if meeting.manner.shape is not None:
            for one, side in enumerate(meeting.sides):
                angles[one, :, side] += meeting.shaping[:, None] * (meeting.manner.shape - angles[one, :, side])
    rests: list[Rest] = []
    for handover in handovers:
        for one, side in enumerate(handover.sides):
            # As far as the hand is closed: it takes, or lets go, of something as thick.
            share = np.minimum(handover.shaping, weights[one, :, side, HANDLE] + weights[one, :, side, CLASP])[:, None]
            angles[one, :, side] += share * (passing_shape() - angles[one, :, side])
    if move_hands:
        pose = handed_over(pose, handovers, sizes, held)
        if meetings:
            pose = brought_together(pose, meetings, sizes, held)
        rests = find_rests(weights, pose, sizes, _busy(meetings, pose.translation.shape[1]), held)
        if rests:
            pose = laid_on(pose, rests, sizes)
    if move_hands and (meetings or handovers or rests):
        people = [
            posed if person == held else replace(posed, rotations=solved.rotations)
            for person, (posed, solved) in enumerate(zip(people, pose.skeletons(), strict=True))
        ]
    _close(angles, pose, [one for one in meetings if one.manner is CLASPED], sizes)
    fingers_on(angles, pose, rests, sizes)
    return [_with_finger_angles(person, own) for person, own in zip(people, angles, strict=True)]


def state_weights(probabilities: np.ndarray) -> np.ndarray:
    """Blend weights (2, T, 2, S) of the states, which add up to one: the likeliest one, blended over its changes."""
    series = np.moveaxis(probabilities, 1, -1)  # (2, 2, S, T)
    likeliest = hann_smoothed(series, _STEADY).argmax(2)
    chosen = (likeliest[:, :, None] == np.arange(len(FINGER_STATES))[:, None]).astype(np.float64)
    return np.moveaxis(hann_smoothed(chosen, _BLEND), -1, 1)


def find_meetings(weights: np.ndarray, pose: PoseBatch, sizes: tuple[float, float]) -> list[Meeting]:
    """The hands that hold or touch each other, by weights (2, T, 2, S) of their states: both in one state, and near."""
    joints, rotations = pose.world()
    hands = [[hand_of(joints[one], rotations[one], side, sizes[one]) for side in (0, 1)] for one in (0, 1)]
    return [meeting for manner in (CLASPED, SLAPPED, BUMPED) for meeting in _meetings(weights, hands, manner)]


def _meetings(weights: np.ndarray, hands: Sequence[Sequence[HandPlace]], manner: Manner) -> list[Meeting]:
    """``find_meetings`` in one manner, of the hands of both people."""
    shaped, t, found = weights[..., manner.state], np.arange(weights.shape[1]), []
    for first in (0, 1):
        for second in (0, 1):
            both = np.minimum(shaped[0, :, first], shaped[1, :, second])
            apart = np.linalg.norm(palm_of(hands[0][first]) - palm_of(hands[1][second]), axis=-1)
            together = hysteresis_runs(apart < manner.reach, apart < manner.stays, 0)
            both = both * np.any([(t >= start) & (t < stop) for start, stop in together], axis=0)
            cosine = (manner.looking(hands[0][first]) * manner.looking(hands[1][second])).sum(-1)
            for start, stop in runs(both > 0):
                # On the whole: wrists that bend look elsewhere for a moment.
                both[start:stop] *= cosine[start:stop].mean() <= manner.opposed
            near = hann_smoothed(both[None], _BLEND)[0]
            if (near > 0.5).sum() >= manner.shortest:
                found.append((float(apart[near > 0.5].mean()), Meeting((first, second), near, manner)))
    meetings: list[Meeting] = []
    for _, candidate in sorted(found, key=lambda item: item[0]):
        # A hand holds one hand at a time.
        if not any(
            own == other and (meeting.weight * candidate.weight).any()
            for meeting in meetings
            for own, other in zip(meeting.sides, candidate.sides, strict=True)
        ):
            meetings.append(candidate)
    return meetings


def _busy(meetings: Sequence[Meeting], frames: int) -> np.ndarray:
    """(2, T, 2) 1 where a hand holds or touches the partner's hand, or is about to."""
    result = np.zeros((2, frames, 2))
    for meeting in meetings:
        for person, side in enumerate(meeting.sides):
            result[person, :, side] = np.maximum(result[person, :, side], meeting.shaping)
    return result


def _close(angles: np.ndarray, pose: PoseBatch, clasps: list[Meeting], sizes: tuple[float, float]) -> None:
    """Replace the angles (2, T, 2, 20) of hands that hold each other, in place."""
    joints, rotations = pose.world()
    for clasp in clasps:
        for person, side in enumerate(clasp.sides):
            # Open while the hands pass each other.
            angles[person, :, side] += clasp.shaping[:, None] * (OPEN_FOR_CLASP - angles[person, :, side])
        frames = np.flatnonzero(clasp.weight > 0)
        solved = np.unique(np.append(frames[::_STRIDE], frames[-1]))
        hands = [hand_of(joints[one], rotations[one], clasp.sides[one], sizes[one]) for one in (0, 1)]
        chosen = [hand.frames(solved) for hand in hands]
        for person, closed in enumerate(closed_fingers(*chosen)):
            between = np.stack([np.interp(frames, solved, closed[:, angle]) for angle in range(ANGLES)], axis=-1)
            # When the hands are in place: fingers that close on the way would pass through each other.
            share = smoothstep((clasp.weight[frames, None] - _CLOSE_FROM) / (1 - _CLOSE_FROM))
            own = angles[person, frames, clasp.sides[person]]
            angles[person, frames, clasp.sides[person]] = own + share * (between - own)


def _life(weights: np.ndarray, fps: float) -> np.ndarray:
    """(2, T, 2, 20) small slow variations of the flexion, different for each hand and finger."""
    people, frames, sides, _ = weights.shape
    amount = sum(degrees * weights[..., state] for state, degrees in _LIFE.items())
    time = np.arange(frames)[:, None, None] / fps  # (T, 1, 1)
    number = np.arange(people * sides * ANGLES // 4).reshape(people, 1, sides, -1)
    wave = sum(np.sin(2 * np.pi * time / period + 2.4 * number * (1 + index))
               for index, period in enumerate(_PERIODS)) / len(_PERIODS)  # fmt: skip
    flexion = np.array((0.8, 1.0, 0.7, 0.0))
    return (np.asarray(amount)[..., None, None] * np.asarray(wave)[..., None] * flexion).reshape(
        people, frames, sides, ANGLES
    )


def body_size(offsets: np.ndarray) -> float:
    """Size of a body with offsets (22, 3): the length of its bones over the mannequin's."""
    return float(np.linalg.norm(offsets, axis=-1).sum() / np.linalg.norm(SMPL_REST_OFFSETS, axis=-1).sum())


def _with_finger_angles(person: PosedSkeleton, angles: np.ndarray) -> PosedSkeleton:
    """A person on SMPL's joints with fingers at angles (T, 2, 20), on SMPL-X's."""
    body = len(SMPL)
    fingers = continuous_signs(quaternion_from_matrix(finger_rotations(angles)))
    face = np.zeros((len(person), len(SMPLX) - body - fingers.shape[1], 4))
    face[..., 0] = 1
    return PosedSkeleton(
        np.concatenate((person.offsets, body_size(person.offsets) * SMPLX_REST_OFFSETS[body:])),
        np.concatenate((person.rotations, face, fingers), axis=1),
        person.translation,
        person.fps,
        SMPLX,
    )
