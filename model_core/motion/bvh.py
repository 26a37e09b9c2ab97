"""Reader of Biovision hierarchy files (BVH).

A file is a tree of joints with offsets and channels, followed by one line of numbers per frame. Euler angles are in
degrees; the listed order is the order of multiplication (``Zrotation Xrotation Yrotation`` is Rz Rx Ry on column
vectors). A joint's position channels replace its offset, unless their values are so small that they can only be changes
of it. Units and axes are the file's own.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import UserError

_AXES = {"x": 0, "y": 1, "z": 2}
_CHANNEL = re.compile(r"([xyz])(position|rotation)", re.IGNORECASE)
_CHANGE = 0.05
"""Length of a joint's position values, as a fraction of its offset's length, below which they are offset changes."""
_MOTION = re.compile(r"^[ \t]*MOTION[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class BvhClip:
    """The content of a BVH file, in its own units and axes.

    Attributes:
        names: N joint names, parents before children. End Sites are not joints.
        parents: index of each joint's parent, -1 for the root.
        offsets: (N, 3) each joint's position in its parent's frame at rest.
        channels: each joint's channels in file order, such as ``("Zrotation", "Xrotation", "Yrotation")``.
        values: (T, C) channel values of each frame, joints in order.
        fps: frames per second.
        ends: (N, 3) offset of each joint's first End Site, NaN where it has none.
        path: the file, for messages.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: np.ndarray
    channels: tuple[tuple[str, ...], ...]
    values: np.ndarray
    fps: float
    ends: np.ndarray
    path: Path = field(default_factory=Path)

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.values)

    @cached_property
    def first_channel(self) -> tuple[int, ...]:
        """Column of each joint's first channel in ``values``."""
        counts = [len(channels) for channels in self.channels]
        return tuple(int(total) for total in np.cumsum([0, *counts[:-1]]))

    def local_rotations(self) -> np.ndarray:
        """(T, N, 3, 3) rotation of each joint in its parent's frame."""
        result = np.tile(np.eye(3), (len(self), len(self.names), 1, 1))
        for joint, channels in enumerate(self.channels):
            matrix = None
            for column, channel in enumerate(channels, self.first_channel[joint]):
                if channel[1:].lower() == "rotation":
                    turn = _axis_rotation(_AXES[channel[0].lower()], np.radians(self.values[:, column]))
                    matrix = turn if matrix is None else matrix @ turn
            if matrix is not None:
                result[:, joint] = matrix
        return result

    def local_positions(self) -> np.ndarray:
        """(T, N, 3) position of each joint in its parent's frame, the root's in the world, from channels or offsets."""
        result = np.tile(self.offsets, (len(self), 1, 1))
        for joint, columns in self._position_columns.items():
            for axis, column in columns.items():
                result[:, joint, axis] = self.values[:, column]
        if self._positions_are_changes:
            moved = [joint for joint in self._position_columns if self.parents[joint] >= 0]
            result[:, moved] += self.offsets[moved]
        return result

    @cached_property
    def rest_offsets(self) -> np.ndarray:
        """(N, 3) the offsets; for a zero offset, the median of the joint's position channels, if it has any.

        Some programs write bone lengths into the channels only.
        """
        result = self.offsets.copy()
        empty = [joint for joint in self._position_columns if self.parents[joint] >= 0 and not result[joint].any()]
        if empty:
            result[empty] = np.median(self.local_positions()[:, empty], axis=0)
        return result

    @cached_property
    def _position_columns(self) -> dict[int, dict[int, int]]:
        """Joint to its position channels: axis to column of ``values``."""
        result: dict[int, dict[int, int]] = {}
        for joint, channels in enumerate(self.channels):
            for column, channel in enumerate(channels, self.first_channel[joint]):
                if channel[1:].lower() == "position":
                    result.setdefault(joint, {})[_AXES[channel[0].lower()]] = column
        return result

    @cached_property
    def _positions_are_changes(self) -> bool:
        """Whether the position channels below the root hold changes of the offsets instead of positions.

        Bones keep their length, so positions are as long as the offsets; changes are near zero.
        """
        ratios = [
            float(np.median(np.linalg.norm(self.values[:, list(columns.values())], axis=1)))
            / float(np.linalg.norm(self.offsets[joint]))
            for joint, columns in self._position_columns.items()
            if self.parents[joint] >= 0 and self.offsets[joint].any()
        ]
        return bool(ratios) and float(np.median(ratios)) < _CHANGE

    def world_positions(self) -> np.ndarray:
        """(T, N, 3) position of each joint in the world."""
        return world_transforms(self.local_rotations(), self.local_positions(), self.parents)[1]


