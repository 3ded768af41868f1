"""What training makes small. An objective is called with a model and a batch, and answers terms.

    elbo(x) = ln p(x | z) − KL(q(z | x) ‖ N(0, I))          nats an example, z ~ q(z | x)

The first part, with its sign turned, is the distortion; the second is the rate. They are always reported as they are;
only `loss` carries weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicae.core.schedules import Constant, Schedule

if TYPE_CHECKING:
    import torch

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
    """

    loss: torch.Tensor
    distortion: torch.Tensor
    rate: torch.Tensor
    accuracy: torch.Tensor

    @property
    def elbo(self) -> torch.Tensor:
        """The evidence lower bound from one sample of z, in nats, `[batch]`: no weights, no free bits."""
        return -self.distortion - self.rate


@dataclass(frozen=True)
class Reconstruction:
    """`−ln p(x | z)` alone: the objective of plain and denoising autoencoders."""

    def __call__(
        self, model: Autoencoder, clean: torch.Tensor, damaged: torch.Tensor, step: int, random: RandomSource
    ) -> Terms:
        """The terms of giving back `clean` `[batch, ...]` from `damaged` (the same, or a corruption of it)."""
        posterior = model.encode(damaged)
        heard = model.decode(posterior.sample(random)).given(clean)
        distortion = -heard.log_prob(clean)
        return Terms(distortion.mean(), distortion, posterior.kl().sum(1), heard.accuracy(clean))


@dataclass(frozen=True)
class Elbo:
    """`distortion + beta · (rate beyond the free bits)`.

    Args:
        beta: weight of the rate, a function of the step; 1 makes the loss a true negative ELBO.
        free_bits: total bits of rate an example that cost nothing (MusicVAE).
        free_bits_per_group: bits that cost nothing in each of `groups` equal groups of dimensions.
        groups: see above.
        feedback: probability that an autoregressive decoder hears its own sample, a function of the step.
    """

    beta: Schedule = Constant(1.0)
    free_bits: float = 0.0
    free_bits_per_group: float = 0.0
    groups: int = 1
    feedback: Schedule | None = None

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
        return Terms(loss, distortion, kl.sum(1), heard.accuracy(clean))

    def _hear(self, likelihood, clean: torch.Tensor, step: int, random: RandomSource):
        if self.feedback is None:
            return likelihood.given(clean)
        from musicae.core.networks.recurrent import Feedback

        return likelihood.given(clean, Feedback(self.feedback(step), random))


OBJECTIVES = (Reconstruction, Elbo)
