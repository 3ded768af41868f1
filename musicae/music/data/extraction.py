"""Pieces of music to windows in files, while a corpus is built: in this process, or in several at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musicae.errors import in_one_line
from musicae.music.data.sources import Piece
from musicae.music.extraction import extract
from musicae.music.representations import Representation
from musicae.music.representations.tracks import title
from musicae.music.score.score import Score
from musicae.music.theory.retiming import on_beats

PIECES, BYTES = 32, 2**20  # that a process gets at once, of which the last piece may have more
AHEAD, BYTES_AHEAD = 3, 2**24  # batches for each process that wait or are read, and bytes for all


class Batch(NamedTuple):
    """Pieces for one process at a time.

    Args:
        first: the number of the first of them among all pieces.
        pieces: some pieces.
    """

    first: int
    pieces: list[Piece]

    @property
    def size(self) -> int:
        """The bytes of those pieces that are in memory."""
        return sum(map(_size, self.pieces))


def _size(piece: Piece) -> int:
    return len(piece.content) if isinstance(piece.content, bytes) else 0


class Extracted(NamedTuple):
    """What was extracted from a piece, or the reason why it has no windows; the windows themselves are in a file.

    Args:
        source: as of the piece.
        name: as of the piece.
        number: of the piece, among all.
        reason: why it has no windows.
        split: as of the piece.
        fingerprint: of its notes.
        quarters_per_minute: its tempo.
        count: of its windows.
        retimed: whether it was played without a click, and its beats and bars were found in its notes.
        shard: the file of its windows, and after them of their `keyless_hashes`.
        start: bytes in this file before them.
    """

    source: str
    name: str
    number: int
    reason: str = ""
    split: str = ""
    fingerprint: str = ""
    quarters_per_minute: float = 0.0
    count: int = 0
    retimed: bool = False
    shard: int = 0
    start: int = 0


Job = Callable[[Batch], list[Extracted]]


def batches(pieces: Iterable[Piece]) -> Iterator[Batch]:
    """Pieces in batches, whose sizes do not depend on who reads them."""
    batch, size = Batch(0, []), 0
    for piece in pieces:
        batch.pieces.append(piece)
        size += _size(piece)
        if len(batch.pieces) == PIECES or size >= BYTES:
            yield batch
            batch, size = Batch(batch.first + len(batch.pieces), []), 0
    if batch.pieces:
        yield batch


def extract_batch(
    batch: Batch, folder: Path, representation: Representation, track: int | str | None
) -> list[Extracted]:
    """Writes the windows of some pieces to a file in the folder, which is named after the first piece."""
    found = []
    with (folder / str(batch.first)).open("wb") as file:
        for number, piece in enumerate(batch.pieces, batch.first):
            one, windows = _extract(piece, representation, track)
            found.append(one._replace(number=number, shard=batch.first, start=file.tell()))
            if one.count:
                file.write(np.ascontiguousarray(windows, representation.dtype).tobytes())
                file.write(keyless_hashes(windows, representation).tobytes())
    return found


def _extract(piece: Piece, representation: Representation, track: int | str | None) -> tuple[Extracted, np.ndarray]:
    """The windows of one piece; what goes wrong becomes a reason: one file does not stop thousands."""
    one, none = Extracted(piece.source, piece.name, 0), np.zeros(0)
    if piece.problem:
        return one._replace(reason=piece.problem), none
    try:
        song = extract.read(representation, piece.content, piece.trusted)
        retimed = song if extract.is_strict(representation) else on_beats(song)
        windows, problems = extract.training_windows(representation, retimed, track)
    except Exception as error:
        return one._replace(reason=getattr(error, "reason", None) or in_one_line(error)), none
    if not len(windows):
        return one._replace(reason=problems[0].removeprefix(f"{title(song)}: ")), none
    one = one._replace(split=piece.split, fingerprint=fingerprint(song), count=len(windows))
    return one._replace(quarters_per_minute=mean_tempo(retimed), retimed=retimed is not song), windows


def mean_tempo(song: Score) -> float:
    """The tempo of a song in BPM (quarters), averaged over all of it."""
    return round(60 * song.end / song.ticks_per_quarter / song.seconds, 4)


def fingerprint(song: Score) -> str:
    """A hash of the pitched notes that neither key, tempo, ticks nor the time of the first note change."""
    notes = [track.notes for track in song.tracks if not track.is_drum and len(track.notes)]
    notes = np.concatenate(notes or [track.notes for track in song.tracks])
    start = (notes["start"] - notes["start"].min()) * 96 // song.ticks_per_quarter
    pitch = notes["pitch"].astype(np.int64) - int(notes["pitch"].min())
    return sha256(np.unique(start * 128 + pitch).astype("<i8").tobytes()).hexdigest()[:32]


def keyless_hashes(windows: np.ndarray, representation: Representation) -> np.ndarray:
    """A hash of each window [n, ...] that is the same in every key (of its lowest form): uint64 [n]."""
    size = max(int(np.prod(windows.shape[1:])), 1) * windows.dtype.itemsize
    at_a_time = max(2**22 // size, 1)
    hashes = [np.zeros(0, np.uint64)]
    for i in range(0, len(windows), at_a_time):
        some = windows[i : i + at_a_time]
        lowest = np.ascontiguousarray(representation.transpose(some, np.full(len(some), -128)))
        content = lowest.reshape(len(some), -1).view(np.uint8)
        hashes.append((content * _factors(size)).sum(axis=1, dtype=np.uint64))
    return np.concatenate(hashes)


@lru_cache(1)
def _factors(size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 2**63, size, np.uint64) * 2 + 1


# In several processes -------------------------------------------------------------------------


def in_processes(job: Job, waiting: Iterator[Batch], workers: int) -> Iterator[list[Extracted]]:
    """What pieces hold, extracted in a pool of processes. The pool lasts until a piece kills one of them."""
    context = get_context("spawn")  # a forked process may inherit a lock that a thread of torch holds
    more = True
    while more:
        more, crashed = False, []
        with ProcessPoolExecutor(workers, context) as pool:
            running: deque[tuple[Batch, Future]] = deque()
            for batch in waiting:
                try:
                    running.append((batch, pool.submit(job, batch)))
                except BrokenProcessPool:
                    crashed.append(batch)
                    more = True
                    break
                while len(running) > AHEAD * workers or sum(one.size for one, _ in running) > BYTES_AHEAD:
                    yield from _result(*running.popleft(), crashed)
            while running:
                yield from _result(*running.popleft(), crashed)
        yield from _one_by_one(job, crashed, context)


def _result(batch: Batch, future: Future, crashed: list[Batch]) -> Iterator[list[Extracted]]:
    """What was extracted from a batch, or the batch is put to those among which one killed a process."""
    try:
        yield future.result()
    except BrokenProcessPool:
        crashed.append(batch)


def _one_by_one(job: Job, crashed: list[Batch], context) -> Iterator[list[Extracted]]:
    """Pieces among which at least one kills the process that reads it: that one is found and skipped."""
    alone = (Batch(b.first + i, [piece]) for b in crashed for i, piece in enumerate(b.pieces))
    pool = ProcessPoolExecutor(1, context)
    try:
        for batch in alone:
            try:
                yield pool.submit(job, batch).result()
            except BrokenProcessPool:
                piece = batch.pieces[0]
                yield [Extracted(piece.source, piece.name, batch.first, "the reader crashed")]
                pool = ProcessPoolExecutor(1, context)
    finally:
        pool.shutdown()
