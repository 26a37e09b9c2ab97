"""Locates SMPL's 22 joints on another skeleton, as points and frames fixed to the file's joints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..recognition import Humanoid
from .rest import SMPL_REST_OFFSETS
from .rotations import matrix_from_quaternion, normalized, rotate, shortest_arc, transposed
from .skeleton import SMPL

_REST = SMPL_REST_OFFSETS
_DIRECTIONS = normalized(_REST)
_INDEX = {name: index for index, name in enumerate(SMPL.joints)}
# Heights along the spine in the T-pose, from the line through the hips.
_HIP_DROP = float(-_REST[_INDEX["L_Hip"], 1])
_SPINE_HEIGHTS = _HIP_DROP + np.cumsum([_REST[_INDEX[name], 1] for name in ("Spine1", "Spine2", "Spine3", "Neck")])

_SAME_SHAPE = np.cos(np.radians(3.0))
"""A captured joint counts as placed like SMPL's if its direction from the parent differs by less than three degrees."""


@dataclass(frozen=True)
class Reference:
    """A pose of the file's skeleton in which the orientations of SMPL's joints are known.

    Attributes:
        rotations: (N, 3, 3) world rotations of the file's joints in that pose.
        positions: (N, 3) world positions, metres.
        body: (3, 3) turns SMPL's T-pose into the body's orientation in that pose.
    """

    rotations: np.ndarray
    positions: np.ndarray
    body: np.ndarray


@dataclass(frozen=True)
class Landmarks:
    """SMPL's joints as points and frames fixed to joints of the file.

    Attributes:
        owners: (22,) the file's joint with which each moves.
        places: (22, 3) the point in its owner's frame, metres.
        turns: (22, 3, 3) SMPL's joint orientation in its owner's frame.
    """

    owners: np.ndarray
    places: np.ndarray
    turns: np.ndarray


# --- the reference pose --------------------------------------------------------------------------------------------


def reference_pose(
    humanoid: Humanoid,
    rest: tuple[np.ndarray, np.ndarray],
    frames: tuple[np.ndarray, np.ndarray] | None = None,
) -> Reference:
    """The rest pose if a person stands in it, otherwise the frame in which the person stands straightest.

    Some programs write rest poses in which all bones lie along one axis, which no person could take.

    Args:
        humanoid: which joints are a person's.
        rest: rotations (N, 3, 3) and positions (N, 3) of the joints at rest, metres.
        frames: rotations (T, N, 3, 3) and positions (T, N, 3) of the motion; None uses the rest pose in any case.
    """
    rotations, positions = rest
    body, score = _standing(humanoid, positions[None])
    if score[0] > _STANDS or frames is None:
        return Reference(rotations, positions, _squared(body[0]))
    rotations, positions = frames
    body, score = _standing(humanoid, positions)
    best = int(score.argmax())
    return Reference(rotations[best], positions[best], _squared(body[best]))


def stands(humanoid: Humanoid, positions: np.ndarray) -> bool:
    """Whether a person stands in a pose (N, 3), in any orientation, so that it can serve as reference pose."""
    return bool(_standing(humanoid, positions[None])[1][0] > _STANDS)


_STANDS = 0.75


