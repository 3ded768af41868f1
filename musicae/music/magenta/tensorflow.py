"""TensorFlow's checkpoints (V2, "tensor bundles") without TensorFlow.

A checkpoint PREFIX is a table of entries, `PREFIX.index`, and the tensors' bytes one after another in
`PREFIX.data-00000-of-00001` and, if there are several shards, its siblings. The formats are those of
tensorflow/core/protobuf/tensor_bundle.proto and, for the index, of LevelDB's tables (doc/table_format.md).
"""

from __future__ import annotations

import gzip
import re
import struct
import tarfile
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from musicae.errors import CheckpointError, FileError
from musicae.files import open_file, read_file
from musicae.music.magenta.checkpoints import Checkpoint, is_weight, mapped
from musicae.music.magenta.crc32c import crc32c, masked

MAGIC = 0xDB4775248B80FB57
FOOTER = 48
BFLOAT16 = 14
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "?", BFLOAT16: "<u2", 19: "<f2"}
INDEX = ".index"
OF_PREFIX = re.compile(r"(\.index|\.data-\d+-of-\d+|\.meta)$")
MOST_INDEX, LONGEST_NAME = 2**26, 2**12  # bytes
MOST_INFLATED, HIGHEST_RATIO = 2**33, 100  # bytes of an archive, and how many times as large it becomes at most
MOST_FILES = 10_000  # in an archive
VARINT, DELIMITED, FIXED32 = 0, 2, 5  # wire types
Bytes = Mapping[str, Callable[[], np.ndarray]]  # of files, by their names


@dataclass(frozen=True)
class Entry:
    """Where the bytes of one tensor are stored.

    Args:
        dtype: TensorFlow's number of its type.
        shape: of the tensor.
        shard: the data file.
        offset: of its first byte in it.
        size: in bytes.
        checksum: masked CRC-32C of the bytes; None where there is none.
        sliced: whether its parts are stored one by one.
    """

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int | None
    sliced: bool


def read(path: Path) -> Checkpoint:
    """A checkpoint of TensorFlow.

    Args:
        path: a prefix or one of its files, a folder (the checkpoint that its `checkpoint` file names, else the one of
            the highest step; also that of a run's `train` folder), or an archive that holds one checkpoint.

    Raises:
        CheckpointError: there is none, or its index is damaged.
    """
    prefix = _newest(path) if path.is_dir() else path.with_name(OF_PREFIX.sub("", path.name))
    if prefix.with_name(prefix.name + INDEX).is_file():
        files = [file for file in prefix.parent.iterdir() if file.name.startswith(prefix.name)]
        return _bundle(str(prefix), prefix.name, {file.name: lambda file=file: mapped(file) for file in files})
    if not path.is_file():
        raise CheckpointError(f"{path}: no checkpoint there: give a folder, an archive, or PREFIX of a PREFIX{INDEX}")
    files = _archived(path)
    prefixes = [name.removesuffix(INDEX) for name in files if name.endswith(INDEX)]
    if len(prefixes) != 1:
        found = f"holds {len(prefixes)} checkpoints" if prefixes else "holds no checkpoint, or is cut off"
        raise CheckpointError(f"{path}: {found}; unpack it and give PREFIX of a PREFIX{INDEX}")
    return _bundle(str(path), prefixes[0], files)


def _newest(folder: Path) -> Path:
    """The prefix of the checkpoint to take from a folder.

    Raises:
        CheckpointError: it holds none.
    """
    state = folder / "checkpoint"
    text = read_file(state).decode(errors="replace") if state.is_file() else ""
    named = re.search(r'^model_checkpoint_path: "(.+)"', text, re.M)
    if named and (folder / f"{PurePosixPath(named[1]).name}{INDEX}").is_file():
        return folder / PurePosixPath(named[1]).name
    prefixes = [file.with_name(file.name.removesuffix(INDEX)) for file in sorted(folder.glob(f"*{INDEX}"))]
    if prefixes:
        return max(prefixes, key=_step)
    if folder.name != "train" and (folder / "train").is_dir():
        return _newest(folder / "train")
    raise CheckpointError(f"{folder}: holds no checkpoint, neither of TensorFlow (*{INDEX}) nor of magenta.js")


