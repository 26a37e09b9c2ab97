"""A scene: two actors, the contacts between them, and the resulting clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...kinematics.filters import hann_smoothed
from ...motion.canonical import mirrored
from ...motion.places import PALM_GAP, swapped_side
from ...motion.rotations import (
    axis_angle_from_quaternion,
    normalized,
    quaternion_conjugate,
    quaternion_from_axis_angle,
    quaternion_multiply,
    shortest_arc,
)
from ...motion.types import FPS, Motion
from .actor import Actor
from .body import (
    FORWARD,
    SIDES,
    J,
    PosedBody,
    floor_direction,
    heading,
    place_on,
    random_body,
    rotate_vectors,
    yaw_quaternion,
)
from .curves import plateau
from .hands import Goal, Reach, World, solve_reaches
from .library import Library

_BEFORE = 0.6
"""Seconds that are simulated before and after the clip, so that people can be moving at its ends."""
START = round(_BEFORE * FPS)
"""Index of the clip's first frame among the simulated ones."""
_SHORTEST, _LONGEST = 3.0, 8.0
"""Shortest and longest clip, in seconds."""
_LARGEST_LOOK = 1.1
"""Largest turn of neck and head together, in radians."""
_MAX_PASSES = 9
"""Highest number of passes in which each person's hands follow the movement of the other's body."""
_SETTLED = 0.004
"""Metres; when no joint moves further from one pass to the next, the hands have reached their targets."""

Shift = tuple[float, float, float]


@dataclass(frozen=True)
class Contact:
    """A hand or foot of one person at a place on the other.

    Attributes:
        person: 0 or 1: whose hand.
        part: "left_hand" or "right_hand".
        place: a name of ``PLACES``, on the partner.
        start, stop: frames, the first and one past the last in which they touch.
        shift: metres from the place, in its joint's frame.
        gap: metres by which the hand stays off the place: two palms' thickness.
    """

    person: int
    part: str
    place: str
    start: int
    stop: int
    shift: Shift = (0.0, 0.0, 0.0)
    gap: float = 0.0


@dataclass(frozen=True)
class ChoreographedClip:
    """Two people and what they do.

    Attributes:
        kind: which interaction.
        seed: of the random numbers.
        people: the two motions.
        schedule: the contacts.
        facts: words that captions may use: ``side``, ``other_side``, ``manner``...
    """

    kind: str
    seed: int
    people: tuple[Motion, Motion]
    schedule: tuple[Contact, ...]
    facts: dict[str, str]

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.people[0])

    @property
    def joints(self) -> np.ndarray:
        """(2, T, 22, 3) of both."""
        return np.stack([person.joints for person in self.people])