def world_transforms(
    rotations: np.ndarray, positions: np.ndarray, parents: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Convert local rotations (..., N, 3, 3) and positions (..., N, 3) of a tree to world rotations and positions."""
    world_rotations, world_positions = np.empty_like(rotations), np.empty_like(positions)
    for joint, parent in enumerate(parents):
        if parent < 0:
            world_rotations[..., joint, :, :] = rotations[..., joint, :, :]
            world_positions[..., joint, :] = positions[..., joint, :]
            continue
        turn = world_rotations[..., parent, :, :]
        world_rotations[..., joint, :, :] = turn @ rotations[..., joint, :, :]
        moved = (turn @ positions[..., joint, :, None])[..., 0]
        world_positions[..., joint, :] = world_positions[..., parent, :] + moved
    return world_rotations, world_positions


def read_bvh(path: str | os.PathLike[str]) -> BvhClip:
    """Read a BVH file.

    Raises:
        UserError: the file is missing, is not BVH, is truncated, or has a value that is not a number.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}; check the path.") from error
    border = _MOTION.search(text)
    if border is None:
        raise UserError(
            f"{path.name} has no MOTION part, so it holds a skeleton at most and no animation; export it again."
        )
    names, parents, offsets, channels, ends = _hierarchy(text[: border.start()], path.name)
    line = text.count("\n", 0, border.end()) + 1
    values, fps = _motion(text[border.end() :], line, sum(map(len, channels)), path.name)
    return BvhClip(names, parents, offsets, channels, values, fps, ends, path)


def _axis_rotation(axis: int, angle: np.ndarray) -> np.ndarray:
    """Rotations (T, 3, 3) about a coordinate axis by angles (T,) in radians."""
    result = np.zeros((len(angle), 3, 3))
    after, before = (axis + 1) % 3, (axis + 2) % 3
    cosine, sine = np.cos(angle), np.sin(angle)
    result[:, axis, axis] = 1
    result[:, after, after] = result[:, before, before] = cosine
    result[:, before, after], result[:, after, before] = sine, -sine
    return result


_Hierarchy = tuple[tuple[str, ...], tuple[int, ...], np.ndarray, tuple[tuple[str, ...], ...], np.ndarray]


