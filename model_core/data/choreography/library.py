"""Captured single people as material for scenes: takes by caption, gaits as cycles, standing and sitting people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...errors import UserError
from ...kinematics.contacts import lock_corrections, stance_runs
from ...motion.forward_kinematics import global_rotations
from ...motion.rest import SMPL_REST_OFFSETS
from ...motion.rotations import quaternion_from_matrix
from ...motion.runs import runs
from ...motion.types import FPS, Motion
from ..captured import CapturedClip
from .body import TOE_HEIGHT, BodyShape, J, PosedBody, heading, yaw_quaternion
from .gaits import Gait, gait_of
from .tracks import Track, reflected

_TOES, _ANKLES = (J["L_Foot"], J["R_Foot"]), (J["L_Ankle"], J["R_Ankle"])
ARM_JOINTS = tuple(J[f"{s}_{n}"] for s in "LR" for n in ("Collar", "Shoulder", "Elbow", "Wrist"))
TRUNK_JOINTS = tuple(J[name] for name in ("Spine1", "Spine2", "Spine3", "Neck", "Head"))


_LOW = 0.9
"""In leg lengths: with a lower pelvis, a person crouches, sits or falls."""
_UPRIGHT = 1.208
"""Lowest pelvis of a standing person, in leg lengths."""


@dataclass(frozen=True)
class Take:
    """A captured clip of one person, in its own world.

    Attributes:
        name: the take, with the frame it starts in.
        text: the capture's caption.
        track: at the captured person's size; toes are still where they stand.
        leg: length of that person's thigh and shin, metres.
    """

    name: str
    text: str
    track: Track
    leg: float

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.track)

    def on(self, body: BodyShape) -> Track:
        """The take on another body: travel in proportion to its legs."""
        ratio = body.leg / self.leg
        return Track(self.track.turns, self.track.root * ratio, self.track.toes * ratio, self.track.feet)

    @cached_property
    def mirrored(self) -> Take:
        """Its mirror image."""
        return Take(f"{self.name} mirrored", self.text, reflected(self.track), self.leg)

    def window(self, random: np.random.Generator, frames: int, roaming: float = 0.4, lively: bool = False) -> int:
        """First frame of a stretch in which the body stays within about ``roaming`` metres of one place.

        With ``lively``, of those that do and stay upright, the one in which feet move most.
        """
        last = max(len(self) - frames - 1, 1)
        starts = [int(start) for start in random.integers(0, last, 12)]
        paths = [self.track.root[start : start + frames, [0, 2]] for start in starts]
        spreads = np.array([float(np.abs(path - path.mean(0)).max()) for path in paths])
        inside = np.flatnonzero(spreads <= max(roaming, spreads.min()))
        if not lively:
            return starts[int(inside[0])]
        heights = np.array([self.track.root[start : start + frames, 1].min() / self.leg for start in starts])
        inside = inside[heights[inside] > _LOW] if (heights[inside] > _LOW).any() else inside
        return starts[max(inside, key=lambda index: float(self.speeds[starts[index] : starts[index] + frames].mean()))]

    @cached_property
    def speeds(self) -> np.ndarray:
        """(T, 2) m/s of the toes."""
        return np.linalg.norm(np.gradient(self.track.toes, axis=0), axis=-1) * FPS

    @cached_property
    def facing(self) -> np.ndarray:
        """(T,) heading of the pelvis, radians, continuous."""
        return np.unwrap(heading(self.track.turns[:, 0]))


def take_of(motion: Motion, name: str, text: str) -> Take:
    """A captured motion as a take."""
    if motion.rotations is None or motion.root_orientation is None:
        raise ValueError("choreography needs captured motion with rotations")
    local = np.concatenate((motion.root_orientation[:, None], motion.rotations), axis=1).astype(np.float64)
    joints = motion.joints.astype(np.float64)
    turns = quaternion_from_matrix(local)
    feet = quaternion_from_matrix(global_rotations(local, motion.skeleton)[:, _ANKLES])
    bones = np.linalg.norm(joints[:, [J["L_Knee"], J["L_Ankle"]]] - joints[:, [J["L_Hip"], J["L_Knee"]]], axis=-1).mean(
        0
    )
    toes = joints[:, _TOES].copy()
    for side in (0, 1):
        path = toes[:, side]
        speed = np.linalg.norm(np.gradient(path, axis=0), axis=-1) * FPS
        low = path[:, 1] - TOE_HEIGHT
        runs = stance_runs(path, (low < 0.035) & (speed < 0.4), (low < 0.06) & (speed < 0.8), FPS)
        fix, share = lock_corrections(path, runs, TOE_HEIGHT, 4)
        toes[:, side] = path + share[:, None] * fix
    return Take(name, text, Track(turns, joints[:, 0], toes, feet), float(bones.sum()))


@dataclass(frozen=True)
class Stance:
    """A standing or sitting person with small natural movement, facing +Z over the origin, with planted feet.

    Attributes:
        take: frames in which no foot moves.
        name: for the record.
    """

    take: Take

    def on(self, body: BodyShape, start: int, frames: int) -> Track:
        """``frames`` frames from ``start`` on, played forwards and backwards."""
        track = self.take.on(body)
        length = len(track)
        index = (start + np.arange(frames)) % (2 * length - 2)
        return track.at(np.where(index < length, index, 2 * length - 2 - index).astype(np.float64))


@dataclass(frozen=True)
class Library:
    """All captured clips of single people.

    Attributes:
        takes: every clip.
    """

    takes: tuple[Take, ...]

    def named(self, *words: str) -> list[Take]:
        """Takes whose caption has one of the words.

        Raises:
            UserError: there is none.
        """
        found = [take for take in self.takes if any(word in take.text.lower() for word in words)]
        if not found:
            raise UserError(
                f"The captured data has no take whose caption speaks of '{words[0]}', which this choreography needs; "
                "use the complete data or choose other kinds."
            )
        return found

    @cached_property
    def walks(self) -> list[Gait]:
        """Walking cycles."""
        found = self._gaits("walk", (0.8, 1.7))
        return [gait for gait in found if _arms_hang(gait)] or found

    @cached_property
    def runs(self) -> list[Gait]:
        """Running cycles."""
        return self._gaits("run", (2.2, 5.0))

    def _gaits(self, word: str, speeds: tuple[float, float]) -> list[Gait]:
        found = []
        for take in self.named(word):
            if any(word in take.text for word in ("turn", "leap", "exaggerated", "navigate")):
                continue
            gait = gait_of(take.track, take.leg)
            if gait is not None and speeds[0] < gait.speed * take.leg < speeds[1] and gait.toe_lift.max() < 0.5:
                found.append(gait)
        if not found:
            raise UserError(f"No take of the captured data holds a straight {word} of a whole cycle; add one.")
        return found

    @cached_property
    def standing(self) -> list[Stance]:
        """People who stand still, upright."""
        words = ("drink", "bottle", "soccer", "traffic", "laugh", "window", "stand")
        chosen = [take for take in self.takes if any(word in take.text for word in words) and "sit" not in take.text]
        found = _still_stretches(chosen, 45, (1.02, 1.35), 10.0)
        if not found:
            raise UserError("No take of the captured data holds a person who stands still for 1.5 s; add one.")
        even = [take for take in found if np.abs(take.track.root[:, [0, 2]]).max() < 0.11]
        return [Stance(_even_feet(take)) for take in even or found]

    @cached_property
    def seated(self) -> list[Stance]:
        """People who sit."""
        sitting = [take for take in self.takes if "sit" in take.text]
        return [Stance(take) for take in _still_stretches(sitting, 60, (0.2, 0.74), 30.0)]


def _arms_hang(gait: Gait) -> bool:
    """Whether both arms hang at the sides of the body."""
    pose = PosedBody(BodyShape(SMPL_REST_OFFSETS, 1.0), gait.mean[None].copy(), np.zeros((1, 3)))
    joints = pose.world()[0][0]
    wrists = joints[[J["L_Wrist"], J["R_Wrist"]]]
    return bool((wrists[:, 1] < 0.06).all() and (np.abs(wrists[:, 0]) < 0.36).all())


def _lean(take: Take) -> np.ndarray:
    """(T,) degrees between the trunk, from pelvis to neck, and the vertical."""
    joints = PosedBody(BodyShape(SMPL_REST_OFFSETS, 1.0), take.track.turns, take.track.root).world()[0]
    trunk = joints[:, J["Neck"]] - joints[:, J["Pelvis"]]
    return np.degrees(np.arctan2(np.linalg.norm(trunk[:, [0, 2]], axis=-1), trunk[:, 1]))


def _still_stretches(takes: Sequence[Take], least: int, heights: tuple[float, float], lean: float) -> list[Take]:
    """Stretches of takes with planted feet, the root at a height (in leg lengths) and an upright trunk.

    A person who stretches towards a window or is about to get up leans by more than ``lean`` degrees: no stance.
    """
    found = []
    for take in takes:
        calm = (take.speeds < 0.22).all(1)
        level = take.track.root[:, 1] / take.leg
        calm &= (level > heights[0]) & (level < heights[1]) & (_lean(take) < lean)
        found += [_settled(take, start, stop) for start, stop in runs(calm) if stop - start >= least]
    return [take for take in found if take.name]


def _settled(take: Take, start: int, stop: int) -> Take:
    """A stretch turned to face +Z over the origin, with the feet fixed at their most frequent places."""
    track, frames = take.track, stop - start
    yaw = -float(np.median(take.facing[start:stop]))
    centre = np.median(track.root[start:stop], axis=0) * np.array([1, 0, 1])
    cut = Track(
        track.turns[start:stop],
        track.root[start:stop] - centre,
        track.toes[start:stop] - centre,
        track.feet[start:stop],
    ).placed(yaw, np.zeros(3))
    toes = np.repeat(np.median(cut.toes, axis=0)[None], frames, axis=0)
    toes[..., 1] = TOE_HEIGHT
    # A foot that stands is flat: only its direction is kept.
    feet = yaw_quaternion(np.repeat(np.median(_foot_yaw(cut), axis=0)[None], frames, axis=0))
    return Take(f"{take.name}:{start}", take.text, Track(cut.turns, cut.root, toes, feet), take.leg)


def _even_feet(take: Take) -> Take:
    """A stance with the feet under the body, at most as far apart as in a conversation."""
    track = take.track
    toes = track.toes.copy()
    middle = toes.mean(axis=1, keepdims=True)
    apart = toes - middle
    apart[..., 0] = np.sign(apart[..., 0]) * np.clip(np.abs(apart[..., 0]), 0.09, 0.16)
    apart[..., 2] = np.clip(apart[..., 2], -0.06, 0.06)
    centre = np.array([0.0, TOE_HEIGHT, 0.085])
    # Captured legs, laid over another skeleton, come out a little bent.
    raised = track.root + np.array([0.0, _UPRIGHT * take.leg - np.median(track.root[:, 1]), 0.0])
    return Take(take.name, take.text, Track(track.turns, raised, centre + apart, track.feet), take.leg)


def _foot_yaw(track: Track) -> np.ndarray:
    return heading(track.feet)


def library_from(clips: Sequence[CapturedClip]) -> Library:
    """The library of captured clips of one person; clips of two people add each person as a take of their own."""
    takes = []
    for clip in clips:
        for number, person in enumerate(clip.people):
            suffix = f"/{number}" if len(clip.people) > 1 else ""
            takes.append(take_of(person, f"{clip.take}{suffix}@{clip.start}", clip.text))
    return Library(tuple(takes))
