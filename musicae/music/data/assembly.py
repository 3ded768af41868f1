"""Windows of songs, each in a file with others, to the arrays of a corpus: none of which is held in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from musicae.core import npy
from musicae.files import open_file
from musicae.music.data.extraction import Extracted
from musicae.music.data.sources import SPLITS
from musicae.music.representations import Representation

_NONE = np.zeros(0, np.uint64)


class Arrays(NamedTuple):
    """What was written.

    Args:
        counts: the windows of each split.
        duplicates: the windows that were left out, as an earlier split has them.
        checksums: of the files by name.
    """

    counts: dict[str, int]
    duplicates: int
    checksums: dict[str, str]


class Shards:
    """The files that `extract_batch` wrote, one of which is open at a time.

    Args:
        folder: of the files.
        representation: of the windows.
    """

    def __init__(self, folder: Path, representation: Representation):
        self.folder, self.shape, self.dtype = folder, representation.shape, np.dtype(representation.dtype)
        self._bytes = prod(self.shape) * self.dtype.itemsize  # of a window
        self._number = -1
        self._file: BinaryIO = io.BytesIO()

    def windows(self, one: Extracted) -> np.ndarray:
        """The windows of a song, [n, *shape]."""
        return np.frombuffer(self._read(one, 0, one.count * self._bytes), self.dtype).reshape(-1, *self.shape)

    def hashes(self, one: Extracted) -> np.ndarray:
        """The hash of each of these windows, [n]."""
        return np.frombuffer(self._read(one, one.count * self._bytes, 8 * one.count), np.uint64)

    def close(self) -> None:
        """Closes the open file."""
        self._file.close()

    def _read(self, one: Extracted, after: int, size: int) -> bytes:
        if self._number != one.shard:
            self.close()
            self._number, self._file = one.shard, open_file(self.folder / str(one.shard))
        self._file.seek(one.start + after)
        return self._file.read(size)


def write_arrays(folder: Path, shards: Shards, songs: list[Extracted], splits: Sequence[str]) -> Arrays:
    """Writes the windows of each split, but of those held out none that an earlier split has, and their songs."""
    chosen = {name: [i for i, one in enumerate(splits) if one == name] for name in SPLITS}
    kept = _kept(shards, {name: [songs[i] for i in chosen[name]] for name in SPLITS})
    checksums = {}
    for name in SPLITS:
        windows = (shards.windows(songs[i])[mask] for i, mask in _of_songs(songs, chosen[name], kept[name]))
        numbers = (np.full(np.sum(mask), i) for i, mask in _of_songs(songs, chosen[name], kept[name]))
        size = int(kept[name].sum())
        for suffix, shape, dtype, blocks in (
            ("", (size, *shards.shape), shards.dtype, windows),
            ("_song", (size,), np.dtype(np.int32), numbers),
        ):
            checksums[f"{name}{suffix}.npy"] = npy.write(folder / f"{name}{suffix}.npy", shape, dtype, blocks)
    counts = {name: int(mask.sum()) for name, mask in kept.items()}
    return Arrays(counts, sum(map(len, kept.values())) - sum(counts.values()), checksums)


def _of_songs(songs: list[Extracted], chosen: list[int], kept: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The songs of a split by number, and which windows of each are kept."""
    start = 0
    for i in chosen:
        yield i, kept[start : start + songs[i].count]
        start += songs[i].count


def _kept(shards: Shards, songs: dict[str, list[Extracted]]) -> dict[str, np.ndarray]:
    """Which windows of each split are in none before it, in any key: bool, song by song.

    The hashes of the windows that are held out are in memory; those of the rest, which are most, pass by.
    """
    train, *held_out = SPLITS
    hashes = {name: np.concatenate([_NONE, *map(shards.hashes, songs[name])]) for name in held_out}
    known = np.unique(np.concatenate(list(hashes.values())))
    seen = np.zeros(len(known) + 1, bool)
    for one in songs[train] if len(known) else ():
        seen[_positions(known, shards.hashes(one))] = True
    seen[-1] = False
    kept = {train: np.ones(sum(one.count for one in songs[train]), bool)}
    for name in held_out:
        positions = _positions(known, hashes[name])
        kept[name] = ~seen[positions]
        seen[positions] = True
    return kept


def _positions(known: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """Where each hash is among those that are known, which are sorted; their number where it is not."""
    positions = np.searchsorted(known, hashes)
    return np.where(known[np.minimum(positions, len(known) - 1)] == hashes, positions, len(known))
