"""The checkpoints of magenta.js: a folder with `config.json`, `weights_manifest.json` and the shards that it names.

The manifest is that of TensorFlow.js (tfjs-core, src/io/types.ts): a list of groups, each with `paths` of files whose
bytes are one sequence, and `weights` stored in it one after another, each with name, shape and type, and if it is
quantised the type, scale and minimum of what is stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, chain
from math import isfinite, prod
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from musicae.core.checkpoints import parse_json
from musicae.errors import CheckpointError
from musicae.files import together, write_atomically
from musicae.music.magenta.checkpoints import Checkpoint, is_weight, mapped

MANIFEST, CONFIG = "weights_manifest.json", "config.json"
DTYPES = {"float32": "<f4", "float16": "<f2", "int32": "<i4", "uint16": "<u2", "uint8": "u1", "bool": "?"}
SHARD = 4 << 20  # bytes, as TensorFlow.js has it, so that browsers can cache them


@dataclass(frozen=True)
class Entry:
    """Where the values of one tensor are stored.

    Args:
        shape: of the tensor.
        dtype: of the stored values.
        offset: of its first byte in its group.
        files: of its group.
        total: their size together, in bytes.
        scale: of quantised values, `scale · q + minimum` for a stored integer q; None if the values are not quantised.
        minimum: see `scale`.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    files: tuple[Path, ...]
    total: int
    scale: float | None = None
    minimum: float = 0.0

    @property
    def size(self) -> int:
        """In bytes."""
        return prod(self.shape) * self.dtype.itemsize


def read(folder: Path) -> Checkpoint:
    """A checkpoint of magenta.js.

    Args:
        folder: with `weights_manifest.json`, the files that it names, and `config.json`.

    Raises:
        CheckpointError: one of them is missing or damaged.
    """
    try:
        entries = dict(_entries(folder, parse_json(folder / MANIFEST)))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{folder / MANIFEST}: not a manifest of TensorFlow.js ({error!r})") from error

    def tensor(name: str) -> np.ndarray:
        try:
            return _tensor(entries[name])
        except ValueError as error:
            raise CheckpointError(f"{folder}: tensor {name}: {error}") from error

    settings = parse_json(folder / CONFIG) if (folder / CONFIG).exists() else {}
    if not isinstance(settings, dict):
        raise CheckpointError(f"{folder / CONFIG}: not the settings of a model of magenta.js")
    shapes = {name: entry.shape for name, entry in entries.items() if is_weight(name)}
    return Checkpoint(str(folder), shapes, tensor, settings=settings)


def write(folder: Path, tensors: Mapping[str, np.ndarray], settings: Mapping, *, force: bool = False) -> list[Path]:
    """Write a checkpoint of magenta.js, in float32, in shards of 4 MB.

    Args:
        folder: where to.
        tensors: the weights by the original's names.
        settings: of the client, for `config.json`.
        force: overwrite files.

    Returns:
        The paths that were written.

    Raises:
        Error: a file exists and `force` is off.
    """
    weights = [{"name": name, "shape": list(np.shape(tensors[name])), "dtype": "float32"} for name in tensors]
    count = -(-sum(4 * prod(weight["shape"]) for weight in weights) // SHARD)
    names = [f"group1-shard{i}of{count}" for i in range(1, count + 1)]
    shards = _shards(np.ascontiguousarray(array, "<f4").tobytes() for array in tensors.values())
    content = {MANIFEST: [{"paths": names, "weights": weights}], CONFIG: settings}
    texts = ((name, (json.dumps(value, indent=2) + "\n").encode()) for name, value in content.items())
    files = chain(zip(names, shards, strict=True), texts)
    with together():
        return [write_atomically(folder / name, data, force) for name, data in files]


def _shards(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes of all parts together, cut into shards."""
    waiting = b""
    for part in parts:
        waiting += part
        whole = len(waiting) // SHARD * SHARD
        yield from (waiting[i : i + SHARD] for i in range(0, whole, SHARD))
        waiting = waiting[whole:]
    if waiting:
        yield waiting


def _entries(folder: Path, manifest: list) -> Iterator[tuple[str, Entry]]:
    """Names and entries of all tensors of a manifest."""
    for group in manifest:
        files = tuple(_inside(folder, path) for path in group["paths"])
        weights = [_weight(weight) for weight in group["weights"]]
        offsets = [*accumulate((prod(shape) * dtype.itemsize for _, shape, dtype, _ in weights), initial=0)]
        for (name, shape, dtype, quantisation), offset in zip(weights, offsets, strict=False):
            yield name, Entry(shape, dtype, offset, files, offsets[-1], *quantisation)


def _weight(weight: Mapping) -> tuple[str, tuple[int, ...], np.dtype, tuple[float, ...]]:
    """Name, shape, type of the stored values, and scale and minimum if they are quantised."""
    found = weight.get("quantization", {})
    dtype = np.dtype(DTYPES[found.get("dtype", weight["dtype"])])
    quantisation = (float(found["scale"]), float(found["min"])) if "scale" in found else ()
    shape = tuple(weight["shape"])
    if not all(isinstance(size, int) and 0 <= size < 2**31 for size in shape):
        raise ValueError(f"the shape {str(shape)[:50]} of {str(weight['name'])[:50]}")
    if not all(map(isfinite, quantisation)):
        raise ValueError(f"scale and minimum {quantisation} of {str(weight['name'])[:50]}")
    return str(weight["name"]), shape, dtype, quantisation


def _inside(folder: Path, path: str) -> Path:
    """A file that a manifest names.

    Raises:
        ValueError: it is outside the folder.
    """
    parts, windows = PurePosixPath(path), PureWindowsPath(path)
    if parts.is_absolute() or ".." in parts.parts or windows.drive or "\\" in path or not path.isprintable():
        raise ValueError(f"the path {path!r} leads out of the folder")
    return folder / path


def _tensor(entry: Entry) -> np.ndarray:
    """A tensor out of the files of its group.

    Raises:
        ValueError: bytes of it are missing.
    """
    parts = [mapped(path) if path.exists() else np.zeros(0, np.uint8) for path in entry.files]
    starts = [*accumulate(map(len, parts), initial=0)]
    end, short = entry.offset + entry.size, _first_short(list(map(len, parts)), entry.total)
    if short is not None and end > starts[short + 1]:
        name = entry.files[short].name
        raise ValueError(f"the file {name} is missing or cut off, or does not belong to this manifest")
    spans = (part[max(entry.offset - i, 0) : max(end - i, 0)] for part, i in zip(parts, starts, strict=False))
    array = np.frombuffer(b"".join(span.tobytes() for span in spans), entry.dtype).reshape(entry.shape)
    return array if entry.scale is None else array * np.float32(entry.scale) + np.float32(entry.minimum)


def _first_short(sizes: list[int], total: int) -> int | None:
    """The index of the first file that lacks bytes, if all have fewer than `total`: all but the last have one size."""
    if sum(sizes) == total or not sizes:
        return None
    return next((i for i, size in enumerate(sizes) if size < max(sizes)), len(sizes) - 1)
