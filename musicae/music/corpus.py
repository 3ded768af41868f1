"""Folders, archives and music21's own pieces to arrays of windows on disk, split by song."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from itertools import chain
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musicae.core.configuration import to_data
from musicae.errors import DataError
from musicae.music.song import Song

SPLITS = ("train", "validation", "test")
MUSIC_SUFFIXES = {".mid", ".midi", ".kar", ".rmi", ".abc", ".mxl", ".musicxml", ".xml", ".krn"}
ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
LARGEST_MEMBER = 32 * 2**20  # bytes; no score is larger
# Collections of music21 whose tunes are in the public domain, and how many files of each are read. Tune books
# hold hundreds of tunes a file; MusicXML takes music21 half a second a piece. Essen's encodings are
# non-commercial.
MUSIC21_COLLECTIONS = {"ryansMammoth": None, "oneills1850": None, "airdsAirs": None, "bach": 60}


class Item(NamedTuple):
    """One file to read: the source it belongs to, its name there, and where it is or what it holds."""

    source: str
    name: str
    content: Path | bytes


class Heard(NamedTuple):
    """What became of one song: its windows (compressed) or the reason why it has none."""

    source: str
    name: str
    reason: str = ""
    fingerprint: str = ""
    count: int = 0
    windows: bytes = b""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Windows of songs, split by song, in a folder of memory-mapped arrays.

    Attributes:
        folder: the folder.
        index: what `index.json` says: representation, sources, seed and counts.
        windows: for each split the windows, uint8 [n, ...].
        songs: for each split the song of each window, int32 [n]: an index into `index["songs"]`.
    """

    folder: Path
    index: dict
    windows: dict[str, np.ndarray] = field(repr=False)
    songs: dict[str, np.ndarray] = field(repr=False)

    @classmethod
    def open(cls, folder: str | Path) -> Corpus:
        """The corpus in a folder.

        Raises:
            DataError: if there is none.
        """
        folder = Path(folder)
        try:
            index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
            windows = {split: np.load(folder / f"{split}.npy", mmap_mode="r") for split in SPLITS}
            songs = {split: np.load(folder / f"{split}_song.npy", mmap_mode="r") for split in SPLITS}
        except (OSError, ValueError) as error:
            raise DataError(f"{folder} is not a corpus ({error}); build one from MIDI files") from error
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
        """The windows that nothing has seen."""
        return self.windows["test"]

    def report(self) -> str:
        """One paragraph: songs, windows, what was skipped and why."""
        splits = ", ".join(
            f"{self.index['windows'][s]:,} {s} ({self.index['songs_per_split'][s]:,} songs)" for s in SPLITS
        )
        skipped = Counter(self.index["skipped"])
        reasons = "; ".join(f"{reason} ({number:,})" for reason, number in skipped.most_common(5))
        return (
            f"{len(self.index['songs']):,} songs from {', '.join(self.index['sources'])}: windows {splits}. "
            f"Left out of the held-out splits because they occur in training, in this key or another: "
            f"{self.index['duplicates']:,} windows. "
            f"Skipped: {skipped.total():,} files" + (f": {reasons}." if reasons else ".")
        )


def build(
    sources: str | Path | Sequence[str | Path],
    representation,
    out_folder: str | Path,
    *,
    track: int | str | None = None,
    workers: int | None = None,
    seed: int = 0,
    fractions: tuple[float, float, float] = (0.9, 0.05, 0.05),
    quiet: bool = False,
) -> Corpus:
    """Cut every song of the sources into windows, split by song, and write them to a folder.

    Which split a song falls into depends on its notes and the seed only: a song that several files hold, in
    whatever key, falls into one split, and adding files moves none. Windows of validation that occur in
    training, in whatever key, are left out, and so are windows of test that occur in either.

    Args:
        sources: folders, files or archives of MIDI, ABC, MusicXML and kern; or "music21" for the collections
            of public-domain music that come with it.
        representation: what cuts a song: `windows(song, track)` and `transpose(windows, semitones)`.
        out_folder: the folder to write; files of an earlier corpus in it are replaced.
        track: as for the representation's `windows`.
        workers: processes; None for one a core, 1 for this process only.
        seed: another seed splits the songs in another way.
        fractions: of the songs for training, validation and test; (0, 0, 1) makes all of it test.
        quiet: show no progress.

    Raises:
        DataError: if a source does not exist, or none of the songs has a window.
    """
    sources = [sources] if isinstance(sources, str | Path) else list(sources)
    items = chain.from_iterable(_items(source) for source in sources)
    total = sum(_count(source) for source in sources)
    heard = list(_hear_all(items, total, representation, track, workers, quiet))
    kept = sorted((one for one in heard if one.count), key=lambda one: (one.source, one.name))
    skipped = sorted((one.source, one.name, one.reason) for one in heard if not one.count)
    if not kept:
        reasons = Counter(reason for _, _, reason in skipped).most_common(1)
        raise DataError(
            f"no windows in {', '.join(map(str, sources))}: {reasons[0][0] if reasons else 'no files'}"
        )
    return _write(Path(out_folder), kept, skipped, representation, track, seed, fractions)


