"""Steers the takes of one window of a clip to the targets of its constraints, after they are drawn without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..constraints.targets import Targets
from ..constraints.types import FIRST_CONTACT
from ..model_files.model_folder import Model
from ..model_files.sampling_settings import SamplingSettings
from ..motion import Motion
from ..motion.canonical import CanonicalTransform
from ..networks.token_map import FRAMES_PER_TOKEN, PARTS
from .batching import BatchSampler
from .completion import WindowTask, pad_or_trim
from .feature_space import FEATURE_SPACES
from .motion_codec import MotionCodec
from .reranking import Shows, TextCondition, plausibility
from .root_plan import canonical_fit, plan_roots
from .sampling import StepCallback, passes
from .steering import Refine, Steering, SteeringSettings, lengthened
from .target_loss import asks_for_joints
from .timing import first_contact, retimed, retiming_to_targets, time_map

_EXCHANGE = 0.02
"""How much less a candidate must lose with its people exchanged, or mirrored. A clip that is made again with one more
constraint keeps who is who, and which hand does what, unless the constraint asks one for what the other does."""


@dataclass(frozen=True)
class _Fit:
    """How well a candidate fits its targets, as it is, with its people exchanged, or mirrored.

    Attributes:
        features: (2, T, ...) exchanged or mirrored, metres.
        lost: what it loses when candidates are compared.
        moved: (2, T, ...) the features, made faster and slower and moved to the targets.
        targets: in the frame of the features.
    """

    features: np.ndarray
    lost: float
    moved: np.ndarray
    targets: Targets


class SteeredWindow:
    """The targets of a window, and where its takes stand among them.

    Args:
        model, codec: of the takes.
        task: the window.
        targets: of its frames, in the world, with its people in the order of the window.
        transforms: from the world into the frame of each take.
        pairs: what is known of the people of each take, in the world; a take of which nothing is known is placed where
            its targets are.
        settings: see ``SteeringSettings``.
        either_side: of each take, whether its mirror image does what its prompt says as well.
    """

    def __init__(
        self,
        model: Model,
        codec: MotionCodec,
        task: WindowTask,
        targets: Targets,
        transforms: Sequence[CanonicalTransform],
        pairs: Sequence[Sequence[Motion | None]],
        settings: SteeringSettings,
        either_side: Sequence[bool] = (),
    ) -> None:
        self._either_side = either_side
        frames = FRAMES_PER_TOKEN * task.free.shape[-1]
        self._model, self._codec, self._task = model, codec, task
        self._targets = lengthened(targets, frames)
        self._still = np.pad(task.kept, ((0, 0), (0, frames - task.frames)), mode="edge")
        self._transforms, self._pairs, self._settings = transforms, pairs, settings
        self._space = FEATURE_SPACES[model.config.tokenizer.dataset]

    def penalty(self, features: np.ndarray, takes: Tensor) -> np.ndarray:
        """(N,) what candidates lose for the distance that they have to be moved; as ``candidate_selector`` asks."""
        takes = takes.cpu().repeat_interleave(len(features) // len(takes))
        return np.array([self._fits(pair, take)[0].lost for pair, take in zip(features, takes.tolist(), strict=True)])

    def steps(self, settings: SamplingSettings) -> int:
        """Steps of ``steered`` that are reported."""
        return passes(self._redrawing(settings), PARTS) + self._settings.latent_steps

    def steered(
        self,
        ids: Tensor,
        sampler: BatchSampler,
        text: TextCondition,
        refine: Refine,
        on_step: StepCallback | None,
        shows: Shows | None = None,
    ) -> tuple[np.ndarray, list[CanonicalTransform]]:
        """People who meet the targets.

        Args:
            ids: (takes, 2, P, S) drawn without the targets.
            sampler: settings and randomness.
            text: of the takes.
            refine: corrects decoded people.
            on_step: called with (steps done, all steps) after each step.
            shows: as ``candidate_selector`` asks.

        Returns:
            (takes, 2, T, ...) features in metres, and the transform from the world into the frame of each take.
        """
        settings, takes, device, report = self._settings, len(ids), ids.device, on_step
        every = torch.arange(takes, device=device)
        decoded = enumerate(self._codec.decode(ids))
        chosen = [self._fitted(pair, every[take : take + 1], refine, shows).features for take, pair in decoded]
        drawn = self._timed(np.stack(chosen), every, refine)
        joints = self._joints(drawn)
        transforms = [self._placed(drawn[take], joints[take], take) for take in range(takes)]
        targets = [self._targets.moved(transform) for transform in transforms]
        places = [self._known_places(take) for take in range(takes)]
        draft = self._joints(refine(drawn, every))
        steering = Steering(self._model, targets, self._still, places, self._task.free, settings, draft)
        moved = steering.moved(ids, every, True, torch.from_numpy(drawn).to(device))
        pool = moved[:, None]
        for _ in range(settings.rounds):
            variants = self._variants(moved, steering, sampler, text, on_step)
            pool = torch.cat((pool, variants), 1)
            pool, seen = self._ranked(pool, targets, steering, text, refine, shows)
            if seen.all() or not variants.shape[1]:
                break
            # The progress of further rounds stays at the end of the first one.
            on_step = _constant(on_step, passes(self._redrawing(sampler.settings), PARTS), self.steps(sampler.settings))
        done = passes(self._redrawing(sampler.settings), PARTS)

        def on_latent_step(step: int) -> None:
            if report is not None:
                report(done + step, self.steps(sampler.settings))

        features, _ = steering.features(pool[:, 0], every, refine, on_latent_step)
        if shows is not None and asks_for_joints(self._targets):
            on_step = _constant(report, done + settings.latent_steps, self.steps(sampler.settings))
            self._try_others(features, pool, targets, steering, refine, shows, on_step)
        on_latent_step(settings.latent_steps)
        return features, transforms

    def _try_others(
        self,
        features: np.ndarray,
        pool: Tensor,
        targets: Sequence[Targets],
        steering: Steering,
        refine: Refine,
        shows: Shows,
        on_step: StepCallback | None,
    ) -> None:
        """Replace features (takes, 2, T, ...) that do not show their act by those of the next maps of the pool that do.

        Args:
            features: of the first map of each take, after gradient steps.
            pool: (takes, N, 2, P, S) maps, the best first.
            targets, steering, refine, shows, on_step: as in ``steered``.
        """

        def step(_: int) -> None:
            if on_step is not None:
                on_step(0, 0)

        for take in range(len(features)):
            if shows(features[take], take, targets[take]):
                continue
            item = torch.tensor([take], device=pool.device)
            for number in range(1, min(pool.shape[1], self._settings.tries)):
                found, _ = steering.features(pool[item, number], item, refine, step)
                if shows(found[0], take, targets[take]):
                    features[take] = found[0]
                    break

    def _timed(self, drawn: np.ndarray, takes: Tensor, refine: Refine) -> np.ndarray:
        """Features (takes, 2, T, ...) that are slower and faster, so that people first touch when they are to.

        Where no first contact is asked for, so that they resemble what is asked of them when it is asked.
        """
        wanted = [timing for timing in self._targets.timings if timing.event == FIRST_CONTACT and timing.weight > 0]
        if not wanted:
            return np.stack([self._resembling(pair, take)[0] for take, pair in enumerate(drawn)])
        start = self._first_free()
        if start is None:
            return drawn
        result = drawn.copy()
        for take, joints in enumerate(self._joints(refine(drawn, takes))):
            found = first_contact(torch.from_numpy(joints))
            if found is not None:
                times = time_map(len(joints[0]), found, wanted[0].frame, start)
                result[take] = retimed(torch.from_numpy(drawn[take]), times).numpy()
        return result

    def _fitted(self, drawn: np.ndarray, item: Tensor, refine: Refine, shows: Shows | None) -> _Fit:
        """The best fit of features (2, T, ...) to the targets of a take (1,): of those that show its act, if any does.

        Moving whole people keeps what is seen; where more is asked, an act may be cut off by what is asked of a hand.
        """
        take = int(item)
        fits = self._fits(drawn, take)
        if shows is None or len(fits) == 1 or not asks_for_joints(self._targets):
            return fits[0]
        showing = (fit for fit in fits if shows(refine(fit.moved[None], item)[0], take, fit.targets))
        return next(showing, fits[0])

    def _fits(self, drawn: np.ndarray, take: int) -> list[_Fit]:
        """How well features (2, T, ...) fit the targets of a take, the best fit first.

        Where the prompt leaves open who of two new people is the first, or which hand or side it means, both are
        compared.
        """
        window, settings = self._task.window, self._settings
        new = self._task.free.all()
        orders = [drawn]
        if new and not window.exchanged and window.role is None:
            orders.append(drawn[::-1].copy())
        if new and self._either_side and self._either_side[take]:
            images = [self._space.mirrored(pair) for pair in orders]
            orders += [image for image in images if image is not None]
        fits = []
        for number, features in enumerate(orders):
            pair, gap = self._resembling(features, take)
            joints = self._joints(pair)
            targets = self._targets.moved(self._placed(pair, joints, take))
            plan = plan_roots(joints, targets, self._still)
            effort = float(np.linalg.norm(plan.move, axis=-1).mean())
            lost = settings.effort * effort + settings.resemblance * gap + _EXCHANGE * (number > 0)
            changes = (torch.from_numpy(change).to(torch.from_numpy(pair)) for change in (plan.move, plan.turn))
            moved = self._space.moved(torch.from_numpy(pair), *changes).numpy()
            fits.append(_Fit(features, lost, moved, targets))
        # The first of equal ones stays the first.
        return sorted(fits, key=lambda fit: fit.lost)

    def _resembling(self, drawn: np.ndarray, take: int) -> tuple[np.ndarray, float]:
        """Features (2, T, ...) that resemble what is asked of them when it is asked, and what is missing in metres."""
        start = self._first_free()
        if start is None:
            return drawn, 0.0
        joints = self._joints(drawn)
        retiming = retiming_to_targets(joints, self._targets.moved(self._placed(drawn, joints, take)), start)
        if retiming is None:
            return drawn, 0.0
        return retimed(torch.from_numpy(drawn), retiming.times).numpy(), retiming.gap

    def _first_free(self) -> int | None:
        """The first frame that can be moved in time; None if frames are kept later, or for one person alone."""
        kept = np.flatnonzero(self._still.any(0))
        start = int(kept[-1]) + 1 if len(kept) else 0
        return start if len(kept) == start else None

    def _variants(
        self,
        moved: Tensor,
        steering: Steering,
        sampler: BatchSampler,
        text: TextCondition,
        on_step: StepCallback | None,
    ) -> Tensor:
        """(takes, variants, 2, P, S) maps with other tokens where the moved ones (takes, 2, P, S) are improbable."""
        settings, order, takes, count = self._settings, self._task.order, len(moved), self._settings.variants
        if not settings.passes:
            return moved[:, None][:, :0]
        repeated = moved.repeat_interleave(count, 0)
        free = torch.from_numpy(self._task.free).to(moved.device).expand(len(repeated), -1, -1, -1)

        def adjust(maps: Tensor, items: Tensor) -> Tensor:
            return steering.moved(maps[:, order], items // count)[:, order]

        def report(done: int, _: int) -> None:
            if on_step is not None:
                on_step(done, self.steps(sampler.settings))

        redrawing = self._redrawing(sampler.settings)
        redrawn = sampler.redraw(
            self._model.transformer, repeated[:, order], free[:, order], text.condition, redrawing, report, adjust
        )
        return redrawn[:, order].view(takes, count, *moved.shape[1:])

    def _ranked(
        self,
        variants: Tensor,
        targets: Sequence[Targets],
        steering: Steering,
        text: TextCondition,
        refine: Refine,
        shows: Shows | None,
    ) -> tuple[Tensor, np.ndarray]:
        """The variants (takes, N, 2, P, S), the most plausible that meets its targets first.

        Before it comes the best one that shows what its take is to show.

        Returns:
            (takes, N, 2, P, S), and (takes,) whether the first one shows it.
        """
        takes, count = variants.shape[:2]
        items = torch.arange(takes, device=variants.device)
        refined, error = zip(
            *(steering.features(variants[:, number], items, refine) for number in range(count)), strict=True
        )
        scores = -self._settings.error * torch.from_numpy(np.stack(error, 1))
        if self._model.reranker is not None:
            for number, features in enumerate(refined):
                scores[:, number] += plausibility(self._model.reranker, features, text.pooled_for(items, 1))
        order, seen = scores.argsort(1, descending=True).tolist(), np.ones(takes, dtype=bool)
        if shows is not None:
            for take, ranks in enumerate(order):
                showing = (number for number in ranks if shows(refined[number][take], take, targets[take]))
                first = next(showing, None)
                seen[take] = first is not None
                if first is not None:
                    ranks.remove(first)
                    ranks.insert(0, first)
        return variants[items[:, None], torch.tensor(order, device=variants.device)], seen

    def _redrawing(self, settings: SamplingSettings) -> SamplingSettings:
        """The settings of redrawing what the targets make improbable, of all parts of the map."""
        own = self._settings
        return replace(
            settings,
            steps=0,
            refinement_passes=own.passes,
            refine_parts=(),
            remask_threshold=own.remask_threshold,
        )

    def _placed(self, features: np.ndarray, joints: np.ndarray, take: int) -> CanonicalTransform:
        """The transform of a take: the given one, or the one that brings drawn people near to their targets."""
        if any(person is not None for person in self._pairs[take]):
            return self._transforms[take]
        first, second = (self._codec.representation.motion(person) for person in features)
        base = self._codec.representation.world_transform((first, second)).inverse
        return canonical_fit(joints, self._targets, base)

    def _known_places(self, take: int) -> np.ndarray | None:
        """(2, T, 2) x, z of the people of a take in its frame, zeros for people who are not known."""
        if all(person is None for person in self._pairs[take]):
            return None
        places = np.zeros((*self._still.shape, 2))
        for person, known in enumerate(self._pairs[take]):
            if known is not None:
                moved = pad_or_trim(self._transforms[take].apply(known), self._still.shape[1])
                places[person] = moved.joints[:, 0, [0, 2]]
        return places

    def _joints(self, features: np.ndarray) -> np.ndarray:
        return np.asarray(self._space.joints(torch.from_numpy(features)).double())


def _constant(on_step: StepCallback | None, done: int, steps: int) -> StepCallback | None:
    """A callback that always reports ``done`` steps; it can still cancel."""
    return None if on_step is None else lambda *_: on_step(done, steps)
