"""The measures of the detectors: distances, speeds and angles of two people over time, and summaries of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...kinematics.capsules import WRIST_TO_PALM
from ...kinematics.filters import hann_smoothed
from ...motion.runs import runs
from ...motion.skeleton import SMPL
from ...motion.types import FPS

J = {name: index for index, name in enumerate(SMPL.joints)}
_SMOOTHING = 4
"""Frames on each side over which speeds are averaged."""


def longest_run(condition: np.ndarray) -> float:
    """Seconds of the longest run of frames in which a condition (T,) holds."""
    return max((stop - start for start, stop in runs(condition)), default=0) / FPS


def count_runs(condition: np.ndarray) -> int:
    """Number of runs of frames in which a condition (T,) holds."""
    return len(runs(condition))


def fraction(condition: np.ndarray) -> float:
    """Fraction of frames in which a condition (T,) holds."""
    return float(condition.mean())


def count_reversals(path: np.ndarray, minimum: float) -> int:
    """Number of reversals of a path (T,) after moves of at least ``minimum``, in the path's unit."""
    count, direction, turn = 0, 0, float(path[0])
    for value in path:
        if direction >= 0 and value < turn - minimum:
            count, direction, turn = count + 1, -1, float(value)
        elif direction <= 0 and value > turn + minimum:
            count, direction, turn = count + 1, 1, float(value)
        elif (direction > 0 and value > turn) or (direction < 0 and value < turn) or (direction == 0 and count == 0):
            turn = float(value) if direction else turn
    return max(count - 1, 0)


@dataclass(frozen=True)
class Person:
    """One person over time.

    Attributes:
        joints: (T, 22, 3) metres, Y up, floor at 0.
    """

    joints: np.ndarray

    @cached_property
    def root(self) -> np.ndarray:
        """(T, 2) X and Z of the pelvis."""
        return self.joints[:, 0][:, [0, 2]]

    @cached_property
    def velocity(self) -> np.ndarray:
        """(T, 2) m/s of the pelvis over the floor, smoothed over a third of a second."""
        return hann_smoothed(np.gradient(self.root, axis=0).T * FPS, _SMOOTHING).T

    @cached_property
    def speed(self) -> np.ndarray:
        """(T,) m/s of the pelvis over the floor."""
        return np.linalg.norm(self.velocity, axis=-1)

    @cached_property
    def forward(self) -> np.ndarray:
        """(T, 2) X and Z of the unit direction that hips and shoulders face."""
        left = sum(self.joints[:, J[f"L_{n}"]] - self.joints[:, J[f"R_{n}"]] for n in ("Hip", "Shoulder"))
        across = np.asarray(left)
        direction = np.stack((-across[:, 2], across[:, 0]), -1)
        return direction / np.maximum(np.linalg.norm(direction, axis=-1, keepdims=True), 1e-6)

    @cached_property
    def heading(self) -> np.ndarray:
        """(T,) radians from +Z towards +X, continuous."""
        return np.unwrap(np.arctan2(self.forward[:, 0], self.forward[:, 1]))

    @cached_property
    def advancing(self) -> np.ndarray:
        """(T,) m/s of the pelvis in the direction that it faces."""
        return (self.velocity * self.forward).sum(-1)

    @cached_property
    def palms(self) -> np.ndarray:
        """(T, 2, 3) left and right palm."""
        wrists = self.joints[:, [J["L_Wrist"], J["R_Wrist"]]]
        along = wrists - self.joints[:, [J["L_Elbow"], J["R_Elbow"]]]
        return wrists + WRIST_TO_PALM * along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-6)

    @cached_property
    def hand_speed(self) -> np.ndarray:
        """(T, 2) m/s of the palms relative to the pelvis."""
        return np.linalg.norm(np.gradient(self.palms - self.joints[:, :1], axis=0), axis=-1) * FPS

    @cached_property
    def shoulder(self) -> np.ndarray:
        """(T, 2, 3) shoulders."""
        return self.joints[:, [J["L_Shoulder"], J["R_Shoulder"]]]

    @cached_property
    def raised(self) -> np.ndarray:
        """(T, 2) metres of the palms above their shoulders; negative below."""
        return self.palms[..., 1] - self.shoulder[..., 1]

    @cached_property
    def arm_extension(self) -> np.ndarray:
        """(T, 2) distance of wrists from their shoulders, as a fraction of the arm's length."""
        elbow, wrist = (self.joints[:, [J[f"L_{n}"], J[f"R_{n}"]]] for n in ("Elbow", "Wrist"))
        arm = np.linalg.norm(elbow - self.shoulder, axis=-1) + np.linalg.norm(wrist - elbow, axis=-1)
        return np.linalg.norm(wrist - self.shoulder, axis=-1) / np.maximum(arm, 1e-6)

    @cached_property
    def in_front(self) -> np.ndarray:
        """(T, 2) metres of the palms in front of the chest."""
        away = (self.palms - self.joints[:, J["Spine3"]][:, None])[..., [0, 2]]
        return (away * self.forward[:, None]).sum(-1)

    @cached_property
    def leg(self) -> float:
        """Length of thigh and shin, metres."""
        j = self.joints
        bones = (j[:, J["L_Knee"]] - j[:, J["L_Hip"]], j[:, J["L_Ankle"]] - j[:, J["L_Knee"]])
        return float(sum(np.linalg.norm(bone, axis=-1).mean() for bone in bones))

    @cached_property
    def pelvis_height(self) -> np.ndarray:
        """(T,) height of the pelvis above the floor, in leg lengths; about 1.15 for a person who stands."""
        return self.joints[:, 0, 1] / self.leg

    @cached_property
    def trunk_lean(self) -> np.ndarray:
        """(T,) degrees by which the trunk leans forward."""
        trunk = self.joints[:, J["Neck"]] - self.joints[:, 0]
        ahead = (trunk[:, [0, 2]] * self.forward).sum(-1)
        return np.degrees(np.arctan2(ahead, trunk[:, 1]))

    @cached_property
    def toes(self) -> np.ndarray:
        """(T, 2) metres of left and right toes above the floor."""
        return self.joints[:, [J["L_Foot"], J["R_Foot"]], 1]

    @cached_property
    def kicking(self) -> np.ndarray:
        """(T, 2) metres of the ankles in front of the pelvis."""
        away = (self.joints[:, [J["L_Ankle"], J["R_Ankle"]]] - self.joints[:, :1])[..., [0, 2]]
        return (away * self.forward[:, None]).sum(-1)

    @cached_property
    def stepping(self) -> np.ndarray:
        """(T,) m/s of the faster foot."""
        feet = self.joints[:, [J["L_Ankle"], J["R_Ankle"]]]
        return np.linalg.norm(np.gradient(feet, axis=0), axis=-1).max(-1) * FPS

    @cached_property
    def pose(self) -> np.ndarray:
        """(T, 22, 3) joints relative to the pelvis, facing +Z."""
        away = self.joints - self.joints[:, :1]
        side, ahead = self.forward[:, None, 1], self.forward[:, None, 0]
        x = away[..., 0] * side - away[..., 2] * ahead
        z = away[..., 0] * ahead + away[..., 2] * side
        return np.stack((x, away[..., 1], z), -1)

    @cached_property
    def gestures(self) -> int:
        """Number of strokes of both hands, back and forth or up and down, of at least 5 cm."""
        return sum(
            count_reversals(self.in_front[:, hand], 0.05) + count_reversals(self.raised[:, hand], 0.05)
            for hand in (0, 1)
        )

    def to_mouth(self) -> np.ndarray:
        """(T,) metres from the nearer palm to the person's own head."""
        return np.linalg.norm(self.palms - self.joints[:, None, J["Head"]], axis=-1).min(-1)


