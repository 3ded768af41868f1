"""What a corpus says of itself, and whether its arrays are so: both may be damaged, or come from somebody else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite, prod
from pathlib import Path
from typing import Any

import numpy as np

from musicae.core.example_spec import ExampleSpec
from musicae.errors import DataError, in_one_line
from musicae.files import read_file
from musicae.music.data.sources import SPLITS
from musicae.music.representations import Representation

MOST_BYTES = 256 * 2**20  # of an index: a million songs
AT_A_TIME = 2**22  # bytes of windows that are checked at once


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_of_splits(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == set(SPLITS) and all(map(_is_count, value.values()))


# Of each field, whether a list, a dictionary or neither, and what is in it.
FIELDS = {"duplicates": _is_count, "windows": _is_of_splits, "songs_per_split": _is_of_splits}
LISTS, DICTIONARIES = {"songs": _is_text, "sources": _is_text}, {"skipped": _is_count}
LATER_FIELDS = {"songs_with_split": _is_count, "songs_retimed": _is_count}  # which corpora of earlier versions lack
LATER_LISTS = {"quarters_per_minute": _is_number, "first_skipped": _is_text}
LATER_DICTIONARIES = {"checksums": _is_text}


def read_index(path: Path) -> dict:
    """The content of `index.json`, each field of which has the type that it should.

    Raises:
        FileError: it cannot be read, or is too large.
        DataError: it is damaged.
    """
    try:
        index = json.loads(read_file(path, MOST_BYTES).decode(), parse_constant=_refuse)
    except (ValueError, RecursionError, MemoryError) as error:
        raise DataError(f"{path.name} is damaged: {in_one_line(error)}") from None
    if not isinstance(index, dict):
        raise DataError(f"{path.name} is damaged: it holds a {type(index).__name__}")
    for name in FIELDS | LISTS | DICTIONARIES:
        if name not in index:
            raise DataError(f"{path.name} is damaged: {name} is missing")
    wrong = [name for name, good in (FIELDS | LATER_FIELDS).items() if name in index and not good(index[name])]
    for kind, fields in ((list, LISTS | LATER_LISTS), (dict, DICTIONARIES | LATER_DICTIONARIES)):
        for name, good in fields.items():
            value = index.get(name, kind())
            if not isinstance(value, kind) or not all(map(good, value.values() if isinstance(value, dict) else value)):
                wrong.append(name)
    if wrong:
        raise DataError(f"{path.name} is damaged: {', '.join(wrong)}")
    return index


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def check_arrays(index: dict, windows: Mapping[str, np.ndarray], songs: Mapping[str, np.ndarray]) -> None:
    """Refuses arrays that fit neither the index nor each other.

    Raises:
        DataError: they do not.
    """
    kinds = {(one.dtype, one.shape[1:]) for one in windows.values()}
    if len(kinds) > 1 or any(one.ndim < 2 or one.dtype.kind not in "biuf" for one in windows.values()):
        raise DataError("its arrays are damaged: their windows are of different shapes or types")
    for split in SPLITS:
        count, numbers = len(windows[split]), songs[split]
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or not index["windows"][split] == count == len(numbers):
            claimed = f"{index['windows'][split]:,} windows in the index"
            raise DataError(f"{split}.npy is damaged: {claimed}, but {count:,} there, of {len(numbers):,} songs")
        if count and not 0 <= numbers.min() <= numbers.max() < len(index["songs"]):
            raise DataError(f"{split}_song.npy is damaged: it names songs that the index does not have")


def check_values(windows: np.ndarray, representation: Representation, name: str) -> None:
    """Refuses windows that are none of a representation.

    Raises:
        DataError: they have another shape or type, or values that mean nothing.
    """
    if windows.shape[1:] != representation.shape or windows.dtype != representation.dtype:
        raise DataError(f"{name} is damaged: its windows are {windows.dtype} {windows.shape[1:]}")
    at_a_time = max(AT_A_TIME // max(prod(windows.shape[1:]), 1), 1)
    for start in range(0, len(windows), at_a_time):
        try:
            x, _ = representation.to_data(np.asarray(windows[start : start + at_a_time]))
        except (ArithmeticError, IndexError, ValueError):
            x = np.full(1, np.nan)
        if not _is_in_range(x, representation.example_spec):
            raise DataError(f"{name} is damaged: it has values that mean nothing")


def _is_in_range(x: np.ndarray, spec: ExampleSpec) -> bool:
    if spec.categorical and x.dtype.kind in "biu":
        most = np.array(spec.streams) - (spec.end is None)
        several = isinstance(spec.channels, tuple)
        highest = x.max(axis=(0, *range(2, x.ndim))) if several else x.max()
        return bool(x.min() >= 0 and np.all(highest <= most))
    bounds = (0, 1) if spec.likelihood in ("bernoulli", "spans") else (-np.inf, np.inf)
    return bool(not spec.categorical and np.isfinite(x).all() and bounds[0] <= x.min() and x.max() <= bounds[1])
