"""Opening a set of pictures: from files of any form, or by the name of a set that needs no file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from musicae.errors import DataError
from musicae.images.builtin import WITHOUT_FILES
from musicae.images.formats import EXPECTED, RawSplit, read_splits
from musicae.images.picture_set import PictureSet, PictureSplits, complete_splits
from musicae.images.pictures import Pictures


def open_pictures(
    source: str | Path | None,
    representation: Pictures,
    *,
    seed: int = 0,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
) -> PictureSplits:
    """The pictures of a source, at the size of `representation`, in three parts.

    A split that the source has is kept (IDX files and arrays with `train`, `validation`, `test` or `t10k` in
    their names, sub-folders of such names). Those that it lacks are drawn at random from its training part, at most
    5,000 pictures each; of IDX files validation is the end of the training file. Other sub-folders are classes.

    Args:
        source: "digits" (scikit-learn's 1,797 of 8 by 8 pixels), "photos" (crops of its two sample photographs),
            "noise" (uniform, all test); a folder or a tar or zip archive of IDX files (`.gz` too), of CIFAR-10's
            `.bin` files, of one `.npz`, or of pictures; or one IDX or `.npz` file. A folder that has one of these
            names is given as `./digits`.
        representation: size and colours; other pictures are cropped and resized.
        seed: of the random splits.
        fractions: of a source without splits that become training, validation and test; (0, 0, 1) makes all
            of it test.

    Raises:
        DataError: there is nothing of the kind, or it is damaged.
    """
    if source is None:
        raise DataError(f"no pictures given: {EXPECTED}")
    if str(source) in WITHOUT_FILES:
        return WITHOUT_FILES[str(source)](representation, seed, fractions)
    parts, ordered, skipped = read_splits(Path(source), representation)
    notes = tuple(dict.fromkeys(note for part in parts.values() for note in part.notes))
    sets, classes = _with_class_indices(parts)
    splits = complete_splits(sets, seed, fractions, ordered, representation.binary)
    return PictureSplits(**splits, source=str(source), classes=classes, notes=notes, skipped=skipped)


def _with_class_indices(parts: dict[str, RawSplit]) -> tuple[dict[str, PictureSet], tuple[str, ...]]:
    """Sets with labels as indices of classes, and the names of these; without any labels if one part has none."""
    if any(part.labels is None for part in parts.values()):
        return {split: PictureSet(part.levels) for split, part in parts.items()}, ()
    names = np.unique(np.concatenate([part.labels for part in parts.values()]))
    sets = {s: PictureSet(part.levels, np.searchsorted(names, part.labels)) for s, part in parts.items()}
    return sets, tuple(str(name) for name in names)
