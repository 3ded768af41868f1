"""Reading: from any file or object that holds music to a `Song` that the rest can rely on."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from musicae.errors import MidiError
from musicae.music import mending
from musicae.music.song import (
    NOTE,
    KeySignature,
    Song,
    Tempo,
    TimeSignature,
    Track,
    cut_repeated,
    in_order,
    merge,
    steady,
)

MOST_BYTES = 16 * 2**20
_MOSTLY = 2**16  # bytes that hold most files; to make room for the largest each time would take longer than to read
MOST_QUARTERS = 20_000
MOST_NOTES = 200_000
MOST_CHANGES = 100_000  # of tempo, metre and key
_LONGEST_UNENDED = 4  # quarters that a note lasts which was never ended
_UNENDED = f"{{notes}} never ended: cut where the pitch begins again, or after {_LONGEST_UNENDED} quarters"
_REFUSALS = RuntimeError, OverflowError, MemoryError, ValueError


@dataclass
class Draft:
    """What a reader found, before it is checked: a song whose records may hold anything.

    Attributes:
        notes: NOTE records of all tracks, one track after the other.
        bounds: where the notes of each track begin, and where those of the last end.
        tracks: each still without its notes.
    """

    ticks_per_quarter: int
    notes: np.ndarray = field(default_factory=lambda: np.zeros(0, NOTE))
    bounds: list[int] = field(default_factory=lambda: [0])
    tracks: list[Track] = field(default_factory=list)
    tempos: list[tuple] = field(default_factory=list)
    time_signatures: list[tuple] = field(default_factory=list)
    key_signatures: list[tuple] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)


def read(source) -> Song:
    """See `Song.read`."""
    where, name = "<bytes>", ""
    if isinstance(source, str | Path):
        where, path = source, Path(source)
        name, source = path.stem, _contents(path)
    elif not isinstance(source, bytes | bytearray | memoryview):
        where = f"<{type(source).__name__}>"
    try:
        return finish(_draft(source), name)
    except _REFUSALS as error:
        raise MidiError(where, _one_line(error)) from None


def _one_line(error: BaseException) -> str:
    """What `error` says, in one line."""
    return " ".join(str(error).split())[:300] or f"cannot be read ({type(error).__name__})"


def _contents(path: Path) -> bytes:
    """The bytes of a file of reasonable size."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOSTLY)
            return data if len(data) < _MOSTLY else data + file.read(MOST_BYTES + 1 - _MOSTLY)
    except FileNotFoundError:
        raise MidiError(path, "there is no such file") from None
    except (OSError, ValueError) as error:
        if path.is_dir():
            raise MidiError(path, "is a folder; name a file in it") from None
        raise MidiError(path, f"cannot be opened: {getattr(error, 'strerror', None) or error}") from None


def _draft(source) -> Draft:
    """What the reader for the kind of `source` finds in it."""
    from musicae.music import exchange

    if isinstance(source, bytes | bytearray | memoryview):
        return _from_bytes(bytes(source))
    readers = {
        "pretty_midi": exchange.from_pretty_midi,
        "symusic": lambda score: exchange.from_symusic(score.to("tick")),
        "music21": exchange.from_music21,
    }
    for kind in type(source).__mro__:
        package = kind.__module__.partition(".")[0]
        if package in readers:
            return readers[package](source)
    raise ValueError("is neither a path, nor bytes, a Song, PrettyMIDI, symusic Score or music21 stream")


def _from_bytes(data: bytes) -> Draft:
    from musicae.music import exchange

    if len(data) > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES >> 20} MB, the limit")
    if not data.strip(b"\0\t\r\n "):
        raise ValueError("is empty")
    if b"MThd" in data[:4096]:
        return _from_midi(data)
    text = _decoded(_unzipped(data) if data[:4] == b"PK\x03\x04" else data)
    if re.search(r"^X:\s*\d", text, re.MULTILINE) and re.search(r"^K:", text, re.MULTILINE):
        return exchange.from_abc(text)
    if re.search(r"<score-(partwise|timewise)", text):
        return exchange.from_notation(text, "musicxml")
    if re.search(r"^\*\*kern", text, re.MULTILINE):
        return exchange.from_notation(text, "humdrum")
    if data.startswith(b"SMF2CLIP"):
        raise ValueError("is a MIDI 2.0 clip, which cannot be read; export it as a standard MIDI file")
    raise ValueError("is not music that can be read: neither MIDI, MusicXML, ABC nor kern")


