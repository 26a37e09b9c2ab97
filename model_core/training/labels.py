"""What a judge learns from: pairs of which detectors say whether they do what their caption says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..files import atomic_write
from ..generation.pipeline import GenerateOptions, InterMask
from ..generation.postprocess import refined
from ..kinematics import solve
from ..metrics.detectors import DETECTORS, detected
from ..motion import Motion
from ..motion.representation import JOINTS, POSITIONS, motion_from_features
from .captioned_crops import drawn
from .corruption import Neighbours, mixed_up
from .crops import Clip, Crops
from .perturbation import Perturbation

_CAPTURED = {"salsa dance": "salsa"}
"""Detectors of captured takes, which are called by their caption."""
_AT_ONCE = 16
"""Pairs made in one go."""
_EXCHANGED = 0.7
"""Most of a spoilt pair's tokens that give way to a neighbouring code."""
_DISTURBED = 0.5
"""Share of the spoilt pairs whose people are disturbed as well."""


@dataclass(frozen=True)
class Labels:
    """Pairs of one length, and what was said of them.

    Attributes:
        joints: (N, 2, T, 22, 3) float16, metres, before the solver.
        captions, kinds: (N,) what they were to do.
        right: (N,) whether the detector of their kind saw it after the solver.
    """

    joints: np.ndarray
    captions: tuple[str, ...]
    kinds: tuple[str, ...]
    right: np.ndarray


Maker = Callable[[np.random.Generator, int, int], Labels]
"""Makes so many pairs of so many frames."""
_Made = tuple[Sequence[tuple[Motion, ...]], Sequence[Clip], Sequence[str]]
"""Pairs, the clips whose captions they were to do, and those captions."""


