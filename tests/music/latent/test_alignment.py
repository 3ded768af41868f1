"""B on A: the interval, the keys of the steps, one scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from music.making import C_MAJOR, same
from musicae.errors import ConfigError
from musicae.music.latent.alignment import Alignment, align, in_scale, moved, moved_back
from musicae.music.representations import Drums
from musicae.music.representations.excerpt import Windowed
from musicae.music.representations.tokens import FIRST_NOTE

KIND = tiny.MELODY.representation
BLANK = tiny.model(tiny.MELODY).blank(1)
PLACES = np.linspace(0, 1, 7)
ALIGNMENTS = st.integers(-60, 60)


def tune(*pitches: int) -> Windowed:
    """Windows of eight notes each."""
    windows = melodies(np.array(pitches))
    return replace(BLANK, windows=windows, lengths=np.full(len(windows), 32))


def melodies(pitches: np.ndarray) -> np.ndarray:
    """Windows of eight quarters each, of MIDI pitches."""
    windows = np.zeros((pitches.size // 8, 32), np.uint8)
    windows[:, ::4] = pitches.reshape(-1, 8) - KIND.lowest_pitch + FIRST_NOTE
    return windows


def midi(windows: np.ndarray) -> list[int]:
    return [int(token) - FIRST_NOTE + KIND.lowest_pitch for token in windows[windows >= FIRST_NOTE]]


def random_tune(seed: int, low: int = 55, high: int = 75) -> Windowed:
    scale = np.array([pitch for pitch in range(low, high) if pitch % 12 in C_MAJOR])
    return tune(*scale[np.random.default_rng(seed).integers(len(scale), size=16)])


def transposed(source: Windowed, semitones: int) -> Windowed:
    return replace(source, windows=moved(KIND, source.windows, semitones))


# The interval -------------------------------------------------------------------------------------


@given(seed=st.integers(0, 99), semitones=st.integers(-30, 30))
@settings(max_examples=30)
def test_a_song_transposed_is_moved_back_onto_itself(seed, semitones):
    song = random_tune(seed)
    found = align(KIND, song, transposed(song, semitones))
    assert found.semitones == -semitones


@given(seed=st.integers(0, 99), semitones=st.integers(-25, 30))
@settings(max_examples=30)
def test_b_transposed_is_moved_to_the_same_place(seed, semitones):
    a, b = random_tune(seed, 60, 84), random_tune(seed + 100, 50, 70)
    found, other = (align(KIND, a, one) for one in (b, transposed(b, semitones)))
    assert other == replace(found, semitones=found.semitones - semitones)


def test_b_comes_into_the_scale_and_the_nearest_register_of_a():
    a, b = tune(*(60 + C_MAJOR)), tune(*(39 + C_MAJOR))
    assert align(KIND, a, b) == Alignment("gradual", 21, 0)
    a_minor = tune(*(57 + np.array([0, 2, 3, 5, 7, 8, 10, 12])))
    assert align(KIND, a, a_minor).semitones == 0  # the same notes


def test_all_of_b_stays_in_the_range():
    """Another octave is taken where the nearest has no room, and where there is none B stays where it is."""
    a, b = tune(*(90 + C_MAJOR)), tune(*(47 + C_MAJOR[:4]), *(59 + C_MAJOR[4:]))
    assert align(KIND, a, b).semitones == 31
    assert align(KIND, a, tune(*(47 + C_MAJOR[:4]), *(73 + C_MAJOR[4:]))).semitones == 19
    assert align(KIND, a, tune(21, 23, 24, 60, 62, 65, 67, 108)) == Alignment("gradual")


def test_what_has_no_key_or_is_given_one_is_not_aligned():
    a, b = tune(*(60 + C_MAJOR)), tune(*(39 + C_MAJOR))
    assert align(KIND, a, b, "none") == Alignment("none")
    silence = replace(b, windows=np.zeros_like(b.windows))
    assert align(KIND, a, silence) == Alignment("gradual")
    for preset in (tiny.CHORDS, tiny.DRUMS):
        model = tiny.model(preset)
        assert align(model.representation, *(model.extract(tiny.band(4, pitch=p)) for p in (60, 67))).scale is None
    with pytest.raises(ConfigError, match="unknown keys 'c'"):
        align(KIND, a, b, "c")


# The way back -------------------------------------------------------------------------------------


@given(semitones=ALIGNMENTS)
def test_keys_go_from_a_to_b_by_fifths_and_registers_by_octaves(semitones):
    moves = Alignment("gradual", semitones, 0).moves(PLACES)
    assert moves[[0, -1]].tolist() == [0, -semitones]
    fifths = (7 * moves + 5) % 12 - 5  # on the circle, from A's key
    assert (np.abs(np.diff(fifths)) <= 1).all() or abs(fifths[-1]) == 6
    assert (np.diff(np.abs(fifths)) >= 0).all()
    assert (np.abs(moves + semitones * PLACES) <= 6).all()


@given(semitones=ALIGNMENTS, keys=st.sampled_from(["a", "b"]))
def test_in_one_key_only_octaves_change(semitones, keys):
    moves = Alignment(keys, semitones, 0).moves(PLACES)
    own = 0 if keys == "a" else -semitones
    assert (moves % 12 == own % 12).all()
    assert abs(moves[0]) <= 6
    assert abs(moves[-1] + semitones) <= 6
    assert moves[0 if keys == "a" else -1] == own


@given(semitones=ALIGNMENTS)
def test_within_one_song_the_key_changes_once(semitones):
    moves = Alignment("gradual", semitones, 0, once=True).moves(np.linspace(0, 1, 32)[None])[0]
    assert (moves[:16] % 12 == 0).all()
    assert (moves[16:] % 12 == -semitones % 12).all()


def test_windows_are_moved_together_and_never_folded():
    windows = tune(*(60 + C_MAJOR), *(100 + C_MAJOR - 4)).windows
    up = moved_back(KIND, windows, np.array([2, 2]))
    assert np.array_equal(up, moved(KIND, windows, -10))  # B7 is not to go beyond C8
    assert np.array_equal(moved_back(KIND, windows, np.array([2, 0]))[1], windows[1])
    assert moved(KIND, windows, 2) is None


# One scale ----------------------------------------------------------------------------------------


def test_notes_between_are_in_the_scale_or_in_one_of_the_ends():
    ends = melodies(60 + np.array([0, 3, 0, 3, 0, 3, 0, 3])), melodies(60 + np.array([10] * 8))
    found = in_scale(KIND, melodies(60 + np.array([0, 1, 3, 6, 10, 8, 4, 1])), 0, ends)
    assert midi(found) == [60, 62, 63, 67, 70, 69, 64, 62]
    assert np.array_equal(in_scale(KIND, ends[0], 0, ends), ends[0])


def test_stray_notes_between_come_into_the_range_of_both():
    ends = melodies(60 + np.array([0, 2, 4, 0, 2, 4, 0, 2])), melodies(72 + np.array([0, 2, 4, 0, 2, 4, 0, 2]))
    found = in_scale(KIND, melodies(np.array([60, 40, 76, 101, 62, 64, 65, 26])), 0, ends)
    assert midi(found) == [60, 64, 76, 65, 62, 64, 65, 62]
    narrow = melodies(np.array([60] * 8)), melodies(np.array([60] * 8))
    assert midi(in_scale(KIND, melodies(np.array([60, 65, 55, 54, 66, 48, 72, 60])), 0, narrow))[:3] == [60, 65, 55]
    silent = np.zeros_like(narrow[0])
    anything = melodies(np.array([28, 60, 100, 60, 60, 60, 60, 60]))
    assert np.array_equal(in_scale(KIND, anything, 0, (silent, silent)), anything)


# Interpolations -----------------------------------------------------------------------------------


def pitches(song) -> np.ndarray:
    return song.tracks[0].notes["pitch"].astype(int)


@pytest.fixture(scope="module")
def melody():
    return tiny.model(tiny.MELODY)


@pytest.mark.parametrize("keys", ["gradual", "b", "none"])
def test_the_last_step_is_b_as_it_is_reconstructed(melody, keys):
    a, b = tiny.song(4), tiny.song(4, pitch=43, stride=7)
    between = melody.interpolate(a, b, 4, keys=keys)
    assert between.songs[-1].tracks[0].notes[["start", "end", "pitch"]].tolist() == (
        melody.reconstruct(b).song.tracks[0].notes[["start", "end", "pitch"]].tolist()
    )


@pytest.mark.parametrize("preset", [tiny.MELODY, tiny.RECURRENT, tiny.PIANOROLL], ids=lambda preset: preset.name)
def test_b_transposed_gives_the_same_middle_transposed(preset):
    model = tiny.model(preset)
    a, b, low = tiny.song(4), tiny.song(4, pitch=62, stride=7), tiny.song(4, pitch=57, stride=7)
    one, other = (model.interpolate(a, song, 5, keys="a", temperature=1.0).songs[:-1] for song in (b, low))
    for first, second in zip(one, other, strict=True):
        differences = np.unique(pitches(first) - pitches(second))
        assert len(differences) <= 1
        assert (differences % 12 == 0).all()


def test_a_song_and_itself_transposed_give_the_song_in_every_step(melody):
    a, b = tiny.song(4), tiny.song(4, pitch=53)
    for step in melody.interpolate(a, b, 5, temperature=1.0).songs[:-1]:
        first = melody.reconstruct(a, temperature=1.0).song
        assert len(np.unique(pitches(step) - pitches(first))) == 1


def test_no_window_is_silent_where_both_songs_sound(melody, monkeypatch):
    """It is that of the nearest step; where a model decodes nothing there is none."""
    silence, decode = melody.blank(1).windows, melody.decode_path
    a, b = tiny.song(4), tiny.song(4, pitch=48, stride=7)
    for silent in ([2], [1, 2, 3], range(5)):

        def decoded(*arguments, silent=silent):
            found = decode(*arguments)
            found[list(silent), 1] = silence
            return found

        monkeypatch.setattr(melody, "decode_path", decoded)
        steps = melody.interpolate(a, b, 5, keys="a", temperature=1.0).songs
        heard = [(step.tracks[0].notes["start"] >= 2 * 4 * 480).any() for step in steps]
        assert heard == [len(silent) < 5] * 5


def test_what_lies_beyond_the_own_steps_of_a_window_is_silence(melody, monkeypatch):
    """Two bars of 3/4 fill 24 of 32 steps."""
    late, decode = melodies(np.array([60] * 8)), melody.decode_path
    late[:, :24] = 0

    def decoded(*arguments):
        found = decode(*arguments)
        found[2, 1] = late
        return found

    monkeypatch.setattr(melody, "decode_path", decoded)
    songs = melody.interpolate(tiny.song(4, "3/4"), tiny.song(4, "3/4", pitch=48, stride=7), 5, temperature=1.0).songs
    assert (songs[2].tracks[0].notes["start"] >= 6 * 480).any()


def test_what_is_done_to_b_is_said(melody):
    a, b = tiny.song(4), tiny.song(4, pitch=53)
    said = "moved by +7 semitones to the first song's key and register on the way, and back in steps"
    assert melody.interpolate(a, b, 3).report[1][-1] == said
    assert "all steps are in the first song's key" in melody.interpolate(a, b, 3, keys="a").report[1][-1]
    assert len(melody.interpolate(a, b, 3, keys="none").report[1]) == 1


def test_drums_are_as_they_were():
    drums = tiny.model(tiny.DRUMS)
    songs = tiny.band(4), tiny.band(4, pitch=40, stride=7)
    plain, aligned = (drums.interpolate(*songs, 3, keys=keys, temperature=1.0) for keys in ("none", "gradual"))
    assert all(same(one, other) for one, other in zip(plain.songs, aligned.songs, strict=True))
    assert not Drums().has_pitches
