"""Measures of excerpts: by hand, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.music.analysis.coherence import NoteSequence, array_of, measures, silent, window_statistics
from musicae.music.representations import Drums, Melody, Trio
from musicae.music.representations.rendering import blank, render
from musicae.music.representations.tokens import FIRST_NOTE
from musicae.music.score.grid import Grid

MELODY = Melody(steps=32, lowest_pitch=0, highest_pitch=127)
BAR = 16
bars_of_pitches = st.lists(
    st.lists(st.sampled_from([0, *range(50, 75)]), min_size=4, max_size=4), min_size=16, max_size=16
)


def array(bars: list[list[int]]) -> np.ndarray:
    """Tokens of bars of quarters, each a pitch, or 0 for a note held on."""
    tokens = np.zeros(BAR * len(bars), np.uint8)
    tokens[0] = 1
    for i, pitch in enumerate(np.ravel(bars)):
        if pitch:
            tokens[4 * i] = FIRST_NOTE + pitch
    return tokens


def of(bars: list[list[int]]) -> NoteSequence:
    return NoteSequence.of(MELODY, array(bars), Grid.regular(len(bars), 1920, BAR))


def test_a_scale_by_hand():
    found = measures(of([[60, 62, 64, 65], [67, 69, 71, 72]]))
    assert found == pytest.approx(
        {
            "notes_a_bar": 4,
            "interval": 12 / 7,
            "leaps": 0,
            "leaps_octave": 0,
            "repeated_notes": 0,
            "leaps_seams": np.nan,
            "leaps_inside": 0,
            "range": 12,
            "scale_window": 1,
            "scale_16": 1,
            "rhythms_16": 1,
            "bars_16": 0,
        },
        nan_ok=True,
    )


def test_leaps_are_counted_where_they_are():
    found = measures(of([[60, 60, 60, 60], [60, 60, 60, 68], [48, 48, 48, 48], [48, 48, 48, 61]]))
    assert found["leaps_seams"] == 1
    assert found["leaps_inside"] == 2 / 14
    assert found["leaps"] == 3 / 15
    assert found["leaps_octave"] == 2 / 15
    assert found["repeated_notes"] == 12 / 15


def test_each_window_in_a_key_of_its_own_is_no_key():
    """C major, then F sharp major: every window is in a scale, the excerpt is not."""
    keys = [[60, 62, 64, 65], [67, 69, 71, 72]] * 4 + [[66, 68, 70, 71], [73, 75, 77, 78]] * 4
    found = measures(of(keys))
    assert found["scale_window"] == 1
    assert found["scale_16"] < 0.7


@given(bars_of_pitches, st.integers(-20, 20))
def test_transposition_changes_nothing(bars, semitones):
    moved = [[pitch and pitch + semitones for pitch in bar] for bar in bars]
    assert measures(of(moved)) == pytest.approx(measures(of(bars)), nan_ok=True)


@given(bars_of_pitches)
def test_what_is_played_twice_has_repeats(bars):
    eight = bars[:8]
    found = measures(of(eight + eight))
    sounding = sum(map(any, eight))
    if sounding:
        assert found["bars_16"] >= sounding / (2 * sounding - 1) - 1e-9
        assert found["rhythms_16"] >= found["bars_16"]


@given(bars_of_pitches)
def test_shares_are_shares(bars):
    found = measures(of(bars))
    shares = [value for name, value in found.items() if name not in ("notes_a_bar", "interval", "range")]
    assert all(np.isnan(value) or 0 <= value <= 1 for value in shares)
    assert not found["leaps_octave"] > found["leaps"]


def test_repeats_are_of_the_same_sixteen_bars():
    one, other = [60, 62, 64, 65], [60, 0, 60, 0]
    assert measures(of([one] * 16 + [other] * 8))["bars_16"] == 1
    assert measures(of([one] + [other] * 15 + [one] + [other] * 15))["bars_16"] == 28 / 30


def test_silence_has_no_measures():
    found = measures(of([[0] * 4] * 4))
    assert found.pop("notes_a_bar") == 0
    assert np.isnan(list(found.values())).all()
    assert silent(of([[0] * 4, [0] * 4, [0, 0, 60, 0], [0] * 4])).tolist() == [True, False]


@pytest.mark.parametrize("representation", [MELODY, Drums(), Trio()])
def test_silence_is_as_long_as_it_was(representation):
    like = blank(representation, 16)
    found, grid = array_of(representation, render(representation, like.array, like), int(like.grid.bar_ticks[-1]))
    assert np.array_equal(found, like.array)
    assert grid.total_steps == like.grid.total_steps


@given(bars_of_pitches)
def test_a_song_is_the_array_that_it_was_rendered_from(bars):
    like = blank(MELODY, 16)
    song = render(MELODY, array(bars), like)
    assert np.array_equal(array_of(MELODY, song, int(like.grid.bar_ticks[-1]))[0], array(bars))


def test_statistics_of_windows_are_those_of_their_lines():
    found = window_statistics(MELODY, array([[60, 68, 68, 50], [60, 0, 0, 0]])[None])
    assert found["leaps"] == pytest.approx([3 / 4])
    assert found["leaps_octave"] == pytest.approx([1 / 4])
    assert found["repeated_notes"] == pytest.approx([1 / 4])
    assert found["widest_interval"] == [18]
