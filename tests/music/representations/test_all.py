"""What holds for every representation."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.representations.frames import frames
from musicae.core.configuration import from_data, to_data
from musicae.errors import ConfigError, NoWindows
from musicae.music.extraction.extract import training_windows
from musicae.music.representations import REPRESENTATIONS, Drums, Groove, Melody, Multitrack, Pianoroll, Trio
from musicae.music.representations.multitrack_notes import CHORD
from musicae.music.representations.rendering import blank, render
from musicae.music.score.grid import Grid
from musicae.music.score.note_arrays import NOTE, tidy
from musicae.music.score.score import Tempo, TimeSignature, Track
from musicae.music.song import Song

PITCHED = [
    Melody(),
    Melody(steps=24, steps_per_quarter=3, lowest_pitch=48, highest_pitch=72),
    Melody(steps=16, chords=True, key=True),
    Pianoroll(),
    Pianoroll(steps=16, lowest_pitch=36, highest_pitch=84),
]
KINDS = [
    *PITCHED,
    Drums(),
    Drums(labels=True),
    Drums(kit="old", steps=16, steps_per_quarter=3),
    Drums(classes=61),
    Groove(),
    Groove(kit="roland", steps=16),
    Groove(steps=24, steps_per_quarter=3),
    Groove(condition_on_hits=True),
    Trio(steps=32),
    Trio(steps=32, multi_hot_drums=True),
    Trio(steps=24, steps_per_quarter=3, kit="old"),
    Multitrack(),
    Multitrack(chords=True),
    Multitrack(steps=48, steps_per_quarter=12, most_tracks=4, tokens=24),
]
STRICT = [kind(strict=True) for kind in REPRESENTATIONS if hasattr(kind, "strict")]
MELODY, BASS, KIT = (80, False), (33, False), (8, True)
each_kind = pytest.mark.parametrize("kind", KINDS, ids=repr)
each_pitched = pytest.mark.parametrize("kind", PITCHED, ids=repr)
few = settings(max_examples=12)


@st.composite
def songs(draw) -> Song:
    """A melody, a bass, drums and up to two tracks more, in up to three metres, with notes anywhere in it.

    Some begin on a quarter, and some pitches come again and again: notes that meet are what is hard.
    """
    quarter, signatures, tick = draw(frames())
    parts = [MELODY, BASS, KIT, *draw(st.lists(st.sampled_from([MELODY, (0, False), KIT]), max_size=2))]
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tracks = []
    for program, is_drum in (parts[i] for i in random.permutation(len(parts))):
        rows = np.zeros(random.integers(1, 16), NOTE)
        start = random.integers(0, tick, len(rows))
        rows["start"] = np.where(random.random(len(rows)) < 0.5, start, start // quarter * quarter)
        rows["end"] = np.minimum(rows["start"] + random.integers(1, 6 * quarter, len(rows), endpoint=True), tick)
        rows["pitch"] = random.choice(random.integers(0, 128, 6), len(rows))
        rows["velocity"] = random.integers(1, 128, len(rows))
        tracks.append(Track(tidy(rows), program, is_drum, f"Ålesund {len(tracks)}"))
    return Song(tuple(tracks), quarter, (Tempo(0, 90.0), Tempo(tick // 2, 140.0)), signatures)


def about(tracks: tuple[Track, ...]) -> list[tuple]:
    return [(one.program, one.is_drum, one.name) for one in tracks]


def notes(array: np.ndarray) -> list:
    """All that is joined of windows again: of a table of notes, those that are no chords."""
    return (array[array["part"] != CHORD] if array.dtype.names else array).tolist()


def rendered(kind, windows: np.ndarray) -> tuple[Track, ...]:
    """The tracks of a window alone, on a grid that has room for it."""
    return render(kind, kind.join(windows[None], [kind.steps]), blank(kind)).tracks


def pitch_range(kind) -> tuple[int, int]:
    if isinstance(kind, Multitrack):
        return 0, 127
    return getattr(kind, "lowest_pitch", 21), getattr(kind, "highest_pitch", 108)


def test_every_representation_is_among_them():
    assert {type(kind) for kind in KINDS} == set(REPRESENTATIONS)


@each_kind
@few
@given(song=songs())
def test_what_is_rendered_is_extracted_again(kind, song):
    first = kind.extract(song)
    result = render(kind, first.array, first)
    assert about(result.tracks) == about(first.tracks)
    for one, its in zip(result.tracks, first.tracks, strict=True):
        assert set(one.notes["velocity"]) <= set(its.notes["velocity"]) or isinstance(kind, Multitrack)
    bars = min(len(Grid.of(result, kind.steps_per_quarter)), len(first.grid))  # a late hit may ring into one more
    again = kind.extract(result, bars=(1, bars))
    ours, theirs = (sorted(zip(*map(np.ndarray.tolist, kind.decode(one.array)), strict=True)) for one in (again, first))
    assert ours == theirs
    for one, other in zip(render(kind, again.array, again).tracks, result.tracks, strict=True):
        assert one.notes.tolist() == other.notes.tolist()
    assert not re.search("grid|range|merged|beside|softest", " ".join(again.report))


@each_kind
@few
@given(song=songs())
def test_windows_cut_and_joined_are_the_whole(kind, song):
    whole = kind.extract(song)
    windows, lengths = kind.cut(whole.array, whole.grid.windows(kind.steps))
    assert windows.shape == (len(lengths), *kind.shape)
    assert windows.dtype == kind.dtype
    assert notes(kind.join(windows, lengths)) == notes(whole.array)


@each_kind
@few
@given(song=songs())
def test_what_a_network_reads_is_made_windows_again(kind, song):
    whole = kind.extract(song)
    windows, lengths = kind.cut(whole.array, whole.grid.windows(kind.steps))
    x, condition = kind.to_data(windows)
    assert x.shape == (len(windows), *kind.example_spec.shape)
    if kind.conditioning.size:
        assert condition.shape == (len(windows), *kind.example_spec.size, kind.conditioning.size)
        assert condition.dtype == np.float32
    else:
        assert condition is None
    again = kind.from_data(x)
    assert (again.shape, again.dtype) == (windows.shape, windows.dtype)
    assert np.array_equal(kind.to_data(again)[0], x)
    assert kind.step_matches(again, windows).all()
    for ours, theirs in zip(*(kind.decode(kind.join(one, lengths)) for one in (again, windows)), strict=True):
        assert np.array_equal(ours, theirs)


@each_kind
@few
@given(song=songs(), semitones=st.integers(-150, 150))
def test_pitched_parts_are_transposed_together_and_stay_in_range(kind, song, semitones):
    windows, _ = training_windows(kind, song)
    moved, low, high = (kind.transpose(windows, np.full(len(windows), by)) for by in (semitones, -150, 150))
    assert moved.dtype == windows.dtype
    assert np.array_equal(kind.transpose(low, np.full(len(windows), 150)), high)
    lowest, highest = pitch_range(kind)
    for i, (window, other, up) in enumerate(zip(windows, moved, high, strict=True)):
        moves, tops = set(), []
        for before, after, top in zip(*(rendered(kind, one) for one in (window, other, up)), strict=True):
            unmoved = ["start", "end", "velocity", *["pitch"] * before.is_drum]
            assert before.notes[unmoved].tolist() == after.notes[unmoved].tolist()
            if not before.is_drum:
                moves |= set((after.notes["pitch"].astype(int) - before.notes["pitch"]).tolist())
                tops += top.notes["pitch"].tolist()
                assert all(lowest <= pitch <= highest for pitch in after.notes["pitch"])
        assert len(moves) <= 1
        assert all(abs(by) <= abs(semitones) and by * semitones >= 0 for by in moves)
        assert i or max(tops, default=highest) == highest  # later ones may hold a note that began before them


@pytest.mark.parametrize("kind", [*PITCHED, Trio(steps=32)], ids=repr)
@few
@given(
    song=songs(), classes=st.sets(st.integers(0, 11), min_size=3), low=st.integers(48, 60), width=st.integers(12, 60)
)
def test_notes_outside_the_allowed_pitches_are_moved_inside(kind, song, classes, low, width):
    windows, _ = training_windows(kind, song)
    allowed = {pitch for pitch in range(low, low + width) if pitch % 12 in classes}
    inside = np.tile(np.isin(np.arange(128), list(allowed)), (len(windows), 1))
    found = kind.in_pitches(windows, inside)
    assert found.dtype == windows.dtype
    assert np.array_equal(kind.in_pitches(found, inside), found)
    assert np.array_equal(kind.in_pitches(windows, np.ones_like(inside)), windows)
    for window, other in zip(windows, found, strict=True):
        for before, after in zip(rendered(kind, window), rendered(kind, other), strict=True):
            if before.is_drum:
                assert before.notes.tolist() == after.notes.tolist()
                continue
            assert set(after.notes["pitch"].tolist()) <= allowed
            assert set(before.notes["start"].tolist()) == set(after.notes["start"].tolist())
            if not isinstance(kind, Pianoroll):  # two notes of a chord may become one
                stays = np.isin(before.notes["pitch"], list(allowed))
                assert before.notes[stays].tolist() == after.notes[stays].tolist()
                assert before.notes[["start", "end"]].tolist() == after.notes[["start", "end"]].tolist()


@each_kind
@few
@given(song=songs())
def test_training_windows_are_different_and_sound(kind, song):
    windows, problems = training_windows(kind, song, "all")
    assert bool(problems) == (not len(windows))
    assert problems in ([], ["the song: no windows"]) or isinstance(kind, Trio), "only a trio may never play together"
    assert windows.shape[1:] == kind.shape
    assert windows.dtype == kind.dtype
    assert kind.has_onset(windows).all()
    assert np.array_equal(kind.onsets(windows).any(axis=(1, 2)), kind.has_onset(windows))
    assert len({window.tobytes() for window in windows}) == len(windows)


def band(*starts: int, velocity: int = 72, **about) -> Song:
    """A flute, a bass and drums that play a quarter at each of these ticks."""
    parts = [("Flöte", 73, False, 60), ("Bass", 33, False, 36), ("Kit", 8, True, 36)]
    rows = [[(start, start + 480, pitch, velocity) for start in starts] for *_, pitch in parts]
    tracks = (Track(np.array(row, NOTE), *part[1:3], part[0]) for row, part in zip(rows, parts, strict=True))
    return Song(tuple(tracks), 480, **about)


@each_kind
def test_a_band_has_windows_to_train_on(kind):
    windows, problems = training_windows(kind, band(*range(0, 7680, 480)))
    assert len(windows) > 0
    assert problems == []


@each_kind
def test_rendering_keeps_tempo_metre_program_and_name(kind):
    tempos = (Tempo(0, 60.0), Tempo(1440, 100.0), Tempo(5760, 130.0))
    metres = (TimeSignature(0, 3, 4), TimeSignature(5760, 6, 8))
    part = kind.extract(band(*range(2880, 11520, 1440), tempos=tempos, time_signatures=metres), bars=(3, 5))
    result = render(kind, part.array, part)
    assert result.tempos == (Tempo(0, 100.0), Tempo(2880, 130.0))
    assert result.time_signatures == (TimeSignature(0, 3, 4), TimeSignature(2880, 6, 8))
    for track in result.tracks:
        assert track.program in (8, 33, 73)
        assert sorted(set(track.notes["start"].tolist())) == [0, 1440, 2880]
        assert set(track.notes["velocity"].tolist()) == {72}


@each_kind
def test_a_song_laid_on_longer_bars_is_padded_with_silence(kind):
    short = kind.extract(band(0))
    windows, lengths = kind.cut(short.array, [(0, kind.steps), (kind.steps, kind.steps), (90, kind.steps)])
    assert kind.has_onset(windows).tolist() == [True, False, False]
    assert len(kind.decode(kind.join(windows, lengths))[0]) == len(kind.decode(short.array)[0]) > 0


@each_kind
def test_a_blank_one_renders(kind):
    silence = blank(kind, 3)
    assert render(kind, silence.array, silence).end == 0
    assert len(silence.grid) == 3
    assert blank(kind).grid.total_steps >= kind.steps


@pytest.mark.parametrize("kind", [*KINDS, *STRICT], ids=repr)
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
def test_no_notes_are_refused(kind):
    with pytest.raises(NoWindows, match=r"no notes|no drums"):
        kind.extract(Song((Track(),)))
    if not isinstance(kind, Groove):  # whose `windows` raises the error too
        windows, problems = training_windows(kind, Song((Track(),)))
        assert windows.shape == (0, *kind.shape)
        assert len(problems) == 1


@each_pitched
def test_only_drums_are_refused(kind):
    beat = Song((band(0).tracks[2],))
    with pytest.raises(NoWindows, match=r"only drums.*pitched notes"):
        kind.extract(beat)
    windows, problems = training_windows(kind, beat)
    assert windows.shape == (0, *kind.shape)
    assert len(problems) == 1


@each_kind
def test_silent_bars_are_refused(kind):
    song = band(0, 9600)
    with pytest.raises(NoWindows, match="no note begins in bars 2 to 3"):
        kind.extract(song, bars=(2, 3))
    with pytest.raises(ConfigError, match="bars 1 to 6"):
        kind.extract(song, bars=(2, 7))
