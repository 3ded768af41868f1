"""The distribution q(z | x) that the encoder's features become and that the decoder reads from, and the layers between.

What is asked of one is in `Posterior`; one that has a density answers `log_prob(z)` too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import nn
from torch.nn import functional

from musicae.core.randomness import RandomSource

SMALLEST_STD = 1e-6  # while the rate costs nothing a deviation may fall to 0, and its logarithm ends the training


class Posterior(Protocol):
    """q(z | x) of a batch of examples.

    Attributes:
        mean: the code that stands for each example, `[batch, latent]`.
        has_rate: whether KL(q(z | x) ‖ p(z)) is finite, so that rate and ELBO are worth reporting.
    """

    has_rate: ClassVar[bool] = True

    mean: torch.Tensor

    def sample(self, random: RandomSource) -> torch.Tensor:
        """A draw for each example, `[batch, latent]`, through which gradients flow."""

    def kl(self) -> torch.Tensor:
        """KL(q(z | x) ‖ p(z)) of every dimension in nats, `[batch, latent]`; zeros where there is no rate."""

    def penalty(self) -> torch.Tensor | None:
        """What every objective charges beside its own terms, in nats, `[batch]`, e.g. the losses of a codebook; None
        for nothing."""
        return None

    def metrics(self) -> Mapping[str, torch.Tensor]:
        """Numbers by name that validation reports, e.g. how many codes of a codebook are in use; means over a batch."""
        return {}


@dataclass(frozen=True)
class PointPosterior(Posterior):
    """All mass on one code: what a plain autoencoder has in place of a posterior.

    Args:
        mean: the code, `[batch, latent]`.
    """

    has_rate: ClassVar[bool] = False

    mean: torch.Tensor

    def sample(self, random: RandomSource) -> torch.Tensor:
        """The code itself, `[batch, latent]`."""
        return self.mean

    def kl(self) -> torch.Tensor:
        """Zero `[batch, latent]`: a point has no rate that could be finite, so none is charged."""
        return torch.zeros_like(self.mean)


@dataclass(frozen=True)
class GaussianPosterior(Posterior):
    """The normal distribution with independent dimensions, N(mean, std²).

    Args:
        mean: `[batch, latent]`.
        std: standard deviations `[batch, latent]`, positive.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def sample(self, random: RandomSource) -> torch.Tensor:
        """`mean + std · e`, e ~ N(0, I), `[batch, latent]`; gradients reach mean and std (Kingma & Welling 2014)."""
        return self.mean + self.std * random.normal(*self.mean.shape, device=self.mean.device)

    def kl(self) -> torch.Tensor:
        """KL(N(mean, std²) ‖ N(0, 1)) of every dimension in nats, `[batch, latent]`:

        `½ (mean² + std² − 1) − ln std`
        """
        return 0.5 * (self.mean.square() + self.std.square() - 1) - self.std.log()

    def log_prob(self, z: torch.Tensor) -> torch.Tensor:
        """ln q(z | x) in nats, summed over the dimensions: `[..., batch, latent]` to `[..., batch]`."""
        return normal_log_prob(z, self.mean, self.std).sum(-1)


def normal_log_prob(x: torch.Tensor, mean: torch.Tensor | float, std: torch.Tensor | float) -> torch.Tensor:
    """Elementwise log density of N(mean, std²) in nats: `−½ ((x − mean) / std)² − ln std − ½ ln 2π`."""
    log_std = std.log() if isinstance(std, torch.Tensor) else math.log(std)
    return -0.5 * ((x - mean) / std).square() - log_std - 0.5 * math.log(2 * math.pi)


class PointLayer(nn.Module):
    """Features to a code by one affine map.

    Args:
        features: how many.
        latent: dimensions of the code.
        rectified: whether negative values become 0.
    """

    has_density: ClassVar[bool] = False

    def __init__(self, features: int, latent: int, rectified: bool = False):
        super().__init__()
        self.latent, self.rectified = latent, rectified
        self.mean = nn.Linear(features, latent)

    def forward(self, features: torch.Tensor) -> PointPosterior:
        """`[batch, features]` to a posterior over `[batch, latent]`, in float32."""
        mean = self.mean(features)
        return PointPosterior((functional.relu(mean) if self.rectified else mean).float())


class GaussianLayer(nn.Module):
    """Features to N(mean, std²), with `std = softplus(affine)`, and at least a millionth.

    Args:
        features: how many.
        latent: dimensions of z.
        initial_std: the deviations at the start, whatever the features.
        mean_weight_std: see `musicae.core.bottlenecks.Gaussian`.
    """

    has_density: ClassVar[bool] = True

    def __init__(self, features: int, latent: int, initial_std: float, mean_weight_std: float | None):
        super().__init__()
        self.latent = latent
        self.mean = nn.Linear(features, latent)
        self.std = nn.Linear(features, latent)
        nn.init.normal_(self.std.weight, std=0.001)
        nn.init.constant_(self.std.bias, math.log(math.expm1(initial_std)))
        if mean_weight_std is not None:
            nn.init.normal_(self.mean.weight, std=mean_weight_std)
            nn.init.zeros_(self.mean.bias)

    def forward(self, features: torch.Tensor) -> GaussianPosterior:
        """`[batch, features]` to a posterior over `[batch, latent]`, in float32."""
        std = functional.softplus(self.std(features).float()).clamp(min=SMALLEST_STD)
        return GaussianPosterior(self.mean(features).float(), std)


def free_bits(kl: torch.Tensor, total: float = 0.0, per_group: float = 0.0, groups: int = 1) -> torch.Tensor:
    """The part of the rate that is charged: what exceeds an allowance. `[batch, latent]` to `[batch]`, nats.

    * `total` bits for the whole latent vector of each example, as MusicVAE does it:
      `max(Σ_d kl_d − total · ln 2, 0)`.
    * `per_group` bits for each of `groups` equal groups of dimensions, on the mean over the batch, so that no group
      is switched off (Kingma et al. 2016): `Σ_g max(mean_batch kl_g, per_group · ln 2)`, the same for each example.
    """
    if per_group:
        rate = kl.unflatten(-1, (groups, -1)).sum(-1)
        charged = rate.mean(0).clamp(min=per_group * math.log(2)).sum().expand(len(kl))
    else:
        charged = kl.sum(-1)
    return (charged - total * math.log(2)).clamp(min=0) if total else charged
