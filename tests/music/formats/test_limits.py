"""What is saved is read again, however large or odd it is; what could not be read again is not saved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.making import notes
from musicae.errors import Error, MidiError
from musicae.music.formats import draft
from musicae.music.formats.draft import LONGEST_NAME, MOST_CHANGES, MOST_NOTES, MOST_QUARTERS, MOST_TRACKS, check_score
from musicae.music.score.controls import CONTROL
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import KeySignature, Tempo, Text, TimeSignature, Track
from musicae.music.song import Song


def saved(song: Song) -> Song:
    """A song saved and read, and that saved and read again, which changes nothing more."""
    once = Song.read(song.to_bytes())
    check_score(once)
    twice = Song.read(once.to_bytes())
    assert twice.to_bytes() == once.to_bytes()
    assert sum(len(track.notes) for track in once.tracks) == sum(len(track.notes) for track in song.tracks)
    return once


def chunk(body: bytes) -> bytes:
    body += b"\0\xff\x2f\0"
    return b"MTrk" + len(body).to_bytes(4) + body


def midi(bodies: list[bytes], division: int = 480) -> bytes:
    count = min(len(bodies), 0xFFFF)
    return b"MThd\0\0\0\6\0\1" + count.to_bytes(2) + division.to_bytes(2) + b"".join(map(chunk, bodies))


ONE = b"\0\x90\x3c\x40\x60\x80\x3c\0"


@pytest.mark.parametrize("conductor", [[], [b""]])
def test_as_many_tracks_as_can_be_read_can_be_saved(conductor):
    song = Song.read(midi([*conductor, *[ONE] * 1000]))
    assert len(saved(song).tracks) == 1000


def test_tracks_of_several_channels_are_counted_as_they_are_read():
    many = b"".join(bytes([0, 0x90 | i, 60, 64, 0x60, 0x80 | i, 60, 0]) for i in range(16))
    assert len(saved(Song.read(midi([many] * 62))).tracks) == 992
    with pytest.raises(MidiError, match="tracks; the limit is 1,000"):
        Song.read(midi([many] * 63))
    with pytest.raises(MidiError, match="more than 1000 tracks"):
        Song.read(midi([ONE] * 1002))


@settings(max_examples=25)
@given(st.integers(1, 2**15 - 1), st.data())
def test_late_notes_of_any_resolution_are_saved(unit, data):
    start = MOST_QUARTERS * unit - data.draw(st.integers(0, 2))
    end = min(start + data.draw(st.integers(1, unit + 2)), (MOST_QUARTERS + 1) * unit)
    first = data.draw(st.integers(0, 3 * unit))
    song = Song((Track(notes((first, first + 1, 60, 80), (start, max(end, start + 1), 60, 80))),), unit)
    check_score(song)
    assert saved(song).end <= (MOST_QUARTERS + 1) * 480


def test_a_note_without_length_at_the_last_tick_is_saved():
    delta = bytes([0x80 | 9_600_000 >> 21, 0x80 | 9_600_000 >> 14 & 127, 0x80 | 9_600_000 >> 7 & 127, 9_600_000 & 127])
    saved(Song.read(midi([delta + b"\x90\x3c\x40\0\x80\x3c\0"])))


@settings(max_examples=25)
@given(
    st.integers(1, 2**15 - 1),
    st.lists(st.text(max_size=700), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 200_000), st.floats(3, 1000)), max_size=50),
    st.data(),
)
def test_odd_scores_are_saved(unit, names, tempos, data):
    """Many tracks of any name and program, tempos in any order, words and keys between the notes."""
    latest = min(200_000, MOST_QUARTERS * unit - 50)
    times = data.draw(st.lists(st.integers(0, latest), min_size=len(names), max_size=len(names)))
    tracks = tuple(
        Track(notes((time, time + 1 + i, i, 1 + i)), i, i % 7 == 0, name)
        for i, (time, name) in enumerate(zip(times, names, strict=True))
    )
    texts = tuple(Text(tick, "lyrics", names[0]) for tick in sorted(times) if names[0])
    keys = tuple(KeySignature(tick, tick % 15 - 7, bool(tick % 2)) for tick in sorted(set(times)))
    metres = (TimeSignature(0, 4, 4), *(TimeSignature(tick, 1 + tick % 64, 64) for tick in sorted(set(times) - {0})))
    rates = {0: 120.0} | dict(sorted(tempos))
    changes = tuple(Tempo(tick, rate) for tick, rate in sorted(rates.items()))
    song = Song(tracks, unit, changes, metres, keys, names[-1], texts=texts)
    Song.read(song.to_bytes())
    again = Song.read(Song.read(song.to_bytes()).to_bytes())
    assert len(again.tracks) == len(tracks)


def test_as_many_changes_as_can_be_read_can_be_saved(monkeypatch):
    monkeypatch.setattr(draft, "MOST_CHANGES", 100)
    quick = b"".join(b"\1\xff\x51\3" + (500_000 - i).to_bytes(3) for i in range(101))
    long = b"\0\x90\x3c\x40\x87\x68\x80\x3c\0"
    for count in (97, 98, 99):
        saved(Song.read(midi([quick[: 7 * count], long])))
    with pytest.raises(MidiError, match="the limit is 100"):
        Song.read(midi([quick, long]))


def test_long_names_and_many_words_are_cut_and_said(monkeypatch):
    name = b"\xff\x03\x83\x60" + b"n" * 480
    assert saved(Song.read(midi([b"\0" + name + ONE]))).tracks[0].name == 480 * "n"
    long = b"\0\xff\x03\x84\x58" + b"\xe9" * 600
    song = Song.read(midi([long + ONE] * 3))
    assert {len(track.name) for track in song.tracks} == {LONGEST_NAME}
    assert song.changes == ("the names of 3 tracks cut to 500 characters",)
    assert saved(song).changes == ()
    monkeypatch.setattr(draft, "MOST_CHARACTERS", 25)
    words = b"".join(b"\0\xff\x05\x0a" + b"l" * 10 for _ in range(4))
    song = Song.read(midi([words + ONE]))
    assert song.changes == ("the last 2 of 4 words and markers were left out",)
    assert len(saved(song).texts) == 2


def test_controls_of_a_shared_channel_do_not_grow_beyond_the_limit(monkeypatch):
    from musicae.music.formats import channels

    for module in (draft, channels):
        monkeypatch.setattr(module, "MOST_CONTROLS", 100)
    volume = np.array([(i, 7, i) for i in range(90)], CONTROL)
    tracks = (
        Track(notes((0, 480, 60, 80)), controls=volume),
        *[Track(notes((0, 480, 61 + i, 80))) for i in range(20)],
    )
    saved(Song(tracks))


@pytest.mark.parametrize(
    ("song", "reason"),
    [
        (Song((Track(notes((0, 1, 60, 80))),) * (MOST_TRACKS + 1)), "tracks; the limit is 1,000"),
        (Song((Track(notes((0, 20_002 * 480, 60, 80))),)), "beats from the beginning; the limit is 20,000"),
        (Song((Track(np.zeros(MOST_NOTES + 1, NOTE)),)), "notes; the limit is 200,000"),
        (Song(tempos=(Tempo(0, 120.0),) * MOST_CHANGES), "changes of tempo, metre or key"),
    ],
)
def test_what_could_not_be_read_again_is_not_saved(tmp_path, song, reason):
    with pytest.raises(Error, match=reason):
        replace(song, name="x").save(tmp_path / "x.mid")
    assert not list(tmp_path.iterdir())
