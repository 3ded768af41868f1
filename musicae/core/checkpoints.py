"""A model is a folder that explains itself: `config.json`, `model.safetensors`, `metrics.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf, isfinite, prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn
from torch.overrides import TorchFunctionMode

from musicae.core.json_files import CONFIG, METRICS, parse_json, read_json, read_metrics, write_json
from musicae.errors import CheckpointError, ConfigError, FileError
from musicae.files import open_file, write_atomically

__all__ = [
    "CONFIG",
    "METRICS",
    "WEIGHTS",
    "Unfilled",
    "parse_json",
    "read_arrays",
    "read_json",
    "read_metrics",
    "read_weights",
    "stored_numbers",
    "write_arrays",
    "write_json",
    "write_weights",
]

WEIGHTS = "model.safetensors"
FLOATS = ("F32", "F16", "BF16")  # of safetensors, as weights may be stored
SPARE = 2**20  # numbers that a network may have besides its weights: masks, positions


def write_weights(folder: Path, network: nn.Module, dtype: torch.dtype = torch.float32) -> None:
    """Write the weights of a network to `model.safetensors`, floating-point ones as `dtype`."""
    tensors = {
        name: (value.to(dtype) if value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in network.state_dict().items()
    }
    write_atomically(Path(folder) / WEIGHTS, save(tensors), force=True)


class Unfilled(TorchFunctionMode):
    """In this context networks are built whose weights are read next: no initial ones are drawn, as that takes longer
    than to read them. In their place are zeros, or what was there: drawing until all lie within bounds ends so.

    Args:
        most: numbers that the network may have; it is refused before more are asked for.
    """

    def __init__(self, most: float = inf):
        super().__init__()
        self.most, self.numbers = most, 0

    def __torch_function__(self, function, types, arguments=(), named=None):
        """The function, but for those that fill weights.

        Raises:
            ConfigError: there would be more numbers than there may be.
        """
        named = named or {}
        if getattr(function, "__module__", "") == "torch.nn.init":
            return arguments[0] if arguments else named["tensor"]
        if function in _FILLS:
            return arguments[0].zero_()
        if function in _MAKES and self.most < inf:
            size = arguments[0] if arguments else named["size"]
            self.numbers += prod(arguments if isinstance(size, int) else size)
            if self.numbers > self.most:
                raise ConfigError("the settings ask for many more weights than are stored")
        return function(*arguments, **named)


_MAKES = {torch.empty, torch.zeros, torch.ones, torch.full}
_FILLS = {torch.Tensor.normal_, torch.Tensor.uniform_}


def stored_numbers(folder: Path) -> int:
    """How many numbers are in `model.safetensors`, by its header.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    with _opened(Path(folder)) as file:
        return sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 (no mapping)


def read_weights(folder: Path, network: nn.Module) -> None:
    """Put the weights of `model.safetensors` into a network, in the network's own precision.

    Raises:
        CheckpointError: the file is missing or damaged; or the first tensor that the network lacks, or that the file
            lacks, whose shape or kind of numbers differs, or that holds what is not a number.
    """
    path, wanted = Path(folder) / WEIGHTS, network.state_dict()
    with _opened(Path(folder)) as file:
        found = set(file.keys())
        for name in sorted(wanted.keys() | found):
            if name not in found or name not in wanted:
                where = "the network" if name in found else "the file"
                raise CheckpointError(f"{path}: {where} has no tensor {name}")
            _check_kind(f"{path}: {name}", file.get_slice(name), wanted[name])
        tensors = {name: file.get_tensor(name) for name in wanted}
    for name, tensor in tensors.items():
        check_finite(f"{path}: {name}", tensor)
    network.load_state_dict(tensors)


