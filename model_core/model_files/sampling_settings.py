"""How tokens are filled in, as numbers that a model folder, a request and a user can set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SamplingSettings:
    """How the free tokens are filled in.

    Attributes:
        steps: passes through the transformer.
        guidance: classifier-free guidance; 1 is the conditional prediction alone, more follows the text more closely.
        filter: share of the codes, the least likely ones, that are never drawn.
        temperature: of the draw among the rest; below 1 safer, above 1 more varied.
        variety: Gumbel noise on the confidence by which tokens are kept, fading to none at the last step
            (Chang et al. 2022); 0 as published. Without it the commonest codes win, and people stand still.
        row_guidance: share of the guidance beyond 1 that each row of the map gets; empty for all of it everywhere.
        guided: share of the steps, the first ones, that are guided; the others cost half. 1 as published.
        settled: tokens drawn with at least this probability need no further look, and steps that would only look at
            such are left out; 1, as published, makes every step.
        looks: second looks at the filled map, in each of which every token is judged by the others; 0 as published.
        looked_rows: rows of the map whose tokens are judged in second looks; empty for all.
        doubt: in a second look a token is drawn anew whose probability is under this share of the likeliest's.
        drafts: clips drawn for each one that is wanted, of which somebody who can judge them chooses one; 1 as
            published.
        rounds: times at most that so many drafts are drawn, again for those whose best one does not convince.
        convincing: how likely a draft must be good, 0 to 1, to be taken without another round.
    """

    steps: int = 20
    guidance: float = 2.0
    filter: float = 0.9
    temperature: float = 1.0
    variety: float = 0.0
    row_guidance: tuple[float, ...] = ()
    guided: float = 1.0
    settled: float = 1.0
    looks: int = 0
    looked_rows: tuple[int, ...] = ()
    doubt: float = 0.1
    drafts: int = 1
    rounds: int = 1
    convincing: float = 0.85
