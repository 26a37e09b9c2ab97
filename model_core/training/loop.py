"""The training loop: steps, learning rate, weight averaging, device, metrics, checkpoints and resuming."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import UserError
from ..files import atomic_write
from ..generation.devices import has_bf16_products
from ..model_files.old_names import with_present_tensors
from ..tensor_files import not_finite
from . import processes
from .metrics_log import MetricsLog
from .shares import Losses, Shares

_CHECKPOINT, _PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"
_LOG_EVERY = 100
"""Steps between two lines of the metrics, each the mean over these steps."""
_MOST_SKIPPED = 10
"""Consecutive steps without a finite loss or gradient after which training stops: such networks do not recover."""


@dataclass(frozen=True)
class LoopSettings:
    """Length, learning rate and schedule of a training run.

    Attributes:
        steps: total number of updates.
        batch: samples per update.
        rate: peak learning rate of AdamW.
        betas, decay: of AdamW (published: 0.9, 0.99; 1e-5 for the transformer, none for the tokenizer).
        warm_up: steps over which the rate rises to its peak.
        schedule: ``cosine``, down to ``last_rate`` times the peak; or ``steps``, multiplied by ``step_factor``
            at each fraction of the steps in ``step_shares`` (as published).
        clip: largest norm of the gradient.
        average: decay of the moving average of the weights, which evaluation and export use; 0 for none.
        save_every, evaluate_every: in steps.
        half: use bfloat16 autocast where the device computes in it natively; weights stay in single precision.
        shares: parts of a batch that are computed one after the other or by several processes, with random numbers of
            their own. The result depends on their number, and not on the number of processes. 0: as many as there are
            processes when a training begins.
    """

    steps: int = 20000
    batch: int = 16
    rate: float = 2e-4
    betas: tuple[float, float] = (0.9, 0.99)
    decay: float = 0.0
    warm_up: int = 100
    schedule: str = "cosine"
    last_rate: float = 0.02
    step_shares: tuple[float, ...] = (0.7, 0.85)
    step_factor: float = 0.1
    clip: float = 1.0
    average: float = 0.999
    save_every: int = 500
    evaluate_every: int = 2000
    half: bool = False
    shares: int = 0

    def rate_at(self, step: int) -> float:
        """Learning rate of a step."""
        rise = min(1.0, (step + 1) / max(self.warm_up, 1))
        share = min(1.0, step / max(self.steps, 1))
        if self.schedule == "cosine":
            fall = self.last_rate + (1 - self.last_rate) * 0.5 * (1 + cos(pi * share))
        else:
            fall = self.step_factor ** sum(share >= at for at in self.step_shares)
        return self.rate * rise * fall


class Loop:
    """Runs updates until the last step; starts from the newest checkpoint in its folder.

    The folder gets ``checkpoint.pt``, ``checkpoint.previous.pt`` (the one before, in case the newest is corrupt),
    ``metrics.jsonl`` and ``held_out.jsonl``.

    Args:
        network: the network to train; it is moved to the device.
        settings: see ``LoopSettings``.
        folder: for checkpoints and metrics; created if it is missing.
        name: label of the progress bar.
        device: where the network and its batches live.
        divided: whether an update may be divided into shares. Otherwise each process computes all of it: the losses of
            small networks may compare all samples of a batch.

    Attributes:
        shares: the parts of an update.
        batch: samples of a share.

    Raises:
        UserError: the folder's checkpoints are damaged, or belong to another configuration; the batch cannot be divided
            into the shares.
    """

    def __init__(
        self,
        network: nn.Module,
        settings: LoopSettings,
        folder: Path,
        name: str,
        device: torch.device | str = "cpu",
        divided: bool = False,
    ) -> None:
        self.device = torch.device(device)
        self.network, self.settings, self.folder, self.name = network.to(self.device), settings, folder, name
        folder.mkdir(parents=True, exist_ok=True)
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.rate, betas=settings.betas, weight_decay=settings.decay
        )
        self.average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=self._averaged_in, use_buffers=False)
        self.step = 0
        self.shares = Shares(self.network, name, self.device)
        self.shares.count = (settings.shares or processes.count()) if divided else 1
        self._resume()
        self.batch = self.shares.divided(settings.batch)
        # No process may write a checkpoint before all have read theirs.
        processes.wait()
        self.log = MetricsLog(folder, self.step) if processes.is_first() else None

    def random(self, *key: int) -> np.random.Generator:
        """The random numbers of the current share: of ``key``, such as a seed and the step."""
        return self.shares.random(*key)

    @torch.no_grad()
    def _averaged_in(self, averages: Sequence[Tensor], weights: Sequence[Tensor], count: Tensor | int) -> None:
        """Move the averages towards the weights; faster at first, so that the initial weights are forgotten."""
        number = float(count)
        decay = min(self.settings.average, (1 + number) / (10 + number))
        torch._foreach_lerp_(list(averages), list(weights), 1 - decay)

    def _resume(self) -> None:
        """Load the newest checkpoint that can be read."""
        paths = [path for path in (self.folder / _CHECKPOINT, self.folder / _PREVIOUS) if path.is_file()]
        for path in paths:
            try:
                self._load(path)
            except (RuntimeError, KeyError, ValueError, EOFError, OSError, pickle.UnpicklingError) as error:
                if path is paths[-1]:
                    raise UserError(
                        f"{paths[0]} does not belong to this configuration or is damaged; choose another --out "
                        "folder, or delete it to start again."
                    ) from error
                print(f"{path} cannot be read; continuing from {paths[1].name}.", file=sys.stderr)
            else:
                return

    def _load(self, path: Path) -> None:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(with_present_tensors(saved["network"]))
        self.average.load_state_dict(with_present_tensors(saved["average"]))
        self.optimizer.load_state_dict(saved["optimizer"])
        torch.set_rng_state(saved["random"])
        if self.device.type == "cuda" and "random_cuda" in saved:
            torch.cuda.set_rng_state(saved["random_cuda"], self.device)
        self.step = int(saved["step"])
        # The number of processes may be another one now; the shares stay.
        self.shares.count = int(saved.get("shares", 1))

    def save(self) -> None:
        """Write the checkpoint atomically; the one before it is kept.

        Raises:
            UserError: it cannot be written, or a weight is not a finite number.
        """
        if (broken := not_finite(self.network.state_dict())) is not None:
            raise UserError(
                f"The {self.name} has weights that are not numbers ({broken}) after step {self.step}; lower 'rate', or "
                f"turn 'half' off, and run the command again: it continues from {self.folder / _CHECKPOINT}."
            )
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "step": self.step,
            "shares": self.shares.count,
        }
        if self.device.type == "cuda":
            state["random_cuda"] = torch.cuda.get_rng_state(self.device)
        path = self.folder / _CHECKPOINT
        with atomic_write(path) as temporary:
            try:
                torch.save(state, temporary)
            except RuntimeError as error:  # torch's form of an OSError
                raise UserError(f"Cannot write {path} ({error}); free some space or choose another place.") from error
            if path.is_file():
                path.replace(self.folder / _PREVIOUS)

    @property
    def averaged(self) -> nn.Module:
        """The network with averaged weights and the current buffers."""
        network = self.average.module
        for (_, old), (_, new) in zip(network.named_buffers(), self.network.named_buffers(), strict=True):
            old.copy_(new)
        return network

    def run(
        self,
        losses: Losses,
        evaluate: Callable[[nn.Module], dict[str, float]],
    ) -> nn.Module:
        """Train to the end.

        Args:
            losses: maps the step number to the loss to minimise, and to metrics for the log; in a divided training, of
                the current share: its random numbers are those of ``random``, and its samples ``batch`` many.
            evaluate: maps the averaged network to metrics on held-out data.

        Returns:
            The averaged network in evaluation mode, on the device.

        Raises:
            UserError: the loss stays infinite or NaN, or a checkpoint cannot be written.
        """
        from tqdm import tqdm

        settings = self.settings
        bar = tqdm(
            total=settings.steps,
            initial=self.step,
            desc=self.name,
            unit="step",
            smoothing=0.05,
            mininterval=_interval(),
            disable=not processes.is_first(),
        )
        means = _Means()
        if self.step == 0:
            self.network.train()
            self.shares.start_codebooks(lambda: self._loss(losses))
        skipped = 0
        with bar:
            while self.step < settings.steps:
                rate = settings.rate_at(self.step)
                figures = self._update(losses, rate)
                skipped = skipped + 1 if figures is None else 0
                if skipped == _MOST_SKIPPED:
                    raise UserError(
                        f"The loss of the {self.name} is not a finite number since step {self.step - skipped + 2}; "
                        f"lower 'rate', or turn 'half' off, and run the command again: it continues from the last "
                        f"checkpoint in {self.folder}."
                    )
                self.step += 1
                bar.update()
                for figure in figures or ():
                    means.add(figure)
                last = self.step == settings.steps
                if self.step % _LOG_EVERY == 0 or last:
                    line = means.take()
                    bar.set_postfix({key: f"{value:.3g}" for key, value in list(line.items())[:3]})
                    if self.log is not None:
                        self.log.write("metrics", self.step, {"rate": rate, **line})
                if self.log is None:
                    continue
                if self.step % settings.evaluate_every == 0 or last:
                    averaged = self.averaged.eval()
                    with torch.inference_mode():
                        held_out = evaluate(averaged)
                    figures_line = ", ".join(f"{key} {value:.4g}" for key, value in held_out.items())
                    bar.write(f"step {self.step}: {figures_line}")
                    self.log.write("held_out", self.step, held_out)
                if (self.step % settings.save_every == 0 or last) and not skipped:
                    self.save()
        if self.log is not None:
            self.log.close()
        return self.averaged.eval()

    def _update(self, losses: Losses, rate: float) -> list[dict[str, float]] | None:
        """One step of the optimizer; None, without a step, if the loss or its gradient is not finite.

        Returns:
            The metrics of each share that this process computed.
        """
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        self.shares.step = self.step
        figures = self.shares.gradients(lambda: self._loss(losses))
        if figures is None:
            return None
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        if not bool(norm.isfinite()):
            return None
        self.optimizer.step()
        self.average.update_parameters(self.network)
        return figures

    def _loss(self, losses: Losses) -> tuple[Tensor, dict[str, float]]:
        half = self.settings.half and _has_bfloat16(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            return losses(self.step)


class _Means:
    """Means of metrics since the last line of the log, each over the steps that have it."""

    def __init__(self) -> None:
        self.sums: dict[str, tuple[float, int]] = {}

    def add(self, figures: dict[str, float]) -> None:
        for key, value in figures.items():
            total, count = self.sums.get(key, (0.0, 0))
            self.sums[key] = total + value, count + 1

    def take(self) -> dict[str, float]:
        """The means over all processes; the next ones begin afresh."""
        sums: dict[str, tuple[float, int]] = {}
        for own in processes.gathered(self.sums):
            for key, (total, count) in own.items():
                before, number = sums.get(key, (0.0, 0))
                sums[key] = before + total, number + count
        self.sums = {}
        return {key: total / count for key, (total, count) in sums.items()}


def _has_bfloat16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 natively; CUDA cards before 2020 and many CPUs emulate it slowly."""
    if device.type == "cpu":
        return has_bf16_products()
    return device.type != "cuda" or torch.cuda.get_device_capability(device) >= (8, 0)


def _interval() -> float:
    """Seconds between two updates of the progress bar; it is updated less often if it goes to a file."""
    return 0.1 if sys.stderr.isatty() else 30.0
