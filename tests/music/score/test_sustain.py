"""Notes that the pedal holds."""

from __future__ import annotations

from music.making import notes
from music.score.test_controls import controls
from musicae.music.score.controls import PEDAL, VOLUME
from musicae.music.score.score import Score, Track
from musicae.music.score.sustain import sustained


def held(rows, *moves, is_drum: bool = False, others: tuple[Track, ...] = ()) -> tuple[list, int]:
    """(start, end) of the notes, and how many are longer."""
    track = Track(notes(*rows), is_drum=is_drum, controls=controls(*moves))
    song, longer = sustained(Score((track, *others)))
    return song.tracks[0].notes[["start", "end"]].tolist(), longer


SHORT = [(0, 100, 60, 80), (480, 580, 62, 80)]
DOWN, UP = (0, PEDAL, 127), (900, PEDAL, 0)


def test_without_a_pedal_nothing_changes():
    song = Score((Track(notes(*SHORT), controls=controls((0, VOLUME, 3))),))
    assert sustained(song) == (song, 0)


def test_notes_last_until_the_pedal_is_up():
    assert held(SHORT, DOWN, UP) == ([(0, 900), (480, 900)], 2)
    assert held(SHORT, (50, PEDAL, 64), (300, PEDAL, 63)) == ([(0, 300), (480, 580)], 1)
    assert held(SHORT, (100, PEDAL, 127), UP) == ([(0, 900), (480, 900)], 2)
    assert held(SHORT, (0, PEDAL, 127), (100, PEDAL, 0)) == ([(0, 100), (480, 580)], 0)


def test_a_pedal_changed_at_once_holds_what_follows():
    assert held(SHORT, DOWN, (480, PEDAL, 0), (480, PEDAL, 127), UP) == ([(0, 480), (480, 900)], 2)


def test_a_pitch_that_begins_again_ends_the_note():
    assert held([(0, 100, 60, 80), (480, 580, 60, 80)], DOWN, UP) == ([(0, 480), (480, 900)], 2)


def test_a_pedal_that_stays_down_holds_to_the_end_of_the_song():
    other = Track(notes((0, 3000, 40, 80)))
    assert held(SHORT, DOWN, others=(other,)) == ([(0, 3000), (480, 3000)], 2)


def test_drums_have_no_pedal():
    assert held(SHORT, DOWN, UP, is_drum=True) == ([(0, 100), (480, 580)], 0)
