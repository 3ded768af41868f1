"""Reading: from any file or object that holds music to a `Score`."""

from __future__ import annotations

from pathlib import Path

from musicae.errors import FileError, MidiError
from musicae.files import MOST_BYTES, name_of, read_file
from musicae.music.formats import midi_reader, music21_, pretty_midi_, symusic_, text
from musicae.music.formats.draft import Draft, finish
from musicae.music.score.score import Score

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
        "symusic": lambda score: symusic_.with_words(score.to("tick")),
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
        return midi_reader.from_midi(data)
    return text.from_text(data, trusted)
