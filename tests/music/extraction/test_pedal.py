"""The sustain pedal against the rule played out event by event."""

from __future__ import annotations

import numpy as np
import pretty_midi
from hypothesis import given
from hypothesis import strategies as st

from musicae.music.extraction import magenta
from musicae.music.extraction.extract import training_windows
from musicae.music.extraction.pedal import MOVE, PedalledTrack, sustained
from musicae.music.representations import Multitrack
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import Track
from musicae.music.song import Song

DOWN, UP, ON, OFF = range(4)


def played_out(notes: list[list], moves: list[tuple[int, bool]], last: int) -> list[tuple]:
    """What sounds when events happen one after another: at one tick the pedal goes down, goes up, notes begin, end."""
    events = [(tick, DOWN if down else UP, None) for tick, down in moves]
    events += [(note[0], ON, note) for note in notes] + [(note[1], OFF, note) for note in notes]
    active, gone, down = [], [], False
    for tick, kind, note in sorted(events, key=lambda move: move[:2]):
        if kind in (DOWN, UP):
            down = kind == DOWN
            for one in [] if down else [one for one in active if one[1] < tick]:
                one[1] = tick
                active = [other for other in active if other is not one]
        elif kind == ON:
            for one in [one for one in active if down and one[2] == note[2]]:
                one[1] = tick
                active = [other for other in active if other is not one]
                gone += [one] * (one[0] == tick)
            active.append(note)
        elif not down:
            active = [other for other in active if other is not note]
    for one in active:
        one[1] = last
    return sorted(tuple(note) for note in notes if not any(note is one for one in gone))


TICK = st.integers(0, 30)
NOTES = st.lists(st.tuples(TICK, st.integers(1, 8), st.sampled_from([60, 61])), min_size=1, max_size=12)


@given(rows=NOTES, moves=st.lists(st.tuples(TICK, st.booleans()), min_size=1, max_size=8), later=st.integers(0, 50))
def test_pedal_is_the_rule_played_out(rows, moves, later):
    rows = sorted([s, s + n, p, 80] for s, n, p in rows)
    moves = sorted(moves, key=lambda move: (move[0], not move[1]))
    other = Track(np.array([(0, later + 1, 40, 80)], NOTE), 5)
    track = PedalledTrack(np.array([tuple(row) for row in rows], NOTE), 0, False, "", np.array(moves, MOVE))
    end = 1 + max(later, 100)
    held = sustained(Song((track, other)), 0, end).tracks[0].notes
    last = max(later + 1, *(row[1] for row in rows), *(tick for tick, _ in moves))
    assert sorted(held.tolist()) == played_out([list(row) for row in rows], moves, last)


def test_only_bars_of_many_tracks_are_played_with_the_pedal():
    music = pretty_midi.PrettyMIDI(initial_tempo=120)
    for program, pitch in ((0, 60), (5, 72)):
        instrument = pretty_midi.Instrument(program)
        instrument.notes = [pretty_midi.Note(80, pitch + i, i / 2, i / 2 + 0.25) for i in range(4)]
        music.instruments.append(instrument)
    music.instruments[0].control_changes = [
        pretty_midi.ControlChange(64, 127, 0.1),
        pretty_midi.ControlChange(64, 0, 1.5),
    ]
    song = magenta.read(music)
    assert song.tracks[0].notes["end"].tolist() == song.tracks[1].notes["end"].tolist()
    windows, _ = training_windows(Multitrack(strict=True), song)
    piano, other = windows.reshape(8, 64)[:2]
    assert piano[piano < 490].tolist() == [
        *(360, 356, 60, 279, 61, 279, 62, 279, 128 + 60, 128 + 61, 128 + 62, 63, 267, 128 + 63, 267, 489)
    ]
    assert other[other < 490].tolist()[:6] == [365, 356, 72, 267, 128 + 72, 267]


def test_the_pedal_of_a_part_begins_as_it_was_left():
    moves = np.array([(0, True), (300, False)], MOVE)
    track = PedalledTrack(np.array([(100, 110, 60, 80), (200, 210, 61, 80)], NOTE), 0, False, "", moves)
    assert sustained(Song((track,)), 150, 1000).tracks[0].notes.tolist() == [(200, 300, 61, 80)]
    assert sustained(Song((track,)), 0, 150).tracks[0].notes.tolist() == [(100, 110, 60, 80)]