def _step(prefix: Path) -> int:
    number = re.search(r"-(\d+)$", prefix.name)
    return int(number[1]) if number else -1


def _archived(path: Path) -> Bytes:
    """The files in an archive, by their paths in it. Nothing is unpacked by name; a compressed archive is inflated to
    a file that has none.

    Raises:
        CheckpointError: it is no archive.
    """
    try:
        with _uncompressed(path) as file:
            spans = dict(_spans(file))
            data = np.memmap(file, np.uint8, "r")
    except (tarfile.TarError, EOFError, OSError, ValueError, FileError, zlib.error) as error:
        raise CheckpointError(f"{path}: neither a checkpoint of TensorFlow (V2) nor an archive with one") from error
    return {name: lambda span=span: data[span] for name, span in spans.items()}


@contextmanager
def _uncompressed(path: Path) -> Iterator[BinaryIO]:
    """An archive opened, without its compression by gzip."""
    with open_file(path) as file, tempfile.TemporaryFile() as plain:
        compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if compressed:
            with gzip.open(file) as inflated, suppress(EOFError):  # of one cut off, what is there
                left = min(MOST_INFLATED, 2**26 + HIGHEST_RATIO * path.stat().st_size)
                while left > 0 and (block := inflated.read(min(left, 2**20))):
                    left -= plain.write(block)
                if not left:
                    raise ValueError("it becomes too large")
            plain.seek(0)
        yield plain if compressed else file


def _spans(file: BinaryIO) -> Iterator[tuple[str, slice]]:
    """Name and place of each file in an archive, of one cut off as far as it goes; not those that macOS adds."""
    with tarfile.open(fileobj=file, mode="r:") as tar, suppress(tarfile.ReadError):
        for _, entry in zip(range(MOST_FILES), tar, strict=False):
            if entry.isreg() and not PurePosixPath(entry.name).name.startswith("._"):
                yield entry.name, slice(entry.offset_data, entry.offset_data + entry.size)


def _bundle(source: str, prefix: str, files: Bytes) -> Checkpoint:
    """A checkpoint whose files are these.

    Raises:
        CheckpointError: its index is damaged.
    """
    shards, entries = _entries(files[prefix + INDEX](), source)

    @cache
    def shard(number: int) -> np.ndarray | None:
        name = f"{prefix}.data-{number:05}-of-{shards:05}"
        return files[name]() if name in files else None

    def tensor(name: str) -> np.ndarray:
        try:
            return _tensor(entries[name], shard(entries[name].shard))
        except ValueError as error:
            raise CheckpointError(f"{source}: tensor {name}: {error}") from error

    shapes = {name: entry.shape for name, entry in entries.items() if is_weight(name)}
    step = None
    with suppress(KeyError, CheckpointError):  # damage is reported when a weight is read
        step = int(tensor("global_step"))
    return Checkpoint(source, shapes, tensor, step)


def _tensor(entry: Entry, data: np.ndarray | None) -> np.ndarray:
    """A tensor out of the bytes of its shard.

    Raises:
        ValueError: it is missing, damaged, or of a kind that is not supported.
    """
    if data is None:
        raise ValueError(f"the data file of shard {entry.shard} is missing")
    if entry.sliced:
        raise ValueError("stored in slices (a partitioned variable), which is not supported")
    if entry.dtype not in DTYPES:
        raise ValueError(f"of TensorFlow's type {entry.dtype}, which is not supported")
    content = data[entry.offset : entry.offset + entry.size]
    dtype = np.dtype(DTYPES[entry.dtype])
    if entry.size != prod(entry.shape) * dtype.itemsize:
        raise ValueError(f"{entry.size} bytes for a shape of {entry.shape}")
    if len(content) < entry.size:
        raise ValueError(f"the data file is cut off: {len(content):,} of {entry.size:,} bytes are there")
    if entry.checksum is not None and masked(crc32c(content)) != entry.checksum:
        raise ValueError("damaged: its bytes do not have their checksum")
    array = np.array(content).view(dtype).reshape(entry.shape)
    return (array.astype("<u4") << 16).view("<f4") if entry.dtype == BFLOAT16 else array


