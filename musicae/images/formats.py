"""The forms of files in which sets of pictures come: IDX (MNIST and kin), CIFAR-10's records, NumPy archives, folders
of pictures."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musicae.errors import DataError
from musicae.images.arrays import read_idx, read_npz
from musicae.images.pictures import Pictures
from musicae.images.storage import Storage

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "t10k"), "test"),
}
CIFAR = re.compile(r"(data|test)_batch(_\d+)?\.bin$")
CIFAR_SHAPE = (3, 32, 32)
MOST_LEVELS = 2**31  # bytes of all pictures of a set, once they have the size of the model's
IDX_IMAGES = re.compile(r"images[-.]idx[34]-ubyte(\.gz)?$")
PICTURE_FILES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pbm")
SHOWN = 3  # reasons why files were skipped, in a report
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


class RawSet(NamedTuple):
    """A source as it was read.

    Args:
        parts: its splits by name.
        ordered: whether published results rely on the order of its pictures (true of IDX files).
        skipped: the name and the reason of every file that could not be read.
    """

    parts: dict[str, RawSplit]
    ordered: bool = False
    skipped: tuple[tuple[str, str], ...] = ()


def read_splits(path: Path, representation: Pictures) -> RawSet:
    """The pictures of a source.

    Raises:
        DataError: there are none, or they are damaged.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; expected: {EXPECTED}")
    if path.is_file() and IDX_IMAGES.search(path.name):
        return RawSet(_idx_splits(Storage(path.parent), [path.name], representation), ordered=True)
    storage = Storage(path)
    images = [n for n in storage.names if IDX_IMAGES.search(n)] or _lone_idx(storage)
    if images:
        return RawSet(_idx_splits(storage, images, representation), ordered=True)
    records = [n for n in storage.names if CIFAR.search(n)]
    if records:
        return RawSet(_cifar_splits(storage, records, representation))
    arrays = [n for n in storage.names if n.lower().endswith(".npz")]
    if len(arrays) == 1:
        return RawSet(_numpy_splits(storage, arrays[0], representation))
    pictures = [n for n in storage.names if n.lower().endswith(PICTURE_FILES)]
    if len(pictures) < 2:
        found = f"{len(storage.names):,} files" + (f", the first {storage.names[0]}" if storage.names else "")
        raise DataError(f"{path}: no set of pictures ({found}); expected: {EXPECTED}")
    parts = _folder_splits(storage, pictures, representation)
    return RawSet(parts, skipped=tuple(storage.skipped))


# IDX -----------------------------------------------------------------------------------------------


def _lone_idx(storage: Storage) -> list[str]:
    """A file that is alone may be IDX under any name."""
    name = storage.path.name if storage.path.is_file() else "".join(storage.names[:1])
    return storage.names if len(storage.names) == 1 and name.endswith(("ubyte", ".idx", ".gz")) else []


def _idx_splits(storage: Storage, images: list[str], representation: Pictures) -> dict[str, RawSplit]:
    """Labels are in files of the same names, with `labels` in place of `images`."""
    labels = {name: re.sub("images([-.])idx[34]", r"labels\1idx1", name) for name in images}
    splits = {_split_of(name) or "train": name for name in images}
    if len(splits) < len(images):
        raise DataError(f"{storage.path}: more than one set of images of a split; give the folder of one")
    files, left = storage.hold([*images, *labels.values()]), storage.most_held
    arrays: dict[str, np.ndarray] = {}
    while files:
        name, data = files.popitem()
        arrays[name] = read_idx(data, name, left)
        left -= arrays[name].nbytes
    parts = {}
    for split, name in splits.items():
        levels, notes = resized(arrays.pop(name), name, representation)
        classes = arrays.get(labels[name]) if labels[name] != name else None
        parts[split] = RawSplit(levels, _matching(classes, levels, labels[name]), notes)
    return parts


# CIFAR-10 ------------------------------------------------------------------------------------------


def _cifar_splits(storage: Storage, names: list[str], representation: Pictures) -> dict[str, RawSplit]:
    """Records of one label and 1,024 levels each of red, green and blue; `batches.meta.txt` names the classes."""
    meta = "batches.meta.txt"
    files = storage.hold([*names, *(n for n in storage.names if Path(n).name == meta)])
    known_as = [data.decode("utf-8", "replace").split() for n, data in files.items() if Path(n).name == meta]
    classes = np.array(known_as[0]) if known_as else None
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
    arrays = read_npz(storage.hold([name])[name], name, storage.most_held)
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
    pictures = _read_pictures(storage, names, representation)
    if not pictures:
        raise DataError(f"{storage.path}: none of {len(names):,} pictures can be read; {_skipped(storage)}")
    places = {name: _split_and_class(f) for name, f in zip(pictures, _folders(list(pictures)), strict=True)}
    labelled = all(label for _, label in places.values())
    notes = _summary(Counter(note for _, report in pictures.values() for note in report), storage)
    parts = {}
    for split in sorted({split for split, _ in places.values()}):
        own = sorted(name for name in pictures if places[name][0] == split)
        labels = _class_names([places[name][1] for name in own]) if labelled else None
        parts[split] = RawSplit(np.stack([pictures[name][0] for name in own]), labels, notes)
    return parts


def _read_pictures(storage: Storage, names: list[str], representation: Pictures) -> dict:
    """By name, each picture (uint8) and how it was changed; the storage keeps why others could not be read."""
    _check_size(len(names), representation, str(storage.path))
    pictures = {}
    for name, data in storage.read(names):
        try:
            array, report = representation.read(data)
        except DataError as error:
            storage.skipped.append((name, str(error).removeprefix("<bytes>: ")))
        else:
            pictures[name] = np.rint(array * 255).astype(np.uint8), report
    return pictures


def _check_size(number: int, representation: Pictures, name: str) -> None:
    """Refuses more pictures than fit into memory.

    Raises:
        DataError: they do not.
    """
    size = number * math.prod(representation.shape)
    if size > MOST_LEVELS:
        raise DataError(f"{name}: {number:,} pictures would take {size >> 20:,} MB of memory; give fewer")


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


def _summary(changes: Counter, storage: Storage) -> tuple[str, ...]:
    """How the pictures were changed in reading, each change with its count, and how many files were skipped."""
    notes = tuple(f"{number:,} {change}" for change, number in changes.most_common(5))
    return (*notes, f"{len(storage.skipped):,} files skipped, {_skipped(storage)}") if storage.skipped else notes


def _skipped(storage: Storage) -> str:
    """The first reasons why files were skipped, with a file for each."""
    by_reason = {why: name for name, why in reversed(storage.skipped)}
    first = [f"{name}: {why}" for why, name in reversed(by_reason.items())]
    return f"the first because {'; '.join(first[:SHOWN])}"


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
    _check_size(len(levels), representation, name)
    fitted = np.empty((len(levels), *representation.shape), np.uint8)
    for i, picture in enumerate(channels_first):
        array, report = representation.read(picture)
        fitted[i] = np.rint(array * 255)
    return fitted, report


def _matching(labels: np.ndarray | None, levels: np.ndarray, name: str) -> np.ndarray | None:
    """The labels, one for each picture.

    Raises:
        DataError: there are more or fewer, or they are none.
    """
    if labels is not None and labels.dtype.kind not in "biufSU":
        raise DataError(f"{name}: labels are numbers or words, not {labels.dtype}")
    if labels is not None and labels.size != len(levels):
        raise DataError(f"{name}: {labels.size:,} labels for {len(levels):,} pictures")
    return None if labels is None else labels.ravel()
