"""Broken MIDI files are repaired, and what was repaired is reported."""

from __future__ import annotations

import pytest

from music.making import END, GOOD, ONE_NOTE, SCALE, chunk, file, header, meta, note, number, pitches
from musicae.errors import MidiError
from musicae.music.song import Song

REPAIRED = {
    "RIFF wrapper": (b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + GOOD, "before its header"),
    "MacBinary header": (bytes(128) + GOOD, "before its header"),
    "header of 10 bytes": (b"MThd\0\0\0\x0a" + GOOD[8:14] + bytes(4) + GOOD[14:], "header was 10 bytes"),
    "length too long": (header() + chunk(SCALE + END, 9999), "wrong length"),
    "length of 2^32 - 1": (header() + chunk(SCALE + END, 2**32 - 1), "wrong length"),
    "length too short": (header() + chunk(SCALE + END, 8), "wrong length"),
    "length 0": (header() + chunk(SCALE + END, 0), "wrong length"),
    "no end of track": (file(SCALE), "no end"),
    "chunk before the track": (header() + chunk(b"abcd", tag=b"XFIH") + chunk(SCALE + END), "not a track"),
    "chunk after the track": (GOOD + chunk(b"abcd", tag=b"XFIH"), "not a track"),
    "a track too few": (header(5) + chunk(SCALE + END), "1 of the 5"),
    "data above 127": (file(SCALE.replace(b"\x90\x3c\x40", b"\x90\xbc\x40") + END), "damaged"),
    "undefined status": (file(b"\0\xf4" + SCALE + END), "damaged"),
    "frames of film": (file(SCALE + END, division=(256 - 25) << 8 | 40), "SMPTE"),
    "format 2": (file(SCALE + END, kind=2), "format 2"),
    "tempo 0": (file(meta(0x51, bytes(3)) + SCALE + END), "impossible tempo (inf"),
    "time signature 0/1": (file(meta(0x58, b"\0\0\x18\x08") + SCALE + END), "time signature (0/1)"),
    "time signature 4/2^255": (
        file(meta(0x58, b"\4\xff\x18\x08") + SCALE + END),
        "impossible time signature",
    ),
    "18 sharps": (file(meta(0x59, b"\x12\0") + SCALE + END), "key signature"),
}


@pytest.mark.parametrize("name", REPAIRED)
def test_damage_is_repaired_and_reported(name):
    data, change = REPAIRED[name]
    song = Song.read(data)
    assert pitches(song) == list(range(60, 68))
    assert change in " ".join(song.changes)
    assert Song.read(song.to_bytes()).changes == ()


@pytest.mark.parametrize("kept", range(22, len(GOOD), 5))
def test_a_file_cut_short_keeps_every_note_that_is_whole(kept):
    data = GOOD[:kept]
    whole = data[22:].count(b"\x90")
    if not whole:
        with pytest.raises(MidiError):
            Song.read(data)
    else:
        assert whole - 1 <= len(pitches(Song.read(data))) <= whole


def test_a_track_of_wrong_length_leaves_the_next_one_whole():
    other = note(72) + END
    for length in (3, 20, len(SCALE) + 30, 2**32 - 1):
        song = Song.read(header(2) + chunk(SCALE + END, length) + chunk(other))
        assert pitches(song) == [*range(60, 68), 72]


def test_notes_never_ended_are_ended():
    begun = b"".join(number(480 * (i > 0)) + bytes([0x90, 60, 64]) for i in range(5))
    song = Song.read(file(begun + END))
    expected = [(480 * i, 480 * i + 480, 60, 64) for i in range(4)] + [(1920, 3840, 60, 64)]
    assert song.tracks[0].notes.tolist() == expected
    assert "never ended" in song.changes[0]


@pytest.mark.parametrize("channels", [[0], [9], [15], [0, 3, 15]])
def test_notes_never_ended_are_ended_on_every_channel(channels):
    begun = b"".join(bytes([0, 0x90 | channel, 60, 64]) for channel in channels)
    song = Song.read(file(begun + END))
    assert [track.notes.tolist() for track in song.tracks] == [[(0, 1920, 60, 64)]] * len(channels)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Скрипка".encode(), "Скрипка"),
        ("ピアノ".encode(), "ピアノ"),
        (b"Fl\xf6te", "Flöte"),
        (b"\xe9\xff", "éÿ"),
    ],
)
def test_names_in_any_encoding(written, name):
    assert Song.read(file(meta(3, written) + ONE_NOTE)).tracks[0].name == name


def test_frames_of_film_keep_their_seconds():
    song = Song.read(file(note(length=1000) + END, division=(256 - 25) << 8 | 40))
    assert song.seconds == pytest.approx(1)
