"""An autoencoder: data to a latent vector and back."""

from __future__ import annotations

import torch
from torch import nn

from musicae.core.bottlenecks import BOTTLENECKS
from musicae.core.event import Event
from musicae.core.networks import Network
from musicae.core.randomness import RandomSource
from musicae.errors import ConfigError


class Autoencoder(nn.Module):
    """Encoder, bottleneck and decoder: `x → features → q(z | x)`, `z → p(x | z)`.

    Args:
        encoder: a module from data `[batch, ...]` to features `[batch, features]`.
        bottleneck: a module from features to a posterior (`musicae.core.bottlenecks`), with an attribute `latent`.
        decoder: a module from `[batch, latent]` to a likelihood (`musicae.core.likelihoods`).
    """

    def __init__(self, encoder: nn.Module, bottleneck: nn.Module, decoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.bottleneck = bottleneck
        self.decoder = decoder

    @property
    def latent(self) -> int:
        """Dimensions of the latent vector."""
        return self.bottleneck.latent

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def encode(self, x: torch.Tensor):
        """The posterior q(z | x) of data `[batch, ...]`."""
        return self.bottleneck(self.encoder(x))

    def decode(self, z: torch.Tensor):
        """The likelihood p(x | z) of latent vectors `[batch, latent]`."""
        return self.decoder(z)

    def reconstruct(self, x: torch.Tensor) -> torch.Tensor:
        """The most probable data at the posterior mean, of the shape of `x`."""
        return self.decode(self.encode(x).mean).mode()

    def sample(self, n: int, random: RandomSource, temperature: float = 0.0, top_p: float = 1.0) -> torch.Tensor:
        """`n` decodes of z ~ N(0, I); the spread comes from z, so by default each decode is its most probable one."""
        z = random.normal(n, self.latent, device=self.device)
        return self.decode(z).sample(random, temperature, top_p)


def build(network: Network, event: Event, latent: int, bottleneck: str) -> Autoencoder:
    """An autoencoder with fresh weights.

    Args:
        network: an entry of `musicae.core.networks`.
        event: what one example is.
        latent: dimensions of the latent vector.
        bottleneck: a name in `musicae.core.bottlenecks.BOTTLENECKS`: `"gaussian"`, `"point"`, ...

    Raises:
        ConfigError: there is no such bottleneck, or the network cannot be made for such an event.
    """
    if bottleneck not in BOTTLENECKS:
        raise ConfigError.unknown("bottleneck", bottleneck, BOTTLENECKS)
    encoder, features = network.encoder(event)
    return Autoencoder(encoder, BOTTLENECKS[bottleneck](features, latent), network.decoder(event, latent))


class Decoder(nn.Module):
    """A network from `[batch, latent]` to parameters, and the likelihood that gives them a meaning."""

    def __init__(self, network: nn.Module, likelihood: type):
        super().__init__()
        self.network = network
        self.likelihood = likelihood

    def forward(self, z: torch.Tensor):
        """The likelihood p(x | z)."""
        return self.likelihood.of(self.network(z))
