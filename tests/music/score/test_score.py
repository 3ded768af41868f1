"""Time in a score; cutting, joining and resampling."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from music.making import GOOD, assert_same_music, notes
from musicae.music.score.score import Tempo, TimeSignature, Track
from musicae.music.song import Song


def test_seconds_follow_the_tempo_map():
    song = replace(Song.read(GOOD), tempos=(Tempo(0, 60.0), Tempo(480, 120.0)))
    assert song.tick_to_seconds([0, 240, 480, 960]).tolist() == [0, 0.5, 1, 1.5]
    assert song.tick_to_seconds(np.zeros((2, 3))).shape == (2, 3)
    assert song.seconds == pytest.approx(1 + 7 * 0.5)


@pytest.mark.parametrize(
    ("metres", "end", "line"),
    [
        ([(0, 4, 4)], 1, 1920),
        ([(0, 4, 4)], 1920, 1920),
        ([(0, 4, 4)], 1921, 3840),
        ([(0, 3, 4), (1440, 6, 8)], 1441, 2880),
        ([(0, 4, 4), (1920, 3, 4)], 1920, 1920),
        ([(0, 4, 4), (1000, 7, 8)], 1001, 2680),
    ],
)
def test_the_last_bar_line(metres, end, line):
    song = Song((Track(notes((0, end, 60, 80))),), time_signatures=tuple(TimeSignature(*m) for m in metres))
    assert song.bars_end == line
    assert Song().bars_end == 1920


def test_a_slice_keeps_what_is_in_force():
    song = replace(
        Song.read(GOOD),
        tempos=(Tempo(0, 60.0), Tempo(960, 90.0), Tempo(1500, 100.0), Tempo(3000, 50.0)),
        time_signatures=(TimeSignature(0, 2, 4),),
    )
    part = song.slice(1440, 2200)
    assert part.tracks[0].notes.tolist() == [(0, 480, 63, 64), (480, 760, 64, 64)]
    assert part.tempos == ((0, 90.0), (60, 100.0))
    assert part.time_signatures == ((0, 2, 4),)
    assert song.slice(100, 101).end == 0


def test_songs_follow_each_other_on_bar_lines():
    a = Song.read(GOOD).slice(0, 960)
    b = replace(a.resample(96), tempos=(Tempo(0, 90.0),), changes=("said",))
    joined = Song.concatenate([a, b, b])
    assert joined.tracks[0].notes["start"].tolist() == [0, 480, 1920, 2400, 3840, 4320]
    assert joined.tempos == ((0, 120.0), (1920, 90.0))
    assert joined.time_signatures == a.time_signatures
    assert joined.changes == ("said",)
    assert Song.concatenate([a, b], lengths=[960, 192]).tracks[0].notes["start"].tolist() == [
        0,
        480,
        960,
        1440,
    ]


def test_slices_of_whole_bars_join_to_the_whole():
    song = Song.read(GOOD)
    bars = [song.slice(start, start + 1920) for start in range(0, song.bars_end, 1920)]
    assert_same_music(song, Song.concatenate(bars))


def test_silence_joins_as_a_bar():
    a = Song.read(GOOD).slice(0, 480)
    joined = Song.concatenate([Song(), a, replace(a, tracks=a.tracks * 2)])
    assert [track.notes["start"].tolist() for track in joined.tracks] == [[1920, 3840], [3840]]


def test_tracks_are_joined_by_program():
    notes = Song.read(GOOD).slice(0, 1920).tracks[0].notes
    low, high, drums = Track(notes, program=1), Track(notes, program=2), Track(notes, program=1, is_drum=True)
    joined = Song.concatenate([Song((low, drums)), Song((high, low, low)), Song((drums,))], [1920] * 3)
    first = [(t.program, t.is_drum, sorted(set((t.notes["start"] // 1920).tolist()))) for t in joined.tracks]
    assert first == [(1, False, [0, 1]), (1, True, [0, 2]), (2, False, [1]), (1, False, [1])]


def test_resampling_there_and_back():
    song = Song.read(GOOD)
    assert_same_music(song, song.resample(9600).resample(480))
    assert song.resample(1).tracks[0].notes["start"].tolist() == list(range(8))


def test_repr_is_one_line():
    assert repr(Song.read(GOOD)) == "Song(1 tracks, 8 notes, 4/4, 4.0 s)"
