"""Makes labelled pairs for the reranker: detectors decide whether each pair shows what its caption says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..errors import UserError
from ..files import atomic_write
from ..generation.pipeline import GenerateOptions, InterMask
from ..generation.postprocess import refined
from ..kinematics import solve
from ..metrics.detectors import DETECTORS, detected
from ..model_files.model_folder import Model
from ..motion import Motion
from ..motion.representation import JOINTS, POSITIONS, motion_from_features
from . import processes
from .captioned_crops import draw_pairs
from .corruption import Neighbours, mix_up
from .crops import Clip, Crops
from .fingerprints import digest
from .perturbation import Perturbation

_CAPTURED = {"salsa dance": "salsa"}
"""Detectors of captured takes, whose kind is their caption."""
_PER_CALL = 16
"""Pairs that are generated or corrupted together."""
_LARGEST_SWAP = 0.7
"""Largest fraction of a corrupted pair's tokens that is replaced by a neighbouring code."""
_PERTURBED = 0.5
"""Fraction of the corrupted pairs whose people are perturbed as well."""


@dataclass(frozen=True)
class Labels:
    """Pairs of one length with their labels.

    Attributes:
        joints: (N, 2, T, 22, 3) float16, metres, before the solver.
        captions, kinds: (N,) the prompt of each pair, and the detector of its kind.
        right: (N,) whether that detector accepts the pair after the solver.
    """

    joints: np.ndarray
    captions: tuple[str, ...]
    kinds: tuple[str, ...]
    right: np.ndarray


Maker = Callable[[np.random.Generator, int, int], Labels]
"""Makes ``count`` labelled pairs of ``frames`` frames: (random, count, frames) to ``Labels``."""
_Pairs = tuple[Sequence[tuple[Motion, ...]], Sequence[Clip], Sequence[str]]
"""Pairs, the clips that their captions come from, and these captions."""


