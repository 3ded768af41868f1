"""Sets of pictures: IDX files (MNIST and kin), CIFAR-10's records, NumPy archives, folders of pictures, and a few
sets that need no file: digits, photographs, noise."""

from __future__ import annotations

import gzip
import io
import math
import re
import struct
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from musicae.core.data import Batch
from musicae.errors import DataError
from musicae.images.pictures import Pictures
from musicae.images.storage import Storage, unbroken

if TYPE_CHECKING:
    import torch

    from musicae.core.randomness import RandomSource

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "t10k"), "test"),
}
CIFAR = re.compile(r"(data|test)_batch(_\d+)?\.bin$")
CIFAR_SHAPE = (3, 32, 32)
CROPS = {"train": 8000, "validation": 1000, "test": 1000}  # of the sample photographs
BANDS = ("train", "validation", "train", "test", "train")  # of each photograph, from left to right
NOISE = 1000  # pictures of it
IDX_IMAGES = re.compile(r"images[-.]idx[34]-ubyte(\.gz)?$")
PICTURE_FILES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pbm")
MOST_HELD_OUT = 5000  # pictures that a source without a split of its own gives to validation, and to test
EXPECTED = (
    "--data FOLDER with MNIST's train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, "
    "t10k-labels-idx1-ubyte.gz (https://github.com/cvdfoundation/mnist has them; torchvision leaves them in MNIST/raw),"
    " or an archive of these, an .npz, a folder of pictures; or digits, which need no file"
)


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Pictures in memory, as training and evaluation read them (`musicae.core.data.Examples`).

    Args:
        levels: uint8 `[n, channels, height, width]`.
        labels: the class of each as an index, int64 `[n]`, or None.
        full: the level of a value of 1.
        binary: whether values are drawn, 1 with the probability that the level states: anew for every batch of
            training, once for all otherwise.
        told: the number of classes, if the model is told the label of each picture; else 0.
    """

    levels: np.ndarray
    labels: np.ndarray | None = None
    full: int = 255
    binary: bool = False
    told: int = 0

    def __len__(self) -> int:
        return len(self.levels)

    def batch(self, indices: np.ndarray, random: RandomSource | None = None) -> Batch:
        """The pictures at `indices`, float32 `[batch, channels, height, width]` in 0..1, and what the model is told."""
        import torch

        x = torch.from_numpy(self.levels[indices]).float() / self.full
        if self.binary:
            drawn = torch.from_numpy(self._drawn[indices]) if random is None else random.uniform(*x.shape) < x
            x = drawn.float()
        labels = None if self.labels is None else torch.from_numpy(self.labels[indices])
        return Batch(x, one_hot(self.labels[indices], self.told) if self.told else None, labels)

    @cached_property
    def _drawn(self) -> np.ndarray:
        """One draw of every value, the same for the same set."""
        return np.random.default_rng(0).integers(0, self.full, self.levels.shape, np.uint8) < self.levels

    def subset(self, indices: np.ndarray) -> PictureSet:
        """The pictures at `indices`, with their labels."""
        labels = None if self.labels is None else self.labels[indices]
        return replace(self, levels=self.levels[indices], labels=labels)


def one_hot(labels: np.ndarray, classes: int) -> torch.Tensor:
    """Labels `[n]` as indicators, float32 `[n, classes]`."""
    import torch

    return torch.from_numpy(np.eye(classes, dtype=np.float32)[labels])


@dataclass(frozen=True, eq=False)
class PictureSplits:
    """A source of pictures in three parts.

    Args:
        train: to learn from.
        validation: to choose the best weights by.
        test: to report figures on.
        source: where they are from.
        classes: the names of the classes, in the order of the labels.
        notes: what was done on the way, in sentences.
    """

    train: PictureSet
    validation: PictureSet
    test: PictureSet
    source: str
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def with_labels_told(self, classes: int) -> PictureSplits:
        """The same for a model that is told the label of each picture.

        Raises:
            DataError: there are no labels, or more classes than the model knows.
        """
        if not 0 < len(self.classes) <= classes:
            found = f"{len(self.classes)} classes" if self.classes else "no labels"
            raise DataError(
                f"{self.source}: the model is told one of {classes} classes, but these pictures have {found}"
            )
        parts = {part: replace(getattr(self, part), told=classes) for part in ("train", "validation", "test")}
        return replace(self, **parts)

    def report(self) -> str:
        """One paragraph: how many pictures, of how many classes, and what was done to them."""
        parts = ", ".join(f"{len(getattr(self, s)):,} {s}" for s in ("train", "validation", "test"))
        labels = f"{len(self.classes)} classes" if self.classes else "no labels"
        notes = (note[:1].upper() + note[1:] for note in self.notes)
        return ". ".join([f"Pictures from {self.source}: {parts}; {labels}", *notes]) + "."


@dataclass(frozen=True, eq=False)
class _Part:
    """What was found of one split: uint8 `[n, channels, height, width]`, labels of any kind, sentences."""

    levels: np.ndarray
    labels: np.ndarray | None
    notes: tuple[str, ...] = ()


def open_pictures(
    source: str | Path | None,
    representation: Pictures,
    *,
    seed: int = 0,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
) -> PictureSplits:
    """The pictures of a source, at the size of `representation`, in three parts.

    A split that the source has is kept (IDX files and arrays with `train`, `validation`, `test` or `t10k` in
    their names, sub-folders of such names); what it lacks is drawn at random from its training part, at most
    5,000 pictures each; of IDX files validation is the end of the training file. Sub-folders are classes.

    Args:
        source: "digits" (scikit-learn's 1,797 of 8 by 8 pixels), "photos" (crops of its two sample photographs),
            "noise" (uniform, all test); a folder or a tar or zip archive of IDX files (`.gz` too), of CIFAR-10's
            `.bin` files, of one `.npz`, or of pictures; or one IDX or `.npz` file. A folder that is called
            like one of the words is `./digits`.
        representation: size and colours; others are cropped and resized.
        seed: another one splits differently.
        fractions: of a source without splits that become training, validation and test; (0, 0, 1) makes all
            of it test.

    Raises:
        DataError: there is nothing of the kind, or it is damaged.
    """
    if source is None:
        raise DataError(f"no pictures given: {EXPECTED}")
    if str(source) in WITHOUT_FILES:
        return WITHOUT_FILES[str(source)](representation, seed, fractions)
    parts, ordered = _found(Path(source), representation)
    notes = tuple(dict.fromkeys(note for part in parts.values() for note in part.notes))
    sets, classes = _labelled(parts)
    splits = _complete(sets, seed, fractions, ordered, representation.binary)
    return PictureSplits(**splits, source=str(source), classes=classes, notes=notes)


def read_idx(data: bytes, name: str) -> np.ndarray:
    """The array in an IDX file of bytes, gzipped or not: uint8 of any shape.

    Raises:
        DataError: it is truncated, or no such file.
    """
    with unbroken(name), gzip.open(io.BytesIO(data)) if data[:2] == b"\x1f\x8b" else io.BytesIO(data) as file:
        header = file.read(4)
        if len(header) < 4 or header[:3] != b"\0\0\x08" or not 1 <= header[3] <= 4:
            raise DataError(f"{name}: not an IDX file of bytes (it begins with {header.hex(' ') or 'nothing'})")
        shape = struct.unpack(f">{header[3]}I", file.read(4 * header[3]).ljust(4 * header[3], b"\xff"))
        content = file.read(min(math.prod(shape), 1 << 40))
    if len(content) < math.prod(shape):
        raise DataError(f"{name}: truncated: {len(content):,} of {math.prod(shape):,} bytes; get it again")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _found(path: Path, representation: Pictures) -> tuple[dict[str, _Part], bool]:
    """The parts of a source by split, and whether their order is one that others rely on."""
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; expected: {EXPECTED}")
    if path.is_file() and IDX_IMAGES.search(path.name):
        return _idx_parts(Storage(path.parent), [path.name], representation), True
    storage = Storage(path)
    images = [n for n in storage.names if IDX_IMAGES.search(n)] or _lone_idx(storage)
    if images:
        return _idx_parts(storage, images, representation), True
    records = [n for n in storage.names if CIFAR.search(n)]
    if records:
        return _record_parts(storage, records, representation), False
    arrays = [n for n in storage.names if n.lower().endswith(".npz")]
    if len(arrays) == 1:
        return _array_parts(storage, arrays[0], representation), False
    pictures = [n for n in storage.names if n.lower().endswith(PICTURE_FILES)]
    if len(pictures) < 2:
        found = f"{len(storage.names):,} files" + (f", the first {storage.names[0]}" if storage.names else "")
        raise DataError(f"{path}: no set of pictures ({found}); expected: {EXPECTED}")
    return _picture_parts(storage, pictures, representation), False


# IDX -----------------------------------------------------------------------------------------------


def _lone_idx(storage: Storage) -> list[str]:
    """A single file of any name may be IDX."""
    if len(storage.names) != 1 or not storage.names[0].endswith(("ubyte", ".idx", ".gz")):
        return []
    return storage.names


def _idx_parts(storage: Storage, images: list[str], representation: Pictures) -> dict[str, _Part]:
    labels = {name: re.sub("images([-.])idx[34]", r"labels\1idx1", name) for name in images}
    arrays = {name: read_idx(data, name) for name, data in storage.read([*images, *labels.values()])}
    parts = {}
    for name in images:
        levels, notes = _fitted(arrays[name], name, representation)
        classes = arrays.get(labels[name]) if labels[name] != name else None
        split = _split_of(name) or "train"
        if split in parts:
            raise DataError(f"{storage.path}: more than one {split} set of images; give the folder of one")
        parts[split] = _Part(levels, _matching(classes, levels, labels[name]), notes)
    return parts


# CIFAR-10 ------------------------------------------------------------------------------------------


def _record_parts(storage: Storage, names: list[str], representation: Pictures) -> dict[str, _Part]:
    """Records of a label and 1,024 levels each of red, green and blue; `batches.meta.txt` names the classes."""
    meta = "batches.meta.txt"
    files = dict(storage.read([*names, *(n for n in storage.names if Path(n).name == meta)]))
    classes = next((np.array(data.decode().split()) for n, data in files.items() if Path(n).name == meta), None)
    records = {name: _records(files[name], name) for name in names}
    parts = {}
    for split in ("train", "test"):
        own = [records[name] for name in names if (_split_of(name.replace("_", " ")) or "train") == split]
        if own:
            labels, levels = np.split(np.concatenate(own), [1], axis=1)
            fitted, notes = _fitted(levels.reshape(-1, *CIFAR_SHAPE), str(storage.path), representation)
            known = classes is not None and labels.max() < len(classes)
            parts[split] = _Part(fitted, classes[labels.ravel()] if known else labels.ravel(), notes)
    return parts


def _records(data: bytes, name: str) -> np.ndarray:
    """The records in a file, uint8 `[n, 3073]`.

    Raises:
        DataError: it does not hold whole ones.
    """
    length = 1 + math.prod(CIFAR_SHAPE)
    if not data or len(data) % length:
        raise DataError(f"{name}: truncated: {len(data):,} bytes are no whole records of {length:,}; get it again")
    return np.frombuffer(data, np.uint8).reshape(-1, length)


# NumPy ---------------------------------------------------------------------------------------------


def _array_parts(storage: Storage, name: str, representation: Pictures) -> dict[str, _Part]:
    """Arrays of three or four dimensions are pictures, smaller ones labels; their names say which split."""
    arrays = _read_arrays(next(storage.read([name]))[1], name)
    pictures = {_split_of(key) or "train": key for key in arrays if arrays[key].ndim in (3, 4)}
    labels = {_split_of(key) or "train": key for key in arrays if arrays[key].ndim in (1, 2)}
    if not pictures or len(pictures) < sum(array.ndim in (3, 4) for array in arrays.values()):
        shapes = ", ".join(f"{key} {array.shape}" for key, array in arrays.items())
        raise DataError(f"{name}: expected images and labels, or x_train, y_train, x_test, y_test; found {shapes}")
    parts = {}
    for split, key in pictures.items():
        levels, notes = _fitted(_as_levels(arrays[key], f"{name}: {key}"), f"{name}: {key}", representation)
        parts[split] = _Part(levels, _matching(arrays.get(labels.get(split)), levels, name), notes)
    return parts


def _read_arrays(data: bytes, name: str) -> dict[str, np.ndarray]:
    with unbroken(name), np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def _as_levels(array: np.ndarray, name: str) -> np.ndarray:
    """Values in 0..1 or 0..255 as uint8.

    Raises:
        DataError: they are in neither range.
    """
    if array.dtype == np.uint8:
        return array
    numeric = array.dtype.kind in "buif" and array.size
    if not numeric or not (array.min() >= 0 and array.max() <= 255):
        raise DataError(f"{name}: expected pictures in 0..1 or 0..255, found {array.dtype} beyond that")
    unit = array.dtype.kind in "bf" and array.max() <= 1
    return np.rint(array * np.float32(255 if unit else 1)).astype(np.uint8)


# Folders of pictures -------------------------------------------------------------------------------


def _picture_parts(storage: Storage, names: list[str], representation: Pictures) -> dict[str, _Part]:
    seen, problems = _read_pictures(storage, names, representation)
    if not seen:
        raise DataError(problems[0])
    places = {name: _place(folders) for name, folders in zip(seen, _folders(list(seen)), strict=True)}
    named = all(label for _, label in places.values())
    notes = _summary(Counter(note for _, report in seen.values() for note in report), problems)
    parts = {}
    for split in sorted({split for split, _ in places.values()}):
        mine = sorted(name for name in seen if places[name][0] == split)
        labels = _class_names([places[name][1] for name in mine]) if named else None
        parts[split] = _Part(np.stack([seen[name][0] for name in mine]), labels, notes)
    return parts


def _read_pictures(storage: Storage, names: list[str], representation: Pictures) -> tuple[dict, list[str]]:
    """By name, each picture (uint8) with what was done to it; and why others could not be read."""
    seen, problems = {}, []
    for name, data in storage.read(names):
        try:
            array, report = representation.read(data)
        except DataError as error:
            problems.append(str(error).replace("<bytes>", name))
        else:
            seen[name] = np.rint(array * 255).astype(np.uint8), report
    return seen, problems


def _folders(names: list[str]) -> list[tuple[str, ...]]:
    """The folders of each file, without those that all share."""
    folders = [Path(name).parts[:-1] for name in names]
    shared = 0
    while all(len(f) > shared for f in folders) and len({f[shared] for f in folders}) == 1:
        shared += 1
    return [f[shared:] for f in folders]


def _place(folders: tuple[str, ...]) -> tuple[str, str]:
    """The split and the class that sub-folders stand for."""
    split = SPLITS.get(folders[0].lower()) if folders else None
    rest = folders[1:] if split else folders
    return split or "train", rest[0] if rest else ""


def _class_names(names: list[str]) -> np.ndarray:
    """Names that are numbers are put in the order of the numbers."""
    return np.array([int(n) for n in names] if all(n.isdecimal() for n in names) else names)


def _summary(done: Counter, problems: list[str]) -> tuple[str, ...]:
    notes = tuple(f"{number:,} {what}" for what, number in done.most_common(5))
    skipped = f"{len(problems):,} files skipped, the first because {problems[0]}" if problems else None
    return (*notes, skipped) if skipped else notes


# Without files ------------------------------------------------------------------------------------------


def _digits(representation: Pictures, seed: int, fractions: tuple[float, float, float]) -> PictureSplits:
    from sklearn.datasets import load_digits

    digits = load_digits()
    levels = digits.images.astype(np.uint8)[:, None]  # 0..16
    full, notes = 16, ()
    if levels.shape[1:] != representation.shape:
        full, (levels, notes) = (
            255,
            _fitted(_as_levels(digits.images / 16, "digits"), "digits", representation),
        )
    sets = {"train": PictureSet(levels, digits.target.astype(np.int64), full)}
    classes = tuple(str(name) for name in digits.target_names)
    splits = _complete(sets, seed, fractions, binary=representation.binary)
    return PictureSplits(**splits, source="scikit-learn's digits", classes=classes, notes=notes)


def _photos(representation: Pictures, seed: int, fractions: tuple[float, float, float]) -> PictureSplits:
    """Crops at random places of scikit-learn's two sample photographs; no part shares a pixel with another."""
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images()
    read = Pictures(*photographs.images[0].shape[:2], representation.channels).read
    levels = [np.rint(read(photograph).array * 255).astype(np.uint8) for photograph in photographs.images]
    random = np.random.default_rng(seed)
    sets = {split: _crops(levels, split, number, representation, random) for split, number in CROPS.items()}
    classes = tuple(Path(name).stem for name in photographs.filenames)
    source = "scikit-learn's sample photographs"
    return PictureSplits(**sets, source=source, classes=classes, notes=("crops at random places",))


def _crops(
    levels: list[np.ndarray], split: str, number: int, representation: Pictures, random: np.random.Generator
) -> PictureSet:
    """Crops from the bands of photographs that belong to a part; their labels say which photograph."""
    height, (_, tall, wide) = representation.height, levels[0].shape
    band, width = wide // len(BANDS), representation.width
    if height > tall or width > band:
        raise DataError(f"the photographs are too small for pictures of {width} by {height}: at most {band} by {tall}")
    lefts = [i * band for i, part in enumerate(BANDS) if part == split]
    labels = random.integers(0, len(levels), number)
    places = np.stack([random.choice(lefts, number) + random.integers(0, band - width + 1, number),
                       random.integers(0, tall - height + 1, number)], 1)  # fmt: skip
    crops = [levels[i][:, y : y + height, x : x + width] for i, (x, y) in zip(labels, places, strict=True)]
    return PictureSet(np.stack(crops), labels, binary=representation.binary)


def _noise(representation: Pictures, seed: int, fractions: tuple[float, float, float]) -> PictureSplits:
    """Every value uniform and on its own: what no model of pictures has seen."""
    levels = np.random.default_rng(seed).integers(0, 256, (NOISE, *representation.shape), np.uint8)
    splits = _complete({"train": PictureSet(levels)}, seed, (0, 0, 1), binary=representation.binary)
    return PictureSplits(**splits, source="noise")


WITHOUT_FILES = {"digits": _digits, "photos": _photos, "noise": _noise}


# All of them ---------------------------------------------------------------------------------------


def _split_of(name: str) -> str | None:
    """The split that a word in the name of a file or an array stands for."""
    words = re.split(r"[^a-z0-9]+", Path(name).name.lower())
    return next((SPLITS[word] for word in words if word in SPLITS), None)


def _fitted(levels: np.ndarray, name: str, representation: Pictures) -> tuple[np.ndarray, tuple[str, ...]]:
    """Levels `[n, height, width]`, or with channels last or first, at the right size; and what was done."""
    if levels.ndim not in (3, 4) or not levels.size:
        raise DataError(f"{name}: an array of shape {levels.shape} is no set of pictures")
    first = (
        levels[:, None] if levels.ndim == 3 else np.moveaxis(levels, -1, 1) if levels.shape[-1] in (1, 3) else levels
    )
    if first.shape[1:] == representation.shape:
        return np.ascontiguousarray(first), ()
    seen = [representation.read(picture) for picture in first]
    return np.rint(np.stack([s.array for s in seen]) * 255).astype(np.uint8), seen[0].report


def _matching(labels: np.ndarray | None, levels: np.ndarray, name: str) -> np.ndarray | None:
    if labels is not None and labels.size != len(levels):
        raise DataError(f"{name}: {labels.size:,} labels for {len(levels):,} pictures")
    return None if labels is None else labels.ravel()


def _labelled(parts: dict[str, _Part]) -> tuple[dict[str, PictureSet], tuple[str, ...]]:
    """Sets whose labels are indices into the names of the classes; no labels at all if a part has none."""
    if any(part.labels is None for part in parts.values()):
        return {split: PictureSet(part.levels) for split, part in parts.items()}, ()
    names = np.unique(np.concatenate([part.labels for part in parts.values()]))
    sets = {s: PictureSet(part.levels, np.searchsorted(names, part.labels)) for s, part in parts.items()}
    return sets, tuple(str(name) for name in names)


def _complete(
    sets: dict[str, PictureSet],
    seed: int,
    fractions: tuple[float, float, float],
    ordered: bool = False,
    binary: bool = False,
) -> dict[str, PictureSet]:
    """Draw the splits that are missing from the one that is there."""
    sets = {split: replace(part, binary=binary) for split, part in sets.items()}
    whole = sets.get("train") or (next(iter(sets.values())) if len(sets) == 1 else None)
    if whole is None:
        raise DataError("pictures to validate and to test, but none to train on: add some, in a folder named train")
    given = {split: part for split, part in sets.items() if part is not whole}
    order = np.arange(len(whole))
    if not (ordered and "test" in given):
        order = np.random.default_rng(seed).permutation(order)
    for split, fraction in (("test", fractions[2]), ("validation", fractions[1])):
        if split not in given:
            kept = len(order) - _held_out(len(whole), fraction)
            order, taken = np.split(order, [max(kept, 0)])
            given[split] = whole.subset(taken)
    return {"train": whole.subset(order), **given}


def _held_out(pictures: int, fraction: float) -> int:
    if fraction in (0, 1):
        return int(pictures * fraction)
    return min(MOST_HELD_OUT, max(1, round(pictures * fraction)))
