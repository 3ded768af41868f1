"""A checkpoint of the original, whatever its format: tensors by TensorFlow's names, read on access."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

from musicae.core.configuration import in_words
from musicae.errors import CheckpointError, FileError
from musicae.files import open_file

NO_WEIGHTS = re.compile(
    r"(/Adam(_\d+)?|/ExponentialMovingAverage|(^|/)beta\d_power(_\d+)?|^global_step|^_CHECKPOINTABLE_OBJECT_GRAPH)$"
)
MOST_TENSORS = 100_000
MOST_NUMBERS = 2**32  # twenty times what the largest model of the original has


@dataclass(frozen=True, eq=False)
class Checkpoint(Mapping):
    """The weights of a model by name, each an array that is read on access; without those of an optimiser. Sizes that
    no such model has are refused.

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

    def __post_init__(self):
        sizes = [size for shape in self.shapes.values() for size in shape]
        sensible = all(isinstance(size, int) and 0 <= size < 2**31 for size in sizes)
        if not sensible or len(self.shapes) > MOST_TENSORS or sum(map(prod, self.shapes.values())) > MOST_NUMBERS:
            raise CheckpointError(f"{self.source}: damaged, or no checkpoint of the original: its sizes make no sense")

    def __getitem__(self, name: str) -> np.ndarray:
        """One weight, floating-point ones as float32.

        Raises:
            CheckpointError: its bytes are missing or damaged.
        """
        if name not in self.shapes:
            raise KeyError(name)
        with in_words(f"{self.source}: tensor {name}", CheckpointError):
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
        CheckpointError: it cannot be read, or is no ordinary file.
    """
    try:
        with open_file(path) as file:
            return np.memmap(file, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)
    except FileError as error:
        raise CheckpointError(str(error)) from error
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
