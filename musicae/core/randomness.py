"""Random numbers that depend on a seed alone: the same on any device, in any number of processes, after any resume."""

from __future__ import annotations

import numpy as np
import torch

from musicae.core.devices import moved


class RandomSource:
    """The one stream of random numbers behind a training step, a batch of samples, an evaluation.

    Everything random in the core takes one. The numbers of a training step are drawn from `(seed, step)` for the
    whole global batch, and each of `processes` processes keeps its own rows: so an interrupted run that resumes needs
    no generator state, and a run on many processes computes what one process would.

    Args:
        seed: one or more integers that name the stream, e.g. `(seed, step)`.
        rank: which slice of the batch this process holds.
        processes: how many slices there are.
    """

    def __init__(self, *seed: int, rank: int = 0, processes: int = 1):
        self._generator = torch.Generator().manual_seed(seed_of(*seed))
        self._rank, self._processes = rank, processes

    def normal(self, *shape: int, device: torch.device | str = "cpu") -> torch.Tensor:
        """Standard normal numbers `[batch, ...]` in float32."""
        return moved(self._rows(torch.randn, shape), device)

    def uniform(self, *shape: int, device: torch.device | str = "cpu") -> torch.Tensor:
        """Numbers `[batch, ...]` uniform on [0, 1) in float32."""
        return moved(self._rows(torch.rand, shape), device)

    def integers(self, low: int, high: int, *shape: int, device: torch.device | str = "cpu") -> torch.Tensor:
        """Integers `[batch, ...]` uniform on low..high, both ends included."""
        above = (self.uniform(*shape, device=device) * (high - low + 1)).long().clamp(max=high - low)
        return low + above

    def _rows(self, draw, shape: tuple[int, ...]) -> torch.Tensor:
        batch, *rest = shape
        everything = draw(batch * self._processes, *rest, generator=self._generator)
        return everything[batch * self._rank : batch * (self._rank + 1)]


def seed_of(*names: int) -> int:
    """One seed for several integers that name a stream, e.g. `(seed, step)`."""
    # The length is part of the name: NumPy pads with zeros, which would make (7,) and (7, 0) one stream.
    entropy = np.random.SeedSequence([len(names), *(int(name) & 0xFFFFFFFFFFFFFFFF for name in names)])
    return int(entropy.generate_state(1, np.uint64)[0]) >> 1
