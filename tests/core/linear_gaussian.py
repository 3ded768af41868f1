"""An autoencoder whose likelihood has a closed form.

z ~ N(0, I), x | z ~ N(W z, std²), and the columns of W are orthogonal, so that the posterior p(z | x) has independent
dimensions: deviations 1 / √(1 + |w_d|² / std²), means deviation² w_d · x / std². Then x ~ N(0, W Wᵀ + std² I).
"""

from __future__ import annotations

import torch
from torch import nn

from musicae.core.autoencoder import Autoencoder
from musicae.core.likelihoods import Normal
from musicae.core.posteriors import GaussianPosterior
from musicae.core.randomness import RandomSource

STD = 0.5
SIZES = torch.tensor([2.0, 1.0, 0.01], dtype=torch.float64)  # lengths of the columns; the last is hardly used


class Encoder(nn.Module):
    """The exact posterior, or with a `shift` and a `factor` another one."""

    latent = len(SIZES)

    def __init__(self, weights: torch.Tensor, shift: float, factor: float):
        super().__init__()
        self.weights = nn.Parameter(weights)
        self.shift, self.factor = shift, factor

    def forward(self, x: torch.Tensor) -> GaussianPosterior:
        variance = 1 / (1 + self.weights.square().sum(0) / STD**2)
        mean = variance * (x.double() @ self.weights) / STD**2
        return GaussianPosterior(mean + self.shift, self.factor * variance.sqrt().expand_as(mean))


class Decoder(nn.Module):
    def __init__(self, weights: torch.Tensor):
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, z: torch.Tensor) -> Normal:
        return Normal(z.double() @ self.weights.T, STD)


class LinearGaussian(Autoencoder):
    """With `shift` 0 and `factor` 1 the encoder gives the exact posterior."""

    def __init__(self, shift: float = 0.0, factor: float = 1.0, dimensions: int = 6):
        basis = torch.linalg.qr(RandomSource(11).normal(dimensions, len(SIZES)).double())[0]
        weights = basis * SIZES
        super().__init__(nn.Identity(), Encoder(weights.clone(), shift, factor), Decoder(weights.clone()))

    def log_likelihood(self, x: torch.Tensor) -> torch.Tensor:
        """ln p(x) in nats, `[batch]`."""
        weights = self.decoder.weights.detach()
        covariance = weights @ weights.T + STD**2 * torch.eye(len(weights))
        return torch.distributions.MultivariateNormal(torch.zeros(len(weights)).double(), covariance).log_prob(
            x.double()
        )

    def gap(self, x: torch.Tensor) -> torch.Tensor:
        """KL(q(z | x) ‖ p(z | x)) in nats, `[batch]`."""
        exact = LinearGaussian().encode(x)
        q, p = (torch.distributions.Normal(e.mean, e.std) for e in (self.encode(x), exact))
        return torch.distributions.kl_divergence(q, p).sum(-1).detach()

    def data(self, n: int, seed: int = 0) -> torch.Tensor:
        """Examples drawn from the model, `[n, dimensions]`."""
        source = RandomSource(seed, 99)
        with torch.no_grad():
            return self.decode(source.normal(n, self.latent)).sample(source)