def items(source: str | Path) -> Iterator[Item]:
    """The pieces of a source, in the order of their names."""
    return _items(source)


def _items(source: str | Path) -> Iterator[Item]:
    """The pieces of a source, in the order of their names."""
    if source == "music21":
        yield from _music21_items()
        return
    path = Path(source)
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix.lower() in MUSIC_SUFFIXES:
                yield from _tunes(Item(path.name, file.relative_to(path).as_posix(), file))
    elif path.name.lower().endswith(ARCHIVE_SUFFIXES):
        for name, content in sorted(_members(path)):
            yield from _tunes(Item(path.name, name, content))
    elif path.exists():
        yield from _tunes(Item(path.name, path.name, path))
    else:
        raise DataError(f"{source} does not exist: name a folder, a file, an archive, or music21")


def _count(source: str | Path) -> int:
    """About how many items a source has, for the progress bar."""
    return 0 if source == "music21" else sum(1 for _ in _items(source))


def _music21_items() -> Iterator[Item]:
    """The pieces of the collections that come with music21."""
    found = find_spec("music21")
    if found is None:
        raise DataError("music21 is not installed: pip install music21, or name a folder of MIDI files")
    corpus = Path(found.origin).parent / "corpus"
    for collection, most in MUSIC21_COLLECTIONS.items():
        files = [f for f in sorted((corpus / collection).rglob("*")) if f.suffix.lower() in MUSIC_SUFFIXES]
        for file in files[:most]:
            yield from _tunes(Item("music21", file.relative_to(corpus).as_posix(), file))