@dataclass
class Scene:
    """Collects the actions of two actors from a script. The script's first actor acts, the second one reacts.

    Attributes:
        kind, seed: what is played.
        library: captured motion.
        random: the script's own choices.
        seconds: length of the clip.
        mirror: the finished clip is mirrored, so that scripts need only one hand.
        facts: for the captions.
    """

    kind: str
    seed: int
    library: Library
    random: np.random.Generator
    seconds: float = 4.0
    mirror: bool = False
    facts: dict[str, str] = field(default_factory=dict)
    contacts: list[Contact] = field(default_factory=list)
    _actors: list[Actor] = field(default_factory=list)
    _swap: bool = False

    def __post_init__(self) -> None:
        self.mirror = bool(self.random.random() < 0.5)
        self._swap = bool(self.random.random() < 0.5)

    # --- choices -------------------------------------------------------------------------------------------------

    def vary(self, low: float, high: float) -> float:
        """A random number between two limits."""
        return float(self.random.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.random.random() < probability)

    def one_of(self, *choices: str) -> str:
        """One of some words."""
        return choices[int(self.random.integers(len(choices)))]

    # --- casting -------------------------------------------------------------------------------------------------

    def cast(self, running: bool = False, sitting: bool = False) -> tuple[Actor, Actor]:
        """Both actors, each with its own body, stance and gait."""
        times = np.arange(round((_LONGEST + 2 * _BEFORE) * FPS)) / FPS - _BEFORE
        for number in (0, 1):
            gaits = self.library.runs if running else self.library.walks
            stances = self.library.seated if sitting else self.library.standing
            own = np.random.default_rng([self.seed, number, 77])
            self._actors.append(
                Actor(
                    number,
                    random_body(own),
                    stances[int(own.integers(len(stances)))],
                    gaits[int(own.integers(len(gaits)))],
                    own,
                    times,
                    footing=float(own.uniform(0.8, 1.1)),
                    favoured=int(own.integers(2)),
                )
            )
        return self.actors

    @property
    def actors(self) -> tuple[Actor, Actor]:
        """The actor who acts and the one who reacts."""
        return self._actors[0], self._actors[1]

    def finish_at(self, seconds: float) -> None:
        """The clip ends then, but lasts 3 to 8 seconds."""
        self.seconds = round(min(max(seconds, _SHORTEST), _LONGEST) * FPS) / FPS

    def facing_each_other(self, gap: float, jitter: float = 0.12) -> tuple[Actor, Actor]:
        """Both stand ``gap`` metres apart on the Z axis, the first one at its lower end, and face each other."""
        first, second = self.actors
        slip = [self.vary(-0.05, 0.05) for _ in range(2)]
        first.stand(np.array([slip[0], 0.0, -gap / 2]), self.vary(-jitter, jitter))
        second.stand(np.array([slip[1], 0.0, gap / 2]), np.pi + self.vary(-jitter, jitter))
        return first, second

    # --- hands and contacts --------------------------------------------------------------------------------------

    def touch(
        self, actor: Actor, hand: str, place: str, start: float, stop: float, shift: Shift = (0.0, 0.0, 0.0),
        wiggle: Callable[[np.ndarray], np.ndarray] | None = None, scheduled: tuple[float, float] | None = None,
        contact: bool = True, **how: Any,
    ) -> None:  # fmt: skip
        """A hand ("left" or "right") lies on a place of the partner for a time; ``how`` is as in ``Reach``.

        Args:
            actor: whose hand.
            hand: "left" or "right".
            place: of ``PLACES``.
            start, stop: seconds.
            shift: metres away from it, in the frame of the place's joint.
            wiggle: offsets (T, 3) of the hand in the world, by time.
            scheduled: seconds of the contact that is checked, where it is not all of the time.
            contact: whether it counts as one.
            how: further settings of the reach.
        """
        other = 1 - actor.number
        goal = on_partner(other, place, shift, None if wiggle is None else wiggle(actor.times))
        actor.reach(_reach(SIDES.index(hand), start, stop, goal, how))
        if contact:
            begin, end = scheduled or (start, stop)
            self.contact(actor, f"{hand}_hand", place, begin, end, shift)

    def gesture(
        self, actor: Actor, hand: str, at: Shift, start: float, stop: float,
        wiggle: Callable[[np.ndarray], np.ndarray] | None = None, **how: Any,
    ) -> None:  # fmt: skip
        """A hand goes to a point of the own chest's frame: metres to the hand's own side, up, forward.

        ``wiggle`` adds offsets (T, 3) in that frame.
        """
        side = SIDES.index(hand)
        out = 1.0 - 2.0 * side
        offsets = np.zeros((len(actor.times), 3)) if wiggle is None else wiggle(actor.times)
        points = (np.array(at) + offsets) * np.array([out, 1.0, 1.0]) * actor.body.size
        actor.reach(_reach(side, start, stop, _own_frame(actor.number, points), how))

    def meet(
        self, hand: str, other_hand: str, start: float, stop: float, height: float, share: float = 0.5,
        aside: float = 0.0, wiggle: Callable[[np.ndarray], np.ndarray] | None = None,
        scheduled: tuple[float, float] | None = None, contact: bool = True,
        how: dict[str, Any] | None = None, other_how: dict[str, Any] | None = None,
        apart: tuple[float, float] = (PALM_GAP, 0.0),
    ) -> None:  # fmt: skip
        """The first actor's hand and the second's meet between them and stay joined for a time.

        Args:
            hand, other_hand: "left" or "right".
            start, stop: seconds.
            height: metres over the floor, for people of the usual size.
            share: 0 at the first person, 1 at the second.
            aside: metres to the first person's left.
            wiggle: offsets (T, 3) in the world by time.
            scheduled: the checked part of the time.
            contact: whether it counts.
            how, other_how: settings of both reaches.
            apart: from the first one's palm to the second's: metres along the way between both, and to the left.
        """
        first, second = self.actors
        size = 0.5 * (first.body.size + second.body.size)
        offsets = None if wiggle is None else wiggle(first.times)
        goals = [
            meeting(height * size, share, half * apart[0], aside + half * apart[1], offsets) for half in (-0.5, 0.5)
        ]
        first.reach(_reach(SIDES.index(hand), start, stop, goals[0], how or {}))
        second.reach(_reach(SIDES.index(other_hand), start, stop, goals[1], other_how or how or {}))
        if contact:
            begin, end = scheduled or (start, stop)
            self.contact(first, f"{hand}_hand", f"{other_hand}_hand", begin, end, gap=float(np.hypot(*apart)))

    def contact(
        self,
        actor: Actor,
        part: str,
        place: str,
        start: float,
        stop: float,
        shift: Shift = (0.0, 0.0, 0.0),
        gap: float = 0.0,
    ) -> None:
        """Put a contact into the schedule."""
        self.contacts.append(
            Contact(actor.number, part, place, max(round(start * FPS), 0), round(stop * FPS) + 1, shift, gap)
        )

    # --- the clip ------------------------------------------------------------------------------------------------

    def clip(self) -> ChoreographedClip:
        """Solve the scene and return the clip."""
        frames = round((self.seconds + 2 * _BEFORE) * FPS)
        for actor in self._actors:
            actor.cut(frames)
        base = [actor.base() for actor in self._actors]
        base = self._looking(base)
        sizes = (base[0].body.size, base[1].body.size)
        solved = base
        reaches = [actor.reaches for actor in self._actors]
        worlds = [pose.world() for pose in solved]
        for _ in range(_MAX_PASSES):
            world = World((worlds[0][0], worlds[1][0]), (worlds[0][1], worlds[1][1]), sizes)
            solved = [solve_reaches(base[person], reaches, person, world) for person in (0, 1)]
            before, worlds = worlds, [pose.world() for pose in solved]
            if max(np.abs(worlds[person][0] - before[person][0]).max() for person in (0, 1)) < _SETTLED:
                break
        people = [pose.motion(START, START + round(self.seconds * FPS)) for pose in solved]
        return self._finished(people)

    def _finished(self, people: list[Motion]) -> ChoreographedClip:
        frames, facts = len(people[0]), dict(self.facts)
        schedule = [replace(c, stop=min(c.stop, frames)) for c in self.contacts if c.start < frames]
        if self.mirror:
            people = [mirrored(person) for person in people]
            schedule = [replace(c, part=swapped_side(c.part), place=swapped_side(c.place),
                                shift=(-c.shift[0], c.shift[1], c.shift[2])) for c in schedule]  # fmt: skip
            facts = {key: _swapped_word(word) for key, word in facts.items()}
        if self._swap:
            people = people[::-1]
            schedule = [replace(contact, person=1 - contact.person) for contact in schedule]
        facts["actor"] = str(int(self._swap))
        return ChoreographedClip(self.kind, self.seed, (people[0], people[1]), tuple(schedule), facts)

    def _looking(self, base: list[PosedBody]) -> list[PosedBody]:
        worlds = [pose.world() for pose in base]
        result = []
        for person, actor in enumerate(self._actors):
            pose, partner = base[person], worlds[1 - person][0][:, J["Head"]]
            for start, stop, amount, at in actor.looks:
                share = amount * plateau(actor.times, start, stop, 0.4, 0.5)
                target = partner if at is None else np.broadcast_to(at, partner.shape)
                pose = _look(pose, pose.world(), target, share)
            result.append(pose)
        return result


