"""From sources of music to arrays of windows on disk, split by song into train, validation and test."""

from __future__ import annotations

import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import chain, islice
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musicae.archives import is_archive, write_skipped
from musicae.core.configuration import to_data
from musicae.errors import DataError
from musicae.files import write_atomically
from musicae.music.data.sources import SPLITS, Piece, labels, pieces
from musicae.music.extraction import extract
from musicae.music.representations import Representation
from musicae.music.representations.report import counted
from musicae.music.representations.tracks import title
from musicae.music.score.score import Score

FEW = 64  # pieces for which starting processes costs more than it saves
AT_A_TIME = 2048  # pieces in memory


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
            DataError: there is none.
        """
        folder = Path(folder)
        try:
            index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
            windows = {split: np.load(folder / f"{split}.npy", mmap_mode="r") for split in SPLITS}
            songs = {split: np.load(folder / f"{split}_song.npy", mmap_mode="r") for split in SPLITS}
        except (OSError, ValueError) as error:
            raise DataError(f"{folder} is not a corpus ({error}); build one from a folder of music") from None
        return cls(folder, index, windows, songs)

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
        if index["duplicates"]:
            left = f"{index['duplicates']:,} windows"
            sentences.append(f"Left out of validation and test, because they occur in training in some key: {left}.")
        if skipped:
            reasons = "; ".join(f"{number:,} {reason}" for reason, number in skipped.most_common(5))
            sentences.append(f"Files skipped: {skipped.total():,} ({reasons}).")
        return " ".join(sentences)


@dataclass(frozen=True)
class Splitting:
    """How songs are split whose source does not give their split.

    Args:
        seed: another one splits the songs differently.
        fractions: of them that become training, validation and test; (0, 0, 1) makes all of them test.
    """

    seed: int = 0
    fractions: tuple[float, float, float] = (0.9, 0.05, 0.05)


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
    job = partial(_extract, representation=representation, track=track)
    found = list(_extract_all(sources, job, workers or min(cpu_count() or 1, 16), quiet))
    songs, skipped = _sorted(found, sources)
    settings = {"representation": to_data(representation), "track": track, **vars(rule)}
    return _write(Path(out_folder), songs, skipped, representation, settings)


# Extraction -----------------------------------------------------------------------------------


class Extracted(NamedTuple):
    """What was extracted from a piece: its windows, compressed, or the reason why it has none."""

    source: str
    name: str
    reason: str = ""
    fingerprint: str = ""
    count: int = 0
    windows: bytes = b""
    quarters_per_minute: float = 0.0
    split: str = ""


def _extract_all(sources: list, job, workers: int, quiet: bool) -> Iterator[Extracted]:
    """What every piece of the sources holds, with a progress bar."""
    from tqdm import tqdm

    def found() -> Iterator[Piece]:
        return chain.from_iterable(map(pieces, sources, labels(sources)))

    total = None if any(map(is_archive, sources)) else sum(1 for _ in found())
    results = map(job, found()) if workers == 1 or (total or FEW) < FEW else _in_processes(job, found(), workers)
    hidden = quiet or not sys.stderr.isatty()
    yield from tqdm(results, "reading", total, unit=" songs", disable=hidden, smoothing=0)


def _in_processes(job, found: Iterator[Piece], workers: int) -> Iterator[Extracted]:
    """What pieces hold, extracted in a pool of processes, some thousand pieces at a time."""
    context = get_context("spawn")  # a forked process may inherit a lock that a thread of torch holds
    while batch := list(islice(found, AT_A_TIME)):
        left = []
        with ProcessPoolExecutor(workers, context) as pool:
            for piece, future in [(piece, pool.submit(job, piece)) for piece in batch]:
                try:
                    yield future.result()
                except BrokenProcessPool:
                    left.append(piece)
        yield from _one_by_one(job, left, context)


def _one_by_one(job, left: Iterable[Piece], context) -> Iterator[Extracted]:
    """Pieces among which at least one kills the process that reads it: that one is found and skipped."""
    left = iter(left)
    while batch := list(islice(left, 1)):
        with ProcessPoolExecutor(1, context) as pool:
            for piece in chain(batch, left):
                try:
                    yield pool.submit(job, piece).result()
                except BrokenProcessPool:
                    yield Extracted(piece.source, piece.name, "the reader crashed")
                    break


def _extract(piece: Piece, representation: Representation, track: int | str | None) -> Extracted:
    """The windows of one piece; what goes wrong becomes a reason: one file does not stop thousands."""
    if piece.problem:
        return Extracted(piece.source, piece.name, piece.problem)
    try:
        song = extract.read(representation, piece.content, piece.trusted)
        windows, problems = extract.training_windows(representation, song, track)
    except Exception as error:
        text = getattr(error, "reason", None) or str(error) or type(error).__name__
        return Extracted(piece.source, piece.name, " ".join(text.split())[:200])
    if not len(windows):
        return Extracted(piece.source, piece.name, problems[0].removeprefix(f"{title(song)}: "))
    packed = zlib.compress(np.ascontiguousarray(windows).tobytes(), 1)
    tempo = mean_tempo(song)
    return Extracted(piece.source, piece.name, "", _fingerprint(song), len(windows), packed, tempo, piece.split)


def mean_tempo(song: Score) -> float:
    """The tempo of a song in BPM (quarters), averaged over all of it."""
    return round(60 * song.end / song.ticks_per_quarter / song.seconds, 4)


def _fingerprint(song: Score) -> str:
    """A hash of the pitched notes that neither key, tempo, ticks nor the time of the first note change."""
    notes = [track.notes for track in song.tracks if not track.is_drum and len(track.notes)]
    notes = np.concatenate(notes or [track.notes for track in song.tracks])
    start = (notes["start"] - notes["start"].min()) * 96 // song.ticks_per_quarter
    pitch = notes["pitch"].astype(np.int64) - int(notes["pitch"].min())
    return sha256(np.unique(start * 128 + pitch).astype("<i8").tobytes()).hexdigest()[:32]


# Splitting and writing ------------------------------------------------------------------------


def _sorted(found: list[Extracted], sources: list) -> tuple[list[Extracted], list[tuple[str, str, str]]]:
    """The songs with windows, in order, and of all others source, name and reason.

    Raises:
        DataError: no song has a window.
    """
    songs = sorted((one for one in found if one.count), key=lambda one: (one.source, one.name))
    skipped = sorted((one.source, one.name, one.reason) for one in found if not one.count)
    if not songs:
        reason = Counter(reason for *_, reason in skipped).most_common(1)
        why = f"{reason[0][1]:,} files: {reason[0][0]}" if reason else "there are no files of music"
        raise DataError(f"nothing to train on in {', '.join(map(str, sources))}; {why}")
    return songs, skipped


def split(
    fingerprints: Sequence[str], seed: int, fractions: Sequence[float], fixed: Sequence[str] | None = None
) -> list[str]:
    """The split of each song: that of `fixed`, or one drawn from the hash of its fingerprint and the seed.

    Args:
        fingerprints: of the songs; equal ones fall into one split, unless `fixed` says otherwise.
        seed: another one splits differently.
        fractions: of train, validation and test; a split whose fraction is not 0 stays empty only if
            there are fewer different songs than splits, or if `fixed` has some.
        fixed: the split of each song that its source gives, "" for none.
    """
    fixed = fixed or [""] * len(fingerprints)
    known = {one: name for one, name in zip(fingerprints, fixed, strict=True) if name}
    known |= _drawn([one for one in fingerprints if one not in known], seed, fractions, fill=not known)
    return [name or known[one] for one, name in zip(fingerprints, fixed, strict=True)]


def _drawn(fingerprints: Sequence[str], seed: int, fractions: Sequence[float], fill: bool) -> dict[str, str]:
    """The split of each fingerprint by its hash; with `fill`, one that would be empty gets the one nearest to it."""
    bounds = np.cumsum([0, *fractions]) / sum(fractions)
    draws = {one: int(sha256(f"{seed}:{one}".encode()).hexdigest()[:12], 16) / 2**48 for one in fingerprints}
    chosen = {one: SPLITS[int(np.searchsorted(bounds, draw, "right")) - 1] for one, draw in draws.items()}
    for i, name in enumerate(SPLITS if fill else ()):
        largest, number = Counter(chosen.values()).most_common(1)[0]
        if fractions[i] and name not in chosen.values() and number > 1:
            middle = (bounds[i] + bounds[i + 1]) / 2
            spare = [one for one in chosen if chosen[one] == largest]
            chosen[min(spare, key=lambda one, middle=middle: abs(draws[one] - middle))] = name
    return chosen


def _write(folder: Path, songs: list[Extracted], skipped: list, representation, settings: dict) -> Corpus:
    """Writes the arrays, the table of skipped files and, last, the index."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.json").unlink(missing_ok=True)
    fixed = [one.split for one in songs]
    splits = split([one.fingerprint for one in songs], settings["seed"], settings["fractions"], fixed)
    counts, duplicates = _write_arrays(folder, songs, splits, representation)
    write_skipped(folder, skipped)
    index = {
        **settings,
        "sources": sorted({one.source for one in songs}),
        "windows": counts,
        "songs_per_split": {name: splits.count(name) for name in SPLITS},
        "songs_with_split": sum(map(bool, fixed)),
        "duplicates": duplicates,
        "skipped": dict(Counter(reason for *_, reason in skipped).most_common()),
        "songs": [f"{one.source}/{one.name}" for one in songs],
        "quarters_per_minute": [one.quarters_per_minute for one in songs],
    }
    write_atomically(folder / "index.json", json.dumps(index, indent=1, ensure_ascii=False).encode(), force=True)
    return Corpus.open(folder)


