"""What readers find becomes a score that keeps its promises."""

from __future__ import annotations

from music.making import END, ONE_NOTE, file, meta, note
from musicae.music.song import Song


def test_zero_bytes_that_end_a_name_are_none_of_it():
    song = Song.read(file(meta(3, b"Prelude\0\0") + ONE_NOTE))
    assert song.tracks[0].name == "Prelude"


def test_zero_length_doubled_and_overlapping_notes():
    zero = Song.read(file(note(length=0) + END))
    assert zero.tracks[0].notes.tolist() == [(0, 1, 60, 64)]
    assert zero.changes == ("1 note without length made one tick long",)
    ons, offs = b"\0\x90\x3c\x40" + b"\0\x90\x3c\x50", b"\x60\x80\x3c\0" + b"\x60\x80\x3c\0"
    doubled = Song.read(file(ons + offs + END))
    assert doubled.tracks[0].notes.tolist() == [(0, 192, 60, 0x50)]
    assert doubled.changes == ("1 note doubled by another left out",)
    ons = b"\0\x90\x3c\x40" + b"\x60\x90\x3c\x50"
    overlapping = Song.read(file(ons + offs + END))
    assert overlapping.tracks[0].notes.tolist() == [(0, 96, 60, 0x40), (96, 288, 60, 0x50)]
    assert overlapping.changes == ("1 note cut where the pitch begins again",)