def _hierarchy(text: str, file: str) -> _Hierarchy:
    """Names, parents, offsets, channels and end sites from the part before MOTION."""
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[tuple[str, ...]] = []
    ends: dict[int, list[float]] = {}
    # Open braces: the joint's index, or None inside an End Site. A block's head comes before its brace.
    stack: list[int | None] = []
    head: int | None = None

    def damaged(line: int, what: str) -> UserError:
        return UserError(f"{file}, line {line}: {what}; the file is damaged, export it again.")

    line = 0
    for line, content in enumerate(text.splitlines(), 1):
        for statement in re.split(r"([{}])", content):
            words = statement.split()
            if not words or words[0].upper() == "HIERARCHY":
                continue
            key = words[0].upper()
            if key == "{":
                stack.append(head)
            elif key == "}":
                if not stack:
                    raise damaged(line, "a closing brace too many")
                stack.pop()
            elif key in ("ROOT", "JOINT"):
                if key == "ROOT" and names:
                    raise UserError(
                        f"{file}, line {line}: a second ROOT; a file holds one person here, so save each to its own."
                    )
                if (key == "JOINT") != bool(stack) or (stack and stack[-1] is None):
                    raise damaged(line, f"{key} in a place where none can be")
                parents.append(-1 if key == "ROOT" else int(stack[-1] or 0))
                names.append(" ".join(words[1:]) or f"joint{len(names)}")
                offsets.append([0.0, 0.0, 0.0])
                channels.append(())
                head = len(names) - 1
            elif key == "END":
                head = None
            elif key == "OFFSET":
                try:
                    offset = [float(word) for word in words[1:4]]
                except ValueError:
                    offset = []
                if len(offset) != 3 or not np.isfinite(offset).all() or not stack:
                    raise damaged(line, "an OFFSET without three numbers")
                if stack[-1] is not None:
                    offsets[stack[-1]] = offset
                elif len(stack) > 1 and stack[-2] is not None:
                    ends.setdefault(stack[-2], offset)
            elif key == "CHANNELS":
                listed = tuple(words[2:])
                if not stack or stack[-1] is None or len(words) < 2 or words[1] != str(len(listed)):
                    raise damaged(line, "CHANNELS whose number and list disagree")
                unknown = next((channel for channel in listed if not _CHANNEL.fullmatch(channel)), None)
                if unknown is not None:
                    raise damaged(line, f"the channel {unknown} is neither a position nor a rotation")
                channels[stack[-1]] = listed
            else:
                raise damaged(line, f"{words[0][:30]!r} is not a BVH word")
    if stack or not names:
        raise damaged(line, "the joints end before their last brace" if stack else "there is no ROOT before MOTION")
    end_sites = np.full((len(names), 3), np.nan)
    for joint, offset in ends.items():
        end_sites[joint] = offset
    return tuple(names), tuple(parents), np.array(offsets), tuple(channels), end_sites


def _motion(text: str, line: int, channels: int, file: str) -> tuple[np.ndarray, float]:
    """Values (T, C) and the rate from the part after MOTION, which ends in line ``line`` of the file."""
    head = re.match(r"\s*Frames:\s*(\S+)\s*Frame Time:\s*(\S+)[^\n]*(\n|$)", text, re.IGNORECASE)
    try:
        frames, seconds = (int(head[1]), float(head[2].replace(",", "."))) if head else (-1, 0.0)
    except ValueError:
        head = None
    if head is None:
        raise UserError(
            f"{file}: the lines 'Frames:' and 'Frame Time:' with their numbers are missing after MOTION, line {line}; "
            "export the file again."
        )
    if frames < 1:
        raise UserError(f"{file} has {frames} frames; export it with its animation.")
    if not (np.isfinite(seconds) and seconds > 0):
        raise UserError(
            f"{file} has Frame Time {head[2]}, which gives no frame rate; write the seconds of one frame there "
            "(0.0333333 for 30 fps)."
        )
    body = text[head.end() :]
    first_line = line + text.count("\n", 0, head.end())
    # Some programs write a decimal comma.
    words = (body if "." in body else body.replace(",", ".")).split()
    try:
        values = np.array(words, dtype=np.float64)
    except ValueError:
        values = None
    # Some exporters count one frame more or fewer than they write.
    found = len(values) // channels if values is not None and channels else 0
    if values is None or len(values) != found * channels or found < 1 or abs(found - frames) > 1:
        raise UserError(_first_problem(body, first_line, frames, channels, file))
    frames = found
    values = values.reshape(frames, channels)
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        raise UserError(
            f"{file} has values that are not numbers in {int((~finite).sum())} of {frames} frames, the first in frame "
            f"{int((~finite).argmax())}; repair or cut the file there."
        )
    return values, 1.0 / seconds


def _first_problem(body: str, first_line: int, frames: int, channels: int, file: str) -> str:
    """The message about the first line of frames that cannot be read."""
    found = 0
    for number, content in enumerate(body.splitlines(), first_line):
        words = content.split()
        if not words:
            continue
        for word in words:
            try:
                float(word)
            except ValueError:
                return f"{file}, line {number} (frame {found}): {word[:30]!r} is not a number; export the file again."
        if len(words) != channels:
            return (
                f"{file}, line {number} (frame {found}) has {len(words)} numbers instead of {channels}: the file is "
                "cut or damaged there; export it again."
            )
        found += 1
    return f"{file} announces {frames} frames but holds {found}; export it again or correct the line 'Frames:'."
