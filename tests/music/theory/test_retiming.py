"""Songs that were played without a click, on beats of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from music.theory.performing import performed, waltz_or_march
from musicae.errors import ConfigError
from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import NOTE, tidy
from musicae.music.score.score import Score, TimeSignature, Track
from musicae.music.theory.retiming import on_beats, played_without_click

LIVE, _ = performed(waltz_or_march(4), tempo=97, wander=0.015, jitter=0.012)


@given(st.lists(st.integers(0, 2000), min_size=40, max_size=200, unique=True), st.sampled_from([3, 4, 6, 8, 12]))
def test_notation_keeps_to_its_beats(steps, grid):
    starts = np.union1d(steps, np.arange(0, 2000, 8 * grid)) * (480 // grid)  # some of them on beats
    notes = np.zeros(len(starts), NOTE)
    notes["start"], notes["end"], notes["pitch"], notes["velocity"] = starts, starts + 40, 60, 80
    song = Score((Track(tidy(notes)),))
    assert not played_without_click(song)
    assert on_beats(song) is song


@pytest.mark.parametrize("jitter", [0.0, 0.01, 0.02])
def test_what_was_played_to_a_click_keeps_to_its_beats(jitter):
    played, beats = performed(waltz_or_march(4), tempo=120, wander=0.0, jitter=jitter)
    shift = round(beats[0] * 960)
    notes = played.tracks[0].notes.copy()
    notes["start"], notes["end"] = np.maximum(notes["start"] - shift, 0), notes["end"] - shift
    assert not played_without_click(replace(played, tracks=(Track(tidy(notes)),)))


def test_drums_alone_and_a_few_notes_are_left_as_they_are():
    assert played_without_click(LIVE)
    track = LIVE.tracks[0]
    assert not played_without_click(replace(LIVE, tracks=(replace(track, is_drum=True),)))
    assert not played_without_click(replace(LIVE, tracks=(replace(track, notes=track.notes[:20]),)))
    assert not played_without_click(Score())


@pytest.mark.parametrize("beats_a_bar", [3, 4])
def test_a_performance_comes_to_lie_on_the_bars_that_it_was_written_in(beats_a_bar):
    written = waltz_or_march(beats_a_bar)
    played, _ = performed(written, tempo=97, wander=0.015, jitter=0.012)
    found = on_beats(played)
    assert found.time_signatures == (TimeSignature(0, beats_a_bar, 4),)
    notes, expected = found.tracks[0].notes, written.tracks[0].notes
    steps = Grid.of(found).steps(notes["start"])
    right = np.isin(128 * steps + notes["pitch"], 128 * (expected["start"] // 120) + expected["pitch"])
    assert right.mean() > 0.95
    assert "do not keep to the beats" in found.changes[-2]
    assert "beats were found in the notes, at about" in found.changes[-1]


def test_nothing_sounds_at_another_time():
    found = on_beats(LIVE)
    for name in ("start", "end"):
        before, after = (np.sort(song.tick_to_seconds(song.tracks[0].notes[name])) for song in (LIVE, found))
        moved = after - np.median(after) - (before - np.median(before))
        assert np.abs(moved).max() < 0.02  # notes that are played before the first bar line begin on it
        assert np.abs(moved[4:]).max() < 0.003


def test_beats_are_found_only_where_they_are_to_be():
    assert on_beats(LIVE, False) is LIVE
    assert on_beats(Score(), True).tracks == ()
    written = waltz_or_march(3)
    assert on_beats(written, True).time_signatures[0].numerator == 3
    long = replace(LIVE, ticks_per_quarter=10)
    assert on_beats(long) is long
    with pytest.raises(ConfigError, match="longer than 30 minutes"):
        on_beats(long, True)


def test_a_tempo_that_is_known_is_looked_for():
    for tempo in (97, 194):
        found = on_beats(LIVE, True, tempo)
        rates = [one.quarters_per_minute for one in found.tempos]
        assert np.median(rates) == pytest.approx(tempo, rel=0.1)
