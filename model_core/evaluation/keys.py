"""``python -m model_core evaluate keys``: how many keys key poses save, and how far they are from the motion."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from ..files import atomic_write
from ..generation.pipeline import GenerateOptions, InterMask
from ..keys.person import keyed_person
from ..keys.thinning import KeySettings, deviation, key_poses
from ..kinematics import solve
from ..metrics.detectors import detected
from ..motion import FPS, SMPL
from ..motion.posed import PosedSkeleton
from .kind_prompts import kind_prompts

_FRAMES = 120
_TIMED = 300
"""Frames of the clip that is timed."""
_LEAST, _SECONDS = 6.0, 1.0
"""Goals: times fewer keys on average, and seconds for two people."""


@dataclass
class KindKeys:
    """One kind's clips.

    Attributes:
        reduction: times fewer keys, mean over the clips.
        distance, degrees: largest deviation of a joint in metres and of a bone.
        feet, contacts: largest deviation of standing feet and of touching hands, metres.
        seen, seen_with_key_poses: number of clips that the kind's detector sees with each density of keys.
        clips: number of clips.
    """

    reduction: float = 0.0
    distance: float = 0.0
    degrees: float = 0.0
    feet: float = 0.0
    contacts: float = 0.0
    seen: int = 0
    seen_with_key_poses: int = 0
    clips: int = 0


@dataclass
class KeysReport:
    """What was measured. The fields are the keys of ``keys.json``.

    Attributes:
        kinds: by name.
        seconds: of processor time to find the key poses of two people in 300 frames.
    """

    kinds: dict[str, KindKeys] = field(default_factory=dict)
    seconds: float = 0.0

    def rows(self) -> list[tuple[str, str, bool]]:
        """The table: goal, measured value, and whether it meets the goal."""
        found, goals = list(self.kinds.values()), KeySettings()
        reduction = float(np.mean([kind.reduction for kind in found]))
        distance, degrees, feet, contacts = (
            max(getattr(kind, name) for kind in found) for name in ("distance", "degrees", "feet", "contacts")
        )
        seen, with_poses = sum(kind.seen for kind in found), sum(kind.seen_with_key_poses for kind in found)
        return [
            ("times fewer keys on average, at least 6", f"{reduction:.1f}", reduction >= _LEAST),
            ("farthest joint, at most 10 mm", f"{1000 * distance:.1f} mm", distance <= goals.distance),
            ("farthest bone, at most 2 degrees", f"{degrees:.2f}", degrees <= goals.degrees),
            ("standing feet, at most 3 mm", f"{1000 * feet:.1f} mm", feet <= goals.held),
            ("contacts, at most 3 mm", f"{1000 * contacts:.1f} mm", contacts <= goals.held),
            ("clips that detectors see, as many as with all keys", f"{with_poses} of {seen}", with_poses >= seen),
            ("processor time, 300 frames of two people, under 1 s", f"{self.seconds:.2f} s", self.seconds < _SECONDS),
        ]

    def table(self) -> str:
        """The report as text."""
        lines = [f"{'kind':34s} fewer  joint   bone   feet  contact  seen"]
        for name, kind in sorted(self.kinds.items()):
            lengths = " ".join(f"{1000 * value:5.1f}" for value in (kind.feet, kind.contacts))
            lines.append(
                f"{name:34s} {kind.reduction:4.1f}x {1000 * kind.distance:5.1f} {kind.degrees:6.2f}  {lengths}"
                f"   {kind.seen_with_key_poses} of {kind.seen}"
            )
        lines += [f"{words:52s} {value:>10s}  {'yes' if passed else 'NO'}" for words, value, passed in self.rows()]
        return "\n".join(lines)


def evaluate_keys(model: Path, kinds: Sequence[str] = (), seeds: int = 1, out: Path | None = None) -> KeysReport:
    """Measure key poses of clips that a model generates.

    Args:
        model: a model folder that lists its kinds.
        kinds: names of the kinds to measure; empty for all.
        seeds: clips of each kind.
        out: folder for ``keys.json``; None writes nothing.

    Raises:
        UserError: the model lists no kinds, or not one of ``kinds``.
    """
    prompts, pipeline, report = kind_prompts(model, kinds), InterMask.load(model), KeysReport()
    last: list[PosedSkeleton] = []
    for kind, prompt in prompts.items():
        found = KindKeys()
        for seed in range(seeds):
            take = pipeline.generate(prompt, _FRAMES, GenerateOptions(seed=seed))[0]
            last = solve(take.people)
            measure_clip(found, kind, last)
        report.kinds[kind] = found
    report.seconds = _seconds(last)
    if out is not None:
        with atomic_write(out / "keys.json") as path:
            path.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
    return report


def measure_clip(found: KindKeys, kind: str, pair: Sequence[PosedSkeleton]) -> None:
    """Add a clip of two people to what was found of a kind."""
    people, joints = [keyed_person(person) for person in pair], np.stack([person.joints() for person in pair])
    poses = [one for one in key_poses(people, joints, FPS) if one is not None]
    fitted = [one.evaluated() for one in poses]
    reduction = len(people) * joints.shape[1] / sum(len(one.frames) for one in poses)
    found.reduction = (found.clips * found.reduction + reduction) / (found.clips + 1)
    for one in deviation(people, fitted, joints, FPS):
        for name in ("distance", "degrees", "feet", "contacts"):
            setattr(found, name, max(getattr(found, name), getattr(one, name)))
    heads = [person.poses(values)[1][:, : len(SMPL)] for person, values in zip(people, fitted, strict=True)]
    thinned = np.stack([np.moveaxis(places, 0, -1).swapaxes(0, 1) for places in heads])
    found.seen += detected(kind, joints[:, :, : len(SMPL)])
    found.seen_with_key_poses += detected(kind, thinned)
    found.clips += 1


def _seconds(pair: Sequence[PosedSkeleton]) -> float:
    """Processor time to find the key poses of two people, whose clip is played forwards and backwards for 10 s."""
    last = len(pair[0]) - 1
    frames = last - np.abs(np.arange(_TIMED) % (2 * last) - last)
    longer = [
        replace(person, rotations=person.rotations[frames], translation=person.translation[frames]) for person in pair
    ]
    people, joints = [keyed_person(person) for person in longer], np.stack([person.joints() for person in longer])
    start = time.process_time()
    key_poses(people, joints, FPS)
    return time.process_time() - start
