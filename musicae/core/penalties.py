"""What else codes may cost: how they are to be distributed, besides what is reconstructed from them.

A penalty is called with codes and a source of random numbers, and answers nats an example, `[batch]` or one number.
With no rate to charge, this is how an autoencoder's codes are kept small, sparse, or spread like N(0, I).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicae.core.configuration import MaybeWidths, Weight

if TYPE_CHECKING:
    import torch
    from torch import nn

    from musicae.core.randomness import RandomSource


@dataclass(frozen=True)
class L1:
    """`weight · Σ_d |z_d|`: most parts of a code are near 0 (the sparse autoencoder).

    Args:
        weight: nats for a code of 1 in one dimension.
    """

    weight: Weight

    def __call__(self, z: torch.Tensor, random: RandomSource) -> torch.Tensor:
        """Of codes `[batch, latent]`, `[batch]`."""
        return self.weight * z.abs().sum(1)


@dataclass(frozen=True)
class L2:
    """`weight · ½ Σ_d z_d²`: codes stay near the origin (the regularised autoencoder, Ghosh et al. 2020).

    Args:
        weight: nats for a code of √2 in one dimension.
    """

    weight: Weight

    def __call__(self, z: torch.Tensor, random: RandomSource) -> torch.Tensor:
        """Of codes `[batch, latent]`, `[batch]`."""
        return self.weight * 0.5 * z.square().sum(1)


@dataclass(frozen=True)
class MMD:
    """`weight · MMD²(codes, N(0, I))`: all codes together are spread like the prior (Tolstikhin et al. 2018, WAE-MMD).

    Args:
        weight: nats for a discrepancy of 1.
    """

    weight: Weight

    def __call__(self, z: torch.Tensor, random: RandomSource) -> torch.Tensor:
        """Of codes `[batch, latent]` against as many draws from the prior, one number."""
        return self.weight * discrepancy(z, random.normal(*z.shape, device=z.device))


def discrepancy(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The squared maximum mean discrepancy of two sets of vectors `[n, latent]` and `[m, latent]`: one number.

    `mean_{i≠j} k(a_i, a_j) + mean_{i≠j} k(b_i, b_j) − 2 mean_{ij} k(a_i, b_j)`, unbiased (so below 0 at times), 0 for
    two sets from one distribution (Gretton et al. 2012). The kernel is a sum of inverse multiquadratics,
    `k(x, y) = Σ_s C / (C + |x − y|²)`, C = 2 · latent · s, which is sensitive at long and short distances (Tolstikhin
    et al. 2018).
    """
    near, far = (_others(x) for x in (a, b))
    return near + far - 2 * _kernel(a, b).mean()


SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def _kernel(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """`[n, latent]` and `[m, latent]` to `[n, m]`."""
    squares = a.square().sum(1)[:, None] + b.square().sum(1)[None] - 2 * a @ b.T
    sizes = [2 * a.shape[1] * scale for scale in SCALES]
    return sum(size / (size + squares.clamp(min=0)) for size in sizes)


def _others(x: torch.Tensor) -> torch.Tensor:
    """The mean of the kernel over pairs of different vectors; each is `len(SCALES)` from itself."""
    n = len(x)
    return (_kernel(x, x).sum() - n * len(SCALES)) / max(n * (n - 1), 1)


@dataclass(frozen=True)
class AdversarialPenalty:
    """A discriminator that is trained to distinguish codes from draws of N(0, I), and that codes are trained to deceive
    (Makhzani et al. 2016, the adversarial autoencoder):

        discriminator:  −ln D(draw) − ln (1 − D(code)) + smoothness / 2 · |∇ log odds(draw)|² → min
        encoder:        −weight · ln D(code) → min

    Both in one step; each side's gradient reaches that side alone. Without the price of the slope at the draws the two
    chase each other and never settle (Mescheder et al. 2018).

    Args:
        weight: of the deception relative to the distortion.
        widths: units of the discriminator's hidden layers.
        smoothness: price of the discriminator's squared slope.
    """

    weight: Weight = 10.0
    widths: MaybeWidths = (256, 256)
    smoothness: Weight = 1.0

    def discriminator(self, latent: int) -> nn.Module:
        """The discriminator, which is trained with the model."""
        from musicae.core.networks.dense import Discriminator

        return Discriminator(latent, self.widths)

    def __call__(self, z: torch.Tensor, random: RandomSource, discriminator: nn.Module) -> torch.Tensor:
        """Of codes `[batch, latent]`, `[batch]`: the encoder's loss, and a 0 with the discriminator's gradient."""
        import torch
        from torch.nn.functional import softplus

        draws = random.normal(*z.shape, device=z.device)
        with torch.autocast(z.device.type, enabled=False):  # a slope has no meaning in 8 bits
            detection = (
                self._detection(discriminator, draws, z.detach()) if torch.is_grad_enabled() else z.new_zeros(())
            )
            deception = self.weight * softplus(-discriminator.frozen(z))
        return deception + (detection - detection.detach())

    def _detection(self, discriminator: nn.Module, draws: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """The discriminator's loss, `[batch]`."""
        import torch
        from torch.nn.functional import softplus

        odds = discriminator(draws.requires_grad_())
        slope = torch.autograd.grad(odds.sum(), draws, create_graph=True)[0]
        return softplus(-odds) + softplus(discriminator(codes)) + self.smoothness / 2 * slope.square().sum(1)


PENALTIES = (L1, L2, MMD, AdversarialPenalty)
