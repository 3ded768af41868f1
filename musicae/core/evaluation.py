"""Held-out figures: bounds on the likelihood, and how much of the data comes back.

Every accuracy is measured running free: nothing of the truth is fed to the decoder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from musicae.core.autoencoder import Autoencoder
from musicae.core.corruptions import Corruption
from musicae.core.data import Examples
from musicae.core.randomness import RandomSource

Score = Callable[[torch.Tensor, torch.Tensor], dict[str, tuple[float, float]]]
Way = Callable[[Any, RandomSource], torch.Tensor]
WAYS: dict[str, Way] = {
    "greedy": lambda likelihood, random: likelihood.mode(),
    "temperature_1": lambda likelihood, random: likelihood.sample(random),
}
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
    batch_size: int = 512,
    progress=None,
) -> dict:
    """Figures of a model on held-out examples.

    Args:
        model: in evaluation mode.
        examples: what it has not seen.
        score: from decoded data and the truth, both `[batch, ...]`, to named ratios (numerator, denominator), summed
            over batches before they are divided.
        ways: how a likelihood becomes data, by name.
        corruption: what the model hears in place of the examples; scores compare with the whole ones.
        seed: of the draws of z and of the data.
        batch_size: examples at a time.
        progress: called with the number of examples done after every batch.

    Returns:
        `examples`; `distortion`, and where the posterior has one `rate` and `elbo`, in nats an example (one draw of z;
        the rate is exact); under `posterior` the numbers that it reports of itself, if any; `active_units`; and under
        `mean` and `sample` (which z is decoded), under the names of `ways` (how), the ratios of `score`.
    """
    totals = {(z, how): defaultdict(lambda: np.zeros(2)) for z in ("mean", "sample") for how in ways}
    rate = distortion = 0.0
    means = []
    metrics: dict[str, float] = defaultdict(float)
    for start in range(0, len(examples), batch_size):
        indices = np.arange(start, min(start + batch_size, len(examples)))
        batch = examples.batch(indices).to(model.device)
        x, conditioned = batch.x, model.conditioned_on(batch.condition)
        random = RandomSource(seed, start)
        posterior = conditioned.encode(x if corruption is None else corruption(x, random))
        sampled = posterior.sample(random)
        means.append(posterior.mean.cpu())
        for name, number in posterior.metrics().items():
            metrics[name] += float(number) * len(indices)
        rate += posterior.kl().sum().item()
        distortion -= conditioned.decode(sampled).log_prob(x).sum().item()
        for (z, how), sums in totals.items():
            likelihood = conditioned.decode(posterior.mean if z == "mean" else sampled)
            for name, ratio in score(ways[how](likelihood, random), x).items():
                sums[name] += ratio
        if progress:
            progress(len(indices))
    n = len(examples)
    figures: dict = {"examples": n, "distortion": distortion / n}
    if posterior.has_rate:
        figures |= {"rate": rate / n, "elbo": -(rate + distortion) / n}
    if metrics:
        figures["posterior"] = {name: total / n for name, total in metrics.items()}
    figures["active_units"] = int((torch.cat(means).var(0, correction=0) > ACTIVE).sum())
    for (z, how), sums in totals.items():
        ratios = {name: float(a / b) if b else None for name, (a, b) in sums.items()}
        figures.setdefault(z, {})[how] = ratios
    return figures
