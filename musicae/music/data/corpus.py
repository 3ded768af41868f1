"""From sources of music to arrays of windows on disk, split by song into train, validation and test."""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from os import cpu_count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from musicae.archives import is_archive
from musicae.core import npy
from musicae.core.configuration import to_data
from musicae.errors import DataError, Error
from musicae.files import write_atomically
from musicae.music.data.assembly import Shards, write_arrays
from musicae.music.data.extraction import Extracted, Job, batches, extract_batch, in_processes, keyless_hashes
from musicae.music.data.index import check_arrays, check_values, read_index
from musicae.music.data.sources import SPLITS, Piece, labels, pieces
from musicae.music.data.splitting import Splitting, split
from musicae.music.representations import Representation
from musicae.music.representations.report import counted
from musicae.skipped import write_skipped

__all__ = ["SPLITS", "Corpus", "Splitting", "build", "keyless_hashes", "split"]

INDEX = "index.json"
FEW = 64  # pieces for which starting processes costs more than it saves
NAMED = 5  # files that were skipped, in a report
SHARDS = ".shards-"  # folders of windows that were not put together yet


@dataclass(frozen=True, eq=False)
class Corpus:
    """Windows of songs, split by song, in a folder of memory-mapped arrays.

    Attributes:
        folder: the folder.
        index: what `index.json` says: the representation, sources, seed and counts; of the songs, in one order, their
            names and, on average over each, `quarters_per_minute`.
        windows: the windows of each split, [n, ...].
        songs: the song of each window of each split, int32 [n]: its index in `index["songs"]`.
    """

    folder: Path
    index: dict
    windows: dict[str, np.ndarray] = field(repr=False)
    songs: dict[str, np.ndarray] = field(repr=False)

    @classmethod
    def open(cls, folder: str | Path) -> Corpus:
        """The corpus in a folder.

        Raises:
            DataError: there is none, or it is damaged: shapes, counts and, but of corpora that earlier versions wrote,
                the checksums of all arrays are those in the index.
        """
        folder = Path(folder)
        try:
            index = read_index(folder / INDEX)
            checksums = index.get("checksums", {})
            windows, songs = (
                {split: npy.mapped(folder / f"{split}{of}.npy", checksums.get(f"{split}{of}.npy")) for split in SPLITS}
                for of in ("", "_song")
            )
            check_arrays(index, windows, songs)
        except Error as error:
            raise DataError(f"{folder} is not a corpus ({error}); build one from a folder of music") from None
        return cls(folder, index, windows, songs)

    def check(self, representation: Representation) -> None:
        """Refuses windows that are none of a representation.

        Raises:
            DataError: they have another shape or type, or values that mean nothing.
        """
        for name, windows in self.windows.items():
            check_values(windows, representation, f"{self.folder / name}.npy")

    @property
    def train(self) -> np.ndarray:
        """The windows to train on."""
        return self.windows["train"]

    @property
    def validation(self) -> np.ndarray:
        """The windows by which the best checkpoint is chosen."""
        return self.windows["validation"]

    @property
    def test(self) -> np.ndarray:
        """The windows that nothing was trained or chosen on."""
        return self.windows["test"]

    def report(self) -> str:
        """One paragraph: songs, windows, what was left out and why."""
        index, skipped = self.index, Counter(self.index["skipped"])
        filled = [split for split in SPLITS if index["windows"][split]]
        windows = (f"{index['windows'][s]:,} {s} (of {counted(index['songs_per_split'][s], 'song')})" for s in filled)
        sentences = [
            f"{counted(len(index['songs']), 'song')} from {', '.join(index['sources'])}; windows: {', '.join(windows)}."
        ]
        if index.get("songs_with_split"):
            sentences.append(f"{counted(index['songs_with_split'], 'song')} in the split that their source gives.")
        if index.get("songs_retimed"):
            retimed = counted(index["songs_retimed"], "song")
            sentences.append(f"Played without a click, so that beats and bars were found in the notes: {retimed}.")
        if index["duplicates"]:
            left = f"{index['duplicates']:,} windows"
            sentences.append(f"Left out of validation and test, because they occur in training in some key: {left}.")
        if skipped:
            reasons = "; ".join(f"{number:,} {reason}" for reason, number in skipped.most_common(5))
            named = index.get("first_skipped", [])
            among = f", among them {', '.join(named)}" if named else ""
            sentences.append(f"Files skipped: {skipped.total():,} ({reasons}){among}.")
        return " ".join(sentences)


