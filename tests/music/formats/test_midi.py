"""Writing MIDI files."""

from __future__ import annotations

import io
from dataclasses import replace

import mido
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from music.making import assert_same_music, notes, songs
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import KeySignature, Tempo, TimeSignature, Track
from musicae.music.song import Song


@settings(max_examples=60, deadline=None)
@given(songs())
def test_what_is_written_is_read_again(song):
    assert_same_music(song, Song.read(song.to_bytes()))


@settings(max_examples=20, deadline=None)
@given(songs(), st.integers(1, 10_000))
def test_writing_resamples_and_is_deterministic(song, unit):
    song = song.resample(unit)
    data = song.to_bytes()
    assert data == song.to_bytes()
    again = Song.read(data)
    assert again.ticks_per_quarter == 480
    assert again.changes == ()
    assert again.to_bytes()[-200:] == data[-200:]


def test_a_change_that_rounding_moves_to_the_end_is_left_out():
    """The reader leaves it out too, so that what is written is what is read."""
    track = Track(notes((0, 681, 60, 80)))
    song = Song((track,), key_signatures=(KeySignature(0, 1, False), KeySignature(680, 6, False)))
    coarse = song.resample(41)
    assert coarse.key_signatures == (KeySignature(0, 1, False),)
    assert Song.read(coarse.to_bytes()).to_bytes() == coarse.to_bytes()
    assert len(song.resample(960).key_signatures) == 2


def song_of(*programs: int, drums: int = 0) -> Song:
    tracks = [Track(notes((0, 480, 60, 80)), program, name=f"{i}") for i, program in enumerate(programs)]
    return Song(tuple(tracks + [Track(notes((0, 10, 36, 80)), is_drum=True)] * drums))


def test_the_file_is_what_a_daw_expects():
    song = replace(song_of(5, 7, drums=1), name="Lied", time_signatures=(TimeSignature(0, 3, 4),))
    written = mido.MidiFile(file=io.BytesIO(song.to_bytes()), charset="utf-8")
    assert (written.type, written.ticks_per_beat, len(written.tracks)) == (1, 480, 4)
    conductor, *others = written.tracks
    assert [m.type for m in conductor] == ["track_name", "time_signature", "set_tempo", "end_of_track"]
    assert {sum(message.time for message in track) for track in written.tracks} == {3 * 480}
    assert [track[-1].type for track in written.tracks] == ["end_of_track"] * 4
    channels = [{m.channel for m in track if not m.is_meta} for track in others]
    assert channels == [{0}, {1}, {9}]
    assert [m.program for track in others for m in track if m.type == "program_change"] == [5, 7, 0]


def test_many_tracks_share_channels_by_program():
    written = mido.MidiFile(file=io.BytesIO(song_of(*[i % 15 for i in range(40)], drums=2).to_bytes()))
    channels = [next(m.channel for m in track if m.type == "note_on") for track in written.tracks[1:]]
    assert channels[:15] == channels[15:30]
    assert len(set(channels[:15])) == 15
    assert 9 not in channels[:40]
    assert channels[40:] == [9, 9]
    assert len(Song.read(song_of(*range(40)).to_bytes()).tracks) == 40


def test_programs_that_share_a_channel_sound_as_they_are():
    """Forty programs in the file, eight at a time, another eight in each bar."""
    rows = [[(1920 * (i // 8), 1920 * (i // 8) + 480, 60 + i % 8, 80)] for i in range(40)]
    song = Song(tuple(Track(np.array(notes, NOTE), program=i) for i, notes in enumerate(rows)))
    written = mido.MidiFile(file=io.BytesIO(song.to_bytes()))
    programs, sounded = {}, set()
    tick = 0
    for message in mido.merge_tracks(written.tracks):
        tick += message.time
        if message.type == "program_change":
            programs[message.channel] = message.program
        if message.type == "note_on":
            sounded.add((tick, message.note, programs[message.channel]))
    assert sounded == {(notes[0][0], notes[0][2], i) for i, notes in enumerate(rows)}
    assert [track.program for track in Song.read(song.to_bytes()).tracks] == list(range(40))


def test_short_notes_survive_a_coarser_clock():
    song = Song((Track(notes((0, 1, 60, 80), (3, 4, 60, 80), (9000, 9001, 62, 80))),), ticks_per_quarter=9600)
    again = Song.read(song.to_bytes())
    assert (again.tracks[0].notes["end"] > again.tracks[0].notes["start"]).all()
    assert again.tracks[0].notes["pitch"].tolist() == [60, 62]


def test_every_key_and_tempo_survives():
    keys = tuple(KeySignature(480 * i, i % 15 - 7, i >= 15) for i in range(30))
    tempos = tuple(Tempo(480 * i, rate) for i, rate in enumerate((3.6, 20, 61.7, 120, 333.3, 999)))
    song = replace(Song((Track(notes((0, 480 * 40, 60, 80))),)), key_signatures=keys, tempos=tempos)
    again = Song.read(song.to_bytes())
    assert again.key_signatures == keys
    assert np.allclose([t.quarters_per_minute for t in again.tempos], [t[1] for t in tempos], rtol=1e-4)
