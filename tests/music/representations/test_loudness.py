"""How loud notes are that no song has."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from musicae.music.representations.loudness import DEFAULT_VELOCITY, Loudness

BARS, BAR = 4, 16
STEPS = np.arange(BARS * BAR)


def loudness(*notes: tuple[int, int, int], is_drum: bool = False) -> Loudness:
    """That of notes (step, pitch, velocity) in bars of 16 steps."""
    start, pitch, velocity = np.array(sorted(notes), np.int64).reshape(-1, 3).T
    return Loudness(start, pitch, velocity.astype(float), BAR * np.arange(BARS + 1), is_drum)


def everywhere(one, pitch: int = 60) -> np.ndarray:
    """The velocity of a note of that pitch at each step."""
    return one.at(STEPS, np.full(len(STEPS), pitch))


some_notes = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), st.integers(30, 90), st.integers(1, 127)),
    min_size=1,
    max_size=30,
    unique_by=lambda note: note[:2],
)


@given(some_notes, st.booleans())
def test_the_notes_of_a_part_are_as_loud_as_they_are(notes, is_drum):
    step, pitch, velocity = np.array(notes).T
    assert loudness(*notes, is_drum=is_drum).at(step, pitch) == pytest.approx(velocity)


@given(some_notes, st.integers(1, 127), st.booleans(), st.integers(0, 127))
def test_what_is_constant_stays_constant(notes, velocity, is_drum, pitch):
    constant = loudness(*((step, pitch, velocity) for step, pitch, _ in notes), is_drum=is_drum)
    assert everywhere(constant, pitch) == pytest.approx(velocity)


def test_a_part_without_notes_has_the_default():
    assert set(everywhere(loudness())) == {DEFAULT_VELOCITY}


def test_notes_between_have_the_level_of_their_neighbours():
    crescendo = everywhere(loudness(*((step, 60, 40 + step) for step in STEPS[::4])))
    inner = STEPS[:-4]
    assert np.abs(crescendo[inner] - 40 - inner).max() < 6
    assert (np.diff(crescendo[::4]) > 0).all()


def test_notes_between_have_the_accent_of_their_position():
    loud_beats = {0: 100, 4: 80, 8: 90, 12: 80, 2: 50}
    notes = [(BAR * bar + at, 60, loud_beats[at]) for bar in range(BARS) for at in loud_beats if at != 2 or bar != 1]
    at_second_eighths = everywhere(loudness(*notes))[2::BAR]
    assert at_second_eighths[[0, 2, 3]].tolist() == [50, 50, 50]
    assert at_second_eighths[1] == pytest.approx(50, abs=10)


def test_in_a_chord_the_nearest_note_counts():
    chord = loudness((0, 48, 40), (0, 60, 60), (0, 72, 100))
    assert chord.at(np.zeros(4, int), np.array([40, 53, 70, 90])).tolist() == [40, 40, 100, 100]


def test_each_drum_has_a_loudness_of_its_own():
    beat = loudness(*((step, 36, 120) for step in STEPS[::8]), *((step, 42, 50) for step in STEPS[::2]), is_drum=True)
    assert set(everywhere(beat, 36)) == {120}
    assert set(everywhere(beat, 42)) == {50}
    other = everywhere(beat, 49)
    assert other.min() >= 50 - 1e-9
    assert other.max() <= 120


@given(some_notes, some_notes, st.floats(0, 1))
def test_between_two_parts_lies_what_lies_between(first, second, share):
    a, b = loudness(*first), loudness(*second)
    here, there = everywhere(a), everywhere(b)
    between = everywhere(a.toward(b, np.full(len(STEPS), share)))
    assert between == pytest.approx(here + share * (there - here))


def test_where_one_part_is_silent_the_other_counts():
    a, silent = loudness((0, 60, 30)), loudness()
    for one in (a.toward(silent, np.full(len(STEPS), 0.5)), silent.toward(a, np.full(len(STEPS), 0.5))):
        assert set(everywhere(one)) == {30}


# In songs -----------------------------------------------------------------------------------------


def quiet_to_loud(model, steps: int = 5):
    """The velocities in each step from a song at 40 to one at 100."""
    songs = [tiny.song(6, pitch=pitch) for pitch in (60, 52)]
    for song, velocity in zip(songs, (40, 100), strict=True):
        song.tracks[0].notes["velocity"] = velocity
    found = model.interpolate(*songs, steps, temperature=1.0).songs
    return [set(track.notes["velocity"].tolist()) for song in found for track in song.tracks]


def test_the_steps_of_an_interpolation_go_from_the_level_of_a_to_that_of_b():
    for preset in tiny.MUSIC:
        assert quiet_to_loud(tiny.model(preset)) == [{40}, {55}, {70}, {85}, {100}]


def test_other_verbs_are_as_loud_as_the_song():
    model, song = tiny.model(tiny.MELODY), tiny.song(6)
    notes = song.tracks[0].notes
    notes["velocity"] = 40 + 2 * np.arange(len(notes))
    decoded = model.reconstruct(song, temperature=1.0).song, model.decode(np.zeros((3, 4)), song)
    for found in (*decoded, *model.vary(song, 2)):
        got = found.tracks[0].notes
        crescendo = 40 + 2 * got["start"] / found.ticks_per_quarter
        assert np.abs(got["velocity"] - crescendo).max() < 8
    assert model.reconstruct(song).original.tracks[0].notes["velocity"].tolist() == notes["velocity"].tolist()
