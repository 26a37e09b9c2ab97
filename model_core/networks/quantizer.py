"""Vector quantisation: nearest codes of codebooks, which are trained by moving averages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class CodebookSettings:
    """How a codebook is trained (published values).

    Attributes:
        decay: of the moving averages of code usage and vector sums.
        least_usage: a code with fewer vectors per batch on average is replaced by a vector of the batch.
        noise: temperature of the Gumbel noise on distances in training; 0 always takes the nearest code.
        first_alone: in training, fraction of the samples of a residual quantiser that are decoded from the first level
            only, so that the decoder can decode both.
    """

    decay: float = 0.99
    least_usage: float = 1.0
    noise: float = 0.5
    first_alone: float = 0.0


class Codebook(nn.Module):
    """Vectors, one per code, trained by exponential moving averages (van den Oord et al. 2017, appendix A.1)."""

    codes: Tensor
    usage: Tensor
    sums: Tensor
    started: Tensor

    def __init__(self, count: int, width: int, settings: CodebookSettings) -> None:
        super().__init__()
        self.settings = settings
        self.share: tuple[int, int] | None = None
        """In an update that is computed in shares: the number of the current share, and how many there are."""
        self.pending: tuple[Tensor, Tensor, Tensor] | None = None
        """What ``learn_pending`` moves the codes by: sums over the shares so far."""
        self.register_buffer("codes", torch.zeros(count, width))
        self.register_buffer("usage", torch.ones(count))
        self.register_buffer("sums", torch.zeros(count, width))
        self.register_buffer("started", torch.tensor(False))

    def nearest(self, vectors: Tensor) -> Tensor:
        """Ids (N,) of the codes nearest to vectors (N, D) by Euclidean distance."""
        return self._distances(vectors).argmin(1)

    def _distances(self, vectors: Tensor) -> Tensor:
        """(N, codes) squared distances without the term that is equal for all codes."""
        return torch.addmm((self.codes**2).sum(1)[None], vectors, self.codes.T, alpha=-2)

    def learn(self, vectors: Tensor) -> Tensor:
        """Assign training vectors (N, D) to codes (N,), move the codes towards them, replace dead codes.

        In an update of several shares the codes move once, in ``learn_pending``.
        """
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
        """Initialise from vectors of the first batch, with a little noise to separate repeated ones."""
        count, width = self.codes.shape
        picked = vectors[torch.randint(len(vectors), (count,), device=vectors.device)]
        self.codes.copy_(picked + torch.randn_like(picked) * 0.01 / width**0.5)
        self.sums.copy_(self.codes)
        self.usage.fill_(1)
        self.started.fill_(True)

    @torch.no_grad()
    def _update(self, vectors: Tensor, ids: Tensor) -> None:
        count = len(self.codes)
        counts = torch.bincount(ids, minlength=count).to(vectors.dtype)
        sums = torch.zeros_like(self.sums).index_add_(0, ids, vectors)
        spare = vectors[torch.randint(len(vectors), (count,), device=vectors.device)]
        if self.share is None:
            self._move(counts, sums, spare)
            return
        number, shares = self.share
        # Each code's substitute comes from one of the shares, so that substitutes can be added up too.
        mine = torch.arange(count, device=vectors.device) % shares == number
        added = counts, sums, spare * mine[:, None]
        if self.pending is not None:
            added = self.pending[0] + added[0], self.pending[1] + added[1], self.pending[2] + added[2]
        self.pending = added

    @torch.no_grad()
    def learn_pending(self, add_up: Callable[[Tensor], Tensor]) -> None:
        """Move the codes by what the shares of an update have in common.

        Args:
            add_up: adds the other processes' tensor to one, in place.
        """
        empty = torch.zeros_like(self.usage), torch.zeros_like(self.sums), torch.zeros_like(self.sums)
        counts, sums, spare = (add_up(tensor) for tensor in self.pending or empty)
        self.pending = None
        self._move(counts, sums, spare)

    def _move(self, counts: Tensor, sums: Tensor, spare: Tensor) -> None:
        """Move codes to the moving averages of their vectors, and replace dead ones by spare vectors (count, D)."""
        settings = self.settings
        self.usage.lerp_(counts, 1 - settings.decay)
        self.sums.lerp_(sums, 1 - settings.decay)
        dead = self.usage < settings.least_usage
        # The sum of a replaced code is reset too: the old sum would pull the code back.
        self.sums.copy_(torch.where(dead[:, None], spare, self.sums))
        self.usage.masked_fill_(dead, 1)
        self.codes.copy_(self.sums / self.usage[:, None])


class ResidualQuantizer(nn.Module):
    """One or more codebooks, each quantising the residual of the previous ones (published code uses one).

    Args:
        count: codes of a codebook.
        width: D, length of a code.
        levels: codebooks, one after the other.
        settings: how they are trained.
        parts: 1 if all body parts share a codebook, as published; P if each has its own.
    """

    def __init__(self, count: int, width: int, levels: int, settings: CodebookSettings, parts: int = 1) -> None:
        super().__init__()
        self.settings, self.parts, self.levels = settings, parts, levels
        self.codebooks = nn.ModuleList(Codebook(count, width, settings) for _ in range(levels * parts))

    def _books(self, level: int) -> list[Codebook]:
        """The codebooks of a level: one for all body parts, or one for each."""
        books = self.codebooks[level * self.parts : (level + 1) * self.parts]
        return [book for book in books if isinstance(book, Codebook)]

    def vectors(self) -> Tensor:
        """(parts, codes, D) vectors of the first level's codebooks."""
        return torch.stack([book.codes for book in self._books(0)])

    def ids(self, latent: Tensor) -> Tensor:
        """Quantise a latent image (B, D, P, S) to ids (B, levels, P, S)."""
        residual, result = self._vectors(latent), []
        for level in range(self.levels):
            books = self._books(level)
            ids = torch.stack([book.nearest(vectors) for book, vectors in zip(books, residual, strict=True)])
            residual = residual - _lookup(books, ids)
            result.append(self._image(ids[..., None], latent)[:, 0])
        return torch.stack(result, 1)

    def latent(self, ids: Tensor) -> Tensor:
        """The sum (B, D, P, S) of the codes of ids (B, levels, P, S), of all levels or only the first ones."""
        total = torch.zeros(())
        for level in range(ids.shape[1]):
            books = self._books(level)
            ids_of_parts = [ids[:, level]] if self.parts == 1 else list(ids[:, level].split(1, 1))
            total = total + torch.cat([book.codes[part] for book, part in zip(books, ids_of_parts, strict=True)], 1)
        return total.permute(0, 3, 1, 2)

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Quantise (B, D, P, S) in training, with straight-through gradients.

        Returns:
            The quantised latent, the commitment loss (mean squared distance to the codes, averaged over levels), and
            the perplexity of code use in this batch (of the first level, averaged over parts).
        """
        with torch.autocast(latent.device.type, enabled=False):
            return self._quantised(latent)

    def _quantised(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # Distances and moving averages need single precision even if the convolutions do not.
        vectors = self._vectors(latent.float())  # (parts, N, D)
        residual, total = vectors, torch.zeros_like(vectors)
        loss, perplexity = vectors.new_zeros(()), vectors.new_zeros(())
        all_levels = self._all_levels_mask(latent)
        for level in range(self.levels):
            books = self._books(level)
            pairs = list(zip(books, residual, strict=True))
            ids = torch.stack([book.learn(v.detach()) if self.training else book.nearest(v) for book, v in pairs])
            code = _lookup(books, ids)
            loss = loss + (residual - code).square().mean() / self.levels
            residual = residual - code
            total = total + (code if level == 0 else code * all_levels)
            if level == 0:
                perplexity = torch.stack([_perplexity(part, len(books[0].codes)) for part in ids]).mean()
        quantised = vectors + (total - vectors).detach()
        return self._image(quantised, latent), loss, perplexity

    def _all_levels_mask(self, latent: Tensor) -> Tensor:
        """(parts, N, 1) one where a training sample uses all levels, zero where it uses only the first."""
        B, _, P, S = latent.shape
        alone = self.settings.first_alone if self.training else 0.0
        samples = (torch.rand(B, 1, 1, 1, device=latent.device) >= alone).float()
        return self._vectors(samples.expand(B, 1, P, S))

    def _vectors(self, image: Tensor) -> Tensor:
        """Reshape (B, D, P, S) to (parts, N, D)."""
        order = (0, 2, 3, 1) if self.parts == 1 else (2, 0, 3, 1)
        return image.permute(order).reshape(self.parts, -1, image.shape[1])

    def _image(self, vectors: Tensor, like: Tensor) -> Tensor:
        """Reshape (parts, N, D) to (B, D, P, S)."""
        B, _, P, S = like.shape
        if self.parts == 1:
            return vectors.view(B, P, S, -1).permute(0, 3, 1, 2)
        return vectors.view(P, B, S, -1).permute(1, 3, 0, 2)


def _lookup(books: list[Codebook], ids: Tensor) -> Tensor:
    """Codes (parts, N, D) of ids (parts, N)."""
    return torch.stack([book.codes[part] for book, part in zip(books, ids, strict=True)])


def _perplexity(ids: Tensor, codes: int) -> Tensor:
    """Effective number of codes that ids (N,) use: the exponential of the entropy of their frequencies."""
    share = torch.bincount(ids, minlength=codes) / len(ids)
    return torch.exp(-(share * torch.log(share + 1e-10)).sum())