def _look(pose: PosedBody, world: tuple[np.ndarray, np.ndarray], target: np.ndarray, share: np.ndarray) -> PosedBody:
    """Turn neck and head so that the face points at a target."""
    joints, turns = world
    face = rotate_vectors(turns[:, J["Head"]], FORWARD)
    way = target - joints[:, J["Head"]]
    # The head does not turn towards a partner who stands behind.
    chest = rotate_vectors(turns[:, J["Spine3"]], FORWARD)
    visible = np.clip((way * chest).sum(-1) / np.maximum(np.linalg.norm(way, axis=-1), 1e-6) * 2 + 1.2, 0.0, 1.0)
    vector = axis_angle_from_quaternion(shortest_arc(face, way)) * (share * visible)[:, None]
    vector = hann_smoothed(vector.T, 4).T
    angle = np.linalg.norm(vector, axis=-1, keepdims=True)
    vector *= _LARGEST_LOOK * np.tanh(angle / _LARGEST_LOOK) / np.maximum(angle, 1e-9)
    half = quaternion_from_axis_angle(0.5 * vector)
    result = pose.copy()
    chest_turn, neck, head = (turns[:, J[name]] for name in ("Spine3", "Neck", "Head"))
    new_neck = quaternion_multiply(half, neck)
    new_head = quaternion_multiply(quaternion_multiply(half, half), head)
    result.turns[:, J["Neck"]] = quaternion_multiply(quaternion_conjugate(chest_turn), new_neck)
    result.turns[:, J["Head"]] = quaternion_multiply(quaternion_conjugate(new_neck), new_head)
    return result


