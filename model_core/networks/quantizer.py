"""The codebook: nearest codes, and their upkeep by moving averages during training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class CodebookSettings:
    """How a codebook learns (published values).

    Attributes:
        decay: of the moving averages of code usage and code sums.
        least_usage: a code used less (in average vectors a batch) is replaced by a vector of the batch.
        noise: temperature of the Gumbel noise on distances in training; 0 takes the nearest code always.
    """

    decay: float = 0.99
    least_usage: float = 1.0
    noise: float = 0.5


class Codebook(nn.Module):
    """Vectors, one per code; learnt by exponential moving averages (van den Oord et al. 2017, appendix A.1)."""

    codes: Tensor
    usage: Tensor
    sums: Tensor
    started: Tensor

    def __init__(self, count: int, width: int, settings: CodebookSettings) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("codes", torch.zeros(count, width))
        self.register_buffer("usage", torch.ones(count))
        self.register_buffer("sums", torch.zeros(count, width))
        self.register_buffer("started", torch.tensor(False))

    def nearest(self, vectors: Tensor) -> Tensor:
        """Ids (N,) of the codes nearest to vectors (N, D) by Euclidean distance."""
        return self._distances(vectors).argmin(1)

    def _distances(self, vectors: Tensor) -> Tensor:
        """(N, codes) squared distances, less the part that is equal for all codes."""
        return torch.addmm((self.codes**2).sum(1)[None], vectors, self.codes.T, alpha=-2)

    def learn(self, vectors: Tensor) -> Tensor:
        """Assign training vectors (N, D) to codes (N,), move the codes towards them, replace dead codes."""
        if not self.started:
            self._start(vectors)
        distances = self._distances(vectors)
        if self.settings.noise > 0:
            uniform = torch.rand_like(distances).clamp_(1e-9, 1 - 1e-7)
            distances = distances + self.settings.noise * torch.log(-torch.log(uniform))
        ids = distances.argmin(1)
        self._update(vectors, ids)
        return ids

    @torch.no_grad()
    def _start(self, vectors: Tensor) -> None:
        """Begin with vectors of the first batch, slightly scattered where there are too few."""
        count, width = self.codes.shape
        picked = vectors[torch.randint(len(vectors), (count,), device=vectors.device)]
        self.codes.copy_(picked + torch.randn_like(picked) * 0.01 / width**0.5)
        self.sums.copy_(self.codes)
        self.usage.fill_(1)
        self.started.fill_(True)

    @torch.no_grad()
    def _update(self, vectors: Tensor, ids: Tensor) -> None:
        settings, count = self.settings, len(self.codes)
        counts = torch.bincount(ids, minlength=count).to(vectors.dtype)
        sums = torch.zeros_like(self.sums).index_add_(0, ids, vectors)
        self.usage.lerp_(counts, 1 - settings.decay)
        self.sums.lerp_(sums, 1 - settings.decay)
        dead = self.usage < settings.least_usage
        spare = vectors[torch.randint(len(vectors), (count,), device=vectors.device)]
        # A replaced code begins anew: remainders of its old sum would pull it between the places it was put to.
        self.sums.copy_(torch.where(dead[:, None], spare, self.sums))
        self.usage.masked_fill_(dead, 1)
        self.codes.copy_(self.sums / self.usage[:, None])


class ResidualQuantizer(nn.Module):
    """One or more codebooks, each taking what the ones before left over (published code allows several, uses one)."""

    def __init__(self, count: int, width: int, levels: int, settings: CodebookSettings) -> None:
        super().__init__()
        self.codebooks = nn.ModuleList(Codebook(count, width, settings) for _ in range(levels))

    def _levels(self) -> list[Codebook]:
        return [book for book in self.codebooks if isinstance(book, Codebook)]

    def vectors(self) -> Tensor:
        """(codes, D) vectors of the first codebook."""
        return self._levels()[0].codes

    def ids(self, latent: Tensor) -> Tensor:
        """Latent image (B, D, P, S) to ids (B, levels, P, S)."""
        left, result = _as_vectors(latent), []
        for book in self._levels():
            ids = book.nearest(left)
            left = left - book.codes[ids]
            result.append(ids)
        B, _, P, S = latent.shape
        return torch.stack(result).view(-1, B, P, S).transpose(0, 1)  # (B, levels, P, S)

    def latent(self, ids: Tensor) -> Tensor:
        """Ids (B, levels, P, S) to the sum of their codes (B, D, P, S)."""
        total = sum((book.codes[ids[:, level]] for level, book in enumerate(self._levels())), torch.zeros(()))
        return total.permute(0, 3, 1, 2)

    @torch.autocast("cpu", enabled=False)
    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Quantise in training: (B, D, P, S) to the same with straight-through gradients.

        Returns:
            The quantised latent, the commitment loss (mean squared distance to the codes, averaged over levels), and
            the perplexity of code use in this batch (of the first level).
        """
        # Distances and moving averages want single precision even where the convolutions do without.
        vectors = _as_vectors(latent).float()
        left, total = vectors, torch.zeros_like(vectors)
        loss, perplexity = vectors.new_zeros(()), vectors.new_zeros(())
        for level, book in enumerate(self._levels()):
            ids = book.learn(left.detach()) if self.training else book.nearest(left)
            code = book.codes[ids]
            loss = loss + (left - code).square().mean() / len(self.codebooks)
            total, left = total + code, left - code
            if level == 0:
                share = torch.bincount(ids, minlength=len(book.codes)) / len(ids)
                perplexity = torch.exp(-(share * torch.log(share + 1e-10)).sum())
        quantised = vectors + (total - vectors).detach()
        B, D, P, S = latent.shape
        return quantised.view(B, P, S, D).permute(0, 3, 1, 2), loss, perplexity


def _as_vectors(latent: Tensor) -> Tensor:
    """(B, D, P, S) to (B * P * S, D)."""
    return latent.permute(0, 2, 3, 1).reshape(-1, latent.shape[1])
