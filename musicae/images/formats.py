"""Readers of each form of file in which sets of pictures come: IDX (MNIST and kin), CIFAR-10's records, NumPy archives,
folders of pictures."""

from __future__ import annotations

import gzip
import io
import math
import re
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musicae.errors import DataError
from musicae.images.pictures import Pictures
from musicae.images.storage import Storage, refusing_damaged

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "t10k"), "test"),
}
CIFAR = re.compile(r"(data|test)_batch(_\d+)?\.bin$")
CIFAR_SHAPE = (3, 32, 32)
IDX_IMAGES = re.compile(r"images[-.]idx[34]-ubyte(\.gz)?$")
PICTURE_FILES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pbm")
EXPECTED = (
    "--data FOLDER with MNIST's train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, "
    "t10k-labels-idx1-ubyte.gz (https://github.com/cvdfoundation/mnist has them; torchvision leaves them in MNIST/raw),"
    " or an archive of these, an .npz, a folder of pictures; or digits, which need no file"
)


@dataclass(frozen=True, eq=False)
class RawSplit:
    """One split as it was read.

    Args:
        levels: uint8 `[n, channels, height, width]`.
        labels: numbers or names of classes, `[n]`, or None.
        notes: how the pictures were changed in reading, in sentences.
    """

    levels: np.ndarray
    labels: np.ndarray | None
    notes: tuple[str, ...] = ()