def gather_labels(
    make: Maker, folder: Path, name: str, count: int, chunk: int, lengths: Sequence[int], seed: int
) -> list[Labels]:
    """So many verdicts in chunks of one length each; a chunk is a file, and what is there is not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    result = []
    for number in tqdm(range(-(-count // chunk)), desc=f"verdicts on {name}"):
        path = folder / f"{name}_{number:03d}.npz"
        if not path.is_file():
            random = np.random.default_rng((seed, *name.encode(), number))
            made = make(random, chunk, lengths[number % len(lengths)])
            with atomic_write(path) as temporary, temporary.open("wb") as file:
                np.savez(
                    file,
                    joints=made.joints,
                    captions=np.array(made.captions),
                    kinds=np.array(made.kinds),
                    right=made.right,
                )
        with np.load(path, allow_pickle=False) as stored:
            captions, kinds = (tuple(str(word) for word in stored[key]) for key in ("captions", "kinds"))
            result.append(Labels(stored["joints"], captions, kinds, stored["right"]))
    return result


def candidates_of(pipeline: InterMask, crops: Crops) -> Maker:
    """Makes drafts of captions that were learnt from."""
    options = GenerateOptions(replace(pipeline.config.sampling, candidates=1, max_attempts=1))

    def some(random: np.random.Generator, count: int, frames: int) -> _Made:
        clips = _with_detectors(crops, random, count, frames)
        prompts = [_caption(clip, random) for clip in clips]
        seeds = [int(seed) for seed in random.integers(1 << 31, size=count)]
        return [made.people for made in pipeline.generate_batch(prompts, frames, seeds, options)], clips, prompts

    return lambda random, count, frames: _labelled(some, random, count, frames)


def corrupted_clips(pipeline: InterMask, crops: Crops, words: Mapping[str, Tensor]) -> Maker:
    """Makes clips that were learnt from worse: through the tokenizer, mixed up, disturbed, and refined again."""
    model, perturbation, neighbours = pipeline.model, Perturbation(), Neighbours(pipeline.model.tokenizer)
    of_kind = {
        kind: _alone(crops, [clip for clip in crops.clips if clip.kind == kind])
        for kind in {clip.kind for clip in crops.clips}
    }

    @torch.inference_mode()
    def some(random: np.random.Generator, count: int, frames: int) -> _Made:
        clips = _with_detectors(crops, random, count, frames)
        tokens = _tokens(pipeline, [_alone(crops, [clip]) for clip in clips], random, frames)
        others = _tokens(pipeline, [of_kind[clip.kind] for clip in clips], random, frames)
        tokens = neighbours.exchanged(mixed_up(tokens, others, random), _EXCHANGED)
        rows = pipeline.codec.decode(tokens)
        joints = torch.from_numpy(rows[..., POSITIONS]).unflatten(-1, (JOINTS, 3))
        disturbed = torch.from_numpy(random.random(count) < _DISTURBED)[:, None, None, None, None]
        rows[..., POSITIONS] = torch.where(disturbed, perturbation.of(joints), joints).flatten(-2).numpy()
        captions = [_caption(clip, random) for clip in clips]
        text = torch.stack([words[caption] for caption in captions])
        rows = refined(model.refiner, model.contact_classifier, rows, text.to(pipeline.device), np.zeros(2, dtype=bool))
        return [tuple(motion_from_features(person) for person in pair) for pair in rows], clips, captions

    def make(random: np.random.Generator, count: int, frames: int) -> Labels:
        torch.manual_seed(int(random.integers(1 << 31)))
        return _labelled(some, random, count, frames)

    return make


def _labelled(
    some: Callable[[np.random.Generator, int, int], _Made], random: np.random.Generator, count: int, frames: int
) -> Labels:
    """What the detectors say after the solver, of joints as they are before it; pairs come some at a time."""
    people: list[tuple[Motion, ...]] = []
    captions: list[str] = []
    kinds: list[str] = []
    while len(people) < count:
        more, clips, prompts = some(random, min(_AT_ONCE, count - len(people)), frames)
        people += more
        captions += prompts
        kinds += [_detector(clip) for clip in clips]
    solved = [np.stack([person.motion().joints for person in solve(pair)]) for pair in people]
    right = [detected(kind, joints) for kind, joints in zip(kinds, solved, strict=True)]
    joints = np.stack([np.stack([person.joints for person in pair]) for pair in people]).astype(np.float16)
    return Labels(joints, tuple(captions), tuple(kinds), np.array(right))


def _alone(crops: Crops, clips: Sequence[Clip]) -> Crops:
    """Crops of these clips alone, drawn the same way."""
    return replace(crops, clips=clips, _chances={})


def _tokens(pipeline: InterMask, sources: Sequence[Crops], random: np.random.Generator, frames: int) -> Tensor:
    """(B, 2, P, S) of one crop of each source."""
    rows = torch.stack([drawn(source, random, 1, frames)[0][0] for source in sources])
    normal = (rows.flatten(0, 1) - pipeline.model.mean) / pipeline.model.std
    return pipeline.model.tokenizer.encode(normal)[:, 0].unflatten(0, (-1, 2))


def _with_detectors(crops: Crops, random: np.random.Generator, count: int, frames: int) -> list[Clip]:
    """So many clips of kinds that there is a detector for; kinds come as often as each other."""
    members: dict[str, list[Clip]] = {}
    for index in crops.usable(frames)[0]:
        clip = crops.clips[index]
        if _detector(clip):
            members.setdefault(clip.kind, []).append(clip)
    kinds, result = sorted(members), []
    for _ in range(count):
        clips = members[kinds[int(random.integers(len(kinds)))]]
        result.append(clips[int(random.integers(len(clips)))])
    return result


def _detector(clip: Clip) -> str:
    """Name of the detector for a clip's kind, or nothing."""
    name = _CAPTURED.get(clip.kind, clip.kind)
    return name if name in DETECTORS else ""


def _caption(clip: Clip, random: np.random.Generator) -> str:
    return clip.captions[int(random.integers(len(clip.captions)))]
