"""Controls through the operations of a score: cut, moved, joined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from music.making import notes
from musicae.music.score.controls import BANK, BEND, CONTROL, PAN, PEDAL, PROGRAM, VOLUME, checked, settled
from musicae.music.score.score import Score, Text, Track

NUMBERS = [VOLUME, PAN, PEDAL, BEND]


def controls(*rows) -> np.ndarray:
    return np.array(list(rows), CONTROL)


def song(*rows, program: int = 0) -> Score:
    """Four quarters, with these controls."""
    quarters = notes(*((480 * i, 480 * i + 480, 60, 80) for i in range(4)))
    return Score((Track(quarters, program, controls=controls(*rows)),))


def state(track: Track, tick: int) -> dict[int, int]:
    """What the controls are at a tick; a program too."""
    return {PROGRAM: track.program} | {n: v for t, n, v in track.controls.tolist() if t <= tick}


rows = st.lists(st.tuples(st.integers(0, 1919), st.sampled_from([*NUMBERS, PROGRAM]), st.integers(0, 127)), max_size=20)


@given(rows=rows, start=st.integers(0, 1000), length=st.integers(1, 900))
def test_a_slice_has_the_state_of_the_song(rows, start, length):
    whole = song(*sorted(rows, key=lambda row: row[0])).tracks[0]
    part = song(*sorted(rows, key=lambda row: row[0])).slice(start, start + length).tracks[0]
    assert (np.diff(part.controls["tick"], prepend=0) >= 0).all()
    assert part.controls["tick"].max(initial=0) < length
    for tick in range(start, start + length, 50):
        assert state(part, tick - start) == state(whole, tick)


@given(first=rows, second=rows)
def test_what_follows_sounds_as_alone(first, second):
    a, b = (song(*sorted(one, key=lambda row: row[0])) for one in (first, second))
    together = Score.concatenate([a, b], [1920, 1920]).tracks[0]
    rest = {VOLUME: 100, PAN: 64, PEDAL: 0, BEND: 0, PROGRAM: 0}
    for tick in range(0, 1920, 60):
        assert rest | state(together, tick) == rest | state(a.tracks[0], tick)
        assert rest | state(together, 1920 + tick) == rest | state(b.tracks[0], tick)


def test_other_ticks_move_controls_and_words():
    one = replace(song((480, VOLUME, 3)), texts=(Text(480, "lyrics", "la"), Text(1440, "marker", "B")))
    fine = one.resample(960)
    assert fine.tracks[0].controls.tolist() == [(960, VOLUME, 3)]
    assert [text.tick for text in fine.texts] == [960, 2880]
    assert one.slice(480, 960).texts == (Text(0, "lyrics", "la"),)
    assert [text.tick for text in Score.concatenate([one, one]).texts] == [480, 1440, 2400, 3360]


def test_changes_of_program_that_change_nothing_are_left_out():
    rows = [(0, PROGRAM, 5), (0, VOLUME, 9), (100, PROGRAM, 5), (200, PROGRAM, 6), (300, PROGRAM, 6)]
    assert settled(0, rows, 0) == (5, [(0, VOLUME, 9), (200, PROGRAM, 6)])
    assert settled(0, rows, 200) == (6, [(0, VOLUME, 9)])
    banked = [(0, BANK, 8), (0, PROGRAM, 5)]
    assert settled(0, banked, 0) == (5, banked)


def test_controls_that_cannot_be_are_mended():
    wild = [(5, 200, 1), (9, BEND, -9000), (3, VOLUME, 300), (-1, PAN, 4), (4, -1, 0), (1, PAN, 5)]
    found, part = checked(*np.array(wild).T, np.array([0, 0, 0, 0, 0, 1]))
    assert found.tolist() == [(3, VOLUME, 127), (9, BEND, -8192), (1, PAN, 5)]
    assert part.tolist() == [0, 0, 1]
