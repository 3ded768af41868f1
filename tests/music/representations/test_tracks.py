"""Which track carries the melody."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations

import numpy as np
import pytest

from musicae.music.representations.tracks import melody_track, says_melody
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import TimeSignature, Track
from musicae.music.song import Song

SIXTEENTH = 120
BARS = 16
TUNE = ((0, 4, 64), (4, 2, 65), (6, 2, 67), (8, 6, 67), (14, 2, 65))  # one bar: begin, length, pitch in C
CLOSE = ((0, 4, 65), (4, 4, 64), (8, 8, 62))
ROOTS = (0, 5, 7, 0)  # of the chords of four bars, above C


def track(bars, name: str = "", program: int = 0, velocity: int = 80) -> Track:
    """A track of bars of (begin, length, pitch) in sixteenths."""
    rows = [
        ((16 * n + begin) * SIXTEENTH, (16 * n + begin + length) * SIXTEENTH, pitch, velocity)
        for n, bar in enumerate(bars)
        for begin, length, pitch in bar
    ]
    return Track(np.sort(np.array(rows, NOTE), order=["start", "pitch"]), program, name=name)


def above(bar, interval: int) -> list[tuple[int, int, int]]:
    """The notes of a bar, an interval higher."""
    return [(begin, length, pitch + interval) for begin, length, pitch in bar]


MELODY = track([above(CLOSE if n % 4 == 3 else TUNE, 2 * (n % 3)) for n in range(BARS)])
CHORDS = track([[(0, 16, 60 + r + i) for i in (0, 4, 7)] for n in range(BARS) for r in [ROOTS[n % 4]]])
ARPEGGIO = track([[(2 * i, 2, 60 + r + (0, 7, 12, 16)[i % 4]) for i in range(8)] for r in ROOTS * (BARS // 4)])
BASS = track([[(4 * i, 4, 36 + r) for i in range(4)] for r in ROOTS * (BARS // 4)], program=33)
TIMPANI = track([[(i, 1, 45 + 7 * (i % 2)) for i in range(16)]] * BARS, program=47)
RIFF = track([[(2 * i, 2, 40 + (0, 0, 3, 5)[i % 4]) for i in range(8)]] * BARS, program=30)
CHIME = track([[(0, 16, 100)]])
COUNTERMELODY = track(
    [[] if n % 4 < 2 else [(i, 8, p + n % 5) for i in (0, 6) for p in (72, 76)] for n in range(BARS)], velocity=70
)
OTHERS = {
    "chords": CHORDS, "arpeggio": ARPEGGIO, "bass": BASS, "timpani": TIMPANI, "riff": RIFF, "chime": CHIME,
    "countermelody": COUNTERMELODY,
}  # fmt: skip


def taken(*tracks: Track) -> Track:
    """The track that is taken of a song of these."""
    song = Song(tracks)
    return song.tracks[melody_track(song)[0]]


def transposed(one: Track, interval: int) -> Track:
    """A track an interval higher."""
    notes = one.notes.copy()
    notes["pitch"] = notes["pitch"].astype(int) + interval
    return replace(one, notes=notes)


@pytest.mark.parametrize("name", OTHERS)
def test_a_melody_is_taken_rather_than_one_accompaniment(name):
    assert taken(OTHERS[name], MELODY) is MELODY


def test_a_melody_is_taken_of_a_band():
    assert taken(*OTHERS.values(), MELODY) is MELODY


@pytest.mark.parametrize("interval", [-3, -1, 2, 5, 12])
def test_in_other_keys(interval):
    moved = [transposed(one, interval) for one in (CHORDS, ARPEGGIO, BASS, MELODY)]
    assert taken(*moved) is moved[-1]


def test_the_order_of_the_tracks_makes_no_difference():
    band = CHORDS, RIFF, MELODY, COUNTERMELODY
    assert all(taken(*order) is MELODY for order in permutations(band))


def test_the_choice_does_not_depend_on_tracks_that_are_not_taken():
    band = [CHORDS, ARPEGGIO, BASS, TIMPANI, RIFF, COUNTERMELODY]
    best = taken(*band)
    rest = [one for one in band if one is not best]
    assert all(taken(best, *some) is best for size in (1, 2, 5) for some in combinations(rest, size))


def test_a_track_that_is_there_twice_is_taken_once():
    assert taken(CHORDS, MELODY, replace(MELODY), BASS) is MELODY
    assert taken(CHORDS, CHORDS, BASS, MELODY, BASS) is MELODY


def test_names_that_say_nothing_make_no_difference():
    band = [replace(one, name=f"Track {n}") for n, one in enumerate((CHORDS, ARPEGGIO, BASS, MELODY))]
    assert taken(*band) is band[-1]
    band = [replace(one, name="Square Lead") for one in (CHORDS, ARPEGGIO, BASS, MELODY)]
    assert taken(*band) is band[-1]


@pytest.mark.parametrize(("numerator", "denominator"), [(3, 4), (6, 8), (5, 4), (1, 16), (64, 4)])
def test_in_any_metre(numerator, denominator):
    metre = TimeSignature(0, numerator, denominator)
    assert melody_track(Song((CHORDS, MELODY, BASS), time_signatures=(metre,)))[0] == 1


def test_a_name_decides():
    named = replace(CHORDS, name="Voice 1")
    assert taken(MELODY, named) is named
    assert taken(named, replace(MELODY, name="vocals")) is not named


def test_a_name_that_says_accompaniment_counts_against_a_track():
    lower = transposed(MELODY, -2)
    assert taken(MELODY, lower) is MELODY
    assert taken(replace(MELODY, name="Strings"), lower) is lower
    named = replace(CHORDS, name="Piano")
    pad = replace(MELODY, name="Pad")
    assert taken(pad, named) is pad


def test_why_it_was_taken():
    assert melody_track(Song((BASS,))) == (0, "the only one with pitched notes")
    assert melody_track(Song((BASS, replace(MELODY, name="Lead")))) == (1, "melody by name")
    assert melody_track(Song((BASS, MELODY)))[1] == "most like a melody: its register and its instrument"
    assert melody_track(Song((CHORDS, MELODY)))[1] == "most like a melody: one voice and varied rhythm"
    assert melody_track(Song((MELODY, MELODY))) == (0, "most like a melody")


MELODY_NAMES = (
    "Melody",
    "MELODY 2",
    "Lead vocals",
    "voice1",
    "Singstimme\nVoice",
    "Mélodie",
    "lead_guitar",
    "主旋律",
    "Вокал",
)
OTHER_NAMES = "", "Invoiced", "Misleading", "Square Lead", "Lead 2 (sawtooth)", "Synth Voice", "Piano"


def test_names_of_melodies():
    assert all(map(says_melody, MELODY_NAMES))
    assert not any(map(says_melody, OTHER_NAMES))
