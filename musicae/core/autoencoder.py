"""An autoencoder: data to a latent vector and back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from musicae.core.bottlenecks import Bottleneck
from musicae.core.conditioning import Conditioning, concatenated, repeated
from musicae.core.example_spec import ExampleSpec
from musicae.core.likelihoods import Likelihood
from musicae.core.networks import Network
from musicae.core.posteriors import Posterior
from musicae.core.randomness import RandomSource

NOTHING = Conditioning()


class Autoencoder(nn.Module):
    """Encoder, bottleneck and decoder: `x → features → q(z | x)`, `z → p(x | z)`.

    A conditional one reads more than x and z: `q(z | x, c)` and `p(x | z, c)` (`musicae.core.conditioning`).
    `conditioned_on(c)` is the same autoencoder with c filled in, so that little that uses an autoencoder has to know of
    conditions.

    Args:
        encoder: a module from data `[batch, ...]` to features `[batch, features]`.
        bottleneck: a module from features to a posterior (`musicae.core.posteriors`), with an attribute `latent`.
        decoder: a module from `[batch, latent]` to a likelihood (`musicae.core.likelihoods`).
        conditioning: what it is conditioned on. A condition at each step is given to encoder and decoder; one for each
            example is concatenated with the features and with z.
    """

    def __init__(
        self,
        encoder: nn.Module,
        bottleneck: nn.Module,
        decoder: nn.Module,
        conditioning: Conditioning = NOTHING,
    ):
        super().__init__()
        self.conditioning = conditioning
        self.encoder = encoder
        self.bottleneck = bottleneck
        self.decoder = decoder

    @property
    def latent(self) -> int:
        """Dimensions of the latent vector."""
        return self.bottleneck.latent

    @property
    def size(self) -> int:
        """How many numbers training changes."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def conditioned_on(self, condition: torch.Tensor | None) -> Autoencoder | Conditioned:
        """This autoencoder with a condition `[batch, ..., size]` filled in; itself where there is none.

        Raises:
            ConfigError: a condition of another size, or one that is missing or not wanted.
        """
        self.conditioning.check(condition)
        return self if condition is None else Conditioned(self, condition)

    def encode(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> Posterior:
        """The posterior q(z | x) of data `[batch, ...]`."""
        if self.conditioning.per_step:
            return self.bottleneck(self.encoder(x, condition))
        return self.bottleneck(concatenated(self.encoder(x), condition))

    def decode(self, z: torch.Tensor, condition: torch.Tensor | None = None) -> Likelihood:
        """The likelihood p(x | z) of latent vectors `[batch, latent]`."""
        if self.conditioning.per_step:
            return self.decoder(z, condition)
        return self.decoder(concatenated(z, condition))

    def reconstruct(self, x: torch.Tensor) -> torch.Tensor:
        """The most probable data at the posterior mean, of the shape of `x`."""
        return self.decode(self.encode(x).mean).mode()

    def sample(self, n: int, random: RandomSource, temperature: float = 0.0, top_p: float = 1.0) -> torch.Tensor:
        """`n` decodes of z ~ N(0, I); the spread comes from z, so by default each decode is its most probable one."""
        z = random.normal(n, self.latent, device=self.device)
        return self.decode(z).sample(random, temperature, top_p)


@dataclass(frozen=True)
class Conditioned:
    """An autoencoder with a condition filled in.

    Args:
        model: the autoencoder.
        condition: `[batch, ..., size]`. Where k vectors are decoded for each example, `[k · batch, latent]`, it is
            repeated.
    """

    model: Autoencoder
    condition: torch.Tensor

    def encode(self, x: torch.Tensor) -> Posterior:
        """The posterior q(z | x, c) of data `[batch, ...]`."""
        return self.model.encode(x, self.condition)

    def decode(self, z: torch.Tensor) -> Likelihood:
        """The likelihood p(x | z, c) of latent vectors `[batch, latent]`."""
        return self.model.decode(z, repeated(self.condition, len(z) // len(self.condition)))


def build(
    network: Network,
    example_spec: ExampleSpec,
    latent: int,
    bottleneck: Bottleneck,
    conditioning: Conditioning = NOTHING,
) -> Autoencoder:
    """An autoencoder with fresh weights.

    Args:
        network: an entry of `musicae.core.networks`.
        example_spec: what one example is.
        latent: dimensions of the latent vector.
        bottleneck: an entry of `musicae.core.bottlenecks`.
        conditioning: what encoder and decoder are conditioned on.

    Raises:
        ConfigError: the network cannot be built for such examples, or cannot read such a condition.
    """
    conditioning.check_network(network)
    per_step = conditioning.size if conditioning.per_step else 0
    per_example = conditioning.size - per_step
    encoder, features = network.encoder(example_spec, per_step)
    layer = bottleneck.layer(features + per_example, latent)
    decoder = network.decoder(example_spec, latent + per_example, per_step)
    return Autoencoder(encoder, layer, decoder, conditioning)
