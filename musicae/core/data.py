"""What training reads: examples by number, in an order that depends only on a seed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    import torch

    from musicae.core.randomness import RandomSource


class Batch(NamedTuple):
    """Some examples.

    Args:
        x: `[batch, ...]`.
        condition: what encoder and decoder are conditioned on, `[batch, ..., size]`, or None
            (`musicae.core.conditioning`).
        labels: the class number of each example, int64 `[batch]`, where that is known, or None.
    """

    x: torch.Tensor
    condition: torch.Tensor | None = None
    labels: torch.Tensor | None = None

    def to(self, device: torch.device | str) -> Batch:
        """The same on a device; on a GPU without waiting for it."""
        from musicae.core.devices import moved

        return Batch(*(None if part is None else moved(part, device) for part in self))

    def pinned(self) -> Batch:
        """The same in page-locked memory, from which a GPU reads while Python goes on."""
        return Batch(*(None if part is None else part.pin_memory() for part in self))


class Examples(Protocol):
    """A set of examples that gives any of them as a batch."""

    def __len__(self) -> int:
        """How many there are."""

    def batch(self, indices: np.ndarray, random: RandomSource | None = None) -> Batch:
        """The examples at `indices`; with `random`, augmented as training wants them."""


def shuffled(examples: int, batch_size: int, seed: int, step: int) -> np.ndarray:
    """The examples of a training step, int64 `[batch_size]`: one permutation of all examples after another.

    Any step can be asked for at any time, so that a resumed run needs no memory of the steps before it.
    """
    positions = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs, places = positions // examples, positions % examples
    first, last = int(epochs[0]), int(epochs[-1])
    parts = (_order(examples, seed, epoch)[places[epochs == epoch]] for epoch in range(first, last + 1))
    return np.concatenate(list(parts))


@lru_cache(maxsize=4)
def _order(examples: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng((seed, epoch)).permutation(examples)