def build(
    sources: str | Path | Sequence[str | Path],
    representation: Representation,
    out_folder: str | Path,
    *,
    track: int | str | None = None,
    workers: int | None = None,
    quiet: bool = False,
    **splitting: Any,
) -> Corpus:
    """Cuts every song of the sources into windows and writes them to a folder, split by song.

    The split of a song is the one that its source gives (see `sources.pieces`). Without one it depends on its notes and
    the seed only. So one song in several files, in any key, falls into one split, and more files move none; only a
    split that would be empty gets the song nearest to it. Windows of validation that occur in training in any key are
    left out, and those of test that occur in either.

    Args:
        sources: folders, files and archives of MIDI, ABC, MusicXML and kern; "music21" for the public-domain
            collections that come with it.
        representation: what cuts a song.
        out_folder: the folder to write; a corpus that is already there is replaced.
        track: as for `training_windows`.
        workers: processes; None for one a core, 1 for none but this. More than one need a script guarded by
            `if __name__ == "__main__"`.
        quiet: show no progress.
        splitting: the fields of `Splitting`, `seed` and `fractions`.

    Raises:
        DataError: a source does not exist, or no song has a window.
    """
    rule = Splitting(**splitting)
    sources = [sources] if isinstance(sources, str | Path) else list(sources)
    settings = {"representation": to_data(representation), "track": track, **vars(rule)}
    with _new_folder(Path(out_folder)) as folder, TemporaryDirectory(prefix=SHARDS, dir=folder) as temporary:
        job = partial(extract_batch, folder=Path(temporary), representation=representation, track=track)
        found = list(_extract_all(sources, job, workers or min(cpu_count() or 1, 16), quiet))
        songs, skipped = _sorted(found, sources)
        with closing(Shards(Path(temporary), representation)) as shards:
            _write(folder, shards, songs, skipped, settings)
    return Corpus.open(out_folder)


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A folder, made if there is none; where the work fails, nothing that was made is left."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{SHARDS}*"):  # of a build that was killed
        shutil.rmtree(left, ignore_errors=True)
    try:
        yield folder
    except BaseException:
        for path in made:
            with suppress(OSError):
                path.rmdir()
        raise


# Extraction -----------------------------------------------------------------------------------


def _extract_all(sources: list, job: Job, workers: int, quiet: bool) -> Iterator[Extracted]:
    """What every piece of the sources holds, with a progress bar."""
    from tqdm import tqdm

    def found() -> Iterator[Piece]:
        return chain.from_iterable(map(pieces, sources, labels(sources)))

    hidden = quiet or not sys.stderr.isatty()
    total = None if hidden or any(map(is_archive, sources)) else sum(1 for _ in found())
    waiting = batches(found())
    first = list(islice(waiting, 3))
    few = len(first) < 3 and sum(len(batch.pieces) for batch in first) < FEW
    waiting = chain(first, waiting)
    results = map(job, waiting) if workers == 1 or few else in_processes(job, waiting, workers)
    yield from tqdm(chain.from_iterable(results), "reading", total, unit=" songs", disable=hidden, smoothing=0)


# Splitting and writing ------------------------------------------------------------------------


def _sorted(found: list[Extracted], sources: list) -> tuple[list[Extracted], list[tuple[str, str, str]]]:
    """The songs with windows, in order, and of all others source, name and reason.

    Raises:
        DataError: no song has a window.
    """
    songs = sorted((one for one in found if one.count), key=lambda one: (one.source, one.name, one.number))
    skipped = sorted((one.source, one.name, one.reason) for one in found if not one.count)
    if not songs:
        why = "there are no files of music"
        for reason, number in Counter(reason for *_, reason in skipped).most_common(1):
            why = f"{number:,} files: {reason} ({next(name for _, name, one in skipped if one == reason)})"
        raise DataError(f"nothing to train on in {', '.join(map(str, sources))}; {why}")
    return songs, skipped


def _write(folder: Path, shards: Shards, songs: list[Extracted], skipped: list, settings: dict) -> None:
    """Writes the arrays, the table of skipped files and, last, the index."""
    (folder / INDEX).unlink(missing_ok=True)
    fixed = [one.split for one in songs]
    splits = split([one.fingerprint for one in songs], settings["seed"], settings["fractions"], fixed)
    counts, duplicates, checksums = write_arrays(folder, shards, songs, splits)
    write_skipped(folder, skipped)
    index = {
        **settings,
        "sources": sorted({one.source for one in songs}),
        "windows": counts,
        "songs_per_split": {name: splits.count(name) for name in SPLITS},
        "songs_with_split": sum(map(bool, fixed)),
        "songs_retimed": sum(one.retimed for one in songs),
        "duplicates": duplicates,
        "skipped": dict(Counter(reason for *_, reason in skipped).most_common()),
        "first_skipped": [f"{source}/{name}" for source, name, _ in skipped[:NAMED]],
        "checksums": checksums,
        "songs": [f"{one.source}/{one.name}" for one in songs],
        "quarters_per_minute": [one.quarters_per_minute for one in songs],
    }
    text = json.dumps(index, indent=1, ensure_ascii=False)  # names that are not in Unicode get escapes
    write_atomically(folder / INDEX, text.encode("utf-8", "backslashreplace"), force=True)
