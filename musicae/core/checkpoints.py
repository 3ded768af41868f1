"""A model is a folder that explains itself: `config.json`, `model.safetensors`, `metrics.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn
from torch.overrides import TorchFunctionMode

from musicae.errors import CheckpointError
from musicae.files import write_atomically

CONFIG, WEIGHTS, METRICS = "config.json", "model.safetensors", "metrics.json"


def write_weights(folder: Path, network: nn.Module, dtype: torch.dtype = torch.float32) -> None:
    """Write the weights of a network to `model.safetensors`, floating-point ones as `dtype`."""
    tensors = {
        name: (value.to(dtype) if value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in network.state_dict().items()
    }
    write_atomically(Path(folder) / WEIGHTS, save(tensors), force=True)


def write_json(folder: Path, name: str, content: dict) -> None:
    """Write `config.json` or `metrics.json`."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    write_atomically(Path(folder) / name, text.encode(), force=True)


def read_json(folder: Path, name: str) -> dict:
    """What `config.json` or `metrics.json` says.

    Raises:
        CheckpointError: it is missing or is not JSON.
    """
    path = Path(folder) / name
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{folder}: no {name} in it, so it is not a model folder") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: holds a {type(content).__name__}, not the settings of a model")
    return content


class Unfilled(TorchFunctionMode):
    """In this context networks are built whose weights are read next: no initial ones are drawn, as that takes longer
    than to read them. In their place are zeros, or what was there: drawing until all lie within bounds ends so."""

    def __torch_function__(self, function, types, arguments=(), named=None):
        """The function, but for those that fill weights."""
        named = named or {}
        if getattr(function, "__module__", "") == "torch.nn.init":
            return arguments[0] if arguments else named["tensor"]
        if function in _FILLS:
            return arguments[0].zero_()
        return function(*arguments, **named)


_FILLS = {torch.Tensor.normal_, torch.Tensor.uniform_}


def read_weights(folder: Path, network: nn.Module) -> None:
    """Put the weights of `model.safetensors` into a network, in the network's own precision.

    Raises:
        CheckpointError: the file is missing or damaged, or the first tensor that the network lacks, or that the file
            lacks, or whose shape differs.
    """
    path = Path(folder) / WEIGHTS
    try:
        tensors = load_file(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"{folder}: no {WEIGHTS} in it") from error
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: damaged, or not safetensors ({error})") from error
    wanted = network.state_dict()
    for name in sorted(wanted.keys() | tensors.keys()):
        if name not in tensors or name not in wanted:
            where = "the network" if name in tensors else "the file"
            raise CheckpointError(f"{path}: {where} has no tensor {name}")
        if tensors[name].shape != wanted[name].shape:
            shapes = f"{tuple(tensors[name].shape)}, the network's {tuple(wanted[name].shape)}"
            raise CheckpointError(f"{path}: {name} has shape {shapes}")
    network.load_state_dict(tensors)


def write_arrays(path: Path, arrays: dict[str, np.ndarray], names: Sequence[str]) -> None:
    """Write a few arrays, and the names that they are about, to a file of a model folder."""
    from safetensors.numpy import save

    write_atomically(path, save(arrays, {"names": json.dumps(list(names))}), force=True)


def read_arrays(path: Path) -> tuple[tuple[str, ...], dict[str, np.ndarray]] | None:
    """The names and the arrays of such a file; None where there is none.

    Raises:
        CheckpointError: it is damaged.
    """
    from safetensors import safe_open

    if not path.exists():
        return None
    try:
        with safe_open(path, "np") as file:
            names = tuple(json.loads(file.metadata()["names"]))
            return names, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except Exception as error:  # safetensors answers a damaged file with errors of its own
        raise CheckpointError(f"{path}: damaged ({type(error).__name__}); fit it again, or remove it") from error
