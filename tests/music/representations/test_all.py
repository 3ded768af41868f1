"""What holds for every representation."""

from __future__ import annotations

import json

import numpy as np
import pytest
from frames import frames
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.configuration import from_data, to_data
from musicae.errors import ConfigError, NoWindows
from musicae.music.extraction.extract import training_windows
from musicae.music.representations import REPRESENTATIONS, Melody, Pianoroll
from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import NOTE, tidy
from musicae.music.score.score import Tempo, TimeSignature, Track
from musicae.music.song import Song

KINDS = [
    Melody(),
    Melody(steps=24, steps_per_quarter=3, lowest_pitch=48, highest_pitch=72),
    Pianoroll(),
    Pianoroll(steps=16, lowest_pitch=36, highest_pitch=84),
]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=repr)


@st.composite
def songs(draw) -> Song:
    """A song of up to twelve bars in up to three metres, with up to forty notes anywhere in it."""
    quarter, signatures, tick = draw(frames())
    note = st.tuples(st.integers(0, tick - 1), st.integers(1, 3 * quarter), st.integers(0, 127))
    rows = [(s, min(s + length, tick), p, 80) for s, length, p in draw(st.lists(note, min_size=1, max_size=40))]
    track = Track(tidy(np.array(rows, NOTE)), program=draw(st.integers(0, 127)), name="Ålesund")
    return Song((track,), quarter, (Tempo(0, 90.0), Tempo(tick // 2, 140.0)), signatures)


@each_kind
@given(song=songs())
def test_rendered_and_heard_again_it_is_the_same(kind, song):
    excerpt = kind.extract(song)
    rendered = kind.render(excerpt.array, excerpt)
    again = kind.extract(rendered, bars=(1, len(Grid.of(rendered))))
    steps = again.grid.total_steps
    assert steps <= excerpt.grid.total_steps
    assert np.array_equal(kind.take(again.array, np.array([0])), kind.take(excerpt.array, np.array([0])))
    for ours, theirs in zip(kind.decode(again.array), kind.decode(excerpt.array), strict=True):
        assert np.array_equal(ours, theirs)
    assert not any("grid" in sentence or "range" in sentence for sentence in again.report)


@each_kind
@given(song=songs())
def test_windows_cut_and_joined_are_the_passage(kind, song):
    excerpt = kind.extract(song)
    windows, lengths = kind.cut(excerpt.array, excerpt.grid.windows(kind.steps))
    assert windows.shape == (len(lengths), *kind.shape)
    assert windows.dtype == np.uint8
    assert np.array_equal(kind.join(windows, lengths), excerpt.array)


@each_kind
@given(song=songs(), semitones=st.integers(-150, 150))
def test_transposed_windows_keep_their_notes_and_stay_in_range(kind, song, semitones):
    windows, _ = training_windows(kind, song)
    moved = kind.transpose(windows, np.full(len(windows), semitones))
    small = np.clip(semitones, -1, 1)
    for window, other in zip(windows, moved, strict=True):
        before, after = (kind.decode(kind.join(w[None], [kind.steps])) for w in (window, other))
        assert np.array_equal(before[:2], after[:2])
        assert len(set(after[2] - before[2])) == 1
        assert kind.lowest_pitch <= after[2].min() <= after[2].max() <= kind.highest_pitch
        assert (after[2][0] - before[2][0]) * small >= 0
    back = kind.transpose(kind.transpose(windows, np.full(len(windows), -150)), np.full(len(windows), 150))
    assert np.array_equal(back, kind.transpose(windows, np.full(len(windows), 150)))


@each_kind
@given(song=songs())
def test_training_windows_are_different_and_sound(kind, song):
    windows, problems = training_windows(kind, song)
    assert bool(problems) == (len(windows) == 0)
    assert windows.shape[1:] == kind.shape
    assert kind.has_onset(windows).all()
    assert len({window.tobytes() for window in windows}) == len(windows)


@each_kind
def test_rendering_keeps_tempo_metre_program_and_name(kind):
    notes = np.array([(1440 * bar, 1440 * bar + 480, 60 + bar, 70) for bar in range(2, 8)], NOTE)
    tempos = (Tempo(0, 60.0), Tempo(1440, 100.0), Tempo(5760, 130.0))
    metres = (TimeSignature(0, 3, 4), TimeSignature(5760, 6, 8))
    song = Song((Track(notes, 73, False, "Flöte"),), 480, tempos, metres)
    excerpt = kind.extract(song, bars=(3, 5))
    rendered = kind.render(excerpt.array, excerpt)
    assert rendered.tempos == (Tempo(0, 100.0), Tempo(2880, 130.0))
    assert rendered.time_signatures == (TimeSignature(0, 3, 4), TimeSignature(2880, 6, 8))
    (track,) = rendered.tracks
    assert (track.program, track.name) == (73, "Flöte")
    assert track.notes["start"].tolist() == [0, 1440, 2880]
    assert track.notes["velocity"].tolist() == [70, 70, 70]


@each_kind
def test_a_song_laid_on_longer_bars_is_padded_with_silence(kind):
    short = kind.extract(Song((Track(np.array([(0, 480, 60, 80)], NOTE)),)))
    windows, lengths = kind.cut(short.array, [(0, kind.steps), (kind.steps, kind.steps), (90, kind.steps)])
    assert kind.has_onset(windows).tolist() == [True, False, False]
    assert [len(found) for found in kind.decode(kind.join(windows, lengths))] == [1, 1, 1]


@each_kind
def test_a_blank_hearing_renders(kind):
    assert kind.render(kind.blank(3).array, kind.blank(3)).end == 0
    assert len(kind.blank(3).grid) == 3
    assert kind.blank().grid.total_steps >= kind.steps


@each_kind
def test_settings_survive_json(kind):
    assert from_data(json.loads(json.dumps(to_data(kind))), REPRESENTATIONS) == kind


@pytest.mark.parametrize("kind", REPRESENTATIONS)
@pytest.mark.parametrize("wrong", [{"steps": 0}, {"steps_per_quarter": 0}])
def test_settings_that_cannot_work(kind, wrong):
    with pytest.raises(ConfigError):
        kind(**wrong)


@pytest.mark.parametrize("kind", [Melody, Pianoroll])
@pytest.mark.parametrize("wrong", [{"lowest_pitch": 60, "highest_pitch": 70}, {"highest_pitch": 128}])
def test_ranges_that_cannot_work(kind, wrong):
    with pytest.raises(ConfigError):
        kind(**wrong)


@each_kind
def test_only_drums_and_no_notes_are_refused(kind):
    beat = Track(np.array([(0, 480, 36, 80)], NOTE), is_drum=True)
    with pytest.raises(NoWindows, match=r"only drums.*pitched notes"):
        kind.extract(Song((beat,)))
    with pytest.raises(NoWindows, match="no notes"):
        kind.extract(Song((Track(),)))
    windows, problems = training_windows(kind, Song((beat,)))
    assert windows.shape == (0, *kind.shape)
    assert len(problems) == 1


@each_kind
def test_silent_bars_are_refused(kind):
    notes = np.array([(0, 480, 60, 80), (9600, 9800, 60, 80)], NOTE)
    with pytest.raises(NoWindows, match="no note begins in bars 2 to 3"):
        kind.extract(Song((Track(notes),)), bars=(2, 3))
    with pytest.raises(ConfigError, match="bars 1 to 6"):
        kind.extract(Song((Track(notes),)), bars=(2, 7))
