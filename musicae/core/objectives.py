"""What training makes small. An objective is called with a model and a batch, and answers terms.

    elbo(x) = ln p(x | z) − KL(q(z | x) ‖ N(0, I))          nats an example, z ~ q(z | x)

The first part, with its sign turned, is the distortion; the second is the rate. They are always reported as they are;
only `loss` carries weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicae.core.penalties import L1, L2, MMD, AdversarialPenalty
from musicae.core.schedules import Constant, Schedule

if TYPE_CHECKING:
    import torch
    from torch import nn

    from musicae.core.autoencoder import Autoencoder
    from musicae.core.randomness import RandomSource


@dataclass(frozen=True)
class Terms:
    """What an objective answers.

    Args:
        loss: what is minimised: one number.
        distortion: −ln p(x | z) in nats, `[batch]`.
        rate: KL(q(z | x) ‖ p(z)) in nats, `[batch]`.
        accuracy: share of parts whose most probable value is right, `[batch]`.
        penalty: what else the loss holds, in nats, `[batch]` (`musicae.core.penalties`).
    """

    loss: torch.Tensor
    distortion: torch.Tensor
    rate: torch.Tensor
    accuracy: torch.Tensor
    penalty: torch.Tensor

    @property
    def elbo(self) -> torch.Tensor:
        """The evidence lower bound from one sample of z, in nats, `[batch]`: no weights, no free bits."""
        return -self.distortion - self.rate


@dataclass(frozen=True)
class Reconstruction:
    """`−ln p(x | z)`, and what codes may cost beside it: the objective of autoencoders without a rate.

    Alone it trains plain and denoising ones; with a penalty sparse, regularised, Wasserstein and adversarial ones.

    Args:
        penalty: an entry of `musicae.core.penalties`, or None.
    """

    penalty: L1 | L2 | MMD | AdversarialPenalty | None = None

    def discriminator(self, latent: int) -> nn.Module | None:
        """What is trained beside a model of so many latent dimensions: the discriminator of an adversary."""
        return self.penalty.discriminator(latent) if isinstance(self.penalty, AdversarialPenalty) else None

    def __call__(
        self,
        model: Autoencoder,
        clean: torch.Tensor,
        damaged: torch.Tensor,
        step: int,
        random: RandomSource,
        discriminator: nn.Module | None = None,
    ) -> Terms:
        """The terms of giving back `clean` `[batch, ...]` from `damaged` (the same, or a corruption of it)."""
        posterior = model.encode(damaged)
        z = posterior.sample(random)
        heard = model.decode(z).given(clean)
        distortion, penalty = -heard.log_prob(clean), self._charge(z, random, discriminator)
        loss = (distortion + penalty).mean()
        return Terms(loss, distortion, posterior.kl().sum(1), heard.accuracy(clean), penalty.expand(len(z)))

    def _charge(self, z: torch.Tensor, random: RandomSource, discriminator: nn.Module | None) -> torch.Tensor:
        if self.penalty is None:
            return z.new_zeros(())
        return self.penalty(z, random) if discriminator is None else self.penalty(z, random, discriminator)


@dataclass(frozen=True)
class Elbo:
    """`distortion + beta · (rate beyond the free bits)`.

    Args:
        beta: weight of the rate, a function of the step; 1 makes the loss a true negative ELBO.
        free_bits: total bits of rate an example that cost nothing (MusicVAE).
        free_bits_per_group: bits that cost nothing in each of `groups` equal groups of dimensions.
        groups: see above.
        scheduled_sampling: probability that an autoregressive decoder hears its own sample, a function of the step.
    """

    beta: Schedule = Constant(1.0)
    free_bits: float = 0.0
    free_bits_per_group: float = 0.0
    groups: int = 1
    scheduled_sampling: Schedule | None = None

    def __call__(
        self, model: Autoencoder, clean: torch.Tensor, damaged: torch.Tensor, step: int, random: RandomSource
    ) -> Terms:
        """The terms of giving back `clean` `[batch, ...]` from `damaged` (the same, or a corruption of it)."""
        from musicae.core.bottlenecks import free_bits

        posterior = model.encode(damaged)
        kl = posterior.kl()
        heard = self._hear(model.decode(posterior.sample(random)), clean, step, random)
        distortion = -heard.log_prob(clean)
        charged = free_bits(kl, self.free_bits, self.free_bits_per_group, self.groups)
        loss = distortion.mean() + self.beta(step) * charged.mean()
        return Terms(loss, distortion, kl.sum(1), heard.accuracy(clean), kl.new_zeros(len(kl)))

    def _hear(self, likelihood, clean: torch.Tensor, step: int, random: RandomSource):
        if self.scheduled_sampling is None:
            return likelihood.given(clean)
        from musicae.core.likelihoods import ScheduledSampling

        return likelihood.given(clean, ScheduledSampling(self.scheduled_sampling(step), random))


@dataclass(frozen=True)
class ImportanceWeighted:
    """`−ln (1/k) Σ_i p(x | z_i) p(z_i) / q(z_i | x)`, z_i ~ q(z | x): a bound that is tighter than the ELBO, and equals
    it at k = 1 (Burda et al. 2016).

    Args:
        samples: k, how many z are drawn for each example; a function of the step, rounded.
    """

    samples: Schedule = Constant(50)

    def __call__(
        self, model: Autoencoder, clean: torch.Tensor, damaged: torch.Tensor, step: int, random: RandomSource
    ) -> Terms:
        """The terms of giving back `clean` `[batch, ...]`: distortion is a mean over the z of each, accuracy of one."""
        import torch

        from musicae.core.bounds import weighted_samples

        posterior = model.encode(damaged)
        drawn = weighted_samples(model, posterior, clean, round(self.samples(step)), random)
        bound, distortion = drawn.bound(), -drawn.log_likelihood.mean(0)
        with torch.no_grad():
            accuracy = model.decode(drawn.z[0]).accuracy(clean)
        return Terms(-bound.mean(), distortion, posterior.kl().sum(1), accuracy, torch.zeros_like(bound))


OBJECTIVES = (Reconstruction, Elbo, ImportanceWeighted)
