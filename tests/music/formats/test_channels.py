"""Which track of a song gets what the channels of its file set."""

from __future__ import annotations

import pytest

from music.making import END, file, meta, note
from musicae.music.score.controls import BANK, BEND, PEDAL, PROGRAM, VOLUME
from musicae.music.score.score import Text
from musicae.music.song import Song


def program(number: int, channel: int = 0) -> bytes:
    return bytes([0, 0xC0 | channel, number])


def control(number: int, value: int, channel: int = 0) -> bytes:
    return bytes([0, 0xB0 | channel, number, value])


def tracks(*bodies: bytes, kind: int = 1) -> list[tuple]:
    """(number, program, is_drum, notes, controls) of each track."""
    song = Song.read(file(*(body + END for body in bodies), kind=kind))
    return [(t.number, t.program, t.is_drum, len(t.notes), t.controls.tolist()) for t in song.tracks]


def test_a_track_is_one_whatever_its_programs():
    assert tracks(program(3) + note() + program(40) + note()) == [(1, 3, False, 2, [(480, PROGRAM, 40)])]


def test_a_channel_is_set_up_in_any_track():
    conductor = meta(3, b"set-up") + program(40, 2) + control(VOLUME, 90, 2)
    assert tracks(conductor, note(channel=2), note(channel=1)) == [
        (1, 40, False, 1, [(0, VOLUME, 90)]),
        (2, 0, False, 1, []),
    ]


def test_instruments_on_one_channel_keep_their_own():
    """As many programs write them: every track is on channel 1."""
    assert tracks(program(40) + control(VOLUME, 9) + note(), program(3) + note()) == [
        (1, 40, False, 1, [(0, VOLUME, 9)]),
        (2, 3, False, 1, []),
    ]


def test_two_hands_share_a_pedal():
    both = [(0, PEDAL, 127)]
    assert [t[4] for t in tracks(control(PEDAL, 127) + note(72), note(48))] == [both, both]


def test_numbers_are_those_of_the_file():
    conductor, empty = meta(3, b"conductor"), b""
    assert [t[0] for t in tracks(conductor, note(), empty, note(channel=1))] == [1, 3]
    assert [t[0] for t in tracks(note(), empty, note(channel=1))] == [1, 3]
    assert [t[0] for t in tracks(note(), note(channel=1) + note(channel=2), note(channel=3))] == [1, 2, 2, 3]


def test_all_parts_in_one_track_are_numbered():
    body = b"".join(program(5 * channel, channel) + note(channel=channel) for channel in range(3))
    assert [t[:2] for t in tracks(body, kind=0)] == [(1, 0), (2, 5), (3, 10)]


def test_drums_on_other_channels_as_the_file_asks():
    gs = b"\0\xf0\x0a\x41\x10\x42\x12\x40\x1a\x15\x02\x0f\xf7"  # channel 11
    off = b"\0\xf0\x0a\x41\x10\x42\x12\x40\x10\x15\x00\x1b\xf7"  # channel 10
    assert [t[2] for t in tracks(gs + note(36, channel=10), note(channel=1), note(36, channel=9))] == [
        True,
        False,
        True,
    ]
    assert [t[2] for t in tracks(off + note(36, channel=9))] == [False]
    assert [t[2] for t in tracks(control(BANK, 120, 3) + program(0, 3) + note(36, channel=3))] == [True]
    assert "drums" in " ".join(Song.read(file(gs + note(36, channel=10) + END)).changes)


def test_running_status_of_programs_and_controls():
    body = b"\0\xb0\x07\x40\0\x0a\x20\0\xc0\x05\0\x06" + note()
    assert tracks(body) == [(1, 6, False, 1, [(0, VOLUME, 64), (0, 10, 32)])]


def test_words_are_kept():
    song = Song.read(file(meta(2, b"by me") + END, note() + meta(5, b"la") + meta(6, "Überl".encode("cp1252")) + END))
    assert song.texts == (Text(0, "copyright", "by me"), Text(480, "lyrics", "la"), Text(480, "marker", "Überl"))
    assert Song.read(song.to_bytes()).texts == song.texts


def test_what_is_written_is_read_again():
    body = program(3) + control(BANK, 8) + control(VOLUME, 90) + program(4) + note() + program(9) + note()
    first = Song.read(file(meta(3, b"A") + body + END, note(40, channel=9) + END))
    again = Song.read(first.to_bytes())
    for one, other in zip(first.tracks, again.tracks, strict=True):
        assert (one.program, one.name, one.controls.tolist()) == (other.program, other.name, other.controls.tolist())
    assert again.to_bytes() == first.to_bytes()


def test_controls_long_after_the_music_are_left_out():
    late = b"\xff\xff\xff\x7f\xb0\x07\x40"
    assert tracks(note() + late) == [(1, 0, False, 1, [])]


@pytest.mark.parametrize("through", ["to_pretty_midi", "to_symusic"])
def test_other_libraries_get_them_and_give_them_back(through):
    bend = b"\0\xe0\x7f\x7f"
    first = Song.read(file(control(VOLUME, 90) + bend + note() + control(PEDAL, 9) + meta(6, b"B") + END))
    again = Song.read(getattr(first, through)())
    assert again.tracks[0].controls.tolist() == [(0, VOLUME, 90), (0, BEND, 8191), (480, PEDAL, 9)]
    assert through == "to_pretty_midi" or again.texts == first.texts