def _unzipped(data: bytes) -> bytes:
    """The score inside compressed MusicXML."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            scores = [
                entry
                for entry in archive.infolist()
                if not entry.filename.startswith("META-INF") and entry.filename.endswith((".xml", ".musicxml"))
            ]
            if not scores or scores[0].file_size > MOST_BYTES:
                raise ValueError("is an archive without a score of reasonable size; unpack it first")
            return archive.read(scores[0])
    except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError) as error:
        raise ValueError(f"is a damaged archive: {error}") from None


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


# MIDI -------------------------------------------------------------------------------------------


def _from_midi(data: bytes) -> Draft:
    """A MIDI file, parsed by symusic; what it refuses or garbles is rewritten event by event first."""
    from musicae.music.exchange import from_symusic

    tracks = mending.repair(data)
    score = _parsed(tracks.bodies, tracks.ticks_per_quarter)
    if score is None or any("\ufffd" in track.name for track in score.tracks):
        bodies, damaged = mending.rewrite(tracks.bodies)
        tracks = tracks._replace(bodies=bodies)
        tracks.changes.extend(["damaged events were mended or left out"] * damaged)
        score = _parsed(bodies, tracks.ticks_per_quarter)
        if score and damaged and not score.note_num():
            raise ValueError("is damaged beyond repair: no whole note is left")
    if score is None:
        raise ValueError("is damaged beyond repair: its events make no sense")
    draft = from_symusic(score)
    if unended := np.count_nonzero(_unended(draft.notes)):
        tracks.changes.extend([_UNENDED] * unended)
        bodies = mending.rewrite(tracks.bodies, end_repeated=True)[0]
        draft = from_symusic(_parsed(bodies, tracks.ticks_per_quarter) or score)
        still = _unended(draft.notes)
        draft.notes["end"][still] = draft.notes["start"][still] + _LONGEST_UNENDED * draft.ticks_per_quarter
    draft.changes = tracks.changes
    _bring_to_earth(draft.notes)
    if tracks.ticks_per_second:
        draft.tempos = [(0, 60 * tracks.ticks_per_second / draft.ticks_per_quarter)]
    return draft


def _parsed(bodies: list[bytes], ticks_per_quarter: int):
    """symusic's score, or None where it finds none.

    Raises:
        ValueError: it holds far too many notes.
    """
    import symusic

    try:
        score = symusic.Score.from_midi(mending.pack(bodies, ticks_per_quarter))
    except _REFUSALS:
        return None
    _check_count(score.note_num())
    return score


def _check_count(notes: int) -> None:
    if notes > MOST_NOTES:
        raise ValueError(f"has {notes:,} notes; the limit is {MOST_NOTES:,}")


def check_changes(count: int) -> None:
    """Refuses absurdly many changes of tempo, metre and key with a ValueError."""
    if count > MOST_CHANGES:
        raise ValueError(f"has {count:,} changes of tempo, metre or key; the limit is {MOST_CHANGES:,}")


def _unended(notes: np.ndarray) -> np.ndarray:
    """Which notes were only ended by `mending.pack`: bool, one for each."""
    return notes["end"] - notes["start"] >= mending.FOREVER


def _bring_to_earth(notes: np.ndarray) -> None:
    """Undoes 32-bit overflow of times, which makes them negative; in place."""
    lost = notes["start"] & 1 << 32
    notes["start"] += lost
    notes["end"] += lost


# Checking ---------------------------------------------------------------------------------------


def finish(draft: Draft, name: str = "") -> Song:
    """A song that keeps every promise of `Song`; what had to be changed for that is said.

    Raises:
        ValueError: it has no notes, or absurdly many or late ones.
    """
    _check(draft)
    said = list(draft.changes)
    tracks = _tracks(draft, said)
    end = max(int(track.notes["end"].max()) for track in tracks)
    return Song(
        tracks,
        draft.ticks_per_quarter,
        _tempos(draft.tempos, end, said),
        _time_signatures(draft.time_signatures, end, said),
        _key_signatures(draft.key_signatures, end, said),
        name,
        _counted(said),
    )


def _check(draft: Draft) -> None:
    if not len(draft.notes):
        raise ValueError("has no notes")
    if draft.ticks_per_quarter < 1:
        raise ValueError(f"says that a quarter note has {draft.ticks_per_quarter} ticks")
    _check_count(len(draft.notes))
    first, last = int(draft.notes["start"].min()), int(draft.notes["end"].max()) / draft.ticks_per_quarter
    if first < 0:
        raise ValueError(f"has a note before the beginning, at tick {first}")
    if last > MOST_QUARTERS:
        raise ValueError(f"has a note {last:,.0f} quarters from the beginning; the limit is {MOST_QUARTERS:,}")


def _tracks(draft: Draft, said: list[str]) -> tuple[Track, ...]:
    """The tracks that have notes, with these tidy; what that changed is added to `said`.

    One pass sees to all: as if each track were played after the one before it.
    """
    length = 1 + max(int(draft.notes[time].max()) for time in ("start", "end"))
    starts = np.arange(len(draft.bounds)) * length
    _delay(draft.notes, np.repeat(starts[:-1], np.diff(draft.bounds)))
    notes = _tidied(draft.notes, said)
    bounds = np.searchsorted(notes["start"], starts)
    _delay(notes, -np.repeat(starts[:-1], np.diff(bounds)))
    return tuple(_named(track) for track in with_notes(draft.tracks, notes, bounds.tolist()) if len(track.notes))


def _named(track: Track) -> Track:
    """The track, its name without the zero bytes that end it in some files."""
    return replace(track, name=track.name.rstrip("\0")) if track.name.endswith("\0") else track


def with_notes(tracks: list[Track], notes: np.ndarray, bounds: list[int]) -> Iterator[Track]:
    """The tracks of a `Draft` with their notes."""
    return (replace(track, notes=notes[i:j]) for track, (i, j) in zip(tracks, pairwise(bounds), strict=True))


def _delay(notes: np.ndarray, ticks: np.ndarray) -> None:
    """Moves notes by so many ticks each, in place."""
    notes["start"] += ticks
    notes["end"] += ticks


def _tidied(notes: np.ndarray, said: list[str]) -> np.ndarray:
    """Tidy notes, and what that changed."""
    empty = np.count_nonzero(notes["end"] <= notes["start"])
    merged = merge(notes)
    cut = cut_repeated(merged)
    said += ["{notes} without length made one tick long"] * empty
    said += ["{notes} doubled by another left out"] * (len(notes) - len(merged))
    if cut is not merged:
        said += ["{notes} cut where the pitch begins again"] * np.count_nonzero(cut["end"] < merged["end"])
    return in_order(cut)


def _counted(said: list[str]) -> tuple[str, ...]:
    """Each sentence once, with the number of notes or tracks that it is about."""
    counts = Counter(said).items()
    return tuple(text.format(notes=_number(n, "note"), tracks=_number(n, "track")) for text, n in counts)


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}" + "s" * (count != 1)


def _within(changes: list[tuple], end: int) -> list[tuple]:
    """Those that anything sounding can notice."""
    return [change for change in changes if 0 <= change[0] < end]


def _tempos(tempos: list[tuple], end: int, said: list[str]) -> tuple[Tempo, ...]:
    good, bad = [Tempo(0, 120.0)], set()
    for tick, rate in _within(tempos, end):
        if 3 <= rate <= 1000:
            good.append(Tempo(tick, rate))
        else:
            bad.add(f"an impossible tempo ({rate:.4g} quarters a minute) was ignored")
    said += sorted(bad)
    return steady(good)


def _time_signatures(signatures: list[tuple], end: int, said: list[str]) -> tuple[TimeSignature, ...]:
    good, bad = [TimeSignature(0, 4, 4)], set()
    for tick, numerator, denominator in _within(signatures, end):
        if 1 <= numerator <= 64 and denominator in (1, 2, 4, 8, 16, 32, 64):
            good.append(TimeSignature(tick, numerator, denominator))
        else:
            bad.add(f"an impossible time signature ({numerator}/{denominator}) was ignored")
    said += sorted(bad)
    return steady(good)


def _key_signatures(keys: list[tuple], end: int, said: list[str]) -> tuple[KeySignature, ...]:
    keys = _within(keys, end)
    good = [KeySignature(tick, sharps, bool(minor)) for tick, sharps, minor in keys if abs(sharps) <= 7]
    said += ["a key signature that does not exist was ignored"] * (len(good) < len(keys))
    return steady(good)
