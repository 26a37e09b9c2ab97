"""What every training shares: steps, a decaying rate, an averaged network, progress, metrics and resuming."""

from __future__ import annotations

import csv
import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..files import atomic_write


@dataclass(frozen=True)
class LoopSettings:
    """How long and how fast to learn.

    Attributes:
        steps: updates in all.
        batch: samples an update.
        rate: highest learning rate of AdamW.
        betas, decay: of AdamW (published: 0.9, 0.99; 1e-5 for the transformer, none for the tokenizer).
        warm_up: steps over which the rate rises to its highest.
        schedule: ``cosine`` down to ``last_rate`` of the highest, or ``steps``: times ``step_factor`` at each share
            of the way in ``step_shares`` (the published way).
        clip: largest norm of the gradient.
        average: decay of the moving average of the weights that evaluation and export use; 0 for none.
        save_every, evaluate_every: in steps.
        half: compute in bfloat16 where that is safe; weights stay in single precision.
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
    """Runs updates until the last step; begins where the newest checkpoint of its folder ended.

    Args:
        network: what learns.
        settings: see ``LoopSettings``.
        folder: for ``checkpoint.pt`` and ``metrics.csv``.
        name: what the progress bar calls it.
    """

    def __init__(self, network: nn.Module, settings: LoopSettings, folder: Path, name: str) -> None:
        self.network, self.settings, self.folder, self.name = network, settings, folder, name
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.rate, betas=settings.betas, weight_decay=settings.decay
        )
        self.average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=self._averaged_in, use_buffers=False)
        self.step = 0
        self._resume()

    @torch.no_grad()
    def _averaged_in(self, averages: Sequence[Tensor], weights: Sequence[Tensor], count: Tensor | int) -> None:
        """Move the averages towards the weights; faster in the beginning, so that the first weights are forgotten."""
        number = float(count)
        decay = min(self.settings.average, (1 + number) / (10 + number))
        torch._foreach_lerp_(list(averages), list(weights), 1 - decay)

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _resume(self) -> None:
        if not self._checkpoint.is_file():
            return
        try:
            saved = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
            self.network.load_state_dict(saved["network"])
            self.average.load_state_dict(saved["average"])
            self.optimizer.load_state_dict(saved["optimizer"])
            torch.set_rng_state(saved["random"])
            self.step = int(saved["step"])
        except (RuntimeError, KeyError, ValueError, EOFError, OSError, pickle.UnpicklingError) as error:
            raise UserError(
                f"{self._checkpoint} does not belong to this configuration or is damaged; "
                "choose another --out folder or remove it to begin anew."
            ) from error

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "step": self.step,
        }
        with atomic_write(self._checkpoint) as path:
            torch.save(state, path)

    @property
    def averaged(self) -> nn.Module:
        """The network with averaged weights (and the buffers of now)."""
        network = self.average.module
        for (_, old), (_, new) in zip(network.named_buffers(), self.network.named_buffers(), strict=True):
            old.copy_(new)
        return network

    def run(
        self,
        losses: Callable[[int], tuple[Tensor, dict[str, float]]],
        evaluate: Callable[[nn.Module], dict[str, float]],
    ) -> nn.Module:
        """Train to the end.

        Args:
            losses: from the step's number to the loss to minimise and figures for the log.
            evaluate: from the averaged network to figures on held-out data.

        Returns:
            The averaged network in evaluation mode.
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
        )
        sums: dict[str, float] = {}
        count = 0
        while self.step < settings.steps:
            self.network.train()
            rate = settings.rate_at(self.step)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            with torch.autocast("cpu", torch.bfloat16, enabled=settings.half):
                loss, figures = losses(self.step)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip)
            self.optimizer.step()
            self.average.update_parameters(self.network)
            self.step += 1
            count += 1
            bar.update()
            for key, value in figures.items():
                sums[key] = sums.get(key, 0.0) + value
            last = self.step == settings.steps
            if self.step % 100 == 0 or last:
                means = {key: value / count for key, value in sums.items()}
                sums, count = {}, 0
                bar.set_postfix({key: f"{value:.3g}" for key, value in list(means.items())[:3]})
                self._log("metrics.csv", {"step": self.step, "rate": rate, **means})
            if self.step % settings.evaluate_every == 0 or last:
                averaged = self.averaged.eval()
                with torch.inference_mode():
                    held_out = evaluate(averaged)
                bar.write(f"step {self.step}: " + ", ".join(f"{key} {value:.4g}" for key, value in held_out.items()))
                self._log("held_out.csv", {"step": self.step, **held_out})
            if self.step % settings.save_every == 0 or last:
                self.save()
        bar.close()
        return self.averaged.eval()

    def _log(self, name: str, row: dict[str, Any]) -> None:
        path = self.folder / name
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if new:
                writer.writeheader()
            writer.writerow({key: f"{value:.6g}" for key, value in row.items()})


def _interval() -> float:
    """Seconds between two redrawings of the progress bar: seldom where it goes to a file."""
    return 0.1 if sys.stderr.isatty() else 30.0
