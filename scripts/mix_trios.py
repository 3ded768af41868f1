"""Data augmentation for trios: mixtures of parts from other songs.

Each mixture is sixteen bars of a melody, another line of the same song transposed down by octaves as its bass, and two
bars of drums that are repeated and replaced by two others of the same drummer halfway. Mixtures are not composed music,
but a model that reconstructs unrelated parts also reconstructs those of a song. The windows of validation and test are
not changed: they are of real songs. Melodies from the sources of the trios are left out, because they may be of songs
that are held out here.

    python scripts/mix_trios.py TRIOS MELODIES DRUMS OUT [--mixtures 12000] [--copies 3] [--seed 0]

TRIOS, MELODIES and DRUMS are corpora (folders that `musicae.train` or `musicae.music.data.corpus.build` wrote) cut for
`trio-16bar`, `melody-16bar` and `drums-2bar`; OUT is a new corpus for `trio-16bar`.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np

from musicae.files import write_atomically
from musicae.music.data.corpus import Corpus
from musicae.music.representations.tokens import FIRST_NOTE

LOWEST, HIGHEST = 28, 52  # the range of the median pitch of a bass, in MIDI pitches
BOTTOM = 21 - FIRST_NOTE  # the pitch of a token minus the token


def partners(songs: np.ndarray, chosen: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """For each chosen window a random one of the same song, int64 [n]; windows of a song are consecutive in `songs`."""
    first, last = np.searchsorted(songs, songs[chosen], "left"), np.searchsorted(songs, songs[chosen], "right")
    return generator.integers(first, last)


def lowered(windows: np.ndarray) -> np.ndarray:
    """Lines [n, steps] of tokens, each transposed by octaves so that its median pitch is in the range of a bass."""
    notes = np.where(windows >= FIRST_NOTE, windows.astype(float), np.nan)
    middle = np.nanmedian(notes, axis=1, keepdims=True) + BOTTOM
    octaves = np.ceil(np.maximum(middle - HIGHEST, 0) / 12) - np.ceil(np.maximum(LOWEST - middle, 0) / 12)
    lower = np.where(np.isnan(notes), windows, notes - 12 * octaves)
    return np.where(np.isnan(notes), windows, np.maximum(lower, FIRST_NOTE + (lower - FIRST_NOTE) % 12))


def from_elsewhere(melodies: Corpus, trios: Corpus) -> np.ndarray:
    """Which training windows of melodies are from none of the sources of the trios, bool [n]."""
    known = {Path(source).name for source in trios.index["sources"]}
    other = np.array([known.isdisjoint(Path(name).parts) for name in melodies.index["songs"]])
    return other[melodies.songs["train"]]


def mixtures(
    melodies: Corpus, elsewhere: np.ndarray, drums: Corpus, n: int, steps: int, generator: np.random.Generator
) -> np.ndarray:
    """`n` trios [n, 3, steps] of the melodies that come from `elsewhere`."""
    lines, line_songs = np.asarray(melodies.train), np.asarray(melodies.songs["train"])
    lines, line_songs = lines[elsewhere], line_songs[elsewhere]
    melody = generator.integers(0, len(lines), n)
    bass = lowered(lines[partners(line_songs, melody, generator)])
    beats, beat_songs = np.asarray(drums.train), np.asarray(drums.songs["train"])
    labels = np.tensordot(beats.astype(np.int16), 1 << np.arange(beats.shape[1]), (1, 0))
    first = generator.integers(0, len(labels), n)
    halves = [labels[first], labels[partners(beat_songs, first, generator)]]
    rhythm = np.concatenate([np.tile(half, steps // 2 // labels.shape[1]) for half in halves], axis=1)
    return np.stack([lines[melody], bass, rhythm], axis=1).astype(np.int16)


def main() -> None:
    """Mix and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, use in (("trios", "trio-16bar"), ("melodies", "melody-16bar"), ("drums", "drums-2bar")):
        parser.add_argument(name, type=Path, help=f"a corpus cut for {use}")
    parser.add_argument("out", type=Path, help="folder of the new corpus for trio-16bar")
    parser.add_argument("--mixtures", type=int, default=12_000, help="how many (default: 12,000)")
    parser.add_argument("--copies", type=int, default=3, help="of each real window in the new corpus (default: 3)")
    parser.add_argument("--seed", type=int, default=0, help="of the mixtures (default: 0)")
    options = parser.parse_args()
    trios, melodies, drums = (Corpus.open(folder) for folder in (options.trios, options.melodies, options.drums))
    elsewhere, generator = from_elsewhere(melodies, trios), np.random.default_rng(options.seed)
    mixed = mixtures(melodies, elsewhere, drums, options.mixtures, trios.train.shape[2], generator)
    train = np.concatenate([*[trios.train] * options.copies, mixed])
    song = np.concatenate([*[trios.songs["train"]] * options.copies, np.full(len(mixed), -1, np.int32)])
    shutil.copytree(options.trios, options.out)
    np.save(options.out / "train.npy", train)
    np.save(options.out / "train_song.npy", song.astype(np.int32))
    index = dict(trios.index)
    index["windows"] = {**index["windows"], "train": len(train)}
    parts = sorted({*melodies.index["sources"], *drums.index["sources"]})
    index["sources"] = [*index["sources"], f"{len(mixed):,} mixtures of parts from {', '.join(parts)}"]
    write_atomically(options.out / "index.json", json.dumps(index, indent=1, ensure_ascii=False).encode(), force=True)
    print(f"{len(train):,} training windows, of which {len(mixed):,} are mixtures: {options.out}")


if __name__ == "__main__":
    main()
