"""One pass from a song to another: what holds whatever a model has learnt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny

from music.making import WILD, same
from musicae.errors import ConfigError
from musicae.music.representations.melody import Melody
from musicae.music.score.score import TimeSignature

BAR = 4 * 480
LONG_WINDOWS = replace(tiny.MELODY, name="tiny-long", representation=Melody(steps=128))


@pytest.fixture(scope="module", params=[*tiny.MUSIC, LONG_WINDOWS, tiny.TRIO, tiny.TRACKS], ids=lambda one: one.name)
def any_model(request):
    return tiny.model(request.param)


def notes(song, first: int, last: int) -> list:
    """The notes of all tracks that begin in some bars, and how loud they are, up to the bar line."""
    cut = song.slice((first - 1) * BAR * song.ticks_per_quarter // 480, last * BAR * song.ticks_per_quarter // 480)
    return [(track.program, track.notes.tolist()) for track in cut.tracks if len(track.notes)]


@pytest.mark.parametrize(("a", "b", "steps"), [(16, 16, 7), (16, 40, 7), (40, 16, 7), (17, 17, 1), (17, 30, 1)])
def test_songs_of_more_than_sixteen_bars_are_one_pass(melody, a, b, steps):
    between = melody.interpolate(tiny.song(a), tiny.song(b, pitch=52))
    assert len(between.songs) == steps
    assert between.one_pass == (steps == 1)
    assert between.shares.shape == (steps, min(a, b))
    assert between.ticks == min(a, b) * BAR
    assert between.song.end <= steps * between.ticks
    assert len(melody.interpolate(tiny.song(a), tiny.song(b, pitch=52), 3).songs) == 3


def test_sixteen_bars_and_a_pickup_are_not_long(melody):
    a = tiny.song(17)
    notes = a.tracks[0].notes
    later = replace(a, tracks=(replace(a.tracks[0], notes=notes[3:-3]),))  # from the last beat of a bar on
    assert len(melody.interpolate(later, tiny.song(17, pitch=52)).songs) == 7
    assert melody.interpolate(later, tiny.song(17, pitch=52), 1).shares.shape == (1, 17)


def test_it_begins_as_a_and_ends_as_b(any_model):
    a, b = tiny.band(24), tiny.band(24, pitch=52, stride=7)
    between = any_model.interpolate(a, b, **WILD)
    once = [any_model.reconstruct(song, **WILD).song for song in (a, b)]
    of_a, of_b = (int((between.shares == end).sum()) for end in (0, 1))
    assert 2 <= of_a <= 4
    assert 2 <= of_b <= 4
    assert notes(between.song, 1, of_a - 1) == notes(once[0], 1, of_a - 1)
    its, those = ([row for _, row in notes(one, 25 - of_b, 24)] for one in (between.song, once[1]))
    assert its == those
    assert (np.diff(between.shares[0]) >= 0).all()
    assert np.diff(between.shares[0]).max() <= 2 / (len(between.shares[0]) - of_a - of_b)


def test_from_a_song_to_itself_it_is_the_song(any_model):
    song = tiny.band(20)
    assert same(any_model.interpolate(song, song, **WILD).song, any_model.reconstruct(song, **WILD).song)


def test_a_longer_song_is_heard_to_its_end(melody):
    a, b = tiny.song(20), tiny.song(31, pitch=50)
    between = melody.interpolate(a, b, **WILD)
    assert notes(between.originals[1], 1, 20) == notes(b, 12, 31)
    assert "its first 44 beats left out, so that it is heard to its end" in between.report[1]
    between = melody.interpolate(b, a, **WILD)
    assert notes(between.originals[0], 1, 20) == notes(b, 1, 20)
    assert "the first song is 44 beats longer; its end was left out" in between.report[0]


@pytest.mark.parametrize("metre", ["3/4", "5/4", "7/8", "9/4", "2/4"])
def test_bars_of_any_length(any_model, metre):
    a = tiny.band(20, metre, time_signatures=(TimeSignature(0, *map(int, metre.split("/"))),))
    between = any_model.interpolate(a, tiny.band(48, pitch=50), **WILD)
    assert between.one_pass
    assert between.shares.shape == (1, 20)
    assert between.shares[0, [0, -1]].tolist() == [0, 1]
    assert between.song.time_signatures == a.time_signatures


def test_loudness_moves_with_the_bars(melody):
    a, b = tiny.song(32), tiny.song(32, pitch=50)
    a.tracks[0].notes["velocity"], b.tracks[0].notes["velocity"] = 40, 100
    between = melody.interpolate(a, b, temperature=1.0)
    found = between.song.tracks[0].notes
    bar = found["start"] * 480 // between.song.ticks_per_quarter // BAR
    assert found["velocity"] == pytest.approx(40 + 60 * between.shares[0][bar], abs=0.51)


def test_one_pass_of_short_songs_is_to_be_asked_for(melody):
    assert melody.interpolate(tiny.song(6), tiny.song(6, pitch=50), 1).shares.tolist() == [[0, 0, 0.5, 0.5, 1, 1]]
    with pytest.raises(ConfigError, match="too short for one pass: ask for 2 steps"):
        melody.interpolate(tiny.song(4), tiny.song(4, pitch=50), 1)
    with pytest.raises(ConfigError, match="0 steps"):
        melody.interpolate(tiny.song(4), tiny.song(4, pitch=50), 0)


def test_long_windows_are_decoded_at_several_places():
    between = tiny.model(LONG_WINDOWS).interpolate(tiny.song(24), tiny.song(24, pitch=50))
    assert between.latents.shape[:2] == (4, 3)
    assert len(np.unique(between.shares)) == 10
