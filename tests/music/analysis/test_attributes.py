"""Attributes of windows, against what can be counted by hand and against a plain loop over the notes."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from music.making import melody_window as melody
from musicae.music.analysis.attributes import ATTRIBUTES, measure, names
from musicae.music.analysis.note_table import Notes
from musicae.music.extraction.extract import training_windows
from musicae.music.representations import Drums, Groove, Melody, Multitrack, Pianoroll, Trio

MELODY = Melody(steps=32, lowest_pitch=0, highest_pitch=127)
KINDS = [Melody(), Pianoroll(), Drums(), Groove(), Trio(), Multitrack()]


def of(window: np.ndarray, representation=MELODY) -> dict[str, float]:
    return {name: values[0] for name, values in measure(representation, window).items()}


def test_a_scale_by_hand():
    found = of(melody(*((4 * i, pitch) for i, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72)))))
    assert found == pytest.approx(
        {
            "density": 1,
            "note_length": 1,
            "register": np.mean([60, 62, 64, 65, 67, 69, 71, 72]),
            "pitch_range": 12,
            "pitch_class_entropy": -(6 * np.log2(1 / 8) / 8 + np.log2(1 / 4) / 4),
            "scale_consistency": 1,
            "interval": 12 / 7,
            "syncopation_eighths": 0,
            "syncopation_sixteenths": 0,
            "repeated_bars": 0,
        }
    )


def test_notes_outside_the_key_count_against_it():
    assert of(melody((0, 60), (4, 62), (8, 64), (12, 66), (16, 65)))["scale_consistency"] == 4 / 5


def test_what_silence_has():
    found = of(melody())
    assert found.pop("density") == 0
    assert np.isnan(list(found.values())).all()


def test_one_note_has_no_interval():
    found = of(melody((0, 60)))
    assert np.isnan(found["interval"])
    assert (found["pitch_range"], found["pitch_class_entropy"], found["note_length"]) == (0, 0, 8)


@pytest.mark.parametrize(
    ("steps", "eighths", "sixteenths"),
    [
        ([0, 4], 0, 0),
        ([0, 2], 0, 0),  # an eighth after an onset on the beat
        ([0, 6], 1 / 2, 0),
        ([0, 5, 6], 0, 1 / 3),  # 6 follows 5, and 5 follows silence
        ([0, 3], 0, 1 / 2),
        ([2, 3], 1 / 2, 0),
    ],
)
def test_syncopation_by_hand(steps, eighths, sixteenths):
    found = of(melody(*((step, 60) for step in steps)))
    assert (found["syncopation_eighths"], found["syncopation_sixteenths"]) == (eighths, sixteenths)


def test_a_bar_again_is_a_repeated_bar():
    bar = [(0, 60), (3, 62), (8, 64)]
    again = [(16 + step, pitch) for step, pitch in bar]
    assert of(melody(*bar, *again))["repeated_bars"] == 1
    assert of(melody(*bar, *again[:2]))["repeated_bars"] == 0
    assert np.isnan(of(melody(*bar))["repeated_bars"])


def test_of_sixteen_bars_it_is_a_share():
    four = Melody(steps=64)
    tokens = np.ones((1, 64), np.uint8)
    tokens[0, ::16] = [40, 42, 40, 40]
    assert of(tokens, four)["repeated_bars"] == 2 / 3


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, 129), min_size=32, max_size=32), min_size=1, max_size=4), st.randoms())
def test_a_window_is_the_same_alone_and_among_others(rows, random):
    windows = np.array(rows, np.uint8)
    together = measure(MELODY, windows)
    order = random.sample(range(len(rows)), len(rows))
    for name, values in measure(MELODY, windows[order]).items():
        np.testing.assert_array_equal(values, together[name][order])
    alone = [of(window[None]) for window in windows]
    for name, values in together.items():
        np.testing.assert_array_equal(values, [one[name] for one in alone])


@settings(max_examples=30)
@given(st.lists(st.integers(0, 129), min_size=32, max_size=32), st.integers(-20, 20))
def test_another_key_changes_the_register_alone(row, semitones):
    window = np.array([row], np.uint8)
    before, after = of(window), of(MELODY.transpose(window, np.array([semitones])))
    before.pop("register"), after.pop("register")
    assert before == pytest.approx(after, nan_ok=True)


def test_notes_held_into_a_window_do_not_begin_in_it():
    windows = np.zeros((2, 32), np.uint8)
    windows[0, 0] = windows[1, 8] = 62
    notes = Notes.of(MELODY, windows)
    assert [notes.window.tolist(), notes.start.tolist(), notes.end.tolist()] == [[0, 1], [0, 8], [32, 32]]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_every_kind_of_windows_has_its_attributes(kind):
    excerpt = kind.extract(tiny.band(8))
    windows, _ = kind.cut(excerpt.array, excerpt.grid.windows(kind.steps))
    found = measure(kind, windows)
    assert tuple(found) == names(kind)
    assert {values.shape for values in found.values()} == {(len(windows),)}
    onsets = kind.onsets(windows).any(axis=2).any(axis=1)
    assert np.array_equal(found["density"] > 0, onsets)
    for name, values in found.items():
        one = ATTRIBUTES[name]
        assert ((values >= one.lowest) & (values <= one.highest) | np.isnan(values)).all()


def test_notes_are_the_onsets_of_the_windows():
    """A note that is struck again where the window before it ended is not lost, nor one that goes on beyond it."""
    kind = Multitrack()
    windows, _ = training_windows(kind, tiny.band(8))
    twice = np.repeat(windows, 2, axis=0)
    once = Notes.of(kind, windows)
    again = Notes.of(kind, twice)
    assert np.array_equal(np.repeat(np.bincount(once.window), 2), np.bincount(again.window))


def test_parts_of_a_trio():
    """A melody over a bass two octaves lower: intervals go from melody to melody and from bass to bass."""
    trio = Trio(steps=64)
    windows, _ = training_windows(trio, tiny.band(4))
    melody_alone = measure(Melody(steps=64), windows[:, 0].astype(np.uint8))
    both = measure(trio, windows)
    np.testing.assert_allclose(both["interval"], melody_alone["interval"])
    np.testing.assert_allclose(both["pitch_range"], melody_alone["pitch_range"] + 24)
    np.testing.assert_allclose(both["density"], 3 * melody_alone["density"])


def test_drums_by_hand():
    kind = Drums(steps=32)
    window = np.zeros((1, *kind.shape), np.uint8)
    window[0, 0, [0, 16]] = window[0, 2, [0, 2, 7]] = window[0, 3, 9] = 1
    found = of(window, kind)
    assert found == pytest.approx({"density": 6 / 8, "hat_activity": 4 / 8, "syncopation": 2 / 5, "repeated_bars": 0})


@pytest.mark.parametrize("late", [-0.25, 0.0, 0.125])
def test_swing_is_how_late_odd_steps_are(late):
    kind = Groove(steps=32)
    window = np.zeros((1, *kind.shape), np.float32)
    window[0, 0, ::3], window[0, 9, ::3] = 1, 0.5
    window[0, 18, 3::6] = -2 * (late + 0.0625)  # so far ahead of the grid, in half steps
    window[0, 18, ::6] = -2 * 0.0625  # all of it a sixteenth of a step behind
    assert of(window, kind)["swing"] == pytest.approx(late)


def test_no_windows_have_no_values():
    assert {values.shape for values in measure(MELODY, np.zeros((0, 32), np.uint8)).values()} == {(0,)}
