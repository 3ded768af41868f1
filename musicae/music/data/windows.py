"""Windows of music as examples to train on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from musicae.core.data import Batch
from musicae.core.randomness import RandomSource
from musicae.music.data.augmentations import Augmentation


class Windows:
    """An array of windows; in training they are augmented, and each is transposed to a random key.

    Args:
        array: windows `[n, ...]`, possibly memory-mapped.
        representation: what the windows are of.
        transpose: lowest and highest number of semitones by which a window is transposed.
        songs: a number for the song of each window, `[n]`; None if not known.
        augmentations: entries of `musicae.music.data.augmentations`.
    """

    def __init__(
        self,
        array: np.ndarray,
        representation,
        transpose: tuple[int, int] = (0, 0),
        songs: np.ndarray | None = None,
        augmentations: Sequence[Augmentation] = (),
    ):
        self.array, self.representation, self.transpose, self.songs = array, representation, transpose, songs
        self.augmentations = augmentations

    def __len__(self) -> int:
        """How many windows there are."""
        return len(self.array)

    def batch(self, indices: np.ndarray, random: RandomSource | None = None) -> Batch:
        """The windows at `indices`, `[batch, ...]`; with `random`, augmented, and each transposed to a random
        key."""
        windows = np.asarray(self.array[indices])
        if random is None:
            return to_batch(windows, self.representation)
        for augmentation in self.augmentations:
            windows = augmentation(windows, self.representation, random)
        if any(self.transpose):
            semitones = random.integers(*self.transpose, len(indices)).numpy()
            windows = self.representation.transpose(windows, semitones)
        return to_batch(windows, self.representation)


def to_batch(windows: np.ndarray, representation) -> Batch:
    """Windows `[batch, ...]` as the network reads them, int64 classes or float values, and their conditions."""
    x, condition = representation.to_data(windows)
    tensor = torch.from_numpy(np.ascontiguousarray(x))
    tensor = tensor.long() if representation.example_spec.categorical else tensor.float()
    return Batch(tensor, None if condition is None else torch.from_numpy(condition).float())