def _entries(index: np.ndarray, source: str) -> tuple[int, dict[str, Entry]]:
    """The number of shards, and the entry of each tensor.

    Raises:
        CheckpointError: the index is cut off, damaged, or not one of TensorFlow.
    """
    try:
        if len(index) > MOST_INDEX:
            raise ValueError("it is too large")
        rows = dict(_table(index.tobytes()))
        header = _fields(rows.pop(b""))
        if _last(header, 2):
            raise ValueError("of a big-endian machine, which is not supported")
        return _last(header, 1), {key.decode(errors="replace"): _entry(value) for key, value in rows.items()}
    except (ValueError, LookupError, OverflowError, struct.error) as error:
        why = error if isinstance(error, ValueError) else "it ends too early"
        raise CheckpointError(f"{source}: its index ({INDEX}) is not one of TensorFlow, or damaged: {why}") from error


def _entry(value: bytes) -> Entry:
    """A `BundleEntryProto`."""
    fields = _fields(value)
    dimensions = [_fields(dimension) for dimension in _fields(_last(fields, 2, b"")).get(2, [])]
    return Entry(
        dtype=_last(fields, 1),
        shape=tuple(_last(dimension, 1) for dimension in dimensions),
        shard=_last(fields, 3),
        offset=_last(fields, 4),
        size=_last(fields, 5),
        checksum=_last(fields, 6) if 6 in fields else None,
        sliced=7 in fields,
    )


def _last(fields: dict[int, list], number: int, otherwise: int | bytes = 0) -> Any:
    """The last value of a field, as protocol buffers have it.

    Raises:
        ValueError: it is of another kind.
    """
    value = fields.get(number, [otherwise])[-1]
    if type(value) is not type(otherwise):
        raise ValueError(f"field {number} is of another kind")
    return value


# LevelDB's tables and protocol buffers


def _table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a table.

    Raises:
        ValueError: it is cut off, damaged, compressed, or not a table.
    """
    if len(data) < FOOTER or struct.unpack("<Q", data[-8:])[0] != MAGIC:
        raise ValueError("its end is missing, or it is something else")
    footer = data[-FOOTER:]
    _, position = _handle(footer, 0)
    index, _ = _handle(footer, position)
    for _, value in _block(data, index):
        yield from _block(data, _handle(value, 0)[0])


def _handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    """Offset and size of a block, and where the next value begins."""
    offset, position = _varint(data, position)
    size, position = _varint(data, position)
    return (offset, size), position


def _block(data: bytes, handle: tuple[int, int]) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block. A key is stored as what follows the part that it shares with the one before it."""
    offset, size = handle
    block, (compression, checksum) = data[offset : offset + size + 1], struct.unpack_from("<BI", data, offset + size)
    if masked(crc32c(np.frombuffer(block, np.uint8))) != checksum:
        raise ValueError("a block does not have its checksum")
    if compression:
        raise ValueError("compressed, which TensorFlow does not do and is not supported")
    (restarts,) = struct.unpack_from("<I", block, size - 4)
    position, end, key = 0, size - 4 - 4 * restarts, b""
    while position < end:
        shared, position = _varint(block, position)
        more, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + more]
        if len(key) > LONGEST_NAME:
            raise ValueError("a name is too long")
        position += more + length
        yield key, block[position - length : position]


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first; and where the next value begins."""
    value, shift = 0, 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if shift > 70:
            raise ValueError("a number is too long")
        if byte < 0x80:
            return value, position


def _fields(data: bytes) -> dict[int, list]:
    """The values of a protocol buffer by their field numbers: numbers, and bytes of strings and messages."""
    found, position = defaultdict(list), 0
    while position < len(data):
        tag, position = _varint(data, position)
        if tag & 7 == VARINT:
            value, position = _varint(data, position)
        elif tag & 7 == FIXED32:
            value, position = struct.unpack_from("<I", data, position)[0], position + 4
        elif tag & 7 == DELIMITED:
            length, position = _varint(data, position)
            value, position = data[position : position + length], position + length
        else:
            raise ValueError(f"a field of wire type {tag & 7}")
        found[tag >> 3].append(value)
    return found
