"""What the encoder's features become: the distribution q(z | x) that the decoder reads from.

A bottleneck is a module from features `[batch, features]` to a posterior; a posterior answers `mean`,
`sample(random)` and `kl()`; one that has a density answers `log_prob(z)` too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from musicae.core.randomness import RandomSource


@dataclass(frozen=True)
class PointPosterior:
    """All mass on one code: what a plain autoencoder has in place of a posterior.

    Args:
        mean: the code, `[batch, latent]`.
    """

    mean: torch.Tensor

    def sample(self, random: RandomSource) -> torch.Tensor:
        """The code itself, `[batch, latent]`."""
        return self.mean

    def kl(self) -> torch.Tensor:
        """Zero `[batch, latent]`: a point has no rate that could be finite, so none is charged."""
        return torch.zeros_like(self.mean)


@dataclass(frozen=True)
class GaussianPosterior:
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


class Point(nn.Module):
    """Features to a code by one affine map: the bottleneck of a plain autoencoder."""

    def __init__(self, features: int, latent: int):
        super().__init__()
        self.latent = latent
        self.mean = nn.Linear(features, latent)

    def forward(self, features: torch.Tensor) -> PointPosterior:
        """`[batch, features]` to a posterior over `[batch, latent]`."""
        return PointPosterior(self.mean(features).float())


class RectifiedPoint(Point):
    """As `Point`, with no negative values: codes of which parts can be absent, as sparse autoencoders want them."""

    def forward(self, features: torch.Tensor) -> PointPosterior:
        """`[batch, features]` to a posterior over `[batch, latent]`."""
        return PointPosterior(functional.relu(self.mean(features)).float())


class Gaussian(nn.Module):
    """Features to N(mean, std²), with `std = softplus(affine)`, and at least a millionth.

    The deviations start at 0.1 whatever the input: small beside the means, so that the decoder has something to read
    from the first step.
    """

    start = 0.1
    smallest = 1e-6  # while the rate costs nothing a deviation may fall to 0, and its logarithm ends the training

    def __init__(self, features: int, latent: int):
        super().__init__()
        self.latent = latent
        self.mean = nn.Linear(features, latent)
        self.std = nn.Linear(features, latent)
        nn.init.normal_(self.std.weight, std=0.001)
        nn.init.constant_(self.std.bias, math.log(math.expm1(self.start)))

    def forward(self, features: torch.Tensor) -> GaussianPosterior:
        """`[batch, features]` to a posterior over `[batch, latent]`, in float32."""
        std = functional.softplus(self.std(features).float()).clamp(min=self.smallest)
        return GaussianPosterior(self.mean(features).float(), std)


class BroadGaussian(Gaussian):
    """The start of MusicVAE: weights from N(0, 0.001²), biases 0, so every posterior begins near N(0, 0.69²) and the
    rate at 0.107 nats a dimension."""

    start = math.log(2)

    def __init__(self, features: int, latent: int):
        super().__init__(features, latent)
        nn.init.normal_(self.mean.weight, std=0.001)
        nn.init.zeros_(self.mean.bias)


BOTTLENECKS = {"point": Point, "rectified point": RectifiedPoint, "gaussian": Gaussian, "broad gaussian": BroadGaussian}


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