@dataclass(frozen=True)
class Pair:
    """Two people: one who acts, and the partner.

    Attributes:
        actor, partner: the two people.
    """

    actor: Person
    partner: Person

    @property
    def both(self) -> tuple[Person, Person]:
        """The actor and the partner."""
        return self.actor, self.partner

    @cached_property
    def swapped(self) -> Pair:
        """The same people with exchanged roles."""
        return Pair(self.partner, self.actor)

    @cached_property
    def displacement(self) -> np.ndarray:
        """(T, 2) X and Z from the actor's pelvis to the partner's."""
        return self.partner.root - self.actor.root

    @cached_property
    def gap(self) -> np.ndarray:
        """(T,) horizontal metres between the two pelvises."""
        return np.linalg.norm(self.displacement, axis=-1)

    @cached_property
    def direction(self) -> np.ndarray:
        """(T, 2) unit direction from the actor to the partner."""
        return self.displacement / np.maximum(self.gap, 1e-6)[:, None]

    @cached_property
    def actor_faces(self) -> np.ndarray:
        """(T,) cosine between the actor's facing and the direction to the partner."""
        return (self.actor.forward * self.direction).sum(-1)

    @cached_property
    def partner_faces(self) -> np.ndarray:
        """(T,) cosine between the partner's facing and the direction to the actor."""
        return -(self.partner.forward * self.direction).sum(-1)

    @cached_property
    def facing_cosine(self) -> np.ndarray:
        """(T,) cosine between the two facings."""
        return (self.actor.forward * self.partner.forward).sum(-1)

    @cached_property
    def approach(self) -> np.ndarray:
        """(T,) metres per second at which the gap closes."""
        return -hann_smoothed(np.gradient(self.gap)[None] * FPS, _SMOOTHING)[0]

    @cached_property
    def hands(self) -> np.ndarray:
        """(T, 2, 2) metres from the actor's palms to the partner's."""
        return np.linalg.norm(self.actor.palms[:, :, None] - self.partner.palms[:, None], axis=-1)

    def hand_to(self, *joints: str) -> np.ndarray:
        """(T, 2) metres from each of the actor's palms to the nearest of the named joints of the partner."""
        places = self.partner.joints[:, [J[name] for name in joints]]
        return np.linalg.norm(self.actor.palms[:, :, None] - places[:, None], axis=-1).min(-1)

    @cached_property
    def heads(self) -> np.ndarray:
        """(T,) metres between the two heads."""
        return np.linalg.norm(self.actor.joints[:, J["Head"]] - self.partner.joints[:, J["Head"]], axis=-1)

    @cached_property
    def total_turn(self) -> float:
        """Radians by which the line between the two people rotates over the clip."""
        bearing = np.unwrap(np.arctan2(self.displacement[:, 0], self.displacement[:, 1]))
        return float(bearing[-1] - bearing[0])

    def retreat(self, frame: int, within: float = 1.2) -> float:
        """Metres that the partner moves away from the actor within some seconds after a frame."""
        after = self.partner.root[frame : frame + round(within * FPS) + 1] - self.partner.root[frame]
        return float((after @ self.direction[frame]).max())

    def pose_difference(self, mirror: bool) -> float:
        """Mean metres between the arms and legs of both poses, or of one pose and the other's mirror image."""
        first, second = self.actor.pose, self.partner.pose / self.partner.leg * self.actor.leg
        if mirror:
            second = second[:, list(SMPL.mirror)] * np.array([-1.0, 1.0, 1.0])
        limbs = [J[f"{s}_{n}"] for s in "LR" for n in ("Elbow", "Wrist", "Knee", "Ankle")]
        return float(np.linalg.norm(first - second, axis=-1)[:, limbs].mean())