def _write_arrays(folder: Path, songs: list[Extracted], splits: list[str], representation) -> tuple[dict, int]:
    """Writes the arrays; how many windows each split has, and how many an earlier one had already."""
    seen, duplicates, counts = np.zeros(0, np.uint64), 0, {}
    for name in SPLITS:
        chosen = [i for i, one in enumerate(splits) if one == name]
        windows = _unpacked([songs[i] for i in chosen], representation)
        song = np.repeat(np.array(chosen, np.int32), [songs[i].count for i in chosen])
        hashes = keyless_hashes(windows, representation)
        new = ~np.isin(hashes, seen)
        seen = np.union1d(seen, hashes)
        duplicates += int(np.sum(~new))
        counts[name] = int(np.sum(new))
        _save(folder / f"{name}.npy", windows if new.all() else windows[new])
        _save(folder / f"{name}_song.npy", song[new])
    return counts, duplicates


def _unpacked(songs: list[Extracted], representation: Representation) -> np.ndarray:
    """The windows of some songs, one song after another: [n, *shape]."""
    windows = np.zeros((sum(one.count for one in songs), *representation.shape), representation.dtype)
    ends = np.cumsum([one.count for one in songs])
    for one, end in zip(songs, ends, strict=True):
        content = np.frombuffer(zlib.decompress(one.windows), representation.dtype)
        windows[end - one.count : end].reshape(-1)[:] = content
    return windows


def keyless_hashes(windows: np.ndarray, representation: Representation) -> np.ndarray:
    """A hash of each window [n, ...] that is the same in every key (of its lowest form): uint64 [n]."""
    size = max(int(np.prod(windows.shape[1:])), 1) * windows.dtype.itemsize
    factors = np.random.default_rng(0).integers(1, 2**63, size, np.uint64) * 2 + 1
    at_a_time = max(2**22 // size, 1)
    hashes = [np.zeros(0, np.uint64)]
    for i in range(0, len(windows), at_a_time):
        some = windows[i : i + at_a_time]
        lowest = np.ascontiguousarray(representation.transpose(some, np.full(len(some), -128)))
        content = lowest.reshape(len(some), -1).view(np.uint8)
        hashes.append((content * factors).sum(axis=1, dtype=np.uint64))
    return np.concatenate(hashes)


def _save(path: Path, array: np.ndarray) -> None:
    """Writes an array to a temporary file in the same folder, then renames it."""
    temporary = path.with_suffix(".npy.part")
    with temporary.open("wb") as file:
        np.save(file, array)
    temporary.replace(path)