def read_splits(path: Path, representation: Pictures) -> tuple[dict[str, RawSplit], bool]:
    """The splits of a source by name, and whether published results rely on their order (true of IDX files).

    Raises:
        DataError: there are no pictures, or they are damaged.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; expected: {EXPECTED}")
    if path.is_file() and IDX_IMAGES.search(path.name):
        return _idx_splits(Storage(path.parent), [path.name], representation), True
    storage = Storage(path)
    images = [n for n in storage.names if IDX_IMAGES.search(n)] or _lone_idx(storage)
    if images:
        return _idx_splits(storage, images, representation), True
    records = [n for n in storage.names if CIFAR.search(n)]
    if records:
        return _cifar_splits(storage, records, representation), False
    arrays = [n for n in storage.names if n.lower().endswith(".npz")]
    if len(arrays) == 1:
        return _numpy_splits(storage, arrays[0], representation), False
    pictures = [n for n in storage.names if n.lower().endswith(PICTURE_FILES)]
    if len(pictures) < 2:
        found = f"{len(storage.names):,} files" + (f", the first {storage.names[0]}" if storage.names else "")
        raise DataError(f"{path}: no set of pictures ({found}); expected: {EXPECTED}")
    return _folder_splits(storage, pictures, representation), False


# IDX -----------------------------------------------------------------------------------------------


def read_idx(data: bytes, name: str) -> np.ndarray:
    """The array in an IDX file of bytes, gzipped or not: uint8 of any shape.

    Raises:
        DataError: it is truncated, or no IDX file of bytes.
    """
    with refusing_damaged(name), gzip.open(io.BytesIO(data)) if data[:2] == b"\x1f\x8b" else io.BytesIO(data) as file:
        header = file.read(4)
        if len(header) < 4 or header[:3] != b"\0\0\x08" or not 1 <= header[3] <= 4:
            raise DataError(f"{name}: not an IDX file of bytes (it begins with {header.hex(' ') or 'nothing'})")
        shape = struct.unpack(f">{header[3]}I", file.read(4 * header[3]).ljust(4 * header[3], b"\xff"))
        content = file.read(min(math.prod(shape), 1 << 40))
    if len(content) < math.prod(shape):
        raise DataError(f"{name}: truncated: {len(content):,} of {math.prod(shape):,} bytes; get it again")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _lone_idx(storage: Storage) -> list[str]:
    """A file that is alone may be IDX under any name."""
    if len(storage.names) != 1 or not storage.names[0].endswith(("ubyte", ".idx", ".gz")):
        return []
    return storage.names


def _idx_splits(storage: Storage, images: list[str], representation: Pictures) -> dict[str, RawSplit]:
    """Labels are in files of the same names, with `labels` in place of `images`."""
    labels = {name: re.sub("images([-.])idx[34]", r"labels\1idx1", name) for name in images}
    arrays = {name: read_idx(data, name) for name, data in storage.read([*images, *labels.values()])}
    parts = {}
    for name in images:
        levels, notes = resized(arrays[name], name, representation)
        classes = arrays.get(labels[name]) if labels[name] != name else None
        split = _split_of(name) or "train"
        if split in parts:
            raise DataError(f"{storage.path}: more than one {split} set of images; give the folder of one")
        parts[split] = RawSplit(levels, _matching(classes, levels, labels[name]), notes)
    return parts


# CIFAR-10 ------------------------------------------------------------------------------------------


def _cifar_splits(storage: Storage, names: list[str], representation: Pictures) -> dict[str, RawSplit]:
    """Records of one label and 1,024 levels each of red, green and blue; `batches.meta.txt` names the classes."""
    meta = "batches.meta.txt"
    files = dict(storage.read([*names, *(n for n in storage.names if Path(n).name == meta)]))
    classes = next((np.array(data.decode().split()) for n, data in files.items() if Path(n).name == meta), None)
    records = {name: _records(files[name], name) for name in names}
    parts = {}
    for split in ("train", "test"):
        own = [records[name] for name in names if (_split_of(name.replace("_", " ")) or "train") == split]
        if own:
            labels, levels = np.split(np.concatenate(own), [1], axis=1)
            pictures, notes = resized(levels.reshape(-1, *CIFAR_SHAPE), str(storage.path), representation)
            known = classes is not None and labels.max() < len(classes)
            parts[split] = RawSplit(pictures, classes[labels.ravel()] if known else labels.ravel(), notes)
    return parts


def _records(data: bytes, name: str) -> np.ndarray:
    """The records in a file, uint8 `[n, 3073]`.

    Raises:
        DataError: the last one is not whole, or there are none.
    """
    length = 1 + math.prod(CIFAR_SHAPE)
    if not data or len(data) % length:
        raise DataError(f"{name}: truncated: {len(data):,} bytes are no whole records of {length:,}; get it again")
    return np.frombuffer(data, np.uint8).reshape(-1, length)


# NumPy ---------------------------------------------------------------------------------------------


def _numpy_splits(storage: Storage, name: str, representation: Pictures) -> dict[str, RawSplit]:
    """Arrays of three or four dimensions are pictures, smaller ones labels; their names say which split."""
    arrays = _read_arrays(next(storage.read([name]))[1], name)
    pictures = {_split_of(key) or "train": key for key in arrays if arrays[key].ndim in (3, 4)}
    labels = {_split_of(key) or "train": key for key in arrays if arrays[key].ndim in (1, 2)}
    if not pictures or len(pictures) < sum(array.ndim in (3, 4) for array in arrays.values()):
        shapes = ", ".join(f"{key} {array.shape}" for key, array in arrays.items())
        raise DataError(f"{name}: expected images and labels, or x_train, y_train, x_test, y_test; found {shapes}")
    parts = {}
    for split, key in pictures.items():
        levels, notes = resized(as_levels(arrays[key], f"{name}: {key}"), f"{name}: {key}", representation)
        parts[split] = RawSplit(levels, _matching(arrays.get(labels.get(split)), levels, name), notes)
    return parts


def _read_arrays(data: bytes, name: str) -> dict[str, np.ndarray]:
    with refusing_damaged(name), np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def as_levels(array: np.ndarray, name: str) -> np.ndarray:
    """Values in 0..1 or 0..255 as uint8.

    Raises:
        DataError: they are in neither range.
    """
    if array.dtype == np.uint8:
        return array
    numeric = array.dtype.kind in "buif" and array.size
    if not numeric or not (array.min() >= 0 and array.max() <= 255):
        raise DataError(f"{name}: expected pictures in 0..1 or 0..255, found {array.dtype} outside both")
    unit = array.dtype.kind in "bf" and array.max() <= 1
    return np.rint(array * np.float32(255 if unit else 1)).astype(np.uint8)


# Folders of pictures -------------------------------------------------------------------------------


def _folder_splits(storage: Storage, names: list[str], representation: Pictures) -> dict[str, RawSplit]:
    """Sub-folders are splits, classes, or classes within splits."""
    pictures, problems = _read_pictures(storage, names, representation)
    if not pictures:
        raise DataError(problems[0])
    places = {name: _split_and_class(f) for name, f in zip(pictures, _folders(list(pictures)), strict=True)}
    labelled = all(label for _, label in places.values())
    notes = _summary(Counter(note for _, report in pictures.values() for note in report), problems)
    parts = {}
    for split in sorted({split for split, _ in places.values()}):
        own = sorted(name for name in pictures if places[name][0] == split)
        labels = _class_names([places[name][1] for name in own]) if labelled else None
        parts[split] = RawSplit(np.stack([pictures[name][0] for name in own]), labels, notes)
    return parts


def _read_pictures(storage: Storage, names: list[str], representation: Pictures) -> tuple[dict, list[str]]:
    """By name, each picture (uint8) and how it was changed; and why others could not be read."""
    pictures, problems = {}, []
    for name, data in storage.read(names):
        try:
            array, report = representation.read(data)
        except DataError as error:
            problems.append(str(error).replace("<bytes>", name))
        else:
            pictures[name] = np.rint(array * 255).astype(np.uint8), report
    return pictures, problems


def _folders(names: list[str]) -> list[tuple[str, ...]]:
    """The folders of each file, without those that all share."""
    folders = [Path(name).parts[:-1] for name in names]
    shared = 0
    while all(len(f) > shared for f in folders) and len({f[shared] for f in folders}) == 1:
        shared += 1
    return [f[shared:] for f in folders]


def _split_and_class(folders: tuple[str, ...]) -> tuple[str, str]:
    """The split and the class that sub-folders stand for."""
    split = SPLITS.get(folders[0].lower()) if folders else None
    rest = folders[1:] if split else folders
    return split or "train", rest[0] if rest else ""


def _class_names(names: list[str]) -> np.ndarray:
    """The names of classes, as numbers if they all are: so that 10 comes after 9."""
    return np.array([int(n) for n in names] if all(n.isdecimal() for n in names) else names)


def _summary(changes: Counter, problems: list[str]) -> tuple[str, ...]:
    """How the pictures were changed in reading, each change with its count, and how many files were skipped."""
    notes = tuple(f"{number:,} {change}" for change, number in changes.most_common(5))
    skipped = f"{len(problems):,} files skipped, the first because {problems[0]}" if problems else None
    return (*notes, skipped) if skipped else notes


# Every form ----------------------------------------------------------------------------------------


def _split_of(name: str) -> str | None:
    """The split that the name of a file or an array states in one of its words."""
    words = re.split(r"[^a-z0-9]+", Path(name).name.lower())
    return next((SPLITS[word] for word in words if word in SPLITS), None)


def resized(levels: np.ndarray, name: str, representation: Pictures) -> tuple[np.ndarray, tuple[str, ...]]:
    """Levels in the size and the colours of a representation.

    Args:
        levels: uint8 `[n, height, width]`, or with channels in the last or the second place.
        name: of their source, for errors.
        representation: size and colours.

    Returns:
        uint8 `[n, channels, height, width]`, and how the pictures were changed, in sentences.

    Raises:
        DataError: these are no pictures.
    """
    if levels.ndim not in (3, 4) or not levels.size:
        raise DataError(f"{name}: an array of shape {levels.shape} is no set of pictures")
    channels_first = (
        levels[:, None] if levels.ndim == 3 else np.moveaxis(levels, -1, 1) if levels.shape[-1] in (1, 3) else levels
    )
    if channels_first.shape[1:] == representation.shape:
        return np.ascontiguousarray(channels_first), ()
    pictures = [representation.read(picture) for picture in channels_first]
    return np.rint(np.stack([one.array for one in pictures]) * 255).astype(np.uint8), pictures[0].report


def _matching(labels: np.ndarray | None, levels: np.ndarray, name: str) -> np.ndarray | None:
    """The labels, one for each picture.

    Raises:
        DataError: there are more or fewer.
    """
    if labels is not None and labels.size != len(levels):
        raise DataError(f"{name}: {labels.size:,} labels for {len(levels):,} pictures")
    return None if labels is None else labels.ravel()
