"""Reading: from any file or object that holds music to a `Score`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from musicae.errors import FileError, MidiError
from musicae.files import MOST_BYTES, name_of, read_file
from musicae.music.formats import music21_, pretty_midi_, repair, symusic_, text
from musicae.music.formats.draft import Draft, check_note_count, finish
from musicae.music.score.score import Score

_LONGEST_UNENDED = 4  # quarters: the length of a note which was never ended
_UNENDED = f"{{notes}} never ended: cut where the pitch begins again, or after {_LONGEST_UNENDED} beats"
_REFUSALS = RuntimeError, OverflowError, MemoryError, ValueError


def read(source) -> Score:
    """The music in `source`: see `Song.read`; a score as it is."""
    return source if isinstance(source, Score) else _read(source, trusted=False)


def read_trusted(source: bytes | str | Path) -> Score:
    """A file that comes with a dependency of this package, and no other: see `text.from_text`."""
    return _read(source, trusted=True)


def _read(source, trusted: bool) -> Score:
    where, name = "<bytes>", ""
    if isinstance(source, str | Path):
        where, path = source, Path(source)
        name = name_of(path)
        try:
            source = read_file(path)
        except FileError as error:
            raise MidiError(path, error.reason) from None
    elif not isinstance(source, bytes | bytearray | memoryview):
        where = f"<{type(source).__name__}>"
    try:
        return finish(_draft(source, trusted), name)
    except _REFUSALS as error:
        raise MidiError(where, _one_line(error)) from None


def _one_line(error: BaseException) -> str:
    """What `error` says, in one line."""
    return " ".join(str(error).split())[:300] or f"cannot be read ({type(error).__name__})"


def _draft(source, trusted: bool) -> Draft:
    """What the reader for the kind of `source` finds in it."""
    if isinstance(source, bytes | bytearray | memoryview):
        return _from_bytes(bytes(source), trusted)
    readers = {
        "pretty_midi": pretty_midi_.from_pretty_midi,
        "symusic": lambda score: symusic_.from_symusic(score.to("tick")),
        "music21": music21_.from_music21,
    }
    for kind in type(source).__mro__:
        package = kind.__module__.partition(".")[0]
        if package in readers:
            return readers[package](source)
    raise ValueError("is neither a path, nor bytes, a Song, PrettyMIDI, symusic Score or music21 stream")


def _from_bytes(data: bytes, trusted: bool) -> Draft:
    if len(data) > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES >> 20} MB, the limit")
    if not data.strip(b"\0\t\r\n "):
        raise ValueError("is empty")
    if b"MThd" in data[:4096]:
        return _from_midi(data)
    return text.from_text(data, trusted)


# MIDI -------------------------------------------------------------------------------------------


def _from_midi(data: bytes) -> Draft:
    """A MIDI file, parsed by symusic; what symusic refuses or garbles is rewritten event by event first."""
    tracks = repair.repair(data)
    score = _parsed(tracks.bodies, tracks.ticks_per_quarter)
    if score is None or any("\ufffd" in track.name for track in score.tracks):
        bodies, damaged = repair.rewrite(tracks.bodies)
        tracks = tracks._replace(bodies=bodies)
        tracks.changes.extend(["damaged events were repaired or left out"] * damaged)
        score = _parsed(bodies, tracks.ticks_per_quarter)
        if score and damaged and not score.note_num():
            raise ValueError("is damaged beyond repair: no whole note is left")
    if score is None:
        raise ValueError("is damaged beyond repair: its events make no sense")
    draft = symusic_.from_symusic(score)
    if unended := np.count_nonzero(_unended(draft.notes)):
        tracks.changes.extend([_UNENDED] * unended)
        bodies = repair.rewrite(tracks.bodies, end_repeated=True)[0]
        draft = symusic_.from_symusic(_parsed(bodies, tracks.ticks_per_quarter) or score)
        still = _unended(draft.notes)
        draft.notes["end"][still] = draft.notes["start"][still] + _LONGEST_UNENDED * draft.ticks_per_quarter
    draft.changes = tracks.changes
    _undo_overflow(draft.notes)
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
        score = symusic.Score.from_midi(repair.pack(bodies, ticks_per_quarter))
    except _REFUSALS:
        return None
    check_note_count(score.note_num())
    return score


def _unended(notes: np.ndarray) -> np.ndarray:
    """Which notes were only ended by `repair.pack`: bool, one for each."""
    return notes["end"] - notes["start"] >= repair.FOREVER


def _undo_overflow(notes: np.ndarray) -> None:
    """Undo the 32-bit overflow of times, which makes them negative; in place."""
    if notes["start"].min(initial=0) >= 0:
        return
    lost = notes["start"] & 1 << 32
    notes["start"] += lost
    notes["end"] += lost
