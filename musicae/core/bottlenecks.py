"""The menu of bottlenecks: what the encoder's features become. Numbers only: torch is loaded when one is built.

A bottleneck builds a layer from features `[batch, features]` to a posterior q(z | x) (`musicae.core.posteriors`). One
of your own is a frozen dataclass with the one method of `Bottleneck`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from musicae.core.configuration import Positive, Weight

if TYPE_CHECKING:
    from torch import nn


class Bottleneck(Protocol):
    """Settings of a bottleneck."""

    def layer(self, features: int, latent: int) -> nn.Module:
        """A layer from `[batch, features]` to a posterior over `[batch, latent]`.

        It has the attributes `latent`, as given, and `has_density`: whether its posteriors answer `log_prob`.
        """


@dataclass(frozen=True)
class Point(Bottleneck):
    """All mass on one code, an affine map of the features: the bottleneck of a plain autoencoder.

    Args:
        rectified: whether codes have no negative values: then parts of them can be absent, as sparse autoencoders want
            it.
    """

    rectified: bool = False

    def layer(self, features: int, latent: int) -> nn.Module:
        """See `Bottleneck`."""
        from musicae.core.posteriors import PointLayer

        return PointLayer(features, latent, self.rectified)


@dataclass(frozen=True)
class Gaussian(Bottleneck):
    """N(mean, std²) with independent dimensions, `std = softplus(affine)`: the bottleneck of a variational autoencoder.

    Args:
        initial_std: the deviations at the start, whatever the features. The default is small compared with the means,
            so that the decoder has something to read from the first step.
        mean_weight_std: deviation of the normal distribution from which the weights of the means are drawn at the
            start, their biases being 0; None for PyTorch's own start.
    """

    initial_std: Positive = 0.1
    mean_weight_std: Weight | None = None

    def layer(self, features: int, latent: int) -> nn.Module:
        """See `Bottleneck`."""
        from musicae.core.posteriors import GaussianLayer

        return GaussianLayer(features, latent, self.initial_std, self.mean_weight_std)


# The start of MusicVAE: every posterior begins near N(0, 0.69²), and the rate at 0.107 nats a dimension.
BROAD_GAUSSIAN = Gaussian(initial_std=math.log(2), mean_weight_std=0.001)
BOTTLENECKS = (Gaussian, Point)
