"""Completes clips of any length, window by window; a window is at most as long as the model's longest clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..constraints import Targets
from ..kinematics import solve
from ..model_files.model_folder import Model
from ..motion import Interaction, Motion
from ..motion.canonical import CanonicalTransform, canonical_pair
from ..motion.representation import JOINTS as BODY
from ..motion.representation import POSITIONS
from ..networks.token_map import FRAMES_PER_TOKEN, PARTS, token_columns
from .acts import shown, shows
from .batching import BatchSampler
from .completion import Window, WindowTask, all_free, pad_or_trim, with_segment
from .constrained import bound_frames, targets_of_part
from .drafts import Draft, DraftCallback, at_some_steps
from .motion_codec import MotionCodec
from .postprocess import refined
from .repeats import prolonged
from .reranking import Shows, TextCondition, candidate_selector, pair_scores
from .roles import Role, in_roles, role_penalties
from .sampling import StepCallback, passes
from .sequence import DrawnPart, Scorer, in_sequence
from .steered_window import SteeredWindow
from .steering import SteeringSettings, exchanged, reaching_ahead

WindowText = tuple[Window, TextCondition]
"""A window of a clip and the text that applies to it, the same for all takes or one for each."""


@dataclass(frozen=True)
class PartTexts:
    """A part of a clip that is drawn as a clip of its own.

    Attributes:
        frames: its length.
        windows: with frames counted from its beginning. If they have more frames than the part, the best ones are kept;
            if they have fewer, a part of them is repeated.
        roles: who acts, the same for all takes or one for each; None leaves the people as they are drawn.
    """

    frames: int
    windows: list[WindowText]
    roles: tuple[Role | None, ...] = (None,)

    @property
    def drawn_frames(self) -> int:
        """Number of frames that are drawn."""
        return self.windows[-1][0].stop

    @property
    def text(self) -> TextCondition:
        """The text of its last window."""
        return self.windows[-1][1]


_Pair = Sequence[Motion | None]
"""Two people, None for a person of whom no motion is known."""


class WindowedCompleter:
    """Fills in the free tokens of a clip, window by window."""

    def __init__(self, model: Model, codec: MotionCodec) -> None:
        self._model = model
        self._codec = codec

    def complete_parts(
        self,
        parts: Sequence[PartTexts],
        sampler: BatchSampler,
        takes: int,
        on_step: StepCallback | None,
        targets: Targets | None = None,
        steering: SteeringSettings | None = None,
    ) -> list[tuple[Motion, Motion]]:
        """Generate both people of each take, part by part, so that each part leads into the next one.

        Args:
            parts: in order of time.
            sampler, takes, on_step, steering: as in ``complete``.
            targets: of the whole clip; each part gets those of its frames.
        """
        if len(parts) == 1:
            return self._drawn(parts[0], sampler, takes, on_step, targets, steering)
        joined = []
        for take in self.draw_parts(parts, sampler, takes, on_step, targets, steering):
            first, second = in_sequence(take)
            anywhere = all(part.bound is None for part in take)
            pair = canonical_pair(Interaction((first, second)), "kept")[0].people if anywhere else (first, second)
            joined.append(pair)
        return joined

    def draw_parts(
        self,
        parts: Sequence[PartTexts],
        sampler: BatchSampler,
        takes: int,
        on_step: StepCallback | None,
        targets: Targets | None = None,
        steering: SteeringSettings | None = None,
    ) -> list[list[DrawnPart]]:
        """The parts of each take, solved, before they are joined; arguments as in ``complete_parts``."""
        results: list[list[DrawnPart]] = [[] for _ in range(takes)]
        start = 0
        for number, part in enumerate(parts):
            own = targets_of_part(targets, start, start + part.frames)
            bound = np.zeros((2, part.frames), dtype=bool) if own is None else bound_frames(own)
            progress = sub_progress(on_step, number, len(parts))
            for take, pair in enumerate(self._drawn(part, sampler, takes, progress, own, steering)):
                results[take].append(
                    DrawnPart(_solved(pair), part.frames, self.scorer(part.text, take), bound if bound.any() else None)
                )
            start += part.frames
        return results

    def scorer(self, text: TextCondition, take: int = 0) -> Scorer | None:
        """How plausible pairs are for the text of a take, of which at most the longest clip's frames count.

        A pair that shows the text's act is more plausible than any that does not.
        """
        reranker, longest, kind = self._model.reranker, self._model.config.longest, text.kind_of(take)
        if reranker is None:
            return None
        vector = text.pooled if len(text.pooled) == 1 else text.pooled[take : take + 1]

        def score(joints: np.ndarray) -> np.ndarray:
            scores = pair_scores(reranker, joints[:, :, :longest], vector)
            return scores if kind is None else scores + shown(kind, joints)

        return score

    def _drawn(
        self,
        part: PartTexts,
        sampler: BatchSampler,
        takes: int,
        on_step: StepCallback | None,
        targets: Targets | None,
        steering: SteeringSettings | None,
    ) -> list[tuple[Motion, Motion]]:
        """The pairs of all takes of a part, each in its role and at least as long as the part."""
        frames = part.drawn_frames
        free = all_free(frames)
        pairs = self.complete(part.windows, (None, None), free, frames, sampler, takes, on_step, targets, steering)
        if frames < part.frames:
            longer = [prolonged(pair, part.frames) for pair in pairs]
            pairs = [(first, second) for first, second in longer]
        roles = part.roles * takes if len(part.roles) == 1 else part.roles
        return [self._in_roles(pair, role) for pair, role in zip(pairs, roles, strict=True)]

    def _in_roles(self, pair: tuple[Motion, Motion], role: Role | None) -> tuple[Motion, Motion]:
        """A generated pair whose first or second person acts, as its role says, in the frame of its first person."""
        ordered = pair if role is None else in_roles(pair, role)
        return pair if ordered[0] is pair[0] else self._codec.representation.canonical(ordered)

    def complete(
        self,
        windows: Sequence[WindowText],
        known: tuple[Motion | None, Motion | None],
        free: np.ndarray,
        frames: int,
        sampler: BatchSampler,
        takes: int,
        on_step: StepCallback | None,
        targets: Targets | None = None,
        steering: SteeringSettings | None = None,
    ) -> list[tuple[Motion, Motion]]:
        """Generate both people of each take.

        Args:
            windows: in order of time.
            known, free, frames: as in ``InterMask.complete``.
            sampler: settings and randomness.
            takes: number of results.
            on_step: called after each step, counted over all windows.
            targets: of the clip, in the world of the known people.
            steering: how people are steered to the constraints; None does not steer them.

        Returns:
            One pair for each take, in the world of the known people.
        """
        representation = self._codec.representation
        targets = None if steering is None else targets
        given = [None if person is None else pad_or_trim(representation.prepared(person), frames) for person in known]
        pairs = [list(given) for _ in range(takes)]
        for number, (window, text) in enumerate(windows):
            turn = slice(None, None, -1) if window.exchanged else slice(None)
            columns = slice(window.start // FRAMES_PER_TOKEN, token_columns(window.stop))
            task = WindowTask(free[turn, :, columns], window)
            if task.free.any():
                turned = [pair[turn] for pair in pairs]
                own = None if targets is None else _targets_of(window, targets, pairs[0])
                progress = sub_progress(on_step, number, len(windows))
                self._complete_window(turned, task, text, frames, sampler, progress, own, steering)
                pairs = [pair[turn] for pair in turned]
        complete_pairs = [[person for person in pair if person is not None] for pair in pairs]
        people = [(first, second) for first, second in complete_pairs]
        if all(person is None for person in known) and targets is None:
            people = [representation.canonical(pair) for pair in people]
        return people

    def _complete_window(
        self,
        takes: list[list[Motion | None]],
        task: WindowTask,
        text: TextCondition,
        frames: int,
        sampler: BatchSampler,
        on_step: StepCallback | None,
        targets: Targets | None,
        settings: SteeringSettings | None,
    ) -> None:
        """Fill in one window of all takes as one batch, and write the result into ``takes``."""
        codec, window, order = self._codec, task.window, task.order
        pairs = [[None if p is None else p.frames(window.start, window.stop) for p in pair] for pair in takes]
        transforms = [task.canonical_transform(pair, codec.representation.canonical_transform) for pair in pairs]
        maps = codec.encode_pairs(pairs, transforms, task.frames)
        free = torch.from_numpy(task.free).to(codec.device).expand(len(maps), -1, -1, -1)
        refine = self._refine_function(pairs, transforms, task, text)

        def decode_candidates(candidates: Tensor, which: Tensor) -> np.ndarray:
            return refine(codec.decode(candidates.flatten(0, 1)[:, order]), which)[:, order]

        reranker, steering, on_draw = self._model.reranker, None, on_step
        if targets is not None and settings is not None and targets.any():
            either = text.either_side * (len(takes) if len(text.either_side) == 1 else 1)
            steering = SteeredWindow(self._model, codec, task, targets, transforms, pairs, settings, either)
            drawing = passes(sampler.settings, PARTS)
            steps = drawing + steering.steps(sampler.settings)
            on_draw = None if on_step is None else lambda done, _: on_step(done, steps)
        penalty: Callable[[np.ndarray, Tensor], np.ndarray] | None = None if steering is None else steering.penalty
        if steering is None and window.role is not None:
            penalty = _role_penalty(window.role.exchanged if window.exchanged != (order == [1, 0]) else window.role)
        shows_act = None if reranker is None else self._shows_function(task, text)
        select_candidate = (
            None if reranker is None else candidate_selector(reranker, text, decode_candidates, penalty, shows_act)
        )
        on_maps = None if sampler.on_draft is None else self._draft_function(sampler.on_draft, task, transforms[0])
        # The leader of the window comes first, as in training.
        filled = sampler.sample(
            self._model.transformer, maps[:, order], free[:, order], text.condition, on_draw, select_candidate, on_maps
        )[:, order]
        if steering is None:
            decoded = refine(codec.decode(filled), torch.arange(len(takes), device=codec.device))
        else:
            on_steer = None if on_step is None else lambda done, _: on_step(drawing + done, steps)
            decoded, transforms = steering.steered(filled, sampler, text, refine, on_steer, shows_act)
        reconstructions = codec.decode(maps) if task.partial.any() else None
        for index, (pair, transform) in enumerate(zip(pairs, transforms, strict=True)):

            def in_world(
                features: np.ndarray, person: int, take: int = index, back: CanonicalTransform = transform.inverse
            ) -> Motion:
                return back.apply(codec.representation.motion(features[take, person, : task.frames]))

            for person in (0, 1):
                reconstruction = None if reconstructions is None else in_world(reconstructions, person)
                result = task.result(person, pair[person], in_world(decoded, person), reconstruction)
                takes[index][person] = with_segment(takes[index][person], result, window.start, frames)

    def _shows_function(self, task: WindowTask, text: TextCondition) -> Shows | None:
        """A function that returns whether features (2, T, ...) of a take show its kind; None if that is not known.

        Someone has to be drawn from beginning to end: an act that begins or ends in frames that stay may not be
        seen, however good the drawn frames are.
        """
        if not any(text.kinds) or not task.free.all((1, 2)).any():
            return None
        motion, kept = self._codec.representation.motion, np.flatnonzero(task.kept.all(1))

        def shows_kind(features: np.ndarray, take: int, targets: Targets | None = None) -> bool:
            kind = text.kind_of(take)
            people = [motion(person[: task.frames]) for person in features]
            if targets is None:
                return kind is None or shows(kind, people)
            held = int(kept[0]) if len(kept) else None
            return kind is None or shows(kind, people, targets.between(0, task.frames), held)

        return shows_kind

    def _draft_function(
        self, on_draft: DraftCallback, task: WindowTask, transform: CanonicalTransform
    ) -> Callable[[Tensor], None]:
        """A function that decodes the first of token maps (N, 2, P, S), the leader first, and passes it on."""
        codec, back, order = self._codec, transform.inverse, task.order
        turn = slice(None, None, -1) if task.window.exchanged else slice(None)

        def show(maps: Tensor) -> None:
            people = [codec.representation.motion(person) for person in codec.decode(maps[:1])[0, order]]
            joints = [back.apply(person).joints[: task.frames, :BODY] for person in people]
            on_draft(Draft(np.stack(joints[turn]), task.window.start))

        return at_some_steps(show)

    def _refine_function(
        self, pairs: Sequence[_Pair], transforms: Sequence[CanonicalTransform], task: WindowTask, text: TextCondition
    ) -> Callable[[np.ndarray, Tensor], np.ndarray]:
        """A function that refines decoded features (N, 2, T, ...) of takes (M,), N / M candidates for each.

        It changes nothing where only some body parts of a person are regenerated: refinement would move them away from
        the parts that are kept.
        """
        refiner, contact_classifier = self._model.refiner, self._model.contact_classifier
        if (refiner is None and contact_classifier is None) or not task.whole_people:
            return lambda features, which: features
        fixed = task.kept.all(1)

        def refine(features: np.ndarray, which: Tensor) -> np.ndarray:
            candidates, length, features = len(features) // len(which), features.shape[2], features.copy()
            for person in np.flatnonzero(fixed):
                for number, take in enumerate(which.tolist()):
                    known = pairs[take][person]
                    assert known is not None
                    true_joints = pad_or_trim(transforms[take].apply(known), length).joints.reshape(length, -1)
                    features[number * candidates : (number + 1) * candidates, person, :, POSITIONS] = true_joints
            vectors = text.pooled_for(which, candidates).to(self._codec.device)
            return refined(refiner, contact_classifier, features, vectors, fixed)

        return refine


def _role_penalty(role: Role) -> Callable[[np.ndarray, Tensor], np.ndarray]:
    """The penalties of candidates in which the other person acts; their features are (N, 2, T, ...) metres."""

    def penalties(features: np.ndarray, which: Tensor) -> np.ndarray:
        positions = features[..., POSITIONS]
        return role_penalties(positions.reshape(*positions.shape[:-1], -1, 3), role)

    return penalties


def _targets_of(window: Window, targets: Targets, pair: _Pair) -> Targets:
    """The targets of a window, its first person first; people are on their way to later ones.

    Args:
        window: of the clip.
        targets: of the clip.
        pair: what is known of a take.
    """
    first = window.start + max(window.overlap - 1, 0)
    places = np.full((2, 2), np.nan)
    for person, motion in enumerate(pair):
        if motion is not None:
            places[person] = motion.joints[first, 0, [0, 2]]
    own = reaching_ahead(targets, window.start, window.stop, first, places)
    return exchanged(own) if window.exchanged else own


def _solved(pair: tuple[Motion, Motion]) -> list[Motion]:
    """Two people with corrected contacts, feet and orientations, which joining them to another part would blur."""
    return [person.motion() for person in solve(pair)]


def sub_progress(on_step: StepCallback | None, number: int, count: int) -> StepCallback | None:
    """A callback for part ``number`` of ``count`` equal parts of the work; it reports the steps of the whole work."""
    if on_step is None:
        return None
    return lambda step, steps: on_step(number * steps + step, count * steps)
