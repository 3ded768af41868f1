"""Figures on held-out data: rate and distortion, and the accuracy of reconstructions.

No accuracy is teacher-forced: a decoder is given nothing of the target.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from musicae.core.autoencoder import Autoencoder, Conditioned
from musicae.core.corruptions import Corruption
from musicae.core.data import Examples
from musicae.core.randomness import RandomSource

Score = Callable[[torch.Tensor, torch.Tensor], dict[str, tuple[float, float]]]
Way = Callable[[Any, RandomSource], torch.Tensor]
WAYS: dict[str, Way] = {
    "greedy": lambda likelihood, random: likelihood.mode(),
    "temperature_1": lambda likelihood, random: likelihood.sample(random),
}
BATCH_SIZE = 512  # examples at a time
ACTIVE = 0.01  # variance of a posterior mean over the data above which a dimension counts as in use (Burda et al. 2016)


@torch.no_grad()
def measure(
    model: Autoencoder,
    examples: Examples,
    score: Score,
    *,
    ways: Mapping[str, Way] = WAYS,
    corruption: Corruption | None = None,
    seed: int = 0,
    progress=None,
) -> dict:
    """Figures of a model on held-out examples.

    Args:
        model: in evaluation mode.
        examples: ones that it was not trained on.
        score: from decoded data and the target, both `[batch, ...]`, to named ratios (numerator, denominator), summed
            over batches before they are divided.
        ways: how a likelihood becomes data, by name.
        corruption: what the encoder reads in place of the examples; the target is the whole ones.
        seed: of the draws of z and of the data.
        progress: called with the number of examples done after every batch.

    Returns:
        `examples`; `distortion`, and where the posterior has one `rate` and `elbo`, in nats an example (one draw of z;
        the rate is exact); under `posterior` the numbers that it reports of itself, if any; `active_units`; and under
        `mean` and `sample` (which z is decoded), under the names of `ways` (how), the ratios of `score`.
    """
    sums = _Sums(score, ways)
    for start in range(0, len(examples), BATCH_SIZE):
        indices = np.arange(start, min(start + BATCH_SIZE, len(examples)))
        batch = examples.batch(indices).to(model.device)
        random = RandomSource(seed, start)
        corrupted = batch.x if corruption is None else corruption(batch.x, random)
        sums.add(model.conditioned_on(batch.condition), batch.x, corrupted, random)
        if progress:
            progress(len(indices))
    return sums.figures(len(examples))


class _Sums:
    """What `measure` adds up from batch to batch."""

    def __init__(self, score: Score, ways: Mapping[str, Way]):
        self.score, self.ways = score, ways
        self.ratios = {(z, how): defaultdict(lambda: np.zeros(2)) for z in ("mean", "sample") for how in ways}
        # What is measured stays on the device until the end, so that it is not waited for at every batch.
        self.metrics: dict[str, list[torch.Tensor]] = defaultdict(list)
        self.rates: list[torch.Tensor] = []
        self.distortions: list[torch.Tensor] = []
        self.means: list[torch.Tensor] = []
        self.has_rate = True

    def add(
        self, model: Autoencoder | Conditioned, x: torch.Tensor, corrupted: torch.Tensor, random: RandomSource
    ) -> None:
        """Count a batch."""
        posterior = model.encode(corrupted)
        sampled = posterior.sample(random)
        self.has_rate = posterior.has_rate
        self.means.append(posterior.mean)
        for name, number in posterior.metrics().items():
            self.metrics[name].append(torch.as_tensor(number) * len(x))
        self.rates.append(posterior.kl().sum())
        self.distortions.append(-model.decode(sampled).log_prob(x).sum())
        for (z, how), sums in self.ratios.items():
            likelihood = model.decode(posterior.mean if z == "mean" else sampled)
            for name, ratio in self.score(self.ways[how](likelihood, random), x).items():
                sums[name] += ratio

    def figures(self, n: int) -> dict:
        """The means over `n` examples, as `measure` answers them."""
        distortion, rate = _total(self.distortions), _total(self.rates)
        found: dict = {"examples": n, "distortion": distortion / n}
        if self.has_rate:
            found |= {"rate": rate / n, "elbo": -(rate + distortion) / n}
        if self.metrics:
            found["posterior"] = {name: _total(parts) / n for name, parts in self.metrics.items()}
        found["active_units"] = int((torch.cat(self.means).var(0, correction=0) > ACTIVE).sum())
        for (z, how), sums in self.ratios.items():
            ratios = {name: float(a / b) if b else None for name, (a, b) in sums.items()}
            found.setdefault(z, {})[how] = ratios
        return found


def _total(parts: list[torch.Tensor]) -> float:
    """The sum of numbers, fetched at once."""
    return torch.stack(parts).cpu().double().sum().item() if parts else 0.0
