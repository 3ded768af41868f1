"""Files are read as pretty_midi reads them: compared with it on files with everything that its rules are about."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.making import END, file, meta, number
from musicae.errors import MidiError
from musicae.music.extraction import magenta
from musicae.music.extraction.instruments import read_instruments

ROOT = Path(__file__).parents[3]
CHANNEL, PITCH, VALUE = st.sampled_from([0, 1, 9]), st.sampled_from([60, 61, 38]), st.sampled_from([0, 1, 63, 64, 127])


def of(status: int, *data: st.SearchStrategy) -> st.SearchStrategy:
    return st.tuples(st.just(status), CHANNEL, *data).map(lambda one: bytes([one[0] | one[1], *one[2:]]))


def text(kind: int, data: st.SearchStrategy) -> st.SearchStrategy:
    return data.map(lambda one: meta(kind, one)[1:])


NOTES = of(0x90, PITCH, VALUE) | of(0x80, PITCH, VALUE)
OTHERS = st.one_of(
    of(0xC0, st.sampled_from([0, 5, 33])),
    of(0xB0, st.sampled_from([64, 7]), VALUE),
    of(0xE0, VALUE, VALUE),
    of(0xD0, VALUE),
    of(0xA0, PITCH, VALUE),
    text(0x03, st.binary(max_size=3)),
    text(0x51, st.sampled_from([b"\7\xa1\x20", b"\5\0\0", b"\0\1\2"])),
    text(0x58, st.sampled_from([b"\3\2\x18\x08", b"\4\2\x18\x08", b"\6\3\x18\x08"])),
    text(0x59, st.tuples(st.integers(-7, 7), st.booleans()).map(lambda key: bytes([key[0] % 256, key[1]]))),
    text(0x0A, st.just(b"?")),  # before which mido forgets the time
    text(0x05, st.just(b"la")),
    st.just(b"\xf0\2\1\xf7"),
)
EVENT = st.tuples(st.sampled_from([0, 0, 0, 1, 2, 200, 20_000]), st.one_of(NOTES, NOTES, NOTES, OTHERS), st.booleans())
TRACKS = st.lists(st.lists(EVENT, min_size=1, max_size=60), min_size=1, max_size=3)


def written(track: list) -> bytes:
    """A track; where it is wished for and allowed, events have the status of the one before."""
    out, last = b"", 0
    for delta, event, running in track:
        out += number(delta) + (event[1:] if running and event[0] == last and last < 0xF0 else event)
        last = last if event[0] == 0xFF else event[0]
    return out + END


def with_pretty_midi(data: bytes) -> pretty_midi.PrettyMIDI:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pretty_midi.PrettyMIDI(io.BytesIO(data))


def everything(source) -> tuple | str:
    """All that is read; or why there is nothing."""
    try:
        song = magenta.read(source)
    except MidiError as error:
        return error.reason
    tracks = [
        (one.program, one.is_drum, one.name, one.notes.tolist(), getattr(one, "pedal", None)) for one in song.tracks
    ]
    tracks = [(*one[:-1], None if one[-1] is None else one[-1].tolist()) for one in tracks]
    return tracks, song.ticks_per_quarter, song.tempos, song.time_signatures, song.key_signatures


@settings(max_examples=300)
@given(tracks=TRACKS, division=st.sampled_from([1, 96, 220, 480]))
def test_files_are_read_as_pretty_midi_reads_them(tracks, division):
    data = file(*map(written, tracks), division=division)
    music, found = with_pretty_midi(data), read_instruments(data)
    assert everything(data) == everything(music)
    draft = found.draft
    assert [(t.program, t.is_drum, t.name) for t in draft.tracks] == [
        (i.program, i.is_drum, i.name) for i in music.instruments
    ]
    rows = [
        (music.tick_to_time(int(start)), music.tick_to_time(int(end)), pitch, velocity)
        for start, end, pitch, velocity in draft.notes.tolist()
    ]
    expected = [
        (note.start, note.end, note.pitch, note.velocity)
        for one in music.instruments
        for note in sorted(one.notes, key=lambda note: note.start)
    ]
    assert rows == expected


@settings(max_examples=150)
@given(tracks=TRACKS, at=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_nothing_is_read_that_pretty_midi_refuses(tracks, at, byte):
    data = bytearray(file(*map(written, tracks)))
    data[at % len(data)] = byte
    found = read_instruments(bytes(data))
    if found and found.draft.notes["end"].max(initial=0) < 10**6:  # of later ones it says that they are too late
        assert everything(bytes(data)) == everything(with_pretty_midi(bytes(data)))


def test_no_metre_is_read_that_mido_refuses():
    for power in range(256):
        data = file(meta(0x58, bytes([4, power, 24, 8])) + b"\0\x90\x3c\x40\x10\x80\x3c\0" + END)
        if read_instruments(data):
            with_pretty_midi(data)


def test_notes_that_begin_together_are_in_the_order_of_their_ends():
    on = [b"\0\x99\x26\x64", b"\0\x99\x25\x28", b"\0\x99\x26\x28"]
    off = [b"\x10\x89\x25\0", b"\0\x89\x26\0"]
    (drums,) = magenta.read(file(b"".join(on + off) + END)).tracks
    assert drums.notes[["pitch", "velocity"]].tolist() == [(37, 40), (38, 100), (38, 40)]


@pytest.mark.parametrize("path", sorted((ROOT / "midi_samples").glob("*.mid")), ids=lambda path: path.stem)
def test_samples_are_read_as_pretty_midi_reads_them(path):
    assert read_instruments(path.read_bytes()) is not None
    assert everything(path) == everything(with_pretty_midi(path.read_bytes()))
