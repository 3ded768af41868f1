"""What training makes small. An objective is called with a model and a batch, and answers terms.

    elbo(x) = ln p(x | z) − KL(q(z | x) ‖ N(0, I))          nats an example, z ~ q(z | x)

The first part, with its sign turned, is the distortion; the second is the rate. They are always reported as they are;
only `loss` carries weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from musicae.core.configuration import Size, Weight
from musicae.core.penalties import L1, L2, MMD, AdversarialPenalty
from musicae.core.schedules import Constant, Schedule

if TYPE_CHECKING:
    import torch
    from torch import nn

    from musicae.core.autoencoder import Autoencoder
    from musicae.core.data import Batch
    from musicae.core.likelihoods import Likelihood
    from musicae.core.posteriors import Posterior
    from musicae.core.randomness import RandomSource


@dataclass(frozen=True)
class Terms:
    """What an objective answers.

    Args:
        loss: what is minimised: one number.
        distortion: −ln p(x | z) in nats, `[batch]`.
        rate: KL(q(z | x) ‖ p(z)) in nats, `[batch]`.
        accuracy: share of parts whose most probable value is right, `[batch]`.
        penalty: what else the loss holds, in nats, `[batch]`: of the objective (`musicae.core.penalties`) and of the
            posterior.
        metrics: numbers by name that validation reports besides.
    """

    loss: torch.Tensor
    distortion: torch.Tensor
    rate: torch.Tensor
    accuracy: torch.Tensor
    penalty: torch.Tensor
    metrics: Mapping[str, torch.Tensor] = field(default_factory=dict)

    @property
    def elbo(self) -> torch.Tensor:
        """The evidence lower bound from one sample of z, in nats, `[batch]`: no weights, no free bits."""
        return -self.distortion - self.rate


class Objective(Protocol):
    """What training makes small."""

    def discriminator(self, latent: int) -> nn.Module | None:
        """A network that is trained with a model of `latent` dimensions, and given to the objective at every step."""
        return None

    def __call__(
        self,
        model: Autoencoder,
        batch: Batch,
        corrupted: torch.Tensor,
        step: int,
        random: RandomSource,
        discriminator: nn.Module | None = None,
    ) -> Terms:
        """The terms of some examples.

        Args:
            model: what is trained.
            batch: the examples: the target `batch.x` `[batch, ...]` and what goes with it.
            corrupted: what the encoder reads, of the shape of `batch.x`: the same, or a corruption of it.
            step: of training, for schedules.
            random: of all that is drawn.
            discriminator: what `discriminator` answered.
        """


def with_posterior(terms: Terms, posterior: Posterior) -> Terms:
    """The terms of an objective with what the posterior charges and reports."""
    penalty = posterior.penalty()
    if penalty is not None:
        terms = replace(terms, loss=terms.loss + penalty.mean(), penalty=terms.penalty + penalty)
    return replace(terms, metrics=posterior.metrics())


@dataclass(frozen=True)
class Reconstruction(Objective):
    """`−ln p(x | z)`, and what codes may cost: the objective of autoencoders without a rate.

    Alone it trains plain and denoising ones; with a penalty sparse, regularised, Wasserstein and adversarial ones.

    Args:
        penalty: an entry of `musicae.core.penalties`, or None.
    """

    penalty: L1 | L2 | MMD | AdversarialPenalty | None = None

    def discriminator(self, latent: int) -> nn.Module | None:
        """The discriminator of an adversarial penalty."""
        return self.penalty.discriminator(latent) if isinstance(self.penalty, AdversarialPenalty) else None

    def __call__(
        self,
        model: Autoencoder,
        batch: Batch,
        corrupted: torch.Tensor,
        step: int,
        random: RandomSource,
        discriminator: nn.Module | None = None,
    ) -> Terms:
        """See `Objective`."""
        conditioned = model.conditioned_on(batch.condition)
        posterior = conditioned.encode(corrupted)
        z = posterior.sample(random)
        likelihood = conditioned.decode(z).teacher_forced(batch.x)
        distortion, penalty = -likelihood.log_prob(batch.x), self._penalty(z, random, discriminator)
        loss, accuracy = (distortion + penalty).mean(), likelihood.accuracy(batch.x)
        terms = Terms(loss, distortion, posterior.kl().sum(1), accuracy, penalty.expand(len(z)))
        return with_posterior(terms, posterior)

    def _penalty(self, z: torch.Tensor, random: RandomSource, discriminator: nn.Module | None) -> torch.Tensor:
        if self.penalty is None:
            return z.new_zeros(())
        return self.penalty(z, random) if discriminator is None else self.penalty(z, random, discriminator)


@dataclass(frozen=True)
class Elbo(Objective):
    """`distortion + beta · (rate beyond the free bits)`.

    Args:
        beta: weight of the rate, a function of the step; 1 makes the loss a true negative ELBO.
        free_bits: total bits of rate an example that cost nothing (MusicVAE).
        free_bits_per_group: bits that cost nothing in each of `groups` equal groups of dimensions.
        groups: see above.
        scheduled_sampling: probability that an autoregressive decoder is given its own sample in place of the true
            previous step, a function of the step.
    """

    beta: Schedule = Constant(1.0)
    free_bits: Weight = 0.0
    free_bits_per_group: Weight = 0.0
    groups: Size = 1
    scheduled_sampling: Schedule | None = None

    def __call__(
        self,
        model: Autoencoder,
        batch: Batch,
        corrupted: torch.Tensor,
        step: int,
        random: RandomSource,
        discriminator: nn.Module | None = None,
    ) -> Terms:
        """See `Objective`."""
        from musicae.core.posteriors import free_bits

        conditioned = model.conditioned_on(batch.condition)
        posterior = conditioned.encode(corrupted)
        kl = posterior.kl()
        likelihood = self._teacher_forced(conditioned.decode(posterior.sample(random)), batch.x, step, random)
        distortion = -likelihood.log_prob(batch.x)
        charged = free_bits(kl, self.free_bits, self.free_bits_per_group, self.groups)
        loss = distortion.mean() + self.beta(step) * charged.mean()
        terms = Terms(loss, distortion, kl.sum(1), likelihood.accuracy(batch.x), kl.new_zeros(len(kl)))
        return with_posterior(terms, posterior)

    def _teacher_forced(self, likelihood: Likelihood, x: torch.Tensor, step: int, random: RandomSource) -> Likelihood:
        from musicae.core.likelihoods import ScheduledSampling

        if self.scheduled_sampling is None:
            return likelihood.teacher_forced(x)
        return likelihood.teacher_forced(x, ScheduledSampling(self.scheduled_sampling(step), random))


@dataclass(frozen=True)
class ImportanceWeighted(Objective):
    """`−ln (1/k) Σ_i p(x | z_i) p(z_i) / q(z_i | x)`, z_i ~ q(z | x): a bound that is tighter than the ELBO, and equals
    it at k = 1 (Burda et al. 2016).

    Args:
        samples: k, how many z are drawn for each example; a function of the step, rounded.
    """

    samples: Schedule = Constant(50)

    def __call__(
        self,
        model: Autoencoder,
        batch: Batch,
        corrupted: torch.Tensor,
        step: int,
        random: RandomSource,
        discriminator: nn.Module | None = None,
    ) -> Terms:
        """See `Objective`; the distortion is a mean over the z of each example, the accuracy of one."""
        import torch

        from musicae.core.bounds import weighted_samples

        conditioned = model.conditioned_on(batch.condition)
        posterior = conditioned.encode(corrupted)
        drawn = weighted_samples(conditioned, posterior, batch.x, round(self.samples(step)), random)
        bound, distortion = drawn.bound(), -drawn.log_likelihood.mean(0)
        with torch.no_grad():
            accuracy = conditioned.decode(drawn.z[0]).accuracy(batch.x)
        terms = Terms(-bound.mean(), distortion, posterior.kl().sum(1), accuracy, torch.zeros_like(bound))
        return with_posterior(terms, posterior)


OBJECTIVES = (Reconstruction, Elbo, ImportanceWeighted)
