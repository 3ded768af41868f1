"""Random numbers that depend on a seed alone: the same on any device, in any number of processes, after any resume."""

from __future__ import annotations

import math

import numpy as np
import torch

from musicae.core.devices import moved


class RandomSource:
    """The one stream of random numbers behind a batch of samples, an evaluation, and (`SharedSource`) a training step.

    Everything random in the core takes one.

    Args:
        seed: one or more integers that name the stream, e.g. `(seed, step)`.
    """

    def __init__(self, *seed: int):
        self._generator = torch.Generator().manual_seed(seed_of(*seed))

    def normal(self, *shape: int, device: torch.device | str = "cpu") -> torch.Tensor:
        """Standard normal numbers `[batch, ...]` in float32."""
        return moved(self._normal(shape), device)

    def uniform(self, *shape: int, device: torch.device | str = "cpu") -> torch.Tensor:
        """Numbers `[batch, ...]` uniform on [0, 1) in float32."""
        return moved(self._uniform(shape), device)

    def integers(self, low: int, high: int, *shape: int, device: torch.device | str = "cpu") -> torch.Tensor:
        """Integers `[batch, ...]` uniform on low..high, both ends included."""
        above = (self.uniform(*shape, device=device) * (high - low + 1)).long().clamp(max=high - low)
        return low + above

    def _normal(self, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.randn(shape, generator=self._generator)

    def _uniform(self, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.rand(shape, generator=self._generator)


class SharedSource(RandomSource):
    """The stream of a training step, which several processes share: each draws the rows of its examples alone.

    The numbers are counter-based (Philox, Salmon et al. 2011): the n-th is a function of the seed and n, so that a
    process skips what is not its own. A run on many processes computes what one would, and one that was interrupted
    resumes without a generator state.

    Args:
        seed: one or more integers that name the stream, e.g. `(seed, step)`.
        rank: which slice of the batch this process holds.
        processes: how many slices there are.
    """

    BLOCK = 8  # numbers of 32 bits that Philox makes of one count

    def __init__(self, *seed: int, rank: int = 0, processes: int = 1):
        self._key, self._rank, self._processes = seed_of(*seed), rank, processes
        self._blocks = 0  # drawn so far, by all processes together

    def _uniform(self, shape: tuple[int, ...]) -> torch.Tensor:
        numbers, mine = self._blocks_of_rows(shape)
        return numbers[mine].view(shape)

    def _normal(self, shape: tuple[int, ...]) -> torch.Tensor:
        """By the transform of Box and Muller: two normal numbers of two uniform ones, in the same places."""
        numbers, mine = self._blocks_of_rows(shape)
        radius, angle = numbers.view(-1, 2).T.contiguous()
        radius = (1 - radius).log_().mul_(-2).sqrt_()
        angle = angle * (2 * math.pi)
        pairs = torch.stack([radius * angle.cos(), radius * angle.sin()], -1)
        return pairs.flatten()[mine].view(shape)

    def _blocks_of_rows(self, shape: tuple[int, ...]) -> tuple[torch.Tensor, slice]:
        """The blocks that hold the rows of this process, uniform on [0, 1), and where the rows are in them."""
        count = math.prod(shape)
        first, before = divmod(self._rank * count, self.BLOCK)
        blocks = -(-(before + count) // self.BLOCK)
        philox = np.random.Philox(key=self._key, counter=self._blocks + first)
        self._blocks += -(-self._processes * count // self.BLOCK)
        bits = torch.from_numpy(philox.random_raw(blocks * self.BLOCK // 2).view(np.int32))
        return (bits >> 8 & 0xFFFFFF).float().mul_(2**-24), slice(before, before + count)


def seed_of(*names: int) -> int:
    """One seed for several integers that name a stream, e.g. `(seed, step)`."""
    # The length is part of the name: NumPy pads with zeros, which would make (7,) and (7, 0) one stream.
    entropy = np.random.SeedSequence([len(names), *(int(name) & 0xFFFFFFFFFFFFFFFF for name in names)])
    return int(entropy.generate_state(1, np.uint64)[0]) >> 1
