"""Traits of windows, by hand and as invariants."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import tiny

from music.making import melody_window as melody
from musicae.music.analysis import attributes
from musicae.music.analysis.traits import INTERVALS, PITCHED, RHYTHMIC, measure, names, note_counts
from musicae.music.extraction.extract import training_windows
from musicae.music.representations import Drums, Groove, Melody, Multitrack, Pianoroll, Trio

MELODY = Melody(steps=32, lowest_pitch=0, highest_pitch=127)
KINDS = [
    Melody(),
    Melody(steps=256),
    Melody(steps_per_quarter=12),
    Pianoroll(),
    Drums(),
    Groove(),
    Trio(),
    Multitrack(),
]


def of(*events: tuple[int, int]) -> dict[str, float]:
    found = measure(MELODY, melody(*events))
    return {name: values[0] for name, values in found.items() if name not in attributes.ATTRIBUTES}


def test_a_phrase_by_hand():
    found = of((2, 60), (4, 61), (10, 68), (12, 68), (16, 82), (20, 80), (24, 0))
    assert found == pytest.approx(
        {
            "on_beats": 4 / 6,
            "on_half_beats": 2 / 6,
            "on_bars": 1 / 6,
            "rhythm_kept": 1 / 4,
            "repeated_rhythms": 0,
            "lengths": 3,
            "longest": 6,
            "shortest": 2,
            "sounding": 22,
            "first_onset": 2,
            "last_onset": 20,
            "repeated_notes": 1 / 5,
            "semitones": 1 / 5,
            "whole_tones": 1 / 5,
            "thirds": 0,
            "fourths": 0,
            "tritones": 0,
            "fifths": 1 / 5,
            "wide_intervals": 0,
            "over_an_octave": 1 / 5,
            "widest_interval": 14,
            "turns": 1 / 4,
            "bends": (6 + 7 + 14 + 16) / 4,
            "leaps_after_leaps": 0,
            "pitches": 5,
            "pitch_classes": 4,
            "outside_scale": 0,
            "time_in_scale": 1,
            "undecided_key": 5 / 6,
            "neighbours": 1,
            "clusters": 0,
            "tritone_pairs": 0,
            "first_to_last": 20,
        }
    )


def test_dissonances_by_hand():
    found = of((0, 60), (4, 61), (8, 62), (12, 66), (16, 72), (20, 66))
    assert (found["neighbours"], found["clusters"], found["tritone_pairs"]) == (2, 1, 1)
    assert (found["tritones"], found["leaps_after_leaps"], found["turns"]) == (2 / 5, 1, 1 / 4)


def test_a_rhythm_that_comes_again():
    found = of((0, 60), (4, 62), (10, 64), (16, 65), (20, 67), (26, 60))
    assert (found["rhythm_kept"], found["repeated_rhythms"]) == (1, 1)


def test_every_interval_is_of_one_kind():
    bounds = sorted(INTERVALS.values())
    assert bounds[0][0] == 0
    assert all(last + 1 == first for (_, last), (first, _) in pairwise(bounds))


def test_what_silence_has():
    found = of()
    counted = ("sounding", "lengths", "leaps_after_leaps", "pitches", "pitch_classes", "outside_scale")
    counted += ("neighbours", "clusters", "tritone_pairs")
    assert {found.pop(name) for name in counted} == {0}
    assert np.isnan(list(found.values())).all()
    assert note_counts(MELODY, melody()).tolist() == [0]


@pytest.mark.parametrize("representation", KINDS, ids=lambda one: type(one).__name__)
def test_each_window_has_each_trait_whatever_is_beside_it(representation):
    windows = training_windows(representation, tiny.band(12))[0][:6]
    found = measure(representation, windows)
    assert tuple(found) == names(representation)
    assert set(RHYTHMIC) <= set(found)
    assert (set(PITCHED) <= set(found)) == representation.has_pitches
    for name, values in found.items():
        alone = [measure(representation, windows[i : i + 1], [name])[name][0] for i in range(len(windows))]
        np.testing.assert_array_equal(values, alone)


def test_no_trait_but_register_depends_on_the_key():
    windows = training_windows(MELODY, tiny.band(12))[0][:6]
    here, there = (measure(MELODY, MELODY.transpose(windows, np.full(len(windows), by))) for by in (0, 3))
    for name in set(here) - {"register"}:
        np.testing.assert_allclose(here[name], there[name])


def test_notes_outside_the_scale_by_hand():
    found = of((0, 60), (4, 62), (8, 64), (12, 66), (16, 65))
    assert (found["outside_scale"], found["time_in_scale"], found["undecided_key"]) == (1, 28 / 32, 4 / 5)
