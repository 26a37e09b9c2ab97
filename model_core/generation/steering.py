"""Steers sampled people to their targets: their roots first, then other steps for them, then the latents.

Not published; the ideas of MaskControl (Pinyoanuntapong et al. 2025) and of projected diffusion in the terms of a token
map. People are drawn without constraints. Their motion is moved over the ground to where the targets ask for them, and
encoded; tokens that the move makes improbable, such as legs that slide, are masked and redrawn by the network, with the
text's guidance, and each draw is moved to the targets and encoded again. At the end gradients through the decoder bring
joints to pins, poses and contacts, as continuous latents that are not bound to codes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from ..constraints.targets import ContactTarget, Targets
from ..errors import UserError
from ..kinematics.smoothing import stabilised_bodies
from ..model_files.model_folder import Model
from ..motion.types import FPS
from ..networks.token_map import FRAMES_PER_TOKEN
from .feature_space import FEATURE_SPACES
from .root_plan import plan_roots
from .target_loss import TargetLoss, asks_for_joints

_STEADY = 1e-5
"""Metres: no decoded pelvis oscillates less, so that all are smoothed."""
Refine = Callable[[np.ndarray, Tensor], np.ndarray]
"""Takes decoded features (N, 2, T, ...) and their items (N,), and returns refined ones."""


@dataclass(frozen=True)
class SteeringSettings:
    """How much is done to meet targets.

    Attributes:
        passes: over the moved map that mask each token once and redraw the improbable ones; 0 redraws none.
        remask_threshold: a masked token is redrawn where its probability is below this share of the most likely one's.
        variants: redrawn maps for each take, of which the best is kept.
        rounds: of variants, where none shows what the prompt asks for.
        tries: variants that are steered with gradients, one after the other, until one shows what the prompt asks for.
        latent_steps: of gradient descent on the latents, for targets that moving whole people does not meet.
        rate: learning rate of Adam on the latents.
        effort: how much of the reranker's probability a candidate loses for each metre that it has to be moved.
        resemblance: how much of it a candidate loses for each metre by which its poses and contacts differ from those
            that are asked for, after it has been made faster and slower to resemble them.
        error: how much of it a variant loses for each metre by which it misses its targets.
    """

    passes: int = 2
    remask_threshold: float = 0.1
    variants: int = 2
    rounds: int = 2
    tries: int = 3
    latent_steps: int = 60
    rate: float = 0.2
    effort: float = 0.1
    resemblance: float = 1.0
    error: float = 2.0

    def __post_init__(self) -> None:
        if min(self.passes, self.latent_steps) < 0 or min(self.variants, self.rounds, self.tries) < 1:
            raise UserError(
                "Steering needs at least 1 variant, round and try, and passes and latent steps of at least 0."
            )


class Steering:
    """Steers the maps of a window whose targets are in the frame of the maps.

    Args:
        model: its tokenizer decodes and encodes.
        targets: of each item, of at most 4 S frames.
        still: (2, T) true for frames that are kept.
        places: of each item, (2, T, 2) x, z of the people in the frames that are kept; None where nothing is known.
        free: (2, P, S) true for the tokens that may change.
        settings: see ``SteeringSettings``.
        draft: (N, 2, T, 22, 3) joints of the items before they are moved to their targets, whose touches are kept.
    """

    def __init__(
        self,
        model: Model,
        targets: Sequence[Targets],
        still: np.ndarray,
        places: Sequence[np.ndarray | None],
        free: np.ndarray,
        settings: SteeringSettings,
        draft: np.ndarray,
    ) -> None:
        self.settings = settings
        self._model = model
        self._space = FEATURE_SPACES[model.config.tokenizer.dataset]
        frames = FRAMES_PER_TOKEN * free.shape[-1]
        self._targets = [lengthened(target, frames) for target in targets]
        self._places, self._draft = places, torch.from_numpy(draft)
        self._still = np.pad(still, ((0, 0), (0, frames - still.shape[1])), mode="edge")
        self._free = torch.from_numpy(free.copy()).to(model.mean.device)

    def moved(self, ids: Tensor, items: Tensor, turns: bool = False, features: Tensor | None = None) -> Tensor:
        """Maps (N, 2, P, S) of the same people, moved over the ground to their targets; kept tokens stay.

        Args:
            ids: (N, 2, P, S) without masks.
            items: (N,) whose targets.
            turns: also turn people into a changed direction of travel.
            features: (N, 2, T, ...) metres, in place of those of the maps.
        """
        features = self._decoded(self._codes(ids)) if features is None else features
        features = self._moved(features, items.tolist(), turns)
        with torch.inference_mode():
            nearest = self._model.tokenizer.quantizer.ids(self._latent(features).flatten(0, 1))[:, 0]
        return torch.where(self._free, nearest.unflatten(0, (-1, 2)), ids)

    @torch.inference_mode(False)
    def features(
        self, ids: Tensor, items: Tensor, refine: Refine, on_step: Callable[[int], None] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Decoded, refined people who meet their targets as well as the decoder can.

        Args:
            ids: (N, 2, P, S) without masks.
            items: (N,) whose targets.
            refine: corrects decoded people; its correction is kept while the latents are optimised.
            on_step: called with the number of gradient steps done after each one; None takes no gradient steps.

        Returns:
            (N, 2, T, ...) features in metres, and the mean error of each item (N,) in metres.
        """
        # The codes are decoded as they are: latents of moved people, which no code binds, make bodies shake.
        numbers, latent = items.tolist(), self._codes(ids).clone()
        decoded = self._decoded(latent)
        refined = torch.from_numpy(refine(decoded.cpu().numpy(), items)).to(decoded)
        refined = self._moved(refined, numbers, False)
        joints = self._space.joints(refined)
        loss = TargetLoss([self._targets[item] for item in numbers], joints, self._draft[numbers].to(joints))
        if on_step is not None and any(asks_for_joints(self._targets[item]) for item in numbers):
            latent = self._optimised(latent, self._space.joints(refined - decoded), loss, on_step)
            refined = self._moved(self._decoded(latent) + (refined - decoded), numbers, False)
        refined = self._steadied(refined)
        with torch.no_grad():
            error = loss.error(self._space.joints(refined))
        return refined.cpu().numpy(), error.cpu().numpy()

    def _optimised(
        self, latent: Tensor, correction: Tensor, loss: TargetLoss, on_step: Callable[[int], None]
    ) -> Tensor:
        """Latents whose decoded joints, with the refiner's correction, have the smallest loss found."""
        settings = self.settings
        start, latent = latent, latent.clone().requires_grad_(True)
        adam = torch.optim.Adam([latent], lr=settings.rate, betas=(0.8, 0.95))
        for step in range(settings.latent_steps):
            adam.param_groups[0]["lr"] = settings.rate * (1 - 0.9 * step / settings.latent_steps)
            with torch.enable_grad():
                held = torch.where(self._free[:, None], latent, start)
                value = loss(self._space.joints(self._features(held)) + correction)
            (latent.grad,) = torch.autograd.grad(value, [latent])
            adam.step()
            on_step(step + 1)
        return torch.where(self._free[:, None], latent.detach(), start)

    def _moved(self, features: Tensor, items: Sequence[int], turns: bool) -> Tensor:
        """Features (N, 2, T, ...) moved to the targets of items."""
        joints = self._joints(features)
        plans = [
            plan_roots(pair, self._targets[item], self._still, turns, self._places[item])
            for pair, item in zip(joints, items, strict=True)
        ]
        move = torch.from_numpy(np.stack([plan.move for plan in plans]))
        turn = torch.from_numpy(np.stack([plan.turn for plan in plans]))
        return self._space.moved(features, move.to(features), turn.to(features))

    def _steadied(self, features: Tensor) -> Tensor:
        """Features (N, 2, T, ...) of people whose pelvises do not shake; people with frames that are kept stay.

        The decoder places the body independently in each token, and so does each move to the targets. The solver
        removes shaking only above the level of captured motion.
        """
        joints = self._joints(features)
        people = joints.reshape(-1, *joints.shape[2:])
        change = (stabilised_bodies(people, FPS, _STEADY) - people)[:, :, 0].reshape(*joints.shape[:3], 3)
        move = change[..., [0, 2]]
        move[:, self._still.any(1)] = 0.0
        moved = torch.from_numpy(move).to(features)
        return self._space.moved(features, moved, moved.new_zeros(moved.shape[:-1]))

    def _joints(self, features: Tensor) -> np.ndarray:
        return self._space.joints(features).double().cpu().numpy()

    def _codes(self, ids: Tensor) -> Tensor:
        """Latents (N, 2, D, P, S) of maps (N, 2, P, S)."""
        with torch.inference_mode():
            return self._model.tokenizer.quantizer.latent(ids.flatten(0, 1)[:, None]).unflatten(0, (-1, 2))

    def _features(self, latent: Tensor) -> Tensor:
        """Features (N, 2, T, ...), in metres, of latents (N, 2, D, P, S)."""
        features = self._model.tokenizer.decode_latent(latent.flatten(0, 1))
        return (features * self._model.std + self._model.mean).unflatten(0, (-1, 2))

    def _decoded(self, latent: Tensor) -> Tensor:
        with torch.no_grad():
            return self._features(latent)

    def _latent(self, features: Tensor) -> Tensor:
        """Latents (N, 2, D, P, S) of features (N, 2, T, ...) in metres."""
        with torch.no_grad():
            normalised = (features - self._model.mean) / self._model.std
            return self._model.tokenizer.latent(normalised.flatten(0, 1)).unflatten(0, (-1, 2))