def _swapped_word(word: str) -> str:
    return swapped_side(word) if "left" in word or "right" in word else _SWAPPED.get(word, word)


_SWAPPED = {"clockwise": "counterclockwise", "counterclockwise": "clockwise"}


def _reach(side: int, start: float, stop: float, goal: Goal, how: dict[str, Any]) -> Reach:
    """A reach with settings given for a right hand or a left one: x is to the hand's own side, here made left."""
    settings = dict(how)
    out = 1.0 - 2.0 * side
    for name in ("fingers", "palm", "elbow", "bow"):
        value = settings.get(name)
        if isinstance(value, tuple):
            settings[name] = (out * value[0], value[1], value[2])
    return Reach(side, start, stop, goal, **settings)


def on_partner(other: int, place: str, shift: Shift, offsets: np.ndarray | None) -> Goal:
    """A place on a person, as it moves."""

    def goal(world: World) -> np.ndarray:
        point = place_on(place, world.joints[other], world.turns[other], world.sizes[other], shift)
        return point if offsets is None else point + offsets[: len(point)]

    return goal


def _own_frame(person: int, points: np.ndarray) -> Goal:
    def goal(world: World) -> np.ndarray:
        chest = J["Spine3"]
        facing = yaw_quaternion(hann_smoothed(np.unwrap(heading(world.turns[person][:, chest])), 3))
        return world.joints[person][:, chest] + rotate_vectors(facing, points[: len(facing)])

    return goal


def meeting(height: float, share: float, along: float, aside: float, offsets: np.ndarray | None) -> Goal:
    """A point between two people's chests, at a height."""

    def goal(world: World) -> np.ndarray:
        first, second = (world.joints[person][:, J["Pelvis"]] for person in (0, 1))
        way = (second - first) * np.array([1, 0, 1])
        point = first + share * way
        point[:, 1] = height
        point = hann_smoothed(point.T, 4).T
        left = floor_direction(np.arctan2(way[:, 0], way[:, 2]) + np.pi / 2)
        point = point + aside * left + along * normalized(way)
        return point if offsets is None else point + offsets[: len(point)]

    return goal
