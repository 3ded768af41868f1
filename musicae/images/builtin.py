"""Sets of pictures that need no file: digits, crops of photographs, noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from musicae.errors import DataError
from musicae.images.formats import as_levels, resized
from musicae.images.picture_set import PictureSet, PictureSplits, complete_splits
from musicae.images.pictures import Pictures

CROPS = {"train": 8000, "validation": 1000, "test": 1000}  # of the sample photographs
BANDS = ("train", "validation", "train", "test", "train")  # of each photograph, from left to right
NOISE = 1000  # pictures of it


def _digits(representation: Pictures, seed: int, fractions: tuple[float, float, float]) -> PictureSplits:
    """The 1,797 handwritten digits of scikit-learn, with 17 levels of grey."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    levels = digits.images.astype(np.uint8)[:, None]  # 0..16
    full, notes = 16, ()
    if levels.shape[1:] != representation.shape:
        full = 255
        levels, notes = resized(as_levels(digits.images / 16, "digits"), "digits", representation)
    sets = {"train": PictureSet(levels, digits.target.astype(np.int64), full)}
    classes = tuple(str(name) for name in digits.target_names)
    splits = complete_splits(sets, seed, fractions, binary=representation.binary)
    return PictureSplits(**splits, source="scikit-learn's digits", classes=classes, notes=notes)


def _photos(representation: Pictures, seed: int, fractions: tuple[float, float, float]) -> PictureSplits:
    """Crops at random places of scikit-learn's two sample photographs; no split shares a pixel with another."""
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
    """Crops from the bands of photographs that belong to a split; their labels are the numbers of the photographs."""
    width, height = representation.width, representation.height
    band, tall = levels[0].shape[2] // len(BANDS), levels[0].shape[1]
    if height > tall or width > band:
        raise DataError(f"the photographs are too small for pictures of {width} by {height}: at most {band} by {tall}")
    lefts = [i * band for i, part in enumerate(BANDS) if part == split]
    labels = random.integers(0, len(levels), number)
    places = np.stack([random.choice(lefts, number) + random.integers(0, band - width + 1, number),
                       random.integers(0, tall - height + 1, number)], 1)  # fmt: skip
    crops = [levels[i][:, y : y + height, x : x + width] for i, (x, y) in zip(labels, places, strict=True)]
    return PictureSet(np.stack(crops), labels, binary=representation.binary)


def _noise(representation: Pictures, seed: int, fractions: tuple[float, float, float]) -> PictureSplits:
    """Every value uniform and independent of all others: unlike anything that a model was trained on."""
    levels = np.random.default_rng(seed).integers(0, 256, (NOISE, *representation.shape), np.uint8)
    splits = complete_splits({"train": PictureSet(levels)}, seed, (0, 0, 1), binary=representation.binary)
    return PictureSplits(**splits, source="noise")


WITHOUT_FILES = {"digits": _digits, "photos": _photos, "noise": _noise}
