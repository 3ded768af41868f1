"""What an encoder reads in place of the data: a task is a corruption.

A corruption is called with data and a source of random numbers, and answers corrupted data of the shape that the
encoder reads; the target is the data without it. It is drawn afresh for every example, every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol

from musicae.core.configuration import Range, Share, Weight
from musicae.errors import ConfigError

if TYPE_CHECKING:
    import torch

    from musicae.core.randomness import RandomSource


class Corruption(Protocol):
    """Data to corrupted data."""

    def __call__(self, x: torch.Tensor, random: RandomSource) -> torch.Tensor:
        """`[batch, ...]` to corrupted `[batch, ...]`."""

    def deterministic(self, x: torch.Tensor) -> torch.Tensor:
        """What is done to a user's own data, without random draws: mostly nothing."""
        return x


@dataclass(frozen=True)
class GaussianNoise(Corruption):
    """`clip(x + N(mean, std²), 0, 1)`: the noise of denoising autoencoders on pictures (Vincent et al. 2008).

    Args:
        mean: of the noise, in units of the full range of values.
        std: of the noise, likewise.
    """

    mean: float = 0.0
    std: Weight = 0.5

    def __call__(self, x: torch.Tensor, random: RandomSource) -> torch.Tensor:
        """Values `[batch, ...]` in 0..1 to noisy ones."""
        return (x + self.mean + self.std * random.normal(*x.shape, device=x.device)).clamp(0, 1)


@dataclass(frozen=True)
class Masking(Corruption):
    """Each value hidden, that is 0, with the same probability: the masking noise of denoising autoencoders (Vincent et
    al. 2008).

    Args:
        share: of the values that are hidden, on average.
    """

    share: Share = 0.75

    def __call__(self, x: torch.Tensor, random: RandomSource) -> torch.Tensor:
        """Values `[batch, ...]` to those that are left, of the same shape."""
        return x * (random.uniform(*x.shape, device=x.device) >= self.share)


@dataclass(frozen=True)
class Pixelation(Corruption):
    """Every value replaced by the mean of the block that it is in: what is left of a picture of low resolution.

    To reconstruct the picture from it is super-resolution. The shape stays, so that any encoder reads it.

    Args:
        factor: side of a block, in values along each dimension; it must divide the size.
    """

    factor: Annotated[int, Range(1, 2**12)] = 2

    def __call__(self, x: torch.Tensor, random: RandomSource) -> torch.Tensor:
        """Values `[batch, channels, *size]` to blocks of one value each.

        Raises:
            ConfigError: the factor does not divide the size.
        """
        if any(side % self.factor for side in x.shape[2:]):
            size = " by ".join(map(str, x.shape[2:]))
            raise ConfigError(f"a size of {size} has no whole blocks of {self.factor}: give a factor that divides it")
        for dimension in range(2, x.dim()):
            blocks = x.unflatten(dimension, (-1, self.factor)).mean(dimension + 1)
            x = blocks.repeat_interleave(self.factor, dimension)
        return x


CORRUPTIONS = (GaussianNoise, Masking, Pixelation)
