"""A checkpoint of the original, whatever its format: tensors by TensorFlow's names, read on access."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from musicae.errors import CheckpointError

NO_WEIGHTS = re.compile(
    r"(/Adam(_\d+)?|/ExponentialMovingAverage|(^|/)beta\d_power(_\d+)?|^global_step|^_CHECKPOINTABLE_OBJECT_GRAPH)$"
)


@dataclass(frozen=True, eq=False)
class Checkpoint(Mapping):
    """The weights of a model by name, each an array that is read on access; without those of an optimiser.

    Args:
        source: what it was read from, in words.
        shapes: of every weight.
        read: gives an array for a name.
        step: of the training at which it was saved, if known.
        settings: the `config.json` of a magenta.js checkpoint; empty for others.
    """

    source: str
    shapes: Mapping[str, tuple[int, ...]]
    read: Callable[[str], np.ndarray]
    step: int | None = None
    settings: Mapping = field(default_factory=dict)

    def __getitem__(self, name: str) -> np.ndarray:
        """One weight, floating-point ones as float32.

        Raises:
            CheckpointError: its bytes are missing or damaged.
        """
        if name not in self.shapes:
            raise KeyError(name)
        array = self.read(name)
        return array.astype(np.float32, copy=False) if array.dtype.kind == "f" else array

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


def is_weight(name: str) -> bool:
    """Whether a variable is a weight of the model, not a state of its training."""
    return not NO_WEIGHTS.search(name)


def shape(tensors: Mapping[str, np.ndarray], name: str) -> tuple[int, ...]:
    """The shape of a tensor, without reading it where it is in a checkpoint."""
    return tuple(tensors.shapes[name] if isinstance(tensors, Checkpoint) else tensors[name].shape)


def mapped(path: Path) -> np.ndarray:
    """The bytes of a file, uint8 `[bytes]`, memory-mapped.

    Raises:
        CheckpointError: it cannot be read.
    """
    try:
        return np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
