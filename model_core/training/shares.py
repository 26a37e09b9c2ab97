"""The shares of an update: parts of a batch that one process computes in turn, or several at the same time.

A share has random numbers of its own, so that the result of an update depends on the number of shares and not on the
number of processes. Gradients are averaged, and codebooks move once, by what all shares have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import UserError
from ..networks.quantizer import Codebook
from . import processes
from .randomness import seeded

Losses = Callable[[int], tuple[Tensor, dict[str, float]]]
"""From the number of a step to the loss to minimise and to metrics."""

ShareLoss = Callable[[], tuple[Tensor, dict[str, float]]]
"""The loss of the current share, and metrics."""


class Shares:
    """The shares of a training's updates.

    Attributes:
        count: how many there are; one leaves the random numbers of the process as they are.
        current: the number of the one that is computed.
        step: of the training, which the random numbers of shares depend on.
    """

    def __init__(self, network: nn.Module, name: str, device: torch.device) -> None:
        self._network, self._name, self._device = network, name, device
        self._books = [module for module in network.modules() if isinstance(module, Codebook)]
        self.count, self.current, self.step = 1, 0, 0

    def divided(self, batch: int) -> int:
        """Samples of a share.

        Raises:
            UserError: the batch cannot be divided into so many.
        """
        if batch % self.count:
            raise UserError(
                f"A batch of {batch} cannot be divided into {self.count} shares for the {self._name}; change 'batch' "
                "or the number of processes, and train in a new --out folder."
            )
        return batch // self.count

    def random(self, *key: int) -> np.random.Generator:
        """The random numbers of the current share: of ``key``, such as a seed and the step."""
        return np.random.default_rng(key if self.count == 1 else (*key, self.current))

    def gradients(self, loss_of_share: ShareLoss) -> list[dict[str, float]] | None:
        """Compute the gradients of an update.

        Returns:
            The metrics of each share that this process computed; None, with gradients that must not be used, if the
            loss of a share of any process is not finite.
        """
        if self.count == 1:
            loss, figures = loss_of_share()
            if not bool(loss.isfinite()):
                return None
            loss.backward()
            return [figures]
        found, finite = [], True
        for share in range(processes.rank(), self.count, processes.count()):
            with self._in_share(share):
                loss, figures = loss_of_share()
                if finite := finite and bool(loss.isfinite()):
                    (loss / self.count).backward()
            found.append(figures)
        learns = self._add_up(finite)
        for book in self._books:
            if learns:
                book.learn_pending(processes.add_up)
            book.pending = None
        return None if learns is None else found

    @torch.no_grad()
    def start_codebooks(self, loss_of_share: ShareLoss) -> None:
        """Have all shares begin with the codebooks of the first one; the network is in training mode."""
        if self.count == 1 or not self._books:
            return
        with self._in_share(0):
            loss_of_share()
        for book in self._books:
            book.pending = None
            for buffer in book.buffers():
                processes.take_from_first(buffer)

    @contextmanager
    def _in_share(self, share: int) -> Iterator[None]:
        """Compute a share, with random numbers that depend on nothing but its number and the step."""
        self.current = share
        for book in self._books:
            book.share = share, self.count
        key = np.random.SeedSequence((*self._name.encode(), self.step, share)).generate_state(1)[0]
        try:
            with seeded(int(key), self._device):
                yield
        finally:
            self.current = 0
            for book in self._books:
                book.share = None

    def _add_up(self, finite: bool) -> bool | None:
        """Replace the gradients by their sums over the processes, in one message.

        ``DistributedDataParallel`` would overlap it with the backward pass, but only of calls of ``forward``; several
        of the networks are trained through other methods.

        Args:
            finite: whether the losses of this process are.

        Returns:
            Whether codebooks have learnt; None if a loss of any process is not finite.
        """
        parameters = [parameter for parameter in self._network.parameters() if parameter.requires_grad]
        # A weight that no share uses keeps no gradient: with zeros, AdamW would move it.
        used = [float(parameter.grad is not None) for parameter in parameters]
        learns = float(any(book.pending is not None for book in self._books))
        tail = torch.tensor([*used, learns, 0.0 if finite else torch.nan], device=self._device)
        if processes.count() > 1:
            parts = [torch.zeros_like(one) if one.grad is None else one.grad for one in parameters]
            flat = processes.add_up(torch.cat([*(part.flatten().float() for part in parts), tail]))
            tail, start = flat[-len(tail) :], 0
            for parameter, users in zip(parameters, tail.tolist(), strict=False):
                whole = flat[start : start + parameter.numel()].view_as(parameter).to(parameter.dtype)
                parameter.grad = whole if users else None
                start += parameter.numel()
        return bool(tail[-2] > 0) if bool(tail[-1].isfinite()) else None