def _standing(humanoid: Humanoid, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Body orientation (T, 3, 3) against SMPL's T-pose, and how straight it stands (T,), at most 1.

    Legs must point down, and each arm be straight and point neither back nor across.
    """
    joints = humanoid.joints

    def bone(upper: str, lower: str) -> np.ndarray:
        return normalized(positions[:, joints[lower]] - positions[:, joints[upper]], 1e-6)

    body = _torso(*(positions[:, joints[n]] for n in ("L_Hip", "R_Hip", "L_Shoulder", "R_Shoulder", "Neck")))
    body = body @ _torso(*(_REST_WORLD[_INDEX[n]] for n in ("L_Hip", "R_Hip", "L_Shoulder", "R_Shoulder", "Neck"))).T
    left, up, _ = (body[..., column] for column in range(3))
    parts = []
    for side, sign in (("L_", 1.0), ("R_", -1.0)):
        thigh, shin = bone(side + "Hip", side + "Knee"), bone(side + "Knee", side + "Ankle")
        upper, lower = bone(side + "Shoulder", side + "Elbow"), bone(side + "Elbow", side + "Wrist")
        parts += [-(thigh * up).sum(-1), -(shin * up).sum(-1), (upper * lower).sum(-1)]
        outward, down = (upper * left * sign).sum(-1), -(upper * up).sum(-1)
        parts.append(np.hypot(np.maximum(outward, 0), np.maximum(down, 0)))
    return body, np.min(parts, axis=0)


def _torso(
    left_hip: np.ndarray, right_hip: np.ndarray, left_shoulder: np.ndarray, right_shoulder: np.ndarray, neck: np.ndarray
) -> np.ndarray:
    """(..., 3, 3) a torso's frame, columns left, up, forward, from five points (..., 3)."""
    up = normalized(neck - 0.5 * (left_hip + right_hip))
    left = (left_hip - right_hip) + (left_shoulder - right_shoulder)
    left = normalized(left - (left * up).sum(-1, keepdims=True) * up)
    return np.stack((left, up, np.cross(left, up)), -1)


def _world_of_rest() -> np.ndarray:
    """(22, 3) joint positions of SMPL's T-pose."""
    result = np.zeros_like(_REST)
    for joint in range(1, len(SMPL)):
        result[joint] = result[SMPL.parents[joint]] + _REST[joint]
    return result


_REST_WORLD = _world_of_rest()


def _squared(body: np.ndarray) -> np.ndarray:
    """Align a body that is within 15 degrees of the axes with them, since rest poses are aligned."""
    nearest = np.round(body)
    if np.allclose(nearest @ nearest.T, np.eye(3)) and np.trace(nearest.T @ body) > 1 + 2 * np.cos(np.radians(15)):
        return nearest
    return body


# --- landmarks -----------------------------------------------------------------------------------------------------


def landmarks_of(humanoid: Humanoid, reference: Reference, ends: np.ndarray) -> Landmarks:
    """SMPL's joints in the reference pose, each fixed to a joint of the file."""
    owners = np.full(len(SMPL), -1)
    points = np.zeros((len(SMPL), 3))

    def fix(name: str, owner: int, point: np.ndarray | None = None) -> None:
        owners[_INDEX[name]] = owner
        points[_INDEX[name]] = reference.positions[owner] if point is None else point

    joints, body = humanoid.joints, reference.body
    for name, joint in joints.items():
        fix(name, joint)
    _fix_spine(humanoid, reference, fix)
    middle = 0.5 * (points[_INDEX["L_Hip"]] + points[_INDEX["R_Hip"]])
    spine1 = points[_INDEX["Spine1"]]
    # High enough above the hips for them to lie in SMPL's rest directions, whatever their width.
    half_width = 0.5 * float(np.linalg.norm(points[_INDEX["L_Hip"]] - points[_INDEX["R_Hip"]]))
    drop = half_width * _HIP_DROP / float(_REST[_INDEX["L_Hip"], 0])
    pelvis = middle + (spine1 - middle) * np.clip(drop / float(np.linalg.norm(spine1 - middle)), 0.3, 0.75)
    if not _lies_as_smpl(points[_INDEX["Spine1"]] - points[0], body, "Spine1") or not _lies_as_smpl(
        points[_INDEX["L_Hip"]] - points[0], body, "L_Hip"
    ):
        fix("Pelvis", joints["Pelvis"], pelvis)

    neck, spine3 = points[_INDEX["Neck"]], points[_INDEX["Spine3"]]
    if "Head" not in joints:
        fix("Head", joints["Neck"], neck + body @ _REST[_INDEX["Head"]] * _size(neck - spine3, "Neck"))
    chest_turn = matrix_from_quaternion(shortest_arc(body @ _REST[_INDEX["Neck"]], neck - spine3)) @ body
    for side in ("L_", "R_"):
        collar = side + "Collar"
        if collar not in joints or not _lies_as_smpl(points[_INDEX[collar]] - spine3, body, collar):
            place = spine3 + chest_turn @ _REST[_INDEX[collar]] * _size(neck - spine3, "Neck")
            fix(collar, int(owners[_INDEX["Spine3"]]), place)
        if side + "Foot" not in joints:
            ankle = joints[side + "Ankle"]
            fix(side + "Foot", ankle, points[_INDEX[side + "Ankle"]] + _toe(side, ankle, reference, ends))

    turns = np.empty((len(SMPL), 3, 3))
    for joint, children in enumerate(SMPL.children):
        turns[joint] = body
        name = SMPL.joints[joint]
        if name.endswith(("Wrist", "_Foot")):
            # A hand continues its forearm, toes continue their foot.
            turns[joint] = turns[SMPL.parents[joint]]
        elif len(children) == 1 and name != "Neck":
            child = children[0]
            swing = shortest_arc(body @ _DIRECTIONS[child], points[child] - points[joint])
            turns[joint] = matrix_from_quaternion(swing) @ body
    inverse = transposed(reference.rotations[owners])
    return Landmarks(owners, rotate(inverse, points - reference.positions[owners]), inverse @ turns)


def _lies_as_smpl(offset: np.ndarray, body: np.ndarray, name: str) -> bool:
    """Whether an offset in the reference pose points to the joint as in SMPL's T-pose."""
    return bool(normalized(offset, 1e-6) @ (body @ _DIRECTIONS[_INDEX[name]]) > _SAME_SHAPE)


def _size(offset: np.ndarray, name: str) -> float:
    """Length of a bone relative to the T-pose's."""
    return float(np.linalg.norm(offset) / np.linalg.norm(_REST[_INDEX[name]]))


def _toe(side: str, ankle: int, reference: Reference, ends: np.ndarray) -> np.ndarray:
    """(3,) offset from ankle to toe joint of a foot without toes that is flat on the floor in the reference pose.

    It reaches as far forward as the foot's End Site; its height is SMPL's, since the height of End Sites varies.
    """
    direction = _REST[_INDEX[side + "Foot"]]
    reach = float(np.linalg.norm(direction))
    if np.isfinite(ends[ankle]).all():
        end = reference.body.T @ reference.rotations[ankle] @ ends[ankle]
        forward = float(end[2])
        if 0.5 * direction[2] < forward < 2 * direction[2]:
            reach *= forward / direction[2]
    return reference.body @ normalized(direction) * reach


def _fix_spine(humanoid: Humanoid, reference: Reference, fix: Callable[..., None]) -> None:
    """Fix spine1 to spine3 to the file's spine joints that are nearest in height, or to points between them."""
    joints, positions = humanoid.joints, reference.positions
    start = 0.5 * (positions[joints["L_Hip"]] + positions[joints["R_Hip"]])
    chain, heights = [(joints["Pelvis"], start)], [0.0]
    for joint in (*humanoid.spine, joints["Neck"]):
        step = float(np.linalg.norm(positions[joint] - chain[-1][1]))
        chain.append((joint, positions[joint]))
        heights.append(heights[-1] + step)
    total = heights[-1]
    targets = _SPINE_HEIGHTS / _SPINE_HEIGHTS[-1]
    fractions = np.array(heights) / total
    usable = [
        k for k in range(1, len(chain) - 1) if 0.1 < fractions[k] < 0.95 and fractions[k] - fractions[k - 1] > 0.02
    ]
    assigned = _assignment(fractions[usable], targets[:3])
    names = ("Spine1", "Spine2", "Spine3")
    taken = {name: usable[k] for name, k in zip(names, assigned, strict=True) if k is not None}
    for number, name in enumerate(names):
        if name in taken:
            fix(name, chain[taken[name]][0])
            continue
        # Between the neighbours that have a position, at SMPL's fraction of the distance.
        below = max((k for n, k in taken.items() if names.index(n) < number), default=0)
        above = min((k for n, k in taken.items() if names.index(n) > number), default=len(chain) - 1)
        low = targets[max((names.index(n) for n in taken if names.index(n) < number), default=-1)] if below else 0.0
        high_number = min((names.index(n) for n in taken if names.index(n) > number), default=3)
        share = (targets[number] - low) / (targets[high_number] - low)
        height = fractions[below] + share * (fractions[above] - fractions[below])
        segment = int(np.clip(np.searchsorted(fractions, height) - 1, below, above - 1))
        fraction = (height - fractions[segment]) / (fractions[segment + 1] - fractions[segment])
        fix(name, chain[segment][0], chain[segment][1] * (1 - fraction) + chain[segment + 1][1] * fraction)


def _assignment(available: np.ndarray, targets: np.ndarray) -> list[int | None]:
    """For each target height the index of one in ``available``, in order: as many as possible, by least squares."""
    best: tuple[float, list[int | None]] = (np.inf, [None] * len(targets))
    count = min(len(available), len(targets))

    def extend(chosen: list[int | None], start: int, used: int, cost: float) -> None:
        nonlocal best
        number = len(chosen)
        if number == len(targets):
            if used == count and cost < best[0]:
                best = (cost, chosen)
            return
        extend([*chosen, None], start, used, cost)
        for k in range(start, len(available)):
            extend([*chosen, k], k + 1, used + 1, cost + float((available[k] - targets[number]) ** 2))

    extend([], 0, 0, 0.0)
    return best[1]
