"""Importance-weighted bounds on the likelihood (Burda et al. 2016), as they are trained on and as they are measured:

    ln p(x) ≥ E[ln (1/k) Σ_i w_i],  w_i = p(x | z_i) p(z_i) / q(z_i | x),  z_i ~ q(z | x)

At k = 1 it is the ELBO; it rises with k, and meets ln p(x) at infinity. q must have a density.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from musicae.core.autoencoder import Autoencoder, Conditioned
from musicae.core.conditioning import repeated
from musicae.core.posteriors import Posterior, normal_log_prob
from musicae.core.randomness import RandomSource

AT_ONCE = 16  # vectors of each example that are decoded in one pass when a bound is measured: bounds the memory


class WeightedSamples(NamedTuple):
    """Latent vectors drawn for each example, and how much each counts.

    Args:
        z: `[samples, batch, latent]`.
        log_likelihood: ln p(x | z) in nats, `[samples, batch]`.
        log_weight: ln of the importance weights w, `[samples, batch]`.
    """

    z: torch.Tensor
    log_likelihood: torch.Tensor
    log_weight: torch.Tensor

    def bound(self) -> torch.Tensor:
        """`ln (1/k) Σ_i w_i` in nats, `[batch]`."""
        return log_mean(self.log_weight)


def weighted_samples(
    model: Autoencoder | Conditioned, posterior: Posterior, x: torch.Tensor, samples: int, random: RandomSource
) -> WeightedSamples:
    """`samples` vectors from the posterior of each example of `x` `[batch, ...]`, with their importance weights."""
    z = draws(posterior, samples, random)
    log_likelihood = model.decode(z.flatten(0, 1)).log_prob(repeated(x, len(z))).view(len(z), -1)
    return WeightedSamples(z, log_likelihood, log_likelihood + prior_over_posterior(posterior, z))


@torch.no_grad()
def importance_weighted_bound(
    model: Autoencoder | Conditioned, x: torch.Tensor, samples: int, random: RandomSource
) -> torch.Tensor:
    """The bound with k = `samples` in nats, `[batch]`; not all of them are decoded at once."""
    posterior = model.encode(x)
    sizes = [min(AT_ONCE, samples - start) for start in range(0, samples, AT_ONCE)]
    return log_mean(torch.cat([weighted_samples(model, posterior, x, n, random).log_weight for n in sizes]))


def log_mean(log_weights: torch.Tensor) -> torch.Tensor:
    """`ln (1/k) Σ_i exp(log_weights_i)`: `[k, batch]` to `[batch]`."""
    return torch.logsumexp(log_weights, 0) - math.log(len(log_weights))


def draws(posterior: Posterior, samples: int, random: RandomSource) -> torch.Tensor:
    """`samples` vectors from the posterior of each example, `[samples, batch, latent]`."""
    return torch.stack([posterior.sample(random) for _ in range(samples)])


def prior_over_posterior(posterior: Posterior, z: torch.Tensor) -> torch.Tensor:
    """`ln p(z) − ln q(z | x)` in nats of vectors `[samples, batch, latent]`: `[samples, batch]`."""
    return normal_log_prob(z, 0.0, 1.0).sum(-1) - posterior.log_prob(z)
