"""Reads and writes choreographed clips: one file per kind, with joints and rotations as arrays, the rest as JSON."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ...errors import UserError
from ...files import atomic_write
from ...motion.representation import CONTACTS, JOINTS, POSITIONS, ROTATIONS, VELOCITIES, WIDTH, foot_contacts
from ...motion.rotations import sixd_from_matrix
from .scene import ChoreographedClip, Contact

_FORMAT = 1


@dataclass(frozen=True)
class StoredClip:
    """A choreographed clip as feature vectors.

    Attributes:
        kind: name of the interaction.
        seed: of the clip.
        held_out: whether the clip, with its captions, is held out from training.
        captions: paraphrases of what it shows.
        features: (2, T, 262) float32 on the floor Y = 0.
        schedule: its contacts; the last may end one frame after the features.
        facts: words that the captions were made from; ``actor`` is the index of the person who acts.
    """

    kind: str
    seed: int
    held_out: bool
    captions: tuple[str, ...]
    features: np.ndarray
    schedule: tuple[Contact, ...]
    facts: dict[str, str]

    @property
    def joints(self) -> np.ndarray:
        """(2, T, 22, 3) metres."""
        return self.features[..., POSITIONS].reshape(2, -1, JOINTS, 3)


def save_shard(
    path: Path, clips: Sequence[ChoreographedClip], captions: Sequence[tuple[str, ...]], held_out: Sequence[bool]
) -> None:
    """Write clips of one kind with their captions."""
    index = [
        {
            "kind": clip.kind, "seed": clip.seed, "held_out": bool(held), "captions": words, "frames": len(clip),
            "schedule": [asdict(contact) for contact in clip.schedule], "facts": clip.facts,
        }
        for clip, words, held in zip(clips, captions, held_out, strict=True)
    ]  # fmt: skip
    rotations = [
        np.stack([sixd_from_matrix(person.rotations).reshape(len(person), -1) for person in clip.people
                  if person.rotations is not None])
        for clip in clips
    ]  # fmt: skip
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            format=np.array(_FORMAT),
            index=np.array(json.dumps(index)),
            joints=np.concatenate([clip.joints.reshape(2, len(clip), -1) for clip in clips], axis=1),
            rotations=np.concatenate(rotations, axis=1).astype(np.float16),
        )


def load_choreographed(
    folder: str | os.PathLike[str], held_out_only: bool = False, kinds: Collection[str] | None = None
) -> list[StoredClip]:
    """The clips of a folder that ``python -m model_core choreograph`` wrote.

    Args:
        folder: of the files.
        held_out_only: leave out the others.
        kinds: leave out other kinds; None for all.

    Raises:
        UserError: there are none, or a file is damaged or of another version.
    """
    paths = sorted(Path(folder).glob("*.npz"))
    clips = [clip for path in paths for clip in _shard(path, held_out_only, kinds)]
    if not clips and kinds is not None and any(_shard(path, held_out_only, None) for path in paths):
        raise UserError(f"{folder} has clips of other kinds alone; make some with 'choreograph --kinds'.")
    if not clips:
        raise UserError(f"There are no choreographed clips in {folder}; make them with 'choreograph --out {folder}'.")
    return clips


def _shard(path: Path, held_out_only: bool, kinds: Collection[str] | None) -> list[StoredClip]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            if "format" not in stored.files:
                return []
            if int(stored["format"]) != _FORMAT:
                raise UserError(f"{path} was made by another version; make it again with 'choreograph'.")
            index, joints, rotations = json.loads(str(stored["index"])), stored["joints"], stored["rotations"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"Cannot read {path} ({error}); make it again with 'choreograph'.") from error
    clips, first = [], 0
    for entry in index:
        part = slice(first, first + entry["frames"])
        first += entry["frames"]
        if (held_out_only and not entry["held_out"]) or (kinds is not None and entry["kind"] not in kinds):
            continue
        clips.append(
            StoredClip(
                entry["kind"],
                entry["seed"],
                entry["held_out"],
                tuple(entry["captions"]),
                _features(joints[:, part], rotations[:, part]),
                tuple(Contact(**{**contact, "shift": tuple(contact["shift"])}) for contact in entry["schedule"]),
                entry["facts"],
            )
        )
    return clips


def _features(joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Features (2, T - 1, 262) of joints (2, T, 66) and 6D rotations (2, T, 126)."""
    people, frames, _ = joints.shape
    features = np.empty((people, frames - 1, WIDTH), dtype=np.float32)
    features[..., POSITIONS] = joints[:, :-1]
    features[..., VELOCITIES] = np.diff(joints, axis=1)
    features[..., ROTATIONS] = rotations[:, :-1]
    for person in range(people):
        features[person, :, CONTACTS] = foot_contacts(joints[person].reshape(frames, JOINTS, 3))
    return features
