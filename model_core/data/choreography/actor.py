"""One person of a scene: the actions that a script uses, and the base motion that results from them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...motion.rest import SMPL_REST_OFFSETS
from ...motion.rotations import quaternion_multiply
from ...motion.types import FPS
from .body import BodyShape, J, PosedBody, axis_quaternion, floor_direction, heading
from .curves import cruise, damped_spring, idle_noise, min_jerk, plateau
from .gaits import Gait
from .ground import Leap, leap, plank
from .hands import Reach, Reaches
from .library import ARM_JOINTS, TRUNK_JOINTS, Stance, Take
from .stepping import locomotion
from .tracks import Track, on_feet, vertical

_SPINE = ("Spine1", "Spine2", "Spine3")


@dataclass(frozen=True)
class _Move:
    start: float
    stop: float
    shift: np.ndarray
    turn: float
    bow: float
    ramping: float


@dataclass(frozen=True)
class _Bend:
    joints: tuple[str, ...]
    axis: str
    curve: np.ndarray


@dataclass
class Actor:
    """One person. Times are seconds from the clip's first frame; angles radians, from +Z towards +X.

    Attributes:
        number: 0 or 1.
        body, stance, gait: who, how standing, how walking.
        random: of this person alone.
        times: (T,) of the frames, with some before and after the clip.
        place, yaw: where the script has brought the person so far.
        footing: how much wider (above 1) or closer than the captured stance the feet stand.
    """

    number: int
    body: BodyShape
    stance: Stance
    gait: Gait
    random: np.random.Generator
    times: np.ndarray
    place: np.ndarray = field(default_factory=lambda: np.zeros(3))
    yaw: float = 0.0
    footing: float = 1.0
    favoured: int = 0
    arms_from_stance: bool = False
    life: float = 1.0
    reaches: Reaches = field(init=False)
    _moves: list[_Move] = field(default_factory=list)
    _played: Track | None = None
    _bends: list[_Bend] = field(default_factory=list)
    _sinks: list[np.ndarray] = field(default_factory=list)
    _pelvis: list[tuple[np.ndarray, str]] = field(default_factory=list)
    _kicks: list[tuple[int, np.ndarray, np.ndarray, float]] = field(default_factory=list)
    _kneels: list[tuple[int, np.ndarray]] = field(default_factory=list)
    _seats: list[np.ndarray] = field(default_factory=list)
    _weights: list[np.ndarray] = field(default_factory=list)
    _sits: list[np.ndarray] = field(default_factory=list)
    _planks: list[np.ndarray] = field(default_factory=list)
    _leaps: list[Leap] = field(default_factory=list)
    looks: list[tuple[float, float, float, np.ndarray | None]] = field(default_factory=list)
    path: tuple[np.ndarray, np.ndarray] | None = None
    _start: tuple[np.ndarray, float] = field(default_factory=lambda: (np.zeros(3), 0.0))

    def __post_init__(self) -> None:
        self.reaches = Reaches(self.times)

    # --- standing and travelling ---------------------------------------------------------------------------------

    def stand(self, place: np.ndarray, yaw: float) -> None:
        """Set the place (3,) and the facing angle at the beginning of the clip."""
        self.place, self.yaw = np.asarray(place, dtype=np.float64).copy(), float(yaw)
        self._start = (self.place.copy(), self.yaw)

    def move(
        self, start: float, stop: float, shift: np.ndarray | None = None, turn: float = 0.0, bow: float = 0.0,
        ramping: float = 0.35,
    ) -> None:  # fmt: skip
        """Travel by ``shift`` (3,) while turning by an angle, ``bow`` metres to the left of the straight line."""
        shift = np.zeros(3) if shift is None else np.asarray(shift, dtype=np.float64)
        self._moves.append(_Move(start, stop, shift, turn, bow, ramping))
        self.place, self.yaw = self.place + shift, self.yaw + turn

    def step(self, start: float, stop: float, forward: float = 0.0, left: float = 0.0, turn: float = 0.0) -> None:
        """Travel in the person's own frame, keeping the facing except for ``turn``."""
        self.move(start, stop, forward * floor_direction(self.yaw) + left * floor_direction(self.yaw + np.pi / 2), turn)

    def walk(
        self, to: np.ndarray, start: float, stop: float, facing: float | None = None, bow: float = 0.0,
        ramping: float = 0.25, turning: float = 0.6,
    ) -> None:  # fmt: skip
        """Turn towards a place, walk there, and turn to face an angle; without one, keep the direction of travel."""
        way = np.asarray(to, dtype=np.float64) - self.place
        along = float(np.arctan2(way[0], way[2]))
        first = wrapped(along - self.yaw)
        if abs(first) > 1e-3:
            self.move(start - 0.6 * turning, start + 0.6 * turning, None, first)
        if facing is not None:
            last = wrapped(facing - self.yaw)
            self.move(stop - 0.7 * turning, stop + 0.3 * turning, None, last)
        self.move(start, stop, way, 0.0, bow, ramping)

    # --- captured motion -----------------------------------------------------------------------------------------

    def play(
        self, take: Take, first: int, centre: np.ndarray, aim: float, speed: float = 1.0, by_hands: bool = True
    ) -> None:
        """Follow a take with the whole body from before the clip to its end.

        Args:
            take: what to play.
            first: frame of the take at second 0.
            centre: (3,) place on the floor about which the body moves.
            aim: angle towards which the hands reach out, or the pelvis faces.
            speed: of playing.
            by_hands: which of the two.
        """
        frames = np.clip(first + self.times * FPS * speed, 0, len(take) - 1)
        track = take.on(self.body).at(frames)
        first, last = int(frames[0]), int(frames[-1]) + 1
        turn = aim - (reach_direction(take, first, last) if by_hands else float(np.median(take.facing[first:last])))
        middle = track.root.mean(0) * np.array([1, 0, 1])
        track = track.placed(0.0, -middle).placed(turn, np.asarray(centre, dtype=np.float64))
        self.place, self.yaw = np.asarray(centre, dtype=np.float64), aim
        self._start = (self.place, aim)
        self._played = track

    def kick(self, side: int, time: float, forward: float, height: float, pitch: float, quick: float = 1.0) -> None:
        """Swing a leg (0 left, 1 right) so that its toes are ``forward`` and ``height`` metres away at a time."""
        back = -0.3 if height < 0.4 else 0.12
        chamber = 0.16 if height < 0.4 else 0.62 * height
        keys = np.array([-0.75, -0.3, 0.0, 0.12, 0.42, 0.85]) / quick + time
        ahead = np.array([0.0, back, forward, forward, 0.12, 0.0])
        up = np.array([0.0, chamber, height, height, 0.55 * height, 0.0])
        self._kicks.append((side, _keyed(self.times, keys, ahead), _keyed(self.times, keys, up), pitch))
        lean = plateau(self.times, time - 0.05, time + 0.15, 0.4 / quick, 0.6 / quick)
        self._pelvis.append((-0.35 * min(height, 0.8) * lean, "x"))
        self.sway(-0.15 * min(height, 0.8) * lean, "x")

    # --- trunk and pelvis ----------------------------------------------------------------------------------------

    def bend(self, angle: float, start: float, stop: float, rise: float, fall: float, axis: str = "x",
             joints: tuple[str, ...] = _SPINE) -> None:  # fmt: skip
        """Bend the trunk forward (x), turn it left (y) or tilt it right (z) by an angle, shared by the joints."""
        self._bends.append(_Bend(joints, axis, angle * plateau(self.times, start, stop, rise, fall)))

    def sway(self, curve: np.ndarray, axis: str, joints: tuple[str, ...] = _SPINE) -> None:
        """Turn joints by a curve of angles (T,)."""
        self._bends.append(_Bend(joints, axis, curve))

    def recoil(self, time: float, angle: float, axis: str = "x", frequency: float = 1.1, decay: float = 4.0) -> None:
        """React to a blow at a time: the trunk swings like a damped spring, the head a little later."""
        self.sway(angle * damped_spring(self.times, time, frequency, decay), axis)
        self.sway(0.7 * angle * damped_spring(self.times, time + 0.06, 1.4 * frequency, decay), axis, ("Neck", "Head"))

    def bow_down(self, angle: float, start: float, stop: float, rise: float, fall: float) -> None:
        """Bow from the hips: two fifths pelvis, the rest spine."""
        curve = plateau(self.times, start, stop, rise, fall)
        self._pelvis.append((0.4 * angle * curve, "x"))
        self.sway(0.6 * angle * curve, "x")
        self.sway(0.25 * angle * curve, "x", ("Neck", "Head"))

    def sink(self, depth: float, start: float, stop: float, rise: float, fall: float) -> None:
        """Lower the pelvis by bending the knees."""
        self._sinks.append(depth * plateau(self.times, start, stop, rise, fall))

    def sink_by(self, curve: np.ndarray) -> None:
        """Lower the pelvis by a curve (T,) of metres."""
        self._sinks.append(curve)

    def kneel(self, side: int, start: float, stop: float, down: float, up: float) -> None:
        """Go down on one knee (0 left, 1 right) and rise again."""
        self._kneels.append((side, plateau(self.times, start, stop, down, up)))

    def fall_on_seat(self, start: float, stop: float, down: float, up: float) -> None:
        """Fall backwards on the seat, sit on the floor behind the own feet from ``start`` to ``stop``, and rise."""
        self._seats.append(plateau(self.times, start, stop, down, up))

    def weight(self, curve: np.ndarray) -> None:
        """Carry the pelvis forward over feet that stay, by a curve (T,) of metres; negative is back."""
        self._weights.append(curve)

    def sit(self, start: float, stop: float, down: float, up: float) -> None:
        """Sit down behind the feet, on something as high as the knees, and stand up again."""
        share = plateau(self.times, start, stop, down, up)
        self._sits.append(share)
        # The trunk goes forward over the feet on the way, and stays upright on the seat.
        self.sway(2.6 * share * (1 - share), "x")
        self.sway(-0.9 * share * (1 - share), "x", ("Neck", "Head"))

    def plank(self, low: np.ndarray) -> None:
        """Lie on hands and toes, the head ahead, all the time: ``low`` (T,) is 0 on stretched arms, 1 on the floor."""
        self._planks.append(low)

    def leap(self, start: float, stop: float, height: float, spread: float) -> None:
        """Be in the air between two times, by ``height`` metres at most, with the feet ``spread`` metres out."""
        self._leaps.append(Leap(start, stop, height, spread))

    def look(self, start: float, stop: float, share: float = 0.85, at: np.ndarray | None = None) -> None:
        """Look at the partner's face, or at a place (3,) in the world."""
        self.looks.append((start, stop, share, at))

    # --- hands ---------------------------------------------------------------------------------------------------

    def reach(self, reach: Reach) -> None:
        """Add a reach of a hand."""
        self.reaches.items.append(reach)

    def cut(self, frames: int) -> None:
        """Limit the motion to a number of frames."""
        self.times = self.times[:frames]
        self.reaches.times = self.times

    # --- the result ----------------------------------------------------------------------------------------------

    def route(self) -> tuple[np.ndarray, np.ndarray]:
        """Places (T, 3) on the floor and facing (T,) over time."""
        if self.path is not None:
            return self.path[0][: len(self.times)], self.path[1][: len(self.times)]
        places = np.repeat(self._start[0][None], len(self.times), axis=0)
        yaw = np.full(len(self.times), self._start[1])
        for move in self._moves:
            share = np.clip((self.times - move.start) / max(move.stop - move.start, 1e-3), 0, 1)
            done = cruise(share, move.ramping)
            places = places + done[:, None] * move.shift
            yaw = yaw + move.turn * done
            length = float(np.linalg.norm(move.shift))
            if move.bow and length > 0.05:
                along = float(np.arctan2(move.shift[0], move.shift[2]))
                places = places + (move.bow * np.sin(np.pi * done) ** 2)[:, None] * floor_direction(along + np.pi / 2)
                yaw = yaw + np.arctan(move.bow * np.pi * np.sin(2 * np.pi * done) / length)
        return places, yaw

    def base(self) -> PosedBody:
        """The person's motion without reaches."""
        frames = len(self.times)
        if self._played is None:
            track = locomotion(self.body, self._own_stance(frames), self.gait, *self.route(), favoured=self.favoured)
        else:
            track = self._played.first(frames)
        turns, root = track.turns.copy(), track.root.copy()
        tilt = 0.018 * self.life
        noise = idle_noise(self.random, frames, (len(TRUNK_JOINTS) + len(ARM_JOINTS), 3))
        for index, joint in enumerate(TRUNK_JOINTS + ARM_JOINTS):
            amount = tilt * (1.6 if joint in ARM_JOINTS else 1.0)
            for number, name in enumerate("xyz"):
                turns[:, joint] = quaternion_multiply(
                    turns[:, joint], axis_quaternion(name, amount * noise[:, index, number])
                )
        for bend in self._bends:
            for name in bend.joints:
                part = axis_quaternion(bend.axis, bend.curve[:frames] / len(bend.joints))
                turns[:, J[name]] = quaternion_multiply(part, turns[:, J[name]])
        facing = heading(turns[:, 0])
        for curve, axis in self._pelvis:
            curve = curve[:frames]
            turns[:, 0] = quaternion_multiply(turns[:, 0], axis_quaternion(axis, curve))
            root = root - (0.16 * np.sin(curve))[:, None] * floor_direction(facing) - vertical(0.04 * np.sin(curve))
        for curve in self._sinks:
            root = root - vertical(curve[:frames])
        track = Track(turns, root, track.toes, track.feet)
        for side, ahead, up, pitch in self._kicks:
            track = self._kicking(track, side, ahead[:frames], up[:frames], pitch, facing)
        for side, share in self._kneels:
            track = self._kneeling(track, side, share[:frames], facing)
        for share in self._seats:
            track = self._on_the_floor(track, share[:frames], facing)
        for curve in self._weights:
            track = Track(
                track.turns, track.root + curve[:frames, None] * floor_direction(facing), track.toes, track.feet
            )
        for share in self._sits:
            track = self._sitting(track, share[:frames], facing)
        for low in self._planks:
            track = plank(track, self.body, low[:frames], facing)
        for one in self._leaps:
            track = leap(track, self.body, one, self.times[:frames], facing)
        return on_feet(track, self.body)

    def _own_stance(self, frames: int) -> Track:
        stance = self.stance.on(self.body, int(self.random.integers(len(self.stance.take))), frames)
        turns = stance.turns.copy()
        if not self.arms_from_stance:
            arms = list(ARM_JOINTS)
            turns[:, arms] = self.gait.mean[arms]
        toes = stance.toes.copy()
        toes[..., 0] *= self.footing
        return Track(turns, stance.root, toes, stance.feet)

    def _kicking(
        self, track: Track, side: int, ahead: np.ndarray, up: np.ndarray, pitch: float, facing: np.ndarray
    ) -> Track:
        root, toes, feet = track.root.copy(), track.toes.copy(), track.feet.copy()
        out = 1.0 - 2.0 * side
        amount = np.clip(up / 0.15, 0.0, 1.0)
        toes[:, side] += ahead[:, None] * floor_direction(facing) + vertical(up)
        # Towards the middle, while the weight goes over the other foot.
        toes[:, side] -= (0.06 * out * amount)[:, None] * floor_direction(facing + np.pi / 2)
        root -= (0.07 * out * amount)[:, None] * floor_direction(facing + np.pi / 2)
        feet[:, side] = quaternion_multiply(feet[:, side], axis_quaternion("x", pitch * amount))
        return Track(track.turns, root, toes, feet)

    def _kneeling(self, track: Track, side: int, share: np.ndarray, facing: np.ndarray) -> Track:
        """Move one foot back onto its toes and lower the pelvis until the knee is near the floor."""
        root, toes, feet = track.root.copy(), track.toes.copy(), track.feet.copy()
        size = self.body.size
        back = floor_direction(facing)
        # The foot first, then the weight.
        early = np.clip(share * 2, 0, 1)
        early = early * early * (3 - 2 * early)
        toes[:, side] -= (0.52 * size * early)[:, None] * back
        toes[:, side, 1] += 0.06 * np.sin(np.pi * early) ** 2
        toes[:, 1 - side] += (0.14 * size * early)[:, None] * back
        toes[:, 1 - side, 1] += 0.03 * np.sin(np.pi * early) ** 2
        feet[:, side] = quaternion_multiply(feet[:, side], axis_quaternion("x", 1.1 * share))
        thigh = float(np.linalg.norm(self.body.offsets[J["L_Knee"]]))
        low = thigh + 0.06 + 0.09 * size
        root = root + vertical(share * (low - root[:, 1])) - (0.10 * share * size)[:, None] * back
        return Track(track.turns, root, toes, feet)

    def _on_the_floor(self, track: Track, share: np.ndarray, facing: np.ndarray) -> Track:
        """Lower the pelvis to the floor behind the feet, which stay; first back, then down."""
        root, toes, turns = track.root.copy(), track.toes.copy(), track.turns.copy()
        size, back = self.body.size, floor_direction(facing)
        early = min_jerk(1.4 * share)
        root = root - (0.5 * size * early)[:, None] * back + vertical(share**1.5 * (0.13 * size - root[:, 1]))
        toes = toes + (0.08 * size * early)[:, None, None] * back[:, None]
        turns[:, 0] = quaternion_multiply(turns[:, 0], axis_quaternion("x", -0.3 * share))
        return Track(turns, root, toes, track.feet)

    def _sitting(self, track: Track, share: np.ndarray, facing: np.ndarray) -> Track:
        """Move the pelvis back and down until the thighs are level."""
        thigh, size = float(np.linalg.norm(self.body.offsets[J["L_Knee"]])), self.body.size
        seat = self.body.leg - thigh + 0.16 * size
        root = track.root + vertical(share * (seat - track.root[:, 1]))
        back = (0.92 * thigh * share)[:, None] * floor_direction(facing)
        return Track(track.turns, root - back, track.toes, track.feet)


def wrapped(angle: float) -> float:
    """An angle between minus and plus pi."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def _keyed(times: np.ndarray, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A curve (T,) through values at key times, smooth in between and flat at each."""
    place = np.clip(np.searchsorted(keys, times, side="right") - 1, 0, len(keys) - 2)
    share = min_jerk((times - keys[place]) / (keys[place + 1] - keys[place]))
    return values[place] + share * (values[place + 1] - values[place])


def reach_direction(take: Take, first: int, last: int) -> float:
    """The angle about the vertical in which the hands of a take reach farthest, between two frames."""
    posed = PosedBody(PLAIN, take.track.turns[first:last:3], take.track.root[first:last:3])
    joints = posed.world()[0]
    way = (joints[:, (J["L_Wrist"], J["R_Wrist"])] - joints[:, None, J["Pelvis"]])[..., [0, 2]]
    length = np.linalg.norm(way, axis=-1, keepdims=True)
    total = (way * length**3).sum((0, 1))
    return float(np.arctan2(total[0], total[1]))


PLAIN = BodyShape(SMPL_REST_OFFSETS, 1.0)
"""A body of average size."""
