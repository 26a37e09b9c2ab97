"""Reads a folder of captured motion as clean clips: legs are shortened, floors are at 0, glitches are cut out.

The folder holds BVH files and ``manifest.json``, a list of ``{"file", "partner" (of a two-person take), "caption"}``.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..files import atomic_write
from ..motion.bvh import read_bvh
from ..motion.capture import motion_from_bvh, motion_pair
from ..motion.rotations import matrix_from_quaternion, quaternion_from_matrix
from ..motion.types import FPS, Interaction, Motion
from .cleaning import CapturedSettings, clean_stretches, floor_height, with_plausible_ends, with_straight_legs

_CACHE_FORMAT = 4
"""Increased with every change of the content of clips; caches of other formats are ignored and replaced."""


@dataclass(frozen=True)
class CapturedClip:
    """A clean stretch of a take. The floor is Y = 0.

    Attributes:
        take: name of the take's (first) file without suffix.
        start: frame of the take in which the clip begins.
        text: the take's caption.
        people: one or two motions, equally long.
    """

    take: str
    start: int
    text: str
    people: tuple[Motion, ...]

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.people[0])

    @property
    def interaction(self) -> Interaction:
        """The clip of two people as an Interaction."""
        first, second = self.people
        return Interaction((first, second), self.text)


@dataclass(frozen=True)
class CapturedData:
    """All clips of a folder.

    Attributes:
        clips: in the manifest's order; the stretches of a take follow each other.
    """

    clips: tuple[CapturedClip, ...]

    @property
    def pairs(self) -> tuple[CapturedClip, ...]:
        """The clips of two people."""
        return tuple(clip for clip in self.clips if len(clip.people) == 2)

    @property
    def singles(self) -> tuple[CapturedClip, ...]:
        """The clips of one person."""
        return tuple(clip for clip in self.clips if len(clip.people) == 1)


def load_captured(
    folder: str | os.PathLike[str],
    cache: str | os.PathLike[str] | None = None,
    settings: CapturedSettings | None = None,
) -> CapturedData:
    """Read a folder of captured motion.

    Args:
        folder: BVH files and their ``manifest.json``.
        cache: an ``.npz`` file with the clips, read if it was made from the same files with the same settings and
            written otherwise; None reads the BVH files each time.
        settings: how takes become clips.

    Raises:
        UserError: the manifest or a file cannot be read.
    """
    folder, settings = Path(folder), settings or CapturedSettings()
    manifest = _manifest(folder)
    if cache is None:
        return CapturedData(tuple(_clips(folder, manifest, settings)))
    fingerprint = _fingerprint(folder, manifest, settings)
    cached = _read_cache(Path(cache), fingerprint)
    if cached is None:
        cached = CapturedData(tuple(_clips(folder, manifest, settings)))
        _write_cache(Path(cache), fingerprint, cached)
        # As the next run reads it: rounded, so that both make the same clips.
        cached = _read_cache(Path(cache), fingerprint) or cached
    return cached


def _clips(folder: Path, manifest: list[dict[str, str]], settings: CapturedSettings) -> Iterator[CapturedClip]:
    for entry in manifest:
        people: tuple[Motion, ...]
        if entry.get("partner"):
            pair = motion_pair(folder / entry["file"], folder / entry["partner"])
            people = tuple(_with_scaled_travel(person, settings.partner_scale) for person in pair.people)
        else:
            people = (motion_from_bvh(read_bvh(folder / entry["file"])),)
        # Leg lengths are measured on the whole take, in which the person more likely stands straight at some time.
        people = tuple(_on_floor(with_straight_legs(person)) for person in people)
        for start, stop in clean_stretches(people, settings):
            cut = tuple(with_plausible_ends(person.frames(start, stop)) for person in people)
            yield CapturedClip(Path(entry["file"]).stem, start, entry.get("caption", ""), cut)


def _with_scaled_travel(motion: Motion, scale: float) -> Motion:
    """The motion with the horizontal travel of its root scaled about the world's origin."""
    shift = (scale - 1.0) * motion.joints[:, :1] * np.array([1, 0, 1], dtype=motion.joints.dtype)
    return replace(motion, joints=(motion.joints + shift).astype(motion.joints.dtype))


def _on_floor(motion: Motion) -> Motion:
    """The motion with its floor at Y = 0.

    Each person of a pair is moved separately: both stand on one floor, but on the legs of a generic skeleton.
    """
    return motion.moved(np.eye(3), np.array([0.0, -floor_height(motion), 0.0]))


def _manifest(folder: Path) -> list[dict[str, str]]:
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}; choose the folder of the captured motion.") from error
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON: {error}; correct it there.") from error
    if not isinstance(manifest, list) or not all(
        isinstance(e, dict) and isinstance(e.get("file"), str) for e in manifest
    ):
        raise UserError(f'{path} is not a list of takes with a "file" each; correct it.')
    return manifest


# --- cache ---------------------------------------------------------------------------------------------------------


def _fingerprint(folder: Path, manifest: list[dict[str, str]], settings: CapturedSettings) -> str:
    """A hash of the format, the settings, the manifest, and the size and time of every file."""
    parts: list[object] = [_CACHE_FORMAT, repr(settings), manifest]
    for entry in manifest:
        for key in ("file", "partner"):
            path = folder / (entry.get(key) or entry["file"])
            try:
                status = path.stat()
            except OSError as error:
                raise UserError(f"Cannot read {path}: {error.strerror}; correct the manifest.") from error
            parts.append((status.st_size, status.st_mtime_ns))
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _write_cache(path: Path, fingerprint: str, data: CapturedData) -> None:
    people = [person for clip in data.clips for person in clip.people]
    index = [
        {"take": clip.take, "start": clip.start, "text": clip.text, "people": len(clip.people), "frames": len(clip)}
        for clip in data.clips
    ]
    if not people:
        raise UserError("None of the takes has a clean stretch that is long enough; choose other captured motion.")
    quaternions = [
        quaternion_from_matrix(np.concatenate((p.root_orientation[:, None], p.rotations), axis=1))
        for p in people
        if p.root_orientation is not None and p.rotations is not None
    ]
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            fingerprint=np.array(fingerprint),
            index=np.array(json.dumps(index)),
            joints=np.concatenate([person.joints for person in people]),
            quaternions=np.concatenate(quaternions).astype(np.float32),
        )


def _read_cache(path: Path, fingerprint: str) -> CapturedData | None:
    """The cached clips; None if there are none, or if the fingerprint differs."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["fingerprint"]) != fingerprint:
                return None
            index, joints = json.loads(str(stored["index"])), stored["joints"]
            matrices = matrix_from_quaternion(stored["quaternions"])
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    clips, first = [], 0
    for entry in index:
        people = []
        for _ in range(entry["people"]):
            part = slice(first, first + entry["frames"])
            people.append(Motion(joints[part], matrices[part, 1:], matrices[part, 0], FPS))
            first += entry["frames"]
        clips.append(CapturedClip(entry["take"], entry["start"], entry["text"], tuple(people)))
    return CapturedData(tuple(clips))