def _tunes(item: Item) -> Iterator[Item]:
    """The tunes of a tune book in ABC, whose tunes begin with a field X; any other file as it is."""
    if not item.name.lower().endswith(".abc"):
        yield item
        return
    content = item.content if isinstance(item.content, bytes) else item.content.read_bytes()
    tunes = re.split(rb"(?m)^(?=X:)", content)
    for number, tune in enumerate(tunes[1:] if len(tunes) > 1 else tunes, 1):
        yield item._replace(name=f"{item.name}#{number}", content=tune)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every piece of music in an archive."""
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if (
                    Path(entry.filename).suffix.lower() in MUSIC_SUFFIXES
                    and entry.file_size <= LARGEST_MEMBER
                ):
                    yield entry.filename, archive.read(entry)
        return
    with tarfile.open(path) as archive:
        for entry in archive:
            if (
                entry.isfile()
                and Path(entry.name).suffix.lower() in MUSIC_SUFFIXES
                and entry.size <= LARGEST_MEMBER
            ):
                yield entry.name, archive.extractfile(entry).read()


def _hear_all(items, total, representation, track, workers, quiet) -> Iterator[Heard]:
    """Every item heard, in a pool of processes if it pays, with a progress bar."""
    from tqdm import tqdm

    jobs = ((item, representation, track) for item in items)
    hidden = quiet or not sys.stderr.isatty()
    with tqdm(total=total or None, desc="reading", unit=" songs", disable=hidden) as bar:
        workers = workers or min(cpu_count() or 1, 16)
        if workers == 1 or total < 64:
            results = map(_hear, jobs)
            for one in results:
                bar.update()
                yield one
            return
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            for one in pool.map(_hear, jobs, chunksize=8):
                bar.update()
                yield one


def _hear(job) -> Heard:
    """The windows of one item; whatever goes wrong becomes a reason."""
    item, representation, track = job
    try:
        song = _read(item)
        windows, problems = representation.windows(song, track)
    except Exception as error:  # one bad file must not stop thousands of good ones
        return Heard(item.source, item.name, reason=_reason(error, item))
    if not len(windows):
        return Heard(item.source, item.name, reason=problems[0] if problems else "no windows")
    compressed = zlib.compress(np.ascontiguousarray(windows).tobytes(), 1)
    return Heard(item.source, item.name, "", _fingerprint(song), len(windows), compressed)


def _read(item: Item) -> Song:
    """The song of an item."""
    if item.name.lower().rpartition("#")[0].endswith(".abc"):
        import symusic

        return Song.read(symusic.Score.from_abc(item.content.decode("utf-8", "replace")))
    if isinstance(item.content, Path):
        return Song.read(item.content)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(item.name).name
        path.write_bytes(item.content)
        return Song.read(path)


def _reason(error: Exception, item: Item) -> str:
    """An error in one line, without the place of the file."""
    text = getattr(error, "reason", None) or str(error) or type(error).__name__
    text = text.replace(str(item.content), item.name) if isinstance(item.content, Path) else text
    return " ".join(text.split())[:200]


def _fingerprint(song: Song) -> str:
    """A hash of the pitched notes that neither key, tempo, ticks nor the place of the first note change."""
    notes = [track.notes for track in song.tracks if not track.is_drum and len(track.notes)]
    notes = np.concatenate(notes or [track.notes for track in song.tracks])
    start = (notes["start"] - notes["start"].min()) * 96 // song.ticks_per_quarter
    pitch = notes["pitch"].astype(np.int64) - notes["pitch"].min()
    return sha256(np.unique(start * 128 + pitch).astype("<i8").tobytes()).hexdigest()[:32]


def _split_of(songs: list[Heard], seed: int, fractions: tuple[float, float, float]) -> list[str]:
    """The split of each song."""
    bounds = np.cumsum(fractions) / sum(fractions)
    draws = [int(sha256(f"{seed}:{one.fingerprint}".encode()).hexdigest()[:12], 16) / 2**48 for one in songs]
    return [SPLITS[int(np.searchsorted(bounds, draw, "right"))] for draw in draws]


def _write(folder, kept, skipped, representation, track, seed, fractions) -> Corpus:
    """Write the arrays, the index and the table of skipped files, each beside its place, then renamed."""
    splits = _split_of(kept, seed, fractions)
    seen, duplicates, counts = np.zeros(0, np.uint64), 0, {}
    folder.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        songs = [i for i, one in enumerate(splits) if one == split]
        windows = _decompress([kept[i] for i in songs], representation)
        song = np.repeat(np.array(songs, np.int32), [kept[i].count for i in songs])
        keys = _keys(windows, representation)
        if split != "train":
            new = ~np.isin(keys, seen)
            duplicates += int(np.sum(~new))
            windows, song = windows[new], song[new]
        seen = np.union1d(seen, keys)
        counts[split] = len(windows)
        _save(folder / f"{split}.npy", windows)
        _save(folder / f"{split}_song.npy", song)
    index = {
        "representation": to_data(representation),
        "track": track,
        "seed": seed,
        "fractions": list(fractions),
        "sources": sorted({one.source for one in kept}),
        "windows": counts,
        "songs_per_split": {split: splits.count(split) for split in SPLITS},
        "duplicates": duplicates,
        "skipped": dict(Counter(reason for _, _, reason in skipped)),
        "songs": [f"{one.source}/{one.name}" for one in kept],
    }
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([("source", "file", "reason"), *skipped])
    _replace(folder / "skipped.csv", table.getvalue().encode())
    _replace(folder / "index.json", json.dumps(index, indent=1, ensure_ascii=False).encode())
    return Corpus.open(folder)


def _decompress(songs: list[Heard], representation) -> np.ndarray:
    """The windows of some songs, one after another."""
    shape = representation.shape
    windows = np.zeros((sum(one.count for one in songs), *shape), np.uint8)
    filled = 0
    for one in songs:
        rows = np.frombuffer(zlib.decompress(one.windows), np.uint8).reshape(one.count, *shape)
        windows[filled : filled + one.count] = rows
        filled += one.count
    return windows


def _keys(windows: np.ndarray, representation) -> np.ndarray:
    """A hash of each window [n, ...] that is the same in every key: of its lowest transposition."""
    factors = np.random.default_rng(0).integers(1, 2**63, windows[:1].size or 1, np.uint64) * 2 + 1
    chunks = range(0, len(windows), 4096)
    lowest = (
        representation.transpose(windows[i : i + 4096], np.full(len(windows[i : i + 4096]), -128))
        for i in chunks
    )
    hashes = [(low.reshape(len(low), -1) * factors).sum(axis=1, dtype=np.uint64) for low in lowest]
    return np.concatenate(hashes) if hashes else np.zeros(0, np.uint64)


def _save(path: Path, array: np.ndarray) -> None:
    """Write an array beside its place, then rename it."""
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        np.save(file, array)
    beside.replace(path)


def _replace(path: Path, content: bytes) -> None:
    """Write bytes beside their place, then rename them."""
    beside = path.with_suffix(".part")
    beside.write_bytes(content)
    beside.replace(path)
