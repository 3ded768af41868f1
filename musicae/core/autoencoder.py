"""An autoencoder: data to a latent vector and back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from musicae.core.bottlenecks import BOTTLENECKS
from musicae.core.example_spec import ExampleSpec
from musicae.core.networks import Network
from musicae.core.randomness import RandomSource
from musicae.errors import ConfigError


class Autoencoder(nn.Module):
    """Encoder, bottleneck and decoder: `x → features → q(z | x)`, `z → p(x | z)`.

    A conditional one is told more than x and z: `q(z | x, c)` and `p(x | z, c)` (Sohn et al. 2015). `given(c)` is the
    same autoencoder with c filled in, so that nothing that uses an autoencoder has to know of conditions.

    Args:
        encoder: a module from data `[batch, ...]` to features `[batch, features]`.
        bottleneck: a module from features (and the condition beside them) to a posterior
            (`musicae.core.bottlenecks`), with an attribute `latent`.
        decoder: a module from `[batch, latent]` (and the condition beside it) to a likelihood
            (`musicae.core.likelihoods`).
        conditions: size of the condition; 0 for none.
        stepwise: whether the condition `[batch, steps, conditions]` goes into encoder and decoder, step by step; if
            not, `[batch, conditions]` stands beside the features and beside z.
    """

    def __init__(
        self,
        encoder: nn.Module,
        bottleneck: nn.Module,
        decoder: nn.Module,
        conditions: int = 0,
        stepwise: bool = False,
    ):
        super().__init__()
        self.conditions, self.stepwise = conditions, stepwise
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

    def given(self, condition: torch.Tensor | None) -> Autoencoder | Given:
        """This autoencoder, told a condition `[batch, ..., conditions]`; None where it is told nothing.

        Raises:
            ConfigError: it is told nothing and needs something, or the reverse.
        """
        told = 0 if condition is None else condition.shape[-1]
        if told != self.conditions:
            raise ConfigError(f"the model is told {self.conditions} values beside each example, but {told} are given")
        return self if condition is None else Given(self, condition)

    def encode(self, x: torch.Tensor, condition: torch.Tensor | None = None):
        """The posterior q(z | x) of data `[batch, ...]`."""
        if self.stepwise:
            return self.bottleneck(self.encoder(x, condition))
        return self.bottleneck(beside(self.encoder(x), condition))

    def decode(self, z: torch.Tensor, condition: torch.Tensor | None = None):
        """The likelihood p(x | z) of latent vectors `[batch, latent]`."""
        return self.decoder(z, condition) if self.stepwise else self.decoder(beside(z, condition))

    def reconstruct(self, x: torch.Tensor) -> torch.Tensor:
        """The most probable data at the posterior mean, of the shape of `x`."""
        return self.decode(self.encode(x).mean).mode()

    def sample(self, n: int, random: RandomSource, temperature: float = 0.0, top_p: float = 1.0) -> torch.Tensor:
        """`n` decodes of z ~ N(0, I); the spread comes from z, so by default each decode is its most probable one."""
        z = random.normal(n, self.latent, device=self.device)
        return self.decode(z).sample(random, temperature, top_p)


@dataclass(frozen=True)
class Given:
    """An autoencoder that was told a condition.

    Args:
        model: the autoencoder.
        condition: `[batch, ..., conditions]`. Where k vectors are decoded for each example, `[k · batch, latent]`, it
            is repeated.
    """

    model: Autoencoder
    condition: torch.Tensor

    def encode(self, x: torch.Tensor):
        """The posterior q(z | x, c) of data `[batch, ...]`."""
        return self.model.encode(x, self.condition)

    def decode(self, z: torch.Tensor):
        """The likelihood p(x | z, c) of latent vectors `[batch, latent]`."""
        times = len(z) // len(self.condition)
        return self.model.decode(z, self.condition.repeat(times, *[1] * (self.condition.dim() - 1)))


def beside(x: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
    """`[batch, n]` with a condition after it, `[batch, n + conditions]`."""
    return x if condition is None else torch.cat([x, condition], -1)


def build(
    network: Network, example_spec: ExampleSpec, latent: int, bottleneck: str, conditions: int = 0
) -> Autoencoder:
    """An autoencoder with fresh weights.

    Args:
        network: an entry of `musicae.core.networks`.
        example_spec: what one example is.
        latent: dimensions of the latent vector.
        bottleneck: a name in `musicae.core.bottlenecks.BOTTLENECKS`: `"gaussian"`, `"point"`, ...
        conditions: values that encoder and decoder are told beside each example.

    Raises:
        ConfigError: there is no such bottleneck, or the network cannot be made for such an example_spec.
    """
    if bottleneck not in BOTTLENECKS:
        raise ConfigError.unknown("bottleneck", bottleneck, BOTTLENECKS)
    if network.stepwise:
        encoder, features = network.encoder(example_spec, conditions)
        middle = BOTTLENECKS[bottleneck](features, latent)
        return Autoencoder(
            encoder, middle, network.decoder(example_spec, latent, conditions), conditions, stepwise=True
        )
    encoder, features = network.encoder(example_spec)
    middle = BOTTLENECKS[bottleneck](features + conditions, latent)
    return Autoencoder(encoder, middle, network.decoder(example_spec, latent + conditions), conditions)
