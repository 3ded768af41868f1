"""Windows of training made into more: what leaves music recognisable, but makes another piece of it.

Each is called with a batch of windows and answers as many others; what it takes from elsewhere it takes from the other
windows of the batch. Transposition is not among them: every preset of pitched music has it (`Preset.transpose`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from musicae.core.randomness import RandomSource


@dataclass(frozen=True)
class Augmentation:
    """Changes some windows of a batch.

    Args:
        share: of the windows that are changed, or of their parts, on average.
    """

    share: float = 0.5

    def __call__(self, windows: np.ndarray, representation, random: RandomSource) -> np.ndarray:
        """Windows `[batch, ...]` to others of the same shape; those that are given are left as they are."""
        windows = windows.copy()
        self.change(representation.part_view(windows), representation.steps_per_quarter, random)
        return windows

    def change(self, lanes: np.ndarray, beat: int, random: RandomSource) -> None:
        """Change parts `[batch, parts, ..., steps]` in place; `beat` is the number of steps in a quarter."""
        raise NotImplementedError


class SwapParts(Augmentation):
    """Parts of a window (drums of a kit; melody, bass, drums) become those of another: new combinations."""

    def change(self, lanes: np.ndarray, beat: int, random: RandomSource) -> None:
        """See `Augmentation.change`."""
        changed = random.uniform(*lanes.shape[:2]).numpy() < self.share
        lanes[changed] = lanes[_partners(len(lanes), random)][changed]


class DropParts(Augmentation):
    """Parts of a window fall silent, but never all."""

    def change(self, lanes: np.ndarray, beat: int, random: RandomSource) -> None:
        """See `Augmentation.change`."""
        silent = random.uniform(*lanes.shape[:2]).numpy() < self.share
        played = lanes.reshape(*lanes.shape[:2], -1).any(-1)
        silent &= (played & ~silent).any(1, keepdims=True)
        lanes[silent] = 0


class SpliceInTime(Augmentation):
    """From a beat on a window goes on as another."""

    def change(self, lanes: np.ndarray, beat: int, random: RandomSource) -> None:
        """See `Augmentation.change`."""
        steps = lanes.shape[-1]
        cut = beat * random.integers(1, max(steps // beat - 1, 1), len(lanes)).numpy()
        changed = random.uniform(len(lanes)).numpy() < self.share
        after = changed[:, None] & (np.arange(steps) >= cut[:, None])
        after = after.reshape(len(lanes), *[1] * (lanes.ndim - 2), steps)
        lanes[:] = np.where(after, lanes[_partners(len(lanes), random)], lanes)


def _partners(windows: int, random: RandomSource) -> np.ndarray:
    """Another window of the batch for each."""
    return random.uniform(windows).argsort().numpy()


AUGMENTATIONS = (SwapParts, DropParts, SpliceInTime)