@contextmanager
def _opened(folder: Path) -> Iterator[safe_open]:
    """The weights in a folder.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    path = folder / WEIGHTS
    if not path.exists():
        raise CheckpointError(f"{folder}: no {WEIGHTS} in it")
    try:
        open_file(path).close()  # an ordinary file
        with safe_open(path, "pt") as file:
            yield file
    except FileError as error:
        raise CheckpointError(str(error)) from error
    except (OSError, SafetensorError, MemoryError) as error:
        raise CheckpointError(f"{path}: damaged, or not safetensors ({error})") from error


def _check_kind(what: str, stored: Any, wanted: torch.Tensor) -> None:
    """Refuse a tensor of another shape, or of numbers that such a tensor does not hold.

    Raises:
        CheckpointError: it is such a one.
    """
    shape = tuple(stored.get_shape())
    if shape != wanted.shape:
        raise CheckpointError(f"{what} has shape {shape}, the network's {tuple(wanted.shape)}")
    if (stored.get_dtype() in FLOATS) != wanted.is_floating_point():
        kind = " or ".join(FLOATS) if wanted.is_floating_point() else "whole numbers"
        raise CheckpointError(f"{what} holds {stored.get_dtype()}, not {kind}")


def check_finite(what: str, tensor: torch.Tensor) -> None:
    """Refuse numbers that are none.

    Raises:
        CheckpointError: one is nan or infinite.
    """
    if not tensor.is_floating_point() or not tensor.numel():
        return
    lowest, highest = tensor.aminmax()  # an eighth of the time of isfinite; either is nan where there is one
    if not (isfinite(lowest.item()) and isfinite(highest.item())):
        raise CheckpointError(f"{what} holds numbers that are not finite: it is damaged, or training diverged")


def write_arrays(path: Path, arrays: dict[str, np.ndarray], names: Sequence[str]) -> None:
    """Write a few arrays, and the names that they are about, to a file of a model folder."""
    from safetensors.numpy import save

    write_atomically(path, save(arrays, {"names": json.dumps(list(names))}), force=True)


def read_arrays(
    path: Path, shapes: Mapping[str, tuple[str, ...]], sizes: Mapping[str, int]
) -> tuple[tuple[str, ...], dict[str, np.ndarray]] | None:
    """The names and the arrays of such a file; None where there is none.

    Args:
        path: the file.
        shapes: of each array that it must have, as names of sizes; `"names"` is how many names there are. Sizes of one
            name are equal.
        sizes: those that are known.

    Raises:
        CheckpointError: it is damaged: an array is missing, of another shape, or has numbers that are not finite.
    """
    if not path.exists():
        return None
    try:
        open_file(path).close()  # an ordinary file
        with safe_open(path, "np") as file:
            names = tuple(json.loads((file.metadata() or {}).get("names", "[]")))
            found = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            wrong = _wrong_shape(found, shapes, {**sizes, "names": len(names)})
            arrays = {} if wrong else {name: file.get_tensor(name) for name in shapes}
    except Exception as error:  # safetensors answers a damaged file with errors of its own
        raise CheckpointError(f"{path}: damaged ({type(error).__name__}); fit it again, or remove it") from error
    wrong = wrong or next((f"{name} is not finite" for name, a in arrays.items() if not np.isfinite(a).all()), "")
    if wrong or len(set(names)) < len(names) or not all(isinstance(name, str) for name in names):
        raise CheckpointError(f"{path}: damaged ({wrong or 'its names'}); fit it again, or remove it")
    return names, arrays


def _wrong_shape(found: Mapping[str, Any], shapes: Mapping[str, tuple[str, ...]], sizes: dict[str, int]) -> str:
    """What is wrong with the arrays of a file, in words; empty if nothing is."""
    if found.keys() != shapes.keys():
        return f"it holds {', '.join(found) or 'nothing'}, not {', '.join(shapes)}"
    for name, shape in shapes.items():
        given = tuple(found[name].get_shape())
        if found[name].get_dtype() not in FLOATS or len(given) != len(shape):
            return f"{name} is {found[name].get_dtype()} of shape {given}"
        if any(sizes.setdefault(size, n) != n for size, n in zip(shape, given, strict=True)):
            return f"{name} has shape {given}, which does not fit the rest or the model"
    return ""