@dataclass(frozen=True)
class LabelSource:
    """A source of labelled pairs.

    Attributes:
        name: of the source; the beginning of the files' names.
        make: makes a chunk.
        fingerprint: a digest of all that ``make`` depends on. Chunks of another fingerprint are not used; they stay in
            the folder, since they can have taken hours.
    """

    name: str
    make: Maker
    fingerprint: str = ""

    def gather(self, folder: Path, count: int, chunk: int, lengths: Sequence[int], seed: int) -> list[Labels]:
        """Labelled pairs in chunks of one length each; each chunk is a file, and existing files are used.

        Args:
            folder: of the files.
            count: pairs in all, rounded up to whole chunks.
            chunk: pairs per file.
            lengths: in frames; chunks have them in turn.
            seed: of the pairs.
        """
        folder.mkdir(parents=True, exist_ok=True)
        key = digest(self.fingerprint, chunk, tuple(lengths), seed)[:8]
        paths = [folder / f"{self.name}_{key}_{number:03d}.npz" for number in range(-(-count // chunk))]
        mine = range(processes.rank(), len(paths), processes.count())
        for number in tqdm(mine, desc=f"labelling {self.name}", disable=not processes.is_first()):
            if not paths[number].is_file():
                random = np.random.default_rng((seed, *self.name.encode(), number))
                _save(paths[number], self.make(random, chunk, lengths[number % len(lengths)]))
        processes.wait()
        return [_load(path) for path in paths]


def candidates_of(pipeline: InterMask, crops: Crops, model: Model) -> LabelSource:
    """A source of candidates that the model generates for captions of the training data.

    Args:
        pipeline: generates.
        crops: of the training data.
        model: the pipeline's model as loaded from disk: a pipeline packs layers, which removes them from its state.
    """
    options = GenerateOptions(replace(pipeline.config.sampling, candidates=1, max_attempts=1))

    def make_pairs(random: np.random.Generator, count: int, frames: int) -> _Pairs:
        clips = _with_detectors(crops, random, count, frames)
        prompts = [_caption(clip, random) for clip in clips]
        seeds = [int(seed) for seed in random.integers(1 << 31, size=count)]
        return [made.people for made in pipeline.generate_batch(prompts, frames, seeds, options)], clips, prompts

    def make(random: np.random.Generator, count: int, frames: int) -> Labels:
        return _labelled(make_pairs, random, count, frames)

    networks = [one for one in (model.transformer, model.tokenizer, model.refiner, model.contact_classifier) if one]
    statistics = model.mean.cpu().numpy(), model.std.cpu().numpy()
    return LabelSource("candidates", make, digest(crops, options.settings, *statistics, *networks))


def corrupted_clips(pipeline: InterMask, crops: Crops, words: Mapping[str, Tensor]) -> LabelSource:
    """Corrupted clips of the training data: tokenised, mixed up, perturbed and refined."""
    model, perturbation, neighbours = pipeline.model, Perturbation(), Neighbours(pipeline.model.tokenizer)
    of_kind = {
        kind: _only(crops, [clip for clip in crops.clips if clip.kind == kind])
        for kind in {clip.kind for clip in crops.clips}
    }

    @torch.inference_mode()
    def make_pairs(random: np.random.Generator, count: int, frames: int) -> _Pairs:
        clips = _with_detectors(crops, random, count, frames)
        tokens = _tokens(pipeline, [_only(crops, [clip]) for clip in clips], random, frames)
        others = _tokens(pipeline, [of_kind[clip.kind] for clip in clips], random, frames)
        tokens = neighbours.swap(mix_up(tokens, others, random), _LARGEST_SWAP)
        features = pipeline.codec.decode(tokens)
        joints = torch.from_numpy(features[..., POSITIONS]).unflatten(-1, (JOINTS, 3))
        perturbed = torch.from_numpy(random.random(count) < _PERTURBED)[:, None, None, None, None]
        joints = torch.where(perturbed, perturbation.apply(joints), joints)
        features[..., POSITIONS] = joints.flatten(-2).numpy()
        captions = [_caption(clip, random) for clip in clips]
        text = torch.stack([words[caption] for caption in captions]).to(pipeline.device)
        features = refined(model.refiner, model.contact_classifier, features, text, np.zeros(2, dtype=bool))
        return [tuple(motion_from_features(person) for person in pair) for pair in features], clips, captions

    def make(random: np.random.Generator, count: int, frames: int) -> Labels:
        torch.manual_seed(int(random.integers(1 << 31)))
        return _labelled(make_pairs, random, count, frames)

    networks = [one for one in (model.tokenizer, model.refiner, model.contact_classifier) if one]
    statistics = model.mean.cpu().numpy(), model.std.cpu().numpy()
    settings = perturbation, _LARGEST_SWAP, _PERTURBED
    return LabelSource("corrupted", make, digest(crops, settings, *statistics, *networks))


def _save(path: Path, labels: Labels) -> None:
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            joints=labels.joints,
            captions=np.array(labels.captions),
            kinds=np.array(labels.kinds),
            right=labels.right,
        )


def _load(path: Path) -> Labels:
    with np.load(path, allow_pickle=False) as stored:
        captions, kinds = (tuple(str(word) for word in stored[key]) for key in ("captions", "kinds"))
        return Labels(stored["joints"], captions, kinds, stored["right"])


def _labelled(
    make_pairs: Callable[[np.random.Generator, int, int], _Pairs], random: np.random.Generator, count: int, frames: int
) -> Labels:
    """Pairs before the solver, with the detectors' answers about the solved pairs."""
    people: list[tuple[Motion, ...]] = []
    captions: list[str] = []
    kinds: list[str] = []
    while len(people) < count:
        more, clips, prompts = make_pairs(random, min(_PER_CALL, count - len(people)), frames)
        people += more
        captions += prompts
        kinds += [_detector(clip) for clip in clips]
    solved = [np.stack([person.motion().joints for person in solve(pair)]) for pair in people]
    right = [detected(kind, joints) for kind, joints in zip(kinds, solved, strict=True)]
    joints = np.stack([np.stack([person.joints for person in pair]) for pair in people]).astype(np.float16)
    return Labels(joints, tuple(captions), tuple(kinds), np.array(right))


def _only(crops: Crops, clips: Sequence[Clip]) -> Crops:
    """Crops of these clips, drawn in the same way."""
    return replace(crops, clips=clips, _chances={})


def _tokens(pipeline: InterMask, sources: Sequence[Crops], random: np.random.Generator, frames: int) -> Tensor:
    """Tokens (B, 2, P, S) of one crop from each source."""
    features = torch.stack([draw_pairs(source, random, 1, frames, pipeline.device)[0][0] for source in sources])
    normal = (features.flatten(0, 1) - pipeline.model.mean) / pipeline.model.std
    return pipeline.model.tokenizer.encode(normal)[:, 0].unflatten(0, (-1, 2))


def _with_detectors(crops: Crops, random: np.random.Generator, count: int, frames: int) -> list[Clip]:
    """Random clips of kinds that have a detector; all kinds are equally frequent.

    Raises:
        UserError: no kind of the crops has a detector.
    """
    members: dict[str, list[Clip]] = {}
    for index in crops.usable(frames)[0]:
        clip = crops.clips[index]
        if _detector(clip):
            members.setdefault(clip.kind, []).append(clip)
    if not members:
        raise UserError(
            f"No clip of a kind with a detector has {frames} frames; give the reranker choreographed clips, with "
            "--choreographed, or other 'frames'."
        )
    kinds, result = sorted(members), []
    for _ in range(count):
        clips = members[kinds[int(random.integers(len(kinds)))]]
        result.append(clips[int(random.integers(len(clips)))])
    return result


def _detector(clip: Clip) -> str:
    """Name of the detector for a clip's kind, or an empty string."""
    name = _CAPTURED.get(clip.kind, clip.kind)
    return name if name in DETECTORS else ""


def _caption(clip: Clip, random: np.random.Generator) -> str:
    return clip.captions[int(random.integers(len(clip.captions)))]
