"""A likelihood of spans of time: in each row, at each step, one may begin, and one that began may go on."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from musicae.core.likelihoods import Bernoulli, apportioned

FARTHEST, HALVINGS = 16.0, 24  # of a shift of logits, and how often its interval is halved
TINY = 1e-9


@dataclass(frozen=True)
class Spans(Bernoulli):
    """Independent binary cells, the first half of the channels of beginnings, the second of what goes on:
    `[batch, 2 · rows, steps]`.

    Training and draws take the cells as they are (`Bernoulli`). Greedy decoding does not: where the decoder is unsure,
    each cell alone is more probably off, and what is on after a beginning that is off belongs to nothing; so the most
    probable value of each would leave too few spans, and too short ones. Decoded are as many as expected.
    """

    @property
    def counts(self) -> torch.Tensor:
        """How many spans are expected to begin, and in how many cells one goes on: `[batch, 2]`."""
        return torch.stack([half.sum((1, 2)) for half in self.mean.chunk(2, 1)], 1)

    def with_counts(self, counts: torch.Tensor) -> Spans:
        """The same with other expected `counts` `[batch, 2]`: all logits of a half are shifted by one number."""
        halves = zip(self.logits.chunk(2, 1), counts.unbind(1), strict=True)
        return Spans(torch.cat([_shifted(logits, count) for logits, count in halves], 1))

    def mode(self) -> torch.Tensor:
        """As many beginnings a step as are expected, `apportioned(Σ p)`, the most probable ones; and as many cells in
        which these go on as are expected, the most probable ones given their beginnings: float
        `[batch, 2 · rows, steps]`.
        """
        onset, sustain = self.mean.chunk(2, 1)
        begins = _most(onset, apportioned(onset.sum(1)).unsqueeze(1))
        chances = torch.where(begins, 0.0, _chances(begins, onset, sustain))
        chances = chances.transpose(1, 2)  # of equal ones the earliest first
        continues = _most(chances.flatten(1), sustain.sum((1, 2))[:, None]).view(chances.shape).transpose(1, 2)
        return torch.cat([begins, continues & (sustain > 0)], 1).float()


def _most(p: torch.Tensor, number: torch.Tensor) -> torch.Tensor:
    """Whether each is among the `number` (rounded) largest along dimension 1."""
    rank = p.argsort(dim=1, descending=True, stable=True).argsort(1)
    return rank < number.round()


def _chances(begins: torch.Tensor, onset: torch.Tensor, sustain: torch.Tensor) -> torch.Tensor:
    """The probability of each cell `[batch, rows, steps]` that what began last goes on that far, if nothing begins
    anew.

    From step to step that is p(goes on) / p(began or went on), of what does not begin anew p(nothing begins); so it
    does not depend on how sure its beginning was.
    """
    may = (onset + sustain)[..., :-1] * (1 - onset[..., 1:])
    stays = sustain[..., 1:] / torch.maximum(may, sustain[..., 1:]).clamp_min(TINY)
    chances = [torch.where(begins[..., 0], 1.0, sustain[..., 0])]
    for step in range(1, begins.shape[2]):
        chances.append(torch.where(begins[..., step], 1.0, chances[-1] * stays[..., step - 1]))
    return torch.stack(chances, -1)


def _shifted(logits: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """Logits `[batch, ...]` plus the number at which `count` `[batch]` are expected, by bisection."""
    low = torch.full([len(logits), *[1] * (logits.dim() - 1)], -FARTHEST, device=logits.device)
    high = -low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        few = torch.sigmoid(logits + middle).flatten(1).sum(1) < count
        few = few.view(low.shape)
        low, high = torch.where(few, middle, low), torch.where(few, high, middle)
    return logits + (low + high) / 2