_ON_THE_WAY = 0.5
"""Weight of the place at the end of a window of someone who has to be elsewhere later."""


def reaching_ahead(targets: Targets, start: int, stop: int, first: int, places: np.ndarray) -> Targets:
    """The targets of the frames of a window, in which people are on their way to where they have to be after it.

    Args:
        targets: of the clip.
        start, stop: frames of the window.
        first: a frame of the window.
        places: (2, 2) x, z of each person in that frame; NaN where they are not known.
    """
    own = targets.between(start, stop)
    ground, weight = own.ground.copy(), own.ground_weight.copy()
    for person in (0, 1):
        later = np.flatnonzero(targets.ground_weight[person, stop:])
        bound = np.flatnonzero(weight[person])
        last, place = (start + bound[-1], ground[person, bound[-1]]) if len(bound) else (first, places[person])
        if len(later) and last < stop - 1 and np.isfinite(place).all():
            goal = targets.ground[person, stop + later[0]]
            ground[person, -1] = place + (goal - place) * (stop - 1 - last) / (stop + later[0] - last)
            weight[person, -1] = _ON_THE_WAY
    return replace(own, ground=ground, ground_weight=weight)


def lengthened(targets: Targets, frames: int) -> Targets:
    """Targets of more frames, in which nothing is asked after the last one."""
    added = frames - len(targets)
    if added <= 0:
        return targets

    def padded(array: np.ndarray, weight: bool) -> np.ndarray:
        more = np.repeat(array[:, -1:], added, 1)
        return np.concatenate((array, np.zeros_like(more) if weight else more), 1)

    return _with_arrays(targets, padded, lambda contact: replace(contact, weight=np.pad(contact.weight, (0, added))))


def exchanged(targets: Targets) -> Targets:
    """The targets of the same two people in the other order."""
    return _with_arrays(
        targets, lambda array, _: array[::-1], lambda contact: replace(contact, person=1 - contact.person)
    )


def _with_arrays(
    targets: Targets,
    change: Callable[[np.ndarray, bool], np.ndarray],
    change_contact: Callable[[ContactTarget], ContactTarget],
) -> Targets:
    """Targets whose contacts and arrays (2, T, ...) are changed; ``change`` gets whether an array holds weights."""
    arrays = {
        entry.name: change(getattr(targets, entry.name), entry.name.endswith("_weight"))
        for entry in fields(targets)
        if entry.name not in ("contacts", "timings")
    }
    return Targets(**arrays, contacts=tuple(map(change_contact, targets.contacts)), timings=targets.timings)
