"""Augmentations of training windows: what leaves music recognisable, but makes another piece of it.

Each takes a batch of windows and returns as many others; what it mixes in comes from the other windows of the batch.
Transposition is not among them: every preset of pitched music has it (`Preset.transpose`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from musicae.core.configuration import Share

if TYPE_CHECKING:
    from musicae.core.randomness import RandomSource


@dataclass(frozen=True)
class Augmentation:
    """Changes some windows of a batch.

    Args:
        share: of the windows that are changed, or of their parts, on average.
    """

    share: Share = 0.5

    def __call__(self, windows: np.ndarray, representation, random: RandomSource) -> np.ndarray:
        """Windows `[batch, ...]` to others of the same shape; the argument is not changed."""
        windows = windows.copy()
        self.change(representation.part_view(windows), representation.steps_per_quarter, random)
        return windows

    def change(self, parts: np.ndarray, steps_per_beat: int, random: RandomSource) -> None:
        """Change parts `[batch, parts, ..., steps]` in place; a beat is a quarter note."""
        raise NotImplementedError


class SwapParts(Augmentation):
    """Parts of a window (drums of a kit; melody, bass, drums) are replaced by those of another: new combinations."""

    def change(self, parts: np.ndarray, steps_per_beat: int, random: RandomSource) -> None:
        """See `Augmentation.change`."""
        changed = random.uniform(*parts.shape[:2]).numpy() < self.share
        parts[changed] = parts[_partners(len(parts), random)][changed]


class DropParts(Augmentation):
    """Parts of a window are silenced, but never all."""

    def change(self, parts: np.ndarray, steps_per_beat: int, random: RandomSource) -> None:
        """See `Augmentation.change`."""
        silent = random.uniform(*parts.shape[:2]).numpy() < self.share
        played = parts.reshape(*parts.shape[:2], -1).any(-1)
        silent &= (played & ~silent).any(1, keepdims=True)
        parts[silent] = 0


class SpliceInTime(Augmentation):
    """From some beat on, a window continues as another."""

    def change(self, parts: np.ndarray, steps_per_beat: int, random: RandomSource) -> None:
        """See `Augmentation.change`."""
        steps = parts.shape[-1]
        cut = steps_per_beat * random.integers(1, max(steps // steps_per_beat - 1, 1), len(parts)).numpy()
        changed = random.uniform(len(parts)).numpy() < self.share
        after = changed[:, None] & (np.arange(steps) >= cut[:, None])
        after = after.reshape(len(parts), *[1] * (parts.ndim - 2), steps)
        parts[:] = np.where(after, parts[_partners(len(parts), random)], parts)


def _partners(windows: int, random: RandomSource) -> np.ndarray:
    """For each window the index of one to mix in, int64 `[windows]`: a random permutation."""
    return random.uniform(windows).argsort().numpy()


AUGMENTATIONS = (SwapParts, DropParts, SpliceInTime)
